/*
 * row_kernels.c - rows into blocks and parts, and back.
 *
 * Bytes are those of the packed rows; "block-seal" packs what "block-append" took in.
 */
#include "bench/kernels/kernel.h"

#include "engine/arrange/arrange.h"
#include "engine/base/mem.h"
#include "engine/part/part.h"

#define BLOCK_ROWS  1024u
#define BLOCKS_MAX  32u
#define MERGE_PARTS 8u

/* --- the order of rows ------------------------------------------------------------------------ */

static enum status measure_arrange(const struct kernel_data *data, struct kernel_clock *clock,
                                   struct error *err)
{
    const struct row_batch *batch = &data->rows;
    const size_t count = batch->row_count[TABLE_READINGS];
    OWNED(arrangement_release) struct arrangement arrangement = {0};
    while (kernel_clock_next(clock)) {
        kernel_clock_start(clock);
        if (arrangement_add_rows(&arrangement, batch->rows[TABLE_READINGS], count, batch->cells) !=
                STATUS_OK ||
            arrange_rows(&arrangement, batch->devices.count) != STATUS_OK)
            return kernel_no_memory(err);
        kernel_clock_stop(clock, count, count * sizeof(struct row));
    }
    return STATUS_OK;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static void free_builder(struct block_builder *const *builder)
{
    block_builder_free(*builder);
}

static void free_decoder(struct block_decoder *const *decoder)
{
    block_decoder_free(*decoder);
}

/* As the writer of parts does it: rows alike in one go, others one by one. */
static enum status append_rows(struct block_builder *builder, const struct block_row *rows,
                               size_t count, struct error *err)
{
    size_t done = 0;
    while (done < count) {
        const size_t left = count - done;
        done += block_builder_append_alike(builder, rows + done, left, (uint32_t)left);
        if (done == count)
            break;
        const struct block_row *row = &rows[done++];
        const struct row_key key = {
            .time_ms = row->time_ms, .message_id = row->message_id, .device = row->device};
        struct cell room[BRIEF_CELLS_MAX];
        uint32_t cell_count = 0;
        const struct cell *const cells = block_row_cells(row, room, &cell_count);
        if (block_builder_append(builder, &key, block_row_source(row), cells, cell_count) !=
            STATUS_OK)
            return kernel_no_memory(err);
    }
    return STATUS_OK;
}

static size_t block_count(const struct kernel_data *data)
{
    const size_t count = (data->reading_count + BLOCK_ROWS - 1) / BLOCK_ROWS;
    return count < BLOCKS_MAX ? count : BLOCKS_MAX;
}

static size_t block_rows(const struct kernel_data *data, size_t block)
{
    const size_t left = data->reading_count - block * BLOCK_ROWS;
    return left < BLOCK_ROWS ? left : BLOCK_ROWS;
}

static enum status seal(struct block_builder *builder, struct buffer *out, struct error *err)
{
    struct block_summary summary;
    if (block_builder_seal(builder, out, &summary) != STATUS_OK)
        return kernel_no_memory(err);
    return STATUS_OK;
}

/* Blocks of rows of one device or two, as a part of some ten thousand messages has them. */
static enum status build_blocks(const struct kernel_data *data, struct kernel_clock *clock,
                                bool time_append, struct error *err)
{
    OWNED(free_builder) struct block_builder *builder = NULL;
    OWNED(buffer_release) struct buffer out = {0};
    if (block_builder_new(&builder) != STATUS_OK)
        return kernel_no_memory(err);
    while (kernel_clock_next(clock)) {
        buffer_clear(&out);
        for (size_t block = 0; block < block_count(data); block++) {
            const size_t count = block_rows(data, block);
            const size_t before = out.len;
            kernel_clock_start(clock);
            TRY(append_rows(builder, data->readings + block * BLOCK_ROWS, count, err));
            if (time_append)
                kernel_clock_stop(clock, count, count * sizeof(struct row));
            else
                kernel_clock_start(clock);
            TRY(seal(builder, &out, err));
            if (!time_append)
                kernel_clock_stop(clock, count, out.len - before);
        }
        kernel_clock_note_stored(clock, out.len);
    }
    return STATUS_OK;
}

static enum status measure_append(const struct kernel_data *data, struct kernel_clock *clock,
                                  struct error *err)
{
    return build_blocks(data, clock, true, err);
}

static enum status measure_seal(const struct kernel_data *data, struct kernel_clock *clock,
                                struct error *err)
{
    return build_blocks(data, clock, false, err);
}

/* Sealed blocks, one after the other. */
struct sealed {
    struct buffer bytes;
    size_t ends[BLOCKS_MAX];
    size_t rows;
};

static void release_sealed(struct sealed *sealed)
{
    buffer_release(&sealed->bytes);
}

static enum status seal_blocks(const struct kernel_data *data, struct sealed *sealed,
                               struct error *err)
{
    OWNED(free_builder) struct block_builder *builder = NULL;
    if (block_builder_new(&builder) != STATUS_OK)
        return kernel_no_memory(err);
    for (size_t block = 0; block < block_count(data); block++) {
        const size_t count = block_rows(data, block);
        TRY(append_rows(builder, data->readings + block * BLOCK_ROWS, count, err));
        TRY(seal(builder, &sealed->bytes, err));
        sealed->ends[block] = sealed->bytes.len;
        sealed->rows += count;
    }
    return STATUS_OK;
}

static enum status decode_blocks(const struct kernel_data *data, struct kernel_clock *clock,
                                 const struct block_selection *selection, struct error *err)
{
    OWNED(release_sealed) struct sealed sealed = {0};
    OWNED(free_decoder) struct block_decoder *decoder = NULL;
    TRY(seal_blocks(data, &sealed, err));
    if (block_decoder_new(&decoder) != STATUS_OK)
        return kernel_no_memory(err);
    while (kernel_clock_next(clock)) {
        size_t from = 0;
        kernel_clock_start(clock);
        for (size_t block = 0; block < block_count(data); block++) {
            struct row_vector rows;
            const struct slice bytes =
                slice_of(sealed.bytes.data + from, sealed.ends[block] - from);
            TRY(block_decode(decoder, bytes, selection, &rows, err));
            kernel_use(rows.count);
            from = sealed.ends[block];
        }
        kernel_clock_stop(clock, sealed.rows, sealed.bytes.len);
        kernel_clock_note_stored(clock, sealed.bytes.len);
    }
    return STATUS_OK;
}

static enum status measure_decode_all(const struct kernel_data *data, struct kernel_clock *clock,
                                      struct error *err)
{
    const struct block_selection all = {
        .all_metrics = true, .message_ids = true, .time_sources = true};
    return decode_blocks(data, clock, &all, err);
}

static enum status measure_decode_one(const struct kernel_data *data, struct kernel_clock *clock,
                                      struct error *err)
{
    const uint32_t metric = 0;
    const struct block_selection one = {.metrics = &metric, .metric_count = 1};
    return decode_blocks(data, clock, &one, err);
}

/* --- parts ------------------------------------------------------------------------------------ */

static enum status write_part(struct part_writer *writer, struct part *part,
                              const struct block_row *rows, size_t count, struct error *err)
{
    TRY(part_writer_begin(writer, part, NULL, err));
    TRY(part_writer_append_rows(writer, rows, count, err));
    return part_writer_finish(writer, err);
}

static uint64_t memory_bytes(const struct part_memory *memory)
{
    return memory->stream.len + memory->directory.len;
}

static enum status measure_part_write(const struct kernel_data *data, struct kernel_clock *clock,
                                      struct error *err)
{
    OWNED(part_writer_free_owned) struct part_writer *writer = NULL;
    if (part_writer_new(&writer) != STATUS_OK)
        return kernel_no_memory(err);
    while (kernel_clock_next(clock)) {
        OWNED(part_memory_release) struct part_memory memory = {0};
        OWNED(part_release) struct part part = {.table = TABLE_READINGS, .memory = &memory};
        kernel_clock_start(clock);
        TRY(write_part(writer, &part, data->readings, data->reading_count, err));
        kernel_clock_stop(clock, data->reading_count, memory_bytes(&memory));
        kernel_clock_note_stored(clock, memory_bytes(&memory));
    }
    return STATUS_OK;
}

/* Parts that overlap all along, as redelivered spans do: the worst case for a merge. */
struct part_stack {
    struct part parts[MERGE_PARTS];
    struct part_memory memories[MERGE_PARTS];
};

static void release_stack(struct part_stack *stack)
{
    for (size_t i = 0; i < MERGE_PARTS; i++) {
        part_release(&stack->parts[i]);
        part_memory_release(&stack->memories[i]);
    }
}

/* Every eighth row of the data, from one of the first on. */
static enum status write_share(struct part_writer *writer, struct part *part,
                               const struct kernel_data *data, size_t from, struct error *err)
{
    OWNED(mem_free_owned) struct block_row *rows = mem_alloc(data->reading_count, sizeof *rows);
    if (!rows)
        return kernel_no_memory(err);
    size_t count = 0;
    for (size_t i = from; i < data->reading_count; i += MERGE_PARTS)
        rows[count++] = data->readings[i];
    return write_part(writer, part, rows, count, err);
}

static void free_merge(struct part_merge *const *merge)
{
    part_merge_free(*merge);
}

static enum status walk_merge(struct part_merge *merge, const struct part_stack *stack,
                              const struct part_reading *reading, uint64_t *rows, struct error *err)
{
    const struct part *parts[MERGE_PARTS];
    for (size_t i = 0; i < MERGE_PARTS; i++)
        parts[i] = &stack->parts[i];
    TRY(part_merge_open(merge, parts, MERGE_PARTS, reading, err));
    for (;;) {
        const struct row_vector *vector = NULL;
        uint32_t from = 0;
        uint32_t until = 0;
        TRY(part_merge_next(merge, &vector, &from, &until, err));
        if (!vector)
            return STATUS_OK;
        *rows += until - from;
    }
}

static enum status measure_merge(const struct kernel_data *data, struct kernel_clock *clock,
                                 struct error *err)
{
    OWNED(release_stack) struct part_stack stack = {0};
    OWNED(part_writer_free_owned) struct part_writer *writer = NULL;
    OWNED(free_merge) struct part_merge *merge = NULL;
    if (part_writer_new(&writer) != STATUS_OK || part_merge_new(&merge) != STATUS_OK)
        return kernel_no_memory(err);
    uint64_t bytes = 0;
    for (size_t i = 0; i < MERGE_PARTS; i++) {
        stack.parts[i] =
            (struct part){.number = i, .table = TABLE_READINGS, .memory = &stack.memories[i]};
        TRY(write_share(writer, &stack.parts[i], data, i, err));
        bytes += memory_bytes(&stack.memories[i]);
    }
    const struct part_filter filter = {
        .names = part_names_of(TABLE_READINGS, data->rows.devices.count, data->rows.metrics.count),
        .from_ms = TIME_MS_MIN,
        .until_ms = TIME_MS_MAX,
    };
    const struct block_selection all = {
        .all_metrics = true, .message_ids = true, .time_sources = true};
    const struct part_reading reading = {.filter = &filter, .selection = &all};
    while (kernel_clock_next(clock)) {
        uint64_t rows = 0;
        kernel_clock_start(clock);
        TRY(walk_merge(merge, &stack, &reading, &rows, err));
        kernel_clock_stop(clock, rows, bytes);
    }
    return STATUS_OK;
}

const struct kernel kernels_of_rows[] = {
    {"arrange", "row", NULL, measure_arrange},
    {"block-append", "row", NULL, measure_append},
    {"block-seal", "row", NULL, measure_seal},
    {"block-decode", "row", NULL, measure_decode_all},
    {"block-decode-one", "row", NULL, measure_decode_one},
    {"part-write", "row", NULL, measure_part_write},
    {"part-merge", "row", NULL, measure_merge},
    {0},
};
