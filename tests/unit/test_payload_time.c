/*
 * test_payload_time.c - how payload times are read, and which candidate becomes the business time.
 */
#include "engine/row/row.h"
#include "ingest/decode/payload_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define UNREADABLE      INT64_MIN
#define NO_EPOCH        INT64_MAX

static struct civil_zone beijing;

static int64_t read_member(enum time_form form, bool utc, const char *text)
{
    const struct time_member member = {.form = form, .utc = utc, .text = slice_of_text(text)};
    int64_t utc_ms = 0;
    const enum time_reading reading = time_member_read(&member, &beijing, &utc_ms);
    if (reading == TIME_UNREADABLE)
        return UNREADABLE;
    return reading == TIME_NO_EPOCH ? NO_EPOCH : utc_ms;
}

static void expect_text(const char *text, int64_t expected)
{
    if (read_member(TIME_FORM_STRING, false, text) != expected)
        fail_msg("'%s' reads as %lld, not %lld", text,
                 (long long)read_member(TIME_FORM_STRING, false, text), (long long)expected);
}

static void epochs_have_10_or_13_digits(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t expected;
    } table[] = {
        {"1526450334", 1526450334000},
        {"1526450334377", 1526450334377},
        {"0000000001", 1000},
        {"9999999999999", 9999999999999},
        {"152645033", NO_EPOCH},
        {"15264503341", NO_EPOCH},
        {"152645033437", NO_EPOCH},
        {"15264503343771", NO_EPOCH},
        {"0", NO_EPOCH},
        {"99999999999999999999999", NO_EPOCH},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        expect_text(table[i].text, table[i].expected);
        assert_true(read_member(TIME_FORM_NUMBER, false, table[i].text) == table[i].expected);
    }
    expect_text(" 1526450334\t", 1526450334000);
    const char *const odd[] = {"-1526450334", "1526450334.0", "1526450334.5", "1.526450334e9"};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        assert_true(read_member(TIME_FORM_NUMBER, false, odd[i]) == NO_EPOCH);
        expect_text(odd[i], UNREADABLE);
    }
}

