/*
 * write_readings.c - each metric over time: a picture, its figures, the devices that stand out.
 */
#include "query/report/report_internal.h"

#include "cli/escape.h"
#include "engine/base/mem.h"
#include "engine/row/row.h"
#include "query/markup/markup.h"

#include <stdio.h>

#define DEVICES_SHOWN 10u
#define WIDE_PX       1040.0
#define NARROW_PX     360.0
#define TITLE_BYTES   (ESCAPE_BYTES(NAME_BYTES_MAX) + 80u)

/* --- the picture --------------------------------------------------------------------------- */

static void put_picture(const struct report *report, size_t index, FILE *out)
{
    const struct report_readings *readings = &report->readings;
    const struct chart_series *series[1] = {NULL};
    size_t count = 0;
    if (readings->chart.group_count > 0)
        series[count++] = chart_series_at(&readings->chart, 0, index);
    const struct svg_series_chart chart = {.series = series,
                                           .series_count = count,
                                           .axis = &readings->axis,
                                           .marks = readings->metrics[index].marks,
                                           .mark_count = readings->metrics[index].mark_count};
    char title[TITLE_BYTES];
    char id[16];
    const size_t used =
        escape_text(readings->metrics[index].name, title, ESCAPE_BYTES(NAME_BYTES_MAX));
    (void)snprintf(title + used, sizeof title - used, " over time");
    struct svg_frame frame = {.id = id,
                              .title = title,
                              .description = "A line of averages in a band from minimum to "
                                             "maximum, one point for each step of time. The table "
                                             "below has the figures."};
    (void)fputs("<figure>\n", out);
    frame.width = WIDE_PX;
    frame.class = "w";
    (void)snprintf(id, sizeof id, "w%zu", index);
    svg_write_series(out, &frame, &chart);
    frame.width = NARROW_PX;
    frame.class = "nw";
    (void)snprintf(id, sizeof id, "n%zu", index);
    svg_write_series(out, &frame, &chart);
}

static void put_caption(const struct report *report, size_t index, FILE *out)
{
    const struct report_readings *readings = &report->readings;
    (void)fputs("<figcaption>Average (line) and minimum to maximum (band) ", out);
    if (report->spec->every)
        (void)fputs("of each bucket of <code>--every</code>", out);
    else
        (void)fprintf(out, "of every %s", readings->every);
    (void)fputs(" over all devices. No line: no value.", out);
    if (readings->metrics[index].mark_count > 0)
        (void)fputs(" \xe2\x97\x86 a finding.", out);
    (void)fputs(" \xe2\x96\xb2 or \xe2\x96\xbc with a figure: beyond the picture.", out);
    if (svg_axis_is_broken(&readings->axis))
        (void)fputs(" Grey: long without any reading, drawn short.", out);
    (void)fputs("</figcaption>\n</figure>\n", out);
}

/* --- its figures --------------------------------------------------------------------------- */

static void put_value_cell(FILE *out, const struct answer_cell *cell)
{
    (void)fputs("<td class=\"n\">", out);
    report_put_value(out, cell->kind == CELL_NUMBER ? cell_number(cell) : exact_null());
    (void)fputs("</td>", out);
}

static void put_extreme(const struct report *report, FILE *out, const struct answer_cell *time,
                        struct slice device)
{
    if (time->kind != CELL_TIME)
        return;
    report_put_time(out, report->spec->zone, time->integer);
    if (device.data) {
        (void)fputs(", ", out);
        report_put_name(out, device);
    }
}

static void put_totals(const struct report *report, FILE *out)
{
    const struct report_readings *readings = &report->readings;
    const struct answer_cell *row = answer_row(&readings->totals, 0);
    (void)fputs(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Metrics\">\n"
        "<table id=\"metrics\">\n<thead><tr><th scope=\"col\">Metric</th>"
        "<th scope=\"col\" class=\"n\">Values</th><th scope=\"col\" class=\"n\">Min</th>"
        "<th scope=\"col\" class=\"n\">Average</th><th scope=\"col\" class=\"n\">Median</th>"
        "<th scope=\"col\" class=\"n\">95th percentile</th>"
        "<th scope=\"col\" class=\"n\">Max</th><th scope=\"col\">Minimum at</th>"
        "<th scope=\"col\">Maximum at</th></tr></thead>\n<tbody>\n",
        out);
    for (size_t m = 0; m < readings->count; m++) {
        const struct report_metric *metric = &readings->metrics[m];
        const struct answer_cell *cells = report_cell(row, 0, m, TOTAL_COLUMNS, 0);
        (void)fputs("<tr><th scope=\"row\">", out);
        report_put_name(out, metric->name);
        (void)fputs("</th><td class=\"n\">", out);
        report_put_count(out, (uint64_t)cells[TOTAL_COUNT].integer);
        (void)fputs("</td>", out);
        put_value_cell(out, &cells[TOTAL_MIN]);
        put_value_cell(out, &cells[TOTAL_AVG]);
        put_value_cell(out, &cells[TOTAL_MEDIAN]);
        put_value_cell(out, &cells[TOTAL_P95]);
        put_value_cell(out, &cells[TOTAL_MAX]);
        (void)fputs("<td class=\"w\">", out);
        put_extreme(report, out, &cells[TOTAL_MIN_TIME], metric->least_device);
        (void)fputs("</td><td class=\"w\">", out);
        put_extreme(report, out, &cells[TOTAL_MAX_TIME], metric->most_device);
        (void)fputs("</td></tr>\n", out);
    }
    (void)fputs("</tbody></table></div>\n", out);
}

