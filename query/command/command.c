/*
 * command.c - the shared way of a command from its options to its output.
 *
 * Options are read, and mistakes in them reported, before the store is opened.
 */
#include "query/command/command_internal.h"

#include "cli/clock.h"
#include "cli/human.h"
#include "cli/message.h"
#include "cli/store_dir.h"
#include "cli/suggest.h"
#include "engine/base/mem.h"
#include "query/time_expression/time_expression.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ZONE_ENVIRONMENT "MNSDB_TZ"
#define ORDER_BYTES      1024u
#define WORDS_BYTES      256u
#define NS_PER_MS        INT64_C(1000000)

/* --- options ------------------------------------------------------------------------------- */

enum status command_choice(const struct options *options, const char *name,
                           const char *const *words, size_t word_count, size_t *choice,
                           struct error *err)
{
    const char *text = options_text(options, name);
    if (!text)
        return STATUS_OK;
    char list[WORDS_BYTES] = "";
    size_t used = 0;
    for (size_t i = 0; i < word_count; i++) {
        if (strcmp(words[i], text) == 0) {
            *choice = i;
            return STATUS_OK;
        }
        const int len =
            snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", words[i]);
        used += len > 0 && (size_t)len < sizeof list - used ? (size_t)len : 0;
    }
    const char *near = suggest_word(text, words, word_count);
    if (near)
        return error_set(err, STATUS_INPUT, "--%s: unknown '%s'; did you mean '%s'?", name, text,
                         near);
    return error_set(err, STATUS_INPUT, "--%s: unknown '%s': there are %s", name, text, list);
}

static enum status read_zone(struct command *command, struct error *err)
{
    const char *given = options_text(command->options, "tz");
    const char *environment = getenv(ZONE_ENVIRONMENT);
    if (given) {
        if (civil_zone_open(&command->zone, given, err) != STATUS_OK) {
            error_add_context(err, "--tz");
            return STATUS_INPUT;
        }
        return STATUS_OK;
    }
    if (!environment || environment[0] == '\0')
        return civil_zone_open(&command->zone, "UTC", err);
    const enum status status = civil_zone_open(&command->zone, environment, err);
    if (status != STATUS_OK)
        error_add_context(err, "$" ZONE_ENVIRONMENT);
    return status;
}

static bool wants_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (!no_color || no_color[0] == '\0') &&
           !(term && strcmp(term, "dumb") == 0);
}

static enum status read_top(struct command *command, struct error *err)
{
    const struct options *options = command->options;
    const bool top = options_given(options, "top");
    command->bottom = options_given(options, "bottom");
    command->has_top = top || command->bottom;
    if (top && command->bottom)
        return error_set(err, STATUS_INPUT, "--top and --bottom contradict each other: give one");
    if (command->has_top && command->has_limit)
        return error_set(err, STATUS_INPUT, "--%s says how many rows: leave out --limit",
                         top ? "top" : "bottom");
    return options_number(options, top ? "top" : "bottom", 0, UINT64_MAX, &command->top, err);
}

static enum status read_output(struct command *command, struct error *err)
{
    static const char *const formats[] = {"table", "csv", "tsv", "json", "ndjson", "md"};
    const struct options *options = command->options;
    size_t format = isatty(STDOUT_FILENO) ? 0 : 2;
    TRY(command_choice(options, "format", formats, sizeof formats / sizeof formats[0], &format,
                       err));
    const bool known = render_format_find(formats[format], &command->render.format);
    assert(known);
    (void)known;
    command->render.zone = &command->zone;
    command->render.no_header = options_given(options, "no-header");
    command->render.colours = wants_colours();
    command->render.terminal = isatty(STDOUT_FILENO);
    command->order_by = options_text(options, "order-by");
    command->has_limit = options_given(options, "limit");
    TRY(options_number(options, "limit", 0, UINT64_MAX, &command->limit, err));
    return read_top(command, err);
}

static enum status read_bound(const struct command *command, const char *name, bool *has,
                              int64_t *time_ms, struct error *err)
{
    const char *text = options_text(command->options, name);
    if (!text)
        return STATUS_OK;
    const struct time_context context = {.zone = &command->zone, .now_ms = clock_utc_ms()};
    *has = true;
    const enum status status = time_expression_parse(text, &context, time_ms, err);
    if (status != STATUS_OK)
        error_add_context(err, "--%s", name);
    return status;
}

static size_t take_globs(const struct options *options, const char *name, const char **globs)
{
    size_t count = 0;
    size_t position = 0;
    for (const char *text = NULL; (text = options_next(options, name, &position)) != NULL;)
        globs[count++] = text;
    return count;
}

