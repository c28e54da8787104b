/*
 * kv_internal.h - what the files of engine/kv share.
 */
#ifndef MNSDB_ENGINE_KV_KV_INTERNAL_H
#define MNSDB_ENGINE_KV_KV_INTERNAL_H

#include "engine/kv/kv.h"

#include <lmdb.h>

#include <sys/types.h>

#define KV_DATA_NAME "data.mdb"
#define KV_LOCK_NAME "lock.mdb"

/* A range of addresses; empty if both are 0. */
struct kv_range {
    uintptr_t from;
    uintptr_t until;
};

struct kv {
    MDB_env *env; /* owned */
    char *dir;    /* owned; as the caller named it, for messages */
    MDB_dbi dbi;
    bool writable;
    pid_t owner; /* an environment must not be used across a fork */
    size_t map_bytes;
    struct kv_range map; /* empty if the system does not tell */
    int slot;            /* in the table of open stores, or -1 */
};

struct kv_txn {
    struct kv *kv;
    MDB_txn *txn; /* owned */
    bool write;
};

struct kv_cursor {
    struct kv_txn *txn;
    MDB_cursor *cursor; /* owned */
};

/* What the directory holds before LMDB looks at it. */
struct kv_files {
    bool has_data;       /* data.mdb exists and is not empty */
    uint64_t data_bytes; /* its size */
    dev_t device;
    ino_t directory;
};

/*
 * Refuses a directory or file that is a symbolic link, of the wrong kind, shared by hard links, or
 * open to other users, and a data file whose header is not LMDB's.
 */
MUST_CHECK enum status kv_files_check(const char *dir, bool writable, struct kv_files *files,
                                      struct error *err);

/* Makes the directory entries of new files durable. */
MUST_CHECK enum status kv_files_sync(const char *dir, struct error *err);

/* The place of a newly opened store's map, among those that kv_maps_address does not know yet. */
struct kv_range kv_find_map(size_t map_bytes);

/* Finds out whether the data file was cut short; no other transaction may be open on `kv`. */
MUST_CHECK enum status kv_check_length(const struct kv *kv, struct error *err);

/* A failure of LMDB or the system: `code` as LMDB returned it, `action` what was being done. */
enum status kv_fail(const struct kv *kv, int code, const char *action, struct error *err);

#endif
