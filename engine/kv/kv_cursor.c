/*
 * kv_cursor.c - walking over keys in order, within a prefix.
 */
#include "engine/kv/kv_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum status kv_cursor_open(struct kv_txn *txn, struct kv_cursor **cursor, struct error *err)
{
    *cursor = NULL;
    struct kv_cursor *opened = mem_alloc_zeroed(1, sizeof *opened);
    if (!opened)
        return kv_fail(txn->kv, ENOMEM, "cannot open a cursor", err);
    opened->txn = txn;
    const int code = mdb_cursor_open(txn->txn, txn->kv->dbi, &opened->cursor);
    if (code != 0) {
        mem_free(opened);
        return kv_fail(txn->kv, code, "cannot open a cursor", err);
    }
    *cursor = opened;
    return STATUS_OK;
}

void kv_cursor_close(struct kv_cursor *cursor)
{
    if (!cursor)
        return;
    mdb_cursor_close(cursor->cursor);
    mem_free(cursor);
}

void kv_cursor_close_owned(struct kv_cursor *const *cursor)
{
    kv_cursor_close(*cursor);
}

static bool has_prefix(struct slice key, struct slice prefix)
{
    return key.len >= prefix.len &&
           (prefix.len == 0 || memcmp(key.data, prefix.data, prefix.len) == 0);
}

/* Moves the cursor; `entry->found` false at either end of the database. */
static enum status move(struct kv_cursor *cursor, struct slice key, MDB_cursor_op op,
                        struct kv_entry *entry, struct error *err)
{
    union {
        const uint8_t *in;
        void *out;
    } data = {.in = key.data};
    MDB_val key_val = {.mv_size = key.len, .mv_data = data.out};
    MDB_val value_val = {0};
    const int code = mdb_cursor_get(cursor->cursor, &key_val, &value_val, op);
    *entry = (struct kv_entry){0};
    if (code == MDB_NOTFOUND)
        return STATUS_OK;
    if (code != 0)
        return kv_fail(cursor->txn->kv, code, "cannot read", err);
    entry->found = true;
    entry->key = slice_of(key_val.mv_data, key_val.mv_size);
    entry->value = slice_of(value_val.mv_data, value_val.mv_size);
    return STATUS_OK;
}

static void keep_within(struct kv_entry *entry, struct slice prefix)
{
    if (entry->found && !has_prefix(entry->key, prefix))
        *entry = (struct kv_entry){0};
}

enum status kv_seek_ceiling(struct kv_cursor *cursor, struct slice key, struct slice prefix,
                            struct kv_entry *entry, struct error *err)
{
    assert(key.len > 0);
    TRY(move(cursor, key, MDB_SET_RANGE, entry, err));
    keep_within(entry, prefix);
    return STATUS_OK;
}

enum status kv_seek_floor(struct kv_cursor *cursor, struct slice key, struct slice prefix,
                          struct kv_entry *entry, struct error *err)
{
    assert(key.len > 0);
    const struct slice none = {0};
    TRY(move(cursor, key, MDB_SET_RANGE, entry, err));
    if (!entry->found)
        TRY(move(cursor, none, MDB_LAST, entry, err));
    else if (!slice_equal(entry->key, key))
        TRY(move(cursor, none, MDB_PREV, entry, err));
    keep_within(entry, prefix);
    return STATUS_OK;
}

enum status kv_next(struct kv_cursor *cursor, struct slice prefix, struct kv_entry *entry,
                    struct error *err)
{
    const struct slice none = {0};
    TRY(move(cursor, none, MDB_NEXT, entry, err));
    keep_within(entry, prefix);
    return STATUS_OK;
}
