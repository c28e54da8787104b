/*
 * test_hostile_times.c - times that no row can have, wherever a store may say them: told as damage
 * before anything is reckoned with them.
 */
#include "engine/rejects/rejects.h"
#include "tests/unit/forged_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t impossible_times[] = {
    INT64_MIN, INT64_MIN + 1, ROW_TIME_MS_FIRST - 1, ROW_TIME_MS_LAST + 1, INT64_MAX,
};
static int64_t forged_ms;

static void move_a_row_in_time(struct store_state *state, struct row_set *set)
{
    (void)state;
    set->rows[TABLE_READINGS][3].time_ms = forged_ms;
}

static enum status impossible_row_in_log(struct kv_txn *txn, struct error *err)
{
    return forge_log(txn, move_a_row_in_time, err);
}

static void move_the_first_time(struct store_state *state, struct row_set *set)
{
    (void)set;
    state->counters.first_time_ms = forged_ms;
}

static void move_the_last_time(struct store_state *state, struct row_set *set)
{
    (void)set;
    state->counters.last_time_ms = forged_ms;
}

static enum status impossible_first_time(struct kv_txn *txn, struct error *err)
{
    return forge_log(txn, move_the_first_time, err);
}

static enum status impossible_last_time(struct kv_txn *txn, struct error *err)
{
    return forge_log(txn, move_the_last_time, err);
}

static void rows_at_times_that_cannot_be_are_damage(void **state)
{
    struct store_fixture *fixture = *state;
    forge_change *const changes[] = {impossible_row_in_log, impossible_first_time,
                                     impossible_last_time};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        for (size_t t = 0; t < sizeof impossible_times / sizeof impossible_times[0]; t++) {
            forged_ms = impossible_times[t];
            store_fixture_drop(fixture);
            store_fixture_open(fixture);
            store_fixture_add_many(fixture, 10, 2, 1);
            store_fixture_commit(fixture);
            forge_store(fixture, changes[i]);
            forged_assert_damaged(fixture, TABLE_READINGS);
            forged_assert_writer_stops(fixture);
        }
    }
}

static enum status see_reject(void *context, const struct kept_reject *reject)
{
    (void)context;
    (void)reject;
    return STATUS_OK;
}

static enum status impossible_reject(struct kv_txn *txn, struct error *err)
{
    OWNED(reject_writer_release) struct reject_writer writer = {0};
    const struct kept_reject reject = {
        .sequence = 0, .received_ms = forged_ms, .body = slice_of_text("x")};
    TRY(reject_writer_begin(&writer, txn, err));
    buffer_clear(&writer.page); /* in place of the one that is there */
    TRY(reject_writer_add(&writer, &reject, err));
    return reject_writer_finish(&writer, err);
}

static void rejects_of_times_that_cannot_be_are_damage(void **state)
{
    struct store_fixture *fixture = *state;
    for (size_t t = 0; t < sizeof impossible_times / sizeof impossible_times[0]; t++) {
        struct error err = {0};
        struct snapshot *snapshot = NULL;
        forged_ms = impossible_times[t];
        store_fixture_drop(fixture);
        store_fixture_open(fixture);
        store_fixture_add_reject(fixture, NULL, slice_of_text("x"));
        store_fixture_commit(fixture);
        forge_store(fixture, impossible_reject);
        store_fixture_must(snapshot_open(&snapshot, fixture->dir, &err), &err);
        assert_int_equal(snapshot_rejects(snapshot, 0, see_reject, NULL, &err), STATUS_CORRUPT);
        snapshot_close(snapshot);
        forged_assert_verify_reports(fixture);
    }
}

static enum status impossible_row_in_part(struct kv_txn *txn, struct error *err)
{
    const struct row_key keys[] = {{.device = 0, .time_ms = FIXTURE_TIME_MS, .message_id = 6},
                                   {.device = 1, .time_ms = forged_ms, .message_id = 7},
                                   {.device = 2, .time_ms = FIXTURE_TIME_MS, .message_id = 8}};
    const struct cell cell = {.mantissa = 1, .kind = NUMBER_DECIMAL};
    return forge_part_rows(txn, TABLE_READINGS, keys, 3, &cell, err);
}

static void parts_hold_only_rows_at_times_that_can_be(void **state)
{
    struct store_fixture *fixture = *state;
    for (size_t t = 0; t < sizeof impossible_times / sizeof impossible_times[0]; t++) {
        forged_ms = impossible_times[t];
        forge_make_part(fixture, TABLE_READINGS);
        forge_store(fixture, impossible_row_in_part);
        forged_assert_damaged(fixture, TABLE_READINGS);
        forged_assert_writer_stops(fixture);
    }
}

#define IN_A_STORE(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(rows_at_times_that_cannot_be_are_damage),
        IN_A_STORE(rejects_of_times_that_cannot_be_are_damage),
        IN_A_STORE(parts_hold_only_rows_at_times_that_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
