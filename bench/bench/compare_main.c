/*
 * compare_main.c - see compare_main.h.
 */
#include "bench/bench/compare_main.h"

#include "bench/bench/compare.h"
#include "bench/bench/program_call.h"
#include "bench/bench/report_dir.h"
#include "bench/bench/set_tables.h"
#include "bench/bench/timing.h"
#include "bench/bench/workspace.h"
#include "cli/message.h"
#include "cli/quantity.h"
#include "cli/signals.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS_DEFAULT        3u
#define RUNS_DEFAULT          15u
#define SLOW_MS_DEFAULT       INT64_C(60000)
#define SLOW_QUERY_MS_DEFAULT INT64_C(600000)

static const struct option_spec compare_options[] = {
    {"peer", "DRIVER",
     "Another system to measure beside mnsdb: a program that speaks the protocol of "
     "bench/peers/README.md, with its words. Repeatable.",
     'p', true},
    {"rounds", "N", "Loads of each system, and cold runs of each query (default 3, at most 100).",
     0, false},
    {"report", "DIR", "Write the figures and a report of all figures there into this directory.", 0,
     false},
    {"name", "NAME", "What the set is called in the report (default: as the file).", 0, false},
    {"slow", "DURATION", "A peer whose first load takes longer is loaded once (default 60s).", 0,
     false},
    {"slow-query", "DURATION",
     "A query that takes a peer longer is asked once, warm (default 10m).", 0, false},
    {"brief", NULL,
     "In the report the set is a row of one table, for sets of that kind, instead of a section.", 0,
     false},
};

const struct option_group compare_group = {"Side by side", compare_options,
                                           sizeof compare_options / sizeof compare_options[0]};

bool compare_is_wanted(const struct options *options)
{
    for (size_t i = 0; i < compare_group.option_count; i++) {
        if (options_given(options, compare_options[i].name))
            return true;
    }
    return false;
}

/* The command line, read. */
struct comparison {
    struct compare_config config;
    const char *peers[COMPARE_PEERS_MAX];
    const char *dir; /* of the report; NULL: standard output */
    char program[WORKSPACE_PATH_BYTES];
};

static enum status read_peers(const struct options *options, struct comparison *comparison,
                              struct error *err)
{
    struct compare_config *config = &comparison->config;
    size_t position = 0;
    const char *peer = NULL;
    while ((peer = options_next(options, "peer", &position))) {
        if (config->peer_count == COMPARE_PEERS_MAX)
            return error_set(err, STATUS_INPUT, "at most %zu peers", COMPARE_PEERS_MAX);
        comparison->peers[config->peer_count++] = peer;
    }
    config->peers = comparison->peers;
    return STATUS_OK;
}

static enum status read_inputs(const struct options *options, struct compare_config *config,
                               struct error *err)
{
    config->inputs = options->operands;
    config->input_count = options->operand_count;
    if (config->input_count == 0)
        return error_set(err, STATUS_INPUT, "which recorded set?");
    for (size_t i = 0; i < config->input_count; i++) {
        if (strcmp(config->inputs[i], "-") == 0)
            return error_set(err, STATUS_INPUT,
                             "a comparison reads its set several times: not standard input");
    }
    if (config->peer_count > 0 && config->input_count > 1)
        return error_set(err, STATUS_INPUT, "with --peer there is one recorded set, not several");
    return STATUS_OK;
}

