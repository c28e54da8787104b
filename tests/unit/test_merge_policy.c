/*
 * test_merge_policy.c - which parts are merged next, and that it comes to an end.
 */
#include "engine/store/merge_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define PARTS_ROOM 8192u

/* A list of parts that have rows and times only; the room is static, a test has one list. */
static struct part parts_room[PARTS_ROOM];
static struct part_list list = {.parts = parts_room, .capacity = PARTS_ROOM};
static uint64_t next_number;

static void begin_list(void)
{
    list.count = 0;
    next_number = 0;
}

static void add_part(int64_t time_ms, uint32_t rows, bool dense)
{
    assert_in_range(list.count, 0, PARTS_ROOM - 1);
    struct part *part = &list.parts[list.count++];
    *part = (struct part){.number = next_number++, .dense = dense};
    part->totals.summary.row_count = rows;
    part->totals.summary.min_time_ms = time_ms;
}

static const struct part *find(uint64_t number)
{
    for (size_t i = 0; i < list.count; i++) {
        if (list.parts[i].number == number)
            return &list.parts[i];
    }
    return NULL;
}

/* Merges what the policy chooses; false if it chooses nothing. */
static bool merge_once(enum upkeep upkeep)
{
    uint64_t chosen[PART_INPUTS_MAX];
    uint32_t count = 0;
    assert_int_equal(merge_pick(&list, upkeep, chosen, &count), STATUS_OK);
    if (count == 0)
        return false;
    uint64_t rows = 0;
    int64_t time_ms = INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct part *part = find(chosen[i]);
        assert_non_null(part);
        assert_true(i == 0 || chosen[i - 1] < chosen[i]);
        rows += part->totals.summary.row_count;
        if (part->totals.summary.min_time_ms < time_ms)
            time_ms = part->totals.summary.min_time_ms;
    }
    assert_in_range(rows, 1, UINT32_MAX);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        bool merged = false;
        for (uint32_t c = 0; c < count; c++)
            merged = merged || list.parts[i].number == chosen[c];
        if (!merged)
            list.parts[kept++] = list.parts[i];
    }
    list.count = kept;
    add_part(time_ms, (uint32_t)rows, true);
    return true;
}

static void settling_ends_with_dense_parts_that_are_left_alone(void **state)
{
    (void)state;
    const uint32_t sizes[] = {1, 500, 70000, PART_ROWS_CAP - 1, PART_ROWS_CAP, PART_ROWS_CAP + 5};
    for (uint32_t count = 0; count < 300; count += 7) {
        begin_list();
        for (uint32_t i = 0; i < count; i++)
            add_part((int64_t)(i * 37 % 101), sizes[(i * i + count) % 6], i % 3 == 0);
        uint32_t merges = 0;
        while (merge_once(UPKEEP_SETTLE))
            assert_in_range(++merges, 1, 1000);
        for (size_t i = 0; i < list.count; i++)
            assert_true(list.parts[i].dense);
    }
}

static void one_fresh_part_is_made_dense_and_then_left_alone(void **state)
{
    (void)state;
    begin_list();
    add_part(0, 10, false);
    assert_true(merge_once(UPKEEP_SETTLE));
    assert_false(merge_once(UPKEEP_SETTLE));
}

static void a_row_is_rewritten_a_few_times_beside_a_queue(void **state)
{
    (void)state;
    begin_list();
    uint64_t written = 0;
    uint64_t rewritten = 0;
    for (uint32_t fold = 0; fold < 3000; fold++) {
        add_part(fold, 65536, false);
        written += 65536;
        while (merge_once(UPKEEP_STEADY))
            rewritten += list.parts[list.count - 1].totals.summary.row_count;
        assert_in_range(list.count, 1, PARTS_MAX);
    }
    assert_in_range(rewritten / written, 1, 4);
}

static void parts_of_any_size_and_lateness_stay_few_at_a_fair_price(void **state)
{
    (void)state;
    begin_list();
    uint64_t random = 9;
    uint64_t written = 0;
    uint64_t rewritten = 0;
    for (uint32_t fold = 0; fold < 3000; fold++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint32_t rows = 1 + (uint32_t)(random >> 33) % 100000;
        const int64_t late = (random >> 20) % 5 == 0 ? (int64_t)((random >> 40) % 1000) : 0;
        add_part((int64_t)fold - late, rows, false);
        written += rows;
        while (merge_once(UPKEEP_STEADY))
            rewritten += list.parts[list.count - 1].totals.summary.row_count;
        assert_in_range(list.count, 1, PARTS_MAX);
    }
    assert_in_range(rewritten / written, 1, 5);
}

/* What a bulk load does: so many commits of so many rows each. Returns the rows written again. */
static uint64_t load_in_bulk(uint32_t commits, uint32_t rows)
{
    uint64_t rewritten = 0;
    for (uint32_t commit = 0; commit < commits; commit++) {
        add_part(commit, rows, false);
        while (merge_once(UPKEEP_BULK))
            rewritten += list.parts[list.count - 1].totals.summary.row_count;
        assert_in_range(list.count, 1, LARGE_PARTS_MAX);
    }
    return rewritten;
}

