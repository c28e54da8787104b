/*
 * status_rules.c - what looks wrong in status events: flapping, offline without online, stale.
 *
 * The rules of the timeline hold: what is stale there is stale here, and told apart.
 */
#include "query/findings/findings_internal.h"

struct flaps {
    uint64_t sessions; /* that began within a crowd */
    uint64_t most;     /* in one span of the limit's length */
    int64_t first_ms, last_ms;
};

/* Offline events while offline, and what restating is usual. */
struct repeats {
    uint64_t offline;
    uint64_t online;
    int64_t first_ms, last_ms;
};

static bool in_range(const struct findings *findings, int64_t time_ms)
{
    const struct selection *selection = findings->spec->selection;
    return time_ms >= selection->from_ms &&
           (!selection->has_until || time_ms < selection->until_ms);
}

/* --- flapping ------------------------------------------------------------------------------ */

/*
 * A session is one of a crowd if it is one of `flap_sessions` in a row whose first and last begin
 * less than `flap_ms` apart. `starts` are those in range, ascending.
 */
static struct flaps find_flaps(const struct findings *findings)
{
    const struct findings_limits *limits = &findings->spec->limits;
    const struct session *sessions = findings->timeline.sessions;
    struct flaps flaps = {0};
    size_t first = 0;   // of the sessions less than flap_ms before the one at hand
    size_t counted = 0; // sessions before this one are counted, or never will be
    for (size_t i = 0; i < findings->timeline.session_count; i++) {
        if (!in_range(findings, sessions[i].start_ms)) {
            first = i + 1;
            continue;
        }
        while (gaps_between(sessions[first].start_ms, sessions[i].start_ms) >= limits->flap_ms)
            first++;
        const uint64_t crowd = i - first + 1;
        if (crowd < limits->flap_sessions)
            continue;
        const size_t from = first > counted ? first : counted;
        if (flaps.sessions == 0)
            flaps.first_ms = sessions[from].start_ms;
        flaps.sessions += i + 1 - from;
        flaps.last_ms = sessions[i].start_ms;
        flaps.most = crowd > flaps.most ? crowd : flaps.most;
        counted = i + 1;
    }
    return flaps;
}

static enum status add_flapping(struct findings *findings, struct slice device)
{
    const struct findings_limits *limits = &findings->spec->limits;
    if (limits->flap_sessions == 0 || limits->flap_ms == 0)
        return STATUS_OK;
    const struct flaps flaps = find_flaps(findings);
    if (flaps.sessions == 0)
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_FLAPPING, SEVERITY_WARNING);
    draft.finding.device = device;
    draft.finding.has_time = true;
    draft.finding.first_ms = flaps.first_ms;
    draft.finding.last_ms = flaps.last_ms;
    draft.finding.count = flaps.sessions;
    words_count(&draft.evidence, flaps.sessions, "session", "sessions");
    words_add(&draft.evidence, " in quick succession, up to ");
    words_count(&draft.evidence, flaps.most, "that began within ", "that began within ");
    words_duration(&draft.evidence, limits->flap_ms);
    words_command(&draft.more, findings->spec, "sessions");
    words_device(&draft.more, device);
    words_span(&draft.more, flaps.first_ms, flaps.last_ms);
    return draft_end(&draft, findings);
}

/* --- events that do not fit ---------------------------------------------------------------- */

/* The state machine of the timeline once more, for what that does not keep. */
static struct repeats find_repeats(const struct findings *findings, uint32_t device)
{
    struct repeats repeats = {0};
    size_t count = 0;
    const struct status_event *events = event_history_of(&findings->history, device, &count);
    enum timeline_state state = TIMELINE_UNKNOWN;
    bool saw_online = false;
    int64_t latest_online_ms = 0;
    for (size_t i = 0; i < count; i++) {
        const struct status_event *event = &events[i];
        if (event->online) {
            repeats.online += state == TIMELINE_ONLINE && in_range(findings, event->time_ms);
            state = TIMELINE_ONLINE;
            saw_online = true;
            latest_online_ms = event->time_ms;
            continue;
        }
        if (event->has_contact && saw_online &&
            event->contact_ms < latest_online_ms - TIMELINE_STALE_MS)
            continue;
        if (state == TIMELINE_OFFLINE && in_range(findings, event->time_ms)) {
            if (repeats.offline++ == 0)
                repeats.first_ms = event->time_ms;
            repeats.last_ms = event->time_ms;
        }
        state = TIMELINE_OFFLINE;
    }
    return repeats;
}

