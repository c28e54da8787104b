/*
 * number.c - making numbers, comparing them, turning them into doubles and text.
 *
 * Comparison across kinds never rounds. The nearest double of a decimal decides
 * almost always, since rounding keeps order; only if it equals the real are both
 * written out as integers, by multiplying with the powers of two and five in the way.
 */
#include "engine/number/number.h"

#include "engine/base/digits.h"
#include "engine/number/number_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

int64_t power_of_ten(int exponent)
{
    static const int64_t powers[] = {
        INT64_C(1),
        INT64_C(10),
        INT64_C(100),
        INT64_C(1000),
        INT64_C(10000),
        INT64_C(100000),
        INT64_C(1000000),
        INT64_C(10000000),
        INT64_C(100000000),
        INT64_C(1000000000),
        INT64_C(10000000000),
        INT64_C(100000000000),
        INT64_C(1000000000000),
        INT64_C(10000000000000),
        INT64_C(100000000000000),
        INT64_C(1000000000000000),
        INT64_C(10000000000000000),
        INT64_C(100000000000000000),
        INT64_C(1000000000000000000),
    };
    assert(exponent >= 0 && exponent <= 18);
    return powers[exponent];
}

/*
 * A nonzero mantissa without trailing zeros; the exponent grows by their number. Odd ones, half of
 * all, are told without a division.
 */
static int64_t strip_zeros(int64_t mantissa, int *exponent)
{
    assert(mantissa != 0);
    while ((mantissa & 1) == 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        ++*exponent;
    }
    return mantissa;
}

struct number number_from_decimal(int64_t mantissa, int exponent)
{
    if (mantissa == 0)
        return (struct number){.mantissa = 0, .exponent = 0, .kind = NUMBER_DECIMAL};
    mantissa = strip_zeros(mantissa, &exponent);
    assert(mantissa >= -NUMBER_MANTISSA_MAX && mantissa <= NUMBER_MANTISSA_MAX);
    assert(exponent >= NUMBER_EXPONENT_MIN && exponent <= NUMBER_EXPONENT_MAX);
    return (struct number){
        .mantissa = mantissa, .exponent = (int8_t)exponent, .kind = NUMBER_DECIMAL};
}

struct number number_from_sealed(int64_t mantissa, int exponent)
{
    int stripped_exponent = exponent;
    const int64_t stripped = mantissa == 0 ? 0 : strip_zeros(mantissa, &stripped_exponent);
    if (stripped < -NUMBER_MANTISSA_MAX || stripped > NUMBER_MANTISSA_MAX ||
        stripped_exponent < NUMBER_EXPONENT_MIN || stripped_exponent > NUMBER_EXPONENT_MAX)
        return number_from_real((double)mantissa);
    return number_from_decimal(stripped, stripped_exponent);
}

struct number number_from_integer(int64_t integer)
{
    int exponent = 0;
    const int64_t mantissa = integer == 0 ? 0 : strip_zeros(integer, &exponent);
    if (mantissa < -NUMBER_MANTISSA_MAX || mantissa > NUMBER_MANTISSA_MAX)
        return number_from_real((double)integer);
    return number_from_decimal(mantissa, exponent);
}

struct number number_from_real(double real)
{
    assert(isfinite(real));
    return (struct number){.real = real == 0.0 ? 0.0 : real, .kind = NUMBER_REAL};
}

/*
 * The nearest double of a magnitude of more than 53 bits by an exact division;
 * the quotient has 57 bits at least, enough to round, and its remainder says the rest.
 */
static double divide_by_power(uint64_t magnitude, int power)
{
    assert(magnitude >> 53 != 0);
    const u128 divisor = (u128)power_of_ten(power);
    const u128 shifted = (u128)magnitude << 64;
    return double_round(shifted / divisor, shifted % divisor != 0, -64);
}

static double decimal_magnitude_to_double(uint64_t magnitude, int exponent)
{
    /* Both operands are exact doubles, so the one operation rounds once, correctly. */
    static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (magnitude <= UINT64_C(1) << 53 && exponent <= 22 && exponent >= -22) {
        const double real = (double)magnitude;
        return exponent < 0 ? real / exact_powers[-exponent] : real * exact_powers[exponent];
    }
    if (magnitude >> 53 != 0 && exponent <= 0 && exponent >= -18)
        return divide_by_power(magnitude, -exponent);

    struct long_digits digits = {0};
    digits.len = digits_put(magnitude, digits.text);
    return long_digits_to_double(&digits, exponent);
}

double number_to_double(struct number number)
{
    assert(number.kind != NUMBER_NULL);
    if (number.kind == NUMBER_REAL)
        return number.real;
    const bool negative = number.mantissa < 0;
    const uint64_t magnitude = (uint64_t)(negative ? -number.mantissa : number.mantissa);
    const double real = decimal_magnitude_to_double(magnitude, number.exponent);
    return negative ? -real : real;
}

static int sign_of(int64_t value)
{
    return (value > 0) - (value < 0);
}

