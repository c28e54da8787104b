/*
 * test_wire_date.c - dates of HTTP headers, both ways.
 */
#include "ingest/wire/wire.h"

#include "engine/civil/civil.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define YEAR_1_S        INT64_C(-62135596800)
#define YEAR_10000_S    INT64_C(253402300800)

static void known_instants_have_their_texts(void **state)
{
    (void)state;
    const struct {
        int64_t time_ms;
        const char *text;
    } table[] = {
        {INT64_C(1795349202000), "Sun, 22 Nov 2026 12:06:42 GMT"},
        {INT64_C(1436410894000), "Thu, 09 Jul 2015 03:01:34 GMT"},
        {INT64_C(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1000, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {INT64_C(951782400000), "Tue, 29 Feb 2000 00:00:00 GMT"},
        {YEAR_1_S * 1000, "Mon, 01 Jan 0001 00:00:00 GMT"},
        {(YEAR_10000_S - 1) * 1000, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        char text[WIRE_DATE_BYTES];
        int64_t time_ms = 0;
        wire_date_format(table[i].time_ms, text);
        assert_string_equal(text, table[i].text);
        assert_true(wire_date_parse(slice_of_text(text), &time_ms));
        assert_true(time_ms == table[i].time_ms);
    }
}

static void times_that_no_text_can_tell_become_the_nearest(void **state)
{
    (void)state;
    char text[WIRE_DATE_BYTES];
    wire_date_format(INT64_MIN, text);
    assert_string_equal(text, "Mon, 01 Jan 0001 00:00:00 GMT");
    wire_date_format(INT64_MAX, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    wire_date_format(-1, text);
    assert_string_equal(text, "Wed, 31 Dec 1969 23:59:59 GMT");
    wire_date_format(1999, text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:01 GMT");
}

/* Against the C library, in the C locale. */
static void random_times_come_back(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    for (unsigned i = 0; i < 100000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const int64_t range_s = i % 2 ? YEAR_10000_S - YEAR_1_S : INT64_C(1) << 32;
        const int64_t from_s = i % 2 ? YEAR_1_S : 0;
        const int64_t time_ms = (from_s + (int64_t)(random % (uint64_t)range_s)) * 1000;
        const time_t seconds = (time_t)(time_ms / 1000);
        char text[WIRE_DATE_BYTES];
        char expected[64];
        struct tm fields;
        int64_t again_ms = 0;
        wire_date_format(time_ms + (int64_t)(random >> 54) % 1000, text);
        assert_true(wire_date_parse(slice_of_text(text), &again_ms));
        assert_true(again_ms == time_ms);
        assert_non_null(gmtime_r(&seconds, &fields));
        assert_true(strftime(expected, sizeof expected, "%a, %d %b", &fields) > 0);
        assert_memory_equal(text, expected, strlen(expected));
    }
}

static void other_texts_are_no_dates(void **state)
{
    (void)state;
    const char *const table[] = {
        "",
        "Sun, 22 Nov 2026 12:06:42",
        "Sun, 22 Nov 2026 12:06:42 GMT ",
        " Sun, 22 Nov 2026 12:06:42 GMT",
        "Sun, 22 Nov 2026 12:06:42 UTC",
        "Sun, 22 Nov 2026 12:06:42 gmt",
        "Sunday, 22-Nov-26 12:06:42 GMT",
        "Sun Nov 22 12:06:42 2026     ",
        "2026-11-22T12:06:42.000+00:00",
        "Sux, 22 Nov 2026 12:06:42 GMT",
        "Sun  22 Nov 2026 12:06:42 GMT",
        "Sun, 22 Nox 2026 12:06:42 GMT",
        "Sun, 31 Nov 2026 12:06:42 GMT",
        "Sun, 29 Feb 2026 12:06:42 GMT",
        "Sun, 00 Nov 2026 12:06:42 GMT",
        "Sun, -1 Nov 2026 12:06:42 GMT",
        "Sun, 22 Nov 0000 12:06:42 GMT",
        "Sun, 22 Nov 2026 24:00:00 GMT",
        "Sun, 22 Nov 2026 12:60:42 GMT",
        "Sun, 22 Nov 2026 12:06:61 GMT",
        "Sun, 22 Nov 2026 12.06.42 GMT",
        "Sun, 22 Nov 2026 +2:06:42 GMT",
        "Sun, 22-Nov-2026 12:06:42 GMT",
        "Sun, 22 Nov 2026T12:06:42 GMT",
        "Sun, 2 Nov 2026 12:06:42 GMT ",
        "Sun, 22 Nov 2026 12:06:42GMT  ",
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        int64_t time_ms = 77;
        if (wire_date_parse(slice_of_text(table[i]), &time_ms))
            fail_msg("'%s' was taken", table[i]);
        assert_true(time_ms == 77);
    }
    int64_t time_ms = 0;
    assert_false(wire_date_parse((struct slice){0}, &time_ms));
}

static void slips_that_change_nothing_are_forgiven(void **state)
{
    (void)state;
    int64_t time_ms = 0;
    assert_true(wire_date_parse(slice_of_text("Mon, 22 Nov 2026 12:06:42 GMT"), &time_ms));
    assert_true(time_ms == INT64_C(1795349202000));
    assert_true(wire_date_parse(slice_of_text("Sat, 31 Dec 2016 23:59:60 GMT"), &time_ms));
    assert_true(time_ms == INT64_C(1483228799000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instants_have_their_texts),
        cmocka_unit_test(times_that_no_text_can_tell_become_the_nearest),
        cmocka_unit_test(random_times_come_back),
        cmocka_unit_test(other_texts_are_no_dates),
        cmocka_unit_test(slips_that_change_nothing_are_forgiven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
