/*
 * test_bench_answers.c - answers of two systems: when they are the same, and where they differ.
 */
#include "bench/bench/answer_table.h"
#include "bench/bench/query_columns.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A field more than a row may have. */
#define WIDE_ROW "[[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3]]"

static enum status read_rows(struct answer_table *table, const char *json)
{
    struct arena arena = {0};
    struct json_document document;
    enum status status = json_parse(slice_of_text(json), &arena, &document);
    if (status == STATUS_OK)
        status = answer_table_read(table, document.root, NULL);
    arena_release(&arena); /* the table keeps copies of its texts */
    return status;
}

/* Ours as if typed by our queries: device, whole number, double. */
static void put_ours(struct answer_table *table, const char *device, i128 integer, double real)
{
    const struct field fields[] = {
        {.kind = FIELD_TEXT, .text = slice_of_text(device)},
        {.kind = FIELD_INTEGER, .integer = integer},
        {.kind = FIELD_REAL, .real = real},
    };
    assert_int_equal(answer_table_add(table, fields, 3, NULL), STATUS_OK);
}

static void assert_verdict(const char *json, const char *difference)
{
    OWNED(answer_table_release) struct answer_table ours = {0};
    OWNED(answer_table_release) struct answer_table theirs = {0};
    char found[ANSWER_DIFFERENCE_BYTES];
    put_ours(&ours, "pk/b", 1741610195030659072, 22.25);
    put_ours(&ours, "pk/a", -5, 1e6);
    assert_int_equal(read_rows(&theirs, json), STATUS_OK);
    assert_int_equal(answer_tables_agree(&ours, &theirs, found), difference == NULL);
    assert_string_equal(found, difference ? difference : "");
}

static void equal_answers_agree_in_any_order(void **state)
{
    (void)state;
    assert_verdict("[[\"pk/a\",-5,1000000],[\"pk/b\",1741610195030659072,22.25]]", NULL);
    assert_verdict("[[\"pk/b\",\"1741610195030659072\",22.25],[\"pk/a\",-5.0,1e6]]", NULL);
}

static void doubles_agree_within_the_tolerance(void **state)
{
    (void)state;
    assert_verdict("[[\"pk/a\",-5,1000000.0009],[\"pk/b\",1741610195030659072,22.25]]", NULL);
    assert_verdict("[[\"pk/a\",-5,1000000.0011],[\"pk/b\",1741610195030659072,22.25]]",
                   "row 1, field 3: 1000000.0011, not 1000000");
}

static void ids_agree_to_the_last_digit(void **state)
{
    (void)state;
    assert_verdict("[[\"pk/a\",-5,1e6],[\"pk/b\",1741610195030659073,22.25]]",
                   "row 2, field 2: 1741610195030659073, not 1741610195030659072");
    /* As a double it has lost its last digits. */
    assert_verdict("[[\"pk/a\",-5,1e6],[\"pk/b\",1.741610195030659072e18,22.25]]",
                   "row 2, field 2: 1.7416101950306591e+18, not 1741610195030659072");
}

static void what_is_missing_or_of_another_shape_differs(void **state)
{
    (void)state;
    assert_verdict("[]", "0 rows, not 2");
    assert_verdict("[[\"pk/a\",-5,1e6],[\"pk/b\",1,2],[\"pk/c\",1,2]]", "3 rows, not 2");
    assert_verdict("[[1,2],[3,4]]", "2 fields a row, not 3");
    assert_verdict("[[\"pk/a\",-5,null],[\"pk/b\",1741610195030659072,22.25]]",
                   "row 1, field 3: null, not 1000000");
    assert_verdict("[[\"pk/a\",\"x\\u001b\",1e6],[\"pk/b\",1741610195030659072,22.25]]",
                   "row 1, field 2: x\\x1b, not -5");
}

static void empty_answers_agree(void **state)
{
    (void)state;
    struct answer_table ours = {0};
    struct answer_table theirs = {0};
    char difference[ANSWER_DIFFERENCE_BYTES];
    assert_true(answer_tables_agree(&ours, &theirs, difference));
}