/* --- its devices --------------------------------------------------------------------------- */

/* Row numbers of by_device with the highest averages of a metric, highest first. */
struct top {
    size_t rows[DEVICES_SHOWN];
    size_t count;
};

static const struct answer_cell *average_of(const struct report *report, size_t row, size_t metric)
{
    return report_cell(answer_row(&report->readings.by_device, row), 1, metric, BUCKET_COLUMNS,
                       BUCKET_AVG);
}

static void offer(const struct report *report, size_t metric, size_t row, struct top *top)
{
    const struct answer_cell *average = average_of(report, row, metric);
    if (average->kind != CELL_NUMBER)
        return;
    size_t at = top->count;
    while (at > 0 && cell_compare(average, average_of(report, top->rows[at - 1], metric)) > 0)
        at--;
    if (at == DEVICES_SHOWN)
        return;
    top->count += top->count < DEVICES_SHOWN;
    for (size_t i = top->count - 1; i > at; i--)
        top->rows[i] = top->rows[i - 1];
    top->rows[at] = row;
}

static void put_device_row(const struct report *report, size_t metric, size_t row, FILE *out)
{
    const struct answer_cell *cells = answer_row(&report->readings.by_device, row);
    const struct answer_cell *values = report_cell(cells, 1, metric, BUCKET_COLUMNS, 0);
    (void)fputs("<tr><th scope=\"row\">", out);
    report_put_name(out, cell_text(&cells[0]));
    (void)fputs("</th><td class=\"n\">", out);
    report_put_count(out, (uint64_t)values[BUCKET_COUNT].integer);
    (void)fputs("</td>", out);
    put_value_cell(out, &values[BUCKET_MIN]);
    put_value_cell(out, &values[BUCKET_AVG]);
    put_value_cell(out, &values[BUCKET_MAX]);
    (void)fputs("</tr>\n", out);
}

static void put_devices(const struct report *report, size_t metric, FILE *out)
{
    struct top top = {.count = 0};
    const size_t rows = answer_shown_count(&report->readings.by_device);
    for (size_t row = 0; row < rows; row++)
        offer(report, metric, row, &top);
    if (top.count < 2)
        return;
    (void)fprintf(out, "<details><summary>The %zu devices with the highest average</summary>\n",
                  top.count);
    (void)fprintf(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Highest "
        "averages\">\n<table id=\"highest-%zu\">\n<thead><tr><th scope=\"col\">Device</th>"
        "<th scope=\"col\" class=\"n\">Values</th><th scope=\"col\" class=\"n\">Min</th>"
        "<th scope=\"col\" class=\"n\">Average</th>"
        "<th scope=\"col\" class=\"n\">Max</th></tr></thead>\n<tbody>\n",
        metric);
    for (size_t i = 0; i < top.count; i++)
        put_device_row(report, metric, top.rows[i], out);
    (void)fputs("</tbody></table></div>\n</details>\n", out);
}

void report_write_readings(const struct report *report, FILE *out)
{
    const struct report_readings *readings = &report->readings;
    if (!report->has_range)
        return;
    (void)fputs("<section id=\"readings\">\n<h2>Readings</h2>\n", out);
    if (readings->count == 0) {
        (void)fputs("<p>No reading has a number in it.</p>\n</section>\n", out);
        return;
    }
    put_totals(report, out);
    for (size_t m = 0; m < readings->count; m++) {
        (void)fputs("<h3>", out);
        report_put_name(out, readings->metrics[m].name);
        (void)fputs("</h3>\n", out);
        put_picture(report, m, out);
        put_caption(report, m, out);
        put_devices(report, m, out);
    }
    (void)fputs("</section>\n", out);
}
