/*
 * latency.c - see latency.h. All times are kept: a percentile of a million is a sort away.
 */
#include "bench/scenarios/latency.h"

#include "engine/base/mem.h"

#include <stdlib.h>

enum status latencies_add(struct latencies *latencies, int64_t time_ns, struct error *err)
{
    if (mem_grow(&latencies->times_ns, &latencies->capacity, latencies->count + 1,
                 sizeof *latencies->times_ns) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for %zu times", latencies->count + 1);
    latencies->times_ns[latencies->count++] = time_ns;
    return STATUS_OK;
}

static int compare_times(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

struct latency latencies_read(struct latencies *latencies)
{
    const size_t count = latencies->count;
    int64_t *times_ns = latencies->times_ns;
    struct latency latency = {.count = count};
    if (count == 0)
        return latency;
    qsort(times_ns, count, sizeof *times_ns, compare_times);
    for (size_t i = 0; i < count; i++)
        latency.sum_ns += times_ns[i];
    latency.median_ns = times_ns[count / 2];
    latency.p99_ns = times_ns[count - 1 - count / 100];
    latency.max_ns = times_ns[count - 1];
    return latency;
}

void latencies_release(struct latencies *latencies)
{
    mem_free(latencies->times_ns);
    *latencies = (struct latencies){0};
}
