/*
 * store_fixture.c - see store_fixture.h.
 */
#include "tests/unit/store_fixture.h"

#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RANGES_ROWS 5000u

void store_fixture_open(struct store_fixture *fixture)
{
    struct error err = {0};
    *fixture = (struct store_fixture){.random = 42};
    store_dir_make(fixture->dir);
    store_fixture_must(store_open(&fixture->store, fixture->dir, &err), &err);
}

void store_fixture_reopen(struct store_fixture *fixture)
{
    struct error err = {0};
    store_close(fixture->store);
    fixture->store = NULL;
    row_batch_release(&fixture->batch); /* its numbers were of the store that is closed */
    store_fixture_must(store_open(&fixture->store, fixture->dir, &err), &err);
}

void store_fixture_drop(struct store_fixture *fixture)
{
    store_close(fixture->store);
    row_batch_release(&fixture->batch);
    free(fixture->rows);
    store_dir_remove(fixture->dir);
}

uint32_t store_fixture_draw(struct store_fixture *fixture, uint32_t limit)
{
    fixture->random =
        fixture->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((fixture->random >> 33) % limit);
}

/* --- rows --- */

static uint64_t hash_cell(struct slice metric, struct number value)
{
    const int64_t parts[3] = {value.mantissa, value.exponent, value.kind};
    return bytes_hash(parts, sizeof parts, bytes_hash(metric.data, metric.len, 1));
}

static uint64_t hash_row(struct slice device, int64_t time_ms, uint64_t id)
{
    const uint64_t parts[2] = {(uint64_t)time_ms, id};
    return bytes_hash(parts, sizeof parts, bytes_hash(device.data, device.len, 2));
}

static struct number value_of(const struct fixture_row *row, uint32_t metric)
{
    return number_from_decimal(row->value * 7 + metric, -1);
}

static void begin_row(struct store_fixture *fixture, struct fixture_row *row, struct row **begun)
{
    char name[32];
    uint32_t device = 0;
    (void)snprintf(name, sizeof name, "pk/d%u", row->device);
    assert_int_equal(name_table_add(&fixture->batch.devices, slice_of_text(name), &device),
                     STATUS_OK);
    assert_int_equal(row_batch_add_row(&fixture->batch, row->table, begun), STATUS_OK);
    (*begun)->device = device;
    (*begun)->time_ms = row->time_ms;
    (*begun)->message_id = row->id;
    row->hash = hash_row(slice_of_text(name), row->time_ms, row->id);
}

static void add_metrics(struct store_fixture *fixture, struct fixture_row *row)
{
    for (uint32_t i = 0; i < row->metric_count; i++) {
        char name[32];
        uint32_t metric = 0;
        const struct number value = value_of(row, i);
        (void)snprintf(name, sizeof name, "m%u", row->metric_first + i);
        assert_int_equal(name_table_add(&fixture->batch.metrics, slice_of_text(name), &metric),
                         STATUS_OK);
        assert_int_equal(row_batch_add_cell(&fixture->batch, TABLE_READINGS, metric, value),
                         STATUS_OK);
        row->hash += hash_cell(slice_of_text(name), value);
    }
}

static void add_state(struct store_fixture *fixture, struct fixture_row *row)
{
    const struct number state = number_from_decimal(row->value, 0);
    assert_int_equal(row_batch_add_cell(&fixture->batch, TABLE_STATUS, STATUS_METRIC_STATE, state),
                     STATUS_OK);
    row->hash += hash_cell(slice_of_text("state"), state);
}

void store_fixture_add(struct store_fixture *fixture, struct fixture_row row)
{
    const struct row_batch_mark mark = row_batch_mark(&fixture->batch);
    struct row *begun = NULL;
    begin_row(fixture, &row, &begun);
    if (row.table == TABLE_READINGS)
        add_metrics(fixture, &row);
    else
        add_state(fixture, &row);
    assert_int_equal(row_batch_add_message(&fixture->batch, row.table, row.id, mark), STATUS_OK);
    if (fixture->added == fixture->capacity) {
        fixture->capacity = fixture->capacity * 2 + 1024;
        fixture->rows = realloc(fixture->rows, fixture->capacity * sizeof *fixture->rows);
        assert_non_null(fixture->rows);
    }
    fixture->rows[fixture->added++] = row;
}

void store_fixture_add_many(struct store_fixture *fixture, uint32_t count, uint32_t devices,
                            uint32_t metrics)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t number = fixture->added;
        store_fixture_add(fixture, (struct fixture_row){
                                       .device = (uint32_t)(number % devices),
                                       .time_ms = FIXTURE_TIME_MS + (int64_t)number * 1000,
                                       .id = FIXTURE_ID + number * 4096 * 977,
                                       .metric_count = metrics,
                                       .value = store_fixture_draw(fixture, 100000),
                                   });
    }
}

