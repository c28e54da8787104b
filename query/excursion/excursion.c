/*
 * excursion.c - time beyond limits, by group and bucket.
 *
 * Each device's timelines are cut into the spans asked for, which gives figures by span, metric
 * and limit:
 *
 *      figures   [span 0: metric 0 limit 0, limit 1, metric 1 limit 0 ...] [span 1: ...]
 *
 * By device they become rows at once; else they are added to those of the device's group. What is
 * unknown is the rest of the group's time, so that devices without readings need no visit.
 *
 * Devices come by number: rows are put in order of names at the end.
 */
#include "query/excursion/excursion_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_NAME_BYTES (NAME_BYTES_MAX + NUMBER_TEXT_BYTES + 64u)

struct figures {
    int64_t known_ms;
    int64_t beyond_ms;
    int64_t longest_ms;
    uint64_t times;
    uint64_t values; /* readings */
};

/* A product, or all. */
struct group {
    uint64_t device_count; /* selected */
};

struct work {
    const struct excursion_spec *spec;
    struct snapshot *snapshot;
    struct excursion_reader reader;
    struct timeline beyond, known; /* memory is reused */
    struct time_range range;
    int64_t read_until_ms;   /* where readings end: behind the last one without a bound */
    int64_t *starts_ms;      /* owned; with buckets: their starts on the grid */
    size_t span_count;       /* buckets, or 1 */
    size_t figure_count;     /* metrics times limits */
    struct figures *figures; /* owned; of the device at hand, or by group */
    struct product_list products;
    struct group *groups; /* owned; not by device */
    uint32_t group_count;
    struct answer *answer;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for times beyond limits");
}

static void release(struct work *work)
{
    excursion_reader_release(&work->reader);
    timeline_release(&work->beyond);
    timeline_release(&work->known);
    product_list_release(&work->products);
    mem_free(work->starts_ms);
    mem_free(work->figures);
    mem_free(work->groups);
}

/* --- spans --------------------------------------------------------------------------------- */

/* Without a bound, the bucket of the last reading is there too, be it empty of time. */
static enum status list_buckets(struct work *work, struct error *err)
{
    work->span_count = 1;
    if (!work->spec->every)
        return STATUS_OK;
    struct bucket_grid grid;
    bucket_grid_init(&grid, work->spec->every, work->spec->zone);
    const int64_t from_ms = work->range.from_ms;
    const int64_t until_ms = work->read_until_ms;
    const size_t count_max = EXCURSION_BUCKETS_MAX + 1;
    const size_t count = bucket_list(&grid, from_ms, until_ms, NULL, count_max);
    if (count == count_max)
        return error_set(err, STATUS_INPUT,
                         "more than %zu buckets: narrow the range or widen the buckets",
                         EXCURSION_BUCKETS_MAX);
    work->span_count = count;
    work->starts_ms = mem_alloc(count, sizeof *work->starts_ms);
    if (!work->starts_ms)
        return no_memory(err);
    (void)bucket_list(&grid, from_ms, until_ms, work->starts_ms, count);
    return STATUS_OK;
}

/* The i-th span, cut to the range. Buckets follow each other without gaps. */
static struct time_range span_range(const struct work *work, size_t i)
{
    struct time_range range = work->range;
    if (!work->spec->every)
        return range;
    if (work->starts_ms[i] > range.from_ms)
        range.from_ms = work->starts_ms[i];
    if (i + 1 < work->span_count && work->starts_ms[i + 1] < range.until_ms)
        range.until_ms = work->starts_ms[i + 1];
    return range;
}

/* --- columns ------------------------------------------------------------------------------- */

static enum status add_column(struct answer *answer, struct slice metric, const char *rest,
                              enum cell_kind kind, struct error *err)
{
    char name[COLUMN_NAME_BYTES];
    const size_t used = metric.len < NAME_BYTES_MAX ? metric.len : NAME_BYTES_MAX;
    if (used > 0)
        memcpy(name, metric.data, used);
    const int len = snprintf(name + used, sizeof name - used, "%s", rest);
    return answer_add_column(answer, slice_of(name, used + (size_t)len), kind, err);
}

static enum status add_limit_columns(struct answer *answer, struct slice metric,
                                     const struct excursion_limit *limit, struct error *err)
{
    static const struct {
        const char *suffix;
        enum cell_kind kind;
    } figures[] = {{"ms", CELL_DURATION},
                   {"share", CELL_NUMBER},
                   {"times", CELL_COUNT},
                   {"longest_ms", CELL_DURATION}};
    char value[NUMBER_TEXT_BYTES];
    (void)number_format(limit->value, value);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        char rest[NUMBER_TEXT_BYTES + 32];
        (void)snprintf(rest, sizeof rest, "_%s_%s_%s", excursion_side_word(limit->side), value,
                       figures[i].suffix);
        TRY(add_column(answer, metric, rest, figures[i].kind, err));
    }
    return STATUS_OK;
}

