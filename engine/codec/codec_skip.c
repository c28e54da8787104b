/*
 * codec_skip.c - where a packed column ends, without its values.
 *
 * Walks over what codec_decode.c reads, in the same order, with the same bounds of counts. What
 * only values would tell - places of patches, indices of dictionaries - is not looked at: a column
 * that can be skipped need not decode, but one that decodes ends where the skip does.
 */
#include "engine/codec/codec_internal.h"

#include <assert.h>

static enum status skip_failed(struct error *err, const char *what)
{
    (void)error_set(err, STATUS_CORRUPT, "column: %s", what);
    return STATUS_CORRUPT;
}

static enum status packed_skip(struct cursor *in, size_t bytes_len, struct error *err)
{
    (void)cursor_bytes(in, bytes_len);
    return in->failed ? skip_failed(err, "too short") : STATUS_OK;
}

/* Eight bytes at a time: each varint ends with a byte without its highest bit. */
void patches_skip(struct cursor *in, uint32_t count)
{
    uint32_t left = 2 * count;
    while (left > 0 && cursor_left(in) >= sizeof(uint64_t)) {
        uint64_t ends = ~load_u64(in->next) & UINT64_C(0x8080808080808080);
        const uint64_t ones = UINT64_C(0x0101010101010101);
        const uint32_t found = (uint32_t)((ends >> 7) * ones >> 56);
        if (found < left) {
            left -= found;
            in->next += sizeof(uint64_t);
            continue;
        }
        for (; left > 1; left--)
            ends &= ends - 1;
        in->next += (unsigned)__builtin_ctzll(ends) / 8 + 1;
        return;
    }
    for (; left > 0 && !in->failed; left--)
        (void)cursor_varint(in);
}

static enum status patches_pass(struct cursor *in, uint32_t places, struct error *err)
{
    const uint64_t count = cursor_varint(in);
    if (in->failed || count > places)
        return skip_failed(err, "impossible number of patches");
    patches_skip(in, (uint32_t)count);
    return in->failed ? skip_failed(err, "too short") : STATUS_OK;
}

static enum status frame_skip(struct cursor *in, uint32_t count, unsigned width, bool patched,
                              struct error *err)
{
    (void)cursor_varint(in);
    if (patched)
        TRY(patches_pass(in, count, err));
    const uint32_t steps = (count + CODEC_LANES - 1) / CODEC_LANES;
    return packed_skip(in,
                       count < CODEC_ONE_LANE_BELOW ? single_packed_bytes(count, width)
                                                    : lanes_packed_bytes(steps, width),
                       err);
}

static enum status delta_skip(struct cursor *in, uint32_t count, unsigned width, bool patched,
                              struct error *err)
{
    const struct lanes lanes = lanes_of(count);
    if (lanes.count == 1) {
        (void)cursor_varint(in);
        return frame_skip(in, count - 1, width, patched, err);
    }
    TRY(column_skip(in, lanes.used, 0, err));
    (void)cursor_varint(in);
    const uint32_t steps = lanes.steps - 1;
    if (patched)
        TRY(patches_pass(in, steps * CODEC_LANES, err));
    return packed_skip(in, lanes_packed_bytes(steps, width), err);
}

static enum status nested_skip(struct cursor *in, uint32_t count, unsigned head, unsigned level,
                               struct error *err)
{
    if (head == HEAD_SCALED && level >= 2) {
        (void)cursor_varint(in);
        (void)cursor_varint(in);
        return column_skip(in, count, 1, err);
    }
    if (head != HEAD_DICTIONARY || level < 1)
        return skip_failed(err, "unknown form");
    const uint64_t words_count = cursor_varint(in);
    if (words_count < 1 || words_count > CODEC_DICTIONARY_MAX)
        return skip_failed(err, "impossible size of a dictionary");
    TRY(column_skip(in, (uint32_t)words_count, 0, err));
    return column_skip(in, count, 0, err);
}

enum status column_skip(struct cursor *in, uint32_t count, unsigned level, struct error *err)
{
    assert(count >= 1 && count <= CODEC_VALUES_MAX);

    const unsigned head = cursor_u8(in);
    if (in->failed)
        return skip_failed(err, "too short");
    if (head < HEAD_DELTA)
        return frame_skip(in, count, head - HEAD_FRAME, false, err);
    if (head < HEAD_FRAME_PATCHED)
        return delta_skip(in, count, head - HEAD_DELTA, false, err);
    if (head < HEAD_DELTA_PATCHED)
        return frame_skip(in, count, head - HEAD_FRAME_PATCHED, true, err);
    if (head < HEAD_LINE)
        return delta_skip(in, count, head - HEAD_DELTA_PATCHED, true, err);
    if (head >= HEAD_SCALED)
        return nested_skip(in, count, head, level, err);
    (void)cursor_varint(in); /* the slope */
    return frame_skip(in, count, head - HEAD_LINE, true, err);
}

enum status codec_skip(struct cursor *in, uint32_t count, struct error *err)
{
    return column_skip(in, count, CODEC_LEVEL_MAX, err);
}
