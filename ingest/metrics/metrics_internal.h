/*
 * metrics_internal.h - the parts of the page.
 */
#ifndef MNSDB_INGEST_METRICS_METRICS_INTERNAL_H
#define MNSDB_INGEST_METRICS_METRICS_INTERNAL_H

#include "ingest/metrics/metrics.h"
#include "ingest/metrics/page.h"

/* All series of all queues, one family after the other. */
void render_queues(struct metrics_page *page, const struct ingest_metrics *metrics);

/* The usual process_* of this process. */
void render_process(struct metrics_page *page, int64_t started_ms);

/* The samples of one histogram; `series` has its name and labels, with room for "le". */
void render_histogram(struct metrics_page *page, const struct page_series *series,
                      const struct histogram *histogram);

static inline uint64_t count_of(const atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline int64_t gauge_of(const atomic_llong *gauge)
{
    return atomic_load_explicit(gauge, memory_order_relaxed);
}

#endif
