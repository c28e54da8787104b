/*
 * test_filter.c - expressions: what they say of a row, of many rows, of a summary, and what is no
 * expression.
 */
#include "engine/base/mem.h"
#include "query/filter/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct number number_of(const char *text)
{
    struct number number = {.kind = NUMBER_NULL};
    if (text)
        assert_true(number_parse(slice_of_text(text), &number));
    return number;
}

static void add(struct filter *filter, const char *text)
{
    struct filter_place place;
    struct error err = {0};
    if (filter_add(filter, text, &place, &err) != STATUS_OK)
        fail_msg("'%s' at %zu: %s", text, place.start, err.message);
}

/* Whether a row with these values of `a` and `b` counts; NULL: it has none. */
static bool holds(const char *text, const char *a, const char *b)
{
    struct filter filter = {0};
    struct number values[4] = {{.kind = NUMBER_NULL}};
    add(&filter, text);
    assert_in_range(filter.metric_count, 1, 4);
    for (size_t i = 0; i < filter.metric_count; i++)
        values[i] = number_of(slice_equal(filter.metrics[i].name, slice_of_text("a"))   ? a
                              : slice_equal(filter.metrics[i].name, slice_of_text("b")) ? b
                                                                                        : NULL);
    const bool result = filter_holds(&filter, values);
    filter_release(&filter);
    return result;
}

/* --- one row ------------------------------------------------------------------------------- */

static void comparisons_are_of_exact_decimals(void **state)
{
    (void)state;
    assert_true(holds("a < 0.3", "0.29999999999999999", NULL));
    assert_false(holds("a < 0.3", "0.3", NULL));
    assert_true(holds("a <= 0.3", "0.3000", NULL));
    assert_true(holds("a > 99999999999999999.8", "99999999999999999.9", NULL));
    assert_true(holds("a >= -5", "-5", NULL));
    assert_true(holds("a = 1e2", "100", NULL));
    assert_true(holds("a == 100", "1.00e2", NULL));
    assert_false(holds("a != 100", "100", NULL));
    assert_true(holds("a <> 100", "100.000000000000001", NULL));
}

static void a_double_is_compared_by_its_own_value(void **state)
{
    (void)state;
    assert_true(holds("a = 0.12345678901234567890", "0.12345678901234567890", NULL));
    assert_true(holds("a > 1e126", "1e200", NULL));
    assert_true(holds("a < 1e200", "1e126", NULL));
    assert_false(holds("a = 0.1", "0.1000000000000000055511151231257827", NULL));
}

static void between_takes_both_ends(void **state)
{
    (void)state;
    assert_true(holds("a between 1 and 2", "1", NULL));
    assert_true(holds("a between 1 and 2", "2.0", NULL));
    assert_false(holds("a between 1 and 2", "2.01", NULL));
    assert_true(holds("a not between 1 and 2", "2.01", NULL));
    assert_true(holds("a between 1 and 2 and b = 3", "1", "3"));
}

static void a_missing_value_is_neither_true_nor_false(void **state)
{
    (void)state;
    assert_false(holds("a < 3", NULL, NULL));
    assert_false(holds("not a < 3", NULL, NULL));
    assert_false(holds("a != 3", NULL, NULL));
    assert_false(holds("a not between 1 and 2", NULL, NULL));
    assert_true(holds("a is null", NULL, NULL));
    assert_false(holds("a is not null", NULL, NULL));
    assert_true(holds("a < 3 or b = 1", NULL, "1"));
    assert_false(holds("a < 3 or b = 1", NULL, "2"));
    assert_true(holds("not (a < 3 and b = 1)", NULL, "2"));
    assert_false(holds("not (a < 3 or b = 1)", NULL, "2"));
}

static void not_binds_closer_than_and_and_that_closer_than_or(void **state)
{
    (void)state;
    assert_true(holds("a = 1 or a = 2 and b = 3", "1", "0"));
    assert_false(holds("(a = 1 or a = 2) and b = 3", "1", "0"));
    assert_true(holds("not a = 1 or b = 3", "1", "3"));
    assert_false(holds("not (a = 1 or b = 3)", "1", "3"));
    assert_true(holds("NOT a = 2 AnD b is NOT Null", "1", "3"));
}

