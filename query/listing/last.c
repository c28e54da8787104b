/*
 * last.c - each device's newest values, and its state at the end of the range.
 *
 *      places   metric number ──▶ place ──▶ latest[device][place]
 *
 * A summary of one device tells the last value of each column. A device's array
 * of newest values is made when its first row comes by.
 */
#include "query/listing/listing.h"

#include "engine/base/mem.h"
#include "query/online/online.h"
#include "query/view/view.h"

#include <stdlib.h>
#include <string.h>

#define NO_PLACE UINT32_MAX

struct last {
    const struct last_spec *spec;
    struct snapshot *snapshot;
    struct slice *names; /* owned; of the shown metrics */
    uint32_t name_count;
    uint32_t *places;  /* owned; by metric number */
    uint32_t *numbers; /* owned; shown metrics that the store knows, ascending */
    uint32_t number_count;
    struct device_places devices;
    struct dated_number **latest; /* owned arrays; by the device's place; NULL: no row yet */
    int64_t *seen_ms;             /* owned; by place: the device's newest reading */
    struct event_history history;
    struct timeline timeline;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the newest values");
}

static void release(struct last *last)
{
    for (uint32_t i = 0; last->latest && i < last->devices.count; i++)
        mem_free(last->latest[i]);
    mem_free(last->latest);
    device_places_release(&last->devices);
    mem_free(last->names);
    mem_free(last->places);
    mem_free(last->numbers);
    mem_free(last->seen_ms);
    event_history_release(&last->history);
    timeline_release(&last->timeline);
}

/* --- which metrics ------------------------------------------------------------------------- */

static int compare_slices(const void *left, const void *right)
{
    return slice_compare(*(const struct slice *)left, *(const struct slice *)right);
}

static bool has_name(const struct last *last, struct slice name)
{
    for (uint32_t i = 0; i < last->name_count; i++) {
        if (slice_equal(last->names[i], name))
            return true;
    }
    return false;
}

static void choose_names(struct last *last)
{
    const struct view *view = last->spec->selection->view;
    const uint32_t known = snapshot_metric_count(last->snapshot);
    for (size_t i = 0; i < last->spec->metric_count; i++) {
        const struct slice name = view_canonical(view, last->spec->metrics[i]);
        if (!has_name(last, name))
            last->names[last->name_count++] = name;
    }
    if (last->spec->metric_count > 0)
        return;
    for (uint32_t metric = 0; metric < known; metric++) {
        if (view_shows(view, metric))
            last->names[last->name_count++] = view_metric_name(view, last->snapshot, metric);
    }
    qsort(last->names, last->name_count, sizeof *last->names, compare_slices);
}

static enum status prepare(struct last *last)
{
    const uint32_t known = snapshot_metric_count(last->snapshot);
    TRY(device_places_init(&last->devices, last->spec->selection->device_bits,
                           snapshot_device_count(last->snapshot)));
    last->names = mem_alloc(last->spec->metric_count + known, sizeof *last->names);
    last->places = mem_alloc(known, sizeof *last->places);
    last->numbers = mem_alloc(known, sizeof *last->numbers);
    last->latest = mem_alloc_zeroed(last->devices.count, sizeof *last->latest);
    last->seen_ms = mem_alloc_zeroed(last->devices.count, sizeof *last->seen_ms);
    if (!last->names || !last->places || !last->numbers || !last->latest || !last->seen_ms)
        return STATUS_NOMEM;
    choose_names(last);
    for (uint32_t metric = 0; metric < known; metric++)
        last->places[metric] = NO_PLACE;
    for (uint32_t i = 0; i < last->name_count; i++) {
        uint32_t metric = 0;
        if (view_find_metric(last->spec->selection->view, last->snapshot, last->names[i], &metric))
            last->places[metric] = i;
    }
    for (uint32_t metric = 0; metric < known; metric++) {
        if (last->places[metric] != NO_PLACE)
            last->numbers[last->number_count++] = metric;
    }
    return STATUS_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

/* The newest values of a device, of which there is a row; NULL: no memory. */
static struct dated_number *see_device(struct last *last, uint32_t device, int64_t time_ms)
{
    const uint32_t at = device_place(&last->devices, device);
    if (!last->latest[at]) {
        last->latest[at] = mem_alloc_zeroed(last->name_count, sizeof **last->latest);
        last->seen_ms[at] = time_ms;
    } else if (time_ms > last->seen_ms[at]) {
        last->seen_ms[at] = time_ms;
    }
    return last->latest[at];
}

static void see_value(struct dated_number *latest, const struct dated_number *number)
{
    const bool newer =
        number->time_ms > latest->time_ms ||
        (number->time_ms == latest->time_ms && number->message_id > latest->message_id);
    if (latest->value.kind == NUMBER_NULL || newer)
        *latest = *number;
}

static enum status take_summary(void *context, const struct block_summary *summary, bool *taken)
{
    struct last *last = context;
    const uint32_t device = summary->first.device;
    *taken = device == summary->last.device;
    for (uint32_t i = 0; *taken && i < summary->column_count; i++)
        *taken =
            summary->columns[i].has_ends || last->places[summary->columns[i].metric] == NO_PLACE;
    if (!*taken)
        return STATUS_OK;
    struct dated_number *latest = see_device(last, device, summary->max_time_ms);
    if (!latest)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < summary->column_count; i++) {
        const uint32_t place = last->places[summary->columns[i].metric];
        if (place != NO_PLACE)
            see_value(&latest[place], &summary->columns[i].last);
    }
    return STATUS_OK;
}

