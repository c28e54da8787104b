/*
 * quick_run.c - the measuring: rounds of ingest, replay, queries and kernels.
 *
 * Short things are looked at often and briefly, all over the run: twenty looks of 10 ms at a loop
 * meet a quiet moment of the machine where five of 50 ms do not. The calibration runs between them
 * and after the last, and the least of it counts too: both sides of a ratio are then what such a
 * moment showed. With one calibration a round it missed it in some runs, and moved all ratios
 * together.
 */
#include "bench/quick/quick.h"

#include "bench/bench/measure_queries.h"
#include "bench/bench/measure_store.h"
#include "bench/bench/workspace.h"
#include "bench/fleet/fleet.h"
#include "bench/fleet/line_file.h"
#include "bench/kernels/kernels.h"
#include "cli/message.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define CALIBRATION_RUNS 20u
#define QUERY_RUNS       4u
#define KERNEL_RUNS      1u
#define KERNEL_MESSAGES  200000u
#define PATH_BYTES       (WORKSPACE_PATH_BYTES + 64u)

/* One sample a round of each; of queries and kernels one a pass. */
struct quick_samples {
    double ingest[QUICK_ROUNDS_MAX];
    double replay[QUICK_ROUNDS_MAX];
    double settle[QUICK_ROUNDS_MAX];
    double queries[QUERY_SET_COUNT][QUICK_SAMPLES_MAX];
    double kernels[KERNELS_MAX][QUICK_SAMPLES_MAX];
    size_t kernel_count;
    size_t pass_count;     /* of queries and kernels */
    double ingested_bytes; /* of the first round */
    double compacted_bytes;
};

struct quick_work {
    const struct quick_config *config;
    struct workspace workspace;
    char set_path[PATH_BYTES];
    struct kernels *kernels; /* owned */
    struct machine_calibration calibration;
    struct quick_samples samples;
};

/* --- the set ---------------------------------------------------------------------------------- */

static enum status write_lines(void *context, struct slice lines, bool *stop, struct error *err)
{
    *stop = false;
    return line_file_write(context, lines, err);
}

static void close_lines(struct line_file *file)
{
    // After a failure: what it says has been said.
    (void)!line_file_close(file, NULL);
}

static enum status make_set(struct quick_work *work, struct error *err)
{
    message_note("making a set of %llu messages ...", (unsigned long long)work->config->messages);
    (void)snprintf(work->set_path, sizeof work->set_path, "%s/set.ndjson", work->workspace.dir);
    OWNED(close_lines) struct line_file file = {.file = -1};
    TRY(line_file_open(&file, work->set_path, err));
    struct fleet_config fleet = fleet_config_default();
    fleet.messages = work->config->messages;
    const struct fleet_output output = {.context = &file, .write = write_lines};
    struct fleet_totals totals;
    TRY(fleet_run(&fleet, &output, &totals, err));
    return line_file_close(&file, err);
}

/* --- rounds ----------------------------------------------------------------------------------- */

static enum status calibrate(struct quick_work *work, struct error *err)
{
    return machine_calibrate(CALIBRATION_RUNS, &work->calibration, err);
}

static double per_message(double amount, const struct quick_work *work)
{
    return amount / (double)work->config->messages;
}

static void release_target(struct query_target *target)
{
    query_target_release(target);
}

static enum status ask(struct quick_work *work, const char *store, struct error *err)
{
    OWNED(mem_free_owned) struct query_phase *phase = mem_alloc_zeroed(1, sizeof *phase);
    if (!phase)
        return error_set(err, STATUS_NOMEM, "no memory for the queries");
    const struct query_job job = {.store = store, .runs = QUERY_RUNS, .query_bits = QUERY_BITS_ALL};
    OWNED(release_target) struct query_target target = {0};
    TRY(measure_queries(&job, &target, phase, err));
    for (size_t i = 0; i < QUERY_SET_COUNT; i++)
        work->samples.queries[i][work->samples.pass_count] =
            (double)phase->queries[i].in_process.min_ns;
    return STATUS_OK;
}

static enum status open_kernels(struct quick_work *work, struct error *err)
{
    const uint64_t messages = work->config->messages;
    const struct kernels_config config = {
        .dir = work->workspace.dir,
        .messages = messages < KERNEL_MESSAGES ? messages : KERNEL_MESSAGES,
        .runs = KERNEL_RUNS,
    };
    return kernels_open(&work->kernels, &config, err);
}

