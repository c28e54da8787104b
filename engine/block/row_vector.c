/*
 * row_vector.c - what one reads from decoded rows: single values, summaries.
 */
#include "engine/block/decoder_internal.h"

#include "engine/base/mem.h"

#define NEAR_ROWS 16u /* skipped at once, if the row behind them is of the same device */

uint32_t row_vector_device_end(const struct row_vector *rows, uint32_t row, uint32_t until_row)
{
    if (rows->one_device)
        return until_row;
    const uint32_t device = rows->devices[row];
    if (rows->devices[until_row - 1] == device)
        return until_row;
    // Devices ascend: rows in between are of the same one.
    while (row + NEAR_ROWS < until_row && rows->devices[row + NEAR_ROWS] == device)
        row += NEAR_ROWS;
    while (rows->devices[row] == device)
        row++;
    return row;
}

/* The exception of a row, or NULL. */
static const struct column_exception *exception_find(const struct column_vector *column,
                                                     uint32_t row)
{
    uint32_t low = 0;
    uint32_t high = column->exception_count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (column->exceptions[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < column->exception_count && column->exceptions[low].row == row
               ? &column->exceptions[low]
               : NULL;
}

struct number column_vector_get(const struct column_vector *column, uint32_t row)
{
    if (column->present && !(column->present[row / 64] >> row % 64 & 1))
        return (struct number){.kind = NUMBER_NULL};
    const struct column_exception *exception =
        column->mantissas[row] == 0 ? exception_find(column, row) : NULL;
    if (exception)
        return exception->value;
    return number_from_sealed(column->mantissas[row], column->exponent);
}

/* The summary of one decoded column. */
static void column_summarize(struct block_decoder *decoder, const struct row_vector *rows,
                             const struct column_vector *column, struct column_summary *summary)
{
    uint32_t count = 0;
    uint32_t first_row = 0;
    uint32_t last_row = 0;
    for (uint32_t row = 0; row < rows->count; row++) {
        const struct number value = column_vector_get(column, row);
        if (value.kind == NUMBER_NULL)
            continue;
        first_row = count == 0 ? row : first_row;
        last_row = row;
        decoder->numbers[count++] = value;
    }
    *summary = (struct column_summary){.metric = column->metric, .has_ends = rows->one_device};
    summary_add_up(decoder->numbers, count, summary);
    if (!summary->has_ends)
        return;
    summary->first = (struct dated_number){.value = decoder->numbers[0],
                                           .time_ms = rows->times_ms[first_row],
                                           .message_id = rows->message_ids[first_row]};
    summary->last = (struct dated_number){.value = decoder->numbers[count - 1],
                                          .time_ms = rows->times_ms[last_row],
                                          .message_id = rows->message_ids[last_row]};
}

static struct row_key row_vector_key(const struct row_vector *rows, uint32_t row)
{
    return (struct row_key){
        .time_ms = rows->times_ms[row],
        .message_id = rows->message_ids[row],
        .device = row_vector_device(rows, row),
    };
}

enum status block_summarize(struct block_decoder *decoder, const struct row_vector *rows,
                            struct block_summary *summary)
{
    assert(rows->count >= 1 && rows->count <= BLOCK_ROWS_MAX);
    assert(rows->message_ids);

    TRY(mem_grow(&decoder->summaries, &decoder->summary_capacity, rows->column_count,
                 sizeof *decoder->summaries));
    if (!decoder->numbers)
        decoder->numbers = mem_alloc(BLOCK_ROWS_MAX, sizeof *decoder->numbers);
    if (!decoder->numbers)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < rows->column_count; i++)
        column_summarize(decoder, rows, &rows->columns[i], &decoder->summaries[i]);
    *summary = (struct block_summary){
        .first = row_vector_key(rows, 0),
        .last = row_vector_key(rows, rows->count - 1),
        .min_time_ms = rows->times_ms[0],
        .max_time_ms = rows->times_ms[0],
        .row_count = rows->count,
        .column_count = rows->column_count,
        .columns = decoder->summaries,
    };
    for (uint32_t row = 1; row < rows->count; row++) {
        const int64_t time_ms = rows->times_ms[row];
        summary->min_time_ms = time_ms < summary->min_time_ms ? time_ms : summary->min_time_ms;
        summary->max_time_ms = time_ms > summary->max_time_ms ? time_ms : summary->max_time_ms;
    }
    return STATUS_OK;
}
