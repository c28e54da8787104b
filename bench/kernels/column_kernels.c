/*
 * column_kernels.c - packing columns of integers and unpacking them, by kind of data.
 *
 * The codec chooses the form; the data is made so that a different one is the smallest each time:
 *
 *      constant   one value                          no bits
 *      walk       a sensor's random walk             differences or frame
 *      noise      evenly distributed                 frame of reference
 *      counter    grows by 1 ... 4                   deltas
 *      times      an interval with jitter            a line
 *      late       the same, a few far off            patches
 *      steps      multiples of 25                    a common step
 *      few        three values far apart             a dictionary
 *      wide       64 random bits                     nothing to gain
 */
#include "bench/kernels/kernel.h"

#include "bench/fleet/random.h"
#include "engine/base/mem.h"
#include "engine/codec/codec.h"

#define COLUMNS     64u
#define COLUMN_ROWS 1024u /* of a part as committed */

typedef void column_maker(struct random_stream *random, int64_t *values);

static void make_constant(struct random_stream *random, int64_t *values)
{
    const int64_t value = (int64_t)random_below(random, 1000);
    for (uint32_t i = 0; i < COLUMN_ROWS; i++)
        values[i] = value;
}

static void make_walk(struct random_stream *random, int64_t *values)
{
    int64_t value = 2300;
    for (uint32_t i = 0; i < COLUMN_ROWS; i++)
        values[i] = value += random_between(random, -12, 12);
}

static void make_noise(struct random_stream *random, int64_t *values)
{
    for (uint32_t i = 0; i < COLUMN_ROWS; i++)
        values[i] = random_between(random, 100000, 100999);
}

static void make_counter(struct random_stream *random, int64_t *values)
{
    int64_t value = 0;
    for (uint32_t i = 0; i < COLUMN_ROWS; i++)
        values[i] = value += random_between(random, 1, 4);
}

static void make_times(struct random_stream *random, int64_t *values)
{
    for (uint32_t i = 0; i < COLUMN_ROWS; i++)
        values[i] = INT64_C(1704067200000) + i * INT64_C(10000) + random_between(random, -500, 500);
}

static void make_late(struct random_stream *random, int64_t *values)
{
    make_times(random, values);
    for (uint32_t i = 0; i < COLUMN_ROWS; i += 20 + random_below(random, 40))
        values[i] += random_between(random, 100000, 10000000);
}

static void make_steps(struct random_stream *random, int64_t *values)
{
    for (uint32_t i = 0; i < COLUMN_ROWS; i++)
        values[i] = 7 + 25 * random_between(random, 0, 200);
}

static void make_few(struct random_stream *random, int64_t *values)
{
    static const int64_t far_apart[] = {-5, 123456789, INT64_C(987654321987)};
    for (uint32_t i = 0; i < COLUMN_ROWS; i++)
        values[i] = far_apart[random_below(random, 3)];
}

static void make_wide(struct random_stream *random, int64_t *values)
{
    for (uint32_t i = 0; i < COLUMN_ROWS; i++)
        values[i] = (int64_t)random_u64(random);
}

static int64_t *make_columns(column_maker *make)
{
    int64_t *values = mem_alloc(COLUMNS, COLUMN_ROWS * sizeof *values);
    struct random_stream random = {.counter = 3};
    for (uint32_t i = 0; values && i < COLUMNS; i++)
        make(&random, values + (size_t)i * COLUMN_ROWS);
    return values;
}

static enum status encode_all(const int64_t *values, struct buffer *packed, struct error *err)
{
    for (uint32_t i = 0; i < COLUMNS; i++) {
        if (codec_encode(values + (size_t)i * COLUMN_ROWS, COLUMN_ROWS, packed) != STATUS_OK)
            return kernel_no_memory(err);
    }
    return STATUS_OK;
}

#define ALL_VALUES ((uint64_t)COLUMNS * COLUMN_ROWS)

static enum status pack(column_maker *make, struct kernel_clock *clock, struct error *err)
{
    OWNED(mem_free_owned) int64_t *values = make_columns(make);
    OWNED(buffer_release) struct buffer packed = {0};
    if (!values)
        return kernel_no_memory(err);
    while (kernel_clock_next(clock)) {
        buffer_clear(&packed);
        kernel_clock_start(clock);
        TRY(encode_all(values, &packed, err));
        kernel_clock_stop(clock, ALL_VALUES, ALL_VALUES * sizeof *values);
        kernel_clock_note_stored(clock, packed.len);
    }
    return STATUS_OK;
}

static enum status unpack(column_maker *make, struct kernel_clock *clock, struct error *err)
{
    OWNED(mem_free_owned) int64_t *values = make_columns(make);
    OWNED(mem_free_owned) int64_t *decoded = mem_alloc(CODEC_ROOM, sizeof *decoded);
    OWNED(buffer_release) struct buffer packed = {0};
    if (!values || !decoded)
        return kernel_no_memory(err);
    TRY(encode_all(values, &packed, err));
    while (kernel_clock_next(clock)) {
        struct cursor cursor = cursor_of(buffer_slice(&packed));
        kernel_clock_start(clock);
        for (uint32_t i = 0; i < COLUMNS; i++) {
            TRY(codec_decode(&cursor, COLUMN_ROWS, decoded, err));
            kernel_use((uint64_t)decoded[i]);
        }
        kernel_clock_stop(clock, ALL_VALUES, ALL_VALUES * sizeof *values);
        kernel_clock_note_stored(clock, packed.len);
    }
    return STATUS_OK;
}

/* A kernel is a function without an argument for its data: one of each for every kind. */
#define COLUMN_KERNELS(kind)                                                                     \
    static enum status pack_##kind(const struct kernel_data *data, struct kernel_clock *clock,   \
                                   struct error *err)                                            \
    {                                                                                            \
        (void)data;                                                                              \
        return pack(make_##kind, clock, err);                                                    \
    }                                                                                            \
    static enum status unpack_##kind(const struct kernel_data *data, struct kernel_clock *clock, \
                                     struct error *err)                                          \
    {                                                                                            \
        (void)data;                                                                              \
        return unpack(make_##kind, clock, err);                                                  \
    }

COLUMN_KERNELS(constant)
COLUMN_KERNELS(walk)
COLUMN_KERNELS(noise)
COLUMN_KERNELS(counter)
COLUMN_KERNELS(times)
COLUMN_KERNELS(late)
COLUMN_KERNELS(steps)
COLUMN_KERNELS(few)
COLUMN_KERNELS(wide)

const struct kernel kernels_of_columns[] = {
    {"pack-constant", "value", NULL, pack_constant},
    {"pack-walk", "value", NULL, pack_walk},
    {"pack-noise", "value", NULL, pack_noise},
    {"pack-counter", "value", NULL, pack_counter},
    {"pack-times", "value", NULL, pack_times},
    {"pack-late", "value", NULL, pack_late},
    {"pack-steps", "value", NULL, pack_steps},
    {"pack-few", "value", NULL, pack_few},
    {"pack-wide", "value", NULL, pack_wide},
    {"unpack-constant", "value", NULL, unpack_constant},
    {"unpack-walk", "value", NULL, unpack_walk},
    {"unpack-noise", "value", NULL, unpack_noise},
    {"unpack-counter", "value", NULL, unpack_counter},
    {"unpack-times", "value", NULL, unpack_times},
    {"unpack-late", "value", NULL, unpack_late},
    {"unpack-steps", "value", NULL, unpack_steps},
    {"unpack-few", "value", NULL, unpack_few},
    {"unpack-wide", "value", NULL, unpack_wide},
    {0},
};
