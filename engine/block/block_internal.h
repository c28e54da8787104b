/*
 * block_internal.h - the form of a sealed block, for the files of engine/block only.
 *
 * All integers little-endian; "column" is a packed column of engine/codec,
 * whose number of values is known from elsewhere.
 *
 *      OFFSET  SIZE     MEANING
 *      0       8        XXH3-64 of everything behind it, seeded with BLOCK_SEED
 *      8       varint   rows, 1 ... BLOCK_ROWS_MAX
 *      .       1        flags:
 *                         bit 0     several devices
 *                         bit 1     ids are raw, else split
 *                         bits 2-3  the time source of all rows; 3: a column of them follows
 *                         bits 4-7  0
 *      .       varint   one device: its number
 *              .        several: varint runs (2 ... rows), column of the runs' devices,
 *                       column of their lengths in rows, less one
 *      .       .        column of times
 *      .       varint   length of the time sources, if they are a column
 *      .       .        that column
 *      .       varint   length of the ids
 *      .       .        raw: column of ids
 *                       split: three columns: the id's own millisecond, less the row's
 *                       time; its worker; its sequence
 *      .       varint   number of columns of values
 *      .       .        table: per column, by metric: varint metric, less the one before, less one
 *                       (the first: the metric); varint length of its body
 *      .       .        bodies, in the same order; they end the block
 *
 * A body:
 *
 *      0       1        flags:
 *                         bits 0-1  presence: enum presence_form
 *                         bit 2     exceptions stand at its end
 *                         bits 3-7  exponent + EXPONENT_BIAS, or 31: an i8 follows
 *      .       .        bitmap: a bit per row, low bits first
 *                       list: varint count, column of the rows that are there
 *                       toggles: varint count, column of the rows where being there or not changes,
 *                       the row before the first being not there
 *      .       .        column of mantissas, of the rows that are there
 *      .       varint   number of exceptions, if there are any; then for each:
 *      .       varint   its place among the rows that are there, less that of the one
 *                       before, less one (the first: its place), times 2, plus 1 if real
 *      .       .        decimal: i8 exponent, signed varint mantissa; real: a double
 *
 * The mantissa under an exception is one that costs little; it means nothing.
 *
 * An id of a snowflake kind is 42 bits of ms since SNOWFLAKE_EPOCH_MS, 10 bits worker,
 * 12 bits sequence. Splitting and joining are exact for every 64-bit id.
 */
#ifndef MNSDB_ENGINE_BLOCK_BLOCK_INTERNAL_H
#define MNSDB_ENGINE_BLOCK_BLOCK_INTERNAL_H

#include "engine/block/block.h"
#include "engine/codec/codec.h"

#include <assert.h>

#define BLOCK_SEED           UINT64_C(0x6d6e7364626c6b31)
#define BLOCK_CHECKSUM_BYTES 8u

#define BLOCK_FLAG_DEVICES       1u
#define BLOCK_FLAG_RAW_IDS       2u
#define BLOCK_FLAG_SOURCES_SHIFT 2u
#define BLOCK_FLAGS_KNOWN        15u
#define BLOCK_SOURCES_COLUMN     3u

#define COLUMN_PRESENCE_MASK  3u
#define COLUMN_EXCEPTIONS     4u
#define COLUMN_EXPONENT_SHIFT 3u
#define EXPONENT_BIAS         24
#define EXPONENT_ESCAPE       31u

#define SNOWFLAKE_EPOCH_MS      INT64_C(1288834974657)
#define SNOWFLAKE_MS_SHIFT      22u
#define SNOWFLAKE_WORKER_SHIFT  12u
#define SNOWFLAKE_WORKER_MASK   1023u
#define SNOWFLAKE_SEQUENCE_MASK 4095u

enum presence_form {
    PRESENCE_ALL = 0,
    PRESENCE_BITMAP = 1,
    PRESENCE_LIST = 2,
    PRESENCE_TOGGLES = 3,
};

#define PRESENT_WORDS_MAX (BLOCK_ROWS_MAX / 64u)

static_assert(BLOCK_ROWS_MAX == CODEC_VALUES_MAX, "a block's column is one packed column");

static inline int64_t snowflake_offset_ms(uint64_t id, int64_t time_ms)
{
    return (int64_t)((id >> SNOWFLAKE_MS_SHIFT) + (uint64_t)SNOWFLAKE_EPOCH_MS - (uint64_t)time_ms);
}

static inline uint64_t snowflake_join(int64_t offset_ms, int64_t time_ms, uint64_t low_bits)
{
    return ((uint64_t)offset_ms + (uint64_t)time_ms - (uint64_t)SNOWFLAKE_EPOCH_MS)
               << SNOWFLAKE_MS_SHIFT |
           low_bits;
}

/* True if a number from outside is one that number.h would make. */
bool number_is_valid(const struct number *number);

/*
 * mantissa * 10^exponent made normal; false if it is no valid decimal. Any
 * mantissa, exponent -128 ... 127.
 */
bool number_from_scaled(int64_t mantissa, int exponent, struct number *number);

/* The values of one metric in one block: `count` of `rows_total` rows, ascending. */
struct series {
    const uint32_t *rows;
    const struct number *values;
    uint32_t count;
    uint32_t rows_total;
};

/*
 * Appends the body of a column. `mantissas` (room for BLOCK_ROWS_MAX) gets those at
 * *exponent; *exact is true if none of them stands in for an exception.
 */
MUST_CHECK enum status series_encode(const struct series *series, struct buffer *out,
                                     int64_t *mantissas, int *exponent, bool *exact);

/* The values of one metric that all rows of a block have: decimals, normal ones. */
struct plain_series {
    const int64_t *mantissas;
    const int8_t *exponents;
    uint32_t count;
};

static inline struct number plain_series_value(const struct plain_series *series, uint32_t row)
{
    return (struct number){
        .mantissa = series->mantissas[row],
        .exponent = series->exponents[row],
        .kind = NUMBER_DECIMAL,
    };
}

/*
 * The same as series_encode and summary_add_up_scaled at once, where one exponent carries all
 * values and no other could be better; else *done is false and nothing was appended. `scratch` has
 * room for BLOCK_ROWS_MAX.
 */
MUST_CHECK enum status plain_series_encode(const struct plain_series *series, struct buffer *out,
                                           int64_t *scratch, struct column_summary *summary,
                                           bool *done);

/* Fills in count, has_sum, sum, min and max from at least one number. */
void summary_add_up(const struct number *values, uint32_t count, struct column_summary *summary);

/* The same from mantissas at one exponent, the smallest that any of the values other than 0 has. */
void summary_add_up_scaled(const struct number *values, const int64_t *mantissas, uint32_t count,
                           int exponent, struct column_summary *summary);

#endif
