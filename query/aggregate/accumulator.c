/*
 * accumulator.c - adding runs of values, and what comes of it.
 *
 * (1) The open part and the spilled part are disjoint and together are all that was
 *     added. A spill moves the open part and leaves it empty.
 * (2) Inner loops see plain arrays of mantissas under one exponent. Runs with gaps or
 *     exceptions are first copied together without them.
 * (3) A block has at most BLOCK_ROWS_MAX values, so sums of mantissas below 2^51
 *     cannot overflow 64 bits within a run.
 */
#include "query/aggregate/accumulator.h"

#include "engine/base/mem.h"
#include "query/aggregate/run_facts.h"

#include <assert.h>

#define SMALL_MANTISSA (INT64_C(1) << 51)

_Static_assert(BLOCK_ROWS_MAX <= 4096, "sums of small mantissas must fit 64 bits");

/* The values of a run that share the column's exponent, without gaps. */
struct plain_run {
    const int64_t *mantissas;
    uint32_t count;
    int exponent;
};

static enum status need_more(struct accumulator *accumulator)
{
    if (accumulator->more)
        return STATUS_OK;
    accumulator->more = mem_alloc_zeroed(1, sizeof *accumulator->more);
    return accumulator->more ? STATUS_OK : STATUS_NOMEM;
}

void accumulator_release(struct accumulator *accumulator)
{
    struct accumulator_more *more = accumulator->more;
    if (!more)
        return;
    exact_sum_release(&more->sum);
    exact_sum_release(&more->square_sum);
    exact_sum_release(&more->weighted_sum);
    value_pool_release(&more->values);
    mem_free(more);
    accumulator->more = NULL;
}

/* --- spilling ------------------------------------------------------------------------------ */

static void widen_min(struct number *min, struct number value)
{
    if (min->kind == NUMBER_NULL || number_compare(value, *min) < 0)
        *min = value;
}

static void widen_max(struct number *max, struct number value)
{
    if (max->kind == NUMBER_NULL || number_compare(value, *max) > 0)
        *max = value;
}

static enum status spill_total(struct exact_sum *sum, i128 *total, int exponent)
{
    if (*total == 0)
        return STATUS_OK;
    TRY(exact_sum_add_scaled(sum, wide_of(*total), exponent));
    *total = 0;
    return STATUS_OK;
}

static enum status spill(struct accumulator *accumulator)
{
    if (!accumulator->open)
        return STATUS_OK;
    TRY(need_more(accumulator));
    struct accumulator_more *more = accumulator->more;
    const int exponent = accumulator->exponent;
    TRY(spill_total(&more->sum, &accumulator->total, exponent));
    TRY(spill_total(&more->square_sum, &more->square_total, 2 * exponent));
    TRY(spill_total(&more->weighted_sum, &more->weighted_total, exponent));
    widen_min(&more->min, number_from_sealed(accumulator->min, exponent));
    widen_max(&more->max, number_from_sealed(accumulator->max, exponent));
    accumulator->open = false;
    return STATUS_OK;
}

/* Makes the open part one of `exponent`, empty or not. */
static inline enum status open_at(struct accumulator *accumulator, int exponent)
{
    if (accumulator->open && accumulator->exponent == exponent)
        return STATUS_OK;
    if (accumulator->open)
        TRY(spill(accumulator));
    accumulator->open = true;
    accumulator->exponent = (int16_t)exponent;
    accumulator->total = 0;
    accumulator->min = INT64_MAX;
    accumulator->max = INT64_MIN;
    return STATUS_OK;
}

static inline enum status add_total(struct accumulator *accumulator, i128 addend)
{
    i128 total = 0;
    if (__builtin_add_overflow(accumulator->total, addend, &total)) {
        TRY(need_more(accumulator));
        TRY(spill_total(&accumulator->more->sum, &accumulator->total, accumulator->exponent));
        total = addend;
    }
    accumulator->total = total;
    return STATUS_OK;
}

/* --- inner loops --------------------------------------------------------------------------- */

/* Squares of 18-digit mantissas reach 2^120: a run's sum may need more than 128 bits. */
static enum status add_squares(struct accumulator *accumulator, const struct plain_run *run)
{
    struct accumulator_more *more = accumulator->more;
    for (uint32_t i = 0; i < run->count; i++) {
        const i128 square = (i128)run->mantissas[i] * run->mantissas[i];
        i128 total = 0;
        if (__builtin_add_overflow(more->square_total, square, &total)) {
            TRY(spill_total(&more->square_sum, &more->square_total, 2 * accumulator->exponent));
            total = square;
        }
        more->square_total = total;
    }
    return STATUS_OK;
}

