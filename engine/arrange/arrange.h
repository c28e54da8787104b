/*
 * arrange.h - the order of rows in a part: by (device, time_ms, message_id).
 *
 * Rows are arranged as records of 32 bytes that know where their cells are: those stay where they
 * were decoded.
 *
 * Threads: one at a time.
 */
#ifndef MNSDB_ENGINE_ARRANGE_ARRANGE_H
#define MNSDB_ENGINE_ARRANGE_ARRANGE_H

#include "engine/base/error.h"
#include "engine/block/block.h"
#include "engine/row/row.h"

#include <stddef.h>
#include <stdint.h>

struct arrangement {
    struct block_row *given; /* owned; in any order; arranging uses it up */
    size_t given_capacity;
    size_t count;
    struct block_row *rows; /* owned; the result: `count` rows */
    size_t capacity;
    uint32_t *starts; /* owned; where each device's rows begin */
    size_t start_capacity;
};

/* The row as it is arranged; `cells` are those that its first_cell counts in. */
static inline struct block_row block_row_of(const struct row *row, const struct cell *cells)
{
    return (struct block_row){
        .time_ms = row->time_ms,
        .message_id = row->message_id,
        .cells = cells + row->first_cell,
        .device = row->device,
        .cell_count = row->cell_count & BLOCK_ROW_CELLS_MAX,
        .time_source = row->time_source & BLOCK_ROW_SOURCE_MASK,
    };
}

static inline void arrangement_clear(struct arrangement *arrangement)
{
    arrangement->count = 0;
}

/* Room for so many rows in all. */
MUST_CHECK enum status arrangement_reserve(struct arrangement *arrangement, size_t count);

/* Adds a row, for which there is room. */
static inline void arrangement_add(struct arrangement *arrangement, const struct block_row *row)
{
    arrangement->given[arrangement->count++] = *row;
}

/* Adds rows whose cells are counted in `cells`; makes room for them. */
MUST_CHECK enum status arrangement_add_rows(struct arrangement *arrangement, const struct row *rows,
                                            size_t count, const struct cell *cells);

/* Puts what was added into `rows`, in order. Devices are below `device_count`. */
MUST_CHECK enum status arrange_rows(struct arrangement *arrangement, uint64_t device_count);
void arrangement_release(struct arrangement *arrangement);

#endif
