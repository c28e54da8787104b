/*
 * test_render.c - answers in every format, hostile text included.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "query/render/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOSTILE "a\tb\n\\|\"\x1b[31m,\x7f"

static struct civil_zone utc;

/* One row with a cell of each kind, one of nulls. */
static void make_answer(struct answer *answer)
{
    struct answer_cell *cells = NULL;
    assert_int_equal(answer_add_field(answer, "name", CELL_TEXT, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(answer, "time", CELL_TIME, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(answer, "value", CELL_NUMBER, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(answer, "held_ms", CELL_DURATION, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(answer, "id", CELL_ID, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(answer, "seen", CELL_BOOL, NULL), STATUS_OK);
    assert_int_equal(answer_add_row(answer, &cells, NULL), STATUS_OK);
    struct number number = {0};
    assert_true(number_parse(slice_of_text("19.80"), &number));
    cells[0] = cell_of_text(slice_of_text(HOSTILE));
    cells[1] = cell_of_time(INT64_C(1526450324427));
    cells[2] = cell_of_number(exact_of_number(number));
    cells[3] = cell_of_duration(29144);
    cells[4] = cell_of_id(UINT64_MAX);
    cells[5] = cell_of_bool(true);
    assert_int_equal(answer_add_row(answer, &cells, NULL), STATUS_OK);
}

static enum status render(const struct render_options *options, const struct answer *answer,
                          char *text, size_t text_bytes)
{
    memset(text, 0, text_bytes);
    FILE *out = fmemopen(text, text_bytes, "w");
    assert_non_null(out);
    const enum status status = render_answer(options, answer, out);
    assert_int_equal(fclose(out), 0);
    return status;
}

static void check(enum render_format format, bool no_header, const char *expected)
{
    char text[4096];
    struct answer answer = {0};
    make_answer(&answer);
    const struct render_options options = {.format = format, .zone = &utc, .no_header = no_header};
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, expected);
    answer_release(&answer);
}

static void csv_quotes_what_needs_it(void **state)
{
    (void)state;
    check(RENDER_CSV, false,
          "name,time,value,held_ms,id,seen\n"
          "\"a\tb\n\\|\"\"\x1b[31m,\x7f\",2018-05-16T05:58:44.427Z,19.8,29144,"
          "18446744073709551615,true\n"
          ",,,,,\n");
}

static void tsv_escapes_control_characters(void **state)
{
    (void)state;
    check(RENDER_TSV, false,
          "name\ttime\tvalue\theld_ms\tid\tseen\n"
          "a\\tb\\n\\\\|\"\\x1b[31m,\\x7f\t2018-05-16T05:58:44.427Z\t19.8\t29144\t"
          "18446744073709551615\ttrue\n"
          "\t\t\t\t\t\n");
}

static void a_header_can_be_left_out(void **state)
{
    (void)state;
    check(RENDER_TSV, true,
          "a\\tb\\n\\\\|\"\\x1b[31m,\\x7f\t2018-05-16T05:58:44.427Z\t19.8\t29144\t"
          "18446744073709551615\ttrue\n"
          "\t\t\t\t\t\n");
}

#define JSON_ROW                                                                                \
    "{\"name\":\"a\\tb\\n\\\\|\\\"\\u001b[31m,\\u007f\",\"time\":\"2018-05-16T05:58:44.427Z\"," \
    "\"value\":19.8,\"held_ms\":29144,\"id\":\"18446744073709551615\",\"seen\":true}"
#define JSON_NULLS \
    "{\"name\":null,\"time\":null,\"value\":null,\"held_ms\":null,\"id\":null,\"seen\":null}"

static void check_on_terminal(enum render_format format, const char *expected)
{
    char text[4096];
    struct answer answer = {0};
    make_answer(&answer);
    const struct render_options options = {.format = format, .zone = &utc, .terminal = true};
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, expected);
    answer_release(&answer);
}

static void no_control_character_reaches_a_terminal_raw(void **state)
{
    (void)state;
    check_on_terminal(RENDER_CSV, "name,time,value,held_ms,id,seen\n"
                                  "\"a\tb\n\\|\"\"\\x1b[31m,\\x7f\","
                                  "2018-05-16T05:58:44.427Z,19.8,29144,"
                                  "18446744073709551615,true\n"
                                  ",,,,,\n");
    check_on_terminal(RENDER_TSV, "name\ttime\tvalue\theld_ms\tid\tseen\n"
                                  "a\\tb\\n\\\\|\"\\x1b[31m,\\x7f\t"
                                  "2018-05-16T05:58:44.427Z\t19.8\t29144\t"
                                  "18446744073709551615\ttrue\n"
                                  "\t\t\t\t\t\n");
    check_on_terminal(RENDER_NDJSON, JSON_ROW "\n" JSON_NULLS "\n");
}

static void json_is_one_array(void **state)
{
    (void)state;
    check(RENDER_JSON, false, "[\n" JSON_ROW ",\n" JSON_NULLS "\n]\n");
}

static void ndjson_is_an_object_a_line(void **state)
{
    (void)state;
    check(RENDER_NDJSON, false, JSON_ROW "\n" JSON_NULLS "\n");
}

static void markdown_escapes_pipes_and_control_characters(void **state)
{
    (void)state;
    check(RENDER_MD, false,
          "| name | time | value | held_ms | id | seen |\n"
          "| --- | --- | ---: | ---: | --- | --- |\n"
          "| a\\\\tb\\\\n\\\\\\|\"\\\\x1b[31m,\\\\x7f | 2018-05-16 05:58:44.427Z | 19.8 | 29.1 s | "
          "18446744073709551615 | yes |\n"
          "|  |  |  |  |  |  |\n");
}

static void an_empty_answer_is_an_empty_array(void **state)
{
    (void)state;
    char text[256];
    struct answer answer = {0};
    assert_int_equal(answer_add_field(&answer, "name", CELL_TEXT, NULL), STATUS_OK);
    struct render_options options = {.format = RENDER_JSON, .zone = &utc};
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "[]\n");
    options.format = RENDER_NDJSON;
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "");
    options.format = RENDER_CSV;
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "name\n");
    answer_release(&answer);
}

