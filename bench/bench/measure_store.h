/*
 * measure_store.h - making a store and working on it, each job in a child process.
 *
 * The ingest is the one of mnsdb-ingest: the file source, the pipeline, its bulk upkeep.
 */
#ifndef MNSDB_BENCH_BENCH_MEASURE_STORE_H
#define MNSDB_BENCH_BENCH_MEASURE_STORE_H

#include "bench/bench/child.h"
#include "engine/base/error.h"
#include "engine/store/store.h"

#include <stddef.h>
#include <stdint.h>

struct ingest_job {
    const char *store;
    const char *const *paths; /* recorded sets */
    size_t path_count;
};

struct ingest_figures {
    struct commit_result total;
    uint64_t input_bytes; /* uncompressed */
    uint64_t commits;
    uint64_t file_bytes; /* of the store, afterwards */
    struct child_usage usage;
};

/*
 * Opens (or makes) the store, takes everything in, closes. An input that fails ends it:
 * STATUS_STOPPED.
 */
MUST_CHECK enum status measure_ingest(const struct ingest_job *job, struct ingest_figures *figures,
                                      struct error *err);

struct upkeep_figures {
    uint64_t steps;      /* transactions; a copy: 0 */
    uint64_t file_bytes; /* of the store, or of the copy */
    struct child_usage usage;
};

/* Folds and merges as far as merging goes. */
MUST_CHECK enum status measure_settle(const char *store, struct upkeep_figures *figures,
                                      struct error *err);

/* A compacted copy as the directory `copy`. */
MUST_CHECK enum status measure_copy(const char *store, const char *copy,
                                    struct upkeep_figures *figures, struct error *err);

#endif
