/*
 * main.c - mnsdb-ingest: takes messages into a store, from recorded sets or from queues.
 *
 *      command line -> retry rejects -> read files -> settle -> summary
 *                   -> queues (ingest/service) -> summary
 *                   -> status of queues
 *
 * Each step is left out if it was not asked for. A signal ends the work between two commits; the
 * summary then tells what was done so far.
 */
#include "cli/clock.h"
#include "cli/fault_handler.h"
#include "cli/human.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "engine/kv/kv.h"
#include "ingest/config/options.h"
#include "ingest/config/settings.h"
#include "ingest/log/log.h"
#include "ingest/pipeline/pipeline.h"
#include "ingest/report/progress.h"
#include "ingest/report/summary.h"
#include "ingest/retry.h"
#include "ingest/service/service.h"

#include <malloc.h>
#include <signal.h>

/*
 * Larger blocks are mapped, and unmapped when freed. Without this the batches that one set made
 * grow leave holes in the heaps of several threads: a quarter more memory with a million devices.
 */
#define MAPPED_BLOCK_BYTES (1 << 20)

/* What a transaction gives back is kept for the next one, which writes about as many pages. */
#define KEPT_FREE_BYTES (16 << 20)

struct job {
    struct ingest_options options;
    struct settings settings; /* released by run_job */
    struct summary summary;
    uint64_t inputs_failed;
    struct progress_bar bar;
};

/* --- reading files --------------------------------------------------------------------------- */

static void report_fault(void *context, const struct error *fault)
{
    (void)context;
    message_error("%s", fault->message);
}

static void draw_progress(void *context, const struct pipeline_progress *progress)
{
    struct job *job = context;
    progress_draw(&job->bar, progress);
}

static enum status read_files(struct job *job, struct store *store,
                              const struct decoder_config *decoder, struct error *err)
{
    OWNED(source_close) struct source source = {0};
    TRY(file_source_open(&source, job->options.files, job->options.file_count, err));
    const struct pipeline_config config = {
        .source = &source,
        .sink = pipeline_store_sink(store),
        .decoder = decoder,
        .listener = {.context = job, .fault = report_fault, .tick = draw_progress},
        .threads = job->options.threads,
    };
    struct pipeline_result result = {0};
    progress_begin(&job->bar, job->options.progress);
    const enum status status = pipeline_run(&config, &result, err);
    progress_end(&job->bar);
    commit_result_add(&job->summary.counts, &result.total);
    job->summary.input_bytes += result.input_bytes;
    job->inputs_failed += result.faults;
    message_detail("%llu commits", (unsigned long long)result.commits);
    return status;
}

/* --- the other steps ------------------------------------------------------------------------- */

static enum status settle(struct store *store, struct error *err)
{
    const int64_t began_ms = clock_monotonic_ms();
    bool more = true;
    while (more && signals_received() == 0)
        TRY(store_maintain(store, UPKEEP_SETTLE, &more, err));
    char duration[HUMAN_BYTES];
    message_note("%s after %s", more ? "settling was interrupted" : "settled",
                 human_duration(clock_monotonic_ms() - began_ms, duration));
    return STATUS_OK;
}

static enum status work_on_store(struct job *job, struct store *store, struct error *err)
{
    struct decoder_config decoder;
    TRY(settings_apply(&job->settings, store, &decoder, err));
    if (job->options.file_count > 0)
        TRY(read_files(job, store, &decoder, err));
    if (job->options.settle && signals_received() == 0)
        TRY(settle(store, err));
    return STATUS_OK;
}

static enum status open_and_work(struct job *job, struct error *err)
{
    const struct ingest_options *options = &job->options;
    struct store *store = NULL;
    // Only messages make a store: settling one that does not exist is a mistake in its name.
    if (options->file_count > 0)
        TRY(store_open(&store, options->store_dir, err));
    else
        TRY(store_open_existing(&store, options->store_dir, err));
    const enum status status = work_on_store(job, store, err);
    store_close(store);
    return status;
}

static enum status run_steps(struct job *job, struct error *err)
{
    TRY(settings_read(&job->settings, &job->options, err));
    if (job->options.retry_rejects)
        TRY(retry_rejects(job->options.store_dir, &job->settings, &job->summary.counts, err));
    if ((job->options.file_count > 0 || job->options.settle) && signals_received() == 0)
        TRY(open_and_work(job, err));
    return STATUS_OK;
}

