/*
 * ids.c - see ids.h.
 */
#include "bench/scenarios/ids.h"

#include "bench/bench/timing.h"
#include "bench/bench/workspace.h"
#include "bench/scenarios/id_stream.h"
#include "cli/clock.h"
#include "cli/signals.h"
#include "engine/base/mem.h"
#include "engine/civil/civil.h"
#include "engine/kv/kv.h"
#include "engine/seen/seen.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_MARK      UINT64_C(1000000)
#define START_MS        INT64_C(1704067200000) /* 2024-01-01 */
#define WORKER_GROW     5u
#define WORKER_BESIDE   9u
#define RANDOM_FRACTION 5u /* they are slower */
#define STATUS_BYTES    4096u

/* One set under way. */
struct id_set_run {
    const struct ids_config *config;
    struct ids_report *report;
    struct kv *kv;
    struct seen *seen;
    uint64_t *ids; /* owned; one batch */
    bool *held;    /* owned */
    size_t capacity;
    uint64_t total;        /* ids in the set */
    uint64_t memory_bytes; /* most so far */
};

/* Resident memory that is no mapped file. */
static uint64_t anonymous_bytes(void)
{
    char text[STATUS_BYTES];
    const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    const ssize_t len = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        (void)close(file);
    if (len <= 0)
        return 0;
    text[len] = '\0';
    const char *at = strstr(text, "RssAnon:");
    return at ? strtoull(at + strlen("RssAnon:"), NULL, 10) * 1024 : 0;
}

static enum status add_in(struct id_set_run *run, size_t count, uint64_t *added, struct error *err)
{
    struct kv_txn *txn = NULL;
    TRY(kv_begin(run->kv, true, &txn, err));
    const enum status status =
        seen_add(run->seen, txn, (struct id_list){run->ids, count}, run->held, added, err);
    if (status != STATUS_OK) {
        kv_abort(txn);
        return status;
    }
    const uint64_t memory_bytes = anonymous_bytes(); /* the transaction's pages among them */
    if (memory_bytes > run->memory_bytes)
        run->memory_bytes = memory_bytes;
    return kv_commit(txn, err);
}

/* One batch; only the set's own work is timed. */
static enum status add_batch(struct id_set_run *run, struct ids_step *step, size_t count,
                             struct error *err)
{
    if (signals_received() != 0)
        return error_set(err, STATUS_STOPPED, "stopped by a signal");
    uint64_t added = 0;
    const int64_t began_ns = timing_now_ns();
    const int64_t began_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    TRY(add_in(run, count, &added, err));
    step->elapsed_ns += timing_now_ns() - began_ns;
    step->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - began_cpu_ns;
    step->ids += count;
    step->added += added;
    run->total += added;
    return STATUS_OK;
}

static enum status end_step(struct id_set_run *run, struct ids_step *step, const char *name,
                            struct error *err)
{
    struct kv_space space;
    TRY(kv_space(run->kv, &space, err));
    (void)snprintf(step->name, sizeof step->name, "%s", name);
    step->held = run->total;
    step->live_bytes = space.used_bytes;
    step->file_bytes = space.file_bytes;
    step->memory_bytes = run->memory_bytes;
    struct ids_report *report = run->report;
    if (report->step_count < IDS_STEPS_MAX)
        report->steps[report->step_count++] = *step;
    return STATUS_OK;
}

/* `count` ids of a stream, in batches. */
static enum status add_stream(struct id_set_run *run, struct id_stream *stream, uint64_t count,
                              struct ids_step *step, struct error *err)
{
    struct process_writes before;
    struct process_writes after;
    TRY(process_writes_read(&before, err));
    for (uint64_t left = count; left > 0;) {
        const size_t batch = (size_t)(left < run->config->batch ? left : run->config->batch);
        id_stream_batch(stream, run->ids, batch);
        TRY(add_batch(run, step, batch, err));
        left -= batch;
    }
    TRY(process_writes_read(&after, err));
    step->written_bytes += process_writes_between(&before, &after).asked_bytes;
    return STATUS_OK;
}

static enum status add_step(struct id_set_run *run, struct id_stream *stream, uint64_t count,
                            const char *name, struct error *err)
{
    struct ids_step step = {0};
    TRY(add_stream(run, stream, count, &step, err));
    return end_step(run, &step, name, err);
}

/* Grows to each mark; `*newest` is the stream as it was `others` ids before the end. */
static enum status grow(struct id_set_run *run, struct id_stream *newest, struct error *err)
{
    const struct ids_config *config = run->config;
    const uint64_t keep_at = config->up_to > config->others ? config->up_to - config->others : 0;
    struct id_stream stream;
    id_stream_begin(&stream, START_MS, WORKER_GROW, 1);
    *newest = stream;
    uint64_t done = 0;
    for (uint64_t mark = FIRST_MARK; done < config->up_to; mark *= 10) {
        const uint64_t until = mark < config->up_to ? mark : config->up_to;
        struct ids_step step = {0};
        if (keep_at >= done && keep_at < until) {
            TRY(add_stream(run, &stream, keep_at - done, &step, err));
            *newest = stream;
            done = keep_at;
        }
        TRY(add_stream(run, &stream, until - done, &step, err));
        done = until;
        TRY(end_step(run, &step, "grow", err));
    }
    return STATUS_OK;
}

