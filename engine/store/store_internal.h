/*
 * store_internal.h - the writer's memory; for engine/store only.
 *
 * Everything here is a copy of what is on disk. A transaction that fails leaves
 * it `stale`; the next operation loads it anew.
 */
#ifndef MNSDB_ENGINE_STORE_STORE_INTERNAL_H
#define MNSDB_ENGINE_STORE_STORE_INTERNAL_H

#include "engine/arrange/arrange.h"
#include "engine/catalogue/catalogue.h"
#include "engine/dictionary/dictionary.h"
#include "engine/format/format.h"
#include "engine/kv/kv.h"
#include "engine/log/log.h"
#include "engine/part/part.h"
#include "engine/seen/seen.h"
#include "engine/store/id_set.h"
#include "engine/store/intake.h"
#include "engine/store/store.h"

struct store {
    char *dir;     /* owned */
    int lock_file; /* holds the writer's flock */
    struct kv *kv;
    struct catalogue catalogue;
    struct store_state state;        /* as of the newest commit, and of the one under way */
    struct store_counters committed; /* as of the newest commit */
    struct dictionary devices;
    struct dictionary metrics;
    struct known_names known_devices; /* for decoders */
    bool has_known;                   /* somebody asked for known_devices */
    uint32_t *known_numbers; /* owned; by number in known_devices: that of `devices`, or unmapped */
    size_t known_count;      /* that have a place in known_numbers */
    size_t known_capacity;
    struct part_list parts[TABLE_COUNT];
    struct id_set pending; /* ids in the commit log */
    size_t log_cells;      /* values in the commit log */
    struct seen *seen;
    bool stale;

    /* Scratch memory, reused by every commit. */
    struct intake intake;
    struct row_set rows;                      /* of the log, or on their way into it */
    struct arrangement arranged[TABLE_COUNT]; /* rows on their way into parts */
    struct arena cells;                       /* of those whose cells can't stay in their batch */
    struct part_writer *writer;
    struct part_crew *crew; /* builds large parts beside the writer; NULL: it is alone */
    struct part_merge *merge;
    struct buffer record;
};

static inline struct part_names store_names(const struct store *store, enum table table)
{
    return part_names_of(table, store->devices.table.count, store->metrics.table.count);
}

/* Loads everything anew if the last transaction failed. */
MUST_CHECK enum status store_refresh(struct store *store, struct error *err);

/*
 * Commits what carries the state in itself; on failure the store is stale. `txn` ends in any case.
 */
MUST_CHECK enum status store_commit_txn(struct store *store, struct kv_txn *txn, struct error *err);

/*
 * Saves the catalogue with the state, and commits; on failure the store is stale. `txn` ends in any
 * case.
 */
MUST_CHECK enum status store_finish(struct store *store, struct kv_txn *txn, struct error *err);

/* Marks the store stale and gives the status back: the way out of a failed transaction. */
enum status store_abandon(struct store *store, struct kv_txn *txn, enum status status);

/* A place in known_numbers for each name that decoders know by now: before a commit. */
MUST_CHECK enum status store_follow_known(struct store *store, struct error *err);

/* Writes the rows of store->arranged as a new part a table, if there are any. */
MUST_CHECK enum status store_write_parts(struct store *store, struct kv_txn *txn,
                                         struct error *err);

/* The same with the rows of store->rows. */
MUST_CHECK enum status store_write_row_set(struct store *store, struct kv_txn *txn,
                                           struct error *err);

/* Moves the commit log into parts and seen pages: one transaction. */
MUST_CHECK enum status store_fold(struct store *store, struct error *err);

/* One step of the merge under way or, if `pick` finds one, of a new one; *more: another is due. */
MUST_CHECK enum status store_merge_step(struct store *store, enum upkeep upkeep, bool *more,
                                        struct error *err);

#endif
