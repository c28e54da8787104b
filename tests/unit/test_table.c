/*
 * test_table.c - answers: unique names of columns, order, limits.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "query/answer/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add_field(struct answer *answer, const char *name, enum cell_kind kind)
{
    assert_int_equal(answer_add_field(answer, name, kind, NULL), STATUS_OK);
}

static struct answer_cell *add_row(struct answer *answer)
{
    struct answer_cell *cells = NULL;
    assert_int_equal(answer_add_row(answer, &cells, NULL), STATUS_OK);
    return cells;
}

static void check_name(const struct answer *answer, size_t column, const char *name)
{
    const struct slice found = answer->columns[column].name;
    assert_int_equal(found.len, strlen(name));
    assert_memory_equal(found.data, name, found.len);
}

static void a_name_that_is_taken_gets_the_prefix_until_it_is_unique(void **state)
{
    (void)state;
    struct answer answer = {0};
    add_field(&answer, "time", CELL_TIME);
    add_field(&answer, "metric:time", CELL_NUMBER);
    add_field(&answer, "time", CELL_NUMBER);
    add_field(&answer, "time", CELL_NUMBER);
    check_name(&answer, 2, "metric:metric:time");
    check_name(&answer, 3, "metric:metric:metric:time");
    assert_int_equal(answer_find_column(&answer, slice_of_text("metric:time")), 1);
    assert_int_equal(answer_find_column(&answer, slice_of_text("tim")), SIZE_MAX);
    answer_release(&answer);
}

static void many_columns_keep_their_names(void **state)
{
    (void)state;
    struct answer answer = {0};
    char name[16];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "m%d", i);
        add_field(&answer, name, CELL_NUMBER);
    }
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "m%d", i);
        assert_int_equal(answer_find_column(&answer, slice_of_text(name)), i);
    }
    answer_release(&answer);
}

/* Two columns: what is sorted by, and the order of adding. */
static void make_numbers(struct answer *answer, const char *const *texts, size_t count)
{
    add_field(answer, "value", CELL_NUMBER);
    add_field(answer, "place", CELL_COUNT);
    for (size_t i = 0; i < count; i++) {
        struct answer_cell *cells = add_row(answer);
        struct number number = {0};
        if (texts[i]) {
            assert_true(number_parse(slice_of_text(texts[i]), &number));
            cells[0] = cell_of_number(exact_of_number(number));
        }
        cells[1] = cell_of_count(i);
    }
}

static void check_order(const struct answer *answer, const int *places, size_t count)
{
    assert_int_equal(answer_shown_count(answer), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(answer_row(answer, i)[1].integer, places[i]);
}

static void nulls_come_last_in_both_directions_and_ties_stay(void **state)
{
    (void)state;
    static const char *const texts[] = {"2", NULL, "10", "-1.5", "2.0", NULL, "1e300"};
    static const int rising[] = {3, 0, 4, 2, 6, 1, 5};
    static const int falling[] = {6, 2, 0, 4, 3, 1, 5};
    struct answer answer = {0};
    make_numbers(&answer, texts, 7);
    assert_int_equal(answer_sort(&answer, 0, false, NULL), STATUS_OK);
    check_order(&answer, rising, 7);
    assert_int_equal(answer_sort(&answer, 0, true, NULL), STATUS_OK);
    check_order(&answer, falling, 7);
    answer_limit(&answer, 3);
    check_order(&answer, falling, 3);
    answer_limit(&answer, 100);
    check_order(&answer, falling, 3);
    answer_release(&answer);
}

static void numbers_keep_their_value_in_a_cell(void **state)
{
    (void)state;
    static const char *const texts[] = {"19.80",  "-0.0001", "0", "123456789012345678",
                                        "1e-128", "5e-324"};
    struct answer answer = {0};
    make_numbers(&answer, texts, 6);
    for (size_t i = 0; i < 6; i++) {
        struct number number = {0};
        assert_true(number_parse(slice_of_text(texts[i]), &number));
        const struct exact_value kept = cell_number(&answer_row(&answer, i)[0]);
        assert_int_equal(exact_compare(kept, exact_of_number(number)), 0);
    }
    answer_release(&answer);
}

static void ids_order_as_unsigned_numbers(void **state)
{
    (void)state;
    const struct answer_cell small = cell_of_id(1);
    const struct answer_cell large = cell_of_id(UINT64_MAX);
    assert_true(cell_compare(&small, &large) < 0);
    assert_true(cell_compare(&large, &small) > 0);
}

static enum status build(struct answer *answer)
{
    struct answer_cell *cells = NULL;
    TRY(answer_add_field(answer, "time", CELL_COUNT, NULL));
    TRY(answer_add_field(answer, "time", CELL_COUNT, NULL));
    for (int i = 0; i < 3; i++)
        TRY(answer_add_row(answer, &cells, NULL));
    return answer_sort(answer, 0, true, NULL);
}

static void an_answer_survives_every_failed_allocation(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct answer answer = {0};
        mem_fail_at(nth);
        status = build(&answer);
        mem_fail_at(-1);
        answer_release(&answer);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 30);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_is_taken_gets_the_prefix_until_it_is_unique),
        cmocka_unit_test(many_columns_keep_their_names),
        cmocka_unit_test(nulls_come_last_in_both_directions_and_ties_stay),
        cmocka_unit_test(numbers_keep_their_value_in_a_cell),
        cmocka_unit_test(ids_order_as_unsigned_numbers),
        cmocka_unit_test(an_answer_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
