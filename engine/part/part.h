/*
 * part.h - immutable sorted runs of rows: writing them, walking over them.
 *
 * A part holds rows of one table sorted by (device, time_ms, message_id). Its blocks form
 * one byte stream, cut into raw values; its directory, in values of its own,
 * holds the summary and the place of each block; its record holds totals over
 * all rows, so that whole parts are skipped or answered without a look inside.
 *
 *      record 'P'        rows, bytes, totals, merge state
 *      directory 'I'     [ summary | summary | ... ] [ ... ]    <= 4 KiB each
 *      stream 'B'        [block][block][bl|ock][block]...       32,752-byte values
 *
 * While parts are merged, the output holds the rows up to a key K and the
 * inputs count from behind K on (`consumed`): every snapshot is whole.
 *
 * A part may also live in memory (the rows of the commit log, for a reader).
 *
 * Threads: one at a time.
 */
#ifndef MNSDB_ENGINE_PART_PART_H
#define MNSDB_ENGINE_PART_PART_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/block/block.h"
#include "engine/kv/kv.h"
#include "engine/row/row.h"

#include <stdbool.h>
#include <stdint.h>

#define PART_INPUTS_MAX 128u /* parts that one merge may read */

/*
 * How many devices and metrics have names. Numbers in rows are indices into arrays of that length
 * everywhere above, so a number beyond is damage and never leaves this module.
 */
struct part_names {
    uint64_t devices;
    uint64_t metrics; /* of the table: STATUS_METRIC_COUNT for the table status */
};

static inline struct part_names part_names_of(enum table table, uint64_t devices, uint64_t metrics)
{
    return (struct part_names){
        .devices = devices,
        .metrics = table == TABLE_STATUS ? STATUS_METRIC_COUNT : metrics,
    };
}

/* False if the summary contradicts itself or names what is not there. */
bool part_summary_is_sound(const struct block_summary *summary, struct part_names names);

/* Rows in a block: it ends with its device from MIN on, and at the maximum at the latest. */
#define PART_BLOCK_ROWS_MIN   256u
#define PART_BLOCK_ROWS_FRESH 1024u          /* as committed */
#define PART_BLOCK_ROWS_DENSE BLOCK_ROWS_MAX /* as merged */

/* Totals over all rows of a part: a summary whose columns it owns. */
struct part_totals {
    struct block_summary summary; /* row_count 0: nothing yet */
    size_t column_capacity;
};

/* Adds the summary of more rows, none of which sorts before those added so far. */
MUST_CHECK enum status part_totals_add(struct part_totals *totals,
                                       const struct block_summary *more);
void part_totals_release(struct part_totals *totals);

/* A part kept in memory instead of the store. */
struct part_memory {
    struct buffer stream;
    struct buffer directory; /* values one after another */
    struct part_memory_value {
        struct row_key first;
        size_t offset, len;
    } * values; /* owned */
    size_t value_count, value_capacity;
};
void part_memory_release(struct part_memory *memory);

/*
 * What the record of a part says.
 *
 *      OFFSET  SIZE  MEANING (payload of key 'P'; little-endian)
 *           0     1  flags: 1 dense blocks, 2 consumed, 4 merge output under way, 8 slices
 *           1     8  blocks
 *           9     8  bytes of the stream
 *          17     8  values of the directory
 *          25    20  the last key consumed: device u32, time u64, message id u64 (0 if not
 *                    consumed)
 *          45     2  number of merge inputs (0 if no merge is under way)
 *          47   8*n  part numbers of the inputs, ascending
 *           .     .  totals, as a directory value of one entry (absent if there are no rows)
 *
 * Inputs are older than their output: their numbers are lower. What merges is not consumed itself.
 */
struct part {
    uint64_t number;
    enum table table;
    bool dense;    /* blocks of up to PART_BLOCK_ROWS_DENSE rows */
    bool consumed; /* an input of a merge: rows up to and with `consumed_key` are in the output */
    bool merging;  /* the output of a merge that is under way */
    bool sliced;   /* has slices (engine/slices) */
    struct row_key consumed_key;
    uint64_t block_count; /* as written; a consumed part has fewer left */
    uint64_t stream_bytes;
    uint64_t directory_values;
    uint64_t inputs[PART_INPUTS_MAX];
    uint32_t input_count;
    struct part_totals totals;  /* as written, consumed rows included */
    struct part_memory *memory; /* borrowed; NULL for parts of the store */
};

void part_release(struct part *part);

/* The parts of a table, by number: that is, by arrival. */
struct part_list {
    struct part *parts; /* owned */
    size_t count, capacity;
};
MUST_CHECK enum status part_list_load(struct part_list *list, struct kv_txn *txn, enum table table,
                                      struct part_names names, struct error *err);
/* STATUS_CORRUPT unless the list holds as many parts as the state says: a record was lost. */
MUST_CHECK enum status part_list_expect(const struct part_list *list, enum table table,
                                        uint64_t expected, struct error *err);
/* Appends an empty part, which the list owns. */
MUST_CHECK enum status part_list_add(struct part_list *list, struct part **part);
void part_list_clear(struct part_list *list);
void part_list_release(struct part_list *list);

/*
 * Decodes a record from untrusted bytes into `part`, whose number and table are set. The caller
 * releases it in any case. For part_list_load and fuzzing.
 */
MUST_CHECK enum status part_decode(struct part *part, struct slice payload, struct part_names names,
                                   struct error *err);

MUST_CHECK enum status part_save(const struct part *part, struct kv_txn *txn, struct error *err);

