/*
 * online_command.c - `mnsdb online` and `mnsdb sessions`.
 */
#include "query/command/command_internal.h"

#include "cli/message.h"
#include "cli/quantity.h"
#include "query/command/comparison.h"
#include "query/command/picture.h"
#include "query/command/svg_command.h"
#include "query/online/online.h"
#include "query/reliability/reliability.h"

#include <stdio.h>

static const struct option_spec reliability_options[] = {
    {.name = "reliability",
     .help = "More fields: failures, mtbf_ms and mttr_ms (mean time between failures and to "
             "repair), repairs, flaps, the longest outage and its start."},
    {.name = "flap",
     .argument = "DURATION",
     .help = "With --reliability: an ended session shorter than 30s, 5m is a flap. Default: 1m."},
};

const struct option_group command_reliability_group = {
    "Reliability", reliability_options, sizeof reliability_options / sizeof reliability_options[0]};

/* With -v: which bounds stood in for missing ones. */
static void tell_bounds(const struct command *command)
{
    struct time_range range = {0};
    char text[CIVIL_RFC3339_BYTES];
    if (!selection_bounds(&command->selection, command->snapshot, &range))
        return;
    if (!command->selection.has_from) {
        (void)civil_format_rfc3339(&command->zone, range.from_ms, text);
        message_detail("no --from: the store's first time, %s", text);
    }
    if (!command->selection.has_until) {
        (void)civil_format_rfc3339(&command->zone, range.until_ms, text);
        message_detail("no --to: the store's last time, %s", text);
    }
}

static enum status prepare(struct command *command, struct online_spec *spec, struct error *err)
{
    spec->selection = &command->selection;
    spec->zone = &command->zone;
    TRY(command_rules(command->options, &spec->rules, err));
    TRY(command_open(command, err));
    tell_bounds(command);
    return selection_sort(&command->selection, command->snapshot, err);
}

static enum status read_reliability(const struct options *options, struct online_spec *spec,
                                    struct error *err)
{
    const char *flap = options_text(options, "flap");
    spec->reliability = options_given(options, "reliability");
    spec->flap_ms = RELIABILITY_FLAP_MS;
    if (flap && !spec->reliability)
        return error_set(err, STATUS_INPUT, "--flap is about --reliability: give both");
    if (flap && duration_parse(flap, &spec->flap_ms, NULL) != STATUS_OK)
        return error_set(err, STATUS_INPUT, "--flap: '%s' is no duration: give 30s or 5m", flap);
    return STATUS_OK;
}

struct online_question {
    struct command *command;
    const struct online_spec *spec;
};

static enum status run_question(void *context, const struct selection *selection,
                                struct answer *answer, struct error *err)
{
    const struct online_question *question = context;
    struct command *command = question->command;
    struct online_spec spec = *question->spec;
    spec.selection = selection;
    return online_query(command->snapshot, &spec, answer, &command->statistics, err);
}

/* The options of `online` alone; `width` is where the buckets' is kept. */
static enum status read_spec(const struct command *command, struct online_spec *spec,
                             struct bucket_width *width, struct error *err)
{
    static const char *const groups[] = {"device", "product", "none"};
    static const enum online_by by_of[] = {ONLINE_BY_DEVICE, ONLINE_BY_PRODUCT, ONLINE_BY_NONE};
    size_t group = 0;
    bool has_buckets = false;
    TRY(command_choice(command->options, "by", groups, 3, &group, err));
    TRY(command_every(command->options, width, &has_buckets, err));
    spec->by = by_of[group];
    spec->every = has_buckets ? width : NULL;
    TRY(read_reliability(command->options, spec, err));
    return comparison_check(command, spec->every, err);
}

/* In its own order the answer by device is never in memory as a whole. */
static bool may_stream(const struct command *command, const struct online_spec *spec)
{
    return spec->by == ONLINE_BY_DEVICE && !command->order_by && !command->has_top &&
           !options_given(command->options, "versus") && !options_given(command->options, "matrix");
}

static void free_rows(struct online_rows **rows)
{
    online_rows_free(*rows);
}

static enum status print_rows(const struct command *command, const struct answer *columns,
                              struct online_rows *rows, struct error *err)
{
    OWNED(render_release) struct renderer renderer = {0};
    TRY(render_begin(&renderer, &command->render, columns->columns, columns->column_count, stdout));
    while (!command->has_limit || renderer.row_count < command->limit) {
        const struct answer_cell *cells = NULL;
        TRY(online_rows_next(rows, &cells, err));
        if (!cells)
            break;
        TRY(render_row(&renderer, cells));
    }
    command_note_no_rows(command, renderer.row_count);
    return render_end(&renderer);
}

static enum status stream(struct command *command, const struct online_spec *spec,
                          struct answer *answer, struct error *err)
{
    OWNED(free_rows) struct online_rows *rows = NULL;
    TRY(online_rows_open(&rows, command->snapshot, spec, answer, &command->statistics, err));
    command_done_reading(command);
    return print_rows(command, answer, rows, err);
}

static enum status run_online(struct command *command, const struct options *options,
                              struct error *err)
{
    OWNED(answer_release) struct answer answer = {0};
    struct bucket_width width = {0};
    struct online_spec spec = {0};
    TRY(command_read_options(command, options, err));
    TRY(read_spec(command, &spec, &width, err));
    TRY(prepare(command, &spec, err));
    if (may_stream(command, &spec))
        return stream(command, &spec, &answer, err);
    struct online_question question = {.command = command, .spec = &spec};
    const struct comparison_query query = {.context = &question,
                                           .run = run_question,
                                           .has_name = spec.by != ONLINE_BY_NONE,
                                           .every = spec.every,
                                           .matrix_field = "availability"};
    TRY(comparison_run(command, &query, &answer, err));
    command_done_reading(command);
    TRY(command_arrange(command, &answer, err));
    return command_print(command, &answer);
}

static enum exit_code tell_online(const struct options *options)
{
    OWNED(command_end) struct command command = {0};
    struct error err = {0};
    const enum status status = run_online(&command, options, &err);
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}

enum exit_code command_online(const struct options *options)
{
    if (svg_is_wanted(options))
        return svg_of_online(options);
    return picture_is_wanted(options) ? picture_of_online(options) : tell_online(options);
}

static enum status query_sessions(struct command *command, struct answer *answer, struct error *err)
{
    struct online_spec spec = {0};
    TRY(prepare(command, &spec, err));
    return sessions_query(command->snapshot, &spec, answer, &command->statistics, err);
}

enum exit_code command_sessions(const struct options *options)
{
    if (svg_is_wanted(options))
        return svg_of_sessions(options);
    return picture_is_wanted(options) ? picture_of_sessions(options)
                                      : command_run(options, query_sessions);
}
