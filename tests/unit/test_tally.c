/*
 * test_tally.c - ranks and counts of a tally against a sorted array.
 */
#include "engine/base/mem.h"
#include "query/tally/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY ((size_t)3 * TALLY_WAITING_MAX + 17)

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Adds `count` values, and holds the tally against the same values sorted. */
static void check(struct tally *tally, size_t count, uint64_t distinct)
{
    uint64_t *values = malloc(count * sizeof *values);
    assert_non_null(values);
    uint64_t state = 88172645463325252u + count;
    for (size_t i = 0; i < count; i++) {
        values[i] = distinct > 0 ? next_random(&state) % distinct : i;
        assert_int_equal(tally_add(tally, values[i]), STATUS_OK);
    }
    assert_int_equal(tally_close(tally), STATUS_OK);
    assert_int_equal(tally->count, count);
    qsort(values, count, sizeof *values, compare);
    for (uint64_t percent = 0; percent <= 100; percent += 5)
        assert_int_equal(tally_at(tally, percent, 100), values[(count - 1) * percent / 100]);
    for (size_t i = 0; i < count; i += count / 50 + 1) {
        size_t above = 0;
        for (size_t j = i; j < count; j++)
            above += values[j] > values[i];
        assert_int_equal(tally_count_above(tally, values[i]), above);
    }
    assert_int_equal(tally_count_above(tally, UINT64_MAX), 0);
    free(values);
}

static void ranks_are_those_of_sorted_values(void **state)
{
    (void)state;
    struct tally tally = {0};
    for (size_t count = 1; count < 130; count++) {
        for (uint64_t distinct = 1; distinct < 40; distinct += 7) {
            check(&tally, count, distinct);
            tally_clear(&tally);
        }
        check(&tally, count, 0); /* ascending */
        tally_clear(&tally);
    }
    tally_release(&tally);
}

static void more_values_than_wait_are_counted_by_value(void **state)
{
    (void)state;
    struct tally tally = {0};
    check(&tally, MANY, 1000);
    assert_int_equal(tally.entry_count, 1000);
    assert_int_equal(tally.waiting_count, 0);
    tally_clear(&tally);
    check(&tally, 5, 3); /* what was counted is gone */
    tally_clear(&tally);
    check(&tally, MANY, 0);
    tally_release(&tally);
    assert_int_equal(mem_live_blocks(), 0);
}

static void a_failed_allocation_is_told(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct tally tally = {0};
        mem_fail_at(nth);
        status = STATUS_OK;
        for (size_t i = 0; i < TALLY_WAITING_MAX + 2 && status == STATUS_OK; i++)
            status = tally_add(&tally, i / 3);
        if (status == STATUS_OK)
            status = tally_close(&tally);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        tally_release(&tally);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_those_of_sorted_values),
        cmocka_unit_test(more_values_than_wait_are_counted_by_value),
        cmocka_unit_test(a_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
