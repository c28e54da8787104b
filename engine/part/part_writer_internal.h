/*
 * part_writer_internal.h - what the writer of a part and its crew share; for engine/part only.
 */
#ifndef MNSDB_ENGINE_PART_PART_WRITER_INTERNAL_H
#define MNSDB_ENGINE_PART_PART_WRITER_INTERNAL_H

#include "engine/part/part.h"

/* Passed over at once, if the row behind them is of the same device. */
#define NEAR_ROWS 16u

/* Where a block stands before its next rows. */
struct block_progress {
    uint32_t held;     /* rows it has */
    uint32_t rows_max; /* that it may have */
    bool continues;    /* it began in the middle of a device's rows */
};

/* How many of the rows, at least one, may follow before the block must end. */
static inline uint32_t block_rows_until_end(struct block_progress block,
                                            const struct block_row *rows, size_t count)
{
    const size_t room = block.rows_max - block.held;
    const size_t limit = count < room ? count : room;
    size_t until = 1;
    if (!block.continues && block.held + 1 < PART_BLOCK_ROWS_MIN)
        until = PART_BLOCK_ROWS_MIN - block.held;
    /* Devices ascend: rows between two of the same one are of it, too. */
    while (until + NEAR_ROWS < limit && rows[until + NEAR_ROWS].device == rows[until - 1].device)
        until += NEAR_ROWS;
    while (until < limit && rows[until].device == rows[until - 1].device)
        until++;
    return (uint32_t)(until < limit ? until : limit);
}

/*
 * Adds the first `count_max` of the rows to a block, fewer if their cells fill it before. `count`
 * rows may be looked at ahead.
 */
MUST_CHECK enum status block_add_rows(struct block_builder *builder, const struct block_row *rows,
                                      size_t count, uint32_t count_max, uint32_t *added);

/* True if the writer writes to the store and has ended its block, or not begun any. */
bool part_writer_is_between_blocks(const struct part_writer *writer);

/* How many rows its blocks may have. */
uint32_t part_writer_rows_max(const struct part_writer *writer);

/* Takes a block that was sealed elsewhere, behind those it has. It is between blocks. */
MUST_CHECK enum status part_writer_take_block(struct part_writer *writer, struct slice bytes,
                                              const struct block_summary *summary,
                                              struct error *err);

/* The next row's block: does it begin in the middle of a device? `device` is the row's before. */
void part_writer_go_on(struct part_writer *writer, uint32_t device, bool continues);

#endif
