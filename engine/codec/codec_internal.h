/*
 * codec_internal.h - the form of a packed column, for the files of engine/codec only.
 *
 * A column is a head byte, which says how the values are transformed and how
 * many bits each takes, then what that head needs:
 *
 *      HEAD        FORM             WIDTH     WHAT FOLLOWS
 *      0 ... 64    frame            0 ... 64  base, packed
 *      65 ... 129  delta            0 ... 64  starts, base, packed
 *      130 ... 170 frame, patched   0 ... 40  base, patches, packed
 *      171 ... 211 delta, patched   0 ... 40  starts, base, patches, packed
 *      212 ... 252 line, patched    0 ... 40  slope, base, patches, packed
 *      253         scaled                     step, remainder, a column of level 1
 *      254         dictionary                 varint n, column of n values, column of indices
 *
 *      base        signed varint, added to each packed value
 *      starts      one signed varint if the column has one lane, else the
 *                  first value of each lane as a column of level 0
 *      patches     varint count (may be 0), then per patch: varint distance
 *                  from the place of the one before (the first: from -1), less
 *                  one; signed varint of what stands above the packed bits
 *      slope       varint, in units of 2^-LINE_SHIFT a row
 *      step        varint, at least 2: value = remainder + step * inner value
 *      remainder   signed varint
 *
 * Levels: a whole column is of level 2 and may be anything; inside `scaled`
 * stands one of level 1, which is no `scaled`; inside a dictionary and for
 * starts stands one of level 0, which is no dictionary either.
 *
 * Rows map to places in the packed bits as follows; `steps` = rows per lane.
 *
 *      frame, line    place = row                       (lane = row % 16)
 *      delta          place = (row % steps - 1) * 16 + row / steps
 *                     (a lane is a contiguous run of rows; the first of each is a start)
 *
 * Columns below CODEC_ONE_LANE_BELOW values have one lane: 16 starts would cost
 * more than the speed is worth.
 */
#ifndef MNSDB_ENGINE_CODEC_CODEC_INTERNAL_H
#define MNSDB_ENGINE_CODEC_CODEC_INTERNAL_H

#include "engine/base/clones.h"
#include "engine/codec/codec.h"

#include <stdbool.h>

#define CODEC_ONE_LANE_BELOW 128u
#define CODEC_STEPS_MAX      (CODEC_VALUES_MAX / CODEC_LANES)
#define CODEC_DICTIONARY_MAX 64u
#define CODEC_LEVEL_MAX      2u
#define LINE_SHIFT           16u
#define PATCHED_WIDTH_MAX    40u

enum codec_head {
    HEAD_FRAME = 0,
    HEAD_DELTA = 65,
    HEAD_FRAME_PATCHED = 130,
    HEAD_DELTA_PATCHED = 171,
    HEAD_LINE = 212,
    HEAD_SCALED = 253,
    HEAD_DICTIONARY = 254,
};

/* How `count` rows of a form are laid out. */
struct lanes {
    uint32_t count; /* of lanes: 1 or 16 */
    uint32_t steps; /* rows per lane, the first included */
    uint32_t used;  /* lanes that hold any row */
};

static inline struct lanes lanes_of(uint32_t count)
{
    if (count < CODEC_ONE_LANE_BELOW)
        return (struct lanes){.count = 1, .steps = count, .used = 1};
    const uint32_t steps = (count + CODEC_LANES - 1) / CODEC_LANES;
    return (struct lanes){
        .count = CODEC_LANES, .steps = steps, .used = (count + steps - 1) / steps};
}

static inline uint64_t width_mask(unsigned width)
{
    return width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
}

/* Bits of a value without its leading zeros. */
static inline unsigned bit_length(uint64_t value)
{
    return value ? 64u - (unsigned)__builtin_clzll(value) : 0u;
}

/*
 * The packed bits of a column in 16 lanes:
 *
 *      word 0 of lanes 0 ... 15, word 1 of lanes 0 ... 15, ...   64 bits each
 *      then what is left of each lane (0 ... 63 bits) in planes of 32, 16, 8, 4,
 *      2 and 1 bits, those that the binary notation of that length asks for
 *
 * so that no bit is lost to padding: 2 * steps * width bytes. In one lane the
 * bits simply follow each other, low bits first, padded to a byte.
 */
