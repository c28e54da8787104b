/*
 * timing.h - how long something took, over several runs.
 *
 * Threads: plain values.
 */
#ifndef MNSDB_BENCH_BENCH_TIMING_H
#define MNSDB_BENCH_BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

#define TIMING_RUNS_MAX ((size_t)1000)

/* Of the first run, and of those that follow it: the first one warms caches and allocators. */
struct timing {
    int64_t first_ns;
    int64_t min_ns;
    int64_t median_ns; /* of an even count: the mean of the middle two */
    int64_t max_ns;
    int64_t cpu_ns; /* least CPU time of a run: what a quiet machine would show */
    size_t runs;    /* after the first; 0: nothing was measured */
};

/* The runs being timed. */
struct stopwatch {
    int64_t runs_ns[TIMING_RUNS_MAX + 1];
    size_t count;
    int64_t least_cpu_ns; /* if count > 0 */
    int64_t started_ns;
    int64_t started_cpu_ns;
};

/* A monotonic clock. */
int64_t timing_now_ns(void);

void stopwatch_start(struct stopwatch *watch);
/* Ends the run that stopwatch_start began; at most TIMING_RUNS_MAX + 1 (asserted). */
void stopwatch_stop(struct stopwatch *watch);

/* The figures of all runs, the first one apart; with one run it is all of them. Sorts the runs. */
struct timing stopwatch_timing(struct stopwatch *watch);

#endif
