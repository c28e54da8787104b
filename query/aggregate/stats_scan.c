/*
 * stats_scan.c - rows and summaries on their way into groups.
 *
 * Decoded rows are cut into runs of one group and one bucket, which accumulators
 * take whole. Within a device times ascend, so the end of a bucket is found by
 * galloping. A summary is taken where it lies inside one group and one bucket and
 * carries what the aggregates need.
 */
#include "query/aggregate/stats_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#include <assert.h>

#define NEAR_ROWS 16u

/* --- where rows belong --------------------------------------------------------------------- */

static uint32_t group_of(const struct stats *stats, uint32_t device)
{
    switch (stats->spec->by) {
    case STATS_BY_DEVICE:
        return device;
    case STATS_BY_PRODUCT:
        return stats->products.of_device[device];
    case STATS_BY_NONE:
        break;
    }
    return 0;
}

/* True if runs must not span devices: their groups or their times differ. */
static bool parts_devices(const struct stats *stats)
{
    return stats->spec->by != STATS_BY_NONE || stats->spec->every || stats->needs.ends ||
           stats->needs.times || stats->needs.twa;
}

static const struct bucket *bucket_at(struct stats *stats, int64_t time_ms)
{
    if (stats->spec->every &&
        (time_ms < stats->bucket.start_ms || time_ms >= stats->bucket.until_ms))
        stats->bucket = bucket_of(&stats->grid, time_ms);
    return &stats->bucket;
}

