/*
 * test_fleet_queue.c - a fleet that sends to a queue: every line once, whatever the queue answers,
 * and not before its time. The queue and the clock are simulated.
 */
#include "bench/fleet/feed.h"
#include "bench/fleet/fleet.h"
#include "bench/fleet/sender.h"

#include "engine/base/mem.h"
#include "engine/civil/civil.h"
#include "ingest/decode/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PENDING_MAX        SENDER_SENDS_MAX
#define START_MS           INT64_C(1795348800000)
#define PATIENCE_MS        60000
#define DRAIN_MS           1000
#define LATENCY_MS         2
#define XML_HEAD           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define TEXT_ROOM          65536
#define SNOWFLAKE_EPOCH_MS INT64_C(1288834974657)
#define PACE_GRAIN_MS      10 /* the clock is looked at as often */
#define SEND_TIMES         20000

/* What the queue does with a request. */
enum deed {
    ACCEPT,
    FAIL_EVERY_SECOND, /* of the batch's entries */
    ANSWER_BUSY,
    LOSE_ANSWER,  /* the messages are taken, the answer does not come */
    ANSWER_EMPTY, /* 201 without a word about the messages */
    ANSWER_DENIED,
    ANSWER_REFUSED,
    ANSWER_NO_QUEUE,
};

struct pending {
    transport_done *done;
    void *context;
    char *body; /* owned */
};

/* A queue behind the transport's interface, and the clock of all. */
struct fake {
    struct transport transport;
    int64_t monotonic_ms;
    struct pending pending[PENDING_MAX];
    size_t pending_count;
    size_t pending_most;
    const enum deed *script; /* one deed a request; then the last again and again */
    size_t script_count;
    size_t requests;
    struct buffer taken;          /* bodies, each with a newline */
    int64_t taken_ms[SEND_TIMES]; /* when each was sent */
    size_t taken_count;
    size_t batch_sizes[64];
    struct buffer ledger;
    struct error err;
    struct credentials *credentials;
    struct mns *mns;
    struct sender *sender;
};

static struct fake fake;

/* --- the queue ------------------------------------------------------------------------------- */

static enum status fake_start(void *context, const struct transport_request *request,
                              transport_done *done, void *done_context, struct error *err)
{
    (void)context;
    (void)err;
    assert_true(fake.pending_count < PENDING_MAX);
    struct pending *pending = &fake.pending[fake.pending_count];
    *pending = (struct pending){.done = done, .context = done_context};
    pending->body = calloc(1, request->body.len + 1);
    assert_non_null(pending->body);
    memcpy(pending->body, request->body.data, request->body.len);
    assert_string_equal(request->method, "POST");
    fake.pending_count++;
    if (fake.pending_count > fake.pending_most)
        fake.pending_most = fake.pending_count;
    return STATUS_OK;
}

/* The next body in a request; NULL at the end. */
static const char *next_body(const char **at, size_t *len)
{
    const char *start = strstr(*at, "<MessageBody>");
    if (!start)
        return NULL;
    start += strlen("<MessageBody>");
    const char *end = strstr(start, "</MessageBody>");
    assert_non_null(end);
    *len = (size_t)(end - start);
    *at = end;
    return start;
}

static void take(const char *body, size_t len)
{
    assert_true(fake.taken_count < SEND_TIMES);
    fake.taken_ms[fake.taken_count++] = fake.monotonic_ms;
    assert_int_equal(buffer_append(&fake.taken, body, len), STATUS_OK);
    assert_int_equal(buffer_append(&fake.taken, "\n", 1), STATUS_OK);
}

/* Takes the bodies that the deed lets through; the answer's document is in `text`. */
static void answer_entries(enum deed deed, const char *request, char *text)
{
    size_t count = 0;
    size_t len = 0;
    int used = snprintf(text, TEXT_ROOM, XML_HEAD "<Messages>");
    for (const char *body = next_body(&request, &len); body; body = next_body(&request, &len)) {
        const bool fails = deed == FAIL_EVERY_SECOND && count % 2 == 1;
        if (!fails)
            take(body, len);
        used += snprintf(text + used, TEXT_ROOM - (size_t)used,
                         fails ? "<Message><ErrorCode>InternalError</ErrorCode><ErrorMessage>no"
                                 "</ErrorMessage></Message>"
                               : "<Message><MessageId>%zu</MessageId><MessageBodyMD5>00"
                                 "</MessageBodyMD5></Message>",
                         count);
        count++;
    }
    if (fake.requests < sizeof fake.batch_sizes / sizeof fake.batch_sizes[0])
        fake.batch_sizes[fake.requests] = count;
    (void)snprintf(text + used, TEXT_ROOM - (size_t)used, "</Messages>");
}

