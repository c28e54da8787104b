/*
 * test_sql_shape.c - which statements are recognised as aggregates of readings, and how they are
 * rewritten.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "sql/shape/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct rewriting {
    const char *written;
    const char *rewritten;
};

static void aggregates_become_functions_of_parts(void **state)
{
    (void)state;
    static const struct rewriting rewritings[] = {
        {"select avg(t) from readings",
         "select mnsdb_part_avg(mnsdb_part, 0) from  readings_parts as readings "},
        {"SELECT Count ( * )n,max(\"b \"\"c\") FROM [readings]r WHERE r.device='x';",
         "SELECT mnsdb_part_rows(mnsdb_part, 0)n,mnsdb_part_max(mnsdb_part, 1) FROM  "
         "readings_parts "
         "r WHERE r.device='x';"},
        {"select device, sum(t) - total(t) -- all\nfrom readings where time >= '-1d' group by 1 "
         "having min(time_ms) > 5 order by count(t) limit 3",
         "select device, mnsdb_part_sum(mnsdb_part, 0) - mnsdb_part_total(mnsdb_part, 1) -- all\n"
         "from  readings_parts as readings  where time >= '-1d' group by 1 having "
         "mnsdb_part_first_ms(mnsdb_part, 2) > 5 order by mnsdb_part_count(mnsdb_part, 3) limit 3"},
        {"explain query plan select min(time) from readings",
         "explain query plan select mnsdb_part_first_time(mnsdb_part, 0) from  readings_parts as "
         "readings "},
    };
    for (size_t i = 0; i < sizeof rewritings / sizeof rewritings[0]; i++) {
        struct shape shape = {0};
        bool recognised = false;
        assert_int_equal(shape_read(&shape, rewritings[i].written, &recognised), STATUS_OK);
        assert_true(recognised);
        assert_string_equal((const char *)shape.sql.data, rewritings[i].rewritten);
        shape_release(&shape);
    }
}

static void a_shape_says_what_parts_it_needs(void **state)
{
    (void)state;
    struct shape shape = {0};
    bool recognised = false;
    const char *sql = "select product p, time_ms / 60000 as m, avg(\"b \"\"c\") as a from readings "
                      "where product > 'a' group by p, m having a > 2 order by a";
    assert_int_equal(shape_read(&shape, sql, &recognised), STATUS_OK);
    assert_true(recognised);
    assert_true(shape.grouped);
    assert_true(shape.by_product);
    assert_false(shape.by_device);
    assert_int_equal(shape.bucket, BUCKET_QUOTIENT);
    assert_int_equal(shape.bucket_size, 60000);
    assert_int_equal(shape.figure_count, 1);
    assert_true(slice_equal(shape.figures[0].name, slice_of_text("b \"c")));
    assert_int_equal(shape.not_column_count, 3);
    assert_true(slice_equal(shape.not_columns[0], slice_of_text("p")));
    assert_true(slice_equal(shape.not_columns[1], slice_of_text("m")));
    assert_true(slice_equal(shape.not_columns[2], slice_of_text("a")));
    shape_release(&shape);
    sql = "select substr(time, 1, 10), count(*) from readings where name like 'd%' group by 1";
    assert_int_equal(shape_read(&shape, sql, &recognised), STATUS_OK);
    assert_true(recognised);
    assert_true(shape.by_device);
    assert_int_equal(shape.bucket, BUCKET_PREFIX);
    assert_int_equal(shape.bucket_size, 10);
    shape_release(&shape);
}

/* Words that are keywords only where no metric has their name. */
static void columns_go_before_some_keywords(void **state)
{
    (void)state;
    struct shape shape = {0};
    bool recognised = false;
    const char *sql = "select count(*) end, True from readings group by device having end > 3 "
                      "order by 1 desc";
    assert_int_equal(shape_read(&shape, sql, &recognised), STATUS_OK);
    assert_true(recognised);
    assert_int_equal(shape.not_column_count, 4);
    assert_true(slice_equal(shape.not_columns[0], slice_of_text("end")));
    assert_true(slice_equal(shape.not_columns[1], slice_of_text("True")));
    assert_true(slice_equal(shape.not_columns[2], slice_of_text("end")));
    assert_true(slice_equal(shape.not_columns[3], slice_of_text("desc")));
    shape_release(&shape);
}

static void assert_none_recognised(const char *const *statements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct shape shape = {0};
        bool recognised = true;
        assert_int_equal(shape_read(&shape, statements[i], &recognised), STATUS_OK);
        if (recognised)
            fail_msg("recognised: %s", statements[i]);
        shape_release(&shape);
    }
}

