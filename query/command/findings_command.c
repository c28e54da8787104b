/*
 * findings_command.c - `mnsdb check`: what looks wrong in the data.
 */
#include "query/command/findings_command.h"

#include "cli/quantity.h"
#include "cli/suggest.h"
#include "engine/base/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define PERCENT_MAX      99u /* more than all there cannot be */
#define FACTOR_MILLI_MAX UINT64_C(1000000000)

static const struct option_spec findings_options[] = {
    {.name = "kind",
     .argument = "KIND",
     .repeatable = true,
     .help = "Only findings of this kind: silent-together, out-of-range, frozen, offline, silent, "
             "gap, unstable, "
             "flapping, jump, clock-off, clock-fault, offline-without-online, stale-offline, "
             "rejects-rising, rejects. Repeatable."},
    {.name = "range",
     .argument = "NAME=LOW..HIGH",
     .repeatable = true,
     .help = "What values of a metric can be: 'temperature=-40..85', 'soil*=0..'; NAME is a glob "
             "of the whole name or of what follows its last dot. '..' alone allows all. "
             "Repeatable: the last that matches counts. Default: -60..125 for names of "
             "temperatures, 0..100 for names of humidities."},
    {.name = "frozen",
     .argument = "[N/]DUR",
     .help = "The same value in at least N readings over at least DUR, of a metric that else "
             "moves. 0 switches it off. Default: 30/6h."},
    {.name = "jump",
     .argument = "K",
     .help = "A change more than K times as large as 95 of 100 changes are. 0 switches it off. "
             "Default: 10."},
    {.name = "gap",
     .argument = "K[/DUR]",
     .help = "No reading for more than K times as long as 95 of 100 intervals are, and for more "
             "than DUR. 0 switches it off. Default: 5/10m."},
    {.name = "silent",
     .argument = "DUR",
     .help = "Online for more than DUR without a reading, and for longer than --gap allows. 0 "
             "switches it off. Default: 30m."},
    {.name = "offline",
     .argument = "DUR",
     .help = "Known to be offline for more than DUR at a time, as in 12h or 3d. 0 switches it off. "
             "Default: 24h."},
    {.name = "unstable",
     .argument = "K[/N]",
     .help = "Offline at least N times, and more than K times as often as the median device of "
             "its product, which counts as once a week at least. 0 switches it off. Default: "
             "5/10."},
    {.name = "together",
     .argument = "N/P",
     .help =
         "At least N devices, and more than P of 100 of those that were sending, that fall "
         "silent together are one finding, silent-together. 0 switches it off: a finding for each "
         "device; so does --kind without silent-together. Default: 5/50."},
    {.name = "still",
     .argument = "DUR",
     .help = "A temperature or humidity that never moved for DUR is a finding also where no other "
             "device tells how long it can stand. 0 switches it off. Default: 7d."},
    {.name = "flaps",
     .argument = "N/DUR",
     .help = "At least N sessions that begin within DUR. 0 switches it off. Default: 5/1h."},
    {.name = "clock",
     .argument = "DUR",
     .help = "Times more than DUR later than the message that brought them, or always so much "
             "earlier. 0 switches it off. Default: 5m."},
    {.name = "rising",
     .argument = "K/DUR",
     .help = "Rejects in the last DUR at more than K times the rate before. 0 switches it off. "
             "Default: 3/1h."},
};
const struct option_group command_findings_group = {"Limits", findings_options,
                                                    COUNT(findings_options)};

/* --- limits -------------------------------------------------------------------------------- */

static bool is_zero(const char *text)
{
    return strcmp(text, "0") == 0;
}

static enum status read_duration(const char *text, const char *name, int64_t *duration_ms,
                                 struct error *err)
{
    if (is_zero(text)) {
        *duration_ms = 0;
        return STATUS_OK;
    }
    const enum status status = duration_parse(text, duration_ms, err);
    if (status != STATUS_OK)
        error_add_context(err, "--%s", name);
    return status;
}

