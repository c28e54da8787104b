/*
 * bound.h - where a key belongs in an array that ascends by it.
 *
 * Threads: any.
 */
#ifndef MNSDB_ENGINE_BASE_BOUND_H
#define MNSDB_ENGINE_BASE_BOUND_H

#include <stddef.h>
#include <stdint.h>

/*
 * The first place of [0, count) whose key is not below `key`; `count` if all are. `key_at` tells
 * the key at a place of `items`. Inline, so that its call is none in a loop over a plain array.
 */
static inline size_t bound_find(const void *items, size_t count, int64_t key,
                                int64_t (*key_at)(const void *items, size_t place))
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (key_at(items, middle) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The same for an array of the keys themselves. */
static inline int64_t bound_key_itself(const void *items, size_t place)
{
    const int64_t *keys = items;
    return keys[place];
}

static inline size_t bound_find_key(const int64_t *keys, size_t count, int64_t key)
{
    return bound_find(keys, count, key, bound_key_itself);
}

#endif
