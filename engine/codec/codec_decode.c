/*
 * codec_decode.c - packed columns back into values; the form is in codec_internal.h.
 *
 * Bytes are untrusted: lengths are checked by the cursor before a packed run is
 * touched, places of patches and dictionary indices before they are used. What
 * remains are wrong values, computed modulo 2^64, which no check here can tell
 * from right ones.
 *
 * Patches stand before the packed bits that they mend. They are passed over first and read again,
 * one by one, where their places come up: nothing is put by, and a column of a few values - there
 * are many in a block of several devices - takes little of the stack.
 *
 * Deltas are unpacked, patched, added up and put into row order in tiles of
 * LANES_TILE_STEPS steps, which stay in the L1 data cache.
 */
#include "engine/codec/codec_internal.h"

#include <assert.h>

#define TILE_VALUES (LANES_TILE_STEPS * CODEC_LANES)

#define NO_PLACE UINT32_MAX

/* The patches of a column in order of their places: the next one, and where those behind are. */
struct patches {
    struct cursor in; /* failed: one was out of place */
    uint32_t left;    /* behind the next one */
    uint32_t place;   /* of the next one; NO_PLACE: there is none */
    uint32_t places;
    unsigned width;
    uint64_t high; /* of the next one, shifted to where it belongs */
};

static enum status column_corrupt(struct error *err, const char *what)
{
    (void)error_set(err, STATUS_CORRUPT, "column: %s", what);
    return STATUS_CORRUPT;
}

/* Reads the next patch, whose place must lie behind the one before and below the bound. */
static void patches_next(struct patches *patches, uint32_t from)
{
    patches->place = NO_PLACE;
    if (patches->left == 0)
        return;
    patches->left--;
    const uint64_t gap = cursor_short_varint(&patches->in);
    const int64_t high = zigzag_decode(cursor_short_varint(&patches->in));
    if (patches->in.failed || gap >= patches->places - from) {
        patches->in.failed = true;
        return;
    }
    patches->place = from + (uint32_t)gap;
    patches->high = (uint64_t)high << patches->width;
}

/* Moves the cursor behind the patches; their places must lie below `places`. */
static enum status patches_open(struct cursor *in, uint32_t places, unsigned width,
                                struct patches *patches, struct error *err)
{
    const uint64_t count = cursor_varint(in);
    if (count > places)
        return column_corrupt(err, "impossible number of patches");
    patches->in = *in;
    patches->left = (uint32_t)count;
    patches->places = places;
    patches->width = width;
    patches_skip(in, patches->left);
    if (in->failed)
        return column_corrupt(err, "too short");
    patches_next(patches, 0);
    return STATUS_OK;
}

/* Applies the next patches, with places in [first, until), to values[place - first]. */
static inline void patches_apply(struct patches *patches, uint32_t first, uint32_t until,
                                 uint64_t *values)
{
    while (patches->place < until) {
        assert(patches->place >= first);
        values[patches->place - first] += patches->high;
        patches_next(patches, patches->place + 1);
    }
}

static enum status patches_close(const struct patches *patches, struct error *err)
{
    return patches->in.failed ? column_corrupt(err, "patch out of place") : STATUS_OK;
}

/* values[place] = base + packed, in the order of places; writes whole steps. */
static enum status places_decode(struct cursor *in, uint32_t count, unsigned width, uint64_t base,
                                 uint64_t *values, struct error *err)
{
    const bool single = count < CODEC_ONE_LANE_BELOW;
    const uint32_t steps = (count + CODEC_LANES - 1) / CODEC_LANES;
    const size_t bytes_len =
        single ? single_packed_bytes(count, width) : lanes_packed_bytes(steps, width);
    const struct slice packed = cursor_bytes(in, bytes_len);
    if (in->failed)
        return column_corrupt(err, "too short");
    if (width == 0) {
        for (uint32_t i = 0; i < count; i++)
            values[i] = base;
    } else if (single) {
        const struct slice readable = slice_of(packed.data, packed.len + cursor_left(in));
        single_unpack(readable, count, width, base, values);
    } else {
        struct lane_words words;
        lanes_open(packed.data, steps, width, &words);
        lanes_unpack(&words, 0, steps, base, values);
    }
    return STATUS_OK;
}

