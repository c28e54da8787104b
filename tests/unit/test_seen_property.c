/*
 * test_seen_property.c - the set of ids against a plain sorted array, for ids of every kind.
 *
 * ctest: property timeout=240
 */
#include "engine/base/mem.h"
#include "engine/seen/seen.h"
#include "tests/unit/scratch_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define IDS_MAX   200000u
#define BATCH_MAX 20000u

/* --- random numbers, the same on every run -------------------------------------------------- */

static uint64_t random_state;

static uint64_t random_u64(void)
{
    random_state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t mixed = random_state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

static uint64_t random_below(uint64_t limit)
{
    return random_u64() % limit;
}

/* --- the oracle ----------------------------------------------------------------------------- */

struct oracle {
    uint64_t *ids; /* ascending */
    size_t count;
};

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = 0;
    uint64_t right = 0;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

static size_t sort_unique(uint64_t *ids, size_t count)
{
    qsort(ids, count, sizeof *ids, compare_ids);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    }
    return kept;
}

static bool oracle_holds(const struct oracle *oracle, uint64_t id)
{
    return oracle->count > 0 &&
           bsearch(&id, oracle->ids, oracle->count, sizeof id, compare_ids) != NULL;
}

static void oracle_add(struct oracle *oracle, const uint64_t *ids, size_t count)
{
    assert_true(oracle->count + count <= IDS_MAX);
    memcpy(oracle->ids + oracle->count, ids, count * sizeof *ids);
    oracle->count = sort_unique(oracle->ids, oracle->count + count);
}

/* --- the set under test --------------------------------------------------------------------- */

struct bench {
    struct scratch_store store;
    struct seen *seen;
    struct oracle oracle;
    uint64_t *batch;
    bool *held;
};

static int make_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    scratch_store_open(&bench->store);
    assert_int_equal(seen_new(&bench->seen), STATUS_OK);
    bench->oracle.ids = calloc(IDS_MAX, sizeof(uint64_t));
    bench->batch = calloc(BATCH_MAX, sizeof(uint64_t));
    bench->held = calloc(BATCH_MAX, sizeof(bool));
    assert_true(bench->oracle.ids && bench->batch && bench->held);
    random_state = 1;
    *state = bench;
    return 0;
}

static int drop_bench(void **state)
{
    struct bench *bench = *state;
    seen_free(bench->seen);
    scratch_store_drop(&bench->store);
    free(bench->oracle.ids);
    free(bench->batch);
    free(bench->held);
    free(bench);
    return 0;
}

static void expect_held(const struct bench *bench, size_t count, size_t *fresh)
{
    *fresh = 0;
    for (size_t i = 0; i < count; i++) {
        const bool held = oracle_holds(&bench->oracle, bench->batch[i]);
        assert_int_equal(bench->held[i], held);
        *fresh += !held;
    }
}

static void no_problem(void *context, const char *what)
{
    (void)context;
    fail_msg("%s", what);
}

/* Checks and adds the first `count` ids of the batch, in any order, and verifies the whole set. */
static void add_batch(struct bench *bench, size_t count)
{
    count = sort_unique(bench->batch, count);
    struct error err = {0};
    struct kv_txn *txn = scratch_store_begin(&bench->store, true);
    size_t fresh = 0;
    memset(bench->held, 2, count);
    assert_int_equal(
        seen_check(bench->seen, txn, (struct id_list){bench->batch, count}, bench->held, &err),
        STATUS_OK);
    expect_held(bench, count, &fresh);

    uint64_t added = 0;
    memset(bench->held, 2, count);
    assert_int_equal(seen_add(bench->seen, txn, (struct id_list){bench->batch, count}, bench->held,
                              &added, &err),
                     STATUS_OK);
    expect_held(bench, count, &fresh);
    assert_int_equal(added, fresh);
    oracle_add(&bench->oracle, bench->batch, count);

    uint64_t total = 0;
    assert_int_equal(seen_verify(bench->seen, txn, no_problem, NULL, &total, &err), STATUS_OK);
    assert_int_equal(total, bench->oracle.count);
    assert_int_equal(kv_commit(txn, &err), STATUS_OK);
}

/* Held are all ids of the oracle, and none of their neighbours that it does not hold. */
static void expect_exactly_the_oracle(struct bench *bench)
{
    struct kv_txn *txn = scratch_store_begin(&bench->store, false);
    const struct oracle *oracle = &bench->oracle;
    for (size_t from = 0; from < oracle->count; from += BATCH_MAX / 3) {
        size_t count = 0;
        for (size_t i = from; i < oracle->count && i < from + BATCH_MAX / 3; i++) {
            bench->batch[count++] = oracle->ids[i];
            bench->batch[count++] = oracle->ids[i] + 1;
            bench->batch[count++] = oracle->ids[i] - 1;
        }
        count = sort_unique(bench->batch, count);
        assert_int_equal(
            seen_check(bench->seen, txn, (struct id_list){bench->batch, count}, bench->held, NULL),
            STATUS_OK);
        size_t fresh = 0;
        expect_held(bench, count, &fresh);
    }
    kv_abort(txn);
}