/* The option `name` as a duration; `*duration_ms` is untouched if it was not given. */
static enum status option_duration(const struct options *options, const char *name,
                                   int64_t *duration_ms, struct error *err)
{
    const char *text = options_text(options, name);
    return text ? read_duration(text, name, duration_ms, err) : STATUS_OK;
}

/* Cuts "HEAD/TAIL" in two; false if there is no '/', or too much before it. */
static bool split(const char *text, char head[32], const char **tail)
{
    const char *slash = strchr(text, '/');
    if (!slash || slash - text >= 32)
        return false;
    memcpy(head, text, (size_t)(slash - text));
    head[slash - text] = '\0';
    *tail = slash + 1;
    return true;
}

static enum status read_count(const char *text, const char *name, uint64_t *count,
                              struct error *err)
{
    uint64_t value = 0;
    if (!count_parse(text, &value) || value < 2)
        return error_set(err, STATUS_INPUT, "--%s: '%s' is no whole number from 2 on", name, text);
    *count = value;
    return STATUS_OK;
}

static enum status read_frozen(const struct options *options, struct findings_limits *limits,
                               struct error *err)
{
    char head[32];
    const char *text = options_text(options, "frozen");
    const char *duration = text;
    if (!text)
        return STATUS_OK;
    if (split(text, head, &duration))
        TRY(read_count(head, "frozen", &limits->frozen_readings, err));
    return read_duration(duration, "frozen", &limits->frozen_ms, err);
}

static enum status read_gap(const struct options *options, struct findings_limits *limits,
                            struct error *err)
{
    char head[32];
    const char *text = options_text(options, "gap");
    const char *duration = NULL;
    if (!text)
        return STATUS_OK;
    if (!split(text, head, &duration))
        return command_factor(text, "gap", 0, FACTOR_MILLI_MAX, &limits->gap_factor_milli, err);
    TRY(command_factor(head, "gap", 0, FACTOR_MILLI_MAX, &limits->gap_factor_milli, err));
    return read_duration(duration, "gap", &limits->gap_least_ms, err);
}

static enum status read_unstable(const struct options *options, struct findings_limits *limits,
                                 struct error *err)
{
    char head[32];
    const char *text = options_text(options, "unstable");
    const char *count = NULL;
    if (!text)
        return STATUS_OK;
    if (!split(text, head, &count))
        return command_factor(text, "unstable", 0, FACTOR_MILLI_MAX, &limits->unstable_factor_milli,
                              err);
    TRY(command_factor(head, "unstable", 0, FACTOR_MILLI_MAX, &limits->unstable_factor_milli, err));
    return read_count(count, "unstable", &limits->unstable_failures, err);
}

static enum status read_flaps(const struct options *options, struct findings_limits *limits,
                              struct error *err)
{
    char head[32];
    const char *text = options_text(options, "flaps");
    const char *duration = NULL;
    if (!text)
        return STATUS_OK;
    if (is_zero(text)) {
        limits->flap_sessions = 0;
        return STATUS_OK;
    }
    if (!split(text, head, &duration))
        return error_set(err, STATUS_INPUT, "--flaps takes N/DUR as in 5/1h, not '%s'", text);
    TRY(read_count(head, "flaps", &limits->flap_sessions, err));
    return read_duration(duration, "flaps", &limits->flap_ms, err);
}

static enum status read_rising(const struct options *options, struct findings_limits *limits,
                               struct error *err)
{
    char head[32];
    const char *text = options_text(options, "rising");
    const char *duration = NULL;
    if (!text)
        return STATUS_OK;
    if (is_zero(text)) {
        limits->rejects_ms = 0;
        return STATUS_OK;
    }
    if (!split(text, head, &duration))
        return error_set(err, STATUS_INPUT, "--rising takes K/DUR as in 3/1h, not '%s'", text);
    TRY(command_factor(head, "rising", 0, FACTOR_MILLI_MAX, &limits->rejects_factor_milli, err));
    return read_duration(duration, "rising", &limits->rejects_ms, err);
}