static enum status add_basics(struct accumulator *accumulator, const struct plain_run *run)
{
    struct run_facts facts;
    run_facts_find(run->mantissas, run->count, &facts);
    TRY(open_at(accumulator, run->exponent));
    accumulator->min = facts.min < accumulator->min ? facts.min : accumulator->min;
    accumulator->max = facts.max > accumulator->max ? facts.max : accumulator->max;
    const bool small = facts.min > -SMALL_MANTISSA && facts.max < SMALL_MANTISSA;
    return add_total(accumulator,
                     small ? (i128)facts.sum : run_sum_large(run->mantissas, run->count));
}

static enum status add_plain(struct accumulator *accumulator, const struct plain_run *run,
                             const struct accumulator_needs *needs)
{
    if (needs->basics)
        TRY(add_basics(accumulator, run));
    if (needs->squares)
        TRY(add_squares(accumulator, run));
    if (needs->values)
        TRY(value_pool_add_run(&accumulator->more->values, run->mantissas, run->count,
                               run->exponent));
    return STATUS_OK;
}

/* --- values that stand apart --------------------------------------------------------------- */

static enum status add_square_of(struct exact_sum *squares, struct number value)
{
    if (value.kind == NUMBER_DECIMAL)
        return exact_sum_add_scaled(squares, wide_of((i128)value.mantissa * value.mantissa),
                                    2 * value.exponent);
    int64_t mantissa = 0;
    int exponent = 0;
    double_split(value.real, &mantissa, &exponent);
    return exact_sum_add_binary(squares, wide_of((i128)mantissa * mantissa), 2 * exponent);
}

/* An exception of a column: straight to the spilled part. */
static enum status add_apart(struct accumulator *accumulator, struct number value,
                             const struct accumulator_needs *needs)
{
    TRY(need_more(accumulator));
    struct accumulator_more *more = accumulator->more;
    TRY(exact_sum_add(&more->sum, value));
    widen_min(&more->min, value);
    widen_max(&more->max, value);
    if (needs->squares)
        TRY(add_square_of(&more->square_sum, value));
    return needs->values ? value_pool_add(&more->values, value) : STATUS_OK;
}

/* --- runs ---------------------------------------------------------------------------------- */

static bool is_present(const struct column_vector *column, uint32_t row)
{
    return !column->present || (column->present[row / 64] >> (row % 64) & 1);
}

bool column_run_any(const struct column_run *run)
{
    const struct column_vector *column = run->column;
    if (!column->present || column->present_count == run->rows->count)
        return run->from_row < run->until_row;
    for (uint32_t row = run->from_row; row < run->until_row; row++) {
        if (is_present(column, row))
            return true;
    }
    return false;
}

/* The first exception at or behind a row. */
static uint32_t find_exception(const struct column_vector *column, uint32_t row)
{
    uint32_t at = 0;
    while (at < column->exception_count && column->exceptions[at].row < row)
        at++;
    return at;
}

/* A run with gaps or exceptions: what is plain is copied together, the rest added apart. */
static enum status gather(struct accumulator *accumulator, const struct column_run *run,
                          const struct accumulator_needs *needs, int64_t *gathered,
                          uint32_t *gathered_count)
{
    const struct column_vector *column = run->column;
    uint32_t exception = find_exception(column, run->from_row);
    uint32_t count = 0;
    for (uint32_t row = run->from_row; row < run->until_row; row++) {
        if (exception < column->exception_count && column->exceptions[exception].row == row) {
            TRY(add_apart(accumulator, column->exceptions[exception].value, needs));
            accumulator->count++;
            exception++;
        } else if (is_present(column, row)) {
            gathered[count++] = column->mantissas[row];
        }
    }
    *gathered_count = count;
    return STATUS_OK;
}

/* Apart from add_values, which should not pay for this much of the stack. */
static enum status add_gathered(struct accumulator *accumulator, const struct column_run *run,
                                const struct accumulator_needs *needs)
{
    int64_t gathered[BLOCK_ROWS_MAX];
    struct plain_run plain = {.mantissas = gathered, .exponent = run->column->exponent};
    assert(run->until_row - run->from_row <= BLOCK_ROWS_MAX);
    TRY(gather(accumulator, run, needs, gathered, &plain.count));
    accumulator->count += plain.count;
    return plain.count > 0 ? add_plain(accumulator, &plain, needs) : STATUS_OK;
}