/* --- kinds of ids --------------------------------------------------------------------------- */

static uint64_t snowflake(uint64_t ms, uint64_t worker, uint64_t sequence)
{
    return ms << 22 | worker << 12 | sequence;
}

/* Ids from `ms` on, `gap_ms` apart on average, of `workers` workers; returns the last ms. */
static uint64_t fill_snowflakes(struct bench *bench, size_t count, uint64_t ms, uint64_t gap_ms,
                                uint64_t workers)
{
    for (size_t i = 0; i < count; i++) {
        ms += random_below(2 * gap_ms + 1);
        const uint64_t sequence = random_below(8) == 0 ? random_below(20) : 0;
        bench->batch[i] = snowflake(ms, random_below(workers) * 1023 / workers, sequence);
    }
    return ms;
}

static void snowflakes_in_order_count_once(void **state)
{
    struct bench *bench = *state;
    const uint64_t workers[] = {1, 2, 5, 64, 65, 1024};
    uint64_t ms = 240000000000;
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++) {
        ms = fill_snowflakes(bench, BATCH_MAX, ms, 1 + i * i, workers[i]);
        add_batch(bench, BATCH_MAX);
    }
    add_batch(bench, BATCH_MAX); /* the same again: nothing is new */
    expect_exactly_the_oracle(bench);
}

static void late_and_interleaved_snowflakes_count_once(void **state)
{
    struct bench *bench = *state;
    for (uint64_t round = 0; round < 12; round++) {
        const uint64_t back_ms = random_below(3) * 40000;
        (void)fill_snowflakes(bench, 5000, 240000100000 + round * 20000 - back_ms, 10,
                              1 + round % 4);
        add_batch(bench, 5000);
    }
    for (uint64_t round = 0; round < 5; round++) { /* older and older */
        (void)fill_snowflakes(bench, 3000, 240000000000 - round * 1000000, 3, 2);
        add_batch(bench, 3000);
    }
    expect_exactly_the_oracle(bench);
}

static void random_ids_count_once(void **state)
{
    struct bench *bench = *state;
    for (int round = 0; round < 10; round++) {
        const size_t count = 1 + random_below(12000);
        for (size_t i = 0; i < count; i++)
            bench->batch[i] = random_u64();
        add_batch(bench, count);
    }
    expect_exactly_the_oracle(bench);
}

static void ids_of_all_magnitudes_count_once(void **state)
{
    struct bench *bench = *state;
    for (int round = 0; round < 30; round++) {
        const size_t count = 1 + random_below(3000);
        for (size_t i = 0; i < count; i++)
            bench->batch[i] = random_u64() >> random_below(64);
        add_batch(bench, count);
    }
    expect_exactly_the_oracle(bench);
}

static void ids_one_apart_reach_both_ends(void **state)
{
    struct bench *bench = *state;
    for (uint64_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < BATCH_MAX; i++)
            bench->batch[i] = UINT64_MAX - round * BATCH_MAX - i;
        add_batch(bench, BATCH_MAX);
        for (size_t i = 0; i < BATCH_MAX; i++)
            bench->batch[i] = round * BATCH_MAX + i;
        add_batch(bench, BATCH_MAX);
    }
    expect_exactly_the_oracle(bench);
}

static void single_ids_in_any_order_count_once(void **state)
{
    struct bench *bench = *state;
    static const uint64_t extremes[] = {UINT64_MAX, 0, UINT64_MAX - 1, 1, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof extremes / sizeof extremes[0]; i++) {
        bench->batch[0] = extremes[i];
        add_batch(bench, 1);
        bench->batch[0] = extremes[i];
        add_batch(bench, 1);
    }
    for (int i = 0; i < 2000; i++) {
        bench->batch[0] = random_below(100000);
        add_batch(bench, 1);
    }
    expect_exactly_the_oracle(bench);
}

static void sparse_batches_into_full_pages_count_once(void **state)
{
    struct bench *bench = *state;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < BATCH_MAX; i++)
            bench->batch[i] = 5 * ((uint64_t)round * BATCH_MAX + i);
        add_batch(bench, BATCH_MAX);
    }
    for (int round = 0; round < 300; round++) {
        const size_t count = 1 + random_below(40);
        const uint64_t from = random_below(400000);
        for (size_t i = 0; i < count; i++)
            bench->batch[i] = random_below(10) == 0 ? random_below(400000) : from + i;
        add_batch(bench, count);
    }
    expect_exactly_the_oracle(bench);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, make_bench, drop_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(snowflakes_in_order_count_once),
        ON_BENCH(late_and_interleaved_snowflakes_count_once),
        ON_BENCH(random_ids_count_once),
        ON_BENCH(ids_of_all_magnitudes_count_once),
        ON_BENCH(ids_one_apart_reach_both_ends),
        ON_BENCH(single_ids_in_any_order_count_once),
        ON_BENCH(sparse_batches_into_full_pages_count_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
