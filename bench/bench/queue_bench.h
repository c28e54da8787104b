/*
 * queue_bench.h - measures ingest from a queue: how fast, how soon, how much is written.
 *
 *      drain    a full local queue ─▶ mnsdb-ingest ─▶ durable rows, every message deleted
 *      latency  messages at a steady rate; each is looked for in the store until a query sees it
 *
 * Queue and ingest are the real programs, as processes of their own beside this one, on loopback.
 *
 * Threads: one; a sender thread for the time of a latency run.
 */
#ifndef MNSDB_BENCH_BENCH_QUEUE_BENCH_H
#define MNSDB_BENCH_BENCH_QUEUE_BENCH_H

#include "cli/exit_code.h"
#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define QUEUE_BENCH_WINDOWS_MAX 8u

struct queue_bench_config {
    uint64_t messages; /* of the drain; 0: none */
    uint64_t rate;     /* messages a second of the latency runs */
    int64_t seconds;   /* of each */
    int64_t windows_ms[QUEUE_BENCH_WINDOWS_MAX];
    size_t window_count;
};

/* What ingest took while something was measured. */
struct queue_usage {
    int64_t elapsed_ns;
    int64_t ingest_cpu_ns;
    int64_t queue_cpu_ns;
    uint64_t written_bytes; /* that the kernel was asked to put on disk */
    uint64_t commits;
    uint64_t store_bytes; /* of the data file, at the end */
    uint64_t peak_bytes;  /* of ingest's memory */
};

struct queue_latency {
    int64_t window_ms;
    uint64_t messages;
    int64_t median_ns; /* from before its send to a query that sees it */
    int64_t p95_ns;
    int64_t p99_ns;
    int64_t max_ns;
    struct queue_usage usage;
};

struct queue_bench_report {
    uint64_t drain_messages;
    struct queue_usage drain;
    uint64_t rate;
    struct queue_latency latencies[QUEUE_BENCH_WINDOWS_MAX];
    size_t latency_count;
};

MUST_CHECK enum status queue_bench_run(const struct queue_bench_config *config,
                                       struct queue_bench_report *report, struct error *err);

void queue_report_print_table(const struct queue_bench_report *report, FILE *out);
MUST_CHECK enum status queue_report_print_json(const struct queue_bench_report *report, FILE *out,
                                               struct error *err);

/* "mnsdb-bench queue ...": argv[0] is "queue". */
enum exit_code queue_bench_main(int argc, char **argv);

#endif
