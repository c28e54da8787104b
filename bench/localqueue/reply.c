/*
 * reply.c - XML straight into one buffer; see reply.h.
 *
 * Room is reserved for each message at once, so that its pieces are written without checks.
 */
#include "bench/localqueue/reply.h"

#include "ingest/xml/xml.h"

#include <assert.h>
#include <string.h>

#define XMLNS        " xmlns=\"http://mns.aliyuncs.com/doc/v1\""
#define DECLARATION  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define MESSAGE_ROOM ((size_t)1024) /* tags, numbers and handle of a message */

/* As buffer_put_bytes, but inlined: most pieces are short, and their length is known here. */
static inline void put_bytes(struct buffer *to, const void *bytes, size_t len)
{
    assert(to->capacity - to->len >= len);
    memcpy(to->data + to->len, bytes, len);
    to->len += len;
}

/* A literal; room was reserved. */
#define PUT(to, literal) put_bytes((to), (literal), sizeof(literal) - 1)

static void put_number(struct buffer *to, uint64_t number)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put_bytes(to, digits + at, sizeof digits - at);
}

static void put_time(struct buffer *to, int64_t time_ms)
{
    put_number(to, time_ms > 0 ? (uint64_t)time_ms : 0);
}

static void put_hex(struct buffer *to, uint64_t number)
{
    uint8_t digits[16];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t) "0123456789ABCDEF"[number & 15];
        number >>= 4;
    } while (number > 0);
    put_bytes(to, digits + at, sizeof digits - at);
}

static enum status append_text(struct buffer *to, const char *text)
{
    return buffer_append(to, text, strlen(text));
}

/* Begins a body; what stays of the last answer is dropped. */
static enum status begin(struct reply *answer, int http_status, const char *root)
{
    reply_plain(answer, http_status);
    TRY(append_text(&answer->body, DECLARATION "\n<"));
    TRY(append_text(&answer->body, root));
    return append_text(&answer->body, XMLNS ">");
}

static enum status append_element(struct buffer *to, const char *name, struct slice text)
{
    TRY(append_text(to, "<"));
    TRY(append_text(to, name));
    TRY(append_text(to, ">"));
    TRY(xml_escape(to, text));
    TRY(append_text(to, "</"));
    TRY(append_text(to, name));
    return append_text(to, ">");
}

static enum status append_number(struct buffer *to, const char *name, uint64_t number)
{
    TRY(buffer_reserve(to, 2 * strlen(name) + 32));
    PUT(to, "<");
    put_bytes(to, name, strlen(name));
    PUT(to, ">");
    put_number(to, number);
    PUT(to, "</");
    put_bytes(to, name, strlen(name));
    PUT(to, ">");
    return STATUS_OK;
}

void reply_plain(struct reply *answer, int http_status)
{
    answer->http_status = http_status;
    buffer_clear(&answer->body);
    buffer_clear(&answer->location);
}

enum status reply_error(struct reply *answer, enum code code, const struct reply_context *context)
{
    assert(code != CODE_NONE);
    const struct code_info *info = code_info(code);
    struct buffer *to = &answer->body;
    TRY(begin(answer, info->http_status, "Error"));
    TRY(append_element(to, "Code", slice_of_text(info->name)));
    TRY(append_element(to, "Message", slice_of_text(info->text)));
    TRY(append_element(to, "RequestId", slice_of_text(context->request_id)));
    TRY(append_element(to, "HostId", slice_of_text(context->endpoint)));
    return append_text(to, "</Error>");
}

/* Ids are unique in their queue, and unlikely ever to be given twice. */
static void put_message_id(struct buffer *to, const struct message_queue *queue,
                           const struct queued *message)
{
    PUT(to, "<MessageId>");
    put_hex(to, queue->key | UINT64_C(1) << 63);
    PUT(to, "-2-");
    put_hex(to, (uint64_t)message->enqueue_ms);
    PUT(to, "-");
    put_hex(to, message->serial);
    PUT(to, "</MessageId>");
}