static enum status read_together(const struct options *options, struct findings_limits *limits,
                                 struct error *err)
{
    char head[32];
    const char *text = options_text(options, "together");
    const char *percent = NULL;
    if (!text)
        return STATUS_OK;
    if (is_zero(text)) {
        limits->together_devices = 0;
        return STATUS_OK;
    }
    if (!split(text, head, &percent))
        return error_set(err, STATUS_INPUT, "--together takes N/P as in 5/50, not '%s'", text);
    TRY(read_count(head, "together", &limits->together_devices, err));
    if (!count_parse(percent, &limits->together_percent) || limits->together_percent == 0 ||
        limits->together_percent > PERCENT_MAX)
        return error_set(err, STATUS_INPUT, "--together: '%s' is no whole number from 1 to %u",
                         percent, PERCENT_MAX);
    return STATUS_OK;
}

/* --- ranges -------------------------------------------------------------------------------- */

static bool read_end(struct slice text, bool *has, struct number *number)
{
    *has = text.len > 0;
    return text.len == 0 || number_parse(text, number);
}

/* A name may hold '=' and "..": the last '=' and the first ".." behind it count. */
static enum status read_range(char *text, struct metric_range *range, struct error *err)
{
    char *equals = strrchr(text, '=');
    const char *dots = equals ? strstr(equals, "..") : NULL;
    bool good = dots != NULL;
    if (good) {
        const char *high = dots + 2;
        good = read_end(slice_of(equals + 1, (size_t)(dots - equals - 1)), &range->has_low,
                        &range->low) &&
               read_end(slice_of_text(high), &range->has_high, &range->high);
    }
    if (!good)
        return error_set(err, STATUS_INPUT,
                         "--range takes NAME=LOW..HIGH as in 'temperature=-40..85', not '%s'",
                         text);
    if (range->has_low && range->has_high && number_compare(range->low, range->high) > 0)
        return error_set(err, STATUS_INPUT, "--range: the low end lies above the high one in '%s'",
                         text);
    *equals = '\0';
    range->glob = text;
    return STATUS_OK;
}

static enum status read_ranges(struct check *check, const struct options *options,
                               struct error *err)
{
    size_t position = 0;
    check->ranges = mem_alloc(options->value_count, sizeof *check->ranges);
    check->range_texts = mem_alloc_zeroed(options->value_count, sizeof *check->range_texts);
    if (!check->ranges || !check->range_texts)
        return error_set(err, STATUS_NOMEM, "no memory for the options");
    for (const char *text = NULL; (text = options_next(options, "range", &position)) != NULL;) {
        const size_t len = strlen(text);
        char *copy = mem_alloc(len + 1, 1);
        if (!copy)
            return error_set(err, STATUS_NOMEM, "no memory for the options");
        memcpy(copy, text, len + 1);
        check->range_texts[check->range_count] = copy;
        check->ranges[check->range_count] = (struct metric_range){0};
        TRY(read_range(copy, &check->ranges[check->range_count++], err));
    }
    check->limits.ranges = check->ranges;
    check->limits.range_count = check->range_count;
    return STATUS_OK;
}

static enum status read_kind(struct check *check, const char *text, struct error *err)
{
    const char *words[FINDING_KIND_COUNT];
    for (unsigned kind = 0; kind < FINDING_KIND_COUNT; kind++)
        words[kind] = finding_kind_word((enum finding_kind)kind);
    for (unsigned kind = 0; kind < FINDING_KIND_COUNT; kind++) {
        if (strcmp(words[kind], text) == 0) {
            check->kinds[kind] = true;
            check->has_kinds = true;
            return STATUS_OK;
        }
    }
    const char *near = suggest_word(text, words, FINDING_KIND_COUNT);
    if (near)
        return error_set(err, STATUS_INPUT, "--kind: unknown '%s'; did you mean '%s'?", text, near);
    return error_set(err, STATUS_INPUT, "--kind: unknown '%s': --help lists them", text);
}

