/*
 * block.h - up to BLOCK_ROWS_MAX rows of one part, packed column by column.
 *
 * Rows are sorted by (device, time_ms, message_id). A block holds rows of one
 * device or of several; it is immutable once sealed and carries its own checksum. Its
 * summary (keys, times, and per column count, sum, min, max, first, last)
 * stands apart from it, in the part's directory, so that whole blocks are
 * skipped or answered without a look inside.
 *
 * Life cycle:  builder_init -> (append* -> seal)* -> release; the caller owns sealed bytes.
 *              decoder_init -> decode* -> release; a decoded vector lives until the next decode.
 * Threads:     one builder or decoder per thread; sealed bytes may be read by many.
 */
#ifndef MNSDB_ENGINE_BLOCK_BLOCK_H
#define MNSDB_ENGINE_BLOCK_BLOCK_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/number/number.h"
#include "engine/row/row.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_ROWS_MAX  2048u  /* one decoded column is 16 KiB: two fit the L1 data cache */
#define BLOCK_CELLS_MAX 65536u /* a builder with this many cells is full, whatever its rows */

struct row_key {
    int64_t time_ms;
    uint64_t message_id;
    uint32_t device;
};

/*
 * A row on its way into a block: its key, and where its cells are. A brief row, of one or two small
 * decimals, holds them itself. Rows are not read in the order in which they were decoded: each look
 * at cells that lie elsewhere would be a miss of the caches.
 *
 *      form, from its low bits up
 *      BITS    MEANING
 *      2       enum time_source
 *      1       1: the row is brief
 *      29      cells; or, of a brief row, from the low bits up
 *         2 * 5    exponents of its last and its first cell, less BRIEF_EXPONENT_MIN
 *         19       its shape: metrics of its last and its first cell, 9 bits each, ascending, then
 *                  1 if there are two; of a single cell, the same twice
 */
#define BLOCK_ROW_CELLS_MAX   ((UINT32_C(1) << 29) - 1)
#define BLOCK_ROW_SOURCE_MASK 3u
#define BLOCK_ROW_BRIEF       4u
#define BLOCK_ROW_CELLS_SHIFT 3u
#define BRIEF_CELLS_MAX       2u
#define BRIEF_METRIC_BITS     9u
#define BRIEF_METRIC_MASK     ((UINT32_C(1) << BRIEF_METRIC_BITS) - 1)
#define BRIEF_EXPONENT_BITS   5u
#define BRIEF_EXPONENT_MASK   ((UINT32_C(1) << BRIEF_EXPONENT_BITS) - 1)
#define BRIEF_EXPONENT_MIN    (-16)
#define BRIEF_SHAPE_SHIFT     (BLOCK_ROW_CELLS_SHIFT + 2 * BRIEF_EXPONENT_BITS)
#define BRIEF_NONE            UINT32_MAX /* no brief row has this shape */
struct block_row {
    int64_t time_ms;
    uint64_t message_id;
    union {
        const struct cell *cells;           /* borrowed; store-wide metrics, ascending, each once */
        int32_t mantissas[BRIEF_CELLS_MAX]; /* of a brief row */
    };
    uint32_t device;
    uint32_t form;
};
static_assert(BRIEF_SHAPE_SHIFT + 2 * BRIEF_METRIC_BITS + 1 == 32, "a brief row's form is a word");

static inline uint32_t block_row_form(uint32_t cell_count, unsigned time_source)
{
    return cell_count << BLOCK_ROW_CELLS_SHIFT | time_source;
}

static inline uint8_t block_row_source(const struct block_row *row)
{
    return row->form & BLOCK_ROW_SOURCE_MASK;
}

static inline bool block_row_is_brief(const struct block_row *row)
{
    return (row->form & BLOCK_ROW_BRIEF) != 0;
}

/* What brief rows with the same metrics have in common. */
static inline uint32_t brief_shape(uint32_t cell_count, uint32_t first_metric, uint32_t last_metric)
{
    return ((cell_count - 1) << BRIEF_METRIC_BITS | first_metric) << BRIEF_METRIC_BITS |
           last_metric;
}

/* Of a brief row. */
static inline uint32_t block_row_shape(const struct block_row *row)
{
    return row->form >> BRIEF_SHAPE_SHIFT;
}

static inline int8_t block_row_brief_exponent(const struct block_row *row, uint32_t cell)
{
    const unsigned shift = BLOCK_ROW_CELLS_SHIFT + (cell == 0 ? BRIEF_EXPONENT_BITS : 0);
    return (int8_t)((int)(row->form >> shift & BRIEF_EXPONENT_MASK) + BRIEF_EXPONENT_MIN);
}

static inline uint32_t brief_exponent(const struct cell *cell)
{
    return (uint32_t)(cell->exponent - BRIEF_EXPONENT_MIN);
}

