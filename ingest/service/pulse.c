/*
 * pulse.c - see pulse.h.
 */
#include "ingest/service/pulse.h"

#include "cli/clock.h"
#include "engine/kv/kv.h"
#include "ingest/credentials/credentials.h"
#include "ingest/log/log.h"
#include "ingest/monitor/monitor.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t value_of(const atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void pulse_pause(struct ingest_metrics *metrics, enum ingest_pause pause)
{
    atomic_store(&metrics->pause, (int)pause);
}

void pulse_resume(struct ingest_metrics *metrics, enum ingest_pause was)
{
    int present = (int)was;
    (void)atomic_compare_exchange_strong(&metrics->pause, &present, (int)PAUSE_NONE);
}

void pulse_begin(struct pulse *pulse)
{
    pulse->reported_ms = clock_monotonic_ms();
    pulse->space_ms = pulse->reported_ms - PULSE_SPACE_MS;
}

/* --- commits --------------------------------------------------------------------------------- */

static void count_commit(struct ingest_metrics *metrics, const struct commit_result *result)
{
    metrics_add(&metrics->received, result->received);
    metrics_add(&metrics->stored, result->stored);
    metrics_add(&metrics->duplicates, result->duplicates);
    for (unsigned i = 0; i < REJECT_REASON_COUNT; i++)
        metrics_add(&metrics->rejected[i], result->reasons[i]);
    metrics_add(&metrics->commits, 1);
}

void pulse_commit(struct pulse *pulse, const struct commit_result *result, int64_t elapsed_us)
{
    struct ingest_metrics *metrics = pulse->metrics;
    count_commit(metrics, result);
    histogram_observe(&metrics->commit, elapsed_us);
    metrics_set(&metrics->last_commit_ms, clock_utc_ms());
    log_debug("committed", LOG_U64("messages", result->received), LOG_U64("stored", result->stored),
              LOG_U64("duplicates", result->duplicates), LOG_U64("rejected", result->rejected),
              LOG_I64("us", elapsed_us));
}

/* --- gauges ---------------------------------------------------------------------------------- */

static void look_at_space(struct pulse *pulse)
{
    const int64_t now_ms = clock_monotonic_ms();
    if (!pulse->kv || now_ms - pulse->space_ms < PULSE_SPACE_MS)
        return;
    pulse->space_ms = now_ms;
    struct kv_space space;
    struct ingest_metrics *metrics = pulse->metrics;
    if (kv_space(pulse->kv, &space, NULL) != STATUS_OK)
        return;
    metrics_set(&metrics->file_bytes, (int64_t)space.file_bytes);
    metrics_set(&metrics->map_bytes, (int64_t)space.map_bytes);
    metrics_set(&metrics->map_used_bytes, (int64_t)space.used_bytes);
    metrics_set(&metrics->oldest_reader_commits, (int64_t)space.oldest_reader_txns);
}

/* --- a line a minute ------------------------------------------------------------------------- */

struct backlog {
    int64_t active; /* of the queues that said so; -1: none did */
    int64_t in_flight;
};

static struct backlog add_up_queues(const struct ingest_metrics *metrics)
{
    struct backlog sum = {.active = -1};
    for (size_t i = 0; i < metrics->queue_count; i++) {
        const struct queue_metrics *queue = &metrics->queues[i];
        const int64_t active = atomic_load_explicit(&queue->active, memory_order_relaxed);
        if (active >= 0)
            sum.active = (sum.active < 0 ? 0 : sum.active) + active;
        sum.in_flight += atomic_load_explicit(&queue->in_flight, memory_order_relaxed);
    }
    return sum;
}

static struct commit_result counts_now(const struct ingest_metrics *metrics)
{
    struct commit_result counts = {
        .received = value_of(&metrics->received),
        .stored = value_of(&metrics->stored),
        .duplicates = value_of(&metrics->duplicates),
    };
    for (unsigned i = 0; i < REJECT_REASON_COUNT; i++)
        counts.rejected += value_of(&metrics->rejected[i]);
    return counts;
}

static void report(struct pulse *pulse, int64_t elapsed_ms)
{
    const struct commit_result now = counts_now(pulse->metrics);
    const struct commit_result *before = &pulse->reported;
    const struct backlog queues = add_up_queues(pulse->metrics);
    const uint64_t commits = value_of(&pulse->metrics->commits);
    const uint64_t received = now.received - before->received;
    char rate[32];
    (void)snprintf(rate, sizeof rate, "%.1f", (double)received * 1000 / (double)elapsed_ms);
    log_event(
        received > 0 ? LOG_INFO : LOG_DEBUG, "the last minute",
        LOG_FIELDS_(LOG_U64("received", received), LOG_U64("stored", now.stored - before->stored),
                    LOG_U64("duplicates", now.duplicates - before->duplicates),
                    LOG_U64("rejected", now.rejected - before->rejected),
                    LOG_TEXT("per_second", rate),
                    LOG_U64("commits", commits - pulse->reported_commits),
                    LOG_I64("in_flight", queues.in_flight), LOG_I64("backlog", queues.active)));
    pulse->reported = now;
    pulse->reported_commits = commits;
    char line[128];
    (void)snprintf(line, sizeof line, "%" PRIu64 " messages taken in, %s/s in the last minute",
                   now.received, rate);
    systemd_status(line);
}

static void report_each_minute(struct pulse *pulse)
{
    const int64_t elapsed_ms = clock_monotonic_ms() - pulse->reported_ms;
    if (elapsed_ms < PULSE_REPORT_MS)
        return;
    pulse->reported_ms += elapsed_ms;
    report(pulse, elapsed_ms);
}

/* --- being ready ----------------------------------------------------------------------------- */

static bool queue_answered(const struct queue_metrics *queue)
{
    for (unsigned i = 0; i < METRICS_VERDICTS; i++) {
        if (value_of(&queue->receives[i]) > 0)
            return true;
    }
    return false;
}

/*
 * Any outcome of a receive will do: a network that is down is waited for, and a service
 * that is restarted by systemd for it would not bring it back.
 */
static void become_ready(struct pulse *pulse)
{
    for (size_t i = 0; i < pulse->metrics->queue_count && !pulse->is_ready; i++)
        pulse->is_ready = queue_answered(&pulse->metrics->queues[i]);
    if (!pulse->is_ready)
        return;
    pulse_resume(pulse->metrics, PAUSE_STARTING);
    systemd_ready();
}

void pulse_beat(struct pulse *pulse)
{
    metrics_add(&pulse->metrics->progress[PROGRESS_COMMITS], 1);
    if (!pulse->is_ready)
        become_ready(pulse);
    if (pulse->credentials)
        metrics_set(&pulse->metrics->credentials_expire_ms,
                    credentials_expires_ms(pulse->credentials));
    look_at_space(pulse);
    report_each_minute(pulse);
    systemd_watchdog(pulse->metrics);
}
