/*
 * exchange.h - one request and its reply: a libcurl handle with the buffers it reads and writes.
 *
 *      prepare (request -> handle)  ->  libcurl calls back with headers and body
 *                                   ->  conclude (-> transport_reply)
 *
 * An exchange is used again and again: of the handle's settings only those that differ from the
 * last request's are set, and the buffers keep their room up to EXCHANGE_ROOM_KEPT.
 *
 * Life cycle: new -> (prepare -> conclude -> rest)* -> free, while in none of libcurl's multis.
 * Threads:    the transport's.
 */
#ifndef MNSDB_INGEST_TRANSPORT_EXCHANGE_H
#define MNSDB_INGEST_TRANSPORT_EXCHANGE_H

#include "engine/base/bytes.h"
#include "ingest/transport/poller.h"
#include "ingest/transport/transport.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#define EXCHANGE_ROOM_KEPT    ((size_t)256 << 10)
#define EXCHANGE_METHOD_BYTES 16u
#define EXCHANGE_BASE_BYTES   300u
#define EXCHANGE_FAULT_BYTES  768u

/* What is the same for all requests of a transport. */
struct exchange_settings {
    const char *ca_file; /* borrowed; NULL: the system's */
    long connect_timeout_ms;
    struct poller *poller; /* hears of sockets opened and closed */
};

/* Why we ended a transfer ourselves. */
enum exchange_refusal {
    EXCHANGE_TAKEN, /* we did not */
    EXCHANGE_BODY_TOO_LONG,
    EXCHANGE_HEADERS_TOO_LONG,
    EXCHANGE_ENCODED,
    EXCHANGE_NO_MEMORY,
};

struct exchange {
    struct exchange *next; /* in a list of the transport's */
    struct exchange *previous;
    transport_done *done;
    void *done_context;
    int64_t began_us; /* monotonic */

    CURL *easy;     /* owned */
    CURLU *address; /* owned; of `base` */
    const struct exchange_settings *settings;

    /* What the handle is set to now. */
    char method[EXCHANGE_METHOD_BYTES];
    char base[EXCHANGE_BASE_BYTES];
    int64_t timeout_ms;
    bool is_upload;
    bool no_proxy;

    /* The request, as libcurl reads it while in flight. */
    struct buffer text; /* owned: the target and header lines, each with a NUL */
    struct buffer request_body;
    struct curl_slist lines[TRANSPORT_HEADERS_MAX];

    /* The reply. */
    struct buffer reply_body;
    size_t header_bytes;
    enum exchange_refusal refusal;
    int64_t date_ms;
    int64_t retry_after_ms;
    bool is_xml;
    char curl_text[CURL_ERROR_SIZE];
    char fault_text[EXCHANGE_FAULT_BYTES];
};

/* `settings` outlives the exchange. */
MUST_CHECK enum status exchange_new(struct exchange **exchange,
                                    const struct exchange_settings *settings, struct error *err);
void exchange_free(struct exchange *exchange);

/*
 * Copies the request into the exchange and sets the handle to it. STATUS_INPUT: a text that HTTP
 * cannot carry as it is.
 */
MUST_CHECK enum status exchange_prepare(struct exchange *exchange,
                                        const struct transport_request *request, struct error *err);

/* The reply once libcurl is done with the handle; it borrows from the exchange. */
void exchange_conclude(struct exchange *exchange, CURLcode result, struct transport_reply *reply);

/* Wipes the headers that were sent and the reply, and gives large buffers back. */
void exchange_rest(struct exchange *exchange);

#endif
