/*
 * options.c - see options.h.
 */
#include "ingest/config/options.h"

#include "cli/store_dir.h"
#include "ingest/pipeline/pipeline.h"

#include <string.h>

static const struct option_spec store_options[] = {
    STORE_DIR_OPTION,
    {.name = "payload-tz",
     .argument = "ZONE",
     .help = "Time zone of times in payloads that name none: an IANA name or +HH:MM. Default "
             "+08:00. Fixed when the store is made."},
    {.name = "time-field",
     .argument = "NAME[,NAME...]",
     .help = "Members of a payload that hold its business time, in order of preference, or "
             "'none'. Default time,timestamp,ts. Fixed when the store is made."},
};

static const struct option_spec job_options[] = {
    {.name = "retry-rejects",
     .help = "Put kept bodies of rejected messages through the rules again, before any FILE. "
             "What can be stored now leaves the rejects. Bodies that were cut or masked stay."},
    {.name = "settle",
     .help = "At the end, merge what is stored as far as merging goes: smaller on disk, faster "
             "to query. Readers may go on meanwhile."},
    {.name = "threads",
     .argument = "N",
     .help = "Threads that decode. Default: one for each CPU, at most 8."},
};

static const struct option_spec output_options[] = {
    {.name = "summary",
     .argument = "json",
     .help = "Print the summary as one JSON object on standard output, instead of a line on "
             "standard error."},
    {.name = "no-progress", .help = "Show no progress bar on a terminal."},
};

#define GROUP_OF(heading, table)                                                                \
    {                                                                                           \
        .title = (heading), .options = (table), .option_count = sizeof(table) / sizeof *(table) \
    }

static const struct option_group store_group = GROUP_OF("Store", store_options);
static const struct option_group job_group = GROUP_OF("What to do", job_options);
static const struct option_group output_group = GROUP_OF("Output", output_options);
static const struct option_group *const groups[] = {&store_group, &job_group, &output_group, NULL};

static const struct command_spec ingest_command = {
    .operands = "[FILE...]",
    .summary = "Takes recorded sets of device messages into a store. Every message counts once, "
               "however often it is taken in.",
    .description =
        "A FILE holds one message a line: the envelope as JSON, or base64 of it. It may be plain, "
        "gzip or zstd; '-' is standard input. Files are taken in order. A message that cannot be "
        "understood is kept with a reason ('mnsdb rejects' shows them) and never stops the "
        "others.\n"
        "\n"
        "Examples:\n"
        "  mnsdb-ingest --db fleet monday.ndjson.gz tuesday.ndjson.zst\n"
        "  zcat *.gz | mnsdb-ingest --db fleet --summary json -\n"
        "  mnsdb-ingest --db fleet --settle",
    .groups = groups,
    .operands_max = OPERANDS_ANY,
};

const struct program_spec ingest_program = {
    .name = "mnsdb-ingest",
    .commands = &ingest_command,
    .command_count = 1,
};

enum status ingest_options_read(struct ingest_options *ingest, const struct options *options,
                                struct error *err)
{
    const char *summary = options_text(options, "summary");
    uint64_t threads = 0;
    TRY(options_number(options, "threads", 1, PIPELINE_THREADS_MAX, &threads, err));
    *ingest = (struct ingest_options){
        .store_dir = store_dir_choose(options),
        .files = options->operands,
        .file_count = options->operand_count,
        .payload_tz = options_text(options, "payload-tz"),
        .time_field = options_text(options, "time-field"),
        .retry_rejects = options_given(options, "retry-rejects"),
        .settle = options_given(options, "settle"),
        .summary_json = summary != NULL,
        .progress = !options_given(options, "no-progress") && !options_given(options, "quiet"),
        .threads = (unsigned)threads,
    };
    if (summary && strcmp(summary, "json") != 0)
        return error_set(err, STATUS_INPUT, "--summary knows only 'json', not '%s'", summary);
    if (ingest->file_count == 0 && !ingest->retry_rejects && !ingest->settle)
        return error_set(err, STATUS_INPUT,
                         "nothing to do: name a FILE to take in ('-' is standard input), or give "
                         "--settle or --retry-rejects");
    return STATUS_OK;
}
