/*
 * series.c - lines over time: the value as a line, its extremes as a band, marks on top.
 *
 * Points stand in the middle of their bucket. A line ends where a bucket is missing; a bucket
 * between two missing ones is drawn as a short bar, for a line of one point would not show.
 *
 * One wild value must not flatten all others: limits follow the bulk of the values. What
 * lies beyond is drawn at the edge, and a triangle with the figure says so.
 */
#include "query/svg/svg_internal.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLOT_HEIGHT   190.0
#define LEFT          52.0
#define RIGHT         14.0
#define LEGEND_HEIGHT 22.0
#define LEGEND_PX     170.0
#define POINT_PX      3.0
#define TICKS_MAX     5u
#define SAMPLES       512u /* of the values, to find their bulk */
#define BULK_CUT      0.02 /* of the samples at each end, if they lie far off */
#define BULK_ROOM     1.0  /* spans of the bulk that a value may lie off */

struct canvas {
    FILE *out;
    const struct svg_axis *axis;
    struct svg_plot plot;
    struct chart_value_scale scale;
};

/* --- limits -------------------------------------------------------------------------------- */

struct samples {
    double low[SAMPLES];
    double high[SAMPLES];
    size_t count;
};

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double low_of(const struct chart_value *at)
{
    return at->has_band ? fmin(at->low, at->value) : at->value;
}

static double high_of(const struct chart_value *at)
{
    return at->has_band ? fmax(at->high, at->value) : at->value;
}

/* Every n-th point with a value, so that all fit. */
static void take_samples(struct samples *samples, const struct chart_series *const *series,
                         size_t series_count)
{
    size_t total = 0;
    size_t seen = 0;
    for (size_t s = 0; s < series_count; s++)
        total += series[s]->point_count;
    const size_t step = total / SAMPLES + 1;
    for (size_t s = 0; s < series_count; s++) {
        for (size_t i = 0; i < series[s]->point_count; i++) {
            const struct chart_value *at = &series[s]->points[i].at;
            if (!at->has_value || seen++ % step != 0)
                continue;
            samples->low[samples->count] = low_of(at);
            samples->high[samples->count++] = high_of(at);
        }
    }
    qsort(samples->low, samples->count, sizeof *samples->low, compare_doubles);
    qsort(samples->high, samples->count, sizeof *samples->high, compare_doubles);
}

bool svg_series_limits(const struct chart_series *const *series, size_t series_count,
                       struct svg_limits *limits)
{
    struct samples samples = {.count = 0};
    double low = HUGE_VAL;
    double high = -HUGE_VAL;
    for (size_t s = 0; s < series_count; s++) {
        double one_low = 0;
        double one_high = 0;
        if (chart_points_extent(series[s]->points, series[s]->point_count, &one_low, &one_high)) {
            low = fmin(low, one_low);
            high = fmax(high, one_high);
        }
    }
    if (!(low <= high))
        return false;
    take_samples(&samples, series, series_count);
    const size_t cut = (size_t)ceil(BULK_CUT * (double)samples.count);
    *limits = (struct svg_limits){.low = low, .high = high};
    if (samples.count < 2 * cut + 3)
        return true;
    const double bulk_low = samples.low[cut];
    const double bulk_high = samples.high[samples.count - 1 - cut];
    const double room = BULK_ROOM * fmax(bulk_high - bulk_low, 0);
    limits->cut_low = low < bulk_low - room;
    limits->cut_high = high > bulk_high + room;
    limits->low = limits->cut_low ? bulk_low : low;
    limits->high = limits->cut_high ? bulk_high : high;
    return true;
}

/* --- lines and bands ----------------------------------------------------------------------- */

static double value_y(const struct canvas *canvas, double value)
{
    const double share = chart_value_share(&canvas->scale, value);
    return canvas->plot.bottom - share * (canvas->plot.bottom - canvas->plot.top);
}

static double point_x(const struct canvas *canvas, const struct chart_point *point)
{
    const double from = svg_axis_x(canvas->axis, &canvas->plot, point->from_ms);
    const double until = svg_axis_x(canvas->axis, &canvas->plot, point->until_ms);
    return (from + until) / 2;
}

/* The points from `first` on that one line joins; at least one. */
static size_t run_length(const struct chart_series *series, size_t first)
{
    size_t end = first + 1;
    while (end < series->point_count &&
           chart_points_join(&series->points[end - 1], &series->points[end]))
        end++;
    return end - first;
}

/* Left and right end of a point that stands alone. */
static void lone_ends(const struct canvas *canvas, const struct chart_point *point, double ends[2])
{
    const double from = svg_axis_x(canvas->axis, &canvas->plot, point->from_ms);
    const double until = svg_axis_x(canvas->axis, &canvas->plot, point->until_ms);
    const double half = fmax(until - from, POINT_PX) / 2;
    ends[0] = fmax((from + until) / 2 - half, canvas->plot.left);
    ends[1] = fmin((from + until) / 2 + half, canvas->plot.right);
}

