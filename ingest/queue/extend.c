/*
 * extend.c - messages whose commit is late stay invisible; those of a dry run come back.
 *
 * How long a handle serves is told without comparing clocks: at the first receive the
 * server notes when it happened and when it ends, both by its own clock. The difference, counted
 * from our receipt of the answer, is the time left (less the way of the answer: a third of it is
 * kept as a margin).
 *
 * (1) Only messages that are not acknowledged are extended; a delete waits for the answer, since
 *     an extension makes a new handle and voids the old one.
 * (2) Never beyond QUEUE_EXTEND_MS_MAX after the receive. Then the message comes again, as a
 *     duplicate, and a consumer that hangs holds nothing for ever.
 * (3) All messages are looked at only when one of them may be due.
 */
#include "ingest/queue/queue_internal.h"

#include <assert.h>

#define GIVE_BACK_S 1u /* the shortest visibility there is */

/* --- how long a handle serves ---------------------------------------------------------------- */

static bool is_plausible_ms(int64_t visibility_ms)
{
    return visibility_ms >= 1000 && visibility_ms <= (int64_t)WIRE_VISIBILITY_S_MAX * 1000;
}

static int64_t visibility_ms_of(struct consumer *consumer, const struct wire_message *received)
{
    const struct mns_clock *clock = &consumer->source->clock;
    const int64_t noted_ms = received->next_visible_ms - received->first_dequeue_ms;
    if (received->dequeue_count == 1 && received->first_dequeue_ms > 0 &&
        is_plausible_ms(noted_ms)) {
        consumer->visibility_ms = noted_ms;
        return noted_ms;
    }
    if (consumer->visibility_ms > 0)
        return consumer->visibility_ms;
    const int64_t left_ms = received->next_visible_ms - clock->utc_ms(clock->context) -
                            mns_clock_offset_ms(consumer->mns);
    return is_plausible_ms(left_ms) ? left_ms : QUEUE_VISIBILITY_MS;
}

static void set_validity(struct parcel *message, int64_t visibility_ms)
{
    struct queue_source *queue = message->consumer->source;
    message->valid_until_ms = queue->now_ms + visibility_ms;
    message->extend_at_ms = INT64_MAX;
    if (queue->config.mode != QUEUE_CONSUME)
        return;
    if (message->valid_until_ms - message->received_ms >= QUEUE_EXTEND_MS_MAX)
        return;
    message->extend_at_ms = message->valid_until_ms - visibility_ms / 3;
    if (message->extend_at_ms < queue->extend_check_ms)
        queue->extend_check_ms = message->extend_at_ms;
}

void extend_note_receive(struct parcel *message, const struct wire_message *received)
{
    message->next_visible_ms = received->next_visible_ms;
    set_validity(message, visibility_ms_of(message->consumer, received));
}

/* --- answers --------------------------------------------------------------------------------- */

static void take_new_handle(struct parcel *message, const struct wire_message *changed,
                            unsigned visibility_s)
{
    struct queue_source *queue = message->consumer->source;
    if (message_set_handle(message, changed->receipt_handle) != STATUS_OK) {
        queue_fail(queue, STATUS_NOMEM, WIRE_DONE, "no memory for a receipt handle");
        return;
    }
    message->next_visible_ms = changed->next_visible_ms;
    set_validity(message, (int64_t)visibility_s * 1000);
    metrics_add(&message->consumer->metrics->visibility_changes, 1);
}

/* What an answer to a change of visibility is. */
static enum wire_verdict judge(const struct mns_answer *answer)
{
    if (answer->verdict == WIRE_EMPTY)
        return WIRE_NO_HANDLE;
    if (answer->verdict != WIRE_DONE)
        return answer->verdict;
    const struct wire_reply *reply = answer->reply;
    if (reply->message_count != 1 || reply->messages[0].receipt_handle.len == 0 ||
        reply->messages[0].receipt_handle.len > MESSAGE_HANDLE_BYTES_MAX)
        return WIRE_BROKEN;
    return WIRE_DONE;
}

static void answer_extend(struct operation *operation, const struct mns_answer *given)
{
    struct parcel *message = operation->messages[0];
    struct mns_answer answer = *given;
    answer.verdict = judge(given);
    // Received again meanwhile: that handle is the newer one.
    const bool is_current = message->handle_serial == operation->handle_serials[0];
    if (answer.verdict == WIRE_DONE && is_current)
        take_new_handle(message, &answer.reply->messages[0], operation->wait_s);
    else if (answer.verdict == WIRE_NO_HANDLE && is_current)
        message->extend_at_ms = INT64_MAX;
    if (answer.verdict == WIRE_DONE || answer.verdict == WIRE_NO_HANDLE)
        fortune_succeed(operation->consumer, OPERATION_EXTEND);
    else
        fortune_fail(operation, &answer);
}

