/*
 * gaps.h - how complete the readings of devices are: the usual interval, coverage, gaps.
 *
 *      reports   |  |  |           |  |  |            reading times of one device
 *      reach     ---------...      ---------...       each report covers so much at most
 *      gap               [-- start ... end --)        from a report to the next, if longer
 *      span     [begin                        end)
 *
 * Readings that begin less than GAPS_REPORT_MS after the first of a report belong to it: devices
 * that send each metric in a message of its own report once, not four times.
 *
 * usual    the lower median of the intervals between reports of the device
 * reach    the length asked for; else factor * usual, cut to whole milliseconds
 * span     begins at the range's `from` if that is given, else at the device's first report;
 *          ends at `to`, else at the store's last business time
 * covered  sum over reports of min(time to the next report or to the span's end, reach)
 * gap      an interval longer than the reach: between reports, from a given `from` to the first
 *          report, from the last report to the end of the span
 *
 * Without a report a given range is one gap (if it is longer than the length asked for); the
 * reach is then that length, or 0.
 *
 * Nothing is carried in from before the range. Memory goes by devices, and by different intervals
 * of one device.
 *
 * Threads: one query a snapshot at a time.
 */
#ifndef MNSDB_QUERY_GAPS_GAPS_H
#define MNSDB_QUERY_GAPS_GAPS_H

#include "engine/base/error.h"
#include "engine/snapshot/snapshot.h"
#include "query/answer/answer.h"
#include "query/selection/selection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GAPS_REPORT_MS        INT64_C(1000)
#define GAPS_FACTOR_MILLI     3000u /* without --factor: 3 usual intervals */
#define GAPS_FACTOR_MILLI_MAX 1000000000u

/*
 * From a time to a later one; INT64_MAX where it is more. Times of messages are of a century, but a
 * store can be made to hold any.
 */
static inline int64_t gaps_between(int64_t from_ms, int64_t until_ms)
{
    int64_t length_ms = 0;
    return __builtin_sub_overflow(until_ms, from_ms, &length_ms) ? INT64_MAX : length_ms;
}

struct gaps_spec {
    const struct selection *selection; /* its devices listed (selection_sort) */
    const struct slice *metrics;       /* only rows with any of these count; none: all rows */
    size_t metric_count;
    uint32_t factor_milli;  /* thousandths of the usual interval; 0: GAPS_FACTOR_MILLI */
    int64_t longer_than_ms; /* 0: factor times the usual interval */
};

/* [start_ms, until_ms) between two reports, or a report and an end of the span. */
struct gap {
    int64_t start_ms;
    int64_t until_ms;
    uint32_t device;
    bool at_begin; /* no report before it */
    bool at_end;   /* no report after it */
};

/* One device; figures that do not exist are -1. */
struct device_gaps {
    uint64_t readings; /* rows */
    uint64_t reports;
    int64_t first_ms, last_ms; /* of the reports; if there are any */
    int64_t begin_ms, end_ms;  /* the span; equal without reports and without a given range */
    int64_t usual_ms;          /* -1: fewer than two reports */
    int64_t reach_ms;          /* -1: no usual interval to multiply */
    int64_t covered_ms;        /* -1: no reach */
    uint64_t gap_count;
    bool has_largest;   /* there is an interval at all */
    struct gap largest; /* the earliest of the longest intervals, be it a gap or not */
    uint32_t device;
};

struct gaps {
    struct device_gaps *devices; /* owned; one for each selected device, in the selection's order */
    size_t device_count;
    struct gap *list; /* owned; gaps_list: by device in that order, then start */
    size_t list_count, list_capacity;
};

/* The figures of every device; `gaps` is zero-initialised, released by the caller. */
MUST_CHECK enum status gaps_query(struct snapshot *snapshot, const struct gaps_spec *spec,
                                  struct gaps *gaps, struct scan_statistics *statistics,
                                  struct error *err);
/* After gaps_query, of the same snapshot: fills in the list. A second scan. */
MUST_CHECK enum status gaps_list(struct snapshot *snapshot, const struct gaps_spec *spec,
                                 struct gaps *gaps, struct scan_statistics *statistics,
                                 struct error *err);
void gaps_release(struct gaps *gaps);

/* covered / (end - begin), exact_null where there is none. */
struct exact_value device_gaps_coverage(const struct device_gaps *device);

/* Empty answers become the rows of `mnsdb gaps`, and of `mnsdb gaps --list`. */
MUST_CHECK enum status gaps_answer(const struct snapshot *snapshot, const struct gaps *gaps,
                                   struct answer *answer, struct error *err);
MUST_CHECK enum status gaps_list_answer(const struct snapshot *snapshot, const struct gaps *gaps,
                                        struct answer *answer, struct error *err);

#endif
