/*
 * test_service_run.c - a whole service over a real store, between a queue that follows a script
 * and signals that are real: what is acknowledged, and how it ends.
 *
 * The functions of queues, transport and credentials are defined here, in place of the library's.
 *
 * ctest: threads
 */
#include "cli/signals.h"
#include "engine/base/mem.h"
#include "engine/snapshot/snapshot.h"
#include "ingest/credentials/credentials.h"
#include "ingest/mns/mns.h"
#include "ingest/queue/queue_source.h"
#include "ingest/service/service.h"
#include "tests/unit/store_dir.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the queue's script ---------------------------------------------------------------------- */

struct script {
    uint64_t message_count; /* delivered by tens */
    uint64_t first_id;
    bool ends;                 /* after the last one, as with --once; else it waits for a stop */
    bool never_stops;          /* only an interrupt ends it */
    bool raises;               /* SIGTERM, when it begins to wait */
    enum wire_verdict failure; /* after the last one; WIRE_DONE: none */
    enum wire_verdict status_verdict; /* of --queue-status */
};

static struct script script;
static struct {
    uint64_t sent;
    uint64_t token;
    _Atomic uint64_t acknowledged;
    atomic_bool stopped, interrupted;
    bool raised;
    bool failed;
    unsigned finishes, closes;
    enum queue_mode mode;
    uint64_t pauses;
} queue;

static enum status add_body(struct body_batch *batch, uint64_t id)
{
    char body[256];
    const int len =
        snprintf(body, sizeof body,
                 "{\"messagetype\":\"upload\",\"topic\":\"/pk/dn/x\",\"messageid\":%" PRIu64
                 ",\"timestamp\":1526450334,\"payload\":\"{\\\"a\\\":1}\"}",
                 id);
    return body_batch_add(batch, slice_of((const uint8_t *)body, (size_t)len));
}

static enum status wait_for_the_end(struct error *err)
{
    if (script.raises && !queue.raised) {
        queue.raised = true;
        (void)raise(SIGTERM);
    }
    while (!atomic_load(&queue.interrupted) && (script.never_stops || !atomic_load(&queue.stopped)))
        (void)poll(NULL, 0, 1);
    return atomic_load(&queue.interrupted) ? error_set(err, STATUS_STOPPED, "interrupted")
                                           : STATUS_OK;
}

static enum status script_next(void *context, struct body_batch *batch, enum source_event *event,
                               struct error *err)
{
    (void)context;
    *event = SOURCE_END;
    if (queue.sent == script.message_count && script.failure != WIRE_DONE) {
        queue.failed = true;
        return error_set(err, STATUS_IO, "the test's queue failed");
    }
    if (queue.sent == script.message_count)
        return script.ends ? STATUS_OK : wait_for_the_end(err);
    batch->len = 0;
    batch->end_count = 0;
    batch->next = 0;
    batch->token = ++queue.token;
    enum status status = body_batch_frame(batch);
    for (unsigned i = 0; i < 10 && queue.sent < script.message_count && status == STATUS_OK; i++)
        status = add_body(batch, script.first_id + queue.sent++);
    batch->input_bytes = batch->len;
    *event = SOURCE_BODIES;
    return status == STATUS_OK ? STATUS_OK : error_set(err, status, "no memory for a delivery");
}

static void script_acknowledge(void *context, uint64_t token)
{
    (void)context;
    atomic_store(&queue.acknowledged, token);
}

static void script_interrupt(void *context)
{
    (void)context;
    atomic_store(&queue.interrupted, true);
}

static struct source_progress script_progress(const void *context)
{
    (void)context;
    return (struct source_progress){0};
}

static void script_close(void *context)
{
    (void)context;
    queue.closes++;
}

enum status queue_source_open(struct source *source, const struct queue_source_config *config,
                              struct error *err)
{
    (void)err;
    queue.mode = config->mode;
    *source = (struct source){
        .context = &queue,
        .next = script_next,
        .acknowledge = script_acknowledge,
        .interrupt = script_interrupt,
        .progress = script_progress,
        .close = script_close,
    };
    return STATUS_OK;
}

void queue_source_stop(struct source *source)
{
    (void)source;
    atomic_store(&queue.stopped, true);
}

void queue_source_pause(struct source *source, bool paused)
{
    (void)source;
    queue.pauses += paused ? 1 : 0;
    if (paused && script.raises)
        (void)raise(SIGTERM);
}

enum status queue_source_finish(struct source *source, int64_t limit_ms, bool *complete,
                                struct error *err)
{
    (void)source;
    (void)err;
    assert_true(limit_ms >= 0);
    queue.finishes++;
    *complete = true;
    return STATUS_OK;
}

