/*
 * message_queue.c - the state machine; see message_queue.h.
 *
 * (1) Every message is in by_serial and in the list of all; and either in the visible list of its
 *     priority or in the heap of pending ones, never in both.
 * (2) The list of all is by arrival, and so, with one retention period for all, by the time at
 *     which messages expire.
 * (3) Heap and map have room for all messages from the moment they are sent: nothing but sending
 *     needs memory.
 */
#include "bench/localqueue/message_queue.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <string.h>

#define MS_PER_S INT64_C(1000)

void message_queue_init(struct message_queue *queue, const struct attributes *attributes,
                        uint64_t key)
{
    *queue = (struct message_queue){.attributes = *attributes, .key = key, .next_serial = 1};
}

void message_queue_release(struct message_queue *queue)
{
    struct queued *message = queue->oldest;
    while (message) {
        struct queued *newer = message->newer;
        mem_free(message);
        message = newer;
    }
    timers_release(&queue->pending);
    serial_map_release(&queue->by_serial);
    *queue = (struct message_queue){0};
}

static struct visible_list *list_of(struct message_queue *queue, const struct queued *message)
{
    assert(message->priority >= 1 && message->priority <= QUEUE_PRIORITIES);
    return &queue->visible[message->priority - 1];
}

static void show(struct message_queue *queue, struct queued *message, bool in_front)
{
    assert(!message->is_visible && message->timer.slot == 0);
    struct visible_list *list = list_of(queue, message);
    message->before = in_front ? NULL : list->last;
    message->after = in_front ? list->first : NULL;
    if (message->before)
        message->before->after = message;
    else
        list->first = message;
    if (message->after)
        message->after->before = message;
    else
        list->last = message;
    message->is_visible = true;
    queue->visible_count++;
}

static void hide(struct message_queue *queue, struct queued *message)
{
    assert(message->is_visible);
    struct visible_list *list = list_of(queue, message);
    if (message->before)
        message->before->after = message->after;
    else
        list->first = message->after;
    if (message->after)
        message->after->before = message->before;
    else
        list->last = message->before;
    message->before = NULL;
    message->after = NULL;
    message->is_visible = false;
    queue->visible_count--;
}

static bool is_delayed(const struct queued *message)
{
    return !message->is_visible && message->dequeue_count == 0;
}

/* Out of the visible list or the heap, whichever it is in. */
static void take_out(struct message_queue *queue, struct queued *message)
{
    if (message->is_visible) {
        hide(queue, message);
        return;
    }
    queue->delayed_count -= is_delayed(message);
    timers_remove(&queue->pending, &message->timer);
}

static void put_away(struct message_queue *queue, struct queued *message, int64_t due_ms)
{
    timers_add(&queue->pending, &message->timer, due_ms);
    queue->delayed_count += is_delayed(message);
}

static int64_t expiry_ms(const struct message_queue *queue, const struct queued *message)
{
    return message->enqueue_ms +
           (int64_t)queue->attributes.values[ATTRIBUTE_RETENTION_S] * MS_PER_S;
}

void message_queue_advance(struct message_queue *queue, int64_t now_ms)
{
    while (queue->oldest && expiry_ms(queue, queue->oldest) <= now_ms)
        message_queue_delete(queue, queue->oldest);
    struct timer *timer = NULL;
    while ((timer = timers_due(&queue->pending, now_ms))) {
        struct queued *message = TIMER_OWNER(timer, struct queued, timer);
        take_out(queue, message);
        show(queue, message, false);
    }
}

int64_t message_queue_next_ms(const struct message_queue *queue)
{
    const int64_t due_ms = timers_next_ms(&queue->pending);
    if (!queue->oldest)
        return due_ms;
    const int64_t end_ms = expiry_ms(queue, queue->oldest);
    return end_ms < due_ms ? end_ms : due_ms;
}

/* True if no byte of the text must be escaped between tags. Without an early end it vectorises. */
static bool text_is_plain(struct slice text)
{
    uint8_t special = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = text.data[i];
        special |= (uint8_t)((byte == '<') | (byte == '>') | (byte == '&') | (byte == '\r'));
    }
    return special == 0;
}

/* Links a message in that is complete but for its place. Room is there. */
static void add(struct message_queue *queue, struct queued *message)
{
    serial_map_add(&queue->by_serial, message->serial, message);
    message->older = queue->newest;
    if (queue->newest)
        queue->newest->newer = message;
    else
        queue->oldest = message;
    queue->newest = message;
    queue->bytes += sizeof *message + message->body_len;
}

static struct queued *message_new(struct slice body)
{
    struct queued *message = mem_alloc(1, sizeof *message + body.len);
    if (!message)
        return NULL;
    *message = (struct queued){.body_len = body.len, .is_plain = text_is_plain(body)};
    if (body.len > 0)
        memcpy(message->body, body.data, body.len);
    uint8_t digest[MD5_BYTES];
    md5_digest(body, digest);
    md5_hex(digest, "0123456789ABCDEF", message->md5);
    return message;
}

static enum status reserve_one(struct message_queue *queue)
{
    const size_t count = message_queue_count(queue) + 1;
    TRY(serial_map_reserve(&queue->by_serial, count));
    return timers_reserve(&queue->pending, count);
}

