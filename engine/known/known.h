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
 *                    │   │ tag  17 │   │ tag   4 │   │   at most half full
 *                    └───┴──────┼──┴───┴─────────┴───┘
 *                               ▼
 *      records  0  1  2 ...  16  17  18 ...              one cache line each, in chunks that stay
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

/* Longer names are not taken: a record is one cache line. */
#define KNOWN_NAME_BYTES_MAX 63u
/* So many names are taken, of hostile and of very wide sets too: 128 MiB of records. */
#define KNOWN_NAMES_MAX ((size_t)1 << 21)
/* All numbers are below. */
#define KNOWN_NUMBER_LIMIT UINT32_C(0x80000000)

#define KNOWN_TAG_BITS      10u
#define KNOWN_CHUNK_RECORDS ((size_t)1 << 12)
#define KNOWN_CHUNKS_MAX    (KNOWN_NAMES_MAX / KNOWN_CHUNK_RECORDS)

struct known_record {
    uint8_t len;
    uint8_t name[KNOWN_NAME_BYTES_MAX];
};

struct known_chunk {
    struct known_record *records; /* in `memory`, aligned to a cache line; NULL: none yet */
    void *memory;                 /* owned */
};

/* Open addressing. An entry is 0 if free, else (number + 1) << KNOWN_TAG_BITS | tag of the hash. */
struct known_index {
    _Atomic uint32_t *entries; /* owned */
    size_t mask;               /* number of entries less one */
    struct known_index *older; /* what it grew out of: somebody may still look there */
};

struct known_names {
    _Atomic(struct known_index *) index;         /* the newest, or NULL: no name is known */
    uint64_t seed;                               /* of the hashes */
    _Atomic size_t count;                        /* of names; all numbers are below */
    pthread_mutex_t lock;                        /* of those who add */
    struct known_chunk chunks[KNOWN_CHUNKS_MAX]; /* filled by those who add, and never changed */
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

static inline size_t known_names_count(const struct known_names *known)
{
    return atomic_load_explicit(&known->count, memory_order_acquire);
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

/* Of a number that the caller has from here, or from somebody who has. */
static inline const struct known_record *known_record(const struct known_names *known,
                                                      uint32_t number)
{
    return &known->chunks[number / KNOWN_CHUNK_RECORDS].records[number % KNOWN_CHUNK_RECORDS];
}

/* The name that has such a number; valid until the release. */
static inline struct slice known_names_name(const struct known_names *known, uint32_t number)
{
    const struct known_record *const record = known_record(known, number);
    return slice_of(record->name, record->len);
}

/* True if the number, from known_names_guess, is the name's. */
static inline bool known_names_is(const struct known_names *known, uint32_t number,
                                  struct slice name)
{
    const struct known_record *const record = known_record(known, number);
    return record->len == name.len && bytes_same(record->name, name.data, name.len);
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
 * The number of a name whose hash looks like this one, in nearly all cases the only one; its record
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
            *number = (entry >> KNOWN_TAG_BITS) - 1;
            __builtin_prefetch(known_record(known, *number));
            return true;
        }
    }
}

/* True if the name is known; `hash` is of known_names_hash. */
bool known_names_hit(const struct known_names *known, uint64_t hash, struct slice name,
                     uint32_t *number);

#endif
