/*
 * aggregate_list.c - names of aggregates, as on the command line.
 */
#include "query/aggregate/aggregate.h"

#include "cli/suggest.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum aggregate_kind kind;
} named[] = {
    {"count", AGGREGATE_COUNT},       {"sum", AGGREGATE_SUM},
    {"avg", AGGREGATE_AVG},           {"min", AGGREGATE_MIN},
    {"max", AGGREGATE_MAX},           {"first", AGGREGATE_FIRST},
    {"last", AGGREGATE_LAST},         {"spread", AGGREGATE_SPREAD},
    {"stddev", AGGREGATE_STDDEV},     {"median", AGGREGATE_MEDIAN},
    {"min_time", AGGREGATE_MIN_TIME}, {"max_time", AGGREGATE_MAX_TIME},
    {"twa", AGGREGATE_TWA},
};
#define NAMED_COUNT (sizeof named / sizeof named[0])

/* "p95", "p99.9": 0 ... 100 behind the letter; a zero too many at the front does no harm. */
static bool read_percentile(const char *name, struct number *percent)
{
    if (name[0] != 'p' || name[1] < '0' || name[1] > '9')
        return false;
    const char *digits = name + 1;
    while (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
        digits++;
    if (strspn(digits, "0123456789.") != strlen(digits))
        return false;
    if (!number_parse(slice_of_text(digits), percent) || percent->kind != NUMBER_DECIMAL)
        return false;
    return number_compare(*percent, number_from_integer(100)) <= 0;
}

static enum status unknown_aggregate(const char *name, struct error *err)
{
    const char *words[NAMED_COUNT];
    for (size_t i = 0; i < NAMED_COUNT; i++)
        words[i] = named[i].name;
    const char *near = suggest_word(name, words, NAMED_COUNT);
    if (near)
        return error_set(err, STATUS_INPUT, "unknown aggregate '%s'; did you mean '%s'?", name,
                         near);
    return error_set(err, STATUS_INPUT,
                     "unknown aggregate '%s': there are count, sum, avg, min, max, first, last, "
                     "spread, stddev, median, p0 ... p100, min_time, max_time, twa",
                     name);
}

static enum status parse_one(struct aggregate *aggregate, struct error *err)
{
    for (size_t i = 0; i < NAMED_COUNT; i++) {
        if (strcmp(named[i].name, aggregate->name) == 0) {
            aggregate->kind = named[i].kind;
            aggregate->percent = number_from_integer(50);
            return STATUS_OK;
        }
    }
    aggregate->kind = AGGREGATE_PERCENTILE;
    if (!read_percentile(aggregate->name, &aggregate->percent))
        return unknown_aggregate(aggregate->name, err);
    return STATUS_OK;
}

enum status aggregate_list_parse(const char *text, struct aggregate_list *list, struct error *err)
{
    list->count = 0;
    for (const char *next = text;;) {
        const size_t len = strcspn(next, ",");
        if (len == 0)
            return error_set(err, STATUS_INPUT, "'%s' has an empty place for an aggregate", text);
        if (len >= AGGREGATE_NAME_BYTES)
            return error_set(err, STATUS_INPUT, "unknown aggregate '%.*s'", (int)len, next);
        if (list->count == AGGREGATES_MAX)
            return error_set(err, STATUS_INPUT, "more than %u aggregates", AGGREGATES_MAX);
        struct aggregate *aggregate = &list->items[list->count];
        memset(aggregate, 0, sizeof *aggregate);
        memcpy(aggregate->name, next, len);
        TRY(parse_one(aggregate, err));
        list->count++;
        next += len;
        if (*next == '\0')
            return STATUS_OK;
        next++;
    }
}
