/*
 * log.c - coding and walking the records of the commit log; format in log.h.
 */
#include "engine/log/log.h"

#include "engine/base/mem.h"

#include <assert.h>

#define SOURCE_MASK       3u
#define SOURCE_FAULT_FLAG 4u
#define ROW_BYTES_MAX     (4 * VARINT_BYTES_MAX + 1)
#define CELL_BYTES_MAX    (2 * VARINT_BYTES_MAX + 2)

void row_set_clear(struct row_set *set)
{
    for (int table = 0; table < TABLE_COUNT; table++)
        set->row_count[table] = 0;
    set->cell_count = 0;
    set->id_count = 0;
}

void row_set_release(struct row_set *set)
{
    for (int table = 0; table < TABLE_COUNT; table++)
        mem_free(set->rows[table]);
    mem_free(set->cells);
    mem_free(set->ids);
    *set = (struct row_set){0};
}

static void put_cell(struct buffer *out, const struct cell *cell)
{
    buffer_put_varint(out, cell->metric);
    buffer_put_u8(out, cell->kind);
    if (cell->kind == NUMBER_DECIMAL) {
        buffer_put_u8(out, (uint8_t)cell->exponent);
        buffer_put_signed_varint(out, cell->mantissa);
    } else {
        buffer_put_bytes(out, &cell->real, sizeof cell->real);
    }
}

static void put_row(struct buffer *out, const struct row *row, const struct row *before,
                    const struct cell *cells)
{
    buffer_put_varint(out, row->device);
    buffer_put_signed_varint(out, (int64_t)((uint64_t)row->time_ms - (uint64_t)before->time_ms));
    buffer_put_signed_varint(out, (int64_t)(row->message_id - before->message_id));
    buffer_put_u8(out, (uint8_t)(row->time_source | (row->clock_fault ? SOURCE_FAULT_FLAG : 0)));
    buffer_put_varint(out, row->cell_count);
    for (uint32_t i = 0; i < row->cell_count; i++)
        put_cell(out, &cells[i]);
}

static enum status put_table(struct buffer *out, const struct row_set *set, int table)
{
    TRY(buffer_reserve(out, VARINT_BYTES_MAX));
    buffer_put_varint(out, set->row_count[table]);
    static const struct row origin = {0};
    const struct row *before = &origin;
    for (size_t i = 0; i < set->row_count[table]; i++) {
        const struct row *row = &set->rows[table][i];
        TRY(buffer_reserve(out, ROW_BYTES_MAX + (size_t)row->cell_count * CELL_BYTES_MAX));
        put_row(out, row, before, set->cells + row->first_cell);
        before = row;
    }
    return STATUS_OK;
}

static enum status encode_record(struct buffer *out, const struct store_state *state,
                                 const struct row_set *set)
{
    TRY(buffer_reserve(out, STORE_STATE_BYTES + VARINT_BYTES_MAX * (set->id_count + 1)));
    store_state_put(state, out);
    buffer_put_varint(out, set->id_count);
    uint64_t before = 0;
    for (size_t i = 0; i < set->id_count; i++) {
        buffer_put_signed_varint(out, (int64_t)(set->ids[i] - before));
        before = set->ids[i];
    }
    for (int table = 0; table < TABLE_COUNT; table++)
        TRY(put_table(out, set, table));
    return STATUS_OK;
}

