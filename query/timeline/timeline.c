/*
 * timeline.c - the state machine over events, and ranges cut out of its result.
 *
 * A timeline is kept as its sessions plus the instant of the first change: outside
 * sessions a device is offline from then on, and unknown before.
 *
 * (1) Sessions ascend and do not overlap: each starts at or after the event that
 *     ended the one before, which is at or after that one's end.
 * (2) Hence starts and ends both ascend, and a range's sessions are found by bisection.
 * (3) Only the first change can lead from unknown to offline; every later change
 *     to offline is the end of a session.
 * (4) Times of messages are of a century, but a store can be made to hold any: of a range longer
 *     than INT64_MAX ms only the latest INT64_MAX ms have a length, so that lengths still add up.
 */
#include "query/timeline/timeline.h"

#include "engine/base/bound.h"
#include "engine/base/mem.h"

#include <assert.h>

struct machine {
    struct timeline *timeline;
    const struct timeline_rules *rules;
    enum timeline_state state;
    bool saw_online;
    int64_t latest_online_ms; /* of any online event, repeats included; if saw_online */
};

const char *timeline_state_word(enum timeline_state state)
{
    static const char *const words[] = {
        [TIMELINE_UNKNOWN] = "unknown",
        [TIMELINE_OFFLINE] = "offline",
        [TIMELINE_ONLINE] = "online",
    };
    return words[state];
}

void timeline_release(struct timeline *timeline)
{
    mem_free(timeline->sessions);
    mem_free(timeline->repeats_ms);
    mem_free(timeline->stale_ms);
    *timeline = (struct timeline){0};
}

static void timeline_clear(struct timeline *timeline)
{
    timeline->session_count = 0;
    timeline->repeat_count = 0;
    timeline->stale_count = 0;
    timeline->has_change = false;
}

/* --- the state machine --------------------------------------------------------------------- */

static enum status add_time(int64_t **times_ms, size_t *count, size_t *capacity, int64_t time_ms)
{
    TRY(mem_grow(times_ms, capacity, *count + 1, sizeof **times_ms));
    (*times_ms)[(*count)++] = time_ms;
    return STATUS_OK;
}

static void note_change(struct machine *machine, enum timeline_state state, int64_t time_ms)
{
    if (machine->state == TIMELINE_UNKNOWN) {
        machine->timeline->has_change = true;
        machine->timeline->first_change_ms = time_ms;
    }
    machine->state = state;
}

static enum status take_online(struct machine *machine, const struct status_event *event)
{
    struct timeline *timeline = machine->timeline;
    machine->saw_online = true;
    machine->latest_online_ms = event->time_ms;
    if (machine->state == TIMELINE_ONLINE) {
        timeline->sessions[timeline->session_count - 1].repeats++;
        return add_time(&timeline->repeats_ms, &timeline->repeat_count, &timeline->repeat_capacity,
                        event->time_ms);
    }
    TRY(mem_grow(&timeline->sessions, &timeline->session_capacity, timeline->session_count + 1,
                 sizeof *timeline->sessions));
    timeline->sessions[timeline->session_count++] =
        (struct session){.start_ms = event->time_ms, .until_ms = TIMELINE_OPEN_UNTIL_MS};
    note_change(machine, TIMELINE_ONLINE, event->time_ms);
    return STATUS_OK;
}

/* Rule 3; where there is no time so early, no contact is stale. */
static bool is_stale(const struct machine *machine, const struct status_event *event)
{
    int64_t before_ms = 0;
    if (machine->rules->keep_stale || !event->has_contact || !machine->saw_online)
        return false;
    return !__builtin_sub_overflow(machine->latest_online_ms, TIMELINE_STALE_MS, &before_ms) &&
           event->contact_ms < before_ms;
}

static int64_t session_end_ms(const struct machine *machine, const struct session *session,
                              const struct status_event *event)
{
    if (!machine->rules->end_at_last_contact || !event->has_contact)
        return event->time_ms;
    const int64_t end_ms = event->contact_ms < event->time_ms ? event->contact_ms : event->time_ms;
    return end_ms > session->start_ms ? end_ms : session->start_ms;
}

static enum status take_offline(struct machine *machine, const struct status_event *event)
{
    struct timeline *timeline = machine->timeline;
    if (is_stale(machine, event))
        return add_time(&timeline->stale_ms, &timeline->stale_count, &timeline->stale_capacity,
                        event->time_ms);
    if (machine->state == TIMELINE_ONLINE) {
        struct session *session = &timeline->sessions[timeline->session_count - 1];
        session->until_ms = session_end_ms(machine, session, event);
    }
    note_change(machine, TIMELINE_OFFLINE, event->time_ms);
    return STATUS_OK;
}

