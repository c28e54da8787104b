/*
 * core_clock.c - how fast one core computes: its clock, and a fixed piece of work.
 *
 * The work of a calibration round has three parts of about the same time, for what a program is
 * made of: arithmetic in registers, tables in the L1 cache with branches that depend on data, and
 * reads that miss the L1 and L2 caches. A ratio to it travels between machines better than a time
 * does: a machine with a faster clock or larger caches is faster in both. The reads stay within
 * 2 MiB: over 8 MiB they took between 0.8 and 2.2 ms, as the neighbours left room in the L3 cache.
 */
#include "bench/machine/machine.h"

#include "bench/machine/best.h"
#include "engine/base/mem.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define CHAIN_ADDITIONS 3200000u
#define CHAIN_RUNS      15u
#define TSC_WAIT_NS     INT64_C(20000000)

/* Each part takes some 0.8 ms. */
#define MIX_STEPS   200000u
#define SCAN_BYTES  16384u /* half of a usual L1 cache */
#define SCAN_PASSES 50u
#define CHASE_SLOTS ((size_t)1 << 19) /* of 4 bytes: 2 MiB, more than an L2 cache */
#define CHASE_STEPS 12000u

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

/* --- the calibration round -------------------------------------------------------------------- */

struct calibration {
    uint8_t text[SCAN_BYTES];
    uint8_t classes[256];
    uint32_t chase[CHASE_SLOTS]; /* one circle through all slots */
};

static uint64_t mix(uint64_t state)
{
    state ^= state >> 30;
    state *= UINT64_C(0xbf58476d1ce4e5b9);
    state ^= state >> 27;
    return state * UINT64_C(0x94d049bb133111eb);
}

/* A random circle (Sattolo): every slot leads to another, and none comes twice. */
static void prepare(struct calibration *calibration)
{
    uint64_t state = 1;
    for (size_t i = 0; i < SCAN_BYTES; i++)
        calibration->text[i] = (uint8_t)(mix(++state) >> 56);
    for (size_t i = 0; i < 256; i++)
        calibration->classes[i] = (uint8_t)(mix(++state) >> 62);
    for (size_t i = 0; i < CHASE_SLOTS; i++)
        calibration->chase[i] = (uint32_t)i;
    for (size_t i = CHASE_SLOTS - 1; i > 0; i--) {
        const size_t other = (size_t)(mix(++state) % i);
        const uint32_t held = calibration->chase[i];
        calibration->chase[i] = calibration->chase[other];
        calibration->chase[other] = held;
    }
}

static uint64_t compute(const struct calibration *calibration, uint64_t seed)
{
    (void)calibration;
    uint64_t sum = seed;
    for (uint32_t i = 0; i < MIX_STEPS; i++)
        sum += mix(sum + i) >> 3;
    return sum;
}

static uint64_t scan(const struct calibration *calibration, uint64_t seed)
{
    uint64_t sum = seed;
    for (uint32_t pass = 0; pass < SCAN_PASSES; pass++) {
        for (size_t i = 0; i < SCAN_BYTES; i++) {
            const uint8_t class = calibration->classes[calibration->text[i]];
            if (class == 0)
                sum = (sum << 1) + calibration->text[i];
            else if (class == 1)
                sum ^= i;
            else
                sum += class;
            HOLD(sum);
        }
    }
    return sum;
}

static uint64_t chase(const struct calibration *calibration, uint64_t seed)
{
    uint32_t at = (uint32_t)(seed % CHASE_SLOTS);
    for (uint32_t i = 0; i < CHASE_STEPS; i++)
        at = calibration->chase[at];
    return at;
}

/* The runs of the parts take turns, so that a busy moment does not meet one part alone. */
enum status machine_calibrate(unsigned runs, double *round_ns, struct error *err)
{
    static uint64_t (*const parts[])(const struct calibration *, uint64_t) = {compute, scan, chase};
    enum { PARTS = sizeof parts / sizeof parts[0] };
    OWNED(mem_free_owned) struct calibration *calibration = mem_alloc(1, sizeof *calibration);
    if (!calibration)
        return error_set(err, STATUS_NOMEM, "no memory to calibrate");
    prepare(calibration);
    int64_t least_ns[PARTS] = {0};
    for (unsigned run = 0; run < runs || run == 0; run++) {
        for (size_t part = 0; part < PARTS; part++) {
            const struct work_clock clock = work_clock_start();
            uint64_t sum = parts[part](calibration, mix(run + 1));
            HOLD(sum);
            keep_least(&least_ns[part], work_clock_ns(&clock));
        }
    }
    *round_ns = 0;
    for (size_t part = 0; part < PARTS; part++)
        *round_ns += (double)least_ns[part];
    return STATUS_OK;
}
