/*
 * test_service_sink.c - what a service makes of commits and upkeep that fail: no room is waited
 * for, everything else ends it. The store and the waiting are the test's own.
 */
#include "engine/base/mem.h"
#include "ingest/service/service.h"
#include "ingest/service/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A store that fails as told, and everything a sink asks of its service. */
struct world {
    struct sink sink;
    unsigned commit_failures; /* left */
    enum status commit_failure;
    unsigned flush_failures;
    enum status flush_failure;
    enum status upkeep_failure;
    unsigned upkeep_steps;
    unsigned waits_allowed; /* then the service ends */
    bool is_over;
    unsigned flushes, commits, waits, failed, committed;
    unsigned pauses, resumes;
    int64_t waited_ms;
    int64_t longest_wait_ms;
};

static enum status fail_or_commit(void *context, struct row_batch *const *batches, size_t count,
                                  struct commit_result *result, struct error *err)
{
    struct world *world = context;
    (void)batches;
    assert_true(world->flushes > world->commits); // the record comes first, each time
    world->commits++;
    if (world->commit_failures > 0) {
        world->commit_failures--;
        return error_set(err, world->commit_failure, "the test's store fails");
    }
    *result = (struct commit_result){.received = count, .stored = count};
    return STATUS_OK;
}

static enum status fail_or_maintain(void *context, bool *more, struct error *err)
{
    struct world *world = context;
    world->upkeep_steps++;
    *more = true;
    if (world->upkeep_failure == STATUS_OK)
        return STATUS_OK;
    return error_set(err, world->upkeep_failure, "the test's upkeep fails");
}

static enum status fail_or_flush(void *context, struct error *err)
{
    struct world *world = context;
    world->flushes++;
    if (world->flush_failures == 0)
        return STATUS_OK;
    world->flush_failures--;
    world->commits++; // keeps the order check of fail_or_commit simple
    return error_set(err, world->flush_failure, "the test's record fails");
}

static void note_commit(void *context, const struct commit_result *result, int64_t elapsed_us)
{
    struct world *world = context;
    assert_int_equal(result->received, 1);
    assert_true(elapsed_us >= 0);
    world->committed++;
}

static void note_failure(void *context)
{
    struct world *world = context;
    world->failed++;
}

static void note_pause(void *context, bool paused)
{
    struct world *world = context;
    world->pauses += paused ? 1 : 0;
    world->resumes += paused ? 0 : 1;
}

static bool wait_as_allowed(void *context, int64_t wait_ms)
{
    struct world *world = context;
    assert_int_equal(world->pauses, world->resumes + 1); // receiving is paused meanwhile
    if (world->waits == world->waits_allowed)
        return false;
    world->waits++;
    world->waited_ms += wait_ms;
    if (wait_ms > world->longest_wait_ms)
        world->longest_wait_ms = wait_ms;
    return true;
}

static bool is_over(void *context)
{
    const struct world *world = context;
    return world->is_over;
}

static enum status commit_one(struct world *world, struct error *err)
{
    const struct pipeline_sink inner = {
        .context = world, .commit = fail_or_commit, .maintain = fail_or_maintain};
    const struct sink_hooks hooks = {
        .context = world,
        .before = fail_or_flush,
        .committed = note_commit,
        .failed = note_failure,
        .paused = note_pause,
        .wait = wait_as_allowed,
        .is_over = is_over,
    };
    sink_init(&world->sink, &inner, &hooks);
    struct row_batch batch = {0};
    struct row_batch *batches[] = {&batch};
    struct commit_result result = {0};
    const struct pipeline_sink sink = sink_for_pipeline(&world->sink);
    return sink.commit(sink.context, batches, 1, &result, err);
}

static void only_no_room_is_tried_again(void **state)
{
    (void)state;
    assert_int_equal(service_fate(STATUS_FULL), SERVICE_RETRY);
    static const enum status ends[] = {STATUS_NOMEM,   STATUS_CORRUPT, STATUS_IO,
                                       STATUS_MISSING, STATUS_LOCKED,  STATUS_VERSION,
                                       STATUS_CONFIG,  STATUS_INPUT,   STATUS_STOPPED};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        assert_int_equal(service_fate(ends[i]), SERVICE_END);
}

