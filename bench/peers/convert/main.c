/*
 * main.c - mnsdb-peer-rows: a recorded set as CSV or line protocol, for databases that do not read
 * recorded sets themselves.
 */
#include "bench/peers/convert/convert.h"

#include "cli/exit_code.h"
#include "cli/message.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec output_options[] = {
    {"output", "DIR", "Directory that takes the files (default: .).", 'o', false},
    {"lines", NULL, "Line protocol, rows.lines, instead of readings.csv and status.csv.", 0, false},
};

static const struct option_group output_group = {"Output", output_options,
                                                 sizeof output_options / sizeof output_options[0]};
static const struct option_group *const groups[] = {&output_group, NULL};

static const struct command_spec command = {
    .operands = "FILE...",
    .groups = groups,
    .operands_min = 1,
    .operands_max = OPERANDS_ANY,
};

static const struct program_spec program = {
    .name = "mnsdb-peer-rows",
    .summary = "Writes the rows of recorded sets as text that other databases load.",
    .description = "Temperature and humidity and all status events are written, every delivery of "
                   "them: duplicates are for the database to find. What was written is told on "
                   "standard output as a JSON object.",
    .commands = &command,
    .command_count = 1,
};

static enum exit_code run_options(const struct options *options)
{
    struct error err = {0};
    struct convert_totals totals;
    const char *dir = options_text(options, "output");
    const enum row_format format =
        options_given(options, "lines") ? ROW_FORMAT_LINES : ROW_FORMAT_CSV;
    if (convert_run(options->operands, options->operand_count, dir ? dir : ".", format, &totals,
                    &err) != STATUS_OK)
        return message_failure(&err);
    (void)printf("{\"messages\":%llu,\"rejected\":%llu,\"readings\":%llu,\"status_events\":%llu,"
                 "\"first_ms\":%lld,\"last_ms\":%lld}\n",
                 (unsigned long long)totals.messages, (unsigned long long)totals.rejected,
                 (unsigned long long)totals.rows[TABLE_READINGS],
                 (unsigned long long)totals.rows[TABLE_STATUS], (long long)totals.first_ms,
                 (long long)totals.last_ms);
    return EXIT_CODE_OK;
}

int main(int argc, char **argv)
{
    OWNED(options_release) struct options options = {0};
    enum exit_code code = EXIT_CODE_OK;
    message_ignore_sigpipe();
    if (options_begin(&options, &program, argc, argv, &code) != OPTIONS_RUN)
        return (int)code;
    return (int)message_stdout_finish(run_options(&options));
}
