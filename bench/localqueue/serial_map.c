/*
 * serial_map.c - the table; see serial_map.h.
 *
 * Serials are counted up and used in that order: groups of eight lie side by side, which saves
 * cache misses, and groups are scattered, which keeps the runs short that a removal walks over.
 *
 * A removal moves later entries of the run back over the gap, so that there are no tombstones and
 * a look-up ends at the first empty slot.
 */
#include "bench/localqueue/serial_map.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdbool.h>

#define SLOTS_LEAST 64u
#define GROUP       8u

static size_t home_of(const struct serial_map *map, uint64_t serial)
{
    const uint64_t group = (serial / GROUP) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    return (size_t)(group * GROUP + serial % GROUP) & (map->slot_count - 1);
}

static void insert(struct serial_map *map, uint64_t serial, struct queued *message)
{
    size_t at = home_of(map, serial);
    while (map->slots[at].message) {
        assert(map->slots[at].serial != serial);
        at = (at + 1) & (map->slot_count - 1);
    }
    map->slots[at] = (struct serial_slot){serial, message};
}

enum status serial_map_reserve(struct serial_map *map, size_t count)
{
    if (2 * count <= map->slot_count)
        return STATUS_OK;
    struct serial_map larger = {.slot_count = SLOTS_LEAST, .count = map->count};
    while (larger.slot_count < 2 * count)
        larger.slot_count *= 2;
    larger.slots = mem_alloc_zeroed(larger.slot_count, sizeof *larger.slots);
    if (!larger.slots)
        return STATUS_NOMEM;
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i].message)
            insert(&larger, map->slots[i].serial, map->slots[i].message);
    }
    mem_free(map->slots);
    *map = larger;
    return STATUS_OK;
}

void serial_map_release(struct serial_map *map)
{
    mem_free(map->slots);
    *map = (struct serial_map){0};
}

void serial_map_add(struct serial_map *map, uint64_t serial, struct queued *message)
{
    assert(message);
    assert(2 * (map->count + 1) <= map->slot_count);
    insert(map, serial, message);
    map->count++;
}

/* The slot of a serial, or an empty one; the map has slots. */
static size_t slot_of(const struct serial_map *map, uint64_t serial)
{
    size_t at = home_of(map, serial);
    while (map->slots[at].message && map->slots[at].serial != serial)
        at = (at + 1) & (map->slot_count - 1);
    return at;
}

struct queued *serial_map_find(const struct serial_map *map, uint64_t serial)
{
    return map->slot_count > 0 ? map->slots[slot_of(map, serial)].message : NULL;
}

void serial_map_remove(struct serial_map *map, uint64_t serial)
{
    if (map->slot_count == 0)
        return;
    size_t gap = slot_of(map, serial);
    if (!map->slots[gap].message)
        return;
    const size_t mask = map->slot_count - 1;
    for (size_t at = (gap + 1) & mask; map->slots[at].message; at = (at + 1) & mask) {
        /* It may move to the gap unless its home lies after the gap. */
        const size_t from_home = (at - home_of(map, map->slots[at].serial)) & mask;
        if (from_home >= ((at - gap) & mask)) {
            map->slots[gap] = map->slots[at];
            gap = at;
        }
    }
    map->slots[gap] = (struct serial_slot){0};
    map->count--;
}
