/*
 * test_snapshot.c - the newest row of a device, names on demand, totals against rows, backups,
 * stores that are not there.
 *
 * ctest: threads
 */
#include "engine/part/part.h"
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Parts of any kind over the same times: fresh and dense ones, a merge under way, the log. */
static void fill(struct store_fixture *fixture, uint32_t devices, uint32_t rows)
{
    for (int part = 0; part < 5; part++) {
        for (uint32_t i = 0; i < rows; i++) {
            const uint64_t number = fixture->added;
            store_fixture_add(
                fixture,
                (struct fixture_row){
                    .table = store_fixture_draw(fixture, 8) == 0 ? TABLE_STATUS : TABLE_READINGS,
                    .device = store_fixture_draw(fixture, devices),
                    .time_ms = FIXTURE_TIME_MS + store_fixture_draw(fixture, 5000),
                    .id = FIXTURE_ID + number * 4096,
                    .metric_count = 1 + store_fixture_draw(fixture, 3),
                    .value = store_fixture_draw(fixture, 2),
                });
        }
        store_fixture_commit(fixture);
        if (part < 4)
            (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, part == 2 ? 5 : 1);
    }
}

static void scans_find_every_row_over_many_parts_and_shared_blocks(void **state)
{
    struct store_fixture *fixture = *state;
    fill(fixture, 900, 1500);
    store_fixture_compare(fixture);
    store_fixture_drop(fixture);
    store_fixture_open(fixture);
    fill(fixture, 3, 2500);
    store_fixture_compare(fixture);
}

static enum status count_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                              uint32_t until_row)
{
    uint64_t *count = context;
    (void)rows;
    *count += until_row - from_row;
    return STATUS_OK;
}

/* LMDB's table of readers is full: helpers get no place in it, and are done without. */
static void a_shared_scan_goes_on_without_threads_that_get_no_transaction(void **state)
{
    struct store_fixture *fixture = *state;
    struct snapshot *readers[2048] = {NULL};
    size_t reader_count = 0;
    struct error err = {0};
    fill(fixture, 50, 400);
    while (snapshot_open_beside(&readers[reader_count], fixture->store, &err) == STATUS_OK) {
        reader_count++;
        assert_in_range(reader_count, 1, 2047);
    }
    assert_int_equal(err.status, STATUS_IO);
    struct snapshot *snapshot = readers[0];
    const struct scan_spec spec = {.table = TABLE_READINGS,
                                   .from_ms = INT64_MIN,
                                   .until_ms = TIME_MS_MAX,
                                   .columns = {.all_metrics = true}};
    uint64_t alone = 0;
    uint64_t counts[3] = {0};
    struct scan_visitor visitors[3];
    for (size_t i = 0; i < 3; i++)
        visitors[i] = (struct scan_visitor){.context = &counts[i], .rows = count_rows};
    const struct scan_visitor one = {.context = &alone, .rows = count_rows};
    struct scan_statistics done = {0};
    store_fixture_must(snapshot_scan(snapshot, &spec, &one, &done, &err), &err);
    store_fixture_must(snapshot_scan_shared(snapshot, &spec, visitors, 3, &done, &err), &err);
    assert_true(alone > 0);
    assert_int_equal(counts[0], alone);
    assert_int_equal(counts[1] + counts[2], 0);
    snapshot_pause(readers[reader_count - 1]); /* now one thread more finds a place */
    counts[0] = 0;
    store_fixture_must(snapshot_scan_shared(snapshot, &spec, visitors, 3, &done, &err), &err);
    assert_int_equal(counts[0] + counts[1], alone);
    assert_int_equal(counts[2], 0);
    while (reader_count > 0)
        snapshot_close(readers[--reader_count]);
}

/* --- totals --- */

static struct number any_number(struct store_fixture *fixture)
{
    const uint32_t kind = store_fixture_draw(fixture, 8);
    const int64_t wide = (int64_t)((uint64_t)store_fixture_draw(fixture, 1u << 30) << 29 |
                                   store_fixture_draw(fixture, 1u << 29));
    if (kind == 0)
        return number_from_real((double)wide * 1e40);
    if (kind == 1)
        return number_from_decimal(0, 0);
    if (kind == 2)
        return number_from_decimal(NUMBER_MANTISSA_MAX,
                                   (int)store_fixture_draw(fixture, 200) - 100);
    if (kind == 3)
        return number_from_decimal(-NUMBER_MANTISSA_MAX, NUMBER_EXPONENT_MIN);
    if (kind == 4)
        return number_from_decimal(wide % NUMBER_MANTISSA_MAX, -9);
    return number_from_decimal(wide % 1000, -(int)store_fixture_draw(fixture, 3));
}

