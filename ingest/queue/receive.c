/*
 * receive.c - asking for messages: how often, how many side by side, and what comes of it.
 *
 *      full batch    one more receive side by side
 *      small batch   a short pause, so that the next one is fuller: each request costs money
 *      empty         back to a single long poll
 *      empty early   the server refuses to wait (too many long polls): a growing pause
 *
 * One receive of a queue is a long poll at a time; those beside it ask for what is there now.
 *
 * (1) A receive reserves room for all it may bring, so the limit on messages in flight holds
 *     whatever comes.
 * (2) An answer is looked at as a whole before anything of it is used.
 * (3) A message that is known already (received again before it was deleted) brings a newer handle.
 *     Its body, which is on its way to the store, follows there once more, only to be counted.
 */
#include "ingest/queue/queue_internal.h"

#include "ingest/log/log.h"

#include <assert.h>

/* --- room ------------------------------------------------------------------------------------ */

/*
 * What one receive asks for: where there is little room, a fair share of half of it, so that a
 * delivery that waits for its commit stops no queue.
 */
static size_t share_of(const struct queue_source *queue)
{
    const size_t share = queue->config.in_flight_max / 2 / queue->config.queue_count;
    if (share == 0)
        return 1;
    return share < WIRE_BATCH_MAX ? share : WIRE_BATCH_MAX;
}

static size_t room_of(const struct queue_source *queue)
{
    assert(queue->in_flight + queue->reserved <= queue->config.in_flight_max);
    return queue->config.in_flight_max - queue->in_flight - queue->reserved;
}

/* How many messages to ask for now; 0: nothing may be received. */
static size_t count_to_ask(const struct queue_source *queue)
{
    if (queue->bytes >= QUEUE_BYTES_MAX)
        return 0;
    const size_t share = share_of(queue);
    const size_t room = room_of(queue);
    if (room >= share)
        return share;
    // Small receives are dear. Only a dry run makes no room by itself.
    return queue->config.mode == QUEUE_DRY_RUN ? room : 0;
}

bool receive_is_open(const struct queue_source *queue)
{
    return !queue_is_over(queue) && !queue->paused && !queue->closing && count_to_ask(queue) > 0;
}

/* --- messages -------------------------------------------------------------------------------- */

static bool is_sane(const struct wire_message *received, bool is_peek)
{
    if (received->message_id.len > MESSAGE_ID_BYTES_MAX ||
        received->receipt_handle.len > MESSAGE_HANDLE_BYTES_MAX)
        return false;
    return is_peek ? received->message_id.len > 0 : received->receipt_handle.len > 0;
}

static struct message_key key_of(const struct consumer *consumer,
                                 const struct wire_message *received)
{
    const struct slice id =
        received->message_id.len > 0 ? received->message_id : received->receipt_handle;
    return message_key_of(consumer, consumer->index, id, received->body);
}

/* Answers may overtake each other. */
static bool is_newer(const struct wire_message *received, const struct parcel *message)
{
    if (received->dequeue_count != 0 && message->dequeue_count != 0 &&
        received->dequeue_count != message->dequeue_count)
        return received->dequeue_count > message->dequeue_count;
    return received->next_visible_ms >= message->next_visible_ms;
}

static enum status renew(struct parcel *message, const struct wire_message *received)
{
    if (!is_newer(received, message))
        return STATUS_OK;
    TRY(message_set_handle(message, received->receipt_handle));
    message->dequeue_count = received->dequeue_count;
    message->delete_tries = 0;
    message->delete_alone = false;
    extend_note_receive(message, received);
    return STATUS_OK;
}

/* The body follows the first copy, so that it counts as a duplicate. */
static enum status take_again(struct parcel *message, const struct wire_message *received)
{
    struct queue_source *queue = message->consumer->source;
    TRY(renew(message, received));
    return queue->config.mode == QUEUE_DRY_RUN ? STATUS_OK
                                               : delivery_add_repeat(queue, received->body);
}

static enum status take_new(struct consumer *consumer, const struct message_key *key,
                            const struct wire_message *received)
{
    struct queue_source *queue = consumer->source;
    struct parcel *message = message_table_add(&queue->table, key, received->receipt_handle);
    if (!message)
        return STATUS_NOMEM;
    message->consumer = consumer;
    message->state = MESSAGE_DELIVERED;
    message->received_ms = queue->now_ms;
    message->dequeue_count = received->dequeue_count;
    consumer->in_flight++;
    queue->in_flight++;
    metrics_set(&consumer->metrics->in_flight, (int64_t)consumer->in_flight);
    (void)atomic_fetch_add_explicit(&queue->raw_bytes, received->body.len, memory_order_relaxed);
    extend_note_receive(message, received);
    return delivery_add(queue, message, received);
}

/* `*fresh` grows with each message that was not known. */
static enum status take_message(struct consumer *consumer, const struct wire_message *received,
                                size_t *fresh)
{
    struct queue_source *queue = consumer->source;
    const struct message_key key = key_of(consumer, received);
    if (queue->seen && !seen_ids_add(queue->seen, key.hash))
        return STATUS_OK;
    struct parcel *message = message_table_find(&queue->table, &key);
    if (message)
        return take_again(message, received);
    ++*fresh;
    return take_new(consumer, &key, received);
}

