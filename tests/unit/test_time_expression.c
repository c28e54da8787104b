/*
 * test_time_expression.c - times as people type them.
 */
#include "query/time_expression/time_expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1526450334377) /* 2018-05-16T05:58:54.377Z */

static int64_t parse_in(const char *zone_name, const char *text)
{
    struct civil_zone zone;
    struct error err = {0};
    assert_int_equal(civil_zone_open(&zone, zone_name, &err), STATUS_OK);
    const struct time_context context = {.zone = &zone, .now_ms = NOW_MS};
    int64_t time_ms = -1;
    if (time_expression_parse(text, &context, &time_ms, &err) != STATUS_OK)
        fail_msg("'%s' is refused: %s", text, err.message);
    return time_ms;
}

static int64_t parse(const char *text)
{
    return parse_in("UTC", text);
}

static void an_rfc3339_time_is_its_instant(void **state)
{
    (void)state;
    assert_int_equal(parse("2018-05-16T05:58:54.377Z"), NOW_MS);
    assert_int_equal(parse("2018-05-16T13:58:54.377+08:00"), NOW_MS);
    assert_int_equal(parse("2018-05-16t05:58:54.377999z"), NOW_MS);
    assert_int_equal(parse("2018-05-16 05:58:54.377Z"), NOW_MS);
    assert_int_equal(parse_in("+08:00", "2018-05-16T05:58:54.377Z"), NOW_MS);
    assert_int_equal(parse("1969-12-31T23:59:59.999Z"), -1);
}

static void a_time_without_a_zone_is_of_the_display_zone(void **state)
{
    (void)state;
    assert_int_equal(parse_in("+08:00", "2018-05-16 13:58:54.377"), NOW_MS);
    assert_int_equal(parse_in("+08:00", "2018-05-16T13:58:54.377"), NOW_MS);
    assert_int_equal(parse_in("+08:00", "2018-05-16 13:58"), NOW_MS - 54377);
    assert_int_equal(parse("2018-05-16"), INT64_C(1526428800000));
    assert_int_equal(parse_in("+08:00", "2018-05-16"), INT64_C(1526400000000));
    assert_int_equal(parse("2018-05-16 05:58:54.3"), NOW_MS - 77);
}

static void a_local_time_that_summer_time_skips_is_the_end_of_the_gap(void **state)
{
    (void)state;
    assert_int_equal(parse_in("Europe/Berlin", "2024-03-31 02:30"), INT64_C(1711846800000));
    assert_int_equal(parse_in("Europe/Berlin", "2024-10-27 02:30"), INT64_C(1729989000000));
}

static void an_epoch_is_seconds_up_to_eleven_digits(void **state)
{
    (void)state;
    assert_int_equal(parse("@1526450334.377"), NOW_MS);
    assert_int_equal(parse("@1526450334377"), NOW_MS);
    assert_int_equal(parse("@0"), 0);
    assert_int_equal(parse("@99999999999"), INT64_C(99999999999000));
    assert_int_equal(parse("@100000000000"), INT64_C(100000000000));
    assert_int_equal(parse("@-1.5"), -1500);
    assert_int_equal(parse("@1.0009"), 1000);
}

static void now_may_be_shifted(void **state)
{
    (void)state;
    assert_int_equal(parse("now"), NOW_MS);
    assert_int_equal(parse("now-1h30m"), NOW_MS - 90 * MS_PER_MINUTE);
    assert_int_equal(parse("-7d"), NOW_MS - 7 * MS_PER_DAY);
    assert_int_equal(parse("now+5m"), NOW_MS + 5 * MS_PER_MINUTE);
    assert_int_equal(parse("-1w"), NOW_MS - 7 * MS_PER_DAY);
    assert_int_equal(parse("-250ms"), NOW_MS - 250);
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "yesterday",
        "2018",
        "2018-05",
        "2018-5-16",
        "2018-02-29",
        "2018-05-16 ",
        "2018-05-16T",
        "2018-05-16 5:58",
        "2018-05-16 24:00",
        "2018-05-16 05:60",
        "2018-05-16 05:58:60",
        "2018-05-16 05:58:54.",
        "2018-05-16Z",
        "2018-05-16 05:58+8",
        "2018-05-16 05:58+08:60",
        "2018-05-16 05:58 +08:00",
        "@",
        "@1.",
        "@12345678901.",
        "@123456789012.5",
        "@1234567890123456",
        "@ 1",
        "@1 ",
        "now-",
        "now-1",
        "now1h",
        "now-1x",
        "now-1h-1h",
        "-",
        "-7",
        "--7d",
        "nowadays",
        "-99999999999999w",
        "now+9999999d",
        "0000-01-01",
        "10000-01-01",
        "2018-05-16T05:58:54.377Zx",
    };
    struct civil_zone zone;
    assert_int_equal(civil_zone_open(&zone, "UTC", NULL), STATUS_OK);
    const struct time_context context = {.zone = &zone, .now_ms = NOW_MS};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        int64_t time_ms = 0;
        if (time_expression_parse(refused[i], &context, &time_ms, NULL) != STATUS_INPUT)
            fail_msg("'%s' is taken for %lld", refused[i], (long long)time_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_rfc3339_time_is_its_instant),
        cmocka_unit_test(a_time_without_a_zone_is_of_the_display_zone),
        cmocka_unit_test(a_local_time_that_summer_time_skips_is_the_end_of_the_gap),
        cmocka_unit_test(an_epoch_is_seconds_up_to_eleven_digits),
        cmocka_unit_test(now_may_be_shifted),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
