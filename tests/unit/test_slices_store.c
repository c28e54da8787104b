/*
 * test_slices_store.c - slices as values of the store: written over older ones, from hostile bytes,
 * compared; and stores of the version that had none.
 */
#include "engine/counters/counters.h"
#include "engine/format/format.h"
#include "engine/kv/kv.h"
#include "engine/slices/slices.h"
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PART       UINT64_C(900)
#define SLICES     300u
#define STEPS_MAX  10000u
#define QUARTER_MS SLICE_MS

static const struct part_names names = {.devices = 4, .metrics = 4};

/* One value of device 0 and metric 0 as rows. */
static void add_value(struct slices *slices, uint32_t minute, int64_t mantissa, int16_t exponent)
{
    const int64_t time_ms = QUARTER_MS + (int64_t)minute * 60000;
    const uint64_t id = FIXTURE_ID + minute;
    const struct column_vector column = {
        .metric = 0, .present_count = 1, .mantissas = &mantissa, .exponent = exponent};
    const struct row_vector rows = {
        .count = 1,
        .one_device = true,
        .times_ms = &time_ms,
        .message_ids = &id,
        .column_count = 1,
        .columns = &column,
    };
    assert_int_equal(slices_add_rows(slices, &rows, 0, 1), STATUS_OK);
    assert_false(slices->given_up);
}

static struct part part_of(const struct slices *slices)
{
    return (struct part){
        .number = PART, .sliced = true, .totals.summary.row_count = (uint32_t)slices->rows};
}

static void save(struct kv *kv, struct slices *slices)
{
    struct error err = {0};
    struct kv_txn *txn = NULL;
    const struct part part = part_of(slices);
    store_fixture_must(kv_begin(kv, true, &txn, &err), &err);
    store_fixture_must(slices_save(slices, &part, txn, &err), &err);
    store_fixture_must(kv_commit(txn, &err), &err);
}

static uint32_t count_values(struct kv *kv)
{
    struct error err = {0};
    struct kv_txn *txn = NULL;
    store_fixture_must(kv_begin(kv, false, &txn, &err), &err);
    uint32_t count = 0;
    for (bool found = true; found; count += found) {
        const struct key key = key_slices(PART, count);
        struct slice payload = {0};
        store_fixture_must(kv_get(txn, key_slice(&key), &payload, &found, &err), &err);
    }
    kv_abort(txn);
    return count;
}

/* A value a quarter of an hour, each of them of many digits or of one. */
static void fill(struct slices *slices, int64_t mantissa)
{
    slices->rows_expected = UINT64_MAX;
    for (uint32_t i = 0; i < SLICES; i++)
        add_value(slices, i * 15, mantissa, 0);
}

static void slices_that_became_smaller_leave_no_older_values_behind(void **state)
{
    const struct store_fixture *fixture = *state;
    struct kv *kv = store_kv(fixture->store);
    OWNED(slices_release) struct slices wide = {0};
    OWNED(slices_release) struct slices narrow = {0};
    OWNED(slices_release) struct slices read = {0};
    fill(&wide, INT64_MAX / 3);
    fill(&narrow, 1);
    save(kv, &wide);
    const uint32_t before = count_values(kv);
    save(kv, &narrow);
    assert_in_range(count_values(kv), 1, before - 1);

    struct error err = {0};
    struct kv_txn *txn = NULL;
    const struct part part = part_of(&narrow);
    store_fixture_must(kv_begin(kv, false, &txn, &err), &err);
    store_fixture_must(slices_load(&read, &part, txn, names, &err), &err);
    kv_abort(txn);
    bool equal = false;
    assert_int_equal(slices_compare(&read, &narrow, &equal), STATUS_OK);
    assert_true(equal);
}

