/*
 * test_mns.c - a queue's operations: signed as the protocol says, and their answers judged, without
 * a network.
 */
#include "engine/base/mem.h"
#include "ingest/log/log.h"
#include "ingest/mns/mns.h"
#include "tests/unit/fake_transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS    INT64_C(1795349202000) /* Sun, 22 Nov 2026 12:06:42 GMT */
#define KEY_ID    "testAccessKey"
#define SECRET    "testSk"
#define TIMEOUT   40000
#define ID_HEX    "58F5C708449421603DEDE793"
#define QUEUE     "aliyun-iot-a1"
#define QUEUE_URL "https://1234567890.mns.cn-shanghai.aliyuncs.com/queues/" QUEUE
#define HOST      "1234567890.mns.cn-shanghai.aliyuncs.com"

#define EMPTY_BODY \
    "<Error><Code>MessageNotExist</Code><Message>Message not exist.</Message></Error>"
#define ONE_MESSAGE                                                               \
    "<Messages><Message><MessageId>1</MessageId><ReceiptHandle>h</ReceiptHandle>" \
    "<MessageBody>{}</MessageBody></Message></Messages>"
#define ERROR_BODY(code, text)                                                  \
    "<Error><Code>" code "</Code><Message>" text "</Message><RequestId>" ID_HEX \
    "</RequestId></Error>"

/* What done() was told last, copied. */
struct answer {
    unsigned count;
    enum wire_verdict verdict;
    int http_status;
    enum wire_root root;
    size_t message_count;
    char explanation[1024];
    enum transport_fault fault;
    int64_t retry_after_ms;
    uint64_t key_generation;
};

struct fixture {
    struct fake_transport fake;
    struct credentials *credentials;
    struct mns *mns;
    struct wire_request request;
    struct answer answer;
};

static void remember(void *context, const struct mns_answer *answer)
{
    struct answer *kept = context;
    kept->count++;
    kept->verdict = answer->verdict;
    kept->http_status = answer->http_status;
    assert_non_null(answer->reply);
    kept->root = answer->reply->root;
    kept->message_count = answer->reply->message_count;
    (void)snprintf(kept->explanation, sizeof kept->explanation, "%s", answer->explanation);
    kept->fault = answer->fault;
    kept->retry_after_ms = answer->retry_after_ms;
    kept->key_generation = answer->key_generation;
}

static struct credentials *open_credentials(const char *token)
{
    assert_int_equal(setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID, 1), 0);
    assert_int_equal(setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET, 1), 0);
    if (token)
        assert_int_equal(setenv("ALIBABA_CLOUD_SECURITY_TOKEN", token, 1), 0);
    struct credentials *credentials = NULL;
    const struct credentials_config config = {0};
    struct error err = {0};
    assert_int_equal(credentials_open(&credentials, &config, &err), STATUS_OK);
    return credentials;
}

static enum status open_queue(struct fixture *fixture, struct error *err)
{
    struct mns_config config = {
        .transport = &fixture->fake.transport,
        .credentials = fixture->credentials,
        .clock = fake_transport_clock(&fixture->fake),
    };
    TRY(wire_url_parse(&config.url, QUEUE_URL, err));
    return mns_open(&fixture->mns, &config, err);
}

static void set_up(struct fixture *fixture, const struct fake_reply *script, size_t script_len,
                   const char *token)
{
    *fixture = (struct fixture){0};
    fake_transport_init(&fixture->fake, script, script_len, NOW_MS);
    fixture->credentials = open_credentials(token);
    struct error err = {0};
    assert_int_equal(open_queue(fixture, &err), STATUS_OK);
    assert_int_equal(wire_request_receive(&fixture->request, QUEUE, 16, 10), STATUS_OK);
}
#define SET_UP(fixture, script) \
    set_up((fixture), (script), sizeof(script) / sizeof(script)[0], NULL)

static void tear_down(struct fixture *fixture)
{
    mns_close(fixture->mns);
    credentials_close(fixture->credentials);
    wire_request_release(&fixture->request);
}

