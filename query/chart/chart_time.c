/*
 * chart_time.c - ticks of the calendar.
 *
 * Three ways to walk, since a day has 23, 24 or 25 hours:
 *
 *      up to an hour   from instant to instant: a tick where the clock shows a multiple of the
 *                      step. What the clock shows twice is a tick twice.
 *      hours           day by day, the hours that are multiples of the step; an hour that the
 *                      clocks skip is no tick
 *      days and more   date by date; a midnight that is skipped is the first instant after the gap
 *
 * The candidates go from fine to coarse; the first that gives few enough ticks is taken.
 */
#include "query/chart/chart.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum step_unit {
    STEP_ELAPSED, /* milliseconds */
    STEP_HOURS,   /* of the day */
    STEP_DAYS,
    STEP_MONTHS,
};

struct step {
    enum step_unit unit;
    int64_t count;
    int64_t least_ms; /* never shorter than this; for a first guess */
};

#define SECONDS(n) ((n)*MS_PER_SECOND)
#define MINUTES(n) ((n)*MS_PER_MINUTE)
#define HOURS(n)   ((n)*MS_PER_HOUR)
#define DAYS(n)    ((n)*MS_PER_DAY)

static const struct step steps[] = {
    {STEP_ELAPSED, 1, 1},
    {STEP_ELAPSED, 2, 2},
    {STEP_ELAPSED, 5, 5},
    {STEP_ELAPSED, 10, 10},
    {STEP_ELAPSED, 20, 20},
    {STEP_ELAPSED, 50, 50},
    {STEP_ELAPSED, 100, 100},
    {STEP_ELAPSED, 200, 200},
    {STEP_ELAPSED, 500, 500},
    {STEP_ELAPSED, SECONDS(1), SECONDS(1)},
    {STEP_ELAPSED, SECONDS(2), SECONDS(2)},
    {STEP_ELAPSED, SECONDS(5), SECONDS(5)},
    {STEP_ELAPSED, SECONDS(10), SECONDS(10)},
    {STEP_ELAPSED, SECONDS(15), SECONDS(15)},
    {STEP_ELAPSED, SECONDS(30), SECONDS(30)},
    {STEP_ELAPSED, MINUTES(1), MINUTES(1)},
    {STEP_ELAPSED, MINUTES(2), MINUTES(2)},
    {STEP_ELAPSED, MINUTES(5), MINUTES(5)},
    {STEP_ELAPSED, MINUTES(10), MINUTES(10)},
    {STEP_ELAPSED, MINUTES(15), MINUTES(15)},
    {STEP_ELAPSED, MINUTES(30), MINUTES(30)},
    {STEP_ELAPSED, HOURS(1), HOURS(1)},
    {STEP_HOURS, 2, HOURS(1)},
    {STEP_HOURS, 3, HOURS(2)},
    {STEP_HOURS, 6, HOURS(5)},
    {STEP_HOURS, 12, HOURS(11)},
    {STEP_DAYS, 1, HOURS(23)},
    {STEP_DAYS, 2, HOURS(47)},
    {STEP_DAYS, 7, HOURS(167)},
    {STEP_DAYS, 14, HOURS(335)},
    {STEP_MONTHS, 1, DAYS(27)},
    {STEP_MONTHS, 2, DAYS(58)},
    {STEP_MONTHS, 3, DAYS(88)},
    {STEP_MONTHS, 6, DAYS(180)},
    {STEP_MONTHS, 12, DAYS(364)},
    {STEP_MONTHS, 24, DAYS(729)},
    {STEP_MONTHS, 60, DAYS(1825)},
    {STEP_MONTHS, 120, DAYS(3651)},
    {STEP_MONTHS, 240, DAYS(7303)},
    {STEP_MONTHS, 600, DAYS(18261)},
    {STEP_MONTHS, 1200, DAYS(36523)},
    {STEP_MONTHS, 6000, DAYS(182620)},
    {STEP_MONTHS, 12000, DAYS(365242)},
    {STEP_MONTHS, 24000, DAYS(730484)},
    {STEP_MONTHS, 60000, DAYS(1826210)},
};

#define MONDAY INT64_C(-3) /* 1969-12-29 */

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Ticks on their way into an array that holds `most`; one more is counted, none beyond. */
struct tick_list {
    const struct civil_zone *zone;
    int64_t from_ms, until_ms;
    struct chart_tick *ticks;
    size_t count, most;
};

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    const int64_t quotient = value / divisor;
    return value % divisor < 0 ? quotient - 1 : quotient;
}

