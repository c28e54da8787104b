/*
 * rejects.c - pages of rejected bodies; the format stands in rejects.h.
 */
#include "engine/rejects/rejects.h"

#include "engine/format/format.h"

#include <assert.h>

enum reject_flag {
    FLAG_ALTERED = 1,
    FLAG_HAS_ID = 2,
};

static size_t entry_bytes_max(const struct kept_reject *reject)
{
    return reject->body.len + reject->detail.len + 2 + sizeof reject->id +
           (size_t)4 * VARINT_BYTES_MAX;
}

static void put_entry(struct buffer *page, uint64_t page_first, const struct kept_reject *reject)
{
    buffer_put_varint(page, reject->sequence - page_first);
    buffer_put_u8(page, (uint8_t)reject->reason);
    buffer_put_u8(
        page, (uint8_t)((reject->altered ? FLAG_ALTERED : 0) | (reject->has_id ? FLAG_HAS_ID : 0)));
    if (reject->has_id)
        buffer_put_u64(page, reject->id);
    buffer_put_signed_varint(page, reject->received_ms);
    buffer_put_varint(page, reject->detail.len);
    buffer_put_bytes(page, reject->detail.data, reject->detail.len);
    buffer_put_varint(page, reject->body.len);
    buffer_put_bytes(page, reject->body.data, reject->body.len);
}

static enum status read_entry(struct cursor *cursor, uint64_t page_first,
                              struct kept_reject *reject, struct error *err)
{
    *reject = (struct kept_reject){.sequence = page_first + cursor_varint(cursor)};
    const uint8_t reason = cursor_u8(cursor);
    const uint8_t flags = cursor_u8(cursor);
    reject->altered = flags & FLAG_ALTERED;
    reject->has_id = flags & FLAG_HAS_ID;
    if (reject->has_id)
        reject->id = cursor_u64(cursor);
    reject->received_ms = cursor_signed_varint(cursor);
    reject->detail = cursor_bytes(cursor, (size_t)cursor_varint(cursor));
    reject->body = cursor_bytes(cursor, (size_t)cursor_varint(cursor));
    if (cursor->failed || reason >= REJECT_REASON_COUNT || reject->sequence < page_first ||
        !row_time_is_possible(reject->received_ms))
        return error_set(err, STATUS_CORRUPT, "rejects from %llu: a broken entry",
                         (unsigned long long)page_first);
    reject->reason = (enum reject_reason)reason;
    return STATUS_OK;
}

enum status reject_writer_begin(struct reject_writer *writer, struct kv_txn *txn, struct error *err)
{
    writer->txn = txn;
    buffer_clear(&writer->page);
    const struct key prefix = key_of(KEY_REJECTS);
    struct key last = prefix;
    key_add_u64(&last, UINT64_MAX);
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_floor(cursor, key_slice(&last), key_slice(&prefix), &entry, err));
    if (!entry.found)
        return STATUS_OK;
    struct slice payload = {0};
    TRY(kv_entry_payload(&entry, &payload, err));
    writer->page_first = key_read_u64(entry.key, prefix.len);
    if (buffer_append(&writer->page, payload.data, payload.len) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a page of rejects");
    return STATUS_OK;
}

enum status reject_writer_finish(struct reject_writer *writer, struct error *err)
{
    if (writer->page.len == 0)
        return STATUS_OK;
    struct key key = key_of(KEY_REJECTS);
    key_add_u64(&key, writer->page_first);
    TRY(kv_put(writer->txn, key_slice(&key), buffer_slice(&writer->page), err));
    buffer_clear(&writer->page);
    return STATUS_OK;
}

enum status reject_writer_add(struct reject_writer *writer, const struct kept_reject *reject,
                              struct error *err)
{
    const size_t needed = entry_bytes_max(reject);
    if (writer->page.len > 0 && writer->page.len + needed > REJECT_PAGE_BYTES)
        TRY(reject_writer_finish(writer, err));
    if (writer->page.len == 0)
        writer->page_first = reject->sequence;
    if (buffer_reserve(&writer->page, needed) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to keep a rejected body of %zu bytes",
                         reject->body.len);
    put_entry(&writer->page, writer->page_first, reject);
    return STATUS_OK;
}

