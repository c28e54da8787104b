/*
 * delete.c - messages that are on disk leave their queue, sixteen at a time.
 *
 *      deletable ──batch──> under way ──> deleted
 *          ^                    │  └────> given up: expired, unknown, or never answered
 *          └──── no answer ─────┘
 *
 * (1) A handle is in one batch at most, and once in it.
 * (2) An entry is tried until its handle has expired, and once in any case. A message that is
 *     given up comes again, is found to be a duplicate, and is deleted then.
 * (3) When a whole batch is refused for its handles, each is tried alone: one bad entry must not
 *     keep fifteen others.
 */
#include "ingest/queue/queue_internal.h"

#include <assert.h>

/* --- ends of a message ----------------------------------------------------------------------- */

void message_drop(struct parcel *message)
{
    struct consumer *consumer = message->consumer;
    struct queue_source *queue = consumer->source;
    if (message->state == MESSAGE_DELETABLE || message->state == MESSAGE_DELETING) {
        assert(queue->deleting > 0);
        queue->deleting--;
    } else if (message->state == MESSAGE_HELD) {
        assert(queue->held > 0);
        queue->held--;
    }
    assert(consumer->in_flight > 0 && queue->in_flight > 0);
    consumer->in_flight--;
    queue->in_flight--;
    metrics_set(&consumer->metrics->in_flight, (int64_t)consumer->in_flight);
    message_table_remove(&queue->table, message);
}

static void give_up(struct parcel *message)
{
    metrics_add(&message->consumer->metrics->deletes_failed, 1);
    message_drop(message);
}

static void put_back(struct parcel *message)
{
    message->state = MESSAGE_DELETABLE;
    message_list_push(&message->consumer->deletable, message);
}

void delete_message(struct parcel *message)
{
    struct queue_source *queue = message->consumer->source;
    if (queue->config.mode == QUEUE_PEEK) {
        message_drop(message);
    } else if (queue->config.mode == QUEUE_DRY_RUN) {
        message->state = MESSAGE_HELD;
        queue->held++;
    } else {
        queue->deleting++;
        message->state = MESSAGE_DELETABLE;
        message->acknowledged = message->extending; // its handle changes just now
        if (!message->extending)
            put_back(message);
    }
}

/* --- answers --------------------------------------------------------------------------------- */

/* The request was not answered, or not for this entry. */
static void try_again(const struct queue_source *queue, struct parcel *message)
{
    if (message->delete_tries < UINT8_MAX)
        message->delete_tries++;
    if (queue->now_ms >= message->valid_until_ms)
        give_up(message);
    else
        put_back(message);
}

static bool is_newer_than_sent(const struct operation *operation, unsigned entry)
{
    return operation->messages[entry]->handle_serial != operation->handle_serials[entry];
}

static void count_deleted(const struct operation *operation, struct parcel *message)
{
    metrics_add(&operation->consumer->metrics->deleted, 1);
    message_drop(message);
}

static void answer_all_deleted(struct operation *operation)
{
    for (unsigned i = 0; i < operation->count; i++)
        count_deleted(operation, operation->messages[i]);
}

static void answer_none(struct operation *operation)
{
    const struct queue_source *queue = operation->consumer->source;
    for (unsigned i = 0; i < operation->count; i++)
        try_again(queue, operation->messages[i]);
}

/* The batch was refused for what is in it. */
static void answer_bad_handles(struct operation *operation)
{
    for (unsigned i = 0; i < operation->count; i++) {
        struct parcel *message = operation->messages[i];
        if (operation->count == 1 && !is_newer_than_sent(operation, i)) {
            give_up(message);
        } else {
            message->delete_alone = operation->count > 1;
            put_back(message);
        }
    }
}

static const struct wire_failure *failure_of(const struct wire_reply *reply, struct slice handle)
{
    for (size_t i = 0; i < reply->failure_count; i++) {
        if (slice_equal(reply->failures[i].receipt_handle, handle))
            return &reply->failures[i];
    }
    return NULL;
}

static bool is_bad_handle(const struct wire_failure *failure)
{
    return slice_equal(failure->code, slice_of_text("MessageNotExist")) ||
           slice_equal(failure->code, slice_of_text("ReceiptHandleError"));
}

/* How many of the failures are about entries of this batch. */
static size_t failures_known(const struct operation *operation, const struct wire_reply *reply)
{
    size_t known = 0;
    for (unsigned i = 0; i < operation->count; i++)
        known += failure_of(reply, message_handle(operation->messages[i])) != NULL;
    return known;
}

/*
 * What the answer says of the server: it is busy if nothing at all came of the batch. An entry that
 * fails beside others is tried again with the next ones.
 */
static enum wire_verdict answer_in_part(struct operation *operation, const struct wire_reply *reply)
{
    const struct queue_source *queue = operation->consumer->source;
    enum wire_verdict verdict = WIRE_BUSY;
    const bool all_known = failures_known(operation, reply) == reply->failure_count;
    for (unsigned i = 0; i < operation->count; i++) {
        struct parcel *message = operation->messages[i];
        const struct wire_failure *failure = failure_of(reply, message_handle(message));
        if (failure && is_bad_handle(failure)) {
            give_up(message);
            verdict = WIRE_PARTIAL;
        } else if (!failure && all_known && !is_newer_than_sent(operation, i)) {
            count_deleted(operation, message);
            verdict = WIRE_PARTIAL;
        } else {
            try_again(queue, message); // failed, or whose failure it was is not clear
        }
    }
    return verdict;
}

