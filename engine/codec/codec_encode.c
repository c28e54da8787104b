/*
 * codec_encode.c - the smallest form of a column; the forms are in codec_internal.h.
 *
 * One pass finds the extremes of values and deltas, which give the exact sizes
 * of the plain forms. A second one counts bit lengths of the distances from a
 * centre, which gives the size of the patched forms for every width at once
 * (nearly exact: the distance between patches is a guess). `scaled` and
 * `dictionary` are tried where they can win, and taken back if they did not.
 *
 * Rules:
 * (1) Deltas at the first row of a lane are no deltas of the packed form. They
 *     are replaced by a neighbour's before anything is measured.
 * (2) The packed places of the lanes' first rows do not exist; those of rows beyond
 *     the last hold 0.
 * (3) A patch carries what stands above the packed bits as a signed number, so
 *     that a base in the middle serves outliers on both sides.
 */
#include "engine/codec/codec_internal.h"

#include <assert.h>

#define HEAD_BYTES_MAX   (1u + 3u * VARINT_BYTES_MAX)
#define PATCH_BYTES_MAX  (3u + VARINT_BYTES_MAX)
#define SAMPLE_COUNT     15u
#define BIT_LENGTHS      65u
#define DICTIONARY_SLOTS 256u /* four times the most words: a byte of hash */
#define LINE_COUNT_MIN   8u
#define LINE_SPAN_BITS   40u /* what a line may rise by: 34 years of ms */
#define LINE_ROUND       10.0

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
    int64_t deltas[CODEC_ROOM]; /* deltas[row] = values[row] - values[row - 1]; see rule (1) */
};

static size_t varint_bytes(uint64_t value)
{
    return value ? (bit_length(value) + 6u) / 7u : 1u;
}

static size_t signed_varint_bytes(int64_t value)
{
    return varint_bytes(zigzag_encode(value));
}

static int64_t difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

HOT_CLONES static struct extremes extremes_of(const int64_t *values, uint32_t count)
{
    struct extremes found = {.min = values[0], .max = values[0]};
    for (uint32_t i = 1; i < count; i++) {
        found.min = values[i] < found.min ? values[i] : found.min;
        found.max = values[i] > found.max ? values[i] : found.max;
    }
    return found;
}

static unsigned extremes_width(const struct extremes *extremes)
{
    return bit_length((uint64_t)difference(extremes->max, extremes->min));
}

/* Packed bytes of `count` rows as a frame. */
static size_t frame_packed_bytes(uint32_t count, unsigned width)
{
    return count < CODEC_ONE_LANE_BELOW
               ? single_packed_bytes(count, width)
               : lanes_packed_bytes((count + CODEC_LANES - 1) / CODEC_LANES, width);
}

static size_t delta_packed_bytes(const struct column *column, unsigned width)
{
    return column->lanes.count == 1 ? single_packed_bytes(column->count - 1, width)
                                    : lanes_packed_bytes(column->lanes.steps - 1, width);
}

/* --- measuring --------------------------------------------------------------------------------- */

HOT_CLONES static void deltas_of(const int64_t *restrict values, uint32_t count,
                                 int64_t *restrict deltas)
{
    for (uint32_t row = 1; row < count; row++)
        deltas[row] = difference(values[row], values[row - 1]);
}

/* Fills in the deltas; at least two values. */
static void column_take_deltas(struct column *column)
{
    deltas_of(column->values, column->count, column->deltas);
    /* Rule (1). With 16 lanes there are 8 steps or more, so a start has a neighbour that is none. */
    for (uint32_t lane = 1; lane < column->lanes.used; lane++) {
        const uint32_t row = lane * column->lanes.steps;
        column->deltas[row] = column->deltas[row - 1];
    }
    column->delta = extremes_of(column->deltas + 1, column->count - 1);
}

static void starts_of(const struct column *column, int64_t starts[CODEC_LANES])
{
    for (uint32_t lane = 0; lane < column->lanes.used; lane++)
        starts[lane] = column->values[(size_t)lane * column->lanes.steps];
}

static enum status starts_encode(const struct column *column, struct buffer *out)
{
    if (column->lanes.count == 1) {
        buffer_put_signed_varint(out, column->values[0]);
        return STATUS_OK;
    }
    int64_t starts[CODEC_LANES];
    starts_of(column, starts);
    return column_encode(starts, column->lanes.used, 0, out);
}

