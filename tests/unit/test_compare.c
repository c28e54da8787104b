/*
 * test_compare.c - answers side by side, and as matrices.
 */
#include "engine/base/mem.h"
#include "query/compare/compare.h"
#include "query/pivot/pivot.h"
#include "tests/unit/fault_sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOTHING INT64_MIN

static const struct compare_keys by_name = {.has_name = true};
static const struct compare_keys by_both = {.has_name = true, .has_time = true};
static const struct compare_missing nulls = {0};
static const struct compare_missing zeros = {.zero_counts = true, .zero_durations = true};

struct line {
    const char *name;
    int64_t time_ms;
    int64_t number; /* NOTHING: null */
    int64_t count;
};

/* name, [time], a number `n` a third of a million wide at the end, a count `c` */
static enum status fill(struct answer *answer, bool has_time, const struct line *lines,
                        size_t count)
{
    TRY(answer_add_field(answer, "device", CELL_TEXT, NULL));
    if (has_time)
        TRY(answer_add_field(answer, "time", CELL_TIME, NULL));
    TRY(answer_add_field(answer, "n", CELL_NUMBER, NULL));
    TRY(answer_add_field(answer, "c", CELL_COUNT, NULL));
    for (size_t i = 0; i < count; i++) {
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, NULL));
        *cell++ = cell_of_text(slice_of_text(lines[i].name));
        if (has_time)
            *cell++ = cell_of_time(lines[i].time_ms);
        if (lines[i].number != NOTHING)
            cell[0] = cell_of_number(exact_of_integer(lines[i].number));
        cell[1] = cell_of_count((uint64_t)lines[i].count);
    }
    return STATUS_OK;
}

static const struct answer_cell *find(const struct answer *answer, size_t row, const char *column)
{
    const size_t place = answer_find_column(answer, slice_of_text(column));
    assert_true(place != SIZE_MAX);
    return &answer_row(answer, row)[place];
}

static void assert_number(const struct answer *answer, size_t row, const char *column,
                          const char *wanted)
{
    char text[EXACT_TEXT_BYTES];
    (void)exact_format(cell_number(find(answer, row, column)), text);
    assert_string_equal(text, wanted);
}

static void a_join_has_the_rows_of_both_sides(void **state)
{
    (void)state;
    static const struct line left[] = {{"a", 0, 1, 10}, {"c", 0, 3, 30}};
    static const struct line right[] = {{"b", 0, 2, 20}, {"c", 0, 4, 40}};
    struct answer a = {0};
    struct answer b = {0};
    struct answer joined = {0};
    assert_int_equal(fill(&a, false, left, 2), STATUS_OK);
    assert_int_equal(fill(&b, false, right, 2), STATUS_OK);
    assert_int_equal(compare_join(&a, &b, by_name, zeros, &joined, NULL), STATUS_OK);
    assert_int_equal(answer_shown_count(&joined), 3);
    assert_number(&joined, 0, "n", "1");
    assert_int_equal(find(&joined, 0, "metric:n")->kind, CELL_NULL);
    assert_int_equal(find(&joined, 0, "metric:c")->kind, CELL_COUNT);
    assert_number(&joined, 1, "metric:n", "2");
    assert_int_equal(find(&joined, 1, "c")->integer, 0);
    assert_number(&joined, 2, "n", "3");
    assert_number(&joined, 2, "metric:n", "4");
    answer_release(&a);
    answer_release(&b);
    answer_release(&joined);
}