static void names_are_bare_or_quoted(void **state)
{
    (void)state;
    struct filter filter = {0};
    add(&filter,
        "env.temperature-2:x/y@z$%<1 and \"and\">2 and \"a \\\"b\\\\\" is null and \xE6\xB8\xA9=3 "
        "and \"\" is null and _1=1");
    static const char *const names[] = {
        "env.temperature-2:x/y@z$%", "and", "a \"b\\", "\xE6\xB8\xA9", "", "_1"};
    assert_int_equal(filter.metric_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_true(slice_equal(filter.metrics[i].name, slice_of_text(names[i])));
    filter_release(&filter);
}

static void all_expressions_must_hold(void **state)
{
    (void)state;
    struct filter filter = {0};
    add(&filter, "a > 1 or b > 1");
    add(&filter, "b < 5");
    assert_int_equal(filter.metric_count, 2);
    assert_int_equal(filter.metrics[1].expression, 0);
    const struct number holding[] = {number_of("2"), number_of("3")};
    const struct number failing[] = {number_of("2"), number_of("5")};
    assert_true(filter_holds(&filter, holding));
    assert_false(filter_holds(&filter, failing));
    filter_release(&filter);
}

/* --- refusals ------------------------------------------------------------------------------ */

static void a_refusal_says_where_and_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t start, len;
        const char *words;
    } cases[] = {
        {"", 0, 0, "expected a metric, found the end"},
        {"a", 1, 0, "expected a comparison"},
        {"a <", 3, 0, "expected a number, found the end"},
        {"a < b", 4, 1, "metrics are compared with numbers only"},
        {"3 < a", 0, 1, "it comes first"},
        {"a < 3 b", 6, 1, "expected 'and', 'or' or the end, found 'b'"},
        {"a < 3 < 4", 6, 1, "a range is 'between 10 and 30'"},
        {"a < 01", 4, 2, "no number"},
        {"a < 1e400", 4, 5, "no number"},
        {"a < -", 4, 1, "no number"},
        {"a < 5C", 5, 1, "without a unit"},
        {"a < .5", 4, 1, "begins with a digit"},
        {"a < +5", 4, 1, "no '+'"},
        {"a < 1,5", 5, 1, "decimal point"},
        {"a => 5", 2, 2, "write '>='"},
        {"a =< 5", 2, 2, "write '<='"},
        {"a<1 && b<2", 4, 2, "write 'and'"},
        {"a<1 || b<2", 4, 2, "write 'or'"},
        {"!a", 0, 1, "write 'not'"},
        {"'a' < 1", 0, 1, "double quotes"},
        {"\"a < 1", 0, 6, "no '\"' ends this name"},
        {"\"a\\n\" < 1", 2, 2, "stands before"},
        {"(a < 1", 0, 1, "no ')' closes this '('"},
        {"(a < 1 b", 7, 1, "expected 'and', 'or' or ')'"},
        {"a < 1)", 5, 1, "expected 'and', 'or' or the end"},
        {"a is 3", 5, 1, "'null' or 'not null'"},
        {"a is not 3", 9, 1, "expected 'null'"},
        {"a between 1", 11, 0, "the upper bound"},
        {"a between 2 and 1", 10, 7, "the lower bound comes first"},
        {"a not < 1", 6, 1, "expected 'between'"},
        {"null < 3", 0, 4, "stands in double quotes"},
        {"a < 1 and", 9, 0, "expected a metric, found the end"},
        {"a ; b", 2, 1, "no meaning"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct filter filter = {0};
        struct filter_place place = {0};
        struct error err = {0};
        add(&filter, "b < 7");
        assert_int_equal(filter_add(&filter, cases[i].text, &place, &err), STATUS_INPUT);
        if (place.start != cases[i].start || place.len != cases[i].len ||
            !strstr(err.message, cases[i].words))
            fail_msg("'%s': %zu+%zu: %s", cases[i].text, place.start, place.len, err.message);
        assert_int_equal(filter.step_count, 1);
        assert_int_equal(filter.metric_count, 1);
        filter_release(&filter);
    }
}