static struct mns_operation operation_of(struct fixture *fixture)
{
    return (struct mns_operation){.request = &fixture->request,
                                  .timeout_ms = TIMEOUT,
                                  .done = remember,
                                  .context = &fixture->answer};
}

static void start(struct fixture *fixture)
{
    const struct mns_operation operation = operation_of(fixture);
    bool started = false;
    struct error err = {0};
    assert_int_equal(mns_start(fixture->mns, &operation, &started, &err), STATUS_OK);
    assert_true(started);
}

static void run(struct fixture *fixture)
{
    struct error err = {0};
    assert_int_equal(transport_run(&fixture->fake.transport, 1, &err), STATUS_OK);
}

/* Starts the fixture's request and has it answered. */
static const struct answer *ask(struct fixture *fixture)
{
    const unsigned before = fixture->answer.count;
    start(fixture);
    run(fixture);
    assert_int_equal(fixture->answer.count, before + 1);
    return &fixture->answer;
}

/* The signature is what the protocol makes of what was really sent. */
static void assert_signed(const struct fake_request *request)
{
    const struct wire_header version = {
        .name = slice_of_text("x-mns-version"),
        .value = slice_of_text(fake_request_header(request, "x-mns-version")),
    };
    const char *type = fake_request_header(request, "Content-Type");
    const struct wire_signed parts = {
        .method = slice_of_text(request->method),
        .content_type = slice_of_text(type ? type : ""),
        .date = slice_of_text(fake_request_header(request, "Date")),
        .headers = &version,
        .header_count = 1,
        .resource = slice_of_text(request->target),
    };
    char signature[WIRE_SIGNATURE_BYTES];
    struct error err = {0};
    assert_int_equal(wire_sign(&parts, slice_of_text(SECRET), signature, &err), STATUS_OK);
    char expected[256];
    (void)snprintf(expected, sizeof expected, "MNS " KEY_ID ":%s", signature);
    assert_string_equal(fake_request_header(request, "Authorization"), expected);
}

/* --- requests -------------------------------------------------------------------------------- */

static void a_receive_is_signed_as_the_reference_says(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {{.status = 200, .body = ONE_MESSAGE}};
    struct fixture fixture;
    SET_UP(&fixture, script);
    const struct answer *answer = ask(&fixture);
    assert_int_equal(answer->verdict, WIRE_DONE);
    assert_int_equal(answer->message_count, 1);
    assert_int_equal(answer->http_status, 200);
    assert_string_equal(answer->explanation, "");
    assert_int_equal(answer->key_generation, credentials_generation(fixture.credentials));

    const struct fake_request *request = &fixture.fake.requests[0];
    assert_string_equal(request->method, "GET");
    assert_string_equal(request->base, "https://" HOST);
    assert_string_equal(request->target,
                        "/queues/" QUEUE "/messages?numOfMessages=16&waitseconds=10");
    assert_int_equal(request->header_count, 3);
    assert_string_equal(fake_request_header(request, "Date"), "Sun, 22 Nov 2026 12:06:42 GMT");
    assert_string_equal(fake_request_header(request, "x-mns-version"), "2015-06-06");
    assert_string_equal(fake_request_header(request, "Authorization"),
                        "MNS " KEY_ID ":XuPIdwduFzZOrx/izKjW7erY8ys=");
    assert_int_equal(request->timeout_ms, TIMEOUT);
    assert_false(request->no_proxy);
    assert_string_equal(request->body, "");
    tear_down(&fixture);
}

static void a_body_goes_with_its_type_which_is_signed(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {{.status = 204}};
    struct fixture fixture;
    SET_UP(&fixture, script);
    const struct slice handles[] = {slice_of_text("a/b+c=="), slice_of_text("d")};
    assert_int_equal(wire_request_delete(&fixture.request, QUEUE, handles, 2), STATUS_OK);
    assert_int_equal(ask(&fixture)->verdict, WIRE_DONE);
    const struct fake_request *request = &fixture.fake.requests[0];
    assert_string_equal(fake_request_header(request, "Content-Type"), "text/xml");
    assert_null(fake_request_header(request, "Content-MD5"));
    assert_signed(request);
    assert_non_null(strstr(request->body, "a/b+c=="));
    tear_down(&fixture);
}

