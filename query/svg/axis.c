/*
 * axis.c - time along a picture, and which silent stretches of it are drawn short.
 *
 * A range is broken only where that helps: there is enough activity to tell silence from
 * rareness, a stretch is long beside the range, and what is left is markedly shorter. Busy
 * stretches share the width by their length, none below a least share, so that a day
 * between two silent years can still be seen.
 */
#include "query/svg/svg_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ACTIVITY_LEAST       100u       /* fewer: silence says nothing */
#define SPAN_WORTH           4u         /* a span, as of a bucket, stands for several moments */
#define SILENT_PART          0.06       /* of what is left: a shorter silence is drawn as it is */
#define SILENT_SLOTS_LEAST   8u         /* fewer may be an accident of where slots begin */
#define SILENT_MS_LEAST      MS_PER_DAY /* nights and pauses are part of the picture */
#define BUSY_SLOTS_MOST      (SVG_ACTIVITY_SLOTS * 4 / 10) /* more: not worth a break */
#define STRETCHES_MOST       17u /* what comes again and again is a rhythm, no silence */
#define SILENT_SHARE         0.025
#define BUSY_SHARE_LEAST     0.085
#define BUSY_SHARE_LEAST_SUM 0.6 /* of all least shares together */

/* --- activity ------------------------------------------------------------------------------ */

void svg_activity_init(struct svg_activity *activity, int64_t from_ms, int64_t until_ms)
{
    assert(from_ms <= until_ms);
    *activity = (struct svg_activity){.from_ms = from_ms, .until_ms = until_ms};
}

static size_t slot_of(const struct svg_activity *activity, int64_t time_ms)
{
    const double span = (double)(activity->until_ms - activity->from_ms);
    const double share = (double)(time_ms - activity->from_ms) / span;
    const size_t slot = (size_t)(share * SVG_ACTIVITY_SLOTS);
    return slot < SVG_ACTIVITY_SLOTS ? slot : SVG_ACTIVITY_SLOTS - 1;
}

void svg_activity_note(struct svg_activity *activity, int64_t time_ms)
{
    if (time_ms < activity->from_ms || time_ms >= activity->until_ms)
        return;
    const size_t slot = slot_of(activity, time_ms);
    activity->bits[slot / 64] |= UINT64_C(1) << (slot % 64);
    activity->count++;
}

void svg_activity_note_span(struct svg_activity *activity, int64_t from_ms, int64_t until_ms)
{
    const int64_t first_ms = from_ms > activity->from_ms ? from_ms : activity->from_ms;
    const int64_t end_ms = until_ms < activity->until_ms ? until_ms : activity->until_ms;
    if (first_ms >= end_ms)
        return;
    const size_t last = slot_of(activity, end_ms - 1);
    for (size_t slot = slot_of(activity, first_ms); slot <= last; slot++)
        activity->bits[slot / 64] |= UINT64_C(1) << (slot % 64);
    activity->count += SPAN_WORTH;
}

void svg_activity_note_lanes(struct svg_activity *activity, const struct chart_lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++) {
        for (size_t s = 1; s < lanes->lanes[i].span_count; s++)
            svg_activity_note(activity, lanes->lanes[i].spans[s].from_ms);
    }
}

static bool is_busy(const struct svg_activity *activity, size_t slot)
{
    return activity->bits[slot / 64] >> (slot % 64) & 1;
}

static int64_t slot_start_ms(const struct svg_activity *activity, size_t slot)
{
    const double span = (double)(activity->until_ms - activity->from_ms);
    return activity->from_ms + (int64_t)(span * (double)slot / SVG_ACTIVITY_SLOTS);
}

/* --- stretches ----------------------------------------------------------------------------- */

void svg_axis_init(struct svg_axis *axis, const struct civil_zone *zone, int64_t from_ms,
                   int64_t until_ms)
{
    assert(from_ms <= until_ms);
    *axis = (struct svg_axis){.zone = zone, .count = 1};
    axis->stretches[0] =
        (struct svg_stretch){.from_ms = from_ms, .until_ms = until_ms, .until_share = 1};
}

