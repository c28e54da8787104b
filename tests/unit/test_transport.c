/*
 * test_transport.c - libcurl's transport against a server that follows a script: what arrives, what
 * comes back, and what does not get through.
 *
 * ctest: threads
 */
#include "ingest/transport/transport.h"
#include "tests/unit/scripted_server.h"
#include "tests/unit/transport_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SHORT_MS 200

/* One request to a server with this script. */
static struct transport_result ask_server(const struct script_reply *script, size_t count,
                                          int64_t timeout_ms)
{
    struct scripted_server *server = scripted_server_start(script, count);
    struct transport transport = transport_fixture_open();
    struct transport_request request = transport_fixture_get(scripted_server_base(server));
    request.timeout_ms = timeout_ms;
    const struct transport_result result = transport_fixture_ask(&transport, &request);
    char prefix[32];
    (void)snprintf(prefix, sizeof prefix, "127.0.0.1:%u: ", scripted_server_port(server));
    if (result.fault == TRANSPORT_OK) {
        assert_string_equal(result.fault_text, "");
    } else {
        assert_memory_equal(result.fault_text, prefix, strlen(prefix));
        assert_int_equal(result.status, 0);
        assert_int_equal(result.body_len, 0);
    }
    transport_close(&transport);
    scripted_server_stop(server);
    return result;
}
#define ASK(script, timeout_ms) \
    ask_server((script), sizeof(script) / sizeof((script)[0]), (timeout_ms))

/* --- what is sent ---------------------------------------------------------------------------- */

