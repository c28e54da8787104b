/*
 * view_rows.c - what a scan finds, on its way through a view.
 *
 * Rows: the filter's columns are put together and judged, then the columns that the query wants
 * are put together and cut to the rows that count, and handed on as one run.
 *
 * Summaries: judged as a whole. One that is handed on must say of the answered metrics what it
 * says of the store's: a metric of several names may only stand in it under one of them, unless
 * the first in order is in every row.
 */
#include "query/view/view_internal.h"

#include "engine/base/bound.h"
#include "engine/base/mem.h"

#include <assert.h>

enum status view_worker_init(struct view_worker *worker, const struct view *view,
                             const struct scan_spec *spec, const struct scan_visitor *visitor)
{
    worker->view = view;
    worker->spec = spec;
    worker->visitor = visitor;
    if (!view->filter)
        return STATUS_OK;
    const size_t count = view->filter->metric_count;
    worker->filter_columns = mem_alloc(count, sizeof(void *));
    worker->extents = mem_alloc(count, sizeof *worker->extents);
    if (!worker->filter_columns || !worker->extents)
        return STATUS_NOMEM;
    return filter_scratch_init(&worker->filter_scratch, view->filter);
}

void view_worker_release(struct view_worker *worker)
{
    filter_scratch_release(&worker->filter_scratch);
    mem_free(worker->filter_columns);
    mem_free(worker->extents);
    mem_free(worker->columns);
    mem_free(worker->summaries);
    arena_release(&worker->arena);
}

static int64_t wanted_metric(const void *items, size_t place)
{
    const uint32_t *metrics = items;
    return metrics[place];
}

bool view_wants(const struct scan_spec *spec, uint32_t metric)
{
    const struct block_selection *wanted = &spec->columns;
    if (wanted->all_metrics)
        return true;
    const size_t place = bound_find(wanted->metrics, wanted->metric_count, metric, wanted_metric);
    return place < wanted->metric_count && wanted->metrics[place] == metric;
}

/* --- rows ---------------------------------------------------------------------------------- */

/* How many rows of [from_row, until_row) count; their bits are in worker->holds. */
static enum status judge_rows(struct view_worker *worker, const struct row_vector *rows,
                              const uint32_t bounds[2], uint32_t *count)
{
    const struct view *view = worker->view;
    const size_t metric_count = view->filter->metric_count;
    struct column_vector *columns = arena_alloc(&worker->arena, metric_count * sizeof *columns);
    if (!columns)
        return STATUS_NOMEM;
    for (size_t i = 0; i < metric_count; i++) {
        worker->filter_columns[i] = NULL;
        if (view->filter_metrics[i] == VIEW_NO_METRIC)
            continue;
        TRY(view_merge_column(&worker->arena, &view->aliases, rows, view->filter_metrics[i], bounds,
                              &columns[i]));
        if (columns[i].mantissas)
            worker->filter_columns[i] = &columns[i];
    }
    *count = filter_rows(view->filter, worker->filter_columns, bounds[0], bounds[1],
                         &worker->filter_scratch, worker->holds);
    return STATUS_OK;
}

static void list_kept(struct view_worker *worker, const uint32_t bounds[2])
{
    uint32_t count = 0;
    for (uint32_t word = bounds[0] / 64; word < (bounds[1] + 63) / 64; word++) {
        for (uint64_t left = worker->holds[word]; left != 0; left &= left - 1)
            worker->kept[count++] = word * 64 + (uint32_t)__builtin_ctzll(left);
    }
}

