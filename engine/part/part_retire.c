/*
 * part_retire.c - giving back the pages of parts that a merge has consumed.
 *
 * Directory values lie in key order and stream values in offset order, and
 * blocks are in the same order in both: what is wholly at or below the consumed
 * key is a prefix of each. Deletion goes from the front, so that a crash in the
 * middle leaves a smaller part, never a hole.
 */
#include "engine/part/part.h"

#include "engine/format/format.h"

/* Deletion of the values under a prefix, from the front. */
struct retire_walk {
    struct kv_txn *txn;
    struct slice prefix;
    uint32_t values_left;
    bool done;
};

/* Whether a value stays, told from the one behind it (not found: it is the last). */
typedef bool keep_test(const struct kv_entry *next, const void *limit);

static enum status delete_while(struct retire_walk *walk, keep_test *keep, const void *limit,
                                struct error *err)
{
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(walk->txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_ceiling(cursor, walk->prefix, walk->prefix, &entry, err));
    while (entry.found) {
        struct key key;
        if (!key_copy(entry.key, &key))
            return error_set(err, STATUS_CORRUPT, "a part has a key of %zu bytes", entry.key.len);
        TRY(kv_next(cursor, walk->prefix, &entry, err));
        if (keep(&entry, limit))
            return STATUS_OK;
        if (walk->values_left == 0) {
            walk->done = false;
            return STATUS_OK;
        }
        walk->values_left--;
        TRY(kv_delete(walk->txn, key_slice(&key), err));
        TRY(kv_seek_ceiling(cursor, key_slice(&key), walk->prefix, &entry, err));
    }
    return STATUS_OK;
}

/*
 * A directory value stays if the next one begins behind the consumed key: it may hold rows behind
 * it.
 */
static bool keep_directory(const struct kv_entry *next, const void *limit)
{
    const struct row_key *consumed = limit;
    struct row_key first = {0};
    uint32_t ordinal = 0;
    if (!next->found || !key_read_directory(next->key, &first, &ordinal))
        return true;
    return row_key_compare(&first, consumed) > 0;
}

struct stream_limit {
    uint64_t offset;
    size_t prefix_len;
};

/* A stream value stays if the next one begins behind the first byte still needed. */
static bool keep_stream(const struct kv_entry *next, const void *limit)
{
    const struct stream_limit *needed = limit;
    return !next->found || key_read_u64(next->key, needed->prefix_len) > needed->offset;
}

static bool keep_nothing(const struct kv_entry *next, const void *limit)
{
    (void)next;
    (void)limit;
    return false;
}

/*
 * The offset of the first block that holds a row behind the consumed key; the stream's end if none
 * does.
 */
static enum status first_needed_offset(const struct part *part, struct kv_txn *txn,
                                       uint64_t *offset, struct error *err)
{
    OWNED(part_cursor_free_owned) struct part_cursor *cursor = NULL;
    if (part_cursor_new(&cursor) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a part's cursor");
    const struct part_filter everything = {
        .names = {.devices = UINT64_MAX, .metrics = UINT64_MAX}, /* no row is looked at */
        .from_ms = TIME_MS_MIN,
        .until_ms = TIME_MS_MAX,
    };
    TRY(part_cursor_open(cursor, part, txn, &everything, err));
    const struct directory_entry *entry = NULL;
    TRY(part_cursor_next(cursor, &entry, err));
    *offset = entry ? entry->offset : part->stream_bytes;
    return STATUS_OK;
}

enum status part_retire(const struct part *part, struct kv_txn *txn, uint32_t values_max,
                        bool *done, struct error *err)
{
    const struct key directory = key_directory_prefix(part->number);
    const struct key stream = key_stream_prefix(part->number);
    struct stream_limit needed = {.prefix_len = stream.len};
    TRY(first_needed_offset(part, txn, &needed.offset, err));

    struct retire_walk walk = {
        .txn = txn, .prefix = key_slice(&directory), .values_left = values_max, .done = true};
    TRY(delete_while(&walk, keep_directory, &part->consumed_key, err));
    walk.prefix = key_slice(&stream);
    TRY(delete_while(&walk, keep_stream, &needed, err));
    *done = walk.done;
    return STATUS_OK;
}

enum status part_remove(const struct part *part, struct kv_txn *txn, uint32_t values_max,
                        bool *done, struct error *err)
{
    const struct key directory = key_directory_prefix(part->number);
    const struct key stream = key_stream_prefix(part->number);
    struct retire_walk walk = {
        .txn = txn, .prefix = key_slice(&directory), .values_left = values_max, .done = true};
    TRY(delete_while(&walk, keep_nothing, NULL, err));
    walk.prefix = key_slice(&stream);
    TRY(delete_while(&walk, keep_nothing, NULL, err));
    *done = walk.done;
    if (!walk.done)
        return STATUS_OK;
    const struct key record = key_part(part->table, part->number);
    return kv_delete(txn, key_slice(&record), err);
}