enum wire_verdict queue_source_failure(const struct source *source)
{
    (void)source;
    return queue.failed ? script.failure : WIRE_DONE;
}

int64_t queue_source_oldest_ms(const struct source *source, uint64_t token)
{
    (void)source;
    (void)token;
    return 1526450334000;
}

/* --- credentials, transport, operations ------------------------------------------------------ */

static int place; /* opaque handles point to it */

void credentials_harden_process(void)
{
}

enum status credentials_open(struct credentials **credentials,
                             const struct credentials_config *config, struct error *err)
{
    (void)config;
    (void)err;
    *credentials = (struct credentials *)&place;
    return STATUS_OK;
}

void credentials_close(struct credentials *credentials)
{
    (void)credentials;
}

enum status credentials_refresh(struct credentials *credentials, struct error *err)
{
    (void)credentials;
    (void)err;
    return STATUS_OK;
}

void credentials_describe(const struct credentials *credentials, char text[256])
{
    (void)credentials;
    text[0] = '\0';
}

void credentials_take(struct credentials *credentials, struct access_key *key, bool *ready)
{
    (void)credentials;
    *key = (struct access_key){0};
    *ready = false;
}

void access_key_wipe(struct access_key *key)
{
    *key = (struct access_key){0};
}

enum credentials_origin credentials_origin(const struct credentials *credentials)
{
    (void)credentials;
    return CREDENTIALS_NONE;
}

uint64_t credentials_generation(const struct credentials *credentials)
{
    (void)credentials;
    return 0;
}

int64_t credentials_expires_ms(const struct credentials *credentials)
{
    (void)credentials;
    return 0;
}

enum status curl_transport_open(struct transport *transport,
                                const struct curl_transport_config *config, struct error *err)
{
    (void)config;
    (void)err;
    *transport = (struct transport){0};
    return STATUS_OK;
}

static int64_t some_time(void *context)
{
    (void)context;
    return 1526450334000;
}

struct mns_clock mns_system_clock(void)
{
    return (struct mns_clock){.utc_ms = some_time, .monotonic_ms = some_time};
}

static struct wire_url queue_url = {
    .base = "http://127.0.0.1:1", .host = "127.0.0.1", .queue = "iot-a1"};

enum status mns_open(struct mns **mns, const struct mns_config *config, struct error *err)
{
    (void)err;
    assert_string_equal(config->url.queue, queue_url.queue);
    *mns = (struct mns *)&place;
    return STATUS_OK;
}

void mns_close(struct mns *mns)
{
    (void)mns;
}

const struct wire_url *mns_url(const struct mns *mns)
{
    (void)mns;
    return &queue_url;
}

enum status mns_call(struct mns *mns, const struct mns_operation *operation, int64_t patience_ms,
                     struct error *err)
{
    (void)mns;
    (void)err;
    (void)patience_ms;
    assert_non_null(operation->request->method);
    static struct wire_reply reply;
    reply.attributes[0].name = slice_of_text("ActiveMessages");
    reply.attributes[0].value = slice_of_text("17");
    reply.attributes[1].name = slice_of_text("DelayMessages");
    reply.attributes[1].value = slice_of_text("2");
    reply.attributes[2].name = slice_of_text("QueueName");
    reply.attributes[2].value = slice_of_text("odd\tname");
    reply.attribute_count = 3;
    const struct mns_answer answer = {
        .verdict = script.status_verdict, .reply = &reply, .explanation = "as the test says"};
    operation->done(operation->context, &answer);
    return STATUS_OK;
}

/* --- one run --------------------------------------------------------------------------------- */

struct place {
    char dir[128];
    char store[160];
};

static void make_place(struct place *made)
{
    const char *parent = getenv("TMPDIR");
    (void)snprintf(made->dir, sizeof made->dir, "%s/mnsdb-service-XXXXXX",
                   parent ? parent : "/tmp");
    assert_non_null(mkdtemp(made->dir));
    (void)snprintf(made->store, sizeof made->store, "%s/store", made->dir);
}

static void drop_place(const struct place *made)
{
    store_dir_remove(made->store);
    (void)rmdir(made->dir);
}

static struct ingest_options options_for(const struct place *made)
{
    struct ingest_options options = {.store_dir = made->store, .threads = 2};
    options.queue.urls[0] = queue_url;
    options.queue.url_count = 1;
    options.queue.once = script.ends || script.failure != WIRE_DONE;
    options.queue.drain_ms = 20000;
    options.queue.log_level = LOG_ERROR;
    return options;
}

static enum exit_code run(const struct ingest_options *options, struct summary *summary)
{
    memset(&queue, 0, sizeof queue);
    *summary = (struct summary){0};
    log_setup(options->queue.log_level, options->queue.log_format);
    return service_run(options, summary);
}

