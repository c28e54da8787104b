/*
 * command_values.c - see command_values.h.
 *
 * A mistake in an expression is shown where it is, before it is told:
 *
 *        temperature < hot
 *                      ^~~
 *      mnsdb: --where: expected a number, found 'hot'
 */
#include "query/command/command_values.h"

#include "cli/escape.h"
#include "cli/message.h"
#include "cli/suggest.h"
#include "engine/base/mem.h"
#include "query/command/command.h"
#include "query/screen/screen.h"

#include <inttypes.h>
#include <string.h>

#define SHOWN_BEFORE_MAX 60u /* bytes of an expression shown before the place meant */
#define SHOWN_BYTES_MAX  100u
#define NEAR_NAMES_MAX   4096u /* metrics among which one like a mistyped name is looked for */

#define ALIAS_OPTIONS                                                                          \
    {.name = "alias",                                                                          \
     .argument = "NAME=OTHER,...",                                                             \
     .repeatable = true,                                                                       \
     .help = "Other names of a metric: temperature=temp,Temperature,t answers all of them as " \
             "temperature. Repeatable. 'mnsdb aliases' lists those of $MNSDB_ALIASES and of "  \
             "mnsdb/query.conf in ~/.config and /etc."},                                       \
    {                                                                                          \
        .name = "no-alias", .help = "No aliases but those given by --alias."                   \
    }

static const struct option_spec alias_options[] = {ALIAS_OPTIONS};

static const struct option_spec values_options[] = {
    {.name = "where",
     .argument = "EXPRESSION",
     .repeatable = true,
     .help = "Only readings whose values are so: 'temperature < 100', 'humidity between 0 and 100 "
             "and not door = 1', 'co2 is null'. A comparison of a metric that a reading does not "
             "have does not hold. Repeatable: all must hold."},
    ALIAS_OPTIONS,
};

const struct option_group command_values_group = {"Values", values_options,
                                                  sizeof values_options / sizeof values_options[0]};
const struct option_group command_alias_group = {"Names", alias_options,
                                                 sizeof alias_options / sizeof alias_options[0]};

/* --- reading ------------------------------------------------------------------------------- */

static bool takes_values(const struct options *options)
{
    const struct option_group *const *group = options->command->groups;
    while (group && *group && *group != &command_values_group && *group != &command_alias_group)
        group++;
    return group && *group;
}

static enum status read_aliases(struct command_values *values, const struct options *options,
                                struct error *err)
{
    static const struct alias_origin origin = {.source = "--alias"};
    size_t position = 0;
    for (const char *text = NULL; (text = options_next(options, "alias", &position)) != NULL;) {
        const enum status status = alias_list_add(&values->aliases, text, &origin, err);
        if (status == STATUS_INPUT)
            error_add_context(err, "--alias");
        TRY(status);
    }
    return options_given(options, "no-alias") ? STATUS_OK
                                              : alias_list_configure(&values->aliases, err);
}

/* The expression around a place, and a mark below it. */
static void show_place(const char *text, const struct filter_place *place)
{
    const size_t len = strlen(text);
    size_t begin = place->start > SHOWN_BEFORE_MAX ? place->start - SHOWN_BEFORE_MAX : 0;
    while (begin > 0 && begin < place->start && ((uint8_t)text[begin] & 0xc0) == 0x80)
        begin++; // not amidst a character
    const size_t before = place->start - begin;
    const size_t shown = len - begin < SHOWN_BYTES_MAX ? len - begin : SHOWN_BYTES_MAX;
    const size_t marked_most = shown > before ? shown - before : 0;
    const size_t marked = place->len < marked_most ? place->len : marked_most;
    char escaped[ESCAPE_BYTES(SHOWN_BYTES_MAX)];
    size_t used = escape_text(slice_of(text + begin, before), escaped, sizeof escaped);
    const size_t indent = screen_text_width(slice_of(escaped, used));
    used = escape_text(slice_of(text + place->start, marked), escaped, sizeof escaped);
    const size_t width = screen_text_width(slice_of(escaped, used));
    char tail[ESCAPE_BYTES(SHOWN_BYTES_MAX)];
    memset(tail, '~', sizeof tail);
    tail[width > 0 ? width - 1 : 0] = '\0';
    message_note("  %.*s", (int)shown, text + begin);
    message_note("  %*s^%s", (int)indent, "", tail);
}

static enum status read_expressions(struct command_values *values, const struct options *options,
                                    struct error *err)
{
    values->expressions = mem_alloc(options->value_count, sizeof *values->expressions);
    if (!values->expressions)
        return error_set(err, STATUS_NOMEM, "no memory for the options");
    size_t position = 0;
    for (const char *text = NULL; (text = options_next(options, "where", &position)) != NULL;) {
        struct filter_place place = {0};
        const enum status status = filter_add(&values->filter, text, &place, err);
        if (status == STATUS_INPUT) {
            show_place(text, &place);
            error_add_context(err, "--where");
        }
        TRY(status);
        values->expressions[values->expression_count++] = text;
    }
    return STATUS_OK;
}

