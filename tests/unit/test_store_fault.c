/*
 * test_store_fault.c - memory or disk gives out at any point: the store stays as it was and goes on
 * once there is room.
 *
 * ctest: slow timeout=300 threads
 */
#include "engine/base/mem.h"
#include "tests/unit/store_fixture.h"

#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BULK_ROWS 66000u
#define STEPS_MAX 10000u

/* A file may not grow beyond: as if the disk were full. */
static void limit_file_bytes(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Something that a store does, under a fault. */
typedef enum status operation(struct store_fixture *fixture, struct error *err);

static enum status commit(struct store_fixture *fixture, struct error *err)
{
    return store_fixture_try_commit(fixture, err);
}

static enum status maintain(struct store_fixture *fixture, struct error *err)
{
    bool more = false;
    return store_maintain(fixture->store, UPKEEP_SETTLE, &more, err);
}

/* The counters that the writer shows are those of the last commit that succeeded. */
static void assert_counters(const struct store_fixture *fixture)
{
    const struct store_counters *counters = store_counters(fixture->store);
    assert_int_equal(counters->stored, fixture->committed);
    assert_int_equal(counters->rejected, fixture->rejected);
}

/* Fails the n-th allocation for growing n until the operation succeeds. */
static void sweep_memory(struct store_fixture *fixture, operation *run, long allocations_max)
{
    enum status status = STATUS_NOMEM;
    long compare_at = 8;
    for (long nth = 0; status != STATUS_OK; nth += 1 + nth / 12) {
        struct error err = {0};
        assert_in_range(nth, 0, allocations_max);
        mem_fail_at(nth);
        status = run(fixture, &err);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_true(status == STATUS_OK || err.message[0] != '\0');
        assert_counters(fixture);
        if (nth >= compare_at) {
            store_fixture_compare(fixture);
            compare_at *= 2;
        }
    }
    store_fixture_compare(fixture);
}

static void a_small_commit_survives_every_failed_allocation(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_add_many(fixture, 30, 3, 2);
    store_fixture_commit(fixture);
    const uint64_t id = 7;
    store_fixture_add_many(fixture, 200, 400, 3);
    store_fixture_add_reject(fixture, &id, slice_of_text("{broken"));
    store_fixture_add_reject(fixture, NULL, slice_of_text("no id"));
    sweep_memory(fixture, commit, 3000);
    store_fixture_reopen(fixture);
    store_fixture_compare(fixture);
}

static void a_large_commit_survives_failed_allocations(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_add_many(fixture, 30, 3, 2);
    store_fixture_commit(fixture);
    store_fixture_add_many(fixture, BULK_ROWS, 700, 2);
    sweep_memory(fixture, commit, 30000);
    store_fixture_reopen(fixture);
    store_fixture_compare(fixture);
}

static void fold_and_merge_survive_failed_allocations(void **state)
{
    struct store_fixture *fixture = *state;
    for (int part = 0; part < 3; part++) {
        store_fixture_add_many(fixture, 9000, 700, 3);
        store_fixture_commit(fixture);
        sweep_memory(fixture, maintain, 10000); /* the fold */
    }
    for (int step = 0; step < 4; step++)
        sweep_memory(fixture, maintain, 10000);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    store_fixture_compare(fixture);
}

/* The rejects of the fixture, ids 1 to 40, are stored: each has a row now. */
static enum status retry(struct store_fixture *fixture, struct error *err)
{
    uint64_t sequences[40];
    struct commit_result result = {0};
    for (uint64_t i = 0; i < 40; i++)
        sequences[i] = i;
    TRY(store_retry_rejects(fixture->store, sequences, &fixture->batch, &result, err));
    assert_int_equal(result.stored, 40);
    fixture->committed = fixture->added;
    fixture->rejected = 0;
    return STATUS_OK;
}

static void a_retry_of_rejects_survives_every_failed_allocation(void **state)
{
    struct store_fixture *fixture = *state;
    for (uint64_t id = 1; id <= 40; id++)
        store_fixture_add_reject(fixture, id % 2 == 0 ? &id : NULL, slice_of(&id, sizeof id));
    store_fixture_commit(fixture);
    for (uint64_t id = 1; id <= 40; id++) {
        store_fixture_add(fixture, (struct fixture_row){.device = (uint32_t)id,
                                                        .time_ms = FIXTURE_TIME_MS,
                                                        .id = id,
                                                        .metric_count = 2});
    }
    sweep_memory(fixture, retry, 5000);
}

/* --- reading --- */

struct counting {
    uint64_t rows;
};

static enum status add_rows(void *context, const struct row_vector *rows, uint32_t from,
                            uint32_t until)
{
    (void)rows;
    struct counting *counting = context;
    counting->rows += until - from;
    return STATUS_OK;
}

static enum status count_rows(struct snapshot *snapshot, bool ordered, struct counting *counting,
                              struct error *err)
{
    const struct scan_spec spec = {
        .table = TABLE_READINGS,
        .from_ms = TIME_MS_MIN,
        .until_ms = TIME_MS_MAX,
        .columns = {.all_metrics = true},
        .ordered = ordered,
    };
    const struct scan_visitor visitor = {.context = counting, .rows = add_rows};
    struct scan_statistics statistics = {0};
    return snapshot_scan(snapshot, &spec, &visitor, &statistics, err);
}

static void count_problem(void *context, const char *thing, const char *what)
{
    (void)thing;
    (void)what;
    (*(unsigned *)context)++;
}

static enum status read_snapshot(const struct store_fixture *fixture, struct snapshot *snapshot,
                                 struct error *err)
{
    struct counting counting = {0};
    unsigned problems = 0;
    TRY(count_rows(snapshot, false, &counting, err));
    TRY(count_rows(snapshot, true, &counting, err));
    assert_int_equal(counting.rows, 2 * fixture->committed);
    const uint64_t id = FIXTURE_ID;
    bool held = false;
    TRY(snapshot_seen(snapshot, &id, 1, &held, err));
    assert_true(held);
    TRY(snapshot_verify(snapshot, count_problem, &problems, err));
    assert_int_equal(problems, 0);
    return STATUS_OK;
}

static enum status read_all(struct store_fixture *fixture, struct error *err)
{
    struct snapshot *snapshot = NULL;
    TRY(snapshot_open_beside(&snapshot, fixture->store, err));
    const enum status status = read_snapshot(fixture, snapshot, err);
    snapshot_close(snapshot);
    return status;
}

/* Backs up to a directory beside the store's, and removes it again. */
static enum status back_up(struct store_fixture *fixture, struct error *err)
{
    struct snapshot *snapshot = NULL;
    char copy[300];
    char file[320];
    (void)snprintf(copy, sizeof copy, "%s-copy", fixture->dir);
    (void)snprintf(file, sizeof file, "%s/data.mdb", copy);
    TRY(snapshot_open_beside(&snapshot, fixture->store, err));
    const enum status status = snapshot_backup(snapshot, copy, err);
    snapshot_close(snapshot);
    const bool there = access(copy, F_OK) == 0;
    assert_int_equal(there, status == STATUS_OK);
    (void)unlink(file);
    (void)rmdir(copy);
    return status;
}

static void a_backup_that_fails_leaves_nothing_behind(void **state)
{
    struct store_fixture *fixture = *state;
    (void)signal(SIGXFSZ, SIG_IGN);
    store_fixture_add_many(fixture, 3000, 700, 3);
    store_fixture_commit(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 1);
    sweep_memory(fixture, back_up, 5000);
    limit_file_bytes((rlim_t)16 << 10);
    struct error err = {0};
    assert_int_equal(back_up(fixture, &err), STATUS_FULL);
    limit_file_bytes(RLIM_INFINITY);
    assert_int_equal(back_up(fixture, &err), STATUS_OK);
    char pattern[300];
    glob_t found = {0};
    (void)snprintf(pattern, sizeof pattern, "%s-copy*", fixture->dir);
    assert_int_equal(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
    globfree(&found);
}

static void a_reader_survives_every_failed_allocation(void **state)
{
    struct store_fixture *fixture = *state;
    for (int part = 0; part < 2; part++) {
        store_fixture_add_many(fixture, 3000, 700, 3);
        store_fixture_commit(fixture);
        (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 1);
    }
    store_fixture_add_many(fixture, 300, 3, 3); /* in the log */
    store_fixture_commit(fixture);
    const size_t live = mem_live_blocks();
    sweep_memory(fixture, read_all, 10000);
    assert_int_equal(mem_live_blocks(), live);
}

static void opening_survives_every_failed_allocation(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_add_many(fixture, 3000, 700, 3);
    store_fixture_commit(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 1);
    store_fixture_add_many(fixture, 300, 3, 3);
    store_fixture_commit(fixture);
    store_close(fixture->store);
    fixture->store = NULL;
    row_batch_release(&fixture->batch);
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        const size_t live = mem_live_blocks();
        assert_in_range(nth, 0, 10000);
        mem_fail_at(nth);
        status = store_open(&fixture->store, fixture->dir, NULL);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        if (status != STATUS_OK)
            assert_int_equal(mem_live_blocks(), live);
    }
    store_fixture_compare(fixture);
}

/* --- a full disk --- */

static rlim_t file_bytes(const struct store_fixture *fixture)
{
    char path[300];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/data.mdb", fixture->dir);
    assert_int_equal(stat(path, &info), 0);
    return (rlim_t)info.st_size;
}

/* Gives the file a little more room each time until the operation succeeds; how often it failed. */
static uint32_t sweep_disk(struct store_fixture *fixture, operation *run, rlim_t step_bytes)
{
    enum status status = STATUS_FULL;
    uint32_t failures = 0;
    const rlim_t before = file_bytes(fixture);
    for (rlim_t room = 0; status != STATUS_OK; room += step_bytes) {
        struct error err = {0};
        limit_file_bytes(before + room);
        status = run(fixture, &err);
        limit_file_bytes(RLIM_INFINITY);
        if (status != STATUS_OK && status != STATUS_FULL)
            fail_msg("%s", err.message);
        failures += status == STATUS_OK ? 0 : 1;
        assert_in_range(failures, 0, 1000);
        assert_counters(fixture);
        if (failures % 4 == 1)
            store_fixture_compare(fixture);
    }
    store_fixture_compare(fixture);
    return failures;
}

static void a_full_disk_at_any_stage_leaves_the_store_as_it_was(void **state)
{
    struct store_fixture *fixture = *state;
    (void)signal(SIGXFSZ, SIG_IGN);
    uint32_t failures = 0;
    for (int part = 0; part < 3; part++) {
        const uint64_t id = (uint64_t)part + 1;
        store_fixture_add_many(fixture, 9000, 700, 3);
        store_fixture_add_reject(fixture, &id, slice_of_text("{broken"));
        failures += sweep_disk(fixture, commit, (rlim_t)64 << 10);
        failures += sweep_disk(fixture, maintain, (rlim_t)32 << 10);
    }
    assert_in_range(failures, 10, 1000);
    store_fixture_add_many(fixture, BULK_ROWS, 9000, 2);
    assert_in_range(sweep_disk(fixture, commit, (rlim_t)256 << 10), 2, 1000);
    for (int step = 0; step < 6; step++)
        failures += sweep_disk(fixture, maintain, (rlim_t)32 << 10);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, STEPS_MAX);
    store_fixture_reopen(fixture);
    store_fixture_compare(fixture);
}

