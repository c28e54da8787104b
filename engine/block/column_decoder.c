/*
 * column_decoder.c - the columns of a sealed block; the form is in block_internal.h.
 *
 * A column takes a mantissa per row, so that a scan can run over it blindly. A
 * block of thousands of columns with a few values each would so take
 * gigabytes; beyond DENSE_SLOTS_MAX slots a column with few values gives all of
 * them as exceptions above one row of zeros that such columns share. A block holds at
 * most BLOCK_CELLS_MAX values and one row more, which bounds the rest.
 *
 * The decoder's arrays may move while columns are added; a column keeps
 * indices into them until all are there.
 */
#include "engine/block/decoder_internal.h"

#include "engine/base/mem.h"

#define DENSE_SLOTS_MAX (1u << 20) /* 8 MiB of mantissas: 512 columns of a full block */
#define SPARSE_SHARE    16u        /* a sparse column has values in fewer than 1/16 of the rows */

/* --- one column --------------------------------------------------------------------------- */

/* Room for `count` more of an array's items, from `*used` on; *index is where they begin. */
static enum status array_take(void *items, size_t *used, size_t *capacity, size_t count,
                              size_t item_bytes, size_t *index)
{
    TRY(mem_grow(items, capacity, *used + count, item_bytes));
    *index = *used;
    *used += count;
    return STATUS_OK;
}

/* Sets bits [from, until). */
static void bits_set(uint64_t *words, uint32_t from, uint32_t until)
{
    for (uint32_t row = from; row < until; row++)
        words[row / 64] |= UINT64_C(1) << row % 64;
}

static uint32_t bits_count(const uint64_t *words, uint32_t bits)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < (bits + 63) / 64; word++)
        count += (uint32_t)__builtin_popcountll(words[word]);
    return count;
}

static enum status bitmap_decode(struct block_reading *reading, struct cursor *body,
                                 uint64_t *present, struct error *err)
{
    const size_t bytes_len = (reading->row_count + 7) / 8;
    const struct slice bitmap = cursor_bytes(body, bytes_len);
    if (body->failed)
        return block_corrupt(err, "column too short");
    memcpy(present, bitmap.data, bytes_len);
    const uint32_t last_bits = reading->row_count % 64;
    if (last_bits != 0 && present[reading->row_count / 64] >> last_bits != 0)
        return block_corrupt(err, "value beyond the last row");
    return STATUS_OK;
}

/* A list of rows, or of those where presence changes, in `dense`. */
static enum status places_decode(struct block_reading *reading, struct cursor *body,
                                 uint32_t *count, struct error *err)
{
    const int64_t *const places = reading->decoder->dense;
    const uint64_t place_count = cursor_varint(body);
    if (place_count < 1 || place_count > reading->row_count)
        return block_corrupt(err, "impossible number of values");
    TRY(codec_decode(body, (uint32_t)place_count, reading->decoder->dense, err));
    int64_t before = -1;
    for (uint64_t i = 0; i < place_count; i++) {
        if (places[i] <= before || places[i] >= reading->row_count)
            return block_corrupt(err, "values out of place");
        before = places[i];
    }
    *count = (uint32_t)place_count;
    return STATUS_OK;
}

/* Fills in `present` (zeroed, PRESENT_WORDS_MAX words). */
static enum status presence_decode(struct block_reading *reading, struct cursor *body,
                                   enum presence_form form, uint64_t *present, struct error *err)
{
    if (form == PRESENCE_BITMAP)
        return bitmap_decode(reading, body, present, err);

    uint32_t count = 0;
    TRY(places_decode(reading, body, &count, err));
    const int64_t *const places = reading->decoder->dense;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = (uint32_t)places[i];
        if (form == PRESENCE_LIST)
            bits_set(present, row, row + 1);
        else if (i % 2 == 0)
            bits_set(present, row, i + 1 < count ? (uint32_t)places[i + 1] : reading->row_count);
    }
    return STATUS_OK;
}

/* Puts the values of the present rows where they belong; the others become 0. */
static void values_spread(const uint64_t *present, uint32_t row_count, const int64_t *dense,
                          int64_t *mantissas)
{
    memset(mantissas, 0, row_count * sizeof mantissas[0]);
    for (uint32_t word = 0; word < (row_count + 63) / 64; word++) {
        for (uint64_t left = present[word]; left != 0; left &= left - 1)
            mantissas[word * 64 + (uint32_t)__builtin_ctzll(left)] = *dense++;
    }
}

