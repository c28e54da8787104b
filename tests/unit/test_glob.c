/*
 * test_glob.c - patterns over whole names.
 */
#include "query/glob/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool matches(const char *pattern, const char *name)
{
    return glob_matches(slice_of_text(pattern), slice_of_text(name));
}

static void a_plain_pattern_matches_the_whole_name_only(void **state)
{
    (void)state;
    assert_true(matches("pk/dn", "pk/dn"));
    assert_false(matches("pk/dn", "pk/dn1"));
    assert_false(matches("k/dn", "pk/dn"));
    assert_false(matches("PK/dn", "pk/dn"));
    assert_true(matches("", ""));
    assert_false(matches("", "x"));
}

static void a_star_matches_anything_slashes_too(void **state)
{
    (void)state;
    assert_true(matches("*", ""));
    assert_true(matches("*", "pk/dn"));
    assert_true(matches("p*n", "pk/dn"));
    assert_true(matches("*a*b*", "xxaxxbxx"));
    assert_false(matches("*a*b*", "xxbxxaxx"));
    assert_true(matches("**x", "abcx"));
    assert_false(matches("*x", "abcxy"));
    assert_true(matches("a*ab", "aaab"));
}

static void a_question_mark_is_one_character_of_any_length(void **state)
{
    (void)state;
    assert_true(matches("a?c", "abc"));
    assert_true(matches("a?c", "a\xE8\xAE\xBE"
                               "c"));
    assert_true(matches("?", "\xF0\x9F\x98\x80"));
    assert_false(matches("?", ""));
    assert_false(matches("??", "\xC3\xA9"));
}

static void brackets_hold_characters_and_ranges(void **state)
{
    (void)state;
    assert_true(matches("[abc]", "b"));
    assert_true(matches("d[0-9]", "d7"));
    assert_false(matches("d[0-9]", "dx"));
    assert_true(matches("d[!0-9]", "dx"));
    assert_true(matches("d[^0-9]", "dx"));
    assert_false(matches("d[!0-9]", "d7"));
    assert_true(matches("[]]", "]"));
    assert_true(matches("[!]]", "x"));
    assert_true(matches("[a-]", "-"));
    assert_true(matches("[\xC3\xA0-\xC3\xBC]", "\xC3\xA9"));
    assert_true(matches("[\\]]", "]"));
}

static void an_open_bracket_without_its_end_is_plain(void **state)
{
    (void)state;
    assert_true(matches("[", "["));
    assert_true(matches("a[b", "a[b"));
    assert_false(matches("a[b", "ab"));
    assert_true(matches("*[x", "aa[x"));
}

static void a_backslash_makes_the_next_character_plain(void **state)
{
    (void)state;
    assert_true(matches("\\*", "*"));
    assert_false(matches("\\*", "x"));
    assert_true(matches("a\\?", "a?"));
    assert_true(matches("\\[a]", "[a]"));
    assert_true(matches("\\\\", "\\"));
    assert_true(matches("a\\", "a\\"));
}

static void only_a_pattern_without_special_characters_is_plain(void **state)
{
    (void)state;
    static const char *const special[] = {"*", "a?", "a[b]", "a\\", "[", "pk/*"};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        assert_false(glob_is_plain(slice_of_text(special[i])));
    assert_true(glob_is_plain(slice_of_text("")));
    assert_true(glob_is_plain(slice_of_text("a1Fleet/device-1]{}^!")));
}

static void many_stars_take_no_long_time(void **state)
{
    (void)state;
    char name[257];
    memset(name, 'a', 256);
    name[256] = '\0';
    assert_false(matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_pattern_matches_the_whole_name_only),
        cmocka_unit_test(a_star_matches_anything_slashes_too),
        cmocka_unit_test(a_question_mark_is_one_character_of_any_length),
        cmocka_unit_test(brackets_hold_characters_and_ranges),
        cmocka_unit_test(an_open_bracket_without_its_end_is_plain),
        cmocka_unit_test(a_backslash_makes_the_next_character_plain),
        cmocka_unit_test(only_a_pattern_without_special_characters_is_plain),
        cmocka_unit_test(many_stars_take_no_long_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
