/*
 * transport_fixture.c - see transport_fixture.h.
 */
#include "tests/unit/transport_fixture.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

void transport_fixture_remember(void *context, const struct transport_reply *reply)
{
    struct transport_result *result = context;
    result->count++;
    result->fault = reply->fault;
    result->status = reply->status;
    (void)snprintf(result->fault_text, sizeof result->fault_text, "%s", reply->fault_text);
    result->body_len = reply->body.len;
    const size_t kept = reply->body.len < BODY_KEPT - 1 ? reply->body.len : BODY_KEPT - 1;
    if (kept > 0)
        memcpy(result->body, reply->body.data, kept);
    result->body[kept] = '\0';
    result->date_ms = reply->date_ms;
    result->retry_after_ms = reply->retry_after_ms;
    result->is_xml = reply->is_xml;
    assert_true(reply->elapsed_us >= 0);
}

struct transport transport_fixture_open(void)
{
    struct transport transport = {0};
    const struct curl_transport_config config = {0};
    struct error err = {0};
    assert_int_equal(curl_transport_open(&transport, &config, &err), STATUS_OK);
    return transport;
}

struct transport_request transport_fixture_get(const char *base)
{
    return (struct transport_request){
        .method = "GET",
        .base = base,
        .target = slice_of_text("/queues/q/messages"),
        .timeout_ms = LONG_MS,
    };
}

void transport_fixture_start(struct transport *transport, const struct transport_request *request,
                             struct transport_result *result)
{
    struct error err = {0};
    assert_int_equal(transport_start(transport, request, transport_fixture_remember, result, &err),
                     STATUS_OK);
}

void transport_fixture_run_until(struct transport *transport, const struct transport_result *result,
                                 unsigned count)
{
    struct error err = {0};
    while (result->count < count)
        assert_int_equal(transport_run(transport, 1000, &err), STATUS_OK);
    assert_int_equal(result->count, count);
}

struct transport_result transport_fixture_ask(struct transport *transport,
                                              const struct transport_request *request)
{
    struct transport_result result = {0};
    transport_fixture_start(transport, request, &result);
    transport_fixture_run_until(transport, &result, 1);
    return result;
}

int transport_fixture_take_port(char base[64])
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(base, 64, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}
