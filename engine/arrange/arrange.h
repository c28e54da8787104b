/*
 * arrange.h - the order of rows in a part: by (device, time_ms, message_id).
 *
 * Rows are arranged as records of 32 bytes. They hold their cells if those are few and small, else
 * they know where they are: those stay where they were decoded.
 *
 * Life cycle:  begin -> expect* -> open -> put* (as many, in the same order) -> sort; or, for a set
 *              of rows, add_rows -> arrange_rows.
 * Threads:     one at a time.
 */
#ifndef MNSDB_ENGINE_ARRANGE_ARRANGE_H
#define MNSDB_ENGINE_ARRANGE_ARRANGE_H

#include "engine/base/error.h"
#include "engine/block/block.h"
#include "engine/row/row.h"

#include <stddef.h>
#include <stdint.h>

struct arrangement {
    uint32_t *devices; /* owned; of the rows to come */
    size_t device_capacity;
    size_t expected;
    size_t count;           /* of rows that came */
    struct block_row *rows; /* owned */
    size_t capacity;
    uint32_t *next; /* owned; where the next row of each device goes */
    size_t next_capacity;
    size_t device_count;       /* that have a place in `next`; 0: rows stand as they came */
    struct block_row *scratch; /* owned; for what is far from being in order */
    size_t scratch_capacity;
    const struct row *set; /* borrowed, as its cells: rows on their way into order */
    const struct cell *set_cells;
};

/* The row as it is arranged, but for its device; `cells` are its own. Only written, never read. */
static inline void block_row_put(struct block_row *to, const struct row *row,
                                 const struct cell *cells)
{
    to->time_ms = row->time_ms;
    to->message_id = row->message_id;
    block_row_put_cells(to, cells, row->cell_count & BLOCK_ROW_CELLS_MAX,
                        row->time_source & BLOCK_ROW_SOURCE_MASK);
}

/* Forgets all rows; room for the devices of so many. */
MUST_CHECK enum status arrangement_begin(struct arrangement *arrangement, size_t count_max);

/* A row of that device will come. There is room. */
static inline void arrangement_expect(struct arrangement *arrangement, uint32_t device)
{
    arrangement->devices[arrangement->expected++] = device;
}

/* Room for all rows that are expected. Devices are below `device_count`. */
MUST_CHECK enum status arrangement_open(struct arrangement *arrangement, uint64_t device_count);

/* Each row goes elsewhere than the one before: its place is asked for this many rows ahead. */
#define ARRANGE_AHEAD 16u

/*
 * Puts the next row, whose device is known already, near its place. It goes there word by word: a
 * whole copy would wait for what was just written in parts, and so for all that was written before.
 */
static inline void arrangement_put(struct arrangement *arrangement, const struct row *row,
                                   const struct cell *cells)
{
    const size_t index = arrangement->count++;
    const uint32_t device = arrangement->devices[index];
    size_t place = index;
    if (arrangement->device_count > 0) {
        const size_t ahead = index + ARRANGE_AHEAD;
        if (ahead < arrangement->expected)
            __builtin_prefetch(&arrangement->rows[arrangement->next[arrangement->devices[ahead]]],
                               1);
        place = arrangement->next[device]++;
    }
    struct block_row *const to = &arrangement->rows[place];
    to->device = device;
    block_row_put(to, row, cells);
}

/* Puts the rows in order: all that were expected have come. */
MUST_CHECK enum status arrangement_sort(struct arrangement *arrangement);

/* Begins with a set of rows whose cells are counted in `cells`; borrowed until it is arranged. */
MUST_CHECK enum status arrangement_add_rows(struct arrangement *arrangement, const struct row *rows,
                                            size_t count, const struct cell *cells);

/* Puts that set in order. Devices are below `device_count`. */
MUST_CHECK enum status arrange_rows(struct arrangement *arrangement, uint64_t device_count);
void arrangement_release(struct arrangement *arrangement);

#endif