static void what_is_not_understood_is_not_recognised(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "",
        ";",
        "select",
        "select avg(t)",
        "select avg(t) from",
        "select avg(t) from readings where",
        "select avg(t) from readings where and device = 'a'",
        "select avg(t) from readings where time = 5",
        "select avg(t) from readings where time_ms > '5'",
        "select avg(t) from readings where time > '5' or device = 'a'",
        "select avg(t) from readings where time between '5' and",
        "select avg(t) from readings where device in ('a'",
        "select avg(t) from readings where t > 5",
        "select avg(t) from readings where device = ?1",
        "select avg(t) from readings where device = x'00'",
        "select avg(t) from readings where device = 'a",
        "select avg(t) from readings /* where",
        "select avg(t) from readings order by avg(t) limit (select 1)",
        "select avg(t) from readings; select 1",
        "select avg(t) from readings having avg(t) > 5",
        "select avg(t) from readings, status",
        "select avg(t) from readings window w as ()",
        "select avg(t) from readings group by device order by t",
        "select avg(t) from readings group by device, t",
        "select avg(t) from readings group by 2",
        "select avg(t) from readings group by 1",
        "select avg(t) a, device a from readings group by a",
        "select avg(t), * from readings",
        "select *, avg(t) from readings group by device",
        "select readings.* from readings group by device",
        "select count(*) * * 2 from readings )",
        "select ) avg(t) ( from readings",
        "select avg(other.t) from readings",
        "select avg(readings.t) from readings r",
        "select avg(t) rowid from readings group by device having rowid > 5",
        "select avg(t) mnsdb_part from readings order by mnsdb_part + 1",
        "select avg(t, h) from readings",
        "select avg() from readings",
        "select sum(*) from readings",
        "select avg(time) from readings",
        "select avg(t) filter (where 1) from readings",
        "select random(), avg(t) from readings",
        "select time_ms, avg(t) from readings group by time_ms / 60000",
        "select time_ms / 1000, avg(t) from readings group by time_ms / 60000",
        "select time_ms / 60000 || 'm', avg(t) from readings group by time_ms / 60000",
        "select substr(time, 1, 11), avg(t) from readings group by substr(time, 1, 10)",
        "select avg(t) from readings group by time_ms - time_ms % 60000 * 2",
        "select avg(t) from readings group by time_ms / 60000, time_ms / 1000",
        "select avg(t) from readings group by substr(time, 2, 10)",
        "select avg(t) from readings group by time_ms / 0",
        "select avg(t) from readings group by device collate nocase",
        "select device from readings",
        "with a as (select 1) select avg(t) from readings",
        "explain query select avg(t) from readings",
        "values (1)",
    };
    assert_none_recognised(statements, sizeof statements / sizeof statements[0]);
}

static void what_looks_like_something_else_is_not_recognised(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "select avg(t) from readings where case when device = 'a' and time > '5' and 1 then 1 end",
        "select avg(t) from readings where device between 'a' between 1 and 2 and time > '5'",
        "select device, count(*) sum from readings group by device having \"sum\"(device) > 1",
        "select 2 * + time_ms / 60000, avg(t) from readings group by time_ms / 60000",
        "select max(null) from readings",
        "select max(Current_Time) from readings",
        "select avg(t) 'rowid' from readings group by device having rowid > 5",
        "select device 'g', name g, avg(t) from readings group by g",
    };
    assert_none_recognised(statements, sizeof statements / sizeof statements[0]);
}

static void a_statement_of_too_many_tokens_is_not_recognised(void **state)
{
    (void)state;
    struct buffer sql = {0};
    struct shape shape = {0};
    bool recognised = true;
    assert_int_equal(buffer_append(&sql, "select avg(t)", 13), STATUS_OK);
    for (size_t i = 0; i < SHAPE_TOKENS_MAX; i++)
        assert_int_equal(buffer_append(&sql, "+1", 2), STATUS_OK);
    assert_int_equal(buffer_append(&sql, " from readings", 15), STATUS_OK);
    assert_int_equal(shape_read(&shape, (const char *)sql.data, &recognised), STATUS_OK);
    assert_false(recognised);
    shape_release(&shape);
    buffer_release(&sql);
}

static void reading_survives_every_failed_allocation(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct shape shape = {0};
        bool recognised = false;
        mem_fail_at(nth);
        status = shape_read(&shape,
                            "select device d, avg(t), max(h), min(time) from readings group by d "
                            "having count(*) > 5 order by d",
                            &recognised);
        mem_fail_at(-1);
        shape_release(&shape);
        assert_true(status == STATUS_NOMEM || recognised);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aggregates_become_functions_of_parts),
        cmocka_unit_test(a_shape_says_what_parts_it_needs),
        cmocka_unit_test(columns_go_before_some_keywords),
        cmocka_unit_test(what_is_not_understood_is_not_recognised),
        cmocka_unit_test(what_looks_like_something_else_is_not_recognised),
        cmocka_unit_test(a_statement_of_too_many_tokens_is_not_recognised),
        cmocka_unit_test(reading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
