/*
 * test_log.c - the lines of the log: three formats, harmless bytes, hidden texts, rates.
 *
 * ctest: threads
 */
#include "ingest/log/log.h"
#include "ingest/log/log_internal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTPUT_BYTES 65536u

static int pipe_ends[2];
static char output[OUTPUT_BYTES];
static int64_t fake_utc_ms;
static int64_t fake_monotonic_ms;

static int64_t fake_utc(void)
{
    return fake_utc_ms;
}

static int64_t fake_monotonic(void)
{
    return fake_monotonic_ms;
}

static const struct log_clock fake_clock = {fake_utc, fake_monotonic};

static int log_begin(void **state)
{
    (void)state;
    fake_utc_ms = INT64_C(1795349202123); /* 2026-11-22T12:06:42.123Z */
    fake_monotonic_ms = 5000;
    log_forget();
    log_set_clock(&fake_clock);
    log_setup(LOG_INFO, LOG_FORMAT_LOGFMT);
    if (pipe(pipe_ends) != 0)
        return -1;
    log_set_output(pipe_ends[1]);
    return 0;
}

static int log_end(void **state)
{
    (void)state;
    log_set_output(STDERR_FILENO);
    log_set_clock(NULL);
    log_forget();
    (void)close(pipe_ends[0]);
    (void)close(pipe_ends[1]);
    return 0;
}

/* What was written since the last look: a pipe keeps it. "" if nothing was. */
static const char *written(void)
{
    assert_int_equal(write(pipe_ends[1], "", 1), 1); /* so that the read below never waits */
    const ssize_t len = read(pipe_ends[0], output, sizeof output - 1);
    assert_true(len > 0);
    assert_int_equal(output[len - 1], '\0');
    return output;
}

static void the_three_formats_are_as_documented(void **state)
{
    (void)state;
    log_info("queue drained", LOG_TEXT("queue", "iot-a1"), LOG_U64("messages", 42));
    assert_string_equal(written(), "time=2026-11-22T12:06:42.123Z level=info msg=\"queue drained\" "
                                   "queue=iot-a1 messages=42\n");
    log_setup(LOG_INFO, LOG_FORMAT_JSON);
    log_info("queue drained", LOG_TEXT("queue", "iot-a1"), LOG_U64("messages", 42));
    assert_string_equal(written(), "{\"time\":\"2026-11-22T12:06:42.123Z\",\"level\":\"info\","
                                   "\"msg\":\"queue drained\",\"queue\":\"iot-a1\","
                                   "\"messages\":42}\n");
    log_setup(LOG_INFO, LOG_FORMAT_TEXT);
    log_info("queue drained", LOG_TEXT("queue", "iot-a1"), LOG_U64("messages", 42));
    assert_string_equal(written(), "12:06:42 queue drained (queue iot-a1, messages 42)\n");
    log_warning("queue slow", LOG_TEXT("queue", ""));
    assert_string_equal(written(), "12:06:42 warning: queue slow (queue \"\")\n");
}

static void values_of_every_kind_are_written(void **state)
{
    (void)state;
    log_error("kinds", LOG_I64("least", INT64_MIN), LOG_U64("most", UINT64_MAX),
              LOG_BOOL("yes", true), LOG_BOOL("no", false), LOG_TEXT("none", NULL));
    assert_string_equal(written(), "time=2026-11-22T12:06:42.123Z level=error msg=kinds "
                                   "least=-9223372036854775808 most=18446744073709551615 yes=true "
                                   "no=false none=\"\"\n");
    log_setup(LOG_INFO, LOG_FORMAT_JSON);
    log_error("kinds", LOG_I64("least", INT64_MIN), LOG_BOOL("yes", true), LOG_TEXT("none", NULL));
    assert_string_equal(written(), "{\"time\":\"2026-11-22T12:06:42.123Z\",\"level\":\"error\","
                                   "\"msg\":\"kinds\",\"least\":-9223372036854775808,\"yes\":true,"
                                   "\"none\":\"\"}\n");
}