static void sums_that_only_one_order_of_adding_gives_are_no_difference(void **state)
{
    (void)state;
    OWNED(slices_release) struct slices with_sum = {.rows_expected = UINT64_MAX};
    OWNED(slices_release) struct slices without = {.rows_expected = UINT64_MAX};
    add_value(&with_sum, 0, 5, 0);
    add_value(&with_sum, 1, 1, -10);
    add_value(&with_sum, 2, 3, -25);
    add_value(&without, 0, 5, 0);
    add_value(&without, 1, INT64_C(1000000000000000), -25); /* the same, in digits of another */
    add_value(&without, 2, 3, -25);
    assert_int_equal(slices_settle(&with_sum), STATUS_OK);
    assert_int_equal(slices_settle(&without), STATUS_OK);
    assert_true(with_sum.items[0].totals.summary.columns[0].has_sum);
    assert_false(without.items[0].totals.summary.columns[0].has_sum);
    bool equal = false;
    assert_int_equal(slices_compare(&with_sum, &without, &equal), STATUS_OK);
    assert_true(equal);
}

static void sums_that_both_have_are_compared_at_any_exponent(void **state)
{
    (void)state;
    static const int64_t lasts[] = {3000, 3001};
    for (size_t i = 0; i < 2; i++) {
        OWNED(slices_release) struct slices one = {.rows_expected = UINT64_MAX};
        OWNED(slices_release) struct slices other = {.rows_expected = UINT64_MAX};
        add_value(&one, 0, 1, 0);
        add_value(&one, 1, 2, 0);
        add_value(&one, 2, 3, 0);
        add_value(&other, 0, 1, 0);
        add_value(&other, 1, 2, 0);
        add_value(&other, 2, lasts[i], -3);
        /* Only the sums tell: the last and the largest value are made the same. */
        assert_int_equal(slices_settle(&one), STATUS_OK);
        assert_int_equal(slices_settle(&other), STATUS_OK);
        struct column_summary *column = &other.items[0].totals.summary.columns[0];
        column->max = one.items[0].totals.summary.columns[0].max;
        column->last.value = one.items[0].totals.summary.columns[0].last.value;
        bool equal = false;
        assert_int_equal(slices_compare(&one, &other, &equal), STATUS_OK);
        assert_int_equal(equal, i == 0);
    }
}

/* A value with one summary of these times. */
static enum status read_times(int64_t min_time_ms, int64_t max_time_ms)
{
    const struct directory_entry entry = {
        .summary = {.first = {.time_ms = min_time_ms},
                    .last = {.time_ms = max_time_ms},
                    .min_time_ms = min_time_ms,
                    .max_time_ms = max_time_ms,
                    .row_count = 2},
        .bytes_len = 1,
    };
    OWNED(directory_writer_release) struct directory_writer writer = {0};
    OWNED(slices_release) struct slices slices = {0};
    struct error err = {0};
    bool full = false;
    assert_int_equal(directory_writer_add(&writer, &entry, &full), STATUS_OK);
    return slices_read(&slices, buffer_slice(&writer.bytes), names, &err);
}

static void a_slice_lies_within_its_quarter_of_an_hour(void **state)
{
    (void)state;
    assert_int_equal(read_times(QUARTER_MS, 2 * QUARTER_MS - 1), STATUS_OK);
    assert_int_equal(read_times(-QUARTER_MS, -1), STATUS_OK);
    assert_int_equal(read_times(QUARTER_MS, 2 * QUARTER_MS), STATUS_CORRUPT);
    assert_int_equal(read_times(-1, 0), STATUS_CORRUPT);
    assert_int_equal(read_times(SLICE_TIME_MIN, INT64_MAX), STATUS_CORRUPT);
    assert_int_equal(read_times(INT64_MIN, INT64_MIN + 1), STATUS_CORRUPT);
    assert_int_equal(read_times(INT64_MAX - 1, INT64_MAX), STATUS_CORRUPT);
    assert_int_equal(read_times(ROW_TIME_MS_FIRST, ROW_TIME_MS_FIRST + 1), STATUS_OK);
    assert_int_equal(read_times(ROW_TIME_MS_FIRST - 1, ROW_TIME_MS_FIRST + 1), STATUS_CORRUPT);
}

/* --- a store of version 1 -------------------------------------------------------------------- */

