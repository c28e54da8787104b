/*
 * quantity.c - see quantity.h.
 *
 * Every number is read with an overflow check, so that any text may come.
 */
#include "cli/quantity.h"

#include <stddef.h>
#include <string.h>

#define DURATION_MS_MAX (INT64_C(3652500) * 86400000) /* 10000 years */

struct unit {
    const char *name;
    int64_t size;
};

/* Decimal digits, at least one; moves behind them. */
static bool take_count(const char **next, uint64_t *count)
{
    uint64_t value = 0;
    const char *digit = *next;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*digit - '0'), &value))
            return false;
    }
    const bool any = digit != *next;
    *next = digit;
    if (any)
        *count = value;
    return any;
}

/* The first of `units` that stands at *next; moves behind it. 0 if none does. */
static int64_t take_unit(const char **next, const struct unit *units, size_t unit_count)
{
    for (size_t i = 0; i < unit_count; i++) {
        const size_t len = strlen(units[i].name);
        if (strncmp(*next, units[i].name, len) == 0) {
            *next += len;
            return units[i].size;
        }
    }
    return 0;
}

bool count_parse(const char *text, uint64_t *count)
{
    uint64_t value = 0;
    const char *next = text;
    if (!take_count(&next, &value) || *next != '\0')
        return false;
    *count = value;
    return true;
}

/* --- durations ------------------------------------------------------------------------------- */

static bool take_term(const char **next, int64_t *term_ms)
{
    // The longer name first: "ms" is no "m".
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"w", 604800000},
    };
    uint64_t value = 0;
    if (!take_count(next, &value))
        return false;
    const int64_t unit_ms = take_unit(next, units, sizeof units / sizeof *units);
    return unit_ms != 0 && !__builtin_mul_overflow(value, unit_ms, term_ms) &&
           *term_ms <= DURATION_MS_MAX;
}

static bool read_terms(const char *text, int64_t *duration_ms)
{
    const char *next = text;
    *duration_ms = 0;
    do {
        int64_t term_ms = 0;
        if (!take_term(&next, &term_ms))
            return false;
        *duration_ms += term_ms;
        if (*duration_ms > DURATION_MS_MAX)
            return false;
    } while (*next != '\0');
    return true;
}

enum status duration_parse(const char *text, int64_t *duration_ms, struct error *err)
{
    if (!read_terms(text, duration_ms))
        return error_set(err, STATUS_INPUT, "'%s' is no duration such as 30s, 5m, 1h30m or 7d",
                         text);
    return STATUS_OK;
}

/* --- sizes ----------------------------------------------------------------------------------- */

enum status size_parse(const char *text, uint64_t *bytes, struct error *err)
{
    static const struct unit units[] = {
        {"Ki", INT64_C(1) << 10},
        {"Mi", INT64_C(1) << 20},
        {"Gi", INT64_C(1) << 30},
        {"Ti", INT64_C(1) << 40},
        {"k", 1000},
        {"K", 1000},
        {"M", 1000000},
        {"G", INT64_C(1000000000)},
        {"T", INT64_C(1000000000000)},
        {"", 1},
    };
    const char *next = text;
    uint64_t value = 0;
    int64_t size = 0;
    bool good = take_count(&next, &value);
    good = good && !__builtin_mul_overflow(
                       value, take_unit(&next, units, sizeof units / sizeof *units), &size);
    if (good && *next == 'B')
        next++;
    if (!good || *next != '\0')
        return error_set(err, STATUS_INPUT, "'%s' is no size such as 4096, 64k, 256M or 1Gi", text);
    *bytes = (uint64_t)size;
    return STATUS_OK;
}
