/*
 * lanes.c - bits of a fixed width into words and back, 16 lanes at a time.
 *
 * Every inner loop runs over the 16 lanes of one step with the same shifts for
 * all of them: the compiler turns it into vectors whatever the width, so that
 * loops specialised for each width would gain nothing but code. 64-bit words serve all widths
 * alike and need no widening afterwards.
 */
#include "engine/codec/codec_internal.h"

#include <assert.h>

#define WORD_BITS 64u

/* --- planes: the last bits of each lane ----------------------------------------------- */

/*
 * Put or get the `bits` from bit `offset` of each lane's word, for planes of
 * whole bytes and for those that share bytes. `bits` is a power of two and always
 * a constant where these are inlined, so that their loops become vectors.
 */
#define INLINED static inline __attribute__((always_inline))

INLINED uint8_t *plane_put_bytes(const uint64_t *restrict word, unsigned offset, unsigned bits,
                                 uint8_t *restrict out)
{
    for (unsigned lane = 0; lane < CODEC_LANES; lane++) {
        const uint64_t value = word[lane] >> offset;
        memcpy(out + lane * bits / 8, &value, bits / 8);
    }
    return out + CODEC_LANES * bits / 8;
}

INLINED const uint8_t *plane_get_bytes(const uint8_t *restrict bytes, unsigned offset,
                                       unsigned bits, uint64_t *restrict word)
{
    for (unsigned lane = 0; lane < CODEC_LANES; lane++) {
        uint64_t value = 0;
        memcpy(&value, bytes + lane * bits / 8, bits / 8);
        word[lane] |= value << offset;
    }
    return bytes + CODEC_LANES * bits / 8;
}

INLINED uint8_t *plane_put_bits(const uint64_t *restrict word, unsigned offset, unsigned bits,
                                uint8_t *restrict out)
{
    uint64_t packed = 0;
    for (unsigned lane = 0; lane < CODEC_LANES; lane++)
        packed |= (word[lane] >> offset & width_mask(bits)) << (lane * bits);
    memcpy(out, &packed, CODEC_LANES * bits / 8);
    return out + CODEC_LANES * bits / 8;
}

INLINED const uint8_t *plane_get_bits(const uint8_t *restrict bytes, unsigned offset, unsigned bits,
                                      uint64_t *restrict word)
{
    uint64_t packed = 0;
    memcpy(&packed, bytes, CODEC_LANES * bits / 8);
    for (unsigned lane = 0; lane < CODEC_LANES; lane++)
        word[lane] |= (packed >> (lane * bits) & width_mask(bits)) << offset;
    return bytes + CODEC_LANES * bits / 8;
}

HOT_CLONES static void planes_put(const uint64_t *restrict word, unsigned bits_left,
                                  uint8_t *restrict out)
{
    unsigned offset = 0;
    if (bits_left & 32)
        out = plane_put_bytes(word, 0, 32, out);
    offset += bits_left & 32;
    if (bits_left & 16)
        out = plane_put_bytes(word, offset, 16, out);
    offset += bits_left & 16;
    if (bits_left & 8)
        out = plane_put_bytes(word, offset, 8, out);
    offset += bits_left & 8;
    if (bits_left & 4)
        out = plane_put_bits(word, offset, 4, out);
    offset += bits_left & 4;
    if (bits_left & 2)
        out = plane_put_bits(word, offset, 2, out);
    offset += bits_left & 2;
    if (bits_left & 1)
        (void)plane_put_bits(word, offset, 1, out);
}

HOT_CLONES static void planes_get(const uint8_t *restrict bytes, unsigned bits_left,
                                  uint64_t *restrict word)
{
    unsigned offset = 0;
    if (bits_left & 32)
        bytes = plane_get_bytes(bytes, 0, 32, word);
    offset += bits_left & 32;
    if (bits_left & 16)
        bytes = plane_get_bytes(bytes, offset, 16, word);
    offset += bits_left & 16;
    if (bits_left & 8)
        bytes = plane_get_bytes(bytes, offset, 8, word);
    offset += bits_left & 8;
    if (bits_left & 4)
        bytes = plane_get_bits(bytes, offset, 4, word);
    offset += bits_left & 4;
    if (bits_left & 2)
        bytes = plane_get_bits(bytes, offset, 2, word);
    offset += bits_left & 2;
    if (bits_left & 1)
        (void)plane_get_bits(bytes, offset, 1, word);
}

/* --- 16 lanes --------------------------------------------------------------------------- */

/* Words of all lanes, on their way to be packed. */
struct words_made {
    _Alignas(64) uint64_t word[CODEC_STEPS_MAX + 1][CODEC_LANES];
};

