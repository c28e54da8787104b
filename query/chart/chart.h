/*
 * chart.h - pictures as pure data: series, bars, lanes and scales. No terminal and no SVG.
 *
 *      answer of stats with buckets ──▶ struct chart_series   lines with a band over time
 *      answer of stats without      ──▶ struct chart_bars     one bar a group
 *      timelines of devices         ──▶ struct chart_lanes    online, offline, unknown
 *
 *      value scale   nice steps of 1, 2, 5 times a power of ten
 *      time scale    ticks of the calendar in a zone: 06:00, 16 May, Jun, 2019
 *
 * Values are doubles: a picture rounds to a pixel anyway. Labels are bytes as
 * sent, never printed raw. Spans of time are [from_ms, until_ms).
 *
 * Gaps: buckets without values are absent, or present with has_value false. A line joins two
 * points only if chart_points_join says so.
 *
 * Life cycle: zero-initialise -> build -> read -> release. Texts live in the object's arena.
 * Threads:    one at a time; read-only once built.
 */
#ifndef MNSDB_QUERY_CHART_CHART_H
#define MNSDB_QUERY_CHART_CHART_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "query/aggregate/aggregate.h"
#include "query/answer/answer.h"
#include "query/timeline/timeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- values of stats ----------------------------------------------------------------------- */

struct chart_value {
    double value, low, high;
    bool has_value;
    bool has_band; /* low and high; low <= value <= high is not promised (a median, a sum) */
};

struct chart_point {
    int64_t from_ms, until_ms; /* its bucket */
    struct chart_value at;
};

/* What is drawn of a metric: "temperature", avg, with a band of min and max. */
struct chart_measure {
    struct slice metric;    /* bytes as sent */
    struct slice name;      /* of the aggregate: "avg" */
    struct slice low, high; /* of the band: "min", "max"; empty: no band */
    const char *unit;       /* "readings" of counts; "" of metrics, whose messages tell none */
};

struct chart_series {
    struct slice label; /* the group: a device or product, bytes as sent; empty: everything */
    struct chart_measure measure;
    struct chart_point *points; /* owned by the chart; by time, no two of one bucket */
    size_t point_count, point_capacity;
};

struct chart_bar {
    struct slice label;
    struct chart_value at;
};

/* The same measure of all groups. */
struct chart_bars {
    struct chart_measure measure;
    struct chart_bar *bars; /* owned by the chart; in the answer's order */
    size_t bar_count;
};

struct chart {
    struct arena arena;
    struct chart_measure *measures; /* owned */
    size_t measure_count; /* metric_count * measures of one metric; these stand together */
    size_t metric_count;
    /* With buckets: group * measure_count + measure; groups as the answer first shows them. */
    struct chart_series *series; /* owned */
    size_t group_count;
    struct chart_bars *bars; /* owned; without buckets: one a measure, a bar a group */
    struct slice *groups;    /* owned; labels; one that is empty where there is no grouping */
    size_t group_capacity;
    uint32_t *group_slots; /* owned; open addressing, group + 1 */
    size_t group_slot_count;
    int64_t from_ms, until_ms; /* the axis: the selection's bounds, else all buckets; equal: none */
};

/*
 * Builds the chart of the shown rows of an answer that stats_query made for `spec`. With an average
 * (else time-weighted average, median, or the first aggregate that is a number) a metric's
 * measure has min and max as its band if both are there; each aggregate left over is a measure of
 * its own, counts only where there is nothing else. Times of extremes are no measures.
 */
MUST_CHECK enum status chart_from_stats(struct chart *chart, const struct answer *answer,
                                        const struct stats_spec *spec, struct error *err);
void chart_release(struct chart *chart);

/* The series of a group and measure. */
const struct chart_series *chart_series_at(const struct chart *chart, size_t group, size_t measure);

/* The place of a group; SIZE_MAX: the answer did not show it. */
size_t chart_find_group(const struct chart *chart, struct slice label);

/* True if a line may join two neighbours: both have values, and no bucket lies between. */
bool chart_points_join(const struct chart_point *before, const struct chart_point *behind);

