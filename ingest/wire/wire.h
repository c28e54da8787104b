/*
 * wire.h - the MNS protocol (version 2015-06-06) as bytes: addresses, signatures, requests,
 * replies.
 *
 *      wire_url            "https://1234.mns.cn-shanghai.aliyuncs.com/queues/aliyun-iot-a1"
 *      wire_sign           base64(HMAC-SHA1(secret, string to sign))
 *      wire_request_*      method, target and body of an operation
 *      wire_reply_parse    the XML of an answer
 *      wire_judge          what an answer means for the caller
 *
 * Nothing here touches the network or a clock. Times are UTC milliseconds.
 *
 * Source of the formats: the vendor's API reference for MNS queues (signing: doc 27487, operations:
 * docs 35129 to 35142, errors: doc 27501).
 *
 * Threads: one parser or request a thread; the rest is free to all.
 */
#ifndef MNSDB_INGEST_WIRE_WIRE_H
#define MNSDB_INGEST_WIRE_WIRE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION          "2015-06-06"
#define WIRE_BATCH_MAX        16u /* messages in a batch, for every operation */
#define WIRE_WAIT_S_MAX       30u
#define WIRE_VISIBILITY_S_MAX 43200u

/* --- addresses ------------------------------------------------------------------------------- */

#define WIRE_HOST_BYTES  256u /* with the NUL */
#define WIRE_QUEUE_BYTES 257u
#define WIRE_BASE_BYTES  (WIRE_HOST_BYTES + 16u) /* with "https://" and ":65535" */

struct wire_url {
    bool is_https;
    bool is_loopback;             /* localhost, 127.0.0.0/8 or [::1] */
    char host[WIRE_HOST_BYTES];   /* as given, in lower case, an IPv6 address in brackets */
    uint16_t port;                /* 80 or 443 if none was given */
    char queue[WIRE_QUEUE_BYTES]; /* "" for an endpoint without "/queues/NAME" */
    char base[WIRE_BASE_BYTES];   /* "https://host" or "https://host:port": requests go there */
};

/*
 * STATUS_CONFIG says what is wrong. User information, a query, a fragment and odd names are
 * refused.
 */
MUST_CHECK enum status wire_url_parse(struct wire_url *url, const char *text, struct error *err);

/* --- signatures ------------------------------------------------------------------------------ */

struct wire_header {
    struct slice name;
    struct slice value;
};

/* What is signed. `headers` may hold any headers: those named x-mns-... are picked and sorted. */
struct wire_signed {
    struct slice method;
    struct slice content_md5;  /* empty if absent */
    struct slice content_type; /* empty if absent */
    struct slice date;         /* of Date, or of x-mns-date where that stands in */
    const struct wire_header *headers;
    size_t header_count;   /* at most WIRE_SIGNED_HEADERS_MAX */
    struct slice resource; /* path and query as on the request line, without scheme and host */
};

#define WIRE_SIGNED_HEADERS_MAX 64u
#define WIRE_SIGNATURE_BYTES    29u /* with the NUL */

MUST_CHECK enum status wire_sign(const struct wire_signed *request, struct slice secret,
                                 char signature[WIRE_SIGNATURE_BYTES], struct error *err);

/* "Sun, 22 Nov 2026 12:06:42 GMT", RFC 9110; whatever the locale. */
#define WIRE_DATE_BYTES 30u /* with the NUL */
void wire_date_format(int64_t time_ms, char text[WIRE_DATE_BYTES]);
bool wire_date_parse(struct slice text, int64_t *time_ms);

/* --- requests -------------------------------------------------------------------------------- */

/* Method, target and body of one request. Zero-initialise; buffers are reused by each build. */
struct wire_request {
    const char *method;   /* static */
    struct buffer target; /* owned; "/queues/NAME/messages?numOfMessages=16&waitseconds=10" */
    struct buffer body;   /* owned; XML, or empty: none */
};

void wire_request_release(struct wire_request *request);

/* `wait_s` 0 asks for an answer at once, whatever the queue's own setting. `count` 1...16. */
MUST_CHECK enum status wire_request_receive(struct wire_request *request, const char *queue,
                                            unsigned count, unsigned wait_s);
MUST_CHECK enum status wire_request_peek(struct wire_request *request, const char *queue,
                                         unsigned count);
/* 1...16 handles. They are escaped as their place demands. */
MUST_CHECK enum status wire_request_delete(struct wire_request *request, const char *queue,
                                           const struct slice *handles, size_t count);
MUST_CHECK enum status wire_request_visibility(struct wire_request *request, const char *queue,
                                               struct slice handle, unsigned visibility_s);
