/*
 * metrics.c - see metrics.h.
 */
#include "ingest/metrics/metrics.h"

void histogram_observe(struct histogram *histogram, int64_t elapsed_us)
{
    // A clock that was set back in between must not count as 500,000 years.
    const uint64_t us = elapsed_us > 0 ? (uint64_t)elapsed_us : 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (us <= UINT64_C(1000) << i) {
            metrics_add(&histogram->buckets[i], 1);
            break;
        }
    }
    metrics_add(&histogram->sum_us, us);
    metrics_add(&histogram->count, 1);
}

void metrics_init(struct ingest_metrics *metrics, int64_t now_ms)
{
    *metrics = (struct ingest_metrics){.started_ms = now_ms};
    for (size_t i = 0; i < METRICS_QUEUES_MAX; i++) {
        metrics_set(&metrics->queues[i].active, -1);
        metrics_set(&metrics->queues[i].inactive, -1);
        metrics_set(&metrics->queues[i].delayed, -1);
    }
    atomic_store(&metrics->pause, (int)PAUSE_STARTING);
}
