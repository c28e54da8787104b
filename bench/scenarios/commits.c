/*
 * commits.c - see commits.h.
 */
#include "bench/scenarios/commits.h"

#include "bench/bench/workspace.h"
#include "bench/scenarios/small_feed.h"
#include "cli/signals.h"
#include "engine/civil/civil.h"
#include "engine/kv/kv.h"
#include "engine/snapshot/snapshot.h"
#include "engine/store/store.h"

#include <string.h>

#define BULK_MESSAGES UINT64_C(500000)
#define INTERVAL_MS   (10 * MS_PER_SECOND) /* between two readings of a device */
#define OPEN_RUNS     15u
#define STORE_SMALL   "small"
#define STORE_BULK    "bulk"

static void close_store(struct store **store)
{
    store_close(*store);
    *store = NULL;
}

static void close_snapshot(struct snapshot **snapshot)
{
    snapshot_close(*snapshot);
    *snapshot = NULL;
}

/* --- a store --------------------------------------------------------------------------------- */

struct feed_job {
    const struct commits_config *config;
    const char *store;
    uint64_t messages; /* of a bulk feed; 0: this is the small one */
};

struct feeding {
    const struct feed_job *job;
    struct store *store;
    struct commits_feed *feed;
    struct latencies commits;
    struct latencies steps;
    uint64_t sample_every; /* commits */
};

static double rows_per_second(const struct commits_config *config)
{
    return config->commits_per_second * (double)config->rows_per_commit;
}

static struct small_feed_config feed_config(const struct feed_job *job)
{
    const struct commits_config *config = job->config;
    const double rate = rows_per_second(config);
    struct fleet_config fleet = fleet_config_default();
    fleet.devices = (uint32_t)config->devices;
    fleet.interval_ms = INTERVAL_MS;
    if (config->devices == 0)
        fleet.devices = (uint32_t)(rate * INTERVAL_MS / MS_PER_SECOND) + 1;
    else
        fleet.interval_ms = (int64_t)((double)config->devices * MS_PER_SECOND / rate) + 1;
    if (fleet.jitter_ms > fleet.interval_ms / 2)
        fleet.jitter_ms = fleet.interval_ms / 2;
    fleet.span_ms = config->span_ms;
    if (job->messages > 0)
        return (struct small_feed_config){
            .fleet = fleet, .batch_mean = BULK_MESSAGES, .messages_limit = job->messages};
    return (struct small_feed_config){
        .fleet = fleet,
        .batch_mean = config->rows_per_commit,
        .batch_varies = true,
        .batches_limit = config->commits,
    };
}

/* Parts of both tables, and rows of the log, as a reader finds them. */
static enum status count_parts(struct store *store, struct commits_sample *sample,
                               struct error *err)
{
    OWNED(close_snapshot) struct snapshot *snapshot = NULL;
    TRY(snapshot_open_beside(&snapshot, store, err));
    struct scan_statistics found = {0};
    const struct scan_visitor nobody = {0};
    for (int table = 0; table < TABLE_COUNT; table++) {
        /* No part is looked into: none has rows in an empty range of time. */
        const struct scan_spec nothing = {
            .table = (enum table)table, .from_ms = INT64_MAX - 1, .until_ms = INT64_MAX - 1};
        TRY(snapshot_scan(snapshot, &nothing, &nobody, &found, err));
    }
    sample->parts = found.parts_total;
    sample->log_rows = found.log_rows;
    return STATUS_OK;
}

static enum status take_sample(struct feeding *feeding, struct error *err)
{
    struct commits_feed *feed = feeding->feed;
    if (feed->sample_count == COMMITS_SAMPLES)
        feed->sample_count--; /* the last one is the newest */
    struct commits_sample *sample = &feed->samples[feed->sample_count++];
    struct kv_space space;
    TRY(kv_space(store_kv(feeding->store), &space, err));
    *sample = (struct commits_sample){
        .commits = feed->commits,
        .stored = feed->stored,
        .file_bytes = space.file_bytes,
        .live_bytes = space.used_bytes,
    };
    TRY(count_parts(feeding->store, sample, err));
    const double ratio = commits_file_to_live(sample);
    if (ratio > feed->file_to_live_most)
        feed->file_to_live_most = ratio;
    if (sample->parts > feed->parts_most)
        feed->parts_most = sample->parts;
    return STATUS_OK;
}

static enum status maintain(struct feeding *feeding, struct error *err)
{
    for (bool more = true; more;) {
        const int64_t began_ns = timing_now_ns();
        TRY(store_maintain(feeding->store, feeding->job->messages > 0 ? UPKEEP_BULK : UPKEEP_STEADY,
                           &more, err));
        if (!more)
            break;
        TRY(latencies_add(&feeding->steps, timing_now_ns() - began_ns, err));
        feeding->feed->transactions++;
    }
    return STATUS_OK;
}

static enum status take_batch(void *context, struct row_batch *batch, struct error *err)
{
    struct feeding *feeding = context;
    struct commits_feed *feed = feeding->feed;
    struct commit_result result;
    const int64_t began_ns = timing_now_ns();
    TRY(store_commit(feeding->store, &batch, 1, &result, err));
    TRY(latencies_add(&feeding->commits, timing_now_ns() - began_ns, err));
    feed->commits++;
    feed->transactions++;
    feed->messages += result.received;
    feed->stored += result.stored;
    feed->duplicates += result.duplicates;
    TRY(maintain(feeding, err));
    return feed->commits % feeding->sample_every == 0 ? take_sample(feeding, err) : STATUS_OK;
}

