/*
 * queue_internal.h - what the parts of a queue source share.
 *
 *      queue_source.c   the source's functions, its thread
 *      loop.c           a turn of the thread: plan what to start, let the transport run
 *      receive.c        receives and peeks          delete.c   batch deletes
 *      extend.c         changes of visibility       backlog.c  attributes
 *      delivery.c       messages on their way to the pipeline
 *      fortune.c        what a verdict means for the next try
 *
 *      FREE ──receive──> DELIVERED ──acknowledge──> DELETABLE ──> DELETING ──answer──> FREE
 *                            (dry run: HELD)             ^───no answer───┘
 *
 * Each kind of operation of each queue has a fortune of its own: that attributes are forbidden,
 * say, must not keep messages from being deleted.
 *
 * Threads: everything here is under the source's lock, but for mns_* and transport_run, which
 * belong to the thread that calls queue_turn. Answers take the lock themselves.
 */
#ifndef MNSDB_INGEST_QUEUE_QUEUE_INTERNAL_H
#define MNSDB_INGEST_QUEUE_QUEUE_INTERNAL_H

#include "ingest/queue/message_table.h"
#include "ingest/queue/queue_source.h"
#include "ingest/queue/seen_ids.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define QUEUE_RECEIVES_MAX 32u /* of each queue, under way */
#define QUEUE_DELETES_MAX  16u
#define QUEUE_EXTENDS_MAX  8u

/* Bodies that were received and not acknowledged; beyond it nothing more is asked for. */
#define QUEUE_BYTES_MAX ((size_t)64 << 20)
/* A delivery is as large as a batch of lines at most. */
#define QUEUE_DELIVERY_BYTES ((size_t)4 << 20)
#define QUEUE_SPARES_MAX     4u

#define QUEUE_TURN_MS_MAX       10000 /* a sleep; progress is seen that often */
#define QUEUE_ANSWER_MS         10000 /* for an answer, beyond the wait of a long poll */
#define QUEUE_STOP_MS           1000  /* receives may still be answered after a stop */
#define QUEUE_KEY_POLL_MS       200   /* while there is no key yet */
#define QUEUE_KEY_WATCH_MS      1000  /* while a key is refused: is there another one? */
#define QUEUE_KEY_ONCE_MS       60000 /* `once` waits so long for the first key */
#define QUEUE_RETRY_AFTER_MS    600000
#define QUEUE_EARLY_MS_BASE     50
#define QUEUE_EARLY_MS_MAX      5000
#define QUEUE_EXTEND_S_MIN      30u
#define QUEUE_VISIBILITY_MS     30000 /* until it is known */
#define QUEUE_PEEK_MS           1000  /* between peeks that bring nothing new */
#define QUEUE_GATHER_PART       10    /* of the window: the pause after a small batch */
#define QUEUE_GATHER_MS_MAX     25
#define QUEUE_BUSY_FAILURES_MAX 3u /* in a row: then it is said aloud */

static_assert(QUEUE_RECEIVES_DEFAULT <= QUEUE_RECEIVES_MAX, "the default fits");

struct queue_source;
struct consumer;

enum operation_kind { OPERATION_RECEIVE, OPERATION_DELETE, OPERATION_EXTEND, OPERATION_ATTRIBUTES };
#define OPERATION_KINDS 4u

/* One request under way; the context of its answer. */
struct operation {
    struct operation *next; /* among its kind's idle or busy ones */
    struct consumer *consumer;
    enum operation_kind kind;
    uint32_t epoch;     /* of the fortune when it was started */
    int64_t started_ms; /* monotonic */
    unsigned wait_s;    /* of a receive */
    unsigned count;     /* messages asked for, or concerned */
    bool was_alone;     /* a receive: no other one was under way meanwhile */
    struct parcel *messages[WIRE_BATCH_MAX];
    uint32_t handle_serials[WIRE_BATCH_MAX]; /* of the handles sent */
};

/* What came of the last requests of one kind to one queue. */
struct fortune {
    unsigned failures;          /* in a row, those of the same time counted once */
    unsigned refusals;          /* the last of them that people have to mend */
    uint32_t epoch;             /* grows with each failure that counts */
    int64_t failed_at_ms;       /* monotonic; the last one that counted */
    int64_t retry_at_ms;        /* monotonic; nothing is started before */
    bool clock_was_set;         /* the server's time was learnt, no success since */
    bool key_is_refused;        /* the newest key that is known */
    uint64_t refused_key;       /* its generation */
    enum wire_verdict reported; /* the trouble that was logged; WIRE_DONE: none */
};

/* A kind of operation of a queue. */
struct lane {
    struct operation *idle;
    struct operation *busy;
    unsigned busy_count;
    struct fortune fortune;
};

