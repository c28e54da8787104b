/*
 * queue_main.c - the command line of "mnsdb-bench queue".
 */
#include "bench/bench/queue_bench.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/quantity.h"
#include "cli/signals.h"
#include "ingest/queue/queue_source.h"

#include <string.h>

#define MESSAGES_DEFAULT 500000u
#define MESSAGES_MAX     20000000u
#define RATE_DEFAULT     1000u
#define RATE_MAX         100000u
#define SECONDS_DEFAULT  15u
#define SECONDS_MAX      3600u
#define SHORT_WINDOW_MS  10
#define WINDOW_MS_MAX    60000

static const struct option_spec measure_options[] = {
    {"messages", "N", "Messages in the queue that is drained; 0: none (default 500000).", 'm',
     false},
    {"rate", "N", "Messages a second while latency is measured (default 1000).", 'r', false},
    {"seconds", "N", "How long (default 15).", 's', false},
    {"window", "DURATION",
     "A commit window to measure latency with. Repeatable (default 250ms, which is ingest's own "
     "default, and 10ms).",
     'w', true},
};

static const struct option_spec output_options[] = {
    {"format", "table|json", "table (default) or json, on standard output.", 0, false},
};

static const struct option_group measure_group = {
    "Measuring", measure_options, sizeof measure_options / sizeof measure_options[0]};
static const struct option_group output_group = {"Output", output_options,
                                                 sizeof output_options / sizeof output_options[0]};
static const struct option_group *const groups[] = {&measure_group, &output_group, NULL};

static const struct command_spec command = {.groups = groups};

static const struct program_spec program = {
    .name = "mnsdb-bench queue",
    .summary = "Measures ingest from a queue.",
    .description =
        "Starts mnsdb-localqueue and mnsdb-ingest, which must stand beside this program, on "
        "loopback and in a temporary directory. First a full queue is drained: every message "
        "received, made durable and deleted. Then messages come at a steady rate, and each is "
        "timed from its send to the first query that sees it.\n"
        "Figures mean something only on a machine that does nothing else.",
    .commands = &command,
    .command_count = 1,
};

static enum status read_windows(const struct options *options, struct queue_bench_config *config,
                                struct error *err)
{
    size_t position = 0;
    const char *text = NULL;
    while ((text = options_next(options, "window", &position))) {
        if (config->window_count == QUEUE_BENCH_WINDOWS_MAX)
            return error_set(err, STATUS_INPUT, "at most %u windows", QUEUE_BENCH_WINDOWS_MAX);
        int64_t window_ms = 0;
        TRY(duration_parse(text, &window_ms, err));
        if (window_ms > WINDOW_MS_MAX)
            return error_set(err, STATUS_INPUT, "--window %s: at most a minute", text);
        config->windows_ms[config->window_count++] = window_ms;
    }
    if (config->window_count == 0) {
        config->windows_ms[config->window_count++] = QUEUE_WINDOW_MS_DEFAULT;
        config->windows_ms[config->window_count++] = SHORT_WINDOW_MS;
    }
    return STATUS_OK;
}

static enum status read_request(const struct options *options, struct queue_bench_config *config,
                                bool *as_json, struct error *err)
{
    uint64_t seconds = SECONDS_DEFAULT;
    config->messages = MESSAGES_DEFAULT;
    config->rate = RATE_DEFAULT;
    TRY(options_number(options, "messages", 0, MESSAGES_MAX, &config->messages, err));
    TRY(options_number(options, "rate", 1, RATE_MAX, &config->rate, err));
    TRY(options_number(options, "seconds", 1, SECONDS_MAX, &seconds, err));
    config->seconds = (int64_t)seconds;
    TRY(read_windows(options, config, err));
    const char *format = options_text(options, "format");
    *as_json = format && strcmp(format, "json") == 0;
    if (format && !*as_json && strcmp(format, "table") != 0)
        return error_set(err, STATUS_INPUT, "--format is table or json, not '%s'", format);
    return STATUS_OK;
}

static enum exit_code run(const struct queue_bench_config *config, bool as_json)
{
    struct queue_bench_report report;
    struct error err = {0};
    enum status status = queue_bench_run(config, &report, &err);
    if (status == STATUS_OK && as_json)
        status = queue_report_print_json(&report, stdout, &err);
    else if (status == STATUS_OK)
        queue_report_print_table(&report, stdout);
    if (signals_received() != 0)
        return (enum exit_code)((int)EXIT_CODE_SIGNAL + signals_received());
    return status == STATUS_OK ? EXIT_CODE_OK : message_failure(&err);
}

enum exit_code queue_bench_main(int argc, char **argv)
{
    OWNED(options_release) struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    if (options_begin(&options, &program, argc, argv, &code) != OPTIONS_RUN)
        return code; /* help and version have finished standard output */
    signals_install();
    struct error err = {0};
    struct queue_bench_config config = {0};
    bool as_json = false;
    if (read_request(&options, &config, &as_json, &err) != STATUS_OK)
        code = options_usage_error(&options, "%s", err.message);
    else
        code = run(&config, as_json);
    return message_stdout_finish(code);
}