static void logfmt_quotes_what_a_reader_would_misread(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } table[] = {
        {"plain-Value_1.2:/x", "plain-Value_1.2:/x"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"x\"", "\"say \\\"x\\\"\""},
        {"\"", "\"\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"a\nlevel=error", "\"a\\nlevel=error\""},
        {"a\tb\rc", "\"a\\tb\\rc\""},
        {"\x1b[31mred", "\"\\u001b[31mred\""},
        {"\x7f", "\"\\u007f\""},
        {"\xc2\x9b"
         "31m",
         "\"\\u009b31m\""}, /* CSI as one character of C1 */
        {"\xe2\x80\xae", "\"\\u202e\""},
        {"bad\xff", "\"bad\\ufffd\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
        {"\xc0\xaf", "\"\\ufffd\\ufffd\""},            /* overlong */
        {"cut\xe6\xb8", "\"cut\\ufffd\\ufffd\""},
        {"\xe6\xb8\xa9\xe5\xba\xa6", "\xe6\xb8\xa9\xe5\xba\xa6"},
        {"\xf0\x9f\x8c\xa1", "\xf0\x9f\x8c\xa1"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        log_forget();
        log_info("value", LOG_TEXT("v", table[i].value));
        char expected[256];
        (void)snprintf(expected, sizeof expected,
                       "time=2026-11-22T12:06:42.123Z level=info msg=value v=%s\n", table[i].shown);
        assert_string_equal(written(), expected);
    }
}

/* Any byte as a value: one line, no control byte, and JSON that reads back. */
static void no_byte_leaves_its_line(void **state)
{
    (void)state;
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        log_setup(LOG_INFO, (enum log_format)format);
        for (unsigned byte = 1; byte < 256; byte++) {
            const char value[] = {'<', (char)byte, '>', '\0'};
            log_forget();
            log_info("byte", LOG_TEXT("value", value));
            const char *line = written();
            const size_t len = strlen(line);
            assert_int_equal(line[len - 1], '\n');
            for (size_t i = 0; i + 1 < len; i++)
                assert_true((uint8_t)line[i] >= 0x20 && (uint8_t)line[i] < 0x7f);
            if (format != LOG_FORMAT_JSON)
                continue;
            cJSON *root = cJSON_ParseWithOpts(line, NULL, 1);
            assert_non_null(root);
            const char *read_back =
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "value"));
            assert_non_null(read_back);
            assert_string_equal(read_back, byte < 0x80 ? value : "<\xef\xbf\xbd>");
            cJSON_Delete(root);
        }
    }
}

static void levels_below_the_set_one_are_silent(void **state)
{
    (void)state;
    log_debug("detail", LOG_I64("n", 1));
    assert_string_equal(written(), "");
    log_set_level(LOG_DEBUG);
    log_debug("detail", LOG_I64("n", 1));
    assert_string_equal(written(), "time=2026-11-22T12:06:42.123Z level=debug msg=detail n=1\n");
    log_set_level(LOG_ERROR);
    log_warning("detail", LOG_I64("n", 1));
    assert_string_equal(written(), "");
    assert_int_equal(log_level(), LOG_ERROR);
}

static void names_of_levels_and_formats_are_parsed_strictly(void **state)
{
    (void)state;
    enum log_level level = LOG_ERROR;
    enum log_format format = LOG_FORMAT_TEXT;
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_true(log_level_parse("warning", &level));
    assert_int_equal(level, LOG_WARNING);
    assert_true(log_format_parse("json", &format));
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_true(log_format_parse("logfmt", &format));
    assert_false(log_level_parse("Debug", &level));
    assert_false(log_level_parse("", &level));
    assert_false(log_format_parse("xml", &format));
    assert_int_equal(level, LOG_WARNING);
    assert_int_equal(format, LOG_FORMAT_LOGFMT);
}

