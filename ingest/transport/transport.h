/*
 * transport.h - HTTP requests side by side, with everything bounded.
 *
 *      start ──> in flight (keep-alive connections) ──> run calls done() with the reply or fault
 *
 * An interface, so that tests put a simulated server with a simulated clock behind it;
 * curl_transport_open makes the real one (libcurl's multi interface).
 *
 * The real one never follows redirects, knows no protocol but https (and http where the
 * request's URL says so: callers decide who may), verifies TLS, asks for no compression and takes
 * none, has a limit on bytes, headers and time for each request, and uses no .netrc,
 * no cookies and, towards loopback and metadata addresses, no proxy.
 *
 * Life cycle: open -> (start | run | cancel)* -> close. close forgets what is in flight.
 * Threads:    one, but for transport_wake, which any thread (and no signal handler) may call.
 */
#ifndef MNSDB_INGEST_TRANSPORT_TRANSPORT_H
#define MNSDB_INGEST_TRANSPORT_TRANSPORT_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_REPLY_BYTES_MAX  ((size_t)4 << 20)
#define TRANSPORT_HEADER_BYTES_MAX ((size_t)64 << 10) /* of all headers of a reply */
#define TRANSPORT_HEADERS_MAX      12u

struct transport_header {
    const char *name;
    const char *value;
};

/* Everything is copied by transport_start. */
struct transport_request {
    const char *method;  /* "GET", "PUT", "POST", "DELETE" */
    const char *base;    /* "https://host:port" */
    struct slice target; /* path and query, sent exactly as they are */
    const struct transport_header *headers;
    size_t header_count;
    struct slice body;  /* with len 0: none; then nothing is sent but the headers */
    int64_t timeout_ms; /* for the whole of it; a long poll's wait included */
    bool no_proxy;
};

enum transport_fault {
    TRANSPORT_OK,
    TRANSPORT_UNREACHABLE, /* no name, no connection */
    TRANSPORT_TLS,         /* the server's certificate or the handshake: will not pass by itself */
    TRANSPORT_TIMEOUT,
    TRANSPORT_BROKEN,   /* cut off, or no HTTP */
    TRANSPORT_TOO_LONG, /* more bytes or headers than a sane server sends */
};

struct transport_reply {
    enum transport_fault fault;
    const char *fault_text; /* for people, with host and port; "" if none */
    int status;             /* of HTTP; 0 with a fault */
    struct slice body;      /* lives until done() returns */
    int64_t date_ms;        /* of the Date header, UTC; -1: none */
    int64_t retry_after_ms; /* of Retry-After in seconds; -1: none */
    bool is_xml;            /* Content-Type is text/xml, application/xml or absent */
    int64_t elapsed_us;
};

typedef void transport_done(void *context, const struct transport_reply *reply);

struct transport {
    void *context;
    enum status (*start)(void *context, const struct transport_request *request,
                         transport_done *done, void *done_context, struct error *err);
    enum status (*run)(void *context, int64_t wait_ms, struct error *err);
    size_t (*cancel)(void *context, void *done_context);
    void (*wake)(void *context);
    void (*close)(void *context);
};

/*
 * Puts a request in flight. done() is called exactly once, from transport_run, unless the request
 * is cancelled or the transport closed. STATUS_NOMEM: nothing was started.
 */
static inline MUST_CHECK enum status transport_start(struct transport *transport,
                                                     const struct transport_request *request,
                                                     transport_done *done, void *done_context,
                                                     struct error *err)
{
    return transport->start(transport->context, request, done, done_context, err);
}

/*
 * Moves bytes and calls done() for what has finished; waits up to `wait_ms` for something to
 * happen if nothing had. done() may start and cancel requests. Returns early after a wake.
 */
static inline MUST_CHECK enum status transport_run(struct transport *transport, int64_t wait_ms,
                                                   struct error *err)
{
    return transport->run(transport->context, wait_ms, err);
}

/* Drops all requests with this done_context, without calling done(); returns how many. */
static inline size_t transport_cancel(struct transport *transport, void *done_context)
{
    return transport->cancel(transport->context, done_context);
}

/* Ends a wait in transport_run, now or the next one. */
static inline void transport_wake(struct transport *transport)
{
    transport->wake(transport->context);
}

static inline void transport_close(struct transport *transport)
{
    if (transport->close)
        transport->close(transport->context);
    *transport = (struct transport){0};
}

struct curl_transport_config {
    const char *ca_file;        /* PEM, instead of the system's; NULL: the system's */
    int64_t connect_timeout_ms; /* 0: 10 s */
    unsigned connections_max;   /* kept alive, or as many as were in flight at once; 0: 32 */
};

/* STATUS_CONFIG: the CA file cannot be used. */
MUST_CHECK enum status curl_transport_open(struct transport *transport,
                                           const struct curl_transport_config *config,
                                           struct error *err);

#endif
