/*
 * test_wire_reply.c - answers as the service sends them, and others.
 */
#include "engine/base/mem.h"
#include "ingest/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define HEAD            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define WITH_SLASH      " xmlns=\"http://mns.aliyuncs.com/doc/v1/\""
#define WITHOUT_SLASH   " xmlns=\"http://mns.aliyuncs.com/doc/v1\""

struct fixture {
    struct wire_parser *parser;
    struct wire_reply reply;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_alloc_zeroed(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(wire_parser_open(&fixture->parser, NULL), STATUS_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    wire_reply_release(&fixture->reply);
    wire_parser_close(fixture->parser);
    mem_free(fixture);
    assert_int_equal(mem_live_blocks(), 0);
    return 0;
}

static const struct wire_reply *parse(struct fixture *fixture, const char *document)
{
    struct error err = {0};
    if (wire_reply_parse(fixture->parser, slice_of_text(document), &fixture->reply, &err) !=
        STATUS_OK)
        fail_msg("%s: %s", document, err.message);
    return &fixture->reply;
}

static void assert_refused(struct fixture *fixture, const char *document, const char *message)
{
    struct error err = {0};
    if (wire_reply_parse(fixture->parser, slice_of_text(document), &fixture->reply, &err) !=
        STATUS_INPUT)
        fail_msg("%s was taken", document);
    if (strncmp(err.message, message, strlen(message)) != 0)
        fail_msg("%s: %s", document, err.message);
    assert_int_equal(fixture->reply.root, WIRE_ROOT_NONE);
    assert_int_equal(fixture->reply.message_count, 0);
    assert_int_equal(fixture->reply.failure_count, 0);
    assert_int_equal(fixture->reply.attribute_count, 0);
    assert_int_equal(fixture->reply.error_code.len, 0);
}

static void assert_text(struct slice text, const char *expected)
{
    if (!slice_equal(text, slice_of_text(expected)))
        fail_msg("'%.*s' is not '%s'", (int)text.len, (const char *)text.data, expected);
}

#define MESSAGE_FIELDS                                                      \
    "<MessageId>5F290C926D472878-2-14D9529A8FA-200000001</MessageId>"       \
    "<ReceiptHandle>1-ODU4OTkzNDU5My0xNDM1MTk3NjAwLTItNg==</ReceiptHandle>" \
    "<MessageBodyMD5>C5DD56A39F5F7BB8B3337C6D11B6D8C7</MessageBodyMD5>"     \
    "<MessageBody>eyJhIjoxfQ==</MessageBody>"                               \
    "<EnqueueTime>1250700979248</EnqueueTime>"                              \
    "<NextVisibleTime>1250700799348</NextVisibleTime>"                      \
    "<FirstDequeueTime>1250700779318</FirstDequeueTime>"                    \
    "<DequeueCount>1</DequeueCount><Priority>8</Priority>"

static void assert_the_message(const struct wire_message *message)
{
    assert_text(message->message_id, "5F290C926D472878-2-14D9529A8FA-200000001");
    assert_text(message->receipt_handle, "1-ODU4OTkzNDU5My0xNDM1MTk3NjAwLTItNg==");
    assert_text(message->body_md5, "C5DD56A39F5F7BB8B3337C6D11B6D8C7");
    assert_text(message->body, "eyJhIjoxfQ==");
    assert_true(message->enqueue_ms == INT64_C(1250700979248));
    assert_true(message->next_visible_ms == INT64_C(1250700799348));
    assert_true(message->first_dequeue_ms == INT64_C(1250700779318));
    assert_int_equal(message->dequeue_count, 1);
    assert_int_equal(message->priority, 8);
    assert_int_equal(message->error_code.len, 0);
    assert_int_equal(message->error_message.len, 0);
}

static void a_received_message_has_all_its_fields(void **state)
{
    const char *const table[] = {
        HEAD "<Message" WITH_SLASH ">" MESSAGE_FIELDS "</Message>",
        HEAD "<Message" WITHOUT_SLASH ">" MESSAGE_FIELDS "</Message>",
        "<Message>" MESSAGE_FIELDS "</Message>",
        "\n <Messages" WITH_SLASH "> <Message>" MESSAGE_FIELDS "</Message>\n</Messages>\n",
        "<m:Messages xmlns:m=\"http://mns.aliyuncs.com/doc/v1/\"><m:Message>" MESSAGE_FIELDS
        "</m:Message></m:Messages>",
        "<Messages><Message><UserProperties><PropertyValue><MessageBody>no</MessageBody>"
        "</PropertyValue></UserProperties><MessageGroupId>g</MessageGroupId>" MESSAGE_FIELDS
        "<SystemProperties/></Message><MessageId>no</MessageId><NextToken/></Messages>",
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const struct wire_reply *reply = parse(*state, table[i]);
        assert_int_equal(reply->root, WIRE_ROOT_MESSAGES);
        assert_int_equal(reply->message_count, 1);
        assert_the_message(&reply->messages[0]);
    }
}

static void assert_batch(struct fixture *fixture, size_t count, bool fits)
{
    OWNED(buffer_release) struct buffer text = {0};
    struct error err = {0};
    assert_int_equal(buffer_append(&text, "<Messages>", 10), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        char message[1024];
        const int len = snprintf(message, sizeof message,
                                 "<Message><MessageId>id-%zu</MessageId><ReceiptHandle>h-%zu"
                                 "</ReceiptHandle><MessageBody>%0*zu</MessageBody><EnqueueTime>%zu"
                                 "</EnqueueTime></Message>",
                                 i, i, (int)(i * 20 + 1), i, i + 1000);
        assert_int_equal(buffer_append(&text, message, (size_t)len), STATUS_OK);
    }
    assert_int_equal(buffer_append(&text, "</Messages>", 11), STATUS_OK);
    const enum status status =
        wire_reply_parse(fixture->parser, buffer_slice(&text), &fixture->reply, &err);
    assert_int_equal(status, fits ? STATUS_OK : STATUS_INPUT);
    if (!fits) {
        assert_string_equal(err.message, "answer: more than 16 messages");
        return;
    }
    assert_int_equal(fixture->reply.message_count, count);
    for (size_t i = 0; i < count; i++) {
        char expected[512];
        (void)snprintf(expected, sizeof expected, "h-%zu", i);
        assert_text(fixture->reply.messages[i].receipt_handle, expected);
        (void)snprintf(expected, sizeof expected, "%0*zu", (int)(i * 20 + 1), i);
        assert_text(fixture->reply.messages[i].body, expected);
        assert_true(fixture->reply.messages[i].enqueue_ms == (int64_t)i + 1000);
    }
}

static void a_batch_holds_up_to_sixteen(void **state)
{
    for (size_t count = 0; count <= 20; count++)
        assert_batch(*state, count, count <= WIRE_BATCH_MAX);
}

static void a_body_is_handed_over_as_it_was_sent(void **state)
{
    const char *const table[][2] = {
        {" {\"a\": 1}\n", " {\"a\": 1}\n"},
        {"&lt;a&gt;&amp;&quot;&#13;&#10;", "<a>&\"\r\n"},
        {"<![CDATA[<a>&amp;]]>", "<a>&amp;"},
        {"\xe4\xbd\xa0&#x1;\xe5\xa5\xbd", "\xe4\xbd\xa0\xef\xbf\xbd\xe5\xa5\xbd"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        char document[256];
        (void)snprintf(document, sizeof document,
                       "<Message><MessageBody>%s</MessageBody><ReceiptHandle>\n h </ReceiptHandle>"
                       "<EnqueueTime> 5\n</EnqueueTime></Message>",
                       table[i][0]);
        const struct wire_reply *reply = parse(*state, document);
        assert_text(reply->messages[0].body, table[i][1]);
        assert_text(reply->messages[0].receipt_handle, "h");
        assert_true(reply->messages[0].enqueue_ms == 5);
    }
}

static void a_peeked_message_has_no_handle(void **state)
{
    const struct wire_reply *reply =
        parse(*state, "<Message" WITH_SLASH "><MessageId>m</MessageId><MessageBody>b</MessageBody>"
                      "<EnqueueTime>1</EnqueueTime><FirstDequeueTime>1</FirstDequeueTime>"
                      "<DequeueCount>0</DequeueCount><Priority>8</Priority></Message>");
    assert_int_equal(reply->message_count, 1);
    assert_int_equal(reply->messages[0].receipt_handle.len, 0);
    assert_true(reply->messages[0].next_visible_ms == 0);
}

static void sends_are_answered_without_bodies(void **state)
{
    const struct wire_reply *reply = parse(
        *state, "<Messages><Message><MessageId>m1</MessageId><MessageBodyMD5>C5</MessageBodyMD5>"
                "</Message><Message><ErrorCode>MalformedXML</ErrorCode><ErrorMessage>why"
                "</ErrorMessage></Message><Message><MessageId>m3</MessageId><MessageBodyMD5>C6"
                "</MessageBodyMD5><ReceiptHandle>h3</ReceiptHandle></Message></Messages>");
    assert_int_equal(reply->message_count, 3);
    assert_text(reply->messages[0].message_id, "m1");
    assert_text(reply->messages[1].error_code, "MalformedXML");
    assert_text(reply->messages[1].error_message, "why");
    assert_text(reply->messages[2].receipt_handle, "h3");
}

static void a_change_of_visibility_brings_a_new_handle(void **state)
{
    const struct wire_reply *reply =
        parse(*state, HEAD "<ChangeVisibility" WITH_SLASH "><ReceiptHandle>new</ReceiptHandle>"
                           "<NextVisibleTime>1250700979298</NextVisibleTime></ChangeVisibility>");
    assert_int_equal(reply->root, WIRE_ROOT_VISIBILITY);
    assert_int_equal(reply->message_count, 1);
    assert_text(reply->messages[0].receipt_handle, "new");
    assert_true(reply->messages[0].next_visible_ms == INT64_C(1250700979298));
}

static void errors_say_code_message_and_request(void **state)
{
    const char *const table[] = {
        HEAD "<Error" WITH_SLASH "><Code>MessageNotExist</Code><Message>Message not exist."
             "</Message><RequestId>58F5C708449421603DEDE793</RequestId><HostId>http://a</HostId>"
             "</Error>",
        HEAD "<Error" WITHOUT_SLASH ">\n  <Code>MessageNotExist</Code>\n  <Message>Message not "
             "exist.</Message>\n  <RequestId>58F5C708449421603DEDE793</RequestId>\n</Error>\n",
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const struct wire_reply *reply = parse(*state, table[i]);
        assert_int_equal(reply->root, WIRE_ROOT_ERROR);
        assert_int_equal(reply->message_count, 0);
        assert_text(reply->error_code, "MessageNotExist");
        assert_text(reply->error_message, "Message not exist.");
        assert_text(reply->request_id, "58F5C708449421603DEDE793");
    }
}

static void a_partial_delete_lists_what_failed(void **state)
{
    const struct wire_reply *reply = parse(
        *state, HEAD "<Errors" WITH_SLASH "><Error><ErrorCode>MessageNotExist</ErrorCode>"
                     "<ErrorMessage>Message not exist</ErrorMessage><ReceiptHandle>h1"
                     "</ReceiptHandle></Error><Error><ErrorCode>ReceiptHandleError</ErrorCode>"
                     "<ErrorMessage>bad</ErrorMessage><ReceiptHandle>h2/+=</ReceiptHandle></Error>"
                     "</Errors>");
    assert_int_equal(reply->root, WIRE_ROOT_FAILURES);
    assert_int_equal(reply->failure_count, 2);
    assert_int_equal(reply->error_code.len, 0);
    assert_text(reply->failures[0].code, "MessageNotExist");
    assert_text(reply->failures[0].message, "Message not exist");
    assert_text(reply->failures[0].receipt_handle, "h1");
    assert_text(reply->failures[1].code, "ReceiptHandleError");
    assert_text(reply->failures[1].receipt_handle, "h2/+=");
}

static void attributes_keep_their_order(void **state)
{
    const struct wire_reply *reply =
        parse(*state, HEAD "<Queue" WITH_SLASH "><QueueName>aliyun-iot-a1</QueueName>"
                           "<ActiveMessages>17</ActiveMessages><LoggingEnabled>False"
                           "</LoggingEnabled><Tags><Tag>x</Tag></Tags><New/></Queue>");
    const char *const expected[][2] = {{"QueueName", "aliyun-iot-a1"},
                                       {"ActiveMessages", "17"},
                                       {"LoggingEnabled", "False"},
                                       {"New", ""}};
    assert_int_equal(reply->root, WIRE_ROOT_QUEUE);
    assert_int_equal(reply->attribute_count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_text(reply->attributes[i].name, expected[i][0]);
        assert_text(reply->attributes[i].value, expected[i][1]);
    }
}

static void attributes_have_a_largest_number(void **state)
{
    struct fixture *fixture = *state;
    for (size_t count = WIRE_ATTRIBUTES_MAX - 1; count <= WIRE_ATTRIBUTES_MAX + 1; count++) {
        OWNED(buffer_release) struct buffer text = {0};
        assert_int_equal(buffer_append(&text, "<Queue>", 7), STATUS_OK);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(buffer_append(&text, "<Name/>", 7), STATUS_OK);
        assert_int_equal(buffer_append(&text, "</Queue>", 8), STATUS_OK);
        const enum status status =
            wire_reply_parse(fixture->parser, buffer_slice(&text), &fixture->reply, NULL);
        assert_int_equal(status, count <= WIRE_ATTRIBUTES_MAX ? STATUS_OK : STATUS_INPUT);
    }
}

static void other_documents_are_told_apart(void **state)
{
    const struct {
        const char *document;
        enum wire_root root;
    } table[] = {
        {"", WIRE_ROOT_NONE},
        {"<Queues><Queue><QueueURL>u</QueueURL></Queue></Queues>", WIRE_ROOT_OTHER},
        {"<html><body>It works</body></html>", WIRE_ROOT_OTHER},
        {"<messages/>", WIRE_ROOT_OTHER},
        {"<Messages/>", WIRE_ROOT_MESSAGES},
        {"<Messages><message/></Messages>", WIRE_ROOT_MESSAGES},
        {"<Error/>", WIRE_ROOT_ERROR},
        {"<Errors/>", WIRE_ROOT_FAILURES},
        {"<Queue/>", WIRE_ROOT_QUEUE},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const struct wire_reply *reply = parse(*state, table[i].document);
        assert_int_equal(reply->root, table[i].root);
        assert_int_equal(reply->message_count, 0);
        assert_int_equal(reply->failure_count, 0);
        assert_int_equal(reply->attribute_count, 0);
    }
}

static void answers_that_break_a_rule_are_refused_whole(void **state)
{
    const char *const table[][2] = {
        {"{}", "xml: line 1: it does not begin with '<'"},
        {"<Messages>", "xml: line 1: "},
        {"<Messages><Message>" MESSAGE_FIELDS "</Message>", "xml: line 1: "},
        {"<Messages><Message>" MESSAGE_FIELDS "</Message></Messages", "xml: line 1: "},
        {"<Messages><Message>" MESSAGE_FIELDS "</Message></Messages>x", "xml: line 1: "},
        {"<!DOCTYPE Message><Message>" MESSAGE_FIELDS "</Message>",
         "xml: line 1: a document type declaration"},
        {"<Message/>", "answer: message 1 has no body"},
        {"<Message>text</Message>", "answer: message 1 has no body"},
        {"<Messages><Message>" MESSAGE_FIELDS "</Message><Message/></Messages>",
         "answer: message 2 has no body"},
        {"<Message><MessageId>m</MessageId><ReceiptHandle>h</ReceiptHandle><EnqueueTime>1"
         "</EnqueueTime></Message>",
         "answer: message 1 has no body"},
        {"<Message><MessageId>m</MessageId><DequeueCount>1</DequeueCount></Message>",
         "answer: message 1 has no body"},
        {"<Message><MessageBody>a</MessageBody><MessageBody>b</MessageBody></Message>",
         "answer: MessageBody twice in one place"},
        {"<Message><MessageBody/><ReceiptHandle/><ReceiptHandle>b</ReceiptHandle></Message>",
         "answer: ReceiptHandle twice in one place"},
        {"<Message><MessageBody>a<b/></MessageBody></Message>", "answer: elements in MessageBody"},
        {"<Error><Code><b/></Code></Error>", "answer: elements in Code"},
        {"<Error><Code>a</Code><Code>b</Code></Error>", "answer: Code twice in one place"},
        {"<Message><MessageBody/><EnqueueTime>x</EnqueueTime></Message>",
         "answer: EnqueueTime is no number: 'x'"},
        {"<Message><MessageBody/><EnqueueTime>-1</EnqueueTime></Message>",
         "answer: EnqueueTime is no number: '-1'"},
        {"<Message><MessageBody/><EnqueueTime>1 2</EnqueueTime></Message>",
         "answer: EnqueueTime is no number: '1 2'"},
        {"<Message><MessageBody/><EnqueueTime>9223372036854775808</EnqueueTime></Message>",
         "answer: EnqueueTime is no number: '9223372036854775808'"},
        {"<Message><MessageBody/><EnqueueTime>18446744073709551617</EnqueueTime></Message>",
         "answer: EnqueueTime is no number: '18446744073709551617'"},
        {"<Message><MessageBody/><DequeueCount>4294967296</DequeueCount></Message>",
         "answer: DequeueCount is no number: '4294967296'"},
        {"<Message><MessageBody/><Priority>1e3</Priority></Message>",
         "answer: Priority is no number: '1e3'"},
        {"<Message><MessageBody/><Priority>&#27;0000000000000000000000000000000000000000000"
         "</Priority></Message>",
         "answer: Priority is no number: '\xef\xbf\xbd"},
        {"<Errors><Error><ErrorCode>MessageNotExist</ErrorCode></Error></Errors>",
         "answer: failure 1 has no handle"},
        {"<ChangeVisibility><NextVisibleTime>1</NextVisibleTime></ChangeVisibility>",
         "answer: no handle after a change of visibility"},
        {"<ChangeVisibility/>", "answer: no handle after a change of visibility"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        assert_refused(fixture, table[i][0], table[i][1]);
        assert_the_message(&parse(fixture, "<Message>" MESSAGE_FIELDS "</Message>")->messages[0]);
    }
}

static void numbers_reach_their_limits(void **state)
{
    const struct wire_reply *reply =
        parse(*state, "<Message><MessageBody/><EnqueueTime>9223372036854775807</EnqueueTime>"
                      "<NextVisibleTime>000000000000000000000000000012</NextVisibleTime>"
                      "<FirstDequeueTime/><DequeueCount>4294967295</DequeueCount></Message>");
    assert_true(reply->messages[0].enqueue_ms == INT64_MAX);
    assert_true(reply->messages[0].next_visible_ms == 12);
    assert_true(reply->messages[0].first_dequeue_ms == 0);
    assert_true(reply->messages[0].dequeue_count == UINT32_MAX);
}

static void too_many_failures_are_refused(void **state)
{
    OWNED(buffer_release) struct buffer text = {0};
    assert_int_equal(buffer_append(&text, "<Errors>", 8), STATUS_OK);
    const char *failure = "<Error><ReceiptHandle>h</ReceiptHandle></Error>";
    for (size_t i = 0; i < 17; i++)
        assert_int_equal(buffer_append(&text, failure, strlen(failure)), STATUS_OK);
    assert_int_equal(buffer_append(&text, "</Errors>", 10), STATUS_OK);
    assert_refused(*state, (const char *)text.data, "answer: more than 16 failures");
}

static void too_long_a_document_costs_no_memory(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    const size_t len = ((size_t)4 << 20) + 1;
    uint8_t *document = mem_alloc(len, 1);
    assert_non_null(document);
    memset(document, ' ', len);
    assert_int_equal(
        wire_reply_parse(fixture->parser, slice_of(document, len), &fixture->reply, &err),
        STATUS_INPUT);
    assert_string_equal(err.message, "answer: 4194305 bytes, 4194304 at most");
    assert_int_equal(fixture->reply.text.capacity, 0);
    mem_free(document);
}

/* The texts of an answer fill no more room than the answer did, at the worst of each kind. */
static void texts_fit_the_room_of_the_document(void **state)
{
    const char *const table[] = {
        "<Queue><a>&#1;&#9;&lt;&#x80;</a></Queue>",
        "<Queue><LongNameOfAnAttribute/></Queue>",
        "<Queue><a>&#65536;&#x10ffff;&#0;&#0;&#0;</a></Queue>",
        "<Queue>\r\n<a><![CDATA[x]]></a></Queue>",
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const struct wire_reply *reply = parse(*state, table[i]);
        assert_true(reply->text.len <= strlen(table[i]));
        assert_int_equal(reply->attribute_count, 1);
    }
}

static void memory_may_give_out_at_any_request(void **state)
{
    (void)state;
    const size_t live = mem_live_blocks();
    const char *const document = "<Messages><Message>" MESSAGE_FIELDS "<x>&#1;</x></Message>"
                                 "<Message>" MESSAGE_FIELDS "</Message></Messages>";
    enum status status = STATUS_NOMEM;
    long nth = 0;
    for (; status != STATUS_OK; nth++) {
        struct wire_parser *parser = NULL;
        struct wire_reply reply = {0};
        struct error err = {0};
        mem_fail_at(nth);
        status = wire_parser_open(&parser, &err);
        if (status == STATUS_OK)
            status = wire_reply_parse(parser, slice_of_text(document), &reply, &err);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(err.status, status);
        assert_int_equal(reply.message_count, status == STATUS_OK ? 2 : 0);
        wire_reply_release(&reply);
        wire_parser_close(parser);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 50);
    }
    assert_true(nth > 4);
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_received_message_has_all_its_fields),
        FIXTURE_TEST(a_batch_holds_up_to_sixteen),
        FIXTURE_TEST(a_body_is_handed_over_as_it_was_sent),
        FIXTURE_TEST(a_peeked_message_has_no_handle),
        FIXTURE_TEST(sends_are_answered_without_bodies),
        FIXTURE_TEST(a_change_of_visibility_brings_a_new_handle),
        FIXTURE_TEST(errors_say_code_message_and_request),
        FIXTURE_TEST(a_partial_delete_lists_what_failed),
        FIXTURE_TEST(attributes_keep_their_order),
        FIXTURE_TEST(attributes_have_a_largest_number),
        FIXTURE_TEST(other_documents_are_told_apart),
        FIXTURE_TEST(answers_that_break_a_rule_are_refused_whole),
        FIXTURE_TEST(numbers_reach_their_limits),
        FIXTURE_TEST(too_many_failures_are_refused),
        FIXTURE_TEST(too_long_a_document_costs_no_memory),
        FIXTURE_TEST(texts_fit_the_room_of_the_document),
        FIXTURE_TEST(memory_may_give_out_at_any_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
