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
 *      decoders:  hash ─▶ prefetch ─▶ ... ─▶ known_names_guess ─▶ ... ─▶ known_names_is
 *                                                  └ a miss ─▶ known_names_add ─▶ a new number
 *      committer: number here ─▶ number in the store, by an array of its own
 *
 * Two levels: an index of four bytes a name, and behind it the names in the order of their numbers.
 * Devices report in about the same order again and again, so that the names that are looked at next
 * stand together, whatever their hashes:
 *
 *      hash ─▶ index ┌───┬─────────┬───┬─────────┬───┐
 *                    │   │ 17, tag │   │  4, tag │   │   at most half full
 *                    └───┴──┼──────┴───┴─────────┴───┘
 *                           └──────┐
 *                                  ▼
 *      places   0   1   2  ... 16  17  18 ...              two in a cache line, in chunks that stay
 *
 * A name stands in one place or, if it is long, in two; its number is that of the first. So numbers
 * ascend in the order in which names came, and long ones leave a number out.
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

#define KNOWN_PLACE_BYTES 32u
/* Longer names are not taken: two places, less a byte for the length. */
#define KNOWN_NAME_BYTES_MAX (2 * KNOWN_PLACE_BYTES - 1)
/* So many places are filled, by hostile and by very wide sets too: 128 MiB,
 * and up to 64 MiB of indexes. */
#define KNOWN_PLACES_MAX ((size_t)1 << 22)
/* All numbers are below. */
#define KNOWN_NUMBER_LIMIT UINT32_C(0x80000000)

#define KNOWN_TAG_BITS     9u
#define KNOWN_CHUNK_PLACES ((size_t)1 << 13)
#define KNOWN_CHUNKS_MAX   (KNOWN_PLACES_MAX / KNOWN_CHUNK_PLACES)

/* Open addressing. An entry is 0 if free, else (number + 1) << KNOWN_TAG_BITS | tag of the hash. */
struct known_index {
    _Atomic uint32_t *entries; /* owned */
    size_t mask;               /* number of entries less one */
    struct known_index *older; /* what it grew out of: somebody may still look there */
};

/* Of places, aligned to a cache line: a byte with the length of a name, then the name. */
struct known_chunk {
    uint8_t *places; /* in `memory`; NULL: none yet */
    void *memory;    /* owned */
};

struct known_names {
    _Atomic(struct known_index *) index;         /* the newest, or NULL: no name is known */
    uint64_t seed;                               /* of the hashes */
    _Atomic size_t number_end;                   /* all numbers are below */
    pthread_mutex_t lock;                        /* of those who add, for all below */
    size_t count;                                /* of names */
    struct known_chunk chunks[KNOWN_CHUNKS_MAX]; /* what was written is never changed */
};

/* Zero-initialise, then once: */
void known_names_init(struct known_names *known);
void known_names_release(struct known_names *known);

/*
 * Room in the index for so many names in all, at once and not by doubling: older ones stay until
 * the release. Without memory nothing changes.
 */
void known_names_reserve(struct known_names *known, size_t count);

/*
 * The number of a name, given now if it has none; `hash` is of known_names_hash. False: it is not
 * taken, for lack of memory, because it is too long or because there are too many.
 */
bool known_names_add(struct known_names *known, uint64_t hash, struct slice name, uint32_t *number);

/* All numbers that were given are below. */
static inline size_t known_names_end(const struct known_names *known)
{
    return atomic_load_explicit(&known->number_end, memory_order_acquire);
}

static inline uint64_t known_names_hash(const struct known_names *known, struct slice name)
{
    return bytes_hash_inline(name.data, name.len, known->seed);
}

static inline uint32_t known_tag(uint64_t hash)
{
    return (uint32_t)(hash >> (64 - KNOWN_TAG_BITS));
}

static inline bool known_entry_has(uint32_t entry, uint32_t tag)
{
    return (entry & ((1u << KNOWN_TAG_BITS) - 1)) == tag;
}

static inline uint32_t known_entry_number(uint32_t entry)
{
    return (entry >> KNOWN_TAG_BITS) - 1;
}

/* Where the name stands that has a number, which came from here. */
static inline const uint8_t *known_place(const struct known_names *known, uint32_t number)
{
    const uint8_t *const places = known->chunks[number / KNOWN_CHUNK_PLACES].places;
    return places + number % KNOWN_CHUNK_PLACES * KNOWN_PLACE_BYTES;
}

/* The name that has such a number; valid until the release. */
static inline struct slice known_names_name(const struct known_names *known, uint32_t number)
{
    const uint8_t *const place = known_place(known, number);
    return slice_of(place + 1, *place);
}

/* True if the number, from known_names_guess, is the name's. */
static inline bool known_names_is(const struct known_names *known, uint32_t number,
                                  struct slice name)
{
    const uint8_t *const place = known_place(known, number);
    return *place == name.len && bytes_same(place + 1, name.data, name.len);
}

/* Has the entry come from memory for known_names_guess later on. */
static inline void known_names_prefetch(const struct known_names *known, uint64_t hash)
{
    const struct known_index *const index =
        atomic_load_explicit(&known->index, memory_order_acquire);
    if (index)
        __builtin_prefetch(&index->entries[(size_t)hash & index->mask]);
}

/*
 * The number of a name whose hash looks like this one, in nearly all cases the only one; its place
 * comes from memory meanwhile, for known_names_is. False: no name of this hash is known.
 */
static inline bool known_names_guess(const struct known_names *known, uint64_t hash,
                                     uint32_t *number)
{
    const struct known_index *const index =
        atomic_load_explicit(&known->index, memory_order_acquire);
    if (!index)
        return false;
    const uint32_t tag = known_tag(hash);
    for (size_t at = (size_t)hash & index->mask;; at = (at + 1) & index->mask) {
        const uint32_t entry = atomic_load_explicit(&index->entries[at], memory_order_acquire);
        if (entry == 0)
            return false;
        if (known_entry_has(entry, tag)) {
            *number = known_entry_number(entry);
            __builtin_prefetch(known_place(known, *number));
            return true;
        }
    }
}

/* True if the name is known; `hash` is of known_names_hash. */
bool known_names_hit(const struct known_names *known, uint64_t hash, struct slice name,
                     uint32_t *number);

#endif