/* Writes rows into a part in memory and gives its totals. */
static void write_part(struct store_fixture *fixture, struct part *part, uint32_t rows,
                       uint32_t devices)
{
    struct part_writer *writer = NULL;
    struct error err = {0};
    store_fixture_must(part_writer_new(&writer), &err);
    store_fixture_must(part_writer_begin(writer, part, NULL, &err), &err);
    struct row_key key = {.time_ms = -5, .message_id = UINT64_MAX - 3};
    for (uint32_t i = 0; i < rows; i++) {
        if (store_fixture_draw(fixture, rows) < devices)
            key.device++;
        key.time_ms += store_fixture_draw(fixture, 3);
        key.message_id++;
        struct cell cells[3];
        uint32_t count = 0;
        for (uint32_t metric = 0; metric < 3; metric++) {
            if (metric > 0 && store_fixture_draw(fixture, 2) == 0)
                continue;
            const struct number value = any_number(fixture);
            struct cell *cell = &cells[count++];
            *cell =
                (struct cell){.metric = metric * 7, .exponent = value.exponent, .kind = value.kind};
            memcpy(&cell->mantissa, &value.mantissa, sizeof value.mantissa);
        }
        if (key.message_id == 0)
            key.time_ms++; /* ids began anew */
        store_fixture_must(part_writer_append(writer, &key, 0, cells, count, &err), &err);
    }
    store_fixture_must(part_writer_finish(writer, &err), &err);
    part_writer_free(writer);
}

static void totals_come_back_from_a_record_as_they_were(void **state)
{
    struct store_fixture *fixture = *state;
    struct kv *kv = store_kv(fixture->store);
    for (uint32_t round = 0; round < 60; round++) {
        struct part_memory memory = {0};
        struct part part = {.number = 1, .table = TABLE_READINGS, .memory = &memory};
        write_part(fixture, &part, 1 + store_fixture_draw(fixture, 3000), round % 5);
        struct error err = {0};
        struct kv_txn *txn = NULL;
        struct part_list list = {0};
        const struct part_names names = {.devices = 100000, .metrics = 100};
        store_fixture_must(kv_begin(kv, true, &txn, &err), &err);
        store_fixture_must(part_save(&part, txn, &err), &err);
        store_fixture_must(part_list_load(&list, txn, TABLE_READINGS, names, &err), &err);
        assert_int_equal(list.count, 1);
        assert_true(block_summary_equal(&list.parts[0].totals.summary, &part.totals.summary));
        kv_abort(txn);
        part_list_release(&list);
        part_release(&part);
        part_memory_release(&memory);
    }
}

/* --- backups --- */

