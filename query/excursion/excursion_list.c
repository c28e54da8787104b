/*
 * excursion_list.c - the excursions that meet a range, one a row, over all selected devices.
 *
 * Whole histories are read, so that start, end and extreme are the true ones. The n-th excursion
 * is the n-th session of the timeline, and the n-th run of readings beyond the limit that neither
 * another reading nor the end of a hold parts: both are walked side by side.
 */
#include "query/excursion/excursion_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>

enum excursion_end {
    END_OPEN,
    END_VALUE,  /* a value that is not beyond the limit */
    END_SILENT, /* a hold that ran out */
};

struct excursion {
    struct session session;
    struct number extreme;
    int64_t extreme_ms;
    uint64_t values;
    uint32_t rank; /* of the device by name */
    uint32_t metric, limit;
    uint32_t index; /* among those of the same device, metric and limit */
    enum excursion_end end;
};

struct list {
    const struct excursion_spec *spec;
    struct snapshot *snapshot;
    struct excursion_reader reader;
    struct timeline timeline; /* memory is reused */
    struct time_range range;
    uint32_t *ranks;         /* owned; by device number */
    struct excursion *items; /* owned */
    size_t count, capacity;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the list of excursions");
}

static void release(struct list *list)
{
    excursion_reader_release(&list->reader);
    timeline_release(&list->timeline);
    mem_free(list->ranks);
    mem_free(list->items);
}

/* --- one device ---------------------------------------------------------------------------- */

static void take_value(struct excursion *excursion, const struct excursion_limit *limit,
                       const struct excursion_reading *reading)
{
    const int order =
        excursion->values > 0 ? number_compare(reading->value, excursion->extreme) : 0;
    if (excursion->values++ > 0 && (limit->side == EXCURSION_ABOVE ? order <= 0 : order >= 0))
        return;
    excursion->extreme = reading->value;
    excursion->extreme_ms = reading->time_ms;
}

/*
 * What the readings say of a session, *next being the first reading not looked at yet: on return
 * that behind the session's last.
 */
static void read_session(const struct excursion_series *series, const struct excursion_limit *limit,
                         size_t *next, struct excursion *excursion)
{
    size_t i = *next;
    while (!excursion_is_beyond(limit, series->readings[i].value)) {
        i++;
        assert(i < series->count);
    }
    for (; i < series->count && series->readings[i].time_ms <= excursion->session.until_ms &&
           excursion_is_beyond(limit, series->readings[i].value);
         i++)
        take_value(excursion, limit, &series->readings[i]);
    *next = i;
    // A hold ends a session only where no reading comes at that very instant.
    if (excursion->session.until_ms == TIMELINE_OPEN_UNTIL_MS)
        excursion->end = END_OPEN;
    else if (i < series->count && series->readings[i].time_ms == excursion->session.until_ms)
        excursion->end = END_VALUE;
    else
        excursion->end = END_SILENT;
}

static enum status collect(struct list *list, uint32_t device, uint32_t metric, uint32_t limit,
                           struct error *err)
{
    const struct excursion_series *series = &list->reader.metrics[metric].series;
    const struct excursion_limit *beyond = &list->spec->limits->items[limit];
    size_t next = 0;
    for (size_t i = 0; i < list->timeline.session_count; i++) {
        struct excursion excursion = {.session = list->timeline.sessions[i],
                                      .rank = list->ranks[device],
                                      .metric = metric,
                                      .limit = limit,
                                      .index = (uint32_t)i};
        read_session(series, beyond, &next, &excursion);
        assert(excursion.values == excursion.session.repeats + 1);
        if (!session_meets(&excursion.session, list->range.from_ms, list->range.until_ms))
            continue;
        if (mem_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items) !=
            STATUS_OK)
            return no_memory(err);
        list->items[list->count++] = excursion;
    }
    return STATUS_OK;
}

static enum status take_device(void *context, uint32_t device, struct error *err)
{
    struct list *list = context;
    const struct excursion_spec *spec = list->spec;
    for (uint32_t metric = 0; metric < list->reader.metric_count; metric++) {
        struct excursion_series *series = &list->reader.metrics[metric].series;
        for (uint32_t limit = 0; series->count > 0 && limit < spec->limits->count; limit++) {
            TRY(excursion_timeline(series, &spec->limits->items[limit], spec->has_hold,
                                   spec->hold_ms, &list->timeline, err));
            TRY(collect(list, device, metric, limit, err));
        }
    }
    return STATUS_OK;
}

