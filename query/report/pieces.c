/*
 * pieces.c - values as people read them, with the exact value beside it for programs.
 *
 *      <data value="29144">29.1 s</data>
 *      <time datetime="2018-05-16T05:58:44.427Z">2018-05-16 05:58:44</time>
 *      <bdi>name</bdi>                                  names may run either way
 */
#include "query/report/report_internal.h"

#include "cli/human.h"
#include "query/markup/markup.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PLAIN_CHARACTERS_MAX 9u /* a longer number is rounded for people */

void report_put_name(FILE *out, struct slice name)
{
    // A line may break between product and device.
    const uint8_t *slash = name.len > 0 ? memchr(name.data, '/', name.len) : NULL;
    const size_t head = slash ? (size_t)(slash + 1 - name.data) : 0;
    (void)fputs("<bdi>", out);
    markup_put(out, slice_of(name.data, head));
    if (head > 0)
        (void)fputs("<wbr/>", out);
    markup_put(out, slice_of(name.data + head, name.len - head));
    (void)fputs("</bdi>", out);
}

void report_put_time(FILE *out, const struct civil_zone *zone, int64_t time_ms)
{
    char text[CIVIL_RFC3339_BYTES];
    struct civil_time time = {0};
    (void)civil_format_rfc3339(zone, time_ms, text);
    civil_zone_from_utc_ms(zone, time_ms, &time);
    (void)fprintf(out, "<time datetime=\"%s\">%04d-%02u-%02u %02u:%02u", text, (int)time.year,
                  (unsigned)time.month, (unsigned)time.day, (unsigned)time.hour,
                  (unsigned)time.minute);
    if (time.second != 0 || time.millisecond != 0)
        (void)fprintf(out, ":%02u", (unsigned)time.second);
    (void)fputs("</time>", out);
}

void report_put_duration(FILE *out, int64_t duration_ms)
{
    char text[HUMAN_BYTES];
    (void)fprintf(out, "<data value=\"%lld\">%s</data>", (long long)duration_ms,
                  human_duration(duration_ms, text));
}

void report_put_count(FILE *out, uint64_t count)
{
    char text[HUMAN_BYTES];
    (void)fprintf(out, "<data value=\"%llu\">%s</data>", (unsigned long long)count,
                  human_count(count, text));
}

const char *report_share_text(uint64_t part, uint64_t whole, char text[REPORT_SHARE_BYTES])
{
    assert(part <= whole);
    if (whole == 0) {
        (void)snprintf(text, REPORT_SHARE_BYTES, "no state known");
        return text;
    }
    const double percent = 100.0 * (double)part / (double)whole;
    // What is not all must not read as all, nor a little as nothing.
    if (part == whole)
        (void)snprintf(text, REPORT_SHARE_BYTES, "100 %%");
    else if (percent >= 99.995)
        (void)snprintf(text, REPORT_SHARE_BYTES, "> 99.99 %%");
    else if (part > 0 && percent < 0.005)
        (void)snprintf(text, REPORT_SHARE_BYTES, "< 0.01 %%");
    else
        (void)snprintf(text, REPORT_SHARE_BYTES, "%.2f %%", percent);
    return text;
}

void report_put_share(FILE *out, uint64_t part, uint64_t whole)
{
    char value[EXACT_TEXT_BYTES];
    char text[REPORT_SHARE_BYTES];
    (void)exact_format(exact_ratio(part, whole), value);
    (void)fprintf(out, "<data value=\"%s\">", value);
    markup_put_text(out, report_share_text(part, whole, text));
    (void)fputs("</data>", out);
}

void report_put_value(FILE *out, struct exact_value value)
{
    char exact[EXACT_TEXT_BYTES];
    char rounded[CHART_TEXT_BYTES];
    if (exact_is_null(value)) {
        (void)fputs("\xe2\x80\x93", out);
        return;
    }
    const size_t len = exact_format(value, exact);
    const char *shown = exact;
    if (len > PLAIN_CHARACTERS_MAX)
        shown = chart_number_format(exact_to_double(value), rounded);
    (void)fprintf(out, "<data value=\"%s\">%s</data>", exact, shown);
}
