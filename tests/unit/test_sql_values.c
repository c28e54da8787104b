/*
 * test_sql_values.c - statements over readings that are seen through expressions and aliases.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "query/command/command_values.h"
#include "sql/run/statement.h"
#include "tests/unit/query_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAULTS_MAX 20000

static const char *expressions[] = {"both > 3", "both < 1e9"};

struct fixture {
    struct query_store *store;
    struct command_values values;
};

static int make(void **state)
{
    static const struct alias_origin flag = {.source = "--alias"};
    struct fixture *made = calloc(1, sizeof *made);
    struct filter_place place = {0};
    void *store = NULL;
    assert_non_null(made);
    assert_int_equal(query_store_make_values(&store), 0);
    made->store = store;
    snapshot_close(made->store->snapshot); // LMDB opens a store once in a process
    made->store->snapshot = NULL;
    assert_int_equal(alias_list_add(&made->values.aliases, "both=t,h", &flag, NULL), STATUS_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(filter_add(&made->values.filter, expressions[i], &place, NULL), STATUS_OK);
    made->values.expressions = expressions;
    made->values.expression_count = 2;
    *state = made;
    return 0;
}

static int drop(void **state)
{
    struct fixture *made = *state;
    void *store = made->store;
    filter_release(&made->values.filter);
    alias_list_release(&made->values.aliases);
    free(made);
    return query_store_drop(&store);
}

static enum status run(const struct fixture *fixture, bool seen, const char *sql,
                       struct statement *statement, struct error *err)
{
    static const struct civil_zone utc = {.name = "UTC"};
    const struct statement_spec spec = {.dir = fixture->store->dir,
                                        .sql = sql,
                                        .zone = &utc,
                                        .values = seen ? &fixture->values : NULL};
    return statement_run(statement, &spec, err);
}

/* The one number that a statement answers. */
static double answer_of(const struct fixture *fixture, bool seen, const char *sql)
{
    struct statement statement = {0};
    struct error err = {0};
    struct answer_cell cell = {0};
    bool more = false;
    if (run(fixture, seen, sql, &statement, &err) != STATUS_OK)
        fail_msg("%s: %s", sql, err.message);
    assert_int_equal(statement.header.column_count, 1);
    assert_int_equal(spool_next(&statement.rows, &cell, 1, &more, &err), STATUS_OK);
    assert_true(more);
    const double value =
        cell.kind == CELL_NUMBER ? exact_to_double(cell_number(&cell)) : (double)cell.integer;
    statement_release(&statement);
    return value;
}

static void rows_and_figures_are_of_what_counts(void **state)
{
    const struct fixture *fixture = *state;
    const double counted = answer_of(
        fixture, false,
        "select count(*) from readings where coalesce(t, h) > 3 and coalesce(t, h) < 1e9");
    assert_true(counted > 0);
    assert_true(counted < answer_of(fixture, false, "select count(*) from readings"));
    assert_true(answer_of(fixture, true, "select count(both) from readings") == counted);
    assert_true(answer_of(fixture, true, "select count from stats('h')") == counted);
    assert_true(answer_of(fixture, true, "select value_count from metrics where metric = 'both'") ==
                counted);
    assert_true(
        answer_of(fixture, true, "select count(*) from readings where both >= 10 and both <= 20") ==
        answer_of(fixture, true,
                  "select count from stats where metric = 'both' and "
                  "filter = 'both between 10 and 20'"));
}

static void distinct_devices_are_those_of_the_rows_that_count(void **state)
{
    const struct fixture *fixture = *state;
    assert_true(
        answer_of(fixture, true, "select count(*) from (select distinct device from readings)") ==
        answer_of(fixture, true,
                  "select count(*) from (select device from readings group by device)"));
}

static void sweep(const struct fixture *fixture, const char *sql)
{
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 100; status != STATUS_OK; nth += nth < 300 ? 1 : 29) {
        struct statement statement = {0};
        struct error err = {0};
        mem_fail_at(nth);
        status = run(fixture, true, sql, &statement, &err);
        mem_fail_at(-1);
        assert_true(status != STATUS_OK || statement.rows.row_count > 0);
        statement_release(&statement);
        if (status != STATUS_OK && status != STATUS_NOMEM)
            print_error("%ld: %s\n", nth, err.message);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, FAULTS_MAX);
    }
}

static void a_statement_survives_every_failed_allocation(void **state)
{
    sweep(*state, "select both, rowid from readings where device > 'pk/d1'");
    sweep(*state, "select distinct device from readings");
    sweep(*state, "select name, sum(both), count(*) from readings group by name");
    sweep(*state, "select avg from stats where metric = 'h' and filter = 'both is not null'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_figures_are_of_what_counts),
        cmocka_unit_test(distinct_devices_are_those_of_the_rows_that_count),
        cmocka_unit_test(a_statement_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