static void a_hidden_text_is_masked_wherever_it_stands(void **state)
{
    (void)state;
    log_hide("s3cretKEY");
    log_hide("12345678");
    log_info("hidden", LOG_TEXT("a", "s3cretKEY"), LOG_TEXT("b", "x=s3cretKEY;s3cretKEYs3cretKEY"),
             LOG_U64("n", 9123456789u), LOG_TEXT("c", "s3cretKE"));
    const char *line = written();
    assert_null(strstr(line, "s3cret"));
    assert_null(strstr(line, "12345678"));
    assert_non_null(strstr(line, " a=*** b=\"x=***;******\" n=9***9 c=***"));
    log_setup(LOG_INFO, LOG_FORMAT_JSON);
    log_info("hidden", LOG_U64("n", 12345678u));
    assert_non_null(strstr(written(), ",\"n\":\"***\"}"));
}

static void a_hidden_text_with_bytes_that_are_escaped_is_masked(void **state)
{
    (void)state;
    log_hide("a\"b\\c\nd");
    log_info("hidden", LOG_TEXT("v", "1 a\"b\\c\nd 2"));
    assert_non_null(strstr(written(), " v=\"1 *** 2\"\n"));
}

static void overlapping_hidden_texts_are_one_mask(void **state)
{
    (void)state;
    log_hide("abcdef");
    log_hide("defghi");
    log_hide("abcdefgh");
    log_info("hidden", LOG_TEXT("v", "-abcdefghi-"));
    assert_non_null(strstr(written(), " v=-***-\n"));
}

static void short_texts_are_not_hidden(void **state)
{
    (void)state;
    log_hide("queue");
    log_hide("");
    log_hide(NULL);
    log_info("hidden", LOG_TEXT("v", "queue"));
    assert_non_null(strstr(written(), " v=queue\n"));
}

/* Wherever the line's or the value's cut falls, no part of the secret is seen. */
static void a_cut_never_uncovers_part_of_a_hidden_text(void **state)
{
    (void)state;
    static char value[6000];
    log_hide("ZYXWVUTSRQPO");
    for (size_t before = 1480; before < 1560; before++) {
        memset(value, 'a', before);
        (void)snprintf(value + before, sizeof value - before, "ZYXWVUTSRQPO%0900d", 0);
        log_forget();
        log_hide("ZYXWVUTSRQPO");
        log_info("hidden", LOG_TEXT("v", value), LOG_TEXT("w", value), LOG_TEXT("x", value));
        const char *line = written();
        assert_true(strlen(line) <= LOG_LINE_BYTES_MAX);
        assert_null(strpbrk(strstr(line, " v="), "ZYXWVUTSRQPO"));
    }
}

/* The 33rd text takes the place of the first; hiding one twice takes no place. */
static void the_text_hidden_first_makes_room(void **state)
{
    (void)state;
    char secret[32];
    for (unsigned i = 0; i <= LOG_HIDDEN_MAX; i++) {
        (void)snprintf(secret, sizeof secret, "secret-%04u", i);
        log_hide(secret);
        log_hide(secret);
    }
    char text[] = "secret-0000 secret-0001 secret-0032";
    log_redact(text);
    assert_string_equal(text, "secret-0000 *** ***");
}

static void redacting_works_in_place(void **state)
{
    (void)state;
    log_hide("secret-1");
    char text[] = "secret-1, secret-1 and secret-2; secret-1";
    log_redact(text);
    assert_string_equal(text, "***, *** and secret-2; ***");
    char empty[] = "";
    log_redact(empty);
    assert_string_equal(empty, "");
}

static void a_line_too_long_is_cut_and_stays_whole(void **state)
{
    (void)state;
    static char value[8000];
    memset(value, '"', sizeof value - 1);
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        log_setup(LOG_INFO, (enum log_format)format);
        for (size_t len = 1; len < sizeof value; len += 97) {
            char last = value[len];
            value[len] = '\0';
            log_forget();
            log_info("long", LOG_TEXT("a", value), LOG_TEXT("b", value), LOG_TEXT("c", value),
                     LOG_TEXT("d", value), LOG_U64("e", len));
            value[len] = last;
            const char *line = written();
            assert_in_range(strlen(line), 1, LOG_LINE_BYTES_MAX);
            assert_int_equal(line[strlen(line) - 1], '\n');
            if (format == LOG_FORMAT_JSON) {
                cJSON *root = cJSON_ParseWithOpts(line, NULL, 1);
                assert_non_null(root);
                cJSON_Delete(root);
            }
        }
    }
}