static uint64_t commits_between_samples(const struct small_feed_config *config)
{
    const struct fleet_config *fleet = &config->fleet;
    const double messages =
        (double)fleet->devices * (double)fleet->span_ms / (double)fleet->interval_ms;
    double commits = messages / (double)config->batch_mean;
    if (config->batches_limit > 0 && commits > (double)config->batches_limit)
        commits = (double)config->batches_limit;
    return (uint64_t)(commits / (COMMITS_SAMPLES - 1)) + 1;
}

static enum status feed_all(struct feeding *feeding, struct error *err)
{
    const struct small_feed_config config = feed_config(feeding->job);
    feeding->sample_every = commits_between_samples(&config);
    struct process_writes before;
    struct process_writes after;
    TRY(process_writes_read(&before, err));
    const struct small_feed_sink sink = {.context = feeding, .take = take_batch};
    TRY(small_feed_run(&config, &sink, err));
    TRY(process_writes_read(&after, err));
    feeding->feed->writes = process_writes_between(&before, &after);
    TRY(take_sample(feeding, err));
    feeding->feed->commit = latencies_read(&feeding->commits);
    feeding->feed->step = latencies_read(&feeding->steps);
    return STATUS_OK;
}

static enum status feed_store(const void *context, void *result, struct error *err)
{
    const struct feed_job *job = context;
    struct feeding feeding = {.job = job, .feed = result};
    OWNED(close_store) struct store *store = NULL;
    TRY(store_open(&store, job->store, err));
    feeding.store = store;
    const enum status status = feed_all(&feeding, err);
    latencies_release(&feeding.commits);
    latencies_release(&feeding.steps);
    return status;
}

enum status commits_feed_store(const struct commits_config *config, const char *store,
                               uint64_t messages, struct commits_feed *feed, struct error *err)
{
    *feed = (struct commits_feed){0};
    const struct feed_job job = {.config = config, .store = store, .messages = messages};
    const struct child_job child = {
        .context = &job, .result = feed, .result_bytes = sizeof *feed, .run = feed_store};
    struct child_usage usage;
    TRY(child_run(&child, &usage, err));
    feed->usage = usage;
    return STATUS_OK;
}

double commits_file_to_live(const struct commits_sample *sample)
{
    return sample->live_bytes == 0 ? 0 : (double)sample->file_bytes / (double)sample->live_bytes;
}

/* --- queries --------------------------------------------------------------------------------- */

static enum status time_open(const char *store, struct timing *timing, struct error *err)
{
    struct stopwatch watch = {0};
    for (size_t run = 0; run <= OPEN_RUNS; run++) {
        OWNED(close_snapshot) struct snapshot *snapshot = NULL;
        stopwatch_start(&watch);
        TRY(snapshot_open(&snapshot, store, err));
        stopwatch_stop(&watch);
    }
    *timing = stopwatch_timing(&watch);
    return STATUS_OK;
}

static enum status ask(const char *store, size_t runs, struct query_phase *phase,
                       struct timing *open, struct error *err)
{
    const struct query_job job = {.store = store, .runs = runs, .query_bits = QUERY_BITS_ALL};
    struct query_target target = {0};
    const enum status status = measure_queries(&job, &target, phase, err);
    query_target_release(&target);
    TRY(status);
    return time_open(store, open, err);
}

static bool answers_differ(const struct commits_report *report)
{
    for (size_t i = 0; i < QUERY_SET_COUNT; i++) {
        if (report->small_queries.queries[i].digest != report->bulk_queries.queries[i].digest)
            return true;
    }
    return false;
}

static void put_store(char path[WORKSPACE_PATH_BYTES], const struct workspace *workspace,
                      const char *name)
{
    const size_t len = strlen(workspace->dir);
    memcpy(path, workspace->dir, len);
    path[len] = '/';
    memcpy(path + len + 1, name, strlen(name) + 1);
}

static enum status run_in(const struct workspace *workspace, struct commits_report *report,
                          struct error *err)
{
    const struct commits_config *config = &report->config;
    char small[WORKSPACE_PATH_BYTES];
    char bulk[WORKSPACE_PATH_BYTES];
    put_store(small, workspace, STORE_SMALL);
    put_store(bulk, workspace, STORE_BULK);
    TRY(commits_feed_store(config, small, 0, &report->small, err));
    if (config->runs == 0)
        return STATUS_OK;
    TRY(commits_feed_store(config, bulk, report->small.messages, &report->bulk, err));
    TRY(ask(small, config->runs, &report->small_queries, &report->small_open, err));
    TRY(ask(bulk, config->runs, &report->bulk_queries, &report->bulk_open, err));
    report->answers_differ = answers_differ(report);
    return STATUS_OK;
}

enum status commits_run(const struct commits_config *config, struct commits_report *report,
                        struct error *err)
{
    *report = (struct commits_report){.config = *config};
    report->small_queries.name = STORE_SMALL;
    report->bulk_queries.name = STORE_BULK;
    struct workspace workspace;
    enum status status = workspace_make(&workspace, NULL, err);
    if (status == STATUS_OK)
        status = run_in(&workspace, report, err);
    workspace_release(&workspace);
    return status;
}