static void limits_are_refusals(void **state)
{
    (void)state;
    struct filter filter = {0};
    struct filter_place place = {0};
    struct error err = {0};
    char text[FILTER_TEXT_BYTES_MAX + 2];
    memset(text, '(', 65);
    text[65] = '\0';
    assert_int_equal(filter_add(&filter, text, &place, &err), STATUS_INPUT);
    assert_non_null(strstr(err.message, "nested deeper"));
    assert_int_equal(place.start, 64);
    size_t used = 0;
    for (unsigned i = 0; i <= FILTER_TESTS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%sa<%u", i ? " or " : "", i);
    assert_int_equal(filter_add(&filter, text, &place, &err), STATUS_INPUT);
    assert_non_null(strstr(err.message, "256 tests"));
    memset(text, 'a', 257);
    memcpy(text + 257, "<1", 3);
    assert_int_equal(filter_add(&filter, text, &place, &err), STATUS_INPUT);
    assert_non_null(strstr(err.message, "at most 256 bytes"));
    memset(text, ' ', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(filter_add(&filter, text, &place, &err), STATUS_INPUT);
    filter_release(&filter);
}

static void the_deepest_expression_that_is_taken_fits_its_stack(void **state)
{
    (void)state;
    struct filter filter = {0};
    char text[2048] = "";
    size_t used = 0;
    for (unsigned i = 0; i < FILTER_DEPTH_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "a<1 or b<1 and (");
    used += (size_t)snprintf(text + used, sizeof text - used, "a<1 or b<1 and b=0");
    memset(text + used, ')', FILTER_DEPTH_MAX);
    text[used + FILTER_DEPTH_MAX] = '\0';
    add(&filter, "a < 9");
    add(&filter, text);
    const struct number values[] = {number_of("5"), number_of("0")};
    assert_true(filter_holds(&filter, values));
    filter_release(&filter);
}

/* --- many rows ----------------------------------------------------------------------------- */

static uint32_t rand_state = 1;

static uint32_t next_random(uint32_t below)
{
    rand_state = rand_state * 1664525u + 1013904223u;
    return (rand_state >> 8) % below;
}

#define ROWS 200u

/* How many rows count, taken one by one; all bits of their words are as they say. */
static uint32_t count_alone(const struct filter *filter, const struct column_vector *const *columns,
                            const uint32_t bounds[2], const uint64_t *bits)
{
    uint32_t found = 0;
    for (uint32_t row = bounds[0] / 64 * 64; row < (bounds[1] + 63) / 64 * 64; row++) {
        bool expected = false;
        if (row >= bounds[0] && row < bounds[1]) {
            struct number values[2] = {column_vector_get(columns[0], row), number_of(NULL)};
            if (columns[1])
                values[1] = values[0];
            expected = filter_holds(filter, values);
        }
        assert_int_equal(bits[row / 64] >> (row % 64) & 1, expected);
        found += expected;
    }
    return found;
}

static void rows_together_say_what_each_says_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a < 0.5",
        "a >= -3 and b != 2",
        "not (a is null or b between -1 and 1)",
        "a > 1e200",
        "a = 0.1",
        "a < 12345678901234567890.5",
        "b is not null",
        "a < 1e-120 or a > 1e120",
        "not b = 0 or a = 7",
    };
    static int64_t mantissas[ROWS];
    uint64_t present[(ROWS + 63) / 64];
    struct column_exception exceptions[2];
    for (size_t t = 0; t < sizeof texts / sizeof texts[0] * 20; t++) {
        struct filter filter = {0};
        add(&filter, texts[t % (sizeof texts / sizeof texts[0])]);
        for (uint32_t row = 0; row < ROWS; row++)
            mantissas[row] = (int64_t)next_random(20) - 10;
        for (size_t i = 0; i < 4; i++)
            present[i] = (uint64_t)next_random(1u << 24) << 40 | next_random(1u << 24);
        const uint32_t at[] = {next_random(100), 100 + next_random(100)};
        exceptions[0] =
            (struct column_exception){at[0], number_of("0.1000000000000000055511151231257827")};
        exceptions[1] = (struct column_exception){at[1], number_of("1e201")};
        mantissas[at[0]] = mantissas[at[1]] = 0;
        struct column_vector column = {.mantissas = mantissas,
                                       .present = t % 2 ? present : NULL,
                                       .exponent = (int16_t)((int)next_random(7) - 3),
                                       .exceptions = exceptions,
                                       .exception_count = t % 3 ? 2 : 0};
        const struct column_vector *columns[] = {&column, t % 5 ? &column : NULL};
        struct filter_scratch scratch = {0};
        uint64_t bits[FILTER_WORDS];
        const uint32_t from = next_random(130);
        const uint32_t until = from + 1 + next_random(ROWS - from - 1);
        assert_int_equal(filter_scratch_init(&scratch, &filter), STATUS_OK);
        const uint32_t count = filter_rows(&filter, columns, from, until, &scratch, bits);
        const uint32_t found = count_alone(&filter, columns, (const uint32_t[]){from, until}, bits);
        assert_int_equal(count, found);
        filter_scratch_release(&scratch);
        filter_release(&filter);
    }
}

