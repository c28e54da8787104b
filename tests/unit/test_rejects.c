/*
 * test_rejects.c - rejected bodies: kept byte for byte, walked, taken out, put through the rules
 * again.
 */
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BODY_BYTES_MAX ((size_t)1 << 20)
#define REJECTS_MAX    2000u

/* What a walk saw. */
struct walk {
    uint64_t sequences[REJECTS_MAX];
    uint64_t hashes[REJECTS_MAX];
    size_t count;
    size_t stop_at; /* 0: never */
};

static enum status note(void *context, const struct kept_reject *reject)
{
    struct walk *walk = context;
    assert_in_range(walk->count, 0, REJECTS_MAX - 1);
    walk->sequences[walk->count] = reject->sequence;
    walk->hashes[walk->count] = bytes_hash(reject->body.data, reject->body.len, 0);
    assert_true(slice_equal(reject->detail, slice_of_text("why")));
    walk->count++;
    return walk->count == walk->stop_at ? STATUS_STOPPED : STATUS_OK;
}

static void walk_from(struct store_fixture *fixture, uint64_t sequence, struct walk *walk)
{
    struct error err = {0};
    struct snapshot *snapshot = store_fixture_snapshot(fixture);
    *walk = (struct walk){.stop_at = walk->stop_at};
    const enum status status = snapshot_rejects(snapshot, sequence, note, walk, &err);
    if (status != STATUS_STOPPED)
        store_fixture_must(status, &err);
    snapshot_close(snapshot);
}

/* The n-th body: of any length, any bytes, a different one for every n. */
static struct slice body_of(uint32_t n, uint8_t *bytes)
{
    const size_t len = n % 97 == 5 ? 70000 + n : 4 + (size_t)n * 37 % 900;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((size_t)n * 31 + i * 7);
    memcpy(bytes, &n, sizeof n);
    return slice_of(bytes, len);
}

static void bodies_of_any_length_come_back_byte_for_byte(void **state)
{
    struct store_fixture *fixture = *state;
    static uint64_t expected[REJECTS_MAX];
    static struct walk walk;
    uint8_t *bytes = malloc(BODY_BYTES_MAX);
    assert_non_null(bytes);
    memset(bytes, 0xff, BODY_BYTES_MAX);
    size_t count = 0;
    store_fixture_add_reject(fixture, NULL, slice_of(bytes, BODY_BYTES_MAX));
    expected[count++] = bytes_hash(bytes, BODY_BYTES_MAX, 0);
    store_fixture_add_reject(fixture, NULL, slice_of(bytes, 0));
    expected[count++] = bytes_hash(bytes, 0, 0);
    for (uint32_t n = 0; n < 500; n++) {
        const struct slice body = body_of(n, bytes);
        const uint64_t id = 1000 + n;
        store_fixture_add_reject(fixture, n % 2 == 0 ? &id : NULL, body);
        expected[count++] = bytes_hash(body.data, body.len, 0);
        if (n % 40 == 0)
            store_fixture_commit(fixture);
    }
    store_fixture_commit(fixture);
    free(bytes);
    store_fixture_reopen(fixture);
    walk_from(fixture, 0, &walk);
    assert_int_equal(walk.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(walk.sequences[i], i);
        assert_true(walk.hashes[i] == expected[i]);
    }
    for (uint64_t from = 0; from < count; from += 13) {
        walk.stop_at = 3;
        walk_from(fixture, from, &walk);
        assert_int_equal(walk.sequences[0], from);
    }
    walk.stop_at = 0;
    walk_from(fixture, count, &walk);
    assert_int_equal(walk.count, 0);
    store_fixture_compare(fixture);
}

static void a_body_without_an_id_counts_once_whatever_the_commits(void **state)
{
    struct store_fixture *fixture = *state;
    for (int round = 0; round < 3; round++) {
        store_fixture_add_reject(fixture, NULL, slice_of_text("the same"));
        store_fixture_add_reject(fixture, NULL, slice_of_text("the same"));
        store_fixture_commit(fixture);
        (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 100);
    }
    assert_int_equal(fixture->rejected, 1);
    assert_int_equal(store_counters(fixture->store)->duplicates, 5);
    store_fixture_compare(fixture);
}

/* --- retry --- */

static struct fixture_row row_of(uint64_t id)
{
    return (struct fixture_row){.device = (uint32_t)(id % 5),
                                .time_ms = FIXTURE_TIME_MS + (int64_t)id,
                                .id = id,
                                .metric_count = 2,
                                .value = (int64_t)id};
}

/* Puts the fixture's batch through a retry; its rows count if `stored` of them were. */
static struct commit_result retry(struct store_fixture *fixture, const uint64_t *sequences)
{
    struct error err = {0};
    struct commit_result result = {0};
    store_fixture_must(
        store_retry_rejects(fixture->store, sequences, &fixture->batch, &result, &err), &err);
    row_batch_clear(&fixture->batch);
    fixture->rejected -= result.stored + result.duplicates;
    return result;
}

