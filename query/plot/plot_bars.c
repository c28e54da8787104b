/*
 * plot_bars.c - the same measure of many groups, a row each.
 *
 *      tag-1  ╶───────●──╴         21.4       with a band: from low to high, a mark at the value
 *      tag-2  ███████████▍         18.2       without: a bar from zero
 *
 * All rows share one scale, so that they can be compared.
 */
#include "query/plot/plot_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define GAP        2u
#define TICK_SPACE 12u /* columns that a tick of the value axis wants */

struct bars_layout {
    const struct plot *plot;
    const struct chart_bars *bars;
    struct chart_value_scale scale;
    struct plot_labels labels;
    size_t label_columns, bar_columns, value_columns;
    bool from_zero;
};

static bool find_extent(const struct chart_bars *bars, double *low, double *high)
{
    bool found = false;
    for (size_t i = 0; i < bars->bar_count; i++) {
        const struct chart_point point = {.at = bars->bars[i].at};
        double least = 0;
        double most = 0;
        if (!chart_points_extent(&point, 1, &least, &most))
            continue;
        *low = found ? fmin(*low, least) : least;
        *high = found ? fmax(*high, most) : most;
        found = true;
    }
    return found;
}

static bool has_bands(const struct chart_bars *bars)
{
    for (size_t i = 0; i < bars->bar_count; i++) {
        if (bars->bars[i].at.has_band)
            return true;
    }
    return false;
}

static size_t column_of(const struct bars_layout *layout, double value)
{
    return (size_t)lround(chart_value_share(&layout->scale, value) *
                          (double)(layout->bar_columns - 1));
}

/* From low to high, with a mark at the value. */
static enum status put_range(const struct bars_layout *layout, const struct chart_value *at)
{
    const struct plot *plot = layout->plot;
    const size_t first = column_of(layout, at->has_band ? at->low : at->value);
    const size_t last = column_of(layout, at->has_band ? at->high : at->value);
    const size_t mark = at->has_value ? column_of(layout, at->value) : SIZE_MAX;
    for (size_t i = 0; i < layout->bar_columns; i++) {
        if (i == mark) {
            TRY(screen_put_colour(plot->screen, plot->out, SCREEN_CYAN));
            TRY(plot_put(plot, plot_mark(plot, "●", "o")));
            TRY(screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN));
        } else if (i < first || i > last) {
            TRY(plot_put(plot, " "));
        } else {
            TRY(plot_put(plot, plot_mark(plot,
                                         i == first  ? "├"
                                         : i == last ? "┤"
                                                     : "─",
                                         i == first || i == last ? "|" : "-")));
        }
    }
    return STATUS_OK;
}

/* A bar between zero and the value, in eighths to the right of zero. */
static enum status put_zero_bar(const struct bars_layout *layout, double value)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    const struct plot *plot = layout->plot;
    const double columns = (double)layout->bar_columns;
    const double zero = chart_value_share(&layout->scale, 0) * columns;
    const double tip = chart_value_share(&layout->scale, value) * columns;
    TRY(screen_put_colour(plot->screen, plot->out, SCREEN_CYAN));
    for (size_t i = 0; i < layout->bar_columns; i++) {
        const double from = fmax((double)i, fmin(zero, tip));
        const double until = fmin((double)i + 1, fmax(zero, tip));
        const int filled = until > from ? (int)lround((until - from) * 8) : 0;
        const bool whole = filled >= 8 || (value < 0 && filled >= 4);
        if (plot->screen->utf8)
            TRY(plot_put(plot, whole ? "█" : value < 0 ? " " : eighths[filled]));
        else
            TRY(plot_put(plot, filled >= 4 ? "#" : " "));
    }
    return screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN);
}