static void a_request_goes_out_byte_for_byte(void **state)
{
    (void)state;
    SCRIPT(script, {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    static const char target[] =
        "/queues/a/../b//messages?ReceiptHandle=a+b/c==%2F%2b%3D&x=%41{}|^`\"<>'~#!*()";
    const struct transport_header headers[] = {
        {"Authorization", "MNS id:sign/+="}, {"x-mns-version", "2015-06-06"}, {"empty", ""}};
    struct transport_request request = transport_fixture_get(scripted_server_base(server));
    request.target = slice_of_text(target);
    request.headers = headers;
    request.header_count = 3;
    const struct transport_result result = transport_fixture_ask(&transport, &request);
    assert_int_equal(result.fault, TRANSPORT_OK);
    char expected[512];
    (void)snprintf(expected, sizeof expected,
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: MNS id:sign/+=\r\n"
                   "x-mns-version: 2015-06-06\r\nempty:\r\nUser-Agent: mnsdb/",
                   target, scripted_server_port(server));
    const char *seen = scripted_server_request(server, 0);
    assert_int_equal(strncmp(seen, expected, strlen(expected)), 0);
    assert_null(strstr(seen, "Accept"));
    assert_null(strstr(seen, "Content"));
    assert_null(strstr(seen, "Expect"));
    transport_close(&transport);
    scripted_server_stop(server);
}

struct method_case {
    const char *method;
    const char *body;
    const char *content_length; /* NULL: no such header */
};

static void a_body_goes_out_only_where_there_is_one(void **state)
{
    (void)state;
    static const struct method_case cases[] = {
        {"POST", "<a/>", "Content-Length: 4\r\n"},
        {"DELETE", "", NULL},
        {"PUT", "", "Content-Length: 0\r\n"},
        {"DELETE", "<abc/>", "Content-Length: 6\r\n"},
        {"GET", "", NULL},
        {"POST", "", "Content-Length: 0\r\n"},
        {"PUT", "<b/>", "Content-Length: 4\r\n"},
        {"GET", "", NULL},
    };
    SCRIPT(script, {REPLY_200, SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct transport_request request = transport_fixture_get(scripted_server_base(server));
        request.method = cases[i].method;
        request.body = slice_of_text(cases[i].body);
        const struct transport_result result = transport_fixture_ask(&transport, &request);
        assert_int_equal(result.status, 200);
        const char *seen = scripted_server_request(server, i);
        assert_memory_equal(seen, cases[i].method, strlen(cases[i].method));
        assert_null(strstr(seen, "Content-Type"));
        assert_null(strstr(seen, "Expect"));
        assert_string_equal(strstr(seen, "\r\n\r\n") + 4, cases[i].body);
        if (cases[i].content_length)
            assert_non_null(strstr(seen, cases[i].content_length));
        else
            assert_null(strstr(seen, "Content-Length"));
    }
    assert_int_equal(scripted_server_connections(server), 1);
    transport_close(&transport);
    scripted_server_stop(server);
}

static void what_http_cannot_carry_is_refused(void **state)
{
    (void)state;
    struct transport transport = transport_fixture_open();
    struct transport_result result = {0};
    struct error err = {0};
    const struct transport_header broken = {"security-token", "a\r\nHost: elsewhere"};
    struct transport_request request = transport_fixture_get("http://127.0.0.1:1");
    request.headers = &broken;
    request.header_count = 1;
    assert_int_equal(
        transport_start(&transport, &request, transport_fixture_remember, &result, &err),
        STATUS_INPUT);
    assert_null(strstr(err.message, "elsewhere"));
    static const char *const targets[] = {"", "queues", "/a b", "/a\r\nb", "/\xc3\xa4"};
    request.header_count = 0;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        request.target = slice_of_text(targets[i]);
        assert_int_equal(
            transport_start(&transport, &request, transport_fixture_remember, &result, &err),
            STATUS_INPUT);
    }
    assert_int_equal(transport_run(&transport, 0, &err), STATUS_OK);
    assert_int_equal(result.count, 0);
    transport_close(&transport);
}

/* --- what comes back ------------------------------------------------------------------------- */

static void headers_that_matter_are_read(void **state)
{
    (void)state;
    SCRIPT(script, {"HTTP/1.1 503 Busy\r\ndate:  Sun, 22 Nov 2026 12:06:42 GMT \r\n"
                    "CONTENT-TYPE: Text/XML ; charset=utf-8\r\nRetry-After: 7\r\n"
                    "Content-Encoding: identity\r\nContent-Length: 4\r\n\r\n<a/>",
                    SCRIPT_KEEP, NULL});
    const struct transport_result result = ASK(script, LONG_MS);
    assert_int_equal(result.fault, TRANSPORT_OK);
    assert_int_equal(result.status, 503);
    assert_string_equal(result.body, "<a/>");
    assert_int_equal(result.date_ms, INT64_C(1795349202000));
    assert_int_equal(result.retry_after_ms, 7000);
    assert_true(result.is_xml);
}

static void headers_that_are_absent_or_odd_are_told(void **state)
{
    (void)state;
    SCRIPT(script,
           {"HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Type: text/html\r\nRetry-After: -1\r\n"
            "Content-Length: 0\r\n\r\n",
            SCRIPT_KEEP, NULL});
    const struct transport_result odd = ASK(script, LONG_MS);
    assert_int_equal(odd.status, 200);
    assert_int_equal(odd.date_ms, -1);
    assert_int_equal(odd.retry_after_ms, -1);
    assert_false(odd.is_xml);
    SCRIPT(bare, {"HTTP/1.1 204 No Content\r\n\r\n", SCRIPT_KEEP, NULL});
    const struct transport_result absent = ASK(bare, LONG_MS);
    assert_int_equal(absent.status, 204);
    assert_int_equal(absent.body_len, 0);
    assert_int_equal(absent.date_ms, -1);
    assert_true(absent.is_xml);
}

static void headers_of_an_interim_reply_do_not_count(void **state)
{
    (void)state;
    SCRIPT(script, {"HTTP/1.1 100 Continue\r\nRetry-After: 9\r\nContent-Type: text/html\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                    SCRIPT_KEEP, NULL});
    const struct transport_result result = ASK(script, LONG_MS);
    assert_int_equal(result.status, 200);
    assert_int_equal(result.retry_after_ms, -1);
    assert_true(result.is_xml);
}

static void every_framing_of_http_is_read(void **state)
{
    (void)state;
    SCRIPT(chunked, {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
                     SCRIPT_KEEP, NULL});
    assert_string_equal(ASK(chunked, LONG_MS).body, "abcde");
    SCRIPT(closed, {"HTTP/1.1 200 OK\r\n\r\nuntil the end", SCRIPT_CLOSE, NULL});
    assert_string_equal(ASK(closed, LONG_MS).body, "until the end");
    SCRIPT(none, {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", SCRIPT_KEEP, NULL});
    const struct transport_result result = ASK(none, LONG_MS);
    assert_int_equal(result.status, 404);
    assert_int_equal(result.body_len, 0);
}

static void a_redirect_is_a_reply_like_any_other(void **state)
{
    (void)state;
    SCRIPT(script, {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
                    SCRIPT_KEEP, NULL});
    struct scripted_server *server = START(script);
    struct transport transport = transport_fixture_open();
    const struct transport_request request = transport_fixture_get(scripted_server_base(server));
    const struct transport_result result = transport_fixture_ask(&transport, &request);
    assert_int_equal(result.status, 302);
    assert_int_equal(scripted_server_requests(server), 1);
    transport_close(&transport);
    scripted_server_stop(server);
}

/* --- what does not get through --------------------------------------------------------------- */

static void a_reply_that_is_cut_off_is_broken(void **state)
{
    (void)state;
    SCRIPT(length, {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", SCRIPT_CLOSE, NULL});
    assert_int_equal(ASK(length, LONG_MS).fault, TRANSPORT_BROKEN);
    SCRIPT(chunk,
           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n99\r\nhalf", SCRIPT_CLOSE, NULL});
    assert_int_equal(ASK(chunk, LONG_MS).fault, TRANSPORT_BROKEN);
    SCRIPT(last, {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                  SCRIPT_CLOSE, NULL});
    assert_int_equal(ASK(last, LONG_MS).fault, TRANSPORT_BROKEN);
    SCRIPT(nothing, {"", SCRIPT_CLOSE, NULL});
    assert_int_equal(ASK(nothing, LONG_MS).fault, TRANSPORT_BROKEN);
    SCRIPT(reset, {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", SCRIPT_RESET, NULL});
    assert_int_equal(ASK(reset, LONG_MS).fault, TRANSPORT_BROKEN);
    SCRIPT(other, {"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", SCRIPT_CLOSE, NULL});
    assert_int_equal(ASK(other, LONG_MS).fault, TRANSPORT_BROKEN);
}

static void a_compressed_reply_is_broken(void **state)
{
    (void)state;
    SCRIPT(script, {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b"
                    "\x08\x01",
                    SCRIPT_KEEP, NULL});
    const struct transport_result result = ASK(script, LONG_MS);
    assert_int_equal(result.fault, TRANSPORT_BROKEN);
    assert_non_null(strstr(result.fault_text, "compressed"));
}

static void a_slow_reply_ends_in_time(void **state)
{
    (void)state;
    SCRIPT(silent, {"", SCRIPT_SILENCE, NULL});
    assert_int_equal(ASK(silent, SHORT_MS).fault, TRANSPORT_TIMEOUT);
    SCRIPT(head, {"HTTP/1.1 200 OK\r\nX: ", SCRIPT_DRIP, "x"});
    assert_int_equal(ASK(head, SHORT_MS).fault, TRANSPORT_TIMEOUT);
    SCRIPT(body, {"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", SCRIPT_DRIP, "x"});
    assert_int_equal(ASK(body, SHORT_MS).fault, TRANSPORT_TIMEOUT);
}

static void an_endless_reply_is_cut(void **state)
{
    (void)state;
    static char kilobyte[1025];
    memset(kilobyte, 'x', sizeof kilobyte - 1);
    SCRIPT(body, {"HTTP/1.1 200 OK\r\n\r\n", SCRIPT_FLOOD, kilobyte});
    assert_int_equal(ASK(body, LONG_MS).fault, TRANSPORT_TOO_LONG);
    SCRIPT(headers, {"HTTP/1.1 200 OK\r\n", SCRIPT_FLOOD, "X-More: and more and more\r\n"});
    assert_int_equal(ASK(headers, LONG_MS).fault, TRANSPORT_TOO_LONG);
    SCRIPT(interim, {"", SCRIPT_FLOOD, "HTTP/1.1 100 Continue\r\n\r\n"});
    assert_int_equal(ASK(interim, LONG_MS).fault, TRANSPORT_TOO_LONG);
}

static void a_reply_may_be_as_long_as_is_allowed(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n";
    char *text = malloc(sizeof head + TRANSPORT_REPLY_BYTES_MAX);
    assert_non_null(text);
    memcpy(text, head, sizeof head - 1);
    memset(text + sizeof head - 1, 'x', TRANSPORT_REPLY_BYTES_MAX);
    text[sizeof head - 1 + TRANSPORT_REPLY_BYTES_MAX] = '\0';
    const struct script_reply script[] = {{text, SCRIPT_KEEP, NULL}};
    const struct transport_result result = ASK(script, LONG_MS);
    assert_int_equal(result.fault, TRANSPORT_OK);
    assert_int_equal(result.body_len, TRANSPORT_REPLY_BYTES_MAX);
    free(text);
}

static void a_server_that_is_not_there_is_unreachable(void **state)
{
    (void)state;
    char base[64];
    const int fd = transport_fixture_take_port(base);
    struct transport transport = transport_fixture_open();
    struct transport_request request = transport_fixture_get(base);
    const struct transport_result refused = transport_fixture_ask(&transport, &request);
    assert_int_equal(refused.fault, TRANSPORT_UNREACHABLE);
    assert_memory_equal(refused.fault_text, base + 7, strlen(base + 7));
    assert_non_null(strstr(refused.fault_text, "refused"));
    /* No part of a name has over 63 bytes (RFC 1035): nobody needs to be asked about this one. */
    request.base =
        "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test";
    const struct transport_result nameless = transport_fixture_ask(&transport, &request);
    assert_int_equal(nameless.fault, TRANSPORT_UNREACHABLE);
    assert_non_null(strstr(nameless.fault_text, "aaa.test:80: no address"));
    transport_close(&transport);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_out_byte_for_byte),
        cmocka_unit_test(a_body_goes_out_only_where_there_is_one),
        cmocka_unit_test(what_http_cannot_carry_is_refused),
        cmocka_unit_test(headers_that_matter_are_read),
        cmocka_unit_test(headers_that_are_absent_or_odd_are_told),
        cmocka_unit_test(headers_of_an_interim_reply_do_not_count),
        cmocka_unit_test(every_framing_of_http_is_read),
        cmocka_unit_test(a_redirect_is_a_reply_like_any_other),
        cmocka_unit_test(a_reply_that_is_cut_off_is_broken),
        cmocka_unit_test(a_compressed_reply_is_broken),
        cmocka_unit_test(a_slow_reply_ends_in_time),
        cmocka_unit_test(an_endless_reply_is_cut),
        cmocka_unit_test(a_reply_may_be_as_long_as_is_allowed),
        cmocka_unit_test(a_server_that_is_not_there_is_unreachable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