void store_fixture_add_reject(struct store_fixture *fixture, const uint64_t *id, struct slice body)
{
    struct reject reject = {
        .body = body, .detail = slice_of_text("why"), .reason = REJECT_BAD_JSON};
    const uint64_t hash = bytes_hash(body.data, body.len, 3);
    memcpy(reject.digest, &hash, sizeof hash);
    assert_int_equal(row_batch_add_reject(&fixture->batch, id, &reject), STATUS_OK);
}

enum status store_fixture_try_commit(struct store_fixture *fixture, struct error *err)
{
    struct row_batch *batches[] = {&fixture->batch};
    struct commit_result result = {0};
    TRY(store_commit(fixture->store, batches, 1, &result, err));
    assert_int_equal(result.stored, fixture->added - fixture->committed);
    fixture->committed = fixture->added;
    fixture->rejected += result.rejected;
    row_batch_clear(&fixture->batch);
    return STATUS_OK;
}

void store_fixture_commit(struct store_fixture *fixture)
{
    struct error err = {0};
    store_fixture_must(store_fixture_try_commit(fixture, &err), &err);
}

void store_fixture_forget(struct store_fixture *fixture)
{
    row_batch_clear(&fixture->batch);
    fixture->added = fixture->committed;
}

uint32_t store_fixture_maintain(struct store_fixture *fixture, enum upkeep upkeep,
                                uint32_t steps_max)
{
    struct error err = {0};
    bool more = true;
    uint32_t steps = 0;
    while (steps < steps_max) {
        store_fixture_must(store_maintain(fixture->store, upkeep, &more, &err), &err);
        if (!more)
            break;
        steps++;
    }
    return steps;
}

/* --- comparison --- */

static bool in_range(const struct fixture_row *row, struct fixture_range range)
{
    if (range.some_devices && row->device % 3 != 0)
        return false;
    return row->time_ms >= range.from_ms &&
           (range.until_ms == TIME_MS_MAX || row->time_ms < range.until_ms);
}

struct fixture_digest store_fixture_expected(const struct store_fixture *fixture, size_t row_count,
                                             enum table table, struct fixture_range range)
{
    struct fixture_digest digest = {0};
    for (size_t i = 0; i < row_count; i++) {
        const struct fixture_row *row = &fixture->rows[i];
        if (row->table != table || !in_range(row, range))
            continue;
        digest.rows++;
        digest.hash += row->hash;
    }
    return digest;
}

struct scanning {
    struct snapshot *snapshot;
    enum table table;
    bool ordered;
    bool any;
    struct row_key last;
    struct fixture_digest digest;
};

static struct slice metric_name(const struct scanning *scanning, uint32_t metric)
{
    if (scanning->table == TABLE_STATUS)
        return slice_of_text(metric == STATUS_METRIC_STATE ? "state" : "age");
    return snapshot_metric_name(scanning->snapshot, metric);
}

static void check_order(struct scanning *scanning, const struct row_key *key)
{
    if (scanning->ordered && scanning->any)
        assert_true(row_key_compare(&scanning->last, key) < 0);
    scanning->any = true;
    scanning->last = *key;
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from,
                             uint32_t until)
{
    struct scanning *scanning = context;
    for (uint32_t row = from; row < until; row++) {
        const struct row_key key = {
            .device = row_vector_device(rows, row),
            .time_ms = rows->times_ms[row],
            .message_id = rows->message_ids[row],
        };
        check_order(scanning, &key);
        const struct slice device = snapshot_device_name(scanning->snapshot, key.device);
        uint64_t hash = hash_row(device, key.time_ms, key.message_id);
        for (uint32_t c = 0; c < rows->column_count; c++) {
            const struct number value = column_vector_get(&rows->columns[c], row);
            if (value.kind != NUMBER_NULL)
                hash += hash_cell(metric_name(scanning, rows->columns[c].metric), value);
        }
        scanning->digest.rows++;
        scanning->digest.hash += hash;
    }
    return STATUS_OK;
}

