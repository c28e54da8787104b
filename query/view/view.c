/*
 * view.c - scans through a view: which columns they need, and a worker for each thread.
 */
#include "query/view/view_internal.h"

#include "engine/base/mem.h"

#include <assert.h>

enum status view_init(struct view *view, struct snapshot *snapshot,
                      const struct alias_list *aliases, const struct filter *filter,
                      struct error *err)
{
    *view = (struct view){.snapshot = snapshot};
    TRY(alias_map_init(&view->aliases, aliases, snapshot, err));
    if (!filter || filter->step_count == 0)
        return STATUS_OK;
    view->filter_metrics = mem_alloc(filter->metric_count, sizeof *view->filter_metrics);
    if (!view->filter_metrics) {
        view_release(view);
        return error_set(err, STATUS_NOMEM, "no memory for the expression");
    }
    view->filter = filter;
    for (size_t i = 0; i < filter->metric_count; i++) {
        if (!alias_map_find(&view->aliases, filter->metrics[i].name, &view->filter_metrics[i]))
            view->filter_metrics[i] = VIEW_NO_METRIC;
    }
    return STATUS_OK;
}

void view_release(struct view *view)
{
    alias_map_release(&view->aliases);
    mem_free(view->filter_metrics);
    *view = (struct view){0};
}

enum status view_refresh(struct view *view, struct error *err)
{
    struct view fresh;
    TRY(view_init(&fresh, view->snapshot, view->aliases.list, view->filter, err));
    fresh.statistics = view->statistics;
    view_release(view);
    *view = fresh;
    return STATUS_OK;
}

/* --- metrics ------------------------------------------------------------------------------- */

bool view_find_metric(const struct view *view, const struct snapshot *snapshot, struct slice name,
                      uint32_t *metric)
{
    return view ? alias_map_find(&view->aliases, name, metric)
                : snapshot_find_metric(snapshot, name, metric);
}

struct slice view_metric_name(const struct view *view, const struct snapshot *snapshot,
                              uint32_t metric)
{
    return view ? alias_map_name(&view->aliases, metric) : snapshot_metric_name(snapshot, metric);
}

bool view_shows(const struct view *view, uint32_t metric)
{
    return !view || alias_map_is_shown(&view->aliases, metric);
}

struct slice view_canonical(const struct view *view, struct slice name)
{
    return view && view->aliases.list ? alias_list_canonical(view->aliases.list, name) : name;
}

bool view_filters(const struct view *view)
{
    return view && view->filter;
}

bool view_takes_empty(const struct view *view)
{
    if (!view_filters(view))
        return true;
    const struct filter_extent none = {0};
    struct filter_extent extents[FILTER_TESTS_MAX];
    assert(view->filter->metric_count <= FILTER_TESTS_MAX);
    for (size_t i = 0; i < view->filter->metric_count; i++)
        extents[i] = none;
    return filter_judge(view->filter, extents) == FILTER_ALL;
}

/* --- columns of a scan --------------------------------------------------------------------- */

/* The store's metrics that a scan reads, as bits. */
static void mark_metric(const struct view *view, uint64_t *bits, uint32_t metric)
{
    const struct alias_group *group = alias_map_group(&view->aliases, metric);
    const uint32_t *members = group ? group->members : &metric;
    for (uint32_t i = 0; i < (group ? group->member_count : 1); i++)
        bits[members[i] / 64] |= UINT64_C(1) << (members[i] % 64);
}

static uint32_t list_bits(const uint64_t *bits, uint32_t limit, uint32_t *numbers)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < (limit + 63) / 64; word++) {
        for (uint64_t left = bits[word]; left != 0; left &= left - 1)
            numbers[count++] = word * 64 + (uint32_t)__builtin_ctzll(left);
    }
    return count;
}

enum status view_widen(const struct view *view, const struct scan_spec *spec,
                       struct scan_spec *wide, uint32_t **numbers)
{
    *wide = *spec;
    if (spec->columns.all_metrics)
        return STATUS_OK;
    const uint32_t known = snapshot_metric_count(view->snapshot);
    OWNED(mem_free_owned) uint64_t *bits = mem_alloc_zeroed(known / 64 + 1, sizeof *bits);
    *numbers = mem_alloc(known, sizeof **numbers);
    if (!bits || !*numbers)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < spec->columns.metric_count; i++)
        mark_metric(view, bits, spec->columns.metrics[i]);
    for (size_t i = 0; view->filter && i < view->filter->metric_count; i++) {
        if (view->filter_metrics[i] != VIEW_NO_METRIC)
            mark_metric(view, bits, view->filter_metrics[i]);
    }
    wide->columns.metric_count = list_bits(bits, known, *numbers);
    wide->columns.metrics = *numbers;
    return STATUS_OK;
}

