/*
 * bucket.c - days of the zone first, then arithmetic within them.
 *
 * (1) start(d) is the first instant of local day d. It never decreases with d; a
 *     day that a zone skipped as a whole is empty.
 * (2) The day of an instant is the only d with start(d) <= t < start(d + 1). The
 *     date that the zone's clocks show is at most a day off, where midnight
 *     itself was skipped or repeated.
 * (3) All calendar buckets are unions of days, so their bounds are starts of days.
 */
#include "query/bucket/bucket.h"

#include "cli/quantity.h"

#include <assert.h>
#include <string.h>

#define CALENDAR_DAYS_MAX   INT64_C(366000) /* about a thousand years, so that bounds stay dates */
#define CALENDAR_MONTHS_MAX INT64_C(12000)
#define COUNT_DIGITS_MAX    6u
#define FIRST_MONDAY        INT64_C(-3) /* 1969-12-29 */
#define DAYS_PER_WEEK       INT64_C(7)

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    const int64_t quotient = value / divisor;
    return value % divisor < 0 ? quotient - 1 : quotient;
}

/* --- widths -------------------------------------------------------------------------------- */

/* "2d", "1w", "3mo": false if the text is none of these. Zero if the count is unusable. */
static bool read_calendar_width(const char *text, struct bucket_width *width)
{
    size_t digits = 0;
    int64_t count = 0;
    for (; text[digits] >= '0' && text[digits] <= '9'; digits++)
        count = digits < COUNT_DIGITS_MAX ? count * 10 + (text[digits] - '0') : INT32_MAX;
    const char *unit = text + digits;
    if (digits == 0)
        return false;
    *width = (struct bucket_width){.unit = BUCKET_DAYS, .count = count};
    int64_t count_max = CALENDAR_DAYS_MAX;
    if (strcmp(unit, "w") == 0) {
        width->count = count * DAYS_PER_WEEK;
        width->origin_day = FIRST_MONDAY;
    } else if (strcmp(unit, "mo") == 0) {
        width->unit = BUCKET_MONTHS;
        count_max = CALENDAR_MONTHS_MAX;
    } else if (strcmp(unit, "d") != 0) {
        return false;
    }
    if (width->count > count_max)
        width->count = 0;
    return true;
}

enum status bucket_width_parse(const char *text, struct bucket_width *width, struct error *err)
{
    if (read_calendar_width(text, width)) {
        if (width->count == 0)
            return error_set(err, STATUS_INPUT, "a bucket of '%s' is too short or too long", text);
        return STATUS_OK;
    }
    int64_t width_ms = 0;
    if (duration_parse(text, &width_ms, NULL) != STATUS_OK)
        return error_set(err, STATUS_INPUT,
                         "'%s' is no bucket width: give 30s, 5m, 1h, 1d, 1w or 1mo", text);
    if (width_ms == 0)
        return error_set(err, STATUS_INPUT, "a bucket of '%s' has no width", text);
    if (width_ms > MS_PER_DAY)
        return error_set(err, STATUS_INPUT,
                         "a bucket of '%s' is longer than 24h: give days (2d), weeks or months",
                         text);
    *width = (struct bucket_width){.unit = BUCKET_ELAPSED_MS, .count = width_ms};
    return STATUS_OK;
}

/* --- days ---------------------------------------------------------------------------------- */

static int64_t day_start_ms(const struct civil_zone *zone, int64_t day)
{
    struct civil_time midnight = {0};
    civil_date_from_days(day, &midnight);
    return civil_zone_to_utc_ms(zone, &midnight, CIVIL_AFTER_GAP);
}

/* The local day that holds an instant, as days since 1970-01-01. */
static int64_t day_of(const struct civil_zone *zone, int64_t time_ms)
{
    const int64_t local_ms = time_ms + civil_zone_offset_s(zone, time_ms) * MS_PER_SECOND;
    int64_t day = floor_divide(local_ms, MS_PER_DAY);
    while (day_start_ms(zone, day) > time_ms)
        day--;
    while (day_start_ms(zone, day + 1) <= time_ms)
        day++;
    return day;
}

static int64_t month_start_ms(const struct civil_zone *zone, int64_t month)
{
    const int64_t year = floor_divide(month, 12);
    const int64_t day =
        civil_days_from_date((int32_t)(1970 + year), (unsigned)(month - year * 12) + 1, 1);
    return day_start_ms(zone, day);
}

/* --- the grid ------------------------------------------------------------------------------ */

void bucket_grid_init(struct bucket_grid *grid, const struct bucket_width *width,
                      const struct civil_zone *zone)
{
    assert(width->count > 0);
    *grid = (struct bucket_grid){.width = *width, .zone = zone};
}

static struct bucket elapsed_bucket(struct bucket_grid *grid, int64_t time_ms)
{
    if (time_ms < grid->day.start_ms || time_ms >= grid->day.until_ms) {
        const int64_t day = day_of(grid->zone, time_ms);
        grid->day =
            (struct bucket){day_start_ms(grid->zone, day), day_start_ms(grid->zone, day + 1)};
    }
    const int64_t width_ms = grid->width.count;
    const int64_t start_ms =
        grid->day.start_ms + (time_ms - grid->day.start_ms) / width_ms * width_ms;
    const int64_t until_ms = start_ms + width_ms;
    return (struct bucket){start_ms, until_ms < grid->day.until_ms ? until_ms : grid->day.until_ms};
}

static struct bucket day_bucket(const struct bucket_grid *grid, int64_t time_ms)
{
    const int64_t origin = grid->width.origin_day;
    const int64_t count = grid->width.count;
    const int64_t day = day_of(grid->zone, time_ms);
    const int64_t first = origin + floor_divide(day - origin, count) * count;
    return (struct bucket){day_start_ms(grid->zone, first),
                           day_start_ms(grid->zone, first + count)};
}

static struct bucket month_bucket(const struct bucket_grid *grid, int64_t time_ms)
{
    struct civil_time date = {0};
    civil_date_from_days(day_of(grid->zone, time_ms), &date);
    const int64_t month = ((int64_t)date.year - 1970) * 12 + date.month - 1;
    const int64_t first = floor_divide(month, grid->width.count) * grid->width.count;
    return (struct bucket){month_start_ms(grid->zone, first),
                           month_start_ms(grid->zone, first + grid->width.count)};
}

struct bucket bucket_of(struct bucket_grid *grid, int64_t time_ms)
{
    if (grid->width.unit == BUCKET_ELAPSED_MS)
        return elapsed_bucket(grid, time_ms);
    if (grid->width.unit == BUCKET_DAYS)
        return day_bucket(grid, time_ms);
    return month_bucket(grid, time_ms);
}

size_t bucket_list(struct bucket_grid *grid, int64_t from_ms, int64_t until_ms, int64_t *starts_ms,
                   size_t count_max)
{
    size_t count = 0;
    for (int64_t at_ms = from_ms; at_ms < until_ms && count < count_max; count++) {
        const struct bucket bucket = bucket_of(grid, at_ms);
        assert(bucket.until_ms > at_ms);
        if (starts_ms)
            starts_ms[count] = bucket.start_ms;
        at_ms = bucket.until_ms;
    }
    return count;
}