/* --- summaries ----------------------------------------------------------------------------- */

static enum filter_verdict judged(const char *text, const char *min, const char *max, bool always)
{
    struct filter filter = {0};
    add(&filter, text);
    const struct filter_extent extent = {
        .min = number_of(min), .max = number_of(max), .always = always};
    const enum filter_verdict verdict = filter_judge(&filter, &extent);
    filter_release(&filter);
    return verdict;
}

static void a_summary_decides_where_its_bounds_do(void **state)
{
    (void)state;
    assert_int_equal(judged("a < 10", "1", "9.9", true), FILTER_ALL);
    assert_int_equal(judged("a < 10", "1", "9.9", false), FILTER_SOME);
    assert_int_equal(judged("a < 10", "1", "10", true), FILTER_SOME);
    assert_int_equal(judged("a < 10", "10", "11", true), FILTER_NONE);
    assert_int_equal(judged("a <= 10", "10", "11", true), FILTER_SOME);
    assert_int_equal(judged("a = 10", "10", "10", true), FILTER_ALL);
    assert_int_equal(judged("a = 10", "9", "11", true), FILTER_SOME);
    assert_int_equal(judged("a != 10", "11", "12", true), FILTER_ALL);
    assert_int_equal(judged("a != 10", "11", "12", false), FILTER_SOME);
    assert_int_equal(judged("not a < 10", "1", "9.9", false), FILTER_NONE);
    assert_int_equal(judged("a < 10 or a is null", "1", "9.9", false), FILTER_SOME);
    assert_int_equal(judged("a is null", "1", "9.9", true), FILTER_NONE);
    assert_int_equal(judged("a is null", "1", "9.9", false), FILTER_SOME);
    assert_int_equal(judged("a is null", NULL, NULL, false), FILTER_ALL);
    assert_int_equal(judged("a < 10", NULL, NULL, false), FILTER_NONE);
    assert_int_equal(judged("a between 0 and 10 and a < 5", "6", "9.9", true), FILTER_NONE);
}

/* --- memory -------------------------------------------------------------------------------- */

static void reading_survives_every_failed_allocation(void **state)
{
    (void)state;
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct filter filter = {0};
        struct filter_place place = {0};
        struct filter_scratch scratch = {0};
        mem_fail_at(nth);
        status =
            filter_add(&filter, "a < 3 and not (b is null or c between 1 and 2)", &place, NULL);
        if (status == STATUS_OK)
            status = filter_add(&filter, "d > 5", &place, NULL);
        if (status == STATUS_OK)
            status = filter_scratch_init(&scratch, &filter);
        mem_fail_at(-1);
        filter_scratch_release(&scratch);
        filter_release(&filter);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_are_of_exact_decimals),
        cmocka_unit_test(a_double_is_compared_by_its_own_value),
        cmocka_unit_test(between_takes_both_ends),
        cmocka_unit_test(a_missing_value_is_neither_true_nor_false),
        cmocka_unit_test(not_binds_closer_than_and_and_that_closer_than_or),
        cmocka_unit_test(names_are_bare_or_quoted),
        cmocka_unit_test(all_expressions_must_hold),
        cmocka_unit_test(a_refusal_says_where_and_what_was_expected),
        cmocka_unit_test(limits_are_refusals),
        cmocka_unit_test(the_deepest_expression_that_is_taken_fits_its_stack),
        cmocka_unit_test(rows_together_say_what_each_says_alone),
        cmocka_unit_test(a_summary_decides_where_its_bounds_do),
        cmocka_unit_test(reading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
