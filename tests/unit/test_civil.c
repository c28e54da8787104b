/*
 * test_civil.c - the calendar, fixed offsets, and named zones with their gaps and doubled hours.
 *
 * A process has one named zone, so every test of one runs in a child process.
 */
#include "engine/civil/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* "YYYY-MM-DD HH:MM[:SS[.fff]]", numbers of any size. */
static struct civil_time time_of(const char *text)
{
    long fields[7] = {0};
    size_t count = 0;
    const char *at = text;
    while (*at != '\0' && count < COUNT_OF(fields)) {
        char *end = NULL;
        fields[count++] = strtol(at, &end, 10);
        assert_true(end > at);
        at = *end != '\0' ? end + 1 : end;
    }
    assert_in_range(count, 5, COUNT_OF(fields));
    return (struct civil_time){
        .year = (int32_t)fields[0],
        .month = (uint8_t)fields[1],
        .day = (uint8_t)fields[2],
        .hour = (uint8_t)fields[3],
        .minute = (uint8_t)fields[4],
        .second = (uint8_t)fields[5],
        .millisecond = (uint16_t)fields[6],
    };
}

static void days_and_dates_are_inverse_over_all_years(void **state)
{
    (void)state;
    assert_true(civil_days_from_date(1970, 1, 1) == 0);
    assert_true(civil_days_from_date(1969, 12, 31) == -1);
    assert_true(civil_days_from_date(2000, 3, 1) == 11017);
    assert_true(civil_days_from_date(1, 1, 1) == -719162);
    assert_true(civil_days_from_date(9999, 12, 31) == 2932896);
    struct civil_time before = {.year = 0, .month = 12, .day = 31};
    for (int64_t days = -719162; days <= 2932896; days++) {
        struct civil_time date = {0};
        civil_date_from_days(days, &date);
        if (civil_days_from_date(date.year, date.month, date.day) != days || !civil_is_valid(&date))
            fail_msg("day %lld", (long long)days);
        const bool next = date.day == before.day + 1 ||
                          (date.day == 1 && (date.month == before.month + 1 || date.month == 1));
        if (!next)
            fail_msg("day %lld follows no other", (long long)days);
        before = date;
    }
}

static void dates_that_do_not_exist_are_not_valid(void **state)
{
    (void)state;
    const char *const good[] = {"2000-02-29 23:59:59.999", "0001-01-01 00:00", "9999-12-31 00:00"};
    const char *const bad[] = {"1900-02-29 00:00", "2018-02-29 00:00",   "2018-04-31 00:00",
                               "2018-00-01 00:00", "2018-13-01 00:00",   "2018-01-00 00:00",
                               "0-01-01 00:00",    "10000-01-01 00:00",  "2018-01-01 24:00",
                               "2018-01-01 00:60", "2018-01-01 00:00:60"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        const struct civil_time time = time_of(good[i]);
        assert_true(civil_is_valid(&time));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const struct civil_time time = time_of(bad[i]);
        assert_false(civil_is_valid(&time));
    }
}