/* The slots from `slot` on that are as silent, or as busy, as it is. */
static size_t run_length(const struct svg_activity *activity, size_t slot)
{
    size_t end = slot + 1;
    while (end < SVG_ACTIVITY_SLOTS && is_busy(activity, end) == is_busy(activity, slot))
        end++;
    return end - slot;
}

static bool is_long_silence(const struct svg_activity *activity, size_t slot, size_t slots,
                            size_t slots_least)
{
    const int64_t ms = slot_start_ms(activity, slot + slots) - slot_start_ms(activity, slot);
    return !is_busy(activity, slot) && slots >= slots_least && ms >= SILENT_MS_LEAST;
}

static size_t count_silent(const struct svg_activity *activity, size_t slots_least)
{
    size_t silent = 0;
    for (size_t slot = 0; slot < SVG_ACTIVITY_SLOTS;) {
        const size_t slots = run_length(activity, slot);
        silent += is_long_silence(activity, slot, slots, slots_least) ? slots : 0;
        slot += slots;
    }
    return silent;
}

/*
 * From how many slots on a silence is long: a part of what is left when all long ones are out.
 * Years of silence make months look short until they are gone.
 */
static size_t find_slots_least(const struct svg_activity *activity)
{
    size_t least = (size_t)(SILENT_PART * SVG_ACTIVITY_SLOTS);
    for (;;) {
        const size_t left = SVG_ACTIVITY_SLOTS - count_silent(activity, least);
        const size_t wanted = (size_t)(SILENT_PART * (double)left);
        const size_t next = wanted > SILENT_SLOTS_LEAST ? wanted : SILENT_SLOTS_LEAST;
        if (next >= least)
            return least;
        least = next;
    }
}

static void add_stretch(struct svg_axis *axis, const struct svg_activity *activity, size_t until,
                        bool silent)
{
    struct svg_stretch *last = axis->count > 0 ? &axis->stretches[axis->count - 1] : NULL;
    const int64_t until_ms =
        until == SVG_ACTIVITY_SLOTS ? activity->until_ms : slot_start_ms(activity, until);
    if (last && (last->silent == silent || axis->count == SVG_STRETCHES_MAX)) {
        last->until_ms = until_ms;
        return;
    }
    axis->stretches[axis->count++] =
        (struct svg_stretch){.from_ms = last ? last->until_ms : activity->from_ms,
                             .until_ms = until_ms,
                             .silent = silent};
}

/* Lengths of the busy stretches, each at least what a share of `least` of `room` is worth. */
static void share_width(struct svg_axis *axis)
{
    size_t busy_count = 0;
    double busy_ms = 0;
    for (size_t i = 0; i < axis->count; i++) {
        const struct svg_stretch *stretch = &axis->stretches[i];
        busy_count += !stretch->silent;
        busy_ms += stretch->silent ? 0 : (double)(stretch->until_ms - stretch->from_ms);
    }
    const double silent_count = (double)(axis->count - busy_count);
    const double silent_share = fmin(SILENT_SHARE, 0.25 / fmax(silent_count, 1));
    const double room = 1 - silent_count * silent_share;
    const double least = fmin(BUSY_SHARE_LEAST, BUSY_SHARE_LEAST_SUM / (double)busy_count);
    const double rest = room - least * (double)busy_count;
    double at = 0;
    for (size_t i = 0; i < axis->count; i++) {
        struct svg_stretch *stretch = &axis->stretches[i];
        const double part_ms = (double)(stretch->until_ms - stretch->from_ms);
        stretch->from_share = at;
        at += stretch->silent ? silent_share : least + rest * part_ms / busy_ms;
        stretch->until_share = at;
    }
    axis->stretches[axis->count - 1].until_share = 1;
}