/* --- the answer ---------------------------------------------------------------------------- */

static int order_of(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_excursions(const void *left, const void *right)
{
    const struct excursion *a = left;
    const struct excursion *b = right;
    if (a->session.start_ms != b->session.start_ms)
        return a->session.start_ms < b->session.start_ms ? -1 : 1;
    if (a->rank != b->rank)
        return order_of(a->rank, b->rank);
    if (a->metric != b->metric)
        return order_of(a->metric, b->metric);
    return a->limit != b->limit ? order_of(a->limit, b->limit) : order_of(a->index, b->index);
}

static enum status add_columns(struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "device", CELL_TEXT, err));
    TRY(answer_add_field(answer, "start", CELL_TIME, err));
    TRY(answer_add_field(answer, "end", CELL_TIME, err));
    TRY(answer_add_field(answer, "duration_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "reason", CELL_TEXT, err));
    TRY(answer_add_field(answer, "metric", CELL_TEXT, err));
    TRY(answer_add_field(answer, "side", CELL_TEXT, err));
    TRY(answer_add_field(answer, "limit", CELL_NUMBER, err));
    TRY(answer_add_field(answer, "extreme", CELL_NUMBER, err));
    TRY(answer_add_field(answer, "extreme_time", CELL_TIME, err));
    return answer_add_field(answer, "values", CELL_COUNT, err);
}

static enum status add_row(const struct list *list, const struct excursion *excursion,
                           struct answer *answer, struct error *err)
{
    static const char *const reasons[] = {
        [END_OPEN] = "open", [END_VALUE] = "value", [END_SILENT] = "silent"};
    const struct excursion_limit *limit = &list->spec->limits->items[excursion->limit];
    const uint32_t device = list->spec->selection->devices[excursion->rank];
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(answer, &cell, err));
    cell[0] = cell_of_text(snapshot_device_name(list->snapshot, device));
    cell[1] = cell_of_time(excursion->session.start_ms);
    if (excursion->end != END_OPEN)
        cell[2] = cell_of_time(excursion->session.until_ms);
    cell[3] = cell_of_duration(
        session_inside_ms(&excursion->session, list->range.from_ms, list->range.until_ms));
    cell[4] = cell_of_text(slice_of_text(reasons[excursion->end]));
    cell[5] = cell_of_text(list->reader.metrics[excursion->metric].name);
    cell[6] = cell_of_text(slice_of_text(excursion_side_word(limit->side)));
    cell[7] = cell_of_number(exact_of_number(limit->value));
    cell[8] = cell_of_number(exact_of_number(excursion->extreme));
    cell[9] = cell_of_time(excursion->extreme_ms);
    cell[10] = cell_of_count(excursion->values);
    return STATUS_OK;
}

static enum status prepare(struct list *list, struct error *err)
{
    const struct selection *selection = list->spec->selection;
    list->ranks = mem_alloc_zeroed(snapshot_device_count(list->snapshot), sizeof *list->ranks);
    if (!list->ranks)
        return no_memory(err);
    for (uint32_t rank = 0; rank < selection->device_count; rank++)
        list->ranks[selection->devices[rank]] = rank;
    return STATUS_OK;
}

enum status excursion_list_query(struct snapshot *snapshot, const struct excursion_spec *spec,
                                 struct answer *answer, struct scan_statistics *statistics,
                                 struct error *err)
{
    assert(spec->limits->count > 0);
    OWNED(release) struct list list = {.spec = spec, .snapshot = snapshot};
    TRY(excursion_reader_init(&list.reader, snapshot, spec, err));
    TRY(add_columns(answer, err));
    if (!selection_bounds(spec->selection, snapshot, &list.range))
        return STATUS_OK;
    TRY(prepare(&list, err));
    const struct excursion_visitor visitor = {.context = &list, .device = take_device};
    TRY(excursion_read(&list.reader, TIME_MS_MIN, TIME_MS_MAX, &visitor, statistics, err));
    if (list.count > 1)
        qsort(list.items, list.count, sizeof *list.items, compare_excursions);
    for (size_t i = 0; i < list.count; i++)
        TRY(add_row(&list, &list.items[i], answer, err));
    return STATUS_OK;
}
