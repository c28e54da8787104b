/*
 * aggregate.h - `stats`: aggregates of metrics over groups and buckets.
 *
 *      selection ──scan──▶ groups x buckets x metrics ──▶ answer, a row a group and bucket
 *
 * Sums, extremes and percentiles are exact; averages, deviations and time-weighted
 * averages are the double nearest to the exact result. Whole parts and blocks inside one
 * group and bucket are answered from their summaries where the aggregates allow it.
 *
 * Threads: one query a snapshot at a time.
 */
#ifndef MNSDB_QUERY_AGGREGATE_AGGREGATE_H
#define MNSDB_QUERY_AGGREGATE_AGGREGATE_H

#include "engine/base/error.h"
#include "engine/number/number.h"
#include "engine/snapshot/snapshot.h"
#include "query/answer/answer.h"
#include "query/bucket/bucket.h"
#include "query/selection/selection.h"

#include <stddef.h>

enum aggregate_kind {
    AGGREGATE_COUNT,
    AGGREGATE_SUM,
    AGGREGATE_AVG,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_FIRST,
    AGGREGATE_LAST,
    AGGREGATE_SPREAD,
    AGGREGATE_STDDEV,
    AGGREGATE_MEDIAN,
    AGGREGATE_PERCENTILE,
    AGGREGATE_MIN_TIME,
    AGGREGATE_MAX_TIME,
    AGGREGATE_TWA,
};

#define AGGREGATE_NAME_BYTES 48u
#define AGGREGATES_MAX       64u

struct aggregate {
    enum aggregate_kind kind;
    struct number percent;           /* AGGREGATE_MEDIAN, AGGREGATE_PERCENTILE */
    char name[AGGREGATE_NAME_BYTES]; /* as given: "p99.9" */
};

struct aggregate_list {
    struct aggregate items[AGGREGATES_MAX];
    size_t count;
};

/* "count,avg,p99.9": names between commas. STATUS_INPUT says what is wrong. */
MUST_CHECK enum status aggregate_list_parse(const char *text, struct aggregate_list *list,
                                            struct error *err);

enum stats_by {
    STATS_BY_NONE,
    STATS_BY_DEVICE,
    STATS_BY_PRODUCT,
};

enum stats_fill {
    STATS_FILL_NONE,
    STATS_FILL_NULL,
    STATS_FILL_ZERO,
    STATS_FILL_PREV,
    STATS_FILL_LINEAR,
};

/* The most buckets a group may be filled to. */
#define STATS_FILL_BUCKETS_MAX ((size_t)1 << 24)

struct stats_spec {
    const struct selection *selection;
    const struct slice *metrics; /* names; repeated ones count once */
    size_t metric_count;         /* 0: the default metrics */
    const struct aggregate_list *aggregates;
    const struct bucket_width *every; /* NULL: no buckets */
    const struct civil_zone *zone;    /* of the buckets */
    enum stats_by by;
    enum stats_fill fill; /* with buckets */
    /*
     * Percentiles of all: with so many blocks that may hold them, it is guessed first where they
     * lie. 0: from where it pays.
     */
    uint32_t guess_blocks;
};

/*
 * Fills an empty answer with the fields of `stats`, rows by name and time. Reads the
 * snapshot; names in it are copies or the snapshot's own.
 */
MUST_CHECK enum status stats_query(struct snapshot *snapshot, const struct stats_spec *spec,
                                   struct answer *answer, struct scan_statistics *statistics,
                                   struct error *err);

#endif