static void a_table_lets_no_control_character_through(void **state)
{
    (void)state;
    char text[4096];
    struct answer answer = {0};
    make_answer(&answer);
    const struct render_options options = {.format = RENDER_TABLE, .zone = &utc};
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_non_null(strstr(text, "29.1 s"));
    assert_non_null(strstr(text, "2018-05-16 05:58:44.427Z"));
    for (const char *at = text; *at != '\0'; at++)
        assert_true(*at == '\n' || (unsigned char)*at >= 0x20);
    assert_null(strchr(text, 0x7f));
    answer_release(&answer);
}

static void text_that_is_no_utf8_is_still_valid_json(void **state)
{
    (void)state;
    char text[256];
    struct answer answer = {0};
    struct answer_cell *cells = NULL;
    assert_int_equal(answer_add_field(&answer, "n", CELL_TEXT, NULL), STATUS_OK);
    assert_int_equal(answer_add_row(&answer, &cells, NULL), STATUS_OK);
    cells[0] = cell_of_text(slice_of_text("\xff\xc3\xa9\xed\xa0\x80\xc2\x9b\xe8"));
    const struct render_options options = {.format = RENDER_NDJSON, .zone = &utc};
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "{\"n\":\"\\ufffd\xc3\xa9\\ufffd\\ufffd\\ufffd\\u009b\\ufffd\"}\n");
    answer_release(&answer);
}

static void a_single_answer_is_one_object(void **state)
{
    (void)state;
    char text[1024];
    struct answer answer = {0};
    struct answer_cell *cells = NULL;
    assert_int_equal(answer_add_field(&answer, "n", CELL_COUNT, NULL), STATUS_OK);
    assert_int_equal(answer_add_row(&answer, &cells, NULL), STATUS_OK);
    cells[0] = cell_of_count(7);
    struct render_options options = {.format = RENDER_JSON, .zone = &utc, .single = true};
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "{\"n\":7}\n");
    options.format = RENDER_TABLE;
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "n  7\n");
    answer_release(&answer);
}

static void an_output_that_is_full_stops_the_rendering(void **state)
{
    (void)state;
    FILE *out = fopen("/dev/full", "we");
    assert_non_null(out);
    assert_int_equal(setvbuf(out, NULL, _IONBF, 0), 0);
    struct answer answer = {0};
    make_answer(&answer);
    const struct render_options options = {.format = RENDER_CSV, .zone = &utc};
    assert_int_equal(render_answer(&options, &answer, out), STATUS_STOPPED);
    (void)fclose(out);
    answer_release(&answer);
}

/* Widths are guessed from names and kinds, then from the rows so far; nothing is cut. */
static void a_growing_table_widens_with_its_rows(void **state)
{
    (void)state;
    char text[4096];
    struct answer answer = {0};
    struct answer_cell *cells = NULL;
    const struct render_options options = {
        .format = RENDER_TABLE, .zone = &utc, .growing = true, .terminal = true};
    assert_int_equal(answer_add_field(&answer, "who", CELL_TEXT, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(&answer, "x", CELL_COUNT, NULL), STATUS_OK);
    static const char *const names[] = {"a", "wider-than-usual", "\x1b[31m"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(answer_add_row(&answer, &cells, NULL), STATUS_OK);
        cells[0] = cell_of_text(slice_of_text(names[i]));
        cells[1] = cell_of_count(i == 1 ? 1000 : i);
    }
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "who      x\n"
                              "a        0\n"
                              "wider-than-usual  1000\n"
                              "\\x1b[31m             2\n");
    answer_release(&answer);
}

