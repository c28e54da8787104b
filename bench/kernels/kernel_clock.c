/*
 * kernel_clock.c - runs of a kernel: their work time, its least and its median.
 */
#include "bench/kernels/kernel.h"

#include <stdlib.h>

#define TIME_A_RUN_NS INT64_C(8000000) /* short runs are repeated more often than asked for */

void kernel_clock_init(struct kernel_clock *clock, unsigned runs, struct kernel_result *result)
{
    *clock = (struct kernel_clock){
        .runs_least = runs < KERNEL_RUNS_MAX ? runs : KERNEL_RUNS_MAX,
        .time_least_ns = runs * TIME_A_RUN_NS,
        .result = result,
    };
}

static int compare_times(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static void fill_in(struct kernel_clock *clock)
{
    struct kernel_result *result = clock->result;
    qsort(clock->runs_ns, clock->count, sizeof *clock->runs_ns, compare_times);
    result->runs = clock->count;
    result->least_ns = clock->count > 0 ? clock->runs_ns[0] : 0;
    result->median_ns = clock->count > 0 ? clock->runs_ns[clock->count / 2] : 0;
}

static void end_run(struct kernel_clock *clock)
{
    if (clock->is_warm && clock->values > 0) {
        const double values = (double)clock->values;
        clock->runs_ns[clock->count++] = (double)clock->spent_ns / values;
        clock->total_ns += clock->spent_ns;
        clock->result->values = clock->values;
        clock->result->bytes = (double)clock->bytes / values;
        clock->result->stored_bytes = (double)clock->stored_bytes / values;
    }
    clock->is_warm = true;
}

bool kernel_clock_next(struct kernel_clock *clock)
{
    if (clock->is_open)
        end_run(clock);
    const bool enough =
        clock->count >= clock->runs_least && clock->total_ns >= clock->time_least_ns;
    const bool was_idle = clock->is_open && clock->values == 0; // it would never come to an end
    if (enough || was_idle || clock->count == KERNEL_RUNS_MAX) {
        fill_in(clock);
        return false;
    }
    clock->is_open = true;
    clock->spent_ns = 0;
    clock->values = 0;
    clock->bytes = 0;
    clock->stored_bytes = 0;
    return true;
}

void kernel_clock_start(struct kernel_clock *clock)
{
    clock->work = work_clock_start();
}

void kernel_clock_stop(struct kernel_clock *clock, uint64_t values, uint64_t bytes)
{
    clock->spent_ns += work_clock_ns(&clock->work);
    clock->values += values;
    clock->bytes += bytes;
}

void kernel_clock_note_stored(struct kernel_clock *clock, uint64_t bytes)
{
    clock->stored_bytes += bytes;
}