static void answer_error(char *text, const char *code)
{
    (void)snprintf(text, TEXT_ROOM, XML_HEAD "<Error><Code>%s</Code><Message>no</Message></Error>",
                   code);
}

static struct transport_reply answer(enum deed deed, const char *request)
{
    static char text[TEXT_ROOM];
    struct transport_reply reply = {
        .fault_text = "", .date_ms = -1, .retry_after_ms = -1, .is_xml = true, .status = 201};
    text[0] = '\0';
    switch (deed) {
    case ACCEPT:
        answer_entries(deed, request, text);
        break;
    case FAIL_EVERY_SECOND:
        answer_entries(deed, request, text);
        reply.status = 500;
        break;
    case LOSE_ANSWER:
        answer_entries(deed, request, text);
        return (struct transport_reply){.fault = TRANSPORT_TIMEOUT,
                                        .fault_text = "timed out",
                                        .date_ms = -1,
                                        .retry_after_ms = -1};
    case ANSWER_BUSY:
        answer_error(text, "InternalError");
        reply.status = 503;
        break;
    case ANSWER_DENIED:
        answer_error(text, "SignatureDoesNotMatch");
        reply.status = 403;
        break;
    case ANSWER_REFUSED:
        answer_error(text, "MalformedXML");
        reply.status = 400;
        break;
    case ANSWER_NO_QUEUE:
        answer_error(text, "QueueNotExist");
        reply.status = 404;
        break;
    case ANSWER_EMPTY:
        break;
    }
    reply.body = slice_of_text(text);
    return reply;
}

static enum deed next_deed(void)
{
    const size_t last = fake.script_count - 1;
    return fake.script[fake.requests < last ? fake.requests : last];
}

/* Answers one request; with none in flight time passes. */
static enum status fake_run(void *context, int64_t wait_ms, struct error *err)
{
    (void)context;
    (void)err;
    if (fake.pending_count == 0) {
        fake.monotonic_ms += wait_ms > 0 ? wait_ms : 0;
        return STATUS_OK;
    }
    fake.monotonic_ms += LATENCY_MS;
    const struct pending first = fake.pending[0];
    fake.pending_count--;
    memmove(fake.pending, fake.pending + 1, fake.pending_count * sizeof first);
    const struct transport_reply reply = answer(next_deed(), first.body);
    fake.requests++;
    first.done(first.context, &reply);
    free(first.body);
    return STATUS_OK;
}

static size_t fake_cancel(void *context, void *done_context)
{
    (void)context;
    size_t kept = 0;
    for (size_t i = 0; i < fake.pending_count; i++) {
        if (fake.pending[i].context == done_context)
            free(fake.pending[i].body);
        else
            fake.pending[kept++] = fake.pending[i];
    }
    const size_t cancelled = fake.pending_count - kept;
    fake.pending_count = kept;
    return cancelled;
}

static void fake_wake(void *context)
{
    (void)context;
}

static int64_t fake_utc_ms(void *context)
{
    (void)context;
    return START_MS + fake.monotonic_ms;
}

static int64_t fake_monotonic_ms(void *context)
{
    (void)context;
    return fake.monotonic_ms;
}

/* --- opening and closing --------------------------------------------------------------------- */

static enum status write_ledger(void *context, struct slice lines, struct error *err)
{
    (void)context;
    (void)err;
    return buffer_append(&fake.ledger, lines.data, lines.len);
}

static void fake_reset(const enum deed *script, size_t script_count)
{
    fake = (struct fake){.script = script, .script_count = script_count, .monotonic_ms = 5000};
    fake.transport = (struct transport){
        .start = fake_start, .run = fake_run, .cancel = fake_cancel, .wake = fake_wake};
}

static enum status open_all(unsigned sends_max)
{
    const struct credentials_config credentials = {0};
    assert_int_equal(setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "test-id", 1), 0);
    assert_int_equal(setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test-secret", 1), 0);
    TRY(credentials_open(&fake.credentials, &credentials, &fake.err));
    struct mns_config mns = {
        .transport = &fake.transport,
        .credentials = fake.credentials,
        .clock = {.utc_ms = fake_utc_ms, .monotonic_ms = fake_monotonic_ms},
    };
    TRY(wire_url_parse(&mns.url, "http://127.0.0.1:1/queues/fleet", &fake.err));
    TRY(mns_open(&fake.mns, &mns, &fake.err));
    const struct sender_config sender = {
        .mns = fake.mns,
        .transport = &fake.transport,
        .credentials = fake.credentials,
        .sends_max = sends_max,
        .patience_ms = PATIENCE_MS,
        .acknowledged = write_ledger,
    };
    return sender_open(&fake.sender, &sender, &fake.err);
}

