/*
 * best.h - the best of several runs.
 *
 * Threads: plain values.
 */
#ifndef MNSDB_BENCH_MACHINE_BEST_H
#define MNSDB_BENCH_MACHINE_BEST_H

#include <stdint.h>

/* Keeps the least of the times seen; 0: none yet. A time is at least 1 ns. */
static inline void keep_least(int64_t *least_ns, int64_t time_ns)
{
    if (time_ns < 1)
        time_ns = 1;
    if (*least_ns == 0 || time_ns < *least_ns)
        *least_ns = time_ns;
}

static inline double rate_of(double amount, int64_t time_ns)
{
    return time_ns > 0 ? amount * 1e9 / (double)time_ns : 0;
}

#endif
