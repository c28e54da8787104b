/*
 * builder.c - rows into a sealed block; the form is in block_internal.h.
 *
 * As long as all rows have the same few metrics, and decimals for values, the rows are alike: their
 * values go straight into an array a metric (builder_alike.c). The first row that is not like the
 * others turns those into cells.
 *
 * Cells are kept in the order of their rows, each with the index of its
 * column; sealing sorts them by column, by counting. Memory so follows the number
 * of cells, whether they are two metrics in every row or 100,000 in one.
 *
 * A metric finds its column by the place it had in the row before, which is
 * right nearly always, else by a hash table.
 */
#include "engine/block/builder_internal.h"

#include "engine/base/clones.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define SLOTS_MIN ((size_t)64)
#define SLOTS_KEPT \
    4096u /* a larger table is given back, since clearing it would cost every block */
#define NO_COLUMN UINT32_MAX

enum status block_builder_new(struct block_builder **builder)
{
    struct block_builder *made = mem_alloc(1, sizeof *made);
    if (!made)
        return STATUS_NOMEM;
    /* Arrays that rows fill are touched no earlier: a small store is read with small ones. */
    const size_t owned_from = offsetof(struct block_builder, cells);
    memset((uint8_t *)made + owned_from, 0, offsetof(struct block_builder, scratch) - owned_from);
    made->row_count = 0;
    made->mixed = false;
    made->alike.column_count = 0;
    made->alike.brief_shape = BRIEF_NONE;
    made->slots = mem_alloc(SLOTS_MIN, sizeof *made->slots);
    if (!made->slots) {
        mem_free(made);
        return STATUS_NOMEM;
    }
    made->slot_count = SLOTS_MIN;
    memset(made->slots, 0xff, SLOTS_MIN * sizeof *made->slots);
    *builder = made;
    return STATUS_OK;
}

void block_builder_free(struct block_builder *builder)
{
    if (!builder)
        return;
    mem_free(builder->cells);
    mem_free(builder->columns);
    mem_free(builder->pattern);
    mem_free(builder->slots);
    mem_free(builder->sorted);
    mem_free(builder->order);
    mem_free(builder->summaries);
    buffer_release(&builder->bodies);
    buffer_release(&builder->table);
    mem_free(builder);
}

uint32_t block_builder_rows(const struct block_builder *builder)
{
    return builder->row_count;
}

bool block_builder_full(const struct block_builder *builder)
{
    return builder->row_count >= BLOCK_ROWS_MAX || builder->cell_count >= BLOCK_CELLS_MAX;
}

/* --- appending ---------------------------------------------------------------------------- */

/* The slot of a metric: its column's, or the free one where it belongs. */
static size_t slot_of(const struct block_builder *builder, uint32_t metric)
{
    size_t slot = (size_t)(metric * UINT32_C(2654435769)) & (builder->slot_count - 1);
    while (builder->slots[slot] != NO_COLUMN &&
           builder->columns[builder->slots[slot]].metric != metric)
        slot = (slot + 1) & (builder->slot_count - 1);
    return slot;
}

