/*
 * scenario_main.c - the command lines of the measuring verbs.
 */
#include "bench/scenarios/scenarios.h"

#include "bench/fleet/fleet.h"
#include "bench/machine/json_print.h"
#include "bench/machine/machine.h"
#include "bench/scenarios/commits.h"
#include "bench/scenarios/growth.h"
#include "bench/scenarios/ids.h"
#include "bench/scenarios/live.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/quantity.h"
#include "cli/signals.h"
#include "engine/civil/civil.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_OTHERS_FRACTION 10u /* of the ids that the set grows to */
#define IDS_BATCH           UINT64_C(500000)
#define NOTES                                                                                  \
    "\nFigures mean something only on a machine that does nothing else. Stores are made in a " \
    "temporary directory; TMPDIR says on which disk."

/* --- what all share -------------------------------------------------------------------------- */

static const struct option_spec output_options[] = {
    {"format", "table|json", "table (default) or json, on standard output.", 0, false},
    {"json", "FILE", "Also write the report as JSON into this file.", 0, false},
};
static const struct option_group output_group = {"Output", output_options,
                                                 sizeof output_options / sizeof output_options[0]};

/* A report: how it is printed, and of which verb. */
struct printing {
    const char *kind;
    const void *report;
    void (*print_table)(const void *report, FILE *out);
    bool (*fill_json)(cJSON *tree, const void *report);
};

/* Where the stores were made. */
static const char *stores_dir(void)
{
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

static enum status print_json(const struct printing *printing, FILE *out, struct error *err)
{
    OWNED(json_tree_free) cJSON *tree = cJSON_CreateObject();
    struct machine machine;
    machine_describe(&machine, stores_dir());
    const bool filled = tree && cJSON_AddStringToObject(tree, "kind", printing->kind) &&
                        machine_json(tree, &machine) && printing->fill_json(tree, printing->report);
    return json_print(filled ? tree : NULL, out, err);
}

/* Where reports go. */
struct output {
    bool as_json;
    const char *json_path;
};

static enum status read_output(const struct options *options, struct output *output,
                               struct error *err)
{
    const char *format = options_text(options, "format");
    output->as_json = format && strcmp(format, "json") == 0;
    output->json_path = options_text(options, "json");
    if (format && !output->as_json && strcmp(format, "table") != 0)
        return error_set(err, STATUS_INPUT, "--format is table or json, not '%s'", format);
    return STATUS_OK;
}

static enum status write_json_file(const struct printing *printing, const char *path,
                                   struct error *err)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", path);
    const enum status status = print_json(printing, file, err);
    if (fclose(file) != 0 && status == STATUS_OK)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", path);
    return status;
}

static enum status print(const struct printing *printing, const struct output *output,
                         struct error *err)
{
    if (output->as_json)
        TRY(print_json(printing, stdout, err));
    else
        printing->print_table(printing->report, stdout);
    return output->json_path ? write_json_file(printing, output->json_path, err) : STATUS_OK;
}

static enum status read_rate(const struct options *options, const char *name, double *rate,
                             struct error *err)
{
    uint64_t number = (uint64_t)*rate;
    TRY(options_number(options, name, 1, 1000000, &number, err));
    *rate = (double)number;
    return STATUS_OK;
}

/* --- commits --------------------------------------------------------------------------------- */

static const struct option_spec commits_options[] = {
    {"rows-per-commit", "N",
     "Messages of a commit, on average; they vary evenly between 16 and as far above (default "
     "257).",
     0, false},
    {"per-second", "N", "Commits a second of simulated time (default 4).", 0, false},
    {"span", "DURATION", "Simulated time (default 1h).", 's', false},
    {"commits", "N", "End after so many commits.", 'n', false},
    {"devices", "N",
     "Devices of the fleet (default: as many as send that much with a reading every 10 s).", 0,
     false},
    {"runs", "N", "Timed runs of each query (default 15); 0: neither queries nor the bulk store.",
     'r', false},
};
static const struct option_group commits_group = {
    "Commits", commits_options, sizeof commits_options / sizeof commits_options[0]};
static const struct option_group *const commits_groups[] = {&commits_group, &output_group, NULL};
static const struct command_spec commits_command = {.groups = commits_groups};