/* The options once more, as a line for the shell has them. */
static enum status list_words(struct command_values *values, const struct options *options,
                              struct error *err)
{
    static const char *const names[] = {"where", "alias"};
    static const char *const given[] = {"--where", "--alias"};
    values->words = mem_alloc(2 * options->value_count + 1, sizeof *values->words);
    if (!values->words)
        return error_set(err, STATUS_NOMEM, "no memory for the options");
    for (size_t i = 0; i < 2; i++) {
        size_t position = 0;
        for (const char *text = NULL;
             (text = options_next(options, names[i], &position)) != NULL;) {
            values->words[values->word_count++] = given[i];
            values->words[values->word_count++] = text;
        }
    }
    if (options_given(options, "no-alias"))
        values->words[values->word_count++] = "--no-alias";
    return STATUS_OK;
}

enum status command_values_read(struct command_values *values, const struct options *options,
                                struct error *err)
{
    if (!takes_values(options))
        return STATUS_OK;
    TRY(read_aliases(values, options, err));
    TRY(read_expressions(values, options, err));
    TRY(list_words(values, options, err));
    values->has_view = values->aliases.count > 0 || values->filter.step_count > 0;
    return STATUS_OK;
}

/* --- the store ----------------------------------------------------------------------------- */

/* The answered name nearest to one that the store never saw, or NULL. */
static const char *nearest_name(const struct view *view, struct slice typed, struct arena *arena)
{
    const uint32_t known = snapshot_metric_count(view->snapshot);
    const uint32_t most = known < NEAR_NAMES_MAX ? known : NEAR_NAMES_MAX;
    const char **names = arena_alloc(arena, most * sizeof *names);
    char *word = arena_alloc(arena, typed.len + 1);
    if (!names || !word)
        return NULL;
    size_t count = 0;
    for (uint32_t metric = 0; metric < most; metric++) {
        const struct slice name = view_metric_name(view, view->snapshot, metric);
        char *copy = arena_alloc(arena, name.len + 1);
        if (!copy)
            return NULL;
        memcpy(copy, name.len > 0 ? name.data : (const uint8_t *)"", name.len);
        copy[name.len] = '\0';
        names[count++] = copy;
    }
    memcpy(word, typed.data, typed.len);
    word[typed.len] = '\0';
    return suggest_word(word, names, count);
}

static void warn_of_unseen(const struct command_values *values, const struct view *view,
                           const struct filter_metric *metric)
{
    OWNED(arena_release) struct arena arena = {0};
    const struct filter_place place = {.start = metric->start, .len = metric->len};
    const char *nearest = nearest_name(view, metric->name, &arena);
    show_place(values->expressions[metric->expression], &place);
    if (nearest)
        message_warning("--where: the store never saw a metric '%.*s'; did you mean '%s'?",
                        (int)metric->name.len, (const char *)metric->name.data, nearest);
    else
        message_warning("--where: the store never saw a metric '%.*s'", (int)metric->name.len,
                        (const char *)metric->name.data);
}

void command_values_warn(const struct command_values *values, const struct view *view)
{
    for (size_t i = 0; i < values->filter.metric_count; i++) {
        if (view->filter_metrics[i] == VIEW_NO_METRIC)
            warn_of_unseen(values, view, &values->filter.metrics[i]);
    }
}

enum status command_values_open(struct command_values *values, struct snapshot *snapshot,
                                struct error *err)
{
    if (!values->has_view)
        return STATUS_OK;
    TRY(view_init(&values->view, snapshot, &values->aliases, &values->filter, err));
    command_values_warn(values, &values->view);
    return STATUS_OK;
}

enum status command_values_again(struct command_values *values, struct selection *selection,
                                 struct error *err)
{
    selection->view = values->has_view ? &values->view : NULL;
    return values->has_view ? view_refresh(&values->view, err) : STATUS_OK;
}

void command_values_release(struct command_values *values)
{
    view_release(&values->view);
    filter_release(&values->filter);
    alias_list_release(&values->aliases);
    mem_free(values->expressions);
    mem_free(values->words);
    *values = (struct command_values){0};
}

void command_values_explain(const struct command_values *values)
{
    if (view_filters(&values->view))
        command_values_explain_view(&values->view.statistics);
}

void command_values_explain_view(const struct view_statistics *done)
{
    message_note("where: summaries in which no row counts %" PRIu64 ", in which all do %" PRIu64
                 "; rows judged %" PRIu64 ", counted %" PRIu64,
                 done->summaries_none, done->summaries_all, done->rows_judged, done->rows_kept);
}