static enum status read_selection(struct command *command, struct error *err)
{
    struct selection_spec *spec = &command->spec;
    TRY(read_bound(command, "from", &spec->has_from, &spec->from_ms, err));
    TRY(read_bound(command, "to", &spec->has_until, &spec->until_ms, err));
    if (spec->has_from && spec->has_until && spec->from_ms > spec->until_ms)
        return error_set(err, STATUS_INPUT, "--from lies after --to");
    command->globs = mem_alloc(command->options->value_count, sizeof *command->globs);
    if (!command->globs)
        return error_set(err, STATUS_NOMEM, "no memory for the options");
    spec->device_globs = command->globs;
    spec->device_glob_count = take_globs(command->options, "device", command->globs);
    spec->product_globs = command->globs + spec->device_glob_count;
    spec->product_glob_count =
        take_globs(command->options, "product", command->globs + spec->device_glob_count);
    return STATUS_OK;
}

enum status command_read_options(struct command *command, const struct options *options,
                                 struct error *err)
{
    *command = (struct command){.options = options, .begun_ns = clock_ns(CLOCK_MONOTONIC)};
    TRY(read_zone(command, err));
    TRY(read_output(command, err));
    TRY(read_selection(command, err));
    return command_values_read(&command->values, options, err);
}

/* --- begin and end ------------------------------------------------------------------------- */

enum status command_begin(struct command *command, const struct options *options, struct error *err)
{
    TRY(command_read_options(command, options, err));
    return command_open(command, err);
}

enum status command_open(struct command *command, struct error *err)
{
    const char *dir = store_dir_choose(command->options);
    const enum status opened = snapshot_open(&command->snapshot, dir, err);
    if (opened == STATUS_MISSING)
        return error_set(err, opened,
                         "there is no store %s: name one with --db or $" STORE_DIR_ENVIRONMENT
                         ", or make it: mnsdb-ingest --db %s FILE",
                         dir, dir);
    TRY(opened);
    TRY(selection_init(&command->selection, command->snapshot, &command->spec, err));
    TRY(command_values_open(&command->values, command->snapshot, err));
    command->selection.view = command->values.has_view ? &command->values.view : NULL;
    const bool has_globs = command->spec.device_glob_count + command->spec.product_glob_count > 0;
    if (has_globs && command->selection.device_count == 0)
        command_warn_no_device(command);
    return STATUS_OK;
}

void command_end(struct command *command)
{
    selection_release(&command->selection);
    command_values_release(&command->values);
    snapshot_close(command->snapshot);
    mem_free(command->globs);
    *command = (struct command){0};
}

enum exit_code command_failure(const struct options *options, const struct error *err,
                               enum status status)
{
    if (status == STATUS_STOPPED)
        return EXIT_CODE_OK; // the end of main looks at stdout
    if (status == STATUS_INPUT)
        return options_usage_error(options, "%s", err->message);
    if (err->message[0] != '\0')
        return message_failure(err);
    message_error("%s", status_text(status));
    return exit_code_of(status);
}

static void explain(const struct command *command)
{
    const struct scan_statistics *done = &command->statistics;
    const int64_t took_ns = clock_ns(CLOCK_MONOTONIC) - command->begun_ns;
    message_note("parts: %" PRIu64 ", read %" PRIu64 ", answered from totals %" PRIu64,
                 done->parts_total, done->parts_read, done->parts_from_totals);
    message_note("blocks: answered from summaries %" PRIu64 ", decoded %" PRIu64 " (%" PRIu64
                 " rows)",
                 done->blocks_from_summary, done->blocks_read, done->rows_decoded);
    command_values_explain(&command->values);
    message_note("log: %" PRIu64 " commits (%" PRIu64 " rows)", done->log_records, done->log_rows);
    message_note("time: %.3f ms", (double)took_ns / (double)NS_PER_MS);
}

void command_done_reading(struct command *command)
{
    snapshot_pause(command->snapshot);
    if (options_given(command->options, "explain"))
        explain(command);
}

/* --- arranging and printing ---------------------------------------------------------------- */

static bool ends_with(const char *text, const char *ending, size_t *head_len)
{
    const size_t len = strlen(text);
    const size_t ending_len = strlen(ending);
    if (len < ending_len || strcmp(text + len - ending_len, ending) != 0)
        return false;
    *head_len = len - ending_len;
    return true;
}

static enum status unknown_field(const struct command *command, const struct answer *answer,
                                 struct error *err)
{
    char list[ORDER_BYTES] = "";
    size_t used = 0;
    const size_t typed_len = strcspn(command->order_by, ":");
    struct suggestion near = {.typed = slice_of(command->order_by, typed_len)};
    for (size_t i = 0; i < answer->column_count; i++)
        suggestion_offer(&near, answer->columns[i].name);
    if (near.nearest.data)
        return error_set(err, STATUS_INPUT, "--order-by: no field '%s'; did you mean '%.*s'?",
                         command->order_by, (int)near.nearest.len, (const char *)near.nearest.data);
    for (size_t i = 0; i < answer->column_count && used + 64 < sizeof list; i++) {
        const struct slice name = answer->columns[i].name;
        const int len = snprintf(list + used, sizeof list - used, "%s%.*s", i > 0 ? ", " : "",
                                 name.len < 256 ? (int)name.len : 256, (const char *)name.data);
        used += len > 0 && (size_t)len < sizeof list - used ? (size_t)len : 0;
    }
    return error_set(err, STATUS_INPUT, "--order-by: no field '%s': there are %.300s",
                     command->order_by, list);
}

