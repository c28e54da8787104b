/*
 * journal_record.c - records to bytes and back; see journal_internal.h.
 *
 * The checksum's seed is the record's place, so that bytes of an older file that show up after a
 * crash are never taken for records.
 */
#include "bench/localqueue/journal_internal.h"

#include <assert.h>
#include <string.h>

enum record_type {
    RECORD_QUEUE = 1,
    RECORD_REMOVED,
    RECORD_MESSAGE,
    RECORD_RECEIVED,
    RECORD_VISIBILITY,
    RECORD_DELETED,
};

/* Far beyond any clock, and far below where sums of times could overflow. */
#define TIME_MS_MAX (INT64_C(1) << 50)

#define NUMBERS_ROOM (16u * VARINT_BYTES_MAX)

/* --- writing -------------------------------------------------------------------------------- */

/* Begins a record with room for `extra` bytes beside its numbers. */
static enum status begin(struct buffer *to, enum record_type type, const struct named_queue *queue,
                         size_t extra)
{
    TRY(buffer_reserve(to, RECORD_HEAD_BYTES + NUMBERS_ROOM + extra));
    to->len += RECORD_HEAD_BYTES;
    buffer_put_u8(to, (uint8_t)type);
    buffer_put_varint(to, queue->number);
    return STATUS_OK;
}

/* Fills in the head of the record that began at `start`. */
static void seal(struct buffer *to, size_t start, uint64_t offset)
{
    const uint8_t *payload = to->data + start + RECORD_HEAD_BYTES;
    const size_t payload_len = to->len - start - RECORD_HEAD_BYTES;
    assert(payload_len <= RECORD_BYTES_MAX);
    const uint32_t len = (uint32_t)payload_len;
    const uint64_t check = bytes_hash(payload, payload_len, offset + start);
    memcpy(to->data + start, &len, sizeof len);
    memcpy(to->data + start + sizeof len, &check, sizeof check);
}

static void put_time(struct buffer *to, int64_t time_ms)
{
    buffer_put_varint(to, time_ms > 0 ? (uint64_t)time_ms : 0);
}

enum status record_queue(struct buffer *to, uint64_t offset, const struct named_queue *queue)
{
    const size_t start = to->len;
    const size_t name_len = strlen(queue->name);
    TRY(begin(to, RECORD_QUEUE, queue, sizeof queue->queue.key + name_len));
    buffer_put_u64(to, queue->queue.key);
    buffer_put_varint(to, queue->queue.next_serial);
    put_time(to, queue->create_ms);
    put_time(to, queue->modify_ms);
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++)
        buffer_put_varint(to, queue->queue.attributes.values[i]);
    buffer_put_bytes(to, queue->name, name_len);
    seal(to, start, offset);
    return STATUS_OK;
}

enum status record_removed(struct buffer *to, uint64_t offset, const struct named_queue *queue)
{
    const size_t start = to->len;
    TRY(begin(to, RECORD_REMOVED, queue, 0));
    seal(to, start, offset);
    return STATUS_OK;
}

enum status record_message(struct buffer *to, uint64_t offset, const struct named_queue *queue,
                           const struct queued *message)
{
    const size_t start = to->len;
    TRY(begin(to, RECORD_MESSAGE, queue, message->body_len));
    buffer_put_varint(to, message->serial);
    put_time(to, message->enqueue_ms);
    put_time(to, message->visible_ms);
    put_time(to, message->first_dequeue_ms);
    buffer_put_varint(to, message->dequeue_count);
    buffer_put_varint(to, message->generation);
    buffer_put_varint(to, message->priority);
    buffer_put_bytes(to, message->body, message->body_len);
    seal(to, start, offset);
    return STATUS_OK;
}

enum status record_received(struct buffer *to, uint64_t offset,
                            const struct received_record *received)
{
    const size_t start = to->len;
    assert(received->count > 0);
    TRY(begin(to, RECORD_RECEIVED, received->queue, received->count * VARINT_BYTES_MAX));
    put_time(to, received->now_ms);
    put_time(to, received->messages[0]->visible_ms);
    for (size_t i = 0; i < received->count; i++)
        buffer_put_varint(to, received->messages[i]->serial);
    seal(to, start, offset);
    return STATUS_OK;
}

enum status record_visibility(struct buffer *to, uint64_t offset, const struct named_queue *queue,
                              const struct queued *message)
{
    const size_t start = to->len;
    TRY(begin(to, RECORD_VISIBILITY, queue, 0));
    buffer_put_varint(to, message->serial);
    put_time(to, message->visible_ms);
    seal(to, start, offset);
    return STATUS_OK;
}

enum status record_deleted(struct buffer *to, uint64_t offset, const struct named_queue *queue,
                           const struct queued *message)
{
    const size_t start = to->len;
    TRY(begin(to, RECORD_DELETED, queue, 0));
    buffer_put_varint(to, message->serial);
    seal(to, start, offset);
    return STATUS_OK;
}

/* --- reading -------------------------------------------------------------------------------- */

static int64_t take_time(struct cursor *cursor)
{
    const uint64_t time_ms = cursor_varint(cursor);
    cursor->failed = cursor->failed || time_ms > (uint64_t)TIME_MS_MAX;
    return cursor->failed ? 0 : (int64_t)time_ms;
}

static uint32_t take_u32(struct cursor *cursor)
{
    const uint64_t number = cursor_varint(cursor);
    cursor->failed = cursor->failed || number > UINT32_MAX;
    return cursor->failed ? 0 : (uint32_t)number;
}

static struct slice take_rest(struct cursor *cursor)
{
    return cursor_bytes(cursor, cursor_left(cursor));
}

static enum status nonsense(struct error *err, const char *what)
{
    return error_set(err, STATUS_CORRUPT, "%s makes no sense", what);
}

