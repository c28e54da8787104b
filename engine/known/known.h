/*
 * known.h - the names that a store holds, for threads that look them up while one adds.
 *
 * Decoders ask here first. A name that is found needs no entry in a batch and no look by the
 * committer: its number is the store's. So all batches in flight share one table, which stays in
 * the cache where a table for each batch would not (100,000 devices: 13 MB each).
 *
 *      committer: commit returned ─▶ known_names_add ─┐
 *                                                     ▼
 *      decoders:  hash ─▶ prefetch ─▶ ... ─▶ known_names_hit ─▶ the store's number
 *                                                     └ a miss ─▶ the batch's own name table
 *
 * Only what is on disk is added, so a number handed out here is never taken back. The table is
 * for speed alone: a name that is missing in it is found the other way.
 *
 * Threads: one adds; any number look up at the same time, without locks. Release after all.
 */
#ifndef MNSDB_ENGINE_KNOWN_KNOWN_H
#define MNSDB_ENGINE_KNOWN_KNOWN_H

#include "engine/base/bytes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer names stay unknown: a slot is one cache line. */
#define KNOWN_NAME_BYTES_MAX 48u
/* Numbers from here on stay unknown. */
#define KNOWN_NUMBER_LIMIT UINT32_C(0x80000000)

struct known_slot {
    uint64_t hash;
    uint32_t len;
    _Atomic uint32_t number_plus_one; /* 0: free; set last, and then the slot never changes */
    uint8_t name[KNOWN_NAME_BYTES_MAX];
};

/* Open addressing, at most half full. */
struct known_table {
    struct known_slot *slots;  /* in `memory`, aligned to a cache line */
    size_t mask;               /* number of slots less one */
    struct known_table *older; /* what it grew out of: somebody may still look there */
    void *memory;              /* owned */
};

struct known_names {
    _Atomic(struct known_table *) table; /* the newest, or NULL: no name is known */
    uint64_t seed;                       /* of the hashes */
    size_t count;                        /* of names in the table; the adding thread's */
};

/* Zero-initialise, then once: */
void known_names_init(struct known_names *known);
void known_names_release(struct known_names *known);

/*
 * Room for so many names in all, at once and not by doubling: older tables stay until the release.
 * Without memory nothing changes.
 */
void known_names_reserve(struct known_names *known, size_t count);

/*
 * Makes a name known that is not. False: it stays unknown, for lack of memory or because name or
 * number are too large.
 */
bool known_names_add(struct known_names *known, struct slice name, uint32_t number);

static inline uint64_t known_names_hash(const struct known_names *known, struct slice name)
{
    return bytes_hash_inline(name.data, name.len, known->seed);
}

/* Has the slot come from memory for known_names_hit later on. */
static inline void known_names_prefetch(const struct known_names *known, uint64_t hash)
{
    const struct known_table *const table =
        atomic_load_explicit(&known->table, memory_order_acquire);
    if (table)
        __builtin_prefetch(&table->slots[(size_t)hash & table->mask]);
}

/* True if the name is known; `hash` is of known_names_hash. */
static inline bool known_names_hit(const struct known_names *known, uint64_t hash,
                                   struct slice name, uint32_t *number)
{
    const struct known_table *const table =
        atomic_load_explicit(&known->table, memory_order_acquire);
    if (!table)
        return false;
    for (size_t index = (size_t)hash & table->mask;; index = (index + 1) & table->mask) {
        const struct known_slot *const slot = &table->slots[index];
        const uint32_t number_plus_one =
            atomic_load_explicit(&slot->number_plus_one, memory_order_acquire);
        if (number_plus_one == 0)
            return false;
        if (slot->hash == hash && slot->len == name.len &&
            bytes_same(slot->name, name.data, name.len)) {
            *number = number_plus_one - 1;
            return true;
        }
    }
}

#endif
