/*
 * reply.h - what goes back: an HTTP status and the XML of a body.
 *
 * All documents carry the namespace without a slash at its end: one client reads errors only so,
 * and the others read names only.
 *
 * Life cycle: zero-initialise -> one reply_ call for each answer; the buffer is reused -> release.
 * Threads:    one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_REPLY_H
#define MNSDB_BENCH_LOCALQUEUE_REPLY_H

#include "bench/localqueue/broker.h"
#include "bench/localqueue/code.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct reply {
    int http_status;
    struct buffer body;     /* owned; empty: none */
    struct buffer location; /* owned; the Location header, with a NUL; empty: none */
};

/* What every answer needs to know. */
struct reply_context {
    const char *endpoint;   /* "http://127.0.0.1:8080" */
    const char *request_id; /* 24 hex digits */
};

/* Only a status. */
void reply_plain(struct reply *answer, int http_status);

MUST_CHECK enum status reply_error(struct reply *answer, enum code code,
                                   const struct reply_context *context);

enum reply_form {
    REPLY_RECEIVED,
    REPLY_PEEKED,
};

/* Several are a <Messages>, also if it is one. */
MUST_CHECK enum status reply_messages(struct reply *answer, const struct named_queue *queue,
                                      struct queued *const *messages, size_t count,
                                      enum reply_form form, bool is_batch);

/* One message of a send: either it was sent or it failed. */
struct reply_sent {
    const struct queued *message; /* NULL: it failed */
    enum code code;
};

MUST_CHECK enum status reply_sent(struct reply *answer, const struct named_queue *queue,
                                  const struct reply_sent *sent, size_t count, bool is_batch);

/* A handle that could not be deleted. */
struct reply_failure {
    struct slice handle;
    enum code code;
};

MUST_CHECK enum status reply_failures(struct reply *answer, const struct reply_failure *failures,
                                      size_t count);

MUST_CHECK enum status reply_visibility(struct reply *answer, const struct named_queue *queue,
                                        const struct queued *message);

MUST_CHECK enum status reply_queue(struct reply *answer, const struct named_queue *queue);

struct reply_list {
    struct named_queue *const *queues;
    size_t count;
    const struct named_queue *next; /* where the next list begins; NULL: this was all */
    bool with_meta;
};

MUST_CHECK enum status reply_queues(struct reply *answer, const struct reply_list *list,
                                    const struct reply_context *context);

/* The Location of a queue. */
MUST_CHECK enum status reply_created(struct reply *answer, int http_status,
                                     const struct named_queue *queue,
                                     const struct reply_context *context);

void reply_release(struct reply *answer);

#endif
