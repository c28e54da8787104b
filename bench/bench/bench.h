/*
 * bench.h - the course of a benchmark.
 *
 *      ingest (child) ─▶ queries ─▶ the same again (child) ─▶ settle (child) ─▶ queries ─▶ copy
 *
 * The figures of a fresh store come before anything else is done to it.
 *
 * Life cycle: run -> print the report -> release. Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_BENCH_H
#define MNSDB_BENCH_BENCH_BENCH_H

#include "bench/bench/report.h"
#include "bench/bench/workspace.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct bench_config {
    const char *const *inputs; /* recorded sets */
    size_t input_count;
    const char *store;   /* NULL: in a temporary directory */
    const char *device;  /* NULL: one in the middle */
    const char *program; /* path of mnsdb; NULL: calls are not measured */
    size_t runs;         /* 1 ... TIMING_RUNS_MAX */
    uint32_t query_bits; /* which of query_set are asked; 0: all */
    bool queries_only;   /* on `store`, which exists */
    bool keep;           /* a temporary store */
};

struct bench {
    struct workspace workspace;
    struct query_target target;
    struct bench_report report; /* borrows from the configuration and from the above */
};

/* Fills in the report. Release in any case. */
MUST_CHECK enum status bench_run(struct bench *bench, const struct bench_config *config,
                                 struct error *err);
void bench_release(struct bench *bench);

#endif