/* What an answer to a batch delete is. */
static enum wire_verdict judge(const struct mns_answer *answer)
{
    if (answer->verdict == WIRE_EMPTY)
        return WIRE_NO_HANDLE;
    if (answer->verdict == WIRE_PARTIAL && answer->reply->failure_count == 0)
        return WIRE_BROKEN;
    return answer->verdict;
}

static void answer_delete(struct operation *operation, const struct mns_answer *given)
{
    struct consumer *consumer = operation->consumer;
    struct mns_answer answer = *given;
    answer.verdict = judge(given);
    metrics_add(&consumer->metrics->deletes[answer.verdict], 1);
    if (answer.verdict == WIRE_DONE) {
        answer_all_deleted(operation);
    } else if (answer.verdict == WIRE_PARTIAL) {
        answer.verdict = answer_in_part(operation, answer.reply);
    } else if (answer.verdict == WIRE_NO_HANDLE ||
               (answer.verdict == WIRE_REFUSED && operation->count > 1)) {
        answer_bad_handles(operation);
        answer.verdict = WIRE_NO_HANDLE;
    } else if (answer.verdict == WIRE_REFUSED) {
        answer_bad_handles(operation);
    } else {
        answer_none(operation);
    }
    if (answer.verdict == WIRE_DONE || answer.verdict == WIRE_PARTIAL ||
        answer.verdict == WIRE_NO_HANDLE)
        fortune_succeed(consumer, OPERATION_DELETE);
    else
        fortune_fail(operation, &answer);
}

static void delete_done(void *context, const struct mns_answer *answer)
{
    struct operation *operation = context;
    struct queue_source *queue = operation->consumer->source;
    queue_lock(queue);
    if (!queue->closing) {
        answer_delete(operation, answer);
        operation_give(operation);
    }
    queue_unlock(queue);
}

/* --- starting -------------------------------------------------------------------------------- */

/* A server that gives two messages one handle gets it twice, but not in one batch. */
static bool holds_handle(const struct operation *operation, const struct parcel *message)
{
    for (unsigned i = 0; i < operation->count; i++) {
        if (slice_equal(message_handle(operation->messages[i]), message_handle(message)))
            return true;
    }
    return false;
}

static bool fits(const struct operation *operation, const struct parcel *message)
{
    if (operation->count == 0)
        return true;
    return operation->count < WIRE_BATCH_MAX && !message->delete_alone &&
           !operation->messages[0]->delete_alone && !holds_handle(operation, message);
}

/* Moves messages from the head of the list into a batch, giving up those that have expired. */
static void fill_batch(struct consumer *consumer, struct operation *operation)
{
    const struct queue_source *queue = consumer->source;
    struct message_list *list = &consumer->deletable;
    while (list->first) {
        struct parcel *message = list->first;
        const bool expired = message->delete_tries > 0 && queue->now_ms >= message->valid_until_ms;
        if (!expired && !fits(operation, message))
            return;
        (void)message_list_pop(list);
        if (expired) {
            give_up(message);
            continue;
        }
        message->state = MESSAGE_DELETING;
        operation->messages[operation->count] = message;
        operation->handle_serials[operation->count++] = message->handle_serial;
    }
}

/* Nothing was sent: everything as before, but for the order. */
static void empty_batch(struct parcel *const *messages, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        put_back(messages[i]);
}

static enum status build(struct queue_source *queue, const struct operation *operation)
{
    struct slice handles[WIRE_BATCH_MAX];
    for (unsigned i = 0; i < operation->count; i++)
        handles[i] = message_handle(operation->messages[i]);
    return wire_request_delete(&queue->request, operation->consumer->name, handles,
                               operation->count);
}

/* False: not now. */
static bool start_delete(struct consumer *consumer)
{
    struct queue_source *queue = consumer->source;
    struct operation *operation = operation_take(consumer, OPERATION_DELETE);
    if (!operation)
        return false;
    fill_batch(consumer, operation);
    const unsigned count = operation->count;
    if (count == 0) {
        operation_give(operation);
        return false;
    }
    if (build(queue, operation) != STATUS_OK) {
        operation_give(operation);
        empty_batch(operation->messages, count);
        consumer->lanes[OPERATION_DELETE].fortune.retry_at_ms = queue->now_ms + MNS_BACKOFF_MS_BASE;
        queue_fail(queue, STATUS_NOMEM, WIRE_DONE, "no memory to delete messages");
        return false;
    }
    if (operation_start(operation, QUEUE_ANSWER_MS, delete_done))
        return true;
    empty_batch(operation->messages, count);
    return false;
}

void delete_plan(struct consumer *consumer)
{
    const struct lane *lane = &consumer->lanes[OPERATION_DELETE];
    while (consumer->deletable.count > 0) {
        const unsigned allowed = lane->fortune.failures > 0 ? 1 : QUEUE_DELETES_MAX;
        if (lane->busy_count >= allowed || !fortune_allows(consumer, OPERATION_DELETE) ||
            !start_delete(consumer))
            return;
    }
}
