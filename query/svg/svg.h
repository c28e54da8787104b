/*
 * svg.h - charts as SVG text: documents of their own, and pieces of an HTML page.
 *
 *      chart_series ──▶ svg_write_series    lines, a band of extremes, marks
 *      chart_bars   ──▶ svg_write_bars      one bar a group
 *      chart_lanes  ──▶ svg_write_lanes     a lane a device: online, offline, unknown
 *
 * A document carries its style sheet, light and dark by the reader's preference; in a page
 * svg_write_style stands once in the page's own. Every picture has a title and a
 * description. Nothing is told by colour alone: a lane is tall where online, low
 * where offline and a thin line where unknown; lines differ in their dashes.
 *
 * Time runs along a struct svg_axis, which may draw silent stretches short:
 *
 *      busy           silent, of fixed width       busy
 *      |-------------|//|-----------------|
 *
 * Text from outside is escaped (query/markup). The size of a picture is bounded by its width:
 * whatever the charts hold, a lane has at most one span of each kind a pixel, and what is
 * beyond SVG_LANES_MAX and SVG_SERIES_MAX is left out, which the picture says.
 *
 * Errors stay in the FILE: look at ferror() when all is written.
 * Threads: plain functions.
 */
#ifndef MNSDB_QUERY_SVG_SVG_H
#define MNSDB_QUERY_SVG_SVG_H

#include "engine/civil/civil.h"
#include "query/chart/chart.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* --- time along the picture ---------------------------------------------------------------- */

/* Where something happened in a range, coarsely: a bit for each slot of it. */
#define SVG_ACTIVITY_SLOTS 4096u
struct svg_activity {
    int64_t from_ms, until_ms;
    uint64_t count; /* of what was noted */
    uint64_t bits[SVG_ACTIVITY_SLOTS / 64];
};
void svg_activity_init(struct svg_activity *activity, int64_t from_ms, int64_t until_ms);
/* What lies outside the range is passed over. */
void svg_activity_note(struct svg_activity *activity, int64_t time_ms);
void svg_activity_note_span(struct svg_activity *activity, int64_t from_ms, int64_t until_ms);
/* Changes of state. */
void svg_activity_note_lanes(struct svg_activity *activity, const struct chart_lanes *lanes);

/* [from_ms, until_ms) takes [from_share, until_share) of the width. */
struct svg_stretch {
    int64_t from_ms, until_ms;
    double from_share, until_share;
    bool silent;
};

#define SVG_STRETCHES_MAX 33u
struct svg_axis {
    const struct civil_zone *zone; /* borrowed */
    struct svg_stretch stretches[SVG_STRETCHES_MAX];
    size_t count;
};

/* All of the range to one scale. */
void svg_axis_init(struct svg_axis *axis, const struct civil_zone *zone, int64_t from_ms,
                   int64_t until_ms);
/* The range of the activity, its long silent stretches drawn short, if that helps. */
void svg_axis_init_busy(struct svg_axis *axis, const struct civil_zone *zone,
                        const struct svg_activity *activity);
/* 0 ... 1; what lies outside is clamped. */
double svg_axis_share(const struct svg_axis *axis, int64_t time_ms);
/* The inverse of svg_axis_share. */
int64_t svg_axis_time(const struct svg_axis *axis, double share);
bool svg_axis_is_broken(const struct svg_axis *axis);

/* --- pictures ------------------------------------------------------------------------------ */

struct svg_frame {
    double width;            /* pixels; heights follow from the content */
    bool document;           /* a file of its own: XML declaration and style sheet */
    const char *id;          /* of a page's element; unique there; letters, digits and '-' */
    const char *class;       /* of a page's element, or NULL */
    const char *title;       /* what is shown; plain text */
    const char *description; /* what can be seen, in words; plain text, or NULL */
};

/* The rules for all classes of pictures, without the <style> element. */
void svg_write_style(FILE *out);

/* A moment worth a mark, at a value or, without one, at the foot of the picture. */
struct svg_mark {
    int64_t time_ms;
    double value;
    bool has_value;
};

struct svg_series_chart {
    const struct chart_series *const *series;
    size_t series_count; /* the first SVG_SERIES_MAX are drawn */
    const struct svg_axis *axis;
    const struct svg_mark *marks;
    size_t mark_count;
};
#define SVG_SERIES_MAX 8u
void svg_write_series(FILE *out, const struct svg_frame *frame,
                      const struct svg_series_chart *chart);

/* What the values of a picture reach from and to, outliers left aside; they are drawn at the edge.
 */
struct svg_limits {
    double low, high;
    bool cut_low, cut_high; /* something lies beyond */
};
/* False: there is no value. `series_count` at most SVG_SERIES_MAX count. */
bool svg_series_limits(const struct chart_series *const *series, size_t series_count,
                       struct svg_limits *limits);

#define SVG_BARS_MAX 400u
void svg_write_bars(FILE *out, const struct svg_frame *frame, const struct chart_bars *bars);

#define SVG_LANES_MAX 1000u
void svg_write_lanes(FILE *out, const struct svg_frame *frame, const struct chart_lanes *lanes,
                     const struct svg_axis *axis);

/*
 * One lane as an <svg> element that stretches to the width of its place: `columns` (at most
 * SVG_COLUMNS_MAX) steps of equal width. What a step holds of each state is drawn, however short.
 */
#define SVG_COLUMNS_MAX 1000u
void svg_write_lane(FILE *out, const struct chart_lane *lane, const struct svg_axis *axis,
                    unsigned columns, const char *title);

/* Ticks and dates alone, as an <svg> element, for what is drawn above or below them. */
void svg_write_axis(FILE *out, const struct svg_axis *axis, double width, const char *class);

#endif
