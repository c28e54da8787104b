/*
 * test_monitor.c - the HTTP endpoint, as clients of all manners see it: raw sockets.
 *
 * ctest: threads
 */
#include "ingest/monitor/monitor.h"

#include "engine/base/mem.h"
#include "ingest/monitor/monitor_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define REPLY_BYTES ((size_t)1 << 20)
#define PATIENCE_MS 60000
#define FLOOD_BYTES ((size_t)1 << 20)

static struct ingest_metrics metrics;
static struct monitor *monitor;
static char reply[REPLY_BYTES];

static int begin(void **state)
{
    (void)state;
    metrics_init(&metrics, 0);
    return monitor_open(&monitor, "127.0.0.1:0", &metrics, NULL) == STATUS_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    monitor_close(monitor);
    return mem_live_blocks() == 0 ? 0 : -1;
}

static int connect_to(uint16_t port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        const ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; // the endpoint may have had enough
        text += sent;
        len -= (size_t)sent;
    }
}

/* All that comes until the connection closes, however that ends. */
static size_t receive_all(int fd)
{
    size_t len = 0;
    while (len + 1 < sizeof reply) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, PATIENCE_MS) == 0)
            fail_msg("the connection stays open");
        const ssize_t got = recv(fd, reply + len, sizeof reply - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    reply[len] = '\0';
    (void)close(fd);
    return len;
}

static const char *ask(const char *request)
{
    const int fd = connect_to(monitor_port(monitor));
    send_all(fd, request, strlen(request));
    (void)receive_all(fd);
    return reply;
}

static void expect_status(const char *request, int status)
{
    static const char version[] = "HTTP/1.1 ";
    const char *got = ask(request);
    if (strncmp(got, version, sizeof version - 1) != 0 ||
        strtol(got + sizeof version - 1, NULL, 10) != status)
        fail_msg("%s\nis answered by\n%s", request, reply);
}

