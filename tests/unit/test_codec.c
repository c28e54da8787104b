/*
 * test_codec.c - packed columns come back exactly, whatever is in them, and stay small.
 */
#include "engine/base/mem.h"
#include "engine/codec/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t random_bits(unsigned bits)
{
    return bits == 0 ? 0 : random_next() >> (64 - bits);
}

/* Codes, decodes from a block of exactly that size, compares; returns the size. */
static size_t round_trip(const int64_t *values, uint32_t count)
{
    struct buffer out = {0};
    assert_int_equal(codec_encode(values, count, &out), STATUS_OK);
    uint8_t *bytes = mem_alloc(out.len, 1);
    assert_non_null(bytes);
    memcpy(bytes, out.data, out.len);

    static int64_t decoded[CODEC_ROOM];
    memset(decoded, 0x55, sizeof decoded);
    struct cursor in = cursor_of(slice_of(bytes, out.len));
    struct error err = {0};
    assert_int_equal(codec_decode(&in, count, decoded, &err), STATUS_OK);
    assert_true(cursor_finished(&in));
    assert_memory_equal(decoded, values, count * sizeof values[0]);
    struct cursor skipped = cursor_of(slice_of(bytes, out.len));
    assert_int_equal(codec_skip(&skipped, count, &err), STATUS_OK);
    assert_true(cursor_finished(&skipped));

    const size_t bytes_len = out.len;
    mem_free(bytes);
    buffer_release(&out);
    return bytes_len;
}

static void every_width_comes_back_at_many_counts(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1,   2,   3,   15,  16,   17,   63,   64,   100, 127,
                                      128, 129, 143, 144, 145,  240,  241,  255,  256, 257,
                                      511, 512, 513, 999, 1000, 1024, 2033, 2047, 2048};
    static int64_t values[CODEC_VALUES_MAX];
    for (unsigned bits = 0; bits <= 64; bits++) {
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            const uint64_t base = random_next();
            for (uint32_t i = 0; i < counts[c]; i++)
                values[i] = (int64_t)(base + random_bits(bits));
            (void)round_trip(values, counts[c]);
        }
    }
}

static void every_width_of_deltas_comes_back(void **state)
{
    (void)state;
    static int64_t values[CODEC_VALUES_MAX];
    for (unsigned bits = 0; bits <= 64; bits++) {
        for (uint32_t count = 1; count <= CODEC_VALUES_MAX; count = count * 5 / 4 + 1) {
            uint64_t value = random_next();
            for (uint32_t i = 0; i < count; i++) {
                values[i] = (int64_t)value;
                value += random_bits(bits) + 1000;
            }
            (void)round_trip(values, count);
        }
    }
}

static void every_count_comes_back(void **state)
{
    (void)state;
    static int64_t values[CODEC_VALUES_MAX];
    int64_t value = 1700000000000;
    for (uint32_t i = 0; i < CODEC_VALUES_MAX; i++) {
        values[i] = value;
        value += 9000 + (int64_t)random_bits(11);
    }
    for (uint32_t count = 1; count <= CODEC_VALUES_MAX; count++)
        (void)round_trip(values, count);
}

static void extreme_values_come_back(void **state)
{
    (void)state;
    static const int64_t extremes[] = {
        INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1, INT64_MAX - 1, INT64_MIN / 2, INT64_MAX / 3};
    const uint32_t kinds = sizeof extremes / sizeof extremes[0];
    static int64_t values[CODEC_VALUES_MAX];
    for (uint32_t count = 1; count <= CODEC_VALUES_MAX; count += 1 + count / 3) {
        for (unsigned used = 1; used <= kinds; used++) {
            for (uint32_t i = 0; i < count; i++)
                values[i] = extremes[random_bits(32) % used];
            (void)round_trip(values, count);
            for (uint32_t i = 0; i < count; i++)
                values[i] = extremes[i % used];
            (void)round_trip(values, count);
        }
    }
}

static void an_outlier_at_any_place_comes_back(void **state)
{
    (void)state;
    static const uint32_t counts[] = {5, 100, 127, 128, 200, 512, 2048};
    static const int64_t outliers[] = {INT64_MIN, INT64_MAX, 100000, -100000, 40};
    static int64_t values[CODEC_VALUES_MAX];
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (uint32_t place = 0; place < counts[c]; place += 1 + counts[c] / 300) {
            int64_t walk = 2000;
            for (uint32_t i = 0; i < counts[c]; i++) {
                walk += (int64_t)random_bits(3) - 4;
                values[i] = walk;
            }
            values[place] = outliers[place % 5];
            (void)round_trip(values, counts[c]);
        }
    }
}

static void mixtures_come_back(void **state)
{
    (void)state;
    static int64_t values[CODEC_VALUES_MAX];
    for (unsigned round = 0; round < 3000; round++) {
        const uint32_t count = 1 + (uint32_t)random_bits(32) % CODEC_VALUES_MAX;
        const unsigned bits = (unsigned)random_bits(6);
        const unsigned rare_bits = (unsigned)random_bits(6);
        const unsigned rarity = 1 + (unsigned)random_bits((unsigned)random_bits(4));
        const uint64_t step = random_bits((unsigned)random_bits(6)) + 1;
        const bool walk = random_bits(1) == 0;
        uint64_t value = random_next();
        for (uint32_t i = 0; i < count; i++) {
            const unsigned now = random_next() % rarity == 0 ? rare_bits : bits;
            const uint64_t move = (random_bits(now) - (random_bits(now) >> 1)) * step;
            values[i] = (int64_t)(value + move);
            value += walk ? move : 0;
        }
        (void)round_trip(values, count);
    }
}