/* The first row in [row, until_row) at or after `until_ms`; times ascend. */
static uint32_t bucket_run_end(const int64_t *times_ms, uint32_t row, uint32_t until_row,
                               int64_t until_ms)
{
    if (times_ms[until_row - 1] < until_ms)
        return until_row;
    /* Short runs are the rule where devices have few rows: counted without a branch a row. */
    while (row + NEAR_ROWS <= until_row) {
        uint32_t before = 0;
        for (uint32_t i = 0; i < NEAR_ROWS; i++)
            before += times_ms[row + i] < until_ms;
        row += before;
        if (before < NEAR_ROWS)
            return row;
        if (row + NEAR_ROWS < until_row && times_ms[row + NEAR_ROWS] < until_ms)
            break;
    }
    if (times_ms[row] >= until_ms)
        return row;
    uint32_t step = 1;
    while (row + step < until_row && times_ms[row + step] < until_ms)
        step *= 2;
    uint32_t low = row + step / 2; // before until_ms
    uint32_t high = row + step < until_row ? row + step : until_row - 1;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (times_ms[middle] < until_ms)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* --- time-weighted ------------------------------------------------------------------------- */

static enum status end_hold(struct stats *stats, size_t place, int64_t end_ms)
{
    struct held_value *held = &stats->held[place];
    if (held->value.kind == NUMBER_NULL)
        return STATUS_OK;
    const int64_t until_ms = end_ms < held->until_ms ? end_ms : held->until_ms;
    const int64_t held_ms = until_ms > held->time_ms ? until_ms - held->time_ms : 0;
    const struct number value = held->value;
    held->value.kind = NUMBER_NULL;
    return accumulator_hold(stats_groups_at(&stats->groups, held->entry, place), value, held_ms);
}

static enum status begin_holds(struct stats *stats, size_t place, size_t entry,
                               const struct column_run *run)
{
    struct held_value *held = &stats->held[place];
    const uint32_t device = row_vector_device(run->rows, run->from_row);
    int64_t until_ms = stats->held_until_ms;
    if (stats->spec->every && stats->bucket.until_ms < until_ms)
        until_ms = stats->bucket.until_ms;
    for (uint32_t row = run->from_row; row < run->until_row; row++) {
        const struct number value = column_vector_get(run->column, row);
        if (value.kind == NUMBER_NULL)
            continue;
        const int64_t time_ms = run->rows->times_ms[row];
        TRY(end_hold(stats, place, held->device == device ? time_ms : INT64_MAX));
        *held = (struct held_value){.value = value,
                                    .time_ms = time_ms,
                                    .until_ms = until_ms,
                                    .entry = entry,
                                    .device = device};
    }
    return STATUS_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

static enum status add_column(struct stats *stats, size_t place, const struct column_run *run)
{
    if (!column_run_any(run))
        return STATUS_OK;
    size_t entry = 0;
    const uint32_t group = group_of(stats, row_vector_device(run->rows, run->from_row));
    TRY(stats_groups_find(&stats->groups, group, stats->bucket.start_ms, &entry));
    TRY(accumulator_add_run(stats_groups_at(&stats->groups, entry, place), run, &stats->needs));
    return stats->needs.twa ? begin_holds(stats, place, entry, run) : STATUS_OK;
}

/* A run of one group and bucket. */
static enum status add_rows(struct stats *stats, const struct row_vector *rows, uint32_t from_row,
                            uint32_t until_row)
{
    size_t next = 0;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        size_t place = 0;
        if (!stats_find_place(stats, rows->columns[i].metric, &next, &place))
            continue;
        const struct column_run run = {.column = &rows->columns[i],
                                       .rows = rows,
                                       .from_row = from_row,
                                       .until_row = until_row};
        TRY(add_column(stats, place, &run));
    }
    return STATUS_OK;
}

/* True if nothing but sums and extremes of each device is asked for. */
static bool wants_basics_of_devices(const struct stats *stats)
{
    const struct accumulator_needs *needs = &stats->needs;
    return stats->spec->by == STATS_BY_DEVICE && !stats->spec->every && !needs->ends &&
           !needs->times && !needs->squares && !needs->values && !needs->twa;
}

/* What a column has of each device, where every row has a value at the column's exponent. */
static enum status add_full_column(struct stats *stats, size_t place, const struct column_run *run)
{
    const struct column_vector *column = run->column;
    for (uint32_t row = run->from_row; row < run->until_row;) {
        const uint32_t end = row_vector_device_end(run->rows, row, run->until_row);
        size_t entry = 0;
        TRY(stats_groups_find(&stats->groups, row_vector_device(run->rows, row), 0, &entry));
        TRY(accumulator_add_mantissas(stats_groups_at(&stats->groups, entry, place),
                                      column->mantissas + row, end - row, column->exponent));
        row = end;
    }
    return STATUS_OK;
}

static bool column_is_full(const struct row_vector *rows, const struct column_vector *column)
{
    return column->exception_count == 0 &&
           (!column->present || column->present_count == rows->count);
}

/* Column by column. */
static enum status take_basics(struct stats *stats, const struct row_vector *rows,
                               uint32_t from_row, uint32_t until_row)
{
    size_t next = 0;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        size_t place = 0;
        if (!stats_find_place(stats, rows->columns[i].metric, &next, &place))
            continue;
        struct column_run run = {.column = &rows->columns[i],
                                 .rows = rows,
                                 .from_row = from_row,
                                 .until_row = until_row};
        if (column_is_full(rows, run.column)) {
            TRY(add_full_column(stats, place, &run));
            continue;
        }
        while (run.from_row < until_row) {
            run.until_row = row_vector_device_end(rows, run.from_row, until_row);
            TRY(add_column(stats, place, &run));
            run.from_row = run.until_row;
        }
    }
    return STATUS_OK;
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    struct stats *stats = context;
    if (wants_basics_of_devices(stats))
        return take_basics(stats, rows, from_row, until_row);
    const bool parts = parts_devices(stats);
    for (uint32_t row = from_row; row < until_row;) {
        uint32_t end = parts ? row_vector_device_end(rows, row, until_row) : until_row;
        if (stats->spec->every) {
            const struct bucket *bucket = bucket_at(stats, rows->times_ms[row]);
            end = bucket_run_end(rows->times_ms, row, end, bucket->until_ms);
        }
        TRY(add_rows(stats, rows, row, end));
        row = end;
    }
    return STATUS_OK;
}

/* --- summaries ----------------------------------------------------------------------------- */

static bool is_one_group(const struct stats *stats, const struct block_summary *summary)
{
    const uint32_t first = summary->first.device;
    const uint32_t last = summary->last.device;
    if (stats->spec->by == STATS_BY_NONE || first == last)
        return true;
    if (stats->spec->by == STATS_BY_DEVICE)
        return false;
    const uint32_t *products = stats->products.of_device;
    for (uint32_t device = first; device < last; device++) {
        if (products[device] != products[last])
            return false;
    }
    return true;
}

static bool suffices(const struct stats *stats, const struct column_summary *column)
{
    return (!stats->needs_sum || column->has_sum) && (!stats->needs.ends || column->has_ends);
}

static bool columns_suffice(const struct stats *stats, const struct block_summary *summary)
{
    size_t next = 0;
    for (uint32_t i = 0; i < summary->column_count; i++) {
        size_t place = 0;
        if (stats_find_place(stats, summary->columns[i].metric, &next, &place) &&
            !suffices(stats, &summary->columns[i]))
            return false;
    }
    return true;
}

