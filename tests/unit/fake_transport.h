/*
 * fake_transport.h - a transport without a network: requests are kept, replies come from a script,
 * and time is a number that waiting moves on.
 *
 * Each transport_run answers what is in flight, oldest first, with the next replies of the script;
 * with nothing to answer it lets `wait_ms` pass. A reply of a script that has run out never comes.
 *
 * Threads: one.
 */
#ifndef MNSDB_TESTS_UNIT_FAKE_TRANSPORT_H
#define MNSDB_TESTS_UNIT_FAKE_TRANSPORT_H

#include "ingest/mns/mns.h"
#include "ingest/transport/transport.h"

#define FAKE_REQUESTS_MAX 64u
#define FAKE_TEXT_BYTES   1024u

struct fake_reply {
    enum transport_fault fault;
    const char *fault_text;
    int status;
    const char *body;       /* NULL: none */
    int64_t date_ms;        /* 0: none */
    int64_t retry_after_ms; /* 0: none */
    bool is_not_xml;
};

struct fake_request {
    char method[16];
    char base[FAKE_TEXT_BYTES];
    char target[FAKE_TEXT_BYTES];
    char names[TRANSPORT_HEADERS_MAX][64];
    char values[TRANSPORT_HEADERS_MAX][FAKE_TEXT_BYTES];
    size_t header_count;
    char body[FAKE_TEXT_BYTES];
    int64_t timeout_ms;
    int64_t began_ms; /* monotonic */
    bool no_proxy;
    bool in_flight;
    transport_done *done;
    void *done_context;
};

struct fake_transport {
    struct transport transport;
    const struct fake_reply *script; /* borrowed */
    size_t script_len;
    size_t replied;
    struct fake_request requests[FAKE_REQUESTS_MAX];
    size_t request_count;
    size_t cancelled;
    enum status start_fails; /* STATUS_OK: it does not */
    int64_t utc_ms;
    int64_t monotonic_ms;
};

/* `script` outlives the fake. */
void fake_transport_init(struct fake_transport *fake, const struct fake_reply *script,
                         size_t script_len, int64_t utc_ms);
struct mns_clock fake_transport_clock(struct fake_transport *fake);

/* NULL if there is no such header. */
const char *fake_request_header(const struct fake_request *request, const char *name);

#endif
