/*
 * follow_command.c - `mnsdb log --follow`: what is there, then what comes, until stopped.
 *
 *      begin ──▶ the tail ──▶ (wait ──▶ look ──▶ rows out)* ──▶ a signal, or nobody reads
 *
 * Rows are collected, the snapshot is paused, and only then are they written. Columns of metrics
 * are settled when the first row is to be written; later ones get a column in NDJSON alone, whose
 * lines stand each for itself.
 */
#include "query/command/command_internal.h"

#include "cli/message.h"
#include "cli/quantity.h"
#include "cli/signals.h"
#include "cli/store_dir.h"
#include "engine/base/mem.h"
#include "query/command/follow_command.h"
#include "query/command/store_place.h"
#include "query/follow/follow.h"
#include "query/follow/line_output.h"
#include "query/listing/listing.h"
#include "query/log/log.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAIL_ROWS           10u
#define INTERVAL_DEFAULT_MS 500
#define INTERVAL_LEAST_MS   50
#define INTERVAL_MOST_MS    3600000

static const struct option_spec follow_options[] = {
    {.name = "follow",
     .letter = 'f',
     .help = "Print the newest rows, then every row that is stored, as commits arrive, until "
             "stopped. New rows come in order of arrival (message ids), not of time. Formats: "
             "table, tsv, csv, md, ndjson."},
    {.name = "tail",
     .argument = "N",
     .help = "With --follow: begin with the newest N rows. Default: 10, or all with --from."},
    {.name = "interval",
     .argument = "TIME",
     .help = "With --follow: look for new rows every TIME, 50ms to 1h. Default: 500ms."},
};

const struct option_group command_follow_group = {"Following", follow_options,
                                                  sizeof follow_options / sizeof follow_options[0]};

struct following {
    struct command *command;
    struct store_place place;
    struct follow *follow;
    struct line_output output;
    uint32_t tail;
    int interval_ms;
    uint32_t *metrics; /* owned; of the columns, in their order */
    uint32_t metric_count;
    bool settled; /* the columns are, and `renderer` has begun */
    bool *told;   /* owned; by metric: it was warned about */
    uint32_t told_count;
    struct answer columns;
    struct renderer renderer;
};

static void release(struct following *following)
{
    follow_free(following->follow);
    render_release(&following->renderer);
    answer_release(&following->columns);
    line_output_close(&following->output);
    mem_free(following->metrics);
    mem_free(following->told);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the log");
}

/* --- options ------------------------------------------------------------------------------- */

static enum status read_interval(const struct options *options, int *interval_ms, struct error *err)
{
    const char *text = options_text(options, "interval");
    int64_t duration_ms = INTERVAL_DEFAULT_MS;
    if (text && duration_parse(text, &duration_ms, err) != STATUS_OK) {
        error_add_context(err, "--interval");
        return STATUS_INPUT;
    }
    if (duration_ms < INTERVAL_LEAST_MS || duration_ms > INTERVAL_MOST_MS)
        return error_set(err, STATUS_INPUT, "--interval: 50ms to 1h");
    *interval_ms = (int)duration_ms;
    return STATUS_OK;
}

static enum status refuse(const struct options *options, const char *name, const char *instead,
                          struct error *err)
{
    if (!options_given(options, name))
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "--%s has no place beside --follow%s", name, instead);
}

static enum status read_options(struct following *following, const struct options *options,
                                struct error *err)
{
    struct command *command = following->command;
    TRY(command_read_options(command, options, err));
    TRY(refuse(options, "to", ", which has no end", err));
    TRY(refuse(options, "order-by", ": rows come in order of arrival", err));
    TRY(refuse(options, "limit", ": --tail N says how many rows it begins with", err));
    TRY(refuse(options, "top", ": rows come in order of arrival", err));
    TRY(refuse(options, "bottom", ": rows come in order of arrival", err));
    if (command->render.format == RENDER_JSON)
        return error_set(err, STATUS_INPUT,
                         "--format json is one array, which --follow never ends: use ndjson");
    uint64_t tail = TAIL_ROWS;
    TRY(options_number(options, "tail", 0, FOLLOW_TAIL_MAX, &tail, err));
    const bool everything = command->spec.has_from && !options_given(options, "tail");
    following->tail = everything ? 0 : (uint32_t)tail;
    command->render.growing = true;
    return read_interval(options, &following->interval_ms, err);
}

