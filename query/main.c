/*
 * main.c - `mnsdb`: questions to a store, and the way to the other programs.
 *
 * `mnsdb ingest ...` runs the program mnsdb-ingest that lies beside this one, in
 * its place: same process, same terminal, its exit code.
 */
#include "cli/fault_handler.h"
#include "cli/message.h"
#include "cli/options.h"
#include "engine/base/mem.h"
#include "engine/kv/kv.h"
#include "query/command/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "mnsdb"

/* Headings in --help. */
#define ASK            "Ask"
#define STANDS_OUT     "See what stands out"
#define LOOK           "Look at what is stored"
#define KEEP           "Keep the store"
#define OTHER_PROGRAMS "Other programs"

static const struct option_group *const selecting[] = {
    &command_selection_group, &command_output_group, &command_store_group, NULL};
static const struct option_group *const selecting_values[] = {
    &command_values_group, &command_selection_group, &command_output_group, &command_store_group,
    NULL};
static const struct option_group *const aliases_groups[] = {&command_alias_group,
                                                            &command_output_group, NULL};
static const struct option_group *const log_groups[] = {
    &command_follow_group, &command_values_group, &command_selection_group,
    &command_output_group, &command_store_group,  NULL};
static const struct option_group *const watch_groups[] = {
    &command_watch_group, &command_values_group, &command_store_group, NULL};
static const struct option_group *const stats_groups[] = {
    &command_stats_group,     &command_stats_picture_group,
    &command_svg_group,       &command_values_group,
    &command_limits_group,    &command_compare_group,
    &command_selection_group, &command_output_group,
    &command_store_group,     NULL};
static const struct option_group *const online_groups[] = {
    &command_online_group,      &command_online_picture_group,
    &command_svg_group,         &command_rules_group,
    &command_reliability_group, &command_compare_group,
    &command_selection_group,   &command_output_group,
    &command_store_group,       NULL};
static const struct option_group *const sessions_groups[] = {&command_online_picture_group,
                                                             &command_svg_group,
                                                             &command_rules_group,
                                                             &command_selection_group,
                                                             &command_output_group,
                                                             &command_store_group,
                                                             NULL};
static const struct option_group *const gaps_groups[] = {
    &command_gaps_group,   &command_values_group, &command_selection_group,
    &command_output_group, &command_store_group,  NULL};
static const struct option_group *const excursions_groups[] = {
    &command_limits_group, &command_values_group, &command_selection_group,
    &command_output_group, &command_store_group,  NULL};
static const struct option_group *const check_groups[] = {
    &command_findings_group, &command_values_group, &command_selection_group,
    &command_output_group,   &command_store_group,  NULL};
static const struct option_group *const rejects_groups[] = {
    &command_rejects_group, &command_span_group, &command_output_group, &command_store_group, NULL};
static const struct option_group *const report_groups[] = {
    &command_report_group,    &command_values_group, &command_rules_group,
    &command_selection_group, &command_store_group,  NULL};
static const struct option_group *const printing[] = {&command_output_group, &command_store_group,
                                                      NULL};
static const struct option_group *const store_only[] = {&command_store_group, NULL};

