/*
 * render_queues.c - the series of each queue, with its name as label.
 */
#include "ingest/metrics/metrics_internal.h"

#include <stddef.h>
#include <string.h>

/* A member of struct queue_metrics that is rendered as it is. */
struct member {
    const char *name;
    const char *help;
    size_t offset;
};

#define MEMBER(metric, what, field)                                                       \
    {                                                                                     \
        .name = (metric), .help = (what), .offset = offsetof(struct queue_metrics, field) \
    }

static const struct member counters[] = {
    MEMBER("mnsdb_ingest_queue_received_total", "Messages received.", received),
    MEMBER("mnsdb_ingest_queue_redelivered_total",
           "Messages received that had been handed out before.", redelivered),
    MEMBER("mnsdb_ingest_queue_deleted_total", "Messages deleted.", deleted),
    MEMBER("mnsdb_ingest_queue_deletes_failed_total",
           "Messages whose delete was given up: they come again, or are gone already.",
           deletes_failed),
    MEMBER("mnsdb_ingest_queue_visibility_changes_total",
           "Messages whose invisibility was changed, because their commit was late or given up.",
           visibility_changes),
};

static const void *member_of(const struct queue_metrics *queue, const struct member *member)
{
    return (const char *)queue + member->offset;
}

static void render_counters(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        page_family(page, counters[i].name, "counter", counters[i].help);
        for (size_t at = 0; at < metrics->queue_count; at++) {
            const struct queue_metrics *queue = &metrics->queues[at];
            const atomic_ullong *value = member_of(queue, &counters[i]);
            page_count(page,
                       &(struct page_series){.family = counters[i].name,
                                             .labels = {{"queue", queue->name}}},
                       count_of(value));
        }
    }
}

/* --- answers by verdict ---------------------------------------------------------------------- */

static void render_verdicts(struct metrics_page *page, const struct ingest_metrics *metrics,
                            const struct member *member)
{
    page_family(page, member->name, "counter", member->help);
    for (size_t at = 0; at < metrics->queue_count; at++) {
        const struct queue_metrics *queue = &metrics->queues[at];
        const atomic_ullong *values = member_of(queue, member);
        for (unsigned verdict = 0; verdict < METRICS_VERDICTS; verdict++) {
            const struct page_series series = {
                .family = member->name,
                .labels = {{"queue", queue->name},
                           {"result", wire_verdict_text((enum wire_verdict)verdict)}},
            };
            page_count(page, &series, count_of(&values[verdict]));
        }
    }
}

/* --- gauges ---------------------------------------------------------------------------------- */

static void render_backlog(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    static const char *const states[] = {"active", "inactive", "delayed"};
    const char *name = "mnsdb_ingest_queue_backlog_messages";
    page_family(page, name, "gauge",
                "Messages in the queue, by its own word: to be had, handed out, or delayed.");
    for (size_t at = 0; at < metrics->queue_count; at++) {
        const struct queue_metrics *queue = &metrics->queues[at];
        const int64_t counts[] = {gauge_of(&queue->active), gauge_of(&queue->inactive),
                                  gauge_of(&queue->delayed)};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            const struct page_series series = {
                .family = name, .labels = {{"queue", queue->name}, {"state", states[i]}}};
            if (counts[i] >= 0)
                page_signed(page, &series, counts[i]);
        }
    }
}

static void render_in_flight(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    const char *name = "mnsdb_ingest_queue_in_flight_messages";
    page_family(page, name, "gauge", "Messages received and not deleted yet.");
    for (size_t at = 0; at < metrics->queue_count; at++) {
        const struct queue_metrics *queue = &metrics->queues[at];
        page_signed(page, &(struct page_series){.family = name, .labels = {{"queue", queue->name}}},
                    gauge_of(&queue->in_flight));
    }
}

static void render_clock(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    const char *name = "mnsdb_ingest_queue_clock_offset_seconds";
    page_family(page, name, "gauge", "The queue's clock minus this machine's, as corrected.");
    for (size_t at = 0; at < metrics->queue_count; at++) {
        const struct queue_metrics *queue = &metrics->queues[at];
        page_ms(page, &(struct page_series){.family = name, .labels = {{"queue", queue->name}}},
                gauge_of(&queue->clock_offset_ms));
    }
}

static void render_refused(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    const char *name = "mnsdb_ingest_queue_refused_since_timestamp_seconds";
    page_family(page, name, "gauge",
                "Since when the queue refuses the access key, since 1970; 0: it does not.");
    for (size_t at = 0; at < metrics->queue_count; at++) {
        const struct queue_metrics *queue = &metrics->queues[at];
        page_ms(page, &(struct page_series){.family = name, .labels = {{"queue", queue->name}}},
                gauge_of(&queue->refused_since_ms));
    }
}

static void render_receives(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    const char *name = "mnsdb_ingest_queue_receive_duration_seconds";
    page_family(page, name, "histogram",
                "From asking for messages to the answer, where it had any.");
    for (size_t at = 0; at < metrics->queue_count; at++) {
        const struct queue_metrics *queue = &metrics->queues[at];
        render_histogram(page,
                         &(struct page_series){.family = name, .labels = {{"queue", queue->name}}},
                         &queue->receive);
    }
}

void render_queues(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    static const struct member receives =
        MEMBER("mnsdb_ingest_queue_receives_total", "Answers to requests for messages.", receives);
    static const struct member deletes =
        MEMBER("mnsdb_ingest_queue_deletes_total", "Answers to requests to delete.", deletes);
    render_counters(page, metrics);
    render_verdicts(page, metrics, &receives);
    render_verdicts(page, metrics, &deletes);
    render_backlog(page, metrics);
    render_in_flight(page, metrics);
    render_clock(page, metrics);
    render_refused(page, metrics);
    render_receives(page, metrics);
}
