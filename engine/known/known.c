/*
 * known.c - adding names while others look them up.
 *
 * (1) A name is written before its entry is set, with release order; whoever reads the entry with
 *     acquire order sees the name, and the chunk that it stands in. Neither changes then.
 * (2) An index that became half full is copied into a larger one, which is then made the newest.
 *     Older ones stay until the release: all together they are smaller than the newest.
 * (3) Names are added under the lock, and looked for once more under it: a name has one number,
 *     however many threads meet it at the same time.
 */
#include "engine/known/known.h"

#include "engine/base/mem.h"

#include <string.h>

#define ENTRY_COUNT_MIN ((size_t)64)
#define CHUNK_ALIGNMENT ((uintptr_t)64)
/* Indexes below this grow to four times their size, so that fewer are filled and left. */
#define ENTRY_COUNT_LARGE ((size_t)1 << 18)

_Static_assert(KNOWN_NAME_BYTES_MAX <= UINT8_MAX, "a length is one byte");
_Static_assert(KNOWN_PLACES_MAX <= UINT32_MAX >> KNOWN_TAG_BITS, "a number + 1 fits an entry");
_Static_assert(KNOWN_PLACES_MAX <= KNOWN_NUMBER_LIMIT, "all numbers are below the limit");

void known_names_init(struct known_names *known)
{
    atomic_init(&known->index, NULL);
    atomic_init(&known->number_end, 0);
    known->count = 0;
    known->seed = hash_seed_random();
    (void)pthread_mutex_init(&known->lock, NULL);
    memset(known->chunks, 0, sizeof known->chunks);
}

void known_names_release(struct known_names *known)
{
    struct known_index *index = atomic_load_explicit(&known->index, memory_order_acquire);
    while (index) {
        struct known_index *const older = index->older;
        mem_free(index->entries);
        mem_free(index);
        index = older;
    }
    for (size_t i = 0; i < KNOWN_CHUNKS_MAX; i++)
        mem_free(known->chunks[i].memory);
    (void)pthread_mutex_destroy(&known->lock);
    atomic_init(&known->index, NULL);
    atomic_init(&known->number_end, 0);
    known->count = 0;
    memset(known->chunks, 0, sizeof known->chunks);
}

/* --- the index ----------------------------------------------------------------------------- */

static struct known_index *index_new(size_t entry_count)
{
    struct known_index *const index = mem_alloc_zeroed(1, sizeof *index);
    if (!index)
        return NULL;
    index->entries = mem_alloc_cleared(entry_count, sizeof *index->entries);
    if (!index->entries) {
        mem_free(index);
        return NULL;
    }
    index->mask = entry_count - 1;
    return index;
}

/* There is a free one, and the name is written. */
static void set_entry(struct known_index *index, uint64_t hash, uint32_t number)
{
    size_t at = (size_t)hash & index->mask;
    while (atomic_load_explicit(&index->entries[at], memory_order_relaxed) != 0)
        at = (at + 1) & index->mask;
    atomic_store_explicit(&index->entries[at], (number + 1) << KNOWN_TAG_BITS | known_tag(hash),
                          memory_order_release);
}

/* With the lock held: the newest index, with room for `count` names in all; NULL without memory. */
static struct known_index *index_with_room(struct known_names *known, size_t count)
{
    struct known_index *const old = atomic_load_explicit(&known->index, memory_order_relaxed);
    const size_t old_count = old ? old->mask + 1 : 0;
    size_t wanted = old ? old_count : ENTRY_COUNT_MIN;
    while (wanted / 2 < count)
        wanted *= wanted < ENTRY_COUNT_LARGE ? 4 : 2;
    if (wanted == old_count)
        return old;
    struct known_index *const grown = index_new(wanted);
    if (!grown)
        return NULL;
    for (size_t at = 0; at < old_count; at++) {
        const uint32_t entry = atomic_load_explicit(&old->entries[at], memory_order_relaxed);
        if (entry == 0)
            continue;
        const uint32_t number = known_entry_number(entry);
        set_entry(grown, known_names_hash(known, known_names_name(known, number)), number);
    }
    grown->older = old;
    atomic_store_explicit(&known->index, grown, memory_order_release);
    return grown;
}

void known_names_reserve(struct known_names *known, size_t count)
{
    (void)pthread_mutex_lock(&known->lock);
    (void)index_with_room(known, count < KNOWN_PLACES_MAX ? count : KNOWN_PLACES_MAX);
    (void)pthread_mutex_unlock(&known->lock);
}

bool known_names_hit(const struct known_names *known, uint64_t hash, struct slice name,
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
        *number = known_entry_number(entry);
        if (known_entry_has(entry, tag) && known_names_is(known, *number, name))
            return true;
    }
}

/* --- adding -------------------------------------------------------------------------------- */

/* With the lock held: has the chunk of a place; false without memory. */
static bool prepare_chunk(struct known_names *known, size_t number)
{
    struct known_chunk *const chunk = &known->chunks[number / KNOWN_CHUNK_PLACES];
    if (chunk->places)
        return true;
    chunk->memory = mem_alloc(KNOWN_CHUNK_PLACES * KNOWN_PLACE_BYTES + CHUNK_ALIGNMENT, 1);
    if (!chunk->memory)
        return false;
    const uintptr_t misaligned = (uintptr_t)chunk->memory & (CHUNK_ALIGNMENT - 1);
    chunk->places = (uint8_t *)chunk->memory + (misaligned ? CHUNK_ALIGNMENT - misaligned : 0);
    return true;
}

/* With the lock held, a name that is not known. */
static bool add_new(struct known_names *known, uint64_t hash, struct slice name, uint32_t *number)
{
    size_t first = atomic_load_explicit(&known->number_end, memory_order_relaxed);
    const size_t count = name.len < KNOWN_PLACE_BYTES ? 1 : 2;
    if (first % KNOWN_CHUNK_PLACES + count > KNOWN_CHUNK_PLACES)
        first++; /* both in one chunk */
    if (first + count > KNOWN_PLACES_MAX || !prepare_chunk(known, first))
        return false;
    struct known_index *const index = index_with_room(known, known->count + 1);
    if (!index)
        return false;
    *number = (uint32_t)first;
    uint8_t *const place = known->chunks[first / KNOWN_CHUNK_PLACES].places +
                           first % KNOWN_CHUNK_PLACES * KNOWN_PLACE_BYTES;
    *place = (uint8_t)name.len;
    if (name.len > 0)
        memcpy(place + 1, name.data, name.len);
    known->count++;
    /* Counted first: whoever finds the number finds it below the end. */
    atomic_store_explicit(&known->number_end, first + count, memory_order_release);
    set_entry(index, hash, *number);
    return true;
}

bool known_names_add(struct known_names *known, uint64_t hash, struct slice name, uint32_t *number)
{
    if (name.len > KNOWN_NAME_BYTES_MAX)
        return false;
    (void)pthread_mutex_lock(&known->lock);
    const bool taken =
        known_names_hit(known, hash, name, number) || add_new(known, hash, name, number);
    (void)pthread_mutex_unlock(&known->lock);
    return taken;
}
