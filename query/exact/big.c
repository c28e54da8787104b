/*
 * big.c - arithmetic on magnitudes of a few limbs, by the schoolbook.
 *
 * Almost all integers here have one to four limbs, where nothing cleverer pays.
 */
#include "query/exact/big.h"

#include <assert.h>

static void drop_leading_zeros(struct big *big)
{
    while (big->len > 0 && big->limbs[big->len - 1] == 0)
        big->len--;
    if (big->len == 0)
        big->negative = false;
}

static void push_limb(struct big *big, uint64_t limb)
{
    if (limb == 0)
        return;
    assert(big->len < BIG_LIMBS);
    big->limbs[big->len++] = limb;
}

void big_set_u128(struct big *big, u128 magnitude, bool negative)
{
    big->limbs[0] = (uint64_t)magnitude;
    big->limbs[1] = (uint64_t)(magnitude >> 64);
    big->len = 2;
    big->negative = negative;
    drop_leading_zeros(big);
}

void big_set_wide(struct big *big, struct wide value)
{
    const bool negative = value.high < 0;
    const struct wide magnitude = negative ? wide_negate(value) : value;
    big->limbs[0] = (uint64_t)magnitude.low;
    big->limbs[1] = (uint64_t)(magnitude.low >> 64);
    big->limbs[2] = (uint64_t)magnitude.high;
    big->len = 3;
    big->negative = negative;
    drop_leading_zeros(big);
}

void big_copy(struct big *into, const struct big *from)
{
    into->len = from->len;
    into->negative = from->negative;
    memcpy(into->limbs, from->limbs, from->len * sizeof into->limbs[0]);
}

