/*
 * shift.h - "the same range a week earlier": instants moved along the calendar or the clock.
 *
 *      -7d  +1w  -1mo  -1y      calendar units of the zone: the clock shows the same time of day
 *      -1h  -90m  -1d12h        elapsed time
 *
 * A month that is too short ends on its last day. A local time that daylight saving skips is
 * the first instant after the gap, one that occurs twice the earlier.
 *
 * Threads: pure, but for the zone's rules (engine/civil).
 */
#ifndef MNSDB_QUERY_SHIFT_SHIFT_H
#define MNSDB_QUERY_SHIFT_SHIFT_H

#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "query/selection/selection.h"

#include <stdbool.h>
#include <stdint.h>

struct time_shift {
    int64_t elapsed_ms;
    int64_t days;
    int64_t months;
};

/* True if a text begins like a shift: with a sign. */
bool time_shift_is(const char *text);

/* STATUS_INPUT says what a shift may be; one by nothing is none. */
MUST_CHECK enum status time_shift_parse(const char *text, struct time_shift *shift,
                                        struct error *err);

/*
 * The shift that moves `from_ms` to `to_ms`: whole days of the zone if clocks there show the same
 * time of day at both, else elapsed time.
 */
struct time_shift time_shift_between(const struct civil_zone *zone, int64_t from_ms, int64_t to_ms);

/* STATUS_INPUT if the result lies outside the years 0001 to 9999. */
MUST_CHECK enum status time_shift_apply(const struct time_shift *shift,
                                        const struct civil_zone *zone, int64_t time_ms,
                                        int64_t *shifted_ms, struct error *err);

/* Both ends; what doubled hours turn round becomes empty. */
MUST_CHECK enum status time_shift_range(const struct time_shift *shift,
                                        const struct civil_zone *zone, struct time_range range,
                                        struct time_range *shifted, struct error *err);

#endif
