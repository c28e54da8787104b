/*
 * chart_series.c - from the rows of `stats` to series and bars.
 *
 * The columns of stats stand in a fixed order, so they are found by their place, not by names that
 * a metric could imitate:
 *
 *      [device|product] [time]   metric 0: aggregate 0, 1, ...   metric 1: aggregate 0, 1, ...
 *
 * (1) Measures are planned from the list of aggregates, the same for each metric.
 * (2) Groups are numbered as rows first show them; a table of their labels finds them again.
 * (3) Rows may come in any order: the points of a series are put in order of time at the end.
 */
#include "query/chart/chart.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NONE               SIZE_MAX
#define VALUE_MAX          1e300 /* what is greater is drawn there */
#define OUTLIER_POINTS_MIN 10u   /* of fewer, none is called an outlier */
#define SLOTS_FIRST        64u
#define GROUPS_FIRST       16u

/* Which aggregates of a metric a measure takes: their places in the list. */
struct measure_plan {
    size_t value;
    size_t low, high; /* NONE: no band */
};

struct builder {
    struct chart *chart;
    const struct answer *answer;
    const struct stats_spec *spec;
    struct measure_plan plans[AGGREGATES_MAX];
    size_t plan_count; /* measures of one metric */
    size_t key_count;  /* columns before the metrics */
    size_t metric_count;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the picture");
}

void chart_release(struct chart *chart)
{
    const size_t series_count = chart->series ? chart->group_count * chart->measure_count : 0;
    for (size_t i = 0; i < series_count; i++)
        mem_free(chart->series[i].points);
    for (size_t i = 0; chart->bars && i < chart->measure_count; i++)
        mem_free(chart->bars[i].bars);
    mem_free(chart->series);
    mem_free(chart->bars);
    mem_free(chart->measures);
    mem_free(chart->groups);
    mem_free(chart->group_slots);
    arena_release(&chart->arena);
    *chart = (struct chart){0};
}

/* --- measures ------------------------------------------------------------------------------ */

static size_t find_aggregate(const struct aggregate_list *list, enum aggregate_kind kind)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].kind == kind)
            return i;
    }
    return NONE;
}

static bool is_drawn(enum aggregate_kind kind)
{
    return kind != AGGREGATE_COUNT && kind != AGGREGATE_MIN_TIME && kind != AGGREGATE_MAX_TIME;
}

/* The one that stands for the metric: a middle, if there is one. */
static size_t choose_main(const struct aggregate_list *list)
{
    static const enum aggregate_kind middles[] = {AGGREGATE_AVG, AGGREGATE_TWA, AGGREGATE_MEDIAN};
    for (size_t i = 0; i < sizeof middles / sizeof *middles; i++) {
        const size_t place = find_aggregate(list, middles[i]);
        if (place != NONE)
            return place;
    }
    return NONE;
}

static void plan_measures(struct builder *builder)
{
    const struct aggregate_list *list = builder->spec->aggregates;
    size_t low = find_aggregate(list, AGGREGATE_MIN);
    size_t high = find_aggregate(list, AGGREGATE_MAX);
    const size_t middle = choose_main(list);
    if (middle == NONE || low == NONE || high == NONE)
        low = high = NONE;
    if (middle != NONE)
        builder->plans[builder->plan_count++] =
            (struct measure_plan){.value = middle, .low = low, .high = high};
    for (size_t i = 0; i < list->count; i++) {
        if (is_drawn(list->items[i].kind) && i != middle && i != low && i != high)
            builder->plans[builder->plan_count++] =
                (struct measure_plan){.value = i, .low = NONE, .high = NONE};
    }
    const size_t count = find_aggregate(list, AGGREGATE_COUNT);
    if (builder->plan_count == 0 && count != NONE)
        builder->plans[builder->plan_count++] =
            (struct measure_plan){.value = count, .low = NONE, .high = NONE};
}

static size_t column_of(const struct builder *builder, size_t metric, size_t aggregate)
{
    return builder->key_count + metric * builder->spec->aggregates->count + aggregate;
}

/* The column's name without "_avg" at its end. */
static struct slice metric_name(const struct builder *builder, size_t metric)
{
    const struct slice name = builder->answer->columns[column_of(builder, metric, 0)].name;
    const size_t ending = strlen(builder->spec->aggregates->items[0].name) + 1;
    return slice_of(name.data, name.len > ending ? name.len - ending : 0);
}

