/*
 * transport_fixture.h - what the tests of the transport share: a request, and what became of it.
 */
#ifndef MNSDB_TESTS_UNIT_TRANSPORT_FIXTURE_H
#define MNSDB_TESTS_UNIT_TRANSPORT_FIXTURE_H

#include "ingest/transport/transport.h"
#include "tests/unit/scripted_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LONG_MS   60000
#define BODY_KEPT 256u

#define REPLY_200         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SCRIPT(name, ...) static const struct script_reply name[] = {__VA_ARGS__}
#define START(name)       scripted_server_start((name), sizeof(name) / sizeof((name)[0]))

/* What done() was told last, copied. */
struct transport_result {
    unsigned count;
    enum transport_fault fault;
    int status;
    char fault_text[512];
    char body[BODY_KEPT];
    size_t body_len;
    int64_t date_ms;
    int64_t retry_after_ms;
    bool is_xml;
};

/* A transport_done for the two below; `context` is a struct transport_result. */
void transport_fixture_remember(void *context, const struct transport_reply *reply);

struct transport transport_fixture_open(void);
struct transport_request transport_fixture_get(const char *base);
void transport_fixture_start(struct transport *transport, const struct transport_request *request,
                             struct transport_result *result);

/* Runs until `count` requests have been answered into this result. */
void transport_fixture_run_until(struct transport *transport, const struct transport_result *result,
                                 unsigned count);
struct transport_result transport_fixture_ask(struct transport *transport,
                                              const struct transport_request *request);

/* A port that nobody listens at, until the descriptor that is returned is closed. */
int transport_fixture_take_port(char base[64]);

#endif
