/*
 * codec_encode.c - columns in their smallest form; the forms are in codec_internal.h.
 *
 * The plain and patched forms are chosen by measuring (codec_plan.c). `scaled`
 * and `dictionary` are tried where they can win, and taken back if they did not.
 *
 * (1) The packed places of the lanes' first rows do not exist; those of rows beyond
 *     the last hold 0.
 * (2) A patch carries what stands above the packed bits as a signed number, so
 *     that a base in the middle serves outliers on both sides.
 */
#include "engine/codec/codec_internal.h"

#include <assert.h>

#define SCALED_COUNT_MIN 128u /* fewer values are tried in all forms */
#define HEAD_BYTES_MAX   (1u + 3u * VARINT_BYTES_MAX)
#define PATCH_BYTES_MAX  (3u + VARINT_BYTES_MAX)
#define DICTIONARY_SLOTS 256u /* four times the most words: a byte of hash */

/* --- writing ------------------------------------------------------------------------------ */

/* Lists the places whose values are longer than `width` bits. Returns how many there are. */
HOT_CLONES static uint32_t patches_find(const uint64_t *places, uint32_t count, unsigned width,
                                        uint16_t *found)
{
    uint32_t patch_count = 0;
    for (uint32_t place = 0; place < count; place++) {
        found[patch_count] = (uint16_t)place;
        patch_count += places[place] >> width != 0;
    }
    return patch_count;
}

/* A varint to where there is room for it; most take one byte. Returns what follows. */
static inline uint8_t *patch_varint_put(uint8_t *next, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *next++ = (uint8_t)(value | 0x80);
    *next++ = (uint8_t)value;
    return next;
}

/* Writes what stands above the packed bits, and takes it away. */
static enum status patches_put(uint64_t *places, uint32_t count, unsigned width, struct buffer *out)
{
    uint16_t found[CODEC_ROOM];
    const uint32_t patch_count = patches_find(places, count, width, found);
    TRY(buffer_reserve(out, VARINT_BYTES_MAX + (size_t)patch_count * PATCH_BYTES_MAX));
    buffer_put_varint(out, patch_count);
    uint8_t *next = out->data + out->len;
    uint32_t next_place = 0;
    for (uint32_t i = 0; i < patch_count; i++) {
        const uint32_t place = found[i];
        next = patch_varint_put(next, place - next_place);
        next = patch_varint_put(next, zigzag_encode((int64_t)places[place] >> width));
        places[place] &= width_mask(width);
        next_place = place + 1;
    }
    out->len = (size_t)(next - out->data);
    return STATUS_OK;
}

/* Writes the packed bits of `count` places; `places` has room for whole steps. */
static enum status places_put(uint64_t *places, uint32_t count, unsigned width, bool single,
                              struct buffer *out)
{
    const uint32_t steps = (count + CODEC_LANES - 1) / CODEC_LANES;
    const size_t bytes_len =
        single ? single_packed_bytes(count, width) : lanes_packed_bytes(steps, width);
    TRY(buffer_reserve(out, bytes_len));
    if (single) {
        single_pack(places, count, width, out->data + out->len);
    } else {
        memset(places + count, 0, (steps * CODEC_LANES - count) * sizeof places[0]);
        lanes_pack(places, steps, width, out->data + out->len);
    }
    out->len += bytes_len;
    return STATUS_OK;
}

static enum status plan_write(struct column *column, const struct plan *plan, struct buffer *out);

/* Writes the first value of each lane. So few have outliers that are worth a look seldom. */
static enum status starts_encode(const struct column *column, struct buffer *out)
{
    if (column->lanes.count == 1) {
        buffer_put_signed_varint(out, column->values[0]);
        return STATUS_OK;
    }
    int64_t values[CODEC_LANES];
    column_starts(column, values);
    struct column starts;
    starts.values = values;
    starts.count = column->lanes.used;
    starts.lanes = lanes_of(starts.count);
    starts.frame = extremes_of(values, starts.count);
    const struct plan plan = plan_choose_plain(&starts);
    return plan_write(&starts, &plan, out);
}

static enum status plan_write(struct column *column, const struct plan *plan, struct buffer *out)
{
    TRY(buffer_reserve(out, HEAD_BYTES_MAX));
    buffer_put_u8(out, (uint8_t)((unsigned)plan->head + plan->width));
    if (plan->head == HEAD_DELTA || plan->head == HEAD_DELTA_PATCHED)
        TRY(starts_encode(column, out));
    TRY(buffer_reserve(out, HEAD_BYTES_MAX));
    if (plan->head == HEAD_LINE)
        buffer_put_varint(out, plan->slope);
    buffer_put_signed_varint(out, (int64_t)plan->base);