struct message_list {
    struct parcel *first;
    struct parcel *last;
    size_t count;
};

/* One queue and everything that is under way with it. */
struct consumer {
    struct queue_source *source;
    struct mns *mns; /* borrowed */
    const char *name;
    size_t index;
    struct queue_metrics *metrics;
    struct lane lanes[OPERATION_KINDS];
    unsigned receives_wanted; /* side by side */
    unsigned long_polls;      /* under way: at most one */
    unsigned early_empties;   /* in a row */
    unsigned peeks_in_vain;   /* in a row */
    int64_t receive_at_ms;    /* monotonic; not before, for other reasons than failures */
    int64_t backlog_at_ms;    /* monotonic */
    int64_t visibility_ms;    /* of the queue, as learnt; 0: not known */
    int64_t key_wait_since_ms;
    bool waits_for_key;
    bool drained; /* `once`: it has said that it is empty, or was given up */
    bool answered;
    struct message_list deletable;
    size_t in_flight; /* messages of it in the table */
};

/* Messages that are handed out and committed together. */
struct delivery {
    struct delivery *next; /* among the free ones */
    uint64_t token;
    struct message_list messages;
    struct body_batch bodies; /* owned until it is handed out */
    size_t repeat_bytes;      /* of bodies without a message */
    int64_t opened_ms;        /* monotonic */
    int64_t received_ms;      /* UTC */
    int64_t oldest_ms;        /* enqueued, UTC; 0: not known */
};

/*
 * A delivery that is not acknowledged holds a message at least, or only bodies of messages that are
 * known already, and of those there are not many.
 */
#define DELIVERY_RING          8192u
#define DELIVERIES_FOR_REPEATS 2048u /* while so many wait, repeats are not handed out */
static_assert(DELIVERY_RING > QUEUE_IN_FLIGHT_MAX + DELIVERIES_FOR_REPEATS + 1,
              "every delivery has its place");

/* acknowledged <= taken <= sealed; the open one has the token sealed + 1. */
struct delivery_line {
    struct delivery **ring; /* owned; DELIVERY_RING places, by token */
    uint64_t acknowledged;
    uint64_t taken;
    uint64_t sealed;
    struct delivery *open; /* owned; NULL: none */
    struct delivery *free; /* owned */
    struct body_batch spares[QUEUE_SPARES_MAX];
    size_t spare_count;
};

struct queue_source {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_threaded; /* else whoever waits runs the turns: tests */
    bool has_thread;
    pthread_t thread;

    struct queue_source_config config; /* without defaults left open */
    struct mns_clock clock;
    uint64_t random;
    struct consumer *consumers;   /* owned; config.queue_count */
    struct operation *operations; /* owned; all of them */
    struct wire_request request;  /* the one that is being built */
    struct message_table table;
    struct delivery_line line;
    struct seen_ids *seen; /* owned; NULL unless peeking */

    size_t in_flight;        /* messages in the table */
    size_t reserved;         /* that receives under way may bring */
    size_t receives;         /* under way, of all queues */
    size_t bytes;            /* of bodies not acknowledged */
    size_t deleting;         /* messages that are to be deleted, or being so */
    size_t held;             /* messages of a dry run */
    size_t turns;            /* so that each queue is the first one to plan now and then */
    int64_t now_ms;          /* monotonic; of this turn or answer */
    int64_t wake_ms;         /* when the next turn has something to do */
    int64_t extend_check_ms; /* no message is due for extension before */
    uint64_t refreshed_key;  /* credentials were asked for a newer one than this */

    bool stopped;
    bool interrupted;
    bool paused;
    bool finishing;
    bool closing;    /* nothing is planned and no answer is looked at any more */
    bool loop_ended; /* the transport failed: no more turns */
    bool dry_run_is_full;
    int64_t stopped_ms;
    unsigned waiters;             /* threads that wait for `changed` */
    bool waiter_knows_no_message; /* it waits without a deadline */
    struct error failure;         /* status OK: none */
    enum wire_verdict verdict;    /* why it failed; WIRE_DONE: not for a queue's sake */
    struct error given_up;        /* `once`: the first queue that was, and the failure at the end */
    enum wire_verdict given_up_verdict;
    atomic_ullong raw_bytes; /* of bodies received */
};

/* --- queue_source.c -------------------------------------------------------------------------- */

/* As queue_source_open, but without a thread: source_next and finish run the turns themselves. */
MUST_CHECK enum status queue_source_open_threadless(struct source *source,
                                                    const struct queue_source_config *config,
                                                    struct error *err);

/* --- loop.c ---------------------------------------------------------------------------------- */

