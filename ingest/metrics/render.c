/*
 * render.c - the page: all of the program, then its queues, then the process.
 *
 * Names follow Prometheus: base units, "_total" for what only grows. What is not known has no
 * sample. Numbers of one page may be a moment apart; a histogram's are made to agree.
 */
#include "cli/clock.h"
#include "cli/version.h"
#include "ingest/metrics/metrics_internal.h"

#include <stdio.h>
#include <string.h>

/* --- families of one sample ------------------------------------------------------------------ */

static void counter(struct metrics_page *page, const char *name, const char *help,
                    const atomic_ullong *value)
{
    page_family(page, name, "counter", help);
    page_count(page, &(struct page_series){.family = name}, count_of(value));
}

static void gauge(struct metrics_page *page, const char *name, const char *help, int64_t value)
{
    page_family(page, name, "gauge", help);
    page_signed(page, &(struct page_series){.family = name}, value);
}

static void gauge_seconds(struct metrics_page *page, const char *name, const char *help,
                          int64_t value_ms)
{
    page_family(page, name, "gauge", help);
    page_ms(page, &(struct page_series){.family = name}, value_ms);
}

/* --- histograms ------------------------------------------------------------------------------ */

void render_histogram(struct metrics_page *page, const struct page_series *series,
                      const struct histogram *histogram)
{
    struct page_series bucket = *series;
    bucket.suffix = "_bucket";
    size_t label = 0;
    while (bucket.labels[label].name)
        label++;
    uint64_t total = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        char bound[32];
        const unsigned bound_ms = 1u << i;
        (void)snprintf(bound, sizeof bound, "%u.%03u", bound_ms / 1000, bound_ms % 1000);
        bucket.labels[label] = (struct page_label){.name = "le", .value = bound};
        total += count_of(&histogram->buckets[i]);
        page_count(page, &bucket, total);
    }
    // Observed between the reading of the buckets and that of the count, or the other way round.
    const uint64_t count = count_of(&histogram->count);
    const uint64_t all = count > total ? count : total;
    bucket.labels[label] = (struct page_label){.name = "le", .value = "+Inf"};
    page_count(page, &bucket, all);

    struct page_series rest = *series;
    rest.suffix = "_sum";
    page_us(page, &rest, count_of(&histogram->sum_us));
    rest.suffix = "_count";
    page_count(page, &rest, all);
}

static void histogram(struct metrics_page *page, const char *name, const char *help,
                      const struct histogram *values)
{
    page_family(page, name, "histogram", help);
    render_histogram(page, &(struct page_series){.family = name}, values);
}

/* --- the program ----------------------------------------------------------------------------- */

static void render_messages(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    counter(page, "mnsdb_ingest_received_total",
            "Messages committed: stored, duplicate or rejected.", &metrics->received);
    counter(page, "mnsdb_ingest_stored_total", "Messages that became readings or events.",
            &metrics->stored);
    counter(page, "mnsdb_ingest_duplicates_total", "Messages that the store had already.",
            &metrics->duplicates);
    const char *name = "mnsdb_ingest_rejected_total";
    page_family(page, name, "counter", "Messages kept as rejects, by reason.");
    for (unsigned i = 0; i < REJECT_REASON_COUNT; i++) {
        const struct page_series series = {
            .family = name,
            .labels = {{"reason", reject_reason_word((enum reject_reason)i)}},
        };
        page_count(page, &series, count_of(&metrics->rejected[i]));
    }
}

