/*
 * gaps_internal.h - reports of devices, as two scans see them.
 */
#ifndef MNSDB_QUERY_GAPS_GAPS_INTERNAL_H
#define MNSDB_QUERY_GAPS_GAPS_INTERNAL_H

#include "query/gaps/gaps.h"

/* What to scan, found out once. */
struct gaps_plan {
    const struct gaps_spec *spec;
    uint32_t *metrics; /* owned; numbers, ascending */
    uint32_t metric_count;
    bool no_rows; /* the store has none of the metrics, or the range is empty */
    struct device_places places;
    uint32_t *ranks; /* owned; by place: index in the selection's list */
};

MUST_CHECK enum status gaps_plan_init(struct gaps_plan *plan, const struct snapshot *snapshot,
                                      const struct gaps_spec *spec);
void gaps_plan_release(struct gaps_plan *plan);

/* Whoever follows the reports of devices, one device after the other. */
struct report_visitor {
    void *context;
    enum status (*row)(void *context, uint32_t rank); /* a reading; may be NULL */
    enum status (*report)(void *context, uint32_t rank, int64_t time_ms);
};

MUST_CHECK enum status gaps_scan(struct snapshot *snapshot, const struct gaps_plan *plan,
                                 const struct report_visitor *visitor,
                                 struct scan_statistics *statistics, struct error *err);

#endif
