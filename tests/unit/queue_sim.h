/*
 * queue_sim.h - a queue service in memory behind `struct transport`, with a clock of its own.
 *
 *      queue source ──requests──> sim: arrive ─> (long poll) ─> answer ──done()──> queue source
 *
 * Time passes only while the transport runs and nothing is due, so hours take milliseconds and
 * the same seed gives the same history. With `is_real`, the clock is the machine's, for tests
 * with threads.
 *
 * The sim asserts what must hold whatever happens: no handle is deleted before its message was
 * committed, none twice in a batch, and no more is asked for than may be in flight.
 *
 * Life cycle: sim_open -> ... -> sim_close. Threads: as a transport; counters after the join.
 */
#ifndef MNSDB_TESTS_UNIT_QUEUE_SIM_H
#define MNSDB_TESTS_UNIT_QUEUE_SIM_H

#include "ingest/queue/queue_internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_MESSAGES_MAX 20000u
#define SIM_REQUESTS_MAX 128u
#define SIM_QUEUES_MAX   4u

/* How the server answers. */
enum sim_mood {
    SIM_GOOD,
    SIM_BUSY,        /* 503 */
    SIM_THROTTLED,   /* 429, with Retry-After */
    SIM_DENIED,      /* 403 */
    SIM_NO_QUEUE,    /* 404 QueueNotExist */
    SIM_REFUSED,     /* 400 InvalidArgument */
    SIM_BROKEN,      /* half a document */
    SIM_UNREACHABLE, /* no connection */
    SIM_CLOCK,       /* 408 TimeExpired until the date is right */
    SIM_EARLY_EMPTY, /* MessageNotExist at once, whatever there is */
    SIM_TOO_MANY,    /* more messages than were asked for */
};

enum sim_operation { SIM_RECEIVE, SIM_PEEK, SIM_DELETE, SIM_EXTEND, SIM_ATTRIBUTES };
#define SIM_OPERATIONS 5u

struct sim_message {
    unsigned queue;
    int64_t visible_at_ms;
    int64_t first_dequeue_ms;
    uint32_t dequeues;
    uint32_t handle;       /* the serial of the one that is valid */
    uint32_t handles_sent; /* in deletes */
    uint32_t deletes;      /* that succeeded */
    uint32_t commits;
    bool committed;
};

struct sim_request {
    bool active;
    bool answered;
    enum sim_operation operation;
    unsigned queue;
    unsigned count;
    unsigned visibility_s;
    bool has_visibility;
    int64_t started_ms;
    int64_t arrive_ms;
    int64_t give_up_ms; /* a long poll's end */
    int64_t answer_ms;
    int64_t timeout_ms; /* when the client gives up */
    uint64_t order;
    struct buffer document; /* of the request, then of the answer */
    struct buffer target;
    int status;
    enum transport_fault fault;
    int64_t retry_after_ms;
    transport_done *done;
    void *done_context;
};

struct sim {
    /* Set before or during a run: */
    enum sim_mood moods[SIM_OPERATIONS];
    unsigned lost_percent;         /* answers lost after the server has acted */
    unsigned busy_percent;         /* requests answered 503 */
    unsigned broken_percent;       /* half a document instead of the answer */
    unsigned failed_entry_percent; /* of a batch delete, though the handle is good */
    unsigned latency_ms_max;
    int64_t visibility_ms;
    int64_t retry_after_ms;
    int64_t clock_ahead_ms; /* the server's */
    const char *good_key;   /* the only key id that is accepted; NULL: any */
    unsigned in_flight_max; /* asserted; 0: not */
    int64_t deadline_ms;    /* the run must end before */
    int64_t event_at_ms;    /* when `event` is called, once; -1: never */
    void (*event)(struct sim *sim);
    bool is_real;

    /* To look at: */
    uint64_t requests[SIM_OPERATIONS];
    int64_t last_request_ms[SIM_OPERATIONS];
    uint64_t deletes_of_dead_handles;
    unsigned most_side_by_side;
    unsigned last_visibility_s;
    struct sim_message messages[SIM_MESSAGES_MAX];
    size_t message_count;

    /* Its own: */
    struct sim_request active[SIM_REQUESTS_MAX];
    uint64_t order;
    uint64_t random;
    int64_t now_ms;
    size_t queue_count;
    struct transport transport;
    struct credentials *credentials;
    struct mns *queues[SIM_QUEUES_MAX];
    struct ingest_metrics metrics;
    struct source source;
    bool source_is_open;
    pthread_mutex_t lock; /* with is_real: of messages and the wake flag */
    pthread_cond_t woken;
    bool wake;
};

/* A sim with this many queues, "q0", "q1", ... Fails the test if it cannot be made. */
struct sim *sim_open(uint64_t seed, size_t queue_count);
/* The same with a key from a file; NULL: one from the environment. */
struct sim *sim_open_with_key_file(uint64_t seed, size_t queue_count, const char *key_file);
void sim_close(struct sim *sim);

/* Adds messages, visible now. */
void sim_send(struct sim *sim, unsigned queue, size_t count);

/* What queue_source_open needs; the rest are defaults. */
struct queue_source_config sim_config(struct sim *sim);
/* Opens sim->source, without a thread unless the sim is real. */
MUST_CHECK enum status sim_open_source(struct sim *sim, const struct queue_source_config *config,
                                       struct error *err);

/* Notes that the bodies of a batch are committed; returns how many. */
size_t sim_commit(struct sim *sim, struct body_batch *batch);

/* Lets the source work for some virtual time. */
void sim_run(struct sim *sim, int64_t duration_ms);

/* By the source's own count. */
int64_t sim_in_flight(const struct sim *sim);
size_t sim_deleted(const struct sim *sim);
uint64_t sim_requests(const struct sim *sim);
int64_t sim_now(const struct sim *sim);

#endif