static void render_commits(struct metrics_page *page, const struct ingest_metrics *metrics,
                           int64_t now_ms)
{
    counter(page, "mnsdb_ingest_commits_total", "Transactions committed.", &metrics->commits);
    counter(page, "mnsdb_ingest_commits_failed_total", "Transactions that failed.",
            &metrics->commits_failed);
    histogram(page, "mnsdb_ingest_commit_duration_seconds", "Time that a commit took.",
              &metrics->commit);
    histogram(page, "mnsdb_ingest_delay_seconds",
              "From sent to committed, of the oldest message of each commit.", &metrics->delay);
    const int64_t oldest_ms = gauge_of(&metrics->oldest_ms);
    const int64_t age_ms = oldest_ms > 0 && oldest_ms < now_ms ? now_ms - oldest_ms : 0;
    gauge_seconds(page, "mnsdb_ingest_oldest_message_age_seconds",
                  "Age of the oldest message received and not committed yet; 0: none.", age_ms);
    const int64_t last_ms = gauge_of(&metrics->last_commit_ms);
    if (last_ms != 0)
        gauge_seconds(page, "mnsdb_ingest_last_commit_timestamp_seconds",
                      "When the last commit returned, since 1970.", last_ms);
}

static void render_store(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    gauge(page, "mnsdb_ingest_map_used_bytes", "Bytes of the store's map in use.",
          gauge_of(&metrics->map_used_bytes));
    gauge(page, "mnsdb_ingest_map_size_bytes", "Bytes of the store's map.",
          gauge_of(&metrics->map_bytes));
    gauge(page, "mnsdb_ingest_file_size_bytes", "Bytes of the store's file.",
          gauge_of(&metrics->file_bytes));
    gauge(page, "mnsdb_ingest_oldest_reader_lag_commits",
          "Commits since the oldest reader began: what it keeps from being reused.",
          gauge_of(&metrics->oldest_reader_commits));
}

static void render_progress(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    static const char *const loops[PROGRESS_LOOPS] = {
        [PROGRESS_NETWORK] = "network", [PROGRESS_COMMITS] = "commits"};
    const char *name = "mnsdb_ingest_progress_total";
    page_family(page, name, "counter", "Turns of the loops that must go on.");
    for (size_t i = 0; i < PROGRESS_LOOPS; i++) {
        const struct page_series series = {.family = name, .labels = {{"loop", loops[i]}}};
        page_count(page, &series, count_of(&metrics->progress[i]));
    }
}

static void render_state(struct metrics_page *page, const struct ingest_metrics *metrics)
{
    static const char *const reasons[] = {
        [PAUSE_STORE_FULL] = "store-full", [PAUSE_CREDENTIALS] = "credentials",
        [PAUSE_QUEUE] = "queue",           [PAUSE_DRAINING] = "draining",
        [PAUSE_STARTING] = "starting",
    };
    const char *name = "mnsdb_ingest_paused";
    const int pause = atomic_load_explicit(&metrics->pause, memory_order_relaxed);
    page_family(page, name, "gauge", "1 for the reason why nothing is received just now.");
    for (int i = PAUSE_NONE + 1; i <= PAUSE_STARTING; i++) {
        const struct page_series series = {.family = name, .labels = {{"reason", reasons[i]}}};
        page_count(page, &series, i == pause);
    }
    const int64_t expire_ms = gauge_of(&metrics->credentials_expire_ms);
    if (expire_ms != 0)
        gauge_seconds(page, "mnsdb_ingest_credentials_expiry_timestamp_seconds",
                      "When the access key in use expires, since 1970.", expire_ms);
    render_progress(page, metrics);
}

static void render_build(struct metrics_page *page)
{
    const char *name = "mnsdb_build_info";
    page_family(page, name, "gauge", "1, with the version of the program.");
    page_count(page, &(struct page_series){.family = name, .labels = {{"version", MNSDB_VERSION}}},
               1);
}

enum status metrics_render(const struct ingest_metrics *metrics, struct buffer *text)
{
    struct metrics_page page = {.text = text, .status = STATUS_OK};
    const int64_t now_ms = clock_utc_ms();
    render_build(&page);
    render_messages(&page, metrics);
    render_commits(&page, metrics, now_ms);
    render_store(&page, metrics);
    render_state(&page, metrics);
    render_queues(&page, metrics);
    render_process(&page, metrics->started_ms);
    return page.status;
}
