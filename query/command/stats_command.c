/*
 * stats_command.c - `mnsdb stats [METRIC...]`.
 */
#include "query/command/command_internal.h"

#include "engine/base/mem.h"
#include "query/aggregate/aggregate.h"
#include "query/command/comparison.h"
#include "query/command/excursion_command.h"
#include "query/command/picture.h"
#include "query/command/svg_command.h"
#include "query/compare/compare.h"
#include "query/excursion/excursion.h"

#define AGGREGATES_DEFAULT "count,min,avg,max"

static enum status read_list(const struct options *options, const char *otherwise,
                             struct aggregate_list *list, struct error *err)
{
    const char *text = options_text(options, "agg");
    const enum status status = aggregate_list_parse(text ? text : otherwise, list, err);
    if (status != STATUS_OK)
        error_add_context(err, "--agg");
    return status;
}

static enum status read_groups(const struct options *options, struct stats_spec *spec,
                               struct error *err)
{
    static const char *const groups[] = {"device", "product"};
    size_t group = 0;
    TRY(command_choice(options, "by", groups, 2, &group, err));
    if (options_given(options, "by"))
        spec->by = group == 0 ? STATS_BY_DEVICE : STATS_BY_PRODUCT;
    static const char *const fills[] = {"none", "null", "zero", "prev", "linear"};
    static const enum stats_fill fill_of[] = {STATS_FILL_NONE, STATS_FILL_NULL, STATS_FILL_ZERO,
                                              STATS_FILL_PREV, STATS_FILL_LINEAR};
    size_t fill = 0;
    TRY(command_choice(options, "fill", fills, 5, &fill, err));
    spec->fill = fill_of[fill];
    if (spec->fill != STATS_FILL_NONE && !spec->every)
        return error_set(err, STATUS_INPUT, "--fill wants buckets: give --every");
    return STATUS_OK;
}

/* --- what is asked for --------------------------------------------------------------------- */

enum status stats_request_read(struct stats_request *request, struct command *command,
                               const char *aggregates_default, struct error *err)
{
    bool has_buckets = false;
    request->list = mem_alloc(1, sizeof *request->list);
    if (!request->list)
        return error_set(err, STATUS_NOMEM, "no memory for the aggregates");
    TRY(command_every(command->options, &request->width, &has_buckets, err));
    TRY(read_list(command->options, aggregates_default, request->list, err));
    request->spec = (struct stats_spec){.selection = &command->selection,
                                        .aggregates = request->list,
                                        .every = has_buckets ? &request->width : NULL,
                                        .zone = &command->zone};
    TRY(read_groups(command->options, &request->spec, err));
    return options_number(command->options, "threads", 1, SCAN_THREADS_MAX, &request->threads, err);
}

enum status stats_request_open(struct stats_request *request, struct command *command,
                               struct error *err)
{
    TRY(command_open(command, err));
    snapshot_set_threads(command->snapshot, (uint32_t)request->threads);
    TRY(command_metric_names(command, &request->names, &request->spec.metric_count, err));
    request->spec.metrics = request->names;
    return STATUS_OK;
}

void stats_request_release(struct stats_request *request)
{
    mem_free(request->list);
    mem_free(request->names);
    *request = (struct stats_request){0};
}

/* --- with limits --------------------------------------------------------------------------- */

/* The two queries of one answer: aggregates, and time beyond limits beside them. */
struct stats_question {
    struct command *command;
    struct stats_spec stats;
    struct excursion_spec excursions; /* if limits.count > 0 */
    struct excursion_limits limits;
};

static enum excursion_by excursion_by_of(enum stats_by by)
{
    switch (by) {
    case STATS_BY_DEVICE:
        return EXCURSION_BY_DEVICE;
    case STATS_BY_PRODUCT:
        return EXCURSION_BY_PRODUCT;
    case STATS_BY_NONE:
        break;
    }
    return EXCURSION_BY_NONE;
}

static enum status run_both(const struct stats_question *question,
                            const struct stats_spec *stats_spec, struct answer *answer,
                            struct error *err)
{
    struct command *command = question->command;
    OWNED(answer_release) struct answer aggregates = {0};
    OWNED(answer_release) struct answer times = {0};
    struct excursion_spec spec = question->excursions;
    spec.selection = stats_spec->selection;
    spec.metrics = stats_spec->metrics;
    spec.metric_count = stats_spec->metric_count;
    spec.every = stats_spec->every;
    spec.zone = stats_spec->zone;
    spec.by = excursion_by_of(stats_spec->by);
    spec.all_buckets = stats_spec->fill != STATS_FILL_NONE;
    TRY(stats_query(command->snapshot, stats_spec, &aggregates, &command->statistics, err));
    TRY(excursion_query(command->snapshot, &spec, &times, &command->statistics, err));
    const struct compare_keys keys = {.has_name = stats_spec->by != STATS_BY_NONE,
                                      .has_time = stats_spec->every != NULL};
    const struct compare_missing missing = {.zero_counts = true, .zero_durations = true};
    return compare_join(&aggregates, &times, keys, missing, answer, err);
}

static enum status run_question(void *context, const struct selection *selection,
                                struct answer *answer, struct error *err)
{
    const struct stats_question *question = context;
    struct command *command = question->command;
    struct stats_spec spec = question->stats;
    spec.selection = selection;
    if (question->limits.count > 0)
        return run_both(question, &spec, answer, err);
    return stats_query(command->snapshot, &spec, answer, &command->statistics, err);
}

/* --- the command --------------------------------------------------------------------------- */

static enum status ask(struct stats_question *question, struct answer *answer, struct error *err)
{
    struct command *command = question->command;
    const struct comparison_query query = {
        .context = question,
        .run = run_question,
        .has_name = question->stats.by != STATS_BY_NONE,
        .every = question->stats.every,
        .missing = {.zero_counts = true},
        .takes_last = true,
    };
    if (question->limits.count > 0)
        TRY(selection_sort(&command->selection, command->snapshot, err));
    return comparison_run(command, &query, answer, err);
}

static enum status query_stats(struct command *command, struct answer *answer, struct error *err)
{
    OWNED(stats_request_release) struct stats_request request = {0};
    struct stats_question question = {.command = command};
    TRY(stats_request_read(&request, command, AGGREGATES_DEFAULT, err));
    TRY(command_limits(command->options, &question.limits, &question.excursions, err));
    TRY(comparison_check(command, request.spec.every, err));
    TRY(stats_request_open(&request, command, err));
    question.stats = request.spec;
    return ask(&question, answer, err);
}

enum exit_code command_stats(const struct options *options)
{
    if (svg_is_wanted(options))
        return svg_of_stats(options);
    return picture_is_wanted(options) ? picture_of_stats(options)
                                      : command_run(options, query_stats);
}