/* Doubles the table once it is half full. */
static enum status slots_grow(struct block_builder *builder)
{
    if (builder->column_count * 2 < builder->slot_count)
        return STATUS_OK;
    const size_t slot_count = builder->slot_count * 2;
    uint32_t *const slots = mem_alloc(slot_count, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    memset(slots, 0xff, slot_count * sizeof *slots);
    mem_free(builder->slots);
    builder->slots = slots;
    builder->slot_count = slot_count;
    for (size_t column = 0; column < builder->column_count; column++)
        builder->slots[slot_of(builder, builder->columns[column].metric)] = (uint32_t)column;
    return STATUS_OK;
}

/* The column of a metric that stands at `place` in its row; a new one if need be. */
static enum status column_find(struct block_builder *builder, uint32_t metric, uint32_t place,
                               uint32_t *column)
{
    if (place < builder->pattern_count) {
        *column = builder->pattern[place];
        if (builder->columns[*column].metric == metric)
            return STATUS_OK;
    }
    size_t slot = slot_of(builder, metric);
    if (builder->slots[slot] != NO_COLUMN) {
        *column = builder->slots[slot];
        return STATUS_OK;
    }
    TRY(mem_grow(&builder->columns, &builder->column_capacity, builder->column_count + 1,
                 sizeof *builder->columns));
    TRY(slots_grow(builder));
    slot = slot_of(builder, metric);
    *column = (uint32_t)builder->column_count++;
    builder->columns[*column] = (struct builder_column){.metric = metric};
    builder->slots[slot] = *column;
    return STATUS_OK;
}

/* Member by member into its place: a whole copy would wait for what was just written in parts. */
static void cell_keep(const struct cell *cell, uint32_t row, uint32_t column,
                      struct builder_cell *kept)
{
    static_assert(sizeof cell->mantissa == sizeof cell->real, "either covers the union");
    memcpy(&kept->value.mantissa, &cell->mantissa, sizeof cell->mantissa);
    kept->value.exponent = cell->exponent;
    kept->value.kind = cell->kind;
    kept->row = row;
    kept->column = column;
}

/* Only ever asserted. */
__attribute__((unused)) static bool key_in_order(const struct block_builder *builder,
                                                 const struct row_key *key)
{
    if (builder->row_count == 0)
        return true;
    const uint32_t row = builder->row_count - 1;
    const struct row_key before = {.time_ms = builder->times_ms[row],
                                   .message_id = builder->message_ids[row],
                                   .device = builder->devices[row]};
    return row_key_compare(&before, key) <= 0;
}

/* The cells of a row that is not like the others, or of one that was. */
static enum status cells_append(struct block_builder *builder, uint32_t row,
                                const struct cell *cells, uint32_t cell_count)
{
    TRY(mem_grow(&builder->cells, &builder->cell_capacity, builder->cell_count + cell_count,
                 sizeof *builder->cells));
    TRY(mem_grow(&builder->pattern, &builder->pattern_capacity, cell_count,
                 sizeof *builder->pattern));
    for (uint32_t i = 0; i < cell_count; i++) {
        assert(i == 0 || cells[i - 1].metric < cells[i].metric);
        uint32_t column = 0;
        TRY(column_find(builder, cells[i].metric, i, &column));
        builder->pattern[i] = column;
        builder->columns[column].count++;
        cell_keep(&cells[i], row, column, &builder->cells[builder->cell_count++]);
    }
    builder->pattern_count = cell_count;
    return STATUS_OK;
}

/* Turns the rows so far, which were alike, into cells. */
static enum status alike_end(struct block_builder *builder)
{
    const struct builder_alike *const alike = &builder->alike;
    struct cell cells[ALIKE_COLUMNS_MAX];
    builder->mixed = true;
    for (uint32_t row = 0; row < builder->row_count; row++) {
        for (uint32_t i = 0; i < alike->column_count; i++)
            cells[i] = (struct cell){.mantissa = alike->mantissas[i][row],
                                     .metric = alike->metrics[i],
                                     .exponent = alike->exponents[i][row],
                                     .kind = NUMBER_DECIMAL};
        TRY(cells_append(builder, row, cells, alike->column_count));
    }
    return STATUS_OK;
}

enum status block_builder_append(struct block_builder *builder, const struct row_key *key,
                                 uint8_t time_source, const struct cell *cells, uint32_t cell_count)
{
    assert(!block_builder_full(builder));
    assert(key_in_order(builder, key));
    assert(time_source < BLOCK_SOURCES_COLUMN);

    const struct block_row added = {
        .time_ms = key->time_ms,
        .message_id = key->message_id,
        .cells = cells,
        .device = key->device,
        .form = block_row_form(cell_count, time_source),
    };
    if (block_builder_append_alike(builder, &added, 1, 1) == 1)
        return STATUS_OK;
    if (!builder->mixed)
        TRY(alike_end(builder));
    TRY(cells_append(builder, builder->row_count, cells, cell_count));
    builder_put_key(builder, builder->row_count, &added);
    builder->row_count++;
    return STATUS_OK;
}

/* --- sealing: rows ------------------------------------------------------------------------ */

static bool one_device(const struct block_builder *builder)
{
    return builder->devices[0] == builder->devices[builder->row_count - 1];
}

static enum status devices_encode(struct block_builder *builder, struct buffer *out)
{
    TRY(buffer_reserve(out, VARINT_BYTES_MAX));
    if (one_device(builder)) {
        buffer_put_varint(out, builder->devices[0]);
        return STATUS_OK;
    }
    int64_t *const devices = builder->scratch;
    int64_t lengths[BLOCK_ROWS_MAX];
    uint32_t runs = 0;
    for (uint32_t row = 0; row < builder->row_count; row++) {
        if (runs > 0 && devices[runs - 1] == builder->devices[row]) {
            lengths[runs - 1]++;
            continue;
        }
        devices[runs] = builder->devices[row];
        lengths[runs] = 0;
        runs++;
    }
    buffer_put_varint(out, runs);
    TRY(codec_encode(devices, runs, out));
    return codec_encode(lengths, runs, out);
}

/* The time source that all rows share, or BLOCK_SOURCES_COLUMN. */
HOT_CLONES static unsigned common_source(const struct block_builder *builder)
{
    uint8_t different = 0;
    for (uint32_t row = 1; row < builder->row_count; row++)
        different |= builder->sources[row] ^ builder->sources[0];
    return different ? BLOCK_SOURCES_COLUMN : builder->sources[0];
}

/* Moves what stands in `part` behind its length to `out`. */
static enum status part_put(const struct buffer *part, struct buffer *out)
{
    TRY(buffer_reserve(out, VARINT_BYTES_MAX + part->len));
    buffer_put_varint(out, part->len);
    buffer_put_bytes(out, part->data, part->len);
    return STATUS_OK;
}

static enum status sources_encode(struct block_builder *builder, struct buffer *out)
{
    for (uint32_t row = 0; row < builder->row_count; row++)
        builder->scratch[row] = builder->sources[row];
    buffer_clear(&builder->table);
    TRY(codec_encode(builder->scratch, builder->row_count, &builder->table));
    return part_put(&builder->table, out);
}

/* What an id is beyond the millisecond of its row. *even: that is the same for all. */
HOT_CLONES static void offsets_of(const struct block_builder *builder, int64_t *restrict offsets,
                                  bool *even)
{
    uint64_t different = 0;
    for (uint32_t row = 0; row < builder->row_count; row++) {
        offsets[row] = snowflake_offset_ms(builder->message_ids[row], builder->times_ms[row]);
        different |= (uint64_t)(offsets[row] ^ offsets[0]);
    }
    *even = different == 0;
}

/* A few bits of each id. */
HOT_CLONES static void id_bits_of(const struct block_builder *builder, unsigned shift,
                                  uint64_t mask, int64_t *restrict bits)
{
    for (uint32_t row = 0; row < builder->row_count; row++)
        bits[row] = (int64_t)(builder->message_ids[row] >> shift & mask);
}

/* Appends the ids, split. *even says that all lie at the same distance from their times. */
static enum status ids_encode_split(struct block_builder *builder, struct buffer *out, bool *even)
{
    const uint32_t rows = builder->row_count;
    int64_t *const parts = builder->scratch;
    offsets_of(builder, parts, even);
    TRY(codec_encode(parts, rows, out));
    id_bits_of(builder, SNOWFLAKE_WORKER_SHIFT, SNOWFLAKE_WORKER_MASK, parts);
    TRY(codec_encode(parts, rows, out));
    id_bits_of(builder, 0, SNOWFLAKE_SEQUENCE_MASK, parts);
    return codec_encode(parts, rows, out);
}

/* Appends the ids in the smaller form. Whole ones are tried only where that may be it. */
static enum status ids_encode(struct block_builder *builder, struct buffer *out, bool *raw)
{
    struct buffer *const split = &builder->table;
    bool even = false;
    buffer_clear(split);
    TRY(ids_encode_split(builder, split, &even));
    *raw = false;
    if (even)
        return part_put(split, out);
    for (uint32_t row = 0; row < builder->row_count; row++)
        builder->scratch[row] = (int64_t)builder->message_ids[row];
    if (codec_may_fit(builder->scratch, builder->row_count, split->len)) {
        buffer_clear(&builder->bodies);
        TRY(codec_encode(builder->scratch, builder->row_count, &builder->bodies));
        *raw = builder->bodies.len < split->len;
    }
    return part_put(*raw ? &builder->bodies : split, out);
}

/* Everything up to the columns of values. */
static enum status rows_encode(struct block_builder *builder, struct buffer *out)
{
    TRY(buffer_reserve(out, BLOCK_CHECKSUM_BYTES + VARINT_BYTES_MAX + 1));
    buffer_put_u64(out, 0);
    buffer_put_varint(out, builder->row_count);
    const size_t flags_place = out->len;
    const unsigned source = common_source(builder);
    buffer_put_u8(out, 0);
    TRY(devices_encode(builder, out));
    TRY(codec_encode(builder->times_ms, builder->row_count, out));
    if (source == BLOCK_SOURCES_COLUMN)
        TRY(sources_encode(builder, out));
    bool raw_ids = false;
    TRY(ids_encode(builder, out, &raw_ids));
    out->data[flags_place] =
        (uint8_t)((one_device(builder) ? 0 : BLOCK_FLAG_DEVICES) |
                  (raw_ids ? BLOCK_FLAG_RAW_IDS : 0) | source << BLOCK_FLAG_SOURCES_SHIFT);
    return STATUS_OK;
}

/* --- sealing: columns --------------------------------------------------------------------- */

struct metric_place {
    uint32_t metric;
    uint32_t column;
};

static int metric_place_compare(const void *a, const void *b)
{
    const struct metric_place *left = a;
    const struct metric_place *right = b;
    return (left->metric > right->metric) - (left->metric < right->metric);
}

/* `sorted` becomes the columns by metric. They appear in that order already, mostly. */
static enum status columns_sort(struct block_builder *builder)
{
    const size_t count = builder->column_count;
    TRY(mem_grow(&builder->sorted, &builder->sorted_capacity, count, sizeof *builder->sorted));
    bool ordered = true;
    for (size_t i = 0; i < count; i++) {
        builder->sorted[i] = (uint32_t)i;
        ordered =
            ordered && (i == 0 || builder->columns[i - 1].metric < builder->columns[i].metric);
    }
    if (ordered)
        return STATUS_OK;

