/*
 * event_history.c - the status events of the selected devices, read once in order.
 *
 *      starts   [0] [3] [3] [8] ...            by device number
 *                |   |___|   \_________
 *      events    e e e   e e e e e   ...       by (device, time, id)
 *
 * 24 bytes an event; status events are few beside readings.
 */
#include "query/online/online.h"

#include "engine/base/mem.h"

#include <assert.h>

void event_history_release(struct event_history *history)
{
    mem_free(history->events);
    mem_free(history->starts);
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

/* The starts of all devices up to and with `device`: none of them has events beyond here yet. */
static void begin_device(struct event_history *history, uint32_t device)
{
    assert(device < history->device_count);
    while (history->latest_device < device)
        history->starts[++history->latest_device] = history->count;
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
        begin_device(history, row_vector_device(rows, row));
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
    *history = (struct event_history){.device_count = snapshot_device_count(snapshot)};
    history->starts = mem_alloc_zeroed((size_t)history->device_count + 1, sizeof *history->starts);
    if (!history->starts)
        return error_set(err, STATUS_NOMEM, "no memory for status events");
    const struct scan_spec scan = {.table = TABLE_STATUS,
                                   .device_bits = selection->device_bits,
                                   .from_ms = TIME_MS_MIN,
                                   .until_ms = TIME_MS_MAX,
                                   .columns = {.metrics = metrics, .metric_count = 2},
                                   .ordered = true};
    const struct scan_visitor visitor = {.context = history, .rows = take_rows};
    if (selection->device_count > 0)
        TRY(snapshot_scan(snapshot, &scan, &visitor, statistics, err));
    while (history->latest_device < history->device_count)
        history->starts[++history->latest_device] = history->count;
    return STATUS_OK;
}

enum status event_history_timeline(const struct event_history *history, uint32_t device,
                                   const struct timeline_rules *rules, struct timeline *timeline,
                                   struct error *err)
{
    assert(device < history->device_count);
    const size_t start = history->starts[device];
    const size_t count = history->starts[device + 1] - start;
    if (timeline_build(timeline, history->events + start, count, rules) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a timeline of %zu events", count);
    return STATUS_OK;
}
