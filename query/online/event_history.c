/*
 * event_history.c - the status events of the selected devices, read once in order.
 *
 *      starts   [0] [3] [3] [8] ...            by place of the device
 *                |   |___|   \_________
 *      events    e e e   e e e e e   ...       by (device, time, id)
 *
 * 24 bytes an event; status events are few beside readings.
 */
#include "query/online/online.h"

#include "engine/base/mem.h"

#include <assert.h>

#define EVENTS_FETCHED 16u /* ahead of reading; behind them the processor has seen the pattern */
#define EVENTS_A_LINE  2u

void event_history_release(struct event_history *history)
{
    mem_free(history->events);
    mem_free(history->starts);
    device_places_release(&history->places);
    *history = (struct event_history){0};
}

static const struct column_vector *find_column(const struct row_vector *rows, uint32_t metric)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        if (rows->columns[i].metric == metric)
            return &rows->columns[i];
    }
    return NULL;
}

/* States and ages are integers; false where the row has none. */
static bool read_integer(const struct column_vector *column, uint32_t row, int64_t *integer)
{
    if (!column)
        return false;
    if (column->exponent == 0 && column->exception_count == 0) {
        *integer = column->mantissas[row];
        return !column->present || (column->present[row / 64] >> (row % 64) & 1);
    }
    const struct number number = column_vector_get(column, row);
    if (number.kind != NUMBER_DECIMAL || number.exponent < 0 || number.exponent > NUMBER_DIGITS_MAX)
        return false;
    return !__builtin_mul_overflow(number.mantissa, power_of_ten(number.exponent), integer);
}

/* The starts of all places up to and with `place`: none of them has events beyond here yet. */
static void begin_place(struct event_history *history, uint32_t place)
{
    while (history->latest_place < place)
        history->starts[++history->latest_place] = history->count;
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    struct event_history *history = context;
    const struct column_vector *states = find_column(rows, STATUS_METRIC_STATE);
    const struct column_vector *ages = find_column(rows, STATUS_METRIC_CONTACT_AGE);
    TRY(mem_grow(&history->events, &history->capacity, history->count + (until_row - from_row),
                 sizeof *history->events));
    for (uint32_t row = from_row; row < until_row; row++) {
        const uint32_t device = row_vector_device(rows, row);
        if (row == from_row || device != row_vector_device(rows, row - 1))
            begin_place(history, device_place(&history->places, device));
        struct status_event event = {.time_ms = rows->times_ms[row]};
        int64_t state = STATUS_OFFLINE;
        int64_t age_ms = 0;
        (void)read_integer(states, row, &state);
        event.online = state == STATUS_ONLINE;
        event.has_contact = read_integer(ages, row, &age_ms) &&
                            !__builtin_sub_overflow(event.time_ms, age_ms, &event.contact_ms);
        history->events[history->count++] = event;
    }
    return STATUS_OK;
}

enum status event_history_read(struct event_history *history, struct snapshot *snapshot,
                               const struct selection *selection,
                               struct scan_statistics *statistics, struct error *err)
{
    static const uint32_t metrics[] = {STATUS_METRIC_STATE, STATUS_METRIC_CONTACT_AGE};
    *history = (struct event_history){0};
    if (device_places_init(&history->places, selection->device_bits,
                           snapshot_device_count(snapshot)) == STATUS_OK)
        history->starts = mem_alloc((size_t)history->places.count + 1, sizeof *history->starts);
    if (!history->starts)
        return error_set(err, STATUS_NOMEM, "no memory for status events");
    history->starts[0] = 0;
    const struct scan_spec scan = {.table = TABLE_STATUS,
                                   .device_bits = selection->device_bits,
                                   .from_ms = TIME_MS_MIN,
                                   .until_ms = TIME_MS_MAX,
                                   .columns = {.metrics = metrics, .metric_count = 2},
                                   .ordered = true};
    const struct scan_visitor visitor = {.context = history, .rows = take_rows};
    if (selection->device_count > 0)
        TRY(snapshot_scan(snapshot, &scan, &visitor, statistics, err));
    begin_place(history, history->places.count);
    return STATUS_OK;
}

const struct status_event *event_history_of(const struct event_history *history, uint32_t device,
                                            size_t *count)
{
    const uint32_t place = device_place(&history->places, device);
    assert(place < history->places.count);
    *count = history->starts[place + 1] - history->starts[place];
    return history->events + history->starts[place];
}

void event_history_fetch_start(const struct event_history *history, uint32_t device)
{
    __builtin_prefetch(&history->starts[device_place(&history->places, device)]);
}

void event_history_fetch(const struct event_history *history, uint32_t device)
{
    size_t count = 0;
    const struct status_event *events = event_history_of(history, device, &count);
    const size_t fetched = count < EVENTS_FETCHED ? count : EVENTS_FETCHED;
    for (size_t i = 0; i < fetched; i += EVENTS_A_LINE)
        __builtin_prefetch(events + i);
}

enum status event_history_timeline(const struct event_history *history, uint32_t device,
                                   const struct timeline_rules *rules, struct timeline *timeline,
                                   struct error *err)
{
    size_t count = 0;
    const struct status_event *events = event_history_of(history, device, &count);
    if (timeline_build(timeline, events, count, rules) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a timeline of %zu events", count);
    return STATUS_OK;
}
