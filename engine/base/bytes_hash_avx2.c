/*
 * bytes_hash_avx2.c - XXH3 where the processor works on 32 bytes at once.
 *
 * The library is compiled for every x86-64, thus for vectors of 16 bytes. Its header holds all of
 * its code, which compiled for AVX2 takes half the time for a block in the cache: every block
 * that is read or written is hashed once. Only gcc sets the target of a header's functions.
 */
#include "engine/base/bytes_hash.h"

#include <assert.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

/* Before the target changes: what these hold need not be compiled again. */
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2")
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t bytes_hash_avx2(const void *data, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, len, seed);
}
#pragma GCC pop_options

bool bytes_hash_can_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

#else

uint64_t bytes_hash_avx2(const void *data, size_t len, uint64_t seed)
{
    (void)data;
    (void)len;
    (void)seed;
    assert(false); // bytes_hash_can_avx2 says so
    return 0;
}

bool bytes_hash_can_avx2(void)
{
    return false;
}

#endif
