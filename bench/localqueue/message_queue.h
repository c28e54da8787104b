/*
 * message_queue.h - the messages of one queue and what becomes of them.
 *
 *      send ──> delayed ──(due)──> visible ──receive──> invisible ──delete──> gone
 *                 │                   ^                     │
 *                 └──────delete       └──(visibility over)──┘
 *
 * A pure state machine: no clock, no network, no disk. Whoever calls says what time it is
 * (UTC milliseconds), and calls message_queue_advance before anything that looks at the queue.
 * Visible messages go out by priority (1 before 16), within one in the order in which they became
 * visible.
 *
 * Handles: each receive and each change of visibility gives the message a new one and kills the
 * one before. A handle lives until the visibility that came with it is over.
 *
 * Life cycle: message_queue_init -> ... -> message_queue_release. A message lives until it is
 *             deleted or expires; a pointer to one is good until the next call that deletes or
 *             advances.
 * Threads:    one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_MESSAGE_QUEUE_H
#define MNSDB_BENCH_LOCALQUEUE_MESSAGE_QUEUE_H

#include "bench/fleet/random.h"
#include "bench/localqueue/attributes.h"
#include "bench/localqueue/handle.h"
#include "bench/localqueue/md5.h"
#include "bench/localqueue/serial_map.h"
#include "bench/localqueue/timers.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_PRIORITIES       16u
#define QUEUE_PRIORITY_DEFAULT 8u

struct queued {
    uint64_t serial; /* unique in its queue */
    int64_t enqueue_ms;
    int64_t visible_ms;       /* when it becomes visible, as told to its receiver */
    int64_t first_dequeue_ms; /* 0: never */
    uint32_t dequeue_count;
    uint32_t generation; /* of its newest handle; 0: it has none yet */
    uint32_t priority;
    bool is_visible;
    bool is_plain;              /* the body needs no escaping in XML */
    struct timer timer;         /* in queue->pending while it is not visible */
    struct queued *older;       /* of all messages, by arrival */
    struct queued *newer;       /* of all messages */
    struct queued *before;      /* of the visible ones of its priority */
    struct queued *after;       /* of the visible ones of its priority */
    uint8_t md5[MD5_HEX_BYTES]; /* of the body, upper case */
    size_t body_len;
    uint8_t body[];
};

struct visible_list {
    struct queued *first;
    struct queued *last;
};

struct message_queue {
    struct attributes attributes;
    uint64_t key; /* of its handles and message ids; differs from queue to queue */
    uint64_t next_serial;
    struct visible_list visible[QUEUE_PRIORITIES];
    size_t visible_count;
    size_t delayed_count;  /* never visible so far */
    struct timers pending; /* delayed and invisible ones */
    struct queued *oldest;
    struct queued *newest;
    struct serial_map by_serial;
    size_t bytes; /* held by messages */

    /* With a window, a receive takes any of the first that many. Borrowed; NULL: in order. */
    struct random_stream *shuffle;
    uint32_t shuffle_window;
};

/* A message to send. */
struct message_spec {
    struct slice body;
    uint32_t priority;
    uint32_t delay_s;
};

/* The whole of a message, for a journal to bring it back. */
struct message_record {
    struct slice body;
    uint64_t serial;
    int64_t enqueue_ms;
    int64_t visible_ms;
    int64_t first_dequeue_ms;
    uint32_t dequeue_count;
    uint32_t generation;
    uint32_t priority;
};

void message_queue_init(struct message_queue *queue, const struct attributes *attributes,
                        uint64_t key);
void message_queue_release(struct message_queue *queue);

/* Makes due what is due and drops what was kept for the retention period. */
void message_queue_advance(struct message_queue *queue, int64_t now_ms);

/* When message_queue_advance has something to do next; TIME_NEVER if nothing waits. */
int64_t message_queue_next_ms(const struct message_queue *queue);

/* STATUS_NOMEM leaves the queue unchanged. A delayed message has a handle at once. */
MUST_CHECK enum status message_queue_send(struct message_queue *queue,
                                          const struct message_spec *spec, int64_t now_ms,
                                          struct queued **message);

/*
 * Brings a message back. STATUS_INPUT: its serial is taken, or a value makes no sense. Whether
 * it is due shows with the next message_queue_advance.
 */
MUST_CHECK enum status message_queue_restore(struct message_queue *queue,
                                             const struct message_record *record,
                                             struct error *err);

/* Takes up to `most` visible messages and makes them invisible. Returns how many. */
size_t message_queue_receive(struct message_queue *queue, size_t most, int64_t now_ms,
                             struct queued **messages);

/* The same messages that a receive would take, untouched. */
size_t message_queue_peek(const struct message_queue *queue, size_t most, struct queued **messages);

/* One delivery, as queue_receive makes it, of a message that is given: for a journal. */
void message_queue_deliver(struct message_queue *queue, struct queued *message, int64_t now_ms,
                           int64_t visible_ms);

enum handle_verdict {
    HANDLE_LIVE,
    HANDLE_GONE,    /* expired, superseded, or its message was deleted */
    HANDLE_UNKNOWN, /* not of this queue, or no handle at all */
};

/* `*message` is set for HANDLE_LIVE only. */
enum handle_verdict message_queue_find(const struct message_queue *queue, struct slice handle,
                                       int64_t now_ms, struct queued **message);

/* NULL if there is none. */
struct queued *message_queue_message(const struct message_queue *queue, uint64_t serial);

void message_queue_delete(struct message_queue *queue, struct queued *message);

/* The message becomes visible at `visible_ms` instead, and has a new handle. */
void message_queue_change_visibility(struct message_queue *queue, struct queued *message,
                                     int64_t visible_ms);

/*
 * An invisible message becomes visible before its time, at `due_ms`, in front of others; its
 * handle stays good. What no queue should do, and every queue does now and then.
 */
void message_queue_show_early(struct message_queue *queue, struct queued *message, int64_t due_ms,
                              int64_t now_ms);

/* Not delayed, not visible: received and not deleted. */
static inline size_t message_queue_invisible_count(const struct message_queue *queue)
{
    return queue->pending.count - queue->delayed_count;
}

static inline size_t message_queue_count(const struct message_queue *queue)
{
    return queue->by_serial.count;
}

#endif
