/*
 * report_internal.h - what a report holds between reading and writing.
 */
#ifndef MNSDB_QUERY_REPORT_REPORT_INTERNAL_H
#define MNSDB_QUERY_REPORT_REPORT_INTERNAL_H

#include "query/aggregate/aggregate.h"
#include "query/answer/answer.h"
#include "query/chart/chart.h"
#include "query/findings/findings.h"
#include "query/gaps/gaps.h"
#include "query/report/report.h"
#include "query/svg/svg.h"

#include <stdbool.h>
#include <stdint.h>

/* --- availability -------------------------------------------------------------------------- */

/* What the lane of a device tells. */
enum report_basis {
    BASIS_STATUS,   /* when it was online, by its status events */
    BASIS_READINGS, /* no state is known: when its readings cover the time, held as online */
    BASIS_NONE,     /* nothing */
};

/* A device, beside its lane of the same index. */
struct report_device {
    enum report_basis basis;
    enum timeline_state state; /* at the end; unknown but by status events */
    int64_t since_ms;          /* if the state is known */
    uint32_t product;          /* index in report_online.products */
    uint32_t rank;             /* 0: the worst */
};

/* A product: its devices, worst first, are order[first ... first + count). */
struct report_product {
    struct slice name;
    struct timeline_span total;   /* of devices with a known state, summed up */
    struct timeline_span covered; /* of devices told by their readings */
    uint32_t first, count;
    uint32_t known;       /* devices with a known state */
    uint32_t by_readings; /* devices told by their readings */
};

struct report_online {
    struct chart_lanes lanes;
    struct report_device *devices;   /* owned; by lane */
    uint32_t *ranking;               /* owned; lanes by basis, of each the worst first */
    uint32_t *order;                 /* owned; lanes by product, worst product first */
    struct report_product *products; /* owned; in that order */
    size_t product_count;
    struct timeline_span total, covered;
    uint32_t known, by_readings;
    struct svg_axis axis;
};

/* --- readings ------------------------------------------------------------------------------ */

/* An hour of a metric over all devices. */
struct report_hour {
    bool found;
    int64_t from_ms, until_ms;
    struct exact_value average, most, least;
    uint64_t count;
    struct slice device; /* with the highest average (or the lowest) in it; snapshot's */
    struct exact_value device_average;
};

struct report_metric {
    struct slice name;
    struct report_hour highest;   /* by average */
    struct report_hour set_aside; /* the highest that holds what cannot be */
    size_t set_aside_count;
    struct slice least_device, most_device; /* of the extremes; may be empty */
    struct svg_mark *marks;                 /* owned; findings about it */
    size_t mark_count, mark_capacity;
};

/* Columns of the answers, for each metric in turn. */
enum total_column {
    TOTAL_COUNT,
    TOTAL_MIN,
    TOTAL_AVG,
    TOTAL_MEDIAN,
    TOTAL_P95,
    TOTAL_MAX,
    TOTAL_MIN_TIME,
    TOTAL_MAX_TIME,
    TOTAL_COLUMNS,
};
#define REPORT_TOTALS "count,min,avg,median,p95,max,min_time,max_time"

enum bucket_column {
    BUCKET_COUNT,
    BUCKET_MIN,
    BUCKET_AVG,
    BUCKET_MAX,
    BUCKET_COLUMNS,
};
#define REPORT_BUCKETS "count,min,avg,max"

struct report_readings {
    struct slice *names; /* owned array */
    size_t count;
    struct report_metric *metrics; /* owned */
    struct answer totals;          /* one row */
    struct answer by_device;       /* a row a device: name, then columns as of buckets */
    struct chart chart;            /* a measure a metric */
    const char *every;             /* width of its buckets, as --every has it */
    struct svg_axis axis;
};

/* --- the rest ------------------------------------------------------------------------------ */

#define REPORT_DETAIL_BYTES 120u

struct report_rejects {
    uint64_t count;
    int64_t first_ms, last_ms;        /* of arrival */
    char detail[REPORT_DETAIL_BYTES]; /* of the newest that has one */
};

struct report {
    const struct report_spec *spec; /* borrowed */
    struct selection_spec request;
    const struct snapshot *snapshot; /* for its names, counters and settings */
    struct store_counters counters;  /* as of the reading */
    bool has_range;                  /* false: the store has no row */
    struct time_range range;
    uint64_t rows[TABLE_COUNT]; /* in range and selected */
    uint32_t active_devices;    /* with any of these */
    struct report_online online;
    struct report_readings readings;
    struct finding_list findings;
    uint64_t severities[SEVERITY_COUNT]; /* of findings */
    uint64_t kinds[FINDING_KIND_COUNT];
    struct gaps gaps;
    uint32_t *gap_order; /* owned; gaps.devices, least covered first */
    struct report_rejects rejects[REJECT_REASON_COUNT];
    uint64_t reject_count;
};

