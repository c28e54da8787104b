/*
 * bucket.h - the grid of `--every`: which span of time an instant falls into.
 *
 * Elapsed widths ("30s", "5m", "1h30m", at most 24 h) run from local midnight of
 * the display zone; a day's last bucket ends with the day. Calendar widths
 * ("1d", "2d", "1w", "1mo") are counted in that zone from 1970-01-01, from Monday
 * 1969-12-29 and from 1970-01. A start that daylight saving skips is the first
 * instant after the gap, one that occurs twice the earlier.
 *
 *      midnight            1h            1h            midnight
 *      [.....b0......)[....b1.......) ... [..b23..)
 *
 * Life cycle: parse -> grid_init -> bucket_of*; nothing to release.
 * Threads:    a grid keeps its last day: one thread each.
 */
#ifndef MNSDB_QUERY_BUCKET_BUCKET_H
#define MNSDB_QUERY_BUCKET_BUCKET_H

#include "engine/base/error.h"
#include "engine/civil/civil.h"

#include <stdint.h>

enum bucket_unit {
    BUCKET_ELAPSED_MS,
    BUCKET_DAYS,
    BUCKET_MONTHS,
};

struct bucket_width {
    enum bucket_unit unit;
    int64_t count;      /* milliseconds, days or months in a bucket */
    int64_t origin_day; /* BUCKET_DAYS: days since 1970-01-01 of the first one counted */
};

/* STATUS_INPUT says what a width may be. */
MUST_CHECK enum status bucket_width_parse(const char *text, struct bucket_width *width,
                                          struct error *err);

/* [start_ms, until_ms) */
struct bucket {
    int64_t start_ms;
    int64_t until_ms;
};

struct bucket_grid {
    struct bucket_width width;
    const struct civil_zone *zone; /* borrowed */
    struct bucket day;             /* BUCKET_ELAPSED_MS: the local day looked at last */
};

void bucket_grid_init(struct bucket_grid *grid, const struct bucket_width *width,
                      const struct civil_zone *zone);

/* The bucket that holds an instant of the years 0001 ... 9999. */
struct bucket bucket_of(struct bucket_grid *grid, int64_t time_ms);

/*
 * The number of buckets that meet [from_ms, until_ms), counted up to `count_max`;
 * `starts_ms`, if not NULL, takes their starts (room for `count_max`).
 */
size_t bucket_list(struct bucket_grid *grid, int64_t from_ms, int64_t until_ms, int64_t *starts_ms,
                   size_t count_max);

#endif
