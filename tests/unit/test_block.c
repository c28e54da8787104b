/*
 * test_block.c - sealed blocks come back exactly, summaries say what rows say, damage is noticed.
 */
#include "engine/base/mem.h"
#include "engine/block/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define METRICS_MAX 400u

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint32_t random_below(uint32_t limit)
{
    return (uint32_t)(random_next() >> 33) % limit;
}

/* Rows as they were given to a builder. */
struct given_row {
    struct row_key key;
    uint8_t source;
    uint32_t cell_count;
    struct cell *cells; /* owned */
};

struct given {
    uint32_t row_count;
    struct given_row rows[BLOCK_ROWS_MAX];
};

static struct given given; /* of the current test */

static void given_clear(void)
{
    for (uint32_t row = 0; row < given.row_count; row++)
        mem_free(given.rows[row].cells);
    given.row_count = 0;
}

/* Adds a row with room for `cell_count` cells. */
static struct given_row *given_add(uint32_t device, int64_t time_ms, uint64_t id,
                                   uint32_t cell_count)
{
    assert_in_range(given.row_count, 0, BLOCK_ROWS_MAX - 1);
    struct given_row *row = &given.rows[given.row_count++];
    *row = (struct given_row){.key = {.time_ms = time_ms, .message_id = id, .device = device},
                              .cell_count = cell_count};
    row->cells = mem_alloc(cell_count, sizeof *row->cells);
    assert_non_null(row->cells);
    return row;
}

static struct cell decimal_cell(uint32_t metric, int64_t mantissa, int exponent)
{
    const struct number number = number_from_decimal(mantissa, exponent);
    return (struct cell){.metric = metric,
                         .mantissa = number.mantissa,
                         .exponent = number.exponent,
                         .kind = NUMBER_DECIMAL};
}

static struct cell real_cell(uint32_t metric, double real)
{
    return (struct cell){.metric = metric, .real = real, .kind = NUMBER_REAL};
}

static struct number number_of_cell(const struct cell *cell)
{
    struct number number = {.exponent = cell->exponent, .kind = cell->kind};
    if (cell->kind == NUMBER_REAL)
        number.real = cell->real;
    else
        number.mantissa = cell->mantissa;
    return number;
}

static uint64_t snowflake(int64_t time_ms, unsigned worker, unsigned sequence)
{
    return (uint64_t)(time_ms - INT64_C(1288834974657)) << 22 | (uint64_t)worker << 12 | sequence;
}

static enum status given_append(struct block_builder *builder)
{
    for (uint32_t i = 0; i < given.row_count; i++) {
        const struct given_row *row = &given.rows[i];
        TRY(block_builder_append(builder, &row->key, row->source, row->cells, row->cell_count));
    }
    return STATUS_OK;
}

static const struct cell *given_cell(uint32_t row, uint32_t metric)
{
    for (uint32_t i = 0; i < given.rows[row].cell_count; i++) {
        if (given.rows[row].cells[i].metric == metric)
            return &given.rows[row].cells[i];
    }
    return NULL;
}

static void assert_number_is(struct number found, const struct cell *cell)
{
    if (!cell) {
        assert_int_equal(found.kind, NUMBER_NULL);
        return;
    }
    const struct number expected = number_of_cell(cell);
    assert_int_equal(found.kind, expected.kind);
    if (expected.kind == NUMBER_REAL) {
        assert_memory_equal(&found.real, &expected.real, sizeof found.real);
        return;
    }
    assert_int_equal(found.mantissa, expected.mantissa);
    assert_int_equal(found.exponent, expected.exponent);
}

static void assert_column_is_given(const struct column_vector *column)
{
    uint32_t present = 0;
    for (uint32_t row = 0; row < given.row_count; row++) {
        const struct cell *cell = given_cell(row, column->metric);
        assert_number_is(column_vector_get(column, row), cell);
        present += cell != NULL;
        if (!cell)
            assert_int_equal(column->mantissas[row], 0);
    }
    assert_int_equal(column->present_count, present);
    for (uint32_t e = 0; e < column->exception_count; e++) {
        assert_int_equal(column->mantissas[column->exceptions[e].row], 0);
        assert_true(e == 0 || column->exceptions[e - 1].row < column->exceptions[e].row);
    }
}