static enum status add_values(struct accumulator *accumulator, const struct column_run *run,
                              const struct accumulator_needs *needs)
{
    const struct column_vector *column = run->column;
    const bool has_gaps = column->present && column->present_count < run->rows->count;
    if (column->exception_count > 0 || has_gaps)
        return add_gathered(accumulator, run, needs);
    const struct plain_run plain = {.mantissas = column->mantissas + run->from_row,
                                    .count = run->until_row - run->from_row,
                                    .exponent = column->exponent};
    accumulator->count += plain.count;
    return add_plain(accumulator, &plain, needs);
}

static int compare_dated(const struct dated_number *a, const struct dated_number *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    return (a->message_id > b->message_id) - (a->message_id < b->message_id);
}

static void widen_ends(struct accumulator_more *more, const struct dated_number *first,
                       const struct dated_number *last)
{
    if (more->first.value.kind == NUMBER_NULL || compare_dated(first, &more->first) < 0)
        more->first = *first;
    if (more->last.value.kind == NUMBER_NULL || compare_dated(last, &more->last) > 0)
        more->last = *last;
}

static struct dated_number dated_at(const struct column_run *run, uint32_t row)
{
    return (struct dated_number){.value = column_vector_get(run->column, row),
                                 .time_ms = run->rows->times_ms[row],
                                 .message_id = run->rows->message_ids[row]};
}

/* The run has a value (the caller looked). */
static void add_ends(struct accumulator_more *more, const struct column_run *run)
{
    uint32_t first = run->from_row;
    while (!is_present(run->column, first))
        first++;
    uint32_t last = run->until_row - 1;
    while (!is_present(run->column, last))
        last--;
    const struct dated_number first_number = dated_at(run, first);
    const struct dated_number last_number = dated_at(run, last);
    widen_ends(more, &first_number, &last_number);
}

static void add_time(struct timed_extreme *extreme, struct number value, int64_t time_ms, int sign)
{
    const int order =
        extreme->value.kind == NUMBER_NULL ? -1 : sign * number_compare(value, extreme->value);
    if (order < 0 || (order == 0 && time_ms < extreme->time_ms))
        *extreme = (struct timed_extreme){.value = value, .time_ms = time_ms};
}

/* Looks at mantissas first: most rows are neither the run's least nor its greatest so far. */
static void add_times(struct accumulator_more *more, const struct column_run *run)
{
    const struct column_vector *column = run->column;
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    for (uint32_t row = run->from_row; row < run->until_row; row++) {
        const int64_t mantissa = column->mantissas[row];
        const bool ordinary = column->exception_count == 0 && mantissa >= low && mantissa <= high;
        if (ordinary || !is_present(column, row))
            continue;
        const struct number value = column_vector_get(column, row);
        add_time(&more->min_at, value, run->rows->times_ms[row], 1);
        add_time(&more->max_at, value, run->rows->times_ms[row], -1);
        low = mantissa < low ? mantissa : low;
        high = mantissa > high ? mantissa : high;
    }
}

enum status accumulator_add_run(struct accumulator *accumulator, const struct column_run *run,
                                const struct accumulator_needs *needs)
{
    if (needs->ends || needs->times || needs->squares || needs->values)
        TRY(need_more(accumulator));
    if (needs->ends)
        add_ends(accumulator->more, run);
    if (needs->times)
        add_times(accumulator->more, run);
    return add_values(accumulator, run, needs);
}

enum status accumulator_add_mantissas(struct accumulator *accumulator, const int64_t *mantissas,
                                      uint32_t count, int16_t exponent)
{
    const struct plain_run plain = {.mantissas = mantissas, .count = count, .exponent = exponent};
    accumulator->count += count;
    return add_basics(accumulator, &plain);
}

/* --- summaries ----------------------------------------------------------------------------- */

/* The mantissa of a decimal under another exponent; false if it does not fit. */
static bool rescale(struct number number, int exponent, int64_t *mantissa)
{
    if (number.kind != NUMBER_DECIMAL)
        return false;
    if (number.mantissa == 0) {
        *mantissa = 0;
        return true;
    }
    const int places = number.exponent - exponent;
    if (places < 0 || places > NUMBER_DIGITS_MAX)
        return false;
    return !__builtin_mul_overflow(number.mantissa, power_of_ten(places), mantissa);
}

