/*
 * name_cache.c - which devices have a name, and their order by name: found once a revision.
 *
 * The first search for a name walks over all names: for one question that costs less than
 * anything that would make it faster. Whoever asks again gets a hash table:
 *
 *      key of a device    what stands behind the first '/' of its name; without one, the name
 *      heads[hash]  ──▶ device ──nexts──▶ device ──▶ ...
 *
 * Threads: as the snapshot.
 */
#include "engine/snapshot/snapshot_internal.h"

#include "engine/base/mem.h"
#include "engine/name_order/name_order.h"

#include <assert.h>
#include <string.h>

#define NO_DEVICE      UINT32_MAX
#define NAME_HASH_SEED UINT64_C(0x6e616d6563616368)
#define HEADS_MIN      ((size_t)64)

struct name_cache {
    uint32_t *order; /* owned, as all below; NULL: not asked for yet */
    uint32_t *heads; /* by hash; NULL: not asked for often enough */
    uint32_t *nexts; /* by device */
    size_t head_count;
    uint32_t searches;
};

enum status name_cache_new(struct name_cache **cache)
{
    *cache = mem_alloc_zeroed(1, sizeof **cache);
    return *cache ? STATUS_OK : STATUS_NOMEM;
}

void name_cache_clear(struct name_cache *cache)
{
    mem_free(cache->order);
    mem_free(cache->heads);
    mem_free(cache->nexts);
    *cache = (struct name_cache){0};
}

void name_cache_free(struct name_cache *cache)
{
    if (!cache)
        return;
    name_cache_clear(cache);
    mem_free(cache);
}

const uint32_t *snapshot_device_order(const struct snapshot *snapshot)
{
    struct name_cache *const cache = snapshot->names;
    if (cache->order)
        return cache->order;
    const uint32_t count = (uint32_t)snapshot->devices.count;
    uint32_t *order = mem_alloc(count, sizeof *order);
    if (order && name_order(snapshot->devices.names, count, order) == STATUS_OK)
        cache->order = order;
    else
        mem_free(order);
    return cache->order;
}

/* What stands behind the first '/'; all of it if there is none. */
static struct slice name_key(struct slice name)
{
    const uint8_t *slash = name.len > 0 ? memchr(name.data, '/', name.len) : NULL;
    const size_t skipped = slash ? (size_t)(slash - name.data) + 1 : 0;
    return slice_of(name.data + skipped, name.len - skipped);
}

static uint32_t *head_of(const struct name_cache *cache, struct slice key)
{
    const uint64_t hash = bytes_hash(key.data, key.len, NAME_HASH_SEED);
    return &cache->heads[hash & (cache->head_count - 1)];
}

static enum status index_names(struct name_cache *cache, const struct name_list *devices)
{
    cache->head_count = HEADS_MIN;
    while (cache->head_count < devices->count)
        cache->head_count *= 2;
    uint32_t *heads = mem_alloc(cache->head_count, sizeof *heads);
    uint32_t *nexts = mem_alloc(devices->count, sizeof *nexts);
    if (!heads || !nexts) {
        mem_free(heads);
        mem_free(nexts);
        return STATUS_NOMEM;
    }
    cache->heads = heads;
    cache->nexts = nexts;
    for (size_t i = 0; i < cache->head_count; i++)
        heads[i] = NO_DEVICE;
    for (size_t device = 0; device < devices->count; device++) {
        uint32_t *head = head_of(cache, name_key(devices->names[device]));
        nexts[device] = *head;
        *head = (uint32_t)device;
    }
    return STATUS_OK;
}

/* Cheap to refuse: compares whole names, or what stands behind the slash, of the same length. */
static void mark_if_named(const struct snapshot *snapshot, uint32_t device, struct slice name,
                          uint64_t *bits)
{
    const struct slice full = snapshot->devices.names[device];
    if (full.len < name.len ||
        !slice_equal(slice_of(full.data + (full.len - name.len), name.len), name))
        return;
    if (full.len == name.len || name_key(full).len == name.len)
        bits[device / 64] |= UINT64_C(1) << (device % 64);
}

static void mark_chain(const struct snapshot *snapshot, struct slice key, struct slice name,
                       uint64_t *bits)
{
    const struct name_cache *cache = snapshot->names;
    for (uint32_t device = *head_of(cache, key); device != NO_DEVICE; device = cache->nexts[device])
        mark_if_named(snapshot, device, name, bits);
}

enum status snapshot_mark_devices(const struct snapshot *snapshot, struct slice name,
                                  uint64_t *bits)
{
    struct name_cache *const cache = snapshot->names;
    if (cache->searches++ > 0 && !cache->heads)
        TRY(index_names(cache, &snapshot->devices));
    if (!cache->heads) {
        for (uint32_t device = 0; device < snapshot->devices.count; device++)
            mark_if_named(snapshot, device, name, bits);
        return STATUS_OK;
    }
    mark_chain(snapshot, name, name, bits);
    mark_chain(snapshot, name_key(name), name, bits);
    return STATUS_OK;
}
