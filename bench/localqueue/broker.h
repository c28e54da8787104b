/*
 * broker.h - all queues by name, and who waits for messages of which.
 *
 * Life cycle: broker_init -> ... -> broker_release. A queue lives until broker_remove.
 * Threads:    one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_BROKER_H
#define MNSDB_BENCH_LOCALQUEUE_BROKER_H

#include "bench/fleet/random.h"
#include "bench/localqueue/call.h"
#include "bench/localqueue/message_queue.h"

#include <stdint.h>

#define BROKER_QUEUES_MAX 1000u /* as many as an account has in a region */

struct named_queue;

/* A receive that waits. Zero-initialise; part of whoever waits. */
struct waiter {
    struct named_queue *queue; /* NULL: it does not wait */
    struct waiter *before;
    struct waiter *after;
};

struct named_queue {
    char name[CALL_NAME_MAX + 1];
    uint32_t number; /* tells it from earlier ones of its name */
    int64_t create_ms;
    int64_t modify_ms;
    struct message_queue queue;
    struct waiter *first_waiter; /* the one that waits longest */
    struct waiter *last_waiter;
};

struct broker {
    struct named_queue **queues; /* owned; sorted by name */
    size_t count;
    size_t capacity;
    uint32_t next_number;
    size_t waiter_count;
    struct waiter *orphans; /* waited for a queue that was removed */

    /* Handed on to every queue; see message_queue.h. */
    struct random_stream *shuffle;
    uint32_t shuffle_window;
};

void broker_init(struct broker *broker);
void broker_release(struct broker *broker);

/* NULL if there is none. */
struct named_queue *broker_find(const struct broker *broker, struct slice name);
struct named_queue *broker_find_number(const struct broker *broker, uint32_t number);

/* Of the first queue whose name is not below `name`; broker->count if there is none. */
size_t broker_index(const struct broker *broker, struct slice name);

struct queue_spec {
    struct slice name; /* valid, and not in use */
    struct attributes attributes;
    uint64_t key;
    uint32_t number; /* broker->next_number for a new one */
    int64_t create_ms;
    int64_t modify_ms;
};

/* STATUS_NOMEM leaves all as it was. */
MUST_CHECK enum status broker_add(struct broker *broker, const struct queue_spec *spec,
                                  struct named_queue **queue);

/* Those who wait for it become orphans, whom somebody must take care of. */
void broker_remove(struct broker *broker, struct named_queue *queue);

/* Bytes that messages hold in all queues. */
uint64_t broker_bytes(const struct broker *broker);

void broker_advance(struct broker *broker, int64_t now_ms);
int64_t broker_next_ms(const struct broker *broker);

void broker_wait(struct broker *broker, struct named_queue *queue, struct waiter *waiter);
/* One that does not wait is left alone. */
void broker_unwait(struct broker *broker, struct waiter *waiter);
/* Takes an orphan out; NULL if there is none. */
struct waiter *broker_take_orphan(struct broker *broker);

#endif
