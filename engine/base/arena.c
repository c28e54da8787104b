/*
 * arena.c - a chain of chunks, each twice the one before, up to a limit.
 *
 *      arena.chunk -> [header|used......|free...] -> [older, full] -> ...
 */
#include "engine/base/arena.h"

#include "engine/base/mem.h"

#include <string.h>

#define CHUNK_BYTES_MIN ((size_t)4 << 10)
#define CHUNK_BYTES_MAX ((size_t)8 << 20) /* larger requests get a chunk of their own size */
#define ALIGNMENT       ((size_t)16)

struct arena_chunk {
    struct arena_chunk *older;
    size_t capacity; /* bytes behind the header */
    size_t used;
    size_t padding; /* keeps the bytes behind the header aligned to 16 */
};

_Static_assert(sizeof(struct arena_chunk) % 16 == 0, "allocations are aligned to 16");

static size_t next_capacity(const struct arena *arena, size_t needed)
{
    size_t capacity = arena->chunk ? arena->chunk->capacity * 2 : CHUNK_BYTES_MIN;
    if (capacity > CHUNK_BYTES_MAX)
        capacity = CHUNK_BYTES_MAX;
    return capacity < needed ? needed : capacity;
}

static bool arena_add_chunk(struct arena *arena, size_t needed)
{
    const size_t capacity = next_capacity(arena, needed);
    struct arena_chunk *chunk = mem_alloc(1, sizeof *chunk + capacity);
    if (!chunk)
        return false;
    *chunk = (struct arena_chunk){.older = arena->chunk, .capacity = capacity};
    arena->chunk = chunk;
    arena->total_bytes += capacity;
    return true;
}

void *arena_alloc(struct arena *arena, size_t bytes_len)
{
    if (bytes_len > SIZE_MAX - ALIGNMENT - sizeof(struct arena_chunk))
        return NULL;
    const size_t rounded = (bytes_len + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    const bool fits = arena->chunk && arena->chunk->capacity - arena->chunk->used >= rounded;
    if (!fits && !arena_add_chunk(arena, rounded))
        return NULL;
    uint8_t *memory = (uint8_t *)(arena->chunk + 1) + arena->chunk->used;
    arena->chunk->used += rounded;
    return memory;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    uint8_t *copy = arena_alloc(arena, bytes.len);
    if (!copy)
        return (struct slice){0};
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return slice_of(copy, bytes.len);
}

static void free_chain(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *older = chunk->older;
        mem_free(chunk);
        chunk = older;
    }
}

void arena_reset(struct arena *arena)
{
    if (!arena->chunk)
        return;
    free_chain(arena->chunk->older);
    arena->chunk->older = NULL;
    arena->chunk->used = 0;
    arena->total_bytes = arena->chunk->capacity;
}

void arena_release(struct arena *arena)
{
    free_chain(arena->chunk);
    *arena = (struct arena){0};
}
