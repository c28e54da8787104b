/*
 * test_slices.c - totals by quarter of an hour: they say what the rows say, or are not there.
 */
#include "engine/format/format.h"
#include "engine/kv/kv.h"
#include "engine/slices/slices.h"
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS_MAX   10000u
#define BUCKETS_MAX 4096u
#define HOUR_MS     INT64_C(3600000)

/* --- what rows amount to, by bucket ----------------------------------------------------------- */

struct bucket {
    uint64_t count;
    struct number min, max;
    struct dated_number first, last;
    double sum; /* of a few thousand numbers: near enough to compare */
};

/* A visitor's context: metric 0 by buckets of a width. */
struct tally {
    int64_t width_ms;
    int64_t origin_ms;
    struct bucket buckets[BUCKETS_MAX];
    uint64_t summaries; /* that were taken */
    uint64_t rows;      /* that were given */
};

static struct bucket *bucket_of(struct tally *tally, int64_t time_ms)
{
    const int64_t place = (time_ms - tally->origin_ms) / tally->width_ms;
    assert_in_range(place, 0, BUCKETS_MAX - 1);
    return &tally->buckets[place];
}

static bool before(const struct dated_number *a, const struct dated_number *b)
{
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->message_id < b->message_id;
}

static void add(struct bucket *bucket, const struct column_summary *more)
{
    const bool is_new = bucket->count == 0;
    bucket->count += more->count;
    if (is_new || number_compare(more->min, bucket->min) < 0)
        bucket->min = more->min;
    if (is_new || number_compare(more->max, bucket->max) > 0)
        bucket->max = more->max;
    if (is_new || before(&more->first, &bucket->first))
        bucket->first = more->first;
    if (is_new || before(&bucket->last, &more->last))
        bucket->last = more->last;
    const struct number total = {.mantissa = (int64_t)more->sum.low,
                                 .exponent = (int8_t)more->sum_exponent,
                                 .kind = NUMBER_DECIMAL};
    assert_true(more->has_sum && more->has_ends);
    bucket->sum += number_to_double(total);
}

static enum status take_summary(void *context, const struct block_summary *summary, bool *taken)
{
    struct tally *tally = context;
    struct bucket *bucket = bucket_of(tally, summary->min_time_ms);
    *taken = bucket == bucket_of(tally, summary->max_time_ms);
    if (!*taken)
        return STATUS_OK;
    tally->summaries++;
    for (uint32_t i = 0; i < summary->column_count; i++) {
        if (summary->columns[i].metric == 0)
            add(bucket, &summary->columns[i]);
    }
    return STATUS_OK;
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from,
                             uint32_t until)
{
    struct tally *tally = context;
    assert_int_equal(rows->column_count, 1);
    for (uint32_t row = from; row < until; row++) {
        const struct number value = column_vector_get(&rows->columns[0], row);
        if (value.kind == NUMBER_NULL)
            continue;
        const struct dated_number dated = {
            .value = value, .time_ms = rows->times_ms[row], .message_id = rows->message_ids[row]};
        const struct column_summary one = {
            .count = 1,
            .has_sum = true,
            .sum = wide_of(value.mantissa),
            .sum_exponent = value.exponent,
            .min = value,
            .max = value,
            .has_ends = true,
            .first = dated,
            .last = dated,
        };
        add(bucket_of(tally, rows->times_ms[row]), &one);
    }
    tally->rows += until - from;
    return STATUS_OK;
}

static void scan(struct snapshot *snapshot, struct fixture_range range, bool with_summaries,
                 struct tally *tally)
{
    static const uint32_t metric = 0;
    const struct scan_spec spec = {
        .table = TABLE_READINGS,
        .from_ms = range.from_ms,
        .until_ms = range.until_ms,
        .columns = {.metrics = &metric, .metric_count = 1, .message_ids = true},
    };
    const struct scan_visitor visitor = {
        .context = tally, .summary = with_summaries ? take_summary : NULL, .rows = take_rows};
    struct scan_statistics statistics = {0};
    struct error err = {0};
    store_fixture_must(snapshot_scan(snapshot, &spec, &visitor, &statistics, &err), &err);
}

static void compare_tallies(const struct tally *a, const struct tally *b)
{
    for (size_t i = 0; i < BUCKETS_MAX; i++) {
        const struct bucket *left = &a->buckets[i];
        const struct bucket *right = &b->buckets[i];
        assert_int_equal(left->count, right->count);
        if (left->count == 0)
            continue;
        assert_int_equal(number_compare(left->min, right->min), 0);
        assert_int_equal(number_compare(left->max, right->max), 0);
        assert_int_equal(left->first.message_id, right->first.message_id);
        assert_int_equal(left->last.message_id, right->last.message_id);
        assert_int_equal(number_compare(left->first.value, right->first.value), 0);
        assert_int_equal(number_compare(left->last.value, right->last.value), 0);
        const double scale = right->sum < 0 ? 1 - right->sum : 1 + right->sum;
        const double difference = left->sum - right->sum;
        assert_true(difference < scale * 1e-9 && -difference < scale * 1e-9);
    }
}

