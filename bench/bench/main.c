/*
 * main.c - mnsdb-bench: measures ingest and queries on recorded message sets.
 */
#include "bench/bench/bench.h"
#include "bench/bench/compare_main.h"
#include "bench/bench/program_call.h"
#include "bench/bench/queue_bench.h"
#include "bench/kernels/kernels.h"
#include "bench/quick/quick.h"
#include "bench/scenarios/scenarios.h"

#include "cli/exit_code.h"
#include "cli/fault_handler.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/store_dir.h"
#include "engine/kv/kv.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct option_spec store_options[] = {
    {"db", "DIR",
     "The store. It is made here instead of in a temporary directory, and stays; with "
     "--queries-only it must exist.",
     'd', false},
    {"keep", NULL, "Leave the temporary directory with the store.", 0, false},
};

static const struct option_spec measure_options[] = {
    {"runs", "N", "Timed runs of each query, after a first one (default 15, at most 1000).", 'r',
     false},
    {"queries-only", NULL, "Ingest nothing: ask the store given with --db, and change nothing.", 0,
     false},
    {"query", "NAME", "Ask only this query, Q1 to Q8 or Q4d. Repeatable.", 0, true},
    {"device", "NAME",
     "The device that Q3, Q5 and Q8 ask about (default: the one in the middle, by name).", 0,
     false},
};

static const struct option_spec output_options[] = {
    {"format", "table|json", "table (default) or json, on standard output.", 0, false},
    {"json", "FILE", "Also write the report as JSON into this file.", 0, false},
};

static const struct option_group store_group = {"Store", store_options,
                                                sizeof store_options / sizeof store_options[0]};
static const struct option_group measure_group = {
    "Measuring", measure_options, sizeof measure_options / sizeof measure_options[0]};
static const struct option_group output_group = {"Output", output_options,
                                                 sizeof output_options / sizeof output_options[0]};
static const struct option_group *const groups[] = {&store_group, &measure_group, &compare_group,
                                                    &output_group, NULL};

static const struct command_spec command = {
    .operands = "[FILE...]",
    .groups = groups,
    .operands_max = OPERANDS_ANY,
};

#define VERB_COUNT 8u

static const struct verb_spec verbs[VERB_COUNT + 1] = {
    {"queue", "Measures ingest from a queue."},
    {"report", "Makes a report of the figures in a directory."},
    {"quick", "A minute's benchmark, beside the figures of an earlier one."},
    {"kernels", "Measures the inner loops of ingest and queries, and the machine itself."},
    {"commits", "Measures a store that is fed by small commits."},
    {"ids", "Measures the set of message ids as it grows."},
    {"live", "Measures queries while ingest runs at full speed."},
    {"growth", "Measures a set of ten times the messages and devices beside the small one."},
};

static enum exit_code (*const verb_mains[VERB_COUNT])(int argc, char **argv) = {
    queue_bench_main, report_main,   quick_main,    kernels_main,
    scenario_main,    scenario_main, scenario_main, scenario_main,
};

/* Its place in the tables; VERB_COUNT: none is called so. */
static size_t find_verb(const char *name)
{
    size_t verb = 0;
    while (verb < VERB_COUNT && strcmp(verbs[verb].name, name) != 0)
        verb++;
    return verb;
}

static const struct program_spec program = {
    .name = "mnsdb-bench",
    .summary = "Measures ingest and queries on recorded message sets.",
    .description =
        "Takes the files (\"-\": standard input) into a fresh store, as mnsdb-ingest does, asks it "
        "nine queries, takes the files in again, settles the store, and asks again.\n"
        "  mnsdb-fleet -m 1000000 -o set.ndjson\n"
        "  mnsdb-bench set.ndjson --json figures.json\n"
        "  mnsdb-bench --queries-only --db store\n"
        "With --peer or --report it measures mnsdb and other systems side by side, and makes a "
        "report with tables, charts and every figure:\n"
        "  mnsdb-bench --peer 'bench/peers/duckdb bulk' --report figures set.ndjson\n"
        "  mnsdb-bench report figures\n"
        "\"mnsdb-bench queue\" measures ingest from a queue: see mnsdb-bench queue --help. "
        "Likewise \"commits\" (small commits), \"ids\" (the set of message ids), \"live\" (queries "
        "beside an ingest), \"growth\" (ten times the messages), \"kernels\" (the inner loops) and "
        "\"quick\" (a minute, beside a baseline).\n"
        "Figures mean something only on a machine that does nothing else.",
    .commands = &command,
    .command_count = 1,
    .verbs = verbs,
};

/* The command line, read. */
struct request {
    struct bench_config config;
    bool as_json;
    const char *json_path;
    char program[WORKSPACE_PATH_BYTES]; /* path of mnsdb */
};