static void fixed_offsets_shift_and_format(void **state)
{
    (void)state;
    const struct {
        const char *zone;
        int64_t utc_ms;
        const char *text;
    } table[] = {
        {"UTC", 1526450324427, "2018-05-16T05:58:44.427Z"},
        {"Z", 0, "1970-01-01T00:00:00.000Z"},
        {"+00:00", -1, "1969-12-31T23:59:59.999Z"},
        {"Etc/UTC", 0, "1970-01-01T00:00:00.000Z"},
        {"+08:00", 1526450324427, "2018-05-16T13:58:44.427+08:00"},
        {"-0530", 1526450324427, "2018-05-16T00:28:44.427-05:30"},
        {"-00:30", 0, "1969-12-31T23:30:00.000-00:30"},
        {"+23:59", 0, "1970-01-01T23:59:00.000+23:59"},
        {"UTC", -62135596800000, "0001-01-01T00:00:00.000Z"},
        {"UTC", 253402300799999, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct civil_zone zone;
        char text[CIVIL_RFC3339_BYTES];
        assert_int_equal(civil_zone_open(&zone, table[i].zone, NULL), STATUS_OK);
        assert_int_equal(civil_format_rfc3339(&zone, table[i].utc_ms, text), strlen(table[i].text));
        assert_string_equal(text, table[i].text);
        struct civil_time fields;
        civil_zone_from_utc_ms(&zone, table[i].utc_ms, &fields);
        assert_true(civil_zone_to_utc_ms(&zone, &fields, CIVIL_EARLIER) == table[i].utc_ms);
        assert_true(civil_zone_to_utc_ms(&zone, &fields, CIVIL_AFTER_GAP) == table[i].utc_ms);
    }
}

static void names_outside_the_zone_database_are_refused(void **state)
{
    (void)state;
    const char *const names[] = {
        "",
        "+8",
        "+08",
        "+8:00",
        "+24:00",
        "+08:60",
        "+08-00",
        "08:00",
        "+0a:00",
        "+080000",
        "utc",
        "Asia/Nowhere",
        "Asia",
        "Asia/",
        "../etc/passwd",
        "/usr/share/zoneinfo/Asia/Shanghai",
        "Asia/../Asia/Shanghai",
        "Asia/Shanghai ",
        "zone.tab",
        "tzdata.zi",
        "right/Asia/Shanghai",
        "Asia\nShanghai",
        "Europe/Berl\xc3\xafn",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct civil_zone zone;
        struct error err = {0};
        assert_int_equal(civil_zone_open(&zone, names[i], &err), STATUS_CONFIG);
        assert_true(err.message[0] != '\0');
    }
}

struct moment {
    const char *local;   /* what the clock shows */
    const char *earlier; /* RFC 3339 of CIVIL_EARLIER */
    const char *after;   /* of CIVIL_AFTER_GAP; NULL: the same */
};

/* In a child process: 0 if every moment is as expected, else 1 + its index. */
static int check_moments(const char *name, const struct moment *moments, size_t count)
{
    struct civil_zone zone;
    if (civil_zone_open(&zone, name, NULL) != STATUS_OK)
        return 100;
    for (size_t i = 0; i < count; i++) {
        const struct civil_time local = time_of(moments[i].local);
        const char *after = moments[i].after ? moments[i].after : moments[i].earlier;
        char text[CIVIL_RFC3339_BYTES];
        (void)civil_format_rfc3339(&zone, civil_zone_to_utc_ms(&zone, &local, CIVIL_EARLIER), text);
        if (strcmp(text, moments[i].earlier) != 0) {
            (void)fprintf(stderr, "%s %s: %s\n", name, moments[i].local, text);
            return 1 + (int)i;
        }
        (void)civil_format_rfc3339(&zone, civil_zone_to_utc_ms(&zone, &local, CIVIL_AFTER_GAP),
                                   text);
        if (strcmp(text, after) != 0) {
            (void)fprintf(stderr, "%s %s after the gap: %s\n", name, moments[i].local, text);
            return 1 + (int)i;
        }
    }
    return 0;
}

static void expect_moments(const char *name, const struct moment *moments, size_t count)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(check_moments(name, moments, count));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void clocks_put_forward_leave_a_gap(void **state)
{
    (void)state;
    const struct moment new_york[] = {
        {"2018-03-11 01:59:59.999", "2018-03-11T01:59:59.999-05:00", NULL},
        {"2018-03-11 02:00", "2018-03-11T01:00:00.000-05:00", "2018-03-11T03:00:00.000-04:00"},
        {"2018-03-11 02:30:00.500", "2018-03-11T01:30:00.500-05:00",
         "2018-03-11T03:00:00.000-04:00"},
        {"2018-03-11 03:00", "2018-03-11T03:00:00.000-04:00", NULL},
        {"2018-07-01 12:00", "2018-07-01T12:00:00.000-04:00", NULL},
    };
    expect_moments("America/New_York", new_york, COUNT_OF(new_york));
    /* Midnight itself is skipped. */
    const struct moment sao_paulo[] = {
        {"2018-11-04 00:00", "2018-11-03T23:00:00.000-03:00", "2018-11-04T01:00:00.000-02:00"},
    };
    expect_moments("America/Sao_Paulo", sao_paulo, COUNT_OF(sao_paulo));
    /* A whole day is skipped. */
    const struct moment apia[] = {
        {"2011-12-30 12:00", "2011-12-29T12:00:00.000-10:00", "2011-12-31T00:00:00.000+14:00"},
    };
    expect_moments("Pacific/Apia", apia, COUNT_OF(apia));
}

static void clocks_put_back_show_an_hour_twice(void **state)
{
    (void)state;
    const struct moment berlin[] = {
        {"2018-10-28 01:59:59", "2018-10-28T01:59:59.000+02:00", NULL},
        {"2018-10-28 02:00", "2018-10-28T02:00:00.000+02:00", NULL},
        {"2018-10-28 02:59:59.999", "2018-10-28T02:59:59.999+02:00", NULL},
        {"2018-10-28 03:00", "2018-10-28T03:00:00.000+01:00", NULL},
        {"2050-07-01 00:00", "2050-07-01T00:00:00.000+02:00", NULL},
    };
    expect_moments("Europe/Berlin", berlin, COUNT_OF(berlin));
    /* By half an hour. */
    const struct moment lord_howe[] = {
        {"2018-04-01 01:45", "2018-04-01T01:45:00.000+11:00", NULL},
        {"2018-04-01 02:00", "2018-04-01T02:00:00.000+10:30", NULL},
        {"2018-10-07 02:15", "2018-10-07T01:45:00.000+10:30", "2018-10-07T02:30:00.000+11:00"},
    };
    expect_moments("Australia/Lord_Howe", lord_howe, COUNT_OF(lord_howe));
}

static void local_mean_time_names_the_same_instant(void **state)
{
    (void)state;
    /* +08:05:43 until 1901: shown as +08:05, and the fields are those of that offset. */
    const struct moment shanghai[] = {
        {"1900-01-01 00:00:43", "1900-01-01T00:00:00.000+08:05", NULL},
        {"1991-04-14 02:30", "1991-04-14T01:30:00.000+08:00", "1991-04-14T03:00:00.000+09:00"},
        {"2018-05-16 13:58:44.427", "2018-05-16T13:58:44.427+08:00", NULL},
    };
    expect_moments("Asia/Shanghai", shanghai, COUNT_OF(shanghai));
    const struct moment london[] = {
        {"2018-01-01 00:00", "2018-01-01T00:00:00.000+00:00", NULL},
    };
    expect_moments("Europe/London", london, COUNT_OF(london));
}

static bool shows_the_same(struct civil_clock *clock, int64_t utc_ms)
{
    char one[CIVIL_RFC3339_BYTES];
    char of_many[CIVIL_RFC3339_BYTES];
    const size_t len = civil_format_rfc3339(clock->zone, utc_ms, one);
    if (civil_clock_format(clock, utc_ms, of_many) == len && strcmp(one, of_many) == 0)
        return true;
    (void)fprintf(stderr, "%s: %s instead of %s\n", clock->zone->name, of_many, one);
    return false;
}

/* In a child process: 0 if the clock is right all the time. */
static int check_clock(const char *name)
{
    struct civil_zone zone;
    struct civil_clock clock;
    if (civil_zone_open(&zone, name, NULL) != STATUS_OK)
        return 100;
    civil_clock_init(&clock, &zone);
    const int64_t first_ms = -MS_PER_DAY * 80 * 365;
    const int64_t last_ms = MS_PER_DAY * 68 * 365;
    /* Some times a day: all days on which clocks are put forward or back are among them. */
    for (int64_t at_ms = first_ms; at_ms < last_ms; at_ms += 5 * MS_PER_HOUR - 1) {
        if (!shows_the_same(&clock, at_ms))
            return 1;
    }
    /* To and fro: days that share a place in the clock's memory. */
    for (int64_t at_ms = 0; at_ms < last_ms; at_ms += 7 * MS_PER_DAY + 12345) {
        if (!shows_the_same(&clock, at_ms) || !shows_the_same(&clock, -at_ms / 2))
            return 2;
    }
    return 0;
}

static void a_clock_shows_what_formatting_one_by_one_shows(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC", "+08:00", "-03:30", "Europe/Berlin",
                                        "Australia/Lord_Howe"};
    (void)fflush(NULL);
    for (size_t i = 0; i < COUNT_OF(zones); i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(check_clock(zones[i]));
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_dates_are_inverse_over_all_years),
        cmocka_unit_test(dates_that_do_not_exist_are_not_valid),
        cmocka_unit_test(fixed_offsets_shift_and_format),
        cmocka_unit_test(names_outside_the_zone_database_are_refused),
        cmocka_unit_test(clocks_put_forward_leave_a_gap),
        cmocka_unit_test(clocks_put_back_show_an_hour_twice),
        cmocka_unit_test(local_mean_time_names_the_same_instant),
        cmocka_unit_test(a_clock_shows_what_formatting_one_by_one_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
