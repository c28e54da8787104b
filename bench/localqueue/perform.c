/*
 * perform.c - one function for each operation; see perform.h.
 *
 * Order within a call: change the queue, note it in the journal, write the answer. A change is
 * never taken back: an answer that could not be written is an answer that was lost.
 */
#include "bench/localqueue/perform.h"

#include <assert.h>

#define MS_PER_S INT64_C(1000)

/* What the functions below share. */
struct performance {
    struct performer *performer;
    const struct call *call;
    const struct reply_context *context;
    struct reply *answer;
    struct named_queue *queue; /* of the call; NULL: there is none */
    int64_t now_ms;
};

static enum status refuse(const struct performance *self, enum code code)
{
    return reply_error(self->answer, code, self->context);
}

static enum status create(const struct performance *self)
{
    struct broker *broker = self->performer->broker;
    const struct call *call = self->call;
    if (self->queue) {
        if (!attributes_agree(&self->queue->queue.attributes, &call->attributes))
            return refuse(self, CODE_QUEUE_EXISTS);
        return reply_created(self->answer, 204, self->queue, self->context);
    }
    if (broker->count >= BROKER_QUEUES_MAX)
        return refuse(self, CODE_INVALID_ARGUMENT);
    const struct queue_spec spec = {
        .name = call->queue,
        .attributes = call->attributes,
        .key = random_u64(&self->performer->keys),
        .number = broker->next_number,
        .create_ms = self->now_ms,
        .modify_ms = self->now_ms,
    };
    struct named_queue *queue = NULL;
    TRY(broker_add(broker, &spec, &queue));
    journal_queue(self->performer->journal, queue);
    return reply_created(self->answer, 201, queue, self->context);
}

static void set_attributes(const struct performance *self, const struct attributes *attributes)
{
    attributes_update(&self->queue->queue.attributes, attributes);
    self->queue->modify_ms = self->now_ms;
    journal_queue(self->performer->journal, self->queue);
    message_queue_advance(&self->queue->queue, self->now_ms);
}

static enum status list(const struct performance *self)
{
    const struct broker *broker = self->performer->broker;
    const struct call *call = self->call;
    const struct slice from = slice_compare(call->list_prefix, call->list_marker) > 0
                                  ? call->list_prefix
                                  : call->list_marker;
    const size_t begin = broker_index(broker, from);
    size_t end = begin;
    bool matches = true;
    while (end < broker->count) {
        const struct slice name = slice_of_text(broker->queues[end]->name);
        matches = name.len >= call->list_prefix.len &&
                  slice_equal(slice_of(name.data, call->list_prefix.len), call->list_prefix);
        if (!matches || end - begin == call->list_count)
            break;
        end++;
    }
    const struct reply_list answer = {
        .queues = broker->queues ? broker->queues + begin : NULL,
        .count = end - begin,
        .next = end < broker->count && matches ? broker->queues[end] : NULL,
        .with_meta = call->with_meta,
    };
    return reply_queues(self->answer, &answer, self->context);
}

/* CODE_NONE: it was sent. */
static enum code send_one(const struct performance *self, const struct call_message *message,
                          struct queued **sent)
{
    struct message_queue *queue = &self->queue->queue;
    const uint32_t *values = queue->attributes.values;
    if (message->is_bad || message->body.len == 0 ||
        message->body.len > values[ATTRIBUTE_MESSAGE_BYTES_MAX])
        return CODE_INVALID_ARGUMENT;
    const struct message_spec spec = {
        .body = message->body,
        .priority = message->priority > 0 ? message->priority : QUEUE_PRIORITY_DEFAULT,
        .delay_s = message->has_delay ? message->delay_s : values[ATTRIBUTE_DELAY_S],
    };
    if (message_queue_send(queue, &spec, self->now_ms, sent) != STATUS_OK)
        return CODE_INTERNAL;
    journal_sent(self->performer->journal, self->queue, *sent);
    return CODE_NONE;
}

static enum status send_all(const struct performance *self)
{
    const struct call *call = self->call;
    if (broker_bytes(self->performer->broker) >= self->performer->bytes_max)
        return refuse(self, CODE_TOO_MANY_REQUESTS);
    struct reply_sent sent[CALL_BATCH_MAX] = {0};
    for (size_t i = 0; i < call->message_count; i++) {
        struct queued *message = NULL;
        sent[i].code = send_one(self, &call->messages[i], &message);
        sent[i].message = message;
    }
    if (!call->is_batch && !sent[0].message)
        return refuse(self, sent[0].code);
    return reply_sent(self->answer, self->queue, sent, call->message_count, call->is_batch);
}

static enum status receive(const struct performance *self, struct patience *patience)
{
    struct performer *performer = self->performer;
    const struct call *call = self->call;
    struct message_queue *queue = &self->queue->queue;
    struct queued *messages[CALL_BATCH_MAX];
    const size_t count = message_queue_receive(queue, call->count, self->now_ms, messages);
    if (count == 0) {
        const uint32_t wait_s =
            call->has_wait ? call->wait_s : queue->attributes.values[ATTRIBUTE_POLLING_WAIT_S];
        if (!patience || wait_s == 0 || performer->broker->waiter_count >= performer->polls_max)
            return refuse(self, CODE_NO_MESSAGE);
        *patience = (struct patience){self->queue, (int64_t)wait_s * MS_PER_S};
        return STATUS_OK;
    }
    journal_received(performer->journal, self->queue, self->now_ms, messages, count);
    for (size_t i = 0; i < count; i++) {
        const int64_t due_ms = faults_redelivery_ms(performer->faults, self->now_ms);
        if (due_ms < messages[i]->visible_ms)
            message_queue_show_early(queue, messages[i], due_ms, self->now_ms);
    }
    return reply_messages(self->answer, self->queue, messages, count, REPLY_RECEIVED,
                          call->is_batch);
}

