/*
 * test_hostile_store.c - values whose checksums are right and whose content is not: told as
 * damage, never followed.
 */
#include "engine/catalogue/catalogue.h"
#include "engine/format/format.h"
#include "tests/unit/forged_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* --- the commit log --- */

static void name_a_device_beyond(struct store_state *state, struct row_set *set)
{
    (void)state;
    set->rows[TABLE_READINGS][0].device = 1000000;
}

static void name_a_metric_beyond(struct store_state *state, struct row_set *set)
{
    (void)state;
    set->cells[set->rows[TABLE_READINGS][0].first_cell].metric = 70000;
}

static void let_a_decimal_end_in_zero(struct store_state *state, struct row_set *set)
{
    (void)state;
    set->cells[0].mantissa = 100;
    set->cells[0].exponent = -128;
}

static enum status device_beyond_in_log(struct kv_txn *txn, struct error *err)
{
    return forge_log(txn, name_a_device_beyond, err);
}

static enum status metric_beyond_in_log(struct kv_txn *txn, struct error *err)
{
    return forge_log(txn, name_a_metric_beyond, err);
}

static enum status decimal_not_normal_in_log(struct kv_txn *txn, struct error *err)
{
    return forge_log(txn, let_a_decimal_end_in_zero, err);
}

static void the_log_names_only_devices_and_metrics_that_are_there(void **state)
{
    struct store_fixture *fixture = *state;
    forge_change *const changes[] = {device_beyond_in_log, metric_beyond_in_log,
                                     decimal_not_normal_in_log};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        store_fixture_drop(fixture);
        store_fixture_open(fixture);
        store_fixture_add_many(fixture, 10, 2, 1);
        store_fixture_commit(fixture);
        forge_store(fixture, changes[i]);
        forged_assert_damaged(fixture, TABLE_READINGS);
        forged_assert_writer_stops(fixture);
    }
}

/* --- parts --- */

static struct cell cell_of(uint32_t metric, int64_t mantissa)
{
    return (struct cell){.metric = metric, .mantissa = mantissa, .kind = NUMBER_DECIMAL};
}

static enum status one_device_beyond(struct kv_txn *txn, struct error *err)
{
    const struct row_key keys[] = {{.device = 3, .time_ms = 5, .message_id = 6}};
    const struct cell cell = cell_of(0, 1);
    return forge_part_rows(txn, TABLE_READINGS, keys, 1, &cell, err);
}

static enum status last_of_several_devices_beyond(struct kv_txn *txn, struct error *err)
{
    const struct row_key keys[] = {{.device = 0, .time_ms = 5, .message_id = 6},
                                   {.device = 2, .time_ms = 5, .message_id = 7},
                                   {.device = UINT32_MAX, .time_ms = 5, .message_id = 8}};
    const struct cell cell = cell_of(0, 1);
    return forge_part_rows(txn, TABLE_READINGS, keys, 3, &cell, err);
}

static enum status metric_beyond(struct kv_txn *txn, struct error *err)
{
    const struct row_key keys[] = {{.device = 0, .time_ms = 5, .message_id = 6}};
    const struct cell cell = cell_of(2, 1);
    return forge_part_rows(txn, TABLE_READINGS, keys, 1, &cell, err);
}

static void parts_name_only_devices_and_metrics_that_are_there(void **state)
{
    struct store_fixture *fixture = *state;
    forge_change *const changes[] = {one_device_beyond, last_of_several_devices_beyond,
                                     metric_beyond};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge_make_part(fixture, TABLE_READINGS);
        forge_store(fixture, changes[i]);
        forged_assert_damaged(fixture, TABLE_READINGS);
        forged_assert_writer_stops(fixture);
    }
}

static enum status state_of_two(struct kv_txn *txn, struct error *err)
{
    const struct row_key keys[] = {{.device = 0, .time_ms = FIXTURE_TIME_MS, .message_id = 6}};
    const struct cell cell = cell_of(STATUS_METRIC_STATE, 2);
    return forge_part_rows(txn, TABLE_STATUS, keys, 1, &cell, err);
}

static enum status state_without_a_state(struct kv_txn *txn, struct error *err)
{
    const struct row_key keys[] = {{.device = 0, .time_ms = FIXTURE_TIME_MS, .message_id = 6}};
    const struct cell cell = cell_of(STATUS_METRIC_CONTACT_AGE, 2);
    return forge_part_rows(txn, TABLE_STATUS, keys, 1, &cell, err);
}

static enum status status_metric_beyond(struct kv_txn *txn, struct error *err)
{
    const struct row_key keys[] = {{.device = 0, .time_ms = FIXTURE_TIME_MS, .message_id = 6}};
    const struct cell cell = cell_of(STATUS_METRIC_COUNT, 2);
    return forge_part_rows(txn, TABLE_STATUS, keys, 1, &cell, err);
}

