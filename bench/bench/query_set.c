/*
 * query_set.c - specifications for the query modules, and the same as words for mnsdb.
 */
#include "bench/bench/query_set.h"

#include "query/aggregate/aggregate.h"
#include "query/answer/answer.h"
#include "query/bucket/bucket.h"
#include "query/listing/listing.h"
#include "query/log/log.h"
#include "query/online/online.h"
#include "query/render/render.h"
#include "query/selection/selection.h"

#include <assert.h>
#include <string.h>

/* --- running ------------------------------------------------------------------------------- */

static struct render_options csv_options(const struct query_target *target)
{
    return (struct render_options){.format = RENDER_CSV, .zone = &target->zone};
}

static enum status tell_render(enum status status, struct error *err)
{
    return status == STATUS_OK ? status : error_set(err, status, "cannot print an answer");
}

static enum status fill_table(const struct answer *answer, const struct query_target *target,
                              const struct query_outcome *outcome, struct error *err)
{
    const struct query_columns columns =
        query_columns_find(answer, outcome->columns, target->metric);
    for (size_t i = 0; i < answer_shown_count(answer); i++)
        TRY(query_columns_take(&columns, answer_row(answer, i), outcome->table, err));
    return STATUS_OK;
}

/* Counts the rows of a finished answer, and hands them on if that is asked for. */
static enum status take_answer(const struct answer *answer, const struct query_target *target,
                               struct query_outcome *outcome, struct error *err)
{
    outcome->rows = answer_shown_count(answer);
    if (outcome->table)
        TRY(fill_table(answer, target, outcome, err));
    if (!outcome->text)
        return STATUS_OK;
    const struct render_options options = csv_options(target);
    return tell_render(render_answer(&options, answer, outcome->text), err);
}

/* Selects one device, or all (NULL). */
static enum status select_devices(struct selection *selection, const struct snapshot *snapshot,
                                  const char *glob, struct error *err)
{
    const struct selection_spec spec = {.device_globs = &glob, .device_glob_count = glob ? 1 : 0};
    return selection_init(selection, snapshot, &spec, err);
}

/* What the queries of `stats` differ in. */
struct stats_form {
    const char *aggregates;
    const char *every; /* NULL: no buckets */
    enum stats_by by;
    bool one_device;
};

static enum status run_stats(struct snapshot *snapshot, const struct query_target *target,
                             const struct stats_form *form, struct query_outcome *outcome,
                             struct error *err)
{
    OWNED(selection_release) struct selection selection = {0};
    TRY(select_devices(&selection, snapshot, form->one_device ? target->glob : NULL, err));
    struct aggregate_list aggregates;
    TRY(aggregate_list_parse(form->aggregates, &aggregates, err));
    struct bucket_width every;
    if (form->every)
        TRY(bucket_width_parse(form->every, &every, err));
    const struct slice metric = slice_of_text(target->metric);
    const struct stats_spec spec = {
        .selection = &selection,
        .metrics = &metric,
        .metric_count = 1,
        .aggregates = &aggregates,
        .every = form->every ? &every : NULL,
        .zone = &target->zone,
        .by = form->by,
    };
    OWNED(answer_release) struct answer answer = {0};
    TRY(stats_query(snapshot, &spec, &answer, &outcome->statistics, err));
    return take_answer(&answer, target, outcome, err);
}

static enum status run_all(struct snapshot *snapshot, const struct query_target *target,
                           struct query_outcome *outcome, struct error *err)
{
    const struct stats_form form = {.aggregates = "avg,min,max"};
    return run_stats(snapshot, target, &form, outcome, err);
}

static enum status run_by_device(struct snapshot *snapshot, const struct query_target *target,
                                 struct query_outcome *outcome, struct error *err)
{
    const struct stats_form form = {.aggregates = "avg,min,max", .by = STATS_BY_DEVICE};
    return run_stats(snapshot, target, &form, outcome, err);
}

static enum status run_device_hourly(struct snapshot *snapshot, const struct query_target *target,
                                     struct query_outcome *outcome, struct error *err)
{
    const struct stats_form form = {.aggregates = "avg,min,max", .every = "1h", .one_device = true};
    return run_stats(snapshot, target, &form, outcome, err);
}

static enum status run_hourly(struct snapshot *snapshot, const struct query_target *target,
                              struct query_outcome *outcome, struct error *err)
{
    const struct stats_form form = {.aggregates = "avg,min,max", .every = "1h"};
    return run_stats(snapshot, target, &form, outcome, err);
}

static enum status run_by_device_hourly(struct snapshot *snapshot,
                                        const struct query_target *target,
                                        struct query_outcome *outcome, struct error *err)
{
    const struct stats_form form = {
        .aggregates = "avg,min,max", .every = "1h", .by = STATS_BY_DEVICE};
    return run_stats(snapshot, target, &form, outcome, err);
}

