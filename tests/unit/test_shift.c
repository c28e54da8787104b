/*
 * test_shift.c - ranges moved along the calendar and the clock.
 */
#include "query/shift/shift.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct civil_zone berlin;
static struct civil_zone utc;

static int open_zones(void **state)
{
    (void)state;
    assert_int_equal(civil_zone_open(&utc, "UTC", NULL), STATUS_OK);
    assert_int_equal(civil_zone_open(&berlin, "Europe/Berlin", NULL), STATUS_OK);
    return 0;
}

static int64_t at(const struct civil_zone *zone, int year, unsigned month, unsigned day,
                  unsigned hour, unsigned minute)
{
    const struct civil_time time = {.year = year,
                                    .month = (uint8_t)month,
                                    .day = (uint8_t)day,
                                    .hour = (uint8_t)hour,
                                    .minute = (uint8_t)minute};
    return civil_zone_to_utc_ms(zone, &time, CIVIL_AFTER_GAP);
}

static int64_t shifted(const char *text, const struct civil_zone *zone, int64_t time_ms)
{
    struct time_shift shift;
    int64_t result_ms = 0;
    assert_int_equal(time_shift_parse(text, &shift, NULL), STATUS_OK);
    assert_int_equal(time_shift_apply(&shift, zone, time_ms, &result_ms, NULL), STATUS_OK);
    return result_ms;
}

static void days_match_days_over_changes_of_the_clock(void **state)
{
    (void)state;
    const int64_t after_ms = at(&berlin, 2024, 4, 2, 0, 0);
    const int64_t before_ms = at(&berlin, 2024, 3, 26, 0, 0);
    assert_int_equal(shifted("-7d", &berlin, after_ms), before_ms);
    assert_int_equal(shifted("-1w", &berlin, after_ms), before_ms);
    assert_int_equal(shifted("+7d", &berlin, before_ms), after_ms);
    assert_int_equal(after_ms - before_ms, 7 * MS_PER_DAY - MS_PER_HOUR);
    assert_int_equal(shifted("-7d", &utc, after_ms), after_ms - 7 * MS_PER_DAY);
}

static void hours_are_elapsed_time(void **state)
{
    (void)state;
    const int64_t after_ms = at(&berlin, 2024, 3, 31, 4, 0);
    assert_int_equal(shifted("-3h", &berlin, after_ms), after_ms - 3 * MS_PER_HOUR);
    assert_int_equal(shifted("-1d12h", &berlin, after_ms), after_ms - 36 * MS_PER_HOUR);
}

static void a_short_month_ends_on_its_last_day(void **state)
{
    (void)state;
    assert_int_equal(shifted("-1mo", &berlin, at(&berlin, 2024, 3, 31, 12, 30)),
                     at(&berlin, 2024, 2, 29, 12, 30));
    assert_int_equal(shifted("-1y", &berlin, at(&berlin, 2024, 2, 29, 0, 0)),
                     at(&berlin, 2023, 2, 28, 0, 0));
    assert_int_equal(shifted("+11mo", &berlin, at(&berlin, 2024, 2, 29, 0, 0)),
                     at(&berlin, 2025, 1, 29, 0, 0));
}

static void what_the_clock_skips_is_the_first_instant_after_the_gap(void **state)
{
    (void)state;
    assert_int_equal(shifted("-1d", &berlin, at(&berlin, 2024, 4, 1, 2, 30)),
                     at(&berlin, 2024, 3, 31, 3, 0));
}

static void what_a_doubled_hour_turns_round_is_empty(void **state)
{
    (void)state;
    // 02:45 for the first time, and 02:15 for the second.
    const int64_t first_ms = at(&berlin, 2024, 10, 27, 2, 45);
    const struct time_range range = {.from_ms = first_ms,
                                     .until_ms = first_ms + 30 * MS_PER_MINUTE};
    struct time_shift shift;
    struct time_range result;
    assert_int_equal(time_shift_parse("-7d", &shift, NULL), STATUS_OK);
    assert_int_equal(time_shift_range(&shift, &berlin, range, &result, NULL), STATUS_OK);
    assert_int_equal(result.from_ms, at(&berlin, 2024, 10, 20, 2, 45));
    assert_int_equal(result.until_ms, result.from_ms);
}

static void an_absolute_start_at_the_same_time_of_day_is_whole_days(void **state)
{
    (void)state;
    const int64_t from_ms = at(&berlin, 2024, 4, 2, 6, 0);
    const struct time_shift days =
        time_shift_between(&berlin, from_ms, at(&berlin, 2024, 3, 26, 6, 0));
    assert_int_equal(days.days, -7);
    assert_int_equal(days.elapsed_ms, 0);
    const struct time_shift elapsed =
        time_shift_between(&berlin, from_ms, at(&berlin, 2024, 3, 26, 7, 0));
    assert_int_equal(elapsed.days, 0);
    assert_int_equal(elapsed.elapsed_ms, -7 * MS_PER_DAY + 2 * MS_PER_HOUR);
}

static void what_is_no_shift_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "-",
                                        "7d",
                                        "-7",
                                        "-7x",
                                        "-0d",
                                        "+0h",
                                        "--7d",
                                        "-7d7d7",
                                        "-1.5d",
                                        "-7dd",
                                        "-d",
                                        "- 7d",
                                        "-99999999999999999999d",
                                        "-1000000000w"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct time_shift shift;
        struct error err = {0};
        assert_int_equal(time_shift_parse(wrong[i], &shift, &err), STATUS_INPUT);
        assert_true(strlen(err.message) > 0);
    }
}

static void a_shift_out_of_the_calendar_is_refused(void **state)
{
    (void)state;
    static const char *const wide[] = {"-999999d", "-99999mo", "+9999y", "+999999mo", "-999999w"};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        struct time_shift shift;
        struct error err = {0};
        int64_t result_ms = 0;
        assert_int_equal(time_shift_parse(wide[i], &shift, NULL), STATUS_OK);
        assert_int_equal(time_shift_apply(&shift, &berlin, 0, &result_ms, &err), STATUS_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_match_days_over_changes_of_the_clock),
        cmocka_unit_test(hours_are_elapsed_time),
        cmocka_unit_test(a_short_month_ends_on_its_last_day),
        cmocka_unit_test(what_the_clock_skips_is_the_first_instant_after_the_gap),
        cmocka_unit_test(what_a_doubled_hour_turns_round_is_empty),
        cmocka_unit_test(an_absolute_start_at_the_same_time_of_day_is_whole_days),
        cmocka_unit_test(what_is_no_shift_is_refused),
        cmocka_unit_test(a_shift_out_of_the_calendar_is_refused),
    };
    return cmocka_run_group_tests(tests, open_zones, NULL);
}
