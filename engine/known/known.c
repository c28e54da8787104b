/*
 * known.c - adding names while others look them up.
 *
 * (1) A slot is filled before its number is set, with release order; whoever reads the number
 *     with acquire order sees the rest. A filled slot never changes.
 * (2) A table that became half full is copied into a larger one, which is then made the newest.
 *     Older ones stay until the release: all together they are smaller than the newest.
 * (3) Names are added under the lock, and looked for once more under it: a name has one number,
 *     however many threads meet it at the same time.
 */
#include "engine/known/known.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <string.h>

#define SLOT_COUNT_MIN ((size_t)64)
#define SLOT_ALIGNMENT ((uintptr_t)64)
/* Tables below this grow to four times their size, so that fewer are filled and left. */
#define SLOT_COUNT_LARGE ((size_t)1 << 18)

_Static_assert(sizeof(struct known_slot) == 64, "one cache line a slot");
_Static_assert(KNOWN_NAMES_MAX <= KNOWN_NUMBER_LIMIT, "all numbers are below the limit");

void known_names_init(struct known_names *known)
{
    atomic_init(&known->table, NULL);
    atomic_init(&known->count, 0);
    known->seed = hash_seed_random();
    (void)pthread_mutex_init(&known->lock, NULL);
    known->names = NULL;
    known->name_capacity = 0;
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
    mem_free(known->names);
    (void)pthread_mutex_destroy(&known->lock);
    atomic_init(&known->table, NULL);
    atomic_init(&known->count, 0);
    known->names = NULL;
    known->name_capacity = 0;
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

/* The slot that is filled then; there is a free one. */
static const struct known_slot *place(struct known_table *table, uint64_t hash, struct slice name,
                                      uint32_t number)
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
    return slot;
}

/* With the lock held: the newest table, with room for `count` names in all; NULL without memory. */
static struct known_table *table_with_room(struct known_names *known, size_t count)
{
    struct known_table *const old = atomic_load_explicit(&known->table, memory_order_relaxed);
    const size_t old_count = old ? old->mask + 1 : 0;
    size_t wanted = old ? old_count : SLOT_COUNT_MIN;
    while (wanted / 2 < count)
        wanted *= wanted < SLOT_COUNT_LARGE ? 4 : 2;
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
            (void)place(grown, slot->hash, slice_of(slot->name, slot->len), number_plus_one - 1);
    }
    grown->older = old;
    atomic_store_explicit(&known->table, grown, memory_order_release);
    return grown;
}

void known_names_reserve(struct known_names *known, size_t count)
{
    (void)pthread_mutex_lock(&known->lock);
    (void)table_with_room(known, count < KNOWN_NAMES_MAX ? count : KNOWN_NAMES_MAX);
    (void)pthread_mutex_unlock(&known->lock);
}

/* With the lock held, a name that is not known. */
static bool add_new(struct known_names *known, uint64_t hash, struct slice name, uint32_t *number)
{
    const size_t count = atomic_load_explicit(&known->count, memory_order_relaxed);
    if (count >= KNOWN_NAMES_MAX || mem_grow(&known->names, &known->name_capacity, count + 1,
                                             sizeof *known->names) != STATUS_OK)
        return false;
    struct known_table *const table = table_with_room(known, count + 1);
    if (!table)
        return false;
    *number = (uint32_t)count;
    /* Counted first: whoever finds the number finds it below the count. */
    atomic_store_explicit(&known->count, count + 1, memory_order_release);
    const struct known_slot *const slot = place(table, hash, name, *number);
    known->names[count] = slice_of(slot->name, slot->len);
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

struct slice known_names_name(struct known_names *known, uint32_t number)
{
    (void)pthread_mutex_lock(&known->lock);
    assert(number < atomic_load_explicit(&known->count, memory_order_relaxed));
    const struct slice name = known->names[number];
    (void)pthread_mutex_unlock(&known->lock);
    return name;
}
