/*
 * test_chart_scale.c - ticks of values and of the calendar, days of 23 and 25 hours included.
 */
#include "query/chart/chart.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- values -------------------------------------------------------------------------------- */

/* All labels of a scale, with blanks between. */
static void labels_are(double low, double high, size_t ticks_max, bool with_zero,
                       const char *expected)
{
    const struct chart_value_scale scale = chart_value_scale_make(low, high, ticks_max, with_zero);
    char all[512] = "";
    assert_in_range(scale.tick_count, 2, ticks_max);
    for (size_t i = 0; i < scale.tick_count; i++) {
        char text[CHART_TEXT_BYTES];
        const size_t len = strlen(all);
        (void)snprintf(all + len, sizeof all - len, "%s%s", i > 0 ? " " : "",
                       chart_value_format(&scale, chart_value_tick(&scale, i), text));
    }
    assert_string_equal(all, expected);
}

static void ticks_of_values_are_nice(void **state)
{
    (void)state;
    labels_are(19.8, 24.1, 7, false, "19 20 21 22 23 24 25");
    labels_are(19.8, 24.1, 6, false, "18 20 22 24 26");
    labels_are(19.8, 19.95, 5, false, "19.80 19.85 19.90 19.95");
    labels_are(0, 100, 6, false, "0 20 40 60 80 100");
}

/* The next of a row of numbers below 2^31 that is the same every time. */
static uint32_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static void ticks_cover_all_values(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        const double a =
            ((double)draw(&seed) / 2147483648.0 - 0.5) * pow(10, (double)(draw(&seed) % 40) - 20);
        const double b =
            a + (double)draw(&seed) / 2147483648.0 * pow(10, (double)(draw(&seed) % 40) - 20);
        const size_t ticks_max = 3 + (size_t)(draw(&seed) % 10);
        const struct chart_value_scale scale = chart_value_scale_make(a, b, ticks_max, i % 2 == 0);
        assert_in_range(scale.tick_count, 2, ticks_max);
        assert_true(scale.low <= a + scale.step * 1e-6 && scale.high >= b - scale.step * 1e-6);
        assert_true(chart_value_share(&scale, a) <= chart_value_share(&scale, b));
        char text[CHART_TEXT_BYTES];
        assert_true(strlen(chart_value_format(&scale, b, text)) < CHART_TEXT_BYTES - 1);
        assert_true(strlen(chart_number_format(a, text)) < 16);
    }
}

static void extreme_values_have_ticks(void **state)
{
    (void)state;
    labels_are(5, 5, 5, false, "4.6 4.8 5.0 5.2 5.4");
    labels_are(0, 0, 5, false, "0.0 0.5 1.0");
    labels_are(-7, -3, 5, false, "-7 -6 -5 -4 -3");
    labels_are(-7, -3, 5, true, "-8 -6 -4 -2 0");
    labels_are(-2, 3, 5, true, "-2 0 2 4");
    labels_are(0, 3, 5, true, "0 1 2 3");
    labels_are(1.2e6, 3.4e6, 4, false, "1M 2M 3M 4M");
    labels_are(0.00001, 0.00003, 4, false, "1e-05 2e-05 3e-05");
    labels_are(-DBL_MAX, DBL_MAX, 5, false, "-1e+300 -5e+299 0 5e+299 1e+300");
    labels_are(1e15, 1e15 + 0.1, 5, false, "9.5e+14 1e+15 1.05e+15");
}

static void values_next_to_zero_are_drawn_as_zero(void **state)
{
    (void)state;
    const double least[] = {DBL_TRUE_MIN, DBL_MIN, 1e-300, 1e-291};
    for (size_t i = 0; i < sizeof least / sizeof *least; i++) {
        for (size_t ticks_max = 0; ticks_max < 12; ticks_max++) {
            assert_true(chart_value_scale_make(least[i], least[i], ticks_max, false).high > 0);
            assert_true(chart_value_scale_make(-least[i], -least[i], ticks_max, true).high > 0);
            assert_true(chart_value_scale_make(0, least[i], ticks_max, false).high > 0);
            assert_true(chart_value_scale_make(-least[i], least[i], ticks_max, true).high > 0);
        }
    }
}

static void numbers_beside_pictures_are_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},          {-0.0, "0"},          {21.5, "21.5"},    {21.573, "21.57"},
                 {5.4321, "5.432"}, {1013.26, "1013.3"},  {116, "116"},      {-40, "-40"},
                 {1.5e6, "1.5M"},   {2e9, "2G"},          {1e18, "1e+18"},   {0.00001, "1e-05"},
                 {0.05, "0.05"},    {99999.96, "100000"}, {123456, "123456"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[CHART_TEXT_BYTES];
        assert_string_equal(chart_number_format(cases[i].value, text), cases[i].text);
    }
}

/* --- times --------------------------------------------------------------------------------- */

static struct civil_zone zone;

static int64_t at(int32_t year, unsigned month, unsigned day, unsigned hour, unsigned minute)
{
    const struct civil_time time = {.year = year,
                                    .month = (uint8_t)month,
                                    .day = (uint8_t)day,
                                    .hour = (uint8_t)hour,
                                    .minute = (uint8_t)minute};
    return civil_zone_to_utc_ms(&zone, &time, CIVIL_EARLIER);
}

