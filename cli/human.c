/*
 * human.c - see human.h.
 */
#include "cli/human.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Three significant digits: 1.83, 18.3, 183. */
static int digits_after_point(double value)
{
    return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

const char *human_duration(int64_t duration_ms, char text[HUMAN_BYTES])
{
    const char *sign = duration_ms < 0 ? "-" : "";
    const uint64_t ms = duration_ms < 0 ? 0 - (uint64_t)duration_ms : (uint64_t)duration_ms;
    const uint64_t s = ms / 1000;
    if (ms < 1000)
        (void)snprintf(text, HUMAN_BYTES, "%s%u ms", sign, (unsigned)ms);
    else if (s < 60)
        (void)snprintf(text, HUMAN_BYTES, "%s%u.%u s", sign, (unsigned)s,
                       (unsigned)(ms % 1000 / 100));
    else if (s < 3600)
        (void)snprintf(text, HUMAN_BYTES, "%s%um %02us", sign, (unsigned)(s / 60),
                       (unsigned)(s % 60));
    else if (s < 86400)
        (void)snprintf(text, HUMAN_BYTES, "%s%uh %02um", sign, (unsigned)(s / 3600),
                       (unsigned)(s / 60 % 60));
    else
        (void)snprintf(text, HUMAN_BYTES, "%s%llud %uh", sign, (unsigned long long)(s / 86400),
                       (unsigned)(s / 3600 % 24));
    return text;
}

const char *human_bytes(uint64_t bytes, char text[HUMAN_BYTES])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        (void)snprintf(text, HUMAN_BYTES, "%u B", (unsigned)bytes);
        return text;
    }
    double value = (double)bytes / 1000;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(text, HUMAN_BYTES, "%.*f %s", digits_after_point(value), value, units[unit]);
    return text;
}

const char *human_count(uint64_t count, char text[HUMAN_BYTES])
{
    char digits[HUMAN_BYTES];
    const int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    assert(len > 0);
    size_t used = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

const char *human_rate(double per_second, char text[HUMAN_BYTES])
{
    if (per_second < 999.5)
        (void)snprintf(text, HUMAN_BYTES, "%.0f/s", per_second);
    else if (per_second < 999.5e3)
        (void)snprintf(text, HUMAN_BYTES, "%.*f k/s", digits_after_point(per_second / 1e3),
                       per_second / 1e3);
    else
        (void)snprintf(text, HUMAN_BYTES, "%.*f M/s", digits_after_point(per_second / 1e6),
                       per_second / 1e6);
    return text;
}