static void assert_rows_are_given(const struct row_vector *rows)
{
    assert_int_equal(rows->count, given.row_count);
    size_t cells = 0;
    for (uint32_t row = 0; row < rows->count; row++) {
        assert_int_equal(row_vector_device(rows, row), given.rows[row].key.device);
        assert_int_equal(rows->times_ms[row], given.rows[row].key.time_ms);
        assert_int_equal(rows->message_ids[row], given.rows[row].key.message_id);
        assert_int_equal(rows->time_sources[row], given.rows[row].source);
        cells += given.rows[row].cell_count;
    }
    for (uint32_t i = 0; i < rows->column_count; i++) {
        assert_true(i == 0 || rows->columns[i - 1].metric < rows->columns[i].metric);
        assert_column_is_given(&rows->columns[i]);
        cells -= rows->columns[i].present_count;
    }
    assert_int_equal(cells, 0);
}

/* The sum of a metric at its lowest exponent; false if there is none. */
static bool given_sum(uint32_t metric, struct wide *sum, int *exponent)
{
    int lowest = 1000;
    int highest = -1000;
    for (uint32_t row = 0; row < given.row_count; row++) {
        const struct cell *cell = given_cell(row, metric);
        if (cell && cell->kind == NUMBER_REAL)
            return false;
        if (!cell || cell->mantissa == 0)
            continue;
        lowest = (int)cell->exponent < lowest ? (int)cell->exponent : lowest;
        highest = (int)cell->exponent > highest ? (int)cell->exponent : highest;
    }
    *sum = wide_of(0);
    *exponent = lowest == 1000 ? 0 : lowest;
    if (highest - lowest > 18)
        return false;
    for (uint32_t row = 0; row < given.row_count; row++) {
        const struct cell *cell = given_cell(row, metric);
        if (!cell || cell->mantissa == 0)
            continue;
        i128 scaled = cell->mantissa;
        for (int digits = cell->exponent - lowest; digits > 0; digits--)
            scaled *= 10;
        *sum = wide_add(*sum, wide_of(scaled));
    }
    return true;
}

/* Compares with what the plainest computation gives. */
static void assert_column_summary_is_given(const struct column_summary *column)
{
    uint32_t count = 0;
    uint32_t at_min = 0;
    uint32_t at_max = 0;
    uint32_t first_row = 0;
    uint32_t last_row = 0;
    for (uint32_t row = 0; row < given.row_count; row++) {
        const struct cell *cell = given_cell(row, column->metric);
        if (!cell)
            continue;
        const struct number number = number_of_cell(cell);
        assert_true(number_compare(number, column->min) >= 0);
        assert_true(number_compare(number, column->max) <= 0);
        at_min += number_compare(number, column->min) == 0;
        at_max += number_compare(number, column->max) == 0;
        first_row = count == 0 ? row : first_row;
        last_row = row;
        count++;
    }
    assert_int_equal(column->count, count);
    assert_true(at_min > 0 && at_max > 0);
    struct wide sum;
    int exponent = 0;
    assert_int_equal(column->has_sum, given_sum(column->metric, &sum, &exponent));
    if (column->has_sum) {
        assert_int_equal(column->sum_exponent, exponent);
        assert_true(column->sum.low == sum.low);
        assert_int_equal(column->sum.high, sum.high);
    }
    const bool one_device = given.rows[0].key.device == given.rows[given.row_count - 1].key.device;
    assert_int_equal(column->has_ends, one_device);
    if (one_device) {
        assert_number_is(column->first.value, given_cell(first_row, column->metric));
        assert_number_is(column->last.value, given_cell(last_row, column->metric));
        assert_int_equal(column->first.message_id, given.rows[first_row].key.message_id);
        assert_int_equal(column->last.time_ms, given.rows[last_row].key.time_ms);
    }
}