static void constants_and_even_steps_take_a_few_bytes(void **state)
{
    (void)state;
    static int64_t values[CODEC_VALUES_MAX];
    for (uint32_t i = 0; i < CODEC_VALUES_MAX; i++)
        values[i] = 7;
    assert_int_equal(round_trip(values, CODEC_VALUES_MAX), 2);
    assert_int_equal(round_trip(values, 1), 2);
    for (uint32_t i = 0; i < CODEC_VALUES_MAX; i++)
        values[i] = 1700000000000 + 10000 * (int64_t)i;
    assert_in_range(round_trip(values, CODEC_VALUES_MAX), 1, 30);
    assert_in_range(round_trip(values, 20), 1, 12);
}

static void an_outlier_costs_bytes_and_not_bits(void **state)
{
    (void)state;
    static int64_t values[CODEC_VALUES_MAX];
    for (uint32_t i = 0; i < CODEC_VALUES_MAX; i++)
        values[i] = (int64_t)random_bits(4);
    const size_t without = round_trip(values, CODEC_VALUES_MAX);
    values[1000] = INT64_MAX;
    values[2000] = INT64_MIN;
    assert_in_range(round_trip(values, CODEC_VALUES_MAX), without, without + 30);
}

static void common_steps_are_divided_out(void **state)
{
    (void)state;
    static int64_t values[CODEC_VALUES_MAX];
    for (uint32_t i = 0; i < CODEC_VALUES_MAX; i++)
        values[i] = -500 + 625 * (int64_t)random_bits(3);
    assert_in_range(round_trip(values, CODEC_VALUES_MAX), 2048 * 3 / 8, 2048 * 3 / 8 + 12);
}

static void few_distinct_values_cost_their_index(void **state)
{
    (void)state;
    static const int64_t words[] = {17, 300, 511, 900};
    static int64_t values[CODEC_VALUES_MAX];
    for (uint32_t i = 0; i < CODEC_VALUES_MAX; i++)
        values[i] = words[random_bits(2)];
    assert_in_range(round_trip(values, CODEC_VALUES_MAX), 2048 * 2 / 8, 2048 * 2 / 8 + 20);
}

static void an_even_clock_with_jitter_costs_its_jitter(void **state)
{
    (void)state;
    static int64_t values[CODEC_VALUES_MAX];
    for (uint32_t i = 0; i < CODEC_VALUES_MAX; i++)
        values[i] = 1700000000000 + 10000 * (int64_t)i + (int64_t)random_bits(10);
    assert_in_range(round_trip(values, CODEC_VALUES_MAX), 2048 * 10 / 8, 2048 * 11 / 8);
}

static void several_columns_follow_each_other(void **state)
{
    (void)state;
    struct buffer out = {0};
    int64_t values[300];
    for (unsigned column = 0; column < 5; column++) {
        for (uint32_t i = 0; i < 300; i++)
            values[i] = (int64_t)i * column * column;
        assert_int_equal(codec_encode(values, 300, &out), STATUS_OK);
    }
    struct cursor in = cursor_of(buffer_slice(&out));
    static int64_t decoded[CODEC_ROOM];
    for (unsigned column = 0; column < 5; column++) {
        assert_int_equal(codec_decode(&in, 300, decoded, NULL), STATUS_OK);
        assert_int_equal(decoded[299], 299 * column * column);
    }
    assert_true(cursor_finished(&in));
    buffer_release(&out);
}

static void a_cut_column_is_refused(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 20, 127, 128, 700};
    static int64_t decoded[CODEC_ROOM];
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        int64_t values[700];
        for (uint32_t i = 0; i < counts[c]; i++)
            values[i] = (int64_t)i * i + (int64_t)random_bits(5);
        values[counts[c] / 2] = INT64_MAX;
        struct buffer out = {0};
        assert_int_equal(codec_encode(values, counts[c], &out), STATUS_OK);
        for (size_t len = 0; len < out.len; len++) {
            struct cursor in = cursor_of(slice_of(out.data, len));
            struct error err = {0};
            assert_int_equal(codec_decode(&in, counts[c], decoded, &err), STATUS_CORRUPT);
            assert_memory_equal(err.message, "column: ", 8);
            in = cursor_of(slice_of(out.data, len));
            err = (struct error){0};
            assert_int_equal(codec_skip(&in, counts[c], &err), STATUS_CORRUPT);
            assert_memory_equal(err.message, "column: ", 8);
        }
        buffer_release(&out);
    }
}

static void encoding_survives_every_failed_allocation(void **state)
{
    (void)state;
    int64_t values[1000];
    for (uint32_t i = 0; i < 1000; i++)
        values[i] = ((int64_t)i * i + (int64_t)random_bits(5)) * 8;
    values[500] = INT64_MAX / 8 * 8;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct buffer out = {0};
        mem_fail_at(nth);
        status = codec_encode(values, 1000, &out);
        mem_fail_at(-1);
        buffer_release(&out);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_comes_back_at_many_counts),
        cmocka_unit_test(every_width_of_deltas_comes_back),
        cmocka_unit_test(every_count_comes_back),
        cmocka_unit_test(extreme_values_come_back),
        cmocka_unit_test(an_outlier_at_any_place_comes_back),
        cmocka_unit_test(mixtures_come_back),
        cmocka_unit_test(constants_and_even_steps_take_a_few_bytes),
        cmocka_unit_test(an_outlier_costs_bytes_and_not_bits),
        cmocka_unit_test(common_steps_are_divided_out),
        cmocka_unit_test(few_distinct_values_cost_their_index),
        cmocka_unit_test(an_even_clock_with_jitter_costs_its_jitter),
        cmocka_unit_test(several_columns_follow_each_other),
        cmocka_unit_test(a_cut_column_is_refused),
        cmocka_unit_test(encoding_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