/* --- columns ------------------------------------------------------------------------------- */

static enum status begin_rendering(struct following *following, struct error *err)
{
    struct answer *columns = &following->columns;
    const struct command *command = following->command;
    render_release(&following->renderer);
    answer_release(columns);
    TRY(log_add_fixed_columns(columns, err));
    for (uint32_t i = 0; i < following->metric_count; i++)
        TRY(answer_add_column(
            columns,
            view_metric_name(command->selection.view, command->snapshot, following->metrics[i]),
            CELL_NUMBER, err));
    following->settled = true;
    return render_begin(&following->renderer, &following->command->render, columns->columns,
                        columns->column_count, following->output.out);
}

static bool has_column(const struct following *following, uint32_t metric)
{
    for (uint32_t i = 0; i < following->metric_count; i++) {
        if (following->metrics[i] == metric)
            return true;
    }
    return false;
}

static int compare_metrics(const void *left, const void *right, void *context)
{
    const struct command *command = context;
    const struct view *view = command->selection.view;
    return slice_compare(view_metric_name(view, command->snapshot, *(const uint32_t *)left),
                         view_metric_name(view, command->snapshot, *(const uint32_t *)right));
}

static enum status add_metric(struct following *following, uint32_t metric, struct error *err)
{
    uint32_t *grown = mem_resize(following->metrics, (size_t)following->metric_count + 1,
                                 sizeof *following->metrics);
    if (!grown)
        return no_memory(err);
    following->metrics = grown;
    grown[following->metric_count++] = metric;
    qsort_r(grown, following->metric_count, sizeof *grown, compare_metrics, following->command);
    return STATUS_OK;
}

/* The metrics that the selected devices have at any time. */
static enum status settle_columns(struct following *following, struct error *err)
{
    struct command *command = following->command;
    OWNED(answer_release) struct answer answer = {0};
    struct selection whole = command->selection; // borrows its arrays
    whole.from_ms = TIME_MS_MIN;
    whole.has_from = false;
    TRY(metrics_query(command->snapshot, &whole, &answer, &command->statistics, err));
    for (size_t i = 0; i < answer.row_count; i++) {
        uint32_t metric = 0;
        if (view_find_metric(command->selection.view, command->snapshot,
                             cell_text(answer_cells(&answer, i)), &metric))
            TRY(add_metric(following, metric, err));
    }
    return begin_rendering(following, err);
}

static enum status warn_once(struct following *following, uint32_t metric, struct error *err)
{
    const uint32_t count = snapshot_metric_count(following->command->snapshot);
    if (following->told_count < count) {
        bool *grown = mem_resize(following->told, count, sizeof *grown);
        if (!grown)
            return no_memory(err);
        memset(grown + following->told_count, 0, count - following->told_count);
        following->told = grown;
        following->told_count = count;
    }
    if (following->told[metric])
        return STATUS_OK;
    following->told[metric] = true;
    const struct slice name =
        view_metric_name(following->command->selection.view, following->command->snapshot, metric);
    message_warning("a new metric has no column here: '%.*s'; begin again, or use --format ndjson",
                    (int)name.len, (const char *)name.data);
    return STATUS_OK;
}

