/*
 * kernels_main.c - the command line of "mnsdb-bench kernels".
 */
#include "bench/kernels/kernels.h"

#include "cli/message.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct option_spec measure_options[] = {
    {"kernel", "NAME", "Measure only this kernel. Repeatable; --list names them.", 'k', true},
    {"messages", "N", "Messages that the data is made of (default 400000).", 'm', false},
    {"runs", "N", "At least so many timed runs of each kernel (default 7, at most 200).", 'r',
     false},
    {"no-marks", NULL, "Leave out the marks of the machine, and with them the stages of an ingest.",
     0, false},
    {"list", NULL, "Print the names of all kernels, and end.", 0, false},
};

static const struct option_spec output_options[] = {
    {"format", "table|json", "table (default) or json, on standard output.", 0, false},
    {"json", "FILE", "Also write the report as JSON into this file.", 0, false},
};

static const struct option_group measure_group = {
    "Measuring", measure_options, sizeof measure_options / sizeof measure_options[0]};
static const struct option_group output_group = {"Output", output_options,
                                                 sizeof output_options / sizeof output_options[0]};
static const struct option_group *const groups[] = {&measure_group, &output_group, NULL};

static const struct command_spec command = {.groups = groups};

static const struct program_spec program = {
    .name = "mnsdb-bench kernels",
    .summary = "Measures the inner loops of ingest and queries, and the machine itself.",
    .description =
        "Each kernel is run alone over data in memory that the simulated fleet makes; shown are "
        "the least and the median CPU time of several runs. Beside them stand the marks of the "
        "machine (memory, page cache, disk) and the stages of an ingest with the least that each "
        "could take. Files are made in a directory below TMPDIR, else /tmp, and removed.\n"
        "Figures mean something only on a machine that does nothing else.",
    .commands = &command,
    .command_count = 1,
};

/* The command line, read. */
struct request {
    struct kernels_config config;
    const char **names; /* owned; of config */
    bool list;
    bool as_json;
    const char *json_path;
};

static void release_request(struct request *request)
{
    mem_free(request->names);
}

static enum status read_names(const struct options *options, struct request *request,
                              struct error *err)
{
    size_t position = 0;
    size_t capacity = 0;
    const char *name = NULL;
    while ((name = options_next(options, "kernel", &position))) {
        if (!kernels_know(name))
            return error_set(err, STATUS_INPUT, "there is no kernel '%s': --list names them", name);
        if (mem_grow(&request->names, &capacity, request->config.name_count + 1,
                     sizeof *request->names) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for the names of kernels");
        request->names[request->config.name_count++] = name;
    }
    request->config.names = request->names;
    return STATUS_OK;
}

static enum status read_request(const struct options *options, struct request *request,
                                struct error *err)
{
    struct kernels_config *config = &request->config;
    uint64_t runs = KERNELS_RUNS_DEFAULT;
    config->messages = KERNELS_MESSAGES_DEFAULT;
    TRY(options_number(options, "messages", 1, KERNELS_MESSAGES_MAX, &config->messages, err));
    TRY(options_number(options, "runs", 1, KERNEL_RUNS_MAX, &runs, err));
    config->runs = (unsigned)runs;
    config->marks = !options_given(options, "no-marks");
    const char *dir = getenv("TMPDIR");
    config->dir = dir && dir[0] != '\0' ? dir : "/tmp";
    TRY(read_names(options, request, err));
    request->list = options_given(options, "list");
    request->json_path = options_text(options, "json");
    const char *format = options_text(options, "format");
    request->as_json = format && strcmp(format, "json") == 0;
    if (format && !request->as_json && strcmp(format, "table") != 0)
        return error_set(err, STATUS_INPUT, "--format is table or json, not '%s'", format);
    return STATUS_OK;
}

static void print_names(FILE *out)
{
    const char *name = NULL;
    for (size_t place = 0; (name = kernels_name(place)); place++)
        (void)fprintf(out, "%s\n", name);
}

static void close_file(FILE **file)
{
    if (*file)
        (void)fclose(*file);
    *file = NULL;
}

/* The file is opened before the work begins: it should not be lost to a wrong path. */
static enum status measure(const struct request *request, struct error *err)
{
    OWNED(close_file) FILE *json = NULL;
    if (request->json_path && !(json = fopen(request->json_path, "we")))
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", request->json_path);
    static struct kernels_report report; /* too large for comfort on the stack */
    TRY(kernels_run(&request->config, &report, err));
    if (request->as_json)
        TRY(kernels_print_json(&report, stdout, err));
    else
        kernels_print_table(&report, stdout);
    if (!json)
        return STATUS_OK;
    TRY(kernels_print_json(&report, json, err));
    FILE *closing = json;
    json = NULL;
    if (fclose(closing) != 0)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", request->json_path);
    return STATUS_OK;
}

static enum exit_code run(const struct request *request)
{
    struct error err = {0};
    const enum status status = measure(request, &err);
    if (signals_received() != 0)
        return (enum exit_code)((int)EXIT_CODE_SIGNAL + signals_received());
    return status == STATUS_OK ? EXIT_CODE_OK : message_failure(&err);
}

enum exit_code kernels_main(int argc, char **argv)
{
    OWNED(options_release) struct options options = {0};
    OWNED(release_request) struct request request = {0};
    enum exit_code code = EXIT_CODE_OK;
    if (options_begin(&options, &program, argc, argv, &code) != OPTIONS_RUN)
        return code; /* help and version have finished standard output */
    signals_install();
    struct error err = {0};
    if (read_request(&options, &request, &err) != STATUS_OK)
        code = options_usage_error(&options, "%s", err.message);
    else if (request.list)
        print_names(stdout);
    else
        code = run(&request);
    return message_stdout_finish(code);
}