/* Two buckets are compared with the same one, one with an earlier one than the bucket before. */
static void buckets_are_compared_as_paired(void **state)
{
    (void)state;
    static const struct line now[] = {
        {"a", 100, 5, 1}, {"a", 200, 6, 1}, {"a", 300, NOTHING, 0}, {"b", 100, 8, 3}};
    static const struct line before[] = {{"a", 10, 1, 7}, {"a", 20, 2, 9}, {"c", 20, 4, 2}};
    static const struct compare_bucket buckets[] = {{100, 20}, {200, 10}, {300, 20}};
    const struct compare_versus_spec spec = {
        .keys = by_both, .missing = nulls, .buckets = buckets, .bucket_count = 3};
    struct answer a = {0};
    struct answer b = {0};
    struct answer compared = {0};
    assert_int_equal(fill(&a, true, now, 4), STATUS_OK);
    assert_int_equal(fill(&b, true, before, 3), STATUS_OK);
    assert_int_equal(compare_versus(&a, &b, &spec, &compared, NULL), STATUS_OK);
    assert_int_equal(answer_shown_count(&compared), 6);
    assert_number(&compared, 0, "n_change", "3");
    assert_int_equal(find(&compared, 0, "c_change")->integer, -8);
    assert_number(&compared, 1, "n_change", "5");
    assert_int_equal(find(&compared, 2, "n_change")->kind, CELL_NULL);
    assert_number(&compared, 2, "n_before", "2");
    assert_int_equal(find(&compared, 3, "n_before")->kind, CELL_NULL); /* b has nothing before */
    assert_int_equal(find(&compared, 4, "time")->integer, 100);        /* c only has that */
    assert_number(&compared, 4, "n_before", "4");
    assert_int_equal(find(&compared, 5, "time")->integer, 300);
    answer_release(&a);
    answer_release(&b);
    answer_release(&compared);
}

enum { MANY_BUCKETS = 1 << 19, MANY_NAMES = 1 << 16 };

/*
 * One row a name: what has no row takes no time, else these are some ten thousand million pairs.
 * Buckets are compared in the reverse order.
 */
static void names_without_rows_in_most_buckets_take_no_time(void **state)
{
    (void)state;
    struct compare_bucket *buckets = mem_alloc(MANY_BUCKETS, sizeof *buckets);
    struct line *lines = mem_alloc(MANY_NAMES, sizeof *lines);
    char(*names)[8] = mem_alloc(MANY_NAMES, sizeof *names);
    assert_true(buckets && lines && names);
    for (int64_t i = 0; i < MANY_BUCKETS; i++)
        buckets[i] = (struct compare_bucket){.now_ms = i, .before_ms = MANY_BUCKETS - 1 - i};
    for (int64_t i = 0; i < MANY_NAMES; i++) {
        (void)snprintf(names[i], sizeof names[i], "d%05d", (int)i);
        lines[i] = (struct line){names[i], i, i, 1};
    }
    const struct compare_versus_spec spec = {
        .keys = by_both, .missing = nulls, .buckets = buckets, .bucket_count = MANY_BUCKETS};
    struct answer a = {0};
    struct answer compared = {0};
    assert_int_equal(fill(&a, true, lines, MANY_NAMES), STATUS_OK);
    assert_int_equal(compare_versus(&a, &a, &spec, &compared, NULL), STATUS_OK);
    assert_int_equal(answer_shown_count(&compared), 2 * MANY_NAMES);
    assert_int_equal(find(&compared, 5, "time")->integer, MANY_BUCKETS - 3); /* of d00002 */
    assert_number(&compared, 5, "n_before", "2");
    answer_release(&a);
    answer_release(&compared);
    mem_free(buckets);
    mem_free(lines);
    mem_free(names);
}

static struct exact_value value_of(const char *text)
{
    struct number number;
    assert_true(number_parse(slice_of_text(text), &number));
    return exact_of_number(number);
}

static void assert_difference(struct exact_value a, struct exact_value b, const char *wanted)
{
    struct arena arena = {0};
    struct exact_value value;
    char text[EXACT_TEXT_BYTES];
    assert_int_equal(exact_subtract(a, b, &arena, &value), STATUS_OK);
    (void)exact_format(value, text);
    assert_string_equal(text, wanted);
    arena_release(&arena);
}

