/*
 * test_pipeline.c - order, grouping, acknowledgement and failure of the pipeline, with a source and
 * a sink of the test's own; the decoders are real.
 *
 * ctest: threads
 */
#include "cli/signals.h"
#include "engine/base/mem.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/pipeline/work_queue.h"

#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE_BYTES_MAX 256u

/* --- a source of numbered messages ----------------------------------------------------------- */

struct numbered {
    uint64_t message_count; /* in all */
    uint64_t batch_messages;
    uint64_t next_id;      /* 1, 2, 3, ... */
    uint64_t fault_at;     /* before this id an input fails; 0: none does */
    uint64_t no_memory_at; /* before this id the source fails; 0: it does not */
    uint64_t signal_at;    /* before this id SIGTERM comes; 0: it does not */
    uint64_t device_count; /* names of devices repeat after that many */
    bool waits_at_end;     /* instead of ending: until it is interrupted */
    bool starves_at_end;   /* with the last batch there is no more memory */
    bool waited_in_vain;   /* nobody interrupted */
    bool waits_for_commit; /* before each batch but the first: until the one before is on disk */
    const atomic_uint *waits_for_upkeep; /* at the end: until this many are */
    unsigned upkeep_steps_wanted;        /* done; NULL: it does not */
    uint64_t token;
    _Atomic uint64_t acknowledged;
    int wake_file;
};

static void add_message(struct body_batch *batch, uint64_t id, uint64_t device_count)
{
    char line[LINE_BYTES_MAX];
    const int len = snprintf(line, sizeof line,
                             "{\"messagetype\":\"upload\",\"topic\":\"/pk/dev%" PRIu64 "/x\","
                             "\"messageid\":%" PRIu64 ",\"timestamp\":1526450334,"
                             "\"payload\":\"{\\\"a\\\":1}\"}\n",
                             device_count > 0 ? id % device_count : 0, id);
    memcpy(batch->bytes + batch->len, line, (size_t)len);
    batch->len += (size_t)len;
}

static enum status wait_for_interrupt(struct numbered *source, struct error *err)
{
    struct pollfd file = {.fd = source->wake_file, .events = POLLIN};
    source->waited_in_vain = poll(&file, 1, 20000) != 1;
    return source->waited_in_vain ? error_set(err, STATUS_IO, "nobody interrupted")
                                  : error_set(err, STATUS_STOPPED, "interrupted");
}

static void wait_a_little(void)
{
    (void)poll(NULL, 0, 1);
}

static void wait_as_told(const struct numbered *source)
{
    while (source->waits_for_commit && atomic_load(&source->acknowledged) < source->token)
        wait_a_little();
    if (source->next_id <= source->message_count || !source->waits_for_upkeep)
        return;
    while (atomic_load(source->waits_for_upkeep) < source->upkeep_steps_wanted)
        wait_a_little();
}

static enum status numbered_next(void *context, struct body_batch *batch, enum source_event *event,
                                 struct error *err)
{
    struct numbered *source = context;
    if (source->fault_at == source->next_id) {
        source->fault_at = 0;
        *event = SOURCE_FAULT;
        (void)error_set(err, STATUS_INPUT, "an input failed");
        return STATUS_OK;
    }
    if (source->no_memory_at == source->next_id)
        return error_set(err, STATUS_NOMEM, "no memory for the test");
    if (source->signal_at == source->next_id) {
        source->signal_at = 0;
        (void)raise(SIGTERM);
    }
    wait_as_told(source);
    if (source->next_id > source->message_count) {
        *event = SOURCE_END;
        return source->waits_at_end ? wait_for_interrupt(source, err) : STATUS_OK;
    }
    if (!batch->bytes)
        batch->bytes = mem_alloc(source->batch_messages, LINE_BYTES_MAX);
    assert_non_null(batch->bytes);
    *batch = (struct body_batch){.bytes = batch->bytes, .token = ++source->token};
    for (uint64_t i = 0; i < source->batch_messages && source->next_id <= source->message_count;
         i++)
        add_message(batch, source->next_id++, source->device_count);
    batch->input_bytes = batch->len;
    if (source->starves_at_end && source->next_id > source->message_count) {
        (void)poll(NULL, 0, 100); // the other decoders have what they need until then
        mem_fail_at(0);
    }
    *event = SOURCE_BODIES;
    return STATUS_OK;
}

