/*
 * service.c - runs a pipeline between queues and a store, and decides how it ends.
 *
 *      committer (this thread)   sink: record flush, commit, upkeep; pulse: metrics, systemd
 *      decoders                  tap: record, print; decode
 *      queue source              receives, deletes
 *      control                   signals
 *
 * (1) After a commit that failed for good nothing is acknowledged, and what was acknowledged
 *     before is not waited for: the queue source is closed with its deletes unsent.
 * (2) Otherwise deletes that are due are sent before the end, within the drain limit.
 */
#include "ingest/service/service_internal.h"

#include "cli/clock.h"
#include "cli/message.h"
#include "cli/signals.h"
#include "engine/base/mem.h"
#include "ingest/log/log.h"

#include <poll.h>
#include <unistd.h>

/* After a failure the queue may be the reason: its deletes are waited for, but not for long. */
#define FINISH_MS_AFTER_FAILURE 3000

/* --- what the sink asks for ------------------------------------------------------------------ */

static enum status flush_record(void *context, struct error *err)
{
    struct service *service = context;
    return tap_flush(&service->tap, err);
}

static void take_commit(void *context, const struct commit_result *result, int64_t elapsed_us)
{
    struct service *service = context;
    pulse_commit(&service->pulse, result, elapsed_us);
}

static void take_failed_commit(void *context)
{
    struct service *service = context;
    metrics_add(&service->metrics.commits_failed, 1);
}

static void pause_queues(void *context, bool paused)
{
    struct service *service = context;
    queue_source_pause(&service->queue_source, paused);
    if (paused) {
        pulse_pause(&service->metrics, PAUSE_STORE_FULL);
        systemd_status("waiting for room in the store");
    } else if (control_is_stopping(&service->control)) {
        pulse_pause(&service->metrics, PAUSE_DRAINING);
    } else {
        pulse_resume(&service->metrics, PAUSE_STORE_FULL);
    }
}

static bool wait_unless_ending(void *context, int64_t wait_ms)
{
    struct service *service = context;
    const int64_t until_ms = clock_monotonic_ms() + wait_ms;
    while (signals_received() == 0 && !control_is_stopping(&service->control)) {
        pulse_beat(&service->pulse);
        const int64_t left_ms = until_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            return true;
        struct pollfd file = {.fd = signals_fd(), .events = POLLIN};
        (void)poll(&file, 1, left_ms < PIPELINE_TICK_MS ? (int)left_ms : PIPELINE_TICK_MS);
    }
    return false;
}

static bool end_is_over(void *context)
{
    const struct service *service = context;
    return control_gave_up(&service->control);
}

/* --- what the control thread asks for -------------------------------------------------------- */

static void stop_receiving(void *context)
{
    struct service *service = context;
    systemd_stopping();
    log_info("ending: what was received is taken in",
             LOG_I64("drain_ms", service->options->queue.drain_ms));
    pulse_pause(&service->metrics, PAUSE_DRAINING);
    queue_source_stop(&service->queue_source);
}

static void give_up(void *context)
{
    struct service *service = context;
    source_interrupt(&service->queue_source);
}

static void reload_credentials(struct service *service)
{
    struct error err = {0};
    if (credentials_refresh(service->link.credentials, &err) == STATUS_OK) {
        log_info("credentials are read again", LOG_U64("signals", signals_hangups()));
        return;
    }
    log_redact(err.message);
    log_error("credentials could not be read again", LOG_TEXT("why", err.message));
}

static void reload_log_level(const struct service *service)
{
    struct error err = {0};
    enum log_level level = log_level();
    if (ingest_options_log_level(service->options, &level, &err) == STATUS_OK)
        log_set_level(level);
    else
        log_error("the log level could not be read again", LOG_TEXT("why", err.message));
}

static void reload(void *context)
{
    struct service *service = context;
    systemd_reloading();
    reload_log_level(service);
    reload_credentials(service);
    systemd_ready();
}

/* A job that was to run to its end says that it did not; a service that was asked to end did. */
static enum exit_code exit_of_signal(bool once)
{
    if (!once || signals_received() == 0)
        return EXIT_CODE_OK;
    return EXIT_CODE_SIGNAL + (enum exit_code)signals_received();
}

static enum exit_code late_exit_of_service(void)
{
    return exit_of_signal(false);
}

static enum exit_code late_exit_of_once(void)
{
    return exit_of_signal(true);
}

/* --- running --------------------------------------------------------------------------------- */

static void log_fault(void *context, const struct error *fault)
{
    (void)context;
    log_warning("a queue failed", LOG_TEXT("why", fault->message));
}

/* Whoever printed to a pipe that has lost its reader ends, as others do by SIGPIPE. */
static bool reader_is_gone(const struct service *service)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = 0};
    return service->printer && poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

