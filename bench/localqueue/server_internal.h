/*
 * server_internal.h - what server.c (the loop) and http_exchange.c (one request) share.
 *
 *      reading ──> delayed ──> performed ──> (journal flushed) ──> answered
 *                                  │              ^
 *                                  └── waiting ───┘   (long poll)
 *
 * While an exchange is delayed, waiting, or held until its journal is flushed, its connection is
 * suspended. Who is done waiting is put into the server's list of ready ones; the loop resumes them
 * after the flush, and the library then asks again for the answer.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_SERVER_INTERNAL_H
#define MNSDB_BENCH_LOCALQUEUE_SERVER_INTERNAL_H

#include "bench/localqueue/authenticate.h"
#include "bench/localqueue/broker.h"
#include "bench/localqueue/perform.h"
#include "bench/localqueue/server.h"
#include "bench/localqueue/timers.h"
#include "ingest/xml/xml.h"

#include <microhttpd.h>

#define ENDPOINT_BYTES   32u
#define REQUEST_ID_BYTES 25u /* with the NUL */

enum http_exchange_state {
    EXCHANGE_NEW,     /* the target is known, headers are to be read */
    EXCHANGE_READING, /* the body is coming */
    EXCHANGE_DELAYED, /* its timer says until when; nothing was looked at yet */
    EXCHANGE_WAITING, /* for messages; its timer says until when */
    EXCHANGE_READY,   /* the answer is written */
    EXCHANGE_DROPPED, /* the connection is to be closed without one */
};

struct http_exchange {
    struct server *server;             /* borrowed */
    struct MHD_Connection *connection; /* borrowed */
    enum http_exchange_state state;
    bool is_suspended;
    bool is_too_long; /* the body was more than is taken */
    size_t uploaded_bytes;
    struct buffer target; /* owned; as sent */
    struct buffer body;   /* owned */
    struct call call;
    enum code call_code; /* what is wrong with the target */
    struct reply answer;
    struct signed_request request;
    struct call_headers headers;
    struct fault_plan plan;
    char request_id[REQUEST_ID_BYTES];
    struct waiter waiter;
    struct timer timer;           /* in server->timers; monotonic */
    struct http_exchange *before; /* of all that live */
    struct http_exchange *after;  /* of all that live, or of those free for reuse */
    struct http_exchange *next_ready;
};

struct server {
    const struct server_config *config; /* borrowed */
    struct MHD_Daemon *daemon;
    int epoll;
    char endpoint[ENDPOINT_BYTES];
    struct broker broker;
    struct journal *journal;
    uint64_t dropped_bytes;
    struct faults faults;
    struct performer performer;
    struct authenticator authenticator;
    struct xml_parser *parser;
    struct timers timers;
    struct http_exchange *live;
    size_t live_count;
    struct http_exchange *unused;
    size_t unused_count;
    struct http_exchange *ready;
    uint64_t request_count;
    uint64_t request_seed;
    int64_t now_ms;       /* of this turn of the loop; UTC, as messages and handles have it */
    int64_t monotonic_ms; /* the same moment, for waits that a clock being set must not change */
    bool is_closing;
    bool has_resumed; /* connections: the library must run again to look at them */
    int64_t date_s;   /* what `date` says */
    char date[WIRE_DATE_BYTES];
};

/* The callbacks of the HTTP library. */
void *http_exchange_begin(void *context, const char *target, struct MHD_Connection *connection);
enum MHD_Result http_exchange_handle(void *context, struct MHD_Connection *connection,
                                     const char *url, const char *method, const char *version,
                                     const char *upload, size_t *upload_len, void **exchange);
void http_exchange_end(void *context, struct MHD_Connection *connection, void **exchange,
                       enum MHD_RequestTerminationCode reason);

/* Its delay is over: looks at the request. */
void http_exchange_wake(struct http_exchange *exchange);

/* Takes what there is for one that waits, or an empty answer. */
void http_exchange_serve(struct http_exchange *exchange);

/* Its connection goes on after the next flush. */
void http_exchange_make_ready(struct http_exchange *exchange, enum http_exchange_state state);

void http_exchange_free(struct http_exchange *exchange);

#endif