static void numbered_acknowledge(void *context, uint64_t token)
{
    struct numbered *source = context;
    atomic_store(&source->acknowledged, token);
}

static void numbered_interrupt(void *context)
{
    const struct numbered *source = context;
    const uint64_t one = 1;
    assert_int_equal(write(source->wake_file, &one, sizeof one), sizeof one);
}

static struct source_progress numbered_progress(const void *context)
{
    (void)context;
    return (struct source_progress){.raw_bytes = 1};
}

/* --- a sink that looks closely --------------------------------------------------------------- */

struct checking_sink {
    uint64_t next_id; /* what must come next */
    size_t commits;
    size_t group_messages_max;
    size_t fail_at_commit; /* 1: the first; 0: none */
    enum status failure;
    unsigned upkeep_left;         /* maintain says "more" until that many steps are done */
    unsigned upkeep_after_commit; /* what a commit sets it to; 0: 2 */
    atomic_uint upkeep_steps;
    const struct numbered *source;
};

static void check_batch(struct checking_sink *sink, const struct row_batch *batch)
{
    for (size_t i = 0; i < batch->message_count; i++) {
        assert_int_equal(batch->messages[i].verdict, MESSAGE_READINGS);
        assert_int_equal(batch->messages[i].id, sink->next_id);
        sink->next_id++;
    }
}

static enum status check_commit(void *context, struct row_batch *const *batches, size_t batch_count,
                                struct commit_result *result, struct error *err)
{
    struct checking_sink *sink = context;
    if (++sink->commits == sink->fail_at_commit)
        return error_set(err, sink->failure, "the test's sink fails");
    // Tokens count batches: exactly those that were committed before are acknowledged.
    assert_int_equal(atomic_load(&sink->source->acknowledged) * sink->source->batch_messages,
                     sink->next_id - 1);
    *result = (struct commit_result){0};
    for (size_t i = 0; i < batch_count; i++) {
        check_batch(sink, batches[i]);
        result->received += batches[i]->message_count;
    }
    result->stored = result->received;
    if (result->received > sink->group_messages_max)
        sink->group_messages_max = result->received;
    sink->upkeep_left = sink->upkeep_after_commit > 0 ? sink->upkeep_after_commit : 2;
    return STATUS_OK;
}

static enum status check_maintain(void *context, bool *more, struct error *err)
{
    struct checking_sink *sink = context;
    (void)err;
    atomic_fetch_add(&sink->upkeep_steps, 1);
    sink->upkeep_left -= sink->upkeep_left > 0 ? 1 : 0;
    *more = sink->upkeep_left > 0;
    return STATUS_OK;
}

/* --- one run --------------------------------------------------------------------------------- */

struct run {
    struct numbered numbered;
    struct checking_sink sink;
    struct pipeline_config config;
    struct pipeline_result result;
    struct error err;
    enum status status;
    atomic_uint faults;
    unsigned ticks;
};

static void count_fault(void *context, const struct error *fault)
{
    struct run *run = context;
    assert_string_equal(fault->message, "an input failed");
    atomic_fetch_add(&run->faults, 1);
}

static void count_tick(void *context, const struct pipeline_progress *progress)
{
    struct run *run = context;
    assert_int_equal(progress->source.raw_bytes, 1);
    run->ticks++;
}