/*
 * Writing. Rows come in key order, cells with store-wide metrics ascending. Finishing (also in
 * the middle: a merge step) leaves the part complete on disk as far as it was
 * written; a later begin with the same part goes on behind it.
 */
struct part_writer;

MUST_CHECK enum status part_writer_new(struct part_writer **writer);
void part_writer_free(struct part_writer *writer);
void part_writer_free_owned(struct part_writer *const *writer); /* for OWNED */

/*
 * Begins or goes on with `part` (borrowed until finish). `txn` may be NULL if the part is in
 * memory. What a failed write left behind in the writer is dropped: STATUS_NOMEM if that fails.
 */
MUST_CHECK enum status part_writer_begin(struct part_writer *writer, struct part *part,
                                         struct kv_txn *txn, struct error *err);
MUST_CHECK enum status part_writer_append(struct part_writer *writer, const struct row_key *key,
                                          uint8_t time_source, const struct cell *cells,
                                          uint32_t cell_count, struct error *err);
/* The same for many rows at once. */
MUST_CHECK enum status part_writer_append_rows(struct part_writer *writer,
                                               const struct block_row *rows, size_t count,
                                               struct error *err);

/*
 * Threads that build blocks beside the one that writes. Rows are parted where blocks end anyway:
 * what is written is the same, byte for byte, however many build it.
 */
struct part_crew;

/* With `helpers` threads beside the caller's; with fewer where the system gives no more. */
MUST_CHECK enum status part_crew_new(struct part_crew **crew, unsigned helpers);
void part_crew_free(struct part_crew *crew); /* NULL is fine */
/* part_writer_append_rows with the crew's help; alone if `crew` is NULL. */
MUST_CHECK enum status part_crew_append_rows(struct part_crew *crew, struct part_writer *writer,
                                             const struct block_row *rows, size_t count,
                                             struct error *err);

/* Bytes of stream and directory written since begin, roughly. */
uint64_t part_writer_bytes(const struct part_writer *writer);
/* Writes what is pending and the part's record (not in memory). */
MUST_CHECK enum status part_writer_finish(struct part_writer *writer, struct error *err);

/*
 * Reading: a cursor stands on a directory entry whose block may hold rows that
 * are wanted, and decodes it on request.
 */
struct part_filter {
    const uint64_t *device_bits; /* NULL: all; else a bit for each of names.devices */
    uint32_t device_from;        /* the first device that is wanted */
    uint32_t device_until;       /* no device from here on is wanted; 0: no bound */
    struct part_names names;
    int64_t from_ms;
    int64_t until_ms;       /* TIME_MS_MAX: no bound */
    bool summaries_of_ones; /* entries of several devices are given without their columns */
};

struct part_cursor;

MUST_CHECK enum status part_cursor_new(struct part_cursor **cursor);
void part_cursor_free(struct part_cursor *cursor);
void part_cursor_free_owned(struct part_cursor *const *cursor); /* for OWNED */

/*
 * Stands before the first entry of `part`. Part, txn and filter are borrowed until the next open.
 */
MUST_CHECK enum status part_cursor_open(struct part_cursor *cursor, const struct part *part,
                                        struct kv_txn *txn, const struct part_filter *filter,
                                        struct error *err);

/* Moves to the next block that may hold wanted rows; *entry is NULL at the end. */
MUST_CHECK enum status part_cursor_next(struct part_cursor *cursor,
                                        const struct directory_entry **entry, struct error *err);

/* True if every row of the current block is wanted (in range, selected, not consumed). */
bool part_cursor_whole(const struct part_cursor *cursor);

/* Decodes the current block; valid until the next call on the cursor. */
MUST_CHECK enum status part_cursor_rows(struct part_cursor *cursor,
                                        const struct block_selection *selection,
                                        const struct row_vector **rows, struct error *err);

/*
 * The next run of wanted rows of the decoded block, from row `*until` on:
 * [*from, *until). False if there is none left. Start with *until = 0.
 */
bool part_cursor_run(const struct part_cursor *cursor, uint32_t *from, uint32_t *until);

/* Walks several parts at once, in key order over all of them. */
struct part_merge;

MUST_CHECK enum status part_merge_new(struct part_merge **merge);
void part_merge_free(struct part_merge *merge);
/* What is read of each part: borrowed until the next open, but the selection, which is copied. */
struct part_reading {
    struct kv_txn *txn;
    const struct part_filter *filter;
    const struct block_selection *selection; /* message ids are always decoded */
};
MUST_CHECK enum status part_merge_open(struct part_merge *merge, const struct part *const *parts,
                                       size_t count, const struct part_reading *reading,
                                       struct error *err);
/*
 * The next run of rows that sort before any other part's: [*from, *until) of
 * `*rows`, which lives until the next call. *rows is NULL at the end.
 */
MUST_CHECK enum status part_merge_next(struct part_merge *merge, const struct row_vector **rows,
                                       uint32_t *from, uint32_t *until, struct error *err);
/* Blocks and rows decoded so far. */
void part_merge_counts(const struct part_merge *merge, uint64_t *blocks, uint64_t *rows);

/*
 * Gives back what a merge has consumed: directory and stream values of `part`
 * wholly at or below its consumed_key. Bounded by `values_max`; *done is false if more is left.
 */
MUST_CHECK enum status part_retire(const struct part *part, struct kv_txn *txn, uint32_t values_max,
                                   bool *done, struct error *err);
/* Removes all of a part. Bounded as part_retire; the record goes last. */
MUST_CHECK enum status part_remove(const struct part *part, struct kv_txn *txn, uint32_t values_max,
                                   bool *done, struct error *err);

#endif
