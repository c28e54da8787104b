/*
 * metric_watch.c - the values of one metric of one device: out of range, frozen, jumping.
 *
 *      value   21 21 22 22 22 22 ... 22 23
 *      steps     0  1  0  0  0  ...  0  1       from each value to the next; 1: a change
 *      runs    [---][--------------------]
 *
 * Equality and ranges are exact. Sizes of changes are differences of the nearest doubles: they
 * are only held against each other. A size above 0 orders as its bits do, which the tally keeps.
 */
#include "query/findings/findings_internal.h"

#include <math.h>
#include <string.h>

#define MILLI 1000.0

void metric_watch_release(struct metric_watch *watch)
{
    tally_release(&watch->sizes);
}

void metric_watch_begin(struct metric_watch *watch, const struct value_bounds *bounds,
                        const struct findings_limits *limits)
{
    struct tally sizes = watch->sizes;
    tally_clear(&sizes);
    *watch = (struct metric_watch){.bounds = bounds, .limits = limits, .sizes = sizes};
}

static uint64_t bits_of(double size)
{
    uint64_t bits = 0;
    memcpy(&bits, &size, sizeof bits);
    return bits;
}

static double size_of_bits(uint64_t bits)
{
    double size = 0;
    memcpy(&size, &bits, sizeof size);
    return size;
}

/* --- ranges -------------------------------------------------------------------------------- */

static bool is_below(const struct value_bounds *bounds, struct number value, double real)
{
    return bounds->has_low && real <= bounds->low_real &&
           (real < bounds->low_real || number_compare(value, bounds->low) < 0);
}

static bool is_above(const struct value_bounds *bounds, struct number value, double real)
{
    return bounds->has_high && real >= bounds->high_real &&
           (real > bounds->high_real || number_compare(value, bounds->high) > 0);
}

static void check_range(struct metric_watch *watch, struct number value, double real,
                        int64_t time_ms)
{
    const bool above = is_above(watch->bounds, value, real);
    if (!above && !is_below(watch->bounds, value, real))
        return;
    struct range_case *range = &watch->range;
    const double excess = above ? real - watch->bounds->high_real : watch->bounds->low_real - real;
    if (range->count == 0)
        range->first_ms = time_ms;
    if (range->count == 0 || excess > range->worst_excess) {
        range->worst = value;
        range->worst_ms = time_ms;
        range->worst_excess = excess;
        range->worst_is_high = above;
    }
    range->last_ms = time_ms;
    range->count++;
}

/* --- runs and steps ------------------------------------------------------------------------ */

static void end_run(struct metric_watch *watch, bool at_end)
{
    const struct findings_limits *limits = watch->limits;
    struct frozen_case *frozen = &watch->frozen;
    if (gaps_between(watch->run_start_ms, watch->latest_ms) > watch->longest_ms)
        watch->longest_ms = gaps_between(watch->run_start_ms, watch->latest_ms);
    if (limits->frozen_ms == 0 || watch->run_readings < limits->frozen_readings ||
        gaps_between(watch->run_start_ms, watch->latest_ms) < limits->frozen_ms)
        return;
    if (frozen->stretches == 0)
        frozen->first_ms = watch->run_start_ms;
    if (frozen->stretches == 0 ||
        gaps_between(watch->run_start_ms, watch->latest_ms) >
            gaps_between(frozen->longest_start_ms, frozen->longest_last_ms)) {
        frozen->longest_start_ms = watch->run_start_ms;
        frozen->longest_last_ms = watch->latest_ms;
        frozen->longest_readings = watch->run_readings;
        frozen->value = watch->latest;
    }
    frozen->stretches++;
    frozen->last_ms = watch->latest_ms;
    frozen->to_the_end = at_end;
}

/* The first of a run of equal ones. */
static void see_different(struct metric_watch *watch, struct number value)
{
    const uint8_t decimals = value.kind == NUMBER_REAL ? UINT8_MAX
                             : value.exponent < 0      ? (uint8_t)-value.exponent
                                                       : 0;
    if (decimals > watch->decimals)
        watch->decimals = decimals;
    if (watch->different_count == METRIC_DIFFERENT_MAX)
        return;
    for (uint8_t i = 0; i < watch->different_count; i++) {
        if (number_compare(watch->different[i], value) == 0)
            return;
    }
    watch->different[watch->different_count++] = value;
}

static enum status take_value(struct metric_watch *watch, struct number value, double real,
                              int64_t time_ms)
{
    check_range(watch, value, real, time_ms);
    if (!watch->has_latest) {
        watch->has_latest = true;
        watch->start_ms = time_ms;
        watch->run_start_ms = time_ms;
        watch->run_readings = 0;
        see_different(watch, value);
    } else {
        watch->steps++;
        const double size = fabs(real - watch->latest_real);
        if (size > 0 || number_compare(value, watch->latest) != 0) {
            end_run(watch, false);
            watch->changes++;
            see_different(watch, value);
            watch->run_start_ms = time_ms;
            watch->run_readings = 0;
            if (size > 0 && gaps_between(watch->latest_ms, time_ms) <= JUMP_WITHIN_MS)
                TRY(tally_add(&watch->sizes, bits_of(size)));
        }
    }
    watch->run_readings++;
    watch->latest = value;
    watch->latest_real = real;
    watch->latest_ms = time_ms;
    return STATUS_OK;
}

enum status metric_watch_take(struct metric_watch *watch, const struct row_vector *rows,
                              const struct column_vector *column, uint32_t from_row,
                              uint32_t until_row)
{
    for (uint32_t row = from_row; row < until_row; row++) {
        if (column->present && !(column->present[row / 64] >> (row % 64) & 1))
            continue;
        const struct number value = column_vector_get(column, row);
        if (value.kind != NUMBER_NULL)
            TRY(take_value(watch, value, number_to_double(value), rows->times_ms[row]));
    }
    return STATUS_OK;
}

enum status metric_watch_end(struct metric_watch *watch)
{
    if (watch->has_latest)
        end_run(watch, true);
    const uint64_t longest = watch->frozen.longest_readings;
    watch->frozen.steps = watch->steps - (longest > 0 ? longest - 1 : 0);
    watch->frozen.changes = watch->changes;
    watch->frozen.decimals = watch->decimals;
    watch->frozen.is_peer = watch->steps >= MOVES_STEPS_MIN &&
                            gaps_between(watch->start_ms, watch->latest_ms) >= PEER_SPAN_MS;
    return tally_close(&watch->sizes);
}

bool metric_watch_jumps(struct metric_watch *watch, double *usual, double *threshold)
{
    const uint64_t factor_milli = watch->limits->jump_factor_milli;
    if (factor_milli == 0 || watch->sizes.count < JUMP_CHANGES_MIN)
        return false;
    *usual = size_of_bits(tally_at(&watch->sizes, USUAL_NUMERATOR, USUAL_DENOMINATOR));
    *threshold = (double)factor_milli / MILLI * *usual;
    return isfinite(*threshold) && tally_count_above(&watch->sizes, bits_of(*threshold)) > 0;
}