static enum status read_commits(const struct options *options, struct commits_config *config,
                                struct error *err)
{
    uint64_t runs = 15;
    *config = (struct commits_config){
        .rows_per_commit = 257, .commits_per_second = 4, .span_ms = MS_PER_HOUR};
    TRY(options_number(options, "rows-per-commit", 1, 100000, &config->rows_per_commit, err));
    TRY(read_rate(options, "per-second", &config->commits_per_second, err));
    TRY(options_number(options, "commits", 1, UINT32_MAX, &config->commits, err));
    TRY(options_number(options, "devices", 1, FLEET_DEVICES_MAX, &config->devices, err));
    TRY(options_number(options, "runs", 0, TIMING_RUNS_MAX, &runs, err));
    config->runs = (size_t)runs;
    const char *span = options_text(options, "span");
    return span ? duration_parse(span, &config->span_ms, err) : STATUS_OK;
}

static void commits_table(const void *report, FILE *out)
{
    commits_print_table(report, out);
}

static bool commits_json(cJSON *tree, const void *report)
{
    return commits_fill_json(tree, report);
}

static enum status run_commits(const struct options *options, const struct output *output,
                               struct error *err)
{
    static struct commits_report report; /* too large for comfort on the stack */
    struct commits_config config;
    TRY(read_commits(options, &config, err));
    TRY(commits_run(&config, &report, err));
    const struct printing printing = {"commits", &report, commits_table, commits_json};
    TRY(print(&printing, output, err));
    return report.answers_differ ? error_set(err, STATUS_CORRUPT, "the answers differ") : STATUS_OK;
}

/* --- ids ------------------------------------------------------------------------------------- */

static const struct option_spec ids_options[] = {
    {"up-to", "N", "Ids that the set grows to (default 100000000).", 'n', false},
};
static const struct option_group ids_group = {"Ids", ids_options,
                                              sizeof ids_options / sizeof ids_options[0]};
static const struct option_group *const ids_groups[] = {&ids_group, &output_group, NULL};
static const struct command_spec ids_command = {.groups = ids_groups};

static void ids_table(const void *report, FILE *out)
{
    ids_print_table(report, out);
}

static bool ids_json(cJSON *tree, const void *report)
{
    return ids_fill_json(tree, report);
}

static enum status run_ids(const struct options *options, const struct output *output,
                           struct error *err)
{
    struct ids_config config = {.up_to = 100000000, .batch = IDS_BATCH};
    TRY(options_number(options, "up-to", 1000, UINT64_C(10000000000), &config.up_to, err));
    config.others = config.up_to / IDS_OTHERS_FRACTION;
    struct ids_report report;
    TRY(ids_run(&config, &report, err));
    const struct printing printing = {"ids", &report, ids_table, ids_json};
    return print(&printing, output, err);
}

/* --- live ------------------------------------------------------------------------------------ */

static const struct option_spec live_options[] = {
    {"per-second", "N", "Queries a second, Q1 to Q8 in turn (default 10).", 0, false},
    {"rounds", "N", "Ingests alone and beside queries, in turns (default 3).", 0, false},
};
static const struct option_group live_group = {"Queries", live_options,
                                               sizeof live_options / sizeof live_options[0]};
static const struct option_group *const live_groups[] = {&live_group, &output_group, NULL};
static const struct command_spec live_command = {
    .operands = "FILE...", .groups = live_groups, .operands_min = 1, .operands_max = OPERANDS_ANY};

static void live_table(const void *report, FILE *out)
{
    live_print_table(report, out);
}

static bool live_json(cJSON *tree, const void *report)
{
    return live_fill_json(tree, report);
}

static enum status run_live(const struct options *options, const struct output *output,
                            struct error *err)
{
    uint64_t rounds = 3;
    struct live_config config = {
        .paths = options->operands, .path_count = options->operand_count, .queries_per_second = 10};
    TRY(read_rate(options, "per-second", &config.queries_per_second, err));
    TRY(options_number(options, "rounds", 1, 100, &rounds, err));
    config.rounds = (size_t)rounds;
    struct live_report report;
    TRY(live_run(&config, &report, err));
    const struct printing printing = {"live", &report, live_table, live_json};
    return print(&printing, output, err);
}

/* --- growth ---------------------------------------------------------------------------------- */

static const struct option_spec growth_options[] = {
    {"messages", "N", "Messages of the small set, M (default 10000000).", 'm', false},
    {"times", "N", "How many times as many set L has (default 10, at most 1000).", 0, false},
    {"devices", "N", "Devices of set M (default 1000).", 0, false},
    {"many-devices", "N", "Devices of set L (default 10000).", 0, false},
    {"runs", "N", "Timed runs of each query, after a first one (default 15).", 'r', false},
};
static const struct option_group growth_group = {"Sets", growth_options,
                                                 sizeof growth_options / sizeof growth_options[0]};
