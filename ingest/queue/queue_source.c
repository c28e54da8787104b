/*
 * queue_source.c - the source's functions and the thread behind them.
 *
 *      source_next, acknowledge, ...  ──lock──>  state  <──lock──  answers, plans (the thread)
 *                └───────────── transport_wake ──────────────────────^
 *
 * (1) Only the thread touches the transport and the queues; others change the state and wake it.
 * (2) The lock is never held while the transport runs.
 * (3) The window of a delivery is kept by whoever waits for it: while nobody waits, nothing
 *     ticks.
 */
#include "ingest/queue/queue_source.h"

#include "cli/signals.h"
#include "engine/base/mem.h"
#include "ingest/queue/queue_internal.h"

#include <assert.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS_FOREVER INT64_MAX

/* --- the thread ------------------------------------------------------------------------------ */

static bool is_closing(struct queue_source *queue)
{
    queue_lock(queue);
    const bool closing = queue->closing;
    queue_unlock(queue);
    return closing;
}

static void *run_thread(void *context)
{
    struct queue_source *queue = context;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !is_closing(queue))
        status = queue_turn(queue, QUEUE_TURN_MS_MAX, NULL);
    return NULL;
}

/* With the lock held. Signals are for other threads. */
static enum status start_thread(struct queue_source *queue, struct error *err)
{
    if (queue->has_thread || !queue->is_threaded || queue->closing)
        return STATUS_OK;
    const int failure = signals_thread_create(&queue->thread, run_thread, queue);
    if (failure != 0)
        return error_set_errno(err, STATUS_NOMEM, failure, "cannot start a thread for the queues");
    queue->has_thread = true;
    return STATUS_OK;
}

/* --- waiting --------------------------------------------------------------------------------- */

static void wait_for_thread(struct queue_source *queue, int64_t wait_ms)
{
    if (wait_ms == WAIT_MS_FOREVER) {
        (void)pthread_cond_wait(&queue->changed, &queue->lock);
        return;
    }
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t until_ns = until.tv_nsec + wait_ms % 1000 * 1000000;
    until.tv_sec += (time_t)(wait_ms / 1000 + until_ns / 1000000000);
    until.tv_nsec = (long)(until_ns % 1000000000);
    (void)pthread_cond_timedwait(&queue->changed, &queue->lock, &until);
}

/* With the lock held: until something may have changed, or `wait_ms` have passed. */
static void wait_for_change(struct queue_source *queue, int64_t wait_ms)
{
    queue->waiters++;
    if (queue->is_threaded) {
        wait_for_thread(queue, wait_ms);
    } else {
        (void)pthread_mutex_unlock(&queue->lock);
        const int64_t turn_ms = wait_ms < QUEUE_TURN_MS_MAX ? wait_ms : QUEUE_TURN_MS_MAX;
        if (queue_turn(queue, turn_ms, NULL) != STATUS_OK)
            queue->loop_ended = true; // and the failure is noted
        (void)pthread_mutex_lock(&queue->lock);
    }
    queue->waiters--;
    queue->now_ms = queue->clock.monotonic_ms(queue->clock.context);
}

/* --- as a source ----------------------------------------------------------------------------- */

/* Something to give to the caller at once; false: wait. */
static bool next_now(struct queue_source *queue, struct body_batch *batch, enum source_event *event)
{
    if (queue->line.taken == queue->line.sealed && delivery_is_due(queue))
        delivery_seal(queue);
    if (queue->line.taken < queue->line.sealed) {
        delivery_take(queue, batch);
        *event = SOURCE_BODIES;
        return true;
    }
    if (queue->failure.status != STATUS_OK || !queue_has_ended(queue))
        return false;
    *event = SOURCE_END;
    return true;
}

/* A failure is told when all that had come was handed out, unless memory is what failed. */
static bool failure_is_due(const struct queue_source *queue)
{
    if (queue->failure.status == STATUS_OK)
        return false;
    return queue->verdict == WIRE_DONE || queue->loop_ended ||
           (!queue->line.open && queue->line.taken == queue->line.sealed);
}

