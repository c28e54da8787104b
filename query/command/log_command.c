/*
 * log_command.c - `mnsdb log`: collected and sorted, then written row by row.
 *
 * In its own order, and by time in either direction, the log is never in memory as a
 * whole. Any other --order-by needs it there.
 */
#include "query/command/command_internal.h"

#include "query/command/follow_command.h"
#include "query/log/log.h"

#include <stdio.h>
#include <string.h>

static void release_log(struct log **log)
{
    log_release(*log);
}

static bool orders_by_time(const struct command *command)
{
    const char *order = command->order_by;
    if (command->has_top)
        return false;
    return !order || strcmp(order, "time") == 0 || strcmp(order, "time:asc") == 0 ||
           strcmp(order, "time:desc") == 0;
}

static enum status stream(const struct command *command, const struct answer *columns,
                          struct log *log, struct error *err)
{
    OWNED(render_release) struct renderer renderer = {0};
    TRY(render_begin(&renderer, &command->render, columns->columns, columns->column_count, stdout));
    for (;;) {
        const struct answer_cell *cells = NULL;
        TRY(log_next(log, &cells, err));
        if (!cells)
            break;
        TRY(render_row(&renderer, cells));
    }
    command_note_no_rows(command, renderer.row_count);
    return render_end(&renderer);
}

static enum status fill(struct answer *answer, struct log *log, struct error *err)
{
    for (;;) {
        const struct answer_cell *cells = NULL;
        struct answer_cell *row = NULL;
        TRY(log_next(log, &cells, err));
        if (!cells)
            return STATUS_OK;
        TRY(answer_add_row(answer, &row, err));
        memcpy(row, cells, answer->column_count * sizeof *row);
    }
}

static enum status refuse_following(const struct options *options, struct error *err)
{
    static const char *const following[] = {"tail", "interval"};
    for (size_t i = 0; i < sizeof following / sizeof following[0]; i++) {
        if (options_given(options, following[i]))
            return error_set(err, STATUS_INPUT, "--%s is about --follow: give both", following[i]);
    }
    return STATUS_OK;
}

static enum status run_log(struct command *command, const struct options *options,
                           struct error *err)
{
    OWNED(answer_release) struct answer answer = {0};
    OWNED(release_log) struct log *log = NULL;
    TRY(refuse_following(options, err));
    TRY(command_begin(command, options, err));
    const bool by_time = orders_by_time(command);
    const struct log_spec spec = {
        .selection = &command->selection,
        .newest_first = by_time && command->order_by && strcmp(command->order_by, "time:desc") == 0,
        .has_limit = command->has_limit && by_time,
        .limit = command->limit,
    };
    TRY(log_collect(&log, command->snapshot, &spec, &command->statistics, err));
    TRY(log_add_columns(log, &answer, err));
    command_done_reading(command);
    if (by_time)
        return stream(command, &answer, log, err);
    TRY(fill(&answer, log, err));
    TRY(command_arrange(command, &answer, err));
    return command_print(command, &answer);
}

enum exit_code command_log(const struct options *options)
{
    if (options_given(options, "follow"))
        return command_log_follow(options);
    OWNED(command_end) struct command command = {0};
    struct error err = {0};
    const enum status status = run_log(&command, options, &err);
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}