/* Metrics that no row had when the columns were settled. */
static enum status meet_new_metrics(struct following *following, const struct log *log,
                                    struct error *err)
{
    const uint32_t count = snapshot_metric_count(following->command->snapshot);
    const bool grows = following->command->render.format == RENDER_NDJSON;
    bool grown = false;
    for (uint32_t metric = 0; metric < count; metric++) {
        if (!log_has_metric(log, metric) || has_column(following, metric))
            continue;
        TRY(grows ? add_metric(following, metric, err) : warn_once(following, metric, err));
        grown = grows;
    }
    return grown ? begin_rendering(following, err) : STATUS_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

/* Settles columns while the snapshot reads; then it is paused and rows go out, but the first
   `skipped`. */
static enum status write_rows(struct following *following, struct log *log, uint64_t skipped,
                              struct error *err)
{
    if (log_row_count(log) > 0) {
        TRY(following->settled ? STATUS_OK : settle_columns(following, err));
        TRY(meet_new_metrics(following, log, err));
        TRY(log_place_columns(log, following->metrics, following->metric_count, err));
    }
    snapshot_pause(following->command->snapshot);
    if (log_row_count(log) == 0)
        return STATUS_OK;
    for (uint64_t row = 0;; row++) {
        const struct answer_cell *cells = NULL;
        TRY(log_next(log, &cells, err));
        if (!cells)
            break;
        if (row >= skipped)
            TRY(render_row(&following->renderer, cells));
    }
    TRY(render_flush(&following->renderer));
    return fflush(following->output.out) == 0 ? STATUS_OK : STATUS_STOPPED;
}

static void release_log(struct log **log)
{
    log_release(*log);
}

static enum status write_tail(struct following *following, int64_t tail_from_ms, struct error *err)
{
    struct command *command = following->command;
    OWNED(release_log) struct log *log = NULL;
    struct selection newest = command->selection; // borrows its arrays
    const bool everything =
        following->tail == 0 && newest.has_from && !options_given(command->options, "tail");
    if (!everything)
        newest.from_ms = tail_from_ms;
    const struct log_spec spec = {.selection = &newest};
    TRY(log_collect(&log, command->snapshot, &spec, &command->statistics, err));
    const uint64_t count = log_row_count(log);
    const uint64_t skipped = !everything && count > following->tail ? count - following->tail : 0;
    return write_rows(following, log, skipped, err);
}

/* The devices that match now. */
static enum status select_again(struct command *command, struct error *err)
{
    selection_release(&command->selection);
    TRY(selection_init(&command->selection, command->snapshot, &command->spec, err));
    return command_values_again(&command->values, &command->selection, err);
}

static enum status look(struct following *following, struct error *err)
{
    struct command *command = following->command;
    OWNED(release_log) struct log *log = NULL;
    TRY(store_place_check(&following->place, err));
    TRY(snapshot_resume(command->snapshot, err));
    if (!follow_changed(following->follow, command->snapshot)) {
        snapshot_pause(command->snapshot);
        return STATUS_OK;
    }
    TRY(select_again(command, err));
    TRY(follow_look(following->follow, command->snapshot, &command->selection, &log,
                    &command->statistics, err));
    return write_rows(following, log, 0, err);
}

static enum status follow_on(struct following *following, const struct options *options,
                             struct error *err)
{
    struct command *command = following->command;
    TRY(read_options(following, options, err));
    TRY(command_open(command, err));
    TRY(store_place_note(&following->place, store_dir_choose(options), err));
    signals_install();
    TRY(line_output_open(&following->output, STDOUT_FILENO, err));
    if (follow_new(&following->follow) != STATUS_OK)
        return no_memory(err);
    TRY(follow_begin(following->follow, command->snapshot, &command->selection, following->tail,
                     &command->statistics, err));
    TRY(write_tail(following, follow_tail_from_ms(following->follow), err));
    while (line_output_wait(&following->output, following->interval_ms) == LINE_WAIT_OVER)
        TRY(look(following, err));
    return STATUS_OK;
}

enum exit_code command_log_follow(const struct options *options)
{
    OWNED(command_end) struct command command = {0};
    OWNED(release) struct following following = {.command = &command};
    struct error err = {0};
    const enum status status = follow_on(&following, options, &err);
    const int failure = following.output.failure;
    if (signals_received() != 0)
        return (enum exit_code)((int)EXIT_CODE_SIGNAL + signals_received());
    if (status == STATUS_OK || (status == STATUS_STOPPED && (failure == 0 || failure == EPIPE)))
        return EXIT_CODE_OK;
    if (status != STATUS_STOPPED)
        return command_failure(options, &err, status);
    message_error("cannot write to standard output: %s", strerror(failure));
    return EXIT_CODE_PROBLEM;
}
