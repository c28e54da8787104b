/*
 * fortune.c - from the verdict on a request to the time of the next one.
 *
 *      clock            the server's time was learnt: at once, once; then as busy
 *      denied           a newer key: at once; else credentials are asked for one, once a
 *                       key; then at the cap of the backoff, and as soon as there is a newer key
 *      no queue         slower than busy: it takes the service about a minute to make one
 *      refused          at the cap
 *      busy, broken     backoff with full jitter, Retry-After if that is longer
 *
 * (1) Several requests that fail side by side are one failure: an operation that was
 *     started before the last failure says nothing new (`epoch`).
 * (2) Logged is what is new: the trouble when it begins, and its end.
 */
#include "ingest/queue/queue_internal.h"

#include "ingest/log/log.h"

#include <stdio.h>

static const char *const kind_names[OPERATION_KINDS] = {"receive", "delete", "extend visibility",
                                                        "attributes"};

bool fortune_is_bad(const struct fortune *fortune)
{
    return fortune->key_is_refused || fortune->failures >= QUEUE_BUSY_FAILURES_MAX;
}

static void note_refusal(struct consumer *consumer)
{
    const bool refused = consumer->lanes[OPERATION_RECEIVE].fortune.key_is_refused ||
                         consumer->lanes[OPERATION_DELETE].fortune.key_is_refused;
    const struct mns_clock *clock = &consumer->source->clock;
    const int64_t since_ms =
        atomic_load_explicit(&consumer->metrics->refused_since_ms, memory_order_relaxed);
    if (!refused)
        metrics_set(&consumer->metrics->refused_since_ms, 0);
    else if (since_ms == 0)
        metrics_set(&consumer->metrics->refused_since_ms, clock->utc_ms(clock->context));
}

void fortune_succeed(struct consumer *consumer, enum operation_kind kind)
{
    struct fortune *fortune = &consumer->lanes[kind].fortune;
    consumer->answered = true;
    if (fortune->reported != WIRE_DONE)
        log_info("the queue answers as it should again", LOG_TEXT("queue", consumer->name),
                 LOG_TEXT("operation", kind_names[kind]));
    const bool was_refused = fortune->key_is_refused;
    fortune->reported = WIRE_DONE;
    fortune->failures = 0;
    fortune->refusals = 0;
    fortune->clock_was_set = false;
    fortune->key_is_refused = false;
    if (was_refused)
        note_refusal(consumer);
}

static bool is_worth_a_line(const struct fortune *fortune, const struct mns_answer *answer)
{
    const enum wire_verdict verdict = answer->verdict;
    if (fortune->reported == verdict)
        return false;
    // A server may be busy for a moment; that is what the next try is for. Silence is no such word.
    const bool passes =
        (verdict == WIRE_BUSY && answer->fault != TRANSPORT_TIMEOUT) || verdict == WIRE_CLOCK;
    return !passes || fortune->failures == QUEUE_BUSY_FAILURES_MAX;
}

static void report(const struct operation *operation, const struct mns_answer *answer)
{
    struct consumer *consumer = operation->consumer;
    struct fortune *fortune = &consumer->lanes[operation->kind].fortune;
    if (!is_worth_a_line(fortune, answer))
        return;
    fortune->reported = answer->verdict;
    // Attributes and visibility are conveniences: nothing is lost without them.
    const bool is_grave =
        operation->kind == OPERATION_RECEIVE || operation->kind == OPERATION_DELETE;
    log_event(is_grave ? LOG_WARNING : LOG_INFO, "the queue does not answer as it should",
              (const struct log_field[]){
                  LOG_TEXT("queue", consumer->name),
                  LOG_TEXT("operation", kind_names[operation->kind]),
                  LOG_TEXT("verdict", wire_verdict_text(answer->verdict)),
                  LOG_TEXT("why", answer->explanation),
                  LOG_I64("retry_ms", fortune->retry_at_ms - consumer->source->now_ms),
              },
              5);
}

/* --- when to try again ----------------------------------------------------------------------- */

