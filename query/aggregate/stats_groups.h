/*
 * stats_groups.h - the groups and buckets of one `stats` query, and their accumulators.
 *
 *      (group, bucket) ──hash──▶ entry ──▶ accumulators[entry * metric_count + metric]
 *
 * An entry exists once a shown metric has a value in it. Entries are numbered in
 * the order they appear; accumulators move when entries are added.
 *
 * Life cycle: init -> find* -> sort -> read -> release.
 * Threads:    one at a time.
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
    struct stats_slot *slots; /* owned; open addressing, at most half full */
    size_t slot_count;
    size_t latest; /* the entry found last */
};

void stats_groups_init(struct stats_groups *groups, size_t metric_count);
void stats_groups_release(struct stats_groups *groups);

/* The entry of a group and bucket, added with empty accumulators when new. */
MUST_CHECK enum status stats_groups_find(struct stats_groups *groups, uint32_t group,
                                         int64_t bucket_ms, size_t *entry);

static inline struct accumulator *stats_groups_at(struct stats_groups *groups, size_t entry,
                                                  size_t metric)
{
    return &groups->accumulators[entry * groups->metric_count + metric];
}

/*
 * The entries by name of the group and by bucket: `*order` (the caller's to free with
 * mem_free) holds their numbers. `name_of` gives a group's name.
 */
MUST_CHECK enum status stats_groups_sort(struct stats_groups *groups,
                                         struct slice (*name_of)(const void *context,
                                                                 uint32_t group),
                                         const void *context, uint32_t **order);

#endif
