/*
 * test_exact_between.c - percentiles, differences, linear fill, and the order of results.
 *
 * The tables were computed with rational numbers of unlimited length.
 */
#include "engine/base/mem.h"
#include "query/exact/exact.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct number parse(const char *text)
{
    struct number number = {0};
    assert_true(number_parse(slice_of_text(text), &number));
    return number;
}

static void assert_value(const char *what, struct exact_value value, const char *expected)
{
    char text[EXACT_TEXT_BYTES];
    const size_t len = exact_format(value, text);
    assert_int_equal(len, strlen(text));
    if (strcmp(text, expected) != 0)
        fail_msg("%s: %s, expected %s", what, text, expected);
}

/* Of `count` values those at `index` and above are `a` and `b`. */
static const struct {
    uint64_t count;
    const char *percent;
    const char *a;
    const char *b;
    uint64_t index;
    const char *percentile;
} percentiles[] = {
    {UINT64_C(2), "50", "14", "15", UINT64_C(0), "14.5"},
    {UINT64_C(3), "50", "14", "15", UINT64_C(1), "14"},
    {UINT64_C(4), "95", "19.8", "20", UINT64_C(2), "19.97"},
    {UINT64_C(1), "95", "7", "7", UINT64_C(0), "7"},
    {UINT64_C(11), "99.9", "1", "2", UINT64_C(9), "1.99"},
    {UINT64_C(1000001), "99.99999999999999", "0.1", "0.3", UINT64_C(999999), "0.29999999998"},
    {UINT64_C(1000000000000000), "33.333", "-5.25", "1e3", UINT64_C(333329999999999),
     "664.9200175"},
    {UINT64_C(18446744073709551615), "1e-36", "0", "1", UINT64_C(0),
     "0.00000000000000000018446744073709551614"},
    {UINT64_C(18446744073709551615), "99.9", "1e127", "1e-128", UINT64_C(18428297329635842062),
     "614000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000."
     "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000386"},
    {UINT64_C(6), "25", "999999999999999999e109", "-999999999999999999e-128", UINT64_C(1),
     "749999999999999999249999999999999999999999999999999999999999999999999999999999999999999999999"
     "9999999999999999999999999999999999."
     "999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999"
     "9999999999999999975000000000000000025"},
    {UINT64_C(2), "50", "1e200", "1", UINT64_C(0), "5e+199"},
    {UINT64_C(2), "50", "1.7976931348623157e308", "1.7976931348623157e308", UINT64_C(0),
     "1.7976931348623157e+308"},
    {UINT64_C(2), "50", "5e-324", "0", UINT64_C(0), "0"},
    {UINT64_C(2), "50", "1e-400", "1", UINT64_C(0), "0.5"},
    {UINT64_C(2), "0", "1e200", "1", UINT64_C(0), "1e+200"},
    {UINT64_C(2), "12345678901234567e-16", "-999999999999999999", "999999999999999999", UINT64_C(0),
     "-975308642197530865.024691357802469134"},
    {UINT64_C(101), "1e1", "3", "4", UINT64_C(10), "3"},
    {UINT64_C(101), "1e2", "3", "4", UINT64_C(100), "3"},
    {UINT64_C(8), "62.5", "0.30000000000000004441", "0.3", UINT64_C(4), "0.30000000000000004"},
};

static void percentiles_are_exact_or_nearest(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        uint64_t index = UINT64_MAX;
        struct exact_fraction fraction = {0};
        assert_true(exact_percentile_rank(percentiles[i].count, parse(percentiles[i].percent),
                                          &index, &fraction));
        assert_true(index == percentiles[i].index);
        struct exact_value value = exact_null();
        assert_int_equal(exact_interpolate(parse(percentiles[i].a), parse(percentiles[i].b),
                                           fraction, &arena, &value),
                         STATUS_OK);
        assert_value(percentiles[i].percent, value, percentiles[i].percentile);
    }
    arena_release(&arena);
    assert_int_equal(mem_live_blocks(), 0);
}

static void percents_outside_0_to_100_are_refused(void **state)
{
    (void)state;
    const char *const percents[] = {"-1",    "-1e-9",  "101",   "100.000000000000001",    "1e127",
                                    "1e-37", "1e-128", "1e200", "50.00000000000000000001"};
    for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
        uint64_t index = 0;
        struct exact_fraction fraction = {0};
        assert_false(exact_percentile_rank(10, parse(percents[i]), &index, &fraction));
    }
}