static void put_handle(struct buffer *to, const struct message_queue *queue,
                       const struct queued *message)
{
    uint8_t text[HANDLE_TEXT_BYTES];
    handle_write((struct handle){message->serial, message->generation}, queue->key, text);
    PUT(to, "<ReceiptHandle>");
    put_bytes(to, text, sizeof text);
    PUT(to, "</ReceiptHandle>");
}

static void put_md5(struct buffer *to, const struct queued *message)
{
    PUT(to, "<MessageBodyMD5>");
    put_bytes(to, message->md5, sizeof message->md5);
    PUT(to, "</MessageBodyMD5>");
}

static enum status append_body(struct buffer *to, const struct queued *message)
{
    const struct slice body = slice_of(message->body, message->body_len);
    PUT(to, "<MessageBody>");
    if (message->is_plain)
        put_bytes(to, body.data, body.len);
    else
        TRY(xml_escape(to, body));
    TRY(buffer_reserve(to, MESSAGE_ROOM));
    PUT(to, "</MessageBody>");
    return STATUS_OK;
}

static enum status append_message(struct buffer *to, const struct message_queue *queue,
                                  const struct queued *message, enum reply_form form)
{
    TRY(buffer_reserve(to, 2 * MESSAGE_ROOM + message->body_len));
    put_message_id(to, queue, message);
    if (form == REPLY_RECEIVED)
        put_handle(to, queue, message);
    TRY(append_body(to, message));
    put_md5(to, message);
    PUT(to, "<EnqueueTime>");
    put_time(to, message->enqueue_ms);
    PUT(to, "</EnqueueTime>");
    if (form == REPLY_RECEIVED) {
        PUT(to, "<NextVisibleTime>");
        put_time(to, message->visible_ms);
        PUT(to, "</NextVisibleTime>");
    }
    PUT(to, "<FirstDequeueTime>");
    put_time(to, message->dequeue_count > 0 ? message->first_dequeue_ms : message->enqueue_ms);
    PUT(to, "</FirstDequeueTime><DequeueCount>");
    put_number(to, message->dequeue_count);
    PUT(to, "</DequeueCount><Priority>");
    put_number(to, message->priority);
    PUT(to, "</Priority>");
    return STATUS_OK;
}

enum status reply_messages(struct reply *answer, const struct named_queue *queue,
                           struct queued *const *messages, size_t count, enum reply_form form,
                           bool is_batch)
{
    assert(is_batch || count == 1);
    struct buffer *to = &answer->body;
    TRY(begin(answer, 200, is_batch ? "Messages" : "Message"));
    for (size_t i = 0; i < count; i++) {
        if (is_batch)
            TRY(append_text(to, "<Message>"));
        TRY(append_message(to, &queue->queue, messages[i], form));
        if (is_batch)
            TRY(append_text(to, "</Message>"));
    }
    return append_text(to, is_batch ? "</Messages>" : "</Message>");
}

static enum status append_sent(struct buffer *to, const struct message_queue *queue,
                               const struct reply_sent *sent)
{
    if (!sent->message) {
        TRY(append_element(to, "ErrorCode", slice_of_text(code_info(sent->code)->name)));
        return append_element(to, "ErrorMessage", slice_of_text(code_info(sent->code)->text));
    }
    TRY(buffer_reserve(to, MESSAGE_ROOM));
    put_message_id(to, queue, sent->message);
    put_md5(to, sent->message);
    if (sent->message->generation > 0)
        put_handle(to, queue, sent->message);
    return STATUS_OK;
}

enum status reply_sent(struct reply *answer, const struct named_queue *queue,
                       const struct reply_sent *sent, size_t count, bool is_batch)
{
    struct buffer *to = &answer->body;
    int http_status = 201;
    for (size_t i = 0; i < count; i++) {
        if (!sent[i].message)
            http_status = code_info(sent[i].code)->http_status;
    }
    TRY(begin(answer, http_status, is_batch ? "Messages" : "Message"));
    for (size_t i = 0; i < count; i++) {
        if (is_batch)
            TRY(append_text(to, "<Message>"));
        TRY(append_sent(to, &queue->queue, &sent[i]));
        if (is_batch)
            TRY(append_text(to, "</Message>"));
    }
    return append_text(to, is_batch ? "</Messages>" : "</Message>");
}

