/*
 * log.h - `log`: rows and events of all devices in order of (time, message id).
 *
 *      scan ──▶ records in memory ──▶ sorted runs in a temporary file ──▶ merged, row by row
 *                    (at most LOG_MEMORY_BYTES)   (only if there are more)
 *
 * Collecting reads the snapshot; reading the log needs its names only, so the
 * snapshot is paused before anything is written. The temporary file has no name:
 * it goes with the process.
 *
 * Life cycle: collect -> add_columns -> next* -> release.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_LOG_LOG_H
#define MNSDB_QUERY_LOG_LOG_H

#include "engine/base/error.h"
#include "engine/snapshot/snapshot.h"
#include "query/answer/answer.h"
#include "query/selection/selection.h"

#include <stdbool.h>
#include <stdint.h>

/* Records held before a run is written out; their keys take as much again at most. */
#define LOG_MEMORY_BYTES ((size_t)64 << 20)

struct log_spec {
    const struct selection *selection;
    bool newest_first; /* by time descending; ids still ascend within one millisecond */
    bool has_limit;
    uint64_t limit;      /* rows, if has_limit */
    size_t memory_bytes; /* 0: LOG_MEMORY_BYTES */
};

struct log;

/* On failure nothing is left to release. */
MUST_CHECK enum status log_collect(struct log **log, struct snapshot *snapshot,
                                   const struct log_spec *spec, struct scan_statistics *statistics,
                                   struct error *err);
void log_release(struct log *log); /* NULL is fine */

/* The fields of `log`: fixed ones, then a column for each metric of the selection, by name. */
MUST_CHECK enum status log_add_columns(struct log *log, struct answer *answer, struct error *err);

/* The next row's cells, valid until the next call; NULL after the last. */
MUST_CHECK enum status log_next(struct log *log, const struct answer_cell **cells,
                                struct error *err);

#endif
