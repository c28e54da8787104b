/*
 * random.h - numbers that a seed decides: the same on every machine.
 *
 * A 64-bit counter run through a mixing function (SplitMix64, Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
 *
 * Threads: one a stream.
 */
#ifndef MNSDB_BENCH_FLEET_RANDOM_H
#define MNSDB_BENCH_FLEET_RANDOM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct random_stream {
    uint64_t counter;
};

static inline uint64_t random_u64(struct random_stream *stream)
{
    stream->counter += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = stream->counter;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* Evenly from 0 ... limit - 1; limit > 0, below 2^32. */
static inline uint32_t random_below(struct random_stream *stream, uint32_t limit)
{
    return (uint32_t)(((random_u64(stream) >> 32) * limit) >> 32);
}

/* Evenly from least ... most. */
static inline int64_t random_between(struct random_stream *stream, int64_t least, int64_t most)
{
    const uint64_t span = (uint64_t)(most - least) + 1;
    return least + (int64_t)(span ? random_u64(stream) % span : random_u64(stream));
}

/* A probability as the threshold that random_chance compares with. */
static inline uint32_t random_threshold(double share)
{
    const double scaled = share * 4294967295.0;
    return scaled <= 0 ? 0 : (uint32_t)scaled;
}

static inline bool random_chance(struct random_stream *stream, uint32_t threshold)
{
    return threshold && (uint32_t)(random_u64(stream) >> 32) <= threshold;
}

/* A waiting time with the given mean, exponentially distributed, at least 1. */
static inline int64_t random_wait(struct random_stream *stream, int64_t mean)
{
    const double uniform = ((double)(random_u64(stream) >> 11) + 1.0) / 9007199254740993.0;
    const double wait = -log(uniform) * (double)mean;
    return wait < 1.0 ? 1 : (int64_t)wait;
}

#endif
