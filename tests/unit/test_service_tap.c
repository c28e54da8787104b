/*
 * test_service_tap.c - the tap between a queue and the decoders: what it records, prints and
 * remembers. Recorder and printer are real, the queue is the test's own.
 */
#include "engine/base/mem.h"
#include "ingest/service/tap.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define READING                                                                         \
    "{\"messagetype\":\"upload\",\"topic\":\"/pk/dn/x\",\"messageid\":5,\"timestamp\":" \
    "1526450334,\"payload\":\"{\\\"a\\\":1}\"}"
#define DELIVERIES_MANY ((size_t)3 * TAP_PENDING_MAX)
#define SECRET                                                                          \
    "{\"messagetype\":\"upload\",\"topic\":\"/pk/dn/x\",\"messageid\":6,\"timestamp\":" \
    "1526450334,\"payload\":\"{\\\"deviceSecret\\\":\\\"hunter2\\\"}\"}"

/* --- a queue --------------------------------------------------------------------------------- */

struct fake_queue {
    const char *const *bodies;
    size_t body_count;
    size_t per_delivery;
    size_t next;
    uint64_t token;
    uint64_t acknowledged;
    bool interrupted;
    int64_t oldest_ms; /* of every delivery */
};

static enum status fake_next(void *context, struct body_batch *batch, enum source_event *event,
                             struct error *err)
{
    struct fake_queue *queue = context;
    *event = SOURCE_END;
    if (queue->next == queue->body_count)
        return STATUS_OK;
    batch->len = 0;
    batch->end_count = 0;
    batch->next = 0;
    if (body_batch_frame(batch) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory");
    for (size_t i = 0; i < queue->per_delivery && queue->next < queue->body_count; i++) {
        if (body_batch_add(batch, slice_of_text(queue->bodies[queue->next++])) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory");
    }
    batch->token = ++queue->token;
    *event = SOURCE_BODIES;
    return STATUS_OK;
}

static void fake_acknowledge(void *context, uint64_t token)
{
    struct fake_queue *queue = context;
    queue->acknowledged = token;
}

static void fake_interrupt(void *context)
{
    struct fake_queue *queue = context;
    queue->interrupted = true;
}

static struct source_progress fake_progress(const void *context)
{
    const struct fake_queue *queue = context;
    return (struct source_progress){.raw_bytes = queue->next};
}

static int64_t fake_oldest_ms(const struct source *inner, uint64_t token)
{
    const struct fake_queue *queue = inner->context;
    assert_int_equal(token, queue->token); // asked when it was handed out
    return queue->oldest_ms;
}

/* --- one tap --------------------------------------------------------------------------------- */

struct fixture {
    struct fake_queue queue;
    struct source inner;
    struct source source;
    struct tap tap;
    struct decoder_config decoder;
    struct ingest_metrics metrics;
    struct recorder *recorder;
    struct printer *printer;
    FILE *output;
    char dir[128];
    char path[160];
    unsigned printing_ended;
    size_t bodies_seen;
};

static void count_end(void *context)
{
    struct fixture *fixture = context;
    fixture->printing_ended++;
}

static void make_place(struct fixture *fixture)
{
    const char *parent = getenv("TMPDIR");
    (void)snprintf(fixture->dir, sizeof fixture->dir, "%s/mnsdb-tap-XXXXXX",
                   parent ? parent : "/tmp");
    assert_non_null(mkdtemp(fixture->dir));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/record", fixture->dir);
}

static enum status open_tap(struct fixture *fixture)
{
    TRY(decoder_config_init(&fixture->decoder, NULL));
    fixture->inner = (struct source){
        .context = &fixture->queue,
        .next = fake_next,
        .acknowledge = fake_acknowledge,
        .interrupt = fake_interrupt,
        .progress = fake_progress,
    };
    const struct tap_config config = {
        .inner = &fixture->inner,
        .decoder = &fixture->decoder,
        .recorder = fixture->recorder,
        .printer = fixture->printer,
        .output = fixture->output,
        .metrics = &fixture->metrics,
        .oldest_ms = fake_oldest_ms,
        .printing_ended = count_end,
        .context = fixture,
    };
    return tap_open(&fixture->tap, &config, &fixture->source, NULL);
}

/* Pulls everything through the tap; each delivery's bodies are counted behind it. */
static enum status pull_all(struct fixture *fixture)
{
    OWNED(body_batch_release) struct body_batch batch = {0};
    enum source_event event = SOURCE_BODIES;
    while (event != SOURCE_END) {
        TRY(source_next(&fixture->source, &batch, &event, NULL));
        struct body body;
        while (event == SOURCE_BODIES && body_batch_next(&batch, &body))
            fixture->bodies_seen++;
    }
    return STATUS_OK;
}

static void release(struct fixture *fixture)
{
    tap_close(&fixture->tap);
    recorder_close(fixture->recorder);
    printer_close(fixture->printer);
    if (fixture->dir[0] == '\0')
        return;
    (void)unlink(fixture->path);
    (void)rmdir(fixture->dir);
}

static size_t read_file(const char *path, char *text, size_t text_bytes)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t len = fread(text, 1, text_bytes - 1, file);
    text[len] = '\0';
    (void)fclose(file);
    return len;
}

static const char *const two_bodies[] = {READING, SECRET};
static const char *const many_bodies[] = {"1", "2", "3", "4", "5", "6", "7"};

static void bodies_pass_and_the_record_has_each_once_with_its_secret_masked(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.bodies = two_bodies, .body_count = 2, .per_delivery = 1}};
    make_place(&fixture);
    assert_int_equal(recorder_open(&fixture.recorder, fixture.path, 0, NULL), STATUS_OK);
    assert_int_equal(open_tap(&fixture), STATUS_OK);
    assert_int_equal(pull_all(&fixture), STATUS_OK);
    assert_int_equal(fixture.bodies_seen, 2);

    char text[2048];
    assert_int_equal(read_file(fixture.path, text, sizeof text), 0); // in memory so far
    assert_int_equal(tap_flush(&fixture.tap, NULL), STATUS_OK);
    (void)read_file(fixture.path, text, sizeof text);
    assert_memory_equal(text, READING "\n", sizeof READING);
    assert_null(strstr(text, "hunter2"));
    assert_non_null(strstr(text, "*******"));
    release(&fixture);
    assert_int_equal(mem_live_blocks(), 0);
}