void big_multiply_small(struct big *big, uint64_t factor)
{
    u128 carry = 0;
    for (uint32_t i = 0; i < big->len; i++) {
        carry += (u128)big->limbs[i] * factor;
        big->limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    push_limb(big, (uint64_t)carry);
    if (factor == 0)
        drop_leading_zeros(big);
}

void big_multiply_u128(struct big *big, u128 factor)
{
    const uint64_t high = (uint64_t)(factor >> 64);
    if (high == 0) {
        big_multiply_small(big, (uint64_t)factor);
        return;
    }
    struct big upper;
    big_copy(&upper, big);
    big_multiply_small(&upper, high);
    big_shift_left(&upper, 64);
    big_multiply_small(big, (uint64_t)factor);
    big_add(big, &upper);
}

void big_multiply_power_of_ten(struct big *big, unsigned exponent)
{
    for (; exponent > 18; exponent -= 18)
        big_multiply_small(big, (uint64_t)power_of_ten(18));
    if (exponent > 0)
        big_multiply_small(big, (uint64_t)power_of_ten((int)exponent));
}

void big_shift_left(struct big *big, unsigned bits)
{
    if (big->len == 0 || bits == 0)
        return;
    const uint32_t whole = bits / 64;
    if (bits % 64 != 0)
        big_multiply_small(big, UINT64_C(1) << bits % 64);
    if (whole > 0) {
        assert(big->len + whole <= BIG_LIMBS);
        memmove(big->limbs + whole, big->limbs, big->len * sizeof big->limbs[0]);
        memset(big->limbs, 0, whole * sizeof big->limbs[0]);
        big->len += whole;
    }
}

bool big_shift_right(struct big *big, unsigned bits)
{
    const uint32_t whole = bits / 64;
    const unsigned part = bits % 64;
    if (whole >= big->len) {
        const bool dropped = big->len > 0;
        big_set_u128(big, 0, false);
        return dropped;
    }
    uint64_t dropped = 0;
    for (uint32_t i = 0; i < whole; i++)
        dropped |= big->limbs[i];
    big->len -= whole;
    memmove(big->limbs, big->limbs + whole, big->len * sizeof big->limbs[0]);
    if (part != 0) {
        dropped |= big->limbs[0] << (64 - part);
        for (uint32_t i = 0; i + 1 < big->len; i++)
            big->limbs[i] = big->limbs[i] >> part | big->limbs[i + 1] << (64 - part);
        big->limbs[big->len - 1] >>= part;
    }
    drop_leading_zeros(big);
    return dropped != 0;
}

static int compare_magnitudes(const struct big *a, const struct big *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    for (uint32_t i = a->len; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

static void add_magnitude(struct big *into, const struct big *added)
{
    while (into->len < added->len)
        into->limbs[into->len++] = 0;
    u128 carry = 0;
    for (uint32_t i = 0; i < into->len; i++) {
        carry += (u128)into->limbs[i] + (i < added->len ? added->limbs[i] : 0);
        into->limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    push_limb(into, (uint64_t)carry);
}

/* result = larger - smaller; `result` may be either of them. */
static void subtract_magnitude(const struct big *larger, const struct big *smaller,
                               struct big *result)
{
    const uint32_t smaller_len = smaller->len;
    uint64_t borrow = 0;
    for (uint32_t i = 0; i < larger->len; i++) {
        const u128 taken = (u128)(i < smaller_len ? smaller->limbs[i] : 0) + borrow;
        const uint64_t from = larger->limbs[i];
        result->limbs[i] = (uint64_t)(from - taken);
        borrow = from < taken;
    }
    assert(borrow == 0);
    result->len = larger->len;
}

static void add_signed(struct big *into, const struct big *added, bool added_negative)
{
    if (into->negative == added_negative) {
        add_magnitude(into, added);
    } else if (compare_magnitudes(into, added) >= 0) {
        subtract_magnitude(into, added, into);
    } else {
        subtract_magnitude(added, into, into);
        into->negative = added_negative;
    }
    drop_leading_zeros(into);
}

void big_add(struct big *into, const struct big *added)
{
    add_signed(into, added, added->negative);
}

void big_subtract(struct big *into, const struct big *taken)
{
    add_signed(into, taken, !taken->negative);
}

uint64_t big_divide_small(struct big *big, uint64_t divisor)
{
    assert(divisor != 0);
    u128 rest = 0;
    for (uint32_t i = big->len; i-- > 0;) {
        rest = rest << 64 | big->limbs[i];
        big->limbs[i] = (uint64_t)(rest / divisor);
        rest %= divisor;
    }
    drop_leading_zeros(big);
    return (uint64_t)rest;
}

void big_square(const struct big *big, struct big *square)
{
    assert(big != square && 2 * big->len <= BIG_LIMBS);
    square->len = 2 * big->len;
    square->negative = false;
    memset(square->limbs, 0, square->len * sizeof square->limbs[0]);
    for (uint32_t i = 0; i < big->len; i++) {
        u128 carry = 0;
        for (uint32_t k = 0; k < big->len; k++) {
            carry += (u128)big->limbs[i] * big->limbs[k] + square->limbs[i + k];
            square->limbs[i + k] = (uint64_t)carry;
            carry >>= 64;
        }
        square->limbs[i + big->len] = (uint64_t)carry;
    }
    drop_leading_zeros(square);
}

unsigned big_bit_length(const struct big *big)
{
    if (big->len == 0)
        return 0;
    return big->len * 64 - (unsigned)__builtin_clzll(big->limbs[big->len - 1]);
}

int big_compare(const struct big *a, const struct big *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    const int magnitudes = compare_magnitudes(a, b);
    return a->negative ? -magnitudes : magnitudes;
}

/* rest[0 .. len] -= factor * divisor[0 .. len - 1]; returns what is left to borrow above. */
static bool subtract_multiple(uint64_t *rest, const uint64_t *divisor, uint32_t len,
                              uint64_t factor)
{
    u128 carry = 0;
    uint64_t borrow = 0;
    for (uint32_t i = 0; i <= len; i++) {
        if (i < len)
            carry += (u128)divisor[i] * factor;
        const u128 taken = (u128)(uint64_t)carry + borrow;
        borrow = rest[i] < taken;
        rest[i] = (uint64_t)(rest[i] - taken);
        carry >>= 64;
    }
    return borrow != 0;
}

static void add_back(uint64_t *rest, const uint64_t *divisor, uint32_t len)
{
    u128 carry = 0;
    for (uint32_t i = 0; i <= len; i++) {
        carry += (u128)rest[i] + (i < len ? divisor[i] : 0);
        rest[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

/*
 * One limb of the quotient. Estimated from the upper two limbs of the rest and the uppermost of
 * the divisor, whose high bit is set, it is too large by two at most (Knuth, 4.3.1).
 */
static uint64_t divide_step(uint64_t *rest, const uint64_t *divisor, uint32_t len)
{
    const u128 top = (u128)rest[len] << 64 | rest[len - 1];
    const u128 estimate = top / divisor[len - 1];
    uint64_t digit = estimate >> 64 != 0 ? UINT64_MAX : (uint64_t)estimate;
    if (subtract_multiple(rest, divisor, len, digit)) {
        do {
            digit--;
            add_back(rest, divisor, len);
        } while (rest[len] != 0);
    }
    return digit;
}

bool big_divide(const struct big *numerator, const struct big *denominator, u128 *quotient)
{
    assert(denominator->len > 0);
    *quotient = 0;
    if (numerator->len < denominator->len)
        return numerator->len > 0;

    struct big divisor;
    struct big rest;
    const unsigned shift = (unsigned)__builtin_clzll(denominator->limbs[denominator->len - 1]);
    big_copy(&divisor, denominator);
    big_shift_left(&divisor, shift);
    big_copy(&rest, numerator);
    big_shift_left(&rest, shift);
    assert(rest.len < BIG_LIMBS);
    rest.limbs[rest.len++] = 0;

    const uint32_t len = divisor.len;
    for (uint32_t i = rest.len - len; i-- > 0;) {
        assert(*quotient >> 64 == 0);
        *quotient = *quotient << 64 | divide_step(rest.limbs + i, divisor.limbs, len);
    }
    uint64_t remainder = 0;
    for (uint32_t i = 0; i < len; i++)
        remainder |= rest.limbs[i];
    return remainder != 0;
}
