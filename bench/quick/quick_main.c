/*
 * quick_main.c - the command line of "mnsdb-bench quick".
 */
#include "bench/quick/quick.h"

#include "cli/message.h"
#include "cli/options.h"
#include "cli/signals.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct option_spec measure_options[] = {
    {"messages", "N", "Messages of the set (default 1000000).", 'm', false},
    {"rounds", "N", "Rounds of ingest and queries (default 5, at most 16).", 'r', false},
};

static const struct option_spec compare_options[] = {
    {"baseline", "FILE", "Compare with the figures in this file, of as many messages.", 'b', false},
    {"write-baseline", "FILE", "Write the figures into this file, for later comparisons.", 0,
     false},
    {"fail-above", "RATIO",
     "Exit with 1 if any figure is more than RATIO times the baseline's, whatever its noise.", 0,
     false},
};

static const struct option_spec output_options[] = {
    {"format", "table|json", "table (default) or json, on standard output.", 0, false},
};

static const struct option_group measure_group = {
    "Measuring", measure_options, sizeof measure_options / sizeof measure_options[0]};
static const struct option_group compare_group = {
    "Comparing", compare_options, sizeof compare_options / sizeof compare_options[0]};
static const struct option_group output_group = {"Output", output_options,
                                                 sizeof output_options / sizeof output_options[0]};
static const struct option_group *const groups[] = {&measure_group, &compare_group, &output_group,
                                                    NULL};

static const struct command_spec command = {.groups = groups};

static const struct program_spec program = {
    .name = "mnsdb-bench quick",
    .summary = "A minute's benchmark, beside the figures of an earlier one.",
    .description =
        "Some rounds: makes a set, takes it in, takes it in again, settles the store, asks the "
        "queries and runs the kernels. Times are CPU time, the least of all looks, and are "
        "compared as multiples of a calibration loop on the same machine, so that a baseline from "
        "another machine means something; sizes are compared exactly.\n"
        "  mnsdb-bench quick --write-baseline before.json\n"
        "  mnsdb-bench quick --baseline before.json\n"
        "A ratio within the margin, which is the noise of both runs and at least 8 %, says "
        "nothing.",
    .commands = &command,
    .command_count = 1,
};

/* The command line, read. */
struct request {
    struct quick_config config;
    const char *baseline_path; /* NULL: none */
    const char *write_path;
    double fail_above; /* 0: never */
    bool as_json;
};

static enum status read_ratio(const struct options *options, double *ratio, struct error *err)
{
    const char *text = options_text(options, "fail-above");
    if (!text)
        return STATUS_OK;
    char *end = NULL;
    *ratio = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*ratio) || *ratio <= 0)
        return error_set(err, STATUS_INPUT, "--fail-above is a ratio above 0, not '%s'", text);
    return STATUS_OK;
}

static enum status read_request(const struct options *options, struct request *request,
                                struct error *err)
{
    uint64_t rounds = QUICK_ROUNDS_DEFAULT;
    request->config.messages = QUICK_MESSAGES_DEFAULT;
    TRY(options_number(options, "messages", QUICK_MESSAGES_LEAST, QUICK_MESSAGES_MAX,
                       &request->config.messages, err));
    TRY(options_number(options, "rounds", 1, QUICK_ROUNDS_MAX, &rounds, err));
    request->config.rounds = (unsigned)rounds;
    TRY(read_ratio(options, &request->fail_above, err));
    request->baseline_path = options_text(options, "baseline");
    request->write_path = options_text(options, "write-baseline");
    const char *format = options_text(options, "format");
    request->as_json = format && strcmp(format, "json") == 0;
    if (format && !request->as_json && strcmp(format, "table") != 0)
        return error_set(err, STATUS_INPUT, "--format is table or json, not '%s'", format);
    if (request->fail_above > 0 && !request->baseline_path)
        return error_set(err, STATUS_INPUT, "--fail-above: above which --baseline?");
    return STATUS_OK;
}

/* Looked at before the work begins, as is the file that is to be written. */
static enum status load_baseline(const struct request *request, struct quick_figures *baseline,
                                 struct error *err)
{
    TRY(quick_load(request->baseline_path, baseline, err));
    if (baseline->messages != request->config.messages)
        return error_set(err, STATUS_INPUT, "%s is of %llu messages: give --messages %llu",
                         request->baseline_path, (unsigned long long)baseline->messages,
                         (unsigned long long)baseline->messages);
    return STATUS_OK;
}

/* A run that fails leaves the old baseline. */
static enum status write_baseline(const char *path, const struct quick_figures *figures,
                                  struct error *err)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", path);
    const enum status status = quick_print_json(figures, NULL, file, err);
    if (fclose(file) != 0 && status == STATUS_OK)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", path);
    return status;
}

static enum status measure(const struct request *request, bool *too_slow, struct error *err)
{
    static struct quick_figures figures; /* too large for comfort on the stack */
    static struct quick_figures loaded;
    const struct quick_figures *baseline = NULL;
    *too_slow = false;
    if (request->baseline_path) {
        TRY(load_baseline(request, &loaded, err));
        baseline = &loaded;
    }
    TRY(quick_run(&request->config, &figures, err));
    if (request->as_json)
        TRY(quick_print_json(&figures, baseline, stdout, err));
    else
        quick_print_table(&figures, baseline, stdout);
    *too_slow = baseline && request->fail_above > 0 &&
                quick_worst_ratio(&figures, baseline) > request->fail_above;
    return request->write_path ? write_baseline(request->write_path, &figures, err) : STATUS_OK;
}

static enum exit_code run(const struct request *request)
{
    struct error err = {0};
    bool too_slow = false;
    const enum status status = measure(request, &too_slow, &err);
    if (signals_received() != 0)
        return (enum exit_code)((int)EXIT_CODE_SIGNAL + signals_received());
    if (status != STATUS_OK)
        return message_failure(&err);
    return too_slow ? EXIT_CODE_PROBLEM : EXIT_CODE_OK;
}

enum exit_code quick_main(int argc, char **argv)
{
    OWNED(options_release) struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    if (options_begin(&options, &program, argc, argv, &code) != OPTIONS_RUN)
        return code; /* help and version have finished standard output */
    signals_install();
    struct error err = {0};
    struct request request = {0};
    if (read_request(&options, &request, &err) != STATUS_OK)
        code = options_usage_error(&options, "%s", err.message);
    else
        code = run(&request);
    return message_stdout_finish(code);
}