static void close_all(void)
{
    sender_close(fake.sender);
    mns_close(fake.mns);
    credentials_close(fake.credentials);
    assert_int_equal(fake.pending_count, 0);
    buffer_release(&fake.taken);
    buffer_release(&fake.ledger);
}

static void open_queue(const enum deed *script, size_t script_count, unsigned sends_max)
{
    fake_reset(script, script_count);
    if (open_all(sends_max) != STATUS_OK)
        fail_msg("%s", fake.err.message);
}

#define OPEN_QUEUE(sends_max, ...)                    \
    static const enum deed script_[] = {__VA_ARGS__}; \
    open_queue(script_, sizeof script_ / sizeof *script_, (sends_max))

/* Lines "line-0000", "line-0001", ...: all into `wanted`. */
static enum status send_lines(size_t count, struct buffer *wanted)
{
    for (size_t i = 0; i < count; i++) {
        char line[32];
        (void)snprintf(line, sizeof line, "line-%04zu\n", i);
        if (wanted)
            assert_int_equal(buffer_append(wanted, line, strlen(line)), STATUS_OK);
        TRY(sender_add(fake.sender, slice_of(line, strlen(line) - 1), &fake.err));
    }
    return sender_finish(fake.sender, DRAIN_MS, &fake.err);
}

static void expect_same(const struct buffer *got, const struct buffer *wanted)
{
    assert_int_equal(got->len, wanted->len);
    assert_memory_equal(got->data, wanted->data, wanted->len);
}

/* --- what is sent ---------------------------------------------------------------------------- */

static void lines_go_in_batches_of_sixteen(void **state)
{
    (void)state;
    struct buffer wanted = {0};
    OPEN_QUEUE(1, ACCEPT);
    assert_int_equal(send_lines(40, &wanted), STATUS_OK);
    assert_int_equal(fake.requests, 3);
    assert_int_equal(fake.batch_sizes[0], 16);
    assert_int_equal(fake.batch_sizes[1], 16);
    assert_int_equal(fake.batch_sizes[2], 8);
    expect_same(&fake.taken, &wanted);
    expect_same(&fake.ledger, &wanted);
    assert_int_equal(sender_totals(fake.sender).lines, 40);
    assert_int_equal(sender_totals(fake.sender).retries, 0);
    buffer_release(&wanted);
    close_all();
}

static void several_batches_are_in_flight(void **state)
{
    (void)state;
    OPEN_QUEUE(5, ACCEPT);
    assert_int_equal(send_lines(1000, NULL), STATUS_OK);
    assert_int_equal(fake.pending_most, 5);
    assert_int_equal(fake.taken_count, 1000);
    close_all();
}

static void a_long_line_takes_a_batch_of_its_own(void **state)
{
    (void)state;
    static char line[50000];
    OPEN_QUEUE(1, ACCEPT);
    memset(line, 'x', sizeof line);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sender_add(fake.sender, slice_of(line, sizeof line), NULL), STATUS_OK);
    assert_int_equal(sender_finish(fake.sender, DRAIN_MS, NULL), STATUS_OK);
    assert_int_equal(fake.requests, 3);
    close_all();
}

static void what_xml_cannot_carry_goes_as_base64(void **state)
{
    (void)state;
    OPEN_QUEUE(1, ACCEPT);
    assert_int_equal(sender_add(fake.sender, slice_of("\0\xff!", 3), NULL), STATUS_OK);
    assert_int_equal(sender_finish(fake.sender, DRAIN_MS, NULL), STATUS_OK);
    assert_int_equal(fake.taken.len, 5);
    assert_memory_equal(fake.taken.data, "AP8h\n", 5);
    assert_memory_equal(fake.ledger.data, "AP8h\n", 5);
    close_all();
}

/* --- what goes wrong ------------------------------------------------------------------------- */

