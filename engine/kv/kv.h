/*
 * kv.h - the one LMDB database under a store: typed keys, checksummed values.
 *
 * All keys live in one database and begin with a type byte (see store/format.h);
 * integers in keys are big-endian, so that keys sort as their numbers. A checked value is
 *
 *      OFFSET  SIZE  MEANING
 *           0     8  XXH3-64 of the payload, seeded with XXH3-64 of the key
 *           8     n  payload
 *
 * A raw value has no checksum of ours: its content carries its own.
 *
 * Life cycle: open -> (begin -> ... -> commit | abort)* -> close.
 * Threads:    one write transaction at a time, by its thread; each reader has its own
 *             transaction. Slices returned by reads point into the map and live until
 *             the transaction ends or, in a write transaction, until its next write.
 * Durability: kv_commit returns after the data is on disk (LMDB's default flags, always).
 */
#ifndef MNSDB_ENGINE_KV_KV_H
#define MNSDB_ENGINE_KV_KV_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define KV_KEY_BYTES_MAX  64u
#define KV_CHECKSUM_BYTES 8u
/*
 * A whole value with its checksum: 8 pages less LMDB's header, so that freed pages fit again. What
 * can be cut is cut to it; what can't (a rejected body, the summary of a block of thousands of
 * columns) may be longer, up to 4 GiB.
 */
#define KV_VALUE_BYTES_MAX 32752u

struct kv;
struct kv_txn;
struct kv_cursor;

/*
 * Opens `dir`/data.mdb; `writable` creates it when missing (mode 0600), but never the directory. A
 * missing store is STATUS_MISSING. Refused with STATUS_IO are symbolic links and, to a writer, hard
 * links and a directory that others own or everybody may write to; with STATUS_CORRUPT a damaged
 * header and a file cut short; with STATUS_LOCKED a store that this process has open already.
 */
MUST_CHECK enum status kv_open(struct kv **kv, const char *dir, bool writable, struct error *err);
void kv_close(struct kv *kv); /* NULL is fine */

/* Bytes of the data file now, the reserved map, pages of the file in use by the newest commit. */
struct kv_space {
    uint64_t file_bytes;
    uint64_t map_bytes;
    uint64_t used_bytes;
    uint64_t oldest_reader_txns; /* how many commits the oldest reader lags behind */
};
MUST_CHECK enum status kv_space(struct kv *kv, struct kv_space *space, struct error *err);
/* What all values together are shorter than: the pages up to the last that was ever in use. */
uint64_t kv_bytes_max(const struct kv *kv);

/* True if `address` lies in the map: tells a signal handler a damaged store from a bug. */
bool kv_maps_address(const void *address);

/*
 * True if a memory fault is the store's: the address lies in the map, or the instruction is
 * LMDB's, which follows the numbers on damaged pages wherever they lead. Safe in a signal handler.
 */
bool kv_explains_fault(const void *address, const void *instruction);

MUST_CHECK enum status kv_begin(struct kv *kv, bool write, struct kv_txn **txn, struct error *err);
/*
 * Ends the transaction in any case. STATUS_FULL and STATUS_IO leave the store as it was before. A
 * limit on file size is STATUS_FULL only in a process that ignores SIGXFSZ: else it ends it.
 * STATUS_MISSING: the data file was removed meanwhile, and what is committed to it is lost.
 */
MUST_CHECK enum status kv_commit(struct kv_txn *txn, struct error *err);
void kv_abort(struct kv_txn *txn); /* NULL is fine */

/* `*found` false: no such key. The payload's checksum was verified. */
MUST_CHECK enum status kv_get(struct kv_txn *txn, struct slice key, struct slice *payload,
                              bool *found, struct error *err);
MUST_CHECK enum status kv_get_raw(struct kv_txn *txn, struct slice key, struct slice *value,
                                  bool *found, struct error *err);

MUST_CHECK enum status kv_put(struct kv_txn *txn, struct slice key, struct slice payload,
                              struct error *err);
MUST_CHECK enum status kv_put_raw(struct kv_txn *txn, struct slice key, struct slice value,
                                  struct error *err);
/* Deleting a key that is not there is no failure. */
MUST_CHECK enum status kv_delete(struct kv_txn *txn, struct slice key, struct error *err);

/* Cursors end before their transaction does; its puts and deletes keep them valid. */
MUST_CHECK enum status kv_cursor_open(struct kv_txn *txn, struct kv_cursor **cursor,
                                      struct error *err);
void kv_cursor_close(struct kv_cursor *cursor);              /* NULL is fine */
void kv_cursor_close_owned(struct kv_cursor *const *cursor); /* for OWNED */

/* A position: key and whole value as stored. Not `found` past either end and outside `prefix`. */
struct kv_entry {
    bool found;
    struct slice key;
    struct slice value; /* raw: with its checksum, if it has one */
};

/* The first entry at or above `key` / the last at or below it, if its key begins with `prefix`. */
MUST_CHECK enum status kv_seek_ceiling(struct kv_cursor *cursor, struct slice key,
                                       struct slice prefix, struct kv_entry *entry,
                                       struct error *err);
MUST_CHECK enum status kv_seek_floor(struct kv_cursor *cursor, struct slice key,
                                     struct slice prefix, struct kv_entry *entry,
                                     struct error *err);
/* The neighbour after the cursor's position. */
MUST_CHECK enum status kv_next(struct kv_cursor *cursor, struct slice prefix,
                               struct kv_entry *entry, struct error *err);

/* Verifies the checksum of an entry's value and yields its payload. */
MUST_CHECK enum status kv_entry_payload(const struct kv_entry *entry, struct slice *payload,
                                        struct error *err);

/* A compacted, consistent copy of the database into a file descriptor. */
MUST_CHECK enum status kv_copy(struct kv *kv, int file, struct error *err);

#endif