HOT_CLONES static void pack_steps(const uint64_t *restrict values, uint32_t steps, unsigned width,
                                  struct words_made *restrict words)
{
    for (uint32_t step = 0; step < steps; step++) {
        const uint64_t *from = values + (size_t)step * CODEC_LANES;
        const uint32_t bit = step * width;
        const unsigned offset = bit % WORD_BITS;
        uint64_t *low = words->word[bit / WORD_BITS];
        for (unsigned lane = 0; lane < CODEC_LANES; lane++)
            low[lane] |= from[lane] << offset;
        if (offset + width > WORD_BITS) {
            uint64_t *high = words->word[bit / WORD_BITS + 1];
            for (unsigned lane = 0; lane < CODEC_LANES; lane++)
                high[lane] |= from[lane] >> (WORD_BITS - offset);
        }
    }
}

void lanes_pack(const uint64_t *values, uint32_t steps, unsigned width, uint8_t *out)
{
    assert(steps <= CODEC_STEPS_MAX);
    assert(width <= WORD_BITS);
    if (width == 0)
        return;

    struct words_made words;
    const uint32_t full = steps * width / WORD_BITS;
    for (uint32_t i = 0; i <= full; i++)
        memset(words.word[i], 0, sizeof words.word[0]);
    pack_steps(values, steps, width, &words);
    memcpy(out, words.word, full * sizeof words.word[0]);
    planes_put(words.word[full], steps * width % WORD_BITS, out + full * sizeof words.word[0]);
}

void lanes_open(const uint8_t *bytes, uint32_t steps, unsigned width, struct lane_words *words)
{
    assert(steps <= CODEC_STEPS_MAX);
    assert(width <= WORD_BITS);

    words->bytes = bytes;
    words->whole = steps * width / WORD_BITS;
    words->width = width;
    for (unsigned lane = 0; lane < CODEC_LANES; lane++)
        words->last[lane] = 0;
    planes_get(bytes + (size_t)words->whole * sizeof words->last, steps * width % WORD_BITS,
               words->last);
}

/* Word number `word` of each lane, where it lies: at any address. */
static inline const uint8_t *words_at(const struct lane_words *words, uint32_t word)
{
    return word < words->whole ? words->bytes + (size_t)word * sizeof words->last
                               : (const uint8_t *)words->last;
}

HOT_CLONES void lanes_unpack(const struct lane_words *words, uint32_t first, uint32_t steps,
                             uint64_t base, uint64_t *restrict values)
{
    const unsigned width = words->width;
    const uint64_t mask = width_mask(width);
    for (uint32_t step = 0; step < steps; step++) {
        const uint32_t bit = (first + step) * width;
        const unsigned offset = bit % WORD_BITS;
        const uint8_t *restrict low = words_at(words, bit / WORD_BITS);
        uint64_t *restrict to = values + (size_t)step * CODEC_LANES;
        if (offset + width <= WORD_BITS) {
            for (size_t lane = 0; lane < CODEC_LANES; lane++)
                to[lane] = (load_u64(low + 8 * lane) >> offset & mask) + base;
        } else {
            const uint8_t *restrict high = words_at(words, bit / WORD_BITS + 1);
            for (size_t lane = 0; lane < CODEC_LANES; lane++)
                to[lane] = ((load_u64(low + 8 * lane) >> offset | load_u64(high + 8 * lane)
                                                                      << (WORD_BITS - offset)) &
                            mask) +
                           base;
        }
    }
}

/* Four 64-bit integers: a vector register, or two; gcc and clang alike have it. */
typedef uint64_t quad_u64 __attribute__((vector_size(32)));
#define QUAD 4u

/* Four steps of four lanes, added up onto `sum` and turned: each lane's have their own place. */
INLINED void square_add_up(const uint64_t *restrict tile, quad_u64 *restrict sum,
                           uint64_t *restrict values, uint32_t stride)
{
    quad_u64 steps[QUAD];
    for (unsigned step = 0; step < QUAD; step++) {
        quad_u64 deltas;
        memcpy(&deltas, tile + (size_t)step * CODEC_LANES, sizeof deltas);
        *sum += deltas;
        steps[step] = *sum;
    }
    const quad_u64 even_first = __builtin_shufflevector(steps[0], steps[1], 0, 4, 2, 6);
    const quad_u64 odd_first = __builtin_shufflevector(steps[0], steps[1], 1, 5, 3, 7);
    const quad_u64 even_last = __builtin_shufflevector(steps[2], steps[3], 0, 4, 2, 6);
    const quad_u64 odd_last = __builtin_shufflevector(steps[2], steps[3], 1, 5, 3, 7);
    /* One by one: an array of them would be put into memory first. */
    const quad_u64 lane_0 = __builtin_shufflevector(even_first, even_last, 0, 1, 4, 5);
    const quad_u64 lane_1 = __builtin_shufflevector(odd_first, odd_last, 0, 1, 4, 5);
    const quad_u64 lane_2 = __builtin_shufflevector(even_first, even_last, 2, 3, 6, 7);
    const quad_u64 lane_3 = __builtin_shufflevector(odd_first, odd_last, 2, 3, 6, 7);
    memcpy(values, &lane_0, sizeof lane_0);
    memcpy(values + stride, &lane_1, sizeof lane_1);
    memcpy(values + 2 * (size_t)stride, &lane_2, sizeof lane_2);
    memcpy(values + 3 * (size_t)stride, &lane_3, sizeof lane_3);
}

