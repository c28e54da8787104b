/*
 * snapshot.h - the reader's side of a store: one consistent view, scans over it.
 *
 * Opening takes a read transaction; everything read until snapshot_pause is of one
 * commit. A long-lived reader makes the writer's file grow, so nobody holds one
 * while output blocks: read, pause, then write. Names and counters
 * stay valid after a pause, until the next resume or close.
 *
 * Life cycle: open -> read* -> pause -> (resume -> read* -> pause)* -> close.
 * Threads:    one thread a snapshot.
 */
#ifndef MNSDB_ENGINE_SNAPSHOT_SNAPSHOT_H
#define MNSDB_ENGINE_SNAPSHOT_SNAPSHOT_H

#include "engine/base/error.h"
#include "engine/block/block.h"
#include "engine/rejects/rejects.h"
#include "engine/row/row.h"
#include "engine/store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct snapshot;

/* STATUS_MISSING, STATUS_VERSION, STATUS_CORRUPT name the directory and what to do. */
MUST_CHECK enum status snapshot_open(struct snapshot **snapshot, const char *dir,
                                     struct error *err);
/*
 * In the process that writes: LMDB allows one environment a process, so this one is the store's.
 * Close it before the store.
 */
MUST_CHECK enum status snapshot_open_beside(struct snapshot **snapshot, const struct store *store,
                                            struct error *err);
void snapshot_pause(struct snapshot *snapshot);
MUST_CHECK enum status snapshot_resume(struct snapshot *snapshot, struct error *err);
void snapshot_close(struct snapshot *snapshot); /* NULL is fine */

const struct store_counters *snapshot_counters(const struct snapshot *snapshot);
uint64_t snapshot_file_bytes(const struct snapshot *snapshot);
uint32_t snapshot_format_version(const struct snapshot *snapshot);

/* A setting of the store, or NULL. */
const char *snapshot_setting(const struct snapshot *snapshot, const char *name);

/*
 * Names by number, 0 ... count - 1. Bytes as sent: never print them raw.
 *
 * A store may have very many devices and a question be about none by name, so their names are read
 * on demand, once a revision and before a pause: all by snapshot_read_names and
 * snapshot_device_order, those it finds by snapshot_mark_devices.
 */
uint32_t snapshot_device_count(const struct snapshot *snapshot);
MUST_CHECK enum status snapshot_read_names(const struct snapshot *snapshot, struct error *err);
/* It was read before (asserted). */
struct slice snapshot_device_name(const struct snapshot *snapshot, uint32_t device);
/* Says that the name will be asked for soon: devices in order of names lie apart in memory. */
void snapshot_fetch_device_name(const struct snapshot *snapshot, uint32_t device);
/* All device numbers by name, valid as the names are. Made at the first call. */
MUST_CHECK enum status snapshot_device_order(const struct snapshot *snapshot,
                                             const uint32_t **order, struct error *err);
/* Sets the bits of the devices called `name`, as a whole or behind the first '/'. */
MUST_CHECK enum status snapshot_mark_devices(const struct snapshot *snapshot, struct slice name,
                                             uint64_t *bits, struct error *err);
uint32_t snapshot_metric_count(const struct snapshot *snapshot);
struct slice snapshot_metric_name(const struct snapshot *snapshot, uint32_t metric);

/* False if the store never saw the metric. */
bool snapshot_find_metric(const struct snapshot *snapshot, struct slice name, uint32_t *metric);

/* What to scan. */
struct scan_spec {
    enum table table;
    const uint64_t *device_bits; /* bit per device number; NULL: all devices */
    int64_t from_ms;             /* inclusive */
    int64_t until_ms;            /* exclusive, but TIME_MS_MAX: no bound */
    struct block_selection columns;
    bool blocks_only; /* summaries are offered of blocks alone, not of parts or times */
    bool by_device;   /* summaries are offered of one device alone, not of several */
    bool ordered;     /* rows come by (device, time_ms, message_id) over the whole store */
};

static inline bool device_bit(const uint64_t *bits, uint32_t device)
{
    return !bits || (bits[device / 64] >> (device % 64) & 1);
}

/*
 * Who takes what a scan finds. Any failure they return ends the scan.
 *
 * `summary`, if not NULL and the scan is not ordered, is offered whole parts and blocks all of
 * whose rows are in range and selected; *taken = true spares their decoding.
 * Their columns are all that the rows have, not only those selected. Over several
 * devices `first` and `last` of a column may still be known (has_ends): they are by (time, id).
 *
 * `rows` gets runs [from_row, until_row) of decoded rows that are in range and selected.
 */