static enum status copy_text(struct chart *chart, struct slice text, struct slice *copy,
                             struct error *err)
{
    *copy = arena_copy(&chart->arena, text);
    return copy->data ? STATUS_OK : no_memory(err);
}

static enum status name_measure(const struct builder *builder, size_t metric,
                                const struct measure_plan *plan, struct chart_measure *measure,
                                struct error *err)
{
    const struct aggregate *items = builder->spec->aggregates->items;
    struct chart *chart = builder->chart;
    const bool counts = items[plan->value].kind == AGGREGATE_COUNT;
    *measure = (struct chart_measure){.unit = counts ? "readings" : ""};
    TRY(copy_text(chart, metric_name(builder, metric), &measure->metric, err));
    TRY(copy_text(chart, slice_of_text(items[plan->value].name), &measure->name, err));
    if (plan->low == NONE)
        return STATUS_OK;
    TRY(copy_text(chart, slice_of_text(items[plan->low].name), &measure->low, err));
    return copy_text(chart, slice_of_text(items[plan->high].name), &measure->high, err);
}

static enum status make_measures(struct builder *builder, struct error *err)
{
    struct chart *chart = builder->chart;
    chart->measures =
        mem_alloc_zeroed(builder->metric_count * builder->plan_count, sizeof *chart->measures);
    if (!chart->measures)
        return no_memory(err);
    for (size_t metric = 0; metric < builder->metric_count; metric++) {
        for (size_t i = 0; i < builder->plan_count; i++)
            TRY(name_measure(builder, metric, &builder->plans[i],
                             &chart->measures[chart->measure_count++], err));
    }
    return STATUS_OK;
}

/* --- groups -------------------------------------------------------------------------------- */

static size_t find_slot(const struct chart *chart, struct slice label)
{
    const size_t mask = chart->group_slot_count - 1;
    size_t slot = (size_t)bytes_hash(label.data, label.len, 0) & mask;
    while (chart->group_slots[slot] != 0 &&
           !slice_equal(chart->groups[chart->group_slots[slot] - 1], label))
        slot = (slot + 1) & mask;
    return slot;
}

size_t chart_find_group(const struct chart *chart, struct slice label)
{
    if (chart->group_slot_count == 0)
        return NONE;
    const uint32_t found = chart->group_slots[find_slot(chart, label)];
    return found > 0 ? found - 1 : NONE;
}

/* Slots stay at most half full. */
static enum status grow_slots(struct chart *chart, struct error *err)
{
    if ((chart->group_count + 1) * 2 <= chart->group_slot_count)
        return STATUS_OK;
    const size_t count = chart->group_slot_count > 0 ? chart->group_slot_count * 2 : SLOTS_FIRST;
    uint32_t *slots = mem_alloc_zeroed(count, sizeof *slots);
    if (!slots)
        return no_memory(err);
    mem_free(chart->group_slots);
    chart->group_slots = slots;
    chart->group_slot_count = count;
    for (size_t i = 0; i < chart->group_count; i++)
        slots[find_slot(chart, chart->groups[i])] = (uint32_t)(i + 1);
    return STATUS_OK;
}

static enum status add_group(struct chart *chart, struct slice label, struct error *err)
{
    TRY(grow_slots(chart, err));
    if (mem_grow(&chart->groups, &chart->group_capacity, chart->group_count + 1,
                 sizeof *chart->groups) != STATUS_OK)
        return no_memory(err);
    TRY(copy_text(chart, label, &chart->groups[chart->group_count], err));
    chart->group_slots[find_slot(chart, label)] = (uint32_t)(chart->group_count + 1);
    chart->group_count++;
    return STATUS_OK;
}

static struct slice label_of(const struct builder *builder, const struct answer_cell *row)
{
    return builder->spec->by == STATS_BY_NONE ? slice_of_text("") : cell_text(&row[0]);
}

static enum status list_groups(struct builder *builder, struct error *err)
{
    const size_t count = answer_shown_count(builder->answer);
    struct slice before = {0};
    for (size_t i = 0; i < count; i++) {
        const struct slice label = label_of(builder, answer_row(builder->answer, i));
        if (i > 0 && slice_equal(label, before))
            continue;
        before = label;
        if (chart_find_group(builder->chart, label) == NONE)
            TRY(add_group(builder->chart, label, err));
    }
    return STATUS_OK;
}

/* --- values -------------------------------------------------------------------------------- */