static void beat(void *context, const struct pipeline_progress *progress)
{
    (void)progress;
    struct service *service = context;
    pulse_beat(&service->pulse);
    if (!control_is_stopping(&service->control) && reader_is_gone(service))
        control_stop(&service->control);
}

static enum status run_pipeline(struct service *service, struct summary *summary, struct error *err)
{
    const struct pipeline_sink inner =
        service->store ? pipeline_steady_sink(service->store) : counting_sink();
    const struct sink_hooks hooks = {
        .context = service,
        .before = flush_record,
        .committed = take_commit,
        .failed = take_failed_commit,
        .paused = pause_queues,
        .wait = wait_unless_ending,
        .is_over = end_is_over,
    };
    sink_init(&service->sink, &inner, &hooks);
    const struct pipeline_config config = {
        .source = &service->source,
        .sink = sink_for_pipeline(&service->sink),
        .decoder = &service->decoder,
        .listener = {.context = service, .fault = log_fault, .tick = beat},
        .steady = true,
        .threads = service->options->threads,
    };
    pulse_begin(&service->pulse);
    struct pipeline_result result = {0};
    const enum status status = pipeline_run(&config, &result, err);
    summary->counts = result.total;
    summary->input_bytes = result.input_bytes;
    return status;
}

static void send_due_deletes(struct service *service, bool failed)
{
    int64_t limit_ms = control_left_ms(&service->control);
    if (failed && limit_ms > FINISH_MS_AFTER_FAILURE)
        limit_ms = FINISH_MS_AFTER_FAILURE;
    bool complete = true;
    struct error err = {0};
    const enum status status =
        queue_source_finish(&service->queue_source, limit_ms, &complete, &err);
    if (status != STATUS_OK || !complete)
        log_warning("not every message that was taken in could be deleted: they come again and "
                    "count as duplicates",
                    LOG_TEXT("why", status != STATUS_OK ? err.message : "no answer in time"));
}

/* Whether a commit, a flush or upkeep failed for good, with a queue that may still be asked. */
static bool store_failed(const struct service *service)
{
    const enum status failure = service->sink.failure;
    return failure != STATUS_OK && failure != STATUS_STOPPED && failure != STATUS_FULL;
}

static enum exit_code exit_of_failure(const struct service *service, const struct error *err)
{
    if (service->sink.failure != STATUS_OK)
        return exit_code_of(service->sink.failure);
    const enum wire_verdict verdict = queue_source_failure(&service->queue_source);
    if (verdict != WIRE_DONE)
        return service_exit_of(verdict);
    return err->status == STATUS_IO ? EXIT_CODE_NETWORK : exit_code_of(err->status);
}

/* The queue source is still open. */
static enum exit_code conclude(struct service *service, enum status status, struct error *err)
{
    const bool gave_up = status == STATUS_STOPPED && control_gave_up(&service->control);
    const bool failed = status != STATUS_OK && !gave_up;
    const enum exit_code code =
        failed ? exit_of_failure(service, err) : exit_of_signal(service->options->queue.once);
    if (!store_failed(service))
        send_due_deletes(service, failed);
    if (failed)
        service_report_failure(&service->options->queue, err);
    return code;
}

static enum exit_code run(struct service *service, struct summary *summary, struct error *err)
{
    const struct queue_options *options = &service->options->queue;
    const struct control_config config = {
        .context = service,
        .stop = stop_receiving,
        .give_up = give_up,
        .reload = reload,
        .drain_ms = options->drain_ms,
        .late_exit = options->once ? late_exit_of_once : late_exit_of_service,
    };
    enum status status = control_start(&service->control, &config, err);
    if (status == STATUS_OK)
        status = run_pipeline(service, summary, err);
    const enum exit_code code = conclude(service, status, err);
    // Closing joins threads that may hang: it is the last thing under the control's eye, which no
    // longer touches what is closed.
    control_hush(&service->control);
    tap_close(&service->tap);
    source_close(&service->queue_source);
    control_finish(&service->control);
    return code;
}

static void free_service(struct service **service)
{
    if (*service)
        service_close(*service);
    mem_free(*service);
}

enum exit_code service_run(const struct ingest_options *options, struct summary *summary)
{
    credentials_harden_process();
    struct error err = {0};
    OWNED(free_service) struct service *service = mem_alloc_zeroed(1, sizeof *service);
    if (!service) {
        message_error("no memory to read queues");
        return EXIT_CODE_PROBLEM;
    }
    service->options = options;
    const enum status status = service_open(service, &err);
    if (status == STATUS_OK)
        return run(service, summary, &err);
    service_report_failure(&options->queue, &err);
    return exit_code_of(status);
}
