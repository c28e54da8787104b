/*
 * measure_queries.h - how long the queries take on a store as it is now.
 *
 * In process: each run is snapshot_resume, the query from names to finished rows,
 * snapshot_pause. As a call: starting mnsdb until it has ended, its output thrown away.
 */
#ifndef MNSDB_BENCH_BENCH_MEASURE_QUERIES_H
#define MNSDB_BENCH_BENCH_MEASURE_QUERIES_H

#include "bench/bench/query_set.h"
#include "bench/bench/timing.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query_figures {
    struct timing in_process;
    struct timing call; /* runs 0: mnsdb was not there */
    uint64_t rows;
    uint64_t digest; /* of the answer as CSV: equal answers, equal digests */
    struct scan_statistics statistics;
};

/* All queries on one state of a store. */
struct query_phase {
    const char *name; /* "as ingested" */
    uint64_t file_bytes;
    uint64_t parts; /* of the readings */
    double
        cached_share; /* of the file in the page cache, before the first query; negative: unknown */
    struct timing call_start; /* mnsdb --version: what any call costs */
    struct query_figures queries[QUERY_SET_COUNT];
};

struct query_job {
    const char *store;
    const char *device;  /* NULL: one in the middle */
    const char *program; /* path of mnsdb; NULL: no calls */
    size_t runs;         /* after a first one */
    uint32_t query_bits; /* which of query_set, bit by bit */
};

/* Whether the query was measured. */
static inline bool query_was_asked(const struct query_figures *figures)
{
    return figures->in_process.runs > 0;
}

/* One run, in process, from a fresh commit of the paused snapshot to finished rows. */
MUST_CHECK enum status query_run(struct snapshot *snapshot, const struct query_target *target,
                                 const struct query_definition *query,
                                 struct query_outcome *outcome, struct error *err);

/* One whole call of mnsdb, whose path is `program`. */
MUST_CHECK enum status query_call(const char *program, const char *store,
                                  const struct query_target *target,
                                  const struct query_definition *query, struct error *err);

/* Fills in `phase` but for its name, and `target` for the caller to release. */
MUST_CHECK enum status measure_queries(const struct query_job *job, struct query_target *target,
                                       struct query_phase *phase, struct error *err);

#endif