enum status log_append(struct kv_txn *txn, uint64_t sequence, const struct store_state *state,
                       const struct row_set *set, struct buffer *scratch, struct error *err)
{
    buffer_clear(scratch);
    if (encode_record(scratch, state, set) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a commit log record");
    const size_t chunk_bytes = KV_VALUE_BYTES_MAX - KV_CHECKSUM_BYTES;
    size_t written = 0;
    for (size_t chunk = 0; written < scratch->len; chunk++) {
        if (chunk > UINT16_MAX)
            return error_set(err, STATUS_INPUT, "a commit of %zu bytes is too large for the log",
                             scratch->len);
        size_t len = scratch->len - written;
        if (len > chunk_bytes)
            len = chunk_bytes;
        const struct key key = key_log(sequence, (uint16_t)chunk);
        TRY(kv_put(txn, key_slice(&key), slice_of(scratch->data + written, len), err));
        written += len;
    }
    return STATUS_OK;
}

/* Decimals are normal: without trailing zeros, and 0 has one form. */
static bool decimal_is_sound(const struct cell *cell)
{
    if (cell->mantissa == 0)
        return cell->exponent == 0;
    return cell->mantissa <= NUMBER_MANTISSA_MAX && cell->mantissa >= -NUMBER_MANTISSA_MAX &&
           cell->mantissa % 10 != 0;
}

static bool real_is_sound(double real)
{
    return __builtin_isfinite(real) && !(real == 0 && __builtin_signbit(real));
}

static enum status read_cell(struct cursor *cursor, struct cell *cell)
{
    *cell = (struct cell){0};
    const uint64_t metric = cursor_varint(cursor);
    cell->kind = cursor_u8(cursor);
    if (cell->kind == NUMBER_DECIMAL) {
        cell->exponent = (int8_t)cursor_u8(cursor);
        cell->mantissa = cursor_signed_varint(cursor);
        if (!decimal_is_sound(cell))
            return STATUS_CORRUPT;
    } else {
        const uint64_t bits = cursor_u64(cursor);
        memcpy(&cell->real, &bits, sizeof cell->real);
        if (cell->kind != NUMBER_REAL || !real_is_sound(cell->real))
            return STATUS_CORRUPT;
    }
    cell->metric = (uint32_t)metric;
    return metric < NAME_UNMAPPED && !cursor->failed ? STATUS_OK : STATUS_CORRUPT;
}

static enum status read_cells(struct cursor *cursor, struct row_set *set, struct row *row)
{
    const uint64_t count = cursor_varint(cursor);
    if (count > cursor_left(cursor) || set->cell_count + count > UINT32_MAX)
        return STATUS_CORRUPT;
    TRY(mem_grow(&set->cells, &set->cell_capacity, set->cell_count + count, sizeof *set->cells));
    row->first_cell = (uint32_t)set->cell_count;
    row->cell_count = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++) {
        struct cell *cell = &set->cells[set->cell_count + i];
        TRY(read_cell(cursor, cell));
        if (i > 0 && cell[-1].metric >= cell->metric)
            return STATUS_CORRUPT;
    }
    set->cell_count += count;
    return STATUS_OK;
}

static enum status read_row(struct cursor *cursor, struct row_set *set, int table,
                            const struct row *before)
{
    struct row row = {0};
    const uint64_t device = cursor_varint(cursor);
    row.device = (uint32_t)device;
    row.time_ms = (int64_t)((uint64_t)before->time_ms + (uint64_t)cursor_signed_varint(cursor));
    row.message_id = before->message_id + (uint64_t)cursor_signed_varint(cursor);
    const uint8_t source = cursor_u8(cursor);
    row.time_source = source & SOURCE_MASK;
    row.clock_fault = (source & SOURCE_FAULT_FLAG) != 0;
    if (cursor->failed || device >= NAME_UNMAPPED || !row_time_is_possible(row.time_ms) ||
        row.time_source > TIME_SOURCE_ENVELOPE || source > (SOURCE_MASK | SOURCE_FAULT_FLAG))
        return STATUS_CORRUPT;
    TRY(read_cells(cursor, set, &row));
    TRY(mem_grow(&set->rows[table], &set->row_capacity[table], set->row_count[table] + 1,
                 sizeof row));
    set->rows[table][set->row_count[table]++] = row;
    return STATUS_OK;
}

static enum status read_table(struct cursor *cursor, struct row_set *set, int table)
{
    const uint64_t count = cursor_varint(cursor);
    if (count > cursor_left(cursor))
        return STATUS_CORRUPT;
    struct row before = {0};
    for (uint64_t i = 0; i < count; i++) {
        TRY(read_row(cursor, set, table, &before));
        before = set->rows[table][set->row_count[table] - 1];
    }
    return STATUS_OK;
}

static enum status read_ids(struct cursor *cursor, struct row_set *set)
{
    const uint64_t count = cursor_varint(cursor);
    if (count > cursor_left(cursor))
        return STATUS_CORRUPT;
    TRY(mem_grow(&set->ids, &set->id_capacity, set->id_count + count, sizeof *set->ids));
    uint64_t before = 0;
    for (uint64_t i = 0; i < count; i++) {
        before += (uint64_t)cursor_signed_varint(cursor);
        set->ids[set->id_count++] = before;
    }
    return STATUS_OK;
}

enum status log_decode_record(struct slice bytes, struct store_state *state, struct row_set *set,
                              struct error *err)
{
    struct cursor cursor = cursor_of(bytes);
    TRY(store_state_read(&cursor, state, err));
    enum status status = read_ids(&cursor, set);
    for (int table = 0; table < TABLE_COUNT && status == STATUS_OK; table++)
        status = read_table(&cursor, set, table);
    if (status == STATUS_NOMEM)
        return error_set(err, STATUS_NOMEM, "no memory for the commit log");
    if (status != STATUS_OK || !cursor_finished(&cursor))
        return error_set(err, STATUS_CORRUPT, "a commit log record is broken");
    return STATUS_OK;
}

static const struct key log_prefix = {.bytes = {KEY_LOG}, .len = 1};