static enum status run_percentile(struct snapshot *snapshot, const struct query_target *target,
                                  struct query_outcome *outcome, struct error *err)
{
    const struct stats_form form = {.aggregates = "p95"};
    return run_stats(snapshot, target, &form, outcome, err);
}

static enum status run_last(struct snapshot *snapshot, const struct query_target *target,
                            struct query_outcome *outcome, struct error *err)
{
    OWNED(selection_release) struct selection selection = {0};
    TRY(select_devices(&selection, snapshot, target->glob, err));
    TRY(selection_sort(&selection, snapshot, err));
    const struct slice metric = slice_of_text(target->metric);
    const struct last_spec spec = {.selection = &selection, .metrics = &metric, .metric_count = 1};
    OWNED(answer_release) struct answer answer = {0};
    TRY(last_query(snapshot, &spec, &answer, &outcome->statistics, err));
    return take_answer(&answer, target, outcome, err);
}

static enum status run_online(struct snapshot *snapshot, const struct query_target *target,
                              struct query_outcome *outcome, struct error *err)
{
    OWNED(selection_release) struct selection selection = {0};
    TRY(select_devices(&selection, snapshot, NULL, err));
    TRY(selection_sort(&selection, snapshot, err));
    const struct online_spec spec = {.selection = &selection, .zone = &target->zone};
    OWNED(answer_release) struct answer answer = {0};
    TRY(online_query(snapshot, &spec, &answer, &outcome->statistics, err));
    return take_answer(&answer, target, outcome, err);
}

static void release_log(struct log **log)
{
    log_release(*log);
    *log = NULL;
}

/* Reads the log to its end, one row after the other; both `renderer` and `columns` may be NULL. */
static enum status take_log(struct log *log, struct renderer *renderer,
                            const struct query_columns *columns, struct query_outcome *outcome,
                            struct error *err)
{
    outcome->rows = 0;
    for (;;) {
        const struct answer_cell *cells = NULL;
        TRY(log_next(log, &cells, err));
        if (!cells)
            return STATUS_OK;
        outcome->rows++;
        if (columns)
            TRY(query_columns_take(columns, cells, outcome->table, err));
        if (renderer)
            TRY(tell_render(render_row(renderer, cells), err));
    }
}

static enum status print_log(struct log *log, const struct answer *answer,
                             const struct query_target *target, struct query_outcome *outcome,
                             struct error *err)
{
    const struct render_options options = csv_options(target);
    OWNED(render_release) struct renderer renderer = {0};
    TRY(tell_render(
        render_begin(&renderer, &options, answer->columns, answer->column_count, outcome->text),
        err));
    TRY(take_log(log, &renderer, NULL, outcome, err));
    return tell_render(render_end(&renderer), err);
}

static enum status run_log(struct snapshot *snapshot, const struct query_target *target,
                           struct query_outcome *outcome, struct error *err)
{
    OWNED(selection_release) struct selection selection = {0};
    const struct selection_spec selected = {
        .device_globs = &target->glob,
        .device_glob_count = 1,
        .has_from = true,
        .has_until = true,
        .from_ms = target->from_ms,
        .until_ms = target->until_ms,
    };
    TRY(selection_init(&selection, snapshot, &selected, err));
    const struct log_spec spec = {.selection = &selection};
    OWNED(release_log) struct log *log = NULL;
    TRY(log_collect(&log, snapshot, &spec, &outcome->statistics, err));
    OWNED(answer_release) struct answer answer = {0};
    TRY(log_add_columns(log, &answer, err));
    if (outcome->text)
        return print_log(log, &answer, target, outcome, err);
    if (!outcome->table)
        return take_log(log, NULL, NULL, outcome, err);
    const struct query_columns columns =
        query_columns_find(&answer, outcome->columns, target->metric);
    return take_log(log, NULL, &columns, outcome, err);
}

#define STATS "stats", "--agg", "avg,min,max"

#define VALUES "{metric}_avg", "{metric}_min", "{metric}_max"

const struct query_definition query_set[QUERY_SET_COUNT] = {
    {"Q1", "all time: avg, min, max", {STATS, "--", "{metric}"}, {VALUES}, run_all},
    {"Q2",
     "the same by device",
     {STATS, "--by", "device", "--", "{metric}"},
     {"device", VALUES},
     run_by_device},
    {"Q3",
     "one device, hourly",
     {STATS, "--every", "1h", "--device", "{device}", "--", "{metric}"},
     {"time", VALUES},
     run_device_hourly},
    {"Q4",
     "all devices, hourly",
     {STATS, "--every", "1h", "--", "{metric}"},
     {"time", VALUES},
     run_hourly},
    {"Q4d",
     "by device, hourly",
     {STATS, "--every", "1h", "--by", "device", "--", "{metric}"},
     {NULL},
     run_by_device_hourly},
    {"Q5",
     "one device, last value",
     {"last", "--device", "{device}", "--", "{metric}"},
     {"{metric}_time", "{metric}"},
     run_last},
    {"Q6",
     "p95 of all",
     {"stats", "--agg", "p95", "--", "{metric}"},
     {"{metric}_p95"},
     run_percentile},
    {"Q7",
     "online, all devices",
     {"online"},
     {"device", "online_ms", "offline_ms", "sessions"},
     run_online},
    {"Q8",
     "one device, 1 h of rows",
     {"log", "--device", "{device}", "--from", "{from}", "--to", "{until}"},
     {"time", "messageid", "humidity", "temperature"},
     run_log},
};

