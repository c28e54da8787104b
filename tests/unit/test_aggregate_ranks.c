/*
 * test_aggregate_ranks.c - percentile pools: every rank equals that of a plain sort.
 *
 * ctest: property fault
 */
#include "engine/base/mem.h"
#include "query/percentile/percentile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VALUES_MAX 30000u

static uint64_t seed = UINT64_C(2463534242);

static uint64_t pick(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static int compare(const void *left, const void *right)
{
    return number_compare(*(const struct number *)left, *(const struct number *)right);
}

struct sample {
    struct value_pool pool;
    struct number *numbers; /* VALUES_MAX */
    size_t count;
};

static void sample_begin(struct sample *sample)
{
    *sample = (struct sample){.numbers = calloc(VALUES_MAX, sizeof(struct number))};
    assert_non_null(sample->numbers);
}

static void add_run(struct sample *sample, const int64_t *mantissas, size_t count, int exponent)
{
    assert_int_equal(value_pool_add_run(&sample->pool, mantissas, count, exponent), STATUS_OK);
    for (size_t i = 0; i < count; i++)
        sample->numbers[sample->count++] = number_from_decimal(mantissas[i], exponent);
}

/* Compares some ranks, the first and the last among them, and releases. */
static void sample_check(struct sample *sample)
{
    qsort(sample->numbers, sample->count, sizeof *sample->numbers, compare);
    for (size_t i = 0; i < 200; i++) {
        const size_t rank = i == 0 ? 0 : i == 1 ? sample->count - 1 : pick(sample->count);
        struct number number = {0};
        assert_int_equal(value_pool_at(&sample->pool, rank, &number), STATUS_OK);
        assert_int_equal(number_compare(number, sample->numbers[rank]), 0);
    }
    value_pool_release(&sample->pool);
    free(sample->numbers);
}

/* Fills a sample with runs of values in [low, low + range). */
static void add_random(struct sample *sample, size_t count, int64_t low, uint64_t range,
                       int exponent)
{
    int64_t run[1000];
    for (size_t done = 0; done < count;) {
        const size_t wanted = 1 + pick(1000);
        const size_t run_count = wanted < count - done ? wanted : count - done;
        for (size_t i = 0; i < run_count; i++)
            run[i] = low + (int64_t)pick(range);
        add_run(sample, run, run_count, exponent);
        done += run_count;
    }
}

static void few_values_are_ranked(void **state)
{
    (void)state;
    for (size_t count = 1; count < 100; count++) {
        struct sample sample;
        sample_begin(&sample);
        add_random(&sample, count, -50, 100, -2);
        sample_check(&sample);
    }
}

static void many_values_of_a_small_range_are_counted(void **state)
{
    (void)state;
    struct sample sample;
    sample_begin(&sample);
    add_random(&sample, VALUES_MAX, -500, 5000, -2);
    assert_non_null(sample.pool.series[0].counters);
    assert_in_range(sample.pool.series[0].value_count, 0, 100);
    sample_check(&sample);
}

static void values_of_a_large_range_are_sorted(void **state)
{
    (void)state;
    struct sample sample;
    sample_begin(&sample);
    add_random(&sample, VALUES_MAX, INT64_C(-999999999999999999), UINT64_C(1999999999999999999), 0);
    assert_null(sample.pool.series[0].counters);
    sample_check(&sample);
}

static void values_outside_the_counters_are_kept_and_counted_later(void **state)
{
    (void)state;
    struct sample sample;
    sample_begin(&sample);
    add_random(&sample, 6000, 0, 100, 0);
    add_random(&sample, 3000, -3000, 5000, 0);
    add_random(&sample, 10, INT64_C(900000000000000), 1000, 0);
    add_random(&sample, 6000, 200, 300, 0);
    sample_check(&sample);
}

static void several_exponents_and_doubles_are_merged(void **state)
{
    (void)state;
    struct sample sample;
    sample_begin(&sample);
    add_random(&sample, 5000, -300, 600, -2);
    add_random(&sample, 500, -3, 6, 0);
    add_random(&sample, 50, -30, 60, -1);
    for (int i = 0; i < 20; i++) {
        const struct number real = number_from_real((double)(i - 10) / 3.0);
        assert_int_equal(value_pool_add(&sample.pool, real), STATUS_OK);
        sample.numbers[sample.count++] = real;
    }
    sample_check(&sample);
}

static enum status fill(struct value_pool *pool)
{
    struct number number = {0};
    int64_t run[5000];
    for (int64_t i = 0; i < 5000; i++)
        run[i] = i % 100;
    TRY(value_pool_add_run(pool, run, 5000, 0));
    TRY(value_pool_add_run(pool, run, 40, -1));
    TRY(value_pool_add(pool, number_from_real(0.1)));
    return value_pool_at(pool, 2000, &number);
}

static void a_pool_survives_every_failed_allocation(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct value_pool pool = {0};
        mem_fail_at(nth);
        status = fill(&pool);
        mem_fail_at(-1);
        value_pool_release(&pool);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 30);
    }
}

