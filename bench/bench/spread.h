/*
 * spread.h - figures that were measured several times: their median, and how far they lie apart.
 *
 * Life cycle: of a series: zero-initialise -> add -> read -> release. Threads: plain values.
 */
#ifndef MNSDB_BENCH_BENCH_SPREAD_H
#define MNSDB_BENCH_BENCH_SPREAD_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define SERIES_VALUES_MAX ((size_t)10000)
#define SERIES_VALUE_MOST 1e18 /* bytes, messages a second, ms: what is larger was not measured */

/* What was measured, in that order. */
struct series {
    double *values; /* owned */
    size_t count;   /* 0: nothing was measured */
    size_t capacity;
};

/* Of a series; all 0 if it has no values. */
struct spread {
    double median; /* of an even count: the mean of the middle two */
    double min;
    double max;
    size_t count;
};

/*
 * STATUS_INPUT: the value is no number or larger than SERIES_VALUE_MOST, or there are
 * SERIES_VALUES_MAX already.
 */
MUST_CHECK enum status series_add(struct series *series, double value, struct error *err);
void series_release(struct series *series);

/* The series stays as it is. */
MUST_CHECK enum status series_spread(const struct series *series, struct spread *spread,
                                     struct error *err);

double series_sum(const struct series *series);

/* numerator / denominator, or a negative number where that says nothing. */
double ratio_of(double numerator, double denominator);

#endif