void reject_writer_release(struct reject_writer *writer)
{
    buffer_release(&writer->page);
    *writer = (struct reject_writer){0};
}

enum status rejects_walk_page(struct slice payload, uint64_t page_first, uint64_t sequence,
                              reject_visitor *visit, void *context, struct error *err)
{
    struct cursor cursor = cursor_of(payload);
    while (cursor_left(&cursor) > 0) {
        struct kept_reject reject;
        TRY(read_entry(&cursor, page_first, &reject, err));
        if (reject.sequence >= sequence)
            TRY(visit(context, &reject));
    }
    return STATUS_OK;
}

enum status rejects_walk(struct kv_txn *txn, uint64_t sequence, reject_visitor *visit,
                         void *context, struct error *err)
{
    const struct key prefix = key_of(KEY_REJECTS);
    struct key from = prefix;
    key_add_u64(&from, sequence);
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_floor(cursor, key_slice(&from), key_slice(&prefix), &entry, err));
    if (!entry.found)
        TRY(kv_seek_ceiling(cursor, key_slice(&from), key_slice(&prefix), &entry, err));
    while (entry.found) {
        struct slice payload = {0};
        TRY(kv_entry_payload(&entry, &payload, err));
        const uint64_t page_first = key_read_u64(entry.key, prefix.len);
        TRY(rejects_walk_page(payload, page_first, sequence, visit, context, err));
        TRY(kv_next(cursor, key_slice(&prefix), &entry, err));
    }
    return STATUS_OK;
}

/* Copies a page without the entries whose sequences come next in the list. */
static enum status copy_remaining(struct slice payload, uint64_t page_first,
                                  const uint64_t **sequence, const uint64_t *end,
                                  struct buffer *out, struct error *err)
{
    struct cursor cursor = cursor_of(payload);
    while (cursor_left(&cursor) > 0) {
        struct kept_reject reject;
        TRY(read_entry(&cursor, page_first, &reject, err));
        if (*sequence < end && **sequence == reject.sequence) {
            (*sequence)++;
            continue;
        }
        if (buffer_reserve(out, entry_bytes_max(&reject)) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for a page of rejects");
        put_entry(out, page_first, &reject);
    }
    return STATUS_OK;
}

/* Rewrites the page that holds `**sequence` and moves on behind what was taken out of it. */
static enum status remove_from_page(struct kv_txn *txn, const uint64_t **sequence,
                                    const uint64_t *end, struct buffer *out, struct error *err)
{
    const struct key prefix = key_of(KEY_REJECTS);
    struct key wanted = prefix;
    key_add_u64(&wanted, **sequence);
    OWNED(kv_cursor_close_owned) struct kv_cursor *cursor = NULL;
    TRY(kv_cursor_open(txn, &cursor, err));
    struct kv_entry entry = {0};
    TRY(kv_seek_floor(cursor, key_slice(&wanted), key_slice(&prefix), &entry, err));
    if (!entry.found)
        return error_set(err, STATUS_CORRUPT, "rejected body %llu is not there",
                         (unsigned long long)**sequence);
    struct slice payload = {0};
    TRY(kv_entry_payload(&entry, &payload, err));
    const uint64_t page_first = key_read_u64(entry.key, prefix.len);
    const uint64_t *before = *sequence;
    buffer_clear(out);
    TRY(copy_remaining(payload, page_first, sequence, end, out, err));
    if (*sequence == before)
        return error_set(err, STATUS_CORRUPT, "rejected body %llu is not there",
                         (unsigned long long)**sequence);
    struct key key = prefix;
    key_add_u64(&key, page_first);
    if (out->len == 0)
        return kv_delete(txn, key_slice(&key), err);
    return kv_put(txn, key_slice(&key), buffer_slice(out), err);
}

enum status rejects_remove(struct kv_txn *txn, const uint64_t *sequences, size_t count,
                           struct error *err)
{
    OWNED(buffer_release) struct buffer page = {0};
    const uint64_t *sequence = sequences;
    const uint64_t *end = sequences + count;
    while (sequence < end)
        TRY(remove_from_page(txn, &sequence, end, &page, err));
    return STATUS_OK;
}
