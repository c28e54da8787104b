/*
 * bytes.c - bounds-checked reading and append-only writing; see bytes.h.
 */
#include "engine/base/bytes.h"

#include "engine/base/bytes_hash.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

int slice_compare(struct slice a, struct slice b)
{
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

uint64_t bytes_hash(const void *data, size_t len, uint64_t seed)
{
    if (len >= BYTES_HASH_WIDE_MIN && bytes_hash_can_avx2())
        return bytes_hash_avx2(data, len, seed);
    return XXH3_64bits_withSeed(data, len, seed);
}

uint64_t hash_seed_random(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
        return seed;
    /* Early at boot: what is left is hard to guess from outside, too. */
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 32 ^ (uint64_t)(uintptr_t)&now;
}

struct slice cursor_bytes(struct cursor *cursor, size_t len)
{
    if (cursor->failed || cursor_left(cursor) < len) {
        cursor->failed = true;
        return (struct slice){0};
    }
    const struct slice bytes = slice_of(cursor->next, len);
    cursor->next += len;
    return bytes;
}

uint8_t cursor_u8(struct cursor *cursor)
{
    const struct slice bytes = cursor_bytes(cursor, 1);
    return bytes.len ? bytes.data[0] : 0;
}

uint16_t cursor_u16(struct cursor *cursor)
{
    const struct slice bytes = cursor_bytes(cursor, sizeof(uint16_t));
    return bytes.len ? load_u16(bytes.data) : 0;
}

uint32_t cursor_u32(struct cursor *cursor)
{
    const struct slice bytes = cursor_bytes(cursor, sizeof(uint32_t));
    return bytes.len ? load_u32(bytes.data) : 0;
}

uint64_t cursor_u64(struct cursor *cursor)
{
    const struct slice bytes = cursor_bytes(cursor, sizeof(uint64_t));
    return bytes.len ? load_u64(bytes.data) : 0;
}

i128 cursor_i128(struct cursor *cursor)
{
    const struct slice bytes = cursor_bytes(cursor, sizeof(i128));
    i128 value = 0;
    if (bytes.len)
        memcpy(&value, bytes.data, sizeof value);
    return value;
}

uint64_t cursor_long_varint(struct cursor *cursor)
{
    const uint8_t *next = cursor->next;
    if (cursor_left(cursor) >= 2 && next[1] < 0x80 && next[0] >= 0x80 && !cursor->failed) {
        cursor->next += 2;
        return (next[0] & 0x7fu) | (uint64_t)next[1] << 7;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 7 * VARINT_BYTES_MAX && next != cursor->end; shift += 7) {
        const uint8_t byte = *next++;
        const uint64_t bits = byte & 0x7fu;
        if (shift == 63 && bits > 1)
            break;
        value |= bits << shift;
        if (byte < 0x80) {
            cursor->next = cursor->failed ? cursor->next : next;
            return cursor->failed ? 0 : value;
        }
    }
    cursor->failed = true;
    return 0;
}

int64_t cursor_signed_varint(struct cursor *cursor)
{
    return zigzag_decode(cursor_varint(cursor));
}

enum status buffer_reserve(struct buffer *buffer, size_t len)
{
    size_t needed = 0;
    if (__builtin_add_overflow(buffer->len, len, &needed))
        return STATUS_NOMEM;
    return mem_grow(&buffer->data, &buffer->capacity, needed, 1);
}

enum status buffer_append(struct buffer *buffer, const void *data, size_t len)
{
    TRY(buffer_reserve(buffer, len));
    buffer_put_bytes(buffer, data, len);
    return STATUS_OK;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
}

void buffer_release(struct buffer *buffer)
{
    mem_free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_put_bytes(struct buffer *buffer, const void *data, size_t len)
{
    assert(buffer->capacity - buffer->len >= len);
    if (len > 0)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
}

void buffer_put_u8(struct buffer *buffer, uint8_t value)
{
    buffer_put_bytes(buffer, &value, sizeof value);
}

void buffer_put_u16(struct buffer *buffer, uint16_t value)
{
    buffer_put_bytes(buffer, &value, sizeof value);
}

void buffer_put_u32(struct buffer *buffer, uint32_t value)
{
    buffer_put_bytes(buffer, &value, sizeof value);
}

void buffer_put_u64(struct buffer *buffer, uint64_t value)
{
    buffer_put_bytes(buffer, &value, sizeof value);
}

void buffer_put_i128(struct buffer *buffer, i128 value)
{
    buffer_put_bytes(buffer, &value, sizeof value);
}

void buffer_put_varint(struct buffer *buffer, uint64_t value)
{
    while (value >= 0x80) {
        buffer_put_u8(buffer, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    buffer_put_u8(buffer, (uint8_t)value);
}

void buffer_put_signed_varint(struct buffer *buffer, int64_t value)
{
    buffer_put_varint(buffer, zigzag_encode(value));
}
