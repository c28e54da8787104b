/*
 * collect_readings.c - metrics: totals, a series over time, the highest hour, by device.
 *
 *      times of rows ──▶ where there is activity ──▶ axis, width of the buckets
 *      stats         ──▶ totals | buckets | hours | by device
 *
 * The highest hour of a metric is that with the highest average over all devices. An hour
 * that holds a value which the metric cannot have is set aside and told: one
 * broken sensor must not decide what the most humid hour was.
 */
#include "query/report/report_internal.h"

#include "engine/base/mem.h"
#include "query/bucket/bucket.h"
#include "query/view/view.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_WANTED 260 /* at most, of the charts */
#define HOUR           "1h"

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the readings of the report");
}

void report_release_readings(struct report_readings *readings)
{
    for (size_t i = 0; readings->metrics && i < readings->count; i++)
        mem_free(readings->metrics[i].marks);
    mem_free(readings->names);
    mem_free(readings->metrics);
    answer_release(&readings->totals);
    answer_release(&readings->by_device);
    chart_release(&readings->chart);
}

/* --- which metrics ------------------------------------------------------------------------- */

static void add_name(struct report_readings *readings, struct slice name)
{
    for (size_t i = 0; i < readings->count; i++) {
        if (slice_equal(readings->names[i], name))
            return;
    }
    if (readings->count < REPORT_METRICS_MAX)
        readings->names[readings->count++] = name;
}

static int compare_names(const void *left, const void *right)
{
    return slice_compare(*(const struct slice *)left, *(const struct slice *)right);
}

static enum status add_all_metrics(struct report_readings *readings, const struct view *view,
                                   const struct snapshot *snapshot, struct error *err)
{
    const uint32_t known = snapshot_metric_count(snapshot);
    OWNED(mem_free_owned) struct slice *names = mem_alloc(known, sizeof *names);
    uint32_t count = 0;
    if (!names)
        return no_memory(err);
    for (uint32_t i = 0; i < known; i++) {
        if (view_shows(view, i))
            names[count++] = view_metric_name(view, snapshot, i);
    }
    qsort(names, count, sizeof *names, compare_names);
    for (uint32_t i = 0; i < count; i++)
        add_name(readings, names[i]);
    return STATUS_OK;
}

/* Temperature and humidity if the store has them, and those named; else all. */
static enum status choose_metrics(struct report *report, const struct snapshot *snapshot,
                                  struct error *err)
{
    static const char *const defaults[] = {"temperature", "humidity"};
    struct report_readings *readings = &report->readings;
    const struct view *view = report->spec->selection->view;
    readings->names = mem_alloc(REPORT_METRICS_MAX, sizeof *readings->names);
    readings->metrics = mem_alloc_zeroed(REPORT_METRICS_MAX, sizeof *readings->metrics);
    if (!readings->names || !readings->metrics)
        return no_memory(err);
    uint32_t metric = 0;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        const struct slice name = view_canonical(view, slice_of_text(defaults[i]));
        if (view_find_metric(view, snapshot, name, &metric))
            add_name(readings, name);
    }
    for (size_t i = 0; i < report->spec->metric_count; i++) {
        const struct slice name = view_canonical(view, report->spec->metrics[i]);
        if (view_find_metric(view, snapshot, name, &metric))
            add_name(readings, name);
    }
    if (readings->count == 0)
        TRY(add_all_metrics(readings, view, snapshot, err));
    for (size_t i = 0; i < readings->count; i++)
        readings->metrics[i].name = readings->names[i];
    return STATUS_OK;
}

/* --- activity ------------------------------------------------------------------------------ */

struct activity_reader {
    struct report *report;
    enum table table;
    struct svg_activity activity; /* of readings */
    uint64_t *seen;               /* owned; a bit for each device with a row */
};

