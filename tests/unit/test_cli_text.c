/*
 * test_cli_text.c - escaped text, human quantities, suggestions, exit codes.
 */
#include "cli/escape.h"
#include "cli/exit_code.h"
#include "cli/human.h"
#include "cli/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void escapes_to(const char *raw, size_t raw_len, const char *expected)
{
    char out[256];
    assert_int_equal(escape_text(slice_of(raw, raw_len), out, sizeof out), strlen(expected));
    assert_string_equal(out, expected);
}

#define ESCAPES_TO(raw, expected) escapes_to(raw, sizeof(raw) - 1, expected)

static void control_characters_never_come_through(void **state)
{
    (void)state;
    ESCAPES_TO("plain text \\", "plain text \\");
    ESCAPES_TO("a\033[31mred", "a\\x1b[31mred");
    ESCAPES_TO("a\nb\rc\td\0e\x7f", "a\\nb\\rc\\td\\x00e\\x7f");
    ESCAPES_TO("\xc2\x9b"
               "31m",
               "\\x9b31m"); // a one-character CSI
    ESCAPES_TO("\xe2\x80\xae"
               "abc",
               "\\u{202e}abc"); // right-to-left override
}

static void good_utf8_stays_and_bad_bytes_show(void **state)
{
    (void)state;
    ESCAPES_TO("la crois\xc3\xa8re \xe6\xb8\xa9 \xf0\x9f\x8c\xa1",
               "la crois\xc3\xa8re \xe6\xb8\xa9 \xf0\x9f\x8c\xa1");
    ESCAPES_TO("\xff\xc3", "\\xff\\xc3");
    ESCAPES_TO("\xc0\x80", "\\xc0\\x80");                   // overlong
    ESCAPES_TO("\xed\xa0\x80", "\\xed\\xa0\\x80");          // half a surrogate pair
    ESCAPES_TO("\xe6\xb8", "\\xe6\\xb8");                   // cut short
    ESCAPES_TO("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); // beyond Unicode
}

static void escaped_text_is_cut_between_characters(void **state)
{
    (void)state;
    char out[4];
    assert_int_equal(escape_text(slice_of("ab\xc3\xa8", 4), out, sizeof out), 2);
    assert_string_equal(out, "ab");
    assert_int_equal(escape_text(slice_of("\033", 1), out, sizeof out), 0);
    assert_string_equal(out, "");
    assert_int_equal(escape_text(slice_of("abc", 3), out, sizeof out), 3);
    char one[1];
    assert_int_equal(escape_text(slice_of("abc", 3), one, sizeof one), 0);
}

static void durations_read_well(void **state)
{
    (void)state;
    char text[HUMAN_BYTES];
    assert_string_equal(human_duration(0, text), "0 ms");
    assert_string_equal(human_duration(999, text), "999 ms");
    assert_string_equal(human_duration(29144, text), "29.1 s");
    assert_string_equal(human_duration(59999, text), "59.9 s");
    assert_string_equal(human_duration(60000, text), "1m 00s");
    assert_string_equal(human_duration(3599999, text), "59m 59s");
    assert_string_equal(human_duration(3600000, text), "1h 00m");
    assert_string_equal(human_duration(86400000, text), "1d 0h");
    assert_string_equal(human_duration(-1500, text), "-1.5 s");
    assert_string_equal(human_duration(INT64_MAX, text), "106751991167d 7h");
    assert_string_equal(human_duration(INT64_MIN, text), "-106751991167d 7h");
}

static void amounts_read_well(void **state)
{
    (void)state;
    char text[HUMAN_BYTES];
    assert_string_equal(human_bytes(999, text), "999 B");
    assert_string_equal(human_bytes(1500, text), "1.50 kB");
    assert_string_equal(human_bytes(999499, text), "999 kB");
    assert_string_equal(human_bytes(999500, text), "1.00 MB");
    assert_string_equal(human_bytes(1830000000, text), "1.83 GB");
    assert_string_equal(human_bytes(UINT64_MAX, text), "18.4 EB");
    assert_string_equal(human_count(0, text), "0");
    assert_string_equal(human_count(999, text), "999");
    assert_string_equal(human_count(1000, text), "1,000");
    assert_string_equal(human_count(1234567, text), "1,234,567");
    assert_string_equal(human_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
    assert_string_equal(human_rate(12, text), "12/s");
    assert_string_equal(human_rate(12500, text), "12.5 k/s");
    assert_string_equal(human_rate(8310000, text), "8.31 M/s");
}

static void suggestions_are_near_or_absent(void **state)
{
    (void)state;
    static const char *const words[] = {"stats", "online", "sessions", "log", "info"};
    assert_string_equal(suggest_word("stat", words, 5), "stats");
    assert_string_equal(suggest_word("onlnie", words, 5), "online");
    assert_string_equal(suggest_word("sess", words, 5), "sessions");
    assert_string_equal(suggest_word("lgo", words, 5), "log");
    assert_null(suggest_word("x", words, 5));
    assert_null(suggest_word("", words, 5));
    assert_null(suggest_word("temperature", words, 5));
    assert_null(suggest_word("a-word-much-longer-than-any-command-there-is", words, 5));
}

static void exit_codes_are_those_of_the_manual(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(STATUS_OK), 0);
    assert_int_equal(exit_code_of(STATUS_FULL), 1);
    assert_int_equal(exit_code_of(STATUS_INPUT), 2);
    assert_int_equal(exit_code_of(STATUS_CONFIG), 3);
    assert_int_equal(exit_code_of(STATUS_MISSING), 4);
    assert_int_equal(exit_code_of(STATUS_LOCKED), 4);
    assert_int_equal(exit_code_of(STATUS_CORRUPT), 4);
    assert_int_equal(exit_code_of(STATUS_VERSION), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_never_come_through),
        cmocka_unit_test(good_utf8_stays_and_bad_bytes_show),
        cmocka_unit_test(escaped_text_is_cut_between_characters),
        cmocka_unit_test(durations_read_well),
        cmocka_unit_test(amounts_read_well),
        cmocka_unit_test(suggestions_are_near_or_absent),
        cmocka_unit_test(exit_codes_are_those_of_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
