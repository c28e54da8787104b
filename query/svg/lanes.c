/*
 * lanes.c - when devices were online: a lane a device, drawn to the step.
 *
 *      online    ██████   tall
 *      offline   ▄▄▄▄▄▄   low
 *      unknown   ──────   a thin line
 *
 * A span marks each step that it touches, and a step may be marked by several states: an
 * outage of a second shows in a lane of a year, as a step that is both tall and low.
 * Equal neighbours are one stroke, so a lane's text is bounded by its steps.
 */
#include "query/svg/svg_internal.h"

#include "cli/human.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define LANE_HEIGHT 12.0

/* By step: bits of 1 << enum timeline_state. */
struct steps {
    uint8_t states[SVG_COLUMNS_MAX];
    unsigned count;
};

static void mark_span(struct steps *steps, const struct svg_axis *axis,
                      const struct chart_span *span)
{
    const double first = floor(svg_axis_share(axis, span->from_ms) * steps->count);
    const double end = ceil(svg_axis_share(axis, span->until_ms) * steps->count);
    const unsigned from = (unsigned)fmin(first, steps->count - 1);
    const unsigned until = (unsigned)fmax(end, from + 1);
    for (unsigned step = from; step < until && step < steps->count; step++)
        steps->states[step] |= (uint8_t)(1u << span->state);
}

static void mark_lane(struct steps *steps, const struct chart_lane *lane,
                      const struct svg_axis *axis, unsigned count)
{
    assert(count > 0 && count <= SVG_COLUMNS_MAX);
    memset(steps->states, 0, count);
    steps->count = count;
    for (size_t i = 0; i < lane->span_count; i++)
        mark_span(steps, axis, &lane->spans[i]);
}

/* Unknown is drawn where nothing is known; the others wherever they are. */
static bool shows(const struct steps *steps, unsigned step, enum timeline_state state)
{
    if (state == TIMELINE_UNKNOWN)
        return steps->states[step] == 1u << TIMELINE_UNKNOWN;
    return steps->states[step] >> state & 1;
}

static void put_strokes(FILE *out, const struct steps *steps, enum timeline_state state)
{
    static const char *const classes[] = {"un", "of", "on"};
    static const int heights[] = {6, 9, 6};
    bool any = false;
    for (unsigned step = 0; step < steps->count; step++) {
        if (!shows(steps, step, state))
            continue;
        unsigned until = step + 1;
        while (until < steps->count && shows(steps, until, state))
            until++;
        if (!any)
            (void)fprintf(out, "<path class=\"%s\" d=\"", classes[state]);
        any = true;
        (void)fprintf(out, "M%u %dH%u", step, heights[state], until);
        step = until;
    }
    if (any)
        (void)fputs("\"/>", out);
}

static void put_lane(FILE *out, const struct chart_lane *lane, const struct svg_axis *axis,
                     unsigned columns)
{
    struct steps steps;
    mark_lane(&steps, lane, axis, columns);
    put_strokes(out, &steps, TIMELINE_UNKNOWN);
    put_strokes(out, &steps, TIMELINE_ONLINE);
    put_strokes(out, &steps, TIMELINE_OFFLINE);
}

void svg_write_lane(FILE *out, const struct chart_lane *lane, const struct svg_axis *axis,
                    unsigned columns, const char *title)
{
    (void)fprintf(out,
                  "<svg class=\"ln\" viewBox=\"0 0 %u 12\" preserveAspectRatio=\"none\" "
                  "role=\"img\"><title>",
                  columns);
    markup_put_text(out, title);
    (void)fputs("</title>", out);
    put_lane(out, lane, axis, columns);
    (void)fputs("</svg>", out);
}

/* --- the whole picture --------------------------------------------------------------------- */

#define PITCH            20.0
#define MARGIN           16.0
#define AVAILABILITY_PX  58.0
#define LABEL_SHARE_MOST 0.3
#define LABEL_PX_MOST    260.0
#define LEGEND_HEIGHT    24.0
#define SHARE_BYTES      16u

