/*
 * directory.c - values of a part's directory: the summaries of its blocks, close together.
 *
 *      OFFSET  SIZE     MEANING
 *      0       2        number of entries
 *      2       .        entries, each:
 *      .       1        flags: enum entry_flag
 *      .       varint   rows of the block, less one
 *      .       signed   device of its first row, less that of the entry before's last row
 *      .       key      time and id of its first row, the time less the entry before's last time
 *      .       signed   device of its last row, less the first's; absent if ENTRY_ONE_DEVICE
 *      .       key      time and id of its last row, the time less the first row's
 *      .       signed   first time less min_time_ms; absent if ENTRY_TIMES_ARE_ENDS
 *      .       signed   max_time_ms less first time; likewise
 *      .       signed   offset of the block, less the end of the one before; absent if
 *                       ENTRY_FOLLOWS
 *      .       varint   length of the block in bytes
 *      .       varint   number of columns, each:
 *      .       varint   metric, less the one before, less one (the first: the metric)
 *      .       1        flags: enum column_flag, and sum_exponent + SUM_EXPONENT_BIAS in the
 *                       high 4 bits; 15: an i8 follows
 *      .       varint   rows without a value; absent if COLUMN_FULL
 *      .       .        COLUMN_PLAIN: min as a mantissa at sum_exponent (signed); max - min
 *                       (varint); sum - count * min (wide varint); then, with COLUMN_ENDS,
 *                       first - min and last - min (varints)
 *      .       .        else: numbers min, max, then 24 bytes of sum if COLUMN_SUM, then with
 *                       COLUMN_ENDS the numbers first and last
 *      .       key      of first, then of last, their times less those of the block's first and
 *                       last row; absent without COLUMN_ENDS, and if COLUMN_FULL and
 *                       ENTRY_ONE_DEVICE, for then they are these rows'
 *
 * "signed" is a signed varint. A key is a signed varint of the time's distance, then
 * the id: a signed varint of its own millisecond less the time, and 3 bytes of its low 22 bits.
 * A number is a byte of its kind, then i8 exponent and signed mantissa, or a double.
 *
 * The entry before the first of a value is all zeros, so that a value is read alone.
 */
#include "engine/block/block_internal.h"
#include "engine/block/directory_internal.h"

#include "engine/base/mem.h"

#define COUNT_BYTES       2u
#define KEY_BYTES_MAX     (2 * VARINT_BYTES_MAX + 3u)
#define ENTRY_BYTES_MAX   (1u + 8u * VARINT_BYTES_MAX + 2u * KEY_BYTES_MAX)
#define NUMBER_BYTES_MAX  (2u + VARINT_BYTES_MAX)
#define WIDE_VARINT_BYTES 19u
#define COLUMN_BYTES_MAX \
    (3u + 2u * VARINT_BYTES_MAX + 4u * NUMBER_BYTES_MAX + 24u + 2u * KEY_BYTES_MAX)
#define COLUMN_BYTES_MIN  5u
#define LOW_ID_MASK       ((UINT64_C(1) << SNOWFLAKE_MS_SHIFT) - 1)
#define SUM_EXPONENT_BIAS 11

enum entry_flag {
    ENTRY_ONE_DEVICE = 1,
    ENTRY_TIMES_ARE_ENDS = 2,
    ENTRY_FOLLOWS = 4,
    ENTRY_FLAGS_KNOWN = 7,
};

/* --- writing ------------------------------------------------------------------------------ */

static int64_t distance(int64_t from, int64_t to)
{
    return (int64_t)((uint64_t)to - (uint64_t)from);
}

static int64_t advance(int64_t from, int64_t by)
{
    return (int64_t)((uint64_t)from + (uint64_t)by);
}

static void key_put(struct buffer *out, int64_t from_ms, int64_t time_ms, uint64_t id)
{
    buffer_put_signed_varint(out, distance(from_ms, time_ms));
    buffer_put_signed_varint(out, snowflake_offset_ms(id, time_ms));
    const uint64_t low_bits = id & LOW_ID_MASK;
    buffer_put_u16(out, (uint16_t)low_bits);
    buffer_put_u8(out, (uint8_t)(low_bits >> 16));
}

static void number_put(struct buffer *out, const struct number *number)
{
    buffer_put_u8(out, number->kind);
    if (number->kind == NUMBER_REAL) {
        buffer_put_bytes(out, &number->real, sizeof number->real);
    } else {
        buffer_put_u8(out, (uint8_t)number->exponent);
        buffer_put_signed_varint(out, number->mantissa);
    }
}