/* Asks for a newer key, unless that was done for this one. */
static void refresh_key(struct queue_source *queue, uint64_t generation)
{
    if (queue->refreshed_key == generation)
        return;
    queue->refreshed_key = generation;
    struct error err = {0};
    if (credentials_refresh(queue->config.credentials, &err) != STATUS_OK) {
        log_redact(err.message);
        log_warning("credentials could not be read again", LOG_TEXT("why", err.message));
    }
}

/* For what people have to mend, or what takes a minute, such as a permission just granted. */
static int64_t slow_wait_ms(struct queue_source *queue, unsigned failures)
{
    int64_t ms = 1000;
    for (unsigned i = 0; i < failures && ms < MNS_BACKOFF_MS_MAX; i++)
        ms *= 2;
    return queue_jitter_ms(queue, ms < MNS_BACKOFF_MS_MAX ? ms : MNS_BACKOFF_MS_MAX);
}

static int64_t denied_wait_ms(struct queue_source *queue, struct fortune *fortune,
                              const struct mns_answer *answer)
{
    fortune->refused_key = answer->key_generation;
    fortune->key_is_refused = true;
    if (credentials_generation(queue->config.credentials) <= answer->key_generation)
        refresh_key(queue, answer->key_generation);
    const bool is_newer =
        credentials_generation(queue->config.credentials) > answer->key_generation;
    // Keys that are all refused must not be tried as fast as they come.
    if (is_newer && fortune->refusals <= 2)
        return 0;
    if (queue->config.once && fortune->refusals == 1)
        return QUEUE_KEY_WATCH_MS;
    return slow_wait_ms(queue, fortune->refusals);
}

static int64_t wait_ms_after(struct queue_source *queue, struct fortune *fortune,
                             const struct mns_answer *answer)
{
    if (answer->verdict == WIRE_CLOCK && !fortune->clock_was_set) {
        fortune->clock_was_set = true;
        return 0;
    }
    int64_t wait_ms = 0;
    if (answer->verdict == WIRE_DENIED)
        wait_ms = denied_wait_ms(queue, fortune, answer);
    else if (answer->verdict == WIRE_NO_QUEUE || answer->verdict == WIRE_REFUSED)
        wait_ms = slow_wait_ms(queue, fortune->refusals);
    else
        wait_ms = mns_backoff_ms(fortune->failures - 1, &queue->random);
    int64_t asked_ms = answer->retry_after_ms;
    if (asked_ms > QUEUE_RETRY_AFTER_MS)
        asked_ms = QUEUE_RETRY_AFTER_MS;
    return wait_ms > asked_ms ? wait_ms : asked_ms;
}

/* `once` does not wait for people. */
static bool ends_once(const struct fortune *fortune, const struct mns_answer *answer)
{
    if (answer->verdict == WIRE_NO_QUEUE || answer->verdict == WIRE_REFUSED)
        return true;
    if (answer->verdict == WIRE_DENIED)
        return fortune->refusals >= 2;
    return fortune->failures >= QUEUE_ONCE_FAILURES_MAX;
}

/* A queue that gives nothing is no reason to leave the others full: its failure comes last. */
static void fail_once(const struct operation *operation, const struct mns_answer *answer)
{
    struct consumer *consumer = operation->consumer;
    struct queue_source *queue = consumer->source;
    char what[ERROR_MESSAGE_BYTES];
    if (answer->explanation[0] != '\0') // which names the queue
        (void)snprintf(what, sizeof what, "%s", answer->explanation);
    else
        (void)snprintf(what, sizeof what, "queue %s: %s", consumer->name,
                       wire_verdict_text(answer->verdict));
    if (operation->kind != OPERATION_RECEIVE) {
        queue_fail(queue, STATUS_IO, answer->verdict, what);
        return;
    }
    consumer->drained = true;
    if (queue->given_up.status == STATUS_OK) {
        (void)error_set(&queue->given_up, STATUS_IO, "%s", what);
        queue->given_up_verdict = answer->verdict;
    }
}

