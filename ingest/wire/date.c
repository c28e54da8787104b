/*
 * date.c - dates of HTTP headers: "Sun, 22 Nov 2026 12:06:42 GMT".
 *
 *      0    5  8   12   17 20 23 26
 *      Sun, 22 Nov 2026 12:06:42 GMT
 *
 * Every field has its place, so there is nothing to search for. The day of the week is written
 * right and read as any of the seven: it adds nothing to the date, and clients get it wrong.
 * strftime and strptime lost: they speak the language of the locale.
 */
#include "ingest/wire/wire.h"

#include "engine/civil/civil.h"

#include <assert.h>
#include <stdio.h>

#define NAME_LEN 3u

static const char days[][NAME_LEN + 1] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[][NAME_LEN + 1] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* The first and the last second that four digits of a year can tell. */
#define TIME_MS_MIN (INT64_C(-62135596800) * MS_PER_SECOND)
#define TIME_MS_MAX (INT64_C(253402300799) * MS_PER_SECOND)

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

void wire_date_format(int64_t time_ms, char text[WIRE_DATE_BYTES])
{
    if (time_ms < TIME_MS_MIN)
        time_ms = TIME_MS_MIN;
    if (time_ms > TIME_MS_MAX)
        time_ms = TIME_MS_MAX;

    const int64_t day = floor_divide(time_ms, MS_PER_DAY);
    const unsigned second = (unsigned)((time_ms - day * MS_PER_DAY) / MS_PER_SECOND);
    const unsigned weekday = (unsigned)(((day + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    struct civil_time date = {0};
    civil_date_from_days(day, &date);
    assert(date.month >= 1 && date.month <= 12);
    const int len =
        snprintf(text, WIRE_DATE_BYTES, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[weekday],
                 date.day % 100u, months[date.month - 1], (unsigned)date.year % 10000u,
                 second / 3600 % 24, second / 60 % 60, second % 60);
    assert(len == (int)WIRE_DATE_BYTES - 1);
    (void)len;
}

/* `digits` decimal digits at `text`; false if they are none. */
static bool read_number(const uint8_t *text, unsigned digits, unsigned *value)
{
    *value = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *value = *value * 10 + (text[i] - (unsigned)'0');
    }
    return true;
}

/* Which of `count` names stands at `text`; `count` if none. */
static unsigned read_name(const uint8_t *text, const char (*names)[NAME_LEN + 1], unsigned count)
{
    unsigned i = 0;
    while (i < count && memcmp(text, names[i], NAME_LEN) != 0)
        i++;
    return i;
}

static bool read_time_of_day(const uint8_t *text, struct civil_time *time)
{
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    if (!read_number(text, 2, &hour) || text[2] != ':' || !read_number(text + 3, 2, &minute) ||
        text[5] != ':' || !read_number(text + 6, 2, &second))
        return false;
    if (second == 60) /* a leap second, which no count of milliseconds has */
        second = 59;
    time->hour = (uint8_t)hour;
    time->minute = (uint8_t)minute;
    time->second = (uint8_t)second;
    return true;
}

static bool read_date(const uint8_t *text, struct civil_time *time)
{
    unsigned day = 0;
    unsigned year = 0;
    const unsigned month = read_name(text + 3, months, 12);
    if (!read_number(text, 2, &day) || text[2] != ' ' || month == 12 || text[6] != ' ' ||
        !read_number(text + 7, 4, &year))
        return false;
    time->day = (uint8_t)day;
    time->month = (uint8_t)(month + 1);
    time->year = (int32_t)year;
    return true;
}

bool wire_date_parse(struct slice text, int64_t *time_ms)
{
    struct civil_time time = {0};
    if (text.len != WIRE_DATE_BYTES - 1 || read_name(text.data, days, 7) == 7 ||
        memcmp(text.data + 3, ", ", 2) != 0 || text.data[16] != ' ' ||
        memcmp(text.data + 25, " GMT", 4) != 0)
        return false;
    if (!read_date(text.data + 5, &time) || !read_time_of_day(text.data + 17, &time) ||
        !civil_is_valid(&time))
        return false;
    *time_ms = civil_to_utc_ms(&time);
    return true;
}