static void run_pipeline(struct run *run)
{
    struct decoder_config decoder;
    assert_int_equal(decoder_config_init(&decoder, NULL), STATUS_OK);
    struct source source = {
        .context = &run->numbered,
        .next = numbered_next,
        .acknowledge = numbered_acknowledge,
        .interrupt = numbered_interrupt,
        .progress = numbered_progress,
    };
    run->numbered.next_id = 1;
    run->numbered.wake_file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    run->sink.next_id = 1;
    run->sink.source = &run->numbered;
    run->config.source = &source;
    run->config.decoder = &decoder;
    run->config.sink = (struct pipeline_sink){
        .context = &run->sink, .commit = check_commit, .maintain = check_maintain};
    run->config.listener =
        (struct pipeline_listener){.context = run, .fault = count_fault, .tick = count_tick};
    run->status = pipeline_run(&run->config, &run->result, &run->err);
    (void)close(run->numbered.wake_file);
}

static void every_message_is_committed_once_and_in_order(void **state)
{
    (void)state;
    static const uint64_t batch_messages[] = {1, 7, 1000};
    for (unsigned threads = 1; threads <= 5; threads += 2) {
        for (size_t i = 0; i < 3; i++) {
            const uint64_t count = 1000 + 20 * batch_messages[i] + 3;
            struct run run = {
                .numbered = {.message_count = count, .batch_messages = batch_messages[i]},
                .config = {.threads = threads, .commit_messages = 500},
            };
            run_pipeline(&run);
            assert_int_equal(run.status, STATUS_OK);
            assert_int_equal(run.result.total.received, count);
            assert_int_equal(run.result.total.stored, count);
            assert_int_equal(run.sink.next_id, count + 1);
            assert_int_equal(run.result.commits, run.sink.commits);
            assert_int_equal(run.numbered.acknowledged, run.numbered.token);
            assert_true(run.ticks > 0);
        }
    }
    assert_int_equal(mem_live_blocks(), 0);
}

static void an_empty_source_commits_nothing(void **state)
{
    (void)state;
    struct run run = {.config = {.threads = 3}};
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_OK);
    assert_int_equal(run.sink.commits, 0);
    assert_int_equal(run.result.total.received, 0);
}

static void commits_are_as_large_as_allowed_and_upkeep_follows_each(void **state)
{
    (void)state;
    struct run run = {
        .numbered = {.message_count = 10000, .batch_messages = 100},
        .config = {.threads = 2, .commit_messages = 1000},
    };
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_OK);
    assert_in_range(run.sink.group_messages_max, 1000, 1099);
    assert_int_equal(run.sink.upkeep_steps, 2 * run.sink.commits);
}

static void what_is_committed_is_acknowledged_and_nothing_else(void **state)
{
    (void)state;
    struct run run = {
        .numbered = {.message_count = 1000, .batch_messages = 10},
        .config = {.threads = 2, .commit_messages = 100},
    };
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_OK);
    assert_in_range(run.sink.commits, 9, 11); // check_commit looked at each
    assert_int_equal(run.numbered.acknowledged, 100);
}

static void a_failed_commit_ends_the_run_and_acknowledges_nothing_more(void **state)
{
    (void)state;
    static const enum status failures[] = {STATUS_FULL, STATUS_IO};
    for (size_t i = 0; i < 2; i++) {
        struct run run = {
            .numbered = {.message_count = 100000, .batch_messages = 10},
            .sink = {.fail_at_commit = 3, .failure = failures[i]},
            .config = {.threads = 3, .commit_messages = 100},
        };
        run_pipeline(&run);
        assert_int_equal(run.status, failures[i]);
        assert_string_equal(run.err.message, "the test's sink fails");
        assert_int_equal(run.result.commits, 2);
        assert_int_equal(run.result.total.received, run.sink.next_id - 1);
        assert_int_equal(run.numbered.acknowledged, run.result.total.received / 10);
    }
    assert_int_equal(mem_live_blocks(), 0);
}

static void a_failed_commit_does_not_wait_for_a_silent_source(void **state)
{
    (void)state;
    struct run run = {
        .numbered = {.message_count = 100, .batch_messages = 10, .waits_at_end = true},
        .sink = {.fail_at_commit = 1, .failure = STATUS_IO},
        .config = {.threads = 2, .commit_messages = 50},
    };
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_IO);
}

