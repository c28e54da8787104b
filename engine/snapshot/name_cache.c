/*
 * name_cache.c - names of devices: read when asked for, ordered, looked up. Once a revision.
 *
 * The first search for a name goes through all that the store has and keeps those it finds: for
 * one question that costs less than anything that would make it faster. Whoever asks again gets
 * all names and a hash table of them:
 *
 *      key of a device    what stands behind the first '/' of its name; without one, the name
 *      heads[hash]  ──▶ device ──nexts──▶ device ──▶ ...
 *
 * (1) A device has one place for its name, from the first name kept until the revision ends. When
 *     all are read, those kept before stay where they are: somebody may hold them.
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
    struct name_list all; /* if `has_all` */
    struct slice *names;  /* by device; of `all`, else `few` */
    struct slice *few;    /* owned, as all below; a name without data was not read */
    struct arena few_bytes;
    bool has_all;
    uint32_t *order; /* NULL: not asked for yet */
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
    name_list_release(&cache->all);
    mem_free(cache->few);
    arena_release(&cache->few_bytes);
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

static enum status no_memory(const struct snapshot *snapshot, struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the names of the store %s", snapshot->dir);
}

/* --- reading ------------------------------------------------------------------------------- */

enum status snapshot_read_names(const struct snapshot *snapshot, struct error *err)
{
    struct name_cache *const cache = snapshot->names;
    if (cache->has_all)
        return STATUS_OK;
    assert(snapshot->txn);
    const enum status status =
        name_list_load(&cache->all, snapshot->txn, KEY_DEVICES, snapshot->device_count, err);
    if (status != STATUS_OK) {
        error_add_context(err, "store %s", snapshot->dir);
        return status;
    }
    cache->names = cache->all.names;
    cache->has_all = true;
    return STATUS_OK;
}

uint32_t snapshot_device_count(const struct snapshot *snapshot)
{
    return snapshot->device_count;
}

struct slice snapshot_device_name(const struct snapshot *snapshot, uint32_t device)
{
    const struct name_cache *const cache = snapshot->names;
    assert(device < snapshot->device_count);
    assert(cache->names && cache->names[device].data);
    return cache->names[device];
}

void snapshot_fetch_device_name(const struct snapshot *snapshot, uint32_t device)
{
    assert(device < snapshot->device_count && snapshot->names->names);
    __builtin_prefetch(&snapshot->names->names[device]);
}

/* --- order --------------------------------------------------------------------------------- */

enum status snapshot_device_order(const struct snapshot *snapshot, const uint32_t **order,
                                  struct error *err)
{
    struct name_cache *const cache = snapshot->names;
    const uint32_t count = snapshot->device_count;
    TRY(snapshot_read_names(snapshot, err));
    if (!cache->order) {
        OWNED(mem_free_owned) uint32_t *made = mem_alloc(count, sizeof *made);
        if (!made || name_order(cache->names, count, made) != STATUS_OK)
            return no_memory(snapshot, err);
        cache->order = made;
        made = NULL;
    }
    *order = cache->order;
    return STATUS_OK;
}

/* --- looking up ---------------------------------------------------------------------------- */

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

static enum status index_names(const struct snapshot *snapshot, struct error *err)
{
    struct name_cache *const cache = snapshot->names;
    TRY(snapshot_read_names(snapshot, err));
    cache->head_count = HEADS_MIN;
    while (cache->head_count < snapshot->device_count)
        cache->head_count *= 2;
    uint32_t *heads = mem_alloc(cache->head_count, sizeof *heads);
    uint32_t *nexts = mem_alloc(snapshot->device_count, sizeof *nexts);
    if (!heads || !nexts) {
        mem_free(heads);
        mem_free(nexts);
        return no_memory(snapshot, err);
    }
    cache->heads = heads;
    cache->nexts = nexts;
    for (size_t i = 0; i < cache->head_count; i++)
        heads[i] = NO_DEVICE;
    for (uint32_t device = 0; device < snapshot->device_count; device++) {
        uint32_t *head = head_of(cache, name_key(cache->names[device]));
        nexts[device] = *head;
        *head = device;
    }
    return STATUS_OK;
}

/* Whether it is called so as a whole or behind the slash; `full` ends so. */
static bool is_named(struct slice full, struct slice name)
{
    return full.len == name.len || name_key(full).len == name.len;
}

static void mark(uint64_t *bits, uint32_t device)
{
    bits[device / 64] |= UINT64_C(1) << (device % 64);
}

/* Cheap to refuse: compares the end alone, where devices differ. */
static void mark_if_named(const struct name_cache *cache, uint32_t device, struct slice name,
                          uint64_t *bits)
{
    const struct slice full = cache->names[device];
    if (full.len >= name.len &&
        slice_equal(slice_of(full.data + (full.len - name.len), name.len), name) &&
        is_named(full, name))
        mark(bits, device);
}

static void mark_chain(const struct name_cache *cache, struct slice key, struct slice name,
                       uint64_t *bits)
{
    for (uint32_t device = *head_of(cache, key); device != NO_DEVICE; device = cache->nexts[device])
        mark_if_named(cache, device, name, bits);
}

/* The first search, in the store. */
struct first_search {
    const struct snapshot *snapshot;
    struct slice name;
    uint64_t *bits;
};

static enum status keep_name(const struct snapshot *snapshot, uint32_t device, struct slice name,
                             struct error *err)
{
    struct name_cache *const cache = snapshot->names;
    if (!cache->few) {
        cache->few = mem_alloc_zeroed(snapshot->device_count, sizeof *cache->few);
        cache->names = cache->few;
    }
    const struct slice copy = cache->few ? arena_copy(&cache->few_bytes, name) : (struct slice){0};
    if (!copy.data)
        return no_memory(snapshot, err);
    cache->few[device] = copy;
    return STATUS_OK;
}

static enum status take_found(void *context, uint32_t device, struct slice full, struct error *err)
{
    const struct first_search *const search = context;
    if (!is_named(full, search->name) || device >= search->snapshot->device_count)
        return STATUS_OK; // with more names than devices, the search fails in the end
    mark(search->bits, device);
    return keep_name(search->snapshot, device, full, err);
}

static enum status search_store(struct first_search *first, struct error *err)
{
    const struct snapshot *const snapshot = first->snapshot;
    const struct name_search search = {
        .ending = first->name, .context = first, .found = take_found};
    assert(snapshot->txn);
    const enum status status =
        dictionary_search(snapshot->txn, KEY_DEVICES, snapshot->device_count, &search, err);
    if (status != STATUS_OK)
        error_add_context(err, "store %s", snapshot->dir);
    return status;
}

enum status snapshot_mark_devices(const struct snapshot *snapshot, struct slice name,
                                  uint64_t *bits, struct error *err)
{
    struct name_cache *const cache = snapshot->names;
    struct first_search first = {.snapshot = snapshot, .name = name, .bits = bits};
    const bool is_first = cache->searches++ == 0;
    if (is_first && !cache->has_all)
        return search_store(&first, err);
    if (!is_first && !cache->heads)
        TRY(index_names(snapshot, err));
    for (uint32_t device = 0; is_first && device < snapshot->device_count; device++)
        mark_if_named(cache, device, name, bits);
    if (!is_first) {
        mark_chain(cache, name, name, bits);
        mark_chain(cache, name_key(name), name, bits);
    }
    return STATUS_OK;
}
