/*
 * test_sql.c - SQL over a store: faults of memory, spooled rows, numbers of rows, what is refused.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "sql/run/spool.h"
#include "sql/run/statement.h"
#include "sql/tables/tables_internal.h"
#include "tests/unit/query_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FAULTS_MAX 20000

static enum status run(const struct query_store *store, const char *sql,
                       struct statement *statement, struct error *err)
{
    static const struct civil_zone utc = {.name = "UTC"};
    const struct statement_spec spec = {.dir = store->dir, .sql = sql, .zone = &utc};
    return statement_run(statement, &spec, err);
}

/* The store is open in this process already, which LMDB does not allow twice. */
static int make_closed(void **state)
{
    const int code = query_store_make(state);
    struct query_store *store = *state;
    snapshot_close(store->snapshot);
    store->snapshot = NULL;
    return code;
}

/* Lets allocation `first` and later ones fail, one by one; returns the first that there is not. */
static long sweep(struct query_store *store, const char *sql, long first)
{
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    long nth = first;
    for (;; nth += nth < first + 400 ? 1 : 37) {
        struct statement statement = {0};
        struct error err = {0};
        mem_fail_at(nth);
        status = run(store, sql, &statement, &err);
        mem_fail_at(-1);
        assert_true(status != STATUS_OK || statement.rows.row_count > 0);
        statement_release(&statement);
        if (status != STATUS_OK && status != STATUS_NOMEM)
            print_error("%ld: %s\n", nth, err.message);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, FAULTS_MAX);
        if (status == STATUS_OK)
            return nth;
        assert_int_equal(status, STATUS_NOMEM);
    }
}

static void a_statement_survives_every_failed_allocation(void **state)
{
    static const char *const statements[] = {
        "select * from readings order by device, time_ms",
        "select t, rowid from readings where device in ('pk/d1', 'pk/d2') and time >= '2018-05-16'",
        "select device, count(*) from status where name glob 'd*' group by device",
        "select * from sessions where device = 'pk/d0'",
        "select * from devices, metrics",
        "select count(*) from rejects",
        "select * from stats('t', 'device', '1d') where device glob '*d*' and time_ms > 0",
        "select device, rowid from stats where metric = 't' and by = 'product' or metric = 'h'",
        "select *, rowid from online('product', '1d') where time < '2030-01-01'",
        "select *, rowid from excursions where metric = 't' and above = -1000000 and hold = '1d'",
        "select count(*), sum(rowid) from sessions(1, 'last-contact', 0)",
        ("select device, time_ms / 3600000 h, count(*), min(time), sum(t), avg(t), max(t) "
         "from readings where time >= '2018-05-16' group by device, h"),
        "select product, count(t), total(t) from readings group by product",
    };
    /* All begin with what a statement without tables does, which is found in steps of 37. */
    const long begun = sweep(*state, "select 1", 0) - 60;
    assert_true(begun > 10);
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        assert_true(sweep(*state, statements[i], begun) > begun + 10);
}

static uint64_t count_rows(struct query_store *store, const char *sql)
{
    struct statement statement = {0};
    struct error err = {0};
    assert_int_equal(run(store, sql, &statement, &err), STATUS_OK);
    const uint64_t rows = statement.rows.row_count;
    statement_release(&statement);
    return rows;
}

static void a_row_has_the_same_number_in_every_scan(void **state)
{
    assert_int_equal(count_rows(*state, "select 1 from readings where device = 'pk/d1' or "
                                        "device in ('pk/d1', 'pk/d2') or time_ms >= 0"),
                     count_rows(*state, "select 1 from readings"));
    assert_int_equal(count_rows(*state, "select 1 from sessions where device = 'pk/d1' or "
                                        "device glob 'pk/*'"),
                     count_rows(*state, "select 1 from sessions"));
    assert_int_equal(count_rows(*state, "select 1 from stats where metric = 't' and by = 'device' "
                                        "and (device = 'pk/d1' or device glob 'pk/*')"),
                     count_rows(*state, "select 1 from stats('t', 'device')"));
    assert_int_equal(count_rows(*state, "select 1 from online where (by = 'device' or by = 'none' "
                                        "or by = 'product')"),
                     count_rows(*state, "select 1 from online('device') union all "
                                        "select 1 from online('none') union all "
                                        "select 1 from online('product')"));
    assert_int_equal(count_rows(*state, "select distinct a.rowid from readings a, readings b "
                                        "where a.rowid = b.rowid and a.messageid = b.messageid"),
                     count_rows(*state, "select 1 from readings"));
}

static void a_mistake_has_its_place(void **state)
{
    struct statement statement = {0};
    struct error err = {0};
    assert_int_equal(run(*state, "select nowhere from readings", &statement, &err), STATUS_INPUT);
    assert_true(statement.has_place);
    assert_int_equal(statement.place_bytes, strlen("select "));
    assert_string_equal(err.message, "no such column: nowhere");
    statement_release(&statement);
}

