/*
 * test_bucket.c - buckets in UTC, a fixed offset and Berlin, over its changes of clocks.
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

static struct bucket bucket_in(const char *zone_name, const char *width_text, int64_t time_ms)
{
    struct civil_zone zone;
    struct bucket_width width;
    struct bucket_grid grid;
    struct error err = {0};
    assert_int_equal(civil_zone_open(&zone, zone_name, &err), STATUS_OK);
    if (bucket_width_parse(width_text, &width, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    bucket_grid_init(&grid, &width, &zone);
    return bucket_of(&grid, time_ms);
}

static int64_t utc(int32_t year, unsigned month, unsigned day, int hour, int minute)
{
    return civil_days_from_date(year, month, day) * MS_PER_DAY + hour * MS_PER_HOUR +
           minute * MS_PER_MINUTE;
}

static void check(const char *zone, const char *width, int64_t time_ms, int64_t start_ms,
                  int64_t until_ms)
{
    const struct bucket bucket = bucket_in(zone, width, time_ms);
    assert_int_equal(bucket.start_ms, start_ms);
    assert_int_equal(bucket.until_ms, until_ms);
}

static void elapsed_buckets_run_from_local_midnight(void **state)
{
    (void)state;
    check("UTC", "1h", utc(2024, 1, 1, 5, 59), utc(2024, 1, 1, 5, 0), utc(2024, 1, 1, 6, 0));
    check("+05:30", "1h", utc(2024, 1, 1, 5, 59), utc(2024, 1, 1, 5, 30), utc(2024, 1, 1, 6, 30));
    check("UTC", "24h", utc(2024, 1, 1, 5, 59), utc(2024, 1, 1, 0, 0), utc(2024, 1, 2, 0, 0));
    check("UTC", "1h30m", utc(1969, 12, 31, 23, 0), utc(1969, 12, 31, 22, 30),
          utc(1970, 1, 1, 0, 0));
}

static void the_last_bucket_of_a_day_may_be_shorter(void **state)
{
    (void)state;
    check("UTC", "7h", utc(2024, 1, 1, 23, 0), utc(2024, 1, 1, 21, 0), utc(2024, 1, 2, 0, 0));
    check("UTC", "7h", utc(2024, 1, 2, 0, 0), utc(2024, 1, 2, 0, 0), utc(2024, 1, 2, 7, 0));
}

static void calendar_buckets_are_counted_from_fixed_days(void **state)
{
    (void)state;
    check("UTC", "1d", utc(2024, 2, 29, 12, 0), utc(2024, 2, 29, 0, 0), utc(2024, 3, 1, 0, 0));
    check("UTC", "2d", utc(1970, 1, 2, 12, 0), utc(1970, 1, 1, 0, 0), utc(1970, 1, 3, 0, 0));
    check("UTC", "2d", utc(1969, 12, 31, 12, 0), utc(1969, 12, 30, 0, 0), utc(1970, 1, 1, 0, 0));
    check("UTC", "1w", utc(2024, 2, 29, 12, 0), utc(2024, 2, 26, 0, 0), utc(2024, 3, 4, 0, 0));
    check("UTC", "1w", utc(1970, 1, 1, 0, 0), utc(1969, 12, 29, 0, 0), utc(1970, 1, 5, 0, 0));
    check("UTC", "1mo", utc(2024, 2, 29, 12, 0), utc(2024, 2, 1, 0, 0), utc(2024, 3, 1, 0, 0));
    check("UTC", "5mo", utc(1969, 12, 31, 0, 0), utc(1969, 8, 1, 0, 0), utc(1970, 1, 1, 0, 0));
    check("UTC", "12mo", utc(2024, 12, 31, 0, 0), utc(2024, 1, 1, 0, 0), utc(2025, 1, 1, 0, 0));
}

static void a_day_of_a_change_of_clocks_has_23_or_25_hours(void **state)
{
    (void)state;
    check("Europe/Berlin", "1d", utc(2024, 3, 31, 12, 0), utc(2024, 3, 30, 23, 0),
          utc(2024, 3, 31, 22, 0));
    check("Europe/Berlin", "1d", utc(2024, 10, 27, 12, 0), utc(2024, 10, 26, 22, 0),
          utc(2024, 10, 27, 23, 0));
    check("Europe/Berlin", "24h", utc(2024, 10, 27, 22, 30), utc(2024, 10, 27, 22, 0),
          utc(2024, 10, 27, 23, 0));
}

static void elapsed_hours_go_on_over_a_change_of_clocks(void **state)
{
    (void)state;
    /* Local midnight is 23:00 UTC; the seventh bucket of 1h begins 6 elapsed hours later. */
    check("Europe/Berlin", "1h", utc(2024, 3, 31, 5, 10), utc(2024, 3, 31, 5, 0),
          utc(2024, 3, 31, 6, 0));
    check("Europe/Berlin", "2h", utc(2024, 3, 31, 21, 30), utc(2024, 3, 31, 21, 0),
          utc(2024, 3, 31, 22, 0));
}

