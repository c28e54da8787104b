/*
 * loop.c - a turn: plan under the lock, then let the transport work without it.
 *
 * Every part of the plan starts what is due and says when it wants to be asked again
 * (queue_wake_at). Answers only change the state; what follows from them is the next plan's.
 * So there is one place that starts requests, and no recursion.
 */
#include "ingest/queue/queue_internal.h"

#include <assert.h>
#include <stdio.h>

/* --- the lock -------------------------------------------------------------------------------- */

void queue_lock(struct queue_source *queue)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->now_ms = queue->clock.monotonic_ms(queue->clock.context);
}

/* Somebody in source_next or finish would find something new. */
static bool is_worth_waking(const struct queue_source *queue)
{
    if (queue->waiters == 0)
        return false;
    if (queue->finishing)
        return queue_is_flushed(queue) || queue->loop_ended;
    if (queue->waiter_knows_no_message && queue->line.open)
        return true;
    return queue->line.taken < queue->line.sealed || delivery_is_due(queue) ||
           queue_has_ended(queue) || queue->interrupted || queue->failure.status != STATUS_OK ||
           queue->loop_ended;
}

void queue_unlock(struct queue_source *queue)
{
    if (is_worth_waking(queue))
        (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->lock);
}

/* --- the source's state ---------------------------------------------------------------------- */

void queue_fail(struct queue_source *queue, enum status status, enum wire_verdict verdict,
                const char *what)
{
    if (queue->failure.status != STATUS_OK)
        return;
    (void)error_set(&queue->failure, status, "%s", what);
    queue->verdict = verdict;
}

static bool all_are_drained(const struct queue_source *queue)
{
    for (size_t i = 0; i < queue->config.queue_count; i++) {
        if (!queue->consumers[i].drained)
            return false;
    }
    return true;
}

bool queue_is_over(const struct queue_source *queue)
{
    return queue->stopped || queue->interrupted || queue->dry_run_is_full ||
           queue->failure.status != STATUS_OK || (queue->config.once && all_are_drained(queue));
}

bool queue_has_ended(const struct queue_source *queue)
{
    if (!queue_is_over(queue) || queue->receives > 0)
        return false;
    if (queue->line.open || queue->line.taken < queue->line.sealed)
        return false;
    return queue->stopped || !queue->config.once || queue->deleting == 0;
}

bool queue_is_flushed(const struct queue_source *queue)
{
    return queue->deleting == 0 && queue->held == 0;
}

uint64_t queue_random(struct queue_source *queue, uint64_t below)
{
    assert(below > 0);
    queue->random ^= queue->random << 13;
    queue->random ^= queue->random >> 7;
    queue->random ^= queue->random << 17;
    return queue->random % below;
}

int64_t queue_jitter_ms(struct queue_source *queue, int64_t ms)
{
    assert(ms >= 0);
    return ms / 2 + (int64_t)queue_random(queue, (uint64_t)(ms - ms / 2) + 1);
}

/* --- operations ------------------------------------------------------------------------------ */

struct operation *operation_take(struct consumer *consumer, enum operation_kind kind)
{
    struct lane *lane = &consumer->lanes[kind];
    struct operation *operation = lane->idle;
    if (!operation)
        return NULL;
    lane->idle = operation->next;
    *operation = (struct operation){.next = lane->busy, .consumer = consumer, .kind = kind};
    lane->busy = operation;
    lane->busy_count++;
    return operation;
}

void operation_give(struct operation *operation)
{
    struct lane *lane = &operation->consumer->lanes[operation->kind];
    struct operation **place = &lane->busy;
    while (*place != operation)
        place = &(*place)->next;
    *place = operation->next;
    operation->next = lane->idle;
    lane->idle = operation;
    assert(lane->busy_count > 0);
    lane->busy_count--;
}

bool operation_start(struct operation *operation, int64_t timeout_ms, mns_done *done)
{
    struct consumer *consumer = operation->consumer;
    struct queue_source *queue = consumer->source;
    struct fortune *fortune = &consumer->lanes[operation->kind].fortune;
    operation->epoch = fortune->epoch;
    operation->started_ms = queue->now_ms;
    const struct mns_operation asked = {
        .request = &queue->request, .timeout_ms = timeout_ms, .done = done, .context = operation};
    bool started = false;
    struct error err = {0};
    const enum status status = mns_start(consumer->mns, &asked, &started, &err);
    if (status == STATUS_OK && started) {
        consumer->waits_for_key = false;
        return true;
    }
    if (status == STATUS_OK) {
        fortune_wait_for_key(consumer, operation->kind);
    } else {
        fortune->retry_at_ms = queue->now_ms + MNS_BACKOFF_MS_BASE;
        queue_fail(queue, status, WIRE_DONE, err.message);
    }
    operation_give(operation);
    return false;
}

/* --- a turn ---------------------------------------------------------------------------------- */

static void plan_stop(struct queue_source *queue)
{
    if (!queue_is_over(queue) || queue->receives == 0)
        return;
    if (queue->stopped_ms < 0)
        queue->stopped_ms = queue->now_ms;
    for (size_t i = 0; i < queue->config.queue_count; i++)
        receive_cancel(&queue->consumers[i]);
    if (queue->receives > 0)
        queue_wake_at(queue, queue->stopped_ms + QUEUE_STOP_MS);
}

static void plan(struct queue_source *queue)
{
    queue->wake_ms = queue->now_ms + QUEUE_TURN_MS_MAX;
    if (queue->closing)
        return;
    const size_t count = queue->config.queue_count;
    const size_t first = queue->turns++ % count;
    for (size_t i = 0; i < count; i++) {
        struct consumer *consumer = &queue->consumers[(first + i) % count];
        delete_plan(consumer);
        receive_plan(consumer);
        backlog_plan(consumer);
    }
    extend_plan(queue);
    plan_stop(queue);
    fortune_show(queue);
}

enum status queue_turn(struct queue_source *queue, int64_t wait_ms_max, struct error *err)
{
    queue_lock(queue);
    plan(queue);
    int64_t wait_ms = queue->wake_ms - queue->now_ms;
    if (!queue->is_threaded && is_worth_waking(queue))
        wait_ms = 0; // who would be woken is who called
    queue_unlock(queue);
    if (wait_ms > wait_ms_max)
        wait_ms = wait_ms_max;
    struct error failure = {0};
    const enum status status =
        transport_run(queue->config.transport, wait_ms > 0 ? wait_ms : 0, &failure);
    metrics_add(&queue->config.metrics->progress[PROGRESS_NETWORK], 1);
    if (status == STATUS_OK)
        return STATUS_OK;
    queue_lock(queue);
    queue_fail(queue, status, WIRE_DONE, failure.message);
    queue->loop_ended = true;
    queue_unlock(queue);
    return error_set(err, status, "%s", failure.message);
}