/* As libsmartcols printed them, which tables were made with before. */
static void a_table_is_as_wide_as_its_widest_cells(void **state)
{
    (void)state;
    char text[4096];
    struct answer answer = {0};
    struct answer_cell *cells = NULL;
    assert_int_equal(answer_add_field(&answer, "device", CELL_TEXT, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(&answer, "", CELL_TEXT, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(&answer, "state", CELL_TEXT, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(&answer, "count", CELL_COUNT, NULL), STATUS_OK);
    static const char *const names[] = {"浴室", "a\\x", "\xe2\x80\x8b", "e\xcc\x81"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(answer_add_row(&answer, &cells, NULL), STATUS_OK);
        cells[0] = cell_of_text(slice_of_text(names[i]));
        cells[2] = cell_of_text(slice_of_text(i == 0 ? "online" : i == 1 ? "offline" : "off"));
        if (i < 2)
            cells[3] = cell_of_count(7 + i * 1000);
    }
    struct render_options options = {.format = RENDER_TABLE, .zone = &utc};
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "device     state    count\n"
                              "浴室       online       7\n"
                              "a\\x5cx     offline   1007\n"
                              "           off      \n"
                              "e\xcc\x81          off      \n");
    // Without titles columns are as wide as with them.
    options.no_header = true;
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_int_equal(strncmp(text, "浴室       online       7\n", strlen("浴室       online")), 0);
    options.colours = true;
    options.no_header = false;
    answer_limit(&answer, 2);
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "\x1b[1mdevice\x1b[0m  \x1b[1m \x1b[0m  \x1b[1mstate  \x1b[0m  "
                              "\x1b[1mcount\x1b[0m\n"
                              "浴室       \x1b[32monline \x1b[0m      7\n"
                              "a\\x5cx     \x1b[31moffline\x1b[0m   1007\n");
    answer_release(&answer);
}

/* Each sheet of 5,000 rows has titles and widths of its own. */
static void a_long_table_is_printed_in_sheets(void **state)
{
    (void)state;
    static char text[1 << 18];
    struct answer answer = {0};
    struct answer_cell *cells = NULL;
    assert_int_equal(answer_add_field(&answer, "n", CELL_COUNT, NULL), STATUS_OK);
    for (uint64_t i = 0; i < 5001; i++) {
        assert_int_equal(answer_add_row(&answer, &cells, NULL), STATUS_OK);
        cells[0] = cell_of_count(i);
    }
    const struct render_options options = {.format = RENDER_TABLE, .zone = &utc};
    assert_int_equal(render(&options, &answer, text, sizeof text), STATUS_OK);
    assert_int_equal(strncmp(text, "   n\n   0\n   1\n", 15), 0);
    assert_string_equal(strstr(text, "4999\n"), "4999\n   n\n5000\n");
    answer_release(&answer);
}

static void rendering_survives_every_failed_allocation(void **state)
{
    (void)state;
    static const enum render_format formats[] = {RENDER_TABLE,  RENDER_CSV, RENDER_JSON,
                                                 RENDER_NDJSON, RENDER_MD,  RENDER_TSV};
    char text[4096];
    struct answer answer = {0};
    make_answer(&answer);
    const size_t live = mem_live_blocks();
    for (size_t i = 0; i <= sizeof formats / sizeof formats[0]; i++) {
        const bool growing = i == sizeof formats / sizeof formats[0];
        const struct render_options options = {
            .format = growing ? RENDER_TABLE : formats[i], .zone = &utc, .growing = growing};
        enum status status = STATUS_NOMEM;
        for (long nth = 0; status != STATUS_OK; nth++) {
            mem_fail_at(nth);
            status = render(&options, &answer, text, sizeof text);
            mem_fail_at(-1);
            assert_true(status == STATUS_OK || status == STATUS_NOMEM);
            assert_int_equal(mem_live_blocks(), live);
            assert_in_range(nth, 0, 50);
        }
    }
    answer_release(&answer);
}

int main(void)
{
    if (civil_zone_open(&utc, "UTC", NULL) != STATUS_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_quotes_what_needs_it),
        cmocka_unit_test(tsv_escapes_control_characters),
        cmocka_unit_test(no_control_character_reaches_a_terminal_raw),
        cmocka_unit_test(a_header_can_be_left_out),
        cmocka_unit_test(json_is_one_array),
        cmocka_unit_test(ndjson_is_an_object_a_line),
        cmocka_unit_test(markdown_escapes_pipes_and_control_characters),
        cmocka_unit_test(an_empty_answer_is_an_empty_array),
        cmocka_unit_test(a_table_lets_no_control_character_through),
        cmocka_unit_test(text_that_is_no_utf8_is_still_valid_json),
        cmocka_unit_test(a_single_answer_is_one_object),
        cmocka_unit_test(an_output_that_is_full_stops_the_rendering),
        cmocka_unit_test(a_growing_table_widens_with_its_rows),
        cmocka_unit_test(a_table_is_as_wide_as_its_widest_cells),
        cmocka_unit_test(a_long_table_is_printed_in_sheets),
        cmocka_unit_test(rendering_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
