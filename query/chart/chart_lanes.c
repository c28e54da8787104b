/*
 * chart_lanes.c - timelines of devices as lanes of spans.
 *
 *      timeline   ....#----=================#--------====>
 *      lane        [unk][off][    online    ][ offline][online]      cut to the range
 *
 * Sessions of zero length are no spans: there is nothing of them to see. Spans that follow each
 * other and have the same state are one.
 */
#include "query/chart/chart.h"

#include "engine/base/mem.h"

#include <assert.h>

/* A lane while it is made; spans gather in order. */
struct lane_writer {
    struct chart_lane *lane;
    size_t capacity;
    int64_t at_ms; /* everything before it is written */
};

void chart_lanes_release(struct chart_lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++)
        mem_free(lanes->lanes[i].spans);
    mem_free(lanes->lanes);
    arena_release(&lanes->arena);
    *lanes = (struct chart_lanes){0};
}

/* Continues the lane with a state up to `until_ms`; what lies behind is not repeated. */
static enum status write_span(struct lane_writer *writer, int64_t until_ms,
                              enum timeline_state state)
{
    struct chart_lane *lane = writer->lane;
    if (until_ms <= writer->at_ms)
        return STATUS_OK;
    if (lane->span_count > 0 && lane->spans[lane->span_count - 1].state == state) {
        lane->spans[lane->span_count - 1].until_ms = until_ms;
    } else {
        TRY(mem_grow(&lane->spans, &writer->capacity, lane->span_count + 1, sizeof *lane->spans));
        lane->spans[lane->span_count++] =
            (struct chart_span){.from_ms = writer->at_ms, .until_ms = until_ms, .state = state};
    }
    writer->at_ms = until_ms;
    return STATUS_OK;
}

static int64_t cut(int64_t time_ms, const struct chart_lanes *lanes)
{
    return time_ms < lanes->from_ms    ? lanes->from_ms
           : time_ms > lanes->until_ms ? lanes->until_ms
                                       : time_ms;
}

static enum status write_lane(const struct chart_lanes *lanes, struct chart_lane *lane,
                              const struct timeline *timeline)
{
    struct lane_writer writer = {.lane = lane, .at_ms = lanes->from_ms};
    const int64_t known_ms =
        timeline->has_change ? cut(timeline->first_change_ms, lanes) : lanes->until_ms;
    TRY(write_span(&writer, known_ms, TIMELINE_UNKNOWN));
    for (size_t i = 0; i < timeline->session_count; i++) {
        const struct session *session = &timeline->sessions[i];
        if (!session_meets(session, lanes->from_ms, lanes->until_ms) ||
            session->start_ms == session->until_ms)
            continue;
        TRY(write_span(&writer, cut(session->start_ms, lanes), TIMELINE_OFFLINE));
        TRY(write_span(&writer, cut(session->until_ms, lanes), TIMELINE_ONLINE));
    }
    return write_span(&writer, lanes->until_ms, TIMELINE_OFFLINE);
}

static void find_outages(struct chart_lane *lane)
{
    for (size_t i = 0; i < lane->span_count; i++) {
        const struct chart_span *span = &lane->spans[i];
        if (span->state != TIMELINE_OFFLINE)
            continue;
        lane->outages++;
        if (span->until_ms - span->from_ms > lane->longest_outage_ms) {
            lane->longest_outage_ms = span->until_ms - span->from_ms;
            lane->longest_outage_at_ms = span->from_ms;
        }
    }
}

enum status chart_lanes_add(struct chart_lanes *lanes, struct slice label,
                            const struct timeline *timeline, struct error *err)
{
    assert(lanes->from_ms <= lanes->until_ms);
    if (mem_grow(&lanes->lanes, &lanes->capacity, lanes->count + 1, sizeof *lanes->lanes) !=
        STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the picture");
    struct chart_lane *lane = &lanes->lanes[lanes->count++];
    *lane = (struct chart_lane){
        .label = arena_copy(&lanes->arena, label),
        .total = timeline_cut(timeline, lanes->from_ms, lanes->until_ms),
    };
    if (!lane->label.data || write_lane(lanes, lane, timeline) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the picture");
    find_outages(lane);
    return STATUS_OK;
}

void chart_lane_shares(const struct chart_lane *lane, int64_t from_ms, int64_t until_ms,
                       int64_t held_ms[CHART_STATES])
{
    // The first span that ends behind from_ms.
    size_t low = 0;
    size_t count = lane->span_count;
    while (count > 0) {
        const size_t half = count / 2;
        if (lane->spans[low + half].until_ms <= from_ms) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    for (size_t state = 0; state < CHART_STATES; state++)
        held_ms[state] = 0;
    for (size_t i = low; i < lane->span_count && lane->spans[i].from_ms < until_ms; i++) {
        const struct chart_span *span = &lane->spans[i];
        const int64_t first_ms = span->from_ms > from_ms ? span->from_ms : from_ms;
        const int64_t last_ms = span->until_ms < until_ms ? span->until_ms : until_ms;
        held_ms[span->state] += last_ms - first_ms;
    }
}
