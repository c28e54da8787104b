/*
 * test_commit.c - what a commit takes in, and what it refuses whole.
 */
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* A message of two rows, each with two values. */
static void add_pair(struct store_fixture *fixture, const int64_t times_ms[2],
                     const char *const metrics[2])
{
    struct row_batch *batch = &fixture->batch;
    const struct row_batch_mark mark = row_batch_mark(batch);
    uint32_t device = 0;
    assert_int_equal(name_table_add(&batch->devices, slice_of_text("pk/d1"), &device), STATUS_OK);
    for (int r = 0; r < 2; r++) {
        struct row *row = NULL;
        assert_int_equal(row_batch_add_row(batch, TABLE_READINGS, &row), STATUS_OK);
        row->device = device;
        row->time_ms = times_ms[r];
        row->message_id = 77;
        for (int m = 0; m < 2; m++) {
            uint32_t metric = 0;
            assert_int_equal(name_table_add(&batch->metrics, slice_of_text(metrics[m]), &metric),
                             STATUS_OK);
            assert_int_equal(
                row_batch_add_cell(batch, TABLE_READINGS, metric, number_from_integer(m)),
                STATUS_OK);
        }
    }
    assert_int_equal(row_batch_add_message(batch, TABLE_READINGS, 77, mark), STATUS_OK);
}

static enum status commit(struct store_fixture *fixture)
{
    struct row_batch *batches[] = {&fixture->batch};
    struct commit_result result;
    struct error err = {0};
    return store_commit(fixture->store, batches, 1, &result, &err);
}

static void a_message_names_each_row_once_or_the_commit_is_refused(void **state)
{
    struct store_fixture *fixture = *state;
    const char *const metrics[] = {"b", "a"};
    const char *const twice[] = {"a", "a"};
    const int64_t ascending[] = {1, 2};
    const int64_t equal[] = {1, 1};
    store_fixture_add_many(fixture, 5, 2, 2);
    store_fixture_commit(fixture);
    add_pair(fixture, equal, metrics);
    assert_int_equal(commit(fixture), STATUS_INPUT);
    store_fixture_forget(fixture);
    store_fixture_compare(fixture);
    add_pair(fixture, ascending, twice);
    assert_int_equal(commit(fixture), STATUS_INPUT);
    store_fixture_forget(fixture);
    store_fixture_compare(fixture);
    add_pair(fixture, ascending, metrics);
    assert_int_equal(commit(fixture), STATUS_OK);
    assert_int_equal(store_counters(fixture->store)->rows[TABLE_READINGS], 7);
    store_fixture_forget(fixture);
}

static void a_commit_of_nothing_or_of_duplicates_adds_no_rows(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_commit(fixture);
    store_fixture_add_many(fixture, 50, 2, 2);
    store_fixture_commit(fixture);
    for (int round = 1; round <= 3; round++) {
        store_fixture_commit(fixture); /* nothing */
        for (size_t i = 0; i < 50; i++)
            store_fixture_add(fixture, fixture->rows[i]);
        fixture->added = fixture->committed;
        store_fixture_commit(fixture);
        assert_int_equal(store_counters(fixture->store)->duplicates, 50 * round);
        store_fixture_compare(fixture);
        if (round == 2)
            (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 100);
        store_fixture_reopen(fixture);
    }
}

/* A few rows with very many values make a log that is long to read, too. */
static void the_log_is_folded_by_values_as_well_as_by_rows(void **state)
{
    struct store_fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        store_fixture_add_many(fixture, 2000, 3, 300);
        store_fixture_commit(fixture);
        (void)store_fixture_maintain(fixture, UPKEEP_STEADY, 100);
    }
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    struct scan_statistics statistics = {0};
    const struct scan_spec spec = {
        .table = TABLE_STATUS, .from_ms = TIME_MS_MIN, .until_ms = TIME_MS_MAX};
    const struct scan_visitor visitor = {0};
    assert_int_equal(snapshot_scan(snapshot, &spec, &visitor, &statistics, NULL), STATUS_OK);
    assert_int_equal(statistics.log_rows, 2000); /* of 6000: the two before were folded */
    snapshot_close(snapshot);
    store_fixture_compare(fixture);
}

#define IN_A_STORE(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(a_message_names_each_row_once_or_the_commit_is_refused),
        IN_A_STORE(a_commit_of_nothing_or_of_duplicates_adds_no_rows),
        IN_A_STORE(the_log_is_folded_by_values_as_well_as_by_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
