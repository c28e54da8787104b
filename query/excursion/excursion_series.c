/*
 * excursion_series.c - limits, and readings made into the events of a timeline.
 *
 * A reading becomes an event: online where its value is beyond the limit, else offline. Where a
 * hold runs out before the next reading, an offline event is put between them. Nothing has
 * a last contact, so that no event is stale.
 *
 * What is known is a second timeline by the same machine: every reading is online there, and only
 * the end of a hold is offline. Without a hold both agree about what is unknown.
 */
#include "query/excursion/excursion_internal.h"

#include "engine/base/mem.h"

#include <string.h>

const char *excursion_side_word(enum excursion_side side)
{
    return side == EXCURSION_ABOVE ? "above" : "below";
}

enum status excursion_limits_add(struct excursion_limits *limits, enum excursion_side side,
                                 const char *text, struct error *err)
{
    struct number value = {0};
    if (!number_parse(slice_of(text, strlen(text)), &value))
        return error_set(err, STATUS_INPUT, "--%s: '%s' is no number", excursion_side_word(side),
                         text);
    for (size_t i = 0; i < limits->count; i++) {
        if (limits->items[i].side == side && number_compare(limits->items[i].value, value) == 0)
            return STATUS_OK;
    }
    if (limits->count == EXCURSION_LIMITS_MAX)
        return error_set(err, STATUS_INPUT,
                         "--above and --below: at most %u limits in one question",
                         EXCURSION_LIMITS_MAX);
    limits->items[limits->count++] = (struct excursion_limit){.side = side, .value = value};
    return STATUS_OK;
}

bool excursion_is_beyond(const struct excursion_limit *limit, struct number value)
{
    const int order = number_compare(value, limit->value);
    return limit->side == EXCURSION_ABOVE ? order > 0 : order < 0;
}

void excursion_series_release(struct excursion_series *series)
{
    mem_free(series->readings);
    mem_free(series->events);
    *series = (struct excursion_series){0};
}

/* The instant at which the hold of a reading runs out; false if the next one comes before. */
static bool falls_silent(const struct excursion_series *series, size_t i, int64_t hold_ms,
                         int64_t *at_ms)
{
    const int64_t time_ms = series->readings[i].time_ms;
    if (__builtin_add_overflow(time_ms, hold_ms, at_ms))
        return false;
    return i + 1 == series->count || series->readings[i + 1].time_ms > *at_ms;
}

enum status excursion_timeline(struct excursion_series *series, const struct excursion_limit *limit,
                               bool has_hold, int64_t hold_ms, struct timeline *timeline,
                               struct error *err)
{
    static const struct timeline_rules rules = {0};
    if (mem_grow(&series->events, &series->event_capacity, 2 * series->count,
                 sizeof *series->events) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for %zu readings", series->count);
    size_t count = 0;
    for (size_t i = 0; i < series->count; i++) {
        const struct excursion_reading *reading = &series->readings[i];
        series->events[count++] = (struct status_event){
            .time_ms = reading->time_ms,
            .online = !limit || excursion_is_beyond(limit, reading->value),
        };
        int64_t silent_ms = 0;
        if (has_hold && falls_silent(series, i, hold_ms, &silent_ms))
            series->events[count++] = (struct status_event){.time_ms = silent_ms};
    }
    if (timeline_build(timeline, series->events, count, &rules) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a timeline of %zu readings", count);
    return STATUS_OK;
}