/* The rows of present values, in `rows`. */
static void rows_of(const uint64_t *present, uint32_t row_count, uint32_t *rows)
{
    uint32_t count = 0;
    for (uint32_t word = 0; word < (row_count + 63) / 64; word++) {
        for (uint64_t left = present[word]; left != 0; left &= left - 1)
            rows[count++] = word * 64 + (uint32_t)__builtin_ctzll(left);
    }
}

/* The next exception's number. */
static enum status exception_value_decode(struct cursor *body, bool real, struct number *value,
                                          struct error *err)
{
    *value = (struct number){.kind = real ? NUMBER_REAL : NUMBER_DECIMAL};
    if (real) {
        const uint64_t bits = cursor_u64(body);
        memcpy(&value->real, &bits, sizeof value->real);
    } else {
        value->exponent = (int8_t)cursor_u8(body);
        value->mantissa = cursor_signed_varint(body);
    }
    if (body->failed)
        return block_corrupt(err, "column too short");
    return number_is_valid(value) ? STATUS_OK : block_corrupt(err, "impossible exception");
}

/* One column on its way. */
struct column_reading {
    struct cursor body;
    enum presence_form form;
    bool has_exceptions;
    struct column_vector *vector;
    struct column_place *place;
};

/* Room for a column's exceptions; *made are they, until the next of this. */
static enum status exceptions_take(struct block_decoder *decoder, struct column_reading *column,
                                   uint32_t count, struct column_exception **made)
{
    TRY(array_take(&decoder->exceptions, &decoder->exception_count, &decoder->exception_capacity,
                   count, sizeof *decoder->exceptions, &column->place->exceptions));
    *made = decoder->exceptions + column->place->exceptions;
    column->vector->exception_count = count;
    return STATUS_OK;
}

static enum status mantissas_take(struct block_reading *reading, struct column_reading *column,
                                  struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    if (array_take(&decoder->mantissas, &decoder->mantissa_count, &decoder->mantissa_capacity,
                   reading->stride, sizeof *decoder->mantissas,
                   &column->place->mantissas) != STATUS_OK)
        return out_of_memory(err);
    return STATUS_OK;
}

/*
 * Decodes the exceptions at the end of a body. `rows` are those of the present
 * values, or NULL if all rows are.
 */
static enum status exceptions_decode(struct block_reading *reading, struct column_reading *column,
                                     const uint32_t *rows, struct error *err)
{
    const uint32_t present_count = column->vector->present_count;
    const uint64_t count = cursor_varint(&column->body);
    if (count < 1 || count > present_count)
        return block_corrupt(err, "impossible number of exceptions");
    struct column_exception *exceptions = NULL;
    if (exceptions_take(reading->decoder, column, (uint32_t)count, &exceptions) != STATUS_OK)
        return out_of_memory(err);
    uint64_t next_place = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t head = cursor_varint(&column->body);
        if ((head >> 1) >= present_count - next_place)
            return block_corrupt(err, "exception out of place");
        const uint64_t place = next_place + (head >> 1);
        exceptions[i].row = rows ? rows[place] : (uint32_t)place;
        TRY(exception_value_decode(&column->body, head & 1, &exceptions[i].value, err));
        next_place = place + 1;
    }
    return STATUS_OK;
}

/* Makes exceptions of all values of a sparse column, which are in `dense`. */
static enum status values_to_exceptions(struct block_reading *reading,
                                        struct column_reading *column, const uint32_t *rows,
                                        struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    const struct column_vector *const vector = column->vector;
    const uint32_t old_count = vector->exception_count;
    const size_t old_index = column->place->exceptions;
    struct column_exception *exceptions = NULL;
    if (exceptions_take(decoder, column, vector->present_count, &exceptions) != STATUS_OK)
        return out_of_memory(err);
    uint32_t old = 0;
    for (uint32_t i = 0; i < vector->present_count; i++) {
        if (old < old_count && decoder->exceptions[old_index + old].row == rows[i]) {
            exceptions[i] = decoder->exceptions[old_index + old++];
            continue;
        }
        exceptions[i].row = rows[i];
        if (!number_from_scaled(decoder->dense[i], vector->exponent, &exceptions[i].value))
            return block_corrupt(err, "impossible value");
    }
    column->place->mantissas = 0; /* the shared zeros */
    return STATUS_OK;
}

