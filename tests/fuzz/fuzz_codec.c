/*
 * fuzz_codec.c - packed columns from arbitrary bytes, and arbitrary values through the codec.
 *
 * Two bytes of count; then the rest is taken as a packed column, which is skipped to where
 * decoding it ends, and once more as values to pack, which must come back.
 */
#include "engine/codec/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static int64_t values[CODEC_ROOM];
static int64_t again[CODEC_ROOM];

/* Packs and unpacks; the values must be the same. */
static void round_trip(uint32_t count)
{
    struct buffer out = {0};
    if (codec_encode(values, count, &out) == STATUS_OK) {
        struct cursor in = cursor_of(buffer_slice(&out));
        if (codec_decode(&in, count, again, NULL) != STATUS_OK || !cursor_finished(&in) ||
            memcmp(values, again, count * sizeof values[0]) != 0)
            abort();
    }
    buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    struct cursor in = cursor_of(slice_of(bytes, bytes_len));
    const uint32_t count = 1 + cursor_u16(&in) % CODEC_VALUES_MAX;
    struct cursor column = in;
    struct cursor skipped = in;
    struct error err = {0};
    const enum status skip = codec_skip(&skipped, count, &err);
    if (codec_decode(&column, count, values, &err) == STATUS_OK) {
        if (skip != STATUS_OK || skipped.next != column.next)
            abort();
        round_trip(count);
    }

    /* The same bytes as values: eight bytes each, or varints of deltas. */
    uint32_t value_count = 0;
    for (struct cursor raw = in; value_count < count && cursor_left(&raw) >= 8; value_count++)
        values[value_count] = (int64_t)cursor_u64(&raw);
    if (value_count > 0)
        round_trip(value_count);
    uint64_t value = 0;
    value_count = 0;
    for (struct cursor raw = in; value_count < count && cursor_left(&raw) > 0; value_count++) {
        value += (uint64_t)cursor_signed_varint(&raw);
        values[value_count] = (int64_t)value;
    }
    if (value_count > 0)
        round_trip(value_count);
    return 0;
}
