/*
 * builder_internal.h - the rows of a block that is being built; for engine/block's builder only.
 */
#ifndef MNSDB_ENGINE_BLOCK_BUILDER_INTERNAL_H
#define MNSDB_ENGINE_BLOCK_BUILDER_INTERNAL_H

#include "engine/block/block_internal.h"

struct builder_cell {
    struct number value;
    uint32_t row;
    uint32_t column; /* index in `columns` */
};

struct builder_column {
    uint32_t metric;
    uint32_t count; /* of cells */
    uint32_t place; /* while sealing: in `order` */
};

/* The values of rows that all have the same metrics, and decimals only. */
#define ALIKE_COLUMNS_MAX 16u
/* A cache line more than rows, so that the columns' newest values do not fall into one set. */
#define ALIKE_ROOM (BLOCK_ROWS_MAX + 8u)

struct builder_alike {
    uint32_t column_count;
    uint32_t brief_shape;                /* of brief rows that are alike; or BRIEF_NONE */
    uint32_t metrics[ALIKE_COLUMNS_MAX]; /* ascending */
    int64_t mantissas[ALIKE_COLUMNS_MAX][ALIKE_ROOM];
    int8_t exponents[ALIKE_COLUMNS_MAX][ALIKE_ROOM];
};

struct block_builder {
    uint32_t row_count;
    bool mixed; /* the rows are not alike: their values are cells */
    int64_t times_ms[BLOCK_ROWS_MAX];
    uint64_t message_ids[BLOCK_ROWS_MAX];
    uint32_t devices[BLOCK_ROWS_MAX];
    uint8_t sources[BLOCK_ROWS_MAX];
    struct builder_alike alike;

    struct builder_cell *cells; /* owned, as all arrays below */
    size_t cell_count, cell_capacity;
    struct builder_column *columns; /* in order of appearance */
    size_t column_count, column_capacity;
    uint32_t *pattern; /* the columns of the row before */
    size_t pattern_count, pattern_capacity;
    uint32_t *slots; /* hash table of columns; NO_COLUMN is free */
    size_t slot_count;

    /* For sealing. */
    uint32_t *sorted; /* columns by metric */
    size_t sorted_capacity;
    uint32_t *order; /* cells by column, then row */
    size_t order_capacity;
    struct column_summary *summaries; /* lent to the caller until the next append */
    size_t summary_capacity;
    struct buffer bodies;
    struct buffer table;
    int64_t scratch[BLOCK_ROWS_MAX];
    uint32_t series_rows[BLOCK_ROWS_MAX];
    struct number series_values[BLOCK_ROWS_MAX];
};

static inline void builder_put_key(struct block_builder *builder, uint32_t row,
                                   const struct block_row *from)
{
    builder->times_ms[row] = from->time_ms;
    builder->message_ids[row] = from->message_id;
    builder->devices[row] = from->device;
    builder->sources[row] = block_row_source(from);
}

#endif