/* The message may go where it would have gone but for the answer. */
static void release(struct parcel *message)
{
    struct queue_source *queue = message->consumer->source;
    message->extending = false;
    if (message->acknowledged) {
        message->acknowledged = false;
        message_list_push(&message->consumer->deletable, message);
    } else if (message->state == MESSAGE_HELD) {
        message_drop(message);
    } else if (message->extend_at_ms < queue->extend_check_ms) {
        queue->extend_check_ms = message->extend_at_ms;
    }
}

static void extend_done(void *context, const struct mns_answer *answer)
{
    struct operation *operation = context;
    struct queue_source *queue = operation->consumer->source;
    queue_lock(queue);
    if (!queue->closing) {
        answer_extend(operation, answer);
        release(operation->messages[0]);
        operation_give(operation);
    }
    queue_unlock(queue);
}

/* --- starting -------------------------------------------------------------------------------- */

static unsigned seconds_to_ask(const struct parcel *message)
{
    const struct queue_source *queue = message->consumer->source;
    if (message->state == MESSAGE_HELD)
        return GIVE_BACK_S;
    const int64_t left_s = (message->received_ms + QUEUE_EXTEND_MS_MAX - queue->now_ms) / 1000;
    int64_t seconds = (message->consumer->visibility_ms + 999) / 1000;
    if (seconds < QUEUE_EXTEND_S_MIN)
        seconds = QUEUE_EXTEND_S_MIN;
    if (seconds > left_s)
        seconds = left_s;
    return seconds > 0 ? (unsigned)seconds : 0;
}

/* False: not now. */
static bool start_extend(struct parcel *message, unsigned visibility_s)
{
    struct consumer *consumer = message->consumer;
    struct queue_source *queue = consumer->source;
    if (!fortune_allows(consumer, OPERATION_EXTEND))
        return false;
    struct operation *operation = operation_take(consumer, OPERATION_EXTEND);
    if (!operation)
        return false;
    operation->count = 1;
    operation->wait_s = visibility_s;
    operation->messages[0] = message;
    operation->handle_serials[0] = message->handle_serial;
    if (wire_request_visibility(&queue->request, consumer->name, message_handle(message),
                                visibility_s) != STATUS_OK) {
        operation_give(operation);
        queue_fail(queue, STATUS_NOMEM, WIRE_DONE, "no memory to change a visibility");
        return false;
    }
    if (!operation_start(operation, QUEUE_ANSWER_MS, extend_done))
        return false;
    message->extending = true;
    return true;
}

static bool wants_extension(const struct queue_source *queue, const struct parcel *message)
{
    if (message->extending)
        return false;
    if (message->state == MESSAGE_HELD)
        return queue->finishing;
    return message->state == MESSAGE_DELIVERED && message->extend_at_ms != INT64_MAX;
}

/* Extends a message if it is due. When to look at it again; INT64_MAX: never. */
static int64_t extend_if_due(struct parcel *message)
{
    const struct queue_source *queue = message->consumer->source;
    const bool is_held = message->state == MESSAGE_HELD;
    if (!is_held && queue->now_ms < message->extend_at_ms)
        return message->extend_at_ms;
    const unsigned visibility_s = seconds_to_ask(message);
    if (visibility_s == 0 || queue->now_ms >= message->valid_until_ms) {
        message->extend_at_ms = INT64_MAX;
        if (is_held)
            message_drop(message);
        return INT64_MAX;
    }
    if (start_extend(message, visibility_s))
        return INT64_MAX;
    const struct lane *lane = &message->consumer->lanes[OPERATION_EXTEND];
    const int64_t retry_at_ms = lane->fortune.retry_at_ms;
    return retry_at_ms > queue->now_ms ? retry_at_ms : queue->now_ms + QUEUE_EARLY_MS_BASE;
}

void extend_plan(struct queue_source *queue)
{
    const bool gives_back = queue->finishing && queue->held > 0;
    if (queue->now_ms < queue->extend_check_ms && !gives_back) {
        queue_wake_at(queue, queue->extend_check_ms);
        return;
    }
    int64_t check_ms = INT64_MAX;
    for (size_t i = 0; i < queue->table.capacity; i++) {
        struct parcel *message = &queue->table.slots[i];
        if (message->state == MESSAGE_FREE || !wants_extension(queue, message))
            continue;
        const int64_t again_ms = extend_if_due(message);
        if (again_ms < check_ms)
            check_ms = again_ms;
    }
    queue->extend_check_ms = check_ms;
    queue_wake_at(queue, check_ms);
}