/* The size of the starts without writing them: an upper bound that is nearly exact. */
static size_t starts_measure(const struct column *column)
{
    if (column->lanes.count == 1)
        return signed_varint_bytes(column->values[0]);
    int64_t starts[CODEC_LANES];
    int64_t steps[CODEC_LANES] = {0};
    starts_of(column, starts);
    const uint32_t used = column->lanes.used;
    for (uint32_t lane = 1; lane < used; lane++)
        steps[lane - 1] = difference(starts[lane], starts[lane - 1]);
    const struct extremes frame = extremes_of(starts, used);
    const struct extremes delta = extremes_of(steps, used - 1);
    const size_t as_frame =
        1 + signed_varint_bytes(frame.min) + single_packed_bytes(used, extremes_width(&frame));
    const size_t as_delta = 1 + signed_varint_bytes(starts[0]) + signed_varint_bytes(delta.min) +
                            single_packed_bytes(used - 1, extremes_width(&delta));
    return as_frame < as_delta ? as_frame : as_delta;
}

static void plan_keep_smaller(struct plan *best, const struct plan *other)
{
    if (other->bytes < best->bytes)
        *best = *other;
}

static struct plan plan_frame(const struct column *column)
{
    const unsigned width = extremes_width(&column->frame);
    return (struct plan){
        .head = HEAD_FRAME,
        .width = width,
        .base = (uint64_t)column->frame.min,
        .bytes =
            1 + signed_varint_bytes(column->frame.min) + frame_packed_bytes(column->count, width),
    };
}

static struct plan plan_delta(const struct column *column)
{
    const unsigned width = extremes_width(&column->delta);
    return (struct plan){
        .head = HEAD_DELTA,
        .width = width,
        .base = (uint64_t)column->delta.min,
        .bytes = 1 + column->starts_bytes + signed_varint_bytes(column->delta.min) +
                 delta_packed_bytes(column, width),
    };
}

/* Some values of a column in ascending order. */
struct sample {
    uint32_t count;
    int64_t values[SAMPLE_COUNT];
};

static struct sample sample_of(const int64_t *values, uint32_t count)
{
    struct sample sample = {.count = count < SAMPLE_COUNT ? count : SAMPLE_COUNT};
    for (uint32_t i = 0; i < sample.count; i++) {
        const int64_t value = values[(size_t)i * count / sample.count];
        uint32_t place = i;
        for (; place > 0 && sample.values[place - 1] > value; place--)
            sample.values[place] = sample.values[place - 1];
        sample.values[place] = value;
    }
    return sample;
}

/* What most values are near to, whatever the outliers. */
static int64_t sample_median(const struct sample *sample)
{
    return sample->values[sample->count / 2];
}

/*
 * About the least width for which patches could be few: two in 15 of the sample
 * may lie outside at either end. A patched form that is not narrower than what is
 * already known is not worth a count.
 */
static unsigned sample_width(const struct sample *sample)
{
    const uint32_t cut = sample->count * 2 / SAMPLE_COUNT;
    return bit_length(
        (uint64_t)difference(sample->values[sample->count - 1 - cut], sample->values[cut]));
}

/* How many values have a distance from `centre` of each bit length. */
HOT_CLONES static void count_bit_lengths(const int64_t *values, uint32_t count, int64_t centre,
                                         uint32_t lengths[BIT_LENGTHS])
{
    /* Two tables, so that equal neighbours do not wait for each other's count. */
    uint32_t odd[BIT_LENGTHS] = {0};
    memset(lengths, 0, BIT_LENGTHS * sizeof lengths[0]);
    uint32_t i = 0;
    for (; i + 1 < count; i += 2) {
        lengths[bit_length(zigzag_encode(difference(values[i], centre)))]++;
        odd[bit_length(zigzag_encode(difference(values[i + 1], centre)))]++;
    }
    if (i < count)
        lengths[bit_length(zigzag_encode(difference(values[i], centre)))]++;
    for (unsigned length = 0; length < BIT_LENGTHS; length++)
        lengths[length] += odd[length];
}

/*
 * How many values differ from a centre by each bit length, and what follows for
 * patches: `longer[n]` values are longer than n bits.
 */