static void assert_summary_is_given(const struct block_summary *summary)
{
    assert_int_equal(summary->row_count, given.row_count);
    assert_int_equal(row_key_compare(&summary->first, &given.rows[0].key), 0);
    assert_int_equal(row_key_compare(&summary->last, &given.rows[given.row_count - 1].key), 0);
    int64_t min_ms = INT64_MAX;
    int64_t max_ms = INT64_MIN;
    for (uint32_t row = 0; row < given.row_count; row++) {
        const int64_t time_ms = given.rows[row].key.time_ms;
        min_ms = time_ms < min_ms ? time_ms : min_ms;
        max_ms = time_ms > max_ms ? time_ms : max_ms;
    }
    assert_int_equal(summary->min_time_ms, min_ms);
    assert_int_equal(summary->max_time_ms, max_ms);
    for (uint32_t i = 0; i < summary->column_count; i++)
        assert_column_summary_is_given(&summary->columns[i]);
}

static const struct block_selection everything = {
    .all_metrics = true, .message_ids = true, .time_sources = true};

static struct block_builder *builder;
static struct block_decoder *decoder;

/* Seals what is given, decodes it from a block of exactly its size, compares. Returns the size. */
static size_t round_trip(void)
{
    struct buffer out = {0};
    struct block_summary summary;
    assert_int_equal(given_append(builder), STATUS_OK);
    assert_int_equal(block_builder_rows(builder), given.row_count);
    assert_int_equal(block_builder_seal(builder, &out, &summary), STATUS_OK);
    assert_int_equal(block_builder_rows(builder), 0);

    uint8_t *bytes = mem_alloc(out.len, 1);
    assert_non_null(bytes);
    memcpy(bytes, out.data, out.len);
    struct row_vector rows;
    struct error err = {0};
    assert_int_equal(block_decode(decoder, slice_of(bytes, out.len), &everything, &rows, &err),
                     STATUS_OK);
    mem_free(bytes);
    assert_rows_are_given(&rows);
    assert_summary_is_given(&summary);
    struct block_summary again;
    assert_int_equal(block_summarize(decoder, &rows, &again), STATUS_OK);
    assert_true(block_summary_equal(&summary, &again));
    const size_t bytes_len = out.len;
    buffer_release(&out);
    return bytes_len;
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(block_builder_new(&builder), STATUS_OK);
    assert_int_equal(block_decoder_new(&decoder), STATUS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    given_clear();
    block_builder_free(builder);
    block_decoder_free(decoder);
    assert_int_equal(mem_live_blocks(), 0);
    return 0;
}

/* A device that measures every ten seconds. */
static void give_readings(uint32_t rows)
{
    given_clear();
    int64_t temperature = 2000;
    int64_t humidity = 500;
    for (uint32_t i = 0; i < rows; i++) {
        const int64_t time_ms = 1700000000000 + 10000 * (int64_t)i + random_below(1000);
        struct given_row *row =
            given_add(7, time_ms, snowflake(time_ms, random_below(4) * 100, random_below(4)), 2);
        row->source = TIME_SOURCE_MESSAGEID;
        temperature += (int64_t)random_below(9) - 4;
        humidity += (int64_t)random_below(3) - 1;
        row->cells[0] = decimal_cell(3, temperature, -2);
        row->cells[1] = decimal_cell(4, humidity, -1);
    }
}

static void readings_of_one_device_come_back_small(void **state)
{
    (void)state;
    give_readings(2048);
    assert_in_range(round_trip(), 2000, 2048 * 11 / 4);
    give_readings(512);
    assert_in_range(round_trip(), 500, 512 * 3);
    give_readings(1);
    assert_in_range(round_trip(), 20, 50);
}

static void blocks_of_every_small_size_come_back(void **state)
{
    (void)state;
    for (uint32_t rows = 1; rows < 300; rows += 1 + rows / 40) {
        give_readings(rows);
        (void)round_trip();
    }
}

static void several_devices_share_a_block(void **state)
{
    (void)state;
    given_clear();
    uint32_t device = 5;
    for (uint32_t i = 0; i < 600; i++) {
        device += random_below(3) == 0 ? 1 + random_below(4) : 0;
        struct given_row *row = given_add(device, 1700000000000 + 100 * (int64_t)i,
                                          snowflake(1700000000000 + 100 * (int64_t)i, 1, i % 2), 1);
        row->cells[0] = decimal_cell(1, random_below(100), -1);
    }
    (void)round_trip();
}

static struct cell random_cell(uint32_t metric)
{
    switch (random_below(12)) {
    case 0:
        return real_cell(metric, (double)random_next() * 1e200);
    case 1:
        return decimal_cell(metric, NUMBER_MANTISSA_MAX, (int)random_below(256) - 128);
    case 2:
        return decimal_cell(metric, -NUMBER_MANTISSA_MAX, (int)random_below(256) - 128);
    case 3:
        return decimal_cell(metric, 0, 0);
    case 4:
        return decimal_cell(metric, (int64_t)random_below(1000) - 500, (int)random_below(6) - 3);
    default:
        return decimal_cell(metric, (int64_t)random_below(5000) - 2000, -2);
    }
}

/* Rows with random metrics, devices, ids, sources and values. */
static void give_mixture(void)
{
    given_clear();
    const uint32_t rows = 1 + random_below(random_below(4) == 0 ? BLOCK_ROWS_MAX : 150);
    const uint32_t metrics = 1 + random_below(random_below(4) == 0 ? METRICS_MAX : 12);
    const uint32_t keep = 1 + random_below(20);
    const bool snowflakes = random_below(2) == 0;
    const bool tame = random_below(3) == 0;
    uint32_t device = random_below(1000);
    int64_t time_ms = (int64_t)random_below(2000000000) * 1000;
    size_t cells_total = 0;
    for (uint32_t i = 0; i < rows && cells_total < BLOCK_CELLS_MAX; i++) {
        if (random_below(60) == 0) {
            device += 1 + random_below(1000);
            time_ms = (int64_t)random_below(2000000000) * 1000;
        }
        time_ms += 1 + random_below(100000);
        const uint64_t id =
            snowflakes ? snowflake(time_ms - random_below(500), random_below(3), 0) : random_next();
        struct cell cells[METRICS_MAX];
        uint32_t cell_count = 0;
        for (uint32_t metric = 0; metric < metrics; metric++) {
            if (random_below(20) < keep)
                cells[cell_count++] = tame ? decimal_cell(metric * 3, random_below(100), -1)
                                           : random_cell(metric * 3);
        }
        struct given_row *row = given_add(device, time_ms, id, cell_count);
        row->source = (uint8_t)(tame ? 1 : random_below(3));
        memcpy(row->cells, cells, cell_count * sizeof cells[0]);
        cells_total += cell_count;
    }
}

static void mixtures_of_rows_come_back(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 150; round++) {
        give_mixture();
        (void)round_trip();
    }
}