static void months_begin_at_local_midnight(void **state)
{
    (void)state;
    check("Europe/Berlin", "1mo", utc(2024, 4, 15, 0, 0), utc(2024, 3, 31, 22, 0),
          utc(2024, 4, 30, 22, 0));
    check("Europe/Berlin", "3mo", utc(2024, 2, 15, 0, 0), utc(2023, 12, 31, 23, 0),
          utc(2024, 3, 31, 22, 0));
}

static void buckets_follow_each_other_without_gaps(void **state)
{
    (void)state;
    static const char *const widths[] = {"5h", "1d", "3d", "1w", "1mo"};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        struct bucket bucket = bucket_in("Europe/Berlin", widths[i], utc(2024, 1, 1, 0, 0));
        for (int step = 0; step < 400; step++) {
            const struct bucket next = bucket_in("Europe/Berlin", widths[i], bucket.until_ms);
            assert_int_equal(next.start_ms, bucket.until_ms);
            assert_true(next.until_ms > next.start_ms);
            const struct bucket same = bucket_in("Europe/Berlin", widths[i], next.until_ms - 1);
            assert_int_equal(same.start_ms, next.start_ms);
            bucket = next;
        }
    }
}

static void a_list_covers_the_range_and_no_more(void **state)
{
    (void)state;
    struct civil_zone zone;
    struct bucket_width width;
    struct bucket_grid grid;
    assert_int_equal(civil_zone_open(&zone, "UTC", NULL), STATUS_OK);
    assert_int_equal(bucket_width_parse("1h", &width, NULL), STATUS_OK);
    bucket_grid_init(&grid, &width, &zone);
    int64_t starts_ms[8];
    const int64_t from_ms = utc(2024, 1, 1, 5, 59);
    assert_int_equal(bucket_list(&grid, from_ms, utc(2024, 1, 1, 8, 0), starts_ms, 8), 3);
    assert_int_equal(starts_ms[0], utc(2024, 1, 1, 5, 0));
    assert_int_equal(starts_ms[2], utc(2024, 1, 1, 7, 0));
    assert_int_equal(bucket_list(&grid, from_ms, from_ms, starts_ms, 8), 0);
    assert_int_equal(bucket_list(&grid, from_ms, utc(2025, 1, 1, 0, 0), starts_ms, 8), 8);
}

static void widths_that_make_no_grid_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {"",   "0s",       "0d",    "25h",  "24h1ms", "1",
                                          "d",  "1x",       "-1h",   "1.5h", "1d1h",   "0mo",
                                          "1y", "9999999d", "1mo1d", " 1h",  "1h "};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct bucket_width width;
        struct error err = {0};
        const enum status status = bucket_width_parse(refused[i], &width, &err);
        if (status != STATUS_INPUT)
            fail_msg("'%s' is taken", refused[i]);
        assert_true(err.message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elapsed_buckets_run_from_local_midnight),
        cmocka_unit_test(the_last_bucket_of_a_day_may_be_shorter),
        cmocka_unit_test(calendar_buckets_are_counted_from_fixed_days),
        cmocka_unit_test(a_day_of_a_change_of_clocks_has_23_or_25_hours),
        cmocka_unit_test(elapsed_hours_go_on_over_a_change_of_clocks),
        cmocka_unit_test(months_begin_at_local_midnight),
        cmocka_unit_test(buckets_follow_each_other_without_gaps),
        cmocka_unit_test(a_list_covers_the_range_and_no_more),
        cmocka_unit_test(widths_that_make_no_grid_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
