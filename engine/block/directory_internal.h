/*
 * directory_internal.h - columns of a directory's entries; for directory*.c only.
 *
 * Threads: pure functions.
 */
#ifndef MNSDB_ENGINE_BLOCK_DIRECTORY_INTERNAL_H
#define MNSDB_ENGINE_BLOCK_DIRECTORY_INTERNAL_H

#include "engine/base/bytes.h"
#include "engine/block/block.h"

#include <stdbool.h>

#define SUM_EXPONENT_MASK 15u

enum column_flag {
    COLUMN_FULL = 1,
    COLUMN_PLAIN = 2, /* decimals only, all within 18 digits at sum_exponent: implies a sum */
    COLUMN_SUM = 4,
    COLUMN_ENDS = 8,
    COLUMN_FLAGS_BITS = 4,
};

/* A column that every row of one device has begins and ends with the block. */
static inline bool ends_are_the_blocks(const struct block_summary *block, bool full)
{
    return full && block->first.device == block->last.device;
}

/*
 * Passes over the columns of an entry whose `block` has been read up to them; marks the cursor
 * failed where they end too early.
 */
void directory_columns_skip(struct cursor *in, const struct block_summary *block);

#endif
