/*
 * test_cli_text.c - escaped text, human quantities, suggestions, exit codes.
 */
#include "cli/escape.h"
#include "cli/exit_code.h"
#include "cli/human.h"
#include "cli/quantity.h"
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

static void typed_durations_are_sums_of_terms(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_int_equal(duration_parse("1h30m", &ms, NULL), STATUS_OK);
    assert_int_equal(ms, 5400000);
    assert_int_equal(duration_parse("1d2h3m4s5ms", &ms, NULL), STATUS_OK);
    assert_int_equal(ms, 93784005);
    assert_int_equal(duration_parse("250ms", &ms, NULL), STATUS_OK);
    assert_int_equal(ms, 250);
    static const char *const refused[] = {
        "", "h", "5", "1.5h", "1mo", "-1s", " 1s", "1s ", "1s2", "99999999999999999999s", "530000w",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (duration_parse(refused[i], &ms, NULL) != STATUS_INPUT)
            fail_msg("'%s' is taken for %lld ms", refused[i], (long long)ms);
    }
}

static void typed_sizes_have_units_of_1000_or_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {
        {"0", 0},
        {"4096", 4096},
        {"64k", 64000},
        {"64K", 64000},
        {"64Ki", 65536},
        {"256M", 256000000},
        {"1Gi", 1073741824},
        {"1TB", 1000000000000},
        {"2MiB", 2097152},
        {"7B", 7},
        {"9223372036854775807", INT64_MAX},
    };
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(size_parse(sizes[i].text, &bytes, NULL), STATUS_OK);
        assert_int_equal(bytes, sizes[i].bytes);
    }
    static const char *const refused[] = {
        "", "M", "1.5M", "-1", "1 M", "1Mb", "1MM", "9223372036854775808", "9999999T", "1P",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (size_parse(refused[i], &bytes, NULL) != STATUS_INPUT)
            fail_msg("'%s' is taken for %llu bytes", refused[i], (unsigned long long)bytes);
    }
}

static void typed_counts_are_digits_alone(void **state)
{
    (void)state;
    uint64_t count = 7;
    assert_true(count_parse("18446744073709551615", &count));
    assert_true(count == UINT64_MAX);
    static const char *const refused[] = {"", "+1", "-1", "1 ", "0x1", "18446744073709551616"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(count_parse(refused[i], &count));
    assert_true(count == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_never_come_through),
        cmocka_unit_test(good_utf8_stays_and_bad_bytes_show),
        cmocka_unit_test(escaped_text_is_cut_between_characters),
        cmocka_unit_test(durations_read_well),
        cmocka_unit_test(amounts_read_well),
        cmocka_unit_test(typed_durations_are_sums_of_terms),
        cmocka_unit_test(typed_sizes_have_units_of_1000_or_1024),
        cmocka_unit_test(typed_counts_are_digits_alone),
        cmocka_unit_test(suggestions_are_near_or_absent),
        cmocka_unit_test(exit_codes_are_those_of_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