void svg_axis_init_busy(struct svg_axis *axis, const struct civil_zone *zone,
                        const struct svg_activity *activity)
{
    const size_t slots_least = find_slots_least(activity);
    const size_t silent_slots = count_silent(activity, slots_least);
    *axis = (struct svg_axis){.zone = zone};
    for (size_t slot = 0; slot < SVG_ACTIVITY_SLOTS;) {
        const size_t slots = run_length(activity, slot);
        const bool silent = is_long_silence(activity, slot, slots, slots_least);
        add_stretch(axis, activity, slot + slots, silent);
        slot += slots;
    }
    if (activity->count < ACTIVITY_LEAST || SVG_ACTIVITY_SLOTS - silent_slots > BUSY_SLOTS_MOST ||
        axis->count == 1 || axis->count > STRETCHES_MOST)
        svg_axis_init(axis, zone, activity->from_ms, activity->until_ms);
    else
        share_width(axis);
}

double svg_axis_share(const struct svg_axis *axis, int64_t time_ms)
{
    for (size_t i = 0; i < axis->count; i++) {
        const struct svg_stretch *stretch = &axis->stretches[i];
        if (time_ms >= stretch->until_ms)
            continue;
        if (time_ms <= stretch->from_ms)
            return stretch->from_share;
        const double inside =
            (double)(time_ms - stretch->from_ms) / (double)(stretch->until_ms - stretch->from_ms);
        return stretch->from_share + inside * (stretch->until_share - stretch->from_share);
    }
    return 1;
}

int64_t svg_axis_time(const struct svg_axis *axis, double share)
{
    for (size_t i = 0; i < axis->count; i++) {
        const struct svg_stretch *stretch = &axis->stretches[i];
        const double width = stretch->until_share - stretch->from_share;
        if (share >= stretch->until_share || width <= 0)
            continue;
        const double inside = fmax(share - stretch->from_share, 0) / width;
        return stretch->from_ms +
               (int64_t)(inside * (double)(stretch->until_ms - stretch->from_ms));
    }
    return axis->stretches[axis->count - 1].until_ms;
}

bool svg_axis_is_broken(const struct svg_axis *axis)
{
    return axis->count > 1;
}

/* --- drawing ------------------------------------------------------------------------------- */

#define TICK_PX        64.0
#define DATE_BYTES     16u
#define LABEL_BASELINE 15.0
#define DATES_BASELINE 30.0
#define TICKS_WIDTH_PX 70.0 /* a narrower stretch has its dates alone */
#define STRETCH_GAP_PX 8.0

static void put_centred(FILE *out, const char *class, double x, double y, const char *text)
{
    svg_open_text(out, class, x, y, "middle");
    markup_put_text(out, text);
    (void)fputs("</text>\n", out);
}

/* Labels never overlap: one that would is left out. */
static void put_ticks(FILE *out, const struct svg_axis *axis, const struct svg_stretch *stretch,
                      const struct svg_plot *plot)
{
    struct chart_tick ticks[CHART_TICKS_MAX];
    const double width = (stretch->until_share - stretch->from_share) * (plot->right - plot->left);
    const size_t ticks_max = (size_t)(width / TICK_PX);
    if (ticks_max == 0 || (svg_axis_is_broken(axis) && width < TICKS_WIDTH_PX))
        return;
    const size_t count =
        chart_time_ticks(axis->zone, stretch->from_ms, stretch->until_ms,
                         ticks_max < CHART_TICKS_MAX ? ticks_max : CHART_TICKS_MAX, ticks);
    double free_from = plot->left - 20;
    for (size_t i = 0; i < count; i++) {
        const double x = svg_axis_x(axis, plot, ticks[i].time_ms);
        const double half = (double)strlen(ticks[i].text) * SVG_CHARACTER_PX / 2;
        svg_line(out, ticks[i].major ? "g gm" : "g", (const double[2]){x, plot->top},
                 (const double[2]){x, plot->bottom + 4});
        if (x - half < free_from || x + half > plot->right + 20)
            continue;
        put_centred(out, ticks[i].major ? "tx tm" : "tx", x, plot->bottom + LABEL_BASELINE,
                    ticks[i].text);
        free_from = x + half + 4;
    }
}

