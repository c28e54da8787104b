/*
 * block_memory.h - which runs of rows were seen, by their summaries.
 *
 * A run of rows of one part, between two keys, only ever gains rows: parts are merged and never
 * split. So a run with the first key, the last key and the number of rows of one that was seen
 * holds the same rows. That goes for parts and for blocks. The totals of a part by time are no
 * such run; a scan offers them second, after the part's own, so that the second summary of a
 * part is never believed, nor noted.
 *
 * Scans are over all time, so that parts and blocks are offered whole. A look that fails ends the
 * memory's use.
 *
 * Life cycle: zero-initialise -> (begin -> offer*)* of each table -> turn -> ... -> release.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_FOLLOW_BLOCK_MEMORY_H
#define MNSDB_QUERY_FOLLOW_BLOCK_MEMORY_H

#include "engine/base/error.h"
#include "engine/block/block.h"
#include "engine/snapshot/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen_block {
    struct row_key first, last;
    uint32_t row_count; /* 0: the slot is free */
    enum table table;
};

struct block_set {
    struct seen_block *slots; /* owned; open addressing, at most half full */
    size_t slot_count;        /* a power of two, or 0 */
    size_t count;
};

struct block_memory {
    struct block_set last;    /* of the last look */
    struct block_set present; /* of the one under way: takes its place */

    /* Of the scan under way. */
    enum table table;
    const struct scan_statistics *statistics; /* borrowed */
    uint64_t parts_read;                      /* a change is another part */
    uint32_t offered;                         /* summaries of this part */
};

/* A scan of `table` begins, which counts in `statistics`. */
void block_memory_begin(struct block_memory *memory, enum table table,
                        const struct scan_statistics *statistics);

/* What a scan's `summary` is given: *seen if all its rows were there at the last look. */
MUST_CHECK enum status block_memory_offer(struct block_memory *memory,
                                          const struct block_summary *summary, bool *seen);
/* The look is over. */
void block_memory_turn(struct block_memory *memory);
void block_memory_release(struct block_memory *memory);

#endif
