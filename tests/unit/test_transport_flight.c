/*
 * test_transport_flight.c - requests side by side: connections kept and lost, requests cancelled,
 * waits ended, memory given out.
 *
 * ctest: threads
 */
#include "engine/base/mem.h"
#include "ingest/transport/transport.h"
#include "tests/unit/scripted_server.h"
#include "tests/unit/transport_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- connections ----------------------------------------------------------------------------- */

static void a_connection_is_used_again(void **state)
{
    (void)state;
    SCRIPT(script, {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(scripted_server_base(server));
    for (int i = 0; i < 50; i++)
        assert_int_equal(transport_fixture_ask(&transport, &request).status, 200);
    assert_int_equal(scripted_server_connections(server), 1);
    assert_int_equal(scripted_server_requests(server), 50);
    transport_close(&transport);
    scripted_server_stop(server);
}

static void a_connection_closed_between_requests_does_no_harm(void **state)
{
    (void)state;
    SCRIPT(script, {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(scripted_server_base(server));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(transport_fixture_ask(&transport, &request).status, 200);
        scripted_server_drop_idle(server);
    }
    assert_int_equal(scripted_server_connections(server), 5);
    transport_close(&transport);
    scripted_server_stop(server);
}

static void a_connection_closed_in_place_of_an_answer_is_tried_again(void **state)
{
    (void)state;
    SCRIPT(script, {REPLY_200, SCRIPT_KEEP, NULL}, {"", SCRIPT_CLOSE, NULL},
           {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(scripted_server_base(server));
    assert_int_equal(transport_fixture_ask(&transport, &request).status, 200);
    assert_int_equal(transport_fixture_ask(&transport, &request).status, 200);
    assert_int_equal(scripted_server_requests(server), 3);
    assert_int_equal(scripted_server_connections(server), 2);
    transport_close(&transport);
    scripted_server_stop(server);
}

static void a_broken_reply_costs_only_its_own_connection(void **state)
{
    (void)state;
    SCRIPT(script, {REPLY_200, SCRIPT_KEEP, NULL},
           {"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nxx", SCRIPT_KEEP,
            NULL},
           {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(scripted_server_base(server));
    assert_int_equal(transport_fixture_ask(&transport, &request).status, 200);
    assert_int_equal(transport_fixture_ask(&transport, &request).fault, TRANSPORT_BROKEN);
    const struct transport_result after = transport_fixture_ask(&transport, &request);
    assert_int_equal(after.status, 200);
    assert_string_equal(after.body, "ok");
    transport_close(&transport);
    scripted_server_stop(server);
}

/* --- side by side ---------------------------------------------------------------------------- */

#define PARALLEL 40u

static void many_requests_run_side_by_side_on_as_many_connections(void **state)
{
    (void)state;
    SCRIPT(script, {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(scripted_server_base(server));
    for (unsigned round = 1; round <= 10; round++) {
        struct transport_result result = {0};
        for (unsigned i = 0; i < PARALLEL; i++)
            transport_fixture_start(&transport, &request, &result);
        transport_fixture_run_until(&transport, &result, PARALLEL);
        assert_int_equal(result.status, 200);
        assert_int_equal(scripted_server_requests(server), round * PARALLEL);
    }
    assert_in_range(scripted_server_connections(server), 1, PARALLEL);
    transport_close(&transport);
    scripted_server_stop(server);
}

/* Asks again from within done(), as long as there is something left to ask. */
struct chain {
    struct transport *transport;
    const struct transport_request *request;
    unsigned left;
    struct transport_result result;
};

static void ask_again(void *context, const struct transport_reply *reply)
{
    struct chain *chain = context;
    transport_fixture_remember(&chain->result, reply);
    if (chain->left == 0)
        return;
    chain->left--;
    assert_int_equal(transport_start(chain->transport, chain->request, ask_again, chain, NULL),
                     STATUS_OK);
}

static void done_may_start_the_next_request(void **state)
{
    (void)state;
    SCRIPT(script, {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(scripted_server_base(server));
    struct chain chain = {.transport = &transport, .request = &request, .left = 100};
    assert_int_equal(transport_start(&transport, &request, ask_again, &chain, NULL), STATUS_OK);
    transport_fixture_run_until(&transport, &chain.result, 101);
    assert_int_equal(scripted_server_requests(server), 101);
    transport_close(&transport);
    scripted_server_stop(server);
}

static void a_cancelled_request_is_not_heard_of_again(void **state)
{
    (void)state;
    SCRIPT(script, {"", SCRIPT_SILENCE, NULL}, {"", SCRIPT_SILENCE, NULL},
           {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(scripted_server_base(server));
    struct transport_result cancelled = {0};
    struct error err = {0};
    transport_fixture_start(&transport, &request, &cancelled);
    transport_fixture_start(&transport, &request, &cancelled);
    while (scripted_server_requests(server) < 2)
        assert_int_equal(transport_run(&transport, 1, &err), STATUS_OK);
    assert_int_equal(transport_cancel(&transport, &cancelled), 2);
    assert_int_equal(transport_cancel(&transport, &cancelled), 0);
    assert_int_equal(transport_fixture_ask(&transport, &request).status, 200);
    assert_int_equal(cancelled.count, 0);
    transport_close(&transport);
    scripted_server_stop(server);
}

/* Cancels all others from within the first done(). */
struct cancelling {
    struct transport *transport;
    struct transport_result result;
    size_t cancelled;
};

static void cancel_others(void *context, const struct transport_reply *reply)
{
    struct cancelling *cancelling = context;
    transport_fixture_remember(&cancelling->result, reply);
    cancelling->cancelled += transport_cancel(cancelling->transport, cancelling);
}

static void done_may_cancel_what_has_finished_beside_it(void **state)
{
    (void)state;
    char base[64];
    const int fd = transport_fixture_take_port(base);
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(base);
    struct cancelling cancelling = {.transport = &transport};
    struct error err = {0};
    for (int i = 0; i < 8; i++)
        assert_int_equal(transport_start(&transport, &request, cancel_others, &cancelling, &err),
                         STATUS_OK);
    transport_fixture_run_until(&transport, &cancelling.result, 1);
    assert_int_equal(cancelling.cancelled, 7);
    assert_int_equal(transport_run(&transport, 0, &err), STATUS_OK);
    assert_int_equal(cancelling.result.count, 1);
    transport_close(&transport);
    (void)close(fd);
}

static void close_forgets_what_is_in_flight(void **state)
{
    (void)state;
    SCRIPT(script, {"", SCRIPT_SILENCE, NULL});
    struct scripted_server *server = START(script);
    const size_t blocks = mem_live_blocks();
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(scripted_server_base(server));
    struct transport_result result = {0};
    struct error err = {0};
    transport_fixture_start(&transport, &request, &result);
    while (scripted_server_requests(server) < 1)
        assert_int_equal(transport_run(&transport, 1, &err), STATUS_OK);
    transport_close(&transport);
    assert_int_equal(result.count, 0);
    assert_int_equal(mem_live_blocks(), blocks);
    transport_close(&transport);
    scripted_server_stop(server);
}

/* --- waking ---------------------------------------------------------------------------------- */

static void *wake_it(void *context)
{
    struct transport *transport = context;
    const struct timespec little = {.tv_nsec = 20000000};
    (void)nanosleep(&little, NULL);
    transport_wake(transport);
    return NULL;
}

static void a_wait_ends_when_another_thread_wakes_it(void **state)
{
    (void)state;
    struct transport transport = transport_fixture_open();
    struct error err = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_it, &transport), 0);
    /* The test's own time limit is far shorter than this wait. */
    assert_int_equal(transport_run(&transport, (int64_t)3600 * 1000, &err), STATUS_OK);
    (void)pthread_join(thread, NULL);
    transport_wake(&transport);
    transport_wake(&transport);
    assert_int_equal(transport_run(&transport, (int64_t)3600 * 1000, &err), STATUS_OK);
    transport_close(&transport);
}

/* --- faults ---------------------------------------------------------------------------------- */

static enum status open_and_ask(const struct transport_request *request,
                                struct transport_result *result)
{
    struct transport transport = {0};
    const struct curl_transport_config config = {0};
    struct error err = {0};
    enum status status = curl_transport_open(&transport, &config, &err);
    if (status == STATUS_OK)
        status = transport_start(&transport, request, transport_fixture_remember, result, &err);
    while (status == STATUS_OK && result->count == 0)
        status = transport_run(&transport, 1000, &err);
    assert_true(status == STATUS_OK || err.message[0] != '\0');
    transport_close(&transport);
    return status;
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    SCRIPT(script, {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport_request request = transport_fixture_get(scripted_server_base(server));
    request.method = "POST";
    request.body = slice_of_text("<a/>");
    const size_t blocks = mem_live_blocks();
    bool succeeded = false;
    for (long nth = 0; !succeeded; nth++) {
        struct transport_result result = {0};
        assert_in_range(nth, 0, 50);
        mem_fail_at(nth);
        const enum status status = open_and_ask(&request, &result);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        /* A reply that does not fit is a fault of that reply. */
        assert_true(status == STATUS_NOMEM || result.fault == TRANSPORT_OK ||
                    result.fault == TRANSPORT_BROKEN);
        succeeded = status == STATUS_OK && result.fault == TRANSPORT_OK;
        assert_int_equal(mem_live_blocks(), blocks);
    }
    scripted_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(a_connection_closed_between_requests_does_no_harm),
        cmocka_unit_test(a_connection_closed_in_place_of_an_answer_is_tried_again),
        cmocka_unit_test(a_broken_reply_costs_only_its_own_connection),
        cmocka_unit_test(many_requests_run_side_by_side_on_as_many_connections),
        cmocka_unit_test(done_may_start_the_next_request),
        cmocka_unit_test(a_cancelled_request_is_not_heard_of_again),
        cmocka_unit_test(done_may_cancel_what_has_finished_beside_it),
        cmocka_unit_test(close_forgets_what_is_in_flight),
        cmocka_unit_test(a_wait_ends_when_another_thread_wakes_it),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