static enum status peek(const struct performance *self)
{
    struct queued *messages[CALL_BATCH_MAX];
    const size_t count = message_queue_peek(&self->queue->queue, self->call->count, messages);
    if (count == 0)
        return refuse(self, CODE_NO_MESSAGE);
    return reply_messages(self->answer, self->queue, messages, count, REPLY_PEEKED,
                          self->call->is_batch);
}

/* CODE_NONE: it is gone. */
static enum code delete_one(const struct performance *self, struct slice handle)
{
    struct message_queue *queue = &self->queue->queue;
    struct queued *message = NULL;
    const bool fails = faults_fail_delete(self->performer->faults);
    switch (message_queue_find(queue, handle, self->now_ms, &message)) {
    case HANDLE_UNKNOWN:
        return CODE_HANDLE_ERROR;
    case HANDLE_GONE:
        return CODE_NO_MESSAGE;
    case HANDLE_LIVE:
        break;
    }
    if (fails)
        return CODE_NO_MESSAGE;
    journal_deleted(self->performer->journal, self->queue, message);
    message_queue_delete(queue, message);
    return CODE_NONE;
}

static enum status delete_all(const struct performance *self)
{
    const struct call *call = self->call;
    struct reply_failure failures[CALL_BATCH_MAX];
    size_t failure_count = 0;
    for (size_t i = 0; i < call->handle_count; i++) {
        const enum code code = delete_one(self, call->handles[i]);
        if (code != CODE_NONE)
            failures[failure_count++] = (struct reply_failure){call->handles[i], code};
    }
    if (failure_count == 0) {
        reply_plain(self->answer, 204);
        return STATUS_OK;
    }
    return call->is_batch ? reply_failures(self->answer, failures, failure_count)
                          : refuse(self, failures[0].code);
}

static enum status change_visibility(const struct performance *self)
{
    struct queued *message = NULL;
    switch (
        message_queue_find(&self->queue->queue, self->call->handles[0], self->now_ms, &message)) {
    case HANDLE_UNKNOWN:
        return refuse(self, CODE_HANDLE_ERROR);
    case HANDLE_GONE:
        return refuse(self, CODE_NO_MESSAGE);
    case HANDLE_LIVE:
        break;
    }
    message_queue_change_visibility(&self->queue->queue, message,
                                    self->now_ms + (int64_t)self->call->visibility_s * MS_PER_S);
    journal_visibility(self->performer->journal, self->queue, message);
    return reply_visibility(self->answer, self->queue, message);
}

/* All that need their queue. */
static enum status on_queue(const struct performance *self, struct patience *patience)
{
    message_queue_advance(&self->queue->queue, self->now_ms);
    switch (self->call->operation) {
    case OPERATION_SET_ATTRIBUTES:
        set_attributes(self, &self->call->attributes);
        reply_plain(self->answer, 204);
        return STATUS_OK;
    case OPERATION_GET_ATTRIBUTES:
        return reply_queue(self->answer, self->queue);
    case OPERATION_DELETE_QUEUE:
        journal_queue_removed(self->performer->journal, self->queue);
        broker_remove(self->performer->broker, self->queue);
        reply_plain(self->answer, 204);
        return STATUS_OK;
    case OPERATION_SEND:
        return send_all(self);
    case OPERATION_RECEIVE:
        return receive(self, patience);
    case OPERATION_PEEK:
        return peek(self);
    case OPERATION_DELETE:
        return delete_all(self);
    case OPERATION_CHANGE_VISIBILITY:
        return change_visibility(self);
    case OPERATION_CREATE_QUEUE:
    case OPERATION_LIST_QUEUES:
        break;
    }
    assert(false); /* these need no queue */
    return refuse(self, CODE_INTERNAL);
}

enum status perform(struct performer *performer, const struct call *call, int64_t now_ms,
                    const struct reply_context *context, struct reply *answer,
                    struct patience *patience)
{
    const struct performance self = {
        .performer = performer,
        .call = call,
        .context = context,
        .answer = answer,
        .queue = broker_find(performer->broker, call->queue),
        .now_ms = now_ms,
    };
    if (patience)
        *patience = (struct patience){0};
    if (call->operation == OPERATION_LIST_QUEUES)
        return list(&self);
    if (call->operation == OPERATION_CREATE_QUEUE)
        return create(&self);
    if (!self.queue)
        return refuse(&self, CODE_NO_QUEUE);
    return on_queue(&self, patience);
}

enum status perform_provide_queue(struct performer *performer, struct slice name,
                                  const struct attributes *attributes, int64_t now_ms,
                                  struct error *err)
{
    struct named_queue *queue = broker_find(performer->broker, name);
    if (queue) {
        if (!attributes_agree(&queue->queue.attributes, attributes)) {
            attributes_update(&queue->queue.attributes, attributes);
            queue->modify_ms = now_ms;
            journal_queue(performer->journal, queue);
        }
        return STATUS_OK;
    }
    const struct queue_spec spec = {
        .name = name,
        .attributes = *attributes,
        .key = random_u64(&performer->keys),
        .number = performer->broker->next_number,
        .create_ms = now_ms,
        .modify_ms = now_ms,
    };
    if (broker_add(performer->broker, &spec, &queue) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a queue");
    journal_queue(performer->journal, queue);
    return STATUS_OK;
}