struct spread {
    int64_t centre;
    unsigned longest;
    uint32_t lengths[BIT_LENGTHS];
    uint32_t longer[BIT_LENGTHS];
};

static void spread_measure(struct spread *spread, const int64_t *values, uint32_t count,
                           int64_t centre)
{
    spread->centre = centre;
    count_bit_lengths(values, count, centre, spread->lengths);
    uint32_t longer = 0;
    spread->longest = 0;
    for (unsigned length = BIT_LENGTHS; length-- > 0;) {
        spread->longer[length] = longer;
        longer += spread->lengths[length];
        if (spread->longest == 0 && longer > 0)
            spread->longest = length;
    }
}

/* Bytes of patches if all values with more than `length_max` bits need one at that width. */
static size_t patches_measure(const struct spread *spread, unsigned length_max, unsigned width,
                              uint32_t count)
{
    const size_t patch_count = spread->longer[length_max];
    const size_t gap_bytes = patch_count * 128 < count ? 2 : 1;
    size_t bytes = patch_count * gap_bytes + varint_bytes(patch_count);
    for (unsigned length = length_max + 1; length <= spread->longest; length++) {
        const unsigned high_bits = length > width ? length - width + 1 : 1;
        bytes += spread->lengths[length] * (size_t)((high_bits + 6) / 7);
    }
    return bytes;
}

/* Fills in the bytes of a patched plan that patches what is longer than `length_max`. */
static void plan_measure_patched(struct plan *plan, const struct column *column,
                                 const struct spread *spread, unsigned length_max)
{
    const bool delta = plan->head == HEAD_DELTA_PATCHED;
    plan->bytes = 1 + signed_varint_bytes((int64_t)plan->base) +
                  patches_measure(spread, length_max, plan->width, column->count);
    plan->bytes += delta ? column->starts_bytes + delta_packed_bytes(column, plan->width)
                         : frame_packed_bytes(column->count, plan->width);
    if (plan->head == HEAD_LINE)
        plan->bytes += varint_bytes(plan->slope);
}

/* The extremes of those values whose distance from `centre` has at most `length_max` bits. */
HOT_CLONES static struct extremes extremes_within(const int64_t *values, uint32_t count,
                                                  int64_t centre, unsigned length_max)
{
    const uint64_t highest = width_mask(length_max);
    struct extremes found = {.min = centre, .max = centre};
    for (uint32_t i = 0; i < count; i++) {
        const bool within = zigzag_encode(difference(values[i], centre)) <= highest;
        const int64_t value = within ? values[i] : centre;
        found.min = value < found.min ? value : found.min;
        found.max = value > found.max ? value : found.max;
    }
    return found;
}

/*
 * Tries patched forms of `values`, the column's own, their deltas or what lies
 * above a line, and keeps the best in `best`: first the best window around a
 * centre, for all widths from one count, then that window moved to where the
 * values within it, and those a little outside, really lie.
 */
static void plan_patched(const struct column *column, struct plan plan, const int64_t *values,
                         uint32_t count, struct plan *best)
{
    const struct sample sample = sample_of(values, count);
    if (sample_width(&sample) >= best->width)
        return;

    struct spread spread;
    spread_measure(&spread, values, count, sample_median(&sample));
    const uint64_t centre = (uint64_t)spread.centre;
    const unsigned width_max =
        spread.longest < PATCHED_WIDTH_MAX ? spread.longest : PATCHED_WIDTH_MAX;
    size_t found_bytes = SIZE_MAX;
    unsigned found_length = width_max;
    for (unsigned width = width_max + 1; width-- > 0;) {
        /* A quarter of all values as patches never pays, and it gets worse from here on. */
        if (spread.longer[width] > count / 4)
            break;
        plan.width = width;
        plan.base = centre - (width > 0 ? UINT64_C(1) << (width - 1) : 0);
        plan_measure_patched(&plan, column, &spread, width);
        plan_keep_smaller(best, &plan);
        if (plan.bytes < found_bytes) {
            found_bytes = plan.bytes;
            found_length = width;
        }
    }
    for (unsigned length = found_length; length <= found_length + 1 && length < 64; length++) {
        const struct extremes within = extremes_within(values, count, spread.centre, length);
        plan.width = extremes_width(&within);
        plan.base = (uint64_t)within.min;
        plan_measure_patched(&plan, column, &spread, length);
        if (plan.width <= PATCHED_WIDTH_MAX)
            plan_keep_smaller(best, &plan);
    }
}

