/*
 * queue_load.h - messages at a steady rate, and how soon a query sees each of them.
 *
 *      sender thread: id, now ─> queue ─> ... ─> store <─ looks for outstanding ids: this thread
 *
 * Threads: the caller's and one of its own, which has ended when the call returns.
 */
#ifndef MNSDB_BENCH_BENCH_QUEUE_LOAD_H
#define MNSDB_BENCH_BENCH_QUEUE_LOAD_H

#include "bench/bench/queue_bench.h"
#include "bench/bench/queue_place.h"

/* Fills in the times and `messages`; ingest must be running. */
MUST_CHECK enum status queue_load_run(struct queue_place *place, uint64_t rate, int64_t seconds,
                                      struct queue_latency *latency, struct error *err);

#endif