/* The columns that the query wants, as answered; in worker->columns, ascending. */
static enum status merge_columns(struct view_worker *worker, const struct row_vector *rows,
                                 const uint32_t bounds[2], uint32_t *count)
{
    const struct alias_map *aliases = &worker->view->aliases;
    TRY(mem_grow(&worker->columns, &worker->column_capacity, rows->column_count,
                 sizeof *worker->columns));
    *count = 0;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct alias_group *group = alias_map_group(aliases, rows->columns[i].metric);
        const uint32_t metric = group ? group->metric : rows->columns[i].metric;
        if (!view_wants(worker->spec, metric))
            continue;
        uint32_t at = *count;
        while (at > 0 && worker->columns[at - 1].metric > metric)
            at--;
        if (at > 0 && worker->columns[at - 1].metric == metric)
            continue; // another name of it came by before
        struct column_vector column;
        TRY(view_merge_column(&worker->arena, aliases, rows, metric, bounds, &column));
        memmove(&worker->columns[at + 1], &worker->columns[at],
                (*count - at) * sizeof *worker->columns);
        worker->columns[at] = column;
        ++*count;
    }
    return STATUS_OK;
}

static void *cut_array(struct view_worker *worker, const void *array, size_t item_bytes,
                       uint32_t count)
{
    uint8_t *cut = arena_alloc(&worker->arena, count * item_bytes);
    for (uint32_t i = 0; cut && i < count; i++)
        memcpy(cut + i * item_bytes, (const uint8_t *)array + (size_t)worker->kept[i] * item_bytes,
               item_bytes);
    return cut;
}

/* The rows worker->kept alone. */
static enum status cut_rows(struct view_worker *worker, struct row_vector *rows, uint32_t count)
{
    rows->count = count;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct column_vector whole = worker->columns[i];
        TRY(view_cut_column(&worker->arena, &whole, worker->kept, count, &worker->columns[i]));
    }
    if (rows->devices)
        rows->devices = cut_array(worker, rows->devices, sizeof *rows->devices, count);
    if (rows->times_ms)
        rows->times_ms = cut_array(worker, rows->times_ms, sizeof *rows->times_ms, count);
    if (rows->message_ids)
        rows->message_ids = cut_array(worker, rows->message_ids, sizeof *rows->message_ids, count);
    if (rows->time_sources)
        rows->time_sources =
            cut_array(worker, rows->time_sources, sizeof *rows->time_sources, count);
    return STATUS_OK;
}

static bool rows_are_whole(const struct row_vector *before, const struct row_vector *after)
{
    return (!before->devices || after->devices) && (!before->times_ms || after->times_ms) &&
           (!before->message_ids || after->message_ids) &&
           (!before->time_sources || after->time_sources);
}

enum status view_take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                           uint32_t until_row)
{
    struct view_worker *worker = context;
    const uint32_t bounds[2] = {from_row, until_row};
    uint32_t count = until_row - from_row;
    if (count == 0)
        return STATUS_OK;
    arena_reset(&worker->arena);
    if (worker->view->filter) {
        TRY(judge_rows(worker, rows, bounds, &count));
        worker->statistics.rows_judged += until_row - from_row;
        worker->statistics.rows_kept += count;
        if (count == 0)
            return STATUS_OK;
    }
    struct row_vector seen = *rows;
    TRY(merge_columns(worker, rows, bounds, &seen.column_count));
    seen.columns = worker->columns;
    if (count == until_row - from_row)
        return worker->visitor->rows(worker->visitor->context, &seen, from_row, until_row);
    list_kept(worker, bounds);
    TRY(cut_rows(worker, &seen, count));
    if (!rows_are_whole(rows, &seen))
        return STATUS_NOMEM;
    return worker->visitor->rows(worker->visitor->context, &seen, 0, count);
}

/* --- summaries ----------------------------------------------------------------------------- */

static int64_t summary_metric(const void *items, size_t place)
{
    const struct column_summary *columns = items;
    return columns[place].metric;
}

static const struct column_summary *find_summary(const struct block_summary *summary,
                                                 uint32_t metric)
{
    const size_t place =
        bound_find(summary->columns, summary->column_count, metric, summary_metric);
    const bool found = place < summary->column_count && summary->columns[place].metric == metric;
    return found ? &summary->columns[place] : NULL;
}