HOT_CLONES void lanes_add_up(const uint64_t *restrict tile, uint32_t steps, uint64_t *restrict sums,
                             uint64_t *restrict values, uint32_t stride)
{
    const uint32_t squared = steps & ~(QUAD - 1);
    for (unsigned lane = 0; lane < CODEC_LANES; lane += QUAD) {
        quad_u64 sum;
        memcpy(&sum, sums + lane, sizeof sum);
        uint64_t *const to = values + (size_t)lane * stride;
        for (uint32_t step = 0; step < squared; step += QUAD)
            square_add_up(tile + (size_t)step * CODEC_LANES + lane, &sum, to + step, stride);
        memcpy(sums + lane, &sum, sizeof sum);
    }
    for (uint32_t step = squared; step < steps; step++) {
        for (size_t lane = 0; lane < CODEC_LANES; lane++) {
            sums[lane] += tile[(size_t)step * CODEC_LANES + lane];
            values[lane * stride + step] = sums[lane];
        }
    }
}

/* --- one lane --------------------------------------------------------------------------- */

void single_pack(const uint64_t *values, uint32_t count, unsigned width, uint8_t *out)
{
    assert(width <= WORD_BITS);
    u128 pending = 0;
    unsigned pending_bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        pending |= (u128)values[i] << pending_bits;
        pending_bits += width;
        for (; pending_bits >= 8; pending_bits -= 8) {
            *out++ = (uint8_t)pending;
            pending >>= 8;
        }
    }
    if (pending_bits > 0)
        *out = (uint8_t)pending;
}

/* `count` values from a bit on; reads 9 bytes for each. */
INLINED void unpack_from(const uint8_t *bytes, uint32_t first_bit, uint32_t count, unsigned width,
                         uint64_t base, uint64_t *values)
{
    const uint64_t mask = width_mask(width);
    uint32_t bit = first_bit;
    for (uint32_t i = 0; i < count; i++, bit += width) {
        const unsigned offset = bit % 8;
        const uint8_t *const at = bytes + bit / 8;
        const uint64_t low = load_u64(at) >> offset;
        const uint64_t high = ((uint64_t)at[8] << 1) << (63 - offset);
        values[i] = ((low | high) & mask) + base;
    }
}

#define REACH_BYTES 9u
#define TAIL_BYTES  16u

/* Where the end is near, from a copy of the last bytes, behind which reading is safe. */
static void unpack_to_end(struct slice packed, uint32_t count, unsigned width, uint64_t base,
                          uint64_t *values)
{
    const uint32_t bytes_len = (uint32_t)packed.len;
    const uint32_t near = bytes_len < REACH_BYTES ? 0 : bytes_len - REACH_BYTES + 1;
    const uint32_t in_place = width == 0 ? 0 : (near * 8 + width - 1) / width;
    unpack_from(packed.data, 0, in_place, width, base, values);
    uint8_t tail[TAIL_BYTES + REACH_BYTES] = {0};
    const uint32_t tail_from = bytes_len < TAIL_BYTES ? 0 : bytes_len - TAIL_BYTES;
    if (tail_from > 0)
        memcpy(tail, packed.data + tail_from, TAIL_BYTES);
    else if (bytes_len > 0)
        memcpy(tail, packed.data, bytes_len);
    unpack_from(tail, in_place * width - tail_from * 8, count - in_place, width, base,
                values + in_place);
}

void single_unpack(struct slice readable, uint32_t count, unsigned width, uint64_t base,
                   uint64_t *values)
{
    assert(count <= CODEC_ONE_LANE_BELOW);
    assert(width <= WORD_BITS);

    const size_t bytes_len = single_packed_bytes(count, width);
    if (readable.len >= bytes_len + REACH_BYTES)
        unpack_from(readable.data, 0, count, width, base, values);
    else
        unpack_to_end(slice_of(readable.data, bytes_len), count, width, base, values);
}
