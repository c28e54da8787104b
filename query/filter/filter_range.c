/*
 * filter_range.c - values and mantissas within the bounds of one test.
 *
 * Nearly all values of a column are mantissas at one exponent. A decimal bound is brought to that
 * exponent once a run, rounded inwards, and what is left of a test is two comparisons of integers:
 *
 *      temperature < 21.55     at exponent -1:     mantissa <= 215
 *                              at exponent -3:     mantissa <= 21549
 */
#include "query/filter/filter_internal.h"

#include <assert.h>

bool filter_is_below(const struct filter_step *step, struct number value)
{
    if (step->low.kind == NUMBER_NULL)
        return false;
    const int order = number_compare(value, step->low);
    return order < 0 || (order == 0 && step->low_open);
}

bool filter_is_above(const struct filter_step *step, struct number value)
{
    if (step->high.kind == NUMBER_NULL)
        return false;
    const int order = number_compare(value, step->high);
    return order > 0 || (order == 0 && step->high_open);
}

bool filter_range_takes(const struct filter_step *step, struct number value)
{
    assert(value.kind != NUMBER_NULL);
    return !filter_is_below(step, value) && !filter_is_above(step, value);
}

/* Beyond all mantissas, and far from what 128 bits hold. */
#define MANTISSA_BEYOND ((i128)1 << 100)

/* bound / 10^exponent, rounded down; *exact says that nothing was rounded. */
static i128 scale_down(struct number bound, int exponent, bool *exact)
{
    int shift = bound.exponent - exponent;
    i128 scaled = bound.mantissa;
    *exact = true;
    for (; shift > 0 && scaled > -MANTISSA_BEYOND && scaled < MANTISSA_BEYOND; shift -= 1)
        scaled *= 10;
    if (shift >= 0 || scaled == 0)
        return scaled;
    const i128 divisor = shift < -NUMBER_DIGITS_MAX ? MANTISSA_BEYOND : power_of_ten(-shift);
    const i128 quotient = scaled / divisor;
    *exact = quotient * divisor == scaled;
    return quotient - (!*exact && scaled < 0);
}

static int64_t clamp(i128 mantissa)
{
    if (mantissa > INT64_MAX)
        return INT64_MAX;
    return mantissa < INT64_MIN ? INT64_MIN : (int64_t)mantissa;
}

bool filter_range_at(const struct filter_step *step, int exponent, struct mantissa_range *range)
{
    if (step->low.kind == NUMBER_REAL || step->high.kind == NUMBER_REAL)
        return false;
    bool exact = false;
    i128 low = INT64_MIN;
    i128 high = INT64_MAX;
    if (step->low.kind == NUMBER_DECIMAL) {
        low = scale_down(step->low, exponent, &exact);
        low += !exact || step->low_open;
    }
    if (step->high.kind == NUMBER_DECIMAL) {
        high = scale_down(step->high, exponent, &exact);
        high -= exact && step->high_open;
    }
    if (low > high || low > INT64_MAX || high < INT64_MIN)
        *range = (struct mantissa_range){.low = 1, .high = 0};
    else
        *range = (struct mantissa_range){.low = clamp(low), .high = clamp(high)};
    return true;
}