static void a_commit_flushes_the_record_first_and_is_counted(void **state)
{
    (void)state;
    struct world world = {0};
    assert_int_equal(commit_one(&world, NULL), STATUS_OK);
    assert_int_equal(world.flushes, 1);
    assert_int_equal(world.commits, 1);
    assert_int_equal(world.committed, 1);
    assert_int_equal(world.pauses, 0);
    assert_int_equal(world.failed, 0);
}

static void a_full_store_is_waited_for_and_the_same_commit_succeeds(void **state)
{
    (void)state;
    struct world world = {
        .commit_failures = 20, .commit_failure = STATUS_FULL, .waits_allowed = 100};
    struct error err = {0};
    assert_int_equal(commit_one(&world, &err), STATUS_OK);
    assert_int_equal(err.status, STATUS_OK);
    assert_int_equal(world.commits, 21);
    assert_int_equal(world.committed, 1);
    assert_int_equal(world.failed, 1);
    assert_int_equal(world.waits, 20);
    assert_int_equal(world.pauses, 1);
    assert_int_equal(world.resumes, 1);
    assert_int_equal(world.longest_wait_ms, SINK_WAIT_MS_MAX);
    assert_int_equal(world.sink.failure, STATUS_OK);
}

static void a_full_record_is_waited_for_before_the_commit(void **state)
{
    (void)state;
    struct world world = {.flush_failures = 3, .flush_failure = STATUS_FULL, .waits_allowed = 100};
    assert_int_equal(commit_one(&world, NULL), STATUS_OK);
    assert_int_equal(world.flushes, 4);
    assert_int_equal(world.committed, 1);
    assert_int_equal(world.waits, 3);
}

static void the_end_of_the_service_ends_the_wait_for_room(void **state)
{
    (void)state;
    struct world world = {
        .commit_failures = 100, .commit_failure = STATUS_FULL, .waits_allowed = 3};
    struct error err = {0};
    assert_int_equal(commit_one(&world, &err), STATUS_FULL);
    assert_string_equal(err.message, "the test's store fails");
    assert_int_equal(world.commits, 4);
    assert_int_equal(world.committed, 0);
    assert_int_equal(world.resumes, 0); // nothing more is received
    assert_int_equal(world.sink.failure, STATUS_FULL);
}

static void a_disk_that_fails_ends_at_once(void **state)
{
    (void)state;
    struct world world = {.commit_failures = 1, .commit_failure = STATUS_IO, .waits_allowed = 9};
    struct error err = {0};
    assert_int_equal(commit_one(&world, &err), STATUS_IO);
    assert_int_equal(world.commits, 1);
    assert_int_equal(world.pauses, 0);
    assert_int_equal(world.failed, 1);
    assert_int_equal(world.sink.failure, STATUS_IO);

    struct world record = {.flush_failures = 1, .flush_failure = STATUS_IO, .waits_allowed = 9};
    assert_int_equal(commit_one(&record, &err), STATUS_IO);
    assert_int_equal(record.committed, 0);
    assert_int_equal(record.sink.failure, STATUS_IO);
}

static void a_disk_that_fails_while_room_is_waited_for_ends_at_once(void **state)
{
    (void)state;
    struct world world = {.flush_failures = 1,
                          .flush_failure = STATUS_FULL,
                          .commit_failures = 1,
                          .commit_failure = STATUS_IO,
                          .waits_allowed = 9};
    struct error err = {0};
    assert_int_equal(commit_one(&world, &err), STATUS_IO);
    assert_int_equal(world.waits, 1);
    assert_int_equal(world.resumes, 0);
}

static void nothing_is_begun_once_the_time_to_end_is_over(void **state)
{
    (void)state;
    struct world world = {.is_over = true};
    struct error err = {0};
    assert_int_equal(commit_one(&world, &err), STATUS_STOPPED);
    assert_int_equal(world.commits, 0);
    bool more = true;
    const struct pipeline_sink sink = sink_for_pipeline(&world.sink);
    assert_int_equal(sink.maintain(sink.context, &more, NULL), STATUS_OK);
    assert_false(more);
    assert_int_equal(world.upkeep_steps, 0);
}

