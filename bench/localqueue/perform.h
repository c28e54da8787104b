/*
 * perform.h - carries out a call on the queues and writes its answer.
 *
 * Life cycle: fill in a performer -> perform* .
 * Threads:    one.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_PERFORM_H
#define MNSDB_BENCH_LOCALQUEUE_PERFORM_H

#include "bench/localqueue/broker.h"
#include "bench/localqueue/call.h"
#include "bench/localqueue/faults.h"
#include "bench/localqueue/journal.h"
#include "bench/localqueue/reply.h"

struct performer {
    struct broker *broker;     /* borrowed */
    struct faults *faults;     /* borrowed */
    struct journal *journal;   /* borrowed; NULL: in memory only */
    struct random_stream keys; /* of new queues */
    uint64_t bytes_max;        /* what messages may hold together */
    size_t polls_max;          /* receives that may wait at once */
};

/* What a receive waits for. */
struct patience {
    struct named_queue *queue; /* NULL: the answer is written */
    int64_t wait_ms;
};

/*
 * `patience` NULL: never waits. STATUS_NOMEM: the answer is not whole; what was done stays done.
 * STATUS_OK also for calls that are refused: the answer says so. Other failures are the journal's.
 */
MUST_CHECK enum status perform(struct performer *performer, const struct call *call, int64_t now_ms,
                               const struct reply_context *context, struct reply *answer,
                               struct patience *patience);

/* A queue that the program itself asks for; one that exists takes over the given attributes. */
MUST_CHECK enum status perform_provide_queue(struct performer *performer, struct slice name,
                                             const struct attributes *attributes, int64_t now_ms,
                                             struct error *err);

#endif