static void a_slow_source_is_committed_in_time(void **state)
{
    (void)state;
    // Only a signal ends this source; what it gave is too little to fill a commit. It is committed
    // because it has waited: else nothing would ever be acknowledged.
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct run run = {
            .numbered = {.message_count = 100, .batch_messages = 10, .waits_at_end = true},
            .sink = {.fail_at_commit = 1, .failure = STATUS_FULL},
            .config = {.threads = 2},
        };
        run_pipeline(&run);
        _exit(run.status == STATUS_FULL ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_failed_input_is_reported_and_the_others_are_taken(void **state)
{
    (void)state;
    struct run run = {
        .numbered = {.message_count = 1000, .batch_messages = 10, .fault_at = 501},
        .config = {.threads = 3},
    };
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_OK);
    assert_int_equal(run.result.faults, 1);
    assert_int_equal(run.faults, 1);
    assert_int_equal(run.result.total.received, 1000);
}

static void a_source_without_memory_ends_the_run(void **state)
{
    (void)state;
    struct run run = {
        .numbered = {.message_count = 1000, .batch_messages = 10, .no_memory_at = 501},
        .config = {.threads = 3, .commit_messages = 100},
    };
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_NOMEM);
    assert_string_equal(run.err.message, "no memory for the test");
    assert_in_range(run.result.total.received, 0, 500);
    assert_int_equal(mem_live_blocks(), 0);
}

static void what_came_before_a_failure_of_the_source_is_committed(void **state)
{
    (void)state;
    // Whichever decoder is still at work when another one hears of the failure.
    for (unsigned i = 0; i < 200; i++) {
        struct run run = {
            .numbered = {.message_count = 100, .batch_messages = 10, .no_memory_at = 31},
            .config = {.threads = 3, .steady = i % 2 == 0},
        };
        run_pipeline(&run);
        assert_int_equal(run.status, STATUS_NOMEM);
        assert_int_equal(run.result.total.received, 30);
        assert_int_equal(run.numbered.acknowledged, 3);
    }
}

static void a_decoder_without_memory_does_not_wait_for_a_silent_source(void **state)
{
    (void)state;
    struct run run = {
        .numbered = {.message_count = 10,
                     .batch_messages = 10,
                     .starves_at_end = true,
                     .waits_at_end = true},
        .config = {.threads = 3, .steady = true},
    };
    run_pipeline(&run);
    mem_fail_at(-1);
    assert_int_equal(run.status, STATUS_NOMEM);
    assert_false(run.numbered.waited_in_vain);
    assert_int_equal(run.numbered.acknowledged, run.result.total.received / 10);
    assert_int_equal(mem_live_blocks(), 0);
}

static void little_memory_makes_small_commits_but_never_a_standstill(void **state)
{
    (void)state;
    struct run run = {
        .numbered = {.message_count = 20000, .batch_messages = 100, .device_count = 5000},
        .config = {.threads = 4, .memory_bytes = 1},
    };
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_OK);
    assert_int_equal(run.result.total.received, 20000);
    assert_in_range(run.sink.group_messages_max, 1, 600);
    assert_int_equal(mem_live_blocks(), 0);
}

static int end_by_signal(void)
{
    signals_install();
    struct run run = {
        .numbered = {.message_count = 100000, .batch_messages = 10, .signal_at = 501},
        .config = {.threads = 3},
    };
    run_pipeline(&run);
    // What was pulled before the signal was noticed is committed, each batch whole, in order.
    const bool good = run.status == STATUS_OK && run.result.total.received >= 500 &&
                      run.result.total.received < 1000 &&
                      run.sink.next_id == run.result.total.received + 1;
    return good ? signals_received() : 1;
}

static void a_signal_ends_reading_and_what_was_read_is_committed(void **state)
{
    (void)state;
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(end_by_signal());
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SIGTERM);
}

/* --- steady ---------------------------------------------------------------------------------- */

