/*
 * test_mns_call.c - one operation waited for: which failures are tried again, when, and for how
 * long. Time is a number here (fake_transport.h).
 */
#include "cli/signals.h"
#include "ingest/mns/mns.h"
#include "tests/unit/fake_transport.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS      INT64_C(1795349202000) /* Sun, 22 Nov 2026 12:06:42 GMT */
#define TIMEOUT     5000
#define PATIENCE    INT64_C(600000)
#define ERROR(code) "<Error><Code>" code "</Code><Message/></Error>"
#define CREATED       \
    {                 \
        .status = 201 \
    }

struct fixture {
    struct fake_transport fake;
    struct credentials *credentials;
    struct mns *mns;
    struct wire_request request;
    unsigned answers;
    enum wire_verdict verdict;
    enum transport_fault fault;
};

static void remember(void *context, const struct mns_answer *answer)
{
    struct fixture *fixture = context;
    fixture->answers++;
    fixture->verdict = answer->verdict;
    fixture->fault = answer->fault;
}

static void set_up(struct fixture *fixture, const struct fake_reply *script, size_t script_len)
{
    *fixture = (struct fixture){0};
    fake_transport_init(&fixture->fake, script, script_len, NOW_MS);
    assert_int_equal(setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "testAccessKey", 1), 0);
    assert_int_equal(setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testSk", 1), 0);
    struct error err = {0};
    const struct credentials_config keys = {0};
    assert_int_equal(credentials_open(&fixture->credentials, &keys, &err), STATUS_OK);
    struct mns_config config = {
        .transport = &fixture->fake.transport,
        .credentials = fixture->credentials,
        .clock = fake_transport_clock(&fixture->fake),
    };
    assert_int_equal(wire_url_parse(&config.url, "http://127.0.0.1:1/queues/q", &err), STATUS_OK);
    assert_int_equal(mns_open(&fixture->mns, &config, &err), STATUS_OK);
    assert_int_equal(wire_request_create(&fixture->request, "q"), STATUS_OK);
}

static void tear_down(struct fixture *fixture)
{
    mns_close(fixture->mns);
    credentials_close(fixture->credentials);
    wire_request_release(&fixture->request);
}

static enum status call(struct fixture *fixture, int64_t patience_ms)
{
    struct error err = {0};
    const struct mns_operation operation = {
        .request = &fixture->request, .timeout_ms = TIMEOUT, .done = remember, .context = fixture};
    return mns_call(fixture->mns, &operation, patience_ms, &err);
}

/* Calls with this script to its end; gives the verdict and how many tries it took. */
static struct fixture call_with(const struct fake_reply *script, size_t script_len,
                                int64_t patience_ms)
{
    struct fixture fixture;
    set_up(&fixture, script, script_len);
    assert_int_equal(call(&fixture, patience_ms), STATUS_OK);
    assert_int_equal(fixture.answers, 1);
    assert_int_equal(fixture.fake.replied, fixture.fake.request_count);
    tear_down(&fixture);
    return fixture;
}
#define CALL(script, patience_ms) \
    call_with((script), sizeof(script) / sizeof(script)[0], (patience_ms))

static void what_succeeds_is_asked_once(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {CREATED};
    const struct fixture fixture = CALL(script, PATIENCE);
    assert_int_equal(fixture.verdict, WIRE_DONE);
    assert_int_equal(fixture.fake.request_count, 1);
    assert_int_equal(fixture.fake.requests[0].timeout_ms, TIMEOUT);
    assert_true(fixture.fake.requests[0].no_proxy);
}

static void what_may_pass_is_tried_again(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {
        {.status = 503},
        {.status = 429, .body = ERROR("TooManyRequests")},
        {.fault = TRANSPORT_UNREACHABLE, .fault_text = "no"},
        {.fault = TRANSPORT_TIMEOUT, .fault_text = "no"},
        {.fault = TRANSPORT_BROKEN, .fault_text = "no"},
        {.status = 404, .body = ERROR("QueueNotExist")},
        CREATED,
    };
    const struct fixture fixture = CALL(script, PATIENCE);
    assert_int_equal(fixture.verdict, WIRE_DONE);
    assert_int_equal(fixture.fake.request_count, 7);
    int64_t limit_ms = MNS_BACKOFF_MS_BASE;
    for (size_t i = 1; i < 7; i++) {
        const int64_t waited_ms =
            fixture.fake.requests[i].began_ms - fixture.fake.requests[i - 1].began_ms;
        assert_in_range(waited_ms, 1, limit_ms);
        limit_ms *= 2;
    }
}

