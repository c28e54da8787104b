/*
 * times.c - times in ascending order: how many lie before another.
 */
#include "query/findings/findings_internal.h"

#include "engine/base/bound.h"
#include "engine/base/mem.h"

#include <stdlib.h>

enum status times_init(struct times *times, size_t capacity)
{
    times->ms = mem_alloc(capacity, sizeof *times->ms);
    return times->ms ? STATUS_OK : STATUS_NOMEM;
}

void times_release(struct times *times)
{
    mem_free(times->ms);
    *times = (struct times){0};
}

static int compare_ms(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void times_sort(struct times *times)
{
    if (times->count > 1)
        qsort(times->ms, times->count, sizeof *times->ms, compare_ms);
}

size_t times_before(const struct times *times, int64_t until_ms)
{
    return bound_find_key(times->ms, times->count, until_ms);
}

size_t times_upto(const struct times *times, int64_t last_ms)
{
    return last_ms < INT64_MAX ? times_before(times, last_ms + 1) : times->count;
}
