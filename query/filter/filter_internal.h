/*
 * filter_internal.h - what the files of query/filter share.
 */
#ifndef MNSDB_QUERY_FILTER_FILTER_INTERNAL_H
#define MNSDB_QUERY_FILTER_FILTER_INTERNAL_H

#include "query/filter/filter.h"

/*
 * Cells of the stack: an `or` and an `and` may wait at every level of parentheses, and all earlier
 * expressions do.
 */
#define FILTER_STACK_MAX (2 * (FILTER_DEPTH_MAX + 1) + 2)

/* Whether a value is within the bounds of a FILTER_RANGE step; it is not NULL (asserted). */
bool filter_range_takes(const struct filter_step *step, struct number value);

/* Of a value: is it below, within or above? */
bool filter_is_below(const struct filter_step *step, struct number value);
bool filter_is_above(const struct filter_step *step, struct number value);

/*
 * The mantissas that a FILTER_RANGE step takes at an exponent, both included. False: its bounds
 * are doubles, and no mantissas tell. None at all: low > high.
 */
struct mantissa_range {
    int64_t low, high;
};
bool filter_range_at(const struct filter_step *step, int exponent, struct mantissa_range *range);

#endif