static void upkeep_without_room_is_left_out_and_commits_go_on(void **state)
{
    (void)state;
    struct world world = {.upkeep_failure = STATUS_FULL};
    assert_int_equal(commit_one(&world, NULL), STATUS_OK);
    const struct pipeline_sink sink = sink_for_pipeline(&world.sink);
    for (unsigned i = 0; i < 5; i++) {
        bool more = true;
        assert_int_equal(sink.maintain(sink.context, &more, NULL), STATUS_OK);
        assert_false(more);
    }
    assert_int_equal(world.upkeep_steps, 1); // it rests
    assert_int_equal(world.sink.failure, STATUS_OK);

    world.upkeep_failure = STATUS_OK;
    world.sink.upkeep_rests_until_ms = 0;
    bool more = false;
    assert_int_equal(sink.maintain(sink.context, &more, NULL), STATUS_OK);
    assert_true(more);
    assert_int_equal(world.upkeep_steps, 2);
}

static void upkeep_on_a_disk_that_fails_ends_the_service(void **state)
{
    (void)state;
    struct world world = {.upkeep_failure = STATUS_IO};
    assert_int_equal(commit_one(&world, NULL), STATUS_OK);
    const struct pipeline_sink sink = sink_for_pipeline(&world.sink);
    bool more = true;
    struct error err = {0};
    assert_int_equal(sink.maintain(sink.context, &more, &err), STATUS_IO);
    assert_string_equal(err.message, "the test's upkeep fails");
    assert_int_equal(world.sink.failure, STATUS_IO);
}

static void a_dry_run_counts_what_would_be_stored(void **state)
{
    (void)state;
    struct message messages[] = {
        {.verdict = MESSAGE_READINGS},
        {.verdict = MESSAGE_REJECT, .first = 0},
        {.verdict = MESSAGE_STATUS},
        {.verdict = MESSAGE_REJECT, .first = 1},
        {.verdict = MESSAGE_REJECT, .first = 2},
    };
    struct reject rejects[] = {
        {.reason = REJECT_BAD_JSON}, {.reason = REJECT_NO_DEVICE}, {.reason = REJECT_BAD_JSON}};
    struct row_batch batch = {.messages = messages, .message_count = 5, .rejects = rejects};
    struct row_batch *batches[] = {&batch, &batch};
    struct commit_result result = {0};
    const struct pipeline_sink sink = counting_sink();
    assert_int_equal(sink.commit(sink.context, batches, 2, &result, NULL), STATUS_OK);
    assert_int_equal(result.received, 10);
    assert_int_equal(result.stored, 4);
    assert_int_equal(result.duplicates, 0);
    assert_int_equal(result.rejected, 6);
    assert_int_equal(result.reasons[REJECT_BAD_JSON], 4);
    assert_int_equal(result.reasons[REJECT_NO_DEVICE], 2);
    bool more = true;
    assert_int_equal(sink.maintain(sink.context, &more, NULL), STATUS_OK);
    assert_false(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_no_room_is_tried_again),
        cmocka_unit_test(a_commit_flushes_the_record_first_and_is_counted),
        cmocka_unit_test(a_full_store_is_waited_for_and_the_same_commit_succeeds),
        cmocka_unit_test(a_full_record_is_waited_for_before_the_commit),
        cmocka_unit_test(the_end_of_the_service_ends_the_wait_for_room),
        cmocka_unit_test(a_disk_that_fails_ends_at_once),
        cmocka_unit_test(a_disk_that_fails_while_room_is_waited_for_ends_at_once),
        cmocka_unit_test(nothing_is_begun_once_the_time_to_end_is_over),
        cmocka_unit_test(upkeep_without_room_is_left_out_and_commits_go_on),
        cmocka_unit_test(upkeep_on_a_disk_that_fails_ends_the_service),
        cmocka_unit_test(a_dry_run_counts_what_would_be_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