static enum status read_queries(const struct options *options, struct bench_config *config,
                                struct error *err)
{
    size_t position = 0;
    const char *name = NULL;
    while ((name = options_next(options, "query", &position))) {
        const size_t place = query_set_find(name);
        if (place == QUERY_SET_COUNT)
            return error_set(err, STATUS_INPUT, "--query is Q1 to Q8 or Q4d, not '%s'", name);
        config->query_bits |= UINT32_C(1) << place;
    }
    return STATUS_OK;
}

static enum status read_request(const struct options *options, struct request *request,
                                struct error *err)
{
    struct bench_config *config = &request->config;
    uint64_t runs = 15;
    TRY(options_number(options, "runs", 1, TIMING_RUNS_MAX, &runs, err));
    config->runs = (size_t)runs;
    TRY(read_queries(options, config, err));
    config->inputs = options->operands;
    config->input_count = options->operand_count;
    config->store = options_text(options, "db");
    config->device = options_text(options, "device");
    config->queries_only = options_given(options, "queries-only");
    config->keep = options_given(options, "keep");
    request->json_path = options_text(options, "json");
    const char *format = options_text(options, "format");
    request->as_json = format && strcmp(format, "json") == 0;
    if (format && !request->as_json && strcmp(format, "table") != 0)
        return error_set(err, STATUS_INPUT, "--format is table or json, not '%s'", format);
    if (config->queries_only && config->input_count > 0)
        return error_set(err, STATUS_INPUT, "--queries-only takes no files in");
    if (!config->queries_only && config->input_count == 0)
        return error_set(err, STATUS_INPUT, "which recorded set? (or --queries-only)");
    if (config->queries_only && !config->store)
        config->store = store_dir_choose(options);
    if (program_find("mnsdb", request->program, sizeof request->program))
        config->program = request->program;
    return STATUS_OK;
}

/* Opened before the work begins: a figure lost after an hour is worse than none. */
static enum status open_json(const struct request *request, FILE **file, struct error *err)
{
    *file = NULL;
    if (!request->json_path)
        return STATUS_OK;
    *file = fopen(request->json_path, "we");
    if (!*file)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", request->json_path);
    return STATUS_OK;
}

static enum status write_json(const struct request *request, const struct bench_report *report,
                              FILE **file, struct error *err)
{
    if (!*file)
        return STATUS_OK;
    TRY(report_print_json(report, *file, err));
    FILE *closing = *file;
    *file = NULL;
    if (fclose(closing) != 0)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", request->json_path);
    return STATUS_OK;
}

static void close_file(FILE **file)
{
    if (*file)
        (void)fclose(*file);
    *file = NULL;
}

static enum status measure(const struct request *request, struct bench *bench, struct error *err)
{
    OWNED(close_file) FILE *json = NULL;
    TRY(open_json(request, &json, err));
    TRY(bench_run(bench, &request->config, err));
    if (request->as_json)
        TRY(report_print_json(&bench->report, stdout, err));
    else
        report_print_table(&bench->report, stdout);
    return write_json(request, &bench->report, &json, err);
}

static enum exit_code run(const struct request *request)
{
    struct error err = {0};
    static struct bench bench; /* too large for comfort on the stack */
    enum exit_code code = EXIT_CODE_OK;
    if (measure(request, &bench, &err) != STATUS_OK)
        code = message_failure(&err);
    else if (bench.report.answers_differ)
        code = EXIT_CODE_PROBLEM;
    bench_release(&bench);
    const int signal_number = signals_received();
    return signal_number == 0 ? code : (enum exit_code)((int)EXIT_CODE_SIGNAL + signal_number);
}

/* The line that asks for completion becomes one of the verb, whose own tables answer. */
static enum exit_code complete_verb(const char *name, int argc, char **argv)
{
    static char first[16];
    const size_t verb = find_verb(name);
    assert(verb < VERB_COUNT);
    (void)snprintf(first, sizeof first, "%s", name);
    argv[0] = first;
    return verb_mains[verb](argc, argv);
}

int main(int argc, char **argv)
{
    OWNED(options_release) struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    message_ignore_sigpipe();
    // The words that are no files; a file of that name is ./queue.
    const size_t verb = argc > 1 ? find_verb(argv[1]) : VERB_COUNT;
    if (verb < VERB_COUNT)
        return (int)verb_mains[verb](argc - 1, argv + 1);
    const enum options_outcome outcome = options_begin(&options, &program, argc, argv, &code);
    if (outcome == OPTIONS_EXTERNAL)
        return (int)complete_verb(options.verb, argc, argv);
    if (outcome != OPTIONS_RUN)
        return (int)code; /* help and version have finished standard output */
    signals_install();
    fault_handler_install(program.name, kv_explains_fault);
    struct error err = {0};
    struct request request = {0};
    if (compare_is_wanted(&options))
        code = compare_main(&options);
    else if (read_request(&options, &request, &err) != STATUS_OK)
        code = options_usage_error(&options, "%s", err.message);
    else
        code = run(&request);
    return (int)message_stdout_finish(code);
}