enum status log_newest_state(struct kv_txn *txn, struct store_state *state, struct error *err)
{
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    const struct key last = key_log(UINT64_MAX, UINT16_MAX);
    struct kv_entry entry = {0};
    TRY(kv_seek_floor(cursor, key_slice(&last), key_slice(&log_prefix), &entry, err));
    if (!entry.found)
        return STATUS_OK;
    const uint64_t sequence = key_read_u64(entry.key, log_prefix.len);
    const struct key first = key_log(sequence, 0);
    struct slice payload = {0};
    bool found = false;
    TRY(kv_get(txn, key_slice(&first), &payload, &found, err));
    if (!found)
        return error_set(err, STATUS_CORRUPT, "commit log record %llu has no beginning",
                         (unsigned long long)sequence);
    struct cursor bytes = cursor_of(payload);
    struct store_state newest;
    TRY(store_state_read(&bytes, &newest, err));
    if (newest.next_log != sequence + 1)
        return error_set(err, STATUS_CORRUPT, "commit log record %llu says it is %llu",
                         (unsigned long long)sequence, (unsigned long long)newest.next_log - 1);
    if (newest.revision > state->revision)
        *state = newest;
    return STATUS_OK;
}

/* Puts together the chunks of the record that the cursor stands on, and moves behind them. */
static enum status gather_record(struct kv_cursor *cursor, struct kv_entry *entry,
                                 uint64_t sequence, struct buffer *record, struct error *err)
{
    buffer_clear(record);
    for (size_t chunk = 0; entry->found; chunk++) {
        if (key_read_u64(entry->key, log_prefix.len) != sequence)
            break;
        const struct key expected = key_log(sequence, (uint16_t)chunk);
        if (chunk > UINT16_MAX || !slice_equal(entry->key, key_slice(&expected)))
            return error_set(err, STATUS_CORRUPT, "commit log record %llu: chunk %zu is missing",
                             (unsigned long long)sequence, chunk);
        struct slice payload = {0};
        TRY(kv_entry_payload(entry, &payload, err));
        if (buffer_append(record, payload.data, payload.len) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for the commit log");
        TRY(kv_next(cursor, key_slice(&log_prefix), entry, err));
    }
    return STATUS_OK;
}

/* Device and metric numbers must have names: they index arrays from here on. */
static enum status check_numbers(const struct store_state *state, const struct row_set *set,
                                 struct error *err)
{
    const uint64_t devices = state->counters.devices;
    bool sound = true;
    for (int table = 0; table < TABLE_COUNT; table++) {
        const uint64_t metrics =
            table == TABLE_STATUS ? STATUS_METRIC_COUNT : state->counters.metrics;
        for (size_t i = 0; i < set->row_count[table] && sound; i++) {
            const struct row *row = &set->rows[table][i];
            const struct cell *end = set->cells + row->first_cell + row->cell_count;
            sound = row->device < devices && (row->cell_count == 0 || end[-1].metric < metrics);
        }
    }
    if (sound)
        return STATUS_OK;
    return error_set(err, STATUS_CORRUPT,
                     "the commit log names devices or metrics that are not there");
}

static enum status check_log(const struct store_state *state, uint64_t records, size_t rows,
                             struct error *err)
{
    if (records == state->log_records && rows == state->log_rows)
        return STATUS_OK;
    return error_set(err, STATUS_CORRUPT,
                     "the commit log holds %llu records with %zu rows, expected %llu with %llu",
                     (unsigned long long)records, rows, (unsigned long long)state->log_records,
                     (unsigned long long)state->log_rows);
}

enum status log_read_all(struct kv_txn *txn, const struct store_state *state, struct row_set *set,
                         struct error *err)
{
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    OWNED(buffer_release) struct buffer record = {0};
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_ceiling(cursor, key_slice(&log_prefix), key_slice(&log_prefix), &entry, err));
    uint64_t records = 0;
    while (entry.found) {
        const uint64_t sequence = key_read_u64(entry.key, log_prefix.len);
        struct store_state then;
        TRY(gather_record(cursor, &entry, sequence, &record, err));
        TRY(log_decode_record(buffer_slice(&record), &then, set, err));
        if (sequence != state->next_log - state->log_records + records)
            return error_set(err, STATUS_CORRUPT, "commit log record %llu is out of sequence",
                             (unsigned long long)sequence);
        records++;
    }
    TRY(check_log(state, records, set->row_count[TABLE_READINGS] + set->row_count[TABLE_STATUS],
                  err));
    return check_numbers(state, set, err);
}

enum status log_clear(struct kv_txn *txn, struct error *err)
{
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_ceiling(cursor, key_slice(&log_prefix), key_slice(&log_prefix), &entry, err));
    while (entry.found) {
        struct key key;
        if (!key_copy(entry.key, &key))
            return error_set(err, STATUS_CORRUPT, "the commit log has a key of %zu bytes",
                             entry.key.len);
        TRY(kv_delete(txn, key_slice(&key), err));
        TRY(kv_seek_ceiling(cursor, key_slice(&key), key_slice(&log_prefix), &entry, err));
    }
    return STATUS_OK;
}
