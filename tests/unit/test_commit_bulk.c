/*
 * test_commit_bulk.c - large commits: rows in any order, names numbered unlike the store's, ids in
 * any order and more than once.
 */
#include "engine/base/mem.h"
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MESSAGES 70000u /* a commit of so many becomes parts at once */
#define SPREAD   70001u /* a prime: multiples of a number, modulo it, come in a scattered order */

/* The next batch numbers its names anew, in its own order. */
static void forget_names(struct store_fixture *fixture)
{
    row_batch_release(&fixture->batch);
}

/* Ids far from order, late rows, and devices with metrics of their own. */
static void add_scattered(struct store_fixture *fixture)
{
    for (uint32_t i = 0; i < MESSAGES; i++) {
        const uint32_t device = store_fixture_draw(fixture, 40);
        const uint64_t place = (uint64_t)i * 31337 % SPREAD;
        const int64_t late_ms = store_fixture_draw(fixture, 10) == 0 ? 30000 : 0;
        store_fixture_add(fixture,
                          (struct fixture_row){
                              .table = device == 7 ? TABLE_STATUS : TABLE_READINGS,
                              .device = device,
                              .time_ms = FIXTURE_TIME_MS + (int64_t)i * 100 - late_ms,
                              .id = FIXTURE_ID + (place << 22),
                              .metric_first = device < 20 ? 1 : store_fixture_draw(fixture, 5),
                              .metric_count = device < 20 ? 2 : device % 5,
                              .value = device == 7 ? (int64_t)(i % 2)
                                                   : (int64_t)store_fixture_draw(fixture, 100000),
                          });
    }
}

static struct commit_result commit_again(struct store_fixture *fixture)
{
    struct row_batch *batches[] = {&fixture->batch};
    struct commit_result result = {0};
    struct error err = {0};
    store_fixture_must(store_commit(fixture->store, batches, 1, &result, &err), &err);
    return result;
}

static void a_large_commit_keeps_rows_in_any_order(void **state)
{
    struct store_fixture *fixture = *state;
    /* The store knows the higher metrics first. */
    store_fixture_add(fixture, (struct fixture_row){.device = 39,
                                                    .time_ms = FIXTURE_TIME_MS,
                                                    .id = 5,
                                                    .metric_first = 3,
                                                    .metric_count = 4,
                                                    .value = 1});
    store_fixture_commit(fixture);
    forget_names(fixture);
    add_scattered(fixture);
    store_fixture_commit(fixture);
    store_fixture_compare(fixture);
    store_fixture_reopen(fixture);
    store_fixture_compare(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 10000);
    store_fixture_compare(fixture);
}

static void a_replay_of_a_large_commit_is_all_duplicates(void **state)
{
    struct store_fixture *fixture = *state;
    add_scattered(fixture);
    struct commit_result result = commit_again(fixture);
    assert_int_equal(result.stored, MESSAGES);
    fixture->committed = fixture->added;
    result = commit_again(fixture);
    assert_int_equal(result.stored, 0);
    assert_int_equal(result.duplicates, MESSAGES);
    row_batch_clear(&fixture->batch);
    store_fixture_compare(fixture);
}

/* Adds a reading; a second one of the same id is not in the list of what must be held. */
static void add_delivery(struct store_fixture *fixture, uint64_t id, int64_t value, bool first)
{
    store_fixture_add(fixture, (struct fixture_row){.device = 1,
                                                    .time_ms = FIXTURE_TIME_MS + (int64_t)id,
                                                    .id = id,
                                                    .metric_count = 1,
                                                    .value = value});
    if (!first)
        fixture->added--;
}

static void of_equal_ids_the_first_to_arrive_stays_wherever_it_sorts(void **state)
{
    struct store_fixture *fixture = *state;
    const uint64_t ids[] = {100, 300, 200, 200, 300, 100, 400, 250, 250, 400, 200, 50, 50};
    const size_t count = sizeof ids / sizeof ids[0];
    size_t duplicates = 0;
    for (size_t i = 0; i < count; i++) {
        bool first = true;
        for (size_t before = 0; before < i; before++)
            first = first && ids[before] != ids[i];
        add_delivery(fixture, ids[i], (int64_t)i, first);
        duplicates += !first;
    }
    const struct commit_result result = commit_again(fixture);
    assert_int_equal(result.duplicates, duplicates);
    assert_int_equal(result.stored, count - duplicates);
    fixture->committed = fixture->added;
    row_batch_clear(&fixture->batch);
    store_fixture_compare(fixture);
}