/* Not 0 if the cell cannot stand in a brief row. */
static inline uint64_t cell_is_long(const struct cell *cell)
{
    const uint64_t above_lowest = (uint64_t)cell->mantissa + (UINT64_C(1) << 31);
    return above_lowest >> 32 | brief_exponent(cell) >> BRIEF_EXPONENT_BITS |
           cell->metric >> BRIEF_METRIC_BITS | (cell->kind ^ (uint32_t)NUMBER_DECIMAL);
}

/*
 * Cells and form of a row, brief if it can be. Written to `to` and never read from there: it may be
 * anywhere.
 */
static inline void block_row_put_cells(struct block_row *to, const struct cell *cells,
                                       uint32_t count, unsigned time_source)
{
    const bool few = count - 1 < BRIEF_CELLS_MAX;
    const struct cell *const last = few ? cells + (count - 1) : cells;
    if (!few || (cell_is_long(cells) | cell_is_long(last)) != 0) {
        to->cells = cells;
        to->form = block_row_form(count, time_source);
        return;
    }
    to->mantissas[0] = (int32_t)cells->mantissa;
    to->mantissas[1] = (int32_t)last->mantissa;
    to->form = brief_shape(count, cells->metric, last->metric) << BRIEF_SHAPE_SHIFT |
               (brief_exponent(cells) << BRIEF_EXPONENT_BITS | brief_exponent(last))
                   << BLOCK_ROW_CELLS_SHIFT |
               BLOCK_ROW_BRIEF | time_source;
}

/* The row's cells, brief ones put into `room`. */
static inline const struct cell *block_row_cells(const struct block_row *row,
                                                 struct cell room[BRIEF_CELLS_MAX], uint32_t *count)
{
    *count = row->form >> BLOCK_ROW_CELLS_SHIFT;
    if (!block_row_is_brief(row))
        return row->cells;
    const uint32_t shape = block_row_shape(row);
    *count = 1 + (shape >> 2 * BRIEF_METRIC_BITS);
    for (uint32_t i = 0; i < *count; i++) {
        const unsigned shift = i == 0 ? BRIEF_METRIC_BITS : 0;
        room[i] = (struct cell){.mantissa = row->mantissas[i],
                                .metric = shape >> shift & BRIEF_METRIC_MASK,
                                .exponent = block_row_brief_exponent(row, i),
                                .kind = NUMBER_DECIMAL};
    }
    return room;
}

/* By device, time_ms, message_id. */
static inline int row_key_compare(const struct row_key *a, const struct row_key *b)
{
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    return (a->message_id > b->message_id) - (a->message_id < b->message_id);
}

/* A value with the place in time that orders it among others: (time_ms, message_id). */
struct dated_number {
    struct number value;
    int64_t time_ms;
    uint64_t message_id;
};

/* What one column of a block holds. `count` is at least 1. */
struct column_summary {
    uint32_t metric;
    uint32_t count;
    bool has_sum;         /* false if it holds reals or exponents too far apart: decode to add up */
    int16_t sum_exponent; /* the sum is sum * 10^sum_exponent */
    struct wide sum;
    struct number min, max;
    bool has_ends;             /* first and last are known: blocks of one device only */
    struct dated_number first; /* earliest and latest row that has the column */
    struct dated_number last;
};

struct block_summary {
    struct row_key first; /* of the first and of the last row, in row order */
    struct row_key last;
    int64_t min_time_ms; /* over all rows */
    int64_t max_time_ms;
    uint32_t row_count;
    uint32_t column_count;
    struct column_summary *columns; /* by metric, ascending; borrowed from whoever filled it in */
};

/* A value that the column's one exponent cannot carry. */
struct column_exception {
    uint32_t row;
    struct number value;
};

/* One decoded column. */
struct column_vector {
    uint32_t metric;
    uint32_t present_count;
    const uint64_t *present;  /* bit per row, or NULL: every row has a value */
    const int64_t *mantissas; /* per row, to be times 10^exponent; 0 where absent or exceptional */
    int16_t exponent;         /* the same for the whole column */
    uint32_t exception_count;
    const struct column_exception *exceptions; /* by row, ascending */
};

/* Decoded rows; everything is borrowed from the decoder (or from a merge). */
struct row_vector {
    uint32_t count;
    bool one_device; /* then `devices` is NULL and `device` counts */
    uint32_t device;
    const uint32_t *devices;             /* per row */
    const int64_t *times_ms;             /* per row; NULL if declined */
    const uint64_t *message_ids;         /* per row; NULL if not asked for */
    const uint8_t *time_sources;         /* per row; NULL if not asked for */
    uint32_t column_count;               /* of the columns asked for, those that the rows have */
    const struct column_vector *columns; /* by metric, ascending */
};

static inline uint32_t row_vector_device(const struct row_vector *rows, uint32_t row)
{
    return rows->one_device ? rows->device : rows->devices[row];
}

/* The first row behind those from `row` on, before `until_row` (above `row`), of one device. */
uint32_t row_vector_device_end(const struct row_vector *rows, uint32_t row, uint32_t until_row);

/*
 * The value of one row: kind NUMBER_NULL where the row has none. Normal, whatever
 * the column's exponent.
 */
