/*
 * gaps_command.c - `mnsdb gaps [METRIC...]`.
 */
#include "query/command/command_internal.h"

#include "cli/quantity.h"
#include "engine/base/mem.h"
#include "query/gaps/gaps.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct option_spec gaps_options[] = {
    {.name = "longer-than",
     .argument = "DUR",
     .help = "A gap is longer than DUR: 90s, 5m, 1h30m, 2d. Default: --factor times the device's "
             "usual interval."},
    {.name = "factor",
     .argument = "K",
     .help = "A gap is longer than K usual intervals of the device, 0.001 to 1000000: 2.5 for "
             "stricter ones. Default: 3."},
    {.name = "list", .help = "A row for each gap, with its start and end."},
};
const struct option_group command_gaps_group = {"Gaps", gaps_options, COUNT(gaps_options)};

static enum status read_gap_options(const struct options *options, struct gaps_spec *spec,
                                    struct error *err)
{
    const char *longer_than = options_text(options, "longer-than");
    const char *factor = options_text(options, "factor");
    if (longer_than && factor)
        return error_set(err, STATUS_INPUT, "give --longer-than or --factor, not both");
    if (longer_than) {
        if (duration_parse(longer_than, &spec->longer_than_ms, err) != STATUS_OK) {
            error_add_context(err, "--longer-than");
            return STATUS_INPUT;
        }
        if (spec->longer_than_ms == 0)
            return error_set(err, STATUS_INPUT, "--longer-than takes at least 1ms");
    }
    uint64_t milli = 0;
    if (factor) {
        TRY(command_factor(factor, "factor", 1, GAPS_FACTOR_MILLI_MAX, &milli, err));
        spec->factor_milli = (uint32_t)milli;
    }
    return STATUS_OK;
}

static enum status query_gaps(struct command *command, struct answer *answer, struct error *err)
{
    OWNED(mem_free_owned) struct slice *names = NULL;
    OWNED(gaps_release) struct gaps gaps = {0};
    struct gaps_spec spec = {.selection = &command->selection};
    TRY(read_gap_options(command->options, &spec, err));
    TRY(command_open(command, err));
    TRY(selection_sort(&command->selection, command->snapshot, err));
    TRY(command_metric_names(command, &names, &spec.metric_count, err));
    spec.metrics = names;
    TRY(gaps_query(command->snapshot, &spec, &gaps, &command->statistics, err));
    if (!options_given(command->options, "list"))
        return gaps_answer(command->snapshot, &gaps, answer, err);
    TRY(gaps_list(command->snapshot, &spec, &gaps, &command->statistics, err));
    return gaps_list_answer(command->snapshot, &gaps, answer, err);
}

enum exit_code command_gaps(const struct options *options)
{
    return command_run(options, query_gaps);
}