enum status message_queue_send(struct message_queue *queue, const struct message_spec *spec,
                               int64_t now_ms, struct queued **message)
{
    assert(spec->priority >= 1 && spec->priority <= QUEUE_PRIORITIES);
    TRY(reserve_one(queue));
    struct queued *sent = message_new(spec->body);
    if (!sent)
        return STATUS_NOMEM;
    sent->serial = queue->next_serial++;
    sent->enqueue_ms = now_ms;
    sent->visible_ms = now_ms + (int64_t)spec->delay_s * MS_PER_S;
    sent->priority = spec->priority;
    add(queue, sent);
    if (spec->delay_s > 0) {
        sent->generation = 1;
        put_away(queue, sent, sent->visible_ms);
    } else {
        show(queue, sent, false);
    }
    *message = sent;
    return STATUS_OK;
}

enum status message_queue_restore(struct message_queue *queue, const struct message_record *record,
                                  struct error *err)
{
    if (record->priority < 1 || record->priority > QUEUE_PRIORITIES || record->serial == 0 ||
        record->serial == UINT64_MAX || message_queue_message(queue, record->serial))
        return error_set(err, STATUS_INPUT, "message %llu cannot be",
                         (unsigned long long)record->serial);
    TRY(reserve_one(queue));
    struct queued *message = message_new(record->body);
    if (!message)
        return STATUS_NOMEM;
    message->serial = record->serial;
    message->enqueue_ms = record->enqueue_ms;
    message->visible_ms = record->visible_ms;
    message->first_dequeue_ms = record->first_dequeue_ms;
    message->dequeue_count = record->dequeue_count;
    message->generation = record->generation;
    message->priority = record->priority;
    add(queue, message);
    if (record->serial >= queue->next_serial)
        queue->next_serial = record->serial + 1;
    if (record->visible_ms > record->enqueue_ms)
        put_away(queue, message, record->visible_ms);
    else
        show(queue, message, false);
    return STATUS_OK;
}

/* The message to receive next, or NULL. With a window, one of the first of its priority. */
static struct queued *pick(const struct message_queue *queue)
{
    unsigned index = 0;
    while (index < QUEUE_PRIORITIES && !queue->visible[index].first)
        index++;
    if (index == QUEUE_PRIORITIES)
        return NULL;
    struct queued *message = queue->visible[index].first;
    if (!queue->shuffle)
        return message;
    uint32_t steps = random_below(queue->shuffle, queue->shuffle_window);
    while (steps-- > 0)
        message = message->after ? message->after : queue->visible[index].first;
    return message;
}

void message_queue_deliver(struct message_queue *queue, struct queued *message, int64_t now_ms,
                           int64_t visible_ms)
{
    take_out(queue, message);
    message->visible_ms = visible_ms;
    message->dequeue_count++;
    message->generation++;
    if (message->first_dequeue_ms == 0)
        message->first_dequeue_ms = now_ms;
    put_away(queue, message, visible_ms);
}

size_t message_queue_receive(struct message_queue *queue, size_t most, int64_t now_ms,
                             struct queued **messages)
{
    const int64_t visible_ms =
        now_ms + (int64_t)queue->attributes.values[ATTRIBUTE_VISIBILITY_S] * MS_PER_S;
    size_t count = 0;
    struct queued *message = NULL;
    while (count < most && (message = pick(queue))) {
        message_queue_deliver(queue, message, now_ms, visible_ms);
        messages[count++] = message;
    }
    return count;
}

size_t message_queue_peek(const struct message_queue *queue, size_t most, struct queued **messages)
{
    size_t count = 0;
    for (unsigned i = 0; i < QUEUE_PRIORITIES; i++) {
        struct queued *message = queue->visible[i].first;
        for (; message && count < most; message = message->after)
            messages[count++] = message;
    }
    return count;
}

struct queued *message_queue_message(const struct message_queue *queue, uint64_t serial)
{
    return serial_map_find(&queue->by_serial, serial);
}

enum handle_verdict message_queue_find(const struct message_queue *queue, struct slice handle,
                                       int64_t now_ms, struct queued **message)
{
    struct handle parts;
    if (!handle_read(handle, queue->key, &parts))
        return HANDLE_UNKNOWN;
    struct queued *found = message_queue_message(queue, parts.serial);
    if (!found || found->generation != parts.generation || found->visible_ms <= now_ms)
        return HANDLE_GONE;
    *message = found;
    return HANDLE_LIVE;
}

void message_queue_delete(struct message_queue *queue, struct queued *message)
{
    take_out(queue, message);
    serial_map_remove(&queue->by_serial, message->serial);
    if (message->older)
        message->older->newer = message->newer;
    else
        queue->oldest = message->newer;
    if (message->newer)
        message->newer->older = message->older;
    else
        queue->newest = message->older;
    queue->bytes -= sizeof *message + message->body_len;
    mem_free(message);
}

void message_queue_change_visibility(struct message_queue *queue, struct queued *message,
                                     int64_t visible_ms)
{
    take_out(queue, message);
    message->visible_ms = visible_ms;
    message->generation++;
    put_away(queue, message, visible_ms);
}

void message_queue_show_early(struct message_queue *queue, struct queued *message, int64_t due_ms,
                              int64_t now_ms)
{
    assert(!message->is_visible);
    take_out(queue, message);
    if (due_ms <= now_ms)
        show(queue, message, true);
    else
        put_away(queue, message, due_ms);
}
