/*
 * test_wire_request.c - operations as they stand on the wire, byte for byte.
 */
#include "engine/base/mem.h"
#include "ingest/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define HEAD            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define XMLNS           " xmlns=\"http://mns.aliyuncs.com/doc/v1/\""

/* From the vendor's documentation, and the worst that a handle may hold. */
#define HANDLE "1-ODU4OTkzNDU5My0xNDM1MTk3NjAwLTItNg=="

static int setup(void **state)
{
    struct wire_request *request = mem_alloc_zeroed(1, sizeof *request);
    assert_non_null(request);
    *state = request;
    return 0;
}

static int teardown(void **state)
{
    wire_request_release(*state);
    mem_free(*state);
    assert_int_equal(mem_live_blocks(), 0);
    return 0;
}

static void assert_request(const struct wire_request *request, const char *method,
                           const char *target, const char *body)
{
    assert_string_equal(request->method, method);
    assert_int_equal(request->target.len, strlen(target));
    assert_memory_equal(request->target.data, target, strlen(target));
    assert_int_equal(request->body.len, strlen(body));
    if (request->body.len > 0)
        assert_memory_equal(request->body.data, body, strlen(body));
}

static void receives_say_how_many_and_how_long(void **state)
{
    struct wire_request *request = *state;
    assert_int_equal(wire_request_receive(request, "aliyun-iot-a1", 16, 10), STATUS_OK);
    assert_request(request, "GET", "/queues/aliyun-iot-a1/messages?numOfMessages=16&waitseconds=10",
                   "");
    assert_int_equal(wire_request_receive(request, "q", 1, 0), STATUS_OK);
    assert_request(request, "GET", "/queues/q/messages?numOfMessages=1&waitseconds=0", "");
    assert_int_equal(wire_request_receive(request, "q", 2, 30), STATUS_OK);
    assert_request(request, "GET", "/queues/q/messages?numOfMessages=2&waitseconds=30", "");
}

static void a_peek_is_marked_as_one(void **state)
{
    struct wire_request *request = *state;
    assert_int_equal(wire_request_peek(request, "q", 16), STATUS_OK);
    assert_request(request, "GET", "/queues/q/messages?peekonly=true&numOfMessages=16", "");
}

static void one_handle_is_deleted_by_the_query(void **state)
{
    struct wire_request *request = *state;
    const struct slice handle = slice_of_text("a-z.A_Z~09/+= &%<\xe4\xbd\xa0");
    assert_int_equal(wire_request_delete(request, "q", &handle, 1), STATUS_OK);
    assert_request(request, "DELETE",
                   "/queues/q/messages?ReceiptHandle="
                   "a-z.A_Z~09%2F%2B%3D%20%26%25%3C%E4%BD%A0",
                   "");
}

static void several_handles_are_deleted_by_the_body(void **state)
{
    struct wire_request *request = *state;
    const struct slice handles[] = {slice_of_text(HANDLE), slice_of_text("a<b>&\"c'/+=")};
    assert_int_equal(wire_request_delete(request, "q", handles, 2), STATUS_OK);
    assert_request(request, "DELETE", "/queues/q/messages",
                   HEAD "<ReceiptHandles" XMLNS "><ReceiptHandle>" HANDLE "</ReceiptHandle>"
                        "<ReceiptHandle>a&lt;b&gt;&amp;&quot;c&#39;/+=</ReceiptHandle>"
                        "</ReceiptHandles>");
}

static void a_change_of_visibility_has_no_body(void **state)
{
    struct wire_request *request = *state;
    assert_int_equal(wire_request_visibility(request, "q", slice_of_text(HANDLE), 60), STATUS_OK);
    assert_request(request, "PUT",
                   "/queues/q/messages?receiptHandle="
                   "1-ODU4OTkzNDU5My0xNDM1MTk3NjAwLTItNg%3D%3D&visibilityTimeout=60",
                   "");
    assert_int_equal(wire_request_visibility(request, "q", slice_of_text("h"), 43200), STATUS_OK);
    assert_request(request, "PUT", "/queues/q/messages?receiptHandle=h&visibilityTimeout=43200",
                   "");
}

static void one_body_is_sent_as_a_message(void **state)
{
    struct wire_request *request = *state;
    const struct slice body = slice_of_text("eyJhIjoxfQ==");
    assert_int_equal(wire_request_send(request, "aliyun-iot-a1", &body, 1), STATUS_OK);
    assert_request(request, "POST", "/queues/aliyun-iot-a1/messages",
                   HEAD "<Message" XMLNS "><MessageBody>eyJhIjoxfQ==</MessageBody></Message>");
    assert_int_equal(request->body.len, 136);
}

static void several_bodies_are_sent_as_messages(void **state)
{
    struct wire_request *request = *state;
    const struct slice bodies[] = {slice_of_text("{\"a\":\"<&>\"}"), slice_of_text("")};
    assert_int_equal(wire_request_send(request, "q", bodies, 2), STATUS_OK);
    assert_request(request, "POST", "/queues/q/messages",
                   HEAD "<Messages" XMLNS "><Message><MessageBody>{&quot;a&quot;:&quot;&lt;&amp;"
                        "&gt;&quot;}</MessageBody></Message><Message><MessageBody></MessageBody>"
                        "</Message></Messages>");
}

static void queues_are_made_and_asked_about(void **state)
{
    struct wire_request *request = *state;
    assert_int_equal(wire_request_create(request, "q"), STATUS_OK);
    assert_request(request, "PUT", "/queues/q", HEAD "<Queue" XMLNS "></Queue>");
    assert_int_equal(wire_request_attributes(request, "q"), STATUS_OK);
    assert_request(request, "GET", "/queues/q", "");
}

static enum status build_all(struct wire_request *request)
{
    struct slice texts[WIRE_BATCH_MAX];
    for (size_t i = 0; i < WIRE_BATCH_MAX; i++)
        texts[i] = slice_of_text("</MessageBody>and so on and so on");
    TRY(wire_request_receive(request, "aliyun-iot-a1", 16, 10));
    TRY(wire_request_peek(request, "aliyun-iot-a1", 16));
    TRY(wire_request_delete(request, "aliyun-iot-a1", texts, 1));
    TRY(wire_request_delete(request, "aliyun-iot-a1", texts, WIRE_BATCH_MAX));
    TRY(wire_request_visibility(request, "aliyun-iot-a1", texts[0], 1));
    TRY(wire_request_send(request, "aliyun-iot-a1", texts, 1));
    TRY(wire_request_send(request, "aliyun-iot-a1", texts, WIRE_BATCH_MAX));
    TRY(wire_request_create(request, "aliyun-iot-a1"));
    return wire_request_attributes(request, "aliyun-iot-a1");
}

static void memory_may_give_out_at_any_request(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    long nth = 0;
    for (; status != STATUS_OK; nth++) {
        struct wire_request request = {0};
        const size_t live = mem_live_blocks();
        mem_fail_at(nth);
        status = build_all(&request);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        wire_request_release(&request);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 200);
    }
    assert_true(nth > 3);
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(receives_say_how_many_and_how_long),
        FIXTURE_TEST(a_peek_is_marked_as_one),
        FIXTURE_TEST(one_handle_is_deleted_by_the_query),
        FIXTURE_TEST(several_handles_are_deleted_by_the_body),
        FIXTURE_TEST(a_change_of_visibility_has_no_body),
        FIXTURE_TEST(one_body_is_sent_as_a_message),
        FIXTURE_TEST(several_bodies_are_sent_as_messages),
        FIXTURE_TEST(queues_are_made_and_asked_about),
        FIXTURE_TEST(memory_may_give_out_at_any_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