void fortune_fail(const struct operation *operation, const struct mns_answer *answer)
{
    struct consumer *consumer = operation->consumer;
    struct queue_source *queue = consumer->source;
    struct fortune *fortune = &consumer->lanes[operation->kind].fortune;
    if (operation->epoch != fortune->epoch)
        return;
    fortune->epoch++;
    fortune->failures++;
    const bool is_refusal = answer->verdict == WIRE_DENIED || answer->verdict == WIRE_REFUSED ||
                            answer->verdict == WIRE_NO_QUEUE;
    fortune->refusals = is_refusal ? fortune->refusals + 1 : 0;
    fortune->failed_at_ms = queue->now_ms;
    if (answer->verdict != WIRE_DENIED)
        fortune->key_is_refused = false;
    fortune->retry_at_ms = queue->now_ms + wait_ms_after(queue, fortune, answer);
    note_refusal(consumer);
    report(operation, answer);
    const bool is_grave =
        operation->kind == OPERATION_RECEIVE || operation->kind == OPERATION_DELETE;
    if (queue->config.once && is_grave && ends_once(fortune, answer))
        fail_once(operation, answer);
}

void fortune_wait_for_key(struct consumer *consumer, enum operation_kind kind)
{
    struct queue_source *queue = consumer->source;
    if (!consumer->waits_for_key) {
        log_info("waiting for credentials", LOG_TEXT("queue", consumer->name));
        consumer->waits_for_key = true;
        consumer->key_wait_since_ms = queue->now_ms;
    }
    consumer->lanes[kind].fortune.retry_at_ms = queue->now_ms + QUEUE_KEY_POLL_MS;
    queue_wake_at(queue, queue->now_ms + QUEUE_KEY_POLL_MS); // this plan has looked already
    if (queue->config.once && queue->now_ms - consumer->key_wait_since_ms >= QUEUE_KEY_ONCE_MS)
        queue_fail(queue, STATUS_IO, WIRE_DENIED, "there are no credentials yet");
}

bool fortune_allows(struct consumer *consumer, enum operation_kind kind)
{
    struct queue_source *queue = consumer->source;
    struct fortune *fortune = &consumer->lanes[kind].fortune;
    if (queue->now_ms >= fortune->retry_at_ms)
        return true;
    if (fortune->key_is_refused) {
        if (credentials_generation(queue->config.credentials) > fortune->refused_key &&
            queue->now_ms - fortune->failed_at_ms >= QUEUE_KEY_WATCH_MS)
            return true;
        queue_wake_at(queue, queue->now_ms + QUEUE_KEY_WATCH_MS);
    }
    queue_wake_at(queue, fortune->retry_at_ms);
    return false;
}

/* --- for the metrics ------------------------------------------------------------------------- */

static enum ingest_pause trouble_of(const struct queue_source *queue)
{
    size_t silent = 0;
    for (size_t i = 0; i < queue->config.queue_count; i++) {
        const struct consumer *consumer = &queue->consumers[i];
        const struct fortune *receives = &consumer->lanes[OPERATION_RECEIVE].fortune;
        const struct fortune *deletes = &consumer->lanes[OPERATION_DELETE].fortune;
        if (consumer->waits_for_key || receives->key_is_refused || deletes->key_is_refused)
            return PAUSE_CREDENTIALS;
        if (fortune_is_bad(receives) || receives->reported != WIRE_DONE)
            silent++;
    }
    return silent == queue->config.queue_count ? PAUSE_QUEUE : PAUSE_NONE;
}

void fortune_show(struct queue_source *queue)
{
    const enum ingest_pause trouble = trouble_of(queue);
    atomic_int *pause = &queue->config.metrics->pause;
    // What others show (a full store, the end) stays.
    int present = atomic_load(pause);
    const bool is_ours = present == (int)PAUSE_CREDENTIALS || present == (int)PAUSE_QUEUE;
    const bool is_free = present == (int)PAUSE_NONE || present == (int)PAUSE_STARTING;
    if (trouble == PAUSE_NONE ? is_ours : (is_ours || is_free))
        (void)atomic_compare_exchange_strong(pause, &present, (int)trouble);
}