/* Counts the values of one more column against what a block may hold. */
static enum status values_count(struct block_reading *reading, uint32_t count, struct error *err)
{
    reading->value_count += count;
    if (count < 1)
        return block_corrupt(err, "column without values");
    if (reading->value_count > reading->value_count_max)
        return block_corrupt(err, "more values than a block may hold");
    return STATUS_OK;
}

/* A column that every row has: straight to where it stays. */
static enum status full_column_decode(struct block_reading *reading, struct column_reading *column,
                                      struct error *err)
{
    column->vector->present_count = reading->row_count;
    TRY(values_count(reading, reading->row_count, err));
    TRY(mantissas_take(reading, column, err));
    TRY(codec_decode(&column->body, reading->row_count,
                     reading->decoder->mantissas + column->place->mantissas, err));
    return column->has_exceptions ? exceptions_decode(reading, column, NULL, err) : STATUS_OK;
}

/* A column that some rows have. */
static enum status partial_column_decode(struct block_reading *reading,
                                         struct column_reading *column, struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    struct column_vector *const vector = column->vector;
    const uint32_t words = (reading->row_count + 63) / 64;
    uint64_t present[PRESENT_WORDS_MAX] = {0};
    TRY(presence_decode(reading, &column->body, column->form, present, err));
    vector->present_count = bits_count(present, reading->row_count);
    TRY(values_count(reading, vector->present_count, err));
    TRY(codec_decode(&column->body, vector->present_count, decoder->dense, err));
    if (array_take(&decoder->present, &decoder->present_count, &decoder->present_capacity, words,
                   sizeof *decoder->present, &column->place->present) != STATUS_OK)
        return out_of_memory(err);
    memcpy(decoder->present + column->place->present, present, words * sizeof present[0]);

    const bool sparse =
        reading->sparse && vector->present_count < reading->row_count / SPARSE_SHARE;
    uint32_t *const rows = decoder->present_rows;
    if (sparse || column->has_exceptions)
        rows_of(present, reading->row_count, rows);
    if (column->has_exceptions)
        TRY(exceptions_decode(reading, column, rows, err));
    if (sparse)
        return values_to_exceptions(reading, column, rows, err);
    TRY(mantissas_take(reading, column, err));
    values_spread(present, reading->row_count, decoder->dense,
                  decoder->mantissas + column->place->mantissas);
    return STATUS_OK;
}

/* Decodes the body of the column at `index` of the decoder's columns. */
static enum status column_decode(struct block_reading *reading, struct slice body, size_t index,
                                 struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    struct column_reading column = {
        .body = cursor_of(body),
        .vector = &decoder->columns[index],
        .place = &decoder->places[index],
    };
    const unsigned flags = cursor_u8(&column.body);
    const unsigned biased = flags >> COLUMN_EXPONENT_SHIFT;
    column.form = (enum presence_form)(flags & COLUMN_PRESENCE_MASK);
    column.has_exceptions = flags & COLUMN_EXCEPTIONS;
    const int exponent = biased == EXPONENT_ESCAPE ? (int)(int8_t)cursor_u8(&column.body)
                                                   : (int)biased - EXPONENT_BIAS;
    column.vector->exponent = (int16_t)exponent;
    *column.place = (struct column_place){.present = SIZE_MAX};
    if (column.form == PRESENCE_ALL)
        TRY(full_column_decode(reading, &column, err));
    else
        TRY(partial_column_decode(reading, &column, err));
    return part_close(&column.body, "column of the wrong length", err);
}

/* --- all columns -------------------------------------------------------------------------- */

/* The table of columns, walked from its start. */
struct table_walk {
    struct cursor in;
    uint64_t left;
    uint64_t next_metric; /* the least that the next column may have */
    size_t selected;      /* index in the selection that comes next */
    uint32_t metric;      /* of the current column */
    uint64_t body_len;
    bool wanted;
};

