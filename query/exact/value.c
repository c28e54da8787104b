/*
 * value.c - values: made, brought to normal form, compared, written.
 *
 * Comparison asks the cheap questions first: equal exponents, 18 digits, the nearest
 * doubles (rounding keeps order). Only values that round to the same double are
 * brought to integers of a common scale.
 */
#include "query/exact/exact.h"

#include "query/exact/rational.h"

#include <assert.h>
#include <math.h>

static struct exact_value decimal_value(i128 mantissa, int exponent)
{
    assert(exponent >= INT16_MIN && exponent <= INT16_MAX);
    return (struct exact_value){
        .mantissa = {.low = (uint64_t)mantissa, .high = (int64_t)(mantissa >> 64)},
        .exponent = (int16_t)exponent,
        .kind = EXACT_DECIMAL,
    };
}

struct exact_value value_of_i128(i128 mantissa, int exponent)
{
    if (mantissa == 0)
        return decimal_value(0, 0);
    while (mantissa != (int64_t)mantissa && mantissa % 10 == 0) {
        mantissa /= 10;
        exponent++;
    }
    if (mantissa == (int64_t)mantissa) {
        int64_t small = (int64_t)mantissa;
        for (; small % 10 == 0; small /= 10)
            exponent++;
        mantissa = small;
    }
    return decimal_value(mantissa, exponent);
}

enum status value_of_big(struct big *mantissa, int exponent, struct arena *arena,
                         struct exact_value *value)
{
    struct big shorter;
    big_copy(&shorter, mantissa);
    while (mantissa->len > 0 && big_divide_small(&shorter, 10) == 0) {
        big_copy(mantissa, &shorter);
        exponent++;
    }
    if (big_bit_length(mantissa) < 128) {
        u128 magnitude = 0;
        for (uint32_t i = mantissa->len; i-- > 0;)
            magnitude = magnitude << 64 | mantissa->limbs[i];
        const i128 small = (i128)magnitude;
        *value = value_of_i128(mantissa->negative ? -small : small, exponent);
        return STATUS_OK;
    }
    struct exact_long *digits = arena_alloc(arena, offsetof(struct exact_long, limbs) +
                                                       mantissa->len * sizeof digits->limbs[0]);
    if (!digits)
        return STATUS_NOMEM;
    digits->len = mantissa->len;
    digits->negative = mantissa->negative;
    memcpy(digits->limbs, mantissa->limbs, mantissa->len * sizeof digits->limbs[0]);
    *value =
        (struct exact_value){.digits = digits, .exponent = (int16_t)exponent, .kind = EXACT_LONG};
    return STATUS_OK;
}

struct exact_value exact_of_number(struct number number)
{
    if (number.kind == NUMBER_NULL)
        return exact_null();
    if (number.kind == NUMBER_REAL)
        return exact_of_real(number.real);
    return decimal_value(number.mantissa, number.exponent);
}

struct exact_value exact_of_integer(int64_t integer)
{
    return value_of_i128(integer, 0);
}

struct exact_value exact_of_real(double real)
{
    if (!isfinite(real))
        return exact_null();
    return (struct exact_value){.real = real == 0.0 ? 0.0 : real, .kind = EXACT_REAL};
}

struct scale scale_of_value(struct exact_value value)
{
    assert(value.kind != EXACT_NULL);
    if (value.kind != EXACT_REAL)
        return (struct scale){.tens = -value.exponent};
    int64_t mantissa = 0;
    int exponent = 0;
    double_split(value.real, &mantissa, &exponent);
    return (struct scale){.twos = -exponent};
}

void big_set_value(struct big *big, struct exact_value value, struct scale scale)
{
    assert(value.kind != EXACT_NULL);
    int tens = scale.tens;
    int twos = scale.twos;
    if (value.kind == EXACT_REAL) {
        int64_t mantissa = 0;
        int exponent = 0;
        double_split(value.real, &mantissa, &exponent);
        big_set_u128(big, (u128)(mantissa < 0 ? -mantissa : mantissa), mantissa < 0);
        twos += exponent;
    } else if (value.kind == EXACT_DECIMAL) {
        const i128 mantissa = exact_mantissa(value);
        big_set_u128(big, mantissa < 0 ? -(u128)mantissa : (u128)mantissa, mantissa < 0);
        tens += value.exponent;
    } else {
        big->len = value.digits->len;
        big->negative = value.digits->negative;
        memcpy(big->limbs, value.digits->limbs, big->len * sizeof big->limbs[0]);
        tens += value.exponent;
    }
    if (big->len == 0)
        return;
    assert(tens >= 0 && twos >= 0);
    big_multiply_power_of_ten(big, (unsigned)tens);
    big_shift_left(big, (unsigned)twos);
}

