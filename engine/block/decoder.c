/*
 * decoder.c - sealed blocks back into rows; the form is in block_internal.h.
 *
 * The checksum comes first, yet nothing behind it is believed: lengths go
 * through the cursor, counts and places are checked before they index anything.
 */
#include "engine/block/decoder_internal.h"

#include "engine/base/clones.h"
#include "engine/base/mem.h"

enum status block_decoder_new(struct block_decoder **decoder)
{
    *decoder = mem_alloc(1, sizeof **decoder);
    if (!*decoder)
        return STATUS_NOMEM;
    /* The rows' own arrays are written before they are read, and touched no earlier. */
    const size_t rows_bytes = offsetof(struct block_decoder, columns);
    memset((uint8_t *)*decoder + rows_bytes, 0, sizeof **decoder - rows_bytes);
    return STATUS_OK;
}

void block_decoder_free(struct block_decoder *decoder)
{
    if (!decoder)
        return;
    mem_free(decoder->columns);
    mem_free(decoder->places);
    mem_free(decoder->mantissas);
    mem_free(decoder->present);
    mem_free(decoder->exceptions);
    mem_free(decoder->summaries);
    mem_free(decoder->numbers);
    mem_free(decoder);
}

/* Verifies the checksum and reads the head. */
static enum status reading_open(struct block_reading *reading, struct slice bytes,
                                struct error *err)
{
    reading->in = cursor_of(bytes);
    const uint64_t expected = cursor_u64(&reading->in);
    if (reading->in.failed)
        return block_corrupt(err, "too short");
    const uint64_t found = bytes_hash(reading->in.next, cursor_left(&reading->in), BLOCK_SEED);
    if (found != expected)
        return error_set(err, STATUS_CORRUPT, "block: checksum %016llx, expected %016llx",
                         (unsigned long long)found, (unsigned long long)expected);

    const uint64_t row_count = cursor_varint(&reading->in);
    reading->flags = cursor_u8(&reading->in);
    if (reading->in.failed || row_count < 1 || row_count > BLOCK_ROWS_MAX)
        return block_corrupt(err, "impossible number of rows");
    if (reading->flags & ~BLOCK_FLAGS_KNOWN)
        return block_corrupt(err, "unknown flags");
    reading->row_count = (uint32_t)row_count;
    /* What a decode may write to; see codec.h. */
    reading->stride = (reading->row_count + CODEC_LANES - 1) / CODEC_LANES * CODEC_LANES;
    return STATUS_OK;
}

/* Four devices in a vector register; any x86-64, and gcc and clang alike, have it. */
typedef uint32_t four_u32 __attribute__((vector_size(16)));

/* In whole steps: what is written behind `count` is the next device's, or nobody's. */
static void fill_devices(uint32_t *devices, uint32_t count, uint32_t device)
{
    const four_u32 four = {device, device, device, device};
    for (uint32_t from = 0; from < count; from += DEVICES_STEP) {
        for (uint32_t i = 0; i < DEVICES_STEP; i += 4)
            memcpy(devices + from + i, &four, sizeof four);
    }
}

/* The devices of a block of several. */
static enum status devices_decode(struct block_reading *reading, struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    const uint64_t runs = cursor_varint(&reading->in);
    if (runs < 2 || runs > reading->row_count)
        return block_corrupt(err, "impossible number of devices");
    TRY(codec_decode(&reading->in, (uint32_t)runs, decoder->scratch, err));
    TRY(codec_decode(&reading->in, (uint32_t)runs, decoder->dense, err));
    uint32_t row = 0;
    for (uint64_t run = 0; run < runs; run++) {
        const uint64_t device = (uint64_t)decoder->scratch[run];
        const uint64_t more_rows = (uint64_t)decoder->dense[run];
        if (device > UINT32_MAX || more_rows >= reading->row_count - row)
            return block_corrupt(err, "devices do not fit its rows");
        if (row > 0 && device <= decoder->devices[row - 1])
            return block_corrupt(err, "devices out of order");
        fill_devices(decoder->devices + row, (uint32_t)more_rows + 1, (uint32_t)device);
        row += (uint32_t)more_rows + 1;
        if (row == reading->row_count && run + 1 < runs)
            return block_corrupt(err, "devices do not fit its rows");
    }
    return row == reading->row_count ? STATUS_OK
                                     : block_corrupt(err, "devices do not fit its rows");
}

/* A part of the block that stands behind its length. */
static enum status part_open(struct block_reading *reading, struct cursor *part, struct error *err)
{
    const uint64_t len = cursor_varint(&reading->in);
    const struct slice bytes = cursor_bytes(&reading->in, len);
    if (reading->in.failed)
        return block_corrupt(err, "too short");
    *part = cursor_of(bytes);
    return STATUS_OK;
}