/* Values of the 'T' kind in the store. */
static uint64_t count_slice_values(const struct store_fixture *fixture)
{
    struct error err = {0};
    struct kv_txn *txn = NULL;
    struct kv_cursor *cursor = NULL;
    store_fixture_must(kv_begin(store_kv(fixture->store), false, &txn, &err), &err);
    store_fixture_must(kv_cursor_open(txn, &cursor, &err), &err);
    const struct key prefix = key_of(KEY_SLICES);
    struct kv_entry entry;
    uint64_t count = 0;
    store_fixture_must(
        kv_seek_ceiling(cursor, key_slice(&prefix), key_slice(&prefix), &entry, &err), &err);
    while (entry.found) {
        count++;
        store_fixture_must(kv_next(cursor, key_slice(&prefix), &entry, &err), &err);
    }
    kv_cursor_close(cursor);
    kv_abort(txn);
    return count;
}

/* Readings of 7 devices over 6 hours, in no order, some of them without the first metric. */
static void add_readings(struct store_fixture *fixture, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t number = fixture->added;
        store_fixture_add(
            fixture,
            (struct fixture_row){
                .device = (uint32_t)(number % 7),
                .time_ms = FIXTURE_TIME_MS + (int64_t)store_fixture_draw(fixture, 6 * 3600 * 1000),
                .id = FIXTURE_ID + number * 4096 * 977,
                .metric_first = number % 11 == 0 ? 1 : 0,
                .metric_count = 2,
                .value = (int64_t)store_fixture_draw(fixture, 1000000) - 500000,
            });
    }
    store_fixture_commit(fixture);
}

static struct tally *tally_new(int64_t width_ms)
{
    struct tally *tally = test_calloc(1, sizeof *tally);
    tally->width_ms = width_ms;
    tally->origin_ms = FIXTURE_TIME_MS / HOUR_MS * HOUR_MS;
    return tally;
}