static const struct option_group *const growth_groups[] = {&growth_group, &output_group, NULL};
static const struct command_spec growth_command = {.groups = growth_groups};

static void growth_table(const void *report, FILE *out)
{
    growth_print_table(report, out);
}

static bool growth_json(cJSON *tree, const void *report)
{
    return growth_fill_json(tree, report);
}

static enum status read_growth(const struct options *options, struct growth_config *config,
                               struct error *err)
{
    uint64_t devices = 1000;
    uint64_t many = 10000;
    uint64_t runs = 15;
    *config = (struct growth_config){.messages = 10000000, .times = 10};
    TRY(options_number(options, "messages", 1000, UINT64_C(1000000000), &config->messages, err));
    TRY(options_number(options, "times", 1, 1000, &config->times, err));
    TRY(options_number(options, "devices", 1, FLEET_DEVICES_MAX, &devices, err));
    TRY(options_number(options, "many-devices", 1, FLEET_DEVICES_MAX, &many, err));
    TRY(options_number(options, "runs", 1, TIMING_RUNS_MAX, &runs, err));
    config->devices = (uint32_t)devices;
    config->many_devices = (uint32_t)many;
    config->runs = (size_t)runs;
    return STATUS_OK;
}

static enum status run_growth(const struct options *options, const struct output *output,
                              struct error *err)
{
    static struct growth_report report; /* too large for comfort on the stack */
    struct growth_config config;
    TRY(read_growth(options, &config, err));
    TRY(growth_run(&config, &report, err));
    const struct printing printing = {"growth", &report, growth_table, growth_json};
    return print(&printing, output, err);
}

/* --- verbs ----------------------------------------------------------------------------------- */

struct verb {
    const char *name;
    struct program_spec program;
    enum status (*run)(const struct options *options, const struct output *output,
                       struct error *err);
};

static const struct verb verbs[] = {
    {"commits",
     {.name = "mnsdb-bench commits",
      .summary = "Measures a store that is fed by small commits, as a queue makes them.",
      .description = "A simulated fleet, its late and redelivered messages among them, goes into "
                     "a store in small commits with the upkeep of a queue between them, and into "
                     "another one in bulk. Bytes written, latency, parts and size over time; then "
                     "the same queries on both." NOTES,
      .commands = &commits_command,
      .command_count = 1},
     run_commits},
    {"ids",
     {.name = "mnsdb-bench ids",
      .summary = "Measures the set of message ids as it grows.",
      .description = "Ids in order, some of them late; then a tenth of them again, as many of a "
                     "second recording of the same time, of an older one, and ids of random bits "
                     "in sets of their own." NOTES,
      .commands = &ids_command,
      .command_count = 1},
     run_ids},
    {"live",
     {.name = "mnsdb-bench live",
      .summary = "Measures queries while ingest runs at full speed.",
      .description = "Takes the recorded sets into fresh stores: stopping after each commit to "
                     "ask a store at rest, alone, and with queries at a fixed rate." NOTES,
      .commands = &live_command,
      .command_count = 1},
     run_live},
    {"growth",
     {.name = "mnsdb-bench growth",
      .summary = "Measures a set of ten times the messages and devices beside the small one.",
      .description = "The simulated fleet writes set M, M with the devices of L, L, and M once "
                     "more into a pipe, and ingest reads it: nothing of a set is ever on disk. "
                     "CPU time of ingest a message, sizes, and the same queries on both." NOTES,
      .commands = &growth_command,
      .command_count = 1},
     run_growth},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

static enum exit_code code_of(const struct options *options, enum status status,
                              const struct error *err)
{
    if (signals_received() != 0)
        return (enum exit_code)((int)EXIT_CODE_SIGNAL + signals_received());
    if (status == STATUS_OK)
        return EXIT_CODE_OK;
    return status == STATUS_INPUT ? options_usage_error(options, "%s", err->message)
                                  : message_failure(err);
}

enum exit_code scenario_main(int argc, char **argv)
{
    const struct verb *verb = find_verb(argv[0]);
    assert(verb);
    OWNED(options_release) struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    if (options_begin(&options, &verb->program, argc, argv, &code) != OPTIONS_RUN)
        return code; /* help and version have finished standard output */
    signals_install();
    struct error err = {0};
    struct output output = {0};
    enum status status = read_output(&options, &output, &err);
    if (status == STATUS_OK)
        status = verb->run(&options, &output, &err);
    return message_stdout_finish(code_of(&options, status, &err));
}