static enum status sources_decode(struct block_reading *reading, struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    const unsigned source = reading->flags >> BLOCK_FLAG_SOURCES_SHIFT & BLOCK_SOURCES_COLUMN;
    if (source != BLOCK_SOURCES_COLUMN) {
        if (reading->selection->time_sources)
            memset(decoder->sources, (int)source, reading->row_count);
        return STATUS_OK;
    }
    struct cursor part;
    TRY(part_open(reading, &part, err));
    if (!reading->selection->time_sources)
        return STATUS_OK;
    TRY(codec_decode(&part, reading->row_count, decoder->scratch, err));
    for (uint32_t row = 0; row < reading->row_count; row++) {
        if ((uint64_t)decoder->scratch[row] >= BLOCK_SOURCES_COLUMN)
            return block_corrupt(err, "unknown time source");
        decoder->sources[row] = (uint8_t)decoder->scratch[row];
    }
    return part_close(&part, "time sources of the wrong length", err);
}

static enum status ids_decode_split(struct block_reading *reading, struct cursor *part,
                                    struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    const uint32_t rows = reading->row_count;
    TRY(codec_decode(part, rows, decoder->scratch, err));
    for (uint32_t row = 0; row < rows; row++)
        decoder->message_ids[row] =
            snowflake_join(decoder->scratch[row], decoder->times_ms[row], 0);
    TRY(codec_decode(part, rows, decoder->scratch, err));
    TRY(codec_decode(part, rows, decoder->dense, err));
    uint64_t workers = 0;
    uint64_t sequences = 0;
    for (uint32_t row = 0; row < rows; row++) {
        const uint64_t worker = (uint64_t)decoder->scratch[row];
        const uint64_t sequence = (uint64_t)decoder->dense[row];
        workers |= worker;
        sequences |= sequence;
        decoder->message_ids[row] |= worker << SNOWFLAKE_WORKER_SHIFT | sequence;
    }
    if (workers > SNOWFLAKE_WORKER_MASK || sequences > SNOWFLAKE_SEQUENCE_MASK)
        return block_corrupt(err, "impossible message id");
    return STATUS_OK;
}

static enum status ids_decode(struct block_reading *reading, struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    struct cursor part;
    TRY(part_open(reading, &part, err));
    if (!reading->selection->message_ids)
        return STATUS_OK;
    if (reading->flags & BLOCK_FLAG_RAW_IDS) {
        TRY(codec_decode(&part, reading->row_count, decoder->scratch, err));
        memcpy(decoder->message_ids, decoder->scratch,
               reading->row_count * sizeof decoder->message_ids[0]);
    } else {
        TRY(ids_decode_split(reading, &part, err));
    }
    return part_close(&part, "message ids of the wrong length", err);
}

/* All at once: they are possible if their distances from the first possible one have few bits. */
HOT_CLONES static bool times_are_possible(const int64_t *times_ms, uint32_t count)
{
    uint64_t bits = 0;
    for (uint32_t row = 0; row < count; row++)
        bits |= (uint64_t)times_ms[row] - (uint64_t)ROW_TIME_MS_FIRST;
    return bits >> ROW_TIME_BITS == 0;
}

static enum status times_decode(struct block_reading *reading, struct error *err)
{
    if (reading->selection->without_times)
        return codec_skip(&reading->in, reading->row_count, err);
    int64_t *const times_ms = reading->decoder->times_ms;
    TRY(codec_decode(&reading->in, reading->row_count, times_ms, err));
    return times_are_possible(times_ms, reading->row_count) ? STATUS_OK
                                                            : block_corrupt(err, "impossible time");
}

/* Everything up to the columns of values. */
static enum status rows_decode(struct block_reading *reading, struct row_vector *rows,
                               struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    *rows = (struct row_vector){
        .count = reading->row_count,
        .one_device = !(reading->flags & BLOCK_FLAG_DEVICES),
        .times_ms = reading->selection->without_times ? NULL : decoder->times_ms,
        .message_ids = reading->selection->message_ids ? decoder->message_ids : NULL,
        .time_sources = reading->selection->time_sources ? decoder->sources : NULL,
    };
    if (rows->one_device) {
        const uint64_t device = cursor_varint(&reading->in);
        if (device > UINT32_MAX)
            return block_corrupt(err, "impossible device");
        rows->device = (uint32_t)device;
    } else {
        TRY(devices_decode(reading, err));
        rows->devices = decoder->devices;
    }
    TRY(times_decode(reading, err));
    TRY(sources_decode(reading, err));
    TRY(ids_decode(reading, err));
    return reading->in.failed ? block_corrupt(err, "too short") : STATUS_OK;
}

enum status block_decode(struct block_decoder *decoder, struct slice bytes,
                         const struct block_selection *selection, struct row_vector *rows,
                         struct error *err)
{
    assert(!selection->without_times || !selection->message_ids); /* ids may lean on times */
    struct block_reading reading = {.decoder = decoder, .selection = selection};
    TRY(reading_open(&reading, bytes, err));
    TRY(rows_decode(&reading, rows, err));
    return columns_decode(&reading, rows, err);
}