static enum status read_comparison(const struct options *options, struct comparison *comparison,
                                   struct error *err)
{
    static const char *const strangers[] = {"db",   "keep",   "queries-only",
                                            "json", "format", "query"};
    struct compare_config *config = &comparison->config;
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        if (options_given(options, strangers[i]))
            return error_set(err, STATUS_INPUT, "--%s has no meaning in a comparison",
                             strangers[i]);
    }
    int64_t slow_ms = SLOW_MS_DEFAULT;
    config->rounds = ROUNDS_DEFAULT;
    config->runs = RUNS_DEFAULT;
    TRY(options_number(options, "rounds", 1, COMPARE_ROUNDS_MAX, &config->rounds, err));
    TRY(options_number(options, "runs", 1, TIMING_RUNS_MAX, &config->runs, err));
    if (options_given(options, "slow"))
        TRY(duration_parse(options_text(options, "slow"), &slow_ms, err));
    int64_t slow_query_ms = SLOW_QUERY_MS_DEFAULT;
    if (options_given(options, "slow-query"))
        TRY(duration_parse(options_text(options, "slow-query"), &slow_query_ms, err));
    config->slow_seconds = (double)slow_ms / 1000;
    config->slow_query_ms = (double)slow_query_ms;
    config->brief = options_given(options, "brief");
    TRY(read_peers(options, comparison, err));
    TRY(read_inputs(options, config, err));
    config->device = options_text(options, "device");
    config->name = options_text(options, "name");
    comparison->dir = options_text(options, "report");
    if (program_find("mnsdb", comparison->program, sizeof comparison->program))
        config->program = comparison->program;
    return STATUS_OK;
}

/* --- running ------------------------------------------------------------------------------- */

static enum status print_report(const struct set_result *result, struct error *err)
{
    OWNED(set_view_release) struct set_view view = {0};
    TRY(set_view_make(&view, result, err));
    set_tables_print(&view, false, stdout);
    return STATUS_OK;
}

static void tell_where(const char *dir)
{
    (void)printf("%s/report.md\n", dir);
}

static enum status write_report(const char *dir, const struct set_result *result, struct error *err)
{
    bool wrong = false; // of this set it is known; of others in the directory it was told
    TRY(report_dir_put(dir, result, err));
    TRY(report_dir_render(dir, &wrong, err));
    tell_where(dir);
    return STATUS_OK;
}

static enum status measure(const struct comparison *comparison, struct set_result *result,
                           struct error *err)
{
    // Before the work begins: a figure lost after an hour is worse than none.
    if (comparison->dir)
        TRY(report_dir_make(comparison->dir, err));
    TRY(compare_run(&comparison->config, result, err));
    return comparison->dir ? write_report(comparison->dir, result, err) : print_report(result, err);
}

static enum exit_code tell_answers(const struct set_result *result)
{
    if (!set_result_is_wrong(result))
        return EXIT_CODE_OK;
    message_error("the answers of some system differ from mnsdb's: see the report");
    return EXIT_CODE_PROBLEM;
}

enum exit_code compare_main(const struct options *options)
{
    struct error err = {0};
    static struct comparison comparison; // large, as the result is
    static struct set_result result;
    if (read_comparison(options, &comparison, &err) != STATUS_OK)
        return options_usage_error(options, "%s", err.message);
    enum exit_code code = EXIT_CODE_OK;
    if (measure(&comparison, &result, &err) != STATUS_OK)
        code = message_failure(&err);
    else
        code = tell_answers(&result);
    set_result_release(&result);
    const int signal_number = signals_received();
    return signal_number == 0 ? code : (enum exit_code)((int)EXIT_CODE_SIGNAL + signal_number);
}

/* --- mnsdb-bench report -------------------------------------------------------------------- */

static const struct command_spec report_command = {
    .operands = "DIR", .operands_min = 1, .operands_max = 1};

static const struct program_spec report_program = {
    .name = "mnsdb-bench report",
    .summary = "Makes a report of the figures in a directory.",
    .description =
        "Reads the JSON files that other calls of mnsdb-bench have left in the directory (sets "
        "by --report; kernels.json, commits.json, ids.json, live.json and queue.json by the "
        "verbs of these names), and writes report.md and charts beside them.",
    .commands = &report_command,
    .command_count = 1,
};

static enum exit_code render(const char *dir)
{
    struct error err = {0};
    bool wrong = false;
    if (report_dir_render(dir, &wrong, &err) != STATUS_OK)
        return message_failure(&err);
    tell_where(dir);
    if (wrong)
        message_error("the answers of some system differ from mnsdb's: see the report");
    return wrong ? EXIT_CODE_PROBLEM : EXIT_CODE_OK;
}

enum exit_code report_main(int argc, char **argv)
{
    OWNED(options_release) struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    if (options_begin(&options, &report_program, argc, argv, &code) != OPTIONS_RUN)
        return code; /* help and version have finished standard output */
    return message_stdout_finish(render(options.operands[0]));
}
