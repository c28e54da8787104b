/*
 * aggregate.c - what sums become: totals, means, standard deviations, ratios.
 *
 * The sample variance of x1 ... xn is (n * sum of squares - square of sum) / (n * (n - 1)),
 * an exact rational: numerator and denominator are integers here, and zero means that
 * all values are equal. Nothing is lost by cancellation.
 */
#include "query/exact/exact.h"

#include "query/exact/rational.h"

#include <assert.h>

#define DOUBLE_INTEGER_MAX (INT64_C(1) << 53) /* every integer up to here is a double */

/* The sum as total * 10^exponent with a 128-bit total, if it has no more than one term. */
static bool sum_is_single(const struct exact_sum *sum, i128 *total, int *exponent)
{
    if (sum->real_count > 0 || sum->decimal_count > 1)
        return false;
    *total = 0;
    *exponent = 0;
    if (sum->decimal_count == 0)
        return true;
    const struct wide wide = sum->decimals[0].total;
    *total = (i128)wide.low;
    *exponent = sum->decimals[0].exponent;
    return wide.high == (*total < 0 ? -1 : 0);
}

enum status exact_of_sum(const struct exact_sum *sum, struct arena *arena,
                         struct exact_value *value)
{
    i128 total = 0;
    int exponent = 0;
    if (sum_is_single(sum, &total, &exponent)) {
        *value = value_of_i128(total, exponent);
        return STATUS_OK;
    }
    if (sum->real_count > 0) {
        *value = exact_mean(sum, 1);
        return STATUS_OK;
    }
    const struct scale scale = scale_of_sum(sum);
    struct big mantissa;
    big_set_sum(&mantissa, sum, scale);
    return value_of_big(&mantissa, -scale.tens, arena, value);
}

/*
 * total / 10^decimals / divisor by one division of doubles, which rounds once and
 * correctly if both sides are exact. False if they are not.
 */
static bool divide_doubles(i128 total, int decimals, u128 divisor, double *quotient)
{
    if (decimals < 0 || decimals > 15 || total > DOUBLE_INTEGER_MAX ||
        total < -DOUBLE_INTEGER_MAX || divisor > (u128)DOUBLE_INTEGER_MAX)
        return false;
    const u128 scaled = divisor * (uint64_t)power_of_ten(decimals);
    if (scaled > (u128)DOUBLE_INTEGER_MAX)
        return false;
    *quotient = (double)(int64_t)total / (double)(int64_t)scaled;
    return true;
}

struct exact_value exact_mean(const struct exact_sum *sum, u128 divisor)
{
    if (divisor == 0)
        return exact_null();
    i128 total = 0;
    int exponent = 0;
    double quotient = 0.0;
    if (sum_is_single(sum, &total, &exponent) &&
        divide_doubles(total, -exponent, divisor, &quotient))
        return exact_of_real(quotient);

    const struct scale scale = scale_of_sum(sum);
    struct big numerator;
    struct big denominator;
    big_set_sum(&numerator, sum, scale);
    big_set_u128(&denominator, divisor, false);
    return exact_of_real(nearest_quotient(&numerator, &denominator, scale));
}

bool exact_mean_of_small_total(i128 total, int16_t exponent, uint64_t divisor, double *mean)
{
    return divisor != 0 && divide_doubles(total, -exponent, divisor, mean);
}

struct exact_value exact_mean_of_total(i128 total, int16_t exponent, uint64_t divisor)
{
    double quotient = 0.0;
    if (divisor != 0 && divide_doubles(total, -exponent, divisor, &quotient))
        return exact_of_real(quotient);
    struct sum_term term = {.total = wide_of(total), .exponent = exponent};
    const struct exact_sum sum = {.decimals = &term, .decimal_count = 1};
    return exact_mean(&sum, divisor);
}

struct exact_value exact_ratio(u128 numerator, u128 denominator)
{
    if (denominator == 0)
        return exact_null();
    const u128 limit = (u128)DOUBLE_INTEGER_MAX;
    if (numerator <= limit && denominator <= limit)
        return exact_of_real((double)(uint64_t)numerator / (double)(uint64_t)denominator);
    struct big upper;
    struct big lower;
    big_set_u128(&upper, numerator, false);
    big_set_u128(&lower, denominator, false);
    return exact_of_real(nearest_quotient(&upper, &lower, (struct scale){0}));
}

static int half_up(int value)
{
    return value > 0 ? (value + 1) / 2 : -(-value / 2);
}

/* A scale at which the sum is an integer, and the sum of squares is one at its square. */
static struct scale scale_of_sums(const struct exact_sum *sum, const struct exact_sum *squares)
{
    const struct scale square = scale_of_sum(squares);
    const struct scale halved = {.tens = half_up(square.tens), .twos = half_up(square.twos)};
    struct scale scale = scale_of_sum(sum);
    if (sum->real_count > 0 || squares->real_count > 0)
        return scale_of_both(scale_of_both(scale, halved), (struct scale){0});
    return scale_of_both(scale, halved);
}

struct exact_value exact_stddev(const struct exact_sum *sum, const struct exact_sum *squares,
                                uint64_t count)
{
    if (count < 2)
        return exact_null();
    const struct scale scale = scale_of_sums(sum, squares);
    struct big total;
    struct big total_square;
    struct big numerator;
    big_set_sum(&total, sum, scale);
    big_square(&total, &total_square);
    big_set_sum(&numerator, squares,
                (struct scale){.tens = 2 * scale.tens, .twos = 2 * scale.twos});
    big_multiply_small(&numerator, count);
    big_subtract(&numerator, &total_square);
    if (numerator.negative)
        return exact_null();

    struct big denominator;
    big_set_u128(&denominator, (u128)count * (count - 1), false);
    return exact_of_real(nearest_root(&numerator, &denominator, scale));
}
