/*
 * alias_map.c - the aliases over the metrics of one store.
 *
 *      list    temperature = temp, t              store   0 humidity  1 temp  2 temperature
 *      group   "temperature": metric 2, members 2 1
 *      group_of    0: none   1: the group   2: the group
 *
 * A group has a number among the store's own, so that whatever is kept by metric number needs no
 * more room. The name of the group need not be in the store: then its first member's number is
 * its number all the same.
 */
#include "query/alias/alias.h"

#include "engine/base/mem.h"

#include <assert.h>

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the aliases");
}

/* Adds what the store has of an alias; `*member_count` members of all groups so far. */
static void add_group(struct alias_map *map, const struct alias *alias, size_t *member_count)
{
    struct alias_group group = {.name = alias->name, .members = map->members + *member_count};
    for (size_t i = 0; i <= alias->name_count; i++) {
        const struct slice name = i == 0 ? alias->name : alias->names[i - 1];
        uint32_t metric = 0;
        if (snapshot_find_metric(map->snapshot, name, &metric)) {
            map->members[(*member_count)++] = metric;
            group.member_count++;
        }
    }
    if (group.member_count == 0)
        return;
    group.metric = group.members[0];
    for (uint32_t i = 0; i < group.member_count; i++)
        map->group_of[group.members[i]] = (uint32_t)map->group_count;
    map->merges = map->merges || group.member_count > 1;
    map->groups[map->group_count++] = group;
}

enum status alias_map_init(struct alias_map *map, const struct alias_list *list,
                           const struct snapshot *snapshot, struct error *err)
{
    *map = (struct alias_map){.snapshot = snapshot, .list = list};
    if (!list || list->count == 0)
        return STATUS_OK;
    const uint32_t known = snapshot_metric_count(snapshot);
    map->groups = mem_alloc(list->count, sizeof *map->groups);
    map->members = mem_alloc(list->names_total + list->count, sizeof *map->members);
    map->group_of = mem_alloc(known, sizeof *map->group_of);
    if (!map->groups || !map->members || !map->group_of) {
        alias_map_release(map);
        return no_memory(err);
    }
    for (uint32_t metric = 0; metric < known; metric++)
        map->group_of[metric] = ALIAS_NO_GROUP;
    map->metric_count = known;
    size_t member_count = 0;
    for (size_t i = 0; i < list->count; i++)
        add_group(map, &list->items[i], &member_count);
    return STATUS_OK;
}

void alias_map_release(struct alias_map *map)
{
    mem_free(map->groups);
    mem_free(map->members);
    mem_free(map->group_of);
    *map = (struct alias_map){0};
}

const struct alias_group *alias_map_group(const struct alias_map *map, uint32_t metric)
{
    if (metric >= map->metric_count || map->group_of[metric] == ALIAS_NO_GROUP)
        return NULL;
    return &map->groups[map->group_of[metric]];
}

bool alias_map_find(const struct alias_map *map, struct slice name, uint32_t *metric)
{
    const struct slice answered = map->list ? alias_list_canonical(map->list, name) : name;
    for (size_t i = 0; i < map->group_count; i++) {
        if (slice_equal(map->groups[i].name, answered)) {
            *metric = map->groups[i].metric;
            return true;
        }
    }
    return snapshot_find_metric(map->snapshot, name, metric);
}

struct slice alias_map_name(const struct alias_map *map, uint32_t metric)
{
    const struct alias_group *group = alias_map_group(map, metric);
    return group ? group->name : snapshot_metric_name(map->snapshot, metric);
}

bool alias_map_is_shown(const struct alias_map *map, uint32_t metric)
{
    const struct alias_group *group = alias_map_group(map, metric);
    return !group || group->metric == metric;
}