static enum status frame_patched_decode(struct cursor *in, uint32_t count, unsigned width,
                                        uint64_t base, uint64_t *values, struct error *err)
{
    struct patches patches;
    TRY(patches_open(in, count, width, &patches, err));
    TRY(places_decode(in, count, width, base, values, err));
    patches_apply(&patches, 0, count, values);
    return patches_close(&patches, err);
}

static enum status frame_decode(struct cursor *in, uint32_t count, unsigned width, bool patched,
                                uint64_t *values, struct error *err)
{
    const uint64_t base = (uint64_t)cursor_signed_varint(in);
    return patched ? frame_patched_decode(in, count, width, base, values, err)
                   : places_decode(in, count, width, base, values, err);
}

/* Adds the line. */
HOT_CLONES static void line_add(uint64_t *values, uint32_t count, uint64_t slope)
{
    uint64_t rise = 0;
    for (uint32_t row = 0; row < count; row++) {
        values[row] += rise >> LINE_SHIFT;
        rise += slope;
    }
}

static enum status line_decode(struct cursor *in, uint32_t count, unsigned width, uint64_t *values,
                               struct error *err)
{
    const uint64_t slope = cursor_varint(in);
    const uint64_t base = (uint64_t)cursor_signed_varint(in);
    TRY(frame_patched_decode(in, count, width, base, values, err));
    line_add(values, count, slope);
    return STATUS_OK;
}

/* Deltas in one lane: places are rows less one. */
static enum status delta_decode_single(struct cursor *in, uint32_t count, unsigned width,
                                       bool patched, uint64_t *values, struct error *err)
{
    values[0] = (uint64_t)cursor_signed_varint(in);
    TRY(frame_decode(in, count - 1, width, patched, values + 1, err));
    for (uint32_t row = 1; row < count; row++)
        values[row] += values[row - 1];
    return STATUS_OK;
}

/* The first value of each lane; those of lanes without rows are 0. */
static enum status starts_decode(struct cursor *in, const struct lanes *lanes,
                                 uint64_t starts[CODEC_LANES], struct error *err)
{
    memset(starts, 0, CODEC_LANES * sizeof starts[0]);
    return column_decode(in, lanes->used, 0, (int64_t *)starts, err);
}

static enum status delta_decode(struct cursor *in, uint32_t count, unsigned width, bool patched,
                                uint64_t *values, struct error *err)
{
    const struct lanes lanes = lanes_of(count);
    if (lanes.count == 1)
        return delta_decode_single(in, count, width, patched, values, err);

    _Alignas(64) uint64_t sums[CODEC_LANES];
    TRY(starts_decode(in, &lanes, sums, err));
    const uint64_t base = (uint64_t)cursor_signed_varint(in);
    const uint32_t steps = lanes.steps - 1;
    struct patches patches = {.place = NO_PLACE};
    if (patched)
        TRY(patches_open(in, steps * CODEC_LANES, width, &patches, err));
    const struct slice packed = cursor_bytes(in, lanes_packed_bytes(steps, width));
    if (in->failed)
        return column_corrupt(err, "too short");

    struct lane_words words;
    lanes_open(packed.data, steps, width, &words);
    /* The first row of each lane is its start and has no delta; see rows and places. */
    for (size_t lane = 0; lane < lanes.used; lane++)
        values[lane * lanes.steps] = sums[lane];
    for (uint32_t first = 0; first < steps; first += LANES_TILE_STEPS) {
        const uint32_t left = steps - first;
        const uint32_t tile_steps = left < LANES_TILE_STEPS ? left : LANES_TILE_STEPS;
        _Alignas(64) uint64_t tile[TILE_VALUES];
        lanes_unpack(&words, first, tile_steps, base, tile);
        patches_apply(&patches, first * CODEC_LANES, (first + tile_steps) * CODEC_LANES, tile);
        lanes_add_up(tile, tile_steps, sums, values + first + 1, lanes.steps);
    }
    return patches_close(&patches, err);
}