/* True if there is one more column; then it is the current one. Its metric may be impossible. */
static bool table_next(struct table_walk *walk, const struct block_selection *selection)
{
    if (walk->left == 0 || walk->in.failed)
        return false;
    walk->left--;
    const uint64_t gap = cursor_varint(&walk->in);
    if (gap > UINT32_MAX || walk->next_metric + gap > UINT32_MAX)
        walk->in.failed = true;
    walk->metric = (uint32_t)(walk->next_metric + gap);
    walk->next_metric += gap + 1;
    walk->body_len = cursor_varint(&walk->in);
    while (walk->selected < selection->metric_count &&
           selection->metrics[walk->selected] < walk->metric)
        walk->selected++;
    walk->wanted = selection->all_metrics || (walk->selected < selection->metric_count &&
                                              selection->metrics[walk->selected] == walk->metric);
    return !walk->in.failed;
}

/* Walks over the whole table, leaves the cursor on the bodies and counts the selected columns. */
static enum status table_check(struct block_reading *reading, struct table_walk *start,
                               size_t *wanted_count, struct error *err)
{
    const uint64_t column_count = cursor_varint(&reading->in);
    if (reading->in.failed || column_count > cursor_left(&reading->in) / 2)
        return block_corrupt(err, "impossible number of columns");
    *start = (struct table_walk){.in = reading->in, .left = column_count};
    struct table_walk walk = *start;
    uint64_t bodies_len = 0;
    *wanted_count = 0;
    while (table_next(&walk, reading->selection)) {
        if (__builtin_add_overflow(bodies_len, walk.body_len, &bodies_len))
            walk.in.failed = true;
        *wanted_count += walk.wanted;
    }
    if (walk.in.failed || bodies_len != cursor_left(&walk.in))
        return block_corrupt(err, "damaged table of columns");
    reading->in = walk.in;
    reading->value_count_max = BLOCK_CELLS_MAX + column_count;
    return STATUS_OK;
}

/* Empties the decoder's arrays and makes room for that many columns. */
static enum status columns_reserve(struct block_reading *reading, size_t count)
{
    struct block_decoder *const decoder = reading->decoder;
    decoder->mantissa_count = 0;
    decoder->present_count = 0;
    decoder->exception_count = 0;
    TRY(mem_grow(&decoder->columns, &decoder->column_capacity, count, sizeof *decoder->columns));
    TRY(mem_grow(&decoder->places, &decoder->place_capacity, count, sizeof *decoder->places));
    reading->sparse = count > DENSE_SLOTS_MAX / reading->stride;
    if (!reading->sparse)
        return mem_grow(&decoder->mantissas, &decoder->mantissa_capacity, count * reading->stride,
                        sizeof *decoder->mantissas);

    size_t zeros = 0;
    TRY(array_take(&decoder->mantissas, &decoder->mantissa_count, &decoder->mantissa_capacity,
                   reading->stride, sizeof *decoder->mantissas, &zeros));
    memset(decoder->mantissas, 0, reading->stride * sizeof *decoder->mantissas);
    return STATUS_OK;
}

/* Points the columns into the arrays, which have stopped growing. */
static void columns_settle(struct block_decoder *decoder, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct column_vector *const column = &decoder->columns[i];
        const struct column_place *const place = &decoder->places[i];
        int64_t *const mantissas = decoder->mantissas + place->mantissas;
        column->mantissas = mantissas;
        column->present = place->present == SIZE_MAX ? NULL : decoder->present + place->present;
        if (column->exception_count == 0)
            continue;
        column->exceptions = decoder->exceptions + place->exceptions;
        for (uint32_t e = 0; e < column->exception_count; e++)
            mantissas[column->exceptions[e].row] = 0;
    }
}

enum status columns_decode(struct block_reading *reading, struct row_vector *rows,
                           struct error *err)
{
    struct block_decoder *const decoder = reading->decoder;
    struct table_walk walk;
    size_t wanted_count = 0;
    TRY(table_check(reading, &walk, &wanted_count, err));
    if (columns_reserve(reading, wanted_count) != STATUS_OK)
        return out_of_memory(err);
    size_t decoded = 0;
    while (table_next(&walk, reading->selection)) {
        const struct slice body = cursor_bytes(&reading->in, walk.body_len);
        if (!walk.wanted)
            continue;
        decoder->columns[decoded] = (struct column_vector){.metric = walk.metric};
        TRY(column_decode(reading, body, decoded, err));
        decoded++;
    }
    assert(decoded == wanted_count);
    columns_settle(decoder, decoded);
    rows->column_count = (uint32_t)decoded;
    rows->columns = decoder->columns;
    return STATUS_OK;
}