enum status command_order(const struct command *command, const struct answer *answer,
                          size_t *column, bool *descending, struct error *err)
{
    const char *text = command->order_by;
    size_t len = strlen(text);
    *descending = false;
    // A metric's name may end in ":desc": the whole text is tried first.
    *column = answer_find_column(answer, slice_of(text, len));
    if (*column == SIZE_MAX && (ends_with(text, ":desc", &len) || ends_with(text, ":asc", &len))) {
        *descending = text[len + 1] == 'd';
        *column = answer_find_column(answer, slice_of(text, len));
    }
    return *column == SIZE_MAX ? unknown_field(command, answer, err) : STATUS_OK;
}

static bool is_figure(const struct answer_column *column)
{
    return column->kind == CELL_NUMBER || column->kind == CELL_COUNT ||
           column->kind == CELL_DURATION;
}

static enum status arrange_top(const struct command *command, struct answer *answer,
                               struct error *err)
{
    const char *word = command->bottom ? "bottom" : "top";
    size_t column = 0;
    if (command->order_by) {
        bool descending = false;
        TRY(command_order(command, answer, &column, &descending, err));
        if (answer->columns[column].name.len != strlen(command->order_by))
            return error_set(err, STATUS_INPUT,
                             "--%s decides the direction: give --order-by the field alone", word);
    } else {
        while (column < answer->column_count && !is_figure(&answer->columns[column]))
            column++;
        // A matrix without buckets has no figure, and nothing to put in order.
        if (column == answer->column_count && answer_shown_count(answer) == 0 &&
            options_given(command->options, "matrix"))
            return STATUS_OK;
        if (column == answer->column_count)
            return error_set(err, STATUS_INPUT,
                             "--%s: no figure in the answer: name a field with --order-by", word);
    }
    TRY(answer_sort(answer, column, !command->bottom, err));
    answer_limit(answer, command->top);
    return STATUS_OK;
}

enum status command_arrange(const struct command *command, struct answer *answer, struct error *err)
{
    if (command->has_top)
        return arrange_top(command, answer, err);
    if (command->order_by) {
        size_t column = 0;
        bool descending = false;
        TRY(command_order(command, answer, &column, &descending, err));
        TRY(answer_sort(answer, column, descending, err));
    }
    if (command->has_limit)
        answer_limit(answer, command->limit);
    return STATUS_OK;
}

void command_note_no_rows(const struct command *command, uint64_t row_count)
{
    if (row_count == 0 && command->render.format == RENDER_TABLE)
        message_note("no rows");
}

enum status command_print(const struct command *command, const struct answer *answer)
{
    command_note_no_rows(command, answer_shown_count(answer));
    return render_answer(&command->render, answer, stdout);
}

static enum status run(struct command *command, const struct options *options,
                       enum status (*query)(struct command *, struct answer *, struct error *),
                       struct error *err)
{
    OWNED(answer_release) struct answer answer = {0};
    TRY(command_read_options(command, options, err));
    TRY(query(command, &answer, err));
    command_done_reading(command);
    TRY(command_arrange(command, &answer, err));
    return command_print(command, &answer);
}

enum exit_code command_run(const struct options *options,
                           enum status (*query)(struct command *command, struct answer *answer,
                                                struct error *err))
{
    OWNED(command_end) struct command command = {0};
    struct error err = {0};
    const enum status status = run(&command, options, query, &err);
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}

/* --- options of several commands ----------------------------------------------------------- */

enum status command_every(const struct options *options, struct bucket_width *width, bool *given,
                          struct error *err)
{
    const char *text = options_text(options, "every");
    *given = text != NULL;
    if (!text)
        return STATUS_OK;
    const enum status status = bucket_width_parse(text, width, err);
    if (status != STATUS_OK)
        error_add_context(err, "--every");
    return status;
}

enum status command_rules(const struct options *options, struct timeline_rules *rules,
                          struct error *err)
{
    static const char *const ends[] = {"time", "last-contact"};
    size_t end = 0;
    TRY(command_choice(options, "offline-at", ends, 2, &end, err));
    *rules = (struct timeline_rules){.keep_stale = options_given(options, "keep-stale"),
                                     .end_at_last_contact = end == 1};
    return STATUS_OK;
}

enum status command_metric_names(const struct command *command, struct slice **names, size_t *count,
                                 struct error *err)
{
    const struct options *options = command->options;
    *count = options->operand_count;
    *names = mem_alloc(*count, sizeof **names);
    if (!*names)
        return error_set(err, STATUS_NOMEM, "no memory for the names of metrics");
    for (size_t i = 0; i < *count; i++) {
        uint32_t metric = 0;
        (*names)[i] = slice_of_text(options->operands[i]);
        if ((*names)[i].len > NAME_BYTES_MAX)
            return error_set(err, STATUS_INPUT, "a metric's name has at most %u bytes",
                             NAME_BYTES_MAX);
        if (!view_find_metric(command->selection.view, command->snapshot, (*names)[i], &metric))
            command_warn_unseen_metric(command, options->operands[i]);
    }
    return STATUS_OK;
}
