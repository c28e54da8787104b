/*
 * double_text.c - doubles: taken apart, rounded, read from digits, written as text.
 *
 * Writing looks for the shortest digits that read back equal, and of these the
 * nearest. For doubles of everyday size that is a search in exact 128-bit integers:
 * the double and the two borders of what rounds to it, each times 4 * 10^k, are integers
 * over a power of two,
 *
 *          low          value         high
 *      -----[-------------|-------------]-----   every decimal in here reads back equal
 *           ^ ceil                 floor ^       first and last with k decimals
 *
 * and the largest power of ten with a multiple in between gives the digits. All
 * others ask the C library for 15, 16, 17 digits in turn. No text that is read or written
 * with the C library holds a decimal point, so locales don't matter.
 */
#include "engine/number/number.h"

#include "engine/base/digits.h"
#include "engine/number/number_internal.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static_assert(DBL_MANT_DIG == 53 && DBL_MAX_EXP == 1024, "doubles are IEEE 754 binary64");
static_assert(FLT_EVAL_METHOD == 0, "an operation on doubles rounds once");

#define FRACTION_BITS  52
#define EXPONENT_BIAS  (1023 + FRACTION_BITS) /* of the mantissa taken as an integer */
#define EXPONENT_LEAST (1 - EXPONENT_BIAS)    /* -1074: of subnormals */

void double_split(double real, int64_t *mantissa, int *exponent)
{
    assert(isfinite(real));
    uint64_t bits = 0;
    memcpy(&bits, &real, sizeof bits);
    const uint64_t hidden = UINT64_C(1) << FRACTION_BITS;
    const int biased = (int)(bits >> FRACTION_BITS & 0x7ff);
    uint64_t magnitude = bits & (hidden - 1);
    if (biased > 0)
        magnitude |= hidden;
    *exponent = biased > 0 ? biased - EXPONENT_BIAS : EXPONENT_LEAST;
    if (magnitude == 0)
        *exponent = 0;
    *mantissa = bits >> 63 ? -(int64_t)magnitude : (int64_t)magnitude;
}

static int bit_length(u128 value)
{
    const uint64_t high = (uint64_t)(value >> 64);
    const uint64_t low = (uint64_t)value;
    if (high != 0)
        return 128 - __builtin_clzll(high);
    return low != 0 ? 64 - __builtin_clzll(low) : 0;
}

double double_round(u128 magnitude, bool inexact, int exponent)
{
    const int length = bit_length(magnitude);
    assert(!inexact || length >= 55);
    int drop = length > 53 ? length - 53 : 0;
    if (exponent + drop < EXPONENT_LEAST) /* subnormal: fewer bits are kept */
        drop = EXPONENT_LEAST - exponent;
    if (drop > 128)
        return 0.0; /* less than half of the least */
    u128 kept = magnitude;
    if (drop > 0) {
        kept = drop < 128 ? magnitude >> drop : 0;
        const u128 half = (u128)1 << (drop - 1);
        const u128 rest = drop < 128 ? magnitude & (((u128)1 << drop) - 1) : magnitude;
        if (rest > half || (rest == half && (inexact || (kept & 1) != 0)))
            kept++;
    }
    return ldexp((double)(uint64_t)kept, exponent + drop);
}

double long_digits_to_double(struct long_digits *digits, int64_t exponent)
{
    assert(digits->len >= 1 && digits->len <= LONG_DIGITS_MAX + 1);
    /* With some 800 digits everything beyond these is 0 or infinite. */
    const int64_t limit = 5000;
    if (exponent > limit)
        exponent = limit;
    if (exponent < -limit)
        exponent = -limit;
    (void)snprintf(digits->text + digits->len, sizeof digits->text - digits->len, "e%d",
                   (int)exponent);
    return strtod(digits->text, NULL);
}

/* Shortest digits of a double: value * 10^exponent, the value without trailing zeros. */
struct short_digits {
    uint64_t value;
    int exponent;
};

static struct short_digits strip_digits(uint64_t value, int exponent)
{
    while (value != 0 && value % 10 == 0) {
        value /= 10;
        exponent++;
    }
    return (struct short_digits){.value = value, .exponent = exponent};
}

static u128 wide_power_of_ten(int exponent)
{
    assert(exponent >= 0 && exponent <= 36);
    const int low = exponent > 18 ? 18 : exponent;
    return (u128)power_of_ten(low) * (u128)power_of_ten(exponent - low);
}

/*
 * For 0.0001 <= real < 2^53 that is not integral. k is chosen so that real * 10^k lies in
 * 5*10^16 ... 10^18: fine enough to tell neighbours apart, and small enough for
 * 64 bits. As k <= 21, 4 * mantissa * 10^k stays below 2^126.
 */
