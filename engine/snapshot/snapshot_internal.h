/*
 * snapshot_internal.h - what a reader keeps in memory; for engine/snapshot only.
 */
#ifndef MNSDB_ENGINE_SNAPSHOT_SNAPSHOT_INTERNAL_H
#define MNSDB_ENGINE_SNAPSHOT_SNAPSHOT_INTERNAL_H

#include "engine/catalogue/catalogue.h"
#include "engine/dictionary/dictionary.h"
#include "engine/kv/kv.h"
#include "engine/log/log.h"
#include "engine/part/part.h"
#include "engine/snapshot/snapshot.h"

/* Names of devices, as far as they were asked for; see name_cache.c. */
struct name_cache;

MUST_CHECK enum status name_cache_new(struct name_cache **cache);
void name_cache_clear(struct name_cache *cache);
void name_cache_free(struct name_cache *cache); /* NULL is fine */

struct snapshot {
    char *dir; /* owned */
    struct kv *kv;
    bool kv_borrowed;   /* it is the store's */
    struct kv_txn *txn; /* NULL while paused */
    bool loaded;        /* the fields below are of `state.revision` */
    struct catalogue catalogue;
    struct store_state state;
    uint32_t device_count;
    struct name_cache *names; /* owned; of the devices */
    struct name_list metrics;
    struct part_list parts[TABLE_COUNT]; /* the last of each: the commit log's rows, if any */
    struct part_memory log_rows[TABLE_COUNT];

    uint32_t thread_count; /* for shared scans; 0: as many as there are processors */

    /* Scratch memory. */
    struct part_cursor *cursor;
    struct part_merge *merge;
};

/* One scan under way. */
struct scan {
    struct snapshot *snapshot;
    const struct scan_spec *spec;
    const struct scan_visitor *visitor;
    struct scan_statistics *statistics;
    struct part_filter filter;
    struct kv_txn *txn;
    struct part_cursor *cursor;
};

struct part_filter scan_filter_of(const struct snapshot *snapshot, const struct scan_spec *spec);
/* False if no row of the part can be in range. */
bool part_may_match(const struct part_filter *filter, const struct part *part);

/* What is left of a part when all that spares reading its blocks was offered. */
struct part_rest {
    const struct part *part; /* NULL: nothing */
    bool has_taken;          /* slices answered for a time: its rows are left out */
    int64_t taken_from_ms;   /* inclusive, both */
    int64_t taken_last_ms;
};

/* Offers what is known of a part without its blocks. */
MUST_CHECK enum status scan_offer_part(const struct scan *scan, const struct part *part,
                                       struct part_rest *rest, struct error *err);
/* Reads the rest block by block. */
MUST_CHECK enum status scan_rest(const struct scan *scan, const struct part_rest *rest,
                                 struct error *err);

static inline struct part_names snapshot_names(const struct snapshot *snapshot, enum table table)
{
    return part_names_of(table, snapshot->device_count, snapshot->metrics.count);
}

#endif