struct scan_visitor {
    void *context;
    enum status (*summary)(void *context, const struct block_summary *summary, bool *taken);
    enum status (*rows)(void *context, const struct row_vector *rows, uint32_t from_row,
                        uint32_t until_row);
};

/* What a scan did: for --explain. Scans add to it. */
struct scan_statistics {
    uint64_t parts_total;
    uint64_t parts_read;        /* not skipped by time */
    uint64_t parts_from_totals; /* answered by their totals */
    uint64_t blocks_from_summary;
    uint64_t blocks_read; /* decoded */
    uint64_t rows_decoded;
    uint64_t log_records; /* commits not folded yet */
    uint64_t log_rows;
};

MUST_CHECK enum status snapshot_scan(struct snapshot *snapshot, const struct scan_spec *spec,
                                     const struct scan_visitor *visitor,
                                     struct scan_statistics *statistics, struct error *err);

/*
 * The same scan, shared among threads: what belongs to one device goes to one visitor, which only
 * one thread calls at a time; whole parts may go to the first. Whose results do not depend on the
 * order of rows, and can be put together, are as exact as of one thread. Not for ordered scans.
 *
 * snapshot_scan_threads says how many visitors are worth it: 1 for small scans and where the
 * process has one processor. Threads take no signals.
 */
#define SCAN_THREADS_MAX 16u
uint32_t snapshot_scan_threads(const struct snapshot *snapshot, const struct scan_spec *spec);
MUST_CHECK enum status snapshot_scan_shared(struct snapshot *snapshot, const struct scan_spec *spec,
                                            const struct scan_visitor *visitors, uint32_t count,
                                            struct scan_statistics *statistics, struct error *err);

/* So many threads for any scan that can be shared, SCAN_THREADS_MAX at most; 0: as needed. */
void snapshot_set_threads(struct snapshot *snapshot, uint32_t count);

/*
 * The same scan, pulled: for readers that are asked for rows instead of handing them out. Several
 * may be under way on one snapshot.
 *
 * Life cycle: new -> open -> next* -> (open -> next*)* -> free. A pause of the snapshot ends the
 * scan: open again, or free. Free before the snapshot is closed.
 */
struct scan_cursor;

MUST_CHECK enum status scan_cursor_new(struct scan_cursor **cursor, struct snapshot *snapshot,
                                       struct error *err);
void scan_cursor_free(struct scan_cursor *cursor); /* NULL is fine */

/* Stands before the first row. What `spec` points to is borrowed until the next open. */
MUST_CHECK enum status scan_cursor_open(struct scan_cursor *cursor, const struct scan_spec *spec,
                                        struct error *err);

/*
 * The next run of rows that are in range and selected, [*from_row, *until_row) of `*rows`,
 * valid until the next call. *rows is NULL after the last.
 */
MUST_CHECK enum status scan_cursor_next(struct scan_cursor *cursor, const struct row_vector **rows,
                                        uint32_t *from_row, uint32_t *until_row, struct error *err);

/* Adds what the scans of this cursor did. */
void scan_cursor_count(const struct scan_cursor *cursor, struct scan_statistics *statistics);

/* Calls `visit` for each in order of arrival, from `sequence` on. */
MUST_CHECK enum status snapshot_rejects(struct snapshot *snapshot, uint64_t sequence,
                                        reject_visitor *visit, void *context, struct error *err);

/* Whether the store has taken in each id (stored or rejected). `ids` in any order. */
MUST_CHECK enum status snapshot_seen(struct snapshot *snapshot, const uint64_t *ids, size_t count,
                                     bool *held, struct error *err);

/*
 * Reads every byte, checks every checksum and balances every count. `problem`
 * is called for each fault, with the thing and what is wrong with it; a failure to go on is a
 * status.
 */
MUST_CHECK enum status snapshot_verify(struct snapshot *snapshot,
                                       void (*problem)(void *context, const char *thing,
                                                       const char *what),
                                       void *context, struct error *err);

/*
 * A consistent, compacted copy as the new directory `destination` (0700, files
 * 0600), on disk before it returns; made under a temporary name and renamed. STATUS_INPUT if
 * something is there already.
 */
MUST_CHECK enum status snapshot_backup(struct snapshot *snapshot, const char *destination,
                                       struct error *err);

#endif
