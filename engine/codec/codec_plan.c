/*
 * codec_plan.c - the size of a column in each form, and so the smallest; the forms are in
 * codec_internal.h.
 *
 * One pass finds the extremes of values and deltas, which give the exact sizes
 * of the plain forms. A second one counts bit lengths of the distances from a
 * centre, which gives the size of the patched forms for every width at once (nearly
 * exact: the distance between patches is a guess). A sample of a few values says
 * beforehand whether that count can lead anywhere.
 *
 * Deltas at the first row of a lane are no deltas of the packed form. They are
 * replaced by a neighbour's before anything is measured.
 */
#include "engine/codec/codec_internal.h"

#define SAMPLE_COUNT      15u
#define SAMPLE_ROOM       16u /* whole vectors */
#define SAMPLE_SHIFT      16u /* places of a sample are fractions */
#define BIT_LENGTHS       65u
#define LINE_COUNT_MIN    8u
#define LINE_SPAN_BITS    40u /* what a line may rise by: 34 years of ms */
#define LINE_ROUND        10.0
#define MAY_FIT_COUNT_MIN 32u /* of fewer, all forms are tried */

static size_t varint_bytes(uint64_t value)
{
    return value ? (bit_length(value) + 6u) / 7u : 1u;
}

static size_t signed_varint_bytes(int64_t value)
{
    return varint_bytes(zigzag_encode(value));
}

HOT_CLONES struct extremes extremes_of(const int64_t *values, uint32_t count)
{
    const uint32_t half = count / 2;
    const int64_t *restrict upper = values + half;
    /* Both halves at once, and the last of an odd number: neither waits for the other. */
    struct extremes low = {.min = values[count - 1], .max = values[count - 1]};
    struct extremes high = low;
    for (uint32_t i = 0; i < half; i++) {
        low.min = values[i] < low.min ? values[i] : low.min;
        low.max = values[i] > low.max ? values[i] : low.max;
        high.min = upper[i] < high.min ? upper[i] : high.min;
        high.max = upper[i] > high.max ? upper[i] : high.max;
    }
    return (struct extremes){.min = low.min < high.min ? low.min : high.min,
                             .max = low.max > high.max ? low.max : high.max};
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
    /* With 16 lanes there are 8 steps or more, so a start has a neighbour that is none. */
    for (uint32_t lane = 1; lane < column->lanes.used; lane++) {
        const uint32_t row = lane * column->lanes.steps;
        column->deltas[row] = column->deltas[row - 1];
    }
    column->delta = extremes_of(column->deltas + 1, column->count - 1);
}

void column_starts(const struct column *column, int64_t starts[CODEC_LANES])
{
    for (uint32_t lane = 0; lane < column->lanes.used; lane++)
        starts[lane] = column->values[(size_t)lane * column->lanes.steps];
}

