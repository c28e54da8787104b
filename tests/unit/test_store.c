/*
 * test_store.c - random histories of commits, folds, merges and reopenings
 * against a plain array of rows.
 *
 * ctest: property
 */
#include "engine/kv/kv.h"
#include "engine/snapshot/snapshot.h"
#include "engine/store/store.h"
#include "tests/unit/store_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEVICES     37u
#define METRICS     5u
#define TIME_SPAN   100000
#define BULK_COUNT  70000u
#define MODEL_ROWS  400000u
#define SNOWFLAKE_0 (UINT64_C(996631012001751041))

/* What the store must hold, in the plainest form. */
struct model_row {
    int64_t time_ms;
    uint64_t id;
    uint32_t device;
    bool present[METRICS];
    int64_t mantissa[METRICS];
};

struct model {
    char dir[STORE_DIR_BYTES];
    struct store *store;
    struct row_batch batch;
    struct model_row *rows;
    size_t count;
    uint64_t next_id;
    uint64_t duplicates;
    uint64_t rejected;
    uint64_t random;
};

static uint32_t draw(struct model *model, uint32_t limit)
{
    model->random = model->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((model->random >> 33) % limit);
}

static int open_model(void **state)
{
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    store_dir_make(model->dir);
    model->rows = calloc(MODEL_ROWS, sizeof *model->rows);
    assert_non_null(model->rows);
    model->next_id = SNOWFLAKE_0;
    model->random = 42;
    struct error err = {0};
    if (store_open(&model->store, model->dir, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    *state = model;
    return 0;
}

static int drop_model(void **state)
{
    struct model *model = *state;
    store_close(model->store);
    row_batch_release(&model->batch);
    store_dir_remove(model->dir);
    free(model->rows);
    free(model);
    return 0;
}

static void device_text(uint32_t device, char text[32])
{
    snprintf(text, 32, "pk/device-%u", device);
}

static void add_names(struct model *model, uint32_t device, uint32_t *local,
                      uint32_t metrics[METRICS])
{
    char text[32];
    device_text(device, text);
    assert_int_equal(name_table_add(&model->batch.devices, slice_of_text(text), local), STATUS_OK);
    for (uint32_t m = 0; m < METRICS; m++) {
        snprintf(text, sizeof text, "metric-%u", m);
        assert_int_equal(name_table_add(&model->batch.metrics, slice_of_text(text), &metrics[m]),
                         STATUS_OK);
    }
}

/* A row with some of the metrics, in the batch and in `row`. */
static void add_message(struct model *model, struct model_row *row)
{
    uint32_t device = 0;
    uint32_t metrics[METRICS];
    add_names(model, row->device, &device, metrics);
    const struct row_batch_mark mark = row_batch_mark(&model->batch);
    struct row *added = NULL;
    assert_int_equal(row_batch_add_row(&model->batch, TABLE_READINGS, &added), STATUS_OK);
    added->time_ms = row->time_ms;
    added->message_id = row->id;
    added->device = device;
    added->time_source = (uint8_t)(row->id % 3);
    for (uint32_t m = METRICS; m-- > 0;) { /* backwards: the store must sort them */
        if (row->present[m])
            assert_int_equal(row_batch_add_cell(&model->batch, TABLE_READINGS, metrics[m],
                                                number_from_decimal(row->mantissa[m], -2)),
                             STATUS_OK);
    }
    assert_int_equal(row_batch_add_message(&model->batch, TABLE_READINGS, row->id, mark),
                     STATUS_OK);
}

static struct model_row random_row(struct model *model)
{
    struct model_row row = {
        .time_ms = 1526450324000 + (int64_t)draw(model, TIME_SPAN),
        .id = model->next_id,
        .device = draw(model, DEVICES),
    };
    model->next_id += 1 + (draw(model, 4) == 0 ? draw(model, 1u << 24) : 0);
    bool any = false;
    for (uint32_t m = 0; m < METRICS; m++) {
        row.present[m] = draw(model, 3) != 0;
        row.mantissa[m] = (int64_t)draw(model, 100000) - 50000;
        any = any || row.present[m];
    }
    row.present[0] = row.present[0] || !any;
    return row;
}

static void add_reject(struct model *model)
{
    const uint64_t id = model->next_id++;
    const struct reject reject = {
        .body = slice_of_text("{broken"),
        .detail = slice_of_text("why"),
        .reason = REJECT_BAD_JSON,
    };
    assert_int_equal(row_batch_add_reject(&model->batch, &id, &reject), STATUS_OK);
    model->rejected++;
}

static void commit_some(struct model *model, uint32_t messages)
{
    row_batch_clear(&model->batch);
    const uint64_t duplicates = model->duplicates;
    for (uint32_t i = 0; i < messages; i++) {
        const uint32_t kind = draw(model, 20);
        if (kind == 0 && model->count > 0) {
            struct model_row again = model->rows[draw(model, (uint32_t)model->count)];
            again.time_ms += 5; /* whatever else differs, the id decides */
            add_message(model, &again);
            model->duplicates++;
        } else if (kind == 1) {
            add_reject(model);
        } else {
            struct model_row *row = &model->rows[model->count++];
            *row = random_row(model);
            add_message(model, row);
        }
    }
    struct row_batch *batches[] = {&model->batch};
    struct commit_result result;
    struct error err = {0};
    if (store_commit(model->store, batches, 1, &result, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    assert_int_equal(result.received, messages);
    assert_int_equal(result.duplicates, model->duplicates - duplicates);
}

static int model_order(const void *a, const void *b)
{
    const struct model_row *left = a;
    const struct model_row *right = b;
    if (left->device != right->device)
        return left->device < right->device ? -1 : 1;
    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

/* Gathers what a scan yields into model rows. */
struct gathered {
    struct snapshot *snapshot;
    struct model_row *rows;
    size_t count;
    uint32_t metric_of[METRICS]; /* store's number -> model's */
    uint32_t device_of[DEVICES];
};

static enum status gather(void *context, const struct row_vector *rows, uint32_t from,
                          uint32_t until)
{
    struct gathered *gathered = context;
    for (uint32_t row = from; row < until; row++) {
        struct model_row *to = &gathered->rows[gathered->count++];
        *to = (struct model_row){
            .time_ms = rows->times_ms[row],
            .id = rows->message_ids[row],
            .device = gathered->device_of[row_vector_device(rows, row)],
        };
        assert_int_equal(rows->time_sources[row], to->id % 3);
        for (uint32_t c = 0; c < rows->column_count; c++) {
            const struct number value = column_vector_get(&rows->columns[c], row);
            const uint32_t metric = gathered->metric_of[rows->columns[c].metric];
            if (value.kind == NUMBER_NULL)
                continue;
            to->present[metric] = true;
            to->mantissa[metric] = value.mantissa * power_of_ten(value.exponent + 2);
        }
    }
    return STATUS_OK;
}

static void map_numbers(struct gathered *gathered)
{
    const struct snapshot *snapshot = gathered->snapshot;
    struct error err = {0};
    assert_int_equal(snapshot_read_names(snapshot, &err), STATUS_OK);
    for (uint32_t i = 0; i < snapshot_metric_count(snapshot); i++) {
        const struct slice name = snapshot_metric_name(snapshot, i);
        gathered->metric_of[i] = (uint32_t)(name.data[name.len - 1] - '0');
    }
    for (uint32_t i = 0; i < snapshot_device_count(snapshot); i++) {
        for (uint32_t device = 0; device < DEVICES; device++) {
            char text[32];
            device_text(device, text);
            if (slice_equal(snapshot_device_name(snapshot, i), slice_of_text(text)))
                gathered->device_of[i] = device;
        }
    }
}

static bool wanted(const struct model_row *row, const struct scan_spec *spec, uint32_t only_device)
{
    if (only_device < DEVICES && row->device != only_device)
        return false;
    return row->time_ms >= spec->from_ms &&
           (spec->until_ms == TIME_MS_MAX || row->time_ms < spec->until_ms);
}

static void assert_rows_equal(const struct model_row *a, const struct model_row *b)
{
    assert_int_equal(a->device, b->device);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_true(a->id == b->id);
    for (uint32_t m = 0; m < METRICS; m++) {
        assert_int_equal(a->present[m], b->present[m]);
        if (a->present[m])
            assert_int_equal(a->mantissa[m], b->mantissa[m]);
    }
}

/* A scan, ordered or not, yields exactly the model's rows in range. */
static void compare_scan(struct model *model, struct snapshot *snapshot, bool ordered, bool narrow)
{
    struct gathered gathered = {.snapshot = snapshot};
    gathered.rows = calloc(model->count + 1, sizeof *gathered.rows);
    map_numbers(&gathered);
    uint64_t bits[4] = {0};
    uint32_t only_device = DEVICES;
    struct scan_spec spec = {
        .table = TABLE_READINGS,
        .from_ms = TIME_MS_MIN,
        .until_ms = TIME_MS_MAX,
        .columns = {.all_metrics = true, .message_ids = true, .time_sources = true},
        .ordered = ordered,
    };
    if (narrow) {
        spec.from_ms = 1526450324000 + (int64_t)draw(model, TIME_SPAN);
        spec.until_ms = spec.from_ms + (int64_t)draw(model, TIME_SPAN / 4);
        const uint32_t number = draw(model, snapshot_device_count(snapshot));
        bits[number / 64] = UINT64_C(1) << (number % 64);
        spec.device_bits = bits;
        only_device = gathered.device_of[number];
    }
    const struct scan_visitor visitor = {.context = &gathered, .rows = gather};
    struct scan_statistics statistics = {0};
    struct error err = {0};
    if (snapshot_scan(snapshot, &spec, &visitor, &statistics, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    struct model_row *expected = calloc(model->count + 1, sizeof *expected);
    size_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        if (wanted(&model->rows[i], &spec, only_device))
            expected[count++] = model->rows[i];
    }
    assert_int_equal(gathered.count, count);
    for (size_t i = 1; ordered && i < count; i++) /* by the store's numbers of devices */
        assert_true(gathered.rows[i - 1].device != gathered.rows[i].device ||
                    model_order(&gathered.rows[i - 1], &gathered.rows[i]) < 0);
    qsort(gathered.rows, count, sizeof *gathered.rows, model_order);
    qsort(expected, count, sizeof *expected, model_order);
    for (size_t i = 0; i < count; i++)
        assert_rows_equal(&gathered.rows[i], &expected[i]);
    free(expected);
    free(gathered.rows);
}

static void report_problem(void *context, const char *thing, const char *what)
{
    (void)context;
    fail_msg("verify: %s: %s", thing, what);
}

static void compare_all(struct model *model)
{
    struct snapshot *snapshot = NULL;
    struct error err = {0};
    if (snapshot_open_beside(&snapshot, model->store, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    const struct store_counters *counters = snapshot_counters(snapshot);
    assert_int_equal(counters->stored, model->count);
    assert_int_equal(counters->rows[TABLE_READINGS], model->count);
    assert_int_equal(counters->duplicates, model->duplicates);
    assert_int_equal(counters->rejected, model->rejected);
    compare_scan(model, snapshot, false, false);
    compare_scan(model, snapshot, true, false);
    for (int i = 0; i < 10; i++)
        compare_scan(model, snapshot, i % 2 == 0, true);
    if (snapshot_verify(snapshot, report_problem, NULL, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    snapshot_close(snapshot);
}

static void reopen(struct model *model)
{
    store_close(model->store);
    row_batch_release(&model->batch); /* its numbers were of the store that is closed */
    struct error err = {0};
    if (store_open(&model->store, model->dir, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

static void maintain(struct model *model, enum upkeep upkeep, uint32_t steps_max)
{
    bool more = true;
    struct error err = {0};
    for (uint32_t i = 0; i < steps_max && more; i++) {
        if (store_maintain(model->store, upkeep, &more, &err) != STATUS_OK)
            fail_msg("%s", err.message);
    }
}

static void any_order_of_commits_and_maintenance_keeps_every_row(void **state)
{
    struct model *model = *state;
    for (int step = 0; step < 60; step++) {
        const uint32_t kind = draw(model, 10);
        if (kind < 6)
            commit_some(model, 1 + draw(model, 400));
        else if (kind == 6)
            maintain(model, UPKEEP_STEADY, 3);
        else if (kind == 7)
            maintain(model, UPKEEP_SETTLE, 1 + draw(model, 3)); /* mostly left unfinished */
        else if (kind == 8)
            reopen(model);
        else
            compare_all(model);
    }
    maintain(model, UPKEEP_SETTLE, 1000);
    compare_all(model);
}

static void large_commits_become_parts_and_settle_into_one(void **state)
{
    struct model *model = *state;
    commit_some(model, 300);
    commit_some(model, BULK_COUNT);
    commit_some(model, BULK_COUNT);
    compare_all(model);
    maintain(model, UPKEEP_SETTLE, 2); /* in the middle of a merge */
    compare_all(model);
    reopen(model);
    commit_some(model, 500);
    compare_all(model);
    maintain(model, UPKEEP_SETTLE, 1000);
    compare_all(model);
}

static void a_second_writer_is_refused_at_once(void **state)
{
    struct model *model = *state;
    struct store *second = NULL;
    struct error err = {0};
    assert_int_equal(store_open(&second, model->dir, &err), STATUS_LOCKED);
    assert_null(second);
}

static void a_setting_is_fixed_by_its_first_value(void **state)
{
    struct model *model = *state;
    const char *kept = "";
    struct error err = {0};
    assert_int_equal(store_setting(model->store, "payload-tz", NULL, &kept, &err), STATUS_OK);
    assert_null(kept);
    assert_int_equal(store_setting(model->store, "payload-tz", "+08:00", &kept, &err), STATUS_OK);
    assert_string_equal(kept, "+08:00");
    reopen(model);
    assert_int_equal(store_setting(model->store, "payload-tz", "+09:00", &kept, &err),
                     STATUS_CONFIG);
    assert_int_equal(store_setting(model->store, "payload-tz", NULL, &kept, &err), STATUS_OK);
    assert_string_equal(kept, "+08:00");
}

/* Raises the version in the catalogue, as a later program would have written it. */
static void write_newer_version(const char *dir)
{
    struct error err = {0};
    struct kv *kv = NULL;
    struct kv_txn *txn = NULL;
    struct slice value = {0};
    bool found = false;
    const uint8_t name = 'C';
    const struct slice key = slice_of(&name, sizeof name);
    uint8_t bytes[4096];
    const uint32_t version = STORE_FORMAT_VERSION + 1;
    assert_int_equal(kv_open(&kv, dir, true, &err), STATUS_OK);
    assert_int_equal(kv_begin(kv, true, &txn, &err), STATUS_OK);
    assert_int_equal(kv_get_raw(txn, key, &value, &found, &err), STATUS_OK);
    assert_true(found);
    assert_in_range(value.len, 20, sizeof bytes);
    const size_t len = value.len;
    memcpy(bytes, value.data, len);
    memcpy(bytes + 16, &version, sizeof version); /* behind the checksum and the magic */
    assert_int_equal(kv_put_raw(txn, key, slice_of(bytes, len), &err), STATUS_OK);
    assert_int_equal(kv_commit(txn, &err), STATUS_OK);
    kv_close(kv);
}

static void a_store_of_a_newer_version_is_refused_and_says_so(void **state)
{
    struct model *model = *state;
    commit_some(model, 10);
    store_close(model->store);
    model->store = NULL;
    write_newer_version(model->dir);
    struct error err = {0};
    struct snapshot *snapshot = NULL;
    assert_int_equal(snapshot_open(&snapshot, model->dir, &err), STATUS_VERSION);
    assert_non_null(strstr(err.message, "use a newer mnsdb"));
    assert_int_equal(store_open(&model->store, model->dir, &err), STATUS_VERSION);
    assert_null(model->store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_store_of_a_newer_version_is_refused_and_says_so,
                                        open_model, drop_model),
        cmocka_unit_test_setup_teardown(any_order_of_commits_and_maintenance_keeps_every_row,
                                        open_model, drop_model),
        cmocka_unit_test_setup_teardown(large_commits_become_parts_and_settle_into_one, open_model,
                                        drop_model),
        cmocka_unit_test_setup_teardown(a_second_writer_is_refused_at_once, open_model, drop_model),
        cmocka_unit_test_setup_teardown(a_setting_is_fixed_by_its_first_value, open_model,
                                        drop_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
