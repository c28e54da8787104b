/*
 * bench.c - see bench.h.
 */
#include "bench/bench/bench.h"

#include "cli/message.h"
#include "engine/snapshot/snapshot.h"
#include "ingest/pipeline/pipeline.h"

#include <string.h>

static enum status ask(struct bench *bench, const struct bench_config *config, const char *store,
                       const char *name, struct error *err)
{
    message_note("asking the store, %s ...", name);
    const struct query_job job = {
        .store = store,
        .device = config->device,
        .program = config->program,
        .runs = config->runs,
        .query_bits = config->query_bits != 0 ? config->query_bits : QUERY_BITS_ALL,
    };
    struct query_phase *phase = &bench->report.phases[bench->report.phase_count];
    *phase = (struct query_phase){.name = name};
    TRY(measure_queries(&job, &bench->target, phase, err));
    bench->report.phase_count++;
    return STATUS_OK;
}

static bool reads_standard_input(const struct bench_config *config)
{
    for (size_t i = 0; i < config->input_count; i++) {
        if (strcmp(config->inputs[i], "-") == 0)
            return true;
    }
    return false;
}

/* The target may have been chosen anew, but of the same names: answers must be the same. */
static bool answers_differ(const struct bench_report *report)
{
    for (size_t i = 0; i < QUERY_SET_COUNT; i++) {
        if (report->phases[0].queries[i].digest != report->phases[1].queries[i].digest)
            return true;
    }
    return false;
}

static enum status run_with_ingest(struct bench *bench, const struct bench_config *config,
                                   struct error *err)
{
    struct bench_report *report = &bench->report;
    const char *store = bench->workspace.store;
    const struct ingest_job job = {
        .store = store, .paths = config->inputs, .path_count = config->input_count};
    message_note("ingesting ...");
    TRY(measure_ingest(&job, &report->ingest, err));
    report->has_ingest = true;
    report->stored = report->ingest.total.stored;
    TRY(ask(bench, config, store, "as ingested", err));
    if (!reads_standard_input(config)) {
        message_note("ingesting the same again ...");
        TRY(measure_ingest(&job, &report->again, err));
        report->has_again = true;
    }
    message_note("settling ...");
    TRY(measure_settle(store, &report->settle, err));
    TRY(ask(bench, config, store, "settled", err));
    report->answers_differ = answers_differ(report);
    return measure_copy(store, bench->workspace.copy, &report->copy, err);
}

static enum status run_queries_only(struct bench *bench, const struct bench_config *config,
                                    struct error *err)
{
    struct snapshot *snapshot = NULL;
    TRY(snapshot_open(&snapshot, config->store, err));
    bench->report.stored = snapshot_counters(snapshot)->stored;
    snapshot_close(snapshot);
    return ask(bench, config, config->store, "as it is", err);
}

enum status bench_run(struct bench *bench, const struct bench_config *config, struct error *err)
{
    *bench = (struct bench){
        .report = {.version = MNSDB_VERSION,
                   .cpus = pipeline_threads_default(),
                   .inputs = config->inputs,
                   .input_count = config->input_count,
                   .runs = config->runs},
    };
    struct bench_report *report = &bench->report;
    if (config->queries_only) {
        report->store = config->store;
        TRY(run_queries_only(bench, config, err));
    } else {
        TRY(workspace_make(&bench->workspace, config->store, err));
        bench->workspace.keep = config->keep;
        report->store = bench->workspace.store;
        TRY(run_with_ingest(bench, config, err));
    }
    report->file_system = file_system_name(report->store);
    report->device = bench->target.device;
    report->metric = bench->target.metric;
    report->from = bench->target.from;
    return STATUS_OK;
}

void bench_release(struct bench *bench)
{
    if (bench->workspace.keep && bench->workspace.dir[0] != '\0')
        message_note("the store is left in %s", bench->workspace.store);
    workspace_release(&bench->workspace);
    query_target_release(&bench->target);
}