static void format_date(const struct civil_zone *zone, int64_t time_ms, char text[DATE_BYTES])
{
    struct civil_time time = {0};
    civil_zone_from_utc_ms(zone, time_ms, &time);
    (void)snprintf(text, DATE_BYTES, "%04u-%02u-%02u", (unsigned)time.year % 10000u,
                   time.month % 100u, time.day % 100u);
}

/* The first and last day of a stretch, below its ticks, as far as there is room. */
static void put_dates(FILE *out, const struct svg_axis *axis, const struct svg_stretch *stretch,
                      const struct svg_plot *plot)
{
    char first[DATE_BYTES];
    char last[DATE_BYTES];
    format_date(axis->zone, stretch->from_ms, first);
    format_date(axis->zone, stretch->until_ms - (stretch->until_ms > stretch->from_ms), last);
    const double left = svg_axis_x(axis, plot, stretch->from_ms);
    const double right = svg_axis_x(axis, plot, stretch->until_ms);
    const double one = (double)strlen(first) * SVG_CHARACTER_PX;
    const double y = plot->bottom + DATES_BASELINE;
    if (right - left > 2 * one + STRETCH_GAP_PX && strcmp(first, last) != 0) {
        svg_open_text(out, "tx", left, y, "start");
        (void)fprintf(out, "%s</text>\n", first);
        svg_open_text(out, "tx", right, y, "end");
        (void)fprintf(out, "%s</text>\n", last);
    } else if (right - left > one - STRETCH_GAP_PX) {
        put_centred(out, "tx", (left + right) / 2, y, first);
    } else if (right - left > 4 * SVG_CHARACTER_PX) {
        first[4] = '\0'; // the year alone
        put_centred(out, "tx", (left + right) / 2, y, first);
    }
}

static void put_break(FILE *out, double left, double right, const struct svg_plot *plot)
{
    (void)fputs("<rect class=\"sl\"", out);
    svg_attribute(out, "x", left);
    svg_attribute(out, "y", plot->top);
    svg_attribute(out, "width", right - left);
    svg_attribute(out, "height", plot->bottom - plot->top);
    (void)fputs("/>\n", out);
    const double middle = (left + right) / 2;
    for (int i = -1; i <= 1; i += 2)
        svg_line(out, "bk", (const double[2]){middle + i * 2.5 - 2, plot->bottom + 6},
                 (const double[2]){middle + i * 2.5 + 2, plot->bottom - 6});
}

void svg_put_axis(FILE *out, const struct svg_axis *axis, const struct svg_plot *plot)
{
    svg_line(out, "ax", (const double[2]){plot->left, plot->bottom},
             (const double[2]){plot->right, plot->bottom});
    for (size_t i = 0; i < axis->count; i++) {
        const struct svg_stretch *stretch = &axis->stretches[i];
        if (stretch->silent) {
            put_break(out, svg_axis_x(axis, plot, stretch->from_ms),
                      svg_axis_x(axis, plot, stretch->until_ms), plot);
            continue;
        }
        put_ticks(out, axis, stretch, plot);
        put_dates(out, axis, stretch, plot);
    }
}

void svg_write_axis(FILE *out, const struct svg_axis *axis, double width, const char *class)
{
    const struct svg_plot plot = {.left = 0, .right = width, .top = 0, .bottom = 3};
    (void)fprintf(out, "<svg class=\"%s\" viewBox=\"0 0 %.0f %.0f\" aria-hidden=\"true\">\n", class,
                  width, SVG_AXIS_HEIGHT + plot.bottom);
    svg_put_axis(out, axis, &plot);
    svg_close(out);
}
