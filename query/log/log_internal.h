/*
 * log_internal.h - records, and the sorter that takes more of them than memory holds.
 */
#ifndef MNSDB_QUERY_LOG_LOG_INTERNAL_H
#define MNSDB_QUERY_LOG_LOG_INTERNAL_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/row/row.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_kind {
    LOG_OFFLINE = 0,
    LOG_ONLINE = 1,
    LOG_READING = 2,
};

/* One row or event; `cell_count` struct cell follow it, whose metrics are the store's numbers. */
struct log_record {
    int64_t key_ms; /* what it is sorted by: its time, or the complement of it for newest first */
    uint64_t message_id;
    uint32_t device;
    uint32_t cell_count;
    uint8_t kind; /* enum log_kind */
    uint8_t time_source;
    uint8_t unused[6];
};

static inline const struct cell *log_record_cells(const struct log_record *record)
{
    return (const struct cell *)(record + 1);
}

static inline size_t log_record_bytes(const struct log_record *record)
{
    return sizeof *record + record->cell_count * sizeof(struct cell);
}

/*
 * Sorts records by (key_ms, message_id, order of arrival). Life cycle: zero-initialise,
 * set memory_bytes and limit -> begin, end for each record -> finish -> next* -> release.
 */
struct log_key {
    int64_t key_ms;
    uint64_t message_id;
    uint64_t offset; /* of the record in `records` */
};

/* A sorted run in the file and how far it was read. */
struct log_run {
    uint64_t next_offset; /* in the file */
    uint64_t end_offset;
    struct buffer bytes; /* owned; read but not used up */
    size_t used;         /* bytes of it that are */
};

struct log_sorter {
    size_t memory_bytes;
    bool has_limit;
    uint64_t limit;
    struct buffer records; /* owned */
    struct log_key *keys;  /* owned */
    size_t key_count, key_capacity;
    size_t next_key;
    int file; /* of the runs; if run_count > 0 */
    uint64_t file_bytes;
    struct log_run *runs; /* owned */
    size_t run_count, run_capacity;
    struct log_run *latest; /* whose record was handed out last */
    uint64_t handed_out;
};

/*
 * Begins a record; its cells, at most so many, are appended by log_sorter_cell until
 * log_sorter_end.
 */
MUST_CHECK enum status log_sorter_begin(struct log_sorter *sorter, const struct log_record *record,
                                        uint32_t cell_count_max);
void log_sorter_cell(struct log_sorter *sorter, const struct cell *cell);
MUST_CHECK enum status log_sorter_end(struct log_sorter *sorter, struct error *err);

MUST_CHECK enum status log_sorter_finish(struct log_sorter *sorter, struct error *err);

/* The next record, valid until the next call; NULL after the last or at the limit. */
MUST_CHECK enum status log_sorter_next(struct log_sorter *sorter, const struct log_record **record,
                                       struct error *err);
void log_sorter_release(struct log_sorter *sorter);

#endif