/* False once there are too many, or the range is over. */
static bool take_tick(struct tick_list *list, int64_t time_ms)
{
    if (time_ms >= list->until_ms || list->count > list->most)
        return false;
    const bool repeated = list->count > 0 && list->ticks[list->count - 1].time_ms >= time_ms;
    if (time_ms < list->from_ms || repeated)
        return true;
    if (list->count < list->most)
        list->ticks[list->count].time_ms = time_ms;
    return ++list->count <= list->most;
}

static int64_t local_ms_of(const struct civil_zone *zone, int64_t time_ms)
{
    return time_ms + civil_zone_offset_s(zone, time_ms) * MS_PER_SECOND;
}

static void walk_elapsed(struct tick_list *list, int64_t step_ms)
{
    int64_t at_ms = list->from_ms;
    for (bool more = true; more;) {
        const int64_t local_ms = local_ms_of(list->zone, at_ms);
        const int64_t behind_ms = local_ms - floor_divide(local_ms, step_ms) * step_ms;
        more = behind_ms == 0 ? take_tick(list, at_ms) : at_ms < list->until_ms;
        at_ms += step_ms - behind_ms;
    }
}

static int64_t instant_of(const struct civil_zone *zone, int64_t day, unsigned hour)
{
    struct civil_time time = {0};
    civil_date_from_days(day, &time);
    time.hour = (uint8_t)hour;
    return civil_zone_to_utc_ms(zone, &time, CIVIL_AFTER_GAP);
}

static void walk_hours(struct tick_list *list, unsigned step)
{
    int64_t day = floor_divide(local_ms_of(list->zone, list->from_ms), MS_PER_DAY) - 1;
    for (bool more = true; more; day++) {
        for (unsigned hour = 0; more && hour < 24; hour += step) {
            const int64_t at_ms = instant_of(list->zone, day, hour);
            struct civil_time shown = {0};
            civil_zone_from_utc_ms(list->zone, at_ms, &shown);
            const bool skipped = hour > 0 && shown.hour != hour;
            more = skipped ? at_ms < list->until_ms : take_tick(list, at_ms);
        }
    }
}

static void walk_days(struct tick_list *list, int64_t step)
{
    int64_t day = floor_divide(local_ms_of(list->zone, list->from_ms), MS_PER_DAY) - 1;
    const int64_t origin = step % 7 == 0 ? MONDAY : 0;
    day = origin + floor_divide(day - origin, step) * step;
    while (take_tick(list, instant_of(list->zone, day, 0)))
        day += step;
}

static void walk_months(struct tick_list *list, int64_t step)
{
    struct civil_time from = {0};
    civil_zone_from_utc_ms(list->zone, list->from_ms, &from);
    int64_t month = floor_divide((int64_t)from.year * 12 + from.month - 1, step) * step;
    for (bool more = true; more; month += step) {
        const int32_t year = (int32_t)floor_divide(month, 12);
        if (year > 9999)
            break;
        if (year < 1)
            continue;
        const int64_t day =
            civil_days_from_date(year, (unsigned)(month - (int64_t)year * 12) + 1, 1);
        more = take_tick(list, instant_of(list->zone, day, 0));
    }
}

static void walk(struct tick_list *list, const struct step *step)
{
    list->count = 0;
    switch (step->unit) {
    case STEP_ELAPSED:
        walk_elapsed(list, step->count);
        break;
    case STEP_HOURS:
        walk_hours(list, (unsigned)step->count);
        break;
    case STEP_DAYS:
        walk_days(list, step->count);
        break;
    case STEP_MONTHS:
        walk_months(list, step->count);
        break;
    }
}

/* --- labels -------------------------------------------------------------------------------- */

static void name_date(struct chart_tick *tick, const struct civil_time *time, bool month_only)
{
    const char *month = month_names[time->month - 1];
    if (month_only)
        (void)snprintf(tick->text, sizeof tick->text, "%s", month);
    else
        (void)snprintf(tick->text, sizeof tick->text, "%u %s", (unsigned)time->day, month);
}

static void name_year(struct chart_tick *tick, const struct civil_time *time)
{
    (void)snprintf(tick->text, sizeof tick->text, "%04d", (int)time->year);
}

/* Below a day: the time of day, with the date in its place at midnight. */
static void name_clock(struct chart_tick *tick, const struct civil_time *time,
                       const struct step *step, bool new_day)
{
    const bool fine = step->unit == STEP_ELAPSED && step->count < MS_PER_MINUTE;
    if (new_day) {
        tick->major = true;
        name_date(tick, time, false);
    } else if (fine && step->count < MS_PER_SECOND) {
        (void)snprintf(tick->text, sizeof tick->text, "%02u.%03u", (unsigned)time->second,
                       (unsigned)time->millisecond);
    } else if (fine) {
        (void)snprintf(tick->text, sizeof tick->text, "%02u:%02u:%02u", (unsigned)time->hour,
                       (unsigned)time->minute, (unsigned)time->second);
    } else {
        (void)snprintf(tick->text, sizeof tick->text, "%02u:%02u", (unsigned)time->hour,
                       (unsigned)time->minute);
    }
}

