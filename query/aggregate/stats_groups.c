/*
 * stats_groups.c - entries by group and bucket, and their order at the end.
 *
 * Rows come device by device and within one by time, so most look-ups are for the entry found last
 * in their group, or for a bucket behind all others of the group, which then is new.
 *
 * (1) While `chained`, each group's entries hang together from the newest bucket to the oldest. A
 *     walk that comes past a bucket proves that there is none.
 * (2) A walk gives up after WALK_MAX steps; then all entries are put into a hash table. An entry
 *     that the table does not know is added without a place in its chain, which ends (1) for good.
 *
 * (3) Dense groups have no entries and no chains: what was seen is marked in a byte a group, which
 *     threads can write side by side.
 *
 * For the order, names are sorted once a group; entries are then dealt out to the
 * places of their groups. Within a group they mostly appeared in order of buckets.
 */
#include "query/aggregate/stats_groups.h"

#include "engine/base/mem.h"
#include "engine/name_order/name_order.h"

#include <assert.h>
#include <stdlib.h>

#define SLOTS_MIN ((size_t)64)
#define WALK_MAX  8u
#define NO_ENTRY  UINT32_MAX
#define NO_RANK   UINT32_MAX

void stats_groups_init(struct stats_groups *groups, size_t metric_count, size_t group_count)
{
    *groups = (struct stats_groups){
        .metric_count = metric_count, .group_count = group_count, .chained = true};
}

enum status stats_groups_make_dense(struct stats_groups *groups)
{
    const size_t metrics = groups->metric_count > 0 ? groups->metric_count : 1;
    assert(!groups->accumulators && !groups->seen);
    if (groups->group_count > STATS_DENSE_MAX / metrics)
        return STATUS_OK;
    groups->accumulators =
        mem_alloc_zeroed(groups->group_count * metrics, sizeof *groups->accumulators);
    groups->seen = mem_alloc_zeroed(groups->group_count, sizeof *groups->seen);
    return groups->accumulators && groups->seen ? STATUS_OK : STATUS_NOMEM;
}

void stats_groups_borrow(struct stats_groups *groups, const struct stats_groups *owner)
{
    assert(owner->seen);
    *groups = *owner;
    groups->borrowed = true;
}

void stats_groups_settle(struct stats_groups *groups)
{
    if (!groups->seen)
        return;
    groups->count = 0;
    for (size_t group = 0; group < groups->group_count; group++)
        groups->count += groups->seen[group];
}

void stats_groups_release(struct stats_groups *groups)
{
    if (groups->borrowed)
        return;
    const size_t made = groups->seen ? groups->group_count : groups->count;
    for (size_t i = 0; groups->accumulators && i < made * groups->metric_count; i++)
        accumulator_release(&groups->accumulators[i]);
    mem_free(groups->seen);
    mem_free(groups->entries);
    mem_free(groups->accumulators);
    mem_free(groups->groups);
    mem_free(groups->slots);
    *groups = (struct stats_groups){0};
}

/* --- the hash table ------------------------------------------------------------------------ */

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
    size_t count = groups->slot_count ? groups->slot_count : SLOTS_MIN;
    while (count < 2 * (groups->count + 1))
        count *= 2;
    struct stats_slot *slots = mem_alloc_zeroed(count, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    mem_free(groups->slots);
    groups->slots = slots;
    groups->slot_count = count;
    groups->slotted = 0;
    return STATUS_OK;
}

/* Looks a key up, or NO_ENTRY. Gives slots to the entries that have none yet. */
static enum status look_up(struct stats_groups *groups, uint32_t group, int64_t bucket_ms,
                           uint32_t *entry)
{
    TRY(grow_slots(groups));
    for (; groups->slotted < groups->count; groups->slotted++) {
        const struct stats_entry *added = &groups->entries[groups->slotted];
        const uint32_t hash = key_hash(added->group, added->bucket_ms);
        *find_slot(groups, added->group, added->bucket_ms, hash) =
            (struct stats_slot){.hash = hash, .entry = (uint32_t)groups->slotted + 1};
    }
    *entry = find_slot(groups, group, bucket_ms, key_hash(group, bucket_ms))->entry - 1;
    return STATUS_OK;
}

/* --- finding ------------------------------------------------------------------------------- */

static enum status make_groups(struct stats_groups *groups)
{
    groups->groups = mem_alloc(groups->group_count, sizeof *groups->groups);
    if (!groups->groups)
        return STATUS_NOMEM;
    for (size_t i = 0; i < groups->group_count; i++)
        groups->groups[i] = (struct stats_group){.newest = NO_ENTRY, .latest = NO_ENTRY};
    return STATUS_OK;
}

static enum status add_entry(struct stats_groups *groups, uint32_t group, int64_t bucket_ms,
                             uint32_t older)
{
    const size_t used = groups->count * groups->metric_count;
    if (groups->count >= UINT32_MAX - 1u)
        return STATUS_NOMEM;
    TRY(mem_grow(&groups->entries, &groups->capacity, groups->count + 1, sizeof *groups->entries));
    TRY(mem_grow(&groups->accumulators, &groups->accumulator_capacity, used + groups->metric_count,
                 sizeof *groups->accumulators));
    for (size_t i = 0; i < groups->metric_count; i++)
        groups->accumulators[used + i] = (struct accumulator){0};
    groups->entries[groups->count++] =
        (struct stats_entry){.bucket_ms = bucket_ms, .group = group, .older = older};
    return STATUS_OK;
}

/*
 * Walks the group's chain down to a bucket: *entry is its entry, or NO_ENTRY and *newer the one
 * before its place. False if that took too many steps.
 */
