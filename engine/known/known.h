/*
 * known.h - numbers for the names of devices, the same for all threads that decode.
 *
 * Decoders ask here first. A name that is found, or can be added, needs no entry in a table of the
 * batch and no look by the committer at each batch: all batches in flight share one table and one
 * numbering, which stays in the cache where a table for each batch would not (100,000 devices:
 * 13 MB each).
 *
 *      store opened: its names ─▶ known_names_add ─┐
 *                                                  ▼
 *      decoders:  hash ─▶ prefetch ─▶ ... ─▶ known_names_hit ─▶ the name's number here
 *                                                  └ a miss ─▶ known_names_add ─▶ a new number
 *      committer: number here ─▶ number in the store, by an array of its own
 *
 * A number means the name and nothing else: whether the store holds it is the committer's matter.
 * Numbers are never taken back. The table is for speed alone: a name that it does not take goes
 * into the batch's own table.
 *
 * Threads: any number add, one at a time behind a lock, while any number look up without one.
 * Release after all.
 */
#ifndef MNSDB_ENGINE_KNOWN_KNOWN_H
#define MNSDB_ENGINE_KNOWN_KNOWN_H

#include "engine/base/bytes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer names are not taken: a slot is one cache line. */
#define KNOWN_NAME_BYTES_MAX 48u
/* So many names are taken, of hostile and of very wide sets too: 256 MiB of slots. */
#define KNOWN_NAMES_MAX ((size_t)1 << 21)
/* All numbers are below. */
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
    _Atomic size_t count;                /* of names; all numbers are below */
    pthread_mutex_t lock;                /* of those who add, for all below */
    struct slice *names;                 /* owned; by number; the bytes stand in a slot */
    size_t name_capacity;
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
 * The number of a name, given now if it has none; `hash` is of known_names_hash. False: it is not
 * taken, for lack of memory, because it is too long or because there are too many.
 */
bool known_names_add(struct known_names *known, uint64_t hash, struct slice name, uint32_t *number);

/* The name that has a number; valid until the release. */
struct slice known_names_name(struct known_names *known, uint32_t number);

static inline size_t known_names_count(const struct known_names *known)
{
    return atomic_load_explicit(&known->count, memory_order_acquire);
}

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