static enum status take_times(void *context, const struct row_vector *rows, uint32_t from_row,
                              uint32_t until_row)
{
    struct activity_reader *reader = context;
    reader->report->rows[reader->table] += until_row - from_row;
    for (uint32_t row = from_row; row < until_row; row++) {
        const uint32_t device = row_vector_device(rows, row);
        reader->seen[device / 64] |= UINT64_C(1) << (device % 64);
        if (reader->table == TABLE_READINGS)
            svg_activity_note(&reader->activity, rows->times_ms[row]);
    }
    return STATUS_OK;
}

static enum status read_activity(struct activity_reader *reader, struct snapshot *snapshot,
                                 struct scan_statistics *statistics, struct error *err)
{
    static const enum table tables[] = {TABLE_READINGS, TABLE_STATUS};
    const struct selection *selection = reader->report->spec->selection;
    const uint32_t device_count = snapshot_device_count(snapshot);
    reader->seen = mem_alloc_zeroed(device_count / 64 + 1, sizeof *reader->seen);
    if (!reader->seen)
        return no_memory(err);
    svg_activity_init(&reader->activity, reader->report->range.from_ms,
                      reader->report->range.until_ms);
    const struct scan_visitor visitor = {.context = reader, .rows = take_times};
    for (size_t i = 0; i < TABLE_COUNT && !selection_is_empty(selection); i++) {
        reader->table = tables[i];
        const struct scan_spec scan = selection_scan(selection, tables[i]);
        TRY(view_scan(selection->view, snapshot, &scan, &visitor, statistics, err));
    }
    for (uint32_t i = 0; i < device_count; i++)
        reader->report->active_devices += device_bit(reader->seen, i);
    return STATUS_OK;
}

static enum status make_axis(struct report *report, struct snapshot *snapshot,
                             struct scan_statistics *statistics, struct error *err)
{
    struct activity_reader reader = {.report = report};
    const enum status status = read_activity(&reader, snapshot, statistics, err);
    mem_free(reader.seen);
    if (status == STATUS_OK)
        svg_axis_init_busy(&report->readings.axis, report->spec->zone, &reader.activity);
    return status;
}

static int64_t busy_ms(const struct svg_axis *axis)
{
    int64_t sum_ms = 0;
    for (size_t i = 0; i < axis->count; i++) {
        if (!axis->stretches[i].silent)
            sum_ms += axis->stretches[i].until_ms - axis->stretches[i].from_ms;
    }
    return sum_ms;
}

/* --- stats --------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    int64_t ms;
} widths[] = {
    {"1s", MS_PER_SECOND},       {"5s", 5 * MS_PER_SECOND}, {"15s", 15 * MS_PER_SECOND},
    {"1m", MS_PER_MINUTE},       {"5m", 5 * MS_PER_MINUTE}, {"15m", 15 * MS_PER_MINUTE},
    {"30m", 30 * MS_PER_MINUTE}, {"1h", MS_PER_HOUR},       {"3h", 3 * MS_PER_HOUR},
    {"6h", 6 * MS_PER_HOUR},     {"12h", 12 * MS_PER_HOUR}, {"1d", MS_PER_DAY},
    {"2d", 2 * MS_PER_DAY},      {"1w", 7 * MS_PER_DAY},    {"1mo", 30 * MS_PER_DAY},
};

static const char *choose_width(const struct svg_axis *axis)
{
    const int64_t span_ms = busy_ms(axis);
    const size_t count = sizeof widths / sizeof *widths;
    size_t i = 0;
    while (i + 1 < count && span_ms / widths[i].ms > BUCKETS_WANTED)
        i++;
    return widths[i].text;
}

/* One question to `stats`. */
struct question {
    const struct selection *selection;
    const struct slice *metrics;
    size_t metric_count;
    const char *aggregates;
    const struct bucket_width *every;
    enum stats_by by;
};

