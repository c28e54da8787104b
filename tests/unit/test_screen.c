/*
 * test_screen.c - what the output can show, and widths of text.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "query/screen/screen.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct screen utf8 = {.columns = 80, .rows = 24, .utf8 = true};
static const struct screen ascii = {.columns = 80, .rows = 24};

static void fitted_is(const struct screen *screen, const char *text, size_t columns,
                      enum screen_align align, const char *expected)
{
    struct buffer out = {0};
    assert_int_equal(screen_put_fitted(screen, &out, slice_of_text(text), columns, align),
                     STATUS_OK);
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    assert_string_equal((const char *)out.data, expected);
    if (align != SCREEN_LEFT_RAGGED)
        assert_int_equal(screen_text_width(slice_of_text(expected)), columns);
    buffer_release(&out);
}

static void characters_take_none_one_or_two_columns(void **state)
{
    (void)state;
    assert_int_equal(screen_char_width('a'), 1);
    assert_int_equal(screen_char_width(0xe9), 1);    /* é */
    assert_int_equal(screen_char_width(0xad), 1);    /* a soft hyphen is seen */
    assert_int_equal(screen_char_width(0x4e2d), 2);  /* 中 */
    assert_int_equal(screen_char_width(0xac00), 2);  /* 가 */
    assert_int_equal(screen_char_width(0xff21), 2);  /* fullwidth A */
    assert_int_equal(screen_char_width(0xff71), 1);  /* halfwidth katakana */
    assert_int_equal(screen_char_width(0x1f600), 2); /* an emoji */
    assert_int_equal(screen_char_width(0x2588), 1);  /* █ */
    assert_int_equal(screen_char_width(0x28ff), 1);  /* braille */
    assert_int_equal(screen_char_width(0x301), 0);   /* combining acute */
    assert_int_equal(screen_char_width(0x200d), 0);  /* zero width joiner */
    assert_int_equal(screen_char_width(0xfe0f), 0);  /* variation selector */
    assert_int_equal(screen_char_width(0x1161), 0);  /* a vowel of Hangul */
    assert_int_equal(screen_char_width(0x1b), 0);
    assert_int_equal(screen_char_width(0x10ffff), 1);
}

static void text_is_as_wide_as_its_characters(void **state)
{
    (void)state;
    assert_int_equal(screen_text_width(slice_of_text("")), 0);
    assert_int_equal(screen_text_width(slice_of_text("sensor-1")), 8);
    assert_int_equal(screen_text_width(slice_of_text("温度计")), 6);
    assert_int_equal(screen_text_width(slice_of_text("e\xcc\x81")), 1);
    assert_int_equal(screen_text_width(slice_of_text("a\xff\xfe")), 3);
}

static void text_is_filled_or_cut_to_columns(void **state)
{
    (void)state;
    fitted_is(&utf8, "tag", 5, SCREEN_LEFT, "tag  ");
    fitted_is(&utf8, "tag", 5, SCREEN_RIGHT, "  tag");
    fitted_is(&utf8, "tag", 5, SCREEN_LEFT_RAGGED, "tag");
    fitted_is(&utf8, "sensor", 4, SCREEN_LEFT, "sen…");
    fitted_is(&ascii, "sensor", 4, SCREEN_LEFT, "sen~");
    fitted_is(&utf8, "sensor", 1, SCREEN_LEFT, "…");
    fitted_is(&utf8, "sensor", 0, SCREEN_LEFT, "");
    fitted_is(&utf8, "", 3, SCREEN_RIGHT, "   ");
}

static void a_wide_character_is_never_cut_in_half(void **state)
{
    (void)state;
    fitted_is(&utf8, "温度计", 6, SCREEN_LEFT, "温度计");
    fitted_is(&utf8, "温度计", 5, SCREEN_LEFT, "温度…");
    fitted_is(&utf8, "温度计", 4, SCREEN_LEFT, "温… ");
    fitted_is(&utf8, "温度计", 4, SCREEN_RIGHT, " 温…");
    fitted_is(&utf8, "ae\xcc\x81x", 2, SCREEN_LEFT, "a…");
    fitted_is(&utf8, "e\xcc\x81xy", 2, SCREEN_LEFT, "e\xcc\x81…");
}

static void hostile_text_is_escaped_before_it_is_measured(void **state)
{
    (void)state;
    fitted_is(&utf8, "a\x1b[31mb", 12, SCREEN_LEFT, "a\\x1b[31mb  ");
    fitted_is(&utf8, "a\nb", 4, SCREEN_LEFT, "a\\nb");
    fitted_is(&utf8, "\xff", 4, SCREEN_LEFT, "\\xff");
    fitted_is(&utf8, "\xe2\x80\xae", 8, SCREEN_LEFT, "\\u{202e}");
    fitted_is(&ascii, "caf\xc3\xa9", 12, SCREEN_LEFT, "caf\\u{e9}   ");
    fitted_is(&ascii, "温\x1b", 12, SCREEN_LEFT, "\\u{6e29}\\x1b");
    fitted_is(&ascii, "\xc3", 4, SCREEN_LEFT, "\\xc3");
}

