/*
 * fuzz_block.c - sealed blocks from arbitrary bytes.
 *
 * The checksum is put right first, so that what stands behind it is reached.
 * All of a block that decodes can be read and summarised.
 */
#include "engine/base/mem.h"
#include "engine/block/block_internal.h" /* for the seed of the checksum */

#include <stdlib.h>

#define BLOCK_SEED UINT64_C(0x6d6e7364626c6b31) /* of block_internal.h; a wrong one finds nothing */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void decode_some(struct block_decoder *decoder, struct slice bytes)
{
    static const uint32_t metrics[] = {0, 1, 4, 7, 1000};
    const struct block_selection some = {.metrics = metrics, .metric_count = 5};
    struct row_vector rows;
    struct error err = {0};
    const enum status status = block_decode(decoder, bytes, &some, &rows, &err);
    if (status != STATUS_OK && err.message[0] == '\0')
        abort(); /* damage is told */
    struct block_selection without_times = some;
    without_times.without_times = true;
    if (block_decode(decoder, bytes, &without_times, &rows, &err) != STATUS_OK &&
        status == STATUS_OK)
        abort(); /* less is read, nothing else */
}

/* Reads every cell; the sum keeps the compiler from leaving it out. */
static uint64_t read_all(const struct row_vector *rows)
{
    uint64_t seen = 0;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        uint32_t present = 0;
        for (uint32_t row = 0; row < rows->count; row++) {
            const struct number value = column_vector_get(&rows->columns[i], row);
            present += value.kind != NUMBER_NULL;
            seen += value.kind;
        }
        if (present != rows->columns[i].present_count)
            abort();
    }
    for (uint32_t row = 0; row < rows->count; row++)
        seen += rows->message_ids[row] + rows->time_sources[row] + row_vector_device(rows, row);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    if (bytes_len < sizeof(uint64_t) || bytes_len > (1u << 16))
        return 0;
    uint8_t *copy = mem_alloc(bytes_len, 1);
    struct block_decoder *decoder = NULL;
    if (!copy || block_decoder_new(&decoder) != STATUS_OK)
        abort();
    memcpy(copy, bytes, bytes_len);
    const uint64_t checksum =
        bytes_hash(copy + sizeof(uint64_t), bytes_len - sizeof(uint64_t), BLOCK_SEED);
    memcpy(copy, &checksum, sizeof checksum);

    const struct block_selection all = {
        .all_metrics = true, .message_ids = true, .time_sources = true};
    struct row_vector rows;
    struct block_summary summary;
    struct error err = {0};
    decode_some(decoder, slice_of(copy, bytes_len));
    if (block_decode(decoder, slice_of(copy, bytes_len), &all, &rows, &err) == STATUS_OK) {
        volatile uint64_t seen = read_all(&rows);
        (void)seen;
        if (block_summarize(decoder, &rows, &summary) != STATUS_OK)
            abort();
        if (!block_summary_equal(&summary, &summary))
            abort();
    }
    block_decoder_free(decoder);
    mem_free(copy);
    return 0;
}