static void differences_are_exact_until_a_double_is_involved(void **state)
{
    (void)state;
    assert_difference(value_of("30.1"), value_of("0.1"), "30");
    assert_difference(value_of("1e-20"), value_of("1e20"),
                      "-99999999999999999999.99999999999999999999");
    assert_difference(
        value_of("1e100"), value_of("1e-2"),
        "99999999999999999999999999999999999999999999999999999999999999999999999999999"
        "99999999999999999999999.99");
    assert_difference(value_of("1e300"), value_of("1e300"), "0");
    assert_difference(exact_of_real(0.3), value_of("0.1"), "0.19999999999999998");
    assert_difference(exact_of_real(1e308), exact_of_real(-1e308), "null");
    assert_difference(exact_null(), value_of("1"), "null");
    assert_difference(value_of("1"), exact_null(), "null");
}

static void assert_percent(struct exact_value now, struct exact_value before, const char *wanted)
{
    char text[EXACT_TEXT_BYTES];
    (void)exact_format(exact_percent_change(now, before), text);
    assert_string_equal(text, wanted);
}

static void percentages_have_the_sign_of_the_change(void **state)
{
    (void)state;
    assert_percent(value_of("5"), value_of("4"), "25");
    assert_percent(value_of("3"), value_of("4"), "-25");
    assert_percent(value_of("-3"), value_of("-4"), "25");
    assert_percent(value_of("4"), value_of("-4"), "200");
    assert_percent(value_of("0"), value_of("0.7"), "-100");
    assert_percent(value_of("0.7"), value_of("0.7"), "0");
    assert_percent(value_of("1"), value_of("3"), "-66.66666666666667");
    assert_percent(exact_of_real(0.3), value_of("0.1"), "200");
    assert_percent(value_of("1e100"), value_of("1e-100"), "1e+202");
    assert_percent(exact_of_real(1e308), exact_of_real(1e-308), "null");
    assert_percent(value_of("1"), value_of("0"), "null");
    assert_percent(exact_null(), value_of("1"), "null");
    assert_percent(value_of("1"), exact_null(), "null");
}

static void a_copy_outlives_its_arena(void **state)
{
    (void)state;
    struct arena first = {0};
    struct arena second = {0};
    struct exact_value digits;
    struct exact_value copy;
    char text[EXACT_TEXT_BYTES];
    char copied[EXACT_TEXT_BYTES];
    assert_int_equal(exact_subtract(value_of("1e90"), value_of("1e-90"), &first, &digits),
                     STATUS_OK);
    assert_int_equal(digits.kind, EXACT_LONG);
    assert_int_equal(exact_copy(digits, &second, &copy), STATUS_OK);
    (void)exact_format(digits, text);
    arena_release(&first);
    (void)exact_format(copy, copied);
    assert_string_equal(text, copied);
    arena_release(&second);
}

/* --- matrices ------------------------------------------------------------------------------ */

static void label_is(const struct answer *matrix, size_t column, const char *wanted)
{
    assert_true(slice_equal(matrix->columns[column].name, slice_of_text(wanted)));
}

static enum status make_matrix(const struct line *lines, size_t count, struct pivot_spec spec,
                               struct answer *matrix, size_t *hidden)
{
    OWNED(answer_release) struct answer list = {0};
    struct bucket_width width;
    struct civil_zone zone;
    TRY(fill(&list, true, lines, count));
    TRY(bucket_width_parse("30m", &width, NULL));
    TRY(civil_zone_open(&zone, "Europe/Berlin", NULL));
    spec.has_name = true;
    spec.every = &width;
    spec.zone = &zone;
    return pivot_query(&list, &spec, matrix, hidden, NULL);
}

/* 2024-10-27 02:30 in Berlin, twice */
#define FIRST_MS  INT64_C(1729989000000)
#define SECOND_MS (FIRST_MS + 3600000)