static struct short_digits shortest_exact(int64_t mantissa, int exponent)
{
    const int real_bits = exponent + 53; /* 2^(real_bits - 1) <= real < 2^real_bits */
    assert(exponent < 0 && real_bits >= -13);
    const int k = 17 - (real_bits * 1233 >> 12); /* 1233 / 4096 is log10(2), a little less */
    assert(k >= 0 && k <= 21);
    const u128 power = wide_power_of_ten(k);
    const int unit_bits = 2 - exponent;
    const u128 unit_mask = ((u128)1 << unit_bits) - 1;

    const u128 four = (u128)mantissa * 4;
    const bool narrow_below = mantissa == INT64_C(1) << FRACTION_BITS;
    const u128 value = four * power;
    const u128 low = (four - (narrow_below ? 1 : 2)) * power;
    const u128 high = (four + 2) * power;
    const bool closed = (mantissa & 1) == 0; /* the borders themselves round to even */

    uint64_t first = (uint64_t)(low >> unit_bits);
    if (!closed || (low & unit_mask) != 0)
        first++;
    uint64_t last = (uint64_t)(high >> unit_bits);
    if (!closed && (high & unit_mask) == 0)
        last--;
    assert(first <= last);

    uint64_t step = 1;
    int step_exponent = 0;
    for (; last / (step * 10) * (step * 10) >= first; step *= 10)
        step_exponent++;
    const uint64_t below = (uint64_t)(value >> unit_bits) / step * step;
    uint64_t chosen = below;
    const u128 above_twice = (value - ((u128)below << unit_bits)) * 2;
    const u128 step_scaled = (u128)step << unit_bits;
    const bool up =
        above_twice > step_scaled || (above_twice == step_scaled && (below / step & 1) != 0);
    if (below < first || (up && below + step <= last))
        chosen = below + step;
    return strip_digits(chosen / step, step_exponent - k);
}

/* True if value * 10^exponent reads back as `real`. */
static bool reads_back(uint64_t value, int exponent, double real)
{
    struct long_digits digits;
    digits.len = digits_put(value, digits.text);
    return long_digits_to_double(&digits, exponent) == real;
}

/* By the C library, for any positive double. Subnormals may need fewer digits than 15. */
static struct short_digits shortest_by_trial(double real)
{
    for (int count = real < DBL_MIN ? 1 : 15;; count++) {
        assert(count <= 17); /* 17 digits always read back */
        char text[64];
        (void)snprintf(text, sizeof text, "%.*e", count - 1, real);
        uint64_t value = 0;
        const char *next = text;
        for (; *next != 'e'; next++) {
            if (*next >= '0' && *next <= '9') /* passes over the point, whatever it is */
                value = value * 10 + (uint64_t)(*next - '0');
        }
        const int exponent = (int)strtol(next + 1, NULL, 10) - (count - 1);
        if (reads_back(value, exponent, real))
            return strip_digits(value, exponent);
        /* Above a power of two there is more room than below, so the neighbour may do. */
        if (reads_back(value + 1, exponent, real))
            return strip_digits(value + 1, exponent);
    }
}

static struct short_digits shortest_digits(double real)
{
    assert(real > 0.0);
    const double exact_limit = 9007199254740992.0; /* 2^53 */
    if (real < exact_limit && real == floor(real))
        return strip_digits((uint64_t)real, 0);
    if (real < 0.0001 || real >= exact_limit)
        return shortest_by_trial(real);
    int64_t mantissa = 0;
    int exponent = 0;
    double_split(real, &mantissa, &exponent);
    return shortest_exact(mantissa, exponent);
}

/* "d.ddde+XX" with at least two digits of exponent; returns the length. */
static size_t format_exponent(bool negative, const char *digits, size_t digits_len, int exponent,
                              char text[NUMBER_TEXT_BYTES])
{
    const int point = exponent + (int)digits_len - 1;
    size_t len = 0;
    if (negative)
        text[len++] = '-';
    text[len++] = digits[0];
    if (digits_len > 1) {
        text[len++] = '.';
        memcpy(text + len, digits + 1, digits_len - 1);
        len += digits_len - 1;
    }
    const int written = snprintf(text + len, NUMBER_TEXT_BYTES - len, "e%+03d", point);
    return len + (size_t)written;
}

size_t double_format(double real, char text[NUMBER_TEXT_BYTES])
{
    assert(isfinite(real));
    if (real == 0.0) {
        memcpy(text, "0", 2);
        return 1;
    }
    const struct short_digits found = shortest_digits(fabs(real));
    char digits[20];
    const size_t digits_len = digits_put(found.value, digits);
    const int point = found.exponent + (int)digits_len; /* 0.digits * 10^point */
    if (point > 16 || point < -3)
        return format_exponent(real < 0.0, digits, digits_len, found.exponent, text);
    const size_t len = digits_format(real < 0.0, digits, digits_len, found.exponent, text);
    text[len] = '\0';
    return len;
}
