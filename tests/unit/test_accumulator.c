/*
 * test_accumulator.c - what an accumulator says of values that no sealed block holds.
 *
 * A block with right checksums may hold any mantissa. Its figures mean nothing then, but asking for
 * them ends well.
 *
 * ctest: property
 */
#include "query/aggregate/accumulator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 20u

struct column_of_one {
    int64_t times_ms[ROWS];
    int64_t mantissas[ROWS];
    struct row_vector rows;
    struct column_vector column;
};

static struct column_run run_of(struct column_of_one *held, int64_t mantissa, int exponent)
{
    memset(held, 0, sizeof *held);
    for (size_t i = 0; i < ROWS; i++) {
        held->times_ms[i] = (int64_t)i;
        held->mantissas[i] = mantissa;
    }
    held->rows.count = ROWS;
    held->rows.times_ms = held->times_ms;
    held->column.mantissas = held->mantissas;
    held->column.exponent = (int16_t)exponent;
    return (struct column_run){.column = &held->column, .rows = &held->rows, .until_row = ROWS};
}

static void assert_extremes(int64_t mantissa, int exponent, enum number_kind expected)
{
    static const struct accumulator_needs needs = {.basics = true, .squares = true, .values = true};
    struct column_of_one held;
    struct accumulator accumulator = {0};
    const struct column_run first = run_of(&held, mantissa, exponent);
    assert_int_equal(accumulator_add_run(&accumulator, &first, &needs), STATUS_OK);
    assert_int_equal(accumulator_min(&accumulator).kind, expected);
    assert_int_equal(accumulator_max(&accumulator).kind, expected);
    /* Another exponent: the extremes are put beside. */
    const struct column_run second = run_of(&held, mantissa, exponent + 1);
    assert_int_equal(accumulator_add_run(&accumulator, &second, &needs), STATUS_OK);
    assert_int_not_equal(accumulator_min(&accumulator).kind, NUMBER_NULL);
    assert_int_not_equal(accumulator_max(&accumulator).kind, NUMBER_NULL);
    accumulator_release(&accumulator);
}

static void mantissas_beyond_18_digits_are_no_decimals_and_end_nothing(void **state)
{
    (void)state;
    static const int exponents[] = {-128, -2, 0, 100, 126};
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        assert_extremes(INT64_MAX, exponents[i], NUMBER_REAL);
        assert_extremes(INT64_MIN, exponents[i], NUMBER_REAL);
        assert_extremes(NUMBER_MANTISSA_MAX, exponents[i], NUMBER_DECIMAL);
    }
}

static void exponents_that_zeros_raise_too_far_are_no_decimals(void **state)
{
    (void)state;
    assert_extremes(INT64_C(1000), 126, NUMBER_REAL);
    assert_extremes(INT64_C(10), 126, NUMBER_DECIMAL);
    assert_extremes(0, 126, NUMBER_DECIMAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mantissas_beyond_18_digits_are_no_decimals_and_end_nothing),
        cmocka_unit_test(exponents_that_zeros_raise_too_far_are_no_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