static void of_a_batch_that_failed_in_part_only_the_failed_are_sent_again(void **state)
{
    (void)state;
    OPEN_QUEUE(1, FAIL_EVERY_SECOND, FAIL_EVERY_SECOND, ACCEPT);
    assert_int_equal(send_lines(16, NULL), STATUS_OK);
    assert_int_equal(fake.requests, 3);
    assert_int_equal(fake.batch_sizes[1], 8);
    assert_int_equal(fake.batch_sizes[2], 4);
    assert_int_equal(fake.taken_count, 16); /* none twice */
    expect_same(&fake.ledger, &fake.taken);
    assert_int_equal(sender_totals(fake.sender).retries, 2);
    close_all();
}

static void a_busy_queue_is_tried_again(void **state)
{
    (void)state;
    struct buffer wanted = {0};
    OPEN_QUEUE(1, ANSWER_BUSY, ANSWER_NO_QUEUE, ANSWER_BUSY, ANSWER_EMPTY, ACCEPT);
    assert_int_equal(send_lines(20, &wanted), STATUS_OK);
    expect_same(&fake.taken, &wanted);
    expect_same(&fake.ledger, &wanted);
    assert_int_equal(sender_totals(fake.sender).retries, 4);
    buffer_release(&wanted);
    close_all();
}

static void a_lost_answer_may_send_twice_but_counts_once(void **state)
{
    (void)state;
    struct buffer wanted = {0};
    OPEN_QUEUE(1, LOSE_ANSWER, ACCEPT);
    assert_int_equal(send_lines(10, &wanted), STATUS_OK);
    assert_int_equal(fake.taken_count, 20);
    expect_same(&fake.ledger, &wanted);
    assert_int_equal(sender_totals(fake.sender).lines, 10);
    buffer_release(&wanted);
    close_all();
}

static void patience_ends_where_nothing_succeeds(void **state)
{
    (void)state;
    OPEN_QUEUE(2, ACCEPT, ANSWER_NO_QUEUE);
    const int64_t begin_ms = fake.monotonic_ms;
    assert_int_equal(send_lines(100, NULL), STATUS_IO);
    assert_int_equal(sender_verdict(fake.sender), WIRE_NO_QUEUE);
    assert_non_null(strstr(fake.err.message, "queue fleet at 127.0.0.1:1"));
    assert_true(fake.monotonic_ms - begin_ms >= PATIENCE_MS);
    assert_int_equal(sender_totals(fake.sender).lines, 16);
    close_all();
}

static void a_refused_key_ends_it(void **state)
{
    (void)state;
    OPEN_QUEUE(2, ANSWER_DENIED);
    assert_int_equal(send_lines(100, NULL), STATUS_IO);
    assert_int_equal(sender_verdict(fake.sender), WIRE_DENIED);
    assert_int_equal(fake.taken_count, 0);
    close_all();
}

static void a_refused_batch_ends_it_at_once(void **state)
{
    (void)state;
    OPEN_QUEUE(1, ANSWER_REFUSED);
    assert_int_equal(send_lines(100, NULL), STATUS_IO);
    assert_int_equal(sender_verdict(fake.sender), WIRE_REFUSED);
    assert_int_equal(fake.requests, 1);
    close_all();
}

/* --- when it is sent ------------------------------------------------------------------------- */

static void run_fleet(const struct fleet_config *config, uint64_t rate, bool is_realtime)
{
    struct fleet_totals totals;
    struct feed feed = {
        .sender = fake.sender,
        .clock = *mns_clock_of(fake.mns),
        .rate = rate,
        .is_realtime = is_realtime,
    };
    const struct fleet_output output = feed_output(&feed);
    if (fleet_run(config, &output, &totals, &fake.err) != STATUS_OK ||
        sender_finish(fake.sender, DRAIN_MS, &fake.err) != STATUS_OK)
        fail_msg("%s", fake.err.message);
    assert_int_equal(fake.taken_count, totals.lines);
    assert_int_equal(sender_totals(fake.sender).lines, totals.lines);
}

static struct fleet_config small_fleet(uint64_t messages)
{
    struct fleet_config config = fleet_config_default();
    config.devices = 50;
    config.messages = messages;
    config.base64_lines = true;
    return config;
}

static void messages_keep_to_a_rate(void **state)
{
    (void)state;
    static const uint64_t rates[] = {7, 100, 1500, 40000};
    const struct fleet_config config = small_fleet(3000);
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        OPEN_QUEUE(8, ACCEPT);
        const int64_t begin_ms = fake.monotonic_ms;
        run_fleet(&config, rates[i], false);
        for (size_t n = 0; n < fake.taken_count; n++) {
            const uint64_t group = rates[i] < 1600 ? rates[i] / 100 + 1 : 16;
            const uint64_t allowed =
                group + (uint64_t)(fake.taken_ms[n] - begin_ms) * rates[i] / 1000;
            assert_true(n <= allowed);
        }
        const int64_t span_ms = fake.taken_ms[fake.taken_count - 1] - begin_ms;
        assert_true((uint64_t)span_ms >= (fake.taken_count - 16) * 1000 / rates[i]);
        close_all();
    }
}