/* The slope of a straight line through the values, by least squares, in units of 2^-LINE_SHIFT. */
static uint64_t line_slope(const struct column *column)
{
    const double middle = (double)(column->count - 1) / 2;
    double weighted = 0;
    double squares = 0;
    for (uint32_t row = 0; row < column->count; row++) {
        const double x = (double)row - middle;
        weighted += x * (double)difference(column->values[row], column->values[0]);
        squares += x * x;
    }
    /* A clock ticks in round numbers: a slope that is nearly one becomes it. */
    const double slope = weighted > 0 ? weighted / squares : 0;
    const double round = (double)(uint64_t)(slope / LINE_ROUND + 0.5) * LINE_ROUND;
    const double apart = slope > round ? slope - round : round - slope;
    const double chosen = apart * column->count < round / 32 ? round : slope;
    return (uint64_t)(chosen * (double)(1u << LINE_SHIFT) + 0.5);
}

/*
 * A straight line through the values and what lies above it: a clock that
 * ticks evenly, each tick a little late. Deltas would hold every lateness twice.
 */
static void plan_line(const struct column *column, struct plan *best)
{
    const uint64_t span = (uint64_t)difference(column->frame.max, column->frame.min);
    if (column->count < LINE_COUNT_MIN || column->delta.min < 0 || span >> LINE_SPAN_BITS)
        return;

    const uint64_t slope = line_slope(column);
    int64_t rest[CODEC_VALUES_MAX];
    for (uint32_t row = 0; row < column->count; row++)
        rest[row] = difference(column->values[row], (int64_t)(slope * row >> LINE_SHIFT));
    plan_patched(column, (struct plan){.head = HEAD_LINE, .slope = slope}, rest, column->count,
                 best);
}

static struct plan plan_choose(struct column *column)
{
    struct plan best = plan_frame(column);
    if (best.width == 0 || column->count < 3)
        return best;

    column_take_deltas(column);
    column->starts_bytes = starts_measure(column);
    const struct plan delta = plan_delta(column);
    plan_keep_smaller(&best, &delta);
    if (best.width <= 1)
        return best;

    plan_patched(column, (struct plan){.head = HEAD_DELTA_PATCHED}, column->deltas + 1,
                 column->count - 1, &best);
    plan_patched(column, (struct plan){.head = HEAD_FRAME_PATCHED}, column->values, column->count,
                 &best);
    /* Only where deltas won and rise all the time is it worth to fit a line. */
    const bool deltas_won = best.head == HEAD_DELTA || best.head == HEAD_DELTA_PATCHED;
    if (deltas_won && best.width >= 3)
        plan_line(column, &best);
    return best;
}

/* --- writing ----------------------------------------------------------------------------------- */

static enum status patches_put(const uint64_t *places, uint32_t count, unsigned width,
                               struct buffer *out)
{
    uint32_t patch_count = 0;
    for (uint32_t place = 0; place < count; place++)
        patch_count += places[place] >> width != 0;

    TRY(buffer_reserve(out, VARINT_BYTES_MAX + (size_t)patch_count * PATCH_BYTES_MAX));
    buffer_put_varint(out, patch_count);
    uint32_t next_place = 0;
    for (uint32_t place = 0; place < count; place++) {
        const int64_t high = (int64_t)places[place] >> width;
        if (high == 0)
            continue;
        buffer_put_varint(out, place - next_place);
        buffer_put_signed_varint(out, high);
        next_place = place + 1;
    }
    return STATUS_OK;
}

/* Writes the packed bits of `count` places; `places` has room for whole steps. */
static enum status places_put(uint64_t *places, uint32_t count, unsigned width, bool single,
                              struct buffer *out)
{
    const uint64_t mask = width_mask(width);
    const uint32_t steps = (count + CODEC_LANES - 1) / CODEC_LANES;
    const size_t bytes_len =
        single ? single_packed_bytes(count, width) : lanes_packed_bytes(steps, width);
    TRY(buffer_reserve(out, bytes_len));
    for (uint32_t place = 0; place < count; place++)
        places[place] &= mask;
    if (single) {
        single_pack(places, count, width, out->data + out->len);
    } else {
        memset(places + count, 0, (steps * CODEC_LANES - count) * sizeof places[0]);
        lanes_pack(places, steps, width, out->data + out->len);
    }
    out->len += bytes_len;
    return STATUS_OK;
}

