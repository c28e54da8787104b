/*
 * test_block_alike.c - rows with the same few metrics come back as exactly as any others, and so
 * do those that stop being alike in the middle of a block.
 */
#include "engine/base/mem.h"
#include "engine/block/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define METRICS_MAX 20u
#define ROUNDS      400u

static uint64_t random_state = 11;

static uint32_t draw(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % limit;
}

/* What the values of a metric are like. */
enum values {
    VALUES_TENTHS,   /* 19.5 and 20: exponents -1 and 0 */
    VALUES_ROUND,    /* 0, 10, 1200: no exponent below 0, and zeros */
    VALUES_RARE,     /* one in hundred is much finer than the others */
    VALUES_ENORMOUS, /* 18 digits: their sum is beyond 64 bits */
    VALUES_FAR,      /* exponents too far apart for 18 digits */
    VALUES_ZERO,
    VALUES_KINDS,
};

static struct number draw_value(enum values values)
{
    const int64_t small = (int64_t)draw(2000) - 1000;
    switch (values) {
    case VALUES_TENTHS:
        return number_from_decimal(small, -1);
    case VALUES_ROUND:
        return number_from_decimal(draw(4) == 0 ? 0 : small * 10, (int)draw(3));
    case VALUES_RARE:
        return number_from_decimal(small * 10 + 1, draw(100) == 0 ? -9 : -1);
    case VALUES_ENORMOUS:
        return number_from_decimal(NUMBER_MANTISSA_MAX - draw(1000), 0);
    case VALUES_FAR:
        return number_from_decimal(small * 10 + 3, draw(2) == 0 ? -20 : 20);
    case VALUES_ZERO:
    case VALUES_KINDS:
        break;
    }
    return number_from_decimal(0, 0);
}

/* The rows of one block, and which of them are alike. */
static struct block_row rows[BLOCK_ROWS_MAX];
static struct cell cells[BLOCK_ROWS_MAX][METRICS_MAX];
static uint32_t row_count;
static uint32_t metric_count; /* of each row */

static void make_rows(uint32_t count, uint32_t metrics, uint32_t unlike_at)
{
    enum values kinds[METRICS_MAX];
    for (uint32_t i = 0; i < METRICS_MAX; i++)
        kinds[i] = (enum values)draw(VALUES_KINDS);
    uint32_t device = 3;
    row_count = count;
    metric_count = metrics;
    for (uint32_t r = 0; r < count; r++) {
        device += draw(200) == 0;
        for (uint32_t i = 0; i < metrics; i++) {
            const struct number value = draw_value(kinds[i]);
            cells[r][i] = (struct cell){.mantissa = value.mantissa,
                                        .metric = 5 * i,
                                        .exponent = value.exponent,
                                        .kind = value.kind};
        }
        if (r == unlike_at)
            cells[r][metrics - 1].metric += draw(2); /* maybe another metric, or else a double */
        if (r == unlike_at && cells[r][metrics - 1].metric % 5 == 0) {
            cells[r][metrics - 1].kind = NUMBER_REAL;
            cells[r][metrics - 1].real = 0.1;
        }
        rows[r] = (struct block_row){.time_ms = (int64_t)r * 1000,
                                     .message_id = r,
                                     .cells = cells[r],
                                     .device = device,
                                     .form = block_row_form(metrics, draw(2))};
        if (draw(4) != 0)
            block_row_put_cells(&rows[r], cells[r], metrics, block_row_source(&rows[r]));
    }
}

/* Gives the rows to a builder, alike ones many at once. Returns how many were not. */
static uint32_t append_all(struct block_builder *builder)
{
    uint32_t one_by_one = 0;
    for (uint32_t at = 0; at < row_count;) {
        const uint32_t left = row_count - at;
        at += block_builder_append_alike(builder, rows + at, left, 1 + draw(left));
        if (at == row_count || draw(2) == 0)
            continue;
        const struct block_row *row = &rows[at++];
        const struct row_key key = {
            .time_ms = row->time_ms, .message_id = row->message_id, .device = row->device};
        struct cell room[BRIEF_CELLS_MAX];
        uint32_t count = 0;
        const struct cell *const its_cells = block_row_cells(row, room, &count);
        assert_int_equal(
            block_builder_append(builder, &key, block_row_source(row), its_cells, count),
            STATUS_OK);
        one_by_one++;
    }
    assert_int_equal(block_builder_rows(builder), row_count);
    return one_by_one;
}

static const struct column_vector *find_column(const struct row_vector *decoded, uint32_t metric)
{
    for (uint32_t i = 0; i < decoded->column_count; i++) {
        if (decoded->columns[i].metric == metric)
            return &decoded->columns[i];
    }
    fail_msg("metric %u is lost", metric);
    return NULL;
}

