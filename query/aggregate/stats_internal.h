/*
 * stats_internal.h - one `stats` query at work: shared by its scan and its answer.
 */
#ifndef MNSDB_QUERY_AGGREGATE_STATS_INTERNAL_H
#define MNSDB_QUERY_AGGREGATE_STATS_INTERNAL_H

#include "query/aggregate/aggregate.h"
#include "query/aggregate/stats_groups.h"

/* A shown metric that the store knows. */
struct stats_metric {
    uint32_t number; /* the store's */
    uint32_t place;  /* among the shown metrics */
};

/* A value whose end of holding is not known yet, for twa. */
struct held_value {
    struct number value; /* NUMBER_NULL: none */
    int64_t time_ms;
    int64_t until_ms; /* end of its bucket or of the range, whichever comes first */
    size_t entry;
    uint32_t device;
};

struct stats {
    const struct stats_spec *spec;
    struct snapshot *snapshot;
    struct slice *names; /* owned; of the shown metrics, in order of columns */
    size_t name_count;
    struct stats_metric *metrics; /* owned; by number */
    uint32_t *numbers;            /* owned; the same numbers, for the scan */
    size_t metric_count;
    struct held_value *held; /* owned; by place; for twa */
    struct accumulator_needs needs;
    bool needs_sum;               /* sum, avg or twa: a summary must carry it */
    int64_t held_until_ms;        /* `to`, or the store's last business time */
    struct bucket_grid grid;      /* with buckets */
    struct bucket bucket;         /* the one looked at last */
    struct product_list products; /* by product */
    struct stats_groups groups;
};

/* Reads the selection's rows into the groups. */
MUST_CHECK enum status stats_scan(struct stats *stats, struct scan_statistics *statistics,
                                  struct error *err);

/* First and last row of the selection, whatever their metrics; *found is false if there is none. */
MUST_CHECK enum status stats_find_span(struct stats *stats, struct time_range *span, bool *found,
                                       struct scan_statistics *statistics, struct error *err);

/* The rows of the answer, from the groups. */
MUST_CHECK enum status stats_answer(struct stats *stats, struct answer *answer,
                                    struct scan_statistics *statistics, struct error *err);

#endif