/* Kinds of events order as words: offline, online, reading. */
static void more_of_events(struct draft *draft, const struct findings *findings)
{
    words_command(&draft->more, findings->spec, "log --order-by kind --limit 50");
    words_device(&draft->more, draft->finding.device);
    words_span(&draft->more, draft->finding.first_ms, draft->finding.last_ms);
}

static enum status add_offline_only(struct findings *findings, uint32_t device)
{
    const struct repeats repeats = find_repeats(findings, device);
    // Who restates being online restates being offline, too.
    if (repeats.offline == 0 || repeats.online > 0)
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_OFFLINE_ONLY, SEVERITY_WARNING);
    draft.finding.device = snapshot_device_name(findings->snapshot, device);
    draft.finding.has_time = true;
    draft.finding.first_ms = repeats.first_ms;
    draft.finding.last_ms = repeats.last_ms;
    draft.finding.count = repeats.offline;
    words_count(&draft.evidence, repeats.offline, "offline event", "offline events");
    words_add(&draft.evidence, " while it was offline already: online events are missing");
    more_of_events(&draft, findings);
    return draft_end(&draft, findings);
}

/* One for all devices: networks reorder, and the rule takes care of it. */
struct stale {
    uint64_t events;
    uint64_t devices;
    int64_t first_ms, last_ms;
    uint64_t most; /* of one device */
    struct slice worst;
};

static void see_stale(struct stale *stale, const struct findings *findings, struct slice device)
{
    const struct timeline *timeline = &findings->timeline;
    uint64_t count = 0;
    for (size_t i = 0; i < timeline->stale_count; i++) {
        const int64_t time_ms = timeline->stale_ms[i];
        if (!in_range(findings, time_ms))
            continue;
        if (stale->events == 0 || time_ms < stale->first_ms)
            stale->first_ms = time_ms;
        if (stale->events == 0 || time_ms > stale->last_ms)
            stale->last_ms = time_ms;
        stale->events++;
        count++;
    }
    stale->devices += count > 0;
    if (count > stale->most) {
        stale->most = count;
        stale->worst = device;
    }
}

static enum status add_stale(struct findings *findings, const struct stale *stale)
{
    if (stale->events == 0)
        return STATUS_OK;
    struct draft draft;
    draft_begin(&draft, findings, FINDING_STALE_OFFLINE, SEVERITY_NOTE);
    if (stale->devices == 1)
        draft.finding.device = stale->worst;
    draft.finding.has_time = true;
    draft.finding.first_ms = stale->first_ms;
    draft.finding.last_ms = stale->last_ms;
    draft.finding.count = stale->events;
    words_count(&draft.evidence, stale->events, "offline event", "offline events");
    words_add(&draft.evidence, " of ");
    words_count(&draft.evidence, stale->devices, "device", "devices");
    words_add(&draft.evidence, " told of an earlier connection and did not count");
    words_command(&draft.more, findings->spec, "online --order-by stale:desc --limit 20");
    if (stale->devices == 1)
        words_device(&draft.more, stale->worst);
    words_span(&draft.more, stale->first_ms, stale->last_ms);
    return draft_end(&draft, findings);
}

enum status findings_of_status(struct findings *findings, struct error *err)
{
    struct stale stale = {0};
    for (uint32_t rank = 0; rank < findings->device_count; rank++) {
        const uint32_t device = findings->devices[rank].device;
        size_t count = 0;
        (void)event_history_of(&findings->history, device, &count);
        if (count == 0)
            continue;
        const struct slice name = snapshot_device_name(findings->snapshot, device);
        TRY(findings_timeline(findings, device, err));
        TRY(add_flapping(findings, name));
        TRY(add_offline_only(findings, device));
        see_stale(&stale, findings, name);
    }
    return add_stale(findings, &stale);
}
