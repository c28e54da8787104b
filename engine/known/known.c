/*
 * known.c - adding names while others look them up.
 *
 * (1) A slot is filled before its number is set, with release order; whoever reads the number
 *     with acquire order sees the rest. A filled slot never changes.
 * (2) A table that became half full is copied into one of twice the size, which is then made the
 *     newest. Older ones stay until the release: all together they are smaller than the newest.
 */
#include "engine/known/known.h"

#include "engine/base/mem.h"

#include <string.h>

#define SLOT_COUNT_MIN ((size_t)64)
#define SLOT_ALIGNMENT ((uintptr_t)64)

_Static_assert(sizeof(struct known_slot) == 64, "one cache line a slot");

void known_names_init(struct known_names *known)
{
    atomic_init(&known->table, NULL);
    known->seed = hash_seed_random();
    known->count = 0;
}

void known_names_release(struct known_names *known)
{
    struct known_table *table = atomic_load_explicit(&known->table, memory_order_acquire);
    while (table) {
        struct known_table *const older = table->older;
        mem_free(table->memory);
        mem_free(table);
        table = older;
    }
    atomic_init(&known->table, NULL);
    known->count = 0;
}

static struct known_table *table_new(size_t slot_count)
{
    struct known_table *const table = mem_alloc_zeroed(1, sizeof *table);
    if (!table)
        return NULL;
    table->memory = mem_alloc_cleared(slot_count + 1, sizeof *table->slots);
    if (!table->memory) {
        mem_free(table);
        return NULL;
    }
    const uintptr_t misaligned = (uintptr_t)table->memory & (SLOT_ALIGNMENT - 1);
    table->slots =
        (void *)((uint8_t *)table->memory + (misaligned ? SLOT_ALIGNMENT - misaligned : 0));
    table->mask = slot_count - 1;
    return table;
}

static void place(struct known_table *table, uint64_t hash, struct slice name, uint32_t number)
{
    size_t index = (size_t)hash & table->mask;
    while (atomic_load_explicit(&table->slots[index].number_plus_one, memory_order_relaxed) != 0)
        index = (index + 1) & table->mask;
    struct known_slot *const slot = &table->slots[index];
    slot->hash = hash;
    slot->len = (uint32_t)name.len;
    if (name.len > 0)
        memcpy(slot->name, name.data, name.len);
    atomic_store_explicit(&slot->number_plus_one, number + 1, memory_order_release);
}

/* The newest table, with room for `count` names in all; NULL without memory. */
static struct known_table *table_with_room(struct known_names *known, size_t count)
{
    struct known_table *const old = atomic_load_explicit(&known->table, memory_order_relaxed);
    const size_t old_count = old ? old->mask + 1 : 0;
    size_t wanted = old ? old_count : SLOT_COUNT_MIN;
    while (wanted / 2 < count)
        wanted *= 2;
    if (wanted == old_count)
        return old;
    struct known_table *const grown = table_new(wanted);
    if (!grown)
        return NULL;
    for (size_t i = 0; i < old_count; i++) {
        const struct known_slot *const slot = &old->slots[i];
        const uint32_t number_plus_one =
            atomic_load_explicit(&slot->number_plus_one, memory_order_relaxed);
        if (number_plus_one != 0)
            place(grown, slot->hash, slice_of(slot->name, slot->len), number_plus_one - 1);
    }
    grown->older = old;
    atomic_store_explicit(&known->table, grown, memory_order_release);
    return grown;
}

void known_names_reserve(struct known_names *known, size_t count)
{
    (void)table_with_room(known, count);
}

bool known_names_add(struct known_names *known, struct slice name, uint32_t number)
{
    if (name.len > KNOWN_NAME_BYTES_MAX || number >= KNOWN_NUMBER_LIMIT)
        return false;
    struct known_table *const table = table_with_room(known, known->count + 1);
    if (!table)
        return false;
    place(table, known_names_hash(known, name), name, number);
    known->count++;
    return true;
}
