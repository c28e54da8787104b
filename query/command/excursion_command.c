/*
 * excursion_command.c - `mnsdb excursions METRIC... --above N`.
 */
#include "query/command/excursion_command.h"

#include "cli/quantity.h"
#include "engine/base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct option_spec limit_options[] = {
    {.name = "above",
     .argument = "NUMBER",
     .repeatable = true,
     .help = "Time in which a value above NUMBER held. Repeatable: --above 30 --above 35."},
    {.name = "below",
     .argument = "NUMBER",
     .repeatable = true,
     .help = "Time in which a value below NUMBER held. Repeatable."},
    {.name = "hold",
     .argument = "DURATION",
     .help = "A value holds no longer than 10m, 1h30m: then nothing is known until the next one. "
             "Default: until the device's next value."},
};

const struct option_group command_limits_group = {"Limits", limit_options, COUNT(limit_options)};

static enum status add_limits(const struct options *options, enum excursion_side side,
                              struct excursion_limits *limits, struct error *err)
{
    size_t position = 0;
    for (const char *text = NULL;
         (text = options_next(options, excursion_side_word(side), &position)) != NULL;)
        TRY(excursion_limits_add(limits, side, text, err));
    return STATUS_OK;
}

enum status command_limits(const struct options *options, struct excursion_limits *limits,
                           struct excursion_spec *spec, struct error *err)
{
    TRY(add_limits(options, EXCURSION_ABOVE, limits, err));
    TRY(add_limits(options, EXCURSION_BELOW, limits, err));
    spec->limits = limits;
    const char *hold = options_text(options, "hold");
    if (limits->count > 0 && options->operand_count == 0)
        return error_set(err, STATUS_INPUT,
                         "--above and --below want the metric they are about: "
                         "mnsdb %s temperature --above 30",
                         options->command->name);
    if (!hold)
        return STATUS_OK;
    if (limits->count == 0)
        return error_set(err, STATUS_INPUT, "--hold is about --above and --below: give one");
    if (duration_parse(hold, &spec->hold_ms, NULL) != STATUS_OK || spec->hold_ms == 0)
        return error_set(err, STATUS_INPUT, "--hold: '%s' is no time to hold: give 10m or 1h30m",
                         hold);
    spec->has_hold = true;
    return STATUS_OK;
}

static enum status query_excursions(struct command *command, struct answer *answer,
                                    struct error *err)
{
    OWNED(mem_free_owned) struct slice *names = NULL;
    struct excursion_limits limits = {0};
    struct excursion_spec spec = {.selection = &command->selection, .by = EXCURSION_BY_DEVICE};
    TRY(command_limits(command->options, &limits, &spec, err));
    if (limits.count == 0)
        return error_set(err, STATUS_INPUT,
                         "no limit: give --above or --below, as in "
                         "mnsdb excursions temperature --above 30");
    TRY(command_open(command, err));
    TRY(command_metric_names(command, &names, &spec.metric_count, err));
    spec.metrics = names;
    TRY(selection_sort(&command->selection, command->snapshot, err));
    return excursion_list_query(command->snapshot, &spec, answer, &command->statistics, err);
}

enum exit_code command_excursions(const struct options *options)
{
    return command_run(options, query_excursions);
}