static void texts_have_a_date_and_a_time_of_day(void **state)
{
    (void)state;
    const int64_t second_ms = 1526450324000; /* 2018-05-16 13:58:44 in Beijing */
    const struct {
        const char *text;
        int64_t expected;
    } table[] = {
        {"2018-05-16 13:58:44", second_ms},
        {"2018-05-16T13:58:44", second_ms},
        {"2018-05-16\t13:58:44", second_ms},
        {"2018-05-16 13:58", second_ms - 44000},
        {"2018-05-16 13:58:44.427", second_ms + 427},
        {"2018-05-16 13:58:44.4", second_ms + 400},
        {"2018-05-16 13:58:44.42799999999999999999", second_ms + 427},
        {"2018-05-16 13:58:44.0009", second_ms},
        {" \r\n2018-05-16 13:58:44 .427 ", second_ms + 427},
        {"2018-05-16 13:58:44 \t.427", second_ms + 427},
        {"2018-05-16T05:58:44Z", second_ms},
        {"2018-05-16 05:58:44.427 Z", second_ms + 427},
        {"2018-05-16T13:58:44+08:00", second_ms},
        {"2018-05-16T05:58Z", second_ms - 44000},
        {"2018-05-16T00:58:44-05:00", second_ms},
        {"2018-05-16 11:28:44 .5 +05:30", second_ms + 500},
        {"2016-02-29 00:00", 1456675200000},
        {"1970-01-01 08:00:00", 0},
        {"0001-01-01 00:00Z", -62135596800000},
        {"9999-12-31 23:59:59.999Z", 253402300799999},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        expect_text(table[i].text, table[i].expected);
    assert_true(read_member(TIME_FORM_STRING, true, "2018-05-16 05:58:44") == second_ms);
    assert_true(read_member(TIME_FORM_STRING, true, "2018-05-16 13:58:44+08:00") == second_ms);
}

static void everything_else_is_unreadable(void **state)
{
    (void)state;
    const char *const texts[] = {"",
                                 " ",
                                 "soon",
                                 "2018-05-16",
                                 "2018-05-16 ",
                                 "13:58:44",
                                 "2018-5-16 13:58",
                                 "18-05-16 13:58",
                                 "2018/05/16 13:58",
                                 "2018-05-16  13:58",
                                 "2018-05-16t13:58",
                                 "2018-05-16 13",
                                 "2018-05-16 1:58",
                                 "2018-05-16 13:58:4",
                                 "2018-05-16 13:58:",
                                 "2018-05-16 13:58:44.",
                                 "2018-05-16 13:58:44. 5",
                                 "2018-05-16 13:58:44,5",
                                 "2018-05-16 13:58.5",
                                 "2018-05-16 13:58:44z",
                                 "2018-05-16 13:58:44ZZ",
                                 "2018-05-16 13:58:44+8:00",
                                 "2018-05-16 13:58:44+0800",
                                 "2018-05-16 13:58:44+08",
                                 "2018-05-16 13:58:44+24:00",
                                 "2018-05-16 13:58:44+08:60",
                                 "2018-05-16 13:58:44 08:00",
                                 "2018-00-16 13:58",
                                 "2018-13-16 13:58",
                                 "2018-05-00 13:58",
                                 "2018-05-32 13:58",
                                 "2018-02-29 13:58",
                                 "1900-02-29 13:58",
                                 "2018-05-16 24:00",
                                 "2018-05-16 13:60",
                                 "2018-05-16 13:58:60",
                                 "0000-01-01 00:00",
                                 "0000-00-00 00:00:00",
                                 "2018-05-16 13:58:44 x",
                                 "+2018-05-16 13:58",
                                 "12018-05-16 13:58"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        expect_text(texts[i], UNREADABLE);
    assert_true(read_member(TIME_FORM_NONE, false, "1526450334") == UNREADABLE);
}

static const struct envelope_time walkthrough = {.message_id = 996631053735047169u,
                                                 .timestamp_s = 1526450334};

static struct business_time choose(const char *first, const char *second,
                                   struct envelope_time envelope)
{
    const struct time_member members[] = {
        {.form = TIME_FORM_STRING, .text = slice_of_text(first)},
        {.form = TIME_FORM_STRING, .text = slice_of_text(second)},
    };
    return business_time_choose(members, 2, &beijing, envelope);
}

static void expect_time(struct business_time time, int64_t time_ms, enum time_source source,
                        bool clock_fault)
{
    assert_true(time.time_ms == time_ms);
    assert_int_equal(time.source, source);
    assert_int_equal(time.clock_fault, clock_fault);
}

static void the_first_good_candidate_is_taken(void **state)
{
    (void)state;
    const struct envelope_time at = walkthrough;
    expect_time(choose("1526450333", "1526450332", at), 1526450333000, TIME_SOURCE_PAYLOAD, false);
    expect_time(choose("later", "1526450332", at), 1526450332000, TIME_SOURCE_PAYLOAD, false);
    expect_time(choose("", "", at), 1526450334377, TIME_SOURCE_MESSAGEID, false);
    expect_time(choose("12", "1526450332", at), 1526450332000, TIME_SOURCE_PAYLOAD, true);
    expect_time(choose("1526450333", "12", at), 1526450333000, TIME_SOURCE_PAYLOAD, false);
    expect_time(choose("12", "?", at), 1526450334377, TIME_SOURCE_MESSAGEID, true);
}

static void clocks_are_broken_before_1990_and_a_day_ahead(void **state)
{
    (void)state;
    const struct envelope_time at = walkthrough;
    expect_time(choose("1990-01-01 00:00Z", "", at), 631152000000, TIME_SOURCE_PAYLOAD, false);
    expect_time(choose("1989-12-31 23:59:59.999Z", "", at), 1526450334377, TIME_SOURCE_MESSAGEID,
                true);
    expect_time(choose("1526536734000", "", at), 1526536734000, TIME_SOURCE_PAYLOAD, false);
    expect_time(choose("1526536734001", "", at), 1526450334377, TIME_SOURCE_MESSAGEID, true);
}

static void an_id_is_a_time_within_ten_minutes_of_the_timestamp(void **state)
{
    (void)state;
    const uint64_t id_ms = 1526450334377u - 1288834974657u;
    const struct {
        int64_t timestamp_s;
        uint64_t id;
        bool by_id;
    } table[] = {
        {1526450334, id_ms << 22, true},
        {1526450334, ((id_ms + 599623) << 22) + 4194303, true}, /* 10 minutes to the millisecond */
        {1526450334, (id_ms + 599624) << 22, false},
        {1526450334, (id_ms - 600377) << 22, true},
        {1526450334, (id_ms - 600378) << 22, false},
        {1526450334, 0, false},
        {1526450334, UINT64_MAX, false},
        {1288834974, 307, true},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const struct envelope_time at = {.message_id = table[i].id,
                                         .timestamp_s = table[i].timestamp_s};
        const int64_t expected_ms =
            table[i].by_id ? (int64_t)(at.message_id >> 22) + 1288834974657 : at.timestamp_s * 1000;
        expect_time(choose("", "", at), expected_ms,
                    table[i].by_id ? TIME_SOURCE_MESSAGEID : TIME_SOURCE_ENVELOPE, false);
    }
}

static int open_zone(void **state)
{
    (void)state;
    return civil_zone_open(&beijing, "+08:00", NULL) == STATUS_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_have_10_or_13_digits),
        cmocka_unit_test(texts_have_a_date_and_a_time_of_day),
        cmocka_unit_test(everything_else_is_unreadable),
        cmocka_unit_test(the_first_good_candidate_is_taken),
        cmocka_unit_test(clocks_are_broken_before_1990_and_a_day_ahead),
        cmocka_unit_test(an_id_is_a_time_within_ten_minutes_of_the_timestamp),
    };
    return cmocka_run_group_tests(tests, open_zone, NULL);
}