static enum status ask(const struct report *report, struct snapshot *snapshot,
                       const struct question *question, struct answer *answer,
                       struct scan_statistics *statistics, struct error *err)
{
    OWNED(mem_free_owned) struct aggregate_list *list = mem_alloc(1, sizeof *list);
    if (!list)
        return no_memory(err);
    TRY(aggregate_list_parse(question->aggregates, list, err));
    const struct stats_spec spec = {.selection = question->selection,
                                    .metrics = question->metrics,
                                    .metric_count = question->metric_count,
                                    .aggregates = list,
                                    .every = question->every,
                                    .zone = report->spec->zone,
                                    .by = question->by};
    return stats_query(snapshot, &spec, answer, statistics, err);
}

static struct question about_all(const struct report *report, const char *aggregates)
{
    return (struct question){.selection = report->spec->selection,
                             .metrics = report->readings.names,
                             .metric_count = report->readings.count,
                             .aggregates = aggregates};
}

/* --- the series ---------------------------------------------------------------------------- */

static enum status collect_series(struct report *report, struct snapshot *snapshot,
                                  struct scan_statistics *statistics, struct error *err)
{
    OWNED(answer_release) struct answer answer = {0};
    OWNED(mem_free_owned) struct aggregate_list *list = mem_alloc(1, sizeof *list);
    struct report_readings *readings = &report->readings;
    struct bucket_width width = {0};
    if (!list)
        return no_memory(err);
    readings->every = choose_width(&readings->axis);
    TRY(bucket_width_parse(readings->every, &width, err));
    if (report->spec->every)
        width = *report->spec->every;
    TRY(aggregate_list_parse(REPORT_BUCKETS, list, err));
    const struct stats_spec spec = {.selection = report->spec->selection,
                                    .metrics = readings->names,
                                    .metric_count = readings->count,
                                    .aggregates = list,
                                    .every = &width,
                                    .zone = report->spec->zone};
    TRY(stats_query(snapshot, &spec, &answer, statistics, err));
    return chart_from_stats(&readings->chart, &answer, &spec, err);
}

/* --- hours --------------------------------------------------------------------------------- */

/* By what `check` holds a metric of its name to be; the nearest doubles tell. */
static bool is_possible(const struct report_metric *metric, const struct report_hour *hour)
{
    const struct value_bounds bounds = value_bounds_by_name(metric->name);
    return (!bounds.has_low || exact_to_double(hour->least) >= bounds.low_real) &&
           (!bounds.has_high || exact_to_double(hour->most) <= bounds.high_real);
}

static void take_hour(struct report_metric *metric, const struct report_hour *hour)
{
    const bool possible = is_possible(metric, hour);
    struct report_hour *best = possible ? &metric->highest : &metric->set_aside;
    metric->set_aside_count += !possible;
    if (!best->found || exact_compare(hour->average, best->average) > 0)
        *best = *hour;
}

static void take_hours(struct report *report, const struct answer *answer,
                       const struct bucket_width *width)
{
    struct bucket_grid grid;
    bucket_grid_init(&grid, width, report->spec->zone);
    for (size_t i = 0; i < answer_shown_count(answer); i++) {
        const struct answer_cell *row = answer_row(answer, i);
        const struct bucket bucket = bucket_of(&grid, row[0].integer);
        for (size_t m = 0; m < report->readings.count; m++) {
            const struct answer_cell *cells = report_cell(row, 1, m, BUCKET_COLUMNS, 0);
            if (cells[BUCKET_AVG].kind != CELL_NUMBER)
                continue;
            const struct report_hour hour = {.found = true,
                                             .from_ms = bucket.start_ms,
                                             .until_ms = bucket.until_ms,
                                             .count = (uint64_t)cells[BUCKET_COUNT].integer,
                                             .least = cell_number(&cells[BUCKET_MIN]),
                                             .average = cell_number(&cells[BUCKET_AVG]),
                                             .most = cell_number(&cells[BUCKET_MAX])};
            take_hour(&report->readings.metrics[m], &hour);
        }
    }
}

