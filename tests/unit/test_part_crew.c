/*
 * test_part_crew.c - large commits built by several threads: the same values under the same keys
 * as built by one, whatever the lengths of devices and the widths of rows.
 *
 * ctest: threads
 */
#include "engine/base/mem.h"
#include "engine/kv/kv.h"
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROWS_MIN 100000u

/* Lengths around which blocks end. */
static const uint32_t lengths[] = {1, 2, 255, 256, 257, 1023, 1024, 1025, 1279, 1281, 2048, 3000};
#define LENGTH_COUNT (sizeof lengths / sizeof lengths[0])

/* The two stores get the same messages. */
struct pair {
    struct store_fixture alone;
    struct store_fixture shared;
    uint64_t next_id;
};

static int set_up(void **state)
{
    static struct pair pair;
    pair = (struct pair){.next_id = FIXTURE_ID};
    store_fixture_open(&pair.alone);
    store_fixture_open(&pair.shared);
    store_share_work(pair.shared.store, 3);
    *state = &pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;
    store_fixture_drop(&pair->alone);
    store_fixture_drop(&pair->shared);
    return 0;
}

static void add(struct pair *pair, uint32_t device, uint32_t second, uint32_t metric_count)
{
    const uint64_t id = pair->next_id++;
    const struct fixture_row row = {
        .table = TABLE_READINGS,
        .device = device,
        .time_ms = FIXTURE_TIME_MS + (int64_t)second * 1000,
        .id = id,
        .metric_count = metric_count,
        .value = (int64_t)(id * UINT64_C(2654435761) % 5000),
    };
    store_fixture_add(&pair->alone, row);
    store_fixture_add(&pair->shared, row);
}

/* Devices of all lengths; every `wide_every`-th row has `wide` metrics, the others two. */
static void add_devices(struct pair *pair, uint32_t device, uint32_t wide_every, uint32_t wide)
{
    uint32_t rows = 0;
    for (; rows < ROWS_MIN; device++) {
        const uint32_t length = lengths[store_fixture_draw(&pair->alone, LENGTH_COUNT)];
        for (uint32_t i = 0; i < length; i++, rows++)
            add(pair, device, i, wide_every > 0 && (rows + 1) % wide_every == 0 ? wide : 2);
    }
}

static struct kv_cursor *open_cursor(struct store *store, struct kv_txn **txn)
{
    struct error err = {0};
    struct kv_cursor *cursor = NULL;
    store_fixture_must(kv_begin(store_kv(store), false, txn, &err), &err);
    store_fixture_must(kv_cursor_open(*txn, &cursor, &err), &err);
    return cursor;
}

static void assert_same_slice(struct slice a, struct slice b)
{
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
}

/* Entries of one type of key. */
static size_t compare_type(struct kv_cursor *alone, struct kv_cursor *shared, uint8_t type)
{
    struct error err = {0};
    const struct slice prefix = slice_of(&type, 1);
    struct kv_entry one;
    struct kv_entry other;
    size_t count = 0;
    store_fixture_must(kv_seek_ceiling(alone, prefix, prefix, &one, &err), &err);
    store_fixture_must(kv_seek_ceiling(shared, prefix, prefix, &other, &err), &err);
    for (; one.found && other.found; count++) {
        assert_same_slice(one.key, other.key);
        assert_same_slice(one.value, other.value);
        store_fixture_must(kv_next(alone, prefix, &one, &err), &err);
        store_fixture_must(kv_next(shared, prefix, &other, &err), &err);
    }
    assert_false(one.found || other.found);
    return count;
}

static void compare(const struct pair *pair)
{
    struct kv_txn *alone_txn = NULL;
    struct kv_txn *shared_txn = NULL;
    struct kv_cursor *alone = open_cursor(pair->alone.store, &alone_txn);
    struct kv_cursor *shared = open_cursor(pair->shared.store, &shared_txn);
    size_t count = 0;
    for (unsigned type = 1; type <= UINT8_MAX; type++)
        count += compare_type(alone, shared, (uint8_t)type);
    assert_in_range(count, 3, SIZE_MAX);
    kv_cursor_close(alone);
    kv_cursor_close(shared);
    kv_abort(alone_txn);
    kv_abort(shared_txn);
}

static void commit_and_compare(struct pair *pair)
{
    store_fixture_commit(&pair->alone);
    store_fixture_commit(&pair->shared);
    compare(pair);
}

static void a_part_built_by_many_is_that_built_by_one(void **state)
{
    struct pair *pair = *state;
    for (uint32_t round = 0; round < 3; round++) {
        add_devices(pair, 1000 * round, 0, 0);
        commit_and_compare(pair);
    }
    store_fixture_compare(&pair->shared);
}

static void rows_that_are_unlike_change_nothing(void **state)
{
    struct pair *pair = *state;
    add_devices(pair, 0, 37, 5);
    commit_and_compare(pair);
}

static void rows_wide_enough_to_fill_a_block_change_nothing(void **state)
{
    struct pair *pair = *state;
    add_devices(pair, 0, 4999, 2000);
    commit_and_compare(pair);
}

static void one_device_is_parted_too(void **state)
{
    struct pair *pair = *state;
    for (uint32_t i = 0; i < ROWS_MIN; i++)
        add(pair, 7, i, 1);
    commit_and_compare(pair);
}

#ifdef MNSDB_TEST_FAULTS
/* With memory that fails at some place or other, nothing is stored; then all of it is. */
static void without_memory_nothing_is_built_by_halves(void **state)
{
    struct pair *pair = *state;
    struct error err = {0};
    add_devices(pair, 0, 37, 5);
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth += 1 + nth / 4) {
        mem_fail_at(nth);
        status = store_fixture_try_commit(&pair->shared, &err);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
    }
    store_fixture_commit(&pair->alone);
    store_fixture_compare(&pair->shared);
    compare(pair);
}
#endif

static void small_commits_and_empty_stores_need_no_help(void **state)
{
    struct pair *pair = *state;
    for (uint32_t i = 0; i < 100; i++)
        add(pair, i, 0, 1);
    commit_and_compare(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_part_built_by_many_is_that_built_by_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rows_that_are_unlike_change_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_wide_enough_to_fill_a_block_change_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_device_is_parted_too, set_up, tear_down),
#ifdef MNSDB_TEST_FAULTS
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_built_by_halves, set_up,
                                        tear_down),
#endif
        cmocka_unit_test_setup_teardown(small_commits_and_empty_stores_need_no_help, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