/* Labels of all ticks; major ones in brackets. */
static void ticks_are(int64_t from_ms, int64_t until_ms, size_t ticks_max, const char *expected)
{
    struct chart_tick ticks[CHART_TICKS_MAX];
    char all[1024] = "";
    const size_t count = chart_time_ticks(&zone, from_ms, until_ms, ticks_max, ticks);
    assert_in_range(count, 0, ticks_max);
    for (size_t i = 0; i < count; i++) {
        const size_t len = strlen(all);
        assert_true(ticks[i].time_ms >= from_ms && ticks[i].time_ms < until_ms);
        assert_true(i == 0 || ticks[i].time_ms > ticks[i - 1].time_ms);
        (void)snprintf(all + len, sizeof all - len, ticks[i].major ? "%s[%s]" : "%s%s",
                       i > 0 ? " " : "", ticks[i].text);
    }
    assert_string_equal(all, expected);
}

static void use_zone(const char *name)
{
    assert_int_equal(civil_zone_open(&zone, name, NULL), STATUS_OK);
}

static void ticks_of_time_follow_the_clock(void **state)
{
    (void)state;
    use_zone("UTC");
    const int64_t day = at(2018, 5, 16, 0, 0);
    ticks_are(day, day + MS_PER_DAY, 8, "[16 May] 03:00 06:00 09:00 12:00 15:00 18:00 21:00");
    ticks_are(day, day + MS_PER_DAY, 4, "[16 May] 06:00 12:00 18:00");
    ticks_are(day + 1, day + MS_PER_DAY, 4, "06:00 12:00 18:00");
    ticks_are(day, day + 90 * MS_PER_SECOND, 4, "[16 May] 00:00:30 00:01:00");
    ticks_are(day + 5000, day + 5010, 6, "05.000 05.002 05.004 05.006 05.008");
    ticks_are(day, day, 4, "");
    ticks_are(day, day + 1, 1, "[16 May]");
    ticks_are(day, day + 3 * MS_PER_DAY, 4, "16 May 17 May 18 May");
    ticks_are(day, day + 40 * MS_PER_DAY, 6, "21 May 28 May 4 Jun 11 Jun 18 Jun");
    ticks_are(at(2018, 10, 10, 0, 0), at(2019, 4, 1, 0, 0), 6, "Nov Dec [2019] Feb Mar");
    ticks_are(at(2010, 3, 1, 0, 0), at(2019, 4, 1, 0, 0), 5, "2012 2014 2016 2018");
    ticks_are(at(1, 1, 1, 0, 0), at(9999, 12, 31, 0, 0), 6, "2000 4000 6000 8000");
}

static void ticks_of_a_day_that_is_an_hour_short(void **state)
{
    (void)state;
    use_zone("Europe/Berlin");
    const int64_t day = at(2025, 3, 30, 0, 0);
    const int64_t next = at(2025, 3, 31, 0, 0);
    assert_int_equal(next - day, 23 * MS_PER_HOUR);
    ticks_are(day, day + 5 * MS_PER_HOUR, 8, "[30 Mar] 01:00 03:00 04:00 05:00");
    ticks_are(day, next, 12,
              "[30 Mar] 04:00 06:00 08:00 10:00 12:00 14:00 16:00 18:00 20:00 "
              "22:00");
    ticks_are(day, next, 4, "[30 Mar] 06:00 12:00 18:00");
    ticks_are(day - MS_PER_DAY, next + MS_PER_DAY, 3, "29 Mar 30 Mar 31 Mar");
}

static void ticks_of_a_day_that_is_an_hour_long(void **state)
{
    (void)state;
    use_zone("Europe/Berlin");
    const int64_t day = at(2025, 10, 26, 0, 0);
    const int64_t next = at(2025, 10, 27, 0, 0);
    assert_int_equal(next - day, 25 * MS_PER_HOUR);
    ticks_are(day, day + 5 * MS_PER_HOUR, 8, "[26 Oct] 01:00 02:00 02:00 03:00");
    ticks_are(day, next, 4, "[26 Oct] 06:00 12:00 18:00");
    ticks_are(day, next, 8, "[26 Oct] 03:00 06:00 09:00 12:00 15:00 18:00 21:00");
    ticks_are(day + 2 * MS_PER_HOUR, day + 4 * MS_PER_HOUR, 4, "02:00 02:30 02:00 02:30");
}

static void ranges_say_no_more_than_they_need(void **state)
{
    (void)state;
    char text[CHART_RANGE_BYTES];
    use_zone("UTC");
    const int64_t day = at(2018, 5, 16, 0, 0);
    assert_string_equal(chart_range_format(&zone, day, day + MS_PER_DAY, text),
                        "2018-05-16 to 2018-05-17 (UTC)");
    assert_string_equal(chart_range_format(&zone, day, day + 90 * MS_PER_MINUTE + 1, text),
                        "2018-05-16 00:00:00 to 2018-05-16 01:30:00 (UTC)");
    assert_string_equal(chart_range_format(&zone, day, day + 5 * MS_PER_HOUR + 1, text),
                        "2018-05-16 00:00 to 2018-05-16 05:00 (UTC)");
    assert_string_equal(chart_range_format(&zone, day, day + 7, text),
                        "2018-05-16 00:00:00.000 to 2018-05-16 00:00:00.007 (UTC)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_of_values_are_nice),
        cmocka_unit_test(ticks_cover_all_values),
        cmocka_unit_test(extreme_values_have_ticks),
        cmocka_unit_test(values_next_to_zero_are_drawn_as_zero),
        cmocka_unit_test(numbers_beside_pictures_are_short),
        cmocka_unit_test(ticks_of_time_follow_the_clock),
        cmocka_unit_test(ticks_of_a_day_that_is_an_hour_short),
        cmocka_unit_test(ticks_of_a_day_that_is_an_hour_long),
        cmocka_unit_test(ranges_say_no_more_than_they_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