static uint64_t stored_in(const struct place *made)
{
    struct store *store = NULL;
    assert_int_equal(store_open_existing(&store, made->store, NULL), STATUS_OK);
    const uint64_t stored = store_counters(store)->stored;
    store_close(store);
    return stored;
}

/* What ends by a signal is a process of its own. */
static int code_of_child(int (*body)(const struct place *), const struct place *made)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body(made));
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void once_stores_and_acknowledges_everything(void **state)
{
    (void)state;
    script = (struct script){.message_count = 95, .first_id = 1, .ends = true};
    struct place made;
    make_place(&made);
    const struct ingest_options options = options_for(&made);
    struct summary summary;
    assert_int_equal(run(&options, &summary), EXIT_CODE_OK);
    assert_int_equal(summary.counts.stored, 95);
    assert_true(summary.input_bytes > 5000);
    assert_int_equal(queue.acknowledged, 10);
    assert_int_equal(queue.finishes, 1);
    assert_int_equal(queue.closes, 1);
    assert_int_equal(stored_in(&made), 95);

    assert_int_equal(run(&options, &summary), EXIT_CODE_OK); // all of it again
    assert_int_equal(summary.counts.duplicates, 95);
    assert_int_equal(queue.acknowledged, 10);
    drop_place(&made);
    assert_int_equal(mem_live_blocks(), 0);
}

static int run_until_sigterm(const struct place *made)
{
    signals_install_service();
    script = (struct script){.message_count = 50, .first_id = 1, .raises = true};
    const struct ingest_options options = options_for(made);
    struct summary summary;
    const enum exit_code code = run(&options, &summary);
    const bool good = summary.counts.stored == 50 && queue.acknowledged == 5 &&
                      queue.finishes == 1 && queue.stopped;
    return good ? (int)code : 99;
}

static void sigterm_drains_and_exits_0(void **state)
{
    (void)state;
    struct place made;
    make_place(&made);
    assert_int_equal(code_of_child(run_until_sigterm, &made), 0);
    assert_int_equal(stored_in(&made), 50);
    drop_place(&made);
}

static int run_past_the_limit(const struct place *made)
{
    signals_install_service();
    script =
        (struct script){.message_count = 50, .first_id = 1, .raises = true, .never_stops = true};
    struct ingest_options options = options_for(made);
    options.queue.drain_ms = 1;
    struct summary summary;
    const enum exit_code code = run(&options, &summary);
    return queue.interrupted ? (int)code : 99;
}

static void a_queue_that_does_not_drain_is_given_up_with_exit_0(void **state)
{
    (void)state;
    struct place made;
    make_place(&made);
    assert_int_equal(code_of_child(run_past_the_limit, &made), 0);
    drop_place(&made);
}