static void a_new_store_on_a_full_disk_is_made_once_there_is_room(void **state)
{
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    struct store_fixture fixture = {0};
    store_fixture_open(&fixture);
    store_fixture_drop(&fixture); /* its directory's name is free now */
    enum status status = STATUS_FULL;
    for (rlim_t room = 0; status != STATUS_OK; room += 4096) {
        struct error err = {0};
        assert_in_range(room, 0, 1 << 20);
        limit_file_bytes(room);
        status = store_open(&fixture.store, fixture.dir, &err);
        limit_file_bytes(RLIM_INFINITY);
        if (status != STATUS_OK && status != STATUS_FULL)
            fail_msg("%s", err.message);
    }
    fixture.rows = NULL;
    fixture.batch = (struct row_batch){0};
    store_fixture_add_many(&fixture, 10, 2, 2);
    store_fixture_commit(&fixture);
    store_fixture_compare(&fixture);
    store_fixture_drop(&fixture);
}

#define IN_A_STORE(test) \
    cmocka_unit_test_setup_teardown(test, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(a_small_commit_survives_every_failed_allocation),
        IN_A_STORE(a_large_commit_survives_failed_allocations),
        IN_A_STORE(fold_and_merge_survive_failed_allocations),
        IN_A_STORE(a_retry_of_rejects_survives_every_failed_allocation),
        IN_A_STORE(a_backup_that_fails_leaves_nothing_behind),
        IN_A_STORE(a_reader_survives_every_failed_allocation),
        IN_A_STORE(opening_survives_every_failed_allocation),
        IN_A_STORE(a_full_disk_at_any_stage_leaves_the_store_as_it_was),
        cmocka_unit_test(a_new_store_on_a_full_disk_is_made_once_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