/* Says version 1 in the catalogue, as the program that knew no slices did. */
static void make_version_1(struct kv *kv)
{
    struct error err = {0};
    struct kv_txn *txn = NULL;
    struct slice payload = {0};
    bool found = false;
    uint8_t bytes[4096];
    const struct key key = key_of(KEY_CATALOGUE);
    store_fixture_must(kv_begin(kv, true, &txn, &err), &err);
    store_fixture_must(kv_get(txn, key_slice(&key), &payload, &found, &err), &err);
    assert_true(found);
    assert_in_range(payload.len, 16, sizeof bytes);
    const size_t len = payload.len;
    memcpy(bytes, payload.data, len);
    assert_int_equal(bytes[8], STORE_FORMAT_VERSION);
    bytes[8] = 1; /* behind the magic */
    store_fixture_must(kv_put(txn, key_slice(&key), slice_of(bytes, len), &err), &err);
    store_fixture_must(kv_commit(txn, &err), &err);
}

static uint32_t version_of(struct store_fixture *fixture)
{
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    const uint32_t version = snapshot_format_version(snapshot);
    snapshot_close(snapshot);
    return version;
}

static void a_store_of_version_1_is_read_written_and_becomes_version_2(void **state)
{
    struct store_fixture *fixture = *state;
    for (int part = 0; part < 3; part++) {
        store_fixture_add_many(fixture, 9000, 7, 2);
        store_fixture_commit(fixture);
    }
    make_version_1(store_kv(fixture->store));
    store_fixture_reopen(fixture);
    store_fixture_compare(fixture);
    assert_int_equal(version_of(fixture), 1);
    store_fixture_add_many(fixture, 10, 7, 2); /* to the log: the catalogue stays */
    store_fixture_commit(fixture);
    store_fixture_compare(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    assert_int_equal(version_of(fixture), 2);
    store_fixture_reopen(fixture);
    store_fixture_compare(fixture);
}

/* --- scans that slices answer in part -------------------------------------------------------- */

#define SCANNED_ROWS 6000u

/* Takes the first slice and nothing else. */
struct first_slice {
    bool took;
    uint64_t summed; /* rows of the slice */
    uint64_t given;  /* rows one by one */
};

static enum status take_first_slice(void *context, const struct block_summary *summary, bool *taken)
{
    struct first_slice *seen = context;
    *taken = !seen->took && summary->max_time_ms - summary->min_time_ms < SLICE_MS;
    if (*taken)
        seen->summed = summary->row_count;
    seen->took |= *taken;
    return STATUS_OK;
}

static enum status count_given(void *context, const struct row_vector *rows, uint32_t from_row,
                               uint32_t until_row)
{
    struct first_slice *seen = context;
    (void)rows;
    seen->given += until_row - from_row;
    return STATUS_OK;
}

static void blocks_beyond_the_slices_that_answered_need_no_times(void **state)
{
    struct store_fixture *fixture = *state;
    for (uint32_t i = 0; i < SCANNED_ROWS; i++) {
        store_fixture_add(fixture, (struct fixture_row){
                                       .table = TABLE_READINGS,
                                       .time_ms = FIXTURE_TIME_MS + (int64_t)i * 1000,
                                       .id = FIXTURE_ID + i,
                                       .metric_count = 1,
                                       .value = i % 7,
                                   });
    }
    store_fixture_commit(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);

    struct error err = {0};
    struct first_slice seen = {0};
    struct scan_statistics statistics = {0};
    const struct scan_visitor visitor = {
        .context = &seen, .summary = take_first_slice, .rows = count_given};
    const struct scan_spec spec = {
        .table = TABLE_READINGS,
        .from_ms = INT64_MIN,
        .until_ms = TIME_MS_MAX,
        .columns = {.all_metrics = true, .without_times = true},
    };
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    store_fixture_must(snapshot_scan(snapshot, &spec, &visitor, &statistics, &err), &err);
    snapshot_close(snapshot);
    assert_true(seen.took);
    assert_int_equal(seen.summed + seen.given, SCANNED_ROWS);
}

int main(void)
{
#define TEST(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(slices_that_became_smaller_leave_no_older_values_behind),
        cmocka_unit_test(sums_that_only_one_order_of_adding_gives_are_no_difference),
        cmocka_unit_test(sums_that_both_have_are_compared_at_any_exponent),
        cmocka_unit_test(a_slice_lies_within_its_quarter_of_an_hour),
        TEST(a_store_of_version_1_is_read_written_and_becomes_version_2),
        TEST(blocks_beyond_the_slices_that_answered_need_no_times),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