static void a_row_of_nulls_says_as_much_as_none(void **state)
{
    (void)state;
    assert_verdict("[[null,null,null],[\"pk/a\",-5,1000000],[null,null,null],"
                   "[\"pk/b\",1741610195030659072,22.25]]",
                   NULL);
    assert_verdict("[[null,null,null]]", "0 rows, not 2");
}

static void answers_that_are_no_tables_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"{}",   "5",      "[1]",     "[[1],[1,2]]",
                                        "[[]]", "[[{}]]", "[[[1]]]", WIDE_ROW};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        OWNED(answer_table_release) struct answer_table table = {0};
        assert_int_equal(read_rows(&table, wrong[i]), STATUS_INPUT);
    }
    OWNED(answer_table_release) struct answer_table table = {0};
    assert_int_equal(answer_table_read(&table, NULL, NULL), STATUS_INPUT);
}

static void numbers_of_many_digits_are_doubles(void **state)
{
    (void)state;
    OWNED(answer_table_release) struct answer_table table = {0};
    assert_int_equal(read_rows(&table, "[[123456789012345678901234567890,"
                                       "1234567890123456789012345678901,true]]"),
                     STATUS_OK);
    assert_int_equal(table.fields[0].kind, FIELD_INTEGER);
    assert_int_equal(table.fields[1].kind, FIELD_REAL);
    assert_true(table.fields[1].real == 1234567890123456789012345678901.0);
    assert_int_equal(table.fields[2].kind, FIELD_INTEGER);
}

static void columns_are_found_by_name_with_the_metric_in_it(void **state)
{
    (void)state;
    OWNED(answer_release) struct answer answer = {0};
    assert_int_equal(answer_add_field(&answer, "device", CELL_TEXT, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(&answer, "temp", CELL_NUMBER, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(&answer, "temp_max", CELL_NUMBER, NULL), STATUS_OK);
    static const char *const names[] = {"{metric}_max", "device", "{metric}", "humidity", NULL};
    const struct query_columns columns = query_columns_find(&answer, names, "temp");
    assert_int_equal(columns.count, 4);
    assert_int_equal(columns.places[0], 2);
    assert_int_equal(columns.places[1], 0);
    assert_int_equal(columns.places[2], 1);
    assert_int_equal(columns.places[3], SIZE_MAX);

    struct answer_cell *cells = NULL;
    OWNED(answer_table_release) struct answer_table table = {0};
    assert_int_equal(answer_add_row(&answer, &cells, NULL), STATUS_OK);
    cells[0] = cell_of_text(slice_of_text("pk/a"));
    cells[1] = cell_of_number(exact_of_integer(7));
    assert_int_equal(query_columns_take(&columns, cells, &table, NULL), STATUS_OK);
    assert_int_equal(table.row_count, 1);
    assert_int_equal(table.fields[0].kind, FIELD_NULL);
    assert_int_equal(table.fields[1].kind, FIELD_TEXT);
    assert_true(table.fields[2].kind == FIELD_REAL && table.fields[2].real == 7);
    assert_int_equal(table.fields[3].kind, FIELD_NULL);
}

static void a_table_without_memory_fails_and_leaves_nothing(void **state)
{
    (void)state;
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status == STATUS_NOMEM; nth++) {
        struct answer_table table = {0};
        assert_true(nth < 100);
        mem_fail_at(nth);
        status = read_rows(&table, "[[\"a\",1],[\"b\",2],[\"c\",3]]");
        mem_fail_at(-1);
        answer_table_release(&table);
        assert_int_equal(mem_live_blocks(), live);
    }
    assert_int_equal(status, STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_answers_agree_in_any_order),
        cmocka_unit_test(doubles_agree_within_the_tolerance),
        cmocka_unit_test(ids_agree_to_the_last_digit),
        cmocka_unit_test(what_is_missing_or_of_another_shape_differs),
        cmocka_unit_test(empty_answers_agree),
        cmocka_unit_test(a_row_of_nulls_says_as_much_as_none),
        cmocka_unit_test(answers_that_are_no_tables_are_refused),
        cmocka_unit_test(numbers_of_many_digits_are_doubles),
        cmocka_unit_test(columns_are_found_by_name_with_the_metric_in_it),
        cmocka_unit_test(a_table_without_memory_fails_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