/* What is packed at each place: distances from the base. Returns the number of places. */
static uint32_t places_fill(const struct column *column, const struct plan *plan, uint64_t *places)
{
    const bool delta = plan->head == HEAD_DELTA || plan->head == HEAD_DELTA_PATCHED;
    if (!delta) {
        for (uint32_t row = 0; row < column->count; row++)
            places[row] =
                (uint64_t)column->values[row] - plan->base - (plan->slope * row >> LINE_SHIFT);
        return column->count;
    }
    if (column->lanes.count == 1) {
        for (uint32_t row = 1; row < column->count; row++)
            places[row - 1] = (uint64_t)column->deltas[row] - plan->base;
        return column->count - 1;
    }
    const uint32_t steps = column->lanes.steps;
    for (uint32_t lane = 0; lane < CODEC_LANES; lane++) {
        for (uint32_t step = 1; step < steps; step++) {
            const uint32_t row = lane * steps + step;
            places[(step - 1) * CODEC_LANES + lane] =
                row < column->count ? (uint64_t)column->deltas[row] - plan->base : 0;
        }
    }
    return (steps - 1) * CODEC_LANES;
}

static enum status plan_write(const struct column *column, const struct plan *plan,
                              struct buffer *out)
{
    TRY(buffer_reserve(out, HEAD_BYTES_MAX));
    buffer_put_u8(out, (uint8_t)((unsigned)plan->head + plan->width));
    if (plan->head == HEAD_DELTA || plan->head == HEAD_DELTA_PATCHED)
        TRY(starts_encode(column, out));
    TRY(buffer_reserve(out, HEAD_BYTES_MAX));
    if (plan->head == HEAD_LINE)
        buffer_put_varint(out, plan->slope);
    buffer_put_signed_varint(out, (int64_t)plan->base);

    uint64_t places[CODEC_ROOM];
    const uint32_t count = places_fill(column, plan, places);
    if (plan->head != HEAD_FRAME && plan->head != HEAD_DELTA)
        TRY(patches_put(places, count, plan->width, out));
    return places_put(places, count, plan->width, column->lanes.count == 1, out);
}

/* --- scaled and dictionary --------------------------------------------------------------------- */

/* The greatest step that divides all differences between values; 1 mostly, and then found soon. */
static uint64_t common_step(const struct column *column)
{
    uint64_t step = 0;
    for (uint32_t row = 0; row < column->count && step != 1; row++) {
        uint64_t other = (uint64_t)difference(column->values[row], column->frame.min);
        if (step != 0 && other % step == 0)
            continue;
        while (other != 0) {
            const uint64_t rest = step % other;
            step = other;
            other = rest;
        }
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
    for (uint32_t row = 0; row < column->count; row++) {
        const uint64_t above = (uint64_t)difference(column->values[row], column->frame.min);
        inner[row] = (int64_t)(above / step + (uint64_t)lowest);
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

/* --- all together ------------------------------------------------------------------------------ */

/* If what was appended from `start` on is smaller than the plan, keeps it; else takes it back. */
static bool keep_if_smaller(struct buffer *out, size_t start, const struct plan *best)
{
    if (out->len > start && out->len - start < best->bytes)
        return true;
    out->len = start;
    return false;
}

enum status column_encode(const int64_t *values, uint32_t count, unsigned level, struct buffer *out)
{
    assert(count >= 1 && count <= CODEC_VALUES_MAX);

    struct column column;
    column.values = values;
    column.count = count;
    column.lanes = lanes_of(count);
    column.frame = extremes_of(values, count);
    const struct plan best = plan_choose(&column);
    const size_t start = out->len;
    if (level >= 2 && best.width > 0) {
        const uint64_t step = common_step(&column);
        if (step > 1 && step <= INT64_MAX) {
            TRY(scaled_encode(&column, step, out));
            if (keep_if_smaller(out, start, &best))
                return STATUS_OK;
        }
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