static void reading_a_set_rewrites_no_large_part_until_there_are_very_many(void **state)
{
    (void)state;
    begin_list();
    assert_int_equal(load_in_bulk(LARGE_PARTS_MAX, 700000), 0);
    assert_int_equal(list.count, LARGE_PARTS_MAX);
    begin_list();
    assert_int_equal(load_in_bulk(LARGE_PARTS_MAX, TIER_ROWS_FIRST), 0);
}

static void a_row_of_a_huge_set_is_rewritten_once_at_most(void **state)
{
    (void)state;
    begin_list();
    const uint32_t commits = 8 * LARGE_PARTS_MAX;
    const uint64_t rewritten = load_in_bulk(commits, 700000);
    assert_in_range(rewritten, 1, (uint64_t)commits * 700000);
}

static void small_parts_of_a_set_stay_few_and_leave_large_ones_alone(void **state)
{
    (void)state;
    begin_list();
    uint64_t written = 0;
    uint64_t rewritten = 0;
    for (uint32_t commit = 0; commit < 400; commit++) {
        add_part(commit, 700000, false);
        add_part(commit, 1000, false);
        written += 1000;
        while (merge_once(UPKEEP_BULK)) {
            const uint64_t rows = list.parts[list.count - 1].totals.summary.row_count;
            assert_in_range(rows, 1, 400000);
            rewritten += rows;
        }
        uint32_t small = 0;
        for (size_t i = 0; i < list.count; i++)
            small += list.parts[i].totals.summary.row_count < TIER_ROWS_FIRST;
        assert_in_range(small, 1, PARTS_MAX);
        assert_int_equal(list.count - small, commit + 1);
    }
    assert_in_range(rewritten / written, 0, 2);
}

static void a_bulk_load_is_merged_when_messages_come_from_a_queue_again(void **state)
{
    (void)state;
    begin_list();
    (void)load_in_bulk(150, 700000);
    assert_int_equal(list.count, 150);
    uint64_t rewritten = 0;
    while (merge_once(UPKEEP_STEADY))
        rewritten += list.parts[list.count - 1].totals.summary.row_count;
    assert_in_range(list.count, 1, 20);
    assert_in_range(rewritten, 1, UINT64_C(2) * 150 * 700000);
}

static void settling_reads_a_bulk_load_once(void **state)
{
    (void)state;
    begin_list();
    (void)load_in_bulk(LARGE_PARTS_MAX, 700000);
    uint64_t rewritten = 0;
    while (merge_once(UPKEEP_SETTLE))
        rewritten += list.parts[list.count - 1].totals.summary.row_count;
    assert_int_equal(rewritten, (uint64_t)LARGE_PARTS_MAX * 700000);
    assert_in_range(list.count, 1, 1 + rewritten / (PART_ROWS_CAP - 700000));
}

static void a_part_at_the_cap_is_not_written_again_beside_a_queue(void **state)
{
    (void)state;
    begin_list();
    for (uint32_t i = 0; i < 2 * PARTS_MAX; i++)
        add_part(i, PART_ROWS_CAP, true);
    for (uint32_t fold = 0; fold < 500; fold++) {
        add_part(fold * 37 % (2 * PARTS_MAX), 8192, false);
        while (merge_once(UPKEEP_STEADY)) {
            const uint64_t rows = list.parts[list.count - 1].totals.summary.row_count;
            assert_in_range(rows, 1, 500 * 8192);
        }
        assert_in_range(list.count, 1, 3 * PARTS_MAX);
    }
}

static void a_part_never_gets_more_rows_than_it_can_count(void **state)
{
    (void)state;
    begin_list();
    for (uint32_t i = 0; i < 2 * LARGE_PARTS_MAX; i++)
        add_part(i, UINT32_MAX / 4, true);
    assert_false(merge_once(UPKEEP_BULK));
    assert_false(merge_once(UPKEEP_STEADY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settling_ends_with_dense_parts_that_are_left_alone),
        cmocka_unit_test(one_fresh_part_is_made_dense_and_then_left_alone),
        cmocka_unit_test(a_row_is_rewritten_a_few_times_beside_a_queue),
        cmocka_unit_test(parts_of_any_size_and_lateness_stay_few_at_a_fair_price),
        cmocka_unit_test(reading_a_set_rewrites_no_large_part_until_there_are_very_many),
        cmocka_unit_test(a_row_of_a_huge_set_is_rewritten_once_at_most),
        cmocka_unit_test(small_parts_of_a_set_stay_few_and_leave_large_ones_alone),
        cmocka_unit_test(a_bulk_load_is_merged_when_messages_come_from_a_queue_again),
        cmocka_unit_test(settling_reads_a_bulk_load_once),
        cmocka_unit_test(a_part_at_the_cap_is_not_written_again_beside_a_queue),
        cmocka_unit_test(a_part_never_gets_more_rows_than_it_can_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
