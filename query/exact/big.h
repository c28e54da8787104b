/*
 * big.h - signed integers of up to BIG_LIMBS * 64 bits, for this folder.
 *
 * Sign and magnitude, low limbs first, no leading zero limbs, zero is positive. Only
 * limbs below `len` are ever read, so a value is made by any of the big_set functions
 * and costs nothing for the limbs it does not use. That a result fits is asserted: the
 * inputs of this folder bound it (see BIG_LIMBS).
 */
#ifndef MNSDB_QUERY_EXACT_BIG_H
#define MNSDB_QUERY_EXACT_BIG_H

#include "engine/base/bytes.h"
#include "engine/number/number.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The longest is the square of a sum brought to integers. A sum spans 2^-2176 to 2^2176,
 * together with 10^-256 to 10^313 (SUM_..._EXPONENT, 192-bit totals): 2176 + 2176 + 850
 * bits, its square 10,404, times a count and a power of ten for the divisor 11,400.
 */
#define BIG_LIMBS 256u

struct big {
    uint32_t len;
    bool negative;
    uint64_t limbs[BIG_LIMBS];
};

void big_set_u128(struct big *big, u128 magnitude, bool negative);
void big_set_wide(struct big *big, struct wide value);
void big_copy(struct big *into, const struct big *from);

/* In place. */
void big_multiply_small(struct big *big, uint64_t factor);
void big_multiply_u128(struct big *big, u128 factor);
void big_multiply_power_of_ten(struct big *big, unsigned exponent);
void big_shift_left(struct big *big, unsigned bits);
/* Drops the low bits; true if any of them was set. */
bool big_shift_right(struct big *big, unsigned bits);
void big_add(struct big *into, const struct big *added);
void big_subtract(struct big *into, const struct big *taken);
/* Divides the magnitude and returns the remainder. */
uint64_t big_divide_small(struct big *big, uint64_t divisor);

/* `square` is another variable than `big`. */
void big_square(const struct big *big, struct big *square);

/* Of the magnitude; 0 for zero. */
unsigned big_bit_length(const struct big *big);
int big_compare(const struct big *a, const struct big *b);

/* Quotient of the magnitudes, known to be below 2^128. True if a remainder is left. */
bool big_divide(const struct big *numerator, const struct big *denominator, u128 *quotient);

#endif
