/*
 * percentile.h - a heap of numbers, and which of them stands at a given rank.
 *
 * Decimals come as mantissas under a common exponent. Many values in a small range
 * are counted rather than kept: one counter a possible value. Everything is exact.
 *
 *      pool ── series of exponent -2   counters [low, low + n)  and  values outside them
 *           ├─ series of exponent 0    ...
 *           └─ others                  doubles
 *
 * Memory: 8 bytes a value, or 8 bytes a counter where that is less.
 * Life cycle: zero-initialise -> add* -> at* -> release. Adding after `at` is an error (asserted).
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_PERCENTILE_PERCENTILE_H
#define MNSDB_QUERY_PERCENTILE_PERCENTILE_H

#include "engine/base/error.h"
#include "engine/number/number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of one exponent. */
struct value_series {
    int64_t *values; /* owned; those not counted; sorted once the pool is */
    size_t value_count, value_capacity;
    uint64_t *counters; /* owned; NULL: nothing is counted */
    int64_t counter_low;
    size_t counter_len;
    size_t look_at_count; /* when the values are this many, see whether counting pays */
    int16_t exponent;
};

struct value_pool {
    struct value_series *series; /* owned; few */
    size_t series_count, series_capacity;
    struct number *others; /* owned; reals; sorted once the pool is */
    size_t other_count, other_capacity;
    uint64_t count; /* of all, unseen ones too */
    uint64_t unseen;
    uint64_t below; /* of the unseen: how many stand below the others */
    bool sorted;
};

/* Adds mantissas * 10^exponent. */
MUST_CHECK enum status value_pool_add_run(struct value_pool *pool, const int64_t *mantissas,
                                          size_t count, int exponent);
MUST_CHECK enum status value_pool_add(struct value_pool *pool, struct number number);

/*
 * Counts values without telling them. Ranks are those among all, and no rank that is asked for
 * may fall on these: they stand below, or above, whatever is asked for.
 */
void value_pool_add_unseen(struct value_pool *pool, uint64_t count, bool below);

/* Adds all values of `from`, and leaves it empty. On STATUS_NOMEM both may only be released. */
MUST_CHECK enum status value_pool_merge(struct value_pool *pool, struct value_pool *from);

/*
 * The value at a rank, 0 ... count - 1 (asserted), in ascending order. Sorts at the first call.
 * STATUS_CORRUPT if the rank falls on a value unseen: what was said of those is wrong.
 */
MUST_CHECK enum status value_pool_at(struct value_pool *pool, uint64_t rank, struct number *number);

void value_pool_release(struct value_pool *pool);

#endif
