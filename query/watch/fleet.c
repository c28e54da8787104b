/*
 * fleet.c - see fleet.h. Everything that is taken in may be taken in again (a merge puts old rows
 * beside new ones): the newest stays the newest, an event is known by its message id.
 */
#include "query/watch/fleet.h"

#include "engine/base/mem.h"
#include "query/online/online.h"
#include "query/view/view.h"

#include <string.h>

void fleet_release(struct fleet *fleet)
{
    block_memory_release(&fleet->blocks);
    mem_free(fleet->devices);
    mem_free(fleet->changed);
    *fleet = (struct fleet){0};
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the states of devices");
}

static void see(struct fleet *fleet, uint32_t device, int64_t time_ms)
{
    if (time_ms > fleet->devices[device].seen_ms)
        fleet->devices[device].seen_ms = time_ms;
}

/* --- readings ------------------------------------------------------------------------------ */

/* Every summary comes by here first, whatever a view makes of it. */
static enum status offer_summary(void *context, const struct block_summary *summary, bool *taken)
{
    struct fleet *fleet = context;
    return block_memory_offer(&fleet->blocks, summary, taken);
}

static enum status take_readings_summary(void *context, const struct block_summary *summary,
                                         bool *taken)
{
    struct fleet *fleet = context;
    if (summary->first.device == summary->last.device) {
        see(fleet, summary->first.device, summary->max_time_ms);
        *taken = true;
    }
    return STATUS_OK;
}

static enum status take_readings(void *context, const struct row_vector *rows, uint32_t from_row,
                                 uint32_t until_row)
{
    for (uint32_t row = from_row; row < until_row; row++)
        see(context, row_vector_device(rows, row), rows->times_ms[row]);
    return STATUS_OK;
}

/* --- events -------------------------------------------------------------------------------- */

static bool is_newer(const struct fleet_event *a, const struct fleet_event *b)
{
    return a->time_ms != b->time_ms ? a->time_ms > b->time_ms : a->message_id > b->message_id;
}

static void keep_event(struct fleet *fleet, const struct fleet_event *event)
{
    size_t at = fleet->event_count;
    while (at > 0 && is_newer(event, &fleet->events[at - 1]))
        at--;
    if (at == FLEET_EVENTS_MAX || (at > 0 && fleet->events[at - 1].message_id == event->message_id))
        return;
    fleet->event_count += fleet->event_count < FLEET_EVENTS_MAX;
    memmove(&fleet->events[at + 1], &fleet->events[at],
            (fleet->event_count - at - 1) * sizeof *event);
    fleet->events[at] = *event;
}

static bool is_online(const struct row_vector *rows, uint32_t row)
{
    if (rows->column_count == 0)
        return false;
    const struct number state = column_vector_get(&rows->columns[0], row);
    return state.kind == NUMBER_DECIMAL && state.mantissa == STATUS_ONLINE;
}

static enum status take_events(void *context, const struct row_vector *rows, uint32_t from_row,
                               uint32_t until_row)
{
    struct fleet *fleet = context;
    for (uint32_t row = from_row; row < until_row; row++) {
        const struct fleet_event event = {.time_ms = rows->times_ms[row],
                                          .message_id = rows->message_ids[row],
                                          .device = row_vector_device(rows, row),
                                          .online = is_online(rows, row)};
        see(fleet, event.device, event.time_ms);
        fleet->changed[event.device / 64] |= UINT64_C(1) << (event.device % 64);
        keep_event(fleet, &event);
    }
    return STATUS_OK;
}

/* --- states -------------------------------------------------------------------------------- */

static uint32_t count_changed(const struct fleet *fleet)
{
    uint32_t count = 0;
    for (size_t word = 0; word < (fleet->device_count + 63) / 64; word++)
        count += (uint32_t)__builtin_popcountll(fleet->changed[word]);
    return count;
}

static enum status put_states(struct fleet *fleet, struct event_history *history,
                              struct timeline *timeline, struct error *err)
{
    static const struct timeline_rules rules = {0};
    for (uint32_t device = 0; device < fleet->device_count; device++) {
        if (!device_bit(fleet->changed, device))
            continue;
        TRY(event_history_timeline(history, device, &rules, timeline, err));
        int64_t since_ms = 0;
        fleet->devices[device].state = (uint8_t)timeline_state_at(timeline, TIME_MS_MAX, &since_ms);
    }
    return STATUS_OK;
}