/* --- scans --------------------------------------------------------------------------------- */

struct view_workers {
    struct view_worker *all; /* owned */
    struct scan_visitor *visitors;
    uint32_t count;
};

static void workers_release(struct view_workers *workers)
{
    for (uint32_t i = 0; i < workers->count; i++)
        view_worker_release(&workers->all[i]);
    mem_free(workers->all);
    mem_free(workers->visitors);
}

static enum status workers_init(struct view_workers *workers, const struct view *view,
                                const struct scan_spec *spec, const struct view_visitors *visitors)
{
    const uint32_t count = visitors->count;
    workers->all = mem_alloc_zeroed(count, sizeof *workers->all);
    workers->visitors = mem_alloc(count, sizeof *workers->visitors);
    if (!workers->all || !workers->visitors)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        workers->count++;
        TRY(view_worker_init(&workers->all[i], view, spec, &visitors->all[i]));
        const bool judges = view->filter || visitors->all[i].summary;
        workers->visitors[i] = (struct scan_visitor){.context = &workers->all[i],
                                                     .summary = judges ? view_take_summary : NULL,
                                                     .rows = view_take_rows};
    }
    return STATUS_OK;
}

void view_add_statistics(struct view *view, const struct view_statistics *done)
{
    struct view_statistics *sum = &view->statistics;
    sum->summaries_none += done->summaries_none;
    sum->summaries_all += done->summaries_all;
    sum->rows_judged += done->rows_judged;
    sum->rows_kept += done->rows_kept;
}

/* --- a gate -------------------------------------------------------------------------------- */

/* Stands before a visitor of one thread. */
struct gated {
    const struct view_gate *gate;
    const struct scan_visitor *visitor;
};

static enum status take_gated_summary(void *context, const struct block_summary *summary,
                                      bool *taken)
{
    const struct gated *gated = context;
    TRY(gated->gate->summary(gated->gate->context, summary, taken));
    if (*taken || !gated->visitor->summary)
        return STATUS_OK;
    return gated->visitor->summary(gated->visitor->context, summary, taken);
}

static enum status take_gated_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                                   uint32_t until_row)
{
    const struct gated *gated = context;
    return gated->visitor->rows(gated->visitor->context, rows, from_row, until_row);
}

static enum status scan_plain(struct snapshot *snapshot, const struct scan_spec *spec,
                              const struct view_visitors *visitors,
                              struct scan_statistics *statistics, struct error *err)
{
    if (visitors->gate) {
        struct gated gated = {.gate = visitors->gate, .visitor = visitors->all};
        const struct scan_visitor before = {
            .context = &gated, .summary = take_gated_summary, .rows = take_gated_rows};
        assert(visitors->count == 1);
        return snapshot_scan(snapshot, spec, &before, statistics, err);
    }
    if (visitors->count == 1)
        return snapshot_scan(snapshot, spec, visitors->all, statistics, err);
    return snapshot_scan_shared(snapshot, spec, visitors->all, visitors->count, statistics, err);
}

bool view_is_plain(const struct view *view, const struct scan_spec *spec)
{
    return !view || spec->table != TABLE_READINGS || (!view->filter && !view->aliases.merges);
}

enum status view_scan_shared(struct view *view, struct snapshot *snapshot,
                             const struct scan_spec *spec, const struct view_visitors *visitors,
                             struct scan_statistics *statistics, struct error *err)
{
    assert(!view || view->snapshot == snapshot);
    if (view_is_plain(view, spec))
        return scan_plain(snapshot, spec, visitors, statistics, err);
    OWNED(mem_free_owned) uint32_t *numbers = NULL;
    OWNED(workers_release) struct view_workers workers = {0};
    struct scan_spec wide;
    if (view_widen(view, spec, &wide, &numbers) != STATUS_OK ||
        workers_init(&workers, view, spec, visitors) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a scan");
    const struct view_visitors between = {
        .all = workers.visitors, .count = workers.count, .gate = visitors->gate};
    const enum status status = scan_plain(snapshot, &wide, &between, statistics, err);
    for (uint32_t i = 0; i < workers.count; i++)
        view_add_statistics(view, &workers.all[i].statistics);
    return status;
}

enum status view_scan(struct view *view, struct snapshot *snapshot, const struct scan_spec *spec,
                      const struct scan_visitor *visitor, struct scan_statistics *statistics,
                      struct error *err)
{
    const struct view_visitors visitors = {.all = visitor, .count = 1};
    return view_scan_shared(view, snapshot, spec, &visitors, statistics, err);
}