static void note_what(void *context, const char *thing, const char *what)
{
    (void)thing;
    char *text = context;
    const size_t len = strlen(text);
    (void)snprintf(text + len, 4000 - len, "%s\n", what);
}

/* Verification says `expected` among what it says. */
static void assert_verify_says(const struct store_fixture *fixture, const char *expected)
{
    struct error err = {0};
    struct snapshot *snapshot = NULL;
    char text[4000] = "";
    store_fixture_must(snapshot_open(&snapshot, fixture->dir, &err), &err);
    store_fixture_must(snapshot_verify(snapshot, note_what, text, &err), &err);
    if (!strstr(text, expected))
        fail_msg("verify does not say \"%s\", but:\n%s", expected, text);
    snapshot_close(snapshot);
}

static void a_status_row_has_a_state_and_it_is_online_or_offline(void **state)
{
    struct store_fixture *fixture = *state;
    forge_make_part(fixture, TABLE_STATUS);
    forge_store(fixture, state_of_two);
    assert_verify_says(fixture, "neither online nor offline");
    forge_make_part(fixture, TABLE_STATUS);
    forge_store(fixture, state_without_a_state);
    assert_verify_says(fixture, "neither online nor offline");
    forge_make_part(fixture, TABLE_STATUS);
    forge_store(fixture, status_metric_beyond);
    forged_assert_damaged(fixture, TABLE_STATUS);
}

/* --- part records --- */

/* Saves the record with one thing changed. */
static enum status resave(struct kv_txn *txn, void (*change)(struct part *part), struct error *err)
{
    OWNED(part_list_release) struct part_list list = {0};
    TRY(forge_load_part(txn, TABLE_READINGS, &list, err));
    change(&list.parts[0]);
    return part_save(&list.parts[0], txn, err);
}

static void merge_itself(struct part *part)
{
    part->merging = true;
    part->input_count = 1;
    part->inputs[0] = part->number;
}

static void merge_twice(struct part *part)
{
    part->merging = true;
    part->input_count = 2;
    part->inputs[0] = 0;
    part->inputs[1] = 0;
}

static void merge_nothing(struct part *part)
{
    part->merging = true;
}

static void merge_what_is_gone(struct part *part)
{
    part->merging = true;
    part->input_count = 1;
    part->inputs[0] = 0;
}

static void be_consumed(struct part *part)
{
    part->consumed = true;
    part->consumed_key = part->totals.summary.first;
}

static void claim_a_stream_of_2_to_the_64(struct part *part)
{
    part->stream_bytes = UINT64_MAX;
}

static void claim_a_shorter_stream(struct part *part)
{
    part->stream_bytes--;
}

static void claim_more_directory_values(struct part *part)
{
    part->directory_values++;
}

static void claim_times_backwards(struct part *part)
{
    part->totals.summary.min_time_ms = part->totals.summary.max_time_ms + 1;
}

static void claim_an_impossible_time(struct part *part)
{
    part->totals.summary.max_time_ms = INT64_MAX;
}

static void claim_a_first_row_before_all(struct part *part)
{
    part->totals.summary.min_time_ms++;
}

static void (*record_change)(struct part *part);

static enum status change_record(struct kv_txn *txn, struct error *err)
{
    return resave(txn, record_change, err);
}

static void records_of_merges_that_cannot_be_are_refused(void **state)
{
    struct store_fixture *fixture = *state;
    void (*const changes[])(struct part * part) = {merge_itself,
                                                   merge_twice,
                                                   merge_nothing,
                                                   claim_times_backwards,
                                                   claim_an_impossible_time,
                                                   claim_a_first_row_before_all};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge_make_part(fixture, TABLE_READINGS);
        record_change = changes[i];
        forge_store(fixture, change_record);
        forged_assert_damaged(fixture, TABLE_READINGS);
        forged_assert_writer_stops(fixture);
    }
}

static void verify_balances_what_records_of_parts_say(void **state)
{
    struct store_fixture *fixture = *state;
    void (*const changes[])(struct part *
                            part) = {merge_what_is_gone, be_consumed, claim_a_stream_of_2_to_the_64,
                                     claim_a_shorter_stream, claim_more_directory_values};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge_make_part(fixture, TABLE_READINGS);
        record_change = changes[i];
        forge_store(fixture, change_record);
        forged_assert_verify_reports(fixture);
    }
}

/* --- keys --- */

static enum status add_unknown_key(struct kv_txn *txn, struct error *err)
{
    return kv_put(txn, slice_of_text("Zebra"), slice_of_text("?"), err);
}

static enum status add_low_key(struct kv_txn *txn, struct error *err)
{
    const uint8_t zero = 0;
    return kv_put(txn, slice_of(&zero, 1), slice_of_text("?"), err);
}

static enum status add_long_key(struct kv_txn *txn, struct error *err)
{
    uint8_t key[KV_KEY_BYTES_MAX] = {KEY_STREAM};
    return kv_put_raw(txn, slice_of(key, sizeof key), slice_of_text("?"), err);
}

