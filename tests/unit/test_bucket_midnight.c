/*
 * test_bucket_midnight.c - a zone whose clocks change at midnight itself.
 *
 * Havana puts its clocks forward at 00:00 to 01:00 and back at 01:00 to 00:00. A process has one
 * named zone, so this is a test of its own.
 */
#include "query/bucket/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bucket bucket_in_havana(const char *width_text, int64_t time_ms)
{
    struct civil_zone zone;
    struct bucket_width width;
    struct bucket_grid grid;
    assert_int_equal(civil_zone_open(&zone, "America/Havana", NULL), STATUS_OK);
    assert_int_equal(bucket_width_parse(width_text, &width, NULL), STATUS_OK);
    bucket_grid_init(&grid, &width, &zone);
    return bucket_of(&grid, time_ms);
}

static int64_t utc(int32_t year, unsigned month, unsigned day, int hour)
{
    return civil_days_from_date(year, month, day) * MS_PER_DAY + hour * MS_PER_HOUR;
}

static void a_skipped_midnight_is_the_first_instant_after_the_gap(void **state)
{
    (void)state;
    const struct bucket day = bucket_in_havana("1d", utc(2024, 3, 10, 12));
    assert_int_equal(day.start_ms, utc(2024, 3, 10, 5));
    assert_int_equal(day.until_ms, utc(2024, 3, 11, 4));
    const struct bucket before = bucket_in_havana("1d", utc(2024, 3, 10, 5) - 1);
    assert_int_equal(before.until_ms, day.start_ms);
    const struct bucket hour = bucket_in_havana("1h", utc(2024, 3, 10, 5));
    assert_int_equal(hour.start_ms, utc(2024, 3, 10, 5));
    assert_int_equal(hour.until_ms, utc(2024, 3, 10, 6));
}

static void an_ambiguous_midnight_is_the_earlier(void **state)
{
    (void)state;
    const struct bucket day = bucket_in_havana("1d", utc(2024, 11, 3, 12));
    assert_int_equal(day.start_ms, utc(2024, 11, 3, 4));
    assert_int_equal(day.until_ms, utc(2024, 11, 4, 5));
    const struct bucket again = bucket_in_havana("1d", utc(2024, 11, 3, 5));
    assert_int_equal(again.start_ms, day.start_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_skipped_midnight_is_the_first_instant_after_the_gap),
        cmocka_unit_test(an_ambiguous_midnight_is_the_earlier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
