/*
 * watch.h - the lines of the live screen: a view, composed for what the screen can show.
 *
 * Pure: no clock, no terminal, no store. Lines are parted by '\n', none is wider than the screen
 * and there are no more of them than it has rows. Texts from outside are escaped here.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_QUERY_WATCH_WATCH_H
#define MNSDB_QUERY_WATCH_WATCH_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "engine/counters/counters.h"
#include "query/answer/answer.h"
#include "query/screen/screen.h"
#include "query/timeline/timeline.h"
#include "query/watch/ingest_page.h"

#include <stdbool.h>
#include <stdint.h>

#define WATCH_RATES_MAX 60u
#define WATCH_ROWS_MAX  64u /* of devices, and of events */

struct watch_event {
    struct slice device;
    int64_t time_ms;
    bool online;
};

struct watch_view {
    const char *store; /* its directory */
    const struct civil_zone *zone;
    int64_t now_ms;
    int64_t interval_ms;
    bool live; /* it will be refreshed; else one frame alone */
    bool paused;
    struct store_counters counters;
    struct store_counters before;  /* at the beginning */
    double rates[WATCH_RATES_MAX]; /* messages a second, the newest last */
    size_t rate_count;
    uint64_t states[TIMELINE_ONLINE + 1]; /* devices, by enum timeline_state */
    const struct answer *devices;     /* those seen last, as `last` answers, ordered; NULL: none */
    const struct watch_event *events; /* newest first */
    size_t event_count;
    bool asks_ingest;
    const char *ingest_problem;          /* NULL: there is a page */
    const struct ingest_figures *ingest; /* if asks_ingest and no problem */
};

MUST_CHECK enum status watch_compose(const struct watch_view *view, const struct screen *screen,
                                     struct buffer *lines);

#endif