static void fractions_are_reduced(void **state)
{
    (void)state;
    uint64_t index = 0;
    struct exact_fraction fraction = {0};
    assert_true(exact_percentile_rank(4, parse("50"), &index, &fraction));
    assert_int_equal(index, 1);
    assert_true(fraction.numerator == 5 && fraction.digits == 1);
    assert_true(exact_percentile_rank(5, parse("50.00"), &index, &fraction));
    assert_int_equal(index, 2);
    assert_true(fraction.numerator == 0 && fraction.digits == 0);
}

static const struct {
    const char *a;
    const char *b;
    const char *difference;
} differences[] = {
    {"19.8", "19.8", "0"},
    {"20", "19.98", "0.02"},
    {"-5.5", "4.25", "-9.75"},
    {"999999999999999999", "-999999999999999999", "1999999999999999998"},
    {"1e20", "1e-20", "99999999999999999999.99999999999999999999"},
    {"0", "1e-128",
     "-0.0000000000000000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000001"},
    {"1e200", "1", "1e+200"},
    {"1", "1e200", "-1e+200"},
    {"0.30000000000000004441", "0.3", "4.4408920985006264e-17"},
    {"1.7976931348623157e308", "-1.7976931348623157e308", "null"},
    {"1e-400", "1e-400", "0"},
};

static void differences_are_exact_or_nearest(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        struct exact_value value = exact_null();
        assert_int_equal(
            exact_difference(parse(differences[i].a), parse(differences[i].b), &arena, &value),
            STATUS_OK);
        assert_value(differences[i].a, value, differences[i].difference);
    }
    arena_release(&arena);
}

static const struct {
    const char *a;
    const char *b;
    uint64_t step;
    uint64_t step_count;
    const char *value;
} fills[] = {
    {"1", "2", 1, 3, "1.3333333333333333"},
    {"1", "2", 0, 3, "1"},
    {"1", "2", 3, 3, "2"},
    {"20.1", "20.4", 1, 3, "20.2"},
    {"0.1", "0.3", 1, 2, "0.2"},
    {"1e200", "-1e200", 1, 2, "0"},
    {"1e200", "1e127", 2, 7, "7.142857142857143e+199"},
    {"1.7976931348623157e308", "1.7976931348623157e308", 1, 2, "1.7976931348623157e+308"},
    {"5e-324", "0", 1, 2, "0"},
    {"5e-324", "5e-324", 1, 3, "5e-324"},
    {"-3", "3", 1, 2, "0"},
    {"9007199254740993", "9007199254740995", 1, 2, "9007199254740994"},
    {"1e-128", "1e127", 999999999, 1000000000, "9.99999999e+126"},
    {"-0.1", "12345678901234567890", 5, 9, "6.858710500685871e+18"},
};

static void linear_fill_is_the_nearest_double(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
        const struct exact_value a = exact_of_number(parse(fills[i].a));
        const struct exact_value b = exact_of_number(parse(fills[i].b));
        assert_value(fills[i].a, exact_linear_fill(a, b, fills[i].step, fills[i].step_count),
                     fills[i].value);
    }
    assert_true(exact_is_null(exact_linear_fill(exact_null(), exact_of_integer(1), 1, 2)));
    assert_true(exact_is_null(exact_linear_fill(exact_of_integer(1), exact_null(), 1, 2)));
}

static void values_are_made_normal(void **state)
{
    (void)state;
    assert_value("integer", exact_of_integer(0), "0");
    assert_value("integer", exact_of_integer(1200), "1200");
    assert_int_equal(exact_of_integer(1200).exponent, 2);
    assert_value("integer", exact_of_integer(INT64_MIN), "-9223372036854775808");
    assert_value("integer", exact_of_integer(INT64_MAX), "9223372036854775807");
    assert_value("real", exact_of_real(-0.0), "0");
    assert_false(signbit(exact_of_real(-0.0).real));
    assert_true(exact_is_null(exact_of_real(HUGE_VAL)));
    assert_true(exact_is_null(exact_of_real(nan(""))));
    assert_true(exact_is_null(exact_of_number((struct number){.kind = NUMBER_NULL})));
    assert_value("null", exact_null(), "null");
}

