/*
 * civil.c - calendar arithmetic, and zones through glibc's tz code.
 *
 * Days are counted with March as the first month of a year, so that the leap
 * day is a year's last and every 400-year era is alike.
 *
 * A wall-clock time is turned into an instant by looking at the offsets some
 * hours to either side of it: if they are equal there is nothing to decide;
 * else bisection finds the transition between them, and the two offsets give
 * at most two instants, of which those on their own side of it are real.
 *
 *      (1) No zone's offset is further than WINDOW_S from UTC.
 *      (2) Two transitions never lie within one window of 2 * WINDOW_S that has
 *          different offsets at its ends (true for the zone database).
 *
 * TZ is set to the file's absolute path: what was checked is what glibc reads,
 * whatever TZDIR says.
 */
#include "engine/civil/civil.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ZONE_FOLDER "/usr/share/zoneinfo/"

#define DAYS_PER_ERA    INT64_C(146097) /* 400 years */
#define YEARS_PER_ERA   INT64_C(400)
#define DAYS_TO_EPOCH   INT64_C(719468) /* 0000-03-01 to 1970-01-01 */
#define SECONDS_PER_DAY INT64_C(86400)

/* More than the largest offset on record, 15:13 (Alaska, Manila). */
#define WINDOW_S (16 * INT64_C(3600))

/* --- the calendar -------------------------------------------------------------------------- */

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    const int64_t quotient = value / divisor;
    return value % divisor < 0 ? quotient - 1 : quotient;
}

