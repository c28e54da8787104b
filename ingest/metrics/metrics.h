/*
 * metrics.h - what a running ingest counts, written by its threads, read by the HTTP endpoint.
 *
 * Counters only grow; gauges are set. All are relaxed atomics: no reader sees half a
 * number, and none is promised a consistent cut.
 *
 * Threads: any.
 */
#ifndef MNSDB_INGEST_METRICS_METRICS_H
#define MNSDB_INGEST_METRICS_METRICS_H

#include "engine/row/row.h"
#include "ingest/wire/wire.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_QUEUES_MAX 64u
#define METRICS_VERDICTS   (WIRE_REFUSED + 1u)
#define HISTOGRAM_BUCKETS  17u /* bounds 1 ms * 2^i: 1 ms ... 65.536 s; beyond: only in count */

struct histogram {
    atomic_ullong buckets[HISTOGRAM_BUCKETS]; /* observations in (bound / 2, bound] */
    atomic_ullong count;
    atomic_ullong sum_us;
};

/* Why nothing is received just now. */
enum ingest_pause {
    PAUSE_NONE,
    PAUSE_STORE_FULL,  /* no room on disk or in the map */
    PAUSE_CREDENTIALS, /* refused, or not there yet */
    PAUSE_QUEUE,       /* no queue answers */
    PAUSE_DRAINING,    /* ending */
    PAUSE_STARTING,
};

/* The loops that must go on, whatever happens or does not happen. */
enum progress_loop { PROGRESS_NETWORK, PROGRESS_COMMITS, PROGRESS_LOOPS };

struct queue_metrics {
    const char *name;          /* of the queue; set before threads start */
    atomic_ullong received;    /* messages */
    atomic_ullong redelivered; /* of these, with a dequeue count above 1 */
    atomic_ullong deleted;
    atomic_ullong deletes_failed; /* handles given up: they come again, or are gone already */
    atomic_ullong visibility_changes;
    atomic_ullong receives[METRICS_VERDICTS]; /* answers to receives, by verdict */
    atomic_ullong deletes[METRICS_VERDICTS];  /* answers to batch deletes, by verdict */
    atomic_llong active;                      /* messages, by the queue's word; -1: not known */
    atomic_llong inactive;
    atomic_llong delayed;
    atomic_llong in_flight; /* received here, not deleted yet */
    atomic_llong clock_offset_ms;
    atomic_llong refused_since_ms; /* UTC; 0: credentials are good */
    struct histogram receive;      /* from asking to the answer, answers with messages only */
};

struct ingest_metrics {
    struct queue_metrics queues[METRICS_QUEUES_MAX];
    size_t queue_count;
    atomic_ullong received; /* messages that were committed: stored + duplicates + rejected */
    atomic_ullong stored;
    atomic_ullong duplicates;
    atomic_ullong rejected[REJECT_REASON_COUNT];
    atomic_ullong commits;
    atomic_ullong commits_failed;
    struct histogram commit; /* of one store_commit */
    struct histogram delay;  /* from enqueued to committed, the oldest of each commit */
    atomic_llong oldest_ms;  /* enqueue time of the oldest message not committed; 0: none */
    atomic_llong map_used_bytes;
    atomic_llong map_bytes;
    atomic_llong file_bytes;
    atomic_llong oldest_reader_commits;     /* how many commits the oldest reader lags behind */
    atomic_llong credentials_expire_ms;     /* UTC; 0: never */
    atomic_llong last_commit_ms;            /* UTC; 0: none yet */
    atomic_int pause;                       /* enum ingest_pause: the gravest */
    atomic_ullong progress[PROGRESS_LOOPS]; /* each grows with every turn of its loop */
    int64_t started_ms;                     /* UTC */
};

void histogram_observe(struct histogram *histogram, int64_t elapsed_us);
void metrics_init(struct ingest_metrics *metrics, int64_t now_ms);

static inline void metrics_add(atomic_ullong *counter, uint64_t amount)
{
    (void)atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static inline void metrics_set(atomic_llong *gauge, int64_t value)
{
    atomic_store_explicit(gauge, value, memory_order_relaxed);
}

/* The page that Prometheus scrapes (text format 0.0.4), appended to `text`. */
MUST_CHECK enum status metrics_render(const struct ingest_metrics *metrics, struct buffer *text);

#endif