static enum status add_part_of_no_table(struct kv_txn *txn, struct error *err)
{
    struct key key = key_of(KEY_PART);
    key_add_u8(&key, 7);
    key_add_u64(&key, 1);
    return kv_put(txn, key_slice(&key), slice_of_text("?"), err);
}

static enum status move_directory(struct kv_txn *txn, struct error *err)
{
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    const struct key prefix = key_of(KEY_DIRECTORY);
    struct kv_entry entry = {0};
    struct slice payload = {0};
    struct key key;
    TRY(kv_cursor_open(txn, &cursor, err));
    TRY(kv_seek_ceiling(cursor, key_slice(&prefix), key_slice(&prefix), &entry, err));
    TRY(kv_entry_payload(&entry, &payload, err));
    assert_true(key_copy(entry.key, &key));
    uint8_t copy[DIRECTORY_BYTES_MAX];
    const size_t len = payload.len;
    memcpy(copy, payload.data, len);
    TRY(kv_delete(txn, key_slice(&key), err));
    key.bytes[key.len - 1 - sizeof(uint32_t)]++; /* of the message id */
    return kv_put(txn, key_slice(&key), slice_of(copy, len), err);
}

static enum status add_digest(struct kv_txn *txn, struct error *err)
{
    struct key key = key_of(KEY_BODY);
    for (size_t i = 0; i < BODY_DIGEST_BYTES; i++)
        key_add_u8(&key, (uint8_t)i);
    const uint64_t sequence = UINT64_MAX;
    return kv_put(txn, key_slice(&key), slice_of(&sequence, sizeof sequence), err);
}

static void verify_finds_keys_that_nobody_knows(void **state)
{
    struct store_fixture *fixture = *state;
    forge_change *const changes[] = {add_unknown_key,      add_low_key,    add_long_key,
                                     add_part_of_no_table, move_directory, add_digest};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        forge_make_part(fixture, TABLE_READINGS);
        forge_store(fixture, changes[i]);
        forged_assert_verify_reports(fixture);
    }
}

static enum status lose_catalogue(struct kv_txn *txn, struct error *err)
{
    const struct key key = key_of(KEY_CATALOGUE);
    return kv_delete(txn, key_slice(&key), err);
}

static void a_store_that_lost_its_catalogue_is_damaged_and_not_made_anew(void **state)
{
    struct store_fixture *fixture = *state;
    forge_make_part(fixture, TABLE_READINGS);
    forge_store(fixture, lose_catalogue);
    struct error err = {0};
    struct snapshot *snapshot = NULL;
    assert_int_equal(snapshot_open(&snapshot, fixture->dir, &err), STATUS_CORRUPT);
    assert_int_equal(store_open(&fixture->store, fixture->dir, &err), STATUS_CORRUPT);
    assert_null(fixture->store);
}

/* The last page of names and the counters agree; the pages between are missing. */
static enum status claim_4_billion_devices(struct kv_txn *txn, struct error *err)
{
    const uint32_t last = NAME_UNMAPPED - 2;
    const uint8_t page[] = {3, 'a', '/', 'b'};
    struct catalogue catalogue = {0};
    bool found = false;
    TRY(catalogue_load(&catalogue, txn, &found, err));
    assert_true(found);
    catalogue.state.counters.devices = (uint64_t)last + 1;
    TRY(catalogue_save(&catalogue, txn, err));
    struct key key = key_of(KEY_DEVICES);
    key_add_u32(&key, last);
    return kv_put(txn, key_slice(&key), slice_of(page, sizeof page), err);
}

static void a_store_has_no_more_devices_than_there_is_room_for_names(void **state)
{
    struct store_fixture *fixture = *state;
    forge_make_part(fixture, TABLE_READINGS);
    forge_store(fixture, claim_4_billion_devices);
    struct error err = {0};
    struct snapshot *snapshot = NULL;
    assert_int_equal(snapshot_open(&snapshot, fixture->dir, &err), STATUS_CORRUPT);
    assert_int_equal(store_open(&fixture->store, fixture->dir, &err), STATUS_CORRUPT);
    assert_null(fixture->store);
}

#define IN_A_STORE(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(the_log_names_only_devices_and_metrics_that_are_there),
        IN_A_STORE(parts_name_only_devices_and_metrics_that_are_there),
        IN_A_STORE(a_status_row_has_a_state_and_it_is_online_or_offline),
        IN_A_STORE(records_of_merges_that_cannot_be_are_refused),
        IN_A_STORE(verify_balances_what_records_of_parts_say),
        IN_A_STORE(verify_finds_keys_that_nobody_knows),
        IN_A_STORE(a_store_that_lost_its_catalogue_is_damaged_and_not_made_anew),
        IN_A_STORE(a_store_has_no_more_devices_than_there_is_room_for_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
