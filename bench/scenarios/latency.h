/*
 * latency.h - many times of one kind of event: median, 99th percentile, longest.
 *
 * Life cycle: zero-initialise -> add* -> read (sorts) -> release. Threads: one.
 */
#ifndef MNSDB_BENCH_SCENARIOS_LATENCY_H
#define MNSDB_BENCH_SCENARIOS_LATENCY_H

#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct latencies {
    int64_t *times_ns; /* owned */
    size_t count, capacity;
};

struct latency {
    uint64_t count;
    int64_t sum_ns;
    int64_t median_ns;
    int64_t p99_ns;
    int64_t max_ns;
};

MUST_CHECK enum status latencies_add(struct latencies *latencies, int64_t time_ns,
                                     struct error *err);
/* Zeros if there were none. */
struct latency latencies_read(struct latencies *latencies);
void latencies_release(struct latencies *latencies);

#endif