static enum status add_summary(struct stats *stats, const struct block_summary *summary)
{
    size_t next = 0;
    for (uint32_t i = 0; i < summary->column_count; i++) {
        size_t place = 0;
        if (!stats_find_place(stats, summary->columns[i].metric, &next, &place))
            continue;
        size_t entry = 0;
        const uint32_t group = group_of(stats, summary->first.device);
        TRY(stats_groups_find(&stats->groups, group, stats->bucket.start_ms, &entry));
        TRY(accumulator_add_summary(stats_groups_at(&stats->groups, entry, place),
                                    &summary->columns[i], &stats->needs));
    }
    return STATUS_OK;
}

/* True if no value of the block is near a percentile that is asked for. */
static bool beyond_brackets(const struct stats *stats, const struct block_summary *summary)
{
    size_t next = 0;
    for (uint32_t i = 0; i < summary->column_count; i++) {
        size_t place = 0;
        if (stats_find_place(stats, summary->columns[i].metric, &next, &place) &&
            stats_side(&stats->brackets[place], &summary->columns[i]) == RANK_WITHIN)
            return false;
    }
    return true;
}

/* Blocks beyond the brackets count, but their values need not be seen. */
static enum status take_beyond(void *context, const struct block_summary *summary, bool *taken)
{
    struct stats *stats = context;
    *taken = columns_suffice(stats, summary) && beyond_brackets(stats, summary);
    if (!*taken)
        return STATUS_OK;
    size_t next = 0;
    for (uint32_t i = 0; i < summary->column_count; i++) {
        const struct column_summary *column = &summary->columns[i];
        size_t place = 0;
        if (!stats_find_place(stats, column->metric, &next, &place))
            continue;
        size_t entry = 0;
        TRY(stats_groups_find(&stats->groups, 0, stats->bucket.start_ms, &entry));
        const bool below = stats_side(&stats->brackets[place], column) == RANK_BELOW;
        TRY(accumulator_add_unseen(stats_groups_at(&stats->groups, entry, place), column, below,
                                   &stats->needs));
    }
    return STATUS_OK;
}

static enum status take_summary(void *context, const struct block_summary *summary, bool *taken)
{
    struct stats *stats = context;
    *taken = false;
    if (!is_one_group(stats, summary) || !columns_suffice(stats, summary))
        return STATUS_OK;
    if (stats->spec->every &&
        summary->max_time_ms >= bucket_at(stats, summary->min_time_ms)->until_ms)
        return STATUS_OK;
    *taken = true;
    return add_summary(stats, summary);
}

/* --- the scan ------------------------------------------------------------------------------ */

/*
 * The threads of a shared scan: each has groups of its own, which are put together at the end, or
 * all fill the same dense ones.
 */
struct stats_threads {
    struct stats *all; /* owned; what they point to but their groups is borrowed */
    struct scan_visitor *visitors;
    uint32_t count;
};

static void threads_release(struct stats_threads *threads)
{
    for (uint32_t i = 0; i < threads->count; i++)
        stats_groups_release(&threads->all[i].groups);
    mem_free(threads->all);
    mem_free(threads->visitors);
}

static enum status threads_init(struct stats_threads *threads, const struct stats *stats,
                                const struct scan_visitor *visitor, uint32_t count)
{
    threads->all = mem_alloc(count, sizeof *threads->all);
    threads->visitors = mem_alloc(count, sizeof *threads->visitors);
    if (!threads->all || !threads->visitors)
        return STATUS_NOMEM;
    for (; threads->count < count; threads->count++) {
        struct stats *own = &threads->all[threads->count];
        *own = *stats;
        if (stats->groups.seen)
            stats_groups_borrow(&own->groups, &stats->groups);
        else
            stats_groups_init(&own->groups, stats->groups.metric_count, stats->groups.group_count);
        threads->visitors[threads->count] = *visitor;
        threads->visitors[threads->count].context = own;
    }
    return STATUS_OK;
}