static void count_messages(struct queue_metrics *metrics, const struct wire_reply *reply)
{
    uint64_t redelivered = 0;
    for (size_t i = 0; i < reply->message_count; i++)
        redelivered += reply->messages[i].dequeue_count > 1;
    metrics_add(&metrics->received, reply->message_count);
    metrics_add(&metrics->redelivered, redelivered);
}

static size_t take_messages(struct consumer *consumer, const struct wire_reply *reply)
{
    struct queue_source *queue = consumer->source;
    size_t fresh = 0;
    count_messages(consumer->metrics, reply);
    for (size_t i = 0; i < reply->message_count; i++) {
        if (take_message(consumer, &reply->messages[i], &fresh) != STATUS_OK) {
            queue_fail(queue, STATUS_NOMEM, WIRE_DONE, "no memory for received messages");
            return fresh;
        }
    }
    if (queue->config.mode == QUEUE_DRY_RUN && room_of(queue) == 0 && !queue->dry_run_is_full &&
        queue->reserved == 0) {
        queue->dry_run_is_full = true;
        log_info("dry run: no more messages are held back from others",
                 LOG_U64("messages", queue->in_flight));
    }
    return fresh;
}

/* --- how it goes on -------------------------------------------------------------------------- */

static int64_t gather_ms(const struct queue_source *queue)
{
    const int64_t ms = queue->config.window_ms / QUEUE_GATHER_PART;
    return ms < QUEUE_GATHER_MS_MAX ? ms : QUEUE_GATHER_MS_MAX;
}

static void adapt_to_messages(struct consumer *consumer, const struct operation *operation,
                              size_t count)
{
    const struct queue_source *queue = consumer->source;
    consumer->early_empties = 0;
    if (count == operation->count) {
        if (consumer->receives_wanted < queue->config.receives_max)
            consumer->receives_wanted++;
    } else if (2 * count < operation->count && !queue->config.once) {
        consumer->receive_at_ms = queue->now_ms + gather_ms(queue);
    }
}

static void adapt_to_empty(struct consumer *consumer, const struct operation *operation)
{
    struct queue_source *queue = consumer->source;
    consumer->receives_wanted = 1;
    if (queue->config.once && operation->was_alone) {
        consumer->drained = true;
        return;
    }
    if (operation->wait_s == 0)
        return;
    const int64_t elapsed_ms = queue->now_ms - operation->started_ms;
    if (elapsed_ms >= (int64_t)operation->wait_s * 500) {
        consumer->early_empties = 0;
        return;
    }
    int64_t pause_ms = QUEUE_EARLY_MS_BASE;
    for (unsigned i = 0; i < consumer->early_empties && pause_ms < QUEUE_EARLY_MS_MAX; i++)
        pause_ms *= 2;
    if (pause_ms > QUEUE_EARLY_MS_MAX)
        pause_ms = QUEUE_EARLY_MS_MAX;
    consumer->early_empties++;
    consumer->receive_at_ms = queue->now_ms + queue_jitter_ms(queue, pause_ms);
}

static void adapt_to_peek(struct consumer *consumer, size_t fresh)
{
    struct queue_source *queue = consumer->source;
    consumer->peeks_in_vain = fresh > 0 ? 0 : consumer->peeks_in_vain + 1;
    if (queue->config.once && consumer->peeks_in_vain >= 2)
        consumer->drained = true;
    consumer->receive_at_ms =
        queue->now_ms + (fresh > 0 || queue->config.once ? QUEUE_EARLY_MS_BASE
                                                         : queue_jitter_ms(queue, QUEUE_PEEK_MS));
}

/* --- answers --------------------------------------------------------------------------------- */

/* What an answer to a receive is once everything in it was looked at. */
static enum wire_verdict judge(const struct queue_source *queue, const struct operation *operation,
                               const struct mns_answer *answer)
{
    if (answer->verdict == WIRE_NO_HANDLE || answer->verdict == WIRE_PARTIAL)
        return WIRE_BROKEN;
    if (answer->verdict != WIRE_DONE)
        return answer->verdict;
    const struct wire_reply *reply = answer->reply;
    if (reply->message_count == 0)
        return reply->root == WIRE_ROOT_MESSAGES ? WIRE_EMPTY : WIRE_BROKEN;
    if (reply->message_count > operation->count)
        return WIRE_BROKEN;
    for (size_t i = 0; i < reply->message_count; i++) {
        if (!is_sane(&reply->messages[i], queue->config.mode == QUEUE_PEEK))
            return WIRE_BROKEN;
    }
    return WIRE_DONE;
}

static void give_back(struct operation *operation)
{
    struct consumer *consumer = operation->consumer;
    struct queue_source *queue = consumer->source;
    assert(queue->reserved >= operation->count && queue->receives > 0);
    queue->reserved -= operation->count;
    queue->receives--;
    if (operation->wait_s > 0)
        consumer->long_polls--;
    operation_give(operation);
}

