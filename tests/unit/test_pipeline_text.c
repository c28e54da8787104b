/*
 * test_pipeline_text.c - what mnsdb-ingest tells people and scripts: summary and progress bar.
 */
#include "ingest/report/progress.h"
#include "ingest/report/summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void prints_json(const struct summary *summary, const char *expected)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    summary_print_json(to, summary);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void json_names_only_reasons_that_occurred(void **state)
{
    (void)state;
    const struct summary none = {0};
    prints_json(&none,
                "{\"received\":0,\"stored\":0,\"duplicates\":0,\"rejected\":0,\"reasons\":{},"
                "\"bytes\":0,\"seconds\":0.000}\n");
    struct summary some = {
        .counts = {.received = 9, .stored = 3, .duplicates = 1, .rejected = 5},
        .input_bytes = 18446744073709551615u,
        .duration_ms = 61007,
    };
    some.counts.reasons[REJECT_TOO_LONG] = 2;
    some.counts.reasons[REJECT_NO_NUMBERS] = 3;
    prints_json(&some, "{\"received\":9,\"stored\":3,\"duplicates\":1,\"rejected\":5,"
                       "\"reasons\":{\"too-long\":2,\"no-numbers\":3},"
                       "\"bytes\":18446744073709551615,\"seconds\":61.007}\n");
}

static void the_line_tells_what_became_of_the_messages(void **state)
{
    (void)state;
    char text[SUMMARY_TEXT_BYTES];
    struct summary summary = {
        .counts = {.received = 2000000, .stored = 1999000, .duplicates = 600, .rejected = 400},
        .input_bytes = 366000000,
        .duration_ms = 250,
    };
    summary.counts.reasons[REJECT_BAD_JSON] = 399;
    summary.counts.reasons[REJECT_BAD_TIME] = 1;
    summary_text(text, &summary);
    assert_string_equal(text, "received 2,000,000 messages: 1,999,000 stored, 600 duplicates, 400 "
                              "rejected (bad-json 399, bad-time 1); 366 MB in 250 ms, 8.00 M/s");
}

static void a_second_run_says_that_it_added_nothing(void **state)
{
    (void)state;
    char text[SUMMARY_TEXT_BYTES];
    const struct summary summary = {
        .counts = {.received = 1, .duplicates = 1}, .input_bytes = 266, .duration_ms = 0};
    summary_text(text, &summary);
    assert_string_equal(text, "received 1 message: 0 stored, 1 duplicates (the store had them all "
                              "already), 0 rejected; 266 B in 0 ms");
}

static void the_longest_line_fits(void **state)
{
    (void)state;
    char text[SUMMARY_TEXT_BYTES];
    struct summary summary = {
        .counts = {.received = UINT64_MAX, .duplicates = UINT64_MAX, .rejected = UINT64_MAX},
        .input_bytes = UINT64_MAX,
        .duration_ms = INT64_MAX,
    };
    for (unsigned i = 0; i < REJECT_REASON_COUNT; i++)
        summary.counts.reasons[i] = UINT64_MAX;
    summary_text(text, &summary);
    assert_in_range(strlen(text), 300, sizeof text - 2);
}

static void the_bar_shows_share_and_time_left(void **state)
{
    (void)state;
    char text[PROGRESS_TEXT_BYTES];
    const struct pipeline_progress half = {.decoded = 1234567,
                                           .source = {.raw_bytes = 50, .raw_bytes_total = 100}};
    progress_text(text, &half, 2000, 120);
    assert_string_equal(text, " 50 % [############............]  1,234,567 messages  617 k/s  "
                              "2.0 s left");
    progress_text(text, &half, 500, 120); // too early to tell
    assert_null(strstr(text, "left"));

    const struct pipeline_progress grown = {.decoded = 3,
                                            .source = {.raw_bytes = 150, .raw_bytes_total = 100}};
    progress_text(text, &grown, 2000, 120);
    assert_string_equal(text, "100 % [########################]  3 messages  2/s  0 ms left");
}

static void a_pipe_has_no_share(void **state)
{
    (void)state;
    char text[PROGRESS_TEXT_BYTES];
    const struct pipeline_progress pipe = {.decoded = 3, .source = {.raw_bytes = 1500}};
    progress_text(text, &pipe, 0, 120);
    assert_string_equal(text, "3 messages  3/s  1.50 kB");
}

static void the_bar_never_fills_a_line(void **state)
{
    (void)state;
    char text[PROGRESS_TEXT_BYTES];
    const struct pipeline_progress half = {.decoded = 1234567,
                                           .source = {.raw_bytes = 50, .raw_bytes_total = 100}};
    for (size_t columns = 1; columns < 90; columns++) {
        progress_text(text, &half, 2000, columns);
        assert_in_range(strlen(text), 0, columns - 1);
    }
}

static void without_a_terminal_there_is_no_bar(void **state)
{
    (void)state;
    struct progress_bar bar;
    progress_begin(&bar, false);
    assert_false(bar.shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_names_only_reasons_that_occurred),
        cmocka_unit_test(the_line_tells_what_became_of_the_messages),
        cmocka_unit_test(a_second_run_says_that_it_added_nothing),
        cmocka_unit_test(the_longest_line_fits),
        cmocka_unit_test(the_bar_shows_share_and_time_left),
        cmocka_unit_test(a_pipe_has_no_share),
        cmocka_unit_test(the_bar_never_fills_a_line),
        cmocka_unit_test(without_a_terminal_there_is_no_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
