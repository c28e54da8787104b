/*
 * rational.c - common scales, and correct rounding of quotients and their roots.
 *
 * Rounding needs the first 55 bits of a result and whether anything follows. A
 * quotient is therefore computed to some 65 bits, a root to 59, by shifting the numerator
 * so that an integer division yields that many; bits that a shift drops, remainders
 * of the division and of the root all end up in one flag.
 */
#include "query/exact/rational.h"

#include <assert.h>
#include <math.h>

#define QUOTIENT_BITS 66
#define ROOT_BITS     118 /* of what the root is taken from; even */

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static bool term_is_zero(const struct sum_term *term)
{
    return term->total.low == 0 && term->total.high == 0;
}

/* The least exponent of the terms that are not zero; false if there is none. */
static bool least_exponent(const struct sum_term *terms, size_t count, int *least)
{
    for (size_t i = 0; i < count; i++) {
        if (!term_is_zero(&terms[i])) {
            *least = terms[i].exponent;
            return true;
        }
    }
    return false;
}

struct scale scale_of_sum(const struct exact_sum *sum)
{
    int tens = 0;
    int twos = 0;
    const bool has_decimals = least_exponent(sum->decimals, sum->decimal_count, &tens);
    const bool has_reals = least_exponent(sum->reals, sum->real_count, &twos);
    struct scale scale = {.tens = -tens, .twos = -twos};
    if (has_decimals && has_reals) /* each part is multiplied by the scale of the other */
        scale = scale_of_both(scale, (struct scale){0});
    return scale;
}

struct scale scale_of_both(struct scale a, struct scale b)
{
    return (struct scale){.tens = larger(a.tens, b.tens), .twos = larger(a.twos, b.twos)};
}

static void add_terms(struct big *big, const struct sum_term *terms, size_t count, bool ten,
                      struct scale scale)
{
    for (size_t i = 0; i < count; i++) {
        if (term_is_zero(&terms[i]))
            continue;
        const int tens = scale.tens + (ten ? terms[i].exponent : 0);
        const int twos = scale.twos + (ten ? 0 : terms[i].exponent);
        assert(tens >= 0 && twos >= 0);
        struct big term;
        big_set_wide(&term, terms[i].total);
        big_multiply_power_of_ten(&term, (unsigned)tens);
        big_shift_left(&term, (unsigned)twos);
        big_add(big, &term);
    }
}

void big_set_sum(struct big *big, const struct exact_sum *sum, struct scale scale)
{
    big_set_u128(big, 0, false);
    add_terms(big, sum->decimals, sum->decimal_count, true, scale);
    add_terms(big, sum->reals, sum->real_count, false, scale);
}

/* The scale brings both sides to integers: what is negative in it moves to the other side. */
static void apply_tens(struct big *numerator, struct big *denominator, int tens)
{
    if (tens >= 0)
        big_multiply_power_of_ten(denominator, (unsigned)tens);
    else
        big_multiply_power_of_ten(numerator, (unsigned)-tens);
}

/* Shifts by `bits`, right if negative; true if set bits were dropped. */
static bool shift_by(struct big *big, int bits)
{
    if (bits < 0)
        return big_shift_right(big, (unsigned)-bits);
    big_shift_left(big, (unsigned)bits);
    return false;
}

double nearest_quotient(struct big *numerator, struct big *denominator, struct scale scale)
{
    assert(denominator->len > 0 && !denominator->negative);
    if (numerator->len == 0)
        return 0.0;
    const bool negative = numerator->negative;
    apply_tens(numerator, denominator, scale.tens);
    const int shift =
        QUOTIENT_BITS + (int)big_bit_length(denominator) - (int)big_bit_length(numerator);
    bool inexact = shift_by(numerator, shift);
    u128 quotient = 0;
    inexact |= big_divide(numerator, denominator, &quotient);
    const double magnitude = double_round(quotient, inexact, -shift - scale.twos);
    return negative && magnitude != 0.0 ? -magnitude : magnitude;
}

/* The largest integer whose square is not above; 2^100 <= square < 2^124. */
static uint64_t root_of(u128 square)
{
    assert(square >> 100 != 0 && square >> 124 == 0);
    uint64_t root = (uint64_t)sqrt((double)square); /* the first 53 bits or so of 62 */
    root = (uint64_t)((root + square / root) / 2);
    while ((u128)root * root > square)
        root--;
    while ((u128)(root + 1) * (root + 1) <= square)
        root++;
    return root;
}

double nearest_root(struct big *numerator, struct big *denominator, struct scale scale)
{
    assert(denominator->len > 0 && !denominator->negative && !numerator->negative);
    if (numerator->len == 0)
        return 0.0;
    apply_tens(numerator, denominator, 2 * scale.tens);
    int shift = ROOT_BITS + (int)big_bit_length(denominator) - (int)big_bit_length(numerator);
    if (shift % 2 != 0)
        shift++;
    bool inexact = shift_by(numerator, shift);
    u128 quotient = 0;
    inexact |= big_divide(numerator, denominator, &quotient);
    const uint64_t root = root_of(quotient);
    inexact |= (u128)root * root != quotient;
    return double_round(root, inexact, -shift / 2 - scale.twos);
}
