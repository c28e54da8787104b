/*
 * backlog.c - how many messages wait in a queue, by its own word.
 *
 * The service calls its numbers approximate and means to retire them: they are shown, and nothing
 * is decided by them. What is not said is shown as unknown.
 */
#include "ingest/queue/queue_internal.h"

#define UNKNOWN        (-1)
#define DIGITS_MAX     18u
#define VISIBILITY_TAG "VisibilityTimeout"

static bool parse_count(struct slice text, int64_t *count)
{
    int64_t value = 0;
    if (text.len == 0 || text.len > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *count = value;
    return true;
}

static int64_t attribute_of(const struct wire_reply *reply, const char *name)
{
    int64_t count = UNKNOWN;
    for (size_t i = 0; i < reply->attribute_count; i++) {
        if (slice_equal(reply->attributes[i].name, slice_of_text(name)) &&
            parse_count(reply->attributes[i].value, &count))
            return count;
    }
    return UNKNOWN;
}

static void answer_attributes(const struct operation *operation, const struct mns_answer *answer)
{
    struct consumer *consumer = operation->consumer;
    const struct wire_reply *reply = answer->reply;
    if (answer->verdict != WIRE_DONE) {
        fortune_fail(operation, answer);
        return;
    }
    fortune_succeed(consumer, OPERATION_ATTRIBUTES);
    metrics_set(&consumer->metrics->active, attribute_of(reply, "ActiveMessages"));
    metrics_set(&consumer->metrics->inactive, attribute_of(reply, "InactiveMessages"));
    metrics_set(&consumer->metrics->delayed, attribute_of(reply, "DelayMessages"));
    const int64_t visibility_s = attribute_of(reply, VISIBILITY_TAG);
    if (visibility_s >= 1 && visibility_s <= WIRE_VISIBILITY_S_MAX)
        consumer->visibility_ms = visibility_s * 1000;
}

static void attributes_done(void *context, const struct mns_answer *answer)
{
    struct operation *operation = context;
    struct queue_source *queue = operation->consumer->source;
    queue_lock(queue);
    if (!queue->closing) {
        answer_attributes(operation, answer);
        operation_give(operation);
    }
    queue_unlock(queue);
}

void backlog_plan(struct consumer *consumer)
{
    struct queue_source *queue = consumer->source;
    if (queue->config.backlog_every_ms == 0 || queue_is_over(queue))
        return;
    if (queue->now_ms < consumer->backlog_at_ms) {
        queue_wake_at(queue, consumer->backlog_at_ms);
        return;
    }
    if (!fortune_allows(consumer, OPERATION_ATTRIBUTES))
        return;
    struct operation *operation = operation_take(consumer, OPERATION_ATTRIBUTES);
    if (!operation)
        return;
    consumer->backlog_at_ms = queue->now_ms + queue->config.backlog_every_ms;
    queue_wake_at(queue, consumer->backlog_at_ms);
    if (wire_request_attributes(&queue->request, consumer->name) != STATUS_OK) {
        operation_give(operation);
        queue_fail(queue, STATUS_NOMEM, WIRE_DONE, "no memory to ask for a queue's attributes");
        return;
    }
    (void)operation_start(operation, QUEUE_ANSWER_MS, attributes_done);
}
