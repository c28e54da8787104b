/*
 * online.c - devices one by one, by name; each timeline is cut into the spans asked for.
 *
 * By device, a row is written as soon as its span is cut. By product or for all, spans
 * are added up in a matrix of groups x buckets first.
 */
#include "query/online/online.h"

#include "engine/base/mem.h"
#include "query/reliability/reliability.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STATE_COLUMNS 2u  /* state and state_since */
#define COLUMNS_MAX   19u /* name, time, 8 of a span, state, 7 of reliability */

/* What is known of one span of one device or group. */
struct online_figures {
    struct timeline_span span;
    struct reliability reliability; /* if asked for */
};

#define DEVICES_AHEAD 8u /* between asking for a device's memory and reading it */
#define NAMES_AHEAD   4u /* the same for the bytes of its name, once it is known where they are */

struct online {
    const struct online_spec *spec;
    struct snapshot *snapshot;
    struct event_history history;
    struct timeline timeline; /* of the device at hand; its memory is reused */
    struct time_range range;
    int64_t *starts_ms; /* owned; with buckets: their starts on the grid */
    size_t span_count;  /* buckets, or 1; 0: the store is empty */
    struct product_list products;
    struct online_figures *sums; /* owned; not by device: group * span_count + span */
    bool *has_sum;               /* owned; by group: a selected device is in it */
    uint32_t group_count;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for online durations");
}

static void release(struct online *online)
{
    event_history_release(&online->history);
    timeline_release(&online->timeline);
    product_list_release(&online->products);
    mem_free(online->starts_ms);
    mem_free(online->sums);
    mem_free(online->has_sum);
}

/* --- spans --------------------------------------------------------------------------------- */

static enum status list_buckets(struct online *online, struct error *err)
{
    online->span_count = 1;
    if (!online->spec->every)
        return STATUS_OK;
    struct bucket_grid grid;
    bucket_grid_init(&grid, online->spec->every, online->spec->zone);
    const struct time_range range = online->range;
    const size_t count_max = ONLINE_BUCKETS_MAX + 1;
    const size_t count = bucket_list(&grid, range.from_ms, range.until_ms, NULL, count_max);
    if (count == count_max)
        return error_set(err, STATUS_INPUT,
                         "more than %zu buckets: narrow the range or widen the buckets",
                         ONLINE_BUCKETS_MAX);
    online->span_count = count;
    online->starts_ms = mem_alloc(count, sizeof *online->starts_ms);
    if (!online->starts_ms)
        return no_memory(err);
    (void)bucket_list(&grid, range.from_ms, range.until_ms, online->starts_ms, count);
    return STATUS_OK;
}

/* The i-th span, cut to the range. Buckets follow each other without gaps. */
static struct time_range span_range(const struct online *online, size_t i)
{
    struct time_range range = online->range;
    if (!online->spec->every)
        return range;
    if (online->starts_ms[i] > range.from_ms)
        range.from_ms = online->starts_ms[i];
    if (i + 1 < online->span_count)
        range.until_ms = online->starts_ms[i + 1];
    return range;
}

/* --- rows ---------------------------------------------------------------------------------- */

static const char *name_field(enum online_by by)
{
    return by == ONLINE_BY_DEVICE ? "device" : "product";
}