static void each_body_is_printed_once_and_flushed_by_delivery(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.bodies = two_bodies, .body_count = 2, .per_delivery = 2}};
    make_place(&fixture);
    fixture.output = fopen(fixture.path, "w");
    assert_non_null(fixture.output);
    assert_int_equal(printer_open(&fixture.printer, NULL), STATUS_OK);
    assert_int_equal(open_tap(&fixture), STATUS_OK);
    assert_int_equal(pull_all(&fixture), STATUS_OK);
    char text[2048];
    (void)read_file(fixture.path, text, sizeof text); // before it is closed
    assert_non_null(strstr(text, "\"payload\":{\"a\":1}"));
    assert_null(strstr(text, "hunter2"));
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 2);
    assert_int_equal(fixture.printing_ended, 0);
    (void)fclose(fixture.output);
    release(&fixture);
}

static void a_reader_that_goes_away_ends_printing_and_loses_no_message(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    struct fixture fixture = {.queue = {.bodies = many_bodies, .body_count = 7, .per_delivery = 2}};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    fixture.output = fdopen(ends[1], "w");
    assert_non_null(fixture.output);
    assert_int_equal(printer_open(&fixture.printer, NULL), STATUS_OK);
    assert_int_equal(open_tap(&fixture), STATUS_OK);
    assert_int_equal(pull_all(&fixture), STATUS_OK);
    assert_int_equal(fixture.bodies_seen, 7);
    assert_int_equal(fixture.printing_ended, 1);
    (void)fclose(fixture.output);
    release(&fixture);
}

static void an_acknowledgement_tells_the_delay_of_all_it_covers(void **state)
{
    (void)state;
    struct fixture fixture = {
        .queue = {.bodies = many_bodies, .body_count = 7, .per_delivery = 2, .oldest_ms = 1000}};
    assert_int_equal(open_tap(&fixture), STATUS_OK);
    assert_int_equal(pull_all(&fixture), STATUS_OK);
    source_acknowledge(&fixture.source, 3);
    assert_int_equal(fixture.queue.acknowledged, 3);
    assert_int_equal(fixture.metrics.delay.count, 1); // one commit, three deliveries
    source_acknowledge(&fixture.source, 4);
    assert_int_equal(fixture.metrics.delay.count, 2);
    source_interrupt(&fixture.source);
    assert_true(fixture.queue.interrupted);
    assert_int_equal(source_progress(&fixture.source).raw_bytes, 7);
    release(&fixture);
}

static void without_an_enqueue_time_no_delay_is_told(void **state)
{
    (void)state;
    struct fixture fixture = {.queue = {.bodies = many_bodies, .body_count = 7, .per_delivery = 7}};
    assert_int_equal(open_tap(&fixture), STATUS_OK);
    assert_int_equal(pull_all(&fixture), STATUS_OK);
    source_acknowledge(&fixture.source, 1);
    assert_int_equal(fixture.metrics.delay.count, 0);
    assert_int_equal(tap_flush(&fixture.tap, NULL), STATUS_OK);
    release(&fixture);
}

static void deliveries_without_number_pass(void **state)
{
    (void)state;
    static const char *bodies[DELIVERIES_MANY];
    for (size_t i = 0; i < DELIVERIES_MANY; i++)
        bodies[i] = "x";
    struct fixture fixture = {
        .queue = {
            .bodies = bodies, .body_count = DELIVERIES_MANY, .per_delivery = 1, .oldest_ms = 1000}};
    assert_int_equal(open_tap(&fixture), STATUS_OK);
    assert_int_equal(pull_all(&fixture), STATUS_OK); // nothing is acknowledged: the ring is full
    source_acknowledge(&fixture.source, DELIVERIES_MANY);
    assert_int_equal(fixture.metrics.delay.count, 1);
    assert_int_equal(fixture.tap.first, fixture.tap.last);
    release(&fixture);
}

/* Whichever request for memory fails, the call says so and gives everything back. */
static void a_tap_survives_every_failed_allocation(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        assert_in_range(nth, 0, 500); // the sweep must end
        struct fixture fixture = {
            .queue = {.bodies = two_bodies, .body_count = 2, .per_delivery = 1}};
        make_place(&fixture);
        assert_int_equal(recorder_open(&fixture.recorder, fixture.path, 0, NULL), STATUS_OK);
        mem_fail_at(nth);
        status = open_tap(&fixture);
        if (status == STATUS_OK)
            status = pull_all(&fixture);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        release(&fixture);
        assert_int_equal(mem_live_blocks(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_pass_and_the_record_has_each_once_with_its_secret_masked),
        cmocka_unit_test(each_body_is_printed_once_and_flushed_by_delivery),
        cmocka_unit_test(a_reader_that_goes_away_ends_printing_and_loses_no_message),
        cmocka_unit_test(an_acknowledgement_tells_the_delay_of_all_it_covers),
        cmocka_unit_test(without_an_enqueue_time_no_delay_is_told),
        cmocka_unit_test(deliveries_without_number_pass),
        cmocka_unit_test(a_tap_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
