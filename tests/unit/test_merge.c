/*
 * test_merge.c - merges of many steps: interrupted, read beside, over both tables.
 *
 * ctest: slow timeout=300
 */
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define STEPS_MAX 10000u

/* A reading whose values are incompressible, so that a merge takes several steps. */
static void add_noise(struct store_fixture *fixture, uint32_t count, uint32_t devices)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t number = fixture->added;
        const uint64_t noise = (uint64_t)store_fixture_draw(fixture, 1u << 30) << 24 |
                               store_fixture_draw(fixture, 1u << 24);
        store_fixture_add(
            fixture,
            (struct fixture_row){
                .device = (uint32_t)(number % devices),
                .time_ms = FIXTURE_TIME_MS + (int64_t)store_fixture_draw(fixture, 1u << 28),
                .id = FIXTURE_ID + number * 4096 * 977 + store_fixture_draw(fixture, 4096),
                .metric_count = 2,
                .value = (int64_t)noise,
            });
    }
}

static void add_states(struct store_fixture *fixture, uint32_t count, uint32_t devices)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t number = fixture->added;
        store_fixture_add(fixture, (struct fixture_row){
                                       .table = TABLE_STATUS,
                                       .device = (uint32_t)(number % devices),
                                       .time_ms = FIXTURE_TIME_MS +
                                                  (int64_t)store_fixture_draw(fixture, 1u << 28),
                                       .id = FIXTURE_ID + number * 4096 * 977,
                                       .value = (int64_t)(number % 2),
                                   });
    }
}

static void commit_parts(struct store_fixture *fixture, uint32_t parts, uint32_t rows,
                         uint32_t devices)
{
    for (uint32_t part = 0; part < parts; part++) {
        add_noise(fixture, rows, devices);
        add_states(fixture, rows / 10, devices);
        store_fixture_commit(fixture);
        /* Folds only: a merge has nothing to do yet, or goes one step. */
        (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 1);
    }
}

static void a_merge_interrupted_after_any_step_goes_on_where_it_stopped(void **state)
{
    struct store_fixture *fixture = *state;
    commit_parts(fixture, 3, 9000, 7);
    uint32_t steps = 0;
    while (store_fixture_maintain(fixture, UPKEEP_SETTLE, 1) == 1) {
        steps++;
        store_fixture_compare(fixture);
        if (steps % 2 == 0)
            store_fixture_reopen(fixture);
    }
    assert_in_range(steps, 6, 1000); /* several, or the test shows nothing */
    store_fixture_compare(fixture);
    assert_int_equal(store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX), 0);
}

static void commits_and_folds_go_on_beside_an_unfinished_merge(void **state)
{
    struct store_fixture *fixture = *state;
    commit_parts(fixture, 3, 9000, 5);
    for (int round = 0; round < 6; round++) {
        (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 2);
        add_noise(fixture, 700, 5);
        store_fixture_commit(fixture);
        if (round % 3 == 1)
            store_fixture_reopen(fixture);
        store_fixture_compare(fixture);
    }
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    store_fixture_compare(fixture);
}

static void a_snapshot_answers_the_same_while_parts_are_merged_away(void **state)
{
    struct store_fixture *fixture = *state;
    commit_parts(fixture, 3, 9000, 7);
    const size_t before = fixture->committed;
    struct snapshot *early = store_fixture_snapshot(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 3);
    const size_t middle = fixture->committed;
    struct snapshot *half = store_fixture_snapshot(fixture);
    for (int round = 0; round < 4; round++) {
        add_noise(fixture, 500, 7);
        store_fixture_commit(fixture);
        (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 2);
        store_fixture_compare_snapshot(fixture, early, before);
        store_fixture_compare_snapshot(fixture, half, middle);
    }
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    store_fixture_compare_snapshot(fixture, early, before);
    store_fixture_compare_snapshot(fixture, half, middle);
    struct error err = {0};
    snapshot_pause(early);
    assert_int_equal(snapshot_resume(early, &err), STATUS_OK);
    store_fixture_compare_snapshot(fixture, early, fixture->committed);
    snapshot_close(early);
    snapshot_close(half);
    store_fixture_compare(fixture);
}

static void wide_fleets_share_blocks_and_are_found_by_device_and_time(void **state)
{
    struct store_fixture *fixture = *state;
    commit_parts(fixture, 4, 6000, 2500);
    store_fixture_compare(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 3);
    store_fixture_compare(fixture);
    store_fixture_reopen(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    store_fixture_compare(fixture);
}

static void large_commits_are_merged_in_steps(void **state)
{
    struct store_fixture *fixture = *state;
    for (int i = 0; i < 2; i++) {
        add_noise(fixture, 66000, 40);
        store_fixture_commit(fixture);
    }
    store_fixture_compare(fixture);
    uint32_t steps = 0;
    while (store_fixture_maintain(fixture, UPKEEP_SETTLE, 1) == 1) {
        if (++steps % 8 == 0) {
            store_fixture_reopen(fixture);
            store_fixture_compare(fixture);
        }
    }
    assert_in_range(steps, 8, 1000);
    store_fixture_compare(fixture);
}

static void the_ends_of_time_and_of_ids_are_kept_and_found(void **state)
{
    struct store_fixture *fixture = *state;
    const int64_t times[] = {
        ROW_TIME_MS_FIRST, ROW_TIME_MS_FIRST + 1, -1, 0, 1, ROW_TIME_MS_LAST - 1, ROW_TIME_MS_LAST,
    };
    const uint64_t ids[] = {0, 1, UINT64_MAX - 1, UINT64_MAX, UINT64_C(1) << 63};
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 7; i++) {
            const uint32_t number = round * 7 + i;
            store_fixture_add(fixture, (struct fixture_row){
                                           .table = number % 4 == 3 ? TABLE_STATUS : TABLE_READINGS,
                                           .device = number % 2,
                                           .time_ms = times[i],
                                           .id = number < 5 ? ids[number] : 1000 + number,
                                           .metric_count = 1,
                                           .value = number % 2,
                                       });
        }
        store_fixture_commit(fixture);
        store_fixture_compare(fixture);
        (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 1);
        store_fixture_compare(fixture);
    }
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    store_fixture_compare(fixture);
}

static void rows_of_hundreds_of_metrics_are_merged(void **state)
{
    struct store_fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        store_fixture_add_many(fixture, 300, 4, 350);
        store_fixture_commit(fixture);
        (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 1);
    }
    store_fixture_compare(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    store_fixture_compare(fixture);
}

static void a_row_may_have_a_hundred_thousand_cells(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_add_many(fixture, 10, 2, 3);
    store_fixture_add_many(fixture, 1, 1, 100000);
    store_fixture_add_many(fixture, 10, 2, 3);
    store_fixture_commit(fixture);
    store_fixture_compare(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    store_fixture_compare(fixture);
}

#define IN_A_STORE(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(a_merge_interrupted_after_any_step_goes_on_where_it_stopped),
        IN_A_STORE(commits_and_folds_go_on_beside_an_unfinished_merge),
        IN_A_STORE(a_snapshot_answers_the_same_while_parts_are_merged_away),
        IN_A_STORE(wide_fleets_share_blocks_and_are_found_by_device_and_time),
        IN_A_STORE(large_commits_are_merged_in_steps),
        IN_A_STORE(the_ends_of_time_and_of_ids_are_kept_and_found),
        IN_A_STORE(rows_of_hundreds_of_metrics_are_merged),
        IN_A_STORE(a_row_may_have_a_hundred_thousand_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
