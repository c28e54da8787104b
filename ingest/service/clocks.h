/*
 * clocks.h - what time it is, for the service.
 *
 * Private to this folder. Threads: any.
 */
#ifndef MNSDB_INGEST_SERVICE_CLOCKS_H
#define MNSDB_INGEST_SERVICE_CLOCKS_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_us(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static inline int64_t monotonic_ms(void)
{
    return monotonic_us() / 1000;
}

static inline int64_t utc_ms(void)
{
    return clock_us(CLOCK_REALTIME) / 1000;
}

#endif
