/*
 * seen_ids.c - a ring of the last ids and a hash set of the same ids, half full at most.
 *
 * (1) A hash is in the set if and only if it is in the ring, once in each.
 */
#include "ingest/queue/seen_ids.h"

#include "engine/base/mem.h"

#include <stddef.h>

#define PLACES     ((size_t)2 * SEEN_IDS)
#define PLACE_MASK (PLACES - 1)

struct seen_ids {
    uint64_t ring[SEEN_IDS];
    size_t count;
    size_t oldest;        /* of a full ring */
    uint64_t set[PLACES]; /* 0: empty */
};

enum status seen_ids_open(struct seen_ids **seen, struct error *err)
{
    *seen = mem_alloc_zeroed(1, sizeof **seen);
    return *seen ? STATUS_OK
                 : error_set(err, STATUS_NOMEM, "no memory for the ids of peeked messages");
}

void seen_ids_close(struct seen_ids *seen)
{
    mem_free(seen);
}

/* Where the hash is, or where it would go. */
static size_t place_of(const struct seen_ids *seen, uint64_t hash)
{
    size_t place = hash & PLACE_MASK;
    while (seen->set[place] != 0 && seen->set[place] != hash)
        place = (place + 1) & PLACE_MASK;
    return place;
}

static void forget(struct seen_ids *seen, uint64_t hash)
{
    size_t gap = place_of(seen, hash);
    for (size_t place = (gap + 1) & PLACE_MASK; seen->set[place] != 0;
         place = (place + 1) & PLACE_MASK) {
        const size_t home = seen->set[place] & PLACE_MASK;
        if (((place - home) & PLACE_MASK) >= ((place - gap) & PLACE_MASK)) {
            seen->set[gap] = seen->set[place];
            gap = place;
        }
    }
    seen->set[gap] = 0;
}

bool seen_ids_add(struct seen_ids *seen, uint64_t hash)
{
    const uint64_t id = hash == 0 ? 1 : hash;
    if (seen->set[place_of(seen, id)] == id)
        return false;
    if (seen->count < SEEN_IDS) {
        seen->ring[seen->count++] = id;
    } else {
        forget(seen, seen->ring[seen->oldest]);
        seen->ring[seen->oldest] = id;
        seen->oldest = (seen->oldest + 1) % SEEN_IDS;
    }
    seen->set[place_of(seen, id)] = id;
    return true;
}