static enum status put_bar(const struct bars_layout *layout, const struct chart_bar *bar)
{
    const struct plot *plot = layout->plot;
    char text[CHART_TEXT_BYTES] = "-";
    TRY(screen_put_fitted(plot->screen, plot->out, plot_labels_rest(&layout->labels, bar->label),
                          layout->label_columns, SCREEN_LEFT));
    TRY(screen_put_blanks(plot->out, GAP));
    if (!bar->at.has_value)
        TRY(screen_put_blanks(plot->out, layout->bar_columns));
    else
        TRY(layout->from_zero ? put_zero_bar(layout, bar->at.value) : put_range(layout, &bar->at));
    if (bar->at.has_value)
        (void)chart_number_format(bar->at.value, text);
    TRY(screen_put_blanks(plot->out, GAP));
    TRY(screen_put_fitted(plot->screen, plot->out, slice_of_text(text), layout->value_columns,
                          SCREEN_RIGHT));
    return plot_put(plot, "\n");
}

static enum status lay_out(struct bars_layout *layout)
{
    const struct plot *plot = layout->plot;
    const struct chart_bars *bars = layout->bars;
    size_t widest = 1;
    plot_labels_begin(&layout->labels);
    for (size_t i = 0; i < bars->bar_count; i++)
        plot_labels_see(&layout->labels, bars->bars[i].label);
    for (size_t i = 0; i < bars->bar_count; i++) {
        char value[CHART_TEXT_BYTES] = "-";
        TRY(plot_labels_measure(plot, &layout->labels, bars->bars[i].label, &widest));
        if (bars->bars[i].at.has_value)
            (void)chart_number_format(bars->bars[i].at.value, value);
        const size_t len = strlen(value);
        layout->value_columns = len > layout->value_columns ? len : layout->value_columns;
    }
    layout->label_columns = plot_label_columns(plot, widest);
    const size_t taken = layout->label_columns + layout->value_columns + GAP + GAP;
    layout->bar_columns = plot->screen->columns > taken + 3 ? plot->screen->columns - taken : 3;
    return STATUS_OK;
}

static enum status put_title(const struct bars_layout *layout)
{
    const struct chart_measure *measure = &layout->bars->measure;
    OWNED(buffer_release) struct buffer text = {0};
    char rest[PLOT_TEXT_BYTES];
    TRY(buffer_append(&text, measure->metric.data, measure->metric.len));
    const bool band = measure->low.len > 0 && !layout->from_zero;
    (void)snprintf(rest, sizeof rest, ", %.*s%s%s%s", (int)measure->name.len,
                   (const char *)measure->name.data, measure->unit[0] != '\0' ? " (" : "",
                   measure->unit, measure->unit[0] != '\0' ? ")" : "");
    TRY(buffer_append(&text, rest, strlen(rest)));
    if (band) {
        (void)snprintf(rest, sizeof rest, " (%s), %.*s to %.*s (%s)",
                       plot_mark(layout->plot, "●", "o"), (int)measure->low.len,
                       (const char *)measure->low.data, (int)measure->high.len,
                       (const char *)measure->high.data, plot_mark(layout->plot, "├─┤", "|-|"));
        TRY(buffer_append(&text, rest, strlen(rest)));
    }
    if (layout->labels.common.len > 0) {
        TRY(buffer_append(&text, " of ", strlen(" of ")));
        TRY(buffer_append(&text, layout->labels.common.data, layout->labels.common.len - 1));
    }
    return plot_line(layout->plot, SCREEN_BOLD, buffer_slice(&text));
}

enum status plot_bars(const struct plot *plot, const struct chart_bars *bars, enum plot_kind kind)
{
    double low = 0;
    double high = 0;
    struct bars_layout layout = {.plot = plot, .bars = bars};
    layout.from_zero = kind == PLOT_BARS || !has_bands(bars);
    TRY(lay_out(&layout));
    TRY(put_title(&layout));
    if (!find_extent(bars, &low, &high))
        return plot_line(plot, SCREEN_FAINT, slice_of_text("  no values in this range"));
    layout.scale =
        chart_value_scale_make(low, high, layout.bar_columns / TICK_SPACE + 1, layout.from_zero);
    for (size_t i = 0; i < bars->bar_count; i++)
        TRY(put_bar(&layout, &bars->bars[i]));
    return plot_value_axis(plot, &layout.scale, layout.label_columns + GAP, layout.bar_columns);
}