static void an_outlier_does_not_widen_a_block(void **state)
{
    (void)state;
    give_readings(1000);
    const size_t without = round_trip();
    given.rows[500].cells[0] = decimal_cell(3, INT64_C(123456789012345678), -17);
    given.rows[600].cells[0] = decimal_cell(3, 5, 100);
    given.rows[700].cells[0] = real_cell(3, 1e300);
    given.rows[800].cells[1] = decimal_cell(4, -999999999, 0);
    assert_in_range(round_trip(), without, without + 80);
}

static void a_hundred_thousand_metrics_in_one_row_come_back(void **state)
{
    (void)state;
    const uint32_t metrics = 100000;
    given_clear();
    (void)given_add(1, 1000, 1, 0);
    struct given_row *row = given_add(1, 2000, 2, metrics);
    for (uint32_t i = 0; i < metrics; i++)
        row->cells[i] = decimal_cell(i * 7, i, 0);
    struct buffer out = {0};
    struct block_summary summary;
    assert_int_equal(given_append(builder), STATUS_OK);
    assert_true(block_builder_full(builder));
    assert_int_equal(block_builder_seal(builder, &out, &summary), STATUS_OK);
    assert_int_equal(summary.column_count, metrics);
    struct row_vector rows;
    assert_int_equal(block_decode(decoder, buffer_slice(&out), &everything, &rows, NULL),
                     STATUS_OK);
    assert_int_equal(rows.column_count, metrics);
    for (uint32_t i = 0; i < metrics; i++) {
        assert_int_equal(rows.columns[i].metric, i * 7);
        assert_int_equal(column_vector_get(&rows.columns[i], 0).kind, NUMBER_NULL);
        assert_number_is(column_vector_get(&rows.columns[i], 1), &row->cells[i]);
    }
    buffer_release(&out);
}