HOT_CLONES static void values_scale(uint64_t *values, uint32_t count, uint64_t step,
                                    uint64_t remainder)
{
    for (uint32_t row = 0; row < count; row++)
        values[row] = values[row] * step + remainder;
}

static enum status scaled_decode(struct cursor *in, uint32_t count, uint64_t *values,
                                 struct error *err)
{
    const uint64_t step = cursor_varint(in);
    const uint64_t remainder = (uint64_t)cursor_signed_varint(in);
    TRY(column_decode(in, count, 1, (int64_t *)values, err));
    values_scale(values, count, step, remainder);
    return STATUS_OK;
}

static enum status dictionary_decode(struct cursor *in, uint32_t count, uint64_t *values,
                                     struct error *err)
{
    const uint64_t words_count = cursor_varint(in);
    if (words_count < 1 || words_count > CODEC_DICTIONARY_MAX)
        return column_corrupt(err, "impossible size of a dictionary");

    int64_t words[CODEC_DICTIONARY_MAX] = {0};
    TRY(column_decode(in, (uint32_t)words_count, 0, words, err));
    TRY(column_decode(in, count, 0, (int64_t *)values, err));
    /* Looked up modulo the most words there can be, and judged by all indices together. */
    uint64_t all_bits = 0;
    uint64_t beyond = 0;
    for (uint32_t row = 0; row < count; row++) {
        const uint64_t index = values[row];
        all_bits |= index;
        beyond |= words_count - 1 - index;
        values[row] = (uint64_t)words[index % CODEC_DICTIONARY_MAX];
    }
    if (all_bits >= CODEC_DICTIONARY_MAX || beyond >> 63)
        return column_corrupt(err, "index beyond its dictionary");
    return STATUS_OK;
}

static enum status column_decode_nested(struct cursor *in, uint32_t count, unsigned head,
                                        unsigned level, uint64_t *values, struct error *err)
{
    if (head == HEAD_SCALED && level >= 2)
        return scaled_decode(in, count, values, err);
    if (head == HEAD_DICTIONARY && level >= 1)
        return dictionary_decode(in, count, values, err);
    return column_corrupt(err, "unknown form");
}

enum status column_decode(struct cursor *in, uint32_t count, unsigned level, int64_t *values,
                          struct error *err)
{
    assert(count >= 1 && count <= CODEC_VALUES_MAX);

    uint64_t *const raw = (uint64_t *)values; /* the same type but for its sign */
    const unsigned head = cursor_u8(in);
    enum status status = STATUS_OK;
    if (head < HEAD_DELTA)
        status = frame_decode(in, count, head - HEAD_FRAME, false, raw, err);
    else if (head < HEAD_FRAME_PATCHED)
        status = delta_decode(in, count, head - HEAD_DELTA, false, raw, err);
    else if (head < HEAD_DELTA_PATCHED)
        status = frame_decode(in, count, head - HEAD_FRAME_PATCHED, true, raw, err);
    else if (head < HEAD_LINE)
        status = delta_decode(in, count, head - HEAD_DELTA_PATCHED, true, raw, err);
    else if (head < HEAD_SCALED)
        status = line_decode(in, count, head - HEAD_LINE, raw, err);
    else
        status = column_decode_nested(in, count, head, level, raw, err);
    if (status == STATUS_OK && in->failed)
        status = column_corrupt(err, "too short");
    return status;
}

enum status codec_decode(struct cursor *in, uint32_t count, int64_t *values, struct error *err)
{
    return column_decode(in, count, CODEC_LEVEL_MAX, values, err);
}