/* Bounds of a metric as answered: those of all columns that may give its value. */
static struct filter_extent extent_of(const struct alias_map *aliases,
                                      const struct block_summary *summary, uint32_t metric)
{
    const struct alias_group *group = alias_map_group(aliases, metric);
    const uint32_t *members = group ? group->members : &metric;
    const uint32_t member_count = group ? group->member_count : 1;
    struct filter_extent extent = {0};
    for (uint32_t i = 0; i < member_count && !extent.always; i++) {
        const struct column_summary *column = find_summary(summary, members[i]);
        if (!column)
            continue;
        if (extent.min.kind == NUMBER_NULL || number_compare(column->min, extent.min) < 0)
            extent.min = column->min;
        if (extent.max.kind == NUMBER_NULL || number_compare(column->max, extent.max) > 0)
            extent.max = column->max;
        extent.always = column->count == summary->row_count;
    }
    return extent;
}

static enum filter_verdict judge_summary(struct view_worker *worker,
                                         const struct block_summary *summary)
{
    const struct view *view = worker->view;
    if (!view->filter)
        return FILTER_ALL;
    for (size_t i = 0; i < view->filter->metric_count; i++) {
        worker->extents[i] = (struct filter_extent){0};
        if (view->filter_metrics[i] != VIEW_NO_METRIC)
            worker->extents[i] = extent_of(&view->aliases, summary, view->filter_metrics[i]);
    }
    return filter_judge(view->filter, worker->extents);
}

/* The one column that tells all of a metric; NULL with *known: there is none to tell of. */
static const struct column_summary *sole_summary(const struct alias_group *group,
                                                 const struct block_summary *summary, bool *known)
{
    const struct column_summary *sole = NULL;
    *known = true;
    for (uint32_t i = 0; i < group->member_count; i++) {
        const struct column_summary *column = find_summary(summary, group->members[i]);
        if (!column)
            continue;
        *known = !sole;
        if (sole)
            return NULL; // rows of both may be the same
        sole = column;
        if (column->count == summary->row_count)
            return sole;
    }
    return sole;
}

/* The summary as answered; *known is false if it takes a look at the rows. */
static enum status merge_summary(struct view_worker *worker, const struct block_summary *summary,
                                 struct block_summary *merged, bool *known)
{
    TRY(mem_grow(&worker->summaries, &worker->summary_capacity, summary->column_count,
                 sizeof *worker->summaries));
    uint32_t count = 0;
    *known = true;
    for (uint32_t i = 0; i < summary->column_count; i++) {
        const struct column_summary *column = &summary->columns[i];
        const struct alias_group *group = alias_map_group(&worker->view->aliases, column->metric);
        const uint32_t metric = group ? group->metric : column->metric;
        if (!view_wants(worker->spec, metric))
            continue;
        if (group && sole_summary(group, summary, known) != column) {
            if (!*known)
                return STATUS_OK;
            continue;
        }
        uint32_t at = count++;
        for (; at > 0 && worker->summaries[at - 1].metric > metric; at--)
            worker->summaries[at] = worker->summaries[at - 1];
        worker->summaries[at] = *column;
        worker->summaries[at].metric = metric;
    }
    *merged = *summary;
    merged->columns = worker->summaries;
    merged->column_count = count;
    return STATUS_OK;
}

enum status view_take_summary(void *context, const struct block_summary *summary, bool *taken)
{
    struct view_worker *worker = context;
    const struct scan_visitor *visitor = worker->visitor;
    const enum filter_verdict verdict = judge_summary(worker, summary);
    *taken = verdict == FILTER_NONE;
    worker->statistics.summaries_none += *taken;
    if (verdict != FILTER_ALL || !visitor->summary)
        return STATUS_OK;
    if (!worker->view->aliases.merges) {
        TRY(visitor->summary(visitor->context, summary, taken));
    } else {
        struct block_summary merged;
        bool known = false;
        TRY(merge_summary(worker, summary, &merged, &known));
        if (known)
            TRY(visitor->summary(visitor->context, &merged, taken));
    }
    worker->statistics.summaries_all += worker->view->filter && *taken;
    return STATUS_OK;
}
