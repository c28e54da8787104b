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
 * Life cycle: collect -> add_columns or place_columns -> next* -> release.
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

/*
 * What else decides about rows. With a gate the whole of the selection's devices is scanned,
 * whatever its range of time: the gate is asked for each row instead. `summary` is as a scan's.
 */
struct log_gate {
    void *context;
    void (*begin)(void *context, enum table table);
    enum status (*summary)(void *context, const struct block_summary *summary, bool *taken);
    /* Sets *wanted; a failure ends the collecting. */
    enum status (*row)(void *context, int64_t time_ms, uint64_t message_id, bool *wanted);
};

struct log_spec {
    const struct selection *selection;
    const struct log_gate *gate; /* NULL: every row of the selection */
    bool newest_first;           /* by time descending; ids still ascend within one millisecond */
    bool by_id;                  /* by message id, then time: the order in which they were sent */
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

/* Rows collected, whatever the limit. */
uint64_t log_row_count(const struct log *log);

/* Whether a row that was collected has a value of the metric; asked before columns are placed. */
bool log_has_metric(const struct log *log, uint32_t metric);

/* The fields of `log`: fixed ones, then a column for each metric of the selection, by name. */
MUST_CHECK enum status log_add_columns(struct log *log, struct answer *answer, struct error *err);

/* The columns of `log` before those of metrics. */
#define LOG_FIXED_FIELDS 5u
MUST_CHECK enum status log_add_fixed_columns(struct answer *answer, struct error *err);

/* Instead of log_add_columns: rows have the fixed cells, then those of these metrics. */
MUST_CHECK enum status log_place_columns(struct log *log, const uint32_t *metrics, uint32_t count,
                                         struct error *err);

/* The next row's cells, valid until the next call; NULL after the last. */
MUST_CHECK enum status log_next(struct log *log, const struct answer_cell **cells,
                                struct error *err);

#endif