struct number column_vector_get(const struct column_vector *column, uint32_t row);

/* Which columns to decode. Devices always are; times are unless they are declined. */
struct block_selection {
    const uint32_t *metrics; /* ascending; ignored if all_metrics */
    uint32_t metric_count;
    bool all_metrics;
    bool message_ids;
    bool time_sources;
    bool without_times; /* times_ms is NULL then; never with message_ids (asserted) */
};

struct block_builder;

MUST_CHECK enum status block_builder_new(struct block_builder **builder);
void block_builder_free(struct block_builder *builder); /* NULL is fine */

uint32_t block_builder_rows(const struct block_builder *builder);
/* BLOCK_ROWS_MAX rows or BLOCK_CELLS_MAX cells. */
bool block_builder_full(const struct block_builder *builder);

/*
 * Adds a row whose key is not below the one before it (asserted). `cells` carry
 * store-wide metric numbers in ascending order, each once (asserted). The builder is not full
 * (asserted). After STATUS_NOMEM the builder may only be freed.
 */
MUST_CHECK enum status block_builder_append(struct block_builder *builder,
                                            const struct row_key *key, uint8_t time_source,
                                            const struct cell *cells, uint32_t cell_count);

/*
 * Adds the first of so many rows, at most `count_max` of them, that all have the same metrics as
 * those in the builder, in arrays of their own: much faster than one by one. Returns how many were
 * added; 0 if the first is unlike them, or if cells must be added one by one. The rules are those
 * of block_builder_append; `count` rows in all may be looked at ahead.
 */
uint32_t block_builder_append_alike(struct block_builder *builder, const struct block_row *rows,
                                    size_t count, uint32_t count_max);

/*
 * Appends the packed rows to `out` and empties the builder. The summary's
 * columns are the builder's, valid until its next append. At least one row (asserted).
 */
MUST_CHECK enum status block_builder_seal(struct block_builder *builder, struct buffer *out,
                                          struct block_summary *summary);

struct block_decoder;

MUST_CHECK enum status block_decoder_new(struct block_decoder **decoder);
void block_decoder_free(struct block_decoder *decoder);

/*
 * Verifies the checksum and decodes untrusted bytes, which are exactly one
 * block. On failure `rows` is not usable. Never reads outside `bytes`, never
 * needs more memory than the selected columns of BLOCK_ROWS_MAX rows each
 * (or of the one row, if a block of many cells has few rows).
 */
MUST_CHECK enum status block_decode(struct block_decoder *decoder, struct slice bytes,
                                    const struct block_selection *selection,
                                    struct row_vector *rows, struct error *err);

/*
 * Recomputes the summary of decoded rows (all metrics, with message_ids), for
 * verification. The columns live in the decoder until its next decode.
 */
MUST_CHECK enum status block_summarize(struct block_decoder *decoder, const struct row_vector *rows,
                                       struct block_summary *summary);
bool block_summary_equal(const struct block_summary *a, const struct block_summary *b);

/*
 * Directory values: the summaries of consecutive blocks with the place of each
 * in the part's byte stream. A value is at most DIRECTORY_BYTES_MAX bytes
 * unless a single entry is larger, and its entries are coded against each other.
 */
#define DIRECTORY_BYTES_MAX 4064u /* with a checksum and LMDB's header: one page */

struct directory_entry {
    struct block_summary summary;
    uint64_t offset; /* of the block in the part's byte stream */
    uint32_t bytes_len;
};

struct directory_writer {
    struct buffer bytes;             /* owned; the value so far */
    struct row_key first;            /* key of the first entry: the value's place in the part */
    struct directory_entry previous; /* without its columns */
    uint32_t entry_count;
};

/*
 * Appends an entry; *full is set, and nothing added, if the value must be written
 * out (and cleared) first. A column whose count is the block's has the ends of its rows.
 */
MUST_CHECK enum status directory_writer_add(struct directory_writer *writer,
                                            const struct directory_entry *entry, bool *full);
void directory_writer_clear(struct directory_writer *writer);
void directory_writer_release(struct directory_writer *writer);

struct directory_reader {
    struct cursor cursor;
    struct directory_entry entry;   /* the current one */
    struct column_summary *columns; /* owned; entry.summary.columns points here */
    size_t column_capacity;
    uint32_t entries_left;
    uint32_t device_from; /* entries whose devices all are lower are passed over; open sets it 0 */
    bool one_device_only; /* columns of entries of several devices are not read: they have none */
};

/*
 * Starts on the bytes of a value (its checksum was verified by the caller).
 * Reusable: keeps its memory.
 */
MUST_CHECK enum status directory_reader_open(struct directory_reader *reader, struct slice bytes,
                                             struct error *err);
/* The next entry in `reader->entry`; *more is false after the last. */
MUST_CHECK enum status directory_reader_next(struct directory_reader *reader, bool *more,
                                             struct error *err);
void directory_reader_release(struct directory_reader *reader);

#endif
