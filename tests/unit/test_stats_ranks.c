/*
 * test_stats_ranks.c - percentiles that leave blocks unseen equal those that look at every value.
 *
 * The store has one product: grouped by it, the same rows are answered from all values.
 *
 * ctest: property threads
 */
#include "engine/store/store.h"
#include "query/aggregate/aggregate.h"
#include "tests/unit/store_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DEVICES     24u
#define COMMITS     6u
#define COMMIT_ROWS 4000u

static uint64_t seed = UINT64_C(88172645463325252);
static uint32_t guesses_that_paid;

static uint64_t pick(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static void add_cell(struct row_batch *batch, const char *name, struct number value)
{
    uint32_t metric = 0;
    assert_int_equal(name_table_add(&batch->metrics, slice_of_text(name), &metric), STATUS_OK);
    assert_int_equal(row_batch_add_cell(batch, TABLE_READINGS, metric, value), STATUS_OK);
}

/* Each device has a level of its own: a block's values lie close together, far from others'. */
static struct number some_value(uint64_t device)
{
    const int64_t level = ((int64_t)device - (int64_t)DEVICES / 2) * 400;
    const int64_t mantissa = level + (int64_t)pick(500);
    switch (pick(200)) {
    case 0:
        return number_from_real((double)mantissa / 700.0);
    case 1:
        return number_from_decimal(mantissa, 3);
    case 2:
        return number_from_decimal(mantissa, -9);
    default:
        return number_from_decimal(mantissa, -2);
    }
}

static void add_row(struct row_batch *batch, uint64_t id)
{
    const struct row_batch_mark mark = row_batch_mark(batch);
    const uint64_t device = pick(DEVICES);
    char name[32];
    struct row *row = NULL;
    assert_int_equal(row_batch_add_row(batch, TABLE_READINGS, &row), STATUS_OK);
    (void)snprintf(name, sizeof name, "pk/d%02u", (unsigned)device);
    assert_int_equal(name_table_add(&batch->devices, slice_of_text(name), &row->device), STATUS_OK);
    row->message_id = id;
    row->time_ms = INT64_C(1526450000000) + (int64_t)id * INT64_C(1000);
    row->time_source = TIME_SOURCE_PAYLOAD;
    if (pick(10) > 0)
        add_cell(batch, "a", some_value(device));
    if (device % 3 == 0 && pick(3) > 0)
        add_cell(batch, "b", some_value(DEVICES - 1 - device));
    assert_int_equal(row_batch_add_message(batch, TABLE_READINGS, id, mark), STATUS_OK);
}

static void commit(struct store *store, uint64_t first_id, uint32_t rows)
{
    struct row_batch batch = {0};
    struct commit_result result = {0};
    struct row_batch *const batches[] = {&batch};
    for (uint32_t i = 0; i < rows; i++)
        add_row(&batch, first_id + i);
    assert_int_equal(store_commit(store, batches, 1, &result, NULL), STATUS_OK);
    row_batch_release(&batch);
}

static int make(void **state)
{
    char *dir = calloc(STORE_DIR_BYTES, 1);
    assert_non_null(dir);
    store_dir_make(dir);
    *state = dir;
    return 0;
}

static int drop(void **state)
{
    char *dir = *state;
    store_dir_remove(dir);
    free(dir);
    return 0;
}

static void ask(struct snapshot *snapshot, const struct stats_spec *spec, struct answer *answer,
                struct scan_statistics *statistics)
{
    struct error err = {0};
    assert_int_equal(stats_query(snapshot, spec, answer, statistics, &err), STATUS_OK);
    assert_int_equal(answer_shown_count(answer), 1);
}

/* The percentiles of all, guessed from `guess_blocks` on; returns the blocks counted unseen. */
static uint64_t compare_ranked(struct snapshot *snapshot, struct stats_spec spec,
                               uint32_t guess_blocks, const struct answer_cell *expected)
{
    OWNED(answer_release) struct answer ranked = {0};
    struct scan_statistics few = {0};
    spec.by = STATS_BY_NONE;
    spec.guess_blocks = guess_blocks;
    ask(snapshot, &spec, &ranked, &few);
    const struct answer_cell *found = answer_row(&ranked, 0);
    for (size_t i = 0; i < ranked.column_count; i++)
        assert_int_equal(cell_compare(&expected[i], &found[i]), 0);
    return few.blocks_from_summary;
}

/* All ways to the same figures; returns how many blocks were counted unseen. */
static uint64_t compare(struct store *store, uint32_t threads, const struct selection_spec *wanted,
                        const char *aggregates)
{
    static struct aggregate_list list;
    OWNED(answer_release) struct answer seen = {0};
    struct scan_statistics all = {0};
    struct snapshot *snapshot = NULL;
    OWNED(selection_release) struct selection selection = {0};
    assert_int_equal(snapshot_open_beside(&snapshot, store, NULL), STATUS_OK);
    snapshot_set_threads(snapshot, threads);
    assert_int_equal(selection_init(&selection, snapshot, wanted, NULL), STATUS_OK);
    assert_int_equal(aggregate_list_parse(aggregates, &list, NULL), STATUS_OK);
    struct stats_spec spec = {.selection = &selection, .aggregates = &list, .by = STATS_BY_PRODUCT};
    ask(snapshot, &spec, &seen, &all);
    assert_int_equal(all.blocks_from_summary, 0);
    const struct answer_cell *by_product = answer_row(&seen, 0) + 1;
    const uint64_t sure = compare_ranked(snapshot, spec, UINT32_MAX, by_product);
    const uint64_t guessed = compare_ranked(snapshot, spec, 1, by_product);
    assert_true(guessed >= sure);
    snapshot_close(snapshot);
    guesses_that_paid += guessed > sure;
    return sure;
}

static uint64_t compare_some(struct store *store)
{
    const struct selection_spec everything = {0};
    const int64_t from_ms = INT64_C(1526450000000) + INT64_C(1000) * COMMIT_ROWS / 3;
    const struct selection_spec some = {.has_from = true,
                                        .from_ms = from_ms,
                                        .has_until = true,
                                        .until_ms = from_ms + INT64_C(1000) * COMMIT_ROWS * 2};
    static const char *const asked[] = {"p0",        "count,avg,min,max,p0.5", "sum,median",
                                        "p95,p99.9", "first,last,p100",        "p0,p50,p100"};
    uint64_t unseen = 0;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        for (uint32_t threads = 1; threads <= 3; threads += 2) {
            unseen += compare(store, threads, &everything, asked[i]);
            (void)compare(store, threads, &some, asked[i]);
        }
    }
    return unseen;
}

