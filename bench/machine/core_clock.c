/*
 * core_clock.c - the clock that a core computes at, and that of its time stamps.
 */
#include "bench/machine/machine.h"

#include "bench/machine/best.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define CHAIN_ADDITIONS 3200000u
#define CHAIN_RUNS      15u
#define TSC_WAIT_NS     INT64_C(20000000)

/* The compiler must take `value` for changed: the next step waits for this one. */
#define HOLD(value) __asm__ volatile("" : "+r"(value))

double machine_core_hz(void)
{
    int64_t least_ns = 0;
    for (unsigned run = 0; run < CHAIN_RUNS; run++) {
        uint64_t sum = run;
        uint64_t step = 3;
        HOLD(step);
        const struct work_clock clock = work_clock_start();
        for (uint32_t i = 0; i < CHAIN_ADDITIONS / 16; i++) {
            for (unsigned j = 0; j < 16; j++) {
                sum += step;
                HOLD(sum);
            }
        }
        keep_least(&least_ns, work_clock_ns(&clock));
    }
    return rate_of(CHAIN_ADDITIONS, least_ns);
}

#if defined(__x86_64__)
double machine_tsc_hz(void)
{
    const int64_t began_ns = clock_ns(CLOCK_MONOTONIC);
    const uint64_t began = __rdtsc();
    int64_t now_ns = began_ns;
    while (now_ns - began_ns < TSC_WAIT_NS)
        now_ns = clock_ns(CLOCK_MONOTONIC);
    return rate_of((double)(__rdtsc() - began), now_ns - began_ns);
}
#else
double machine_tsc_hz(void)
{
    return 0;
}
#endif