    if (plan->head == HEAD_FRAME && plan->width == 0)
        return STATUS_OK;
    uint64_t places[CODEC_ROOM];
    const uint32_t count = plan_places(column, plan, places);
    if (plan->head != HEAD_FRAME && plan->head != HEAD_DELTA)
        TRY(patches_put(places, count, plan->width, out));
    return places_put(places, count, plan->width, column->lanes.count == 1, out);
}

/* --- scaled and dictionary ---------------------------------------------------------------- */

/*
 * Division by a step without a division. Odd numbers have an inverse modulo 2^64, so that what they
 * divide is divided by a multiplication; what they do not divide becomes larger than any quotient.
 */
struct divisor {
    uint64_t inverse; /* of the step's odd part */
    unsigned shift;   /* of its twos */
    uint64_t limit;   /* the greatest quotient */
};

/* The inverse gains twice as many right bits with each step; an odd number is its own to 3 bits. */
static struct divisor divisor_of(uint64_t step)
{
    const unsigned shift = (unsigned)__builtin_ctzll(step);
    const uint64_t odd = step >> shift;
    uint64_t inverse = odd;
    for (unsigned bits = 3; bits < 64; bits *= 2)
        inverse *= 2 - odd * inverse;
    return (struct divisor){.inverse = inverse, .shift = shift, .limit = UINT64_MAX / step};
}

static inline bool divides(const struct divisor *divisor, uint64_t value)
{
    const uint64_t product = value * divisor->inverse;
    const unsigned shift = divisor->shift;
    return (product >> shift | product << (-shift & 63u)) <= divisor->limit;
}

/* The quotient of what it divides. */
static inline uint64_t divided(const struct divisor *divisor, uint64_t value)
{
    return (value >> divisor->shift) * divisor->inverse;
}

/* The greatest common divisor of two numbers that are not 0, by shifts: divisions are slow. */
static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    const unsigned shared = (unsigned)__builtin_ctzll(a | b);
    a >>= (unsigned)__builtin_ctzll(a);
    while (b != 0) {
        b >>= (unsigned)__builtin_ctzll(b);
        const uint64_t smaller = a < b ? a : b;
        b = a < b ? b - a : a - b;
        a = smaller;
    }
    return a << shared;
}

/* The greatest step that divides all differences between values; 1 mostly, and then found soon. */
static uint64_t common_step(const struct column *column)
{
    uint64_t step = 0;
    struct divisor divisor = {0};
    for (uint32_t row = 0; row < column->count && step != 1; row++) {
        const uint64_t other = (uint64_t)difference(column->values[row], column->frame.min);
        if (step == 0 ? other == 0 : divides(&divisor, other))
            continue;
        step = step == 0 ? other : common_divisor(step, other);
        divisor = divisor_of(step);
    }
    return step;
}

/* Writes the column as multiples of `step`, below 2^63, above a remainder in [0, step). */
static enum status scaled_encode(const struct column *column, uint64_t step, struct buffer *out)
{
    int64_t inner[CODEC_VALUES_MAX];
    const int64_t toward_zero = column->frame.min / (int64_t)step;
    const int64_t lowest = toward_zero - (column->frame.min % (int64_t)step < 0);
    const uint64_t remainder = (uint64_t)column->frame.min - (uint64_t)lowest * step;
    const struct divisor divisor = divisor_of(step);
    for (uint32_t row = 0; row < column->count; row++) {
        const uint64_t above = (uint64_t)difference(column->values[row], column->frame.min);
        inner[row] = (int64_t)(divided(&divisor, above) + (uint64_t)lowest);
    }
    TRY(buffer_reserve(out, HEAD_BYTES_MAX));
    buffer_put_u8(out, HEAD_SCALED);
    buffer_put_varint(out, step);
    buffer_put_signed_varint(out, (int64_t)remainder);
    return column_encode(inner, column->count, 1, out);
}

/* Different values and each row's index among them. */
struct dictionary {
    uint32_t count;
    int64_t words[CODEC_DICTIONARY_MAX];
    int64_t indices[CODEC_VALUES_MAX];
    uint8_t slots[DICTIONARY_SLOTS]; /* hash table: index + 1; 0 is free */
};

/* The slot of a value: its word's, or the free one where it belongs. */
static uint32_t dictionary_slot(const struct dictionary *dictionary, int64_t value)
{
    uint32_t slot = (uint32_t)((uint64_t)value * UINT64_C(0x9e3779b97f4a7c15) >> 56);
    while (dictionary->slots[slot] != 0 && dictionary->words[dictionary->slots[slot] - 1] != value)
        slot = (slot + 1) % DICTIONARY_SLOTS;
    return slot;
}