/* 1...16 bodies; `bodies` go out as they are. */
MUST_CHECK enum status wire_request_send(struct wire_request *request, const char *queue,
                                         const struct slice *bodies, size_t count);
MUST_CHECK enum status wire_request_create(struct wire_request *request, const char *queue);
MUST_CHECK enum status wire_request_attributes(struct wire_request *request, const char *queue);

/* --- replies --------------------------------------------------------------------------------- */

/* A received or peeked message. Texts borrow from the reply. What is absent is empty or 0. */
struct wire_message {
    struct slice message_id;
    struct slice receipt_handle; /* empty when peeked */
    struct slice body;
    struct slice body_md5; /* upper-case hex, of the body as sent */
    int64_t enqueue_ms;
    int64_t next_visible_ms;
    int64_t first_dequeue_ms;
    uint32_t dequeue_count;
    uint32_t priority;
    /* In the answer to a batch send, an entry that failed: */
    struct slice error_code;
    struct slice error_message;
};

/* A handle that a batch delete could not delete. */
struct wire_failure {
    struct slice receipt_handle;
    struct slice code;
    struct slice message;
};

/* An attribute of a queue, in the order sent: "ActiveMessages" "17". */
struct wire_attribute {
    struct slice name;
    struct slice value;
};

#define WIRE_ATTRIBUTES_MAX 64u

enum wire_root {
    WIRE_ROOT_NONE,       /* no document */
    WIRE_ROOT_MESSAGES,   /* <Messages> or <Message> */
    WIRE_ROOT_ERROR,      /* <Error> */
    WIRE_ROOT_FAILURES,   /* <Errors> of a batch delete */
    WIRE_ROOT_QUEUE,      /* <Queue> */
    WIRE_ROOT_VISIBILITY, /* <ChangeVisibility> */
    WIRE_ROOT_OTHER,      /* well-formed, but none of these */
};

/* A parsed answer. Zero-initialise; reused by each parse. Texts live until the next one. */
struct wire_reply {
    enum wire_root root;
    struct wire_message messages[WIRE_BATCH_MAX]; /* of a visibility change: one, with its handle */
    size_t message_count;
    struct wire_failure failures[WIRE_BATCH_MAX];
    size_t failure_count;
    struct wire_attribute attributes[WIRE_ATTRIBUTES_MAX];
    size_t attribute_count;
    struct slice error_code; /* of <Error> */
    struct slice error_message;
    struct slice request_id;
    struct buffer text; /* owned; what the slices point into */
};

struct wire_parser;
MUST_CHECK enum status wire_parser_open(struct wire_parser **parser, struct error *err);
void wire_parser_close(struct wire_parser *parser); /* NULL is fine */

/*
 * Reads an answer's body; an empty one is WIRE_ROOT_NONE. STATUS_INPUT: not XML, more of
 * something than the protocol allows, a number that is none, or a message without the handle or
 * body it must have (a peeked one has no handle: whoever asked knows). Nothing of it may be used
 * then.
 */
MUST_CHECK enum status wire_reply_parse(struct wire_parser *parser, struct slice document,
                                        struct wire_reply *reply, struct error *err);
void wire_reply_clear(struct wire_reply *reply); /* to WIRE_ROOT_NONE, with nothing in it */
void wire_reply_release(struct wire_reply *reply);

/* What an answer means. */
enum wire_verdict {
    WIRE_DONE,      /* 2xx with what was asked for */
    WIRE_EMPTY,     /* MessageNotExist to a receive or peek: idle */
    WIRE_PARTIAL,   /* a batch in which some entries failed: see failures or messages */
    WIRE_BUSY,      /* 5xx, 429, QpsLimitExceeded, no answer: back off and try again */
    WIRE_CLOCK,     /* our clock is off: sign again by the server's Date */
    WIRE_DENIED,    /* 401, 403: the credentials are refused */
    WIRE_NO_QUEUE,  /* QueueNotExist, QueueDeletedRecently: may come (back) within minutes */
    WIRE_NO_HANDLE, /* the handle is expired, used up or unknown: never fatal */
    WIRE_BROKEN,    /* an answer that makes no sense: half a document, a redirect, HTML */
    WIRE_REFUSED,   /* any other 4xx: the request will never do */
};

/* `reply` NULL: the body could not be parsed. `http_status` 0: there was no answer. */
enum wire_verdict wire_judge(int http_status, const struct wire_reply *reply);

/* "idle", "busy", ...: a stable word for logs and metrics. */
const char *wire_verdict_text(enum wire_verdict verdict);

#endif
