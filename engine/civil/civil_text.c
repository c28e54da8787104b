/*
 * civil_text.c - instants as text, one at a time or many.
 *
 *      2018-05-16T   05:58:44.427   +08:00
 *      date          time of day    offset
 *
 * Most of the work is in the date, and in a named zone in its offset, for which glibc takes a
 * lock and searches. A clock keeps both, each in a small table by day.
 *
 * (1) A day has one offset if it begins and ends with the same: transitions of one zone lie
 *     further apart than that (civil.c has the rule). Days with a transition are not kept.
 */
#include "engine/civil/civil.h"

#include "engine/base/digits.h"

#include <assert.h>
#include <string.h>

#define DATE_BYTES 11u /* with its T */
#define NO_DAY     INT64_MIN

/* --- the pieces ---------------------------------------------------------------------------- */

static int64_t day_of(int64_t ms)
{
    const int64_t day = ms / MS_PER_DAY;
    return ms % MS_PER_DAY < 0 ? day - 1 : day;
}

/* Two digits and what follows them; returns the place behind. */
static char *put_pair(char *text, unsigned number, char next)
{
    memcpy(text, digits_pair(number % 100), 2);
    text[2] = next;
    return text + 3;
}

static void put_date(int64_t day, char text[DATE_BYTES])
{
    struct civil_time time = {0};
    civil_date_from_days(day, &time);
    assert(time.year >= 0 && time.year <= 9999);
    memcpy(text, digits_pair((unsigned)time.year / 100 % 100), 2);
    char *end = put_pair(text + 2, (unsigned)time.year, '-');
    end = put_pair(end, time.month, '-');
    end = put_pair(end, time.day, 'T');
    assert(end == text + DATE_BYTES);
}

static char *put_time_of_day(char *text, unsigned in_day_ms)
{
    const unsigned in_day_s = in_day_ms / 1000;
    const unsigned ms = in_day_ms % 1000;
    text = put_pair(text, in_day_s / 3600, ':');
    text = put_pair(text, in_day_s / 60 % 60, ':');
    text = put_pair(text, in_day_s % 60, '.');
    *text++ = (char)('0' + ms / 100);
    memcpy(text, digits_pair(ms % 100), 2);
    return text + 2;
}

static char *put_offset(char *text, const struct civil_zone *zone, int32_t offset_min)
{
    if (!zone->named && zone->offset_s == 0) {
        *text++ = 'Z';
        return text;
    }
    const unsigned shown_min = (unsigned)(offset_min < 0 ? -offset_min : offset_min);
    *text++ = offset_min < 0 ? '-' : '+';
    return put_pair(put_pair(text, shown_min / 60, ':'), shown_min % 60, '\0') - 1;
}

/* RFC 3339 has no seconds in an offset: local mean times show the whole minute towards zero,
   and the fields are those of that offset, so that the text names the same instant. */
static int32_t offset_min_at(const struct civil_zone *zone, int64_t utc_ms)
{
    return civil_zone_offset_s(zone, utc_ms) / 60;
}

/* --- one ----------------------------------------------------------------------------------- */

size_t civil_format_rfc3339(const struct civil_zone *zone, int64_t utc_ms,
                            char text[CIVIL_RFC3339_BYTES])
{
    const int32_t offset_min = offset_min_at(zone, utc_ms);
    const int64_t local_ms = utc_ms + offset_min * MS_PER_MINUTE;
    const int64_t day = day_of(local_ms);
    put_date(day, text);
    char *end = put_time_of_day(text + DATE_BYTES, (unsigned)(local_ms - day * MS_PER_DAY));
    end = put_offset(end, zone, offset_min);
    *end = '\0';
    return (size_t)(end - text);
}

/* --- many ---------------------------------------------------------------------------------- */

void civil_clock_init(struct civil_clock *clock, const struct civil_zone *zone)
{
    *clock = (struct civil_clock){.zone = zone};
    for (size_t i = 0; i < CIVIL_CLOCK_DAYS; i++) {
        clock->offsets[i].day = NO_DAY;
        clock->dates[i].day = NO_DAY;
    }
}

static int32_t clock_offset_min(struct civil_clock *clock, int64_t utc_ms)
{
    if (!clock->zone->named)
        return clock->zone->offset_s / 60;
    const int64_t day = day_of(utc_ms);
    const size_t place = (uint64_t)day % CIVIL_CLOCK_DAYS;
    if (clock->offsets[place].day == day)
        return clock->offsets[place].offset_min;
    const int32_t offset_min = offset_min_at(clock->zone, utc_ms);
    const int64_t start_ms = day * MS_PER_DAY;
    const int32_t first_s = civil_zone_offset_s(clock->zone, start_ms);
    if (first_s == civil_zone_offset_s(clock->zone, start_ms + MS_PER_DAY - 1)) {
        clock->offsets[place].day = day;
        clock->offsets[place].offset_min = offset_min;
    }
    return offset_min;
}

static const char *clock_date(struct civil_clock *clock, int64_t day)
{
    const size_t place = (uint64_t)day % CIVIL_CLOCK_DAYS;
    if (clock->dates[place].day != day) {
        put_date(day, clock->dates[place].text);
        clock->dates[place].day = day;
    }
    return clock->dates[place].text;
}

size_t civil_clock_format(struct civil_clock *clock, int64_t utc_ms, char text[CIVIL_RFC3339_BYTES])
{
    const int32_t offset_min = clock_offset_min(clock, utc_ms);
    const int64_t local_ms = utc_ms + offset_min * MS_PER_MINUTE;
    const int64_t day = day_of(local_ms);
    memcpy(text, clock_date(clock, day), DATE_BYTES);
    char *end = put_time_of_day(text + DATE_BYTES, (unsigned)(local_ms - day * MS_PER_DAY));
    end = put_offset(end, clock->zone, offset_min);
    *end = '\0';
    return (size_t)(end - text);
}
