/*
 * id_set.h - message ids in RAM: those of the commit log, not yet in seen pages.
 *
 * Open addressing, linear probing, at most half full. Threads: one at a time.
 */
#ifndef MNSDB_ENGINE_STORE_ID_SET_H
#define MNSDB_ENGINE_STORE_ID_SET_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_set {
    uint64_t *slots;   /* owned; 0 is empty: the id 0 has a flag of its own */
    size_t slot_count; /* a power of two, or 0 */
    size_t count;      /* without the id 0 */
    bool has_zero;
};

static inline size_t id_set_count(const struct id_set *set)
{
    return set->count + (set->has_zero ? 1 : 0);
}

MUST_CHECK enum status id_set_add(struct id_set *set, uint64_t id);
bool id_set_has(const struct id_set *set, uint64_t id);
void id_set_clear(struct id_set *set);
void id_set_release(struct id_set *set);

#endif