/* Bits of the devices whose number, at the end of their name, is a multiple of 3. */
static uint64_t *select_devices(const struct snapshot *snapshot)
{
    const uint32_t count = snapshot_device_count(snapshot);
    uint64_t *bits = calloc(count / 64 + 1, sizeof *bits);
    assert_non_null(bits);
    for (uint32_t device = 0; device < count; device++) {
        char text[32] = "";
        const struct slice name = snapshot_device_name(snapshot, device);
        assert_in_range(name.len, 5, sizeof text - 1);
        memcpy(text, name.data, name.len);
        if (strtoul(text + sizeof "pk/d" - 1, NULL, 10) % 3 == 0)
            bits[device / 64] |= UINT64_C(1) << (device % 64);
    }
    return bits;
}

struct fixture_digest store_fixture_scanned(struct snapshot *snapshot, enum table table,
                                            struct fixture_range range, bool ordered)
{
    struct error err = {0};
    store_fixture_must(snapshot_read_names(snapshot, &err), &err);
    uint64_t *bits = range.some_devices ? select_devices(snapshot) : NULL;
    struct scanning scanning = {.snapshot = snapshot, .table = table, .ordered = ordered};
    const struct scan_spec spec = {
        .table = table,
        .device_bits = bits,
        .from_ms = range.from_ms,
        .until_ms = range.until_ms,
        .columns = {.all_metrics = true, .message_ids = true, .time_sources = true},
        .ordered = ordered,
    };
    const struct scan_visitor visitor = {.context = &scanning, .rows = take_rows};
    struct scan_statistics statistics = {0};
    store_fixture_must(snapshot_scan(snapshot, &spec, &visitor, &statistics, &err), &err);
    free(bits);
    return scanning.digest;
}

static void compare_range(struct store_fixture *fixture, struct snapshot *snapshot,
                          size_t row_count, struct fixture_range range)
{
    for (int table = 0; table < TABLE_COUNT; table++) {
        const struct fixture_digest expected =
            store_fixture_expected(fixture, row_count, (enum table)table, range);
        for (int ordered = 0; ordered < 2; ordered++) {
            const struct fixture_digest found =
                store_fixture_scanned(snapshot, (enum table)table, range, ordered == 1);
            assert_int_equal(found.rows, expected.rows);
            assert_true(found.hash == expected.hash);
        }
    }
}

static void report_problem(void *context, const char *thing, const char *what)
{
    (void)context;
    fail_msg("verify: %s: %s", thing, what);
}

/* A time of one of the rows, or beside it: edges of blocks are among them. */
static int64_t draw_time(struct store_fixture *fixture, size_t row_count)
{
    const struct fixture_row *row =
        &fixture->rows[store_fixture_draw(fixture, (uint32_t)row_count)];
    const int64_t time_ms = row->time_ms;
    const uint32_t beside = store_fixture_draw(fixture, 3);
    if (beside == 1 && time_ms < INT64_MAX)
        return time_ms + 1;
    return time_ms;
}

void store_fixture_compare_snapshot(struct store_fixture *fixture, struct snapshot *snapshot,
                                    size_t row_count)
{
    struct error err = {0};
    struct fixture_range range = {.from_ms = TIME_MS_MIN, .until_ms = TIME_MS_MAX};
    compare_range(fixture, snapshot, row_count, range);
    range.some_devices = true;
    compare_range(fixture, snapshot, row_count, range);
    /* Each comparison draws others: where rows are many, few of them each time. */
    const int ranges = row_count < RANGES_ROWS ? 6 : 2;
    for (int i = 0; row_count > 0 && i < ranges; i++) {
        range.from_ms = draw_time(fixture, row_count);
        range.until_ms = draw_time(fixture, row_count);
        range.some_devices = i % 2 == 0;
        compare_range(fixture, snapshot, row_count, range);
    }
    store_fixture_must(snapshot_verify(snapshot, report_problem, NULL, &err), &err);
}

struct snapshot *store_fixture_snapshot(struct store_fixture *fixture)
{
    struct snapshot *snapshot = NULL;
    struct error err = {0};
    store_fixture_must(snapshot_open_beside(&snapshot, fixture->store, &err), &err);
    return snapshot;
}

void store_fixture_compare(struct store_fixture *fixture)
{
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    assert_int_equal(snapshot_counters(snapshot)->stored, fixture->committed);
    assert_int_equal(snapshot_counters(snapshot)->rejected, fixture->rejected);
    store_fixture_compare_snapshot(fixture, snapshot, fixture->committed);
    snapshot_close(snapshot);
}

int store_fixture_setup(void **state)
{
    struct store_fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    store_fixture_open(fixture);
    *state = fixture;
    return 0;
}

int store_fixture_teardown(void **state)
{
    store_fixture_drop(*state);
    free(*state);
    return 0;
}

void store_fixture_must(enum status status, const struct error *err)
{
    if (status != STATUS_OK)
        fail_msg("%s", err->message);
}
