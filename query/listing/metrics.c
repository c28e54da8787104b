/*
 * metrics.c - how many values each metric has, their extremes and their span of time.
 *
 * A summary serves where it tells when a metric was first and last seen: it knows
 * the ends, or every row of it has the metric.
 */
#include "query/listing/listing.h"

#include "engine/base/mem.h"
#include "query/aggregate/accumulator.h"
#include "query/view/view.h"

#include <stdlib.h>

struct metric_facts {
    struct accumulator values;
    int64_t first_ms; /* if there are values */
    int64_t last_ms;
};

struct metrics {
    struct metric_facts *facts; /* owned; by metric number */
    uint32_t count;
};

static void release(struct metrics *metrics)
{
    for (uint32_t i = 0; metrics->facts && i < metrics->count; i++)
        accumulator_release(&metrics->facts[i].values);
    mem_free(metrics->facts);
}

static void widen(struct metric_facts *facts, int64_t first_ms, int64_t last_ms)
{
    const bool is_new = facts->values.count == 0;
    if (is_new || first_ms < facts->first_ms)
        facts->first_ms = first_ms;
    if (is_new || last_ms > facts->last_ms)
        facts->last_ms = last_ms;
}

static bool knows_times(const struct block_summary *summary, const struct column_summary *column)
{
    return column->has_ends || column->count == summary->row_count;
}

static enum status take_summary(void *context, const struct block_summary *summary, bool *taken)
{
    static const struct accumulator_needs basics = {.basics = true};
    const struct metrics *metrics = context;
    *taken = true;
    for (uint32_t i = 0; *taken && i < summary->column_count; i++)
        *taken = knows_times(summary, &summary->columns[i]);
    for (uint32_t i = 0; *taken && i < summary->column_count; i++) {
        const struct column_summary *column = &summary->columns[i];
        struct metric_facts *facts = &metrics->facts[column->metric];
        if (column->has_ends)
            widen(facts, column->first.time_ms, column->last.time_ms);
        else
            widen(facts, summary->min_time_ms, summary->max_time_ms);
        TRY(accumulator_add_summary(&facts->values, column, &basics));
    }
    return STATUS_OK;
}

static void widen_by_rows(struct metric_facts *facts, const struct column_run *run)
{
    int64_t first_ms = INT64_MAX;
    int64_t last_ms = INT64_MIN;
    const uint64_t *present = run->column->present;
    for (uint32_t row = run->from_row; row < run->until_row; row++) {
        if (present && !(present[row / 64] >> (row % 64) & 1))
            continue;
        const int64_t time_ms = run->rows->times_ms[row];
        first_ms = time_ms < first_ms ? time_ms : first_ms;
        last_ms = time_ms > last_ms ? time_ms : last_ms;
    }
    widen(facts, first_ms, last_ms);
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    static const struct accumulator_needs basics = {.basics = true};
    const struct metrics *metrics = context;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct column_run run = {.column = &rows->columns[i],
                                       .rows = rows,
                                       .from_row = from_row,
                                       .until_row = until_row};
        if (!column_run_any(&run))
            continue;
        struct metric_facts *facts = &metrics->facts[rows->columns[i].metric];
        widen_by_rows(facts, &run);
        TRY(accumulator_add_run(&facts->values, &run, &basics));
    }
    return STATUS_OK;
}

static enum status add_columns(struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "metric", CELL_TEXT, err));
    TRY(answer_add_field(answer, "values", CELL_COUNT, err));
    TRY(answer_add_field(answer, "min", CELL_NUMBER, err));
    TRY(answer_add_field(answer, "max", CELL_NUMBER, err));
    TRY(answer_add_field(answer, "first_seen", CELL_TIME, err));
    return answer_add_field(answer, "last_seen", CELL_TIME, err);
}

static enum status add_row(struct answer *answer, struct slice name,
                           const struct metric_facts *facts, struct error *err)
{
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(answer, &cell, err));
    cell[0] = cell_of_text(name);
    cell[1] = cell_of_count(facts->values.count);
    cell[2] = cell_of_number(exact_of_number(accumulator_min(&facts->values)));
    cell[3] = cell_of_number(exact_of_number(accumulator_max(&facts->values)));
    cell[4] = cell_of_time(facts->first_ms);
    cell[5] = cell_of_time(facts->last_ms);
    return STATUS_OK;
}

struct named_metric {
    struct slice name;
    uint32_t metric;
};

static int compare_metrics(const void *left, const void *right)
{
    const struct named_metric *a = left;
    const struct named_metric *b = right;
    return slice_compare(a->name, b->name);
}

static enum status add_rows(struct answer *answer, const struct snapshot *snapshot,
                            const struct view *view, const struct metrics *metrics,
                            struct error *err)
{
    OWNED(mem_free_owned) struct named_metric *named = mem_alloc(metrics->count, sizeof *named);
    if (!named)
        return error_set(err, STATUS_NOMEM, "no memory for the list of metrics");
    for (uint32_t i = 0; i < metrics->count; i++)
        named[i] = (struct named_metric){view_metric_name(view, snapshot, i), i};
    qsort(named, metrics->count, sizeof *named, compare_metrics);
    for (uint32_t i = 0; i < metrics->count; i++) {
        const struct metric_facts *facts = &metrics->facts[named[i].metric];
        if (facts->values.count > 0)
            TRY(add_row(answer, named[i].name, facts, err));
    }
    return STATUS_OK;
}

enum status metrics_query(struct snapshot *snapshot, const struct selection *selection,
                          struct answer *answer, struct scan_statistics *statistics,
                          struct error *err)
{
    TRY(add_columns(answer, err));
    OWNED(release) struct metrics metrics = {.count = snapshot_metric_count(snapshot)};
    metrics.facts = mem_alloc_zeroed(metrics.count, sizeof *metrics.facts);
    if (!metrics.facts)
        return error_set(err, STATUS_NOMEM, "no memory for the list of metrics");
    struct scan_spec scan = selection_scan(selection, TABLE_READINGS);
    scan.columns.all_metrics = true;
    const struct scan_visitor visitor = {
        .context = &metrics, .summary = take_summary, .rows = take_rows};
    if (!selection_is_empty(selection))
        TRY(view_scan(selection->view, snapshot, &scan, &visitor, statistics, err));
    return add_rows(answer, snapshot, selection->view, &metrics, err);
}
