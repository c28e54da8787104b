/*
 * report_command.c - `mnsdb report`: a page about a store.
 *
 * Everything is read first, then the store is let go, then the page is written: into a file
 * that appears as a whole, or to stdout.
 */
#include "query/command/command_internal.h"

#include "cli/human.h"
#include "cli/message.h"
#include "cli/whole_file.h"
#include "engine/base/mem.h"
#include "query/report/report.h"
#include "query/view/view.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec report_options[] = {
    {.name = "html",
     .argument = "FILE",
     .help = "Write the page to FILE, which is replaced as a whole; - is standard output. "
             "Example: --html report.html"},
    {.name = "title",
     .argument = "TEXT",
     .help = "The page's title. Example: --title 'Cold store 3'"},
    {.name = "metric",
     .argument = "NAME",
     .repeatable = true,
     .help = "A metric to show beside temperature and humidity. Repeatable. Example: "
             "--metric pressure --metric voltage"},
    {.name = "every",
     .argument = "WIDTH",
     .help = "The steps of the charts of metrics: 30s, 5m, 1h (from local midnight), 1d, 1w, 1mo. "
             "Default: as the range asks for."},
    {.name = "tz",
     .argument = "ZONE",
     .help = "The zone of all times: an IANA name or +HH:MM. Default: $MNSDB_TZ, else UTC."},
    {.name = "explain", .help = "Say on stderr what was read, and how long it took."},
};

const struct option_group command_report_group = {"Report", report_options,
                                                  sizeof report_options / sizeof *report_options};

static void free_report(struct report **report)
{
    report_free(*report);
}

/* --metric, in the order of the line; names the store never saw are a warning. */
static enum status read_metrics(const struct command *command, struct slice **names, size_t *count,
                                struct error *err)
{
    const struct options *options = command->options;
    size_t position = 0;
    *names = mem_alloc(options->value_count, sizeof **names);
    if (!*names)
        return error_set(err, STATUS_NOMEM, "no memory for the names of metrics");
    for (const char *text = NULL; (text = options_next(options, "metric", &position)) != NULL;) {
        uint32_t metric = 0;
        const struct slice name = slice_of_text(text);
        if (*count == REPORT_METRICS_MAX)
            return error_set(err, STATUS_INPUT, "--metric: at most %u metrics", REPORT_METRICS_MAX);
        (*names)[(*count)++] = name;
        if (!view_find_metric(command->selection.view, command->snapshot, name, &metric))
            message_warning("the store never saw a metric '%s'", text);
    }
    return STATUS_OK;
}

static enum status write_page(const struct report *report, const char *path, struct error *err)
{
    OWNED(whole_file_release) struct whole_file file = {0};
    if (strcmp(path, "-") == 0) {
        report_write(report, stdout);
        return message_stdout_failed() ? STATUS_STOPPED : STATUS_OK;
    }
    char bytes[HUMAN_BYTES];
    TRY(whole_file_open(&file, path, err));
    report_write(report, file.out);
    const long written = ftell(file.out);
    const bool sized = !file.direct && written >= 0; // a pipe or /dev/null has no position
    TRY(whole_file_commit(&file, err));
    if (sized)
        message_note("wrote %s (%s)", path, human_bytes((uint64_t)written, bytes));
    else
        message_note("wrote %s", path);
    return STATUS_OK;
}

static enum status run_report(struct command *command, const struct options *options,
                              struct error *err)
{
    OWNED(mem_free_owned) struct slice *names = NULL;
    OWNED(free_report) struct report *report = NULL;
    struct bucket_width width = {0};
    bool has_width = false;
    TRY(command_read_options(command, options, err));
    const char *path = options_text(options, "html");
    if (!path || path[0] == '\0')
        return error_set(err, STATUS_INPUT, "where to? Give --html FILE, or --html - for stdout");
    struct report_spec spec = {.selection = &command->selection,
                               .request = &command->spec,
                               .zone = &command->zone,
                               .title = options_text(options, "title"),
                               .store_dir = options_text(options, "db"),
                               .values = command->values.words,
                               .value_count = command->values.word_count};
    TRY(command_rules(options, &spec.rules, err));
    TRY(command_every(options, &width, &has_width, err));
    spec.every = has_width ? &width : NULL;
    TRY(command_open(command, err));
    TRY(selection_sort(&command->selection, command->snapshot, err));
    TRY(read_metrics(command, &names, &spec.metric_count, err));
    spec.metrics = names;
    TRY(report_collect(&report, command->snapshot, &spec, &command->statistics, err));
    command_done_reading(command);
    return write_page(report, path, err);
}

enum exit_code command_report(const struct options *options)
{
    OWNED(command_end) struct command command = {0};
    struct error err = {0};
    const enum status status = run_report(&command, options, &err);
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}