/* A decimal of at most 18 digits as a number. */
static bool value_to_number(struct exact_value value, struct number *number)
{
    const i128 mantissa = exact_mantissa(value);
    if (value.kind != EXACT_DECIMAL || mantissa < -NUMBER_MANTISSA_MAX ||
        mantissa > NUMBER_MANTISSA_MAX || value.exponent < NUMBER_EXPONENT_MIN ||
        value.exponent > NUMBER_EXPONENT_MAX)
        return false;
    *number = (struct number){
        .mantissa = (int64_t)mantissa, .exponent = (int8_t)value.exponent, .kind = NUMBER_DECIMAL};
    return true;
}

double exact_to_double(struct exact_value value)
{
    assert(value.kind != EXACT_NULL);
    if (value.kind == EXACT_REAL)
        return value.real;
    struct number number;
    if (value_to_number(value, &number))
        return number_to_double(number);
    const struct scale scale = scale_of_value(value);
    struct big mantissa;
    struct big one;
    big_set_value(&mantissa, value, scale);
    big_set_u128(&one, 1, false);
    return nearest_quotient(&mantissa, &one, scale);
}

static int compare_integers(struct exact_value a, struct exact_value b)
{
    struct scale scale = scale_of_both(scale_of_value(a), scale_of_value(b));
    scale = scale_of_both(scale, (struct scale){0});
    struct big left;
    struct big right;
    big_set_value(&left, a, scale);
    big_set_value(&right, b, scale);
    return big_compare(&left, &right);
}

int exact_compare(struct exact_value a, struct exact_value b)
{
    if (a.kind == EXACT_NULL || b.kind == EXACT_NULL)
        return (a.kind == EXACT_NULL) - (b.kind == EXACT_NULL);
    if (a.kind == EXACT_REAL && b.kind == EXACT_REAL)
        return (a.real > b.real) - (a.real < b.real);
    if (a.kind == EXACT_DECIMAL && b.kind == EXACT_DECIMAL && a.exponent == b.exponent)
        return (exact_mantissa(a) > exact_mantissa(b)) - (exact_mantissa(a) < exact_mantissa(b));
    struct number left;
    struct number right;
    if (value_to_number(a, &left) && value_to_number(b, &right))
        return number_compare(left, right);
    const double left_nearest = exact_to_double(a);
    const double right_nearest = exact_to_double(b);
    if (left_nearest != right_nearest)
        return left_nearest < right_nearest ? -1 : 1;
    return compare_integers(a, b);
}

/* All decimal digits of a magnitude, which is used up; returns their number. */
static size_t long_digits(struct big *magnitude, char text[EXACT_TEXT_BYTES])
{
    char reversed[EXACT_TEXT_BYTES];
    size_t len = 0;
    while (magnitude->len > 0) {
        uint64_t chunk = big_divide_small(magnitude, (uint64_t)power_of_ten(18));
        for (int i = 0; i < 18; i++, chunk /= 10) {
            assert(len < sizeof reversed);
            reversed[len++] = (char)('0' + chunk % 10);
        }
    }
    while (len > 0 && reversed[len - 1] == '0')
        len--;
    for (size_t i = 0; i < len; i++)
        text[i] = reversed[len - 1 - i];
    return len;
}

size_t exact_format(struct exact_value value, char text[EXACT_TEXT_BYTES])
{
    if (value.kind == EXACT_NULL) {
        memcpy(text, "null", 5);
        return 4;
    }
    if (value.kind == EXACT_REAL)
        return double_format(value.real, text);
    struct number number;
    if (value_to_number(value, &number))
        return number_format(number, text);

    struct big magnitude;
    big_set_value(&magnitude, value, (struct scale){.tens = -value.exponent});
    const bool negative = magnitude.negative;
    char digits[EXACT_TEXT_BYTES];
    const size_t digits_len = long_digits(&magnitude, digits);
    const size_t len = digits_format(negative, digits, digits_len, value.exponent, text);
    assert(len < EXACT_TEXT_BYTES);
    text[len] = '\0';
    return len;
}
