/*
 * test_query_log.c - the sorted log: memory that suffices, runs in a file, limits, directions.
 */
#include "engine/store/store.h"
#include "query/log/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#define ROWS    3000
#define DEVICES 7u

struct fixture {
    char dir[64];
    struct snapshot *snapshot;
    struct selection selection;
};

static void add_row(struct row_batch *batch, int i)
{
    const struct row_batch_mark mark = row_batch_mark(batch);
    const enum table table = i % 10 == 0 ? TABLE_STATUS : TABLE_READINGS;
    char name[32];
    struct row *row = NULL;
    assert_int_equal(row_batch_add_row(batch, table, &row), STATUS_OK);
    (void)snprintf(name, sizeof name, "pk/d%u", (unsigned)i % DEVICES);
    assert_int_equal(name_table_add(&batch->devices, slice_of_text(name), &row->device), STATUS_OK);
    row->message_id = (uint64_t)(ROWS - i);
    row->time_ms = INT64_C(1526450000000) + (i * INT64_C(7919)) % 1000;
    row->time_source = TIME_SOURCE_ENVELOPE;
    uint32_t metric = STATUS_METRIC_STATE;
    if (table == TABLE_READINGS)
        assert_int_equal(name_table_add(&batch->metrics, slice_of_text("t"), &metric), STATUS_OK);
    assert_int_equal(row_batch_add_cell(batch, table, metric, number_from_integer(i % 20 == 0)),
                     STATUS_OK);
    assert_int_equal(row_batch_add_message(batch, table, (uint64_t)(ROWS - i), mark), STATUS_OK);
}

static int make_store(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    (void)snprintf(fixture->dir, sizeof fixture->dir, "/tmp/mnsdb-log-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    struct row_batch batch = {0};
    for (int i = 0; i < ROWS; i++)
        add_row(&batch, i);
    struct store *store = NULL;
    struct commit_result result = {0};
    struct row_batch *const batches[] = {&batch};
    assert_int_equal(store_open(&store, fixture->dir, NULL), STATUS_OK);
    assert_int_equal(store_commit(store, batches, 1, &result, NULL), STATUS_OK);
    assert_int_equal(result.stored, ROWS);
    store_close(store);
    row_batch_release(&batch);
    const struct selection_spec all = {0};
    assert_int_equal(snapshot_open(&fixture->snapshot, fixture->dir, NULL), STATUS_OK);
    assert_int_equal(selection_init(&fixture->selection, fixture->snapshot, &all, NULL), STATUS_OK);
    *state = fixture;
    return 0;
}

static int drop_store(void **state)
{
    struct fixture *fixture = *state;
    selection_release(&fixture->selection);
    snapshot_close(fixture->snapshot);
    char path[96];
    static const char *const files[] = {"data.mdb", "lock.mdb", "lock", "writer.lock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", fixture->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(fixture->dir);
    free(fixture);
    return 0;
}

struct entry {
    int64_t time_ms;
    uint64_t id;
};

static size_t read_log(struct fixture *fixture, struct log_spec spec, struct entry *entries)
{
    struct log *log = NULL;
    struct answer answer = {0};
    struct scan_statistics statistics = {0};
    spec.selection = &fixture->selection;
    assert_int_equal(log_collect(&log, fixture->snapshot, &spec, &statistics, NULL), STATUS_OK);
    assert_int_equal(log_add_columns(log, &answer, NULL), STATUS_OK);
    assert_int_equal(answer.column_count, 6);
    size_t count = 0;
    for (;;) {
        const struct answer_cell *cells = NULL;
        assert_int_equal(log_next(log, &cells, NULL), STATUS_OK);
        if (!cells)
            break;
        assert_in_range(count, 0, ROWS - 1);
        const bool is_reading =
            cell_text(&cells[2]).len == strlen("reading") && cell_text(&cells[2]).data[0] == 'r';
        assert_int_equal(cells[5].kind, is_reading ? CELL_NUMBER : CELL_NULL);
        entries[count++] = (struct entry){cells[0].integer, cells[3].id};
    }
    answer_release(&answer);
    log_release(log);
    return count;
}

static void check_order(const struct entry *entries, size_t count, bool newest_first)
{
    for (size_t i = 1; i < count; i++) {
        if (entries[i - 1].time_ms == entries[i].time_ms)
            assert_true(entries[i - 1].id < entries[i].id);
        else
            assert_true(newest_first == (entries[i - 1].time_ms > entries[i].time_ms));
    }
}

static struct entry whole[ROWS];
static struct entry part[ROWS];

static void rows_and_events_come_by_time_and_id(void **state)
{
    assert_int_equal(read_log(*state, (struct log_spec){0}, whole), ROWS);
    check_order(whole, ROWS, false);
}

static void many_runs_in_a_file_give_the_same_log(void **state)
{
    assert_int_equal(read_log(*state, (struct log_spec){0}, whole), ROWS);
    assert_int_equal(read_log(*state, (struct log_spec){.memory_bytes = 4096}, part), ROWS);
    assert_memory_equal(part, whole, sizeof whole);
}

static void the_newest_can_come_first(void **state)
{
    const struct log_spec spec = {.newest_first = true};
    assert_int_equal(read_log(*state, spec, whole), ROWS);
    check_order(whole, ROWS, true);
    const struct log_spec spilled = {.newest_first = true, .memory_bytes = 4096};
    assert_int_equal(read_log(*state, spilled, part), ROWS);
    assert_memory_equal(part, whole, sizeof whole);
}

static void a_limit_takes_the_first_of_the_whole(void **state)
{
    assert_int_equal(read_log(*state, (struct log_spec){0}, whole), ROWS);
    static const uint64_t limits[] = {0, 1, 10, 60, 2000, 5000};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const size_t wanted = limits[i] < ROWS ? (size_t)limits[i] : ROWS;
        const struct log_spec spec = {.has_limit = true, .limit = limits[i], .memory_bytes = 4096};
        assert_int_equal(read_log(*state, spec, part), wanted);
        assert_memory_equal(part, whole, wanted * sizeof *whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_events_come_by_time_and_id),
        cmocka_unit_test(many_runs_in_a_file_give_the_same_log),
        cmocka_unit_test(the_newest_can_come_first),
        cmocka_unit_test(a_limit_takes_the_first_of_the_whole),
    };
    return cmocka_run_group_tests(tests, make_store, drop_store);
}
