/*
 * arena.h - memory for one message, one batch or one query, dropped whole.
 *
 * Allocations come from chained chunks and are never freed one by one; a reset
 * keeps the newest chunk for the next use, so that a steady state makes no
 * calls to malloc. Zero-initialise, use, release.
 *
 * Threads: one at a time.
 */
#ifndef MNSDB_ENGINE_BASE_ARENA_H
#define MNSDB_ENGINE_BASE_ARENA_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* owned; newest first */
    size_t total_bytes;        /* of all chunks */
};

/* `bytes_len` bytes aligned to 16, uninitialised; NULL when there is no memory. */
MUST_CHECK void *arena_alloc(struct arena *arena, size_t bytes_len);

/* A copy of the bytes that lives as long as the arena; `.data` is NULL without memory. */
MUST_CHECK struct slice arena_copy(struct arena *arena, struct slice bytes);

/* Forgets all allocations and keeps the newest chunk. */
void arena_reset(struct arena *arena);
void arena_release(struct arena *arena);

#endif