static void thousands_of_sparse_columns_stay_within_memory(void **state)
{
    (void)state;
    const uint32_t metrics = 20000;
    given_clear();
    for (uint32_t i = 0; i + 1 < BLOCK_ROWS_MAX; i++) {
        struct given_row *row = given_add(1, i, i, 1);
        row->cells[0] = decimal_cell(0, i, 0);
    }
    struct given_row *row = given_add(1, BLOCK_ROWS_MAX, 1, metrics);
    for (uint32_t i = 0; i < metrics; i++)
        row->cells[i] = random_cell(i + 1);
    struct buffer out = {0};
    struct block_summary summary;
    assert_int_equal(given_append(builder), STATUS_OK);
    assert_int_equal(block_builder_seal(builder, &out, &summary), STATUS_OK);
    struct row_vector rows;
    assert_int_equal(block_decode(decoder, buffer_slice(&out), &everything, &rows, NULL),
                     STATUS_OK);
    for (uint32_t i = 1; i < rows.column_count; i++) {
        assert_int_equal(rows.columns[i].mantissas[BLOCK_ROWS_MAX - 1], 0);
        assert_number_is(column_vector_get(&rows.columns[i], BLOCK_ROWS_MAX - 1),
                         &row->cells[i - 1]);
        assert_ptr_equal(rows.columns[i].mantissas, rows.columns[1].mantissas);
    }
    assert_column_is_given(&rows.columns[0]);
    buffer_release(&out);
}

static void only_selected_columns_are_decoded(void **state)
{
    (void)state;
    given_clear();
    for (uint32_t i = 0; i < 200; i++) {
        struct given_row *row = given_add(1, i, i, 300);
        for (uint32_t metric = 0; metric < 300; metric++)
            row->cells[metric] = decimal_cell(metric * 2, (int64_t)(i * metric % 77), -1);
    }
    struct buffer out = {0};
    struct block_summary summary;
    assert_int_equal(given_append(builder), STATUS_OK);
    assert_int_equal(block_builder_seal(builder, &out, &summary), STATUS_OK);
    static const uint32_t metrics[] = {0, 1, 100, 101, 598, 5000};
    const struct block_selection selection = {.metrics = metrics, .metric_count = 6};
    struct row_vector rows;
    assert_int_equal(block_decode(decoder, buffer_slice(&out), &selection, &rows, NULL), STATUS_OK);
    assert_int_equal(rows.column_count, 3);
    assert_int_equal(rows.columns[0].metric, 0);
    assert_int_equal(rows.columns[1].metric, 100);
    assert_int_equal(rows.columns[2].metric, 598);
    assert_null(rows.message_ids);
    assert_null(rows.time_sources);
    assert_column_is_given(&rows.columns[1]);
    assert_column_is_given(&rows.columns[2]);
    buffer_release(&out);
}

static void times_that_are_declined_are_passed_over(void **state)
{
    (void)state;
    for (uint32_t devices = 1; devices <= 3; devices++) {
        given_clear();
        for (uint32_t i = 0; i < 100 * devices; i++) {
            const int64_t time_ms = 10000 * (int64_t)(i % 100) + random_below(50);
            struct given_row *row = given_add(i / 100, time_ms, i, 1);
            row->cells[0] = decimal_cell(7, (int64_t)random_below(900), -1);
        }
        struct buffer out = {0};
        struct block_summary summary;
        assert_int_equal(given_append(builder), STATUS_OK);
        assert_int_equal(block_builder_seal(builder, &out, &summary), STATUS_OK);
        const struct block_selection selection = {.all_metrics = true, .without_times = true};
        struct row_vector rows;
        struct error err = {0};
        assert_int_equal(block_decode(decoder, buffer_slice(&out), &selection, &rows, &err),
                         STATUS_OK);
        assert_null(rows.times_ms);
        assert_int_equal(rows.count, given.row_count);
        assert_int_equal(row_vector_device(&rows, rows.count - 1), devices - 1);
        assert_int_equal(rows.column_count, 1);
        assert_column_is_given(&rows.columns[0]);
        buffer_release(&out);
    }
}

