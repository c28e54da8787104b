/*
 * store.h - the writer's side of a store: open, commit, maintain.
 *
 * A store is a directory (mode 0700) with one LMDB file. One process writes, holding a
 * lock of its own; any number read (snapshot.h). A commit is one LMDB
 * transaction: rows, ids, names, rejects and counters together, on disk when
 * it returns. A small commit becomes one record of the commit log, a large one
 * parts and seen pages at once; maintenance folds and merges between commits,
 * in bounded transactions.
 *
 * Life cycle: open -> (commit | maintain)* -> close. kill -9 at any instant needs no repair.
 * Threads:    one thread at a time.
 */
#ifndef MNSDB_ENGINE_STORE_STORE_H
#define MNSDB_ENGINE_STORE_STORE_H

#include "engine/base/error.h"
#include "engine/counters/counters.h"
#include "engine/row/row.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

struct commit_result {
    uint64_t received;
    uint64_t stored;
    uint64_t duplicates;
    uint64_t rejected;
    uint64_t reasons[REJECT_REASON_COUNT]; /* of the rejected */
};

/*
 * Opens for writing; makes directory and store when missing. STATUS_LOCKED at
 * once if another process writes; STATUS_VERSION if a newer version wrote it.
 */
MUST_CHECK enum status store_open(struct store **store, const char *dir, struct error *err);
/* Also opens, but never creates: STATUS_MISSING. */
MUST_CHECK enum status store_open_existing(struct store **store, const char *dir,
                                           struct error *err);
void store_close(struct store *store); /* NULL is fine; uncommitted batches are the caller's */

/*
 * A setting fixed when the store is made. The first call for a name keeps
 * `value`; a later call with another value is STATUS_CONFIG. NULL as value asks for the kept one.
 * `*kept` is NUL-terminated and lives as long as the store.
 */
MUST_CHECK enum status store_setting(struct store *store, const char *name, const char *value,
                                     const char **kept, struct error *err);

/*
 * From now on large commits are prepared by so many threads beside the caller's; by fewer where
 * memory or the system give no more. What is stored is the same. The first call counts.
 */
void store_share_work(struct store *store, unsigned helpers);

/*
 * Takes in batches, in order of arrival, in one durable transaction. On failure
 * nothing of them is stored and the store is as before: STATUS_FULL may be
 * tried again, after STATUS_IO the process should end.
 * The batches are read and their name tables' `global` arrays filled in; the caller clears them.
 * STATUS_INPUT: a message breaks the rules of row_batch_add_message.
 */
MUST_CHECK enum status store_commit(struct store *store, struct row_batch *const *batches,
                                    size_t batch_count, struct commit_result *result,
                                    struct error *err);

/*
 * Numbers of devices for row_batch.known_devices of batches that are committed to this store, from
 * the first call on the store's devices among them. Asked for by the thread that commits; looking
 * names up and adding them is for any. Valid until the store is closed.
 */
struct known_names *store_known_devices(struct store *store);

/* How far maintenance goes. */
enum upkeep {
    UPKEEP_BULK,   /* while a recorded set is read: keep small parts few */
    UPKEEP_STEADY, /* beside a queue: fold the log when due, merge size-tiered */
    UPKEEP_SETTLE, /* fold everything and merge as far as merging goes */
};

/* One bounded transaction of folding or merging; `*more` tells whether another is due. */
MUST_CHECK enum status store_maintain(struct store *store, enum upkeep upkeep, bool *more,
                                      struct error *err);

/* The database under the store, for a snapshot in the writer's own process. */
struct kv;
struct kv *store_kv(const struct store *store);
const char *store_dir(const struct store *store);

/* As of the newest commit that succeeded. */
const struct store_counters *store_counters(const struct store *store);

/*
 * Rejected bodies put through the rules again. `batch` holds one message for each of
 * `sequences`, which ascend (see snapshot_rejects): those that are no rejects any more are
 * stored and leave the rejects, or leave as duplicates; the others stay as they are. One
 * transaction, as a commit. STATUS_INPUT if one is not there, or has another message id.
 */
MUST_CHECK enum status store_retry_rejects(struct store *store, const uint64_t *sequences,
                                           struct row_batch *batch, struct commit_result *result,
                                           struct error *err);

#endif
