/*
 * test_query_log.c - the sorted log: memory that suffices, runs in a file, limits, directions.
 */
#include "query/log/log.h"
#include "tests/unit/query_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS QUERY_STORE_ROWS

struct entry {
    int64_t time_ms;
    uint64_t id;
};

static size_t read_log(struct query_store *store, struct log_spec spec, struct entry *entries)
{
    struct log *log = NULL;
    struct answer answer = {0};
    struct scan_statistics statistics = {0};
    spec.selection = &store->selection;
    assert_int_equal(log_collect(&log, store->snapshot, &spec, &statistics, NULL), STATUS_OK);
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
    return cmocka_run_group_tests(tests, query_store_make, query_store_drop);
}
