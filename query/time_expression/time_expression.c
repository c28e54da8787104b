/*
 * time_expression.c - a hand-written scanner, one function a form.
 *
 * The first characters tell the form: '@', "now", a sign, or a digit. Every
 * number is read with a limit on its digits, so that nothing can overflow.
 */
#include "query/time_expression/time_expression.h"

#include "cli/quantity.h"

#include <assert.h>
#include <string.h>

#define EPOCH_SECONDS_DIGITS_MAX 11
#define EPOCH_DIGITS_MAX         15

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static size_t count_digits(const char *text)
{
    size_t count = 0;
    while (is_digit(text[count]))
        count++;
    return count;
}

static int64_t read_digits(const char *text, size_t count)
{
    assert(count <= 18);
    int64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* A number of exactly `count` digits; moves behind it. */
static bool take_digits(const char **next, size_t count, unsigned *value)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_digit((*next)[i]))
            return false;
    }
    *value = (unsigned)read_digits(*next, count);
    *next += count;
    return true;
}

static bool take_character(const char **next, char character)
{
    if (**next != character)
        return false;
    ++*next;
    return true;
}

/* Digits of a fraction of a second, behind its dot: at least one, cut to milliseconds. */
static bool take_fraction_ms(const char **next, unsigned *ms)
{
    const size_t count = count_digits(*next);
    *ms = 0;
    for (size_t i = 0; i < 3; i++)
        *ms = *ms * 10 + (i < count ? (unsigned)((*next)[i] - '0') : 0);
    *next += count;
    return count > 0;
}

static int64_t instant_min_ms(void)
{
    return civil_days_from_date(1, 1, 1) * MS_PER_DAY;
}

static int64_t instant_max_ms(void)
{
    return civil_days_from_date(10000, 1, 1) * MS_PER_DAY - 1;
}

static enum status check_instant(const char *text, int64_t time_ms, int64_t *out, struct error *err)
{
    if (time_ms < instant_min_ms() || time_ms > instant_max_ms())
        return error_set(err, STATUS_INPUT, "'%s' lies outside the years 0001 to 9999", text);
    *out = time_ms;
    return STATUS_OK;
}

/* --- the forms ----------------------------------------------------------------------------- */

static enum status bad_time(const char *text, struct error *err)
{
    return error_set(err, STATUS_INPUT,
                     "'%s' is no time: give 2018-05-16, '2018-05-16 05:58:44.427', "
                     "2018-05-16T05:58:44Z, @1526450324, now or now-1h30m",
                     text);
}

/* "", "-1h30m", "+5m": what may follow "now". */
static enum status parse_relative(const char *text, const char *shift, int64_t now_ms,
                                  int64_t *time_ms, struct error *err)
{
    if (*shift == '\0')
        return check_instant(text, now_ms, time_ms, err);
    int64_t distance_ms = 0;
    if ((*shift != '-' && *shift != '+') ||
        duration_parse(shift + 1, &distance_ms, NULL) != STATUS_OK)
        return bad_time(text, err);
    return check_instant(text, *shift == '-' ? now_ms - distance_ms : now_ms + distance_ms, time_ms,
                         err);
}

/* "@1526450324.427", "@1526450324427", also negative. */
static enum status parse_epoch(const char *text, int64_t *time_ms, struct error *err)
{
    const char *next = text + 1;
    const bool negative = take_character(&next, '-');
    const size_t count = count_digits(next);
    if (count == 0 || count > EPOCH_DIGITS_MAX)
        return bad_time(text, err);
    int64_t value = read_digits(next, count);
    next += count;
    unsigned fraction_ms = 0;
    if (count <= EPOCH_SECONDS_DIGITS_MAX) {
        value *= MS_PER_SECOND;
        if (take_character(&next, '.') && !take_fraction_ms(&next, &fraction_ms))
            return bad_time(text, err);
    }
    if (*next != '\0')
        return bad_time(text, err);
    value += fraction_ms;
    return check_instant(text, negative ? -value : value, time_ms, err);
}

static bool take_date(const char **next, struct civil_time *time)
{
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (!take_digits(next, 4, &year) || !take_character(next, '-') ||
        !take_digits(next, 2, &month) || !take_character(next, '-') || !take_digits(next, 2, &day))
        return false;
    time->year = (int32_t)year;
    time->month = (uint8_t)month;
    time->day = (uint8_t)day;
    return true;
}

/* "05:58[:44[.427]]" */
static bool take_time_of_day(const char **next, struct civil_time *time)
{
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    unsigned ms = 0;
    if (!take_digits(next, 2, &hour) || !take_character(next, ':') ||
        !take_digits(next, 2, &minute))
        return false;
    if (take_character(next, ':')) {
        if (!take_digits(next, 2, &second))
            return false;
        if (take_character(next, '.') && !take_fraction_ms(next, &ms))
            return false;
    }
    time->hour = (uint8_t)hour;
    time->minute = (uint8_t)minute;
    time->second = (uint8_t)second;
    time->millisecond = (uint16_t)ms;
    return true;
}

/* "Z" or "+08:00" to the text's end. */
static bool read_offset_ms(const char *text, int64_t *offset_ms)
{
    const char *next = text;
    *offset_ms = 0;
    if (take_character(&next, 'Z') || take_character(&next, 'z'))
        return *next == '\0';
    const bool negative = *next == '-';
    unsigned hour = 0;
    unsigned minute = 0;
    if (!take_character(&next, '+') && !take_character(&next, '-'))
        return false;
    if (!take_digits(&next, 2, &hour) || !take_character(&next, ':') ||
        !take_digits(&next, 2, &minute) || *next != '\0' || hour > 23 || minute > 59)
        return false;
    *offset_ms = hour * MS_PER_HOUR + minute * MS_PER_MINUTE;
    if (negative)
        *offset_ms = -*offset_ms;
    return true;
}

static enum status parse_calendar(const char *text, const struct civil_zone *zone, int64_t *time_ms,
                                  struct error *err)
{
    const char *next = text;
    struct civil_time time = {0};
    if (!take_date(&next, &time))
        return bad_time(text, err);
    const bool has_time =
        take_character(&next, ' ') || take_character(&next, 'T') || take_character(&next, 't');
    if (has_time && !take_time_of_day(&next, &time))
        return bad_time(text, err);
    if (!civil_is_valid(&time))
        return error_set(err, STATUS_INPUT, "'%s' is not in the calendar", text);
    if (*next == '\0')
        return check_instant(text, civil_zone_to_utc_ms(zone, &time, CIVIL_AFTER_GAP), time_ms,
                             err);
    int64_t offset_ms = 0;
    if (!has_time || !read_offset_ms(next, &offset_ms))
        return bad_time(text, err);
    return check_instant(text, civil_to_utc_ms(&time) - offset_ms, time_ms, err);
}

enum status time_expression_parse(const char *text, const struct time_context *context,
                                  int64_t *time_ms, struct error *err)
{
    if (text[0] == '@')
        return parse_epoch(text, time_ms, err);
    if (strncmp(text, "now", 3) == 0)
        return parse_relative(text, text + 3, context->now_ms, time_ms, err);
    if (text[0] == '-' || text[0] == '+')
        return parse_relative(text, text, context->now_ms, time_ms, err);
    return parse_calendar(text, context->zone, time_ms, err);
}
