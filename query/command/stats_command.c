/*
 * stats_command.c - `mnsdb stats [METRIC...]`.
 */
#include "query/command/command_internal.h"

#include "engine/base/mem.h"
#include "query/aggregate/aggregate.h"

#define AGGREGATES_DEFAULT "count,min,avg,max"

static enum status read_list(const struct options *options, struct aggregate_list *list,
                             struct error *err)
{
    const char *text = options_text(options, "agg");
    const enum status status = aggregate_list_parse(text ? text : AGGREGATES_DEFAULT, list, err);
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

static enum status query_stats(struct command *command, struct answer *answer, struct error *err)
{
    OWNED(mem_free_owned) struct slice *names = NULL;
    OWNED(mem_free_owned) struct aggregate_list *list = mem_alloc(1, sizeof *list);
    if (!list)
        return error_set(err, STATUS_NOMEM, "no memory for the aggregates");
    struct bucket_width width = {0};
    bool has_buckets = false;
    TRY(command_every(command->options, &width, &has_buckets, err));
    TRY(read_list(command->options, list, err));
    struct stats_spec spec = {.selection = &command->selection,
                              .aggregates = list,
                              .every = has_buckets ? &width : NULL,
                              .zone = &command->zone};
    TRY(read_groups(command->options, &spec, err));
    uint64_t threads = 0;
    TRY(options_number(command->options, "threads", 1, SCAN_THREADS_MAX, &threads, err));
    TRY(command_open(command, err));
    snapshot_set_threads(command->snapshot, (uint32_t)threads);
    TRY(command_metric_names(command, &names, &spec.metric_count, err));
    spec.metrics = names;
    return stats_query(command->snapshot, &spec, answer, &command->statistics, err);
}

enum exit_code command_stats(const struct options *options)
{
    return command_run(options, query_stats);
}