    OWNED(mem_free_owned) struct metric_place *places = mem_alloc(count, sizeof *places);
    if (!places)
        return STATUS_NOMEM;
    for (size_t i = 0; i < count; i++)
        places[i] =
            (struct metric_place){.metric = builder->columns[i].metric, .column = (uint32_t)i};
    qsort(places, count, sizeof *places, metric_place_compare);
    for (size_t i = 0; i < count; i++)
        builder->sorted[i] = places[i].column;
    return STATUS_OK;
}

/* `order` becomes the cells by column; each column's place is where its cells end. */
static enum status cells_sort(struct block_builder *builder)
{
    TRY(mem_grow(&builder->order, &builder->order_capacity, builder->cell_count,
                 sizeof *builder->order));
    uint32_t place = 0;
    for (size_t i = 0; i < builder->column_count; i++) {
        builder->columns[i].place = place;
        place += builder->columns[i].count;
    }
    for (size_t cell = 0; cell < builder->cell_count; cell++) {
        struct builder_column *column = &builder->columns[builder->cells[cell].column];
        builder->order[column->place++] = (uint32_t)cell;
    }
    return STATUS_OK;
}

/* Copies the cells of a column together. */
static struct series series_gather(struct block_builder *builder,
                                   const struct builder_column *column)
{
    const uint32_t *order = builder->order + (column->place - column->count);
    for (uint32_t i = 0; i < column->count; i++) {
        const struct builder_cell *cell = &builder->cells[order[i]];
        builder->series_rows[i] = cell->row;
        builder->series_values[i] = cell->value;
    }
    return (struct series){
        .rows = builder->series_rows,
        .values = builder->series_values,
        .count = column->count,
        .rows_total = builder->row_count,
    };
}

static struct dated_number dated_number_of(const struct block_builder *builder, uint32_t row,
                                           struct number value)
{
    return (struct dated_number){
        .value = value,
        .time_ms = builder->times_ms[row],
        .message_id = builder->message_ids[row],
    };
}

/* Appends the body of a series and fills in its summary, but for the metric. */
static enum status series_seal(struct block_builder *builder, const struct series *series,
                               struct buffer *out, struct column_summary *summary)
{
    int exponent = 0;
    bool exact = false;
    TRY(series_encode(series, out, builder->scratch, &exponent, &exact));