/* Each fills its part of the report. */
MUST_CHECK enum status report_collect_online(struct report *report, struct snapshot *snapshot,
                                             struct scan_statistics *statistics, struct error *err);
MUST_CHECK enum status report_collect_readings(struct report *report, struct snapshot *snapshot,
                                               struct scan_statistics *statistics,
                                               struct error *err);
MUST_CHECK enum status report_collect_checks(struct report *report, struct snapshot *snapshot,
                                             struct scan_statistics *statistics, struct error *err);
/* Coverage and gaps of every device; then, if needed, all gaps of all devices. */
MUST_CHECK enum status report_collect_gaps(struct report *report, struct snapshot *snapshot,
                                           struct scan_statistics *statistics, struct error *err);
MUST_CHECK enum status report_collect_gap_list(struct report *report, struct snapshot *snapshot,
                                               struct scan_statistics *statistics,
                                               struct error *err);
/*
 * When readings of the index-th device cover the time, as a timeline. Its gaps are those from the
 * `first_gap`-th on in the list.
 */
MUST_CHECK enum status report_cover(const struct report *report, uint32_t index, size_t first_gap,
                                    struct timeline *covered, struct error *err);
void report_release_checks(struct report *report);
void report_release_gaps(struct report *report);
void report_release_online(struct report_online *online);
void report_release_readings(struct report_readings *readings);

/* The cell of a metric in a row of totals, by_device (offset 1) and the like. */
static inline const struct answer_cell *report_cell(const struct answer_cell *row, size_t offset,
                                                    size_t metric, size_t columns, size_t column)
{
    return &row[offset + metric * columns + column];
}

/* --- writing ------------------------------------------------------------------------------- */

/* A section of the page. */
void report_write_head(const struct report *report, FILE *out);
void report_write_overview(const struct report *report, FILE *out);
/* Coverage of listed devices as a table: `shown` of them at once, more in a fold. */
void report_write_coverage(const struct report *report, const char *id, const uint32_t *devices,
                           size_t count, size_t shown, FILE *out);
void report_write_availability(const struct report *report, FILE *out);
void report_write_timeline(const struct report *report, FILE *out);
void report_write_readings(const struct report *report, FILE *out);
void report_write_findings(const struct report *report, FILE *out);
void report_write_gaps(const struct report *report, FILE *out);
void report_write_rejects(const struct report *report, FILE *out);
void report_write_method(const struct report *report, FILE *out);

/* Cards of the overview. */
void report_open_card(FILE *out, const char *id, const char *title);
void report_close_big(FILE *out); /* the answer is told; what explains it follows */
void report_close_card(FILE *out);
/* Where report_is_by_readings: the worst device, its longest silence. */
void report_put_coverage_cards(const struct report *report, FILE *out);
/* Else: the worst of the devices without a known state, if there are any. */
void report_put_coverage_card(const struct report *report, FILE *out);

/* What coverage means, in words. */
void report_put_coverage_rule(FILE *out);

/* Pieces of them: each an element with its exact value for programs, and a text for people. */
void report_put_name(FILE *out, struct slice name);
void report_put_time(FILE *out, const struct civil_zone *zone, int64_t time_ms);
void report_put_duration(FILE *out, int64_t duration_ms);
void report_put_count(FILE *out, uint64_t count);
void report_put_share(FILE *out, uint64_t part, uint64_t whole); /* "97.21 %"; whole is not 0 */
void report_put_value(FILE *out, struct exact_value value);

/* "97.21 %" for plain text; "no state known" if the whole is 0. */
#define REPORT_SHARE_BYTES 24u
const char *report_share_text(uint64_t part, uint64_t whole, char text[REPORT_SHARE_BYTES]);

/* It has a coverage, be it 0. */
static inline bool report_has_coverage(const struct device_gaps *device)
{
    return device->covered_ms >= 0 && device->end_ms > device->begin_ms;
}

/* No state of any device is known: readings tell which one drops out. */
static inline bool report_is_by_readings(const struct report *report)
{
    return report->online.known == 0 && report->online.by_readings > 0;
}

/* online + offline */
static inline uint64_t report_known_ms(const struct timeline_span *span)
{
    return (uint64_t)span->online_ms + (uint64_t)span->offline_ms;
}

#endif