static int run_without_room(const struct place *made)
{
    signals_install_service();
    (void)signal(SIGXFSZ, SIG_IGN);
    script = (struct script){.message_count = 10, .first_id = 1, .ends = true};
    const struct ingest_options options = options_for(made);
    struct summary summary;
    if (run(&options, &summary) != EXIT_CODE_OK)
        return 98;
    char path[256];
    (void)snprintf(path, sizeof path, "%s/data.mdb", made->store);
    struct stat data;
    if (stat(path, &data) != 0)
        return 97;
    const struct rlimit limit = {(rlim_t)data.st_size, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 96;
    script = (struct script){.message_count = 20000, .first_id = 1000, .raises = true};
    struct ingest_options limited = options_for(made);
    limited.queue.log_format = LOG_FORMAT_JSON;
    const enum exit_code code = run(&limited, &summary);
    // Only what was stored was acknowledged.
    const bool good = queue.pauses == 1 && queue.acknowledged * 10 == summary.counts.received &&
                      summary.counts.received < 20000;
    return good ? (int)code : 99;
}

static void without_room_nothing_is_acknowledged_and_sigterm_ends_with_1(void **state)
{
    (void)state;
    struct place made;
    make_place(&made);
    assert_int_equal(code_of_child(run_without_room, &made), EXIT_CODE_PROBLEM);
    drop_place(&made);
}

static void a_dry_run_makes_no_store(void **state)
{
    (void)state;
    script = (struct script){.message_count = 30, .first_id = 1, .ends = true};
    struct place made;
    make_place(&made);
    struct ingest_options options = options_for(&made);
    options.queue.dry_run = true;
    struct summary summary;
    assert_int_equal(run(&options, &summary), EXIT_CODE_OK);
    assert_int_equal(summary.counts.received, 30);
    assert_int_equal(queue.mode, QUEUE_DRY_RUN);
    struct stat there;
    assert_int_not_equal(stat(made.store, &there), 0);
    drop_place(&made);
    assert_int_equal(mem_live_blocks(), 0);
}

static void a_store_that_is_written_to_is_exit_4_at_once(void **state)
{
    (void)state;
    script = (struct script){.message_count = 30, .first_id = 1, .ends = true};
    struct place made;
    make_place(&made);
    struct store *store = NULL;
    assert_int_equal(store_open(&store, made.store, NULL), STATUS_OK);
    const struct ingest_options options = options_for(&made);
    struct summary summary;
    assert_int_equal(run(&options, &summary), EXIT_CODE_STORE);
    assert_int_equal(queue.sent, 0);
    store_close(store);
    drop_place(&made);
}

static void a_queue_that_fails_once_decides_the_exit_code(void **state)
{
    (void)state;
    static const struct {
        enum wire_verdict verdict;
        enum exit_code code;
    } cases[] = {
        {WIRE_DENIED, EXIT_CODE_CREDENTIALS},
        {WIRE_BUSY, EXIT_CODE_NETWORK},
        {WIRE_NO_QUEUE, EXIT_CODE_NETWORK},
        {WIRE_BROKEN, EXIT_CODE_NETWORK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        script = (struct script){.message_count = 20, .first_id = 1, .failure = cases[i].verdict};
        struct place made;
        make_place(&made);
        const struct ingest_options options = options_for(&made);
        struct summary summary;
        assert_int_equal(run(&options, &summary), cases[i].code);
        assert_int_equal(queue.acknowledged * 10, summary.counts.received);
        assert_int_equal(queue.finishes, 1); // what was stored may be deleted
        drop_place(&made);
    }
}

static int ask_for_status(const struct place *made)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/out", made->dir);
    (void)fclose(stdout);
    stdout = fopen(path, "w");
    if (!stdout || dup2(fileno(stdout), STDOUT_FILENO) < 0)
        return 98;
    const struct ingest_options options = options_for(made);
    const enum exit_code code = service_queue_status(&options);
    (void)fflush(stdout);
    return (int)code;
}

static void the_status_of_a_queue_is_a_line_for_each_value(void **state)
{
    (void)state;
    script = (struct script){.status_verdict = WIRE_DONE};
    struct place made;
    make_place(&made);
    assert_int_equal(code_of_child(ask_for_status, &made), 0);
    char path[256];
    char text[512] = "";
    (void)snprintf(path, sizeof path, "%s/out", made.dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    (void)fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    assert_string_equal(text, "queue\tiot-a1\nactive\t17\ninactive\t0\ndelayed\t2\n"
                              "ActiveMessages\t17\nDelayMessages\t2\nQueueName\todd\\tname\n");
    (void)unlink(path);

    script.status_verdict = WIRE_DENIED;
    assert_int_equal(code_of_child(ask_for_status, &made), EXIT_CODE_CREDENTIALS);
    script.status_verdict = WIRE_NO_QUEUE;
    assert_int_equal(code_of_child(ask_for_status, &made), EXIT_CODE_NETWORK);
    (void)unlink(path);
    drop_place(&made);
}

/* Whichever request for memory fails, the service ends and gives everything back. */
static void a_service_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct place made;
    make_place(&made);
    enum exit_code code = EXIT_CODE_PROBLEM;
    for (long nth = 0; code != EXIT_CODE_OK; nth += nth < 100 ? 1 : 13) {
        assert_in_range(nth, 0, 3000); // the sweep must end
        script = (struct script){.message_count = 20, .first_id = 1, .ends = true};
        struct ingest_options options = options_for(&made);
        options.threads = 1;
        struct summary summary;
        mem_fail_at(nth);
        code = run(&options, &summary);
        mem_fail_at(-1);
        assert_true(code == EXIT_CODE_OK || code == EXIT_CODE_PROBLEM);
        assert_int_equal(queue.acknowledged * 10, summary.counts.received);
        assert_int_equal(mem_live_blocks(), 0);
        drop_place(&made);
        make_place(&made);
    }
    drop_place(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_stores_and_acknowledges_everything),
        cmocka_unit_test(sigterm_drains_and_exits_0),
        cmocka_unit_test(a_queue_that_does_not_drain_is_given_up_with_exit_0),
        cmocka_unit_test(without_room_nothing_is_acknowledged_and_sigterm_ends_with_1),
        cmocka_unit_test(a_dry_run_makes_no_store),
        cmocka_unit_test(a_store_that_is_written_to_is_exit_4_at_once),
        cmocka_unit_test(a_queue_that_fails_once_decides_the_exit_code),
        cmocka_unit_test(the_status_of_a_queue_is_a_line_for_each_value),
        cmocka_unit_test(a_service_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