enum status reply_failures(struct reply *answer, const struct reply_failure *failures, size_t count)
{
    struct buffer *to = &answer->body;
    TRY(begin(answer, 404, "Errors"));
    for (size_t i = 0; i < count; i++) {
        const struct code_info *info = code_info(failures[i].code);
        TRY(append_text(to, "<Error>"));
        TRY(append_element(to, "ErrorCode", slice_of_text(info->name)));
        TRY(append_element(to, "ErrorMessage", slice_of_text(info->text)));
        TRY(append_element(to, "ReceiptHandle", failures[i].handle));
        TRY(append_text(to, "</Error>"));
    }
    return append_text(to, "</Errors>");
}

enum status reply_visibility(struct reply *answer, const struct named_queue *queue,
                             const struct queued *message)
{
    struct buffer *to = &answer->body;
    TRY(begin(answer, 200, "ChangeVisibility"));
    TRY(buffer_reserve(to, MESSAGE_ROOM));
    put_handle(to, &queue->queue, message);
    PUT(to, "<NextVisibleTime>");
    put_time(to, message->visible_ms);
    PUT(to, "</NextVisibleTime></ChangeVisibility>");
    return STATUS_OK;
}

static enum status append_attributes(struct buffer *to, const struct named_queue *queue)
{
    const struct message_queue *state = &queue->queue;
    TRY(append_element(to, "QueueName", slice_of_text(queue->name)));
    TRY(append_number(to, "CreateTime", (uint64_t)(queue->create_ms / 1000)));
    TRY(append_number(to, "LastModifyTime", (uint64_t)(queue->modify_ms / 1000)));
    for (unsigned i = 0; i < ATTRIBUTE_LOGGING; i++)
        TRY(append_number(to, attribute_name((enum attribute)i), state->attributes.values[i]));
    TRY(append_number(to, "ActiveMessages", state->visible_count));
    TRY(append_number(to, "InactiveMessages", message_queue_invisible_count(state)));
    TRY(append_number(to, "DelayMessages", state->delayed_count));
    const bool is_logging = state->attributes.values[ATTRIBUTE_LOGGING] == 1;
    return append_element(to, attribute_name(ATTRIBUTE_LOGGING),
                          slice_of_text(is_logging ? "True" : "False"));
}

enum status reply_queue(struct reply *answer, const struct named_queue *queue)
{
    TRY(begin(answer, 200, "Queue"));
    TRY(append_attributes(&answer->body, queue));
    return append_text(&answer->body, "</Queue>");
}

static enum status append_address(struct buffer *to, const struct named_queue *queue,
                                  const struct reply_context *context)
{
    TRY(append_text(to, context->endpoint));
    TRY(append_text(to, "/queues/"));
    return append_text(to, queue->name);
}

enum status reply_queues(struct reply *answer, const struct reply_list *list,
                         const struct reply_context *context)
{
    struct buffer *to = &answer->body;
    TRY(begin(answer, 200, "Queues"));
    for (size_t i = 0; i < list->count; i++) {
        TRY(append_text(to, "<Queue><QueueURL>"));
        TRY(append_address(to, list->queues[i], context));
        TRY(append_text(to, "</QueueURL>"));
        if (list->with_meta)
            TRY(append_attributes(to, list->queues[i]));
        TRY(append_text(to, "</Queue>"));
    }
    if (list->next)
        TRY(append_element(to, "NextMarker", slice_of_text(list->next->name)));
    return append_text(to, "</Queues>");
}

enum status reply_created(struct reply *answer, int http_status, const struct named_queue *queue,
                          const struct reply_context *context)
{
    reply_plain(answer, http_status);
    TRY(append_address(&answer->location, queue, context));
    return buffer_append(&answer->location, "", 1);
}

void reply_release(struct reply *answer)
{
    buffer_release(&answer->body);
    buffer_release(&answer->location);
    *answer = (struct reply){0};
}