static void put_line_run(const struct canvas *canvas, const struct chart_point *points,
                         size_t count)
{
    if (count == 1) {
        double ends[2];
        lone_ends(canvas, points, ends);
        svg_path_point(canvas->out, 'M', ends[0], value_y(canvas, points->at.value));
        svg_path_point(canvas->out, 'L', ends[1], value_y(canvas, points->at.value));
        return;
    }
    for (size_t i = 0; i < count; i++)
        svg_path_point(canvas->out, i == 0 ? 'M' : 'L', point_x(canvas, &points[i]),
                       value_y(canvas, points[i].at.value));
}

static void put_band_run(const struct canvas *canvas, const struct chart_point *points,
                         size_t count)
{
    FILE *out = canvas->out;
    if (count == 1) {
        double ends[2];
        lone_ends(canvas, points, ends);
        const double top = value_y(canvas, points->at.high);
        const double bottom = fmax(value_y(canvas, points->at.low), top + 1);
        svg_path_point(out, 'M', ends[0], top);
        svg_path_point(out, 'L', ends[1], top);
        svg_path_point(out, 'L', ends[1], bottom);
        svg_path_point(out, 'L', ends[0], bottom);
    } else {
        for (size_t i = 0; i < count; i++)
            svg_path_point(out, i == 0 ? 'M' : 'L', point_x(canvas, &points[i]),
                           value_y(canvas, points[i].at.high));
        for (size_t i = count; i-- > 0;)
            svg_path_point(out, 'L', point_x(canvas, &points[i]),
                           value_y(canvas, points[i].at.low));
    }
    (void)fputc('Z', out);
}

static void put_runs(const struct canvas *canvas, const struct chart_series *series,
                     const char *class,
                     void (*put_run)(const struct canvas *, const struct chart_point *, size_t))
{
    (void)fprintf(canvas->out, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < series->point_count;) {
        const size_t count = series->points[i].at.has_value ? run_length(series, i) : 1;
        if (series->points[i].at.has_value)
            put_run(canvas, &series->points[i], count);
        i += count;
    }
    (void)fputs("\"/>\n", canvas->out);
}

static bool has_band(const struct chart_series *series)
{
    for (size_t i = 0; i < series->point_count; i++) {
        if (series->points[i].at.has_value && !series->points[i].at.has_band)
            return false;
    }
    return series->point_count > 0;
}

/* --- around them --------------------------------------------------------------------------- */

static void put_value_ticks(const struct canvas *canvas, const char *unit)
{
    char text[CHART_TEXT_BYTES];
    for (size_t i = 0; i < canvas->scale.tick_count; i++) {
        const double value = chart_value_tick(&canvas->scale, i);
        const double y = value_y(canvas, value);
        svg_line(canvas->out, "g", (const double[2]){canvas->plot.left, y},
                 (const double[2]){canvas->plot.right, y});
        svg_open_text(canvas->out, "tx", canvas->plot.left - 6, y + 4, "end");
        markup_put_text(canvas->out, chart_value_format(&canvas->scale, value, text));
        if (i + 1 == canvas->scale.tick_count && unit[0] != '\0') {
            (void)fputc(' ', canvas->out);
            markup_put_text(canvas->out, unit);
        }
        (void)fputs("</text>\n", canvas->out);
    }
}

/* The point of a series that reaches farthest beyond an edge. */
static const struct chart_point *farthest(const struct svg_series_chart *chart, bool above)
{
    const struct chart_point *found = NULL;
    for (size_t s = 0; s < chart->series_count && s < SVG_SERIES_MAX; s++) {
        for (size_t i = 0; i < chart->series[s]->point_count; i++) {
            const struct chart_point *point = &chart->series[s]->points[i];
            if (point->at.has_value &&
                (!found || (above ? high_of(&point->at) > high_of(&found->at)
                                  : low_of(&point->at) < low_of(&found->at))))
                found = point;
        }
    }
    return found;
}

/* A triangle at the edge, with the value that lies beyond. */
static void put_beyond(const struct canvas *canvas, const struct svg_series_chart *chart,
                       bool above)
{
    const struct chart_point *point = farthest(chart, above);
    char text[CHART_TEXT_BYTES];
    if (!point)
        return;
    const double x = point_x(canvas, point);
    const double y = above ? canvas->plot.top : canvas->plot.bottom;
    const double tip = above ? y - 1 : y + 1;
    const double base = above ? y + 7 : y - 7;
    (void)fputs("<path class=\"mk\" d=\"", canvas->out);
    svg_path_point(canvas->out, 'M', x, tip);
    svg_path_point(canvas->out, 'L', x - 5, base);
    svg_path_point(canvas->out, 'L', x + 5, base);
    (void)fputs("Z\"/>\n", canvas->out);
    const bool right = x > (canvas->plot.left + canvas->plot.right) / 2;
    svg_open_text(canvas->out, "tx tm", right ? x - 9 : x + 9, above ? y + 8 : y - 2,
                  right ? "end" : "start");
    markup_put_text(canvas->out,
                    chart_number_format(above ? high_of(&point->at) : low_of(&point->at), text));
    (void)fputs("</text>\n", canvas->out);
}