enum status timeline_build(struct timeline *timeline, const struct status_event *events,
                           size_t count, const struct timeline_rules *rules)
{
    timeline_clear(timeline);
    struct machine machine = {.timeline = timeline, .rules = rules, .state = TIMELINE_UNKNOWN};
    for (size_t i = 0; i < count; i++) {
        assert(i == 0 || events[i - 1].time_ms <= events[i].time_ms);
        const enum status status = events[i].online ? take_online(&machine, &events[i])
                                                    : take_offline(&machine, &events[i]);
        if (status != STATUS_OK) {
            timeline_clear(timeline);
            return status;
        }
    }
    return STATUS_OK;
}

/* --- ranges -------------------------------------------------------------------------------- */

bool session_meets(const struct session *session, int64_t from_ms, int64_t until_ms)
{
    return session->start_ms < until_ms &&
           (session->until_ms > from_ms || session->start_ms >= from_ms);
}

/* The start of what has a length: `from_ms`, or later in a range that is too long. */
static int64_t measured_from(int64_t from_ms, int64_t until_ms)
{
    int64_t length_ms = 0;
    return __builtin_sub_overflow(until_ms, from_ms, &length_ms) ? until_ms - INT64_MAX : from_ms;
}

int64_t session_inside_ms(const struct session *session, int64_t from_ms, int64_t until_ms)
{
    const int64_t first_ms = measured_from(from_ms, until_ms);
    const int64_t start_ms = session->start_ms > first_ms ? session->start_ms : first_ms;
    const int64_t end_ms = session->until_ms < until_ms ? session->until_ms : until_ms;
    return end_ms > start_ms ? end_ms - start_ms : 0;
}

static uint64_t count_within(const int64_t *times_ms, size_t count, int64_t from_ms,
                             int64_t until_ms)
{
    return bound_find_key(times_ms, count, until_ms) - bound_find_key(times_ms, count, from_ms);
}

static int64_t session_until_ms(const void *items, size_t place)
{
    const struct session *sessions = items;
    return sessions[place].until_ms;
}

size_t timeline_first_session(const struct timeline *timeline, int64_t from_ms)
{
    return bound_find(timeline->sessions, timeline->session_count, from_ms, session_until_ms);
}

struct timeline_span timeline_cut(const struct timeline *timeline, int64_t from_ms,
                                  int64_t until_ms)
{
    assert(from_ms <= until_ms);
    struct timeline_span span = {0};
    for (size_t i = timeline_first_session(timeline, from_ms); i < timeline->session_count; i++) {
        const struct session *session = &timeline->sessions[i];
        if (session->start_ms >= until_ms)
            break;
        if (!session_meets(session, from_ms, until_ms))
            continue;
        const int64_t inside_ms = session_inside_ms(session, from_ms, until_ms);
        span.sessions++;
        span.online_ms += inside_ms;
        span.longest_ms = inside_ms > span.longest_ms ? inside_ms : span.longest_ms;
    }
    const int64_t first_ms = measured_from(from_ms, until_ms);
    int64_t known_ms = until_ms;
    if (timeline->has_change && timeline->first_change_ms < until_ms)
        known_ms = timeline->first_change_ms > first_ms ? timeline->first_change_ms : first_ms;
    span.unknown_ms = known_ms - first_ms;
    span.offline_ms = until_ms - known_ms - span.online_ms;
    span.repeats = count_within(timeline->repeats_ms, timeline->repeat_count, from_ms, until_ms);
    span.stale = count_within(timeline->stale_ms, timeline->stale_count, from_ms, until_ms);
    assert(span.offline_ms >= 0);
    return span;
}

enum timeline_state timeline_state_at(const struct timeline *timeline, int64_t at_ms,
                                      int64_t *since_ms)
{
    if (!timeline->has_change || timeline->first_change_ms > at_ms)
        return TIMELINE_UNKNOWN;
    size_t low = 0; // the number of sessions that started by then
    size_t high = timeline->session_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (timeline->sessions[middle].start_ms <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) {
        *since_ms = timeline->first_change_ms;
        return TIMELINE_OFFLINE;
    }
    const struct session *latest = &timeline->sessions[low - 1];
    const bool is_over = latest->until_ms != TIMELINE_OPEN_UNTIL_MS && latest->until_ms <= at_ms;
    *since_ms = is_over ? latest->until_ms : latest->start_ms;
    return is_over ? TIMELINE_OFFLINE : TIMELINE_ONLINE;
}
