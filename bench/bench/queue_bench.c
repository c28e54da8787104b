/*
 * queue_bench.c - the course of a queue benchmark.
 */
#include "bench/bench/queue_bench.h"

#include "bench/bench/queue_load.h"
#include "bench/bench/queue_place.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "ingest/queue/queue_source.h"

#include <stdio.h>
#include <time.h>

#define LOOK_EVERY_NS 5000000

static enum status wait_until_empty(struct queue_place *place, struct error *err)
{
    uint64_t backlog = 0;
    do {
        if (signals_received() != 0)
            return error_set(err, STATUS_STOPPED, "interrupted");
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_NS}, NULL);
        TRY(queue_place_backlog(place, &backlog, err));
    } while (backlog > 0);
    return STATUS_OK;
}

/* The clock starts when ingest is up, and ends when the queue holds no message any more. */
static enum status measure_drain(struct queue_place *place, uint64_t messages,
                                 struct queue_bench_report *report, struct error *err)
{
    message_note("filling the queue with %llu messages", (unsigned long long)messages);
    TRY(queue_place_fill(place, messages, err));
    TRY(queue_place_backlog(place, &report->drain_messages, err));
    TRY(queue_place_ingest_start(place, "drained", QUEUE_WINDOW_MS_DEFAULT, err));
    TRY(queue_place_measure(place, err));
    TRY(wait_until_empty(place, err));
    TRY(queue_place_measured(place, &report->drain, err));
    return queue_place_ingest_stop(place, err);
}

static enum status measure_latency(struct queue_place *place,
                                   const struct queue_bench_config *config,
                                   struct queue_latency *latency, struct error *err)
{
    char store[32];
    message_note("%llu messages/s for %lld s, commit window %lld ms",
                 (unsigned long long)config->rate, (long long)config->seconds,
                 (long long)latency->window_ms);
    (void)snprintf(store, sizeof store, "window-%lld", (long long)latency->window_ms);
    TRY(queue_place_ingest_start(place, store, latency->window_ms, err));
    TRY(queue_place_measure(place, err));
    TRY(queue_load_run(place, config->rate, config->seconds, latency, err));
    TRY(queue_place_measured(place, &latency->usage, err));
    return queue_place_ingest_stop(place, err);
}

static enum status measure(struct queue_place *place, const struct queue_bench_config *config,
                           struct queue_bench_report *report, struct error *err)
{
    TRY(queue_place_open(place, err));
    if (config->messages > 0)
        TRY(measure_drain(place, config->messages, report, err));
    for (size_t i = 0; i < config->window_count; i++) {
        struct queue_latency *latency = &report->latencies[i];
        latency->window_ms = config->windows_ms[i];
        TRY(measure_latency(place, config, latency, err));
        report->latency_count++;
    }
    return STATUS_OK;
}

enum status queue_bench_run(const struct queue_bench_config *config,
                            struct queue_bench_report *report, struct error *err)
{
    *report = (struct queue_bench_report){.rate = config->rate};
    static struct queue_place place; // too large for comfort on the stack
    const enum status status = measure(&place, config, report, err);
    queue_place_release(&place);
    return status;
}
