/*
 * sessions.c - the sessions that meet a range, over all selected devices.
 */
#include "query/online/online.h"

#include "engine/base/mem.h"

#include <stdlib.h>

/* A session with the place of its device in the order of names. */
struct ranked_session {
    struct session session;
    uint32_t rank;  /* index in selection->devices */
    uint32_t index; /* among the device's */
};

struct session_list {
    struct ranked_session *items; /* owned */
    size_t count, capacity;
};

static void session_list_release(struct session_list *list)
{
    mem_free(list->items);
}

static enum status add_columns(struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "device", CELL_TEXT, err));
    TRY(answer_add_field(answer, "start", CELL_TIME, err));
    TRY(answer_add_field(answer, "end", CELL_TIME, err));
    TRY(answer_add_field(answer, "duration_ms", CELL_DURATION, err));
    TRY(answer_add_field(answer, "reason", CELL_TEXT, err));
    return answer_add_field(answer, "repeats", CELL_COUNT, err);
}

static enum status collect(struct session_list *list, const struct timeline *timeline,
                           uint32_t rank, struct time_range range)
{
    for (size_t i = 0; i < timeline->session_count; i++) {
        const struct session *session = &timeline->sessions[i];
        if (!session_meets(session, range.from_ms, range.until_ms))
            continue;
        TRY(mem_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items));
        list->items[list->count++] =
            (struct ranked_session){.session = *session, .rank = rank, .index = (uint32_t)i};
    }
    return STATUS_OK;
}

static enum status collect_all(struct session_list *list, struct snapshot *snapshot,
                               const struct online_spec *spec, struct time_range range,
                               struct scan_statistics *statistics, struct error *err)
{
    OWNED(event_history_release) struct event_history history = {0};
    OWNED(timeline_release) struct timeline timeline = {0};
    TRY(event_history_read(&history, snapshot, spec->selection, statistics, err));
    for (uint32_t rank = 0; rank < spec->selection->device_count; rank++) {
        const uint32_t device = spec->selection->devices[rank];
        TRY(event_history_timeline(&history, device, &spec->rules, &timeline, err));
        if (collect(list, &timeline, rank, range) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for the list of sessions");
    }
    return STATUS_OK;
}

static int compare_sessions(const void *left, const void *right)
{
    const struct ranked_session *a = left;
    const struct ranked_session *b = right;
    if (a->session.start_ms != b->session.start_ms)
        return a->session.start_ms < b->session.start_ms ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static void put_session(struct answer_cell *cell, const struct session *session,
                        struct time_range range)
{
    const bool open = session->until_ms == TIMELINE_OPEN_UNTIL_MS;
    cell[0] = cell_of_time(session->start_ms);
    if (!open)
        cell[1] = cell_of_time(session->until_ms);
    cell[2] = cell_of_duration(session_inside_ms(session, range.from_ms, range.until_ms));
    cell[3] = cell_of_text(slice_of_text(open ? "open" : "offline"));
    cell[4] = cell_of_count(session->repeats);
}

enum status sessions_query(struct snapshot *snapshot, const struct online_spec *spec,
                           struct answer *answer, struct scan_statistics *statistics,
                           struct error *err)
{
    TRY(add_columns(answer, err));
    struct time_range range = {0};
    if (!selection_bounds(spec->selection, snapshot, &range))
        return STATUS_OK;
    OWNED(session_list_release) struct session_list list = {0};
    TRY(collect_all(&list, snapshot, spec, range, statistics, err));
    if (list.count > 1)
        qsort(list.items, list.count, sizeof *list.items, compare_sessions);
    for (size_t i = 0; i < list.count; i++) {
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        const uint32_t device = spec->selection->devices[list.items[i].rank];
        *cell++ = cell_of_text(snapshot_device_name(snapshot, device));
        put_session(cell, &list.items[i].session, range);
    }
    return STATUS_OK;
}
