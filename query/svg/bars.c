/*
 * bars.c - one value of each group, as bars from zero with a thin line over the extremes.
 */
#include "query/svg/svg_internal.h"

#include <math.h>

#define PITCH            22.0
#define BAR_HEIGHT       12.0
#define MARGIN           16.0
#define VALUE_PX         76.0
#define LABEL_SHARE_MOST 0.32
#define LABEL_PX_MOST    280.0
#define TICKS_MAX        6u

static double label_width(const struct chart_bars *bars, size_t count, double width)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = bars->bars[i].label.len > longest ? bars->bars[i].label.len : longest;
    const double wanted = (double)longest * SVG_CHARACTER_PX + 8;
    return fmin(fmin(wanted, LABEL_PX_MOST), width * LABEL_SHARE_MOST);
}

static void extent_of(const struct chart_bars *bars, size_t count, double *low, double *high)
{
    for (size_t i = 0; i < count; i++) {
        const struct chart_value *at = &bars->bars[i].at;
        if (!at->has_value)
            continue;
        *low = fmin(*low, at->has_band ? fmin(at->low, at->value) : at->value);
        *high = fmax(*high, at->has_band ? fmax(at->high, at->value) : at->value);
    }
}

static void put_bar(FILE *out, const struct chart_value *at, const struct chart_value_scale *scale,
                    const struct svg_plot *plot, double y)
{
    const double width = plot->right - plot->left;
    const double zero = plot->left + chart_value_share(scale, 0) * width;
    const double end = plot->left + chart_value_share(scale, at->value) * width;
    char text[CHART_TEXT_BYTES];
    (void)fputs("<rect class=\"b0\" rx=\"2\"", out);
    svg_attribute(out, "x", fmin(zero, end));
    svg_attribute(out, "y", y);
    svg_attribute(out, "width", fmax(fabs(end - zero), 1));
    svg_attribute(out, "height", BAR_HEIGHT);
    (void)fputs("/>\n", out);
    const double middle = y + BAR_HEIGHT / 2;
    if (at->has_band)
        svg_line(
            out, "ex",
            (const double[2]){plot->left + chart_value_share(scale, at->low) * width, middle},
            (const double[2]){plot->left + chart_value_share(scale, at->high) * width, middle});
    svg_open_text(out, "tx tm", plot->right + VALUE_PX, y + 10, "end");
    markup_put_text(out, chart_number_format(at->value, text));
    (void)fputs("</text>\n", out);
}

static void put_row(FILE *out, const struct chart_bar *bar, const struct chart_value_scale *scale,
                    const struct svg_plot *plot, double y)
{
    svg_open_text(out, "tx tm", plot->left - 8, y + 10, "end");
    markup_put_clipped(out, bar->label, (size_t)((plot->left - MARGIN) / SVG_CHARACTER_PX));
    (void)fputs("</text>\n", out);
    if (bar->at.has_value)
        put_bar(out, &bar->at, scale, plot, y);
}

static void put_ticks(FILE *out, const struct chart_value_scale *scale, const struct svg_plot *plot)
{
    char text[CHART_TEXT_BYTES];
    for (size_t i = 0; i < scale->tick_count; i++) {
        const double value = chart_value_tick(scale, i);
        const double x = plot->left + chart_value_share(scale, value) * (plot->right - plot->left);
        svg_line(out, "g", (const double[2]){x, plot->top}, (const double[2]){x, plot->bottom});
        svg_open_text(out, "tx", x, plot->bottom + 15, "middle");
        markup_put_text(out, chart_value_format(scale, value, text));
        (void)fputs("</text>\n", out);
    }
}

void svg_write_bars(FILE *out, const struct svg_frame *frame, const struct chart_bars *bars)
{
    const size_t count = bars->bar_count < SVG_BARS_MAX ? bars->bar_count : SVG_BARS_MAX;
    double low = 0;
    double high = 0;
    extent_of(bars, count, &low, &high);
    const struct chart_value_scale scale = chart_value_scale_make(low, high, TICKS_MAX, true);
    struct svg_plot plot = {.top = frame->document ? 52 : 8,
                            .right = frame->width - MARGIN - VALUE_PX};
    plot.left = MARGIN + label_width(bars, count, frame->width);
    plot.bottom = plot.top + PITCH * (double)count + 4;
    svg_open(out, frame, plot.bottom + (count < bars->bar_count ? 44 : 24));
    (void)svg_put_heading(out, frame);
    put_ticks(out, &scale, &plot);
    for (size_t i = 0; i < count; i++)
        put_row(out, &bars->bars[i], &scale, &plot, plot.top + PITCH * (double)i + 5);
    if (count < bars->bar_count) {
        svg_open_text(out, "tx tm", plot.left, plot.bottom + 36, "start");
        (void)fprintf(out, "%zu groups more are left out</text>\n", bars->bar_count - count);
    }
    svg_close(out);
}