static enum status add_extremes(struct accumulator *accumulator,
                                const struct column_summary *summary)
{
    TRY(need_more(accumulator));
    widen_min(&accumulator->more->min, summary->min);
    widen_max(&accumulator->more->max, summary->max);
    return STATUS_OK;
}

enum status accumulator_add_summary(struct accumulator *accumulator,
                                    const struct column_summary *summary,
                                    const struct accumulator_needs *needs)
{
    accumulator->count += summary->count;
    if (needs->ends) {
        assert(summary->has_ends);
        TRY(need_more(accumulator));
        widen_ends(accumulator->more, &summary->first, &summary->last);
    }
    if (!summary->has_sum)
        return add_extremes(accumulator, summary);
    int64_t min = 0;
    int64_t max = 0;
    const i128 total = (i128)summary->sum.low;
    const bool fits = wide_of(total).high == summary->sum.high;
    if (fits && rescale(summary->min, summary->sum_exponent, &min) &&
        rescale(summary->max, summary->sum_exponent, &max)) {
        TRY(open_at(accumulator, summary->sum_exponent));
        accumulator->min = min < accumulator->min ? min : accumulator->min;
        accumulator->max = max > accumulator->max ? max : accumulator->max;
        return add_total(accumulator, total);
    }
    TRY(add_extremes(accumulator, summary));
    return exact_sum_add_scaled(&accumulator->more->sum, summary->sum, summary->sum_exponent);
}

enum status accumulator_add_unseen(struct accumulator *accumulator,
                                   const struct column_summary *summary, bool below,
                                   const struct accumulator_needs *needs)
{
    TRY(need_more(accumulator));
    value_pool_add_unseen(&accumulator->more->values, summary->count, below);
    return accumulator_add_summary(accumulator, summary, needs);
}

/* --- merging ------------------------------------------------------------------------------- */

static enum status merge_more(struct accumulator_more *into, struct accumulator_more *from,
                              const struct accumulator_needs *needs)
{
    assert(from->held_ms == 0);
    TRY(exact_sum_merge(&into->sum, &from->sum));
    TRY(exact_sum_merge(&into->square_sum, &from->square_sum));
    if (from->min.kind != NUMBER_NULL) {
        widen_min(&into->min, from->min);
        widen_max(&into->max, from->max);
    }
    if (needs->ends && from->first.value.kind != NUMBER_NULL)
        widen_ends(into, &from->first, &from->last);
    if (needs->times && from->min_at.value.kind != NUMBER_NULL) {
        add_time(&into->min_at, from->min_at.value, from->min_at.time_ms, 1);
        add_time(&into->max_at, from->max_at.value, from->max_at.time_ms, -1);
    }
    return needs->values ? value_pool_merge(&into->values, &from->values) : STATUS_OK;
}

enum status accumulator_merge(struct accumulator *into, struct accumulator *from,
                              const struct accumulator_needs *needs)
{
    if (into->count == 0 && !into->open && !into->more) {
        *into = *from;
        *from = (struct accumulator){0};
        return STATUS_OK;
    }
    if (from->more) {
        TRY(need_more(into));
        TRY(spill(from));
        TRY(merge_more(into->more, from->more, needs));
    }
    into->count += from->count;
    if (from->open) {
        TRY(open_at(into, from->exponent));
        into->min = from->min < into->min ? from->min : into->min;
        into->max = from->max > into->max ? from->max : into->max;
        TRY(add_total(into, from->total));
    }
    accumulator_release(from);
    *from = (struct accumulator){0};
    return STATUS_OK;
}

/* --- time-weighted ------------------------------------------------------------------------- */

static enum status hold_apart(struct accumulator_more *more, struct number value, int64_t held_ms)
{
    if (value.kind == NUMBER_DECIMAL)
        return exact_sum_add_scaled(&more->weighted_sum, wide_of((i128)value.mantissa * held_ms),
                                    value.exponent);
    int64_t mantissa = 0;
    int exponent = 0;
    double_split(value.real, &mantissa, &exponent);
    return exact_sum_add_binary(&more->weighted_sum, wide_of((i128)mantissa * held_ms), exponent);
}