/* Rows [from_row, until_row) are of one device: the last one that has the column counts. */
static void take_column(struct dated_number *latest, const struct row_vector *rows,
                        const struct column_vector *column, uint32_t from_row, uint32_t until_row)
{
    for (uint32_t row = until_row; row > from_row; row--) {
        const struct number value = column_vector_get(column, row - 1);
        if (value.kind == NUMBER_NULL)
            continue;
        const struct dated_number number = {.value = value,
                                            .time_ms = rows->times_ms[row - 1],
                                            .message_id = rows->message_ids[row - 1]};
        see_value(latest, &number);
        return;
    }
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    struct last *last = context;
    for (uint32_t row = from_row, end = from_row; row < until_row; row = end) {
        const uint32_t device = row_vector_device(rows, row);
        end = row_vector_device_end(rows, row, until_row);
        struct dated_number *latest = see_device(last, device, rows->times_ms[end - 1]);
        if (!latest)
            return STATUS_NOMEM;
        for (uint32_t i = 0; i < rows->column_count; i++)
            take_column(&latest[last->places[rows->columns[i].metric]], rows, &rows->columns[i],
                        row, end);
    }
    return STATUS_OK;
}

static enum status scan_rows(struct last *last, struct scan_statistics *statistics,
                             struct error *err)
{
    if (selection_is_empty(last->spec->selection))
        return STATUS_OK;
    struct scan_spec scan = selection_scan(last->spec->selection, TABLE_READINGS);
    scan.columns.metrics = last->numbers;
    scan.columns.metric_count = last->number_count;
    scan.columns.message_ids = true;
    scan.by_device = true;
    const struct scan_visitor visitor = {
        .context = last, .summary = take_summary, .rows = take_rows};
    return view_scan(last->spec->selection->view, last->snapshot, &scan, &visitor, statistics, err);
}

/* Without metrics named, those without a value in the selection are left out. */
static void drop_unseen(struct last *last, bool *shown)
{
    const struct selection *selection = last->spec->selection;
    for (uint32_t place = 0; place < last->name_count; place++)
        shown[place] = last->spec->metric_count > 0;
    for (uint32_t i = 0; i < selection->device_count; i++) {
        const struct dated_number *latest =
            last->latest[device_place(&last->devices, selection->devices[i])];
        for (uint32_t place = 0; latest && place < last->name_count; place++)
            shown[place] = shown[place] || latest[place].value.kind != NUMBER_NULL;
    }
}

/* --- the answer ---------------------------------------------------------------------------- */

static enum status add_metric_columns(struct answer *answer, struct slice name, struct error *err)
{
    static const char suffix[] = "_time";
    char time_name[NAME_BYTES_MAX + sizeof suffix];
    const size_t used = name.len < NAME_BYTES_MAX ? name.len : NAME_BYTES_MAX;
    if (used > 0)
        memcpy(time_name, name.data, used);
    memcpy(time_name + used, suffix, sizeof suffix);
    TRY(answer_add_column(answer, slice_of(time_name, used), CELL_NUMBER, err));
    return answer_add_column(answer, slice_of(time_name, used + sizeof suffix - 1), CELL_TIME, err);
}