#ifdef MNSDB_TEST_FAULTS
/*
 * Values that must be copied, rows that are not alike: whatever a failed commit left in memory that
 * is used again does not come into the next one.
 */
static void a_scattered_commit_survives_failed_allocations(void **state)
{
    struct store_fixture *fixture = *state;
    add_scattered(fixture);
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth += 1 + nth / 3) {
        struct error err = {0};
        assert_in_range(nth, 0, 30000);
        mem_fail_at(nth);
        status = store_fixture_try_commit(fixture, &err);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(store_counters(fixture->store)->stored, fixture->committed);
    }
    store_fixture_compare(fixture);
    store_fixture_reopen(fixture);
    store_fixture_compare(fixture);
}
#endif

/* --- devices by the numbers that all decoders share ----------------------------------------- */

/* A reading of a device that has its number from the store's known devices. */
static void add_known(struct store_fixture *fixture, uint32_t device, uint32_t place)
{
    const struct fixture_row row = {
        .device = device,
        .time_ms = FIXTURE_TIME_MS + (int64_t)place * 1000,
        .id = FIXTURE_ID + place,
        .metric_count = 1,
        .value = device,
    };
    store_fixture_add(fixture, row);
    struct row_batch *const batch = &fixture->batch;
    struct row *const added = &batch->rows[TABLE_READINGS][batch->row_count[TABLE_READINGS] - 1];
    char name[32];
    (void)snprintf(name, sizeof name, "pk/d%u", device);
    batch->known_devices = store_known_devices(fixture->store);
    assert_int_equal(row_batch_device(batch, slice_of_text(name), &added->device), STATUS_OK);
    assert_true(added->device & ROW_DEVICE_KNOWN);
}

static void known_devices_are_those_of_the_store_and_new_ones(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_add_many(fixture, 30, 10, 1);
    store_fixture_commit(fixture);
    for (uint32_t i = 0; i < 100; i++)
        add_known(fixture, (i + 5) % 20, 1000000 + i);
    store_fixture_commit(fixture);
    for (uint32_t i = 0; i < MESSAGES; i++)
        add_known(fixture, i * 7 % 25, 2000000 + i);
    store_fixture_commit(fixture);
    assert_int_equal(store_counters(fixture->store)->devices, 25);
    store_fixture_compare(fixture);
}

#ifdef MNSDB_TEST_FAULTS
/* Each try brings other devices first: numbers of the one that failed would be others' now. */
static void numbers_that_a_failed_commit_gave_are_given_anew(void **state)
{
    struct store_fixture *fixture = *state;
    enum status status = STATUS_NOMEM;
    uint32_t failures = 0;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct error err = {0};
        assert_in_range(nth, 0, 3000);
        store_fixture_forget(fixture);
        for (uint32_t i = 0; i < 40; i++)
            add_known(fixture, (uint32_t)nth * 11 % 97 + i, i);
        mem_fail_at(nth);
        status = store_fixture_try_commit(fixture, &err);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        failures += status != STATUS_OK;
    }
    assert_true(failures > 3);
    store_fixture_compare(fixture);
    store_fixture_reopen(fixture);
    store_fixture_compare(fixture);
}
#endif

#define TEST(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_large_commit_keeps_rows_in_any_order),
        TEST(a_replay_of_a_large_commit_is_all_duplicates),
        TEST(of_equal_ids_the_first_to_arrive_stays_wherever_it_sorts),
        TEST(known_devices_are_those_of_the_store_and_new_ones),
#ifdef MNSDB_TEST_FAULTS
        TEST(numbers_that_a_failed_commit_gave_are_given_anew),
        TEST(a_scattered_commit_survives_failed_allocations),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