/* New, or with other attributes. */
static enum status apply_queue(struct broker *broker, uint32_t number, struct cursor *cursor,
                               struct error *err)
{
    struct queue_spec spec = {.number = number, .key = cursor_u64(cursor)};
    const uint64_t next_serial = cursor_varint(cursor);
    spec.create_ms = take_time(cursor);
    spec.modify_ms = take_time(cursor);
    for (unsigned i = 0; i < ATTRIBUTE_COUNT; i++)
        spec.attributes.values[i] = take_u32(cursor);
    spec.name = take_rest(cursor);
    if (cursor->failed || number == UINT32_MAX || !call_name_is_valid(spec.name) ||
        !attributes_are_sound(&spec.attributes))
        return nonsense(err, "a queue");

    struct named_queue *queue = broker_find(broker, spec.name);
    if ((queue && queue->number != number) || (!queue && broker_find_number(broker, number)))
        return nonsense(err, "a queue's number");
    if (!queue && broker->count >= BROKER_QUEUES_MAX)
        return nonsense(err, "one queue more");
    if (!queue && broker_add(broker, &spec, &queue) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a queue");
    queue->queue.attributes = spec.attributes;
    queue->modify_ms = spec.modify_ms;
    if (next_serial > queue->queue.next_serial)
        queue->queue.next_serial = next_serial;
    return STATUS_OK;
}

static enum status apply_message(struct message_queue *queue, struct cursor *cursor,
                                 struct error *err)
{
    struct message_record record = {.serial = cursor_varint(cursor)};
    record.enqueue_ms = take_time(cursor);
    record.visible_ms = take_time(cursor);
    record.first_dequeue_ms = take_time(cursor);
    record.dequeue_count = take_u32(cursor);
    record.generation = take_u32(cursor);
    record.priority = take_u32(cursor);
    record.body = take_rest(cursor);
    if (cursor->failed)
        return nonsense(err, "a message");
    const enum status status = message_queue_restore(queue, &record, err);
    return status == STATUS_INPUT ? STATUS_CORRUPT : status;
}

static enum status apply_received(struct message_queue *queue, struct cursor *cursor,
                                  struct error *err)
{
    const int64_t now_ms = take_time(cursor);
    const int64_t visible_ms = take_time(cursor);
    while (!cursor->failed && cursor_left(cursor) > 0) {
        struct queued *message = message_queue_message(queue, cursor_varint(cursor));
        if (!cursor->failed && message)
            message_queue_deliver(queue, message, now_ms, visible_ms);
    }
    return cursor->failed ? nonsense(err, "a receive") : STATUS_OK;
}

static enum status apply_change(struct message_queue *queue, enum record_type type,
                                struct cursor *cursor, struct error *err)
{
    struct queued *message = message_queue_message(queue, cursor_varint(cursor));
    const int64_t visible_ms = type == RECORD_VISIBILITY ? take_time(cursor) : 0;
    if (!cursor_finished(cursor))
        return nonsense(err, "a change");
    /* One that is not there has expired: expiry is not noted, and may come before its turn. */
    if (!message)
        return STATUS_OK;
    if (type == RECORD_VISIBILITY)
        message_queue_change_visibility(queue, message, visible_ms);
    else
        message_queue_delete(queue, message);
    return STATUS_OK;
}

enum status record_apply(struct broker *broker, struct slice payload, struct error *err)
{
    struct cursor cursor = cursor_of(payload);
    const uint8_t type = cursor_u8(&cursor);
    const uint32_t number = take_u32(&cursor);
    if (cursor.failed)
        return nonsense(err, "a record");
    if (type == RECORD_QUEUE)
        return apply_queue(broker, number, &cursor, err);
    struct named_queue *queue = broker_find_number(broker, number);
    if (!queue)
        return nonsense(err, "a record of an unknown queue");
    switch (type) {
    case RECORD_REMOVED:
        if (!cursor_finished(&cursor))
            return nonsense(err, "a removal");
        broker_remove(broker, queue);
        return STATUS_OK;
    case RECORD_MESSAGE:
        return apply_message(&queue->queue, &cursor, err);
    case RECORD_RECEIVED:
        return apply_received(&queue->queue, &cursor, err);
    case RECORD_VISIBILITY:
    case RECORD_DELETED:
        return apply_change(&queue->queue, (enum record_type)type, &cursor, err);
    default:
        return nonsense(err, "the type of a record");
    }
}

/* False: no whole record begins at `offset`. */
static bool read_record(struct slice file, uint64_t offset, struct slice *payload)
{
    struct cursor cursor = cursor_of(slice_of(file.data + offset, file.len - offset));
    const uint32_t len = cursor_u32(&cursor);
    const uint64_t check = cursor_u64(&cursor);
    if (len == 0 || len > RECORD_BYTES_MAX)
        return false;
    *payload = cursor_bytes(&cursor, len);
    return !cursor.failed && bytes_hash(payload->data, payload->len, offset) == check;
}

enum status records_replay(struct broker *broker, struct slice file, uint64_t *whole_bytes,
                           struct error *err)
{
    if (file.len < JOURNAL_MAGIC_BYTES ||
        memcmp(file.data, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES) != 0)
        return error_set(err, STATUS_CORRUPT, "it is no journal of queues");
    uint64_t offset = JOURNAL_MAGIC_BYTES;
    struct slice payload;
    while (read_record(file, offset, &payload)) {
        const enum status status = record_apply(broker, payload, err);
        if (status != STATUS_OK) {
            error_add_context(err, "byte %llu", (unsigned long long)offset);
            return status;
        }
        offset += RECORD_HEAD_BYTES + payload.len;
    }
    *whole_bytes = offset;
    return STATUS_OK;
}
