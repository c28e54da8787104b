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
    struct part_list
        parts[TABLE_COUNT]; /* the last one holds the rows of the commit log, if there are any */
    struct part_memory log_rows[TABLE_COUNT];

    /* Scratch memory. */
    struct part_cursor *cursor;
    struct part_merge *merge;
    struct part_cursor *newest[2]; /* of snapshot_last_row: the best so far and the one on trial */
    uint64_t *one_device;          /* owned; a bit set that is clear between calls */
    size_t one_device_words;
};

static inline struct part_names snapshot_names(const struct snapshot *snapshot, enum table table)
{
    return part_names_of(table, snapshot->devices.count, snapshot->metrics.count);
}

#endif