/* Collects words in order of appearance; false if there are more than `words_max`. */
static bool dictionary_collect(const struct column *column, uint32_t words_max,
                               struct dictionary *dictionary)
{
    dictionary->count = 0;
    memset(dictionary->slots, 0, sizeof dictionary->slots);
    for (uint32_t row = 0; row < column->count; row++) {
        const uint32_t slot = dictionary_slot(dictionary, column->values[row]);
        if (dictionary->slots[slot] == 0) {
            /* Give up soon where nearly every row brings a new word. */
            if (dictionary->count == words_max || dictionary->count > 8 + row / 4)
                return false;
            dictionary->words[dictionary->count++] = column->values[row];
            dictionary->slots[slot] = (uint8_t)dictionary->count;
        }
        dictionary->indices[row] = dictionary->slots[slot] - 1;
    }
    return true;
}

/* Puts the words into ascending order: they pack well, and so do indices that follow the values. */
static void dictionary_sort(struct dictionary *dictionary, uint32_t rows)
{
    uint32_t order[CODEC_DICTIONARY_MAX]; /* old indices in new order */
    int64_t rank[CODEC_DICTIONARY_MAX];
    int64_t words[CODEC_DICTIONARY_MAX];
    for (uint32_t i = 0; i < dictionary->count; i++) {
        uint32_t place = i;
        for (; place > 0 && dictionary->words[order[place - 1]] > dictionary->words[i]; place--)
            order[place] = order[place - 1];
        order[place] = i;
    }
    for (uint32_t i = 0; i < dictionary->count; i++) {
        rank[order[i]] = i;
        words[i] = dictionary->words[order[i]];
    }
    memcpy(dictionary->words, words, dictionary->count * sizeof words[0]);
    for (uint32_t row = 0; row < rows; row++)
        dictionary->indices[row] = rank[dictionary->indices[row]];
}

/*
 * Appends the column as a dictionary if that may be smaller than `bytes_max`.
 * The caller compares.
 */
static enum status dictionary_try(const struct column *column, const struct plan *best,
                                  struct buffer *out)
{
    /* So many words that the indices would be as wide as the values are no use. */
    const unsigned width_max = best->width < 7 ? best->width : 7;
    if (width_max < 2 || column->count < 16)
        return STATUS_OK;

    struct dictionary dictionary;
    const uint32_t words_max = 1u << (width_max - 1);
    if (!dictionary_collect(column, words_max, &dictionary))
        return STATUS_OK;
    dictionary_sort(&dictionary, column->count);
    TRY(buffer_reserve(out, HEAD_BYTES_MAX));
    buffer_put_u8(out, HEAD_DICTIONARY);
    buffer_put_varint(out, dictionary.count);
    TRY(column_encode(dictionary.words, dictionary.count, 0, out));
    return column_encode(dictionary.indices, column->count, 0, out);
}

/* --- all together ------------------------------------------------------------------------- */

/* If what was appended from `start` on is smaller than the plan, keeps it; else takes it back. */
static bool keep_if_smaller(struct buffer *out, size_t start, const struct plan *best)
{
    if (out->len > start && out->len - start < best->bytes)
        return true;
    out->len = start;
    return false;
}

/*
 * Multiples of a common step are narrower by the bits of the step, which is worth more than naming
 * it costs: no other form is tried, unless next to nothing is left of the column, since a straight
 * line needs no step. *done tells whether that was written.
 */
static enum status scaled_try(const struct column *column, uint64_t step, struct buffer *out,
                              bool *done)
{
    const size_t start = out->len;
    *done = false;
    if (step <= 1 || column->count < SCALED_COUNT_MIN)
        return STATUS_OK;
    TRY(scaled_encode(column, step, out));
    *done = out->len - start > column->count / 16;
    if (!*done)
        out->len = start;
    return STATUS_OK;
}

/* The common step of a column that may be `scaled`, if it has one; else 1. */
static uint64_t scaled_step(const struct column *column, unsigned level)
{
    if (level < 2 || column->frame.min == column->frame.max)
        return 1;
    const uint64_t step = common_step(column);
    return step <= INT64_MAX ? step : 1;
}

enum status column_encode(const int64_t *values, uint32_t count, unsigned level, struct buffer *out)
{
    assert(count >= 1 && count <= CODEC_VALUES_MAX);

    struct column column;
    column.values = values;
    column.count = count;
    column.lanes = lanes_of(count);
    column.frame = extremes_of(values, count);
    const uint64_t step = scaled_step(&column, level);
    bool scaled = false;
    TRY(scaled_try(&column, step, out, &scaled));
    if (scaled)
        return STATUS_OK;
    const struct plan best = plan_choose(&column);
    const size_t start = out->len;
    if (step > 1 && best.width > 0) {
        TRY(scaled_encode(&column, step, out));
        if (keep_if_smaller(out, start, &best))
            return STATUS_OK;
    }
    if (level >= 1) {
        TRY(dictionary_try(&column, &best, out));
        if (keep_if_smaller(out, start, &best))
            return STATUS_OK;
    }
    return plan_write(&column, &best, out);
}

enum status codec_encode(const int64_t *values, uint32_t count, struct buffer *out)
{
    return column_encode(values, count, CODEC_LEVEL_MAX, out);
}