/* What is not all must not read as all. */
static void put_availability(FILE *out, const struct timeline_span *total, double x, double y)
{
    const double known_ms = (double)total->online_ms + (double)total->offline_ms;
    const double percent = known_ms > 0 ? 100 * (double)total->online_ms / known_ms : 0;
    char text[SHARE_BYTES] = "\xe2\x80\x93";
    if (known_ms > 0 && total->offline_ms > 0 && percent >= 99.995)
        (void)snprintf(text, sizeof text, "> 99.99 %%");
    else if (known_ms > 0)
        (void)snprintf(text, sizeof text, "%.2f %%", percent);
    svg_open_text(out, "tx tm", x, y, "end");
    markup_put_text(out, text);
    (void)fputs("</text>\n", out);
}

/* One sample of each state, and its word. */
static void put_legend(FILE *out, double x, double y)
{
    static const char *const words[] = {"unknown", "offline", "online"};
    static const enum timeline_state order[] = {TIMELINE_ONLINE, TIMELINE_OFFLINE,
                                                TIMELINE_UNKNOWN};
    for (size_t i = 0; i < CHART_STATES; i++) {
        struct steps steps = {.count = 18};
        memset(steps.states, 1 << order[i], steps.count);
        (void)fputs("<g transform=\"translate(", out);
        markup_put_number(out, x);
        (void)fputc(' ', out);
        markup_put_number(out, y - 9);
        (void)fputs(")\">", out);
        put_strokes(out, &steps, order[i]);
        (void)fputs("</g>\n", out);
        svg_open_text(out, "tx", x + 24, y, "start");
        (void)fprintf(out, "%s</text>\n", words[order[i]]);
        x += 90;
    }
}

static double label_width(const struct chart_lanes *lanes, size_t count, double width)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = lanes->lanes[i].label.len > longest ? lanes->lanes[i].label.len : longest;
    const double wanted = (double)longest * SVG_CHARACTER_PX + 8;
    return fmin(fmin(wanted, LABEL_PX_MOST), width * LABEL_SHARE_MOST);
}

static void put_row(FILE *out, const struct chart_lane *lane, const struct svg_axis *axis,
                    const struct svg_plot *plot, double y)
{
    svg_open_text(out, "tx tm", plot->left - 8, y + 10, "end");
    markup_put_clipped(out, lane->label, (size_t)((plot->left - MARGIN) / SVG_CHARACTER_PX));
    (void)fputs("</text>\n<g transform=\"translate(", out);
    markup_put_number(out, plot->left);
    (void)fputc(' ', out);
    markup_put_number(out, y);
    (void)fputs(")\"><title>", out);
    markup_put(out, lane->label);
    (void)fputs("</title>", out);
    put_lane(out, lane, axis, (unsigned)(plot->right - plot->left));
    (void)fputs("</g>\n", out);
    put_availability(out, &lane->total, plot->right + AVAILABILITY_PX, y + 10);
}

void svg_write_lanes(FILE *out, const struct svg_frame *frame, const struct chart_lanes *lanes,
                     const struct svg_axis *axis)
{
    const size_t count = lanes->count < SVG_LANES_MAX ? lanes->count : SVG_LANES_MAX;
    const double top = (frame->document ? 48 : 8) + LEGEND_HEIGHT;
    struct svg_plot plot = {.top = top,
                            .bottom = top + PITCH * (double)count,
                            .right = frame->width - MARGIN - AVAILABILITY_PX};
    plot.left = floor(MARGIN + label_width(lanes, count, frame->width));
    plot.right = fmin(plot.right, plot.left + SVG_COLUMNS_MAX);
    svg_open(out, frame, plot.bottom + SVG_AXIS_HEIGHT + (count < lanes->count ? 28 : 8));
    (void)svg_put_heading(out, frame);
    put_legend(out, plot.left, top - 10);
    svg_put_axis(out, axis, &plot);
    for (size_t i = 0; i < count; i++)
        put_row(out, &lanes->lanes[i], axis, &plot, plot.top + PITCH * (double)i + 4);
    if (count < lanes->count) {
        svg_open_text(out, "tx tm", plot.left, plot.bottom + SVG_AXIS_HEIGHT + 16, "start");
        (void)fprintf(out, "%zu devices more are left out</text>\n", lanes->count - count);
    }
    svg_close(out);
}
