/*
 * queue_source.h - MNS queues as a source of bodies for the pipeline.
 *
 *      receives (several in flight) ─> messages ─> open delivery ─(window | size)─> source_next
 *      batch deletes <─ handles <──────────────────── source_acknowledge(token) <─ commit
 *
 * One thread of its own runs the transport. A message is in exactly one delivery, a delivery is
 * one batch of the pipeline, its token is given back after the commit, and only then are
 * its handles deleted.
 *
 * (1) No handle is deleted before the acknowledgement of a delivery that holds its message.
 * (2) Messages received and not deleted are at most `in_flight_max`: beyond it nothing is received.
 *     The queue is the buffer.
 * (3) A batch delete names a handle once. If a message was received again meanwhile, only its
 *     newest handle is deleted: the older ones are void.
 * (4) A delivery whose commit is late gets its messages' visibility extended, for at most
 *     QUEUE_EXTEND_MS_MAX after their receive; then they come again and are duplicates.
 * (5) An answer that is broken anywhere is dropped whole; its messages come again by themselves.
 *
 * Receiving adapts: a full batch lets one more receive in flight (up to receives_max), an empty
 * one leaves a single long poll. Each queue has its own backoff.
 *
 * Life cycle: open -> next* | acknowledge* -> finish -> source_close.
 * Threads:    as source.h; finish by the committer, after its last commit.
 */
#ifndef MNSDB_INGEST_QUEUE_QUEUE_SOURCE_H
#define MNSDB_INGEST_QUEUE_QUEUE_SOURCE_H

#include "ingest/metrics/metrics.h"
#include "ingest/mns/mns.h"
#include "ingest/source/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_COUNT_MAX         METRICS_QUEUES_MAX
#define QUEUE_RECEIVES_DEFAULT  8u /* a queue, at most */
#define QUEUE_WAIT_S_DEFAULT    20u
#define QUEUE_WINDOW_MS_DEFAULT 250
#define QUEUE_DELIVERY_DEFAULT  1024u /* messages */
#define QUEUE_IN_FLIGHT_DEFAULT 3072u /* the service slows consumers down from 5,000 on */
#define QUEUE_IN_FLIGHT_MAX     4500u
#define QUEUE_EXTEND_MS_MAX     600000
#define QUEUE_ONCE_FAILURES_MAX 6u /* in a row: then --once gives up */

enum queue_mode {
    QUEUE_CONSUME,
    QUEUE_DRY_RUN, /* receives, deletes nothing, and at the end makes visible again what it held */
    QUEUE_PEEK,    /* looks at the head of the queue again and again; hands out each message once */
};

struct queue_source_config {
    struct mns *const *queues; /* borrowed; 1...QUEUE_COUNT_MAX */
    size_t queue_count;
    struct transport *transport; /* the queues'; its thread is the source's from open to close */
    struct credentials *credentials; /* the queues' */
    struct ingest_metrics *metrics;  /* borrowed; queues[i] is that of queues[i] */
    enum queue_mode mode;
    bool once;             /* SOURCE_END when every queue has answered that it is empty */
    unsigned receives_max; /* of each queue; 0: the default, as below */
    unsigned wait_s;       /* of a long poll */
    int64_t window_ms;     /* how long a message may wait for others; -1: the default */
    unsigned delivery_messages;
    unsigned in_flight_max;
    int64_t backlog_every_ms; /* how often queues are asked for their attributes; 0: never */
};

/*
 * Starts to receive with the first source_next. A failure that ends `once` (credentials refused,
 * no such queue, no answer) is a status of source_next: see queue_source_failure.
 */
MUST_CHECK enum status queue_source_open(struct source *source,
                                         const struct queue_source_config *config,
                                         struct error *err);

/* Nothing more is received from now on; what was is still handed out. Any thread. */
void queue_source_stop(struct source *source);

/*
 * While paused nothing is received (the store is full, say); deliveries that wait get their
 * visibility extended. Any thread.
 */
void queue_source_pause(struct source *source, bool paused);

/*
 * Sends the deletes that are due and waits until they are answered, `limit_ms` at most. Handles
 * that are left are counted as failed. `*complete`: none was left.
 */
MUST_CHECK enum status queue_source_finish(struct source *source, int64_t limit_ms, bool *complete,
                                           struct error *err);

/* Why source_next failed: WIRE_DENIED, WIRE_NO_QUEUE, WIRE_BUSY, ...; WIRE_DONE: it did not. */
enum wire_verdict queue_source_failure(const struct source *source);

/* The oldest enqueue time of a delivery that was handed out, UTC; 0: not known. */
int64_t queue_source_oldest_ms(const struct source *source, uint64_t token);

#endif
