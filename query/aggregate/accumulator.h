/*
 * accumulator.h - what has been seen of one metric in one group and bucket.
 *
 * Nearly all values of a metric have one exponent, so an accumulator begins as a
 * few integers under that exponent. What does not fit there - another exponent,
 * an overflow, a double - is spilled into exact sums beside it:
 *
 *      accumulator   { count, total, min, max } * 10^exponent     64 bytes, always
 *      ├─ more       spilled sums and extremes, ends, squares, values ...   on demand
 *
 * Threads: one at a time.
 */
#ifndef MNSDB_QUERY_AGGREGATE_ACCUMULATOR_H
#define MNSDB_QUERY_AGGREGATE_ACCUMULATOR_H

#include "engine/block/block.h"
#include "engine/number/number.h"
#include "query/exact/exact.h"
#include "query/percentile/percentile.h"

#include <stdbool.h>
#include <stdint.h>

/* What the aggregates asked for need. The count is always kept. */
struct accumulator_needs {
    bool basics;  /* sum, min, max */
    bool ends;    /* first, last */
    bool times;   /* min_time, max_time */
    bool squares; /* stddev */
    bool values;  /* median, percentiles */
    bool twa;
};

/* An extreme with the earliest time it occurred. */
struct timed_extreme {
    struct number value; /* NUMBER_NULL: none yet */
    int64_t time_ms;
};

struct accumulator_more {
    struct exact_sum sum;   /* of what was spilled */
    struct number min, max; /* of what was spilled; NUMBER_NULL: nothing */
    struct dated_number first, last;
    struct timed_extreme min_at, max_at;
    i128 square_total; /* of squares at twice the accumulator's exponent */
    struct exact_sum square_sum;
    i128 weighted_total; /* of mantissa * held ms at the accumulator's exponent */
    struct exact_sum weighted_sum;
    u128 held_ms;
    struct value_pool values;
};

struct accumulator {
    uint64_t count;
    i128 total;                    /* of the mantissas since the last spill */
    int64_t min, max;              /* mantissas; if open */
    int16_t exponent;              /* if open */
    bool open;                     /* something was added since the last spill */
    struct accumulator_more *more; /* owned; may be NULL */
};

/* Rows [from_row, until_row) of one column. */
struct column_run {
    const struct column_vector *column;
    const struct row_vector *rows;
    uint32_t from_row;
    uint32_t until_row;
};

/* True if any row of the run has a value. */
bool column_run_any(const struct column_run *run);

/*
 * Adds a run's values. With `needs` of ends or times, the run is of one device
 * (whose times ascend). twa is not its business.
 */
MUST_CHECK enum status accumulator_add_run(struct accumulator *accumulator,
                                           const struct column_run *run,
                                           const struct accumulator_needs *needs);

/*
 * The same for mantissas of one exponent, at least one, at most BLOCK_ROWS_MAX, where nothing but
 * basics is needed.
 */
MUST_CHECK enum status accumulator_add_mantissas(struct accumulator *accumulator,
                                                 const int64_t *mantissas, uint32_t count,
                                                 int16_t exponent);

/*
 * Adds what a summary says of many values; it has the ends if they are needed (asserted).
 * Without a sum in it, only count and extremes are right afterwards.
 */
MUST_CHECK enum status accumulator_add_summary(struct accumulator *accumulator,
                                               const struct column_summary *summary,
                                               const struct accumulator_needs *needs);

/*
 * The same for values that stand below, or above, all that percentiles will ask for: they are
 * counted among the values unseen.
 */
MUST_CHECK enum status accumulator_add_unseen(struct accumulator *accumulator,
                                              const struct column_summary *summary, bool below,
                                              const struct accumulator_needs *needs);

/* A value held for that long: for twa, beside accumulator_add_run. */
MUST_CHECK enum status accumulator_hold(struct accumulator *accumulator, struct number value,
                                        int64_t held_ms);

/*
 * Adds all that `from` has seen, and leaves it empty. Both were made with the same needs, of which
 * twa is none.
 */
MUST_CHECK enum status accumulator_merge(struct accumulator *into, struct accumulator *from,
                                         const struct accumulator_needs *needs);

void accumulator_release(struct accumulator *accumulator);

/* True if all that was added is in the open part, at one exponent: count, total, min and max. */
static inline bool accumulator_is_open_only(const struct accumulator *accumulator)
{
    return accumulator->open && !accumulator->more;
}

/* --- results, of what was needed; all null when count is 0 --------------------------------- */

MUST_CHECK enum status accumulator_sum(struct accumulator *accumulator, struct arena *arena,
                                       struct exact_value *value);
MUST_CHECK enum status accumulator_mean(struct accumulator *accumulator, struct exact_value *value);
MUST_CHECK enum status accumulator_stddev(struct accumulator *accumulator,
                                          struct exact_value *value);
MUST_CHECK enum status accumulator_twa(struct accumulator *accumulator, struct exact_value *value);
MUST_CHECK enum status accumulator_percentile(struct accumulator *accumulator,
                                              struct number percent, struct arena *arena,
                                              struct exact_value *value);
struct number accumulator_min(const struct accumulator *accumulator);
struct number accumulator_max(const struct accumulator *accumulator);

#endif