static void put_marks(const struct canvas *canvas, const struct svg_series_chart *chart)
{
    for (size_t i = 0; i < chart->mark_count; i++) {
        const struct svg_mark *mark = &chart->marks[i];
        const double x = svg_axis_x(canvas->axis, &canvas->plot, mark->time_ms);
        const double y = mark->has_value ? value_y(canvas, mark->value) : canvas->plot.bottom - 5;
        (void)fputs("<path class=\"mk\" d=\"", canvas->out);
        svg_path_point(canvas->out, 'M', x, y - 5);
        svg_path_point(canvas->out, 'L', x + 5, y);
        svg_path_point(canvas->out, 'L', x, y + 5);
        svg_path_point(canvas->out, 'L', x - 5, y);
        (void)fputs("Z\"/>\n", canvas->out);
    }
}

/* Line and name of each series, in rows. */
static void put_legend(const struct canvas *canvas, const struct svg_series_chart *chart,
                       double top)
{
    const double width = canvas->plot.right - canvas->plot.left;
    const size_t in_row = (size_t)fmax(width / LEGEND_PX, 1);
    for (size_t s = 0; s < chart->series_count && s < SVG_SERIES_MAX; s++) {
        const double x = canvas->plot.left + (double)(s % in_row) * LEGEND_PX;
        const size_t row = s / in_row;
        const double y = top + (double)row * LEGEND_HEIGHT + 10;
        char class[8];
        (void)snprintf(class, sizeof class, "l%zu", s % SVG_SERIES_MAX);
        svg_line(canvas->out, class, (const double[2]){x, y}, (const double[2]){x + 26, y});
        svg_open_text(canvas->out, "tx tm", x + 32, y + 4, "start");
        markup_put_clipped(canvas->out, chart->series[s]->label,
                           (size_t)((LEGEND_PX - 40) / SVG_CHARACTER_PX));
        (void)fputs("</text>\n", canvas->out);
    }
}

static double legend_height(const struct svg_series_chart *chart, double width)
{
    if (chart->series_count < 2)
        return 0;
    const size_t shown =
        chart->series_count < SVG_SERIES_MAX ? chart->series_count : SVG_SERIES_MAX;
    const size_t in_row = (size_t)fmax((width - LEFT - RIGHT) / LEGEND_PX, 1);
    const size_t rows = (shown + in_row - 1) / in_row;
    return (double)rows * LEGEND_HEIGHT;
}

/* --- the whole picture --------------------------------------------------------------------- */

static void put_series(const struct canvas *canvas, const struct svg_series_chart *chart,
                       size_t shown)
{
    for (size_t s = 0; s < shown; s++) {
        char class[8];
        if (shown == 1 && has_band(chart->series[s]))
            put_runs(canvas, chart->series[s], "bd", put_band_run);
        (void)snprintf(class, sizeof class, "l%zu", s % SVG_SERIES_MAX);
        put_runs(canvas, chart->series[s], class, put_line_run);
    }
}

static void put_content(struct canvas *canvas, const struct svg_series_chart *chart, size_t shown)
{
    struct svg_limits limits = {0};
    svg_put_axis(canvas->out, canvas->axis, &canvas->plot);
    if (shown == 0 || !svg_series_limits(chart->series, shown, &limits)) {
        svg_open_text(canvas->out, "tx tm", (canvas->plot.left + canvas->plot.right) / 2,
                      (canvas->plot.top + canvas->plot.bottom) / 2, "middle");
        (void)fputs("no values</text>\n", canvas->out);
        return;
    }
    canvas->scale = chart_value_scale_make(limits.low, limits.high, TICKS_MAX, false);
    put_value_ticks(canvas, chart->series[0]->measure.unit);
    put_series(canvas, chart, shown);
    put_marks(canvas, chart);
    if (limits.cut_high)
        put_beyond(canvas, chart, true);
    if (limits.cut_low)
        put_beyond(canvas, chart, false);
}

void svg_write_series(FILE *out, const struct svg_frame *frame,
                      const struct svg_series_chart *chart)
{
    const size_t shown =
        chart->series_count < SVG_SERIES_MAX ? chart->series_count : SVG_SERIES_MAX;
    const double legend = legend_height(chart, frame->width);
    const double top = (frame->document ? 52 : 12) + legend;
    struct canvas canvas = {.out = out, .axis = chart->axis};
    canvas.plot = (struct svg_plot){
        .left = LEFT, .right = frame->width - RIGHT, .top = top, .bottom = top + PLOT_HEIGHT};
    const double end = canvas.plot.bottom + SVG_AXIS_HEIGHT;
    svg_open(out, frame, end + (shown < chart->series_count ? 24 : 4));
    (void)svg_put_heading(out, frame);
    if (legend > 0)
        put_legend(&canvas, chart, top - legend - 8);
    put_content(&canvas, chart, shown);
    if (shown < chart->series_count) {
        svg_open_text(out, "tx tm", LEFT, end + 16, "start");
        (void)fprintf(out, "%zu lines more are left out</text>\n", chart->series_count - shown);
    }
    svg_close(out);
}
