/*
 * queue_place.h - a local queue and an ingest beside it, as processes, for a benchmark.
 *
 * The access key is made up for the run and stands in files of the workspace.
 *
 * Life cycle: open -> (ingest_start -> ... -> ingest_stop)* -> close. Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_QUEUE_PLACE_H
#define MNSDB_BENCH_BENCH_QUEUE_PLACE_H

#include "bench/bench/queue_bench.h"
#include "bench/bench/workspace.h"
#include "ingest/mns/mns.h"

#include <stdbool.h>
#include <sys/types.h>

#define QUEUE_PLACE_URL_BYTES 128u

struct queue_place {
    struct workspace workspace;
    char credentials_path[WORKSPACE_PATH_BYTES]; /* for clients */
    char secret_path[WORKSPACE_PATH_BYTES];      /* for the queue */
    char store[WORKSPACE_PATH_BYTES];            /* of the running ingest */
    char endpoint[QUEUE_PLACE_URL_BYTES];
    char url[QUEUE_PLACE_URL_BYTES]; /* of the queue */
    pid_t queue;                     /* 0: not running */
    pid_t ingest;
    uint16_t metrics_port; /* of ingest's endpoint */
    struct credentials *credentials;
    struct transport transport;
    struct mns *mns;           /* of the queue, for one thread at a time */
    struct queue_usage before; /* counters when measuring began */
};

/* Starts the queue and makes a client of it. Release in any case. */
MUST_CHECK enum status queue_place_open(struct queue_place *place, struct error *err);
void queue_place_release(struct queue_place *place);

/* Sends `messages` messages of a simulated fleet, with mnsdb-fleet. */
MUST_CHECK enum status queue_place_fill(struct queue_place *place, uint64_t messages,
                                        struct error *err);

/* Starts an ingest into a fresh store `name` and waits until it reads the queue. */
MUST_CHECK enum status queue_place_ingest_start(struct queue_place *place, const char *name,
                                                int64_t window_ms, struct error *err);

/* Ends it as a service manager would, and checks that it ended well. */
MUST_CHECK enum status queue_place_ingest_stop(struct queue_place *place, struct error *err);

/* Messages that are in the queue, in whatever state. */
MUST_CHECK enum status queue_place_backlog(struct queue_place *place, uint64_t *messages,
                                           struct error *err);

/* From now on what the processes take is measured / what they took since then. */
MUST_CHECK enum status queue_place_measure(struct queue_place *place, struct error *err);
MUST_CHECK enum status queue_place_measured(struct queue_place *place, struct queue_usage *usage,
                                            struct error *err);

#endif