static enum status read_kinds(struct check *check, const struct options *options, struct error *err)
{
    size_t position = 0;
    for (const char *text = NULL; (text = options_next(options, "kind", &position)) != NULL;)
        TRY(read_kind(check, text, err));
    return STATUS_OK;
}

enum status check_read_options(struct check *check, const struct options *options,
                               struct error *err)
{
    struct findings_limits *limits = &check->limits;
    *limits = findings_limits_default();
    TRY(read_kinds(check, options, err));
    TRY(read_ranges(check, options, err));
    TRY(read_frozen(options, limits, err));
    TRY(read_gap(options, limits, err));
    TRY(read_unstable(options, limits, err));
    TRY(read_flaps(options, limits, err));
    TRY(read_rising(options, limits, err));
    TRY(read_together(options, limits, err));
    // Who asks for gaps and silences alone wants them device by device.
    if (check->has_kinds && !check->kinds[FINDING_TOGETHER])
        limits->together_devices = 0;
    const char *jump = options_text(options, "jump");
    if (jump)
        TRY(command_factor(jump, "jump", 0, FACTOR_MILLI_MAX, &limits->jump_factor_milli, err));
    TRY(option_duration(options, "offline", &limits->offline_ms, err));
    TRY(option_duration(options, "silent", &limits->silent_ms, err));
    TRY(option_duration(options, "still", &limits->still_ms, err));
    return option_duration(options, "clock", &limits->clock_ahead_ms, err);
}

void check_release(struct check *check)
{
    for (size_t i = 0; i < check->range_count; i++)
        mem_free(check->range_texts[i]);
    mem_free(check->ranges);
    mem_free(check->range_texts);
    finding_list_release(&check->list);
}

/* --- the command --------------------------------------------------------------------------- */

static void keep_kinds(struct check *check)
{
    struct finding_list *list = &check->list;
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!check->has_kinds || check->kinds[list->items[i].kind])
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

static enum status run_check(struct command *command, struct check *check,
                             const struct options *options, struct error *err)
{
    OWNED(answer_release) struct answer answer = {0};
    const struct screen screen = screen_detect(STDOUT_FILENO);
    TRY(command_read_options(command, options, err));
    TRY(check_read_options(check, options, err));
    TRY(command_open(command, err));
    TRY(selection_sort(&command->selection, command->snapshot, err));
    const struct findings_spec spec = {
        .selection = &command->selection,
        .whole_store = command->spec.device_glob_count + command->spec.product_glob_count == 0,
        .limits = check->limits,
        .store_dir = options_text(options, "db"),
        .values = command->values.words,
        .value_count = command->values.word_count,
        .zone = &command->zone,
        .ascii = command->render.format == RENDER_TABLE && !screen.utf8};
    TRY(findings_query(command->snapshot, &spec, &check->list, &command->statistics, err));
    command_done_reading(command);
    keep_kinds(check);
    TRY(findings_answer(&check->list, &answer, err));
    TRY(command_arrange(command, &answer, err));
    if (command->render.format == RENDER_TABLE)
        return check_print(&command->render, &screen, &check->list, &answer);
    return command_print(command, &answer);
}

enum exit_code command_check(const struct options *options)
{
    OWNED(command_end) struct command command = {0};
    OWNED(check_release) struct check check = {0};
    struct error err = {0};
    const enum status status = run_check(&command, &check, options, &err);
    if (status != STATUS_OK && status != STATUS_STOPPED)
        return command_failure(options, &err, status);
    const bool errors = check.list.count > 0 && check.list.items[0].severity == SEVERITY_ERROR;
    return errors ? EXIT_CODE_PROBLEM : EXIT_CODE_OK;
}