static void some_of_the_rejects_are_stored_and_leave_the_others_alone(void **state)
{
    struct store_fixture *fixture = *state;
    static struct walk walk;
    uint8_t bytes[80000];
    for (uint32_t n = 0; n < 300; n++) {
        const uint64_t id = 1000 + n;
        store_fixture_add_reject(fixture, &id, body_of(n, bytes));
    }
    store_fixture_commit(fixture);
    uint64_t sequences[300];
    size_t count = 0;
    for (uint32_t n = 0; n < 300; n++) {
        if (n % 3 == 1)
            continue; /* not even tried */
        const uint64_t id = 1000 + n;
        sequences[count++] = n;
        if (n % 3 == 0)
            store_fixture_add(fixture, row_of(id));
        else
            store_fixture_add_reject(fixture, &id, slice_of_text("still"));
    }
    const struct commit_result result = retry(fixture, sequences);
    fixture->committed = fixture->added;
    assert_int_equal(result.received, 200);
    assert_int_equal(result.stored, 100);
    assert_int_equal(result.rejected, 100);
    assert_int_equal(result.duplicates, 0);
    walk_from(fixture, 0, &walk);
    assert_int_equal(walk.count, 200);
    for (size_t i = 0; i < walk.count; i++) {
        const struct slice body = body_of((uint32_t)walk.sequences[i], bytes);
        assert_int_not_equal(walk.sequences[i] % 3, 0);
        assert_true(walk.hashes[i] == bytes_hash(body.data, body.len, 0));
    }
    store_fixture_compare(fixture);
    store_fixture_reopen(fixture);
    store_fixture_compare(fixture);
    /* A redelivery of what was rejected and then stored is a duplicate. */
    store_fixture_add(fixture, row_of(1000));
    fixture->added--;
    store_fixture_commit(fixture);
    assert_int_equal(store_counters(fixture->store)->duplicates, 1);
    store_fixture_compare(fixture);
}

static void the_last_reject_leaves_its_page_and_later_ones_follow(void **state)
{
    struct store_fixture *fixture = *state;
    static struct walk walk;
    const uint64_t ids[] = {1, 2};
    store_fixture_add_reject(fixture, &ids[0], slice_of_text("first"));
    store_fixture_commit(fixture);
    const uint64_t first = 0;
    store_fixture_add(fixture, row_of(1));
    (void)retry(fixture, &first);
    fixture->committed = fixture->added;
    walk_from(fixture, 0, &walk);
    assert_int_equal(walk.count, 0);
    store_fixture_add_reject(fixture, &ids[1], slice_of_text("second"));
    store_fixture_commit(fixture);
    walk_from(fixture, 0, &walk);
    assert_int_equal(walk.count, 1);
    assert_int_equal(walk.sequences[0], 1);
    store_fixture_compare(fixture);
}

static void a_body_whose_id_is_read_at_last_may_be_a_duplicate(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_add(fixture, row_of(50));
    store_fixture_add_reject(fixture, NULL, slice_of_text("has id 50"));
    store_fixture_add_reject(fixture, NULL, slice_of_text("has id 51"));
    store_fixture_add_reject(fixture, NULL, slice_of_text("has id 51 too"));
    store_fixture_commit(fixture);
    const uint64_t sequences[] = {0, 1, 2};
    store_fixture_add(fixture, row_of(51));
    const size_t one = fixture->added;
    row_batch_clear(&fixture->batch);
    fixture->added--;
    store_fixture_add(fixture, row_of(50));
    store_fixture_add(fixture, row_of(51));
    store_fixture_add(fixture, row_of(51));
    fixture->rows[one - 1] = fixture->rows[one]; /* what is new is the 51 */
    fixture->added = one;
    const struct commit_result result = retry(fixture, sequences);
    fixture->committed = fixture->added;
    assert_int_equal(result.stored, 1);
    assert_int_equal(result.duplicates, 2);
    assert_int_equal(fixture->rejected, 0);
    store_fixture_compare(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 100);
    store_fixture_compare(fixture);
}

static void a_retry_of_what_is_not_there_changes_nothing(void **state)
{
    struct store_fixture *fixture = *state;
    const uint64_t id = 7;
    store_fixture_add_reject(fixture, &id, slice_of_text("first"));
    store_fixture_commit(fixture);
    struct error err = {0};
    struct commit_result result = {0};
    const uint64_t missing = 1;
    store_fixture_add(fixture, row_of(7));
    assert_int_equal(store_retry_rejects(fixture->store, &missing, &fixture->batch, &result, &err),
                     STATUS_INPUT);
    store_fixture_forget(fixture);
    store_fixture_compare(fixture);
    const uint64_t there = 0;
    store_fixture_add(fixture, row_of(8)); /* another id than the body's */
    assert_int_equal(store_retry_rejects(fixture->store, &there, &fixture->batch, &result, &err),
                     STATUS_INPUT);
    store_fixture_forget(fixture);
    store_fixture_compare(fixture);
}

#define IN_A_STORE(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(bodies_of_any_length_come_back_byte_for_byte),
        IN_A_STORE(a_body_without_an_id_counts_once_whatever_the_commits),
        IN_A_STORE(some_of_the_rejects_are_stored_and_leave_the_others_alone),
        IN_A_STORE(the_last_reject_leaves_its_page_and_later_ones_follow),
        IN_A_STORE(a_body_whose_id_is_read_at_last_may_be_a_duplicate),
        IN_A_STORE(a_retry_of_what_is_not_there_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