static void a_limit_and_a_timeout_end_a_statement(void **state)
{
    static const struct civil_zone utc = {.name = "UTC"};
    const char *endless = "with recursive n(i) as (select 1 union all select i + 1 from n) "
                          "select i from n";
    const struct query_store *store = *state;
    struct statement_spec spec = {
        .dir = store->dir, .sql = endless, .zone = &utc, .has_limit = true, .limit = 70};
    struct statement statement = {0};
    struct error err = {0};
    assert_int_equal(statement_run(&statement, &spec, &err), STATUS_OK);
    assert_int_equal(statement.rows.row_count, 70);
    statement_release(&statement);
    spec = (struct statement_spec){
        .dir = store->dir, .sql = endless, .zone = &utc, .has_timeout = true, .timeout_ms = 0};
    assert_int_equal(statement_run(&statement, &spec, &err), STATUS_STOPPED);
    statement_release(&statement);
}

/* --- the spool ------------------------------------------------------------------------------- */

static void put_rows(struct spool *spool, uint32_t rows)
{
    char text[600];
    memset(text, 'x', sizeof text);
    for (uint32_t i = 0; i < rows; i++) {
        const struct answer_cell cells[] = {
            cell_of_count((uint64_t)i - 5),
            cell_of_number(exact_of_real(i / 4.0)),
            cell_of_text(slice_of(text, i % sizeof text)),
            {.kind = CELL_NULL},
        };
        assert_int_equal(spool_put(spool, cells, 4, NULL), STATUS_OK);
    }
    assert_int_equal(spool_rewind(spool, NULL), STATUS_OK);
}

static void check_rows(struct spool *spool, uint32_t rows)
{
    struct answer_cell cells[4];
    bool more = false;
    for (uint32_t i = 0; i < rows; i++) {
        assert_int_equal(spool_next(spool, cells, 4, &more, NULL), STATUS_OK);
        assert_true(more);
        assert_int_equal(cells[0].integer, (int64_t)i - 5);
        assert_true(exact_to_double(cell_number(&cells[1])) * 4.0 == (double)i);
        assert_int_equal(cells[2].text_len, i % 600);
        assert_int_equal(cells[3].kind, CELL_NULL);
    }
    assert_int_equal(spool_next(spool, cells, 4, &more, NULL), STATUS_OK);
    assert_false(more);
}

static void rows_come_back_as_they_went_in(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 5000, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct spool spool = {.memory_bytes = sizes[i]};
        put_rows(&spool, 3000);
        assert_int_equal(spool.has_file, sizes[i] == 1 || sizes[i] == 5000);
        check_rows(&spool, 3000);
        spool_release(&spool);
    }
}

static void a_file_cut_short_is_told(void **state)
{
    (void)state;
    struct spool spool = {.memory_bytes = 1000};
    put_rows(&spool, 3000);
    assert_int_equal(ftruncate(spool.file, (off_t)spool.file_bytes - 3), 0);
    struct answer_cell cells[4];
    enum status status = STATUS_OK;
    for (bool more = true; status == STATUS_OK && more;)
        status = spool_next(&spool, cells, 4, &more, NULL);
    assert_int_equal(status, STATUS_IO);
    spool_release(&spool);
}

/* --- parts ----------------------------------------------------------------------------------- */

static void terms_of_a_plan_are_read_back(void **state)
{
    (void)state;
    const char *text = "device in (?) and time_ms>=? and time<? and name glob ?; decoding device=?";
    static const struct plan_term wanted[] = {
        {COLUMN_DEVICE, PLAN_OP_IN},
        {COLUMN_TIME_MS, SQLITE_INDEX_CONSTRAINT_GE},
        {COLUMN_TIME, SQLITE_INDEX_CONSTRAINT_LT},
        {COLUMN_NAME, SQLITE_INDEX_CONSTRAINT_GLOB},
    };
    struct plan_term term = {0};
    for (size_t i = 0; i < 4; i++) {
        assert_true(plan_term_next(&text, &term));
        assert_int_equal(term.role, wanted[i].role);
        assert_int_equal(term.op, wanted[i].op);
    }
    assert_false(plan_term_next(&text, &term));
}

static void numbers_of_rows_are_dense_and_stay(void **state)
{
    (void)state;
    struct row_numbers numbers = {0};
    for (int round = 0; round < 2; round++) {
        for (int64_t i = 0; i < 5000; i++) {
            const struct row_identity key = {.time_ms = i / 2, .message_id = (uint64_t)(i % 2)};
            int64_t number = 0;
            assert_int_equal(row_numbers_of(&numbers, key, &number), STATUS_OK);
            assert_int_equal(number, i + 1);
        }
    }
    row_numbers_release(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_survives_every_failed_allocation),
        cmocka_unit_test(a_row_has_the_same_number_in_every_scan),
        cmocka_unit_test(a_mistake_has_its_place),
        cmocka_unit_test(a_limit_and_a_timeout_end_a_statement),
        cmocka_unit_test(rows_come_back_as_they_went_in),
        cmocka_unit_test(a_file_cut_short_is_told),
        cmocka_unit_test(terms_of_a_plan_are_read_back),
        cmocka_unit_test(numbers_of_rows_are_dense_and_stay),
    };
    return cmocka_run_group_tests(tests, make_closed, query_store_drop);
}
