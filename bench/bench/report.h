/*
 * report.h - what a benchmark found, and printing it for people and for programs.
 *
 * Threads: plain values; printing by one thread.
 */
#ifndef MNSDB_BENCH_BENCH_REPORT_H
#define MNSDB_BENCH_BENCH_REPORT_H

#include "bench/bench/measure_queries.h"
#include "bench/bench/measure_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define REPORT_PHASES_MAX 2u

struct bench_report {
    const char *version;
    unsigned cpus; /* that this process may use */
    const char *store;
    const char *file_system;
    const char *const *inputs; /* recorded sets; input_count 0: queries only */
    size_t input_count;
    const char *device; /* that Q3, Q5 and Q8 ask about */
    const char *metric;
    const char *from; /* the hour of Q8 */
    size_t runs;
    uint64_t stored; /* messages in the store */
    bool has_ingest;
    struct ingest_figures ingest;
    bool has_again; /* not for standard input */
    struct ingest_figures again;
    struct upkeep_figures settle; /* with has_ingest; so is the copy */
    struct upkeep_figures copy;
    struct query_phase phases[REPORT_PHASES_MAX];
    size_t phase_count;
    bool answers_differ; /* between the phases: a mistake of the store's or the queries' */
};

/* A table for people. */
void report_print_table(const struct bench_report *report, FILE *out);

/* One JSON object. Times are in milliseconds, sizes in bytes. */
MUST_CHECK enum status report_print_json(const struct bench_report *report, FILE *out,
                                         struct error *err);

/* Bytes of the store a message; 0 without messages. */
double report_bytes_per_message(uint64_t bytes, uint64_t messages);

/* Messages a second. */
double report_rate(uint64_t messages, int64_t elapsed_ns);

#endif