static enum status scan_shared(struct stats *stats, const struct scan_spec *scan,
                               const struct scan_visitor *visitor, uint32_t count,
                               struct scan_statistics *statistics, struct error *err)
{
    OWNED(threads_release) struct stats_threads threads = {0};
    if (threads_init(&threads, stats, visitor, count) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for %u threads", count);
    const struct view_visitors visitors = {.all = threads.visitors, .count = count};
    TRY(view_scan_shared(stats->spec->selection->view, stats->snapshot, scan, &visitors, statistics,
                         err));
    if (stats->groups.seen)
        return STATUS_OK;
    stats->groups = threads.all[0].groups;
    threads.all[0].groups = (struct stats_groups){0};
    for (uint32_t i = 1; i < count; i++) {
        if (stats_groups_merge(&stats->groups, &threads.all[i].groups, &stats->needs) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory to put the groups together");
    }
    return STATUS_OK;
}

/* Reads all rows, by one thread or several. */
static enum status scan_all(struct stats *stats, const struct scan_spec *scan,
                            const struct scan_visitor *visitor, uint32_t threads,
                            struct scan_statistics *statistics, struct error *err)
{
    if (threads > 1)
        return scan_shared(stats, scan, visitor, threads, statistics, err);
    return view_scan(stats->spec->selection->view, stats->snapshot, scan, visitor, statistics, err);
}

/* Percentiles of all: blocks that cannot hold them are counted only. */
static enum status scan_ranks(struct stats *stats, struct scan_spec *scan, uint32_t threads,
                              struct scan_statistics *statistics, struct error *err)
{
    const struct scan_visitor visitor = {
        .context = stats, .summary = take_beyond, .rows = take_rows};
    const struct rank_scan ranks = {.spec = scan, .thread_count = threads};
    bool guessed = false;
    bool right = true;
    scan->blocks_only = true;
    TRY(stats_find_brackets(stats, &ranks, true, &guessed, err));
    const struct scan_statistics before = *statistics;
    TRY(scan_all(stats, scan, &visitor, threads, statistics, err));
    if (guessed)
        TRY(stats_check_guess(stats, &right, err));
    if (right)
        return STATUS_OK;
    struct stats_groups wrong = stats->groups;
    stats_groups_init(&stats->groups, wrong.metric_count, wrong.group_count);
    stats_groups_release(&wrong);
    *statistics = before;
    TRY(stats_find_brackets(stats, &ranks, false, &guessed, err));
    return scan_all(stats, scan, &visitor, threads, statistics, err);
}

enum status stats_scan(struct stats *stats, struct scan_statistics *statistics, struct error *err)
{
    const struct accumulator_needs *needs = &stats->needs;
    if (selection_is_empty(stats->spec->selection) || stats->metric_count == 0)
        return STATUS_OK;
    struct scan_spec scan = selection_scan(stats->spec->selection, TABLE_READINGS);
    scan.columns.metrics = stats->numbers;
    scan.columns.metric_count = (uint32_t)stats->metric_count;
    scan.columns.message_ids = needs->ends;
    scan.columns.without_times =
        !stats->spec->every && !needs->ends && !needs->times && !needs->twa;
    scan.by_device = stats->spec->by == STATS_BY_DEVICE;
    scan.ordered = needs->twa;
    const uint32_t threads = snapshot_scan_threads(stats->snapshot, &scan);
    if (stats_wants_brackets(stats))
        return scan_ranks(stats, &scan, threads, statistics, err);
    if (stats->spec->by == STATS_BY_DEVICE && !stats->spec->every && !scan.device_bits &&
        stats_groups_make_dense(&stats->groups) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a group a device");
    const bool rows_only = needs->times || needs->squares || needs->values || needs->twa;
    const struct scan_visitor visitor = {
        .context = stats, .summary = rows_only ? NULL : take_summary, .rows = take_rows};
    TRY(scan_all(stats, &scan, &visitor, threads, statistics, err));
    for (size_t place = 0; needs->twa && place < stats->name_count; place++) {
        if (end_hold(stats, place, INT64_MAX) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for time-weighted averages");
    }
    stats_groups_settle(&stats->groups);
    return STATUS_OK;
}

struct span {
    struct time_range range;
    bool found;
};

static void widen_span(struct span *span, int64_t min_ms, int64_t max_ms)
{
    if (!span->found || min_ms < span->range.from_ms)
        span->range.from_ms = min_ms;
    if (!span->found || max_ms > span->range.until_ms)
        span->range.until_ms = max_ms;
    span->found = true;
}

static enum status span_summary(void *context, const struct block_summary *summary, bool *taken)
{
    widen_span(context, summary->min_time_ms, summary->max_time_ms);
    *taken = true;
    return STATUS_OK;
}

static enum status span_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    for (uint32_t row = from_row; row < until_row; row++)
        widen_span(context, rows->times_ms[row], rows->times_ms[row]);
    return STATUS_OK;
}

enum status stats_find_span(struct stats *stats, struct time_range *range, bool *found,
                            struct scan_statistics *statistics, struct error *err)
{
    struct span span = {0};
    const struct scan_visitor visitor = {
        .context = &span, .summary = span_summary, .rows = span_rows};
    const struct scan_spec scan = selection_scan(stats->spec->selection, TABLE_READINGS);
    if (!selection_is_empty(stats->spec->selection))
        TRY(view_scan(stats->spec->selection->view, stats->snapshot, &scan, &visitor, statistics,
                      err));
    *range = span.range;
    *found = span.found;
    return STATUS_OK;
}