static void ascii_screens_get_ascii_alone(void **state)
{
    (void)state;
    struct buffer out = {0};
    uint8_t all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    assert_int_equal(screen_put_text(&ascii, &out, slice_of(all, sizeof all)), STATUS_OK);
    for (size_t i = 0; i < out.len; i++)
        assert_in_range(out.data[i], 0x20, 0x7e);
    buffer_release(&out);
}

static void colours_are_written_only_where_wanted(void **state)
{
    (void)state;
    struct screen colourful = utf8;
    struct buffer out = {0};
    assert_int_equal(screen_put_colour(&utf8, &out, SCREEN_RED), STATUS_OK);
    assert_int_equal(out.len, 0);
    colourful.colours = true;
    assert_int_equal(screen_put_colour(&colourful, &out, SCREEN_RED), STATUS_OK);
    assert_memory_equal(out.data, "\x1b[31m", 5);
    buffer_release(&out);
}

static void the_locale_tells_the_character_set(void **state)
{
    (void)state;
    assert_int_equal(setenv("LC_ALL", "C.UTF-8", 1), 0);
    assert_true(screen_locale_is_utf8());
    assert_int_equal(setenv("LC_ALL", "C", 1), 0);
    assert_false(screen_locale_is_utf8());
    assert_int_equal(setenv("LC_ALL", "POSIX", 1), 0);
    assert_false(screen_locale_is_utf8());
    /* Not installed: its name is believed. */
    assert_int_equal(setenv("LC_ALL", "xx_XX.UTF-8", 1), 0);
    assert_true(screen_locale_is_utf8());
    assert_int_equal(setenv("LC_ALL", "xx_XX.ISO-8859-1", 1), 0);
    assert_false(screen_locale_is_utf8());
    assert_int_equal(unsetenv("LC_ALL"), 0);
    assert_int_equal(unsetenv("LANG"), 0);
    assert_int_equal(setenv("LC_CTYPE", "C.UTF-8", 1), 0);
    assert_true(screen_locale_is_utf8());
    assert_int_equal(unsetenv("LC_CTYPE"), 0);
    assert_false(screen_locale_is_utf8());
}

static void a_pipe_has_the_columns_of_the_environment_or_80(void **state)
{
    (void)state;
    const int fd = open("/dev/null", O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(unsetenv("COLUMNS"), 0);
    struct screen screen = screen_detect(fd);
    assert_int_equal(screen.columns, 80);
    assert_false(screen.terminal);
    assert_false(screen.colours);
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {{"120", 120}, {"5", 20}, {"99999999999999999999999", 1000}, {"0", 80}, {"-1", 80},
                 {"8x", 80},   {"", 80}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(setenv("COLUMNS", cases[i].text, 1), 0);
        assert_int_equal(screen_detect(fd).columns, cases[i].columns);
    }
    assert_int_equal(unsetenv("COLUMNS"), 0);
    assert_int_equal(close(fd), 0);
}

static void a_terminal_tells_its_size_and_takes_colours(void **state)
{
    (void)state;
    int master = -1;
    int slave = -1;
    const struct winsize size = {.ws_col = 132, .ws_row = 50};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    assert_int_equal(setenv("COLUMNS", "60", 1), 0);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    struct screen screen = screen_detect(slave);
    assert_int_equal(screen.columns, 132);
    assert_int_equal(screen.rows, 50);
    assert_true(screen.terminal);
    assert_true(screen.colours);
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    assert_false(screen_detect(slave).colours);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    assert_int_equal(setenv("TERM", "dumb", 1), 0);
    assert_false(screen_detect(slave).colours);
    assert_int_equal(unsetenv("COLUMNS"), 0);
    assert_int_equal(close(slave), 0);
    assert_int_equal(close(master), 0);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct buffer out = {0};
        mem_fail_at(nth);
        status = screen_put_fitted(&ascii, &out, slice_of_text("温度计\x1b"), 60, SCREEN_RIGHT);
        mem_fail_at(-1);
        buffer_release(&out);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_take_none_one_or_two_columns),
        cmocka_unit_test(text_is_as_wide_as_its_characters),
        cmocka_unit_test(text_is_filled_or_cut_to_columns),
        cmocka_unit_test(a_wide_character_is_never_cut_in_half),
        cmocka_unit_test(hostile_text_is_escaped_before_it_is_measured),
        cmocka_unit_test(ascii_screens_get_ascii_alone),
        cmocka_unit_test(colours_are_written_only_where_wanted),
        cmocka_unit_test(the_locale_tells_the_character_set),
        cmocka_unit_test(a_pipe_has_the_columns_of_the_environment_or_80),
        cmocka_unit_test(a_terminal_tells_its_size_and_takes_colours),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
