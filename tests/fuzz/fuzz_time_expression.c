/*
 * fuzz_time_expression.c - whatever is typed: a time in the calendar or a refusal, never more.
 *
 * A time that is read must format to a text that reads back as the same instant; the same
 * bytes go through durations, widths of buckets, shifts, limits and lists of aggregates.
 */
#include "cli/quantity.h"
#include "query/aggregate/aggregate.h"
#include "query/bucket/bucket.h"
#include "query/excursion/excursion.h"
#include "query/shift/shift.h"
#include "query/time_expression/time_expression.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)512)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_time_expression: %s\n", what);
    abort();
}

static void read_time(const char *text, const char *zone_name)
{
    struct civil_zone zone;
    check(civil_zone_open(&zone, zone_name, NULL) == STATUS_OK, "zone");
    const struct time_context context = {.zone = &zone, .now_ms = INT64_C(1526450334377)};
    struct error err = {0};
    int64_t time_ms = 0;
    if (time_expression_parse(text, &context, &time_ms, &err) != STATUS_OK) {
        check(err.status == STATUS_INPUT && err.message[0] != '\0', "a refusal without a reason");
        return;
    }
    const int64_t margin_ms = MS_PER_DAY; /* the text shows local years, which may be others */
    if (time_ms < civil_days_from_date(1, 1, 1) * MS_PER_DAY + margin_ms ||
        time_ms >= civil_days_from_date(10000, 1, 1) * MS_PER_DAY - margin_ms)
        return;
    char formatted[CIVIL_RFC3339_BYTES];
    int64_t again_ms = 0;
    (void)civil_format_rfc3339(&zone, time_ms, formatted);
    check(time_expression_parse(formatted, &context, &again_ms, NULL) == STATUS_OK,
          "its own text is refused");
    check(again_ms == time_ms, "another instant");
}

static void read_width(const char *text)
{
    struct civil_zone zone;
    struct bucket_width width;
    struct bucket_grid grid;
    check(civil_zone_open(&zone, "-03:30", NULL) == STATUS_OK, "zone");
    if (bucket_width_parse(text, &width, NULL) != STATUS_OK)
        return;
    const int64_t at_ms = INT64_C(1526450334377);
    bucket_grid_init(&grid, &width, &zone);
    const struct bucket bucket = bucket_of(&grid, at_ms);
    check(bucket.start_ms <= at_ms && at_ms < bucket.until_ms, "a bucket beside its instant");
    check(bucket_of(&grid, bucket.until_ms).start_ms == bucket.until_ms, "a gap between buckets");
}

/* A shift moves an instant, and stays in the calendar or says that it does not. */
static void read_shift(const char *text)
{
    struct civil_zone zone;
    struct time_shift shift;
    struct error err = {0};
    check(civil_zone_open(&zone, "+05:45", NULL) == STATUS_OK, "zone");
    if (time_shift_parse(text, &shift, &err) != STATUS_OK) {
        check(err.message[0] != '\0', "no shift, and no reason");
        return;
    }
    const int64_t at_ms = INT64_C(1526450334377);
    int64_t shifted_ms = 0;
    if (time_shift_apply(&shift, &zone, at_ms, &shifted_ms, NULL) == STATUS_OK)
        check(text[0] == '-' ? shifted_ms < at_ms : shifted_ms > at_ms, "a shift the wrong way");
}

static void read_limit(const char *text)
{
    struct excursion_limits limits = {0};
    if (excursion_limits_add(&limits, EXCURSION_ABOVE, text, NULL) != STATUS_OK)
        return;
    check(excursion_limits_add(&limits, EXCURSION_ABOVE, text, NULL) == STATUS_OK, "a limit");
    check(limits.count == 1, "a limit differs from itself");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    static struct aggregate_list list;
    if (bytes_len > TEXT_BYTES_MAX)
        return 0;
    char *text = malloc(bytes_len + 1);
    check(text != NULL, "memory");
    if (bytes_len > 0)
        memcpy(text, bytes, bytes_len);
    text[bytes_len] = '\0';
    int64_t duration_ms = 0;
    read_time(text, "UTC");
    read_time(text, "+05:45");
    if (duration_parse(text, &duration_ms, NULL) == STATUS_OK)
        check(duration_ms >= 0, "a negative duration");
    read_width(text);
    read_shift(text);
    read_limit(text);
    if (aggregate_list_parse(text, &list, NULL) == STATUS_OK)
        check(list.count > 0 && list.count <= AGGREGATES_MAX, "an empty list");
    free(text);
    return 0;
}
