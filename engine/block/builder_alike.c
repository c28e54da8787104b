/*
 * builder_alike.c - rows with the same few metrics, straight into an array a metric.
 *
 * What most devices send: a few decimals, always the same ones. Such rows need no cells, no
 * sorting by column and no lists of the rows that have a value.
 */
#include "engine/block/builder_internal.h"

#include <assert.h>

/* A row's cells lie elsewhere than its neighbours': they are asked for this many rows ahead. */
#define AHEAD 24u

/* Asks for a row's first and last cell: the few of them lie in one cache line or in two. */
static inline void prefetch_cells(const struct block_row *row)
{
    if (block_row_is_brief(row))
        return;
    const uint32_t count = row->form >> BLOCK_ROW_CELLS_SHIFT;
    __builtin_prefetch(row->cells);
    __builtin_prefetch((const uint8_t *)(row->cells + count) - 1);
}

static uint32_t brief_shape_of(const struct builder_alike *alike)
{
    const uint32_t count = alike->column_count;
    if (count - 1 >= BRIEF_CELLS_MAX || alike->metrics[count - 1] >> BRIEF_METRIC_BITS != 0)
        return BRIEF_NONE;
    return brief_shape(count, alike->metrics[0], alike->metrics[count - 1]);
}

/* The first row decides which metrics there are. False if it has too many. */
static bool alike_begin(struct builder_alike *alike, const struct block_row *row)
{
    struct cell room[BRIEF_CELLS_MAX];
    uint32_t count = 0;
    const struct cell *const cells = block_row_cells(row, room, &count);
    if (count > ALIKE_COLUMNS_MAX)
        return false;
    alike->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        assert(i == 0 || cells[i - 1].metric < cells[i].metric);
        alike->metrics[i] = cells[i].metric;
    }
    alike->brief_shape = brief_shape_of(alike);
    return true;
}

/* A brief row of the right shape. */
static inline void alike_take_brief(struct builder_alike *alike, uint32_t place,
                                    const struct block_row *row)
{
    for (uint32_t i = 0; i < alike->column_count; i++) {
        alike->mantissas[i][place] = row->mantissas[i];
        alike->exponents[i][place] = block_row_brief_exponent(row, i);
    }
}

/* Puts the values where they belong if they have the metrics; else they count for nothing. */
static inline bool alike_take(struct builder_alike *alike, uint32_t place,
                              const struct block_row *row)
{
    if (block_row_is_brief(row)) {
        if (block_row_shape(row) != alike->brief_shape)
            return false;
        alike_take_brief(alike, place, row);
        return true;
    }
    const uint32_t count = alike->column_count;
    if (row->form >> BLOCK_ROW_CELLS_SHIFT != count)
        return false;
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct cell *const cell = &row->cells[i];
        wrong |= (cell->metric ^ alike->metrics[i]) | (cell->kind ^ (uint32_t)NUMBER_DECIMAL);
        alike->mantissas[i][place] = cell->mantissa;
        alike->exponents[i][place] = cell->exponent;
    }
    return wrong == 0;
}

uint32_t block_builder_append_alike(struct block_builder *builder, const struct block_row *rows,
                                    size_t count, uint32_t count_max)
{
    assert(count_max <= count && builder->row_count + count_max <= BLOCK_ROWS_MAX);
    if (builder->mixed || (builder->row_count == 0 && !alike_begin(&builder->alike, rows)))
        return 0;
    const uint32_t first = builder->row_count;
    uint32_t taken = 0;
    for (; taken < count_max; taken++) {
        if (taken + AHEAD < count)
            prefetch_cells(&rows[taken + AHEAD]);
        if (!alike_take(&builder->alike, first + taken, &rows[taken]))
            break;
        builder_put_key(builder, first + taken, &rows[taken]);
    }
    builder->row_count += taken;
    return taken;
}