/* What ends `once` badly, when everything else is done. */
static void fail_if_given_up(struct queue_source *queue)
{
    if (queue->given_up.status != STATUS_OK && !queue->stopped && queue_has_ended(queue))
        queue_fail(queue, queue->given_up.status, queue->given_up_verdict, queue->given_up.message);
}

static int64_t window_left_ms(const struct queue_source *queue)
{
    if (!queue->line.open)
        return WAIT_MS_FOREVER;
    const int64_t left_ms = queue->line.open->opened_ms + queue->config.window_ms - queue->now_ms;
    return left_ms > 0 ? left_ms : 0;
}

static enum status next_locked(struct queue_source *queue, struct body_batch *batch,
                               enum source_event *event, struct error *err)
{
    TRY(start_thread(queue, err));
    for (;;) {
        if (queue->interrupted)
            return error_set(err, STATUS_STOPPED, "interrupted");
        fail_if_given_up(queue);
        if (failure_is_due(queue))
            return error_set(err, queue->failure.status, "%s", queue->failure.message);
        if (next_now(queue, batch, event))
            return STATUS_OK;
        const int64_t wait_ms = window_left_ms(queue);
        queue->waiter_knows_no_message = wait_ms == WAIT_MS_FOREVER;
        wait_for_change(queue, wait_ms);
        queue->waiter_knows_no_message = false;
    }
}

static enum status next(void *context, struct body_batch *batch, enum source_event *event,
                        struct error *err)
{
    struct queue_source *queue = context;
    queue_lock(queue);
    const enum status status = next_locked(queue, batch, event, err);
    queue_unlock(queue);
    return status;
}

static void wake(struct queue_source *queue)
{
    transport_wake(queue->config.transport);
}

static void acknowledge(void *context, uint64_t token)
{
    struct queue_source *queue = context;
    queue_lock(queue);
    delivery_acknowledge(queue, token);
    queue_unlock(queue);
    wake(queue);
}

static void interrupt(void *context)
{
    struct queue_source *queue = context;
    queue_lock(queue);
    queue->interrupted = true;
    queue_unlock(queue);
    wake(queue);
}

static struct source_progress progress(const void *context)
{
    const struct queue_source *queue = context;
    return (struct source_progress){
        .raw_bytes = atomic_load_explicit(&queue->raw_bytes, memory_order_relaxed)};
}

/* --- closing --------------------------------------------------------------------------------- */

static void cancel_all(struct consumer *consumer)
{
    for (size_t kind = 0; kind < OPERATION_KINDS; kind++) {
        for (struct operation *busy = consumer->lanes[kind].busy; busy; busy = busy->next)
            (void)mns_cancel(consumer->mns, busy);
    }
}

static void join_thread(struct queue_source *queue)
{
    queue_lock(queue);
    queue->closing = true;
    queue_unlock(queue);
    if (!queue->has_thread)
        return;
    wake(queue);
    (void)pthread_join(queue->thread, NULL);
    queue->has_thread = false;
}

static void release(struct queue_source *queue)
{
    for (size_t i = 0; queue->consumers && i < queue->config.queue_count; i++)
        cancel_all(&queue->consumers[i]);
    delivery_line_release(&queue->line);
    message_table_release(&queue->table);
    seen_ids_close(queue->seen);
    wire_request_release(&queue->request);
    mem_free(queue->operations);
    mem_free(queue->consumers);
    (void)pthread_cond_destroy(&queue->changed);
    (void)pthread_mutex_destroy(&queue->lock);
    mem_free(queue);
}

static void close_source(void *context)
{
    struct queue_source *queue = context;
    join_thread(queue);
    release(queue);
}

/* --- opening --------------------------------------------------------------------------------- */

static unsigned within(unsigned value, unsigned otherwise, unsigned max)
{
    if (value == 0)
        return otherwise;
    return value < max ? value : max;
}