static void what_will_not_pass_is_not_tried_again(void **state)
{
    (void)state;
    static const struct fake_reply replies[] = {
        {.status = 403, .body = ERROR("AccessDenied")},
        {.status = 400, .body = ERROR("InvalidQueueName")},
        {.status = 302},
        {.status = 200, .body = "<half"},
        {.fault = TRANSPORT_TLS, .fault_text = "no"},
        {.fault = TRANSPORT_TOO_LONG, .fault_text = "no"},
    };
    static const enum wire_verdict verdicts[] = {WIRE_DENIED, WIRE_REFUSED, WIRE_BROKEN,
                                                 WIRE_BROKEN, WIRE_BUSY,    WIRE_BROKEN};
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        const struct fixture fixture = call_with(&replies[i], 1, PATIENCE);
        assert_int_equal(fixture.verdict, verdicts[i]);
        assert_int_equal(fixture.fake.request_count, 1);
    }
}

static void the_server_decides_how_long_to_wait_at_least(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {{.status = 503, .retry_after_ms = 7000}, CREATED};
    const struct fixture fixture = CALL(script, PATIENCE);
    assert_int_equal(fixture.verdict, WIRE_DONE);
    const struct fake_request *requests = fixture.fake.requests;
    assert_int_equal(requests[1].began_ms - requests[0].began_ms, 7000);
}

static void patience_has_an_end(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {{.status = 503}, {.status = 503}, {.status = 503}};
    assert_int_equal(CALL(script, 0).fake.request_count, 1);
    static const struct fake_reply late[] = {{.status = 503, .retry_after_ms = 7000}};
    const struct fixture fixture = CALL(late, 6999);
    assert_int_equal(fixture.verdict, WIRE_BUSY);
    assert_int_equal(fixture.fake.request_count, 1);
}

static void a_clock_put_right_is_tried_at_once_but_only_one_time_in_a_row(void **state)
{
    (void)state;
    static const struct fake_reply script[] = {
        {.status = 408, .body = ERROR("TimeExpired"), .date_ms = NOW_MS + 3600000},
        {.status = 408, .body = ERROR("TimeExpired"), .date_ms = NOW_MS + 7200000},
        {.status = 408, .body = ERROR("TimeExpired"), .date_ms = NOW_MS + 7200000},
        CREATED,
    };
    const struct fixture fixture = CALL(script, PATIENCE);
    assert_int_equal(fixture.verdict, WIRE_DONE);
    const struct fake_request *requests = fixture.fake.requests;
    assert_int_equal(requests[1].began_ms, requests[0].began_ms);
    assert_true(requests[2].began_ms > requests[1].began_ms);
    assert_true(requests[3].began_ms > requests[2].began_ms);
    assert_string_equal(fake_request_header(&requests[1], "Date"), "Sun, 22 Nov 2026 13:06:42 GMT");
}

static void a_call_that_never_started_says_so(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, NULL, 0);
    fixture.fake.start_fails = STATUS_NOMEM;
    assert_int_equal(call(&fixture, PATIENCE), STATUS_NOMEM);
    assert_int_equal(fixture.answers, 0);
    tear_down(&fixture);
}

static void backoff_is_a_random_part_of_a_growing_limit(void **state)
{
    (void)state;
    uint64_t random = 42;
    for (unsigned failures = 0; failures < 80; failures++) {
        const int64_t limit_ms =
            failures < 10 ? (int64_t)MNS_BACKOFF_MS_BASE << failures : MNS_BACKOFF_MS_MAX;
        int64_t least = INT64_MAX;
        int64_t most = 0;
        for (int i = 0; i < 500; i++) {
            const int64_t wait_ms = mns_backoff_ms(failures, &random);
            least = wait_ms < least ? wait_ms : least;
            most = wait_ms > most ? wait_ms : most;
        }
        const int64_t bounded_ms = limit_ms < MNS_BACKOFF_MS_MAX ? limit_ms : MNS_BACKOFF_MS_MAX;
        assert_in_range(least, 1, bounded_ms / 10);
        assert_in_range(most, bounded_ms - bounded_ms / 10, bounded_ms);
    }
}

/* The last test: a signal is remembered for as long as the process lives. */
static void a_signal_ends_a_call(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, NULL, 0);
    signals_install();
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(call(&fixture, PATIENCE), STATUS_STOPPED);
    assert_int_equal(fixture.answers, 0);
    assert_int_equal(fixture.fake.cancelled, 1);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_succeeds_is_asked_once),
        cmocka_unit_test(what_may_pass_is_tried_again),
        cmocka_unit_test(what_will_not_pass_is_not_tried_again),
        cmocka_unit_test(the_server_decides_how_long_to_wait_at_least),
        cmocka_unit_test(patience_has_an_end),
        cmocka_unit_test(a_clock_put_right_is_tried_at_once_but_only_one_time_in_a_row),
        cmocka_unit_test(a_call_that_never_started_says_so),
        cmocka_unit_test(backoff_is_a_random_part_of_a_growing_limit),
        cmocka_unit_test(a_signal_ends_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