static enum status add_columns(const struct last *last, const bool *shown, struct answer *answer,
                               struct error *err)
{
    TRY(answer_add_field(answer, "device", CELL_TEXT, err));
    TRY(answer_add_field(answer, "last_seen", CELL_TIME, err));
    TRY(answer_add_field(answer, "state", CELL_TEXT, err));
    TRY(answer_add_field(answer, "state_since", CELL_TIME, err));
    for (uint32_t place = 0; place < last->name_count; place++) {
        if (shown[place])
            TRY(add_metric_columns(answer, last->names[place], err));
    }
    return STATUS_OK;
}

/* The newest event in range; false if there is none. */
static bool newest_event(const struct last *last, uint32_t device, int64_t *time_ms)
{
    const struct selection *selection = last->spec->selection;
    size_t count = 0;
    const struct status_event *events = event_history_of(&last->history, device, &count);
    for (size_t i = count; i > 0; i--) {
        const int64_t event_ms = events[i - 1].time_ms;
        if (event_ms < selection->until_ms) {
            *time_ms = event_ms;
            return event_ms >= selection->from_ms;
        }
    }
    return false;
}

static void put_seen(const struct last *last, uint32_t device, struct answer_cell *cell)
{
    int64_t event_ms = 0;
    const uint32_t at = device_place(&last->devices, device);
    const bool has_reading = last->latest[at] != NULL;
    const bool has_event = newest_event(last, device, &event_ms);
    if (has_event && (!has_reading || event_ms > last->seen_ms[at]))
        *cell = cell_of_time(event_ms);
    else if (has_reading)
        *cell = cell_of_time(last->seen_ms[at]);
}

static enum status put_state(struct last *last, uint32_t device, struct answer_cell *cells,
                             struct error *err)
{
    static const struct timeline_rules rules = {0};
    TRY(event_history_timeline(&last->history, device, &rules, &last->timeline, err));
    int64_t since_ms = 0;
    const enum timeline_state state =
        timeline_state_at(&last->timeline, last->spec->selection->until_ms, &since_ms);
    cells[0] = cell_of_text(slice_of_text(timeline_state_word(state)));
    if (state != TIMELINE_UNKNOWN)
        cells[1] = cell_of_time(since_ms);
    return STATUS_OK;
}

static enum status add_row(struct last *last, struct answer *answer, uint32_t device,
                           const bool *shown, struct error *err)
{
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(answer, &cell, err));
    cell[0] = cell_of_text(snapshot_device_name(last->snapshot, device));
    put_seen(last, device, &cell[1]);
    TRY(put_state(last, device, &cell[2], err));
    cell += 4;
    const struct dated_number *latest = last->latest[device_place(&last->devices, device)];
    for (uint32_t place = 0; place < last->name_count; place++) {
        if (!shown[place])
            continue;
        if (latest && latest[place].value.kind != NUMBER_NULL) {
            cell[0] = cell_of_number(exact_of_number(latest[place].value));
            cell[1] = cell_of_time(latest[place].time_ms);
        }
        cell += 2;
    }
    return STATUS_OK;
}

static enum status add_rows(struct last *last, struct answer *answer, struct error *err)
{
    OWNED(mem_free_owned) bool *shown = mem_alloc(last->name_count, sizeof *shown);
    if (!shown)
        return no_memory(err);
    drop_unseen(last, shown);
    TRY(add_columns(last, shown, answer, err));
    const struct selection *selection = last->spec->selection;
    for (uint32_t i = 0; i < selection->device_count; i++)
        TRY(add_row(last, answer, selection->devices[i], shown, err));
    return STATUS_OK;
}

enum status last_query(struct snapshot *snapshot, const struct last_spec *spec,
                       struct answer *answer, struct scan_statistics *statistics, struct error *err)
{
    OWNED(release) struct last last = {.spec = spec, .snapshot = snapshot};
    if (prepare(&last) != STATUS_OK)
        return no_memory(err);
    TRY(event_history_read(&last.history, snapshot, spec->selection, statistics, err));
    TRY(scan_rows(&last, statistics, err));
    return add_rows(&last, answer, err);
}