static bool cell_double(const struct answer_cell *cell, double *value)
{
    if (cell->kind == CELL_COUNT)
        *value = (double)cell->integer;
    else if (cell->kind == CELL_NUMBER)
        *value = fmin(fmax(exact_to_double(cell_number(cell)), -VALUE_MAX), VALUE_MAX);
    else
        return false;
    return true;
}

static struct chart_value read_value(const struct builder *builder, const struct answer_cell *row,
                                     size_t metric, const struct measure_plan *plan)
{
    struct chart_value value = {0};
    value.has_value = cell_double(&row[column_of(builder, metric, plan->value)], &value.value);
    if (plan->low != NONE)
        value.has_band = cell_double(&row[column_of(builder, metric, plan->low)], &value.low) &&
                         cell_double(&row[column_of(builder, metric, plan->high)], &value.high);
    return value;
}

/* --- series -------------------------------------------------------------------------------- */

static enum status make_series(struct builder *builder, struct error *err)
{
    struct chart *chart = builder->chart;
    const size_t count = chart->group_count * chart->measure_count;
    chart->series = mem_alloc_zeroed(count, sizeof *chart->series);
    if (!chart->series)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        chart->series[i].label = chart->groups[i / chart->measure_count];
        chart->series[i].measure = chart->measures[i % chart->measure_count];
    }
    return STATUS_OK;
}

static enum status add_point(struct chart_series *series, const struct chart_point *point,
                             struct error *err)
{
    if (mem_grow(&series->points, &series->point_capacity, series->point_count + 1,
                 sizeof *series->points) != STATUS_OK)
        return no_memory(err);
    series->points[series->point_count++] = *point;
    return STATUS_OK;
}

static enum status add_row(const struct builder *builder, const struct answer_cell *row,
                           const struct bucket *bucket, struct error *err)
{
    struct chart *chart = builder->chart;
    const size_t group = chart_find_group(chart, label_of(builder, row));
    assert(group != NONE);
    struct chart_series *series = &chart->series[group * chart->measure_count];
    for (size_t metric = 0; metric < builder->metric_count; metric++) {
        for (size_t i = 0; i < builder->plan_count; i++) {
            const struct chart_point point = {
                .from_ms = bucket->start_ms,
                .until_ms = bucket->until_ms,
                .at = read_value(builder, row, metric, &builder->plans[i])};
            TRY(add_point(series++, &point, err));
        }
    }
    return STATUS_OK;
}

static int compare_points(const void *left, const void *right)
{
    const struct chart_point *a = left;
    const struct chart_point *b = right;
    return (a->from_ms > b->from_ms) - (a->from_ms < b->from_ms);
}

static void sort_points(struct chart_series *series)
{
    for (size_t i = 1; i < series->point_count; i++) {
        if (series->points[i].from_ms < series->points[i - 1].from_ms) {
            qsort(series->points, series->point_count, sizeof *series->points, compare_points);
            return;
        }
    }
}

static void widen(struct chart *chart, const struct bucket *bucket)
{
    const bool first = chart->from_ms == chart->until_ms;
    if (first || bucket->start_ms < chart->from_ms)
        chart->from_ms = bucket->start_ms;
    if (first || bucket->until_ms > chart->until_ms)
        chart->until_ms = bucket->until_ms;
}

/* The axis reaches as far as was asked: what is missing at its ends is to be seen. */
static void widen_to_selection(struct chart *chart, const struct stats_spec *spec,
                               struct bucket_grid *grid)
{
    const struct selection *selection = spec->selection;
    if (!selection || chart->from_ms == chart->until_ms)
        return;
    if (selection->has_from) {
        const struct bucket bucket = bucket_of(grid, selection->from_ms);
        widen(chart, &bucket);
    }
    if (selection->has_until && selection->until_ms > chart->until_ms) {
        const struct bucket bucket = bucket_of(grid, selection->until_ms - 1);
        widen(chart, &bucket);
    }
}

static enum status fill_series(struct builder *builder, struct error *err)
{
    struct chart *chart = builder->chart;
    TRY(make_series(builder, err));
    struct bucket_grid grid;
    bucket_grid_init(&grid, builder->spec->every, builder->spec->zone);
    const size_t time_column = builder->key_count - 1;
    const size_t count = answer_shown_count(builder->answer);
    for (size_t i = 0; i < count; i++) {
        const struct answer_cell *row = answer_row(builder->answer, i);
        const struct bucket bucket = bucket_of(&grid, row[time_column].integer);
        widen(chart, &bucket);
        TRY(add_row(builder, row, &bucket, err));
    }
    widen_to_selection(chart, builder->spec, &grid);
    for (size_t i = 0; i < chart->group_count * chart->measure_count; i++)
        sort_points(&chart->series[i]);
    return STATUS_OK;
}

