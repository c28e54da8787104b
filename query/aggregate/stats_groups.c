/*
 * stats_groups.c - a hash table of entries, and their order at the end.
 *
 * Rows come device by device and bucket by bucket, so most look-ups are for the
 * entry found last. For the order, names are compared once a group, not once an entry.
 */
#include "query/aggregate/stats_groups.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define SLOTS_MIN ((size_t)64)
#define HASH_SEED 0x73746174u
#define NO_ENTRY  SIZE_MAX

void stats_groups_init(struct stats_groups *groups, size_t metric_count)
{
    *groups = (struct stats_groups){.metric_count = metric_count, .latest = NO_ENTRY};
}

void stats_groups_release(struct stats_groups *groups)
{
    for (size_t i = 0; i < groups->count * groups->metric_count; i++)
        accumulator_release(&groups->accumulators[i]);
    mem_free(groups->entries);
    mem_free(groups->accumulators);
    mem_free(groups->slots);
    *groups = (struct stats_groups){0};
}

static size_t slot_of(const struct stats_groups *groups, uint32_t group, int64_t bucket_ms)
{
    const uint64_t key[2] = {group, (uint64_t)bucket_ms};
    const size_t mask = groups->slot_count - 1;
    size_t slot = (size_t)bytes_hash(key, sizeof key, HASH_SEED) & mask;
    while (groups->slots[slot] != 0) {
        const struct stats_entry *entry = &groups->entries[groups->slots[slot] - 1];
        if (entry->group == group && entry->bucket_ms == bucket_ms)
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

static enum status grow_slots(struct stats_groups *groups)
{
    if (groups->slot_count >= 2 * (groups->count + 1))
        return STATUS_OK;
    const size_t count = groups->slot_count ? groups->slot_count * 2 : SLOTS_MIN;
    uint32_t *slots = mem_alloc_zeroed(count, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    mem_free(groups->slots);
    groups->slots = slots;
    groups->slot_count = count;
    for (size_t i = 0; i < groups->count; i++) {
        const struct stats_entry *entry = &groups->entries[i];
        slots[slot_of(groups, entry->group, entry->bucket_ms)] = (uint32_t)i + 1;
    }
    return STATUS_OK;
}

static enum status add_entry(struct stats_groups *groups, uint32_t group, int64_t bucket_ms)
{
    const size_t used = groups->count * groups->metric_count;
    if (groups->count >= UINT32_MAX - 1u)
        return STATUS_NOMEM;
    TRY(mem_grow(&groups->entries, &groups->capacity, groups->count + 1, sizeof *groups->entries));
    TRY(mem_grow(&groups->accumulators, &groups->accumulator_capacity, used + groups->metric_count,
                 sizeof *groups->accumulators));
    for (size_t i = 0; i < groups->metric_count; i++)
        groups->accumulators[used + i] = (struct accumulator){0};
    groups->entries[groups->count++] = (struct stats_entry){.bucket_ms = bucket_ms, .group = group};
    return STATUS_OK;
}

enum status stats_groups_find(struct stats_groups *groups, uint32_t group, int64_t bucket_ms,
                              size_t *entry)
{
    const size_t latest = groups->latest;
    if (latest != NO_ENTRY && groups->entries[latest].group == group &&
        groups->entries[latest].bucket_ms == bucket_ms) {
        *entry = latest;
        return STATUS_OK;
    }
    TRY(grow_slots(groups));
    const size_t slot = slot_of(groups, group, bucket_ms);
    if (groups->slots[slot] == 0) {
        TRY(add_entry(groups, group, bucket_ms));
        groups->slots[slot] = (uint32_t)groups->count;
    }
    *entry = groups->slots[slot] - 1;
    groups->latest = *entry;
    return STATUS_OK;
}

/* --- order --------------------------------------------------------------------------------- */

struct named_group {
    struct slice name;
    uint32_t group;
};

static int compare_names(const void *left, const void *right)
{
    const struct named_group *a = left;
    const struct named_group *b = right;
    return slice_compare(a->name, b->name);
}

static int compare_groups(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* The groups that have entries, each once, ascending by number. */
static enum status list_groups(const struct stats_groups *groups, uint32_t **list, size_t *count)
{
    *list = mem_alloc(groups->count, sizeof **list);
    if (!*list)
        return STATUS_NOMEM;
    size_t used = 0;
    for (size_t i = 0; i < groups->count; i++) {
        const uint32_t group = groups->entries[i].group;
        if (used == 0 || (*list)[used - 1] != group)
            (*list)[used++] = group;
    }
    qsort(*list, used, sizeof **list, compare_groups);
    *count = 0;
    for (size_t i = 0; i < used; i++) {
        if (*count == 0 || (*list)[*count - 1] != (*list)[i])
            (*list)[(*count)++] = (*list)[i];
    }
    return STATUS_OK;
}

/* Ranks by name, for each of the ascending `list`. */
static enum status rank_groups(const uint32_t *list, size_t count,
                               struct slice (*name_of)(const void *, uint32_t), const void *context,
                               uint32_t *ranks)
{
    OWNED(mem_free_owned) struct named_group *named = mem_alloc(count, sizeof *named);
    if (!named)
        return STATUS_NOMEM;
    for (size_t i = 0; i < count; i++)
        named[i] = (struct named_group){name_of(context, list[i]), (uint32_t)i};
    qsort(named, count, sizeof *named, compare_names);
    for (size_t i = 0; i < count; i++)
        ranks[named[i].group] = (uint32_t)i;
    return STATUS_OK;
}

static enum status set_ranks(struct stats_groups *groups,
                             struct slice (*name_of)(const void *, uint32_t), const void *context)
{
    OWNED(mem_free_owned) uint32_t *list = NULL;
    size_t count = 0;
    TRY(list_groups(groups, &list, &count));
    OWNED(mem_free_owned) uint32_t *ranks = mem_alloc(count, sizeof *ranks);
    if (!ranks)
        return STATUS_NOMEM;
    TRY(rank_groups(list, count, name_of, context, ranks));
    for (size_t i = 0; i < groups->count; i++) {
        const uint32_t *found =
            bsearch(&groups->entries[i].group, list, count, sizeof *list, compare_groups);
        assert(found);
        groups->entries[i].rank = found ? ranks[found - list] : 0;
    }
    return STATUS_OK;
}

static int compare_entries(const void *left, const void *right, void *context)
{
    const struct stats_groups *groups = context;
    const struct stats_entry *a = &groups->entries[*(const uint32_t *)left];
    const struct stats_entry *b = &groups->entries[*(const uint32_t *)right];
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->bucket_ms > b->bucket_ms) - (a->bucket_ms < b->bucket_ms);
}

enum status stats_groups_sort(struct stats_groups *groups,
                              struct slice (*name_of)(const void *context, uint32_t group),
                              const void *context, uint32_t **order)
{
    *order = mem_alloc(groups->count, sizeof **order);
    if (!*order)
        return STATUS_NOMEM;
    for (size_t i = 0; i < groups->count; i++)
        (*order)[i] = (uint32_t)i;
    if (groups->count < 2)
        return STATUS_OK;
    TRY(set_ranks(groups, name_of, context));
    qsort_r(*order, groups->count, sizeof **order, compare_entries, groups);
    return STATUS_OK;
}