static void name_ticks(const struct tick_list *list, const struct step *step)
{
    int64_t day_before = INT64_MIN;
    int32_t year_before = INT32_MIN;
    for (size_t i = 0; i < list->count; i++) {
        struct chart_tick *tick = &list->ticks[i];
        const int64_t day = floor_divide(local_ms_of(list->zone, tick->time_ms), MS_PER_DAY);
        struct civil_time time = {0};
        civil_zone_from_utc_ms(list->zone, tick->time_ms, &time);
        tick->major = false;
        if (step->unit == STEP_ELAPSED || step->unit == STEP_HOURS) {
            const bool midnight = instant_of(list->zone, day, 0) == tick->time_ms;
            name_clock(tick, &time, step, midnight && day != day_before);
        } else if (step->unit == STEP_DAYS) {
            tick->major = time.day == 1;
            name_date(tick, &time, false);
        } else if (step->count >= 12 || (time.month == 1 && time.year != year_before)) {
            tick->major = step->count < 12;
            name_year(tick, &time);
        } else {
            name_date(tick, &time, true);
        }
        day_before = day;
        year_before = time.year;
    }
}

size_t chart_time_ticks(const struct civil_zone *zone, int64_t from_ms, int64_t until_ms,
                        size_t ticks_max, struct chart_tick ticks[CHART_TICKS_MAX])
{
    assert(ticks_max >= 1 && ticks_max <= CHART_TICKS_MAX);
    struct tick_list list = {
        .zone = zone, .from_ms = from_ms, .until_ms = until_ms, .ticks = ticks, .most = ticks_max};
    if (from_ms >= until_ms)
        return 0;
    // No step can be right whose ticks cannot lie that far apart.
    const int64_t apart_ms = (until_ms - from_ms) / ((int64_t)ticks_max + 1) / 2;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].least_ms < apart_ms && i + 1 < sizeof steps / sizeof *steps)
            continue;
        walk(&list, &steps[i]);
        if (list.count <= ticks_max) {
            name_ticks(&list, &steps[i]);
            return list.count;
        }
    }
    return 0;
}

/* --- ranges -------------------------------------------------------------------------------- */

/* "2018-05-16", "2018-05-16 05:00", "... 05:58:44", "... 05:58:44.427". */
static size_t format_bound(const struct civil_time *time, unsigned digits, char *text,
                           size_t text_bytes)
{
    int len = snprintf(text, text_bytes, "%04d-%02u-%02u", (int)time->year, (unsigned)time->month,
                       (unsigned)time->day);
    if (digits >= 1)
        len += snprintf(text + len, text_bytes - (size_t)len, " %02u:%02u", (unsigned)time->hour,
                        (unsigned)time->minute);
    if (digits >= 2)
        len += snprintf(text + len, text_bytes - (size_t)len, ":%02u", (unsigned)time->second);
    if (digits >= 3)
        len += snprintf(text + len, text_bytes - (size_t)len, ".%03u", (unsigned)time->millisecond);
    return (size_t)len;
}

static unsigned digits_needed(const struct civil_time *time)
{
    if (time->millisecond > 0)
        return 3;
    if (time->second > 0)
        return 2;
    return time->hour > 0 || time->minute > 0 ? 1 : 0;
}

const char *chart_range_format(const struct civil_zone *zone, int64_t from_ms, int64_t until_ms,
                               char text[CHART_RANGE_BYTES])
{
    struct civil_time from = {0};
    struct civil_time until = {0};
    civil_zone_from_utc_ms(zone, from_ms, &from);
    civil_zone_from_utc_ms(zone, until_ms, &until);
    // What is short beside the range says nothing to somebody who looks at a picture.
    const unsigned most = until_ms - from_ms >= 2 * MS_PER_HOUR     ? 1
                          : until_ms - from_ms >= 2 * MS_PER_MINUTE ? 2
                                                                    : 3;
    unsigned digits = digits_needed(&from);
    if (digits_needed(&until) > digits)
        digits = digits_needed(&until);
    if (digits > most)
        digits = most;
    size_t len = format_bound(&from, digits, text, CHART_RANGE_BYTES);
    memcpy(text + len, " to ", 4);
    len += 4;
    len += format_bound(&until, digits, text + len, CHART_RANGE_BYTES - len);
    (void)snprintf(text + len, CHART_RANGE_BYTES - len, " (%.63s)", zone->name);
    return text;
}
