/*
 * stats_groups.h - the groups and buckets of one `stats` query, and their accumulators.
 *
 *      group ──▶ newest bucket ──▶ older ──▶ older ...     entries
 *                 └─▶ accumulators[entry * metric_count + metric]
 *
 * An entry exists once a shown metric has a value in it. Entries are numbered in
 * the order they appear; accumulators move when entries are added.
 *
 * Groups may be dense, if there are no buckets and most groups will have values: then the entry of
 * each group has the group's number and its accumulators wait for it. Nothing is looked up, grows
 * or moves, and several threads may fill the same groups.
 *
 * Life cycle: init -> (make_dense) -> find* -> settle -> sort -> read -> release.
 * Threads:    one at a time; dense groups: one for each group.
 */
#ifndef MNSDB_QUERY_AGGREGATE_STATS_GROUPS_H
#define MNSDB_QUERY_AGGREGATE_STATS_GROUPS_H

#include "engine/base/error.h"
#include "query/aggregate/accumulator.h"

#include <stddef.h>
#include <stdint.h>

struct stats_entry {
    int64_t bucket_ms; /* its start; 0 without buckets */
    uint32_t group;    /* a device or product number; 0 without groups */
    uint32_t older;    /* the group's entry of the next earlier bucket; NO_ENTRY: none */
};

/* Where a group's entries begin. */
struct stats_group {
    uint32_t newest; /* NO_ENTRY: it has none */
    uint32_t latest; /* the entry found last */
};

struct stats_slot {
    uint32_t hash;
    uint32_t entry; /* plus 1; 0: free */
};

struct stats_groups {
    struct stats_entry *entries; /* owned */
    size_t count, capacity;
    struct accumulator *accumulators; /* owned; metric_count an entry */
    size_t accumulator_capacity;
    size_t metric_count;
    struct stats_group *groups; /* owned; by number; NULL until the first entry */
    size_t group_count;
    uint8_t *seen;            /* owned; by group: 1 if it has values; not NULL: dense */
    bool borrowed;            /* accumulators and `seen` are another's */
    bool chained;             /* the chains hold all entries */
    struct stats_slot *slots; /* owned; open addressing, at most half full; NULL: not needed yet */
    size_t slot_count;
    size_t slotted; /* entries before this one have slots */
};

void stats_groups_init(struct stats_groups *groups, size_t metric_count, size_t group_count);
void stats_groups_release(struct stats_groups *groups);

#define STATS_DENSE_MAX ((size_t)1 << 20) /* accumulators: 64 MiB */

/* Makes empty groups dense; those that would be too large stay as they are. */
MUST_CHECK enum status stats_groups_make_dense(struct stats_groups *groups);
/* `groups` becomes another name of `owner`, for a thread of its own; it need not be released. */
void stats_groups_borrow(struct stats_groups *groups, const struct stats_groups *owner);

/* The entry of a group and bucket, added with empty accumulators when new. */
MUST_CHECK enum status stats_groups_find(struct stats_groups *groups, uint32_t group,
                                         int64_t bucket_ms, size_t *entry);

/* Moves what `from` has into `groups`: see accumulator_merge. */
MUST_CHECK enum status stats_groups_merge(struct stats_groups *groups, struct stats_groups *from,
                                          const struct accumulator_needs *needs);

static inline struct accumulator *stats_groups_at(struct stats_groups *groups, size_t entry,
                                                  size_t metric)
{
    return &groups->accumulators[entry * groups->metric_count + metric];
}

/* Makes `count` that of the entries: before they are read. */
void stats_groups_settle(struct stats_groups *groups);

/* Of an entry: what it stands for. */
static inline uint32_t stats_groups_group(const struct stats_groups *groups, uint32_t entry)
{
    return groups->seen ? entry : groups->entries[entry].group;
}

static inline int64_t stats_groups_bucket_ms(const struct stats_groups *groups, uint32_t entry)
{
    return groups->seen ? 0 : groups->entries[entry].bucket_ms;
}

/*
 * The entries by name of the group and by bucket: `*order` (the caller's to free with
 * mem_free) holds their numbers. `by_name` has all group numbers in order of their names; if it is
 * NULL, `name_of` gives a group's name. Dense groups need `by_name` (asserted).
 */
MUST_CHECK enum status stats_groups_sort(struct stats_groups *groups, const uint32_t *by_name,
                                         struct slice (*name_of)(const void *context,
                                                                 uint32_t group),
                                         const void *context, uint32_t **order);

#endif