static void a_backup_holds_all_and_replaces_nothing(void **state)
{
    struct store_fixture *fixture = *state;
    struct error err = {0};
    fill(fixture, 30, 500);
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    char copy[300];
    char file[320];
    (void)snprintf(copy, sizeof copy, "%s-copy/", fixture->dir);
    store_fixture_must(snapshot_backup(snapshot, copy, &err), &err);
    assert_int_equal(snapshot_backup(snapshot, copy, &err), STATUS_INPUT);
    snapshot_close(snapshot);

    copy[strlen(copy) - 1] = '\0';
    struct stat info;
    assert_int_equal(stat(copy, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    (void)snprintf(file, sizeof file, "%s/data.mdb", copy);
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    store_fixture_must(snapshot_open(&snapshot, copy, &err), &err);
    store_fixture_compare_snapshot(fixture, snapshot, fixture->committed);
    snapshot_close(snapshot);
    (void)unlink(file);
    (void)snprintf(file, sizeof file, "%s/lock.mdb", copy);
    (void)unlink(file);
    assert_int_equal(rmdir(copy), 0);
}

/* The one device that is marked, or UINT32_MAX if it is not one. */
static uint32_t only_marked(const struct snapshot *snapshot, const char *name)
{
    uint64_t bits[4] = {0};
    struct error err = {0};
    uint32_t found = UINT32_MAX;
    assert_in_range(snapshot_device_count(snapshot), 1, 256);
    store_fixture_must(snapshot_mark_devices(snapshot, slice_of_text(name), bits, &err), &err);
    for (uint32_t device = 0; device < 256; device++) {
        if (!device_bit(bits, device))
            continue;
        if (found != UINT32_MAX)
            return UINT32_MAX;
        found = device;
    }
    return found;
}

static void a_device_is_found_whatever_was_read_before(void **state)
{
    struct store_fixture *fixture = *state;
    const struct slice full = slice_of_text("pk/d117");
    struct snapshot *snapshot = NULL;
    struct error err = {0};
    store_fixture_add_many(fixture, 200, 200, 1);
    store_fixture_commit(fixture);
    for (int names_first = 0; names_first < 2; names_first++) {
        store_fixture_must(snapshot_open_beside(&snapshot, fixture->store, &err), &err);
        if (names_first)
            store_fixture_must(snapshot_read_names(snapshot, &err), &err);
        /* the first search, in the store or among all names */
        const uint32_t device = only_marked(snapshot, "d117");
        assert_in_range(device, 0, 199);
        const struct slice kept = snapshot_device_name(snapshot, device);
        assert_true(slice_equal(kept, full));
        /* the later ones, which read all names and find by their hash */
        assert_int_equal(only_marked(snapshot, "pk/d117"), device);
        assert_int_equal(only_marked(snapshot, "d117"), device);
        assert_int_equal(only_marked(snapshot, "117"), UINT32_MAX);
        assert_int_equal(only_marked(snapshot, "d1170"), UINT32_MAX);
        assert_true(slice_equal(kept, full)); /* it stays where it was */
        snapshot_pause(snapshot);
        assert_true(slice_equal(snapshot_device_name(snapshot, device), full));
        snapshot_close(snapshot);
    }
}

static void names_follow_a_store_that_grows(void **state)
{
    struct store_fixture *fixture = *state;
    struct snapshot *snapshot = NULL;
    const uint32_t *order = NULL;
    struct error err = {0};
    store_fixture_add_many(fixture, 10, 10, 1);
    store_fixture_commit(fixture);
    store_fixture_must(snapshot_open_beside(&snapshot, fixture->store, &err), &err);
    store_fixture_must(snapshot_device_order(snapshot, &order, &err), &err);
    assert_int_equal(snapshot_device_count(snapshot), 10);
    snapshot_pause(snapshot);
    store_fixture_add_many(fixture, 150, 150, 1);
    store_fixture_commit(fixture);
    store_fixture_must(snapshot_resume(snapshot, &err), &err);
    assert_int_equal(snapshot_device_count(snapshot), 150);
    assert_in_range(only_marked(snapshot, "d149"), 0, 149);
    store_fixture_must(snapshot_device_order(snapshot, &order, &err), &err);
    for (uint32_t i = 1; i < 150; i++)
        assert_true(slice_compare(snapshot_device_name(snapshot, order[i - 1]),
                                  snapshot_device_name(snapshot, order[i])) < 0);
    snapshot_close(snapshot);
}

static void looking_for_a_store_leaves_nothing_behind(void **state)
{
    struct store_fixture *fixture = *state;
    struct error err = {0};
    struct store *store = NULL;
    char dir[300];
    (void)snprintf(dir, sizeof dir, "%s-empty", fixture->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(store_open_existing(&store, dir, &err), STATUS_MISSING);
    assert_null(store);
    assert_int_equal(rmdir(dir), 0); /* it is still empty */
    assert_int_equal(store_open_existing(&store, dir, &err), STATUS_MISSING);
}

#define IN_A_STORE(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(scans_find_every_row_over_many_parts_and_shared_blocks),
        IN_A_STORE(a_shared_scan_goes_on_without_threads_that_get_no_transaction),
        IN_A_STORE(a_device_is_found_whatever_was_read_before),
        IN_A_STORE(names_follow_a_store_that_grows),
        IN_A_STORE(totals_come_back_from_a_record_as_they_were),
        IN_A_STORE(a_backup_holds_all_and_replaces_nothing),
        IN_A_STORE(looking_for_a_store_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