static const struct command_spec commands[] = {
    {.name = "stats",
     .heading = ASK,
     .operands = "[METRIC...]",
     .summary = "Aggregates of metrics: averages, extremes, percentiles, by device and by bucket.",
     .description = "Without METRIC: temperature and humidity if the store has them, else all. "
                    "Sums, extremes and percentiles are exact; averages are the nearest double.\n\n"
                    "Examples:\n"
                    "mnsdb stats\n"
                    "mnsdb stats temperature --by device --agg avg,p95,max --from -7d\n"
                    "mnsdb stats temperature --above 30 --every 1d --tz Europe/Berlin\n"
                    "mnsdb stats temperature --agg avg --by device --from -7d --versus -7d\n"
                    "mnsdb stats --where 'temperature < 100 and humidity is not null' --every 1d\n"
                    "mnsdb stats --every 1h --fill null --tz Asia/Shanghai --format json\n"
                    "mnsdb stats temperature --every 1h --plot",
     .groups = stats_groups,
     .operands_max = OPERANDS_ANY,
     .run = command_stats},
    {.name = "online",
     .heading = ASK,
     .summary = "How long devices were online, offline and unknown.",
     .description =
         "Each device has one timeline, built from all its status events; the answer is cut out "
         "of it. Missing bounds are the store's first and last time.\n\n"
         "Examples:\n"
         "mnsdb online\n"
         "mnsdb online --every 1d --device 'sensor-*' --tz Europe/Berlin\n"
         "mnsdb online --by product --offline-at last-contact\n"
         "mnsdb online --every 1d --matrix --from -14d\n"
         "mnsdb online --reliability --top 10 --order-by failures",
     .groups = online_groups,
     .run = command_online},
    {.name = "sessions",
     .heading = ASK,
     .summary = "The online sessions of devices.",
     .description = "Sessions that meet the range, with their true start and end; the duration is "
                    "what lies inside the range.\n\n"
                    "Examples:\n"
                    "mnsdb sessions --from 2018-05-16 --to 2018-05-17\n"
                    "mnsdb sessions --order-by duration_ms:desc --limit 10",
     .groups = sessions_groups,
     .run = command_sessions},
    {.name = "gaps",
     .heading = ASK,
     .operands = "[METRIC...]",
     .summary = "How complete the readings of devices are, and where they are missing.",
     .description =
         "Per device: how many readings, the usual interval between reports (their median), "
         "coverage (the share of its time within 3 usual intervals after a report), the number of "
         "longer gaps, and the largest. With METRIC: only readings that have any of these.\n\n"
         "Examples:\n"
         "mnsdb gaps --order-by coverage\n"
         "mnsdb gaps temperature --from -7d --to now --factor 5\n"
         "mnsdb gaps --list --longer-than 1h --order-by duration_ms:desc --limit 20",
     .groups = gaps_groups,
     .operands_max = OPERANDS_ANY,
     .run = command_gaps},
    {.name = "excursions",
     .heading = ASK,
     .operands = "METRIC...",
     .summary = "When values lay above or below a limit, for how long, and how far.",
     .description = "A value holds until the device's next one; an excursion lasts as long as all "
                    "values lie beyond the limit. Listed are those that meet the range, with their "
                    "true start, end and extreme; the duration is what lies inside the range.\n\n"
                    "Examples:\n"
                    "mnsdb excursions temperature --above 30\n"
                    "mnsdb excursions humidity --above 80 --below 20 --hold 1h --from -7d\n"
                    "mnsdb excursions temperature --above 30 --top 10",
     .groups = excursions_groups,
     .operands_max = OPERANDS_ANY,
     .run = command_excursions},
    {.name = "report",
     .heading = STANDS_OUT,
     .summary = "A page for people: what stands out, availability, timelines, readings.",
     .description =
         "One HTML file that needs nothing else: pictures are in it, there is no script and "
         "nothing is fetched; it can be mailed, printed and kept. The worst device, its longest "
         "outage and the highest hour of each metric come first.\n\n"
         "Examples:\n"
         "mnsdb report --html report.html\n"
         "mnsdb report --html week.html --from -7d --to now --tz Europe/Berlin\n"
         "mnsdb report --html - --product cold-store --metric pressure > page.html",
     .groups = report_groups,
     .run = command_report},
    {.name = "check",
     .heading = STANDS_OUT,
     .summary = "What looks wrong in the data, each with its evidence and the way to more.",
     .description =
         "Values that a metric cannot have, frozen sensors, jumps, broken clocks, gaps, flapping "
         "devices, offline without online, devices online but silent, rejects. Each finding comes "
         "with a command that shows more. docs/checks.md has the rules.\n\n"
         "Exit code 1 if anything found is an error: data that is wrong, or missing now. Warnings "
         "and notes are exit 0.\n\n"
         "Examples:\n"
         "mnsdb check\n"
         "mnsdb check --from -1d --to now --range 'temperature=-40..85' --silent 10m\n"
         "mnsdb check --kind flapping --kind gap --format json",
     .groups = check_groups,
     .run = command_check},
    {.name = "last",
     .heading = LOOK,
     .operands = "[METRIC...]",
     .summary = "The newest values and the state of each device.",
     .description = "Without METRIC: every metric that the selection has.\n\n"
                    "Examples:\n"
                    "mnsdb last\n"
                    "mnsdb last temperature --order-by last_seen:desc --limit 20\n"
                    "mnsdb last temperature --where 'temperature < 100' --alias temperature=temp,t",
     .groups = selecting_values,
     .operands_max = OPERANDS_ANY,
     .run = command_last},
    {.name = "log",
     .heading = LOOK,
     .summary = "Readings and status events as stored, in order of time.",
     .description = "Examples:\n"
                    "mnsdb log --device 'pk/dn' --from '2018-05-16 05:00' --to '2018-05-16 06:00'\n"
                    "mnsdb log --order-by time:desc --limit 10\n"
                    "mnsdb log --where 'temperature > 40 or humidity > 100' --limit 20\n"
                    "mnsdb log --format csv > log.csv\n"
                    "mnsdb log --follow --device 'sensor-*'",
     .groups = log_groups,
     .run = command_log},
    {.name = "watch",
     .heading = LOOK,
     .summary = "A live screen: rate, devices online, newest values and events, backlog.",
     .description = "Keys: q quits, p pauses. The rate is of messages stored; numbers behind a "
                    "plus count from when the screen began.\n\n"
                    "Examples:\n"
                    "mnsdb watch\n"
                    "mnsdb watch --interval 5s --metrics http://127.0.0.1:9464/metrics\n"
                    "mnsdb watch --once --device 'sensor-*'",
     .groups = watch_groups,
     .run = command_watch},
    {.name = "devices",
     .heading = LOOK,
     .summary = "The devices, and how much is stored of each.",
     .description = "Example:\nmnsdb devices --order-by last_seen:desc",
     .groups = selecting,
     .run = command_devices},
    {.name = "metrics",
     .heading = LOOK,
     .summary = "The metrics, with their extremes and times.",
     .description = "Example:\nmnsdb metrics --product 'a1*'",
     .groups = selecting_values,
     .run = command_metrics},
    {.name = "aliases",
     .heading = LOOK,
     .summary = "Which names stand for which metric, and where that is said.",
     .description =
         "The stronger source comes first: --alias, $MNSDB_ALIASES (definitions between ';'), "
         "$XDG_CONFIG_HOME/mnsdb/query.conf (else ~/.config/mnsdb/query.conf), "
         "/etc/mnsdb/query.conf. A file has lines such as: alias = "
         "temperature=temp,Temperature,t\n\n"
         "Examples:\n"
         "mnsdb aliases\n"
         "MNSDB_ALIASES='temperature=temp,t; humidity=hum' mnsdb aliases --format table",
     .groups = aliases_groups,
     .run = command_aliases},
    {.name = "rejects",
     .heading = LOOK,
     .summary = "Bodies that were not understood, byte for byte, with the reason.",
     .description = "--from and --to are about the time of arrival. Bodies are in base64.\n\n"
                    "Examples:\n"
                    "mnsdb rejects --format ndjson --limit 5\n"
                    "mnsdb rejects --by reason",
     .groups = rejects_groups,
     .run = command_rejects},
    {.name = "seen",
     .heading = LOOK,
     .operands = "ID...",
     .summary = "Whether the store has taken in these message ids.",
     .description = "Exit code 1 if any was not.\n\nExample:\nmnsdb seen 996631012001751041",
     .groups = printing,
     .operands_min = 1,
     .operands_max = OPERANDS_ANY,
     .run = command_seen},
    {.name = "info",
     .heading = LOOK,
     .summary = "What the store holds, in numbers.",
     .description = "Example:\nmnsdb info --format json",
     .groups = printing,
     .run = command_info},
    {.name = "backup",
     .heading = KEEP,
     .operands = "DEST",
     .summary = "Copy the store, compacted, while it is in use.",
     .description = "DEST is a new directory, complete and on disk when the command ends.\n\n"
                    "Example:\nmnsdb backup /backup/store-2018-05-16",
     .groups = store_only,
     .operands_min = 1,
     .operands_max = 1,
     .run = command_backup},
    {.name = "verify",
     .heading = KEEP,
     .summary = "Read every byte of the store, check every checksum and count.",
     .description = "Prints a row for each problem found; exit code 1 if there is one.\n\n"
                    "Example:\nmnsdb verify && echo good",
     .groups = printing,
     .run = command_verify},
    {.name = "sql",
     .summary = "Run mnsdb-sql: ask in SQL.",
     .external = true,
     .heading = OTHER_PROGRAMS},
    {.name = "ingest",
     .summary = "Run mnsdb-ingest: take messages in.",
     .external = true,
     .heading = OTHER_PROGRAMS},
    {.name = "fleet",
     .summary = "Run mnsdb-fleet: simulate devices.",
     .external = true,
     .heading = OTHER_PROGRAMS},
    {.name = "bench",
     .summary = "Run mnsdb-bench: measure.",
     .external = true,
     .heading = OTHER_PROGRAMS},
    {.name = "localqueue",
     .summary = "Run mnsdb-localqueue: a queue here.",
     .external = true,
     .heading = OTHER_PROGRAMS},
};