static bool is_leap_year(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_of_month(int32_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

bool civil_is_valid(const struct civil_time *time)
{
    if (time->year < 1 || time->year > 9999 || time->month < 1 || time->month > 12)
        return false;
    if (time->day < 1 || time->day > days_of_month(time->year, time->month))
        return false;
    return time->hour < 24 && time->minute < 60 && time->second < 60 && time->millisecond < 1000;
}

int64_t civil_days_from_date(int32_t year, unsigned month, unsigned day)
{
    assert(month >= 1 && month <= 12);
    const int64_t shifted_year = month <= 2 ? (int64_t)year - 1 : year;
    const int64_t shifted_month = month <= 2 ? (int64_t)month + 9 : (int64_t)month - 3;
    const int64_t era = floor_divide(shifted_year, YEARS_PER_ERA);
    const int64_t year_of_era = shifted_year - era * YEARS_PER_ERA;
    const int64_t day_of_year = (153 * shifted_month + 2) / 5 + (int64_t)day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

void civil_date_from_days(int64_t days, struct civil_time *time)
{
    const int64_t shifted = days + DAYS_TO_EPOCH;
    const int64_t era = floor_divide(shifted, DAYS_PER_ERA);
    const int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted_month = (5 * day_of_year + 2) / 153;
    const bool next_year = shifted_month >= 10;
    time->day = (uint8_t)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    time->month = (uint8_t)(next_year ? shifted_month - 9 : shifted_month + 3);
    time->year = (int32_t)(year_of_era + era * YEARS_PER_ERA + (next_year ? 1 : 0));
}

int64_t civil_to_utc_ms(const struct civil_time *time)
{
    const int64_t days = civil_days_from_date(time->year, time->month, time->day);
    return days * MS_PER_DAY + time->hour * MS_PER_HOUR + time->minute * MS_PER_MINUTE +
           time->second * MS_PER_SECOND + time->millisecond;
}

/* --- opening a zone ------------------------------------------------------------------------ */

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* "+08:00" or "+0800"; 23:59 at most. */
static bool parse_offset(const char *text, int32_t *offset_s)
{
    const size_t len = strlen(text);
    if ((text[0] != '+' && text[0] != '-') || (len != 5 && len != 6))
        return false;
    if (len == 6 && text[3] != ':')
        return false;
    const char *minutes = text + len - 2;
    if (!is_digit(text[1]) || !is_digit(text[2]) || !is_digit(minutes[0]) || !is_digit(minutes[1]))
        return false;
    const int32_t hour = (text[1] - '0') * 10 + (text[2] - '0');
    const int32_t minute = (minutes[0] - '0') * 10 + (minutes[1] - '0');
    if (hour > 23 || minute > 59)
        return false;
    const int32_t seconds = hour * 3600 + minute * 60;
    *offset_s = text[0] == '-' ? -seconds : seconds;
    return true;
}

static bool is_utc_name(const char *text)
{
    static const char *const names[] = {"UTC",      "Z",    "Etc/UTC",   "Etc/UCT",      "UCT",
                                        "Etc/Zulu", "Zulu", "Universal", "Etc/Universal"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0)
            return true;
    }
    return false;
}

/* A path inside the zone folder, and none of the zones that count leap seconds. */
static bool is_zone_name(const char *text)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
    const size_t len = strlen(text);
    if (len == 0 || len >= CIVIL_ZONE_NAME_BYTES || strspn(text, allowed) != len)
        return false;
    return text[0] != '/' && strncmp(text, "right/", strlen("right/")) != 0;
}

static bool is_zone_file(const char *path)
{
    char magic[4] = {0};
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    const size_t read = fread(magic, 1, sizeof magic, file);
    fclose(file);
    return read == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
}

/* Makes glibc use the zone; the process keeps it from then on. */
static enum status set_process_zone(const char *name, const char *path, struct error *err)
{
    static char process_zone[CIVIL_ZONE_NAME_BYTES];
    assert(process_zone[0] == '\0' || strcmp(process_zone, name) == 0);
    if (process_zone[0] != '\0')
        return STATUS_OK;
    if (setenv("TZ", path, 1) != 0)
        return error_set(err, STATUS_NOMEM, "time zone: no memory");
    tzset();
    snprintf(process_zone, sizeof process_zone, "%s", name);
    return STATUS_OK;
}

static enum status open_named(struct civil_zone *zone, const char *text, struct error *err)
{
    char path[sizeof ":" ZONE_FOLDER + CIVIL_ZONE_NAME_BYTES];
    snprintf(path, sizeof path, ":%s%s", ZONE_FOLDER, text);
    if (!is_zone_file(path + 1))
        return error_set(err, STATUS_CONFIG, "time zone '%s' is not in the zone database", text);
    TRY(set_process_zone(text, path, err));
    zone->named = true;
    return STATUS_OK;
}

enum status civil_zone_open(struct civil_zone *zone, const char *text, struct error *err)
{
    *zone = (struct civil_zone){0};
    int32_t offset_s = 0;
    if (!is_utc_name(text) && !parse_offset(text, &offset_s)) {
        if (!is_zone_name(text))
            return error_set(err, STATUS_CONFIG,
                             "'%s' is no time zone (an IANA name, UTC or +HH:MM)", text);
        TRY(open_named(zone, text, err));
    }
    zone->offset_s = offset_s;
    snprintf(zone->name, sizeof zone->name, "%s", text);
    return STATUS_OK;
}

/* --- between wall clocks and instants ------------------------------------------------------ */

static int32_t offset_at(const struct civil_zone *zone, int64_t utc_s)
{
    if (!zone->named)
        return zone->offset_s;
    const time_t seconds = (time_t)utc_s;
    struct tm fields = {0};
    if (!localtime_r(&seconds, &fields))
        return 0;
    return (int32_t)fields.tm_gmtoff;
}

int32_t civil_zone_offset_s(const struct civil_zone *zone, int64_t utc_ms)
{
    return offset_at(zone, floor_divide(utc_ms, MS_PER_SECOND));
}

/* The first second with another offset than `before_s` has; the offsets at both ends differ. */
static int64_t find_transition(const struct civil_zone *zone, int64_t before_s, int64_t after_s)
{
    const int32_t before = offset_at(zone, before_s);
    assert(before != offset_at(zone, after_s));
    while (after_s - before_s > 1) {
        const int64_t middle = before_s + (after_s - before_s) / 2;
        if (offset_at(zone, middle) == before)
            before_s = middle;
        else
            after_s = middle;
    }
    return after_s;
}

/* `local_s`: the wall clock's fields taken as UTC. */
static int64_t local_to_utc_s(const struct civil_zone *zone, int64_t local_s,
                              enum civil_choice choice)
{
    const int32_t before = offset_at(zone, local_s - WINDOW_S);
    const int32_t after = offset_at(zone, local_s + WINDOW_S);
    if (before == after)
        return local_s - before;
    const int64_t transition = find_transition(zone, local_s - WINDOW_S, local_s + WINDOW_S);
    const int64_t by_before = local_s - before;
    const int64_t by_after = local_s - after;
    const bool before_is_real = by_before < transition;
    const bool after_is_real = by_after >= transition;
    if (before_is_real && after_is_real)
        return by_before < by_after ? by_before : by_after;
    if (before_is_real)
        return by_before;
    if (after_is_real)
        return by_after;
    if (choice == CIVIL_AFTER_GAP)
        return transition;
    return before > after ? by_before : by_after;
}

int64_t civil_zone_to_utc_ms(const struct civil_zone *zone, const struct civil_time *time,
                             enum civil_choice choice)
{
    const int64_t local_ms = civil_to_utc_ms(time);
    if (!zone->named)
        return local_ms - zone->offset_s * MS_PER_SECOND;
    const int64_t local_s = floor_divide(local_ms, MS_PER_SECOND);
    const int64_t utc_s = local_to_utc_s(zone, local_s, choice);
    /* A time that does not exist has no milliseconds to keep: the gap's end is a whole second. */
    const bool exists = utc_s + offset_at(zone, utc_s) == local_s;
    const bool keep_ms = exists || choice == CIVIL_EARLIER;
    return utc_s * MS_PER_SECOND + (keep_ms ? time->millisecond : 0);
}

static void fields_from_local_ms(int64_t local_ms, struct civil_time *time)
{
    const int64_t days = floor_divide(local_ms, MS_PER_DAY);
    const int64_t in_day = local_ms - days * MS_PER_DAY;
    civil_date_from_days(days, time);
    time->hour = (uint8_t)(in_day / MS_PER_HOUR);
    time->minute = (uint8_t)(in_day / MS_PER_MINUTE % 60);
    time->second = (uint8_t)(in_day / MS_PER_SECOND % 60);
    time->millisecond = (uint16_t)(in_day % MS_PER_SECOND);
}

void civil_zone_from_utc_ms(const struct civil_zone *zone, int64_t utc_ms, struct civil_time *time)
{
    fields_from_local_ms(utc_ms + civil_zone_offset_s(zone, utc_ms) * MS_PER_SECOND, time);
}
