/*
 * id_set.c - a hash set of 64-bit ids.
 */
#include "engine/store/id_set.h"

#include "engine/base/mem.h"

#include <string.h>

#define SLOTS_MIN ((size_t)1024)

/* Fibonacci hashing spreads the low bits of snowflakes, which hardly differ, over the table. */
static size_t slot_of(const struct id_set *set, uint64_t id)
{
    const uint64_t mixed = (id ^ (id >> 29)) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 20) & (set->slot_count - 1);
}

static void place(struct id_set *set, uint64_t id)
{
    size_t slot = slot_of(set, id);
    while (set->slots[slot] != 0) {
        if (set->slots[slot] == id)
            return;
        slot = (slot + 1) & (set->slot_count - 1);
    }
    set->slots[slot] = id;
    set->count++;
}

static enum status grow(struct id_set *set)
{
    const size_t slot_count = set->slot_count ? set->slot_count * 2 : SLOTS_MIN;
    uint64_t *slots = mem_alloc_cleared(slot_count, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    uint64_t *old = set->slots;
    const size_t old_count = set->slot_count;
    set->slots = slots;
    set->slot_count = slot_count;
    set->count = 0;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] != 0)
            place(set, old[i]);
    }
    mem_free(old);
    return STATUS_OK;
}

enum status id_set_add(struct id_set *set, uint64_t id)
{
    if (id == 0) {
        set->has_zero = true;
        return STATUS_OK;
    }
    if (2 * (set->count + 1) > set->slot_count)
        TRY(grow(set));
    place(set, id);
    return STATUS_OK;
}

bool id_set_has(const struct id_set *set, uint64_t id)
{
    if (id == 0)
        return set->has_zero;
    if (set->count == 0)
        return false;
    size_t slot = slot_of(set, id);
    while (set->slots[slot] != 0) {
        if (set->slots[slot] == id)
            return true;
        slot = (slot + 1) & (set->slot_count - 1);
    }
    return false;
}

void id_set_clear(struct id_set *set)
{
    if (set->slots)
        memset(set->slots, 0, set->slot_count * sizeof *set->slots);
    set->count = 0;
    set->has_zero = false;
}

void id_set_release(struct id_set *set)
{
    mem_free(set->slots);
    *set = (struct id_set){0};
}