static enum status refresh_states(struct fleet *fleet, struct snapshot *snapshot,
                                  struct scan_statistics *statistics, struct error *err)
{
    const uint32_t count = count_changed(fleet);
    if (count == 0)
        return STATUS_OK;
    struct selection selection = {.device_bits = fleet->changed,
                                  .device_count = count,
                                  .from_ms = TIME_MS_MIN,
                                  .until_ms = TIME_MS_MAX};
    OWNED(event_history_release) struct event_history history = {0};
    OWNED(timeline_release) struct timeline timeline = {0};
    TRY(event_history_read(&history, snapshot, &selection, statistics, err));
    return put_states(fleet, &history, &timeline, err);
}

static void count_states(struct fleet *fleet, const struct selection *selection)
{
    memset(fleet->states, 0, sizeof fleet->states);
    for (uint32_t device = 0; device < fleet->device_count; device++) {
        if (device_bit(selection->device_bits, device))
            fleet->states[fleet->devices[device].state]++;
    }
}

/* --- a refresh ----------------------------------------------------------------------------- */

static enum status make_room(struct fleet *fleet, size_t count)
{
    TRY(mem_grow(&fleet->devices, &fleet->device_capacity, count, sizeof *fleet->devices));
    for (size_t device = fleet->device_count; device < count; device++)
        fleet->devices[device] =
            (struct fleet_device){.seen_ms = TIME_MS_MIN, .state = TIMELINE_UNKNOWN};
    fleet->device_count = count;
    mem_free(fleet->changed);
    fleet->changed = mem_alloc_zeroed(count / 64 + 1, sizeof *fleet->changed);
    return fleet->changed ? STATUS_OK : STATUS_NOMEM;
}

static enum status scan_table(struct fleet *fleet, struct snapshot *snapshot, enum table table,
                              const struct selection *selection, struct scan_statistics *statistics,
                              struct error *err)
{
    static const uint32_t state = STATUS_METRIC_STATE;
    const bool events = table == TABLE_STATUS;
    const struct scan_spec scan = {
        .table = table,
        .device_bits = selection->device_bits,
        .from_ms = TIME_MS_MIN,
        .until_ms = TIME_MS_MAX,
        .columns = {.metrics = &state, .metric_count = events ? 1 : 0, .message_ids = events}};
    const struct scan_visitor visitor = {
        .context = fleet,
        .summary = events ? NULL : take_readings_summary,
        .rows = events ? take_events : take_readings,
    };
    const struct view_gate gate = {.context = fleet, .summary = offer_summary};
    const struct view_visitors visitors = {.all = &visitor, .count = 1, .gate = &gate};
    block_memory_begin(&fleet->blocks, table, statistics);
    return view_scan_shared(selection->view, snapshot, &scan, &visitors, statistics, err);
}

enum status fleet_refresh(struct fleet *fleet, struct snapshot *snapshot,
                          const struct selection *selection, struct error *err)
{
    struct scan_statistics statistics = {0};
    if (make_room(fleet, snapshot_device_count(snapshot)) != STATUS_OK)
        return no_memory(err);
    if (selection->device_count > 0) {
        TRY(scan_table(fleet, snapshot, TABLE_READINGS, selection, &statistics, err));
        TRY(scan_table(fleet, snapshot, TABLE_STATUS, selection, &statistics, err));
    }
    block_memory_turn(&fleet->blocks);
    TRY(refresh_states(fleet, snapshot, &statistics, err));
    count_states(fleet, selection);
    return STATUS_OK;
}

size_t fleet_newest(const struct fleet *fleet, uint32_t *devices, size_t count)
{
    size_t used = 0;
    for (uint32_t device = 0; device < fleet->device_count; device++) {
        const int64_t seen_ms = fleet->devices[device].seen_ms;
        if (seen_ms == TIME_MS_MIN ||
            (used == count && (count == 0 || seen_ms <= fleet->devices[devices[used - 1]].seen_ms)))
            continue;
        used += used < count;
        size_t at = used - 1;
        while (at > 0 && fleet->devices[devices[at - 1]].seen_ms < seen_ms) {
            devices[at] = devices[at - 1];
            at--;
        }
        devices[at] = device;
    }
    return used;
}