static enum status run_snowflakes(struct id_set_run *run, struct error *err)
{
    const uint64_t others = run->config->others;
    struct id_stream again;
    struct id_stream stream;
    TRY(grow(run, &again, err));
    const int64_t span_ms = (int64_t)others * again.gap_ms;
    id_stream_begin(&stream, again.now_ms, WORKER_BESIDE, 2);
    TRY(add_step(run, &again, others < run->config->up_to ? others : run->config->up_to, "again",
                 err));
    TRY(add_step(run, &stream, others, "beside", err));
    id_stream_begin(&stream, START_MS - span_ms - span_ms / 4, WORKER_GROW, 3);
    return add_step(run, &stream, others, "older", err);
}

static enum status run_random(struct id_set_run *run, size_t batch, const char *name,
                              struct error *err)
{
    struct ids_step step = {0};
    struct random_stream random = {.counter = 4};
    struct process_writes before;
    struct process_writes after;
    TRY(process_writes_read(&before, err));
    while (step.ids < run->config->others / RANDOM_FRACTION) {
        const size_t count = id_stream_random(&random, run->ids, batch);
        TRY(add_batch(run, &step, count, err));
    }
    TRY(process_writes_read(&after, err));
    step.written_bytes = process_writes_between(&before, &after).asked_bytes;
    return end_step(run, &step, name, err);
}

struct ids_job {
    const struct ids_config *config;
    const char *dir;
    size_t random_batch; /* 0: snowflakes */
    const char *name;
};

static enum status run_set(const void *context, void *result, struct error *err)
{
    const struct ids_job *job = context;
    struct id_set_run run = {.config = job->config, .report = result};
    size_t largest = (size_t)job->config->batch;
    if (job->random_batch > largest)
        largest = job->random_batch;
    run.ids = mem_alloc(largest, sizeof *run.ids);
    run.held = mem_alloc(largest, sizeof *run.held);
    enum status status = STATUS_OK;
    if (!run.ids || !run.held || seen_new(&run.seen) != STATUS_OK)
        status = error_set(err, STATUS_NOMEM, "no memory for %zu ids", largest);
    if (status == STATUS_OK)
        status = kv_open(&run.kv, job->dir, true, err);
    if (status == STATUS_OK)
        status = job->random_batch == 0 ? run_snowflakes(&run, err)
                                        : run_random(&run, job->random_batch, job->name, err);
    kv_close(run.kv);
    seen_free(run.seen);
    mem_free(run.held);
    mem_free(run.ids);
    return status;
}

static enum status run_job(const struct ids_job *job, struct ids_report *report, struct error *err)
{
    struct ids_report found = {0};
    const struct child_job child = {
        .context = job, .result = &found, .result_bytes = sizeof found, .run = run_set};
    struct child_usage usage;
    TRY(child_run(&child, &usage, err));
    for (size_t i = 0; i < found.step_count && report->step_count < IDS_STEPS_MAX; i++)
        report->steps[report->step_count++] = found.steps[i];
    return STATUS_OK;
}

static enum status make_set_dir(const struct workspace *workspace, const char *name,
                                char path[WORKSPACE_PATH_BYTES], struct error *err)
{
    const int len = snprintf(path, WORKSPACE_PATH_BYTES, "%.*s/%s", (int)WORKSPACE_PATH_BYTES / 2,
                             workspace->dir, name);
    if (len < 0 || (size_t)len >= WORKSPACE_PATH_BYTES || mkdir(path, 0700) != 0)
        return error_set(err, STATUS_IO, "cannot make %s", path);
    return STATUS_OK;
}

static enum status run_in(const struct workspace *workspace, struct ids_report *report,
                          struct error *err)
{
    const struct ids_config *config = &report->config;
    const struct {
        const char *name;
        size_t random_batch;
    } sets[] = {
        {"snowflakes", 0},
        {"random 8Ki", (size_t)1 << 13},
        {"random 64Ki", (size_t)1 << 16},
        {"random 256Ki", (size_t)1 << 18},
        {"random 1Mi", (size_t)1 << 20},
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        char dir[WORKSPACE_PATH_BYTES];
        TRY(make_set_dir(workspace, sets[i].name, dir, err));
        const struct ids_job job = {.config = config,
                                    .dir = dir,
                                    .random_batch = sets[i].random_batch,
                                    .name = sets[i].name};
        TRY(run_job(&job, report, err));
    }
    return STATUS_OK;
}

enum status ids_run(const struct ids_config *config, struct ids_report *report, struct error *err)
{
    *report = (struct ids_report){.config = *config};
    struct workspace workspace;
    enum status status = workspace_make(&workspace, NULL, err);
    if (status == STATUS_OK)
        status = run_in(&workspace, report, err);
    workspace_release(&workspace);
    return status;
}