static const char *body(void)
{
    const char *blank = strstr(reply, "\r\n\r\n");
    assert_non_null(blank);
    return blank + 4;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void the_three_pages_are_there_and_nothing_else(void **state)
{
    (void)state;
    expect_status("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    assert_non_null(strstr(reply, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(body(), "\nmnsdb_ingest_received_total 0\n"));
    expect_status("GET /metrics?x=1 HTTP/1.0\r\n\r\n", 200);
    expect_status("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    expect_status("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404);
    expect_status("GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", 404);
    expect_status("GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404);
}

static void a_head_has_the_length_and_no_body(void **state)
{
    (void)state;
    expect_status("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    assert_non_null(strstr(reply, "Content-Length: 3\r\n"));
    assert_string_equal(body(), "");
}

static void other_methods_are_refused_with_those_there_are(void **state)
{
    (void)state;
    static const char *const methods[] = {"POST",  "PUT",   "DELETE", "OPTIONS",
                                          "TRACE", "PATCH", "get",    "FOO"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char request[128];
        (void)snprintf(request, sizeof request, "%s /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
                       methods[i]);
        expect_status(request, 405);
        assert_non_null(strstr(reply, "Allow: GET, HEAD\r\n"));
    }
}

static void a_request_with_a_body_is_refused(void **state)
{
    (void)state;
    expect_status("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 413);
    expect_status("GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 413);
    expect_status("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 405);
    expect_status("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 200);
}

static void readiness_says_why_nothing_is_received(void **state)
{
    (void)state;
    static const struct {
        enum ingest_pause pause;
        const char *says;
    } pauses[] = {
        {PAUSE_STARTING, "starting\n"},
        {PAUSE_STORE_FULL, "no room in the store\n"},
        {PAUSE_CREDENTIALS, "no access key that the queue takes\n"},
        {PAUSE_QUEUE, "no queue answers\n"},
        {PAUSE_DRAINING, "ending\n"},
    };
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        atomic_store(&metrics.pause, (int)pauses[i].pause);
        expect_status("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 503);
        assert_string_equal(body(), pauses[i].says);
    }
    atomic_store(&metrics.pause, (int)PAUSE_NONE);
    expect_status("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
}

static void health_is_lost_when_nothing_moves_and_comes_back(void **state)
{
    (void)state;
    struct ingest_metrics *some = &metrics;
    struct progress_watch watch = {0};
    progress_watch_begin(&watch, 1000);
    (void)progress_watch_look(&watch, some, 1000);
    const int64_t stalled_ms = 1001 + MONITOR_STALL_MS;
    assert_true(progress_watch_look(&watch, some, stalled_ms - 1) <= MONITOR_STALL_MS);
    assert_true(progress_watch_look(&watch, some, stalled_ms) > MONITOR_STALL_MS);
    metrics_add(&some->progress[PROGRESS_COMMITS], 1); // one loop is not enough
    assert_true(progress_watch_look(&watch, some, stalled_ms) > MONITOR_STALL_MS);
    metrics_add(&some->progress[PROGRESS_NETWORK], 1);
    assert_true(progress_watch_look(&watch, some, stalled_ms) == 0);
}

static void a_flood_of_headers_ends_in_an_error_and_harms_nobody(void **state)
{
    (void)state;
    const int fd = connect_to(monitor_port(monitor));
    static const char line[] = "X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    send_all(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n", 32);
    for (size_t sent = 0; sent < FLOOD_BYTES; sent += sizeof line - 1)
        send_all(fd, line, sizeof line - 1);
    (void)receive_all(fd);
    assert_null(strstr(reply, "HTTP/1.1 200"));
    expect_status("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
}

static void nonsense_is_no_request(void **state)
{
    (void)state;
    (void)ask("\r\n\x01\x02\x03\r\n\r\n");
    assert_null(strstr(reply, " 200 "));
    (void)ask("GET /metrics\r\n\r\n");
    expect_status("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
}

/* Clients that send a byte now and then hold all places; all the same the next one is served. */
static void slow_clients_lose_their_places(void **state)
{
    (void)state;
    int slow[MONITOR_CONNECTIONS_MAX + 8];
    const size_t count = sizeof slow / sizeof *slow;
    for (size_t i = 0; i < count; i++)
        slow[i] = connect_to(monitor_port(monitor));
    const int last = connect_to(monitor_port(monitor));
    const char *request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    send_all(last, request, strlen(request));
    struct pollfd wait = {.fd = last, .events = POLLIN};
    size_t turns = 0;
    while (poll(&wait, 1, 1000) == 0) {
        assert_true(++turns < 120);
        for (size_t i = 0; i < count; i++)
            (void)send(slow[i], "G", 1, MSG_NOSIGNAL);
    }
    (void)receive_all(last);
    assert_non_null(strstr(reply, "HTTP/1.1 200"));
    assert_true(turns > 0); /* all places really were taken */
    for (size_t i = 0; i < count; i++)
        (void)close(slow[i]);
}

static void a_client_that_leaves_at_once_harms_nobody(void **state)
{
    (void)state;
    for (size_t i = 0; i < 200; i++) {
        const int fd = connect_to(monitor_port(monitor));
        const struct linger reset = {.l_onoff = 1};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        send_all(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 35);
        (void)close(fd);
    }
    expect_status("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
}

/* --- addresses ------------------------------------------------------------------------------- */

static void addresses_are_loopback_unless_given(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_loopback;
    } good[] = {
        {":9469", true},       {"localhost:9469", true}, {"127.0.0.1:0", true},
        {"127.8.9.1:1", true}, {"[::1]:9469", true},     {"0.0.0.0:9469", false},
        {"[::]:9469", false},  {"192.0.2.7:80", false},  {"[2001:db8::1]:65535", false},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct listen_address address;
        assert_int_equal(listen_address_parse(&address, good[i].text, NULL), STATUS_OK);
        assert_int_equal(address.is_loopback, good[i].is_loopback);
    }
    static const char *const bad[] = {
        "",
        "9469",
        ":",
        ":65536",
        ":-1",
        ":80x",
        "x:80",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[127.0.0.1]:1",
        "1.2.3:80",
        "a.b.c.d:1",
        "127.0.0.1 :1",
        "http://x:80",
        ":99999999999999999999",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct listen_address address;
        struct error err = {0};
        if (listen_address_parse(&address, bad[i], &err) != STATUS_CONFIG)
            fail_msg("'%s' is taken", bad[i]);
        assert_non_null(strstr(err.message, "no address to listen on"));
    }
}

static void a_port_in_use_is_an_error_that_names_it(void **state)
{
    (void)state;
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)monitor_port(monitor));
    struct monitor *second = NULL;
    struct error err = {0};
    assert_int_equal(monitor_open(&second, address, &metrics, &err), STATUS_CONFIG);
    assert_null(second);
    assert_non_null(strstr(err.message, address));
    assert_non_null(strstr(err.message, "Address already in use"));
    monitor_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_pages_are_there_and_nothing_else),
        cmocka_unit_test(a_head_has_the_length_and_no_body),
        cmocka_unit_test(other_methods_are_refused_with_those_there_are),
        cmocka_unit_test(a_request_with_a_body_is_refused),
        cmocka_unit_test(readiness_says_why_nothing_is_received),
        cmocka_unit_test(health_is_lost_when_nothing_moves_and_comes_back),
        cmocka_unit_test(a_flood_of_headers_ends_in_an_error_and_harms_nobody),
        cmocka_unit_test(nonsense_is_no_request),
        cmocka_unit_test(slow_clients_lose_their_places),
        cmocka_unit_test(a_client_that_leaves_at_once_harms_nobody),
        cmocka_unit_test(addresses_are_loopback_unless_given),
        cmocka_unit_test(a_port_in_use_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