/* The millisecond in the id of a line, which is that of its simulated time. */
static int64_t simulated_ms(struct slice line)
{
    uint8_t decoded[4096];
    size_t len = 0;
    assert_in_range(line.len, 1, sizeof decoded);
    assert_true(base64_decode(line, decoded, &len));
    decoded[len] = '\0';
    const char *const name = "\"messageid\":";
    const char *member = strstr((const char *)decoded, name);
    assert_non_null(member);
    const uint64_t id = strtoull(member + strlen(name), NULL, 10);
    return (int64_t)(id >> 22) + SNOWFLAKE_EPOCH_MS;
}

static void in_real_time_messages_go_when_their_time_comes(void **state)
{
    (void)state;
    struct fleet_config config = small_fleet(0);
    config.span_ms = 2 * MS_PER_MINUTE;
    config.duplicate_share = 0;
    config.late_share = 0;
    config.timeout_share = 0; /* a timeout is noticed after its time */
    OPEN_QUEUE(4, ACCEPT);
    const int64_t begin_ms = fake.monotonic_ms;
    run_fleet(&config, 0, true);
    assert_true(fake.taken_count > 300);
    const uint8_t *line = fake.taken.data;
    for (size_t n = 0; n < fake.taken_count; n++) {
        const size_t left = fake.taken.len - (size_t)(line - fake.taken.data);
        const uint8_t *newline = memchr(line, '\n', left);
        assert_non_null(newline);
        const int64_t simulated = simulated_ms(slice_of(line, (size_t)(newline - line)));
        const int64_t waited_ms = fake.taken_ms[n] - begin_ms - (simulated - config.start_ms);
        assert_true(waited_ms > -PACE_GRAIN_MS && waited_ms < 50);
        line = newline + 1;
    }
    close_all();
}

/* --- memory ---------------------------------------------------------------------------------- */

static enum status try_sending(void)
{
    enum status status = open_all(2);
    for (int i = 0; status == STATUS_OK && i < 20; i++)
        status = sender_add(fake.sender, slice_of_text("line"), &fake.err);
    return status == STATUS_OK ? sender_finish(fake.sender, DRAIN_MS, &fake.err) : status;
}

static void sending_survives_every_failed_allocation(void **state)
{
    (void)state;
    static const enum deed script[] = {FAIL_EVERY_SECOND, ACCEPT};
    const size_t before = mem_live_blocks();
    size_t failures = 0;
    /* An answer that cannot be read for want of memory is one more reason to try again. */
    for (long nth = 0; nth < 300; nth++) {
        fake_reset(script, 2);
        /* The simulated queue's own memory is never the one that fails. */
        assert_int_equal(buffer_reserve(&fake.taken, TEXT_ROOM), STATUS_OK);
        assert_int_equal(buffer_reserve(&fake.ledger, TEXT_ROOM), STATUS_OK);
        mem_fail_at(nth);
        const enum status status = try_sending();
        mem_fail_at(-1);
        close_all();
        assert_true(status == STATUS_OK || status == STATUS_NOMEM || status == STATUS_IO);
        assert_int_equal(mem_live_blocks(), before);
        failures += status == STATUS_NOMEM;
    }
    assert_true(failures > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_go_in_batches_of_sixteen),
        cmocka_unit_test(several_batches_are_in_flight),
        cmocka_unit_test(a_long_line_takes_a_batch_of_its_own),
        cmocka_unit_test(what_xml_cannot_carry_goes_as_base64),
        cmocka_unit_test(of_a_batch_that_failed_in_part_only_the_failed_are_sent_again),
        cmocka_unit_test(a_busy_queue_is_tried_again),
        cmocka_unit_test(a_lost_answer_may_send_twice_but_counts_once),
        cmocka_unit_test(patience_ends_where_nothing_succeeds),
        cmocka_unit_test(a_refused_key_ends_it),
        cmocka_unit_test(a_refused_batch_ends_it_at_once),
        cmocka_unit_test(messages_keep_to_a_rate),
        cmocka_unit_test(in_real_time_messages_go_when_their_time_comes),
        cmocka_unit_test(sending_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