/* --- the end --------------------------------------------------------------------------------- */

static void print_summary(const struct job *job)
{
    if (job->options.summary_json) {
        summary_print_json(stdout, &job->summary);
    } else if (job->options.file_count > 0 || job->options.retry_rejects) {
        char text[SUMMARY_TEXT_BYTES];
        summary_text(text, &job->summary);
        message_note("%s%s", signals_received() != 0 ? "interrupted; " : "", text);
    }
}

static enum exit_code report_failure(const struct job *job, const struct error *err)
{
    const enum exit_code code = message_failure(err);
    if (err->status == STATUS_FULL)
        message_note("What was stored stays. Make room and run the same command again: no message "
                     "counts twice.");
    if (job->summary.counts.received > 0)
        print_summary(job);
    return code;
}

static enum exit_code run_job(struct job *job)
{
    const int64_t began_ms = clock_monotonic_ms();
    struct error err = {0};
    const enum status status = run_steps(job, &err);
    settings_release(&job->settings);
    job->summary.duration_ms = clock_monotonic_ms() - began_ms;
    if (status != STATUS_OK)
        return report_failure(job, &err);
    print_summary(job);
    if (signals_received() != 0)
        return EXIT_CODE_SIGNAL + (enum exit_code)signals_received();
    return job->inputs_failed > 0 ? EXIT_CODE_PROBLEM : EXIT_CODE_OK;
}

/* --- queues ---------------------------------------------------------------------------------- */

/* Beside JSON logs the counts are a line of the log. */
static void print_queue_summary(const struct job *job)
{
    const struct commit_result *counts = &job->summary.counts;
    if (job->options.summary_json) {
        summary_print_json(stdout, &job->summary);
    } else if (job->options.queue.log_format == LOG_FORMAT_JSON) {
        log_info("ended", LOG_U64("received", counts->received), LOG_U64("stored", counts->stored),
                 LOG_U64("duplicates", counts->duplicates), LOG_U64("rejected", counts->rejected),
                 LOG_I64("ms", job->summary.duration_ms));
    } else {
        char text[SUMMARY_TEXT_BYTES];
        summary_text(text, &job->summary);
        message_note("%s%s", job->options.queue.dry_run ? "nothing was kept; " : "", text);
    }
}

static bool ended_as_asked(enum exit_code code)
{
    return code == EXIT_CODE_OK || code >= EXIT_CODE_SIGNAL;
}

static enum exit_code run_queues(struct job *job)
{
    const struct queue_options *options = &job->options.queue;
    log_setup(options->log_level, options->log_format);
    if (options->status)
        return service_queue_status(&job->options);
    const int64_t began_ms = clock_monotonic_ms();
    const enum exit_code code = service_run(&job->options, &job->summary);
    job->summary.duration_ms = clock_monotonic_ms() - began_ms;
    if (ended_as_asked(code) || job->summary.counts.received > 0)
        print_queue_summary(job);
    return code;
}

/* --------------------------------------------------------------------------------------------- */

static enum exit_code run_program(struct job *job)
{
    if (job->options.check_config)
        return ingest_options_check(&job->options);
    fault_handler_install(ingest_program.name, kv_explains_fault);
    if (job->options.queue.url_count > 0) {
        signals_install_service();
        return run_queues(job);
    }
    signals_install();
    return run_job(job);
}

int main(int argc, char **argv)
{
    message_ignore_sigpipe();
    (void)signal(SIGXFSZ, SIG_IGN); // a limit on file sizes is a full disk
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BLOCK_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES);
    OWNED(options_release) struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    if (options_begin(&options, &ingest_program, argc, argv, &code) != OPTIONS_RUN)
        return (int)code;

    struct job job = {0};
    struct error err = {0};
    const enum status status = ingest_options_read(&job.options, &options, &err);
    if (status == STATUS_INPUT)
        return (int)options_usage_error(&options, "%s", err.message);
    if (status != STATUS_OK)
        return (int)message_failure(&err);
    code = message_stdout_finish(run_program(&job));
    ingest_options_release(&job.options);
    return (int)code;
}