static void assert_same_rows(const struct row_vector *decoded)
{
    assert_int_equal(decoded->count, row_count);
    for (uint32_t r = 0; r < row_count; r++) {
        const struct block_row *row = &rows[r];
        assert_int_equal(decoded->times_ms[r], row->time_ms);
        assert_true(decoded->message_ids[r] == row->message_id);
        assert_int_equal(row_vector_device(decoded, r), row->device);
        assert_int_equal(decoded->time_sources[r], block_row_source(row));
        for (uint32_t i = 0; i < metric_count; i++) {
            const struct cell *const cell = &cells[r][i];
            const struct number value = column_vector_get(find_column(decoded, cell->metric), r);
            assert_int_equal(value.kind, cell->kind);
            assert_int_equal(value.mantissa, cell->mantissa);
            assert_true(value.kind == NUMBER_REAL || value.exponent == cell->exponent);
        }
    }
}

static void check_block(struct slice bytes, const struct block_summary *sealed)
{
    struct block_decoder *decoder = NULL;
    struct row_vector decoded;
    struct block_summary summary;
    struct error err = {0};
    const struct block_selection all = {
        .all_metrics = true, .message_ids = true, .time_sources = true};
    assert_int_equal(block_decoder_new(&decoder), STATUS_OK);
    assert_int_equal(block_decode(decoder, bytes, &all, &decoded, &err), STATUS_OK);
    assert_same_rows(&decoded);
    assert_int_equal(block_summarize(decoder, &decoded, &summary), STATUS_OK);
    assert_true(block_summary_equal(&summary, sealed));
    block_decoder_free(decoder);
}

static uint32_t round_trip(struct block_builder *builder)
{
    struct buffer out = {0};
    struct block_summary sealed;
    const uint32_t one_by_one = append_all(builder);
    assert_int_equal(block_builder_seal(builder, &out, &sealed), STATUS_OK);
    check_block(buffer_slice(&out), &sealed);
    buffer_release(&out);
    return one_by_one;
}

static void rows_that_are_alike_come_back_whatever_their_values(void **state)
{
    (void)state;
    struct block_builder *builder = NULL;
    assert_int_equal(block_builder_new(&builder), STATUS_OK);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t count = 1 + draw(draw(8) == 0 ? BLOCK_ROWS_MAX : 100);
        make_rows(count, 1 + draw(16), UINT32_MAX);
        (void)round_trip(builder);
    }
    block_builder_free(builder);
}

static void a_row_unlike_the_others_does_not_change_them(void **state)
{
    (void)state;
    struct block_builder *builder = NULL;
    assert_int_equal(block_builder_new(&builder), STATUS_OK);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t count = 1 + draw(300);
        const uint32_t unlike = draw(count);
        make_rows(count, 1 + draw(METRICS_MAX), unlike);
        /* From that row on, and of too many metrics all, none is taken with others at once. */
        const uint32_t alike_max = unlike > 0 ? unlike : 1;
        assert_true(round_trip(builder) >= count - alike_max);
    }
    block_builder_free(builder);
}

/* What comes out of a row is what went in, brief or not. */
static bool stays_the_same(const struct cell *put, uint32_t count)
{
    struct block_row row = {0};
    struct cell room[BRIEF_CELLS_MAX];
    uint32_t out_count = 0;
    block_row_put_cells(&row, put, count, 2);
    const struct cell *const out = block_row_cells(&row, room, &out_count);
    assert_int_equal(block_row_source(&row), 2);
    assert_int_equal(out_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(out[i].mantissa, put[i].mantissa);
        assert_int_equal(out[i].metric, put[i].metric);
        assert_int_equal(out[i].exponent, put[i].exponent);
        assert_int_equal(out[i].kind, put[i].kind);
    }
    return block_row_is_brief(&row);
}

static void small_values_stand_in_their_row_and_others_do_not(void **state)
{
    (void)state;
    const struct cell plain = {.mantissa = 215, .exponent = -1, .kind = NUMBER_DECIMAL};
    const struct cell edges[] = {
        {.mantissa = INT32_MAX, .metric = 511, .exponent = 15, .kind = NUMBER_DECIMAL},
        {.mantissa = INT32_MIN, .metric = 1, .exponent = -16, .kind = NUMBER_DECIMAL},
        {.mantissa = INT64_C(1) + INT32_MAX, .metric = 1, .kind = NUMBER_DECIMAL},
        {.mantissa = INT64_C(-1) + INT32_MIN, .metric = 1, .kind = NUMBER_DECIMAL},
        {.mantissa = 1, .metric = 512, .kind = NUMBER_DECIMAL},
        {.mantissa = 1, .metric = 1, .exponent = 16, .kind = NUMBER_DECIMAL},
        {.mantissa = 1, .metric = 1, .exponent = -17, .kind = NUMBER_DECIMAL},
        {.real = 0.1, .metric = 1, .kind = NUMBER_REAL},
    };
    for (uint32_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        const struct cell two[] = {plain, edges[i]};
        assert_int_equal(stays_the_same(&edges[i], 1), i < 2);
        assert_int_equal(stays_the_same(two, 2), i < 2);
    }
    const struct cell three[] = {plain, edges[1], edges[0]};
    assert_false(stays_the_same(three, 3));
    assert_false(stays_the_same(three, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_are_alike_come_back_whatever_their_values),
        cmocka_unit_test(a_row_unlike_the_others_does_not_change_them),
        cmocka_unit_test(small_values_stand_in_their_row_and_others_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