static enum status add_columns(const struct work *work, struct error *err)
{
    const struct excursion_spec *spec = work->spec;
    struct answer *answer = work->answer;
    if (spec->by != EXCURSION_BY_NONE)
        TRY(answer_add_field(answer, spec->by == EXCURSION_BY_DEVICE ? "device" : "product",
                             CELL_TEXT, err));
    if (spec->every)
        TRY(answer_add_field(answer, "time", CELL_TIME, err));
    for (size_t i = 0; i < work->reader.metric_count; i++) {
        const struct slice name = work->reader.metrics[i].name;
        TRY(add_column(answer, name, "_unknown_ms", CELL_DURATION, err));
        for (size_t j = 0; j < spec->limits->count; j++)
            TRY(add_limit_columns(answer, name, &spec->limits->items[j], err));
    }
    return STATUS_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

/* True if something is known in any of so many figures, or has just become known. */
static bool has_something(const struct figures *figures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (figures[i].known_ms > 0 || figures[i].times > 0 || figures[i].values > 0)
            return true;
    }
    return false;
}

/* A row of one span: `figures` are its own, `all_ms` is the time of all its devices. */
static enum status add_row(struct work *work, struct slice name, size_t span,
                           const struct figures *figures, int64_t all_ms, struct error *err)
{
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(work->answer, &cell, err));
    if (work->spec->by != EXCURSION_BY_NONE)
        *cell++ = cell_of_text(name);
    if (work->spec->every)
        *cell++ = cell_of_time(work->starts_ms[span]);
    const size_t limit_count = work->spec->limits->count;
    for (size_t i = 0; i < work->figure_count; i++) {
        const struct figures *one = &figures[i];
        if (i % limit_count == 0)
            *cell++ = cell_of_duration(all_ms - one->known_ms);
        *cell++ = cell_of_duration(one->beyond_ms);
        *cell++ = cell_of_number(exact_ratio((uint64_t)one->beyond_ms, (uint64_t)one->known_ms));
        *cell++ = cell_of_count(one->times);
        *cell++ = cell_of_duration(one->longest_ms);
    }
    return STATUS_OK;
}

/* The rows of a group of so many devices; `figures` are those of its first span. */
static enum status add_rows(struct work *work, struct slice name, const struct figures *figures,
                            uint64_t devices, struct error *err)
{
    const struct excursion_spec *spec = work->spec;
    const size_t count = work->figure_count;
    const bool is_only_row = spec->by == EXCURSION_BY_NONE && !spec->every;
    if (!is_only_row && !has_something(figures, work->span_count * count))
        return STATUS_OK;
    for (size_t span = 0; span < work->span_count; span++) {
        const struct time_range range = span_range(work, span);
        const int64_t all_ms = (int64_t)devices * (range.until_ms - range.from_ms);
        if (is_only_row || spec->all_buckets || has_something(figures + span * count, count))
            TRY(add_row(work, name, span, figures + span * count, all_ms, err));
    }
    return STATUS_OK;
}

/* --- one device ---------------------------------------------------------------------------- */

static void add_span(struct figures *into, const struct timeline_span *beyond, int64_t known_ms)
{
    into->known_ms += known_ms;
    into->beyond_ms += beyond->online_ms;
    into->times += beyond->sessions;
    if (beyond->longest_ms > into->longest_ms)
        into->longest_ms = beyond->longest_ms;
}