static void fill_in_defaults(struct queue_source_config *config)
{
    config->receives_max = within(config->receives_max, QUEUE_RECEIVES_DEFAULT, QUEUE_RECEIVES_MAX);
    config->wait_s = within(config->wait_s, QUEUE_WAIT_S_DEFAULT, WIRE_WAIT_S_MAX);
    config->delivery_messages =
        within(config->delivery_messages, QUEUE_DELIVERY_DEFAULT, QUEUE_IN_FLIGHT_MAX);
    config->in_flight_max =
        within(config->in_flight_max, QUEUE_IN_FLIGHT_DEFAULT, QUEUE_IN_FLIGHT_MAX);
    // Each queue must be able to ask for something.
    if (config->in_flight_max < config->queue_count)
        config->in_flight_max = (unsigned)config->queue_count;
    if (config->window_ms < 0)
        config->window_ms = QUEUE_WINDOW_MS_DEFAULT;
    if (config->once)
        config->wait_s = 1;
    if (config->mode == QUEUE_PEEK)
        config->receives_max = 1;
}

static const size_t lane_sizes[OPERATION_KINDS] = {
    [OPERATION_RECEIVE] = QUEUE_RECEIVES_MAX,
    [OPERATION_DELETE] = QUEUE_DELETES_MAX,
    [OPERATION_EXTEND] = QUEUE_EXTENDS_MAX,
    [OPERATION_ATTRIBUTES] = 1,
};
#define OPERATIONS_EACH ((size_t)QUEUE_RECEIVES_MAX + QUEUE_DELETES_MAX + QUEUE_EXTENDS_MAX + 1)

static void init_consumer(struct queue_source *queue, size_t index)
{
    struct consumer *consumer = &queue->consumers[index];
    struct operation *operation = queue->operations + index * OPERATIONS_EACH;
    *consumer = (struct consumer){
        .source = queue,
        .mns = queue->config.queues[index],
        .name = mns_url(queue->config.queues[index])->queue,
        .index = index,
        .metrics = &queue->config.metrics->queues[index],
        .receives_wanted = 1,
    };
    for (size_t kind = 0; kind < OPERATION_KINDS; kind++) {
        for (size_t i = 0; i < lane_sizes[kind]; i++) {
            operation->next = consumer->lanes[kind].idle;
            consumer->lanes[kind].idle = operation++;
        }
    }
}

static enum status init_waiting(struct queue_source *queue, struct error *err)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return error_set(err, STATUS_NOMEM, "no memory for a lock");
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    const bool good = pthread_mutex_init(&queue->lock, NULL) == 0 &&
                      pthread_cond_init(&queue->changed, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return good ? STATUS_OK : error_set(err, STATUS_NOMEM, "no memory for a lock");
}

static enum status init_parts(struct queue_source *queue, struct error *err)
{
    const size_t count = queue->config.queue_count;
    queue->consumers = mem_alloc_zeroed(count, sizeof *queue->consumers);
    queue->operations = mem_alloc_zeroed(count * OPERATIONS_EACH, sizeof *queue->operations);
    if (!queue->consumers || !queue->operations)
        return error_set(err, STATUS_NOMEM, "no memory for %zu queues", count);
    for (size_t i = 0; i < count; i++)
        init_consumer(queue, i);
    TRY(message_table_init(&queue->table, queue->config.in_flight_max, err));
    TRY(delivery_line_init(&queue->line, err));
    return queue->config.mode == QUEUE_PEEK ? seen_ids_open(&queue->seen, err) : STATUS_OK;
}