static void percentiles_need_no_look_at_blocks_far_from_them(void **state)
{
    const char *dir = *state;
    struct store *store = NULL;
    assert_int_equal(store_open(&store, dir, NULL), STATUS_OK);
    for (uint32_t i = 0; i < COMMITS; i++) {
        commit(store, 1 + (uint64_t)i * COMMIT_ROWS, COMMIT_ROWS);
        (void)compare_some(store);
    }
    for (bool more = true; more;)
        assert_int_equal(store_maintain(store, UPKEEP_SETTLE, &more, NULL), STATUS_OK);
    assert_true(compare_some(store) > 0);
    commit(store, 1 + (uint64_t)COMMITS * COMMIT_ROWS, 50); // these wait in the log
    assert_true(compare_some(store) > 0);
    assert_true(guesses_that_paid > 0);
    store_close(store);
}

/* --- a sample that is like no other device --------------------------------------------------- */

/*
 * So many devices that blocks span some. Those of the sample mostly lie above all others, whose
 * values in the same blocks are seen, too.
 */
#define ODD_DEVICES 640u
#define ODD_PERIOD  64u /* two neighbours of so many are in the sample */
#define ODD_ROWS    96000u

static void add_odd_row(struct row_batch *batch, uint64_t id)
{
    const struct row_batch_mark mark = row_batch_mark(batch);
    const uint64_t device = id % ODD_DEVICES;
    const bool high = device % ODD_PERIOD < 2 && pick(8) > 0;
    char name[32];
    struct row *row = NULL;
    assert_int_equal(row_batch_add_row(batch, TABLE_READINGS, &row), STATUS_OK);
    (void)snprintf(name, sizeof name, "pk/d%03u", (unsigned)device);
    assert_int_equal(name_table_add(&batch->devices, slice_of_text(name), &row->device), STATUS_OK);
    row->message_id = id;
    row->time_ms = INT64_C(1526450000000) + (int64_t)id * INT64_C(1000);
    row->time_source = TIME_SOURCE_PAYLOAD;
    add_cell(batch, "a", number_from_decimal((int64_t)(high ? 900 + pick(100) : pick(900)), -1));
    assert_int_equal(row_batch_add_message(batch, TABLE_READINGS, id, mark), STATUS_OK);
}

static void a_guess_from_devices_unlike_the_others_does_no_harm(void **state)
{
    const char *dir = *state;
    struct store *store = NULL;
    struct row_batch batch = {0};
    struct commit_result result = {0};
    struct row_batch *const batches[] = {&batch};
    static const char *const asked[] = {"p90", "p95", "p96", "p97", "p99", "p5,p95"};
    const struct selection_spec everything = {0};
    assert_int_equal(store_open(&store, dir, NULL), STATUS_OK);
    for (uint32_t i = 0; i < ODD_ROWS; i++)
        add_odd_row(&batch, i + ODD_DEVICES); // so that numbers of devices follow their names
    assert_int_equal(store_commit(store, batches, 1, &result, NULL), STATUS_OK);
    row_batch_release(&batch);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        for (uint32_t threads = 1; threads <= 3; threads += 2)
            (void)compare(store, threads, &everything, asked[i]);
    }
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(percentiles_need_no_look_at_blocks_far_from_them, make,
                                        drop),
        cmocka_unit_test_setup_teardown(a_guess_from_devices_unlike_the_others_does_no_harm, make,
                                        drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
