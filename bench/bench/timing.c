/*
 * timing.c - the median, not the mean: one run that the machine disturbed says nothing.
 */
#include "bench/bench/timing.h"

#include "cli/clock.h"

#include <assert.h>
#include <stdlib.h>

int64_t timing_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

void stopwatch_start(struct stopwatch *watch)
{
    assert(watch->count <= TIMING_RUNS_MAX);
    watch->started_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    watch->started_ns = timing_now_ns();
}

void stopwatch_stop(struct stopwatch *watch)
{
    const int64_t elapsed_ns = timing_now_ns() - watch->started_ns;
    const int64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - watch->started_cpu_ns;
    if (watch->count == 0 || cpu_ns < watch->least_cpu_ns)
        watch->least_cpu_ns = cpu_ns;
    watch->runs_ns[watch->count++] = elapsed_ns;
}

static int compare_times(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

struct timing stopwatch_timing(struct stopwatch *watch)
{
    if (watch->count == 0)
        return (struct timing){0};
    struct timing timing = {.first_ns = watch->runs_ns[0], .cpu_ns = watch->least_cpu_ns};
    int64_t *runs_ns = watch->runs_ns + (watch->count > 1);
    timing.runs = watch->count > 1 ? watch->count - 1 : 1;
    qsort(runs_ns, timing.runs, sizeof *runs_ns, compare_times);
    const int64_t below_ns = runs_ns[(timing.runs - 1) / 2];
    const int64_t above_ns = runs_ns[timing.runs / 2];
    timing.min_ns = runs_ns[0];
    timing.median_ns = below_ns + (above_ns - below_ns) / 2;
    timing.max_ns = runs_ns[timing.runs - 1];
    return timing;
}