static const int64_t impossible_times[] = {
    INT64_MIN, INT64_MIN + 1, ROW_TIME_MS_FIRST - 1, ROW_TIME_MS_LAST + 1, INT64_MAX,
};

/* Of three rows, the middle one at the time, all of devices of their own. */
static enum status decode_row_at(int64_t time_ms, bool without_times)
{
    given_clear();
    for (uint32_t i = 0; i < 3; i++)
        given_add(i, i == 1 ? time_ms : 1700000000000, i, 0);
    struct buffer out = {0};
    struct block_summary summary;
    assert_int_equal(given_append(builder), STATUS_OK);
    assert_int_equal(block_builder_seal(builder, &out, &summary), STATUS_OK);
    const struct block_selection selection = {.without_times = without_times};
    struct row_vector rows;
    struct error err = {0};
    const enum status status = block_decode(decoder, buffer_slice(&out), &selection, &rows, &err);
    buffer_release(&out);
    return status;
}

static void a_block_whose_times_cannot_be_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof impossible_times / sizeof impossible_times[0]; i++) {
        assert_int_equal(decode_row_at(impossible_times[i], false), STATUS_CORRUPT);
        assert_int_equal(decode_row_at(impossible_times[i], true), STATUS_OK);
    }
    assert_int_equal(decode_row_at(ROW_TIME_MS_FIRST, false), STATUS_OK);
    assert_int_equal(decode_row_at(ROW_TIME_MS_LAST, false), STATUS_OK);
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    give_readings(150);
    struct buffer out = {0};
    struct block_summary summary;
    assert_int_equal(given_append(builder), STATUS_OK);
    assert_int_equal(block_builder_seal(builder, &out, &summary), STATUS_OK);
    struct row_vector rows;
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct error err = {0};
        assert_int_equal(block_decode(decoder, buffer_slice(&out), &everything, &rows, &err),
                         STATUS_CORRUPT);
        out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(block_decode(decoder, slice_of(out.data, len), &everything, &rows, NULL),
                         STATUS_CORRUPT);
    buffer_release(&out);
}

static enum status build_and_decode(struct buffer *out)
{
    struct block_builder *own_builder = NULL;
    struct block_decoder *own_decoder = NULL;
    struct block_summary summary;
    struct row_vector rows;
    enum status status = block_builder_new(&own_builder);
    if (status == STATUS_OK)
        status = given_append(own_builder);
    if (status == STATUS_OK)
        status = block_builder_seal(own_builder, out, &summary);
    if (status == STATUS_OK)
        status = block_decoder_new(&own_decoder);
    if (status == STATUS_OK)
        status = block_decode(own_decoder, buffer_slice(out), &everything, &rows, NULL);
    if (status == STATUS_OK)
        status = block_summarize(own_decoder, &rows, &summary);
    block_builder_free(own_builder);
    block_decoder_free(own_decoder);
    return status;
}

static void building_and_decoding_survive_every_failed_allocation(void **state)
{
    (void)state;
    do {
        give_mixture();
    } while (given.row_count < 100);
    const size_t live_blocks = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct buffer out = {0};
        mem_fail_at(nth);
        status = build_and_decode(&out);
        mem_fail_at(-1);
        buffer_release(&out);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live_blocks);
        assert_in_range(nth, 0, 2000);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readings_of_one_device_come_back_small),
        TEST(blocks_of_every_small_size_come_back),
        TEST(several_devices_share_a_block),
        TEST(mixtures_of_rows_come_back),
        TEST(an_outlier_does_not_widen_a_block),
        TEST(a_hundred_thousand_metrics_in_one_row_come_back),
        TEST(thousands_of_sparse_columns_stay_within_memory),
        TEST(only_selected_columns_are_decoded),
        TEST(times_that_are_declined_are_passed_over),
        TEST(a_block_whose_times_cannot_be_is_refused),
        TEST(every_flipped_bit_is_noticed),
        TEST(building_and_decoding_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