/* Pools of equal, overlapping and distant ranges, with and without counters. */
static void pools_put_together_rank_as_one(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        int64_t low;
        uint64_t range;
        int exponent;
    } pools[] = {
        {50, 0, 100, 0},     {6000, 0, 100, 0},   {6000, 50, 5000, 0},
        {100, 20, 9000, 0},  {6000, -400, 90, 0}, {5000, INT64_C(800000000000), 70, 0},
        {4500, 3, 1000, -2}, {40, -9, 30, -2},
    };
    struct sample sample;
    sample_begin(&sample);
    for (size_t i = 0; i < sizeof pools / sizeof pools[0]; i++) {
        struct value_pool before = sample.pool;
        sample.pool = (struct value_pool){0};
        add_random(&sample, pools[i].count, pools[i].low, pools[i].range, pools[i].exponent);
        const struct number real = number_from_real((double)i / 3.0);
        assert_int_equal(value_pool_add(&sample.pool, real), STATUS_OK);
        sample.numbers[sample.count++] = real;
        assert_int_equal(value_pool_merge(&before, &sample.pool), STATUS_OK);
        assert_int_equal(sample.pool.count, 0);
        sample.pool = before;
        assert_int_equal(sample.pool.count, sample.count);
    }
    sample_check(&sample);
}

static void values_unseen_shift_the_ranks_of_the_others(void **state)
{
    (void)state;
    OWNED(value_pool_release) struct value_pool pool = {0};
    static const int64_t mantissas[] = {7, 5, 6};
    struct number number = {0};
    assert_int_equal(value_pool_add_run(&pool, mantissas, 3, 0), STATUS_OK);
    value_pool_add_unseen(&pool, 10, true);
    value_pool_add_unseen(&pool, 20, false);
    assert_int_equal(pool.count, 33);
    for (uint64_t rank = 10; rank < 13; rank++) {
        assert_int_equal(value_pool_at(&pool, rank, &number), STATUS_OK);
        assert_int_equal(number.mantissa, 5 + (int64_t)rank - 10);
    }
    assert_int_equal(value_pool_at(&pool, 9, &number), STATUS_CORRUPT);
    assert_int_equal(value_pool_at(&pool, 13, &number), STATUS_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_values_are_ranked),
        cmocka_unit_test(many_values_of_a_small_range_are_counted),
        cmocka_unit_test(values_of_a_large_range_are_sorted),
        cmocka_unit_test(values_outside_the_counters_are_kept_and_counted_later),
        cmocka_unit_test(several_exponents_and_doubles_are_merged),
        cmocka_unit_test(pools_put_together_rank_as_one),
        cmocka_unit_test(values_unseen_shift_the_ranks_of_the_others),
        cmocka_unit_test(a_pool_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