static void the_security_token_is_sent_and_not_signed(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {{.status = 404, .body = EMPTY_BODY}};
    struct fixture fixture;
    set_up(&fixture, script, 1, "CAIS-token/+=");
    (void)ask(&fixture);
    const struct fake_request *request = &fixture.fake.requests[0];
    assert_string_equal(fake_request_header(request, "security-token"), "CAIS-token/+=");
    assert_string_equal(fake_request_header(request, "Authorization"),
                        "MNS " KEY_ID ":XuPIdwduFzZOrx/izKjW7erY8ys=");
    tear_down(&fixture);
}

/* Requests of all kinds, interleaved, in the same second and in others. */
static void every_signature_is_that_of_its_own_request(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, NULL, 0, NULL);
    const struct slice handles[] = {slice_of_text("h1/+="), slice_of_text("h2")};
    for (unsigned i = 0; i < 40; i++) {
        enum status status = STATUS_OK;
        if (i % 5 == 0)
            status = wire_request_delete(&fixture.request, QUEUE, handles, 1 + i % 2);
        else if (i % 5 == 1)
            status = wire_request_visibility(&fixture.request, QUEUE, handles[0], 30);
        else if (i % 5 == 2)
            status = wire_request_send(&fixture.request, QUEUE, handles, 2);
        else
            status = wire_request_receive(&fixture.request, QUEUE, 16, i % 3);
        assert_int_equal(status, STATUS_OK);
        start(&fixture);
        assert_signed(&fixture.fake.requests[i]);
        fixture.fake.utc_ms += 300;
    }
    tear_down(&fixture);
}

static void nothing_starts_while_there_is_no_key(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fake_transport_init(&fixture.fake, NULL, 0, NOW_MS);
    /* Nobody listens at port 9 of loopback: the role's key is never fetched. */
    const struct credentials_config config = {.role = "reader",
                                              .metadata_url = "http://127.0.0.1:9"};
    struct error err = {0};
    assert_int_equal(credentials_open(&fixture.credentials, &config, &err), STATUS_OK);
    assert_int_equal(open_queue(&fixture, &err), STATUS_OK);
    assert_int_equal(wire_request_receive(&fixture.request, QUEUE, 16, 10), STATUS_OK);
    struct mns_operation operation = operation_of(&fixture);
    bool started = true;
    assert_int_equal(mns_start(fixture.mns, &operation, &started, &err), STATUS_OK);
    assert_false(started);
    assert_int_equal(fixture.fake.request_count, 0);
    operation.timeout_ms = 500;
    assert_int_equal(mns_call(fixture.mns, &operation, 0, &err), STATUS_OK);
    assert_int_equal(fixture.answer.count, 1);
    assert_int_equal(fixture.answer.verdict, WIRE_DENIED);
    assert_int_equal(fixture.answer.http_status, 0);
    assert_non_null(strstr(fixture.answer.explanation, "no credentials"));
    tear_down(&fixture);
}

static void a_request_that_cannot_start_leaves_nothing_behind(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, NULL, 0, NULL);
    fixture.fake.start_fails = STATUS_NOMEM;
    const struct mns_operation operation = operation_of(&fixture);
    bool started = true;
    struct error err = {0};
    assert_int_equal(mns_start(fixture.mns, &operation, &started, &err), STATUS_NOMEM);
    assert_false(started);
    assert_int_equal(mns_cancel(fixture.mns, &fixture.answer), 0);
    tear_down(&fixture);
}

/* --- answers --------------------------------------------------------------------------------- */

struct answer_case {
    struct fake_reply reply;
    enum wire_verdict verdict;
    const char *explanation; /* after "queue ... at " */
};