struct lane_words {
    const uint8_t *bytes; /* of the whole words; borrowed */
    uint32_t whole;       /* words a lane */
    unsigned width;
    _Alignas(64) uint64_t last[CODEC_LANES]; /* what is left of each lane */
};

static inline size_t lanes_packed_bytes(uint32_t steps, unsigned width)
{
    return (size_t)steps * width * CODEC_LANES / 8;
}

static inline size_t single_packed_bytes(uint32_t count, unsigned width)
{
    return ((size_t)count * width + 7) / 8;
}

/* Packs steps * 16 values below 2^width; `out` has room for lanes_packed_bytes(). */
void lanes_pack(const uint64_t *values, uint32_t steps, unsigned width, uint8_t *out);

/* Makes the words of packed lanes readable: exactly lanes_packed_bytes() bytes, which stay. */
void lanes_open(const uint8_t *bytes, uint32_t steps, unsigned width, struct lane_words *words);

/* values[step * 16 + lane] = base + packed, for steps [first, first + steps). */
void lanes_unpack(const struct lane_words *words, uint32_t first, uint32_t steps, uint64_t base,
                  uint64_t *restrict values);

/*
 * Turns the 16 lanes of up to LANES_TILE_STEPS steps of deltas into values:
 * adds them up onto `sums` and puts lane l at values[l * stride ...].
 */
#define LANES_TILE_STEPS 32u
void lanes_add_up(const uint64_t *restrict tile, uint32_t steps, uint64_t *restrict sums,
                  uint64_t *restrict values, uint32_t stride);

/* One lane: `out` has room for single_packed_bytes(). */
void single_pack(const uint64_t *values, uint32_t count, unsigned width, uint8_t *out);
/* `readable` begins with the packed bytes; what lies behind them may be anything. */
void single_unpack(struct slice readable, uint32_t count, unsigned width, uint64_t base,
                   uint64_t *values);

static inline int64_t difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

struct extremes {
    int64_t min;
    int64_t max;
};

/* A form with its parameters and the bytes it takes. */
struct plan {
    enum codec_head head; /* HEAD_FRAME ... HEAD_LINE */
    unsigned width;
    uint64_t base;
    uint64_t slope; /* HEAD_LINE */
    size_t bytes;
};

/* What the encoder works on: one column and what is known about it. */
struct column {
    const int64_t *values;
    uint32_t count;
    struct lanes lanes;
    struct extremes frame;
    struct extremes delta;
    size_t starts_bytes;
    int64_t deltas[CODEC_ROOM]; /* deltas[row] = values[row] - values[row - 1] */
};

/* The first value of each lane that holds any. */
void column_starts(const struct column *column, int64_t starts[CODEC_LANES]);

struct extremes extremes_of(const int64_t *values, uint32_t count);

/*
 * The smallest of the forms from HEAD_FRAME to HEAD_LINE. Takes values, count,
 * lanes and frame of the column, and fills in the rest as far as the form needs it.
 */
struct plan plan_choose(struct column *column);

/* The same of HEAD_FRAME and HEAD_DELTA only. */
struct plan plan_choose_plain(struct column *column);

/*
 * What is packed at each place: distances from the base, with what patches hold. `places` has
 * CODEC_ROOM slots; returns how many are used. Deltas beyond the last row are overwritten.
 */
uint32_t plan_places(struct column *column, const struct plan *plan, uint64_t *places);

/* Appends and decodes a column of at most that level. */
enum status column_encode(const int64_t *values, uint32_t count, unsigned level,
                          struct buffer *out);
enum status column_decode(struct cursor *in, uint32_t count, unsigned level, int64_t *values,
                          struct error *err);
enum status column_skip(struct cursor *in, uint32_t count, unsigned level, struct error *err);

/* Passes over `count` patches, behind their number. */
void patches_skip(struct cursor *in, uint32_t count);

#endif