/* The size of the starts without writing them: an upper bound that is nearly exact. */
static size_t starts_measure(const struct column *column)
{
    if (column->lanes.count == 1)
        return signed_varint_bytes(column->values[0]);
    int64_t starts[CODEC_LANES] = {0};
    int64_t steps[CODEC_LANES] = {0};
    column_starts(column, starts);
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

/* Four integers; a compiler takes two or four registers where no vector is as wide. */
typedef int64_t quad_i64 __attribute__((vector_size(32)));

/* How many values are lower than each. */
HOT_CLONES static void ranks_of(const int64_t values[SAMPLE_ROOM], int64_t ranks[SAMPLE_ROOM])
{
    for (uint32_t at = 0; at < SAMPLE_ROOM; at += 4) {
        quad_i64 four;
        quad_i64 lower = {0};
        memcpy(&four, values + at, sizeof four);
        for (uint32_t i = 0; i < SAMPLE_ROOM; i++) {
            const quad_i64 other = {values[i], values[i], values[i], values[i]};
            lower -= (quad_i64)(other < four);
        }
        memcpy(ranks + at, &lower, sizeof lower);
    }
}

/*
 * All are compared with all: no branch depends on values, whose order cannot be foretold. Equal
 * ones have the same rank, and leave gaps behind it, which their value fills.
 */
static struct sample sample_of(const int64_t *values, uint32_t count)
{
    struct sample sample = {.count = count < SAMPLE_COUNT ? count : SAMPLE_COUNT};
    int64_t found[SAMPLE_ROOM];
    int64_t ranks[SAMPLE_ROOM];
    const uint32_t stride = (count << SAMPLE_SHIFT) / sample.count;
    uint32_t place = 0;
    for (uint32_t i = 0; i < sample.count; i++, place += stride) {
        found[i] = values[place >> SAMPLE_SHIFT];
        sample.values[i] = INT64_MIN;
    }
    for (uint32_t i = sample.count; i < SAMPLE_ROOM; i++)
        found[i] = INT64_MAX; /* lower than none */
    ranks_of(found, ranks);
    for (uint32_t i = 0; i < sample.count; i++)
        sample.values[ranks[i]] = found[i];
    for (uint32_t i = 1; i < sample.count; i++) {
        if (sample.values[i] < sample.values[i - 1])
            sample.values[i] = sample.values[i - 1];
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

/*
 * How many values have a distance from `centre` of each bit length up to `longest`, which none
 * exceeds.
 */
HOT_CLONES static void count_bit_lengths(const int64_t *values, uint32_t count, int64_t centre,
                                         unsigned longest, uint32_t lengths[BIT_LENGTHS])
{
    /* Four counts a length, so that equal neighbours do not wait for each other's. */
    uint16_t counts[BIT_LENGTHS][4];
    memset(counts, 0, (longest + 1) * sizeof counts[0]);
    uint32_t zeros = 0;
    for (uint32_t i = 0; i < count; i++)
        zeros += values[i] == centre;
    for (uint32_t i = 0; i < count; i++) {
        /* Without a branch, at the price that 0 is counted as one bit. */
        const int64_t distance = difference(values[i], centre);
        const uint64_t folded = (uint64_t)(distance ^ distance >> 63) << 1 | 1;
        counts[64 - __builtin_clzll(folded)][i % 4]++;
    }
    for (unsigned length = 0; length <= longest; length++)
        lengths[length] =
            (uint32_t)counts[length][0] + counts[length][1] + counts[length][2] + counts[length][3];
    lengths[0] += zeros;
    lengths[1] -= zeros;
}

/*
 * How many values differ from a centre by each bit length, and what follows for
 * patches: `longer[n]` values are longer than n bits.
 */
struct spread {
    int64_t centre;
    unsigned longest;
    uint32_t lengths[BIT_LENGTHS];    /* up to the longest */
    uint32_t longer[BIT_LENGTHS + 1]; /* up to the longest and one more */
};

/* The bit length of the largest distance of values within these from one of them. */
static unsigned longest_distance(const struct extremes *within, int64_t centre)
{
    const int64_t above = difference(within->max, centre);
    const int64_t below = difference(within->min, centre);
    if (above < 0 || below > 0)
        return BIT_LENGTHS - 1; /* beyond what a distance can be */
    const unsigned up = bit_length(zigzag_encode(above));
    const unsigned down = bit_length(zigzag_encode(below));
    return up > down ? up : down;
}

static void spread_measure(struct spread *spread, const int64_t *values, uint32_t count,
                           const struct extremes *within, int64_t centre)
{
    const unsigned longest = longest_distance(within, centre);
    spread->centre = centre;
    spread->longest = longest;
    count_bit_lengths(values, count, centre, longest > 0 ? longest : 1, spread->lengths);
    uint32_t longer = 0;
    spread->longer[longest + 1] = 0;
    for (unsigned length = longest + 1; length-- > 0;) {
        spread->longer[length] = longer;
        longer += spread->lengths[length];
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

/* Extremes of values within two windows around a centre, one twice as wide as the other. */
struct windows {
    struct extremes narrow;
    struct extremes wide;
};

/* The narrow one holds the values whose distance from `centre` has at most `length_max` bits. */
HOT_CLONES static struct windows extremes_within(const int64_t *values, uint32_t count,
                                                 int64_t centre, unsigned length_max)
{
    const uint64_t highest = width_mask(length_max);
    const uint64_t highest_wide = width_mask(length_max + 1);
    struct extremes narrow = {.min = centre, .max = centre};
    struct extremes wide = {.min = centre, .max = centre};
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t distance = zigzag_encode(difference(values[i], centre));
        const int64_t near = distance <= highest ? values[i] : centre;
        const int64_t far = distance <= highest_wide ? values[i] : centre;
        narrow.min = near < narrow.min ? near : narrow.min;
        narrow.max = near > narrow.max ? near : narrow.max;
        wide.min = far < wide.min ? far : wide.min;
        wide.max = far > wide.max ? far : wide.max;
    }
    return (struct windows){.narrow = narrow, .wide = wide};
}

/* A patched plan whose window is where the values in it, up to `length_max` bits, really lie. */
static void plan_moved(const struct column *column, struct plan plan, const struct spread *spread,
                       const struct extremes *within, unsigned length_max, struct plan *best)
{
    plan.width = extremes_width(within);
    plan.base = (uint64_t)within->min;
    if (plan.width > PATCHED_WIDTH_MAX)
        return;
    plan_measure_patched(&plan, column, spread, length_max);
    plan_keep_smaller(best, &plan);
}

/*
 * Tries patched forms of `values`, the column's own, their deltas or what lies
 * above a line, and keeps the best in `best`: first the best window around a
 * centre, for all widths from one count, then that window moved to where the
 * values within it, and those a little outside, really lie.
 */
static void plan_patched(const struct column *column, struct plan plan, const int64_t *values,
                         const struct extremes *within, struct plan *best)
{
    const uint32_t count = column->count - (plan.head == HEAD_DELTA_PATCHED);
    const struct sample sample = sample_of(values, count);
    if (sample_width(&sample) >= best->width)
        return;

    struct spread spread;
    spread_measure(&spread, values, count, within, sample_median(&sample));
    const uint64_t centre = (uint64_t)spread.centre;
    const unsigned width_max =
        spread.longest < PATCHED_WIDTH_MAX ? spread.longest : PATCHED_WIDTH_MAX;
    size_t found_bytes = SIZE_MAX;
    unsigned found_length = width_max;
    unsigned width = 0;
    /* A quarter of all values as patches never pays. */
    while (width < width_max && spread.longer[width] > count / 4)
        width++;
    for (; width <= width_max; width++) {
        /* Packed bits and two bytes a patch at least; with the next width there are more bits. */
        const size_t packed_bytes = plan.head == HEAD_DELTA_PATCHED
                                        ? column->starts_bytes + delta_packed_bytes(column, width)
                                        : frame_packed_bytes(column->count, width);
        if (packed_bytes >= found_bytes)
            break;
        if (packed_bytes + 2 * (size_t)spread.longer[width] >= found_bytes)
            continue;
        plan.width = width;
        plan.base = centre - (width > 0 ? UINT64_C(1) << (width - 1) : 0);
        plan_measure_patched(&plan, column, &spread, width);
        plan_keep_smaller(best, &plan);
        if (plan.bytes < found_bytes) {
            found_bytes = plan.bytes;
            found_length = width;
        }
    }
    const struct windows windows = extremes_within(values, count, spread.centre, found_length);
    plan_moved(column, plan, &spread, &windows.narrow, found_length, best);
    plan_moved(column, plan, &spread, &windows.wide, found_length + 1, best);
}

/* The sum of each row's distance from the middle row times its value's from the first one. */
HOT_CLONES static int64_t line_moment(const int64_t *values, uint32_t count)
{
    int64_t moment = 0; /* twice that: rows' distances may be halves. Below 2^12 * 2^40 * 2^11 */
    for (uint32_t row = 0; row < count; row++)
        moment += (2 * (int64_t)row - (int64_t)(count - 1)) * difference(values[row], values[0]);
    return moment;
}

/* The slope of a straight line through the values, by least squares, in units of 2^-LINE_SHIFT. */
static uint64_t line_slope(const struct column *column)
{
    const double count = column->count;
    const double weighted = (double)line_moment(column->values, column->count) / 2;
    const double squares = count * (count * count - 1) / 12;
    /* A clock ticks in round numbers: a slope that is nearly one becomes it. */
    const double slope = weighted > 0 ? weighted / squares : 0;
    const double round = (double)(uint64_t)(slope / LINE_ROUND + 0.5) * LINE_ROUND;
    const double apart = slope > round ? slope - round : round - slope;
    const double chosen = apart * count < round / 32 ? round : slope;
    return (uint64_t)(chosen * (double)(1u << LINE_SHIFT) + 0.5);
}

HOT_CLONES static void above_line(const int64_t *restrict values, uint32_t count, uint64_t slope,
                                  int64_t *restrict rest)
{
    uint64_t line = 0;
    for (uint32_t row = 0; row < count; row++) {
        rest[row] = difference(values[row], (int64_t)(line >> LINE_SHIFT));
        line += slope;
    }
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
    above_line(column->values, column->count, slope, rest);
    const struct extremes within = extremes_of(rest, column->count);
    plan_patched(column, (struct plan){.head = HEAD_LINE, .slope = slope}, rest, &within, best);
}

struct plan plan_choose_plain(struct column *column)
{
    struct plan best = plan_frame(column);
    if (best.width <= 1 || column->count < 3) /* deltas of such values are as wide at least */
        return best;

    column_take_deltas(column);
    column->starts_bytes = starts_measure(column);
    const struct plan delta = plan_delta(column);
    plan_keep_smaller(&best, &delta);
    return best;
}

struct plan plan_choose(struct column *column)
{
    struct plan best = plan_choose_plain(column);
    if (best.width <= 1 || column->count < 3)
        return best;

    plan_patched(column, (struct plan){.head = HEAD_DELTA_PATCHED}, column->deltas + 1,
                 &column->delta, &best);
    plan_patched(column, (struct plan){.head = HEAD_FRAME_PATCHED}, column->values, &column->frame,
                 &best);
    /* Only where deltas won and rise all the time is it worth to fit a line. */
    const bool deltas_won = best.head == HEAD_DELTA || best.head == HEAD_DELTA_PATCHED;
    if (deltas_won && best.width >= 3)
        plan_line(column, &best);
    return best;
}

bool codec_may_fit(const int64_t *values, uint32_t count, size_t bytes_max)
{
    if (count < MAY_FIT_COUNT_MIN)
        return true;
    /* What all values share at their low end, a step would take away. */
    uint64_t different = 0;
    for (uint32_t row = 1; row < count; row++)
        different |= (uint64_t)(values[row] ^ values[0]);
    if (different == 0)
        return true;
    const unsigned shared = (unsigned)__builtin_ctzll(different);

    int64_t deltas[CODEC_VALUES_MAX];
    deltas_of(values, count, deltas);
    const struct sample frame = sample_of(values, count);
    const struct sample delta = sample_of(deltas + 1, count - 1);
    const unsigned frame_width = sample_width(&frame);
    const unsigned delta_width = sample_width(&delta);
    const unsigned width = frame_width < delta_width ? frame_width : delta_width;
    /* Three quarters of what the sample says: it is a small one. */
    return width <= shared || (size_t)count * (width - shared) * 3 / 32 < bytes_max;
}
