/*
 * time_expression.h - times as people type them.
 *
 *      2018-05-16T05:58:44.427Z     RFC 3339: an instant
 *      2018-05-16 [05:58[:44[.427]]] the same without a zone: in the display zone
 *      @1526450324[.427]            seconds since 1970, up to 11 digits
 *      @1526450324427               milliseconds, 12 digits and more
 *      now, now-1h30m, now+5m, -7d  relative to the clock, by a duration of cli/quantity.h
 *
 * A wall-clock time that the zone skips is the first instant after the gap; one
 * that it shows twice is the earlier. Fractions finer than a millisecond are cut.
 *
 * Threads: pure, but for the zone's rules (engine/civil).
 */
#ifndef MNSDB_QUERY_TIME_EXPRESSION_TIME_EXPRESSION_H
#define MNSDB_QUERY_TIME_EXPRESSION_TIME_EXPRESSION_H

#include "engine/base/error.h"
#include "engine/civil/civil.h"

#include <stdint.h>

/* What an expression may refer to. */
struct time_context {
    const struct civil_zone *zone; /* of times without a zone */
    int64_t now_ms;
};

/* STATUS_INPUT says what the text should be. Results lie in the years 0001 ... 9999. */
MUST_CHECK enum status time_expression_parse(const char *text, const struct time_context *context,
                                             int64_t *time_ms, struct error *err);

#endif
