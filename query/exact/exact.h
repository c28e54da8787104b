/*
 * exact.h - results of aggregation: exact where the inputs are, correctly rounded where not.
 *
 * One type for every cell that holds a number: `struct exact_value`, 24 bytes, copied
 * freely. It is
 *
 *      NULL      nothing to say: no values, a division by zero, beyond the range of doubles
 *      DECIMAL   a 128-bit mantissa * 10^exponent, exact: nearly every sum, min, median
 *      LONG      an exact decimal too long for that; its digits live in the caller's arena
 *      REAL      a double: the one nearest to the exact result
 *
 * A decimal is normal (no multiple of ten, LONG only where DECIMAL is too short), so equal
 * decimals are equal field by field.
 *
 * Rules of the results. Sum, difference and interpolation of decimals are exact
 * decimals; as soon as a double is involved they are the double nearest to the exact result.
 * Mean, standard deviation, ratio and linear fill are always the nearest double. Rounding
 * is to nearest, ties to even, once, from the exact rational.
 *
 * Sums are only read. A caller that keeps its total inline may lend it:
 *
 *      struct sum_term term = {.total = wide_of(total), .exponent = -2};
 *      struct exact_sum sum = {.decimals = &term, .decimal_count = 1};
 *
 * Cost: tens of ns for a sum of one exponent whose terms fit 64 bits, up to tens of us for
 * sums of doubles of all sizes. The stack holds a few 2 KiB integers.
 *
 * Threads: plain functions; an arena belongs to one thread at a time.
 */
#ifndef MNSDB_QUERY_EXACT_EXACT_H
#define MNSDB_QUERY_EXACT_EXACT_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/number/number.h"

#include <stdbool.h>
#include <stdint.h>

#define EXACT_TEXT_BYTES 700u /* the longest text of exact_format, with its NUL */

/* Decimal places of a percentile's fraction: the most that a 128-bit denominator allows. */
#define EXACT_FRACTION_DIGITS_MAX 38

enum exact_kind {
    EXACT_NULL = 0,
    EXACT_DECIMAL = 1,
    EXACT_LONG = 2,
    EXACT_REAL = 3,
};

struct exact_long; /* the digits of an EXACT_LONG */

struct exact_value {
    union {
        struct {
            uint64_t low;
            int64_t high;
        } mantissa;                      /* EXACT_DECIMAL */
        const struct exact_long *digits; /* EXACT_LONG; in an arena */
        double real;                     /* EXACT_REAL; finite, never -0.0 */
    };
    int16_t exponent; /* EXACT_DECIMAL: of ten */
    uint8_t kind;     /* enum exact_kind */
};

/* numerator / 10^digits, in [0, 1), reduced by common powers of ten. */
struct exact_fraction {
    u128 numerator;
    int digits; /* 0 ... EXACT_FRACTION_DIGITS_MAX */
};

static inline struct exact_value exact_null(void)
{
    return (struct exact_value){.kind = EXACT_NULL};
}

static inline bool exact_is_null(struct exact_value value)
{
    return value.kind == EXACT_NULL;
}

/* A NUMBER_NULL becomes null. */
struct exact_value exact_of_number(struct number number);
struct exact_value exact_of_integer(int64_t integer);
/* Null if it is not finite. */
struct exact_value exact_of_real(double real);

/* The sum: exact without reals, else the nearest double, null beyond the range of doubles. */
MUST_CHECK enum status exact_of_sum(const struct exact_sum *sum, struct arena *arena,
                                    struct exact_value *value);

/*
 * sum / divisor: the average if that is a count, the time-weighted average if `sum`
 * is of value * duration and `divisor` the total duration. Null if it is 0.
 */
struct exact_value exact_mean(const struct exact_sum *sum, u128 divisor);

/* The same for a sum that is total * 10^exponent. */
struct exact_value exact_mean_of_total(i128 total, int16_t exponent, uint64_t divisor);
/* The same, never null, as a double; false if it takes more than one division of small integers. */
bool exact_mean_of_small_total(i128 total, int16_t exponent, uint64_t divisor, double *mean);

/*
 * The sample standard deviation of `count` values from their sum and the sum of their
 * squares. Null below two values and beyond the range of doubles; 0 exactly if all are
 * equal. Null too if the sums cannot belong together (a variance below zero).
 */
struct exact_value exact_stddev(const struct exact_sum *sum, const struct exact_sum *squares,
                                uint64_t count);

/* numerator / denominator, null if the denominator is 0: availability. */
struct exact_value exact_ratio(u128 numerator, u128 denominator);

/* a - b, neither NULL (asserted): the spread. */
MUST_CHECK enum status exact_difference(struct number a, struct number b, struct arena *arena,
                                        struct exact_value *value);

/*
 * a - b of values of any kind: exact without reals, else the nearest double, null beyond the
 * range of doubles and where either is null.
 */
MUST_CHECK enum status exact_subtract(struct exact_value a, struct exact_value b,
                                      struct arena *arena, struct exact_value *value);

/*
 * 100 * (now - before) / |before|, the nearest double: it has the sign of the change. Null where
 * either is null, `before` is 0, or the result is beyond the range of doubles.
 */
struct exact_value exact_percent_change(struct exact_value now, struct exact_value before);

/* The same value, its digits, if it has any, in `arena`. */
MUST_CHECK enum status exact_copy(struct exact_value value, struct arena *arena,
                                  struct exact_value *copy);

/*
 * Where a percentile lies among `count` > 0 sorted values, closest ranks being
 * interpolated: between the values at `*index` and `*index + 1` (the latter only if the
 * fraction is not 0). False if `percent` is no decimal in 0 ... 100 or has more than 36
 * decimal places.
 */
bool exact_percentile_rank(uint64_t count, struct number percent, uint64_t *index,
                           struct exact_fraction *fraction);

/* a + (b - a) * fraction, neither NULL (asserted); `a` itself if the fraction is 0. */
MUST_CHECK enum status exact_interpolate(struct number a, struct number b,
                                         struct exact_fraction fraction, struct arena *arena,
                                         struct exact_value *value);

/*
 * The double nearest to a + (b - a) * step / step_count for 0 <= step <= step_count,
 * step_count > 0: an empty bucket between two others. Null if a or b is, or beyond doubles.
 */
struct exact_value exact_linear_fill(struct exact_value a, struct exact_value b, uint64_t step,
                                     uint64_t step_count);

/* Exact order across kinds: < 0, 0, > 0. Null is equal to null and above all else. */
int exact_compare(struct exact_value a, struct exact_value b);

/* The nearest double, infinite beyond the range. Not null (asserted). */
double exact_to_double(struct exact_value value);

/*
 * A decimal in plain notation without trailing zeros, a real as double_format writes
 * it, null as "null". Returns the length; NUL-terminated.
 */
size_t exact_format(struct exact_value value, char text[EXACT_TEXT_BYTES]);

#endif