static bool walk_chain(const struct stats_groups *groups, uint32_t group, int64_t bucket_ms,
                       uint32_t *entry, uint32_t *newer)
{
    uint32_t at = groups->groups[group].newest;
    *entry = NO_ENTRY;
    *newer = NO_ENTRY;
    for (uint32_t step = 0; step < WALK_MAX; step++) {
        if (at == NO_ENTRY || groups->entries[at].bucket_ms < bucket_ms)
            return true;
        if (groups->entries[at].bucket_ms == bucket_ms) {
            *entry = at;
            return true;
        }
        *newer = at;
        at = groups->entries[at].older;
    }
    return at == NO_ENTRY;
}

/* Adds the newest entry of a group, or the one behind `newer`. */
static enum status chain_entry(struct stats_groups *groups, uint32_t group, int64_t bucket_ms,
                               uint32_t newer)
{
    const uint32_t older =
        newer == NO_ENTRY ? groups->groups[group].newest : groups->entries[newer].older;
    TRY(add_entry(groups, group, bucket_ms, older));
    if (newer == NO_ENTRY)
        groups->groups[group].newest = (uint32_t)groups->count - 1;
    else
        groups->entries[newer].older = (uint32_t)groups->count - 1;
    return STATUS_OK;
}

static bool is_entry(const struct stats_groups *groups, size_t entry, uint32_t group,
                     int64_t bucket_ms)
{
    return entry < groups->count && groups->entries[entry].bucket_ms == bucket_ms &&
           groups->entries[entry].group == group;
}

/* An entry that is not the one found last. */
static enum status find_entry(struct stats_groups *groups, uint32_t group, int64_t bucket_ms,
                              uint32_t *entry)
{
    uint32_t newer = NO_ENTRY;
    const bool walked = walk_chain(groups, group, bucket_ms, entry, &newer);
    /* Only what was once looked up in vain is in no chain, and never newer than the first. */
    const bool absent = walked && (groups->chained || newer == NO_ENTRY);
    if (*entry == NO_ENTRY && !absent) {
        const size_t behind = (size_t)groups->groups[group].latest + 1;
        if (is_entry(groups, behind, group, bucket_ms))
            *entry = (uint32_t)behind;
        else
            TRY(look_up(groups, group, bucket_ms, entry));
    }
    if (*entry != NO_ENTRY)
        return STATUS_OK;
    if (walked) {
        TRY(chain_entry(groups, group, bucket_ms, newer));
    } else {
        TRY(add_entry(groups, group, bucket_ms, NO_ENTRY));
        groups->chained = false;
    }
    *entry = (uint32_t)groups->count - 1;
    return STATUS_OK;
}

enum status stats_groups_find(struct stats_groups *groups, uint32_t group, int64_t bucket_ms,
                              size_t *entry)
{
    assert(group < groups->group_count);
    if (groups->seen) {
        assert(bucket_ms == 0);
        groups->seen[group] = 1;
        *entry = group;
        return STATUS_OK;
    }
    if (!groups->groups)
        TRY(make_groups(groups));
    uint32_t found = groups->groups[group].latest;
    if (found == NO_ENTRY || groups->entries[found].bucket_ms != bucket_ms) {
        TRY(find_entry(groups, group, bucket_ms, &found));
        groups->groups[group].latest = found;
    }
    *entry = found;
    return STATUS_OK;
}

enum status stats_groups_merge(struct stats_groups *groups, struct stats_groups *from,
                               const struct accumulator_needs *needs)
{
    assert(!groups->seen && !from->seen);
    const size_t count = groups->count + from->count;
    TRY(mem_grow(&groups->entries, &groups->capacity, count, sizeof *groups->entries));
    TRY(mem_grow(&groups->accumulators, &groups->accumulator_capacity, count * groups->metric_count,
                 sizeof *groups->accumulators));
    for (size_t i = 0; i < from->count; i++) {
        size_t entry = 0;
        TRY(stats_groups_find(groups, from->entries[i].group, from->entries[i].bucket_ms, &entry));
        for (size_t metric = 0; metric < groups->metric_count; metric++)
            TRY(accumulator_merge(stats_groups_at(groups, entry, metric),
                                  stats_groups_at(from, i, metric), needs));
    }
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

static enum status group_list_init(struct group_list *list, const struct stats_groups *groups)
{
    list->rank_count = groups->group_count;
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

static void rank_by_order(struct group_list *list, const struct stats_groups *groups,
                          const uint32_t *by_name)
{
    for (size_t i = 0; i < groups->group_count; i++) {
        if (groups->groups[by_name[i]].newest != NO_ENTRY)
            list->ranks[by_name[i]] = list->count++;
    }
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

static void order_dense(const struct stats_groups *groups, const uint32_t *by_name, uint32_t *order)
{
    for (size_t i = 0; i < groups->group_count; i++) {
        if (groups->seen[by_name[i]])
            *order++ = by_name[i];
    }
}

enum status stats_groups_sort(struct stats_groups *groups, const uint32_t *by_name,
                              struct slice (*name_of)(const void *context, uint32_t group),
                              const void *context, uint32_t **order)
{
    *order = mem_alloc(groups->count, sizeof **order);
    if (!*order)
        return STATUS_NOMEM;
    if (groups->count == 0)
        return STATUS_OK;
    if (groups->seen) {
        assert(by_name);
        order_dense(groups, by_name, *order);
        return STATUS_OK;
    }
    OWNED(group_list_release) struct group_list list = {0};
    TRY(group_list_init(&list, groups));
    if (by_name)
        rank_by_order(&list, groups, by_name);
    else
        TRY(rank_groups(&list, groups, name_of, context));
    return order_entries(groups, &list, *order);
}
