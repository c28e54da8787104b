/*
 * rational.h - the way from sums and values to integers and back, for this folder.
 *
 * Every quantity is an integer after it was multiplied by 10^tens * 2^twos of some
 * scale. Decimals need tens, doubles need twos; a common scale of several quantities is
 * the larger of each. Scales can be negative where everything is a multiple.
 */
#ifndef MNSDB_QUERY_EXACT_RATIONAL_H
#define MNSDB_QUERY_EXACT_RATIONAL_H

#include "query/exact/big.h"
#include "query/exact/exact.h"

struct scale {
    int tens;
    int twos;
};

struct exact_long {
    uint32_t len;
    bool negative;
    uint64_t limbs[]; /* as in struct big; no multiple of ten */
};

static inline i128 exact_mantissa(struct exact_value value)
{
    return (i128)((u128)(uint64_t)value.mantissa.high << 64 | value.mantissa.low);
}

/* Scale at which all terms are integers; {0, 0} for an empty sum. */
struct scale scale_of_sum(const struct exact_sum *sum);
struct scale scale_of_value(struct exact_value value);
struct scale scale_of_both(struct scale a, struct scale b);

/* The sum, the value (not null) times 10^tens * 2^twos: `scale` makes it an integer. */
void big_set_sum(struct big *big, const struct exact_sum *sum, struct scale scale);
void big_set_value(struct big *big, struct exact_value value, struct scale scale);

/*
 * The double nearest to numerator / denominator / (10^tens * 2^twos), infinite beyond
 * the range. Both are used up; the denominator is above zero.
 */
double nearest_quotient(struct big *numerator, struct big *denominator, struct scale scale);
/* The same for the square root; the numerator is not negative, the scale that of the root. */
double nearest_root(struct big *numerator, struct big *denominator, struct scale scale);

/* The value mantissa * 10^exponent, in normal form. */
struct exact_value value_of_i128(i128 mantissa, int exponent);
/* The same; the mantissa is used up, and a long one is copied into the arena. */
MUST_CHECK enum status value_of_big(struct big *mantissa, int exponent, struct arena *arena,
                                    struct exact_value *value);

#endif
