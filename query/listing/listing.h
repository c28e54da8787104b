/*
 * listing.h - `devices`, `metrics`, `last`: what the store knows of each device and metric.
 *
 * Threads: one query a snapshot at a time.
 */
#ifndef MNSDB_QUERY_LISTING_LISTING_H
#define MNSDB_QUERY_LISTING_LISTING_H

#include "engine/base/error.h"
#include "engine/snapshot/snapshot.h"
#include "query/answer/answer.h"
#include "query/selection/selection.h"

#include <stddef.h>

/* Fill an empty answer with the fields of their command, rows by name. */

/* The selection's devices are listed (selection_sort). */
MUST_CHECK enum status devices_query(struct snapshot *snapshot, const struct selection *selection,
                                     struct answer *answer, struct scan_statistics *statistics,
                                     struct error *err);

/* Metrics that have a value in the selection. */
MUST_CHECK enum status metrics_query(struct snapshot *snapshot, const struct selection *selection,
                                     struct answer *answer, struct scan_statistics *statistics,
                                     struct error *err);

struct last_spec {
    const struct selection *selection; /* its devices listed (selection_sort) */
    const struct slice *metrics;       /* names; repeated ones count once */
    size_t metric_count;               /* 0: those that have a value in the selection */
};

MUST_CHECK enum status last_query(struct snapshot *snapshot, const struct last_spec *spec,
                                  struct answer *answer, struct scan_statistics *statistics,
                                  struct error *err);

#endif