static void steady_commits_wait_for_no_further_batch(void **state)
{
    (void)state;
    // The source holds each batch back until the one before is on disk: a committer that
    // gathered would wait PIPELINE_COMMIT_WAIT_MS for each, in all longer than this test may take.
    struct run run = {
        .numbered = {.message_count = 1000, .batch_messages = 10, .waits_for_commit = true},
        .config = {.threads = 3, .steady = true},
    };
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_OK);
    assert_int_equal(run.sink.commits, 100);
    assert_int_equal(run.numbered.acknowledged, 100);
}

static void steady_upkeep_goes_on_while_nothing_arrives(void **state)
{
    (void)state;
    struct run run = {
        .numbered = {.message_count = 10,
                     .batch_messages = 10,
                     .waits_for_upkeep = &run.sink.upkeep_steps,
                     .upkeep_steps_wanted = 20},
        .sink = {.upkeep_after_commit = 20},
        .config = {.threads = 1, .steady = true},
    };
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_OK);
    assert_int_equal(run.sink.commits, 1);
    assert_in_range(run.sink.upkeep_steps, 20, 21); // one may come before the first batch
}

static void steady_upkeep_is_never_starved_and_never_drained_between_commits(void **state)
{
    (void)state;
    struct run run = {
        .numbered = {.message_count = 1000, .batch_messages = 10},
        .sink = {.upkeep_after_commit = 1000},
        .config = {.threads = 2, .steady = true, .commit_messages = 100},
    };
    run_pipeline(&run);
    assert_int_equal(run.status, STATUS_OK);
    assert_true(run.sink.upkeep_steps > 0);
    // All that is due after each commit would be 1000 steps each.
    assert_true(run.sink.upkeep_steps < 1000 * run.sink.commits);
}

static int drain_after_signal(void)
{
    signals_install();
    struct run run = {
        .numbered = {.message_count = 1000, .batch_messages = 10, .signal_at = 501},
        .config = {.threads = 3, .steady = true},
    };
    run_pipeline(&run);
    const bool good = run.status == STATUS_OK && run.result.total.received == 1000 &&
                      run.numbered.acknowledged == run.numbered.token;
    return good ? signals_received() : 1;
}

static void a_steady_source_is_drained_after_a_signal(void **state)
{
    (void)state;
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(drain_after_signal());
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SIGTERM);
}

static void there_is_at_least_one_thread(void **state)
{
    (void)state;
    assert_in_range(pipeline_threads_default(), 1, PIPELINE_THREADS_DEFAULT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_committed_once_and_in_order),
        cmocka_unit_test(an_empty_source_commits_nothing),
        cmocka_unit_test(commits_are_as_large_as_allowed_and_upkeep_follows_each),
        cmocka_unit_test(what_is_committed_is_acknowledged_and_nothing_else),
        cmocka_unit_test(a_failed_commit_ends_the_run_and_acknowledges_nothing_more),
        cmocka_unit_test(a_failed_commit_does_not_wait_for_a_silent_source),
        cmocka_unit_test(a_slow_source_is_committed_in_time),
        cmocka_unit_test(a_failed_input_is_reported_and_the_others_are_taken),
        cmocka_unit_test(a_source_without_memory_ends_the_run),
        cmocka_unit_test(what_came_before_a_failure_of_the_source_is_committed),
        cmocka_unit_test(a_decoder_without_memory_does_not_wait_for_a_silent_source),
        cmocka_unit_test(little_memory_makes_small_commits_but_never_a_standstill),
        cmocka_unit_test(a_signal_ends_reading_and_what_was_read_is_committed),
        cmocka_unit_test(steady_commits_wait_for_no_further_batch),
        cmocka_unit_test(steady_upkeep_goes_on_while_nothing_arrives),
        cmocka_unit_test(steady_upkeep_is_never_starved_and_never_drained_between_commits),
        cmocka_unit_test(a_steady_source_is_drained_after_a_signal),
        cmocka_unit_test(there_is_at_least_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
