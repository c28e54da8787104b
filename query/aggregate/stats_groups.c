/*
 * stats_groups.c - a hash table of entries, and their order at the end.
 *
 * Rows come device by device and bucket by bucket, so most look-ups are for the
 * entry found last. A slot keeps the hash beside the entry's number: neither a probe
 * nor a larger table reads entries that are others'.
 *
 * For the order, names are sorted once a group; entries are then dealt out to the
 * places of their groups. Within a group they mostly appeared in order of buckets.
 */
#include "query/aggregate/stats_groups.h"

#include "engine/base/mem.h"
#include "query/name_order/name_order.h"

#include <stdlib.h>

#define SLOTS_MIN ((size_t)64)
#define NO_ENTRY  SIZE_MAX
#define NO_RANK   UINT32_MAX

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

/* Keys are our own numbers, which nobody chooses to collide: mixing is enough. */
static uint32_t key_hash(uint32_t group, int64_t bucket_ms)
{
    uint64_t hash = (uint64_t)bucket_ms * UINT64_C(0x9E3779B97F4A7C15) + group;
    hash = (hash ^ hash >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(hash >> 32);
}

/* The slot of a key, or the free one where it belongs. */
static struct stats_slot *find_slot(const struct stats_groups *groups, uint32_t group,
                                    int64_t bucket_ms, uint32_t hash)
{
    const size_t mask = groups->slot_count - 1;
    for (size_t place = hash & mask;; place = (place + 1) & mask) {
        struct stats_slot *slot = &groups->slots[place];
        if (slot->entry == 0)
            return slot;
        if (slot->hash != hash)
            continue;
        const struct stats_entry *entry = &groups->entries[slot->entry - 1];
        if (entry->group == group && entry->bucket_ms == bucket_ms)
            return slot;
    }
}

static enum status grow_slots(struct stats_groups *groups)
{
    if (groups->slot_count >= 2 * (groups->count + 1))
        return STATUS_OK;
    const size_t count = groups->slot_count ? groups->slot_count * 2 : SLOTS_MIN;
    struct stats_slot *slots = mem_alloc_zeroed(count, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    for (size_t i = 0; i < groups->slot_count; i++) {
        const struct stats_slot slot = groups->slots[i];
        size_t place = slot.hash & (count - 1);
        while (slot.entry != 0 && slots[place].entry != 0)
            place = (place + 1) & (count - 1);
        if (slot.entry != 0)
            slots[place] = slot;
    }
    mem_free(groups->slots);
    groups->slots = slots;
    groups->slot_count = count;
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
    const uint32_t hash = key_hash(group, bucket_ms);
    struct stats_slot *slot = find_slot(groups, group, bucket_ms, hash);
    if (slot->entry == 0) {
        TRY(add_entry(groups, group, bucket_ms));
        *slot = (struct stats_slot){.hash = hash, .entry = (uint32_t)groups->count};
    }
    *entry = slot->entry - 1;
    groups->latest = *entry;
    return STATUS_OK;
}

/* --- order --------------------------------------------------------------------------------- */

/* The groups that have entries, by name. */
struct group_list {
    uint32_t *ranks; /* owned; by group number; of those in the list */
    size_t rank_count;
    uint32_t *numbers;   /* owned */
    struct slice *names; /* owned array of borrowed names */
    uint32_t *order;     /* owned */
    uint32_t count;
};

static void group_list_release(struct group_list *list)
{
    mem_free(list->ranks);
    mem_free(list->numbers);
    mem_free(list->names);
    mem_free(list->order);
}

/* Room for all groups up to the greatest number. */
static enum status group_list_init(struct group_list *list, const struct stats_groups *groups)
{
    uint32_t greatest = 0;
    for (size_t i = 0; i < groups->count; i++)
        greatest = groups->entries[i].group > greatest ? groups->entries[i].group : greatest;
    list->rank_count = (size_t)greatest + 1;
    const size_t most = list->rank_count < groups->count ? list->rank_count : groups->count;
    list->ranks = mem_alloc(list->rank_count, sizeof *list->ranks);
    list->numbers = mem_alloc(most, sizeof *list->numbers);
    list->names = mem_alloc(most, sizeof *list->names);
    list->order = mem_alloc(most, sizeof *list->order);
    return list->ranks && list->numbers && list->names && list->order ? STATUS_OK : STATUS_NOMEM;
}

static enum status rank_groups(struct group_list *list, const struct stats_groups *groups,
                               struct slice (*name_of)(const void *, uint32_t), const void *context)
{
    for (size_t i = 0; i < list->rank_count; i++)
        list->ranks[i] = NO_RANK;
    for (size_t i = 0; i < groups->count; i++) {
        const uint32_t group = groups->entries[i].group;
        if (list->ranks[group] != NO_RANK)
            continue;
        list->ranks[group] = 0;
        list->numbers[list->count] = group;
        list->names[list->count++] = name_of(context, group);
    }
    TRY(name_order(list->names, list->count, list->order));
    for (uint32_t rank = 0; rank < list->count; rank++)
        list->ranks[list->numbers[list->order[rank]]] = rank;
    return STATUS_OK;
}

static int compare_buckets(const void *left, const void *right, void *context)
{
    const struct stats_groups *groups = context;
    const int64_t a = groups->entries[*(const uint32_t *)left].bucket_ms;
    const int64_t b = groups->entries[*(const uint32_t *)right].bucket_ms;
    return (a > b) - (a < b);
}

static void sort_buckets(struct stats_groups *groups, uint32_t *order, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_buckets(&order[i - 1], &order[i], groups) <= 0)
            continue;
        qsort_r(order, count, sizeof *order, compare_buckets, groups);
        return;
    }
}

/* Deals the entries out to the places of their groups, then puts each group's in order. */
static enum status order_entries(struct stats_groups *groups, const struct group_list *list,
                                 uint32_t *order)
{
    OWNED(mem_free_owned)
    size_t *ends = mem_alloc_zeroed((size_t)list->count + 1, sizeof *ends);
    if (!ends)
        return STATUS_NOMEM;
    for (size_t i = 0; i < groups->count; i++)
        ends[list->ranks[groups->entries[i].group] + 1]++;
    for (uint32_t rank = 0; rank < list->count; rank++)
        ends[rank + 1] += ends[rank]; // so far where each group begins
    for (size_t i = 0; i < groups->count; i++)
        order[ends[list->ranks[groups->entries[i].group]]++] = (uint32_t)i;
    for (uint32_t rank = 0; rank < list->count; rank++) {
        const size_t start = rank > 0 ? ends[rank - 1] : 0;
        sort_buckets(groups, order + start, ends[rank] - start);
    }
    return STATUS_OK;
}

enum status stats_groups_sort(struct stats_groups *groups,
                              struct slice (*name_of)(const void *context, uint32_t group),
                              const void *context, uint32_t **order)
{
    *order = mem_alloc(groups->count, sizeof **order);
    if (!*order)
        return STATUS_NOMEM;
    if (groups->count == 0)
        return STATUS_OK;
    OWNED(group_list_release) struct group_list list = {0};
    TRY(group_list_init(&list, groups));
    TRY(rank_groups(&list, groups, name_of, context));
    return order_entries(groups, &list, *order);
}