static enum status open_source(struct source *source, const struct queue_source_config *config,
                               bool is_threaded, struct error *err)
{
    assert(config->queue_count > 0 && config->queue_count <= QUEUE_COUNT_MAX);
    struct queue_source *queue = mem_alloc_zeroed(1, sizeof *queue);
    if (!queue)
        return error_set(err, STATUS_NOMEM, "no memory for the queues");
    queue->config = *config;
    fill_in_defaults(&queue->config);
    queue->is_threaded = is_threaded;
    queue->clock = *mns_clock_of(config->queues[0]);
    queue->now_ms = queue->clock.monotonic_ms(queue->clock.context);
    queue->random = (uint64_t)queue->clock.utc_ms(queue->clock.context) ^
                    ((uint64_t)getpid() << 44) ^ 0x9e3779b97f4a7c15u;
    queue->extend_check_ms = INT64_MAX;
    queue->stopped_ms = -1;
    enum status status = init_waiting(queue, err);
    if (status != STATUS_OK) {
        mem_free(queue);
        return status;
    }
    status = init_parts(queue, err);
    if (status != STATUS_OK) {
        release(queue);
        return status;
    }
    *source = (struct source){
        .context = queue,
        .next = next,
        .acknowledge = acknowledge,
        .interrupt = interrupt,
        .progress = progress,
        .close = close_source,
    };
    return STATUS_OK;
}

enum status queue_source_open(struct source *source, const struct queue_source_config *config,
                              struct error *err)
{
    return open_source(source, config, true, err);
}

enum status queue_source_open_threadless(struct source *source,
                                         const struct queue_source_config *config,
                                         struct error *err)
{
    return open_source(source, config, false, err);
}

/* --- the rest of the interface --------------------------------------------------------------- */

void queue_source_stop(struct source *source)
{
    struct queue_source *queue = source->context;
    queue_lock(queue);
    queue->stopped = true;
    queue_unlock(queue);
    wake(queue);
}

void queue_source_pause(struct source *source, bool paused)
{
    struct queue_source *queue = source->context;
    queue_lock(queue);
    queue->paused = paused;
    queue_unlock(queue);
    wake(queue);
}

static bool can_go_on(const struct queue_source *queue)
{
    return !queue->loop_ended && (queue->has_thread || !queue->is_threaded);
}

/* What was not deleted by now never will be. */
static void give_up_all(struct queue_source *queue)
{
    queue->closing = true;
    for (size_t i = 0; i < queue->table.capacity; i++) {
        const struct parcel *message = &queue->table.slots[i];
        if (message->state == MESSAGE_DELETABLE || message->state == MESSAGE_DELETING)
            metrics_add(&message->consumer->metrics->deletes_failed, 1);
    }
}

enum status queue_source_finish(struct source *source, int64_t limit_ms, bool *complete,
                                struct error *err)
{
    struct queue_source *queue = source->context;
    queue_lock(queue);
    queue->stopped = true;
    queue->finishing = true;
    wake(queue);
    const int64_t until_ms = queue->now_ms + limit_ms;
    while (!queue_is_flushed(queue) && queue->now_ms < until_ms && can_go_on(queue))
        wait_for_change(queue, until_ms - queue->now_ms);
    *complete = queue_is_flushed(queue);
    give_up_all(queue);
    const bool failed = queue->loop_ended && !*complete;
    if (failed)
        (void)error_set(err, queue->failure.status, "%s", queue->failure.message);
    const enum status status = failed ? queue->failure.status : STATUS_OK;
    queue_unlock(queue);
    return status;
}

enum wire_verdict queue_source_failure(const struct source *source)
{
    struct queue_source *queue = source->context;
    queue_lock(queue);
    const enum wire_verdict verdict =
        queue->failure.status == STATUS_OK ? WIRE_DONE : queue->verdict;
    queue_unlock(queue);
    return verdict;
}

int64_t queue_source_oldest_ms(const struct source *source, uint64_t token)
{
    struct queue_source *queue = source->context;
    int64_t oldest_ms = 0;
    queue_lock(queue);
    const struct delivery_line *line = &queue->line;
    if (token > line->acknowledged && token <= line->taken)
        oldest_ms = line->ring[token % DELIVERY_RING]->oldest_ms;
    queue_unlock(queue);
    return oldest_ms;
}
