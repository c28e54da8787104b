/*
 * kv_error.c - what a code of LMDB or the system means to the callers.
 *
 * Four classes, decided here and nowhere else: FULL (pause, make space, retry), CORRUPT (report,
 * restore), IO (stop before anything more is acknowledged), NOMEM. Every message names the store
 * and what can be done.
 */
#include "engine/kv/kv_internal.h"

#include <errno.h>

static enum status fail_full(const struct kv *kv, int code, const char *action, struct error *err)
{
    if (code == MDB_MAP_FULL)
        return error_set(err, STATUS_FULL,
                         "store %s: %s: the memory map of %zu bytes is full: raise the limit of "
                         "address space (ulimit -v) and start again",
                         kv->dir, action, kv->map_bytes);
    if (code == EFBIG)
        return error_set(err, STATUS_FULL,
                         "store %s: %s: the file may not grow further: raise the limit of file "
                         "size (ulimit -f)",
                         kv->dir, action);
    return error_set(err, STATUS_FULL, "store %s: %s: the disk or the quota is full: free space",
                     kv->dir, action);
}

static enum status fail_other(const struct kv *kv, int code, const char *action, struct error *err)
{
    if (code > 0)
        return error_set_errno(err, STATUS_IO, code, "store %s: %s", kv->dir, action);
    return error_set(err, STATUS_IO, "store %s: %s: %s", kv->dir, action, mdb_strerror(code));
}

enum status kv_fail(const struct kv *kv, int code, const char *action, struct error *err)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case MDB_MAP_FULL:
        return fail_full(kv, code, action, err);
    case ENOENT:
        return error_set(err, STATUS_MISSING, "store %s: %s: there is no store", kv->dir, action);
    case ENOMEM:
        return error_set(err, STATUS_NOMEM, "store %s: %s: no memory", kv->dir, action);
    case MDB_MAP_RESIZED:
        return error_set(err, STATUS_NOMEM,
                         "store %s: %s: it has outgrown the memory map of %zu bytes: raise the "
                         "limit of address space (ulimit -v) and start again",
                         kv->dir, action, kv->map_bytes);
    case MDB_READERS_FULL:
        return error_set(err, STATUS_IO,
                         "store %s: %s: too many processes read it: end some and try again",
                         kv->dir, action);
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
    case MDB_PAGE_FULL:
    case MDB_BAD_VALSIZE:
        return error_set(err, STATUS_CORRUPT,
                         "store %s: %s: %s: it is damaged: restore it from a backup", kv->dir,
                         action, mdb_strerror(code));
    default:
        return fail_other(kv, code, action, err);
    }
}
