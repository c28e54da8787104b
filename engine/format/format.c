/*
 * format.c - building keys and coding the state; the tables stand in format.h.
 */
#include "engine/format/format.h"

#include <assert.h>

#define TIME_SIGN_BIT (UINT64_C(1) << 63)

struct key key_of(uint8_t type)
{
    struct key key = {.len = 0};
    key_add_u8(&key, type);
    return key;
}

void key_add_u8(struct key *key, uint8_t value)
{
    assert(key->len < sizeof key->bytes);
    key->bytes[key->len++] = value;
}

void key_add_u16(struct key *key, uint16_t value)
{
    key_add_u8(key, (uint8_t)(value >> 8));
    key_add_u8(key, (uint8_t)value);
}

void key_add_u32(struct key *key, uint32_t value)
{
    assert(key->len + sizeof value <= sizeof key->bytes);
    store_u32_be(key->bytes + key->len, value);
    key->len += sizeof value;
}

void key_add_u64(struct key *key, uint64_t value)
{
    assert(key->len + sizeof value <= sizeof key->bytes);
    store_u64_be(key->bytes + key->len, value);
    key->len += sizeof value;
}

struct key key_part(enum table table, uint64_t part)
{
    struct key key = key_of(KEY_PART);
    key_add_u8(&key, (uint8_t)table);
    key_add_u64(&key, part);
    return key;
}

struct key key_directory_prefix(uint64_t part)
{
    struct key key = key_of(KEY_DIRECTORY);
    key_add_u64(&key, part);
    return key;
}

struct key key_directory(uint64_t part, const struct row_key *first, uint32_t ordinal)
{
    struct key key = key_directory_prefix(part);
    key_add_u32(&key, first->device);
    key_add_u64(&key, (uint64_t)first->time_ms ^ TIME_SIGN_BIT);
    key_add_u64(&key, first->message_id);
    key_add_u32(&key, ordinal);
    return key;
}

struct key key_slices_prefix(uint64_t part)
{
    struct key key = key_of(KEY_SLICES);
    key_add_u64(&key, part);
    return key;
}

struct key key_slices(uint64_t part, uint32_t ordinal)
{
    struct key key = key_slices_prefix(part);
    key_add_u32(&key, ordinal);
    return key;
}

struct key key_stream_prefix(uint64_t part)
{
    struct key key = key_of(KEY_STREAM);
    key_add_u64(&key, part);
    return key;
}

struct key key_stream(uint64_t part, uint64_t offset)
{
    struct key key = key_stream_prefix(part);
    key_add_u64(&key, offset);
    return key;
}

struct key key_log_prefix(uint64_t sequence)
{
    struct key key = key_of(KEY_LOG);
    key_add_u64(&key, sequence);
    return key;
}

struct key key_log(uint64_t sequence, uint16_t chunk)
{
    struct key key = key_log_prefix(sequence);
    key_add_u16(&key, chunk);
    return key;
}

bool key_copy(struct slice bytes, struct key *key)
{
    if (bytes.len > sizeof key->bytes)
        return false;
    memcpy(key->bytes, bytes.data, bytes.len);
    key->len = bytes.len;
    return true;
}

bool key_read_directory(struct slice bytes, struct row_key *first, uint32_t *ordinal)
{
    const size_t prefix = 1 + sizeof(uint64_t);
    if (bytes.len != prefix + 2 * sizeof(uint32_t) + 2 * sizeof(uint64_t))
        return false;
    first->device = load_u32_be(bytes.data + prefix);
    first->time_ms = (int64_t)(load_u64_be(bytes.data + prefix + 4) ^ TIME_SIGN_BIT);
    first->message_id = load_u64_be(bytes.data + prefix + 12);
    *ordinal = load_u32_be(bytes.data + prefix + 20);
    return true;
}

uint64_t key_read_u64(struct slice bytes, size_t offset)
{
    if (bytes.len < offset + sizeof(uint64_t))
        return 0;
    return load_u64_be(bytes.data + offset);
}

struct store_state store_state_empty(void)
{
    return (struct store_state){
        .counters = {.first_time_ms = INT64_MAX, .last_time_ms = INT64_MIN},
    };
}

void store_state_put(const struct store_state *state, struct buffer *out)
{
    const struct store_counters *counters = &state->counters;
    const uint64_t fields[] = {
        counters->stored,
        counters->duplicates,
        counters->rejected,
        counters->rows[TABLE_READINGS],
        counters->rows[TABLE_STATUS],
        counters->clock_faults,
        counters->seen_ids,
        counters->seen_bodies,
        counters->devices,
        counters->metrics,
        (uint64_t)counters->first_time_ms,
        (uint64_t)counters->last_time_ms,
        state->next_part,
        state->next_log,
        state->next_reject,
        state->log_records,
        state->log_rows,
        state->seen_paged,
        state->revision,
        state->parts[TABLE_READINGS],
        state->parts[TABLE_STATUS],
    };
    _Static_assert(sizeof fields == STORE_STATE_BYTES, "the table in format.h");
    buffer_put_bytes(out, fields, sizeof fields);
}

static bool state_is_possible(const struct store_state *state)
{
    const struct store_counters *counters = &state->counters;
    const uint64_t rows = counters->rows[TABLE_READINGS] + counters->rows[TABLE_STATUS];
    const bool times = rows == 0 || (row_time_is_possible(counters->first_time_ms) &&
                                     row_time_is_possible(counters->last_time_ms) &&
                                     counters->first_time_ms <= counters->last_time_ms);
    const bool names = counters->devices < NAME_UNMAPPED && counters->metrics < NAME_UNMAPPED;
    return times && names && state->log_rows <= rows && state->log_records <= state->next_log &&
           state->seen_paged <= counters->seen_ids;
}

enum status store_state_read(struct cursor *cursor, struct store_state *state, struct error *err)
{
    struct store_counters *counters = &state->counters;
    uint64_t *const fields[] = {
        &counters->stored,
        &counters->duplicates,
        &counters->rejected,
        &counters->rows[TABLE_READINGS],
        &counters->rows[TABLE_STATUS],
        &counters->clock_faults,
        &counters->seen_ids,
        &counters->seen_bodies,
        &counters->devices,
        &counters->metrics,
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        *fields[i] = cursor_u64(cursor);
    counters->first_time_ms = (int64_t)cursor_u64(cursor);
    counters->last_time_ms = (int64_t)cursor_u64(cursor);
    state->next_part = cursor_u64(cursor);
    state->next_log = cursor_u64(cursor);
    state->next_reject = cursor_u64(cursor);
    state->log_records = cursor_u64(cursor);
    state->log_rows = cursor_u64(cursor);
    state->seen_paged = cursor_u64(cursor);
    state->revision = cursor_u64(cursor);
    state->parts[TABLE_READINGS] = cursor_u64(cursor);
    state->parts[TABLE_STATUS] = cursor_u64(cursor);
    if (cursor->failed || !state_is_possible(state))
        return error_set(err, STATUS_CORRUPT,
                         "the store's counters contradict each other or cannot be");
    return STATUS_OK;
}

void store_state_note_time(struct store_state *state, int64_t time_ms)
{
    if (time_ms < state->counters.first_time_ms)
        state->counters.first_time_ms = time_ms;
    if (time_ms > state->counters.last_time_ms)
        state->counters.last_time_ms = time_ms;
}
