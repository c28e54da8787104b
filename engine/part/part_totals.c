/*
 * part_totals.c - adding up summaries: of blocks into a part's totals.
 *
 * Both column lists ascend by metric, so one merge pass adds them. A sum stays
 * one 192-bit integer at one exponent as long as the exponents are near each
 * other; where they are not, the totals have no sum and readers look at the blocks.
 */
#include "engine/part/part.h"

#include "engine/base/mem.h"

#include <assert.h>

/* 10^18 * 2^64 rows leave this many decimal digits of 192 bits free. */
#define SUM_SHIFT_MAX 18

static struct wide wide_times_power(struct wide value, int exponent)
{
    const uint64_t factor = (uint64_t)power_of_ten(exponent);
    const u128 low_half = (u128)(uint64_t)value.low * factor;
    const u128 high_half = (u128)(uint64_t)(value.low >> 64) * factor + (uint64_t)(low_half >> 64);
    return (struct wide){
        .low = (high_half << 64) | (uint64_t)low_half,
        .high = (int64_t)((uint64_t)value.high * factor + (uint64_t)(high_half >> 64)),
    };
}

/* True if `value` can take `exponent` more digits and still be added up. */
static bool wide_is_small(struct wide value, int shift)
{
    const struct wide magnitude = value.high < 0 ? wide_negate(value) : value;
    if (shift == 0)
        return magnitude.high < INT64_MAX / 4;
    return magnitude.high == 0;
}

/* Brings both sums to the smaller exponent and adds them. */
static void add_sums(struct column_summary *into, const struct column_summary *more)
{
    if (!into->has_sum || !more->has_sum) {
        into->has_sum = false;
        return;
    }
    struct wide a = into->sum;
    struct wide b = more->sum;
    const int difference = into->sum_exponent - more->sum_exponent;
    const int shift = difference < 0 ? -difference : difference;
    struct wide *raised = difference > 0 ? &a : &b;
    if (shift > SUM_SHIFT_MAX || !wide_is_small(*raised, shift) || !wide_is_small(a, 0) ||
        !wide_is_small(b, 0)) {
        into->has_sum = false;
        return;
    }
    *raised = wide_times_power(*raised, shift);
    into->sum = wide_add(a, b);
    if (difference > 0)
        into->sum_exponent = more->sum_exponent;
}

static bool dated_before(const struct dated_number *a, const struct dated_number *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms;
    return a->message_id < b->message_id;
}

static void add_column(struct column_summary *into, const struct column_summary *more)
{
    assert(into->metric == more->metric);
    into->count += more->count;
    add_sums(into, more);
    if (number_compare(more->min, into->min) < 0)
        into->min = more->min;
    if (number_compare(more->max, into->max) > 0)
        into->max = more->max;
    into->has_ends = into->has_ends && more->has_ends;
    if (!into->has_ends)
        return;
    if (dated_before(&more->first, &into->first))
        into->first = more->first;
    if (dated_before(&into->last, &more->last))
        into->last = more->last;
}

/* How many columns of `more` the totals do not have yet. */
static uint32_t count_new_columns(const struct block_summary *summary,
                                  const struct block_summary *more)
{
    uint32_t fresh = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < more->column_count; i++) {
        while (at < summary->column_count && summary->columns[at].metric < more->columns[i].metric)
            at++;
        const bool held =
            at < summary->column_count && summary->columns[at].metric == more->columns[i].metric;
        fresh += held ? 0 : 1;
    }
    return fresh;
}

/* Merges from the back, in place, so that no second array is needed. */
static void merge_columns(struct block_summary *summary, const struct block_summary *more,
                          uint32_t fresh)
{
    uint32_t left = summary->column_count;
    uint32_t right = more->column_count;
    uint32_t to = left + fresh;
    summary->column_count = to;
    while (right > 0) {
        const struct column_summary *incoming = &more->columns[right - 1];
        if (left > 0 && summary->columns[left - 1].metric > incoming->metric) {
            summary->columns[--to] = summary->columns[--left];
        } else if (left > 0 && summary->columns[left - 1].metric == incoming->metric) {
            add_column(&summary->columns[left - 1], incoming);
            summary->columns[--to] = summary->columns[--left];
            right--;
        } else {
            summary->columns[--to] = *incoming;
            right--;
        }
    }
}

enum status part_totals_add(struct part_totals *totals, const struct block_summary *more)
{
    struct block_summary *summary = &totals->summary;
    const uint32_t fresh = count_new_columns(summary, more);
    TRY(mem_grow(&summary->columns, &totals->column_capacity, (size_t)summary->column_count + fresh,
                 sizeof *summary->columns));
    merge_columns(summary, more, fresh);
    if (summary->row_count == 0) {
        summary->first = more->first;
        summary->min_time_ms = more->min_time_ms;
        summary->max_time_ms = more->max_time_ms;
    }
    summary->last = more->last;
    summary->row_count += more->row_count;
    if (more->min_time_ms < summary->min_time_ms)
        summary->min_time_ms = more->min_time_ms;
    if (more->max_time_ms > summary->max_time_ms)
        summary->max_time_ms = more->max_time_ms;
    return STATUS_OK;
}

void part_totals_release(struct part_totals *totals)
{
    mem_free(totals->summary.columns);
    *totals = (struct part_totals){0};
}
