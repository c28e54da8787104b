/*
 * reliability.c - failures and outages between the sessions of a timeline.
 *
 * (1) Outage i lies between session i and session i + 1; the last one is open. Before the
 *     first session there may be one that follows no session: it is offline time, so it can be the
 *     longest outage, but nobody saw what failed, and its end is no repair.
 * (2) Ends of sessions ascend as their starts do: what concerns a range is found by bisection.
 */
#include "query/reliability/reliability.h"

#include <assert.h>

struct cut {
    const struct timeline *timeline;
    int64_t from_ms;
    int64_t until_ms;
    struct reliability found;
};

static bool is_inside(const struct cut *cut, int64_t time_ms)
{
    return time_ms >= cut->from_ms && time_ms < cut->until_ms;
}

/* [start_ms, end_ms) is offline. */
static void take_offline(struct cut *cut, int64_t start_ms, int64_t end_ms)
{
    const int64_t cut_start_ms = start_ms > cut->from_ms ? start_ms : cut->from_ms;
    const int64_t cut_end_ms = end_ms < cut->until_ms ? end_ms : cut->until_ms;
    if (cut_end_ms <= cut_start_ms || cut_end_ms - cut_start_ms <= cut->found.longest_outage_ms)
        return;
    cut->found.longest_outage_ms = cut_end_ms - cut_start_ms;
    cut->found.longest_outage_start_ms = start_ms;
}

/* The offline time before the i-th session, which may be the end of the list. */
static void take_outage(struct cut *cut, size_t i)
{
    const struct timeline *timeline = cut->timeline;
    const bool is_last = i == timeline->session_count;
    if (i == 0) {
        if (timeline->has_change)
            take_offline(cut, timeline->first_change_ms,
                         is_last ? cut->until_ms : timeline->sessions[0].start_ms);
        return;
    }
    const int64_t start_ms = timeline->sessions[i - 1].until_ms;
    if (start_ms == TIMELINE_OPEN_UNTIL_MS)
        return;
    const int64_t end_ms = is_last ? cut->until_ms : timeline->sessions[i].start_ms;
    take_offline(cut, start_ms, end_ms);
    if (!is_last && is_inside(cut, end_ms)) {
        cut->found.repairs++;
        cut->found.repaired_ms += end_ms - start_ms;
    }
}

static void take_session(struct cut *cut, const struct session *session, int64_t flap_ms)
{
    if (session->until_ms == TIMELINE_OPEN_UNTIL_MS || !is_inside(cut, session->until_ms))
        return;
    cut->found.failures++;
    if (session->until_ms - session->start_ms < flap_ms)
        cut->found.flaps++;
}

struct reliability reliability_cut(const struct timeline *timeline, int64_t from_ms,
                                   int64_t until_ms, int64_t flap_ms)
{
    assert(from_ms <= until_ms);
    struct cut cut = {.timeline = timeline, .from_ms = from_ms, .until_ms = until_ms};
    size_t i = timeline_first_session(timeline, from_ms);
    take_outage(&cut, i);
    for (; i < timeline->session_count; i++) {
        const struct session *session = &timeline->sessions[i];
        if (session->start_ms >= until_ms)
            break;
        take_session(&cut, session, flap_ms);
        take_outage(&cut, i + 1);
    }
    return cut.found;
}

void reliability_add(struct reliability *sum, const struct reliability *added)
{
    sum->failures += added->failures;
    sum->repairs += added->repairs;
    sum->flaps += added->flaps;
    sum->repaired_ms += added->repaired_ms;
    const bool is_longer = added->longest_outage_ms > sum->longest_outage_ms;
    const bool is_earlier = added->longest_outage_ms == sum->longest_outage_ms &&
                            added->longest_outage_start_ms < sum->longest_outage_start_ms;
    if (added->longest_outage_ms > 0 && (is_longer || is_earlier)) {
        sum->longest_outage_ms = added->longest_outage_ms;
        sum->longest_outage_start_ms = added->longest_outage_start_ms;
    }
}
