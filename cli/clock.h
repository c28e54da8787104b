/*
 * clock.h - what time it is: milliseconds and finer, as plain numbers.
 *
 * Clocks cannot fail where the arguments are right, so there is nothing to check. Nanoseconds since
 * 1970 fit until the year 2262.
 *
 * Threads: any, and signal handlers.
 */
#ifndef MNSDB_CLI_CLOCK_H
#define MNSDB_CLI_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Since 1970; it may be set, forwards and backwards. */
static inline int64_t clock_utc_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

/* Since some moment; it only goes forwards. */
static inline int64_t clock_monotonic_ms(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

static inline int64_t clock_monotonic_us(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000;
}

#endif