static int compare_decimals(struct number a, struct number b)
{
    if (a.exponent == b.exponent)
        return (a.mantissa > b.mantissa) - (a.mantissa < b.mantissa);
    if (sign_of(a.mantissa) != sign_of(b.mantissa))
        return sign_of(a.mantissa) - sign_of(b.mantissa) < 0 ? -1 : 1;
    if (a.exponent < b.exponent)
        return -compare_decimals(b, a);

    const int up = a.exponent - b.exponent;
    if (up > 18) /* beyond any 18 digits of b, and a is not zero as then b would be too */
        return sign_of(a.mantissa);
    const i128 scaled = (i128)a.mantissa * power_of_ten(up);
    return (scaled > b.mantissa) - (scaled < b.mantissa);
}

/*
 * An unsigned integer, low limbs first, for the two sides of one comparison.
 * 18 digits times 5^127 are 355 bits, 53 bits times 5^128 are 351, and as both
 * sides are about equal no shift moves further than to 10^145: 482 bits.
 */
#define SIDE_LIMBS 20

struct side {
    uint64_t limbs[SIDE_LIMBS];
};

static void side_multiply(struct side *side, uint64_t factor)
{
    u128 carry = 0;
    for (int i = 0; i < SIDE_LIMBS; i++) {
        carry += (u128)side->limbs[i] * factor;
        side->limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    assert(carry == 0);
}

static void side_multiply_power(struct side *side, uint64_t base, int exponent)
{
    for (int i = 0; i < exponent; i++)
        side_multiply(side, base);
}

static int side_compare(const struct side *a, const struct side *b)
{
    for (int i = SIDE_LIMBS - 1; i >= 0; i--) {
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

/* Positive decimal against positive real, where the decimal rounds to the real. */
static int compare_magnitudes(uint64_t decimal, int decimal_exponent, uint64_t real,
                              int real_exponent)
{
    struct side left = {{decimal}};
    struct side right = {{real}};
    side_multiply_power(decimal_exponent >= 0 ? &left : &right, 5, abs(decimal_exponent));
    const int twos = decimal_exponent - real_exponent;
    side_multiply_power(twos >= 0 ? &left : &right, 2, abs(twos));
    return side_compare(&left, &right);
}

static int compare_decimal_real(struct number decimal, double real)
{
    const double nearest = number_to_double(decimal);
    if (nearest != real)
        return nearest < real ? -1 : 1;
    if (decimal.mantissa == 0)
        return 0;
    int64_t mantissa = 0;
    int exponent = 0;
    double_split(real, &mantissa, &exponent);
    assert(sign_of(mantissa) == sign_of(decimal.mantissa));
    if (mantissa < 0)
        return -compare_magnitudes((uint64_t)-decimal.mantissa, decimal.exponent,
                                   (uint64_t)-mantissa, exponent);
    return compare_magnitudes((uint64_t)decimal.mantissa, decimal.exponent, (uint64_t)mantissa,
                              exponent);
}

int number_compare(struct number a, struct number b)
{
    assert(a.kind != NUMBER_NULL && b.kind != NUMBER_NULL);
    if (a.kind == NUMBER_DECIMAL && b.kind == NUMBER_DECIMAL)
        return compare_decimals(a, b);
    if (a.kind == NUMBER_DECIMAL)
        return compare_decimal_real(a, b.real);
    if (b.kind == NUMBER_DECIMAL)
        return -compare_decimal_real(b, a.real);
    return (a.real > b.real) - (a.real < b.real);
}

size_t digits_format(bool negative, const char *digits, size_t digits_len, int exponent, char *text)
{
    assert(digits_len > 0);
    char *to = text;
    if (negative)
        *to++ = '-';
    const int64_t point = (int64_t)digits_len + exponent; /* digits before the point */
    size_t whole_len = digits_len;
    if (point <= 0) {
        const size_t zeros = (size_t)-point;
        memcpy(to, "0.", 2);
        memset(to + 2, '0', zeros);
        to += 2 + zeros;
    } else if (exponent < 0) {
        whole_len = (size_t)point;
    }
    memcpy(to, digits, whole_len);
    to += whole_len;
    if (whole_len < digits_len) {
        *to++ = '.';
        memcpy(to, digits + whole_len, digits_len - whole_len);
        to += digits_len - whole_len;
    } else if (exponent > 0) {
        memset(to, '0', (size_t)exponent);
        to += exponent;
    }
    return (size_t)(to - text);
}

size_t number_format(struct number number, char text[NUMBER_TEXT_BYTES])
{
    assert(number.kind != NUMBER_NULL);
    if (number.kind == NUMBER_REAL)
        return double_format(number.real, text);
    const bool negative = number.mantissa < 0;
    char digits[20];
    const size_t digits_len =
        digits_put((uint64_t)(negative ? -number.mantissa : number.mantissa), digits);
    const size_t len = digits_format(negative, digits, digits_len, number.exponent, text);
    assert(len < NUMBER_TEXT_BYTES);
    text[len] = '\0';
    return len;
}