static enum status run_kernels(struct quick_work *work, struct error *err)
{
    struct quick_samples *samples = &work->samples;
    OWNED(mem_free_owned) struct kernels_report *report = mem_alloc(1, sizeof *report);
    if (!report)
        return error_set(err, STATUS_NOMEM, "no memory for the kernels");
    TRY(kernels_measure(work->kernels, report, err));
    for (size_t i = 0; i < report->count; i++)
        samples->kernels[i][samples->pass_count] = report->results[i].least_ns;
    samples->kernel_count = report->count;
    return STATUS_OK;
}

static enum status run_pass(struct quick_work *work, const char *store, struct error *err)
{
    TRY(ask(work, store, err));
    TRY(calibrate(work, err));
    TRY(run_kernels(work, err));
    work->samples.pass_count++;
    return calibrate(work, err);
}

/*
 * Queries are short: timed by the wall clock (see struct work_clock). They are asked of the settled
 * store: how an ingest fell into parts is no part of them.
 */
static enum status run_round(struct quick_work *work, unsigned round, struct error *err)
{
    struct quick_samples *samples = &work->samples;
    char store[PATH_BYTES];
    char copy[PATH_BYTES];
    (void)snprintf(store, sizeof store, "%s/store-%u", work->workspace.dir, round);
    (void)snprintf(copy, sizeof copy, "%s/copy-%u", work->workspace.dir, round);
    const char *path = work->set_path;
    const struct ingest_job job = {.store = store, .paths = &path, .path_count = 1};
    struct ingest_figures ingest;
    struct upkeep_figures upkeep;
    message_note("round %u of %u ...", round + 1, work->config->rounds);
    TRY(calibrate(work, err));
    TRY(measure_ingest(&job, &ingest, err));
    samples->ingest[round] = per_message((double)ingest.usage.cpu_ns, work);
    if (round == 0)
        samples->ingested_bytes = per_message((double)ingest.file_bytes, work);
    TRY(measure_ingest(&job, &ingest, err));
    samples->replay[round] = per_message((double)ingest.usage.cpu_ns, work);
    TRY(calibrate(work, err));
    TRY(measure_settle(store, &upkeep, err));
    samples->settle[round] = per_message((double)upkeep.usage.cpu_ns, work);
    if (round == 0) {
        TRY(measure_copy(store, copy, &upkeep, err));
        samples->compacted_bytes = per_message((double)upkeep.file_bytes, work);
    }
    // A small set is there to see whether all of it works.
    const unsigned passes = work->config->messages < KERNEL_MESSAGES ? 1 : QUICK_PASSES;
    for (unsigned pass = 0; pass < passes; pass++)
        TRY(run_pass(work, store, err));
    return STATUS_OK;
}

/* --- figures ---------------------------------------------------------------------------------- */

static void add_samples(struct quick_figures *figures, struct quick_samples *samples, size_t rounds)
{
    quick_add_time(figures, "ingest, a message", MACHINE_BOTH, samples->ingest, rounds);
    quick_add_time(figures, "replay, a message", MACHINE_BOTH, samples->replay, rounds);
    quick_add_time(figures, "settle, a message", MACHINE_BOTH, samples->settle, rounds);
    quick_add_size(figures, "as ingested, a message", samples->ingested_bytes);
    quick_add_size(figures, "compacted, a message", samples->compacted_bytes);
    for (size_t i = 0; i < QUERY_SET_COUNT; i++)
        quick_add_time(figures, query_set[i].name, MACHINE_CORE, samples->queries[i],
                       samples->pass_count);
    for (size_t i = 0; i < samples->kernel_count; i++)
        quick_add_time(figures, kernels_name(i), MACHINE_CORE, samples->kernels[i],
                       samples->pass_count);
}

static enum status run(struct quick_work *work, struct quick_figures *figures, struct error *err)
{
    TRY(make_set(work, err));
    TRY(open_kernels(work, err));
    for (unsigned round = 0; round < work->config->rounds; round++)
        TRY(run_round(work, round, err));
    add_samples(figures, &work->samples, work->config->rounds);
    TRY(calibrate(work, err));
    quick_calibrate(figures, &work->calibration);
    return STATUS_OK;
}

enum status quick_run(const struct quick_config *config, struct quick_figures *figures,
                      struct error *err)
{
    assert(config->rounds >= 1 && config->rounds <= QUICK_ROUNDS_MAX);
    *figures = (struct quick_figures){.messages = config->messages};
    OWNED(mem_free_owned) struct quick_work *work = mem_alloc_zeroed(1, sizeof *work);
    if (!work)
        return error_set(err, STATUS_NOMEM, "no memory for the benchmark");
    work->config = config;
    enum status status = workspace_make(&work->workspace, NULL, err);
    if (status == STATUS_OK) {
        machine_describe(&figures->machine, work->workspace.dir);
        status = run(work, figures, err);
    }
    kernels_close(work->kernels);
    workspace_release(&work->workspace);
    return status;
}