static void answer_receive(struct operation *operation, const struct mns_answer *given)
{
    struct consumer *consumer = operation->consumer;
    struct queue_source *queue = consumer->source;
    struct mns_answer answer = *given;
    answer.verdict = judge(queue, operation, given);
    if (answer.verdict == WIRE_BROKEN && answer.explanation[0] == '\0')
        answer.explanation = "an answer to a receive that makes no sense";
    metrics_add(&consumer->metrics->receives[answer.verdict], 1);
    metrics_set(&consumer->metrics->clock_offset_ms, mns_clock_offset_ms(consumer->mns));
    if (answer.verdict != WIRE_DONE && answer.verdict != WIRE_EMPTY) {
        consumer->receives_wanted = (consumer->receives_wanted + 1) / 2;
        fortune_fail(operation, &answer);
        return;
    }
    fortune_succeed(consumer, OPERATION_RECEIVE);
    const size_t count = answer.verdict == WIRE_DONE ? answer.reply->message_count : 0;
    const size_t fresh = take_messages(consumer, answer.reply);
    if (count > 0)
        histogram_observe(&consumer->metrics->receive, answer.elapsed_us);
    if (queue->config.mode == QUEUE_PEEK)
        adapt_to_peek(consumer, fresh);
    else if (count > 0)
        adapt_to_messages(consumer, operation, count);
    else
        adapt_to_empty(consumer, operation);
}

static void receive_done(void *context, const struct mns_answer *answer)
{
    struct operation *operation = context;
    struct queue_source *queue = operation->consumer->source;
    queue_lock(queue);
    if (!queue->closing) {
        // Before its messages are taken, which need the room that was reserved.
        give_back(operation);
        answer_receive(operation, answer);
    }
    queue_unlock(queue);
}

/* --- starting -------------------------------------------------------------------------------- */

static enum status build(struct queue_source *queue, const struct consumer *consumer,
                         const struct operation *operation)
{
    if (queue->config.mode == QUEUE_PEEK)
        return wire_request_peek(&queue->request, consumer->name, operation->count);
    return wire_request_receive(&queue->request, consumer->name, operation->count,
                                operation->wait_s);
}

/* False: not now. */
static bool start_receive(struct consumer *consumer)
{
    struct queue_source *queue = consumer->source;
    struct operation *operation = operation_take(consumer, OPERATION_RECEIVE);
    if (!operation)
        return false;
    operation->count = (unsigned)count_to_ask(queue);
    // The first answer tells that all is well: whoever waits for that is not kept by a long poll.
    const bool is_first = !consumer->answered && !queue->config.once;
    if (consumer->long_polls == 0 && !is_first && queue->config.mode != QUEUE_PEEK)
        operation->wait_s = queue->config.wait_s;
    operation->was_alone = operation->next == NULL;
    if (build(queue, consumer, operation) != STATUS_OK) {
        operation_give(operation);
        queue_fail(queue, STATUS_NOMEM, WIRE_DONE, "no memory to ask for messages");
        return false;
    }
    const int64_t timeout_ms = (int64_t)operation->wait_s * 1000 + QUEUE_ANSWER_MS;
    if (!operation_start(operation, timeout_ms, receive_done))
        return false;
    for (struct operation *other = operation->next; other; other = other->next)
        other->was_alone = false;
    queue->reserved += operation->count;
    queue->receives++;
    if (operation->wait_s > 0)
        consumer->long_polls++;
    return true;
}

/* While deletes fail, what is received piles up and comes again and again. */
static bool deletes_are_stuck(const struct consumer *consumer)
{
    return consumer->deletable.count > 0 &&
           fortune_is_bad(&consumer->lanes[OPERATION_DELETE].fortune);
}

static unsigned receives_allowed(const struct consumer *consumer)
{
    // After a failure one goes ahead.
    return consumer->lanes[OPERATION_RECEIVE].fortune.failures > 0 ? 1 : consumer->receives_wanted;
}

void receive_plan(struct consumer *consumer)
{
    struct queue_source *queue = consumer->source;
    const struct lane *lane = &consumer->lanes[OPERATION_RECEIVE];
    if (consumer->drained || !receive_is_open(queue) || deletes_are_stuck(consumer))
        return;
    if (lane->busy_count >= receives_allowed(consumer) ||
        !fortune_allows(consumer, OPERATION_RECEIVE))
        return;
    if (queue->now_ms < consumer->receive_at_ms) {
        queue_wake_at(queue, consumer->receive_at_ms);
        return;
    }
    while (lane->busy_count < receives_allowed(consumer) && receive_is_open(queue)) {
        if (!start_receive(consumer))
            return;
    }
}

void receive_cancel(struct consumer *consumer)
{
    const struct queue_source *queue = consumer->source;
    const bool all = queue->now_ms - queue->stopped_ms >= QUEUE_STOP_MS;
    struct operation *next = NULL;
    for (struct operation *operation = consumer->lanes[OPERATION_RECEIVE].busy; operation;
         operation = next) {
        next = operation->next;
        if (!all && operation->wait_s == 0)
            continue;
        (void)mns_cancel(consumer->mns, operation);
        give_back(operation);
    }
}
