/*
 * work_queue.h - batches of rows on their way from the decoders to the committer.
 *
 *      free ──take──> a decoder ──finish──> done, by sequence ──next──> committer ──recycle──> free
 *
 * Sequences number the batches in order of input; decoders finish them in any order and
 * the committer gets them in order. The memory of all batches together is
 * bounded: a decoder waits while it is used up (unless it would wait for itself).
 *
 * Life cycle: init -> ... -> stop -> release, after all threads have ended.
 * Threads:    everything but init and release from any thread.
 */
#ifndef MNSDB_INGEST_PIPELINE_WORK_QUEUE_H
#define MNSDB_INGEST_PIPELINE_WORK_QUEUE_H

#include "engine/base/error.h"
#include "engine/row/row.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORK_COUNT_MAX 512u /* batches; small ones, from a slow pipe, may be many */

/*
 * Memory of all batches. A group being committed and the next one being decoded are half of it
 * each: 600,000 readings of two metrics take 57 MiB. More only means that decoders write to
 * memory that is new or has left the caches.
 */
#define WORK_BYTES_MAX ((size_t)120 << 20)

struct work {
    struct row_batch rows;
    uint64_t token;       /* of the source */
    uint64_t input_bytes; /* uncompressed */
    size_t memory_bytes;  /* held by `rows`, when last measured */
};

struct work_queue {
    pthread_mutex_t lock;
    pthread_cond_t freed; /* a batch may be taken, or the queue was stopped */
    pthread_cond_t done;  /* the next batch may be there, or something else changed */
    size_t bytes_max;
    size_t count_min;                  /* batches that exist whatever the memory */
    struct work *free[WORK_COUNT_MAX]; /* owned; a stack, so that few batches stay warm */
    size_t free_count;
    struct work *finished[WORK_COUNT_MAX]; /* owned; at sequence % WORK_COUNT_MAX */
    size_t count;                          /* batches that exist */
    size_t memory_bytes;                   /* of all of them */
    unsigned waiting;                      /* decoders without a batch */
    unsigned decoders;                     /* that have not ended */
    uint64_t next_sequence;                /* for the committer */
    size_t finished_count;
    size_t wake_count; /* the committer sleeps until so many are finished */
    bool stopped;
    struct error failure; /* of a decoder; status OK if none failed */
};

/*
 * `decoders` threads will call work_queue_leave at their end. The committer is woken when
 * `wake_count` batches are finished, of which it can have the first; or when its wait is over, or
 * decoders wait for it.
 */
MUST_CHECK enum status work_queue_init(struct work_queue *queue, unsigned decoders,
                                       size_t bytes_max, size_t wake_count, struct error *err);
void work_queue_release(struct work_queue *queue);

/* An empty batch for a decoder, or NULL when the queue was stopped or there is no memory. */
MUST_CHECK struct work *work_queue_take(struct work_queue *queue);

/* Hands over a decoded batch. Its sequence is at most WORK_COUNT_MAX - 1 beyond the committer's. */
void work_queue_finish(struct work_queue *queue, struct work *work, uint64_t sequence);

/* Gives back a batch: unused by a decoder, or committed. */
void work_queue_recycle(struct work_queue *queue, struct work *work);

/* A decoder ends; `failure` (may be NULL) stops the others. */
void work_queue_leave(struct work_queue *queue, const struct error *failure);

/* What the committer finds. */
enum work_event {
    WORK_NEXT,    /* the next batch in order */
    WORK_STARVED, /* not there yet, and decoders wait for a batch: commit what is at hand */
    WORK_TIMEOUT, /* not there yet */
    WORK_END,     /* there will be no more */
};
/* `holds_batches`: the committer has some to give back; else it cannot starve anybody. */
enum work_event work_queue_next(struct work_queue *queue, int wait_ms, bool holds_batches,
                                struct work **work);

/* No more batches are given to decoders. */
void work_queue_stop(struct work_queue *queue);

/* The failure of a decoder, STATUS_OK if there was none. */
MUST_CHECK enum status work_queue_failure(struct work_queue *queue, struct error *err);

#endif