/* Which device had the highest average in that hour. */
static enum status find_device_of_hour(const struct report *report, struct snapshot *snapshot,
                                       struct report_metric *metric,
                                       struct scan_statistics *statistics, struct error *err)
{
    OWNED(answer_release) struct answer answer = {0};
    struct report_hour *hour = &metric->highest;
    struct selection selection = *report->spec->selection; // borrows the lists of the other
    if (!selection.has_from || selection.from_ms < hour->from_ms)
        selection.from_ms = hour->from_ms;
    if (!selection.has_until || selection.until_ms > hour->until_ms)
        selection.until_ms = hour->until_ms;
    selection.has_from = true;
    selection.has_until = true;
    const struct question question = {.selection = &selection,
                                      .metrics = &metric->name,
                                      .metric_count = 1,
                                      .aggregates = "avg",
                                      .by = STATS_BY_DEVICE};
    TRY(ask(report, snapshot, &question, &answer, statistics, err));
    for (size_t i = 0; i < answer_shown_count(&answer); i++) {
        const struct answer_cell *row = answer_row(&answer, i);
        const struct exact_value average = cell_number(&row[1]);
        if (i > 0 && exact_compare(average, hour->device_average) <= 0)
            continue;
        hour->device = cell_text(&row[0]);
        hour->device_average = average;
    }
    return STATUS_OK;
}

static enum status collect_hours(struct report *report, struct snapshot *snapshot,
                                 struct scan_statistics *statistics, struct error *err)
{
    OWNED(answer_release) struct answer answer = {0};
    struct bucket_width hour = {0};
    TRY(bucket_width_parse(HOUR, &hour, err));
    struct question question = about_all(report, REPORT_BUCKETS);
    question.every = &hour;
    TRY(ask(report, snapshot, &question, &answer, statistics, err));
    take_hours(report, &answer, &hour);
    for (size_t m = 0; m < report->readings.count; m++) {
        struct report_metric *metric = &report->readings.metrics[m];
        if (metric->highest.found)
            TRY(find_device_of_hour(report, snapshot, metric, statistics, err));
    }
    return STATUS_OK;
}

/* --- by device ----------------------------------------------------------------------------- */

/* The first device by name whose extreme is that of all. */
static void find_extremes(struct report *report)
{
    const struct report_readings *readings = &report->readings;
    const struct answer_cell *totals = answer_row(&readings->totals, 0);
    for (size_t i = 0; i < answer_shown_count(&readings->by_device); i++) {
        const struct answer_cell *row = answer_row(&readings->by_device, i);
        for (size_t m = 0; m < readings->count; m++) {
            struct report_metric *metric = &readings->metrics[m];
            const struct answer_cell *cells = report_cell(row, 1, m, BUCKET_COLUMNS, 0);
            const struct answer_cell *all = report_cell(totals, 0, m, TOTAL_COLUMNS, 0);
            if (!metric->least_device.data && cells[BUCKET_MIN].kind != CELL_NULL &&
                cell_compare(&cells[BUCKET_MIN], &all[TOTAL_MIN]) == 0)
                metric->least_device = cell_text(&row[0]);
            if (!metric->most_device.data && cells[BUCKET_MAX].kind != CELL_NULL &&
                cell_compare(&cells[BUCKET_MAX], &all[TOTAL_MAX]) == 0)
                metric->most_device = cell_text(&row[0]);
        }
    }
}

enum status report_collect_readings(struct report *report, struct snapshot *snapshot,
                                    struct scan_statistics *statistics, struct error *err)
{
    struct report_readings *readings = &report->readings;
    TRY(choose_metrics(report, snapshot, err));
    TRY(make_axis(report, snapshot, statistics, err));
    if (readings->count == 0)
        return STATUS_OK;
    const struct question totals = about_all(report, REPORT_TOTALS);
    TRY(ask(report, snapshot, &totals, &readings->totals, statistics, err));
    TRY(collect_series(report, snapshot, statistics, err));
    TRY(collect_hours(report, snapshot, statistics, err));
    struct question by_device = about_all(report, REPORT_BUCKETS);
    by_device.by = STATS_BY_DEVICE;
    TRY(ask(report, snapshot, &by_device, &readings->by_device, statistics, err));
    find_extremes(report);
    return STATUS_OK;
}