/* Compares summaries with rows; returns how many rows were decoded all the same. */
static uint64_t compare_range(struct snapshot *snapshot, struct fixture_range range,
                              int64_t width_ms)
{
    struct tally *quick = tally_new(width_ms);
    struct tally *plain = tally_new(width_ms);
    scan(snapshot, range, true, quick);
    scan(snapshot, range, false, plain);
    compare_tallies(quick, plain);
    const uint64_t rows = quick->rows;
    test_free(quick);
    test_free(plain);
    return rows;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void hours_of_all_devices_come_from_slices_and_are_what_the_rows_say(void **state)
{
    struct store_fixture *fixture = *state;
    for (int part = 0; part < 3; part++)
        add_readings(fixture, 9000);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    assert_true(count_slice_values(fixture) > 0);
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    const struct fixture_range all = {.from_ms = TIME_MS_MIN, .until_ms = TIME_MS_MAX};
    assert_int_equal(compare_range(snapshot, all, HOUR_MS), 0);
    assert_int_equal(compare_range(snapshot, all, SLICE_MS), 0);
    assert_true(compare_range(snapshot, all, SLICE_MS / 3) > 0);
    for (int i = 0; i < 60; i++) {
        const int64_t from_ms =
            FIXTURE_TIME_MS + (int64_t)store_fixture_draw(fixture, 6 * 3600 * 1000);
        const int64_t span_ms = (int64_t)store_fixture_draw(fixture, 3 * 3600 * 1000);
        struct fixture_range range = {.from_ms = from_ms, .until_ms = from_ms + span_ms};
        if (i % 3 == 1)
            range.until_ms = TIME_MS_MAX;
        if (i % 3 == 2)
            range.from_ms = TIME_MS_MIN;
        (void)compare_range(snapshot, range, i % 2 == 0 ? HOUR_MS : SLICE_MS * 3 / 2);
    }
    snapshot_close(snapshot);
    store_fixture_compare(fixture);
}

/* As of a zone at +05:53: most slices lie within an hour of it, one in four does not. */
static void hours_that_begin_within_a_quarter_are_what_the_rows_say(void **state)
{
    struct store_fixture *fixture = *state;
    for (int part = 0; part < 3; part++)
        add_readings(fixture, 9000);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    for (int i = 0; i < 8; i++) {
        struct tally *quick = tally_new(HOUR_MS);
        struct tally *plain = tally_new(HOUR_MS);
        const struct fixture_range range = {
            .from_ms = i == 0 ? TIME_MS_MIN : FIXTURE_TIME_MS + (int64_t)i * 11 * (HOUR_MS / 60),
            .until_ms = TIME_MS_MAX,
        };
        quick->origin_ms -= 53 * (HOUR_MS / 60);
        plain->origin_ms = quick->origin_ms;
        scan(snapshot, range, true, quick);
        scan(snapshot, range, false, plain);
        compare_tallies(quick, plain);
        test_free(quick);
        test_free(plain);
    }
    snapshot_close(snapshot);
}

static void slices_hold_after_every_step_of_a_merge(void **state)
{
    struct store_fixture *fixture = *state;
    for (int part = 0; part < 4; part++) {
        add_readings(fixture, 9000);
        (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 1);
    }
    uint32_t steps = 0;
    while (store_fixture_maintain(fixture, UPKEEP_SETTLE, 1) == 1) {
        struct snapshot *snapshot = store_fixture_snapshot(fixture);
        const struct fixture_range all = {.from_ms = TIME_MS_MIN, .until_ms = TIME_MS_MAX};
        (void)compare_range(snapshot, all, HOUR_MS);
        snapshot_close(snapshot);
        store_fixture_compare(fixture); /* verifies the store, slices among it */
        steps++;
        if (steps % 2 == 0)
            store_fixture_reopen(fixture);
    }
    assert_in_range(steps, 2, STEPS_MAX);
}

static void few_rows_over_a_long_time_have_no_slices(void **state)
{
    struct store_fixture *fixture = *state;
    for (uint32_t i = 0; i < 3000; i++) {
        store_fixture_add(fixture, (struct fixture_row){
                                       .device = i % 3,
                                       .time_ms = FIXTURE_TIME_MS + (int64_t)i * HOUR_MS,
                                       .id = FIXTURE_ID + (uint64_t)i * 4096 * 977,
                                       .metric_count = 1,
                                       .value = i,
                                   });
    }
    store_fixture_commit(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    assert_int_equal(count_slice_values(fixture), 0);
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    const struct fixture_range all = {.from_ms = TIME_MS_MIN, .until_ms = TIME_MS_MAX};
    assert_true(compare_range(snapshot, all, HOUR_MS) > 0);
    snapshot_close(snapshot);
    store_fixture_compare(fixture);
}

static void values_that_share_no_exponent_are_added_exactly(void **state)
{
    struct store_fixture *fixture = *state;
    static const int64_t values[] = {1, 700000000000, -3, 123456789, 0, 1000};
    for (uint32_t i = 0; i < 6000; i++) {
        store_fixture_add(fixture, (struct fixture_row){
                                       .device = i % 3,
                                       .time_ms = FIXTURE_TIME_MS + (int64_t)i * 1000,
                                       .id = FIXTURE_ID + (uint64_t)i * 4096 * 977,
                                       .metric_count = 1,
                                       .value = values[i * 7 % 6] * (i % 50 == 0 ? 10 : 1),
                                   });
    }
    store_fixture_commit(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    assert_true(count_slice_values(fixture) > 0);
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    const struct fixture_range all = {.from_ms = TIME_MS_MIN, .until_ms = TIME_MS_MAX};
    assert_int_equal(compare_range(snapshot, all, HOUR_MS), 0);
    snapshot_close(snapshot);
    store_fixture_compare(fixture);
}

static void note_problem(void *context, const char *thing, const char *what)
{
    (void)thing;
    (void)what;
    ++*(unsigned *)context;
}

static void slices_that_are_not_of_the_rows_are_found(void **state)
{
    struct store_fixture *fixture = *state;
    add_readings(fixture, 9000);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    struct error err = {0};
    struct kv_txn *txn = NULL;
    struct kv_cursor *cursor = NULL;
    store_fixture_must(kv_begin(store_kv(fixture->store), true, &txn, &err), &err);
    store_fixture_must(kv_cursor_open(txn, &cursor, &err), &err);
    const struct key prefix = key_of(KEY_SLICES);
    struct kv_entry entry;
    store_fixture_must(
        kv_seek_ceiling(cursor, key_slice(&prefix), key_slice(&prefix), &entry, &err), &err);
    assert_true(entry.found);
    struct key key;
    assert_true(key_copy(entry.key, &key));
    struct slice payload;
    store_fixture_must(kv_entry_payload(&entry, &payload, &err), &err);
    uint8_t bytes[DIRECTORY_BYTES_MAX];
    assert_in_range(payload.len, 1, sizeof bytes);
    memcpy(bytes, payload.data, payload.len);
    bytes[0]--; /* one slice less */
    store_fixture_must(kv_put(txn, key_slice(&key), slice_of(bytes, payload.len), &err), &err);
    kv_cursor_close(cursor);
    store_fixture_must(kv_commit(txn, &err), &err);

    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    unsigned problems = 0;
    const enum status status = snapshot_verify(snapshot, note_problem, &problems, &err);
    assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
    assert_true(problems > 0 || status == STATUS_CORRUPT);
    snapshot_close(snapshot);
}

int main(void)
{
#define TEST(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(hours_of_all_devices_come_from_slices_and_are_what_the_rows_say),
        TEST(hours_that_begin_within_a_quarter_are_what_the_rows_say),
        TEST(slices_hold_after_every_step_of_a_merge),
        TEST(few_rows_over_a_long_time_have_no_slices),
        TEST(values_that_share_no_exponent_are_added_exactly),
        TEST(slices_that_are_not_of_the_rows_are_found),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