    if (exact)
        summary_add_up_scaled(series->values, builder->scratch, series->count, exponent, summary);
    else
        summary_add_up(series->values, series->count, summary);
    summary->has_ends = one_device(builder);
    if (summary->has_ends) {
        const uint32_t last = series->count - 1;
        summary->first = dated_number_of(builder, series->rows[0], series->values[0]);
        summary->last = dated_number_of(builder, series->rows[last], series->values[last]);
    }
    return STATUS_OK;
}

/* The same for a column of rows that are alike, whose values may not even need to be copied. */
static enum status alike_column_seal(struct block_builder *builder, uint32_t column,
                                     struct buffer *out, struct column_summary *summary)
{
    const struct builder_alike *const alike = &builder->alike;
    const struct plain_series plain = {
        .mantissas = alike->mantissas[column],
        .exponents = alike->exponents[column],
        .count = builder->row_count,
    };
    bool done = false;
    TRY(plain_series_encode(&plain, out, builder->scratch, summary, &done));
    if (!done) {
        for (uint32_t row = 0; row < plain.count; row++) {
            builder->series_rows[row] = row;
            builder->series_values[row] = plain_series_value(&plain, row);
        }
        const struct series series = {
            .rows = builder->series_rows,
            .values = builder->series_values,
            .count = plain.count,
            .rows_total = plain.count,
        };
        return series_seal(builder, &series, out, summary);
    }
    summary->has_ends = one_device(builder);
    if (summary->has_ends) {
        const uint32_t last = plain.count - 1;
        summary->first = dated_number_of(builder, 0, plain_series_value(&plain, 0));
        summary->last = dated_number_of(builder, last, plain_series_value(&plain, last));
    }
    return STATUS_OK;
}

/* Begins the columns of values; their bodies follow one by one. */
static enum status columns_begin(struct block_builder *builder, size_t count)
{
    buffer_clear(&builder->table);
    buffer_clear(&builder->bodies);
    return mem_grow(&builder->summaries, &builder->summary_capacity, count,
                    sizeof *builder->summaries);
}

/* Enters a column whose body begins at `start` into the table. */
static enum status columns_note(struct block_builder *builder, size_t index, uint32_t metric,
                                size_t start)
{
    const uint32_t next_metric = index > 0 ? builder->summaries[index - 1].metric + 1 : 0;
    builder->summaries[index].metric = metric;
    TRY(buffer_reserve(&builder->table, (size_t)2 * VARINT_BYTES_MAX));
    buffer_put_varint(&builder->table, metric - next_metric);
    buffer_put_varint(&builder->table, builder->bodies.len - start);
    return STATUS_OK;
}

static enum status columns_end(const struct block_builder *builder, size_t count,
                               struct buffer *out)
{
    TRY(buffer_reserve(out, VARINT_BYTES_MAX + builder->table.len + builder->bodies.len));
    buffer_put_varint(out, count);
    buffer_put_bytes(out, builder->table.data, builder->table.len);
    buffer_put_bytes(out, builder->bodies.data, builder->bodies.len);
    return STATUS_OK;
}

/* The columns of values, with their summaries, of rows that are not alike. */
static enum status mixed_seal(struct block_builder *builder, struct buffer *out)
{
    const size_t count = builder->column_count;
    TRY(columns_sort(builder));
    TRY(cells_sort(builder));
    TRY(columns_begin(builder, count));
    for (size_t i = 0; i < count; i++) {
        const struct builder_column *column = &builder->columns[builder->sorted[i]];
        const struct series series = series_gather(builder, column);
        const size_t start = builder->bodies.len;
        builder->summaries[i] = (struct column_summary){0};
        TRY(series_seal(builder, &series, &builder->bodies, &builder->summaries[i]));
        TRY(columns_note(builder, i, column->metric, start));
    }
    return columns_end(builder, count, out);
}

/* The same of rows that are alike. */
static enum status alike_seal(struct block_builder *builder, struct buffer *out)
{
    const uint32_t count = builder->alike.column_count;
    TRY(columns_begin(builder, count));
    for (uint32_t i = 0; i < count; i++) {
        const size_t start = builder->bodies.len;
        builder->summaries[i] = (struct column_summary){0};
        TRY(alike_column_seal(builder, i, &builder->bodies, &builder->summaries[i]));
        TRY(columns_note(builder, i, builder->alike.metrics[i], start));
    }
    return columns_end(builder, count, out);
}

static struct row_key builder_key(const struct block_builder *builder, uint32_t row)
{
    return (struct row_key){
        .time_ms = builder->times_ms[row],
        .message_id = builder->message_ids[row],
        .device = builder->devices[row],
    };
}

/* The earliest and the latest time of any row. */
HOT_CLONES static void times_span(const struct block_builder *builder, int64_t *min, int64_t *max)
{
    *min = builder->times_ms[0];
    *max = builder->times_ms[0];
    for (uint32_t row = 1; row < builder->row_count; row++) {
        const int64_t time_ms = builder->times_ms[row];
        *min = time_ms < *min ? time_ms : *min;
        *max = time_ms > *max ? time_ms : *max;
    }
}

static void summary_of_rows(const struct block_builder *builder, struct block_summary *summary)
{
    *summary = (struct block_summary){
        .first = builder_key(builder, 0),
        .last = builder_key(builder, builder->row_count - 1),
        .row_count = builder->row_count,
        .column_count =
            builder->mixed ? (uint32_t)builder->column_count : builder->alike.column_count,
        .columns = builder->summaries,
    };
    times_span(builder, &summary->min_time_ms, &summary->max_time_ms);
}

/* Forgets rows and columns, keeps the memory. */
static void builder_clear(struct block_builder *builder)
{
    if (builder->slot_count > SLOTS_KEPT) {
        uint32_t *const slots = mem_resize(builder->slots, SLOTS_KEPT, sizeof *slots);
        if (slots) {
            builder->slots = slots;
            builder->slot_count = SLOTS_KEPT;
        }
    }
    memset(builder->slots, 0xff, builder->slot_count * sizeof *builder->slots);
    builder->mixed = false;
    builder->row_count = 0;
    builder->cell_count = 0;
    builder->column_count = 0;
    builder->pattern_count = 0;
}

enum status block_builder_seal(struct block_builder *builder, struct buffer *out,
                               struct block_summary *summary)
{
    assert(builder->row_count > 0);

    const size_t start = out->len;
    TRY(rows_encode(builder, out));
    TRY(builder->mixed ? mixed_seal(builder, out) : alike_seal(builder, out));
    summary_of_rows(builder, summary);

    const uint8_t *const checked = out->data + start + BLOCK_CHECKSUM_BYTES;
    const uint64_t checksum =
        bytes_hash(checked, out->len - start - BLOCK_CHECKSUM_BYTES, BLOCK_SEED);
    memcpy(out->data + start, &checksum, sizeof checksum);
    builder_clear(builder);
    return STATUS_OK;
}