static void answers_are_judged_and_explained(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        {{.status = 404, .body = EMPTY_BODY}, WIRE_EMPTY, NULL},
        {{.status = 403, .body = ERROR_BODY("SignatureDoesNotMatch", "the signature is wrong")},
         WIRE_DENIED,
         HOST ": 403 SignatureDoesNotMatch: the signature is wrong (request id " ID_HEX ")"},
        {{.status = 503}, WIRE_BUSY, HOST ": 503"},
        {{.status = 404, .body = ERROR_BODY("QueueNotExist", "")},
         WIRE_NO_QUEUE,
         HOST ": 404 QueueNotExist (request id " ID_HEX ")"},
        {{.status = 200, .body = "<html></html>", .is_not_xml = true},
         WIRE_BROKEN,
         HOST ": 200, an answer that is not XML"},
        {{.status = 403, .body = "go away", .is_not_xml = true},
         WIRE_DENIED,
         HOST ": 403, an answer that is not XML"},
        {{.status = 502, .body = "<html>", .is_not_xml = true},
         WIRE_BUSY,
         HOST ": 502, an answer that is not XML"},
        {{.status = 200}, WIRE_BROKEN, HOST ": 200, an answer without what was asked for"},
        {{.status = 200, .body = "<Queue/>"},
         WIRE_BROKEN,
         HOST ": 200, an answer without what was asked for"},
        {{.status = 302}, WIRE_BROKEN, HOST ": 302"},
        {{.fault = TRANSPORT_UNREACHABLE, .fault_text = "host:443: cannot connect"},
         WIRE_BUSY,
         "host:443: cannot connect"},
        {{.fault = TRANSPORT_TIMEOUT, .fault_text = "host:443: slow"}, WIRE_BUSY, "host:443: slow"},
        {{.fault = TRANSPORT_TLS, .fault_text = "host:443: who"}, WIRE_BUSY, "host:443: who"},
        {{.fault = TRANSPORT_BROKEN, .fault_text = "host:443: half"},
         WIRE_BROKEN,
         "host:443: half"},
        {{.fault = TRANSPORT_TOO_LONG, .fault_text = "host:443: 5 MiB"},
         WIRE_BROKEN,
         "host:443: 5 MiB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        set_up(&fixture, &cases[i].reply, 1, NULL);
        const struct answer *answer = ask(&fixture);
        char expected[512] = "";
        if (cases[i].explanation)
            (void)snprintf(expected, sizeof expected, "queue " QUEUE " at %s",
                           cases[i].explanation);
        assert_string_equal(answer->explanation, expected);
        assert_int_equal(answer->verdict, cases[i].verdict);
        assert_int_equal(answer->fault, cases[i].reply.fault);
        assert_int_equal(answer->http_status, cases[i].reply.status);
        tear_down(&fixture);
    }
}

static void half_a_document_is_no_document(void **state)
{
    (void)state;
    static const char whole[] = ONE_MESSAGE;
    for (size_t len = 1; len < sizeof whole - 1; len++) {
        char half[sizeof whole];
        (void)snprintf(half, sizeof half, "%.*s", (int)len, whole);
        const struct fake_reply reply = {.status = 200, .body = half};
        struct fixture fixture;
        set_up(&fixture, &reply, 1, NULL);
        const struct answer *answer = ask(&fixture);
        assert_int_equal(answer->verdict, WIRE_BROKEN);
        assert_int_equal(answer->root, WIRE_ROOT_NONE);
        assert_int_equal(answer->message_count, 0);
        tear_down(&fixture);
    }
}

static void a_handle_that_is_gone_is_not_an_empty_queue(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {{.status = 404, .body = EMPTY_BODY},
                                               {.status = 404, .body = EMPTY_BODY}};
    struct fixture fixture;
    SET_UP(&fixture, script);
    const struct slice handle = slice_of_text("h");
    assert_int_equal(wire_request_delete(&fixture.request, QUEUE, &handle, 1), STATUS_OK);
    assert_int_equal(ask(&fixture)->verdict, WIRE_NO_HANDLE);
    assert_int_equal(wire_request_visibility(&fixture.request, QUEUE, handle, 30), STATUS_OK);
    assert_int_equal(ask(&fixture)->verdict, WIRE_NO_HANDLE);
    tear_down(&fixture);
}

