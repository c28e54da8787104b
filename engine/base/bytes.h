/*
 * bytes.h - reading and writing byte strings: slices, cursors, growing buffers.
 *
 * A `struct slice` borrows bytes. A `struct cursor` walks over a slice and never
 * past its end: the first read that does not fit marks it failed, and every
 * later read returns 0, so that a decoder checks once, at its end. A `struct
 * buffer` owns bytes that grow.
 *
 * Fixed-width integers are little-endian in values, big-endian in keys, where
 * their order must be that of the bytes. Varints are LEB128, 7 bits a byte, low
 * bits first, at most 10 bytes; signed ones are zigzag-coded first.
 */
#ifndef MNSDB_ENGINE_BASE_BYTES_H
#define MNSDB_ENGINE_BASE_BYTES_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

struct slice {
    const uint8_t *data; /* borrowed; may be NULL if len is 0 */
    size_t len;
};

struct cursor {
    const uint8_t *next;
    const uint8_t *end;
    bool failed;
};

struct buffer {
    uint8_t *data; /* owned */
    size_t len;
    size_t capacity;
};

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){.data = data, .len = len};
}

static inline struct slice slice_of_text(const char *text)
{
    return (struct slice){.data = (const uint8_t *)text, .len = strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* By bytes, the shorter first: the order of names everywhere. */
int slice_compare(struct slice a, struct slice b);

/* XXH3-64 of the bytes: checksums and hash tables. Seeds tell uses apart. */
uint64_t bytes_hash(const void *data, size_t len, uint64_t seed);

/* A seed for tables of names from outside: nobody can choose names that all hash alike. */
uint64_t hash_seed_random(void);

static inline struct cursor cursor_of(struct slice bytes)
{
    return (struct cursor){.next = bytes.data, .end = bytes.data + bytes.len};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->next);
}

/* True if every read so far fitted and nothing is left over. */
static inline bool cursor_finished(const struct cursor *cursor)
{
    return !cursor->failed && cursor->next == cursor->end;
}

/* The next `len` bytes, borrowed; an empty slice after a failure. */
struct slice cursor_bytes(struct cursor *cursor, size_t len);
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);
i128 cursor_i128(struct cursor *cursor);
uint64_t cursor_long_varint(struct cursor *cursor); /* cursor_varint, of any length */
int64_t cursor_signed_varint(struct cursor *cursor);

/* Most are a single byte, read without a call. */
static inline uint64_t cursor_varint(struct cursor *cursor)
{
    if (cursor->next != cursor->end && *cursor->next < 0x80 && !cursor->failed)
        return *cursor->next++;
    return cursor_long_varint(cursor);
}

/*
 * The same where two bytes are as usual as one: neither takes a call. A cursor that failed may read
 * on; it stays failed.
 */
static inline uint64_t cursor_short_varint(struct cursor *cursor)
{
    if (cursor_left(cursor) < 2)
        return cursor_varint(cursor);
    const uint8_t first = cursor->next[0];
    const uint8_t second = cursor->next[1];
    if (first < 0x80) {
        cursor->next++;
        return first;
    }
    if (second >= 0x80)
        return cursor_varint(cursor);
    cursor->next += 2;
    return (first & 0x7fu) | (uint64_t)second << 7;
}

/* Room for `len` more bytes; the buffer is unchanged on STATUS_NOMEM. */
MUST_CHECK enum status buffer_reserve(struct buffer *buffer, size_t len);
MUST_CHECK enum status buffer_append(struct buffer *buffer, const void *data, size_t len);
void buffer_clear(struct buffer *buffer);
void buffer_release(struct buffer *buffer);

static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return (struct slice){.data = buffer->data, .len = buffer->len};
}

/* Appends to room that was reserved before (asserted). */
void buffer_put_u8(struct buffer *buffer, uint8_t value);
void buffer_put_u16(struct buffer *buffer, uint16_t value);
void buffer_put_u32(struct buffer *buffer, uint32_t value);
void buffer_put_u64(struct buffer *buffer, uint64_t value);
void buffer_put_i128(struct buffer *buffer, i128 value);
void buffer_put_varint(struct buffer *buffer, uint64_t value); /* up to 10 bytes */
void buffer_put_signed_varint(struct buffer *buffer, int64_t value);
void buffer_put_bytes(struct buffer *buffer, const void *data, size_t len);

#define VARINT_BYTES_MAX 10u

static inline uint16_t load_u16(const uint8_t *from)
{
    uint16_t value = 0;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline uint32_t load_u32(const uint8_t *from)
{
    uint32_t value = 0;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline uint64_t load_u64(const uint8_t *from)
{
    uint64_t value = 0;
    memcpy(&value, from, sizeof value);
    return value;
}

/* True if two strings of `len` bytes are equal: for short ones, inlined. */
static inline bool bytes_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    if (len < 8) {
        size_t at = 0;
        while (at < len && a[at] == b[at])
            at++;
        return at == len;
    }
    for (size_t at = 0; at + 8 < len; at += 8) {
        if (load_u64(a + at) != load_u64(b + at))
            return false;
    }
    return load_u64(a + len - 8) == load_u64(b + len - 8);
}

/* Both halves of the product: every bit of either factor reaches the result. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    const u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/*
 * A hash of short strings for tables in memory, inlined: 16 bytes a multiplication, the last ones
 * overlapping those before. With a secret seed it stands hostile names; it is not for storing.
 */
static inline uint64_t bytes_hash_inline(const uint8_t *data, size_t len, uint64_t seed)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15); /* the golden ratio's bits: any would do */
    uint64_t hash = seed ^ len * odd;
    uint64_t first = 0;
    uint64_t last = 0;
    if (len > 16) {
        for (size_t at = 0; at + 16 < len; at += 16)
            hash = hash_fold(load_u64(data + at) ^ hash, load_u64(data + at + 8) ^ seed);
        first = load_u64(data + len - 16);
        last = load_u64(data + len - 8);
    } else if (len >= 8) {
        first = load_u64(data);
        last = load_u64(data + len - 8);
    } else if (len >= 4) {
        first = load_u32(data);
        last = load_u32(data + len - 4);
    } else if (len > 0) {
        first = (uint64_t)data[0] << 8 | data[len / 2];
        last = data[len - 1];
    }
    hash = hash_fold(first ^ hash, last ^ seed);
    return hash_fold(hash ^ seed, odd);
}

static inline void store_u32_be(uint8_t *to, uint32_t value)
{
    const uint32_t swapped = __builtin_bswap32(value);
    memcpy(to, &swapped, sizeof swapped);
}

static inline void store_u64_be(uint8_t *to, uint64_t value)
{
    const uint64_t swapped = __builtin_bswap64(value);
    memcpy(to, &swapped, sizeof swapped);
}

static inline uint32_t load_u32_be(const uint8_t *from)
{
    return __builtin_bswap32(load_u32(from));
}

static inline uint64_t load_u64_be(const uint8_t *from)
{
    return __builtin_bswap64(load_u64(from));
}

static inline uint64_t zigzag_encode(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t zigzag_decode(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are stored little-endian");

#endif
