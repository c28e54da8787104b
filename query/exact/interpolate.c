/*
 * interpolate.c - between two values: differences, percentiles, linear fill.
 *
 * a + (b - a) * f / t is computed as (a * (t - f) + b * f) / t, integers over integers.
 */
#include "query/exact/exact.h"

#include "query/exact/rational.h"

#include <assert.h>

static u128 power_of_ten_u128(int exponent)
{
    assert(exponent >= 0 && exponent <= EXACT_FRACTION_DIGITS_MAX);
    u128 power = 1;
    for (; exponent > 18; exponent -= 18)
        power *= (uint64_t)power_of_ten(18);
    return power * (uint64_t)power_of_ten(exponent);
}

static int lesser(int a, int b)
{
    return a < b ? a : b;
}

/* The mantissa of a decimal at a lower exponent; false if it needs more than 127 bits. */
static bool mantissa_at(struct number number, int exponent, i128 *mantissa)
{
    const int up = number.exponent - exponent;
    assert(up >= 0);
    *mantissa = number.mantissa;
    if (up > 18)
        return number.mantissa == 0;
    *mantissa *= power_of_ten(up);
    return true;
}

/* a * a_weight + b * b_weight of decimals, if 128 bits do. */
static bool combine_small(struct number a, i128 a_weight, struct number b, i128 b_weight,
                          i128 *mantissa)
{
    const int exponent = lesser(a.exponent, b.exponent);
    i128 left = 0;
    i128 right = 0;
    return mantissa_at(a, exponent, &left) && mantissa_at(b, exponent, &right) &&
           !__builtin_mul_overflow(left, a_weight, &left) &&
           !__builtin_mul_overflow(right, b_weight, &right) &&
           !__builtin_add_overflow(left, right, mantissa);
}

/* The same of any two values, as an integer at their common scale, which is returned. */
static struct scale combine_values(struct exact_value a, u128 a_weight, struct exact_value b,
                                   u128 b_weight, struct big *combined)
{
    struct scale scale = scale_of_both(scale_of_value(a), scale_of_value(b));
    scale = scale_of_both(scale, (struct scale){0});
    struct big right;
    big_set_value(combined, a, scale);
    big_multiply_u128(combined, a_weight);
    big_set_value(&right, b, scale);
    big_multiply_u128(&right, b_weight);
    big_add(combined, &right);
    return scale;
}

static struct number number_negate(struct number number)
{
    if (number.kind == NUMBER_DECIMAL)
        number.mantissa = -number.mantissa;
    else if (number.real != 0.0)
        number.real = -number.real;
    return number;
}

/* (a * a_weight + b * b_weight) / 10^digits: exact for decimals, else the nearest double. */
static enum status combine_numbers(const struct number pair[2], const u128 weights[2], int digits,
                                   struct arena *arena, struct exact_value *value)
{
    struct big combined;
    const struct scale scale = combine_values(exact_of_number(pair[0]), weights[0],
                                              exact_of_number(pair[1]), weights[1], &combined);
    if (pair[0].kind == NUMBER_DECIMAL && pair[1].kind == NUMBER_DECIMAL)
        return value_of_big(&combined, -scale.tens - digits, arena, value);
    struct big denominator;
    big_set_u128(&denominator, power_of_ten_u128(digits), false);
    *value = exact_of_real(nearest_quotient(&combined, &denominator, scale));
    return STATUS_OK;
}

enum status exact_difference(struct number a, struct number b, struct arena *arena,
                             struct exact_value *value)
{
    assert(a.kind != NUMBER_NULL && b.kind != NUMBER_NULL);
    i128 mantissa = 0;
    if (a.kind == NUMBER_DECIMAL && b.kind == NUMBER_DECIMAL &&
        combine_small(a, 1, b, -1, &mantissa)) {
        *value = value_of_i128(mantissa, lesser(a.exponent, b.exponent));
        return STATUS_OK;
    }
    const struct number pair[2] = {a, number_negate(b)};
    const u128 weights[2] = {1, 1};
    return combine_numbers(pair, weights, 0, arena, value);
}

bool exact_percentile_rank(uint64_t count, struct number percent, uint64_t *index,
                           struct exact_fraction *fraction)
{
    assert(count > 0);
    if (percent.kind != NUMBER_DECIMAL || number_compare(percent, number_from_decimal(0, 0)) < 0 ||
        number_compare(percent, number_from_decimal(100, 0)) > 0 ||
        percent.exponent < 2 - EXACT_FRACTION_DIGITS_MAX)
        return false;

    /* (count - 1) * percent / 100; the product has less than 64 + 60 bits. */
    u128 rank = (u128)(count - 1) * (u128)percent.mantissa;
    int digits = 2;
    if (percent.exponent > 0)
        rank *= (uint64_t)power_of_ten(percent.exponent);
    else
        digits -= percent.exponent;
    const u128 denominator = power_of_ten_u128(digits);
    *index = (uint64_t)(rank / denominator);
    fraction->numerator = rank % denominator;
    for (; digits > 0 && fraction->numerator % 10 == 0; digits--)
        fraction->numerator /= 10;
    fraction->digits = digits;
    return true;
}

enum status exact_interpolate(struct number a, struct number b, struct exact_fraction fraction,
                              struct arena *arena, struct exact_value *value)
{
    assert(a.kind != NUMBER_NULL && b.kind != NUMBER_NULL);
    const u128 whole = power_of_ten_u128(fraction.digits);
    assert(fraction.numerator < whole);
    if (fraction.numerator == 0) {
        *value = exact_of_number(a);
        return STATUS_OK;
    }
    const u128 rest = whole - fraction.numerator;
    i128 mantissa = 0;
    if (a.kind == NUMBER_DECIMAL && b.kind == NUMBER_DECIMAL &&
        combine_small(a, (i128)rest, b, (i128)fraction.numerator, &mantissa)) {
        *value = value_of_i128(mantissa, lesser(a.exponent, b.exponent) - fraction.digits);
        return STATUS_OK;
    }
    const struct number pair[2] = {a, b};
    const u128 weights[2] = {rest, fraction.numerator};
    return combine_numbers(pair, weights, fraction.digits, arena, value);
}

struct exact_value exact_linear_fill(struct exact_value a, struct exact_value b, uint64_t step,
                                     uint64_t step_count)
{
    assert(step_count > 0 && step <= step_count);
    if (a.kind == EXACT_NULL || b.kind == EXACT_NULL)
        return exact_null();
    struct big combined;
    struct big denominator;
    const struct scale scale = combine_values(a, step_count - step, b, step, &combined);
    big_set_u128(&denominator, step_count, false);
    return exact_of_real(nearest_quotient(&combined, &denominator, scale));
}
