/*
 * excursion.h - how long the values of metrics lay above or below limits, and when.
 *
 *      value     28      31   33        29      32
 *      row       |       |    |         |       |
 *      above 30  ........=================......=======...
 *      unknown ^         ^ excursion    ^       ^ still open
 *
 * The state machine is that of online and offline (query/timeline): a row of the device that
 * has the metric is an event, "online" where its value is beyond the limit.
 *
 * 1. Beyond means strictly above, or strictly below, compared as exact decimals.
 * 2. A value holds until the next row of its device that has the metric; with a hold time no
 *    longer than that. Before the first value, and where a hold has run out, nothing is known.
 * 3. The state is carried into a range from before it.
 * 4. beyond + not beyond + unknown = the range, exactly; times add up over any split of it.
 * 5. Missing bounds are the store's first and last business time, as for `online`.
 *
 * Rows that the selection's filter refuses are as if they were not there.
 *
 * Threads: one query a snapshot at a time.
 */
#ifndef MNSDB_QUERY_EXCURSION_EXCURSION_H
#define MNSDB_QUERY_EXCURSION_EXCURSION_H

#include "engine/base/error.h"
#include "engine/number/number.h"
#include "engine/snapshot/snapshot.h"
#include "query/answer/answer.h"
#include "query/bucket/bucket.h"
#include "query/selection/selection.h"
#include "query/timeline/timeline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum excursion_side {
    EXCURSION_ABOVE,
    EXCURSION_BELOW,
};

struct excursion_limit {
    enum excursion_side side;
    struct number value;
};

#define EXCURSION_LIMITS_MAX 16u

struct excursion_limits {
    struct excursion_limit items[EXCURSION_LIMITS_MAX];
    size_t count;
};

/* "above", "below" */
const char *excursion_side_word(enum excursion_side side);

/* Adds a limit, an equal one only once. STATUS_INPUT: no number, or too many of them. */
MUST_CHECK enum status excursion_limits_add(struct excursion_limits *limits,
                                            enum excursion_side side, const char *text,
                                            struct error *err);

enum excursion_by {
    EXCURSION_BY_NONE,
    EXCURSION_BY_DEVICE,
    EXCURSION_BY_PRODUCT,
};

/* The most buckets a range may be cut into. */
#define EXCURSION_BUCKETS_MAX ((size_t)1 << 24)

struct excursion_spec {
    const struct selection *selection; /* its devices listed (selection_sort) */
    const struct slice *metrics;       /* names; repeated ones count once */
    size_t metric_count;
    const struct excursion_limits *limits; /* one at least */
    bool has_hold;
    int64_t hold_ms;                  /* if has_hold; above 0 */
    const struct bucket_width *every; /* NULL: no buckets; the list has none */
    const struct civil_zone *zone;    /* of the buckets */
    enum excursion_by by;             /* the list is by device */
    bool all_buckets;                 /* rows also where nothing is known */
};

/*
 * Fills an empty answer: [device|product], [time], then for each metric <metric>_unknown_ms and
 * for each limit <metric>_above_<limit>_ms, ..._share (of the known time; null without), ..._times,
 * ..._longest_ms. Rows by name and time, of groups and buckets where something is known.
 */
MUST_CHECK enum status excursion_query(struct snapshot *snapshot, const struct excursion_spec *spec,
                                       struct answer *answer, struct scan_statistics *statistics,
                                       struct error *err);

/* Fills an empty answer with the excursions that meet the range, rows by start and device. */
MUST_CHECK enum status excursion_list_query(struct snapshot *snapshot,
                                            const struct excursion_spec *spec,
                                            struct answer *answer,
                                            struct scan_statistics *statistics, struct error *err);

/* --- one series ---------------------------------------------------------------------------- */

struct excursion_reading {
    int64_t time_ms;
    struct number value; /* not NULL */
};

/* The readings of one device and metric, in order, and what becomes of them. */
struct excursion_series {
    struct excursion_reading *readings; /* owned */
    size_t count, capacity;
    struct status_event *events; /* owned; of the timeline at hand */
    size_t event_capacity;
};

void excursion_series_release(struct excursion_series *series);

/*
 * The timeline of a limit, online being beyond; of no limit (NULL): online where a value is
 * known, which only a hold time makes end. `has_hold` and `hold_ms` as in the spec.
 */
MUST_CHECK enum status excursion_timeline(struct excursion_series *series,
                                          const struct excursion_limit *limit, bool has_hold,
                                          int64_t hold_ms, struct timeline *timeline,
                                          struct error *err);

#endif
