/*
 * gaps_scan.c - rows in order, made into reports.
 *
 * With metrics named, only rows that have a value of one of them count.
 */
#include "query/gaps/gaps_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#include <assert.h>
#include <stdlib.h>

struct reporter {
    const struct gaps_plan *plan;
    const struct report_visitor *visitor;
    bool has_device;
    uint32_t device;
    uint32_t rank;
    int64_t report_ms; /* when the device's latest report began */
};

/* --- the plan ------------------------------------------------------------------------------ */

void gaps_plan_release(struct gaps_plan *plan)
{
    mem_free(plan->metrics);
    mem_free(plan->ranks);
    device_places_release(&plan->places);
    *plan = (struct gaps_plan){0};
}

static int compare_numbers(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static enum status find_metrics(struct gaps_plan *plan, const struct snapshot *snapshot)
{
    const struct gaps_spec *spec = plan->spec;
    plan->metrics = mem_alloc(spec->metric_count, sizeof *plan->metrics);
    if (!plan->metrics)
        return STATUS_NOMEM;
    uint32_t found = 0;
    for (size_t i = 0; i < spec->metric_count; i++)
        found += view_find_metric(spec->selection->view, snapshot, spec->metrics[i],
                                  &plan->metrics[found])
                     ? 1
                     : 0;
    if (found > 1)
        qsort(plan->metrics, found, sizeof *plan->metrics, compare_numbers);
    for (uint32_t i = 0; i < found; i++) {
        if (i == 0 || plan->metrics[i] != plan->metrics[i - 1])
            plan->metrics[plan->metric_count++] = plan->metrics[i];
    }
    plan->no_rows = selection_is_empty(spec->selection) || (spec->metric_count > 0 && found == 0);
    return STATUS_OK;
}

enum status gaps_plan_init(struct gaps_plan *plan, const struct snapshot *snapshot,
                           const struct gaps_spec *spec)
{
    const struct selection *selection = spec->selection;
    *plan = (struct gaps_plan){.spec = spec};
    TRY(find_metrics(plan, snapshot));
    TRY(device_places_init(&plan->places, selection->device_bits, snapshot_device_count(snapshot)));
    plan->ranks = mem_alloc_zeroed(plan->places.count, sizeof *plan->ranks);
    if (!plan->ranks)
        return STATUS_NOMEM;
    for (uint32_t rank = 0; rank < selection->device_count; rank++)
        plan->ranks[device_place(&plan->places, selection->devices[rank])] = rank;
    return STATUS_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

/* A column of those asked for has a value in this row. */
static bool has_value(const struct row_vector *rows, uint32_t row)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct column_vector *column = &rows->columns[i];
        if (!column->present || (column->present[row / 64] >> (row % 64) & 1))
            return true;
    }
    return false;
}

static enum status take_row(struct reporter *reporter, uint32_t device, int64_t time_ms)
{
    const struct report_visitor *visitor = reporter->visitor;
    const bool is_new = !reporter->has_device || reporter->device != device;
    if (is_new) {
        reporter->has_device = true;
        reporter->device = device;
        reporter->rank = reporter->plan->ranks[device_place(&reporter->plan->places, device)];
    }
    if (visitor->row)
        TRY(visitor->row(visitor->context, reporter->rank));
    if (!is_new && gaps_between(reporter->report_ms, time_ms) < GAPS_REPORT_MS)
        return STATUS_OK;
    reporter->report_ms = time_ms;
    return visitor->report(visitor->context, reporter->rank, time_ms);
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    struct reporter *reporter = context;
    const bool every_row = reporter->plan->spec->metric_count == 0;
    for (uint32_t row = from_row; row < until_row; row++) {
        if (every_row || has_value(rows, row))
            TRY(take_row(reporter, row_vector_device(rows, row), rows->times_ms[row]));
    }
    return STATUS_OK;
}

enum status gaps_scan(struct snapshot *snapshot, const struct gaps_plan *plan,
                      const struct report_visitor *visitor, struct scan_statistics *statistics,
                      struct error *err)
{
    if (plan->no_rows)
        return STATUS_OK;
    struct reporter reporter = {.plan = plan, .visitor = visitor};
    struct scan_spec scan = selection_scan(plan->spec->selection, TABLE_READINGS);
    scan.columns.metrics = plan->metrics;
    scan.columns.metric_count = plan->metric_count;
    scan.ordered = true;
    const struct scan_visitor rows = {.context = &reporter, .rows = take_rows};
    return view_scan(plan->spec->selection->view, snapshot, &scan, &rows, statistics, err);
}