/* --- bars ---------------------------------------------------------------------------------- */

static enum status fill_bars(struct builder *builder, struct error *err)
{
    struct chart *chart = builder->chart;
    const size_t count = answer_shown_count(builder->answer);
    chart->bars = mem_alloc_zeroed(chart->measure_count, sizeof *chart->bars);
    if (!chart->bars)
        return no_memory(err);
    for (size_t i = 0; i < chart->measure_count; i++) {
        struct chart_bars *bars = &chart->bars[i];
        const size_t metric = i / builder->plan_count;
        bars->measure = chart->measures[i];
        bars->bars = mem_alloc_zeroed(count, sizeof *bars->bars);
        if (!bars->bars)
            return no_memory(err);
        for (size_t row = 0; row < count; row++) {
            const struct answer_cell *cells = answer_row(builder->answer, row);
            const size_t group = chart_find_group(chart, label_of(builder, cells));
            bars->bars[bars->bar_count++] = (struct chart_bar){
                .label = chart->groups[group],
                .at = read_value(builder, cells, metric, &builder->plans[i % builder->plan_count])};
        }
    }
    return STATUS_OK;
}

/* --- the chart ----------------------------------------------------------------------------- */

enum status chart_from_stats(struct chart *chart, const struct answer *answer,
                             const struct stats_spec *spec, struct error *err)
{
    struct builder builder = {.chart = chart, .answer = answer, .spec = spec};
    builder.key_count = (spec->by != STATS_BY_NONE ? 1u : 0u) + (spec->every ? 1u : 0u);
    assert(spec->aggregates->count > 0 && answer->column_count >= builder.key_count);
    builder.metric_count = (answer->column_count - builder.key_count) / spec->aggregates->count;
    chart->metric_count = builder.metric_count;
    plan_measures(&builder);
    TRY(make_measures(&builder, err));
    TRY(list_groups(&builder, err));
    return spec->every ? fill_series(&builder, err) : fill_bars(&builder, err);
}

const struct chart_series *chart_series_at(const struct chart *chart, size_t group, size_t measure)
{
    assert(chart->series && group < chart->group_count && measure < chart->measure_count);
    return &chart->series[group * chart->measure_count + measure];
}

bool chart_points_join(const struct chart_point *before, const struct chart_point *behind)
{
    return before->at.has_value && behind->at.has_value && before->until_ms == behind->from_ms;
}

static void extend(bool *found, double value, double *low, double *high)
{
    *low = *found ? fmin(*low, value) : value;
    *high = *found ? fmax(*high, value) : value;
    *found = true;
}

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* How far points reach: up with `up`, else down. */
static size_t list_reaches(const struct chart_point *points, size_t count, bool up, double *reaches)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct chart_value *at = &points[i].at;
        if (!at->has_value)
            continue;
        const double edge = at->has_band ? (up ? at->high : at->low) : at->value;
        reaches[found++] = up ? fmax(edge, at->value) : fmin(edge, at->value);
    }
    qsort(reaches, found, sizeof *reaches, compare_doubles);
    return found;
}

enum status chart_points_typical(const struct chart_point *points, size_t count, double *low,
                                 double *high)
{
    OWNED(mem_free_owned) double *reaches = mem_alloc(count, sizeof *reaches);
    if (!reaches)
        return STATUS_NOMEM;
    size_t found = list_reaches(points, count, true, reaches);
    if (found < OUTLIER_POINTS_MIN)
        return STATUS_OK;
    const double most = reaches[(found - 1) * 9 / 10];
    found = list_reaches(points, count, false, reaches);
    const double least = reaches[found / 10];
    const double room = CHART_OUTLIER_SPANS * (most - least);
    if (room > 0 && *high > most + room)
        *high = most + room / CHART_OUTLIER_SPANS / 2;
    if (room > 0 && *low < least - room)
        *low = least - room / CHART_OUTLIER_SPANS / 2;
    return STATUS_OK;
}

bool chart_points_extent(const struct chart_point *points, size_t count, double *low, double *high)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (points[i].at.has_value)
            extend(&found, points[i].at.value, low, high);
        if (points[i].at.has_band) {
            extend(&found, points[i].at.low, low, high);
            extend(&found, points[i].at.high, low, high);
        }
    }
    return found;
}