size_t query_set_find(const char *name)
{
    size_t place = 0;
    while (place < QUERY_SET_COUNT && strcmp(query_set[place].name, name) != 0)
        place++;
    return place;
}

/* --- what they ask about ------------------------------------------------------------------- */

const char *query_word(const char *word, const struct query_target *target)
{
    const struct {
        const char *name;
        const char *text;
    } places[] = {
        {"{device}", target->glob},
        {"{metric}", target->metric},
        {"{from}", target->from},
        {"{until}", target->until},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (strcmp(word, places[i].name) == 0)
            return places[i].text;
    }
    return word;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for a name");
}

static enum status copy_text(struct arena *arena, struct slice text, const char **copy,
                             struct error *err)
{
    char *bytes = arena_alloc(arena, text.len + 1);
    if (!bytes)
        return no_memory(err);
    if (text.len > 0)
        memcpy(bytes, text.data, text.len);
    bytes[text.len] = '\0';
    if (strlen(bytes) != text.len)
        return error_set(err, STATUS_INPUT, "'%s...' cannot be asked for: it has a NUL in it",
                         bytes);
    *copy = bytes;
    return STATUS_OK;
}

/* A glob that matches just the name: what globs take for a sign is escaped. */
static enum status put_glob(struct query_target *target, struct error *err)
{
    const size_t len = strlen(target->device);
    char *glob = arena_alloc(&target->arena, 2 * len + 1);
    if (!glob)
        return no_memory(err);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (strchr("*?[]\\", target->device[i]))
            glob[used++] = '\\';
        glob[used++] = target->device[i];
    }
    glob[used] = '\0';
    target->glob = glob;
    return STATUS_OK;
}

static enum status put_instant(struct query_target *target, int64_t time_ms, const char **text,
                               struct error *err)
{
    char rfc3339[CIVIL_RFC3339_BYTES];
    (void)civil_format_rfc3339(&target->zone, time_ms, rfc3339);
    return copy_text(&target->arena, slice_of_text(rfc3339), text, err);
}

static enum status choose_hour(struct query_target *target, const struct snapshot *snapshot,
                               struct error *err)
{
    const struct store_counters *counters = snapshot_counters(snapshot);
    const int64_t first_ms = counters->first_time_ms;
    const int64_t middle_ms = first_ms + (counters->last_time_ms - first_ms) / 2;
    struct civil_time time;
    civil_zone_from_utc_ms(&target->zone, middle_ms, &time);
    time.minute = 0;
    time.second = 0;
    time.millisecond = 0;
    target->from_ms = civil_to_utc_ms(&time);
    target->until_ms = target->from_ms + MS_PER_HOUR;
    TRY(put_instant(target, target->from_ms, &target->from, err));
    return put_instant(target, target->until_ms, &target->until, err);
}

static enum status choose_device(struct query_target *target, const struct snapshot *snapshot,
                                 const char *name, struct error *err)
{
    OWNED(selection_release) struct selection selection = {0};
    TRY(select_devices(&selection, snapshot, NULL, err));
    TRY(selection_sort(&selection, snapshot, err));
    if (selection.device_count == 0)
        return error_set(err, STATUS_INPUT, "the store has no devices to ask about");
    uint32_t chosen = selection.devices[selection.device_count / 2];
    for (uint32_t i = 0; name && i < selection.device_count; i++) {
        const struct slice device = snapshot_device_name(snapshot, i);
        if (slice_equal(device, slice_of_text(name)) ||
            slice_equal(device_short_name(device), slice_of_text(name))) {
            chosen = i;
            name = NULL;
        }
    }
    if (name)
        return error_set(err, STATUS_INPUT, "the store has no device '%s'", name);
    TRY(copy_text(&target->arena, snapshot_device_name(snapshot, chosen), &target->device, err));
    return put_glob(target, err);
}

enum status query_target_choose(struct query_target *target, struct snapshot *snapshot,
                                const char *device, struct error *err)
{
    *target = (struct query_target){.metric = QUERY_METRIC_FIRST};
    TRY(civil_zone_open(&target->zone, "UTC", err));
    TRY(choose_device(target, snapshot, device, err));
    uint32_t metric = 0;
    if (!snapshot_find_metric(snapshot, slice_of_text(target->metric), &metric) &&
        snapshot_metric_count(snapshot) > 0)
        TRY(copy_text(&target->arena, snapshot_metric_name(snapshot, 0), &target->metric, err));
    return choose_hour(target, snapshot, err);
}

void query_target_release(struct query_target *target)
{
    arena_release(&target->arena);
    *target = (struct query_target){0};
}
