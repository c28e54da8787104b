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

struct snapshot {
    char *dir; /* owned */
    struct kv *kv;
    bool kv_borrowed;   /* it is the store's */
    struct kv_txn *txn; /* NULL while paused */
    bool loaded;        /* the fields below are of `state.revision` */
    struct catalogue catalogue;
    struct store_state state;
    struct name_list devices;
    struct name_list metrics;
    struct part_list parts[TABLE_COUNT]; /* the last of each: the commit log's rows, if any */
    struct part_memory log_rows[TABLE_COUNT];

    /* Scratch memory. */
    struct part_cursor *cursor;
    struct part_merge *merge;
};

static inline struct part_names snapshot_names(const struct snapshot *snapshot, enum table table)
{
    return part_names_of(table, snapshot->devices.count, snapshot->metrics.count);
}

#endif