static void a_fault_is_not_mistaken_for_the_answer_before(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {
        {.status = 200, .body = ONE_MESSAGE},
        {.fault = TRANSPORT_TIMEOUT, .fault_text = "slow"},
        {.status = 200, .body = ONE_MESSAGE},
        {.status = 500, .body = "rubbish", .is_not_xml = true},
    };
    struct fixture fixture;
    SET_UP(&fixture, script);
    assert_int_equal(ask(&fixture)->message_count, 1);
    assert_int_equal(ask(&fixture)->message_count, 0);
    assert_int_equal(fixture.answer.root, WIRE_ROOT_NONE);
    assert_int_equal(ask(&fixture)->message_count, 1);
    assert_int_equal(ask(&fixture)->message_count, 0);
    assert_int_equal(fixture.answer.root, WIRE_ROOT_NONE);
    tear_down(&fixture);
}

static void the_servers_words_are_cut_and_cleaned(void **state)
{
    (void)state;
    static char body[4096];
    char words[1200];
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    memcpy(words, "say \xc2\x9b tab\tend ", 15);
    memcpy(words + 199, "\xc3\xa4", 2); /* a character on the edge of the cut */
    (void)snprintf(body, sizeof body, ERROR_BODY("AccessDenied", "%s"), words);
    const struct fake_reply reply = {.status = 403, .body = body};
    struct fixture fixture;
    set_up(&fixture, &reply, 1, NULL);
    const char *explanation = ask(&fixture)->explanation;
    const char *shown = strstr(explanation, "AccessDenied: ");
    assert_non_null(shown);
    shown += strlen("AccessDenied: ");
    const char *end = strstr(shown, " (request id ");
    assert_non_null(end);
    assert_int_equal(end - shown, 199);
    assert_memory_equal(shown, "say ?? tab?end ", 15);
    for (const char *at = explanation; *at; at++)
        assert_true((unsigned char)*at >= ' ' && (unsigned char)*at != 0x9b);
    tear_down(&fixture);
}

static void a_secret_in_the_servers_words_is_not_repeated(void **state)
{
    (void)state;
    log_hide("verySecretIndeed");
    static char body[2048];
    for (int at = 150; at < 220; at++) {
        (void)snprintf(body, sizeof body, ERROR_BODY("AccessDenied", "%*sverySecretIndeed"), at,
                       "");
        for (char *blank = strchr(body, ' '); blank; blank = strchr(blank, ' '))
            *blank = '.';
        const struct fake_reply reply = {.status = 403, .body = body};
        struct fixture fixture;
        set_up(&fixture, &reply, 1, NULL);
        const char *explanation = ask(&fixture)->explanation;
        assert_non_null(strstr(explanation, "AccessDenied: ..."));
        assert_null(strstr(explanation, "very"));
        tear_down(&fixture);
    }
}

/* --- the server's clock ---------------------------------------------------------------------- */

#define CLOCK_BODY ERROR_BODY("TimeExpired", "The date is out of range.")

static void the_servers_clock_is_learnt_when_it_refuses_ours(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {
        {.status = 408, .body = CLOCK_BODY, .date_ms = NOW_MS + 3600000},
        {.status = 404, .body = EMPTY_BODY, .date_ms = NOW_MS + 7200000},
        {.status = 408, .body = CLOCK_BODY, .date_ms = NOW_MS + 3600000 + 59000},
        {.status = 408, .body = CLOCK_BODY},
        {.status = 408, .body = CLOCK_BODY, .date_ms = NOW_MS - 86400000},
    };
    struct fixture fixture;
    SET_UP(&fixture, script);
    assert_int_equal(mns_clock_offset_ms(fixture.mns), 0);
    assert_int_equal(ask(&fixture)->verdict, WIRE_CLOCK);
    assert_int_equal(mns_clock_offset_ms(fixture.mns), 3600000);
    /* Only a refusal teaches. */
    assert_int_equal(ask(&fixture)->verdict, WIRE_EMPTY);
    assert_int_equal(mns_clock_offset_ms(fixture.mns), 3600000);
    assert_string_equal(fake_request_header(&fixture.fake.requests[1], "Date"),
                        "Sun, 22 Nov 2026 13:06:42 GMT");
    assert_signed(&fixture.fake.requests[1]);
    /* A step too small to be the cause is none. */
    (void)ask(&fixture);
    assert_int_equal(mns_clock_offset_ms(fixture.mns), 3600000);
    (void)ask(&fixture);
    assert_int_equal(mns_clock_offset_ms(fixture.mns), 3600000);
    (void)ask(&fixture);
    assert_int_equal(mns_clock_offset_ms(fixture.mns), -86400000);
    tear_down(&fixture);
}

