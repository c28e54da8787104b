/*
 * bytes_hash.h - XXH3 of longer strings in vectors of 32 bytes, for bytes.c only.
 *
 * Threads: pure.
 */
#ifndef MNSDB_ENGINE_BASE_BYTES_HASH_H
#define MNSDB_ENGINE_BASE_BYTES_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BYTES_HASH_WIDE_MIN 241u /* shorter ones are hashed without vectors anyway */

/* False where the processor cannot, or where this was not compiled for it. */
bool bytes_hash_can_avx2(void);

/* The same hash as bytes_hash; only if the processor can. */
uint64_t bytes_hash_avx2(const void *data, size_t len, uint64_t seed);

#endif
