/*
 * decoder_thread.h - the threads of a pipeline that pull bodies and decode them.
 *
 * Threads: started and joined by the pipeline's caller; they share a `struct intake`.
 */
#ifndef MNSDB_INGEST_PIPELINE_DECODER_THREAD_H
#define MNSDB_INGEST_PIPELINE_DECODER_THREAD_H

#include "ingest/pipeline/pipeline.h"
#include "ingest/pipeline/work_queue.h"

#include <pthread.h>
#include <stdatomic.h>

/* What all decoders share. */
struct intake {
    struct source *source; /* under source_lock */
    pthread_mutex_t source_lock;
    uint64_t next_sequence; /* under source_lock */
    bool ended;             /* under source_lock: the source has nothing more, or failed */
    bool ends_by_itself;    /* a signal is the source's to follow */
    const struct decoder_config *config;
    const struct pipeline_listener *listener;
    struct work_queue *queue;
    struct known_names *known_devices; /* or NULL */
    atomic_ullong decoded;             /* messages */
    atomic_ullong faults;
};

struct decoder_thread {
    pthread_t thread;
    struct intake *intake; /* borrowed */
    struct decoder decoder;
    struct body_batch bodies;
};

/* STATUS_NOMEM: no memory or no thread; nothing was started. */
MUST_CHECK enum status decoder_thread_start(struct decoder_thread *thread, struct intake *intake,
                                            struct error *err);

/* Waits for its end and releases what it holds. */
void decoder_thread_join(struct decoder_thread *thread);

#endif