/*
 * Leaves outliers out of `*low` and `*high`, which hold what chart_points_extent found: one faulty
 * reading must not flatten a picture. Nine of ten points span what is usual; what lies more than
 * CHART_OUTLIER_SPANS times that span beyond it is an outlier, and is drawn at the edge, half a
 * span beyond the usual. Whoever cuts says so.
 */
#define CHART_OUTLIER_SPANS 2
MUST_CHECK enum status chart_points_typical(const struct chart_point *points, size_t count,
                                            double *low, double *high);

/* The least and greatest of all that is drawn, bands included. False: no value at all. */
bool chart_points_extent(const struct chart_point *points, size_t count, double *low, double *high);

/* --- timelines ----------------------------------------------------------------------------- */

struct chart_span {
    int64_t from_ms, until_ms;
    enum timeline_state state;
};

struct chart_lane {
    struct slice label;       /* the device, bytes as sent */
    struct chart_span *spans; /* owned by the lanes; without gaps, neighbours differ */
    size_t span_count;
    struct timeline_span total; /* durations and counts over the range */
    int64_t longest_outage_ms;  /* offline, inside the range; 0: none */
    int64_t longest_outage_at_ms;
    uint64_t outages;
};

struct chart_lanes {
    struct arena arena;
    struct chart_lane *lanes; /* owned */
    size_t count, capacity;
    size_t hidden;             /* devices that have no lane here; for the title */
    int64_t from_ms, until_ms; /* set before the first is added */
};

/* Appends the part of a timeline that lies in the range. */
MUST_CHECK enum status chart_lanes_add(struct chart_lanes *lanes, struct slice label,
                                       const struct timeline *timeline, struct error *err);
void chart_lanes_release(struct chart_lanes *lanes);

/* How long a lane is in each state (by enum timeline_state) between two instants. */
#define CHART_STATES 3u
void chart_lane_shares(const struct chart_lane *lane, int64_t from_ms, int64_t until_ms,
                       int64_t held_ms[CHART_STATES]);

/* --- scale of values ----------------------------------------------------------------------- */

#define CHART_TEXT_BYTES 32u

/* Ticks at first + i * step, i < tick_count; low <= all that is drawn <= high. */
struct chart_value_scale {
    double low, high; /* first and last tick */
    double step;
    size_t tick_count; /* at least 2 */
};

/*
 * Rounds [low, high] outwards to at most `ticks_max` (at least 3) nice ticks. Equal values get room
 * around them; `with_zero` extends the range to 0, as bars want.
 */
struct chart_value_scale chart_value_scale_make(double low, double high, size_t ticks_max,
                                                bool with_zero);
double chart_value_tick(const struct chart_value_scale *scale, size_t i);
/* Where a value lies between low and high, 0 ... 1 (clamped). */
double chart_value_share(const struct chart_value_scale *scale, double value);
/* With as many decimals as the step needs: "21.5", "1.2M", "3e-07". Returns `text`. */
const char *chart_value_format(const struct chart_value_scale *scale, double value,
                               char text[CHART_TEXT_BYTES]);
/* A value by itself, to about four significant digits. */
const char *chart_number_format(double value, char text[CHART_TEXT_BYTES]);

/* --- scale of time ------------------------------------------------------------------------- */

struct chart_tick {
    int64_t time_ms;
    bool major; /* the first of a larger unit: midnight among hours, January among months */
    char text[CHART_TEXT_BYTES]; /* "06:00", "16 May", "2019": ASCII */
};

#define CHART_TICKS_MAX 64u

/*
 * At most `ticks_max` (1 ... CHART_TICKS_MAX) calendar ticks of the zone in [from_ms, until_ms):
 * steps of seconds, minutes, hours, days, weeks (Mondays), months or years. An hour that occurs
 * twice has its ticks twice when the step is an hour or less.
 */
size_t chart_time_ticks(const struct civil_zone *zone, int64_t from_ms, int64_t until_ms,
                        size_t ticks_max, struct chart_tick ticks[CHART_TICKS_MAX]);

/* "2018-05-16 05:00 to 2018-05-17 (Europe/Berlin)": no more digits than the bounds need. */
#define CHART_RANGE_BYTES 160u
const char *chart_range_format(const struct civil_zone *zone, int64_t from_ms, int64_t until_ms,
                               char text[CHART_RANGE_BYTES]);

#endif