/* The span that holds an instant of the range. */
static size_t span_of(const struct work *work, int64_t time_ms)
{
    size_t low = 0; // the number of spans that start by then
    size_t high = work->span_count;
    while (work->spec->every && low < high) {
        const size_t middle = low + (high - low) / 2;
        if (work->starts_ms[middle] <= time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

/* Counts the readings of the range; the last one counts without an end, too. */
static void count_values(const struct work *work, const struct excursion_series *series,
                         struct figures *figures)
{
    for (size_t i = 0; i < series->count && work->span_count > 0; i++) {
        const int64_t time_ms = series->readings[i].time_ms;
        if (time_ms >= work->range.from_ms && time_ms < work->read_until_ms)
            figures[span_of(work, time_ms) * work->figure_count].values++;
    }
}

/* Cuts one metric's timelines; `figures` are those of its first limit in the first span. */
static enum status cut_metric(struct work *work, struct excursion_series *series,
                              struct figures *figures, struct error *err)
{
    const struct excursion_spec *spec = work->spec;
    TRY(excursion_timeline(series, NULL, spec->has_hold, spec->hold_ms, &work->known, err));
    count_values(work, series, figures);
    for (size_t limit = 0; limit < spec->limits->count; limit++) {
        TRY(excursion_timeline(series, &spec->limits->items[limit], spec->has_hold, spec->hold_ms,
                               &work->beyond, err));
        for (size_t span = 0; span < work->span_count; span++) {
            const struct time_range range = span_range(work, span);
            const struct timeline_span beyond =
                timeline_cut(&work->beyond, range.from_ms, range.until_ms);
            const int64_t known_ms =
                timeline_cut(&work->known, range.from_ms, range.until_ms).online_ms;
            add_span(&figures[span * work->figure_count + limit], &beyond, known_ms);
        }
    }
    return STATUS_OK;
}

static enum status take_device(void *context, uint32_t device, struct error *err)
{
    struct work *work = context;
    const struct excursion_spec *spec = work->spec;
    const size_t span_figures = work->span_count * work->figure_count;
    const bool alone = spec->by == EXCURSION_BY_DEVICE;
    const uint32_t group = spec->by == EXCURSION_BY_PRODUCT ? work->products.of_device[device] : 0;
    struct figures *figures = work->figures + group * span_figures;
    if (alone && span_figures > 0)
        memset(figures, 0, span_figures * sizeof *figures);
    for (size_t i = 0; i < work->reader.metric_count; i++) {
        struct excursion_series *series = &work->reader.metrics[i].series;
        if (series->count > 0)
            TRY(cut_metric(work, series, figures + i * spec->limits->count, err));
    }
    if (alone)
        TRY(add_rows(work, snapshot_device_name(work->snapshot, device), figures, 1, err));
    return STATUS_OK;
}

/* --- groups -------------------------------------------------------------------------------- */

static enum status prepare_groups(struct work *work, struct error *err)
{
    const struct excursion_spec *spec = work->spec;
    if (spec->by != EXCURSION_BY_DEVICE)
        TRY(selection_check_device_time(spec->selection, work->range, err));
    work->group_count = 1;
    if (spec->by == EXCURSION_BY_PRODUCT) {
        TRY(product_list_init(&work->products, work->snapshot, err));
        work->group_count = work->products.count;
    }
    work->figure_count = work->reader.metric_count * spec->limits->count;
    const size_t span_figures = work->span_count * work->figure_count;
    if (span_figures > 0 && work->group_count > ANSWER_CELLS_MAX / span_figures)
        return error_set(err, STATUS_INPUT,
                         "too many groups, buckets and limits: narrow the range or widen the "
                         "buckets");
    work->figures = mem_alloc_zeroed(work->group_count * span_figures, sizeof *work->figures);
    work->groups = mem_alloc_zeroed(work->group_count, sizeof *work->groups);
    if (!work->figures || !work->groups)
        return no_memory(err);
    for (uint32_t i = 0; i < spec->selection->device_count; i++) {
        const uint32_t device = spec->selection->devices[i];
        work->groups[spec->by == EXCURSION_BY_PRODUCT ? work->products.of_device[device] : 0]
            .device_count++;
    }
    return STATUS_OK;
}

static enum status add_group_rows(struct work *work, struct error *err)
{
    const bool by_product = work->spec->by == EXCURSION_BY_PRODUCT;
    for (uint32_t group = 0; group < work->group_count; group++) {
        const uint64_t devices = work->groups[group].device_count;
        if (devices == 0 && by_product)
            continue;
        const struct slice name = by_product ? work->products.names[group] : slice_of(NULL, 0);
        TRY(add_rows(work, name, work->figures + group * work->span_count * work->figure_count,
                     devices, err));
    }
    return STATUS_OK;
}

/* --- the query ----------------------------------------------------------------------------- */

/* How far back readings matter: the state is carried in, but no longer than it holds. */
static int64_t read_from_ms(const struct work *work)
{
    int64_t from_ms = 0;
    if (!work->spec->has_hold ||
        __builtin_sub_overflow(work->range.from_ms, work->spec->hold_ms, &from_ms))
        return TIME_MS_MIN;
    return from_ms;
}

enum status excursion_query(struct snapshot *snapshot, const struct excursion_spec *spec,
                            struct answer *answer, struct scan_statistics *statistics,
                            struct error *err)
{
    assert(spec->limits->count > 0);
    OWNED(release) struct work work = {.spec = spec, .snapshot = snapshot, .answer = answer};
    TRY(excursion_reader_init(&work.reader, snapshot, spec, err));
    TRY(add_columns(&work, err));
    if (!selection_bounds(spec->selection, snapshot, &work.range))
        return STATUS_OK;
    work.read_until_ms = work.range.until_ms + (spec->selection->has_until ? 0 : 1);
    TRY(list_buckets(&work, err));
    TRY(prepare_groups(&work, err));
    const struct excursion_visitor visitor = {.context = &work, .device = take_device};
    TRY(excursion_read(&work.reader, read_from_ms(&work), work.read_until_ms, &visitor, statistics,
                       err));
    if (spec->by != EXCURSION_BY_DEVICE)
        TRY(add_group_rows(&work, err));
    return spec->by == EXCURSION_BY_NONE ? STATUS_OK : answer_sort(answer, 0, false, err);
}