static const struct value_words value_words[] = {
    {"FORMAT", "table csv tsv json ndjson md"},
    {"LIST", "count sum avg min max first last spread stddev median p50 p90 p95 p99 min_time "
             "max_time twa"},
    {NULL, NULL},
};

static const struct program_spec program = {
    .name = PROGRAM,
    .summary = "Ask a store of IoT device messages.",
    .description = "Exit codes: 0 ok, 1 a problem was found, 2 usage, 3 configuration, "
                   "4 store missing, locked or damaged.",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
    .value_words = value_words,
    .complete_names = command_complete_names,
};

/* The path of mnsdb-<name> in the folder of this program. */
static bool find_beside(const char *name, char path[PATH_MAX])
{
    const ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (len <= 0)
        return false;
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return false;
    const size_t room = PATH_MAX - (size_t)(slash + 1 - path);
    const int written = snprintf(slash + 1, room, PROGRAM "-%s", name);
    return written > 0 && (size_t)written < room;
}

/* Becomes the other program; comes back only if that fails. */
static enum exit_code run_external(const struct options *options, int argc, char **argv)
{
    const char *name = options->command->name;
    char path[PATH_MAX];
    OWNED(mem_free_owned) char **arguments = mem_alloc((size_t)argc + 1, sizeof *arguments);
    if (!arguments || !find_beside(name, path)) {
        message_error("cannot find " PROGRAM "-%s beside this program", name);
        return EXIT_CODE_PROBLEM;
    }
    int count = 0;
    arguments[count++] = path;
    for (int i = 1; i < argc; i++) {
        if (i != options->command_index)
            arguments[count++] = argv[i];
    }
    arguments[count] = NULL;
    (void)execv(path, arguments);
    message_error("cannot run %s: %s", path, strerror(errno));
    return EXIT_CODE_PROBLEM;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    const enum options_outcome outcome = options_begin(&options, &program, argc, argv, &code);
    if (outcome == OPTIONS_EXTERNAL) {
        code = run_external(&options, argc, argv);
    } else if (outcome == OPTIONS_RUN) {
        message_ignore_sigpipe();
        fault_handler_install(PROGRAM, kv_explains_fault);
        code = message_stdout_finish(options.command->run(&options));
    }
    options_release(&options);
    return (int)code;
}
