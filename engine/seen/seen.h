/*
 * seen.h - which message ids the store holds, exactly and for ever.
 *
 * The set lives in disjoint pages of the key-value store, ordered by construction: key =
 * KEY_SEEN byte + first id (u64, big-endian), payload = every id from there up
 * to the next page's key. One descent finds the only page that can hold an id.
 *
 * Threads: within a kv transaction, by its thread. A `struct seen` holds scratch memory only.
 */
#ifndef MNSDB_ENGINE_SEEN_SEEN_H
#define MNSDB_ENGINE_SEEN_SEEN_H

#include "engine/base/error.h"
#include "engine/kv/kv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_SEEN 'S'

struct seen;

/* Ids, each once, ascending. */
struct id_list {
    const uint64_t *ids; /* borrowed */
    size_t count;
};

MUST_CHECK enum status seen_new(struct seen **seen);
void seen_free(struct seen *seen);
void seen_free_owned(struct seen *const *seen); /* for OWNED */

/*
 * held[i] becomes true where the set already holds the list's id i, else false. Reads only.
 */
MUST_CHECK enum status seen_check(struct seen *seen, struct kv_txn *txn, struct id_list list,
                                  bool *held, struct error *err);

/*
 * The same, and adds the ids that were not held, in the write transaction `txn`.
 * `*added` is their number. A failed call leaves the transaction only fit to abort.
 */
MUST_CHECK enum status seen_add(struct seen *seen, struct kv_txn *txn, struct id_list list,
                                bool *held, uint64_t *added, struct error *err);

/*
 * Walks all pages: checks checksums, order, disjointness, and calls `problem`
 * for each fault; `*total` is the number of ids.
 */
MUST_CHECK enum status seen_verify(struct seen *seen, struct kv_txn *txn,
                                   void (*problem)(void *context, const char *what), void *context,
                                   uint64_t *total, struct error *err);

/* Decodes untrusted page bytes: for tests and fuzzing. Room for SEEN_PAGE_IDS_MAX ids. */
#define SEEN_PAGE_BYTES_MAX 4072u
#define SEEN_PAGE_IDS_MAX   32768u
MUST_CHECK enum status seen_page_decode(struct slice payload, uint64_t first, uint64_t *ids,
                                        size_t *count, struct error *err);

#endif
