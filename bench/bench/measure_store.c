/*
 * measure_store.c - see measure_store.h.
 */
#include "bench/bench/measure_store.h"

#include "bench/bench/workspace.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "engine/snapshot/snapshot.h"
#include "ingest/config/options.h"
#include "ingest/config/settings.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/source/source.h"

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

/* A signal ends the benchmark: figures of half a job would say nothing. */
static enum status check_signals(struct error *err)
{
    if (signals_received() != 0)
        return error_set(err, STATUS_STOPPED, "stopped by a signal");
    return STATUS_OK;
}

static void tell_fault(void *context, const struct error *fault)
{
    (void)context;
    message_error("%s", fault->message);
}

static enum status ingest(const void *context, void *result, struct error *err)
{
    const struct ingest_job *job = context;
    struct ingest_figures *figures = result;
    const struct ingest_options defaults = {0};
    OWNED(settings_release) struct settings settings = {0};
    TRY(settings_read(&settings, &defaults, err));
    OWNED(close_store) struct store *store = NULL;
    TRY(store_open(&store, job->store, err));
    struct decoder_config decoder;
    TRY(settings_apply(&settings, store, &decoder, err));
    OWNED(source_close) struct source source = {0};
    TRY(file_source_open(&source, job->paths, job->path_count, err));

    const struct pipeline_config config = {
        .source = &source,
        .sink = pipeline_store_sink(store),
        .decoder = &decoder,
        .listener = {.fault = tell_fault},
    };
    struct pipeline_result done = {0};
    TRY(pipeline_run(&config, &done, err));
    TRY(check_signals(err));
    if (done.faults > 0)
        return error_set(err, STATUS_STOPPED, "%llu of the inputs could not be read",
                         (unsigned long long)done.faults);
    figures->total = done.total;
    figures->input_bytes = done.input_bytes;
    figures->commits = done.commits;
    return STATUS_OK;
}

enum status measure_ingest(const struct ingest_job *job, struct ingest_figures *figures,
                           struct error *err)
{
    *figures = (struct ingest_figures){0};
    const struct child_job child = {
        .context = job, .result = figures, .result_bytes = sizeof *figures, .run = ingest};
    struct child_usage usage;
    TRY(child_run(&child, &usage, err));
    figures->usage = usage;
    return store_file_bytes(job->store, &figures->file_bytes, err);
}

static enum status settle(const void *context, void *result, struct error *err)
{
    struct upkeep_figures *figures = result;
    OWNED(close_store) struct store *store = NULL;
    TRY(store_open_existing(&store, context, err));
    for (bool more = true; more; figures->steps++) {
        TRY(store_maintain(store, UPKEEP_SETTLE, &more, err));
        TRY(check_signals(err));
    }
    return STATUS_OK;
}

enum status measure_settle(const char *store, struct upkeep_figures *figures, struct error *err)
{
    *figures = (struct upkeep_figures){0};
    const struct child_job child = {
        .context = store, .result = figures, .result_bytes = sizeof *figures, .run = settle};
    struct child_usage usage;
    TRY(child_run(&child, &usage, err));
    figures->usage = usage;
    return store_file_bytes(store, &figures->file_bytes, err);
}

struct copy_job {
    const char *store;
    const char *copy;
};

static enum status copy_store(const void *context, void *result, struct error *err)
{
    (void)result;
    const struct copy_job *job = context;
    OWNED(close_snapshot) struct snapshot *snapshot = NULL;
    TRY(snapshot_open(&snapshot, job->store, err));
    return snapshot_backup(snapshot, job->copy, err);
}

enum status measure_copy(const char *store, const char *copy, struct upkeep_figures *figures,
                         struct error *err)
{
    *figures = (struct upkeep_figures){0};
    const struct copy_job job = {.store = store, .copy = copy};
    const struct child_job child = {
        .context = &job, .result = figures, .result_bytes = sizeof *figures, .run = copy_store};
    struct child_usage usage;
    TRY(child_run(&child, &usage, err));
    figures->usage = usage;
    return store_file_bytes(copy, &figures->file_bytes, err);
}