static void wide_varint_put(struct buffer *out, u128 value)
{
    while (value >= 0x80) {
        buffer_put_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    buffer_put_u8(out, (uint8_t)value);
}

/* The mantissa of a number at an exponent not above its own; false if it has too many digits. */
static bool number_scale(const struct number *number, int exponent, int64_t *mantissa)
{
    if (number->kind != NUMBER_DECIMAL)
        return false;
    *mantissa = number->mantissa;
    if (number->mantissa == 0)
        return true;
    const int digits = number->exponent - exponent;
    if (digits < 0 || digits >= NUMBER_DIGITS_MAX)
        return false;
    const int64_t limit = power_of_ten(NUMBER_DIGITS_MAX - digits);
    if (number->mantissa >= limit || number->mantissa <= -limit)
        return false;
    *mantissa *= power_of_ten(digits);
    return true;
}

/* A column's numbers as mantissas at its sum_exponent. */
struct plain_column {
    int64_t min, max, first, last;
    u128 sum_above; /* sum - count * min */
};

/* False if the column is not plain: not all in 18 digits, or a sum that min and max contradict. */
static bool plain_column_of(const struct column_summary *column, struct plain_column *plain)
{
    if (!column->has_sum || column->sum_exponent < NUMBER_EXPONENT_MIN ||
        column->sum_exponent > NUMBER_EXPONENT_MAX)
        return false;
    if (!number_scale(&column->min, column->sum_exponent, &plain->min) ||
        !number_scale(&column->max, column->sum_exponent, &plain->max) || plain->max < plain->min)
        return false;
    plain->first = plain->min;
    plain->last = plain->min;
    if (column->has_ends &&
        (!number_scale(&column->first.value, column->sum_exponent, &plain->first) ||
         !number_scale(&column->last.value, column->sum_exponent, &plain->last)))
        return false;
    if (plain->first < plain->min || plain->last < plain->min)
        return false;
    const struct wide bottom = wide_of((i128)plain->min * column->count);
    const struct wide above = wide_add(column->sum, wide_negate(bottom));
    plain->sum_above = above.low;
    return above.high == 0;
}

static void plain_column_put(struct buffer *out, const struct column_summary *column,
                             const struct plain_column *plain)
{
    buffer_put_signed_varint(out, plain->min);
    buffer_put_varint(out, (uint64_t)distance(plain->min, plain->max));
    wide_varint_put(out, plain->sum_above);
    if (column->has_ends) {
        buffer_put_varint(out, (uint64_t)distance(plain->min, plain->first));
        buffer_put_varint(out, (uint64_t)distance(plain->min, plain->last));
    }
}

static void general_column_put(struct buffer *out, const struct column_summary *column)
{
    number_put(out, &column->min);
    number_put(out, &column->max);
    if (column->has_sum) {
        buffer_put_bytes(out, &column->sum.low, sizeof column->sum.low);
        buffer_put_u64(out, (uint64_t)column->sum.high);
    }
    if (column->has_ends) {
        number_put(out, &column->first.value);
        number_put(out, &column->last.value);
    }
}

static void column_put(struct buffer *out, const struct column_summary *column,
                       const struct block_summary *block)
{
    struct plain_column plain;
    const bool is_plain = plain_column_of(column, &plain);
    const bool full = column->count == block->row_count;
    const int biased = column->sum_exponent + SUM_EXPONENT_BIAS;
    const bool escaped = biased < 0 || biased >= (int)SUM_EXPONENT_MASK;
    const unsigned exponent_bits = escaped ? SUM_EXPONENT_MASK : (unsigned)biased;
    buffer_put_u8(out, (uint8_t)((full ? COLUMN_FULL : 0u) | (is_plain ? COLUMN_PLAIN : 0u) |
                                 (column->has_sum ? COLUMN_SUM : 0u) |
                                 (column->has_ends ? COLUMN_ENDS : 0u) |
                                 exponent_bits << COLUMN_FLAGS_BITS));
    if (escaped)
        buffer_put_u8(out, (uint8_t)column->sum_exponent);
    if (!full)
        buffer_put_varint(out, block->row_count - column->count);
    if (is_plain)
        plain_column_put(out, column, &plain);
    else
        general_column_put(out, column);
    if (column->has_ends && !ends_are_the_blocks(block, full)) {
        key_put(out, block->first.time_ms, column->first.time_ms, column->first.message_id);
        key_put(out, block->last.time_ms, column->last.time_ms, column->last.message_id);
    }
}

static void entry_put(struct buffer *out, const struct directory_entry *entry,
                      const struct directory_entry *before)
{
    const struct block_summary *block = &entry->summary;
    const bool one_device = block->first.device == block->last.device;
    const bool times_are_ends =
        block->min_time_ms == block->first.time_ms && block->max_time_ms == block->last.time_ms;
    const uint64_t before_end = before->offset + before->bytes_len;
    buffer_put_u8(out, (uint8_t)((one_device ? ENTRY_ONE_DEVICE : 0) |
                                 (times_are_ends ? ENTRY_TIMES_ARE_ENDS : 0) |
                                 (entry->offset == before_end ? ENTRY_FOLLOWS : 0)));
    buffer_put_varint(out, block->row_count - 1);
    buffer_put_signed_varint(out, (int64_t)block->first.device - before->summary.last.device);
    key_put(out, before->summary.last.time_ms, block->first.time_ms, block->first.message_id);
    if (!one_device)
        buffer_put_signed_varint(out, (int64_t)block->last.device - block->first.device);
    key_put(out, block->first.time_ms, block->last.time_ms, block->last.message_id);
    if (!times_are_ends) {
        buffer_put_signed_varint(out, distance(block->min_time_ms, block->first.time_ms));
        buffer_put_signed_varint(out, distance(block->first.time_ms, block->max_time_ms));
    }
    if (entry->offset != before_end)
        buffer_put_signed_varint(out, (int64_t)(entry->offset - before_end));
    buffer_put_varint(out, entry->bytes_len);
    buffer_put_varint(out, block->column_count);
}

enum status directory_writer_add(struct directory_writer *writer,
                                 const struct directory_entry *entry, bool *full)
{
    const struct block_summary *block = &entry->summary;
    assert(block->row_count >= 1);

    struct buffer *const out = &writer->bytes;
    *full = false;
    TRY(buffer_reserve(out, COUNT_BYTES + ENTRY_BYTES_MAX));
    if (writer->entry_count == 0) {
        buffer_clear(out);
        buffer_put_u16(out, 0);
    }
    const size_t start = out->len;
    entry_put(out, entry, &writer->previous);
    uint32_t next_metric = 0;
    for (uint32_t i = 0; i < block->column_count; i++) {
        if (buffer_reserve(out, COLUMN_BYTES_MAX) != STATUS_OK) {
            out->len = start;
            return STATUS_NOMEM;
        }
        buffer_put_varint(out, block->columns[i].metric - next_metric);
        next_metric = block->columns[i].metric + 1;
        column_put(out, &block->columns[i], block);
    }
    if (writer->entry_count > 0 && out->len > DIRECTORY_BYTES_MAX) {
        out->len = start;
        *full = true;
        return STATUS_OK;
    }
    if (writer->entry_count == 0)
        writer->first = block->first;
    writer->entry_count++;
    const uint16_t entry_count = (uint16_t)writer->entry_count;
    memcpy(out->data, &entry_count, sizeof entry_count);
    writer->previous = *entry;
    writer->previous.summary.columns = NULL;
    return STATUS_OK;
}

void directory_writer_clear(struct directory_writer *writer)
{
    const struct buffer bytes = writer->bytes;
    *writer = (struct directory_writer){.bytes = bytes};
    buffer_clear(&writer->bytes);
}

void directory_writer_release(struct directory_writer *writer)
{
    buffer_release(&writer->bytes);
    *writer = (struct directory_writer){0};
}

/* --- reading ------------------------------------------------------------------------------ */

/*
 * A walk reads some thirty small numbers an entry, of one byte or two: without a call. What is
 * read behind a failure does not count, as `failed` stays.
 */
static inline uint8_t u8_get(struct cursor *in)
{
    if (in->next == in->end) {
        in->failed = true;
        return 0;
    }
    return *in->next++;
}

static inline int64_t signed_get(struct cursor *in)
{
    return zigzag_decode(cursor_short_varint(in));
}

static enum status directory_corrupt(struct error *err, const char *what)
{
    return error_set(err, STATUS_CORRUPT, "directory: %s", what);
}

static void key_get(struct cursor *in, int64_t from_ms, int64_t *time_ms, uint64_t *id)
{
    *time_ms = advance(from_ms, signed_get(in));
    const int64_t offset_ms = signed_get(in);
    const uint64_t low_bits = cursor_u16(in);
    *id = snowflake_join(offset_ms, *time_ms, low_bits | (uint64_t)u8_get(in) << 16);
}

/* A device at a distance from another; marks the cursor failed if there is none. */
static uint32_t device_get(struct cursor *in, uint32_t from)
{
    const int64_t device = advance((int64_t)from, signed_get(in));
    if (device < 0 || device > (int64_t)UINT32_MAX)
        in->failed = true;
    return (uint32_t)device;
}

static void number_get(struct cursor *in, struct number *number)
{
    *number = (struct number){.kind = u8_get(in)};
    if (number->kind == NUMBER_REAL) {
        const uint64_t bits = cursor_u64(in);
        memcpy(&number->real, &bits, sizeof number->real);
    } else {
        number->exponent = (int8_t)u8_get(in);
        number->mantissa = signed_get(in);
    }
    if (!number_is_valid(number))
        in->failed = true;
}

static u128 wide_varint_get(struct cursor *in)
{
    u128 value = 0;
    for (unsigned shift = 0; shift < 7 * WIDE_VARINT_BYTES; shift += 7) {
        const uint8_t byte = u8_get(in);
        value |= (u128)(byte & 0x7fu) << shift;
        if (!(byte & 0x80u))
            return value;
    }
    in->failed = true;
    return 0;
}

/* A number at `above` the lowest mantissa of a plain column. */
static void plain_number_get(int64_t min, uint64_t above, int exponent, struct cursor *in,
                             struct number *number)
{
    int64_t mantissa = 0;
    if (above > INT64_MAX || __builtin_add_overflow(min, (int64_t)above, &mantissa) ||
        !number_from_scaled(mantissa, exponent, number))
        in->failed = true;
}

static void plain_column_get(struct cursor *in, struct column_summary *column)
{
    const int64_t min = signed_get(in);
    plain_number_get(min, 0, column->sum_exponent, in, &column->min);
    plain_number_get(min, cursor_short_varint(in), column->sum_exponent, in, &column->max);
    const struct wide above = {.low = wide_varint_get(in)};
    column->sum = wide_add(above, wide_of((i128)min * column->count));
    if (column->has_ends) {
        plain_number_get(min, cursor_short_varint(in), column->sum_exponent, in,
                         &column->first.value);
        plain_number_get(min, cursor_short_varint(in), column->sum_exponent, in,
                         &column->last.value);
    }
}

static void general_column_get(struct cursor *in, struct column_summary *column)
{
    number_get(in, &column->min);
    number_get(in, &column->max);
    if (column->has_sum) {
        column->sum.low = (u128)cursor_i128(in);
        column->sum.high = (int64_t)cursor_u64(in);
    }
    if (column->has_ends) {
        number_get(in, &column->first.value);
        number_get(in, &column->last.value);
    }
}

/* Member by member: a literal of the whole is cleared by an instruction that is slow to start. */
static void column_clear(struct column_summary *column, uint32_t metric)
{
    column->metric = metric;
    column->count = 0;
    column->sum = (struct wide){0};
    column->first = (struct dated_number){0};
    column->last = (struct dated_number){0};
}

static bool is_within(const struct block_summary *block, int64_t time_ms)
{
    return block->min_time_ms <= time_ms && time_ms <= block->max_time_ms;
}

/* Reads a column behind its metric; every member is set. */
static void column_get(struct cursor *in, const struct block_summary *block,
                       struct column_summary *column)
{
    const unsigned flags = u8_get(in);
    const unsigned biased = flags >> COLUMN_FLAGS_BITS;
    const bool full = flags & COLUMN_FULL;
    column->has_sum = flags & COLUMN_SUM;
    column->has_ends = flags & COLUMN_ENDS;
    const int exponent =
        biased == SUM_EXPONENT_MASK ? (int)(int8_t)u8_get(in) : (int)biased - SUM_EXPONENT_BIAS;
    column->sum_exponent = (int16_t)exponent;
    const uint64_t absent = full ? 0 : cursor_short_varint(in);
    if (absent >= block->row_count || (!full && absent == 0) ||
        ((flags & COLUMN_PLAIN) && !column->has_sum)) {
        in->failed = true;
        return;
    }
    column->count = block->row_count - (uint32_t)absent;
    if (flags & COLUMN_PLAIN)
        plain_column_get(in, column);
    else
        general_column_get(in, column);
    if (!column->has_ends)
        return;
    column->first.time_ms = block->first.time_ms;
    column->first.message_id = block->first.message_id;
    column->last.time_ms = block->last.time_ms;
    column->last.message_id = block->last.message_id;
    if (!ends_are_the_blocks(block, full)) {
        key_get(in, block->first.time_ms, &column->first.time_ms, &column->first.message_id);
        key_get(in, block->last.time_ms, &column->last.time_ms, &column->last.message_id);
        if (!is_within(block, column->first.time_ms) || !is_within(block, column->last.time_ms))
            in->failed = true;
    }
}

/* Reads an entry up to its columns; `entry` holds the one before. */
static void entry_get(struct cursor *in, struct directory_entry *entry)
{
    struct block_summary *const block = &entry->summary;
    const unsigned flags = u8_get(in);
    const uint64_t more_rows = cursor_short_varint(in);
    if (flags & ~(unsigned)ENTRY_FLAGS_KNOWN || more_rows >= UINT32_MAX)
        in->failed = true;
    block->row_count = (uint32_t)more_rows + 1;
    block->first.device = device_get(in, block->last.device);
    key_get(in, block->last.time_ms, &block->first.time_ms, &block->first.message_id);
    block->last.device =
        flags & ENTRY_ONE_DEVICE ? block->first.device : device_get(in, block->first.device);
    key_get(in, block->first.time_ms, &block->last.time_ms, &block->last.message_id);
    block->min_time_ms = block->first.time_ms;
    block->max_time_ms = block->last.time_ms;
    if (!(flags & ENTRY_TIMES_ARE_ENDS)) {
        block->min_time_ms = distance(signed_get(in), block->first.time_ms);
        block->max_time_ms = advance(block->first.time_ms, signed_get(in));
    }
    entry->offset += entry->bytes_len;
    if (!(flags & ENTRY_FOLLOWS))
        entry->offset += (uint64_t)signed_get(in);
    const uint64_t bytes_len = cursor_short_varint(in);
    const uint64_t column_count = cursor_short_varint(in);
    if (bytes_len > UINT32_MAX || column_count > cursor_left(in) / COLUMN_BYTES_MIN)
        in->failed = true;
    entry->bytes_len = (uint32_t)bytes_len;
    block->column_count = (uint32_t)column_count;
}

enum status directory_reader_open(struct directory_reader *reader, struct slice bytes,
                                  struct error *err)
{
    reader->cursor = cursor_of(bytes);
    reader->entry = (struct directory_entry){0};
    reader->entries_left = cursor_u16(&reader->cursor);
    reader->device_from = 0;
    if (reader->cursor.failed)
        return directory_corrupt(err, "too short");
    return STATUS_OK;
}

static enum status columns_get(struct directory_reader *reader, struct error *err)
{
    struct cursor *const in = &reader->cursor;
    struct block_summary *const block = &reader->entry.summary;
    if (mem_grow(&reader->columns, &reader->column_capacity, block->column_count,
                 sizeof *reader->columns) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "directory: no memory for %u columns",
                         block->column_count);
    block->columns = reader->columns;
    uint64_t next_metric = 0;
    for (uint32_t i = 0; i < block->column_count && !in->failed; i++) {
        struct column_summary *const column = &reader->columns[i];
        const uint64_t gap = cursor_short_varint(in);
        if (gap > UINT32_MAX || next_metric + gap > UINT32_MAX)
            in->failed = true;
        column_clear(column, (uint32_t)(next_metric + gap));
        next_metric += gap + 1;
        column_get(in, block, column);
    }
    return in->failed ? directory_corrupt(err, "damaged column") : STATUS_OK;
}

enum status directory_reader_next(struct directory_reader *reader, bool *more, struct error *err)
{
    struct cursor *const in = &reader->cursor;
    struct block_summary *const block = &reader->entry.summary;
    while (reader->entries_left > 0) {
        reader->entries_left--;
        entry_get(in, &reader->entry);
        if (in->failed)
            return directory_corrupt(err, "damaged entry");
        *more = true;
        const bool wanted = block->last.device >= reader->device_from;
        if (wanted && (!reader->one_device_only || block->first.device == block->last.device))
            return columns_get(reader, err);
        directory_columns_skip(in, block);
        if (!wanted)
            continue;
        block->column_count = 0;
        return in->failed ? directory_corrupt(err, "damaged column") : STATUS_OK;
    }
    *more = false;
    return cursor_finished(in) ? STATUS_OK : directory_corrupt(err, "bytes behind its last entry");
}

void directory_reader_release(struct directory_reader *reader)
{
    mem_free(reader->columns);
    *reader = (struct directory_reader){0};
}