/* --- cancelling ------------------------------------------------------------------------------ */

static void cancel_drops_what_has_this_context(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {{.status = 404, .body = EMPTY_BODY}};
    struct fixture fixture;
    SET_UP(&fixture, script);
    struct answer other = {0};
    bool started = false;
    start(&fixture);
    start(&fixture);
    struct mns_operation operation = operation_of(&fixture);
    operation.context = &other;
    assert_int_equal(mns_start(fixture.mns, &operation, &started, NULL), STATUS_OK);
    assert_int_equal(mns_cancel(fixture.mns, &fixture.answer), 2);
    assert_int_equal(fixture.fake.cancelled, 2);
    run(&fixture);
    assert_int_equal(fixture.answer.count, 0);
    assert_int_equal(other.count, 1);
    start(&fixture);
    tear_down(&fixture); /* cancels the last */
    assert_int_equal(fixture.fake.cancelled, 3);
}

/* --- faults ---------------------------------------------------------------------------------- */

static enum status open_and_start(struct fixture *fixture)
{
    const struct mns_operation operation = operation_of(fixture);
    struct error err = {0};
    bool started = false;
    enum status status = open_queue(fixture, &err);
    if (status == STATUS_OK)
        status = mns_start(fixture->mns, &operation, &started, &err);
    if (status == STATUS_OK)
        status = transport_run(&fixture->fake.transport, 1, &err);
    assert_true(status == STATUS_OK || err.message[0] != '\0');
    return status;
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {{.status = 200, .body = ONE_MESSAGE}};
    struct fixture fixture;
    SET_UP(&fixture, script);
    mns_close(fixture.mns);
    fixture.mns = NULL;
    const size_t blocks = mem_live_blocks();
    bool succeeded = false;
    for (long nth = 0; !succeeded; nth++) {
        assert_in_range(nth, 0, 100);
        fixture.answer = (struct answer){0};
        fixture.fake.replied = 0;
        mem_fail_at(nth);
        const enum status status = open_and_start(&fixture);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        /* Without memory for an answer there is none, and the next may fare better. */
        if (status == STATUS_OK)
            assert_true(fixture.answer.verdict == WIRE_DONE || fixture.answer.verdict == WIRE_BUSY);
        succeeded = status == STATUS_OK && fixture.answer.verdict == WIRE_DONE;
        mns_close(fixture.mns);
        fixture.mns = NULL;
        assert_int_equal(mem_live_blocks(), blocks);
    }
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receive_is_signed_as_the_reference_says),
        cmocka_unit_test(a_body_goes_with_its_type_which_is_signed),
        cmocka_unit_test(the_security_token_is_sent_and_not_signed),
        cmocka_unit_test(every_signature_is_that_of_its_own_request),
        cmocka_unit_test(nothing_starts_while_there_is_no_key),
        cmocka_unit_test(a_request_that_cannot_start_leaves_nothing_behind),
        cmocka_unit_test(answers_are_judged_and_explained),
        cmocka_unit_test(half_a_document_is_no_document),
        cmocka_unit_test(a_handle_that_is_gone_is_not_an_empty_queue),
        cmocka_unit_test(a_fault_is_not_mistaken_for_the_answer_before),
        cmocka_unit_test(the_servers_words_are_cut_and_cleaned),
        cmocka_unit_test(a_secret_in_the_servers_words_is_not_repeated),
        cmocka_unit_test(the_servers_clock_is_learnt_when_it_refuses_ours),
        cmocka_unit_test(cancel_drops_what_has_this_context),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
