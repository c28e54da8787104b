/*
 * stats.c - the steps of a `stats` query: which metrics, what is needed, scan, answer.
 */
#include "query/aggregate/stats_internal.h"

#include "engine/base/mem.h"
#include "query/view/view.h"

#include <stdlib.h>

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the metrics");
}

/* --- which metrics -------------------------------------------------------------------------- */

static int compare_slices(const void *left, const void *right)
{
    return slice_compare(*(const struct slice *)left, *(const struct slice *)right);
}

static bool has_name(const struct stats *stats, struct slice name)
{
    for (size_t i = 0; i < stats->name_count; i++) {
        if (slice_equal(stats->names[i], name))
            return true;
    }
    return false;
}

static void choose_named(struct stats *stats)
{
    for (size_t i = 0; i < stats->spec->metric_count; i++) {
        const struct slice name =
            view_canonical(stats->spec->selection->view, stats->spec->metrics[i]);
        if (!has_name(stats, name))
            stats->names[stats->name_count++] = name;
    }
}

/* Those of temperature and humidity that the store has; neither: all; none at all: both. */
static void choose_default(struct stats *stats)
{
    const struct slice usual[] = {slice_of_text("temperature"), slice_of_text("humidity")};
    const struct view *view = stats->spec->selection->view;
    const uint32_t known = snapshot_metric_count(stats->snapshot);
    uint32_t number = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct slice name = view_canonical(view, usual[i]);
        const bool has = view_find_metric(view, stats->snapshot, name, &number);
        if ((known == 0 || has) && !has_name(stats, name))
            stats->names[stats->name_count++] = name;
    }
    if (stats->name_count > 0)
        return;
    for (uint32_t metric = 0; metric < known; metric++) {
        if (view_shows(view, metric))
            stats->names[stats->name_count++] = view_metric_name(view, stats->snapshot, metric);
    }
    qsort(stats->names, stats->name_count, sizeof *stats->names, compare_slices);
}

static int compare_metrics(const void *left, const void *right)
{
    const struct stats_metric *a = left;
    const struct stats_metric *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static enum status choose_metrics(struct stats *stats)
{
    const size_t most = stats->spec->metric_count + snapshot_metric_count(stats->snapshot) + 2;
    stats->names = mem_alloc(most, sizeof *stats->names);
    stats->metrics = mem_alloc(most, sizeof *stats->metrics);
    stats->numbers = mem_alloc(most, sizeof *stats->numbers);
    if (!stats->names || !stats->metrics || !stats->numbers)
        return STATUS_NOMEM;
    if (stats->spec->metric_count > 0)
        choose_named(stats);
    else
        choose_default(stats);
    for (size_t i = 0; i < stats->name_count; i++) {
        uint32_t number = 0;
        if (view_find_metric(stats->spec->selection->view, stats->snapshot, stats->names[i],
                             &number))
            stats->metrics[stats->metric_count++] =
                (struct stats_metric){.number = number, .place = (uint32_t)i};
    }
    qsort(stats->metrics, stats->metric_count, sizeof *stats->metrics, compare_metrics);
    for (size_t i = 0; i < stats->metric_count; i++)
        stats->numbers[i] = stats->metrics[i].number;
    return STATUS_OK;
}

/* --- what is needed ------------------------------------------------------------------------ */

static void note_need(struct stats *stats, enum aggregate_kind kind)
{
    struct accumulator_needs *needs = &stats->needs;
    switch (kind) {
    case AGGREGATE_COUNT:
        break;
    case AGGREGATE_FIRST:
    case AGGREGATE_LAST:
        needs->ends = true;
        break;
    case AGGREGATE_MEDIAN:
    case AGGREGATE_PERCENTILE:
        needs->values = true;
        break;
    case AGGREGATE_MIN_TIME:
    case AGGREGATE_MAX_TIME:
        needs->times = true;
        break;
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
        stats->needs_sum = true;
        needs->basics = true;
        break;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
    case AGGREGATE_SPREAD:
        needs->basics = true;
        break;
    case AGGREGATE_STDDEV:
        needs->squares = true;
        needs->basics = true;
        break;
    case AGGREGATE_TWA:
        needs->twa = true;
        needs->basics = true;
        break;
    }
}

static void prepare_times(struct stats *stats)
{
    const struct stats_spec *spec = stats->spec;
    stats->held_until_ms = spec->selection->has_until
                               ? spec->selection->until_ms
                               : snapshot_counters(stats->snapshot)->last_time_ms;
    if (spec->every)
        bucket_grid_init(&stats->grid, spec->every, spec->zone);
}

static size_t group_count(const struct stats *stats)
{
    switch (stats->spec->by) {
    case STATS_BY_DEVICE:
        return snapshot_device_count(stats->snapshot);
    case STATS_BY_PRODUCT:
        return stats->products.count;
    case STATS_BY_NONE:
        break;
    }
    return 1;
}

static enum status prepare(struct stats *stats, struct error *err)
{
    const struct stats_spec *spec = stats->spec;
    if (choose_metrics(stats) != STATUS_OK)
        return no_memory(err);
    for (size_t i = 0; i < spec->aggregates->count; i++)
        note_need(stats, spec->aggregates->items[i].kind);
    prepare_times(stats);
    if (spec->by == STATS_BY_PRODUCT)
        TRY(product_list_init(&stats->products, stats->snapshot, err));
    stats_groups_init(&stats->groups, stats->name_count, group_count(stats));
    if (!stats->needs.twa)
        return STATUS_OK;
    stats->held = mem_alloc_zeroed(stats->name_count, sizeof *stats->held);
    return stats->held ? STATUS_OK : no_memory(err);
}

/* --- the query ----------------------------------------------------------------------------- */

static void release(struct stats *stats)
{
    mem_free(stats->names);
    mem_free(stats->metrics);
    mem_free(stats->numbers);
    mem_free(stats->held);
    mem_free(stats->brackets);
    product_list_release(&stats->products);
    stats_groups_release(&stats->groups);
}

enum status stats_query(struct snapshot *snapshot, const struct stats_spec *spec,
                        struct answer *answer, struct scan_statistics *statistics,
                        struct error *err)
{
    OWNED(release) struct stats stats = {.spec = spec, .snapshot = snapshot};
    TRY(prepare(&stats, err));
    TRY(stats_scan(&stats, statistics, err));
    return stats_answer(&stats, answer, statistics, err);
}
