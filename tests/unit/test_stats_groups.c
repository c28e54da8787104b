/*
 * test_stats_groups.c - dense groups: the same entries as looked up ones, for several threads.
 */
#include "engine/base/mem.h"
#include "query/aggregate/stats_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define GROUPS 5u

static struct slice name_of(const void *context, uint32_t group)
{
    const struct slice *names = context;
    return names[group];
}

static void count_value(struct stats_groups *groups, uint32_t group)
{
    size_t entry = 0;
    assert_int_equal(stats_groups_find(groups, group, 0, &entry), STATUS_OK);
    stats_groups_at(groups, entry, 0)->count++;
}

static void dense_groups_come_by_name_without_those_unseen(void **state)
{
    (void)state;
    const struct slice names[GROUPS] = {slice_of_text("d"), slice_of_text("a"), slice_of_text("e"),
                                        slice_of_text("c"), slice_of_text("b")};
    const uint32_t by_name[GROUPS] = {1, 4, 3, 0, 2};
    const uint32_t seen[] = {2, 0, 4, 0};
    struct stats_groups both[2];
    for (size_t dense = 0; dense < 2; dense++) {
        stats_groups_init(&both[dense], 1, GROUPS);
        if (dense)
            assert_int_equal(stats_groups_make_dense(&both[dense]), STATUS_OK);
        for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
            count_value(&both[dense], seen[i]);
        stats_groups_settle(&both[dense]);
        assert_int_equal(both[dense].count, 3);
        uint32_t *order = NULL;
        assert_int_equal(stats_groups_sort(&both[dense], by_name, name_of, names, &order),
                         STATUS_OK);
        const uint32_t expected[] = {4, 0, 2};
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(stats_groups_group(&both[dense], order[i]), expected[i]);
            assert_int_equal(stats_groups_bucket_ms(&both[dense], order[i]), 0);
            assert_int_equal(stats_groups_at(&both[dense], order[i], 0)->count,
                             expected[i] == 0 ? 2 : 1);
        }
        mem_free(order);
        stats_groups_release(&both[dense]);
    }
    assert_int_equal(mem_live_blocks(), 0);
}

static void what_a_borrower_finds_is_the_owners(void **state)
{
    (void)state;
    struct stats_groups owner;
    struct stats_groups borrower;
    stats_groups_init(&owner, 1, GROUPS);
    assert_int_equal(stats_groups_make_dense(&owner), STATUS_OK);
    stats_groups_borrow(&borrower, &owner);
    count_value(&borrower, 3);
    count_value(&owner, 1);
    stats_groups_release(&borrower);
    stats_groups_settle(&owner);
    assert_int_equal(owner.count, 2);
    assert_int_equal(stats_groups_at(&owner, 3, 0)->count, 1);
    stats_groups_release(&owner);
    assert_int_equal(mem_live_blocks(), 0);
}

static void too_many_groups_are_looked_up(void **state)
{
    (void)state;
    struct stats_groups groups;
    stats_groups_init(&groups, 2, STATS_DENSE_MAX / 2 + 1);
    assert_int_equal(stats_groups_make_dense(&groups), STATUS_OK);
    assert_null(groups.seen);
    count_value(&groups, 7);
    assert_int_equal(groups.count, 1);
    stats_groups_release(&groups);
    assert_int_equal(mem_live_blocks(), 0);
}

static void every_failed_request_for_memory_is_said(void **state)
{
    (void)state;
    for (long nth = 0; nth < 2; nth++) {
        struct stats_groups groups;
        stats_groups_init(&groups, 1, GROUPS);
        mem_fail_at(nth);
        assert_int_equal(stats_groups_make_dense(&groups), STATUS_NOMEM);
        mem_fail_at(-1);
        stats_groups_release(&groups);
        assert_int_equal(mem_live_blocks(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_groups_come_by_name_without_those_unseen),
        cmocka_unit_test(what_a_borrower_finds_is_the_owners),
        cmocka_unit_test(too_many_groups_are_looked_up),
        cmocka_unit_test(every_failed_request_for_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
