/*
 * test_markup.c - text from outside in HTML and XML: shown, never obeyed.
 */
#include "query/markup/markup.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct written {
    FILE *out;
    char *text; /* owned */
    size_t len;
};

static void begin(struct written *written)
{
    *written = (struct written){0};
    written->out = open_memstream(&written->text, &written->len);
    assert_non_null(written->out);
}

static void expect(struct written *written, const char *text)
{
    assert_int_equal(fclose(written->out), 0);
    assert_string_equal(written->text, text);
    assert_int_equal(written->len, strlen(text));
    free(written->text);
}

static void check(const char *bytes, size_t len, const char *text)
{
    struct written written;
    begin(&written);
    markup_put(written.out, slice_of(bytes, len));
    expect(&written, text);
}

#define CHECK(literal, text) check(literal, sizeof(literal) - 1, text)

static void the_characters_of_markup_become_references(void **state)
{
    (void)state;
    CHECK("<script>alert(\"x\")</script>", "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;");
    CHECK("la croisi\xc3\xa8re s'amuse & co", "la croisi\xc3\xa8re s&#39;amuse &amp; co");
    CHECK("]]>", "]]&gt;");
    CHECK("", "");
}

static void what_must_not_be_obeyed_is_spelled_out(void **state)
{
    (void)state;
    CHECK("a\x1b[31mb\x01\x7f\n\t\r", "a\\x1b[31mb\\x01\\x7f\\n\\t\\r");
    CHECK("a\0b", "a\\x00b");
    CHECK("\xe2\x80\xaetxt.exe", "\\u{202e}txt.exe"); // right-to-left override
    CHECK("\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}");
    CHECK("\xd8\x9c", "\\u{61c}");
    CHECK("\xc2\x85", "\\x85"); // C1
}

static void what_is_no_text_of_xml_is_spelled_out(void **state)
{
    (void)state;
    CHECK("\xff\xfe", "\\xff\\xfe");
    CHECK("\xed\xa0\x80", "\\xed\\xa0\\x80"); // half a surrogate pair
    CHECK("\xc0\xbc", "\\xc0\\xbc");          // an overlong '<'
    CHECK("\xe2\x82", "\\xe2\\x82");          // cut short
    CHECK("\xef\xbf\xbe\xef\xbf\xbf", "\\u{fffe}\\u{ffff}");
    CHECK("\xf0\x9f\x93\x88", "\xf0\x9f\x93\x88");
}

static void a_clipped_text_ends_in_an_ellipsis_and_never_within_a_character(void **state)
{
    static const struct {
        size_t most;
        const char *text;
    } cases[] = {{1, "\xe2\x80\xa6"},
                 {3, "\xc3\xa4&lt;\xe2\x80\xa6"},
                 {4, "\xc3\xa4&lt;b\xe2\x80\xa6"},
                 {5, "\xc3\xa4&lt;bcd"},
                 {6, "\xc3\xa4&lt;bcd"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct written written;
        begin(&written);
        markup_put_clipped(written.out, slice_of_text("\xc3\xa4<bcd"), cases[i].most);
        expect(&written, cases[i].text);
    }
}

static void numbers_have_one_decimal_and_a_point(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {{0, "0"},          {-0.04, "0"},          {0.06, "0.1"},
                 {12, "12"},        {12.34, "12.3"},       {-7.25, "-7.3"},
                 {99.96, "100"},    {1e300, "1000000000"}, {-1e300, "-1000000000"},
                 {(double)NAN, "0"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct written written;
        begin(&written);
        markup_put_number(written.out, cases[i].number);
        expect(&written, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_characters_of_markup_become_references),
        cmocka_unit_test(what_must_not_be_obeyed_is_spelled_out),
        cmocka_unit_test(what_is_no_text_of_xml_is_spelled_out),
        cmocka_unit_test(a_clipped_text_ends_in_an_ellipsis_and_never_within_a_character),
        cmocka_unit_test(numbers_have_one_decimal_and_a_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
