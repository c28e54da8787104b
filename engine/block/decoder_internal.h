/*
 * decoder_internal.h - the state of a decoder, shared by the files that make it up:
 *
 *      decoder.c           checksum, head, devices, times, ids
 *      column_decoder.c    columns of values
 *      row_vector.c        what one reads from decoded rows: values, summaries
 */
#ifndef MNSDB_ENGINE_BLOCK_DECODER_INTERNAL_H
#define MNSDB_ENGINE_BLOCK_DECODER_INTERNAL_H

#include "engine/block/block_internal.h"

/* Where a decoded column lies in the decoder's arrays, until these stop growing. */
struct column_place {
    size_t mantissas;  /* index in `mantissas` */
    size_t present;    /* index in `present`; SIZE_MAX: every row has a value */
    size_t exceptions; /* index in `exceptions` */
};

#define DEVICES_STEP 32u /* rows whose devices are written at once */

struct block_decoder {
    int64_t times_ms[CODEC_ROOM];
    uint64_t message_ids[CODEC_ROOM];
    int64_t scratch[CODEC_ROOM];
    int64_t dense[CODEC_ROOM];
    uint32_t devices[BLOCK_ROWS_MAX + DEVICES_STEP];
    uint32_t present_rows[BLOCK_ROWS_MAX];
    uint8_t sources[BLOCK_ROWS_MAX];

    struct column_vector *columns; /* owned, as all below */
    size_t column_capacity;
    struct column_place *places;
    size_t place_capacity;
    int64_t *mantissas;
    size_t mantissa_count, mantissa_capacity;
    uint64_t *present;
    size_t present_count, present_capacity;
    struct column_exception *exceptions;
    size_t exception_count, exception_capacity;
    struct column_summary *summaries;
    size_t summary_capacity;
    struct number *numbers; /* BLOCK_ROWS_MAX, for summaries; NULL until the first */
};

/* One block on its way. */
struct block_reading {
    struct block_decoder *decoder;
    const struct block_selection *selection;
    struct cursor in;
    uint32_t row_count;
    uint32_t stride; /* mantissas of a column */
    unsigned flags;
    uint64_t value_count; /* of all selected columns so far */
    uint64_t value_count_max;
    bool sparse; /* columns with few values give them as exceptions */
};

static inline enum status block_corrupt(struct error *err, const char *what)
{
    (void)error_set(err, STATUS_CORRUPT, "block: %s", what);
    return STATUS_CORRUPT;
}

static inline enum status out_of_memory(struct error *err)
{
    (void)error_set(err, STATUS_NOMEM, "block: no memory to decode it");
    return STATUS_NOMEM;
}

/* The end of a part of known length: nothing may be left of it. */
static inline enum status part_close(const struct cursor *part, const char *what, struct error *err)
{
    return cursor_finished(part) ? STATUS_OK : block_corrupt(err, what);
}

/* Decodes the selected columns, from their number at the cursor to the end of the block. */
MUST_CHECK enum status columns_decode(struct block_reading *reading, struct row_vector *rows,
                                      struct error *err);

#endif