enum status accumulator_hold(struct accumulator *accumulator, struct number value, int64_t held_ms)
{
    assert(held_ms >= 0);
    if (held_ms == 0)
        return STATUS_OK;
    TRY(need_more(accumulator));
    struct accumulator_more *more = accumulator->more;
    more->held_ms += (uint64_t)held_ms;
    int64_t mantissa = 0;
    i128 total = 0;
    if (!accumulator->open || !rescale(value, accumulator->exponent, &mantissa) ||
        __builtin_add_overflow(more->weighted_total, (i128)mantissa * held_ms, &total))
        return hold_apart(more, value, held_ms);
    more->weighted_total = total;
    return STATUS_OK;
}

/* --- results ------------------------------------------------------------------------------- */

/* A lone total as a sum that can be read, without memory of its own. */
#define LENT_SUM(term) ((struct exact_sum){.decimals = &(term), .decimal_count = 1})

/* True if nothing was ever spilled: the open part is all there is. */
static bool is_simple(const struct accumulator *accumulator)
{
    return accumulator->open &&
           (!accumulator->more || accumulator->more->min.kind == NUMBER_NULL) &&
           (!accumulator->more || accumulator->more->sum.decimal_count == 0);
}

enum status accumulator_sum(struct accumulator *accumulator, struct arena *arena,
                            struct exact_value *value)
{
    *value = exact_null();
    if (accumulator->count == 0)
        return STATUS_OK;
    if (is_simple(accumulator)) {
        struct sum_term term = {.total = wide_of(accumulator->total),
                                .exponent = accumulator->exponent};
        const struct exact_sum sum = LENT_SUM(term);
        return exact_of_sum(&sum, arena, value);
    }
    TRY(spill(accumulator));
    return exact_of_sum(&accumulator->more->sum, arena, value);
}

enum status accumulator_mean(struct accumulator *accumulator, struct exact_value *value)
{
    *value = exact_null();
    if (accumulator->count == 0)
        return STATUS_OK;
    if (is_simple(accumulator)) {
        *value = exact_mean_of_total(accumulator->total, accumulator->exponent, accumulator->count);
        return STATUS_OK;
    }
    TRY(spill(accumulator));
    *value = exact_mean(&accumulator->more->sum, accumulator->count);
    return STATUS_OK;
}

enum status accumulator_stddev(struct accumulator *accumulator, struct exact_value *value)
{
    *value = exact_null();
    if (accumulator->count < 2)
        return STATUS_OK;
    TRY(spill(accumulator));
    *value =
        exact_stddev(&accumulator->more->sum, &accumulator->more->square_sum, accumulator->count);
    return STATUS_OK;
}

enum status accumulator_twa(struct accumulator *accumulator, struct exact_value *value)
{
    *value = exact_null();
    if (accumulator->count == 0)
        return STATUS_OK;
    if (!accumulator->more || accumulator->more->held_ms == 0)
        return accumulator_mean(accumulator, value);
    TRY(spill(accumulator));
    *value = exact_mean(&accumulator->more->weighted_sum, accumulator->more->held_ms);
    return STATUS_OK;
}

enum status accumulator_percentile(struct accumulator *accumulator, struct number percent,
                                   struct arena *arena, struct exact_value *value)
{
    *value = exact_null();
    if (accumulator->count == 0)
        return STATUS_OK;
    struct value_pool *values = &accumulator->more->values;
    assert(values->count == accumulator->count);
    uint64_t rank = 0;
    struct exact_fraction fraction = {0};
    if (!exact_percentile_rank(accumulator->count, percent, &rank, &fraction))
        return STATUS_OK;
    struct number below = {0};
    TRY(value_pool_at(values, rank, &below));
    struct number above = below;
    if (fraction.numerator != 0)
        TRY(value_pool_at(values, rank + 1, &above));
    return exact_interpolate(below, above, fraction, arena, value);
}

struct number accumulator_min(const struct accumulator *accumulator)
{
    if (!accumulator->more && accumulator->open)
        return number_from_sealed(accumulator->min, accumulator->exponent);
    struct number min = accumulator->more ? accumulator->more->min : (struct number){0};
    if (accumulator->open)
        widen_min(&min, number_from_sealed(accumulator->min, accumulator->exponent));
    return min;
}

struct number accumulator_max(const struct accumulator *accumulator)
{
    if (!accumulator->more && accumulator->open)
        return number_from_sealed(accumulator->max, accumulator->exponent);
    struct number max = accumulator->more ? accumulator->more->max : (struct number){0};
    if (accumulator->open)
        widen_max(&max, number_from_sealed(accumulator->max, accumulator->exponent));
    return max;
}