static enum status add_reliability_columns(struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "failures", CELL_COUNT, err));
    TRY(answer_add_field(answer, "mtbf_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "repairs", CELL_COUNT, err));
    TRY(answer_add_field(answer, "mttr_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "flaps", CELL_COUNT, err));
    TRY(answer_add_field(answer, "longest_outage_ms", CELL_DURATION, err));
    return answer_add_field(answer, "longest_outage_start", CELL_TIME, err);
}

static enum status add_columns(const struct online_spec *spec, struct answer *answer,
                               struct error *err)
{
    if (spec->by != ONLINE_BY_NONE)
        TRY(answer_add_field(answer, name_field(spec->by), CELL_TEXT, err));
    if (spec->every)
        TRY(answer_add_field(answer, "time", CELL_TIME, err));
    TRY(answer_add_field(answer, "online_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "offline_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "unknown_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "availability", CELL_NUMBER, err));
    TRY(answer_add_field(answer, "sessions", CELL_COUNT, err));
    TRY(answer_add_field(answer, "longest_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "repeats", CELL_COUNT, err));
    TRY(answer_add_field(answer, "stale", CELL_COUNT, err));
    if (spec->by == ONLINE_BY_DEVICE) {
        TRY(answer_add_field(answer, "state", CELL_TEXT, err));
        TRY(answer_add_field(answer, "state_since", CELL_TIME, err));
    }
    return spec->reliability ? add_reliability_columns(answer, err) : STATUS_OK;
}

/* Writes a span into the cells behind name and time; returns those behind it. */
static struct answer_cell *put_span(struct answer_cell *cell, const struct timeline_span *span)
{
    const uint64_t known_ms = (uint64_t)span->online_ms + (uint64_t)span->offline_ms;
    *cell++ = cell_of_duration(span->online_ms);
    *cell++ = cell_of_duration(span->offline_ms);
    *cell++ = cell_of_duration(span->unknown_ms);
    *cell++ = cell_of_number(exact_ratio((uint64_t)span->online_ms, known_ms));
    *cell++ = cell_of_count(span->sessions);
    *cell++ = cell_of_duration(span->longest_ms);
    *cell++ = cell_of_count(span->repeats);
    *cell++ = cell_of_count(span->stale);
    return cell;
}

static struct answer_cell mean_cell(int64_t total_ms, uint64_t count)
{
    if (count == 0)
        return (struct answer_cell){0};
    return cell_of_duration((int64_t)(((uint64_t)total_ms + count / 2) / count));
}

static void put_reliability(struct answer_cell *cell, const struct online_figures *figures)
{
    const struct reliability *reliability = &figures->reliability;
    cell[0] = cell_of_count(reliability->failures);
    cell[1] = mean_cell(figures->span.online_ms, reliability->failures);
    cell[2] = cell_of_count(reliability->repairs);
    cell[3] = mean_cell(reliability->repaired_ms, reliability->repairs);
    cell[4] = cell_of_count(reliability->flaps);
    cell[5] = cell_of_duration(reliability->longest_outage_ms);
    if (reliability->longest_outage_ms > 0)
        cell[6] = cell_of_time(reliability->longest_outage_start_ms);
}

/* Of the timeline at hand. */
static struct online_figures cut(const struct online *online, struct time_range range)
{
    const struct timeline *timeline = &online->timeline;
    struct online_figures figures = {.span = timeline_cut(timeline, range.from_ms, range.until_ms)};
    if (online->spec->reliability)
        figures.reliability =
            reliability_cut(timeline, range.from_ms, range.until_ms, online->spec->flap_ms);
    return figures;
}

static void put_state(struct answer_cell *cell, const struct timeline *timeline, int64_t at_ms)
{
    int64_t since_ms = 0;
    const enum timeline_state state = timeline_state_at(timeline, at_ms, &since_ms);
    cell[0] = cell_of_text(slice_of_text(timeline_state_word(state)));
    if (state != TIMELINE_UNKNOWN)
        cell[1] = cell_of_time(since_ms);
}

/* The row of the i-th span of a device, whose timeline is at hand. */
static void put_device_row(const struct online *online, uint32_t device, size_t i,
                           struct answer_cell *cell)
{
    const struct time_range range = span_range(online, i);
    const struct online_figures figures = cut(online, range);
    *cell++ = cell_of_text(snapshot_device_name(online->snapshot, device));
    if (online->spec->every)
        *cell++ = cell_of_time(online->starts_ms[i]);
    cell = put_span(cell, &figures.span);
    put_state(cell, &online->timeline, range.until_ms);
    if (online->spec->reliability)
        put_reliability(cell + STATE_COLUMNS, &figures);
}

static enum status add_device_rows(struct online *online, struct answer *answer, uint32_t device,
                                   struct error *err)
{
    for (size_t i = 0; i < online->span_count; i++) {
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        put_device_row(online, device, i, cell);
    }
    return STATUS_OK;
}

/* --- sums over devices --------------------------------------------------------------------- */

static enum status prepare_sums(struct online *online, struct error *err)
{
    if (online->spec->by == ONLINE_BY_DEVICE)
        return STATUS_OK;
    TRY(selection_check_device_time(online->spec->selection, online->range, err));
    online->group_count = 1;
    if (online->spec->by == ONLINE_BY_PRODUCT) {
        TRY(product_list_init(&online->products, online->snapshot, err));
        online->group_count = online->products.count;
    }
    const size_t columns = online->span_count > 0 ? online->span_count : 1;
    if (online->group_count > ANSWER_CELLS_MAX / columns)
        return error_set(err, STATUS_INPUT,
                         "too many products and buckets: narrow the range or widen the buckets");
    online->sums = mem_alloc_zeroed(online->group_count * columns, sizeof *online->sums);
    online->has_sum = mem_alloc_zeroed(online->group_count, sizeof *online->has_sum);
    return online->sums && online->has_sum ? STATUS_OK : no_memory(err);
}

static void add_to_sum(struct timeline_span *sum, const struct timeline_span *span)
{
    sum->online_ms += span->online_ms;
    sum->offline_ms += span->offline_ms;
    sum->unknown_ms += span->unknown_ms;
    sum->sessions += span->sessions;
    sum->repeats += span->repeats;
    sum->stale += span->stale;
    if (span->longest_ms > sum->longest_ms)
        sum->longest_ms = span->longest_ms;
}

static void add_device_to_sums(struct online *online, uint32_t device)
{
    const bool by_product = online->spec->by == ONLINE_BY_PRODUCT;
    const uint32_t group = by_product ? online->products.of_device[device] : 0;
    online->has_sum[group] = true;
    for (size_t i = 0; i < online->span_count; i++) {
        const struct time_range range = span_range(online, i);
        const struct online_figures figures = cut(online, range);
        struct online_figures *sum = &online->sums[group * online->span_count + i];
        add_to_sum(&sum->span, &figures.span);
        reliability_add(&sum->reliability, &figures.reliability);
    }
}

static int compare_products(const void *left, const void *right, void *context)
{
    const struct slice *names = context;
    return slice_compare(names[*(const uint32_t *)left], names[*(const uint32_t *)right]);
}

static enum status add_sum_row(const struct online *online, struct answer *answer, uint32_t group,
                               size_t i, struct error *err)
{
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(answer, &cell, err));
    if (online->spec->by == ONLINE_BY_PRODUCT)
        *cell++ = cell_of_text(online->products.names[group]);
    if (online->spec->every)
        *cell++ = cell_of_time(online->starts_ms[i]);
    const struct online_figures *sum = &online->sums[group * online->span_count + i];
    cell = put_span(cell, &sum->span);
    if (online->spec->reliability)
        put_reliability(cell, sum);
    return STATUS_OK;
}

static enum status add_sum_rows(const struct online *online, struct answer *answer,
                                struct error *err)
{
    OWNED(mem_free_owned) uint32_t *order = mem_alloc(online->group_count, sizeof *order);
    if (!order)
        return no_memory(err);
    for (uint32_t group = 0; group < online->group_count; group++)
        order[group] = group;
    if (online->spec->by == ONLINE_BY_PRODUCT)
        qsort_r(order, online->group_count, sizeof *order, compare_products,
                online->products.names);
    for (uint32_t at = 0; at < online->group_count; at++) {
        for (size_t i = 0; online->has_sum[order[at]] && i < online->span_count; i++)
            TRY(add_sum_row(online, answer, order[at], i, err));
    }
    return STATUS_OK;
}

/* --- the query ----------------------------------------------------------------------------- */

/* Devices by name lie anywhere in memory: first where events and names begin, then these. */
static void fetch_ahead(const struct online *online, uint32_t i)
{
    const struct selection *selection = online->spec->selection;
    if (i + 2 * DEVICES_AHEAD < selection->device_count)
        event_history_fetch_start(&online->history, selection->devices[i + 2 * DEVICES_AHEAD]);
    if (i + DEVICES_AHEAD < selection->device_count) {
        const uint32_t device = selection->devices[i + DEVICES_AHEAD];
        event_history_fetch(&online->history, device);
        snapshot_fetch_device_name(online->snapshot, device);
    }
    if (i + NAMES_AHEAD < selection->device_count) {
        const uint32_t device = selection->devices[i + NAMES_AHEAD];
        __builtin_prefetch(snapshot_device_name(online->snapshot, device).data);
    }
}

/* Reads the events and lists the buckets; without a range there are no spans. */
static enum status begin(struct online *online, struct answer *answer,
                         struct scan_statistics *statistics, struct error *err)
{
    const struct selection *selection = online->spec->selection;
    TRY(add_columns(online->spec, answer, err));
    if (!selection_bounds(selection, online->snapshot, &online->range))
        return STATUS_OK;
    TRY(event_history_read(&online->history, online->snapshot, selection, statistics, err));
    return list_buckets(online, err);
}

static enum status make_timeline(struct online *online, uint32_t i, struct error *err)
{
    fetch_ahead(online, i);
    return event_history_timeline(&online->history, online->spec->selection->devices[i],
                                  &online->spec->rules, &online->timeline, err);
}

enum status online_query(struct snapshot *snapshot, const struct online_spec *spec,
                         struct answer *answer, struct scan_statistics *statistics,
                         struct error *err)
{
    OWNED(release) struct online online = {.spec = spec, .snapshot = snapshot};
    TRY(begin(&online, answer, statistics, err));
    if (online.span_count == 0)
        return STATUS_OK;
    TRY(prepare_sums(&online, err));
    if (spec->by == ONLINE_BY_DEVICE)
        TRY(answer_reserve(answer, (uint64_t)spec->selection->device_count * online.span_count,
                           err));
    for (uint32_t i = 0; i < spec->selection->device_count; i++) {
        const uint32_t device = spec->selection->devices[i];
        TRY(make_timeline(&online, i, err));
        if (spec->by == ONLINE_BY_DEVICE)
            TRY(add_device_rows(&online, answer, device, err));
        else
            add_device_to_sums(&online, device);
    }
    return spec->by == ONLINE_BY_DEVICE ? STATUS_OK : add_sum_rows(&online, answer, err);
}

/* --- row by row ---------------------------------------------------------------------------- */

struct online_rows {
    struct online online;
    struct online_spec spec;
    uint32_t device; /* place in the selection, of the row that comes next */
    size_t span;
    struct answer_cell cells[COLUMNS_MAX];
};

enum status online_rows_open(struct online_rows **rows, struct snapshot *snapshot,
                             const struct online_spec *spec, struct answer *answer,
                             struct scan_statistics *statistics, struct error *err)
{
    assert(spec->by == ONLINE_BY_DEVICE);
    *rows = NULL;
    struct online_rows *opened = mem_alloc_zeroed(1, sizeof *opened);
    if (!opened)
        return no_memory(err);
    opened->spec = *spec;
    opened->online = (struct online){.spec = &opened->spec, .snapshot = snapshot};
    const enum status status = begin(&opened->online, answer, statistics, err);
    assert(answer->column_count <= COLUMNS_MAX);
    if (status == STATUS_OK)
        *rows = opened;
    else
        online_rows_free(opened);
    return status;
}

enum status online_rows_next(struct online_rows *rows, const struct answer_cell **cells,
                             struct error *err)
{
    const struct selection *selection = rows->spec.selection;
    *cells = NULL;
    if (rows->online.span_count == 0 || rows->device == selection->device_count)
        return STATUS_OK;
    if (rows->span == 0)
        TRY(make_timeline(&rows->online, rows->device, err));
    memset(rows->cells, 0, sizeof rows->cells);
    put_device_row(&rows->online, selection->devices[rows->device], rows->span, rows->cells);
    *cells = rows->cells;
    if (++rows->span == rows->online.span_count) {
        rows->span = 0;
        rows->device++;
    }
    return STATUS_OK;
}

void online_rows_free(struct online_rows *rows)
{
    if (!rows)
        return;
    release(&rows->online);
    mem_free(rows);
}