/* a + b, of any length. */
static struct exact_value sum_of(const char *a, const char *b, struct arena *arena)
{
    struct exact_sum sum = {0};
    assert_int_equal(exact_sum_add(&sum, parse(a)), STATUS_OK);
    assert_int_equal(exact_sum_add(&sum, parse(b)), STATUS_OK);
    struct exact_value value = exact_null();
    assert_int_equal(exact_of_sum(&sum, arena, &value), STATUS_OK);
    exact_sum_release(&sum);
    return value;
}

/* Values of every kind, each above the one before it; many round to the same double. */
static void order_is_exact_across_kinds(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct exact_value rising[] = {
        exact_of_real(-DBL_MAX),
        sum_of("-1e127", "-1e-128", &arena),
        exact_of_number(parse("-1e127")),
        sum_of("-1e127", "1e-128", &arena),
        exact_of_real(-0.5),
        exact_of_integer(0),
        exact_of_real(5e-324),
        exact_of_number(parse("1e-128")),
        exact_of_number(parse("0.1")),
        exact_of_real(0.1), /* 0.1000000000000000055 */
        sum_of("0.1", "0.0000000000000000056", &arena),
        sum_of("0.1", "1e-16", &arena),
        exact_of_number(parse("19.8")),
        exact_of_number(parse("19.85")),
        exact_of_integer(INT64_C(9007199254740991)),
        exact_of_real(9007199254740992.0),
        exact_of_integer(INT64_C(9007199254740993)),
        exact_of_real(9007199254740994.0),
        sum_of("999999999999999999e20", "0", &arena),
        sum_of("999999999999999999e20", "1e-128", &arena),
        sum_of("999999999999999999e20", "1e-3", &arena),
        exact_of_number(parse("1e127")),
        sum_of("1e127", "1e-128", &arena),
        exact_of_real(0x1p422),
        exact_of_real(DBL_MAX),
        exact_null(),
    };
    const size_t count = sizeof rising / sizeof rising[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            const int order = exact_compare(rising[i], rising[k]);
            const int expected = (i > k) - (i < k);
            if ((order > 0) - (order < 0) != expected)
                fail_msg("%zu against %zu: %d", i, k, order);
        }
    }
    arena_release(&arena);
}

static void equal_values_of_two_kinds_are_equal(void **state)
{
    (void)state;
    assert_int_equal(exact_compare(exact_of_integer(14), exact_of_real(14.0)), 0);
    assert_int_equal(exact_compare(exact_of_real(0.5), exact_of_number(parse("0.50"))), 0);
    assert_int_equal(exact_compare(exact_of_integer(0), exact_of_real(0.0)), 0);
}

/* The double of a value is that of its text. */
static void doubles_of_values_are_the_nearest(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct exact_value values[] = {
        exact_of_integer(0),
        exact_of_number(parse("-19.85")),
        exact_of_real(0.1),
        sum_of("1e127", "1e-128", &arena),
        sum_of("9007199254740993", "1e-128", &arena),
        sum_of("-9007199254740993", "1e-20", &arena),
        sum_of("123456789012345678e3", "987654321987654321", &arena),
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[EXACT_TEXT_BYTES];
        (void)exact_format(values[i], text);
        assert_true(exact_to_double(values[i]) == strtod(text, NULL));
    }
    arena_release(&arena);
}

static void no_memory_for_a_long_result_is_said(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct exact_value value = exact_null();
    const struct exact_fraction half = {.numerator = 5, .digits = 1};
    mem_fail_at(0);
    assert_int_equal(exact_interpolate(parse("1e127"), parse("1e-128"), half, &arena, &value),
                     STATUS_NOMEM);
    mem_fail_at(0);
    assert_int_equal(exact_difference(parse("1e127"), parse("1e-128"), &arena, &value),
                     STATUS_NOMEM);
    mem_fail_at(-1);
    assert_true(exact_is_null(value));
    arena_release(&arena);
    assert_int_equal(mem_live_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_exact_or_nearest),
        cmocka_unit_test(percents_outside_0_to_100_are_refused),
        cmocka_unit_test(fractions_are_reduced),
        cmocka_unit_test(differences_are_exact_or_nearest),
        cmocka_unit_test(linear_fill_is_the_nearest_double),
        cmocka_unit_test(values_are_made_normal),
        cmocka_unit_test(order_is_exact_across_kinds),
        cmocka_unit_test(equal_values_of_two_kinds_are_equal),
        cmocka_unit_test(doubles_of_values_are_the_nearest),
        cmocka_unit_test(no_memory_for_a_long_result_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