/* Starts what is due and lets the transport run once, for `wait_ms_max` at most. No lock held. */
MUST_CHECK enum status queue_turn(struct queue_source *queue, int64_t wait_ms_max,
                                  struct error *err);

/* The next turn is not later than this. */
static inline void queue_wake_at(struct queue_source *queue, int64_t at_ms)
{
    if (at_ms < queue->wake_ms)
        queue->wake_ms = at_ms;
}

/* The source fails, once and for all. `verdict` WIRE_DONE: for lack of memory and the like. */
void queue_fail(struct queue_source *queue, enum status status, enum wire_verdict verdict,
                const char *what);

void queue_lock(struct queue_source *queue);   /* notes the time, too */
void queue_unlock(struct queue_source *queue); /* wakes who waits for what has come */

/* Nothing more is asked for, ever. */
bool queue_is_over(const struct queue_source *queue);
/* Nothing more will be handed out. */
bool queue_has_ended(const struct queue_source *queue);
/* Everything that finish waits for is done. */
bool queue_is_flushed(const struct queue_source *queue);

/* An idle operation of a lane, made busy; NULL: all are. */
struct operation *operation_take(struct consumer *consumer, enum operation_kind kind);
void operation_give(struct operation *operation);

/*
 * Sends queue->request. False: nothing was started and the operation was given back; the fortune
 * says when to try again, or the source has failed.
 */
bool operation_start(struct operation *operation, int64_t timeout_ms, mns_done *done);

/* A number from 0 to `below` - 1. */
uint64_t queue_random(struct queue_source *queue, uint64_t below);
/* Half of `ms` and a random part of the other half. */
int64_t queue_jitter_ms(struct queue_source *queue, int64_t ms);

/* --- fortune.c ------------------------------------------------------------------------------- */

/* An operation of this kind did what it should. */
void fortune_succeed(struct consumer *consumer, enum operation_kind kind);
/* It did not: says when to try again, refreshes credentials, logs what is new. */
void fortune_fail(const struct operation *operation, const struct mns_answer *answer);
/* The request could not be signed: there is no key yet. */
void fortune_wait_for_key(struct consumer *consumer, enum operation_kind kind);
/* True if a request of this kind may go out now; else the next turn is asked for. */
bool fortune_allows(struct consumer *consumer, enum operation_kind kind);
/* It fails again and again. */
bool fortune_is_bad(const struct fortune *fortune);
/* Shows the gravest trouble of all queues in the metrics. */
void fortune_show(struct queue_source *queue);

/* --- the parts of a turn --------------------------------------------------------------------- */

void receive_plan(struct consumer *consumer);
/* Drops receives that a stop need not wait for. */
void receive_cancel(struct consumer *consumer);
/* True if one more receive could be started now, as far as room and wishes go. */
bool receive_is_open(const struct queue_source *queue);
void delete_plan(struct consumer *consumer);
/* What is to become of a message now that it is committed. */
void delete_message(struct parcel *message);
void message_drop(struct parcel *message);
void extend_plan(struct queue_source *queue);
void backlog_plan(struct consumer *consumer);

/* When the newest handle of a received message ends, monotonic. */
void extend_note_receive(struct parcel *message, const struct wire_message *received);

/* --- delivery.c ------------------------------------------------------------------------------ */

MUST_CHECK enum status delivery_line_init(struct delivery_line *line, struct error *err);
void delivery_line_release(struct delivery_line *line);

/* Puts a new message and its body into the open delivery. STATUS_NOMEM: the source has failed. */
MUST_CHECK enum status delivery_add(struct queue_source *queue, struct parcel *message,
                                    const struct wire_message *received);
/* Puts a body there whose message is known already. */
MUST_CHECK enum status delivery_add_repeat(struct queue_source *queue, struct slice body);
/* True if the open delivery is to be handed out now. */
bool delivery_is_due(const struct queue_source *queue);
void delivery_seal(struct queue_source *queue);
/* Hands out the next sealed delivery: its bodies go into `batch`, whose memory comes here. */
void delivery_take(struct queue_source *queue, struct body_batch *batch);
/* All deliveries up to the token are on disk. */
void delivery_acknowledge(struct queue_source *queue, uint64_t token);

/* --- lists ----------------------------------------------------------------------------------- */

static inline void message_list_push(struct message_list *list, struct parcel *message)
{
    message->next = NULL;
    if (list->last)
        list->last->next = message;
    else
        list->first = message;
    list->last = message;
    list->count++;
}

static inline struct parcel *message_list_pop(struct message_list *list)
{
    struct parcel *message = list->first;
    if (!message)
        return NULL;
    list->first = message->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    return message;
}

#endif
