/*
 * plot.h - charts as text: lines with a band, bars, timelines of devices, sparklines.
 *
 *      24 ┤    ⢀⡠⠤⣀              tag-1  ████▅▁▁▁▁███████  93.10%
 *      22 ┤⡠⠔⠒⠁    ⠑⠢⢄  ⡠       tag-2  ····▇███████████  98.74%
 *      20 ┤            ⠑⠊               └┬───────┬───────
 *         └┬──────┬──────┬               16 May  12:00        ▁▂▅▇█▆▃▂ ▁▂
 *
 * A picture is as wide as the screen and never wider. With UTF-8 lines are of braille (2 x 4
 * dots a character) and bars of blocks in eighths; without, of plain ASCII. Gaps stay empty.
 * Pictures are appended to a buffer: nothing is written while a store is held.
 *
 * All functions return STATUS_NOMEM or STATUS_OK. Threads: plain functions.
 */
#ifndef MNSDB_QUERY_PLOT_PLOT_H
#define MNSDB_QUERY_PLOT_PLOT_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "query/chart/chart.h"
#include "query/screen/screen.h"

#include <stdbool.h>
#include <stdint.h>

/* Where and how pictures are drawn. */
struct plot {
    const struct screen *screen;
    const struct civil_zone *zone; /* of the axis of time */
    struct buffer *out;
};

enum plot_kind {
    PLOT_LINE, /* scaled to the values */
    PLOT_BARS, /* from zero */
};

struct plot_frame {
    int64_t from_ms, until_ms; /* the axis of time; from_ms < until_ms (asserted) */
    size_t rows;               /* of the picture without title and axis; at least 3 */
    enum plot_kind kind;
    const char *every; /* width of a bucket as given: "1h" */
};

/* One series over time: title, value axis, picture, axis of time, and a line that reads it. */
MUST_CHECK enum status plot_series(const struct plot *plot, const struct chart_series *series,
                                   const struct plot_frame *frame);

/* A row a group: from low to high with a mark at the value, or bars from zero. */
MUST_CHECK enum status plot_bars(const struct plot *plot, const struct chart_bars *bars,
                                 enum plot_kind kind);

/* What stands to the right of a lane, where there is room. */
enum plot_summary {
    PLOT_SUMMARY_ONLINE,   /* availability, outages, the longest outage */
    PLOT_SUMMARY_SESSIONS, /* sessions, the longest session */
};

/* A row a device; each column is a slice of time and never hides an outage inside it. */
MUST_CHECK enum status plot_lanes(const struct plot *plot, const struct chart_lanes *lanes,
                                  enum plot_summary summary);

struct plot_spark_frame {
    int64_t from_ms, until_ms; /* from_ms < until_ms (asserted) */
    size_t columns;
};

/* What the lowest and the highest character of a sparkline stand for. */
struct plot_spark_scale {
    bool has_values;
    double low, high;
};

/*
 * A line of characters scaled to its own least and greatest value, with blanks where there is
 * none. Each is the mean of the values in its slice of time.
 */
MUST_CHECK enum status plot_spark(const struct screen *screen, struct buffer *out,
                                  const struct chart_series *series,
                                  const struct plot_spark_frame *frame,
                                  struct plot_spark_scale *scale);

/* A line of text, escaped and cut to the screen. */
MUST_CHECK enum status plot_line(const struct plot *plot, enum screen_colour colour,
                                 struct slice text);

#endif
