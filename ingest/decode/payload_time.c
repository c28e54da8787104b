/*
 * payload_time.c - reading times, and choosing among the candidates of a row.
 */
#include "ingest/decode/payload_time.h"

#include "engine/row/row.h"
#include "ingest/decode/base64.h"

#define EPOCH_DIGITS_S  10u
#define EPOCH_DIGITS_MS 13u
#define MS_DIGITS       3

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static struct slice trim_blanks(struct slice text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = slice_of(text.data + 1, text.len - 1);
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

static bool all_digits(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
    }
    return text.len > 0;
}

static enum time_reading read_epoch(struct slice digits, int64_t *utc_ms)
{
    if (digits.len != EPOCH_DIGITS_S && digits.len != EPOCH_DIGITS_MS)
        return TIME_NO_EPOCH;
    int64_t value = 0;
    for (size_t i = 0; i < digits.len; i++)
        value = value * 10 + (digits.data[i] - '0');
    *utc_ms = digits.len == EPOCH_DIGITS_S ? value * MS_PER_SECOND : value;
    return TIME_READ;
}

/* --- text ---------------------------------------------------------------------------------- */

static bool take_byte(struct cursor *cursor, uint8_t wanted)
{
    if (cursor_left(cursor) == 0 || *cursor->next != wanted)
        return false;
    cursor->next++;
    return true;
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor_left(cursor) > 0 && is_blank(*cursor->next))
        cursor->next++;
}

/* Exactly `count` digits. */
static bool take_digits(struct cursor *cursor, unsigned count, int32_t *value)
{
    if (cursor_left(cursor) < count)
        return false;
    *value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!is_digit(cursor->next[i]))
            return false;
        *value = *value * 10 + (cursor->next[i] - '0');
    }
    cursor->next += count;
    return true;
}

static bool take_two(struct cursor *cursor, uint8_t *value)
{
    int32_t number = 0;
    if (!take_digits(cursor, 2, &number))
        return false;
    *value = (uint8_t)number;
    return true;
}

static bool take_date(struct cursor *cursor, struct civil_time *time)
{
    return take_digits(cursor, 4, &time->year) && take_byte(cursor, '-') &&
           take_two(cursor, &time->month) && take_byte(cursor, '-') && take_two(cursor, &time->day);
}

static bool take_separator(struct cursor *cursor)
{
    if (cursor_left(cursor) == 0 || (*cursor->next != 'T' && !is_blank(*cursor->next)))
        return false;
    cursor->next++;
    return true;
}

/* ".fff", blanks before it; no dot is no fraction. */
static bool take_fraction(struct cursor *cursor, struct civil_time *time)
{
    skip_blanks(cursor);
    if (!take_byte(cursor, '.'))
        return true;
    uint16_t millisecond = 0;
    int digits = 0;
    while (cursor_left(cursor) > 0 && is_digit(*cursor->next)) {
        if (digits < MS_DIGITS)
            millisecond = (uint16_t)(millisecond * 10 + (*cursor->next - '0'));
        digits = digits < MS_DIGITS ? digits + 1 : digits;
        cursor->next++;
    }
    if (digits == 0)
        return false;
    for (; digits < MS_DIGITS; digits++)
        millisecond = (uint16_t)(millisecond * 10);
    time->millisecond = millisecond;
    return true;
}

static bool take_time_of_day(struct cursor *cursor, struct civil_time *time)
{
    if (!take_two(cursor, &time->hour) || !take_byte(cursor, ':') ||
        !take_two(cursor, &time->minute))
        return false;
    if (!take_byte(cursor, ':'))
        return true;
    return take_two(cursor, &time->second) && take_fraction(cursor, time);
}

/* "Z" or "+HH:MM" at the end of the text. */
static bool take_zone(struct cursor *cursor, int64_t *offset_ms)
{
    *offset_ms = 0;
    if (take_byte(cursor, 'Z'))
        return true;
    const bool west = cursor_left(cursor) > 0 && *cursor->next == '-';
    uint8_t hour = 0;
    uint8_t minute = 0;
    if (!take_byte(cursor, west ? '-' : '+') || !take_two(cursor, &hour) ||
        !take_byte(cursor, ':') || !take_two(cursor, &minute) || hour > 23 || minute > 59)
        return false;
    *offset_ms = hour * MS_PER_HOUR + minute * MS_PER_MINUTE;
    if (west)
        *offset_ms = -*offset_ms;
    return true;
}

/* `text` has no blanks around it. */
static enum time_reading read_text(struct slice text, const struct civil_zone *zone,
                                   int64_t *utc_ms)
{
    if (text.len == 0)
        return TIME_UNREADABLE;
    struct cursor cursor = cursor_of(text);
    struct civil_time time = {0};
    if (!take_date(&cursor, &time) || !take_separator(&cursor) || !take_time_of_day(&cursor, &time))
        return TIME_UNREADABLE;
    if (!civil_is_valid(&time))
        return TIME_UNREADABLE;
    skip_blanks(&cursor);
    if (cursor_left(&cursor) == 0) {
        *utc_ms = zone ? civil_zone_to_utc_ms(zone, &time, CIVIL_EARLIER) : civil_to_utc_ms(&time);
        return TIME_READ;
    }
    int64_t offset_ms = 0;
    if (!take_zone(&cursor, &offset_ms) || cursor_left(&cursor) > 0)
        return TIME_UNREADABLE;
    *utc_ms = civil_to_utc_ms(&time) - offset_ms;
    return TIME_READ;
}

enum time_reading time_member_read(const struct time_member *member,
                                   const struct civil_zone *payload_zone, int64_t *utc_ms)
{
    if (member->form == TIME_FORM_NONE)
        return TIME_UNREADABLE;
    if (member->form == TIME_FORM_NUMBER)
        return all_digits(member->text) ? read_epoch(member->text, utc_ms) : TIME_NO_EPOCH;
    const struct slice text = trim_blanks(member->text);
    if (all_digits(text))
        return read_epoch(text, utc_ms);
    return read_text(text, member->utc ? NULL : payload_zone, utc_ms);
}

/* --- candidates ---------------------------------------------------------------------------- */

struct business_time business_time_choose(const struct time_member *members, size_t count,
                                          const struct civil_zone *payload_zone,
                                          struct envelope_time envelope)
{
    struct business_time chosen = {.source = TIME_SOURCE_PAYLOAD};
    for (size_t i = 0; i < count; i++) {
        const enum time_reading reading =
            time_member_read(&members[i], payload_zone, &chosen.time_ms);
        if (reading == TIME_READ && !is_broken_clock(chosen.time_ms, envelope.timestamp_s))
            return chosen;
        if (reading != TIME_UNREADABLE)
            chosen.clock_fault = true;
    }
    const bool clock_fault = chosen.clock_fault;
    chosen = business_time_of_envelope(envelope);
    chosen.clock_fault = clock_fault;
    return chosen;
}
