/*
 * shift.c - calendar units move the local date, elapsed ones the instant.
 */
#include "query/shift/shift.h"

#include "cli/quantity.h"

#include <assert.h>
#include <string.h>

#define COUNT_DIGITS_MAX 6u
#define DAYS_PER_WEEK    INT64_C(7)
#define MONTHS_PER_YEAR  INT64_C(12)
#define YEAR_MIN         1
#define YEAR_MAX         9999

bool time_shift_is(const char *text)
{
    return text[0] == '-' || text[0] == '+';
}

/* "7d", "1w", "3mo", "1y": false if the text is none of these. */
static bool read_calendar(const char *text, struct time_shift *shift)
{
    size_t digits = 0;
    int64_t count = 0;
    for (; text[digits] >= '0' && text[digits] <= '9'; digits++) {
        if (digits == COUNT_DIGITS_MAX)
            return false;
        count = count * 10 + (text[digits] - '0');
    }
    const char *unit = text + digits;
    *shift = (struct time_shift){0};
    if (digits == 0)
        return false;
    if (strcmp(unit, "d") == 0)
        shift->days = count;
    else if (strcmp(unit, "w") == 0)
        shift->days = count * DAYS_PER_WEEK;
    else if (strcmp(unit, "mo") == 0)
        shift->months = count;
    else if (strcmp(unit, "y") == 0)
        shift->months = count * MONTHS_PER_YEAR;
    else
        return false;
    return true;
}

enum status time_shift_parse(const char *text, struct time_shift *shift, struct error *err)
{
    const bool signed_text = time_shift_is(text);
    if (!signed_text || (!read_calendar(text + 1, shift) &&
                         duration_parse(text + 1, &shift->elapsed_ms, NULL) != STATUS_OK))
        return error_set(err, STATUS_INPUT,
                         "'%s' is no shift in time: give -7d, -1w, -1mo, -1y or -12h", text);
    if (shift->elapsed_ms == 0 && shift->days == 0 && shift->months == 0)
        return error_set(err, STATUS_INPUT, "a shift by '%s' leads to the same time", text);
    if (text[0] == '-') {
        shift->elapsed_ms = -shift->elapsed_ms;
        shift->days = -shift->days;
        shift->months = -shift->months;
    }
    return STATUS_OK;
}

static int64_t day_of(const struct civil_time *time)
{
    return civil_days_from_date(time->year, time->month, time->day);
}

struct time_shift time_shift_between(const struct civil_zone *zone, int64_t from_ms, int64_t to_ms)
{
    struct civil_time from;
    struct civil_time to;
    civil_zone_from_utc_ms(zone, from_ms, &from);
    civil_zone_from_utc_ms(zone, to_ms, &to);
    const bool same_clock = from.hour == to.hour && from.minute == to.minute &&
                            from.second == to.second && from.millisecond == to.millisecond;
    if (same_clock && day_of(&from) != day_of(&to))
        return (struct time_shift){.days = day_of(&to) - day_of(&from)};
    return (struct time_shift){.elapsed_ms = to_ms - from_ms};
}

/* Moves the date; false if the year is not one of the calendar. */
static bool move_date(const struct time_shift *shift, struct civil_time *time)
{
    struct civil_time date = *time;
    if (shift->months != 0) {
        const int64_t month =
            (int64_t)time->year * MONTHS_PER_YEAR + time->month - 1 + shift->months;
        if (month < YEAR_MIN * MONTHS_PER_YEAR || month >= (YEAR_MAX + 1) * MONTHS_PER_YEAR)
            return false;
        date.year = (int32_t)(month / MONTHS_PER_YEAR);
        date.month = (uint8_t)(month % MONTHS_PER_YEAR + 1);
        while (!civil_is_valid(&date))
            date.day--;
    }
    const int64_t day = day_of(&date) + shift->days;
    if (day < civil_days_from_date(YEAR_MIN, 1, 1) ||
        day >= civil_days_from_date(YEAR_MAX + 1, 1, 1))
        return false;
    civil_date_from_days(day, &date);
    time->year = date.year;
    time->month = date.month;
    time->day = date.day;
    return true;
}

enum status time_shift_apply(const struct time_shift *shift, const struct civil_zone *zone,
                             int64_t time_ms, int64_t *shifted_ms, struct error *err)
{
    *shifted_ms = time_ms;
    bool inside = true;
    if (shift->days != 0 || shift->months != 0) {
        struct civil_time time;
        civil_zone_from_utc_ms(zone, time_ms, &time);
        inside = move_date(shift, &time);
        if (inside)
            *shifted_ms = civil_zone_to_utc_ms(zone, &time, CIVIL_AFTER_GAP);
    }
    *shifted_ms += shift->elapsed_ms;
    const int64_t first_ms = civil_days_from_date(YEAR_MIN, 1, 1) * MS_PER_DAY;
    const int64_t end_ms = civil_days_from_date(YEAR_MAX + 1, 1, 1) * MS_PER_DAY;
    if (!inside || *shifted_ms < first_ms || *shifted_ms >= end_ms)
        return error_set(err, STATUS_INPUT, "the shifted range leaves the years 0001 to 9999");
    return STATUS_OK;
}

enum status time_shift_range(const struct time_shift *shift, const struct civil_zone *zone,
                             struct time_range range, struct time_range *shifted, struct error *err)
{
    TRY(time_shift_apply(shift, zone, range.from_ms, &shifted->from_ms, err));
    TRY(time_shift_apply(shift, zone, range.until_ms, &shifted->until_ms, err));
    if (shifted->until_ms < shifted->from_ms)
        shifted->until_ms = shifted->from_ms;
    return STATUS_OK;
}
