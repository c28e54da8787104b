/*
 * alias.h - several names for one metric: what firmwares call temp, Temperature or t is answered
 * as temperature.
 *
 *      temperature=temp,Temperature,t
 *
 * A row's value of `temperature` is the first that it has of temperature, temp, Temperature, t, in
 * this order. Where a metric is asked for, any of the names will do; the answer has the first one.
 *
 * Definitions come from four sources, the stronger first:
 *
 *      --alias                                     repeatable
 *      $MNSDB_ALIASES                              definitions between ';'
 *      $XDG_CONFIG_HOME/mnsdb/query.conf           without it ~/.config/mnsdb/query.conf
 *      /etc/mnsdb/query.conf
 *
 * Definitions of one metric add up within a source; between sources the stronger one stands in for
 * the weaker, and a name that it uses is left out of all weaker ones. A name belongs to one
 * metric: what contradicts that within a source is an error.
 *
 * A name stands bare, without blanks , ; = and ", or in double quotes with \" and \\ inside.
 *
 * Life cycle: zero-initialise -> add* (from the strongest on) -> map_init -> read -> map_release ->
 *             release.
 * Threads:    read-only once made.
 */
#ifndef MNSDB_QUERY_ALIAS_ALIAS_H
#define MNSDB_QUERY_ALIAS_ALIAS_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/snapshot/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALIAS_NAMES_MAX 1024u /* of one metric and of all; metrics likewise */

/* One metric and its other names. */
struct alias {
    struct slice name;   /* in the list's arena, as all that follows */
    struct slice *names; /* owned; without `name`; may be empty once stronger sources took some */
    size_t name_count, name_capacity;
    const char *source;     /* "--alias", "$MNSDB_ALIASES" or the path of a file */
    uint32_t line;          /* of the file, from 1; else 0 */
    uint32_t source_number; /* 0: the strongest */
};

struct alias_list {
    struct alias *items; /* owned; the stronger first */
    size_t count, capacity;
    size_t names_total;
    struct arena arena;
};

/* Where a definition stands. */
struct alias_origin {
    const char *source; /* copied */
    uint32_t line;
    uint32_t source_number;
};

/*
 * Adds "name=other,other..." or several of them between ';'. STATUS_INPUT says what is wrong; the
 * list is then to be released only.
 */
MUST_CHECK enum status alias_list_add(struct alias_list *list, const char *text,
                                      const struct alias_origin *origin, struct error *err);

/* Source numbers of what is read from around the process; --alias is 0. */
#define ALIAS_SOURCE_FLAG        0u
#define ALIAS_SOURCE_ENVIRONMENT 1u
#define ALIAS_SOURCE_USER        2u
#define ALIAS_SOURCE_SYSTEM      3u

/*
 * Adds what $MNSDB_ALIASES and the files define. STATUS_CONFIG names the place and what to do. No
 * file is no error.
 */
MUST_CHECK enum status alias_list_configure(struct alias_list *list, struct error *err);

/* Adds what the bytes of a configuration file define; `path` is for messages. For the above. */
MUST_CHECK enum status alias_list_read(struct alias_list *list, struct slice text, const char *path,
                                       uint32_t source_number, struct error *err);

void alias_list_release(struct alias_list *list);

/* The name under which a metric is answered: `name` itself if it is nobody's other name. */
struct slice alias_list_canonical(const struct alias_list *list, struct slice name);

/* --- over a store -------------------------------------------------------------------------- */

/* A metric with several names in the store. */
struct alias_group {
    struct slice name;       /* the answered one, borrowed from the list */
    uint32_t metric;         /* the number it is answered under: that of its first member */
    const uint32_t *members; /* the store's numbers, in order of precedence */
    uint32_t member_count;   /* at least 1 */
};

/*
 * The store's metrics by what they are answered as. Every metric number stands for a group: most
 * for themselves. Where one is looked for or shown, the number of a group is used; that of another
 * member never appears.
 */
struct alias_map {
    struct alias_group *groups; /* owned; those that differ from the store's names */
    size_t group_count;
    uint32_t *members;     /* owned; of all groups */
    uint32_t *group_of;    /* owned; by metric number: place in `groups`, or ALIAS_NO_GROUP */
    uint32_t metric_count; /* of `group_of`; numbers beyond, as of later commits, have no group */
    bool merges;           /* some group has several members: rows must be put together */
    const struct snapshot *snapshot;
    const struct alias_list *list; /* NULL: no aliases */
};

#define ALIAS_NO_GROUP UINT32_MAX

/* `list` may be NULL. */
MUST_CHECK enum status alias_map_init(struct alias_map *map, const struct alias_list *list,
                                      const struct snapshot *snapshot, struct error *err);
void alias_map_release(struct alias_map *map);

/* The number under which a metric of that name, or other name, is answered; false: never seen. */
bool alias_map_find(const struct alias_map *map, struct slice name, uint32_t *metric);
/* The name under which a metric is answered. */
struct slice alias_map_name(const struct alias_map *map, uint32_t metric);
/* The group of a metric, or NULL: it stands for itself under its own name. */
const struct alias_group *alias_map_group(const struct alias_map *map, uint32_t metric);
/* True if answers have this number: not that of a group's second or later member. */
bool alias_map_is_shown(const struct alias_map *map, uint32_t metric);

#endif
