/*
 * spread.c - see spread.h.
 */
#include "bench/bench/spread.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status series_add(struct series *series, double value, struct error *err)
{
    if (!(fabs(value) <= SERIES_VALUE_MOST))
        return error_set(err, STATUS_INPUT, "a figure is beyond all measure");
    if (series->count == SERIES_VALUES_MAX)
        return error_set(err, STATUS_INPUT, "a figure was measured more than %zu times",
                         SERIES_VALUES_MAX);
    if (mem_grow(&series->values, &series->capacity, series->count + 1, sizeof *series->values) !=
        STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a figure");
    series->values[series->count++] = value;
    return STATUS_OK;
}

void series_release(struct series *series)
{
    mem_free(series->values);
    *series = (struct series){0};
}

static int compare_values(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

enum status series_spread(const struct series *series, struct spread *spread, struct error *err)
{
    *spread = (struct spread){0};
    if (series->count == 0)
        return STATUS_OK;
    OWNED(mem_free_owned) double *sorted = mem_alloc(series->count, sizeof *sorted);
    if (!sorted)
        return error_set(err, STATUS_NOMEM, "no memory for a median");
    memcpy(sorted, series->values, series->count * sizeof *sorted);
    qsort(sorted, series->count, sizeof *sorted, compare_values);
    const double below = sorted[(series->count - 1) / 2];
    const double above = sorted[series->count / 2];
    *spread = (struct spread){
        .median = below + (above - below) / 2,
        .min = sorted[0],
        .max = sorted[series->count - 1],
        .count = series->count,
    };
    return STATUS_OK;
}

double series_sum(const struct series *series)
{
    double sum = 0;
    for (size_t i = 0; i < series->count; i++)
        sum += series->values[i];
    return sum;
}

double ratio_of(double numerator, double denominator)
{
    if (!(numerator >= 0) || !(denominator > 0) || !isfinite(numerator / denominator))
        return -1;
    return numerator / denominator;
}