static void an_hour_that_occurs_twice_has_two_columns(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"a", FIRST_MS, 1, 0}, {"a", SECOND_MS, 2, 0}, {"b", SECOND_MS, 3, 0}};
    struct answer matrix = {0};
    size_t hidden = 0;
    assert_int_equal(make_matrix(lines, 3, (struct pivot_spec){0}, &matrix, &hidden), STATUS_OK);
    assert_int_equal(hidden, 0);
    assert_int_equal(matrix.column_count, 3);
    label_is(&matrix, 1, "2024-10-27 02:30");
    label_is(&matrix, 2, "2024-10-27 02:30+01:00");
    assert_int_equal(answer_shown_count(&matrix), 2);
    assert_int_equal(answer_row(&matrix, 1)[1].kind, CELL_NULL);
    answer_release(&matrix);
}

static void a_narrow_terminal_shows_the_latest_buckets(void **state)
{
    (void)state;
    static const struct line lines[] = {
        {"a", FIRST_MS - 86400000, 1, 0}, {"a", FIRST_MS - 3600000, 2, 5}, {"a", FIRST_MS, 3, 6}};
    struct answer matrix = {0};
    size_t hidden = 0;
    const struct pivot_spec spec = {.field = "c", .brief = true, .width = 40};
    assert_int_equal(make_matrix(lines, 3, spec, &matrix, &hidden), STATUS_OK);
    assert_int_equal(hidden, 1);
    label_is(&matrix, 1, "10-27 01:30");
    assert_int_equal(answer_row(&matrix, 0)[2].integer, 6);
    answer_release(&matrix);
}

static void a_field_that_is_not_there_is_refused(void **state)
{
    (void)state;
    static const struct line lines[] = {{"a", FIRST_MS, 1, 0}};
    static const char *const wrong[] = {"x", "device", "time", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct answer matrix = {0};
        size_t hidden = 0;
        const struct pivot_spec spec = {.field = wrong[i]};
        assert_int_equal(make_matrix(lines, 1, spec, &matrix, &hidden), STATUS_INPUT);
        answer_release(&matrix);
    }
}

/* --- faults -------------------------------------------------------------------------------- */

static enum status all_of_it(void *context)
{
    (void)context;
    static const struct line now[] = {{"a", FIRST_MS, 5, 1}, {"b", FIRST_MS, 8, 3}};
    static const struct line before[] = {{"a", 10, 1, 7}, {"c", 10, 2, 9}};
    static const struct compare_bucket buckets[] = {{FIRST_MS, 10}};
    const struct compare_versus_spec spec = {
        .keys = by_both, .missing = zeros, .buckets = buckets, .bucket_count = 1, .percent = true};
    OWNED(answer_release) struct answer a = {0};
    OWNED(answer_release) struct answer b = {0};
    OWNED(answer_release) struct answer joined = {0};
    OWNED(answer_release) struct answer compared = {0};
    OWNED(answer_release) struct answer matrix = {0};
    size_t hidden = 0;
    TRY(fill(&a, true, now, 2));
    TRY(fill(&b, true, before, 2));
    TRY(compare_join(&a, &b, by_both, nulls, &joined, NULL));
    TRY(compare_versus(&a, &b, &spec, &compared, NULL));
    return make_matrix(now, 2, (struct pivot_spec){0}, &matrix, &hidden);
}

static void comparing_survives_every_failed_allocation(void **state)
{
    (void)state;
    fault_sweep_run(&(struct fault_sweep){.attempt = all_of_it, .most = 500});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_join_has_the_rows_of_both_sides),
        cmocka_unit_test(buckets_are_compared_as_paired),
        cmocka_unit_test(names_without_rows_in_most_buckets_take_no_time),
        cmocka_unit_test(differences_are_exact_until_a_double_is_involved),
        cmocka_unit_test(percentages_have_the_sign_of_the_change),
        cmocka_unit_test(a_copy_outlives_its_arena),
        cmocka_unit_test(an_hour_that_occurs_twice_has_two_columns),
        cmocka_unit_test(a_narrow_terminal_shows_the_latest_buckets),
        cmocka_unit_test(a_field_that_is_not_there_is_refused),
        cmocka_unit_test(comparing_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