static void the_same_event_is_limited_and_what_was_left_out_is_counted(void **state)
{
    (void)state;
    static const char message[] = "receive failed";
    for (unsigned i = 0; i < LOG_BURST; i++) {
        log_warning(message, LOG_U64("i", i));
        assert_string_not_equal(written(), "");
    }
    for (unsigned i = 0; i < 7; i++) {
        log_warning(message, LOG_U64("i", i));
        assert_string_equal(written(), "");
    }
    log_warning("another event", LOG_U64("i", 0));
    assert_null(strstr(written(), "suppressed"));

    fake_monotonic_ms += 59999;
    log_warning(message, LOG_U64("i", 0));
    assert_string_equal(written(), "");
    fake_monotonic_ms += 1;
    log_warning(message, LOG_U64("i", 9));
    assert_non_null(strstr(written(), " suppressed=8 i=9\n"));
    log_warning(message, LOG_U64("i", 9));
    assert_null(strstr(written(), "suppressed"));
}

static void reporting_leaves_errno_alone(void **state)
{
    (void)state;
    log_set_output(-1);
    errno = ENOSPC;
    log_info("nowhere", LOG_I64("n", 1));
    assert_int_equal(errno, ENOSPC);
}

#define THREADS           4
#define LINES_OF_A_THREAD 5

static void *report(void *context)
{
    const uint64_t number = *(const uint64_t *)context;
    char secret[32];
    (void)snprintf(secret, sizeof secret, "hidden-of-thread-%u", (unsigned)number);
    for (unsigned i = 0; i < LINES_OF_A_THREAD; i++) {
        log_hide(secret);
        log_set_level(LOG_INFO);
        log_info("from a thread", LOG_U64("thread", number), LOG_TEXT("secret", secret));
    }
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t numbers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, report, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);

    unsigned lines = 0;
    for (const char *line = written(); *line != '\0'; lines++) {
        bool is_whole = false;
        for (unsigned thread = 0; thread < THREADS && !is_whole; thread++) {
            char expected[128];
            const int len = snprintf(expected, sizeof expected,
                                     "time=2026-11-22T12:06:42.123Z level=info "
                                     "msg=\"from a thread\" thread=%u secret=***\n",
                                     thread);
            is_whole = strncmp(line, expected, (size_t)len) == 0;
            if (is_whole)
                line += len;
        }
        assert_true(is_whole);
    }
    assert_int_equal(lines, THREADS * LINES_OF_A_THREAD);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, log_begin, log_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(the_three_formats_are_as_documented),
        LOG_TEST(values_of_every_kind_are_written),
        LOG_TEST(logfmt_quotes_what_a_reader_would_misread),
        LOG_TEST(no_byte_leaves_its_line),
        LOG_TEST(levels_below_the_set_one_are_silent),
        LOG_TEST(names_of_levels_and_formats_are_parsed_strictly),
        LOG_TEST(a_hidden_text_is_masked_wherever_it_stands),
        LOG_TEST(a_hidden_text_with_bytes_that_are_escaped_is_masked),
        LOG_TEST(overlapping_hidden_texts_are_one_mask),
        LOG_TEST(short_texts_are_not_hidden),
        LOG_TEST(a_cut_never_uncovers_part_of_a_hidden_text),
        LOG_TEST(the_text_hidden_first_makes_room),
        LOG_TEST(redacting_works_in_place),
        LOG_TEST(a_line_too_long_is_cut_and_stays_whole),
        LOG_TEST(the_same_event_is_limited_and_what_was_left_out_is_counted),
        LOG_TEST(reporting_leaves_errno_alone),
        LOG_TEST(lines_of_several_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
