/*
 * test_json_scan.c - strict JSON as a tree, and the plain tokens that the fast path takes.
 */
#include "ingest/decode/json.h"
#include "ingest/decode/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static struct arena arena;

static const struct json_node *parse(const char *text)
{
    struct json_document document = {0};
    arena_reset(&arena);
    assert_int_equal(json_parse(slice_of_text(text), &arena, &document), STATUS_OK);
    return document.root;
}

static const char *const json_texts[] = {"0",
                                         "-0",
                                         "-1.5e+10",
                                         "1E5",
                                         "1e-999",
                                         " null ",
                                         "true",
                                         "false",
                                         "\"\"",
                                         "[]",
                                         "{}",
                                         "[1,[2],{\"a\":3}]",
                                         "\t\r\n{ \"a\" : [ ] } ",
                                         "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
                                         "\"\x7f\"",
                                         "1.7976931348623157e308",
                                         "0e99999"};

static const char *const other_texts[] = {"",
                                          " ",
                                          "+1",
                                          "01",
                                          "-",
                                          "1.",
                                          ".5",
                                          "1e",
                                          "1e+",
                                          "0x1",
                                          "nul",
                                          "True",
                                          "nulls",
                                          "NaN",
                                          "Infinity",
                                          "-Infinity",
                                          "1e309",
                                          "1.7976931348623159e308",
                                          "'a'",
                                          "\"",
                                          "\"a",
                                          "\"\\\"",
                                          "\"\\x\"",
                                          "\"\\u12\"",
                                          "\"\\u12g4\"",
                                          "\"\n\"",
                                          "\"\x1f\"",
                                          "[",
                                          "[1",
                                          "[1,]",
                                          "[,1]",
                                          "[1 2]",
                                          "{",
                                          "{\"a\"}",
                                          "{\"a\":}",
                                          "{\"a\":1,}",
                                          "{1:2}",
                                          "{\"a\":1}}",
                                          "[]]",
                                          "1 2",
                                          "// x",
                                          "[1]/**/",
                                          "\xef\xbb\xbf[]",
                                          "]"};

static void the_grammar_is_that_of_rfc_8259(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(json_texts); i++)
        assert_non_null(parse(json_texts[i]));
    for (size_t i = 0; i < COUNT_OF(other_texts); i++)
        assert_null(parse(other_texts[i]));
    struct json_document document = {0};
    assert_int_equal(json_parse(slice_of("[]\0", 3), &arena, &document), STATUS_OK);
    assert_null(document.root);
    assert_int_equal(document.error_offset, 2);
}

static void text_is_utf8_and_nothing_like_it(void **state)
{
    (void)state;
    const char *const good[] = {"\xc2\x80",        "\xdf\xbf",     "\xe0\xa0\x80",
                                "\xed\x9f\xbf",    "\xee\x80\x80", "\xf0\x90\x80\x80",
                                "\xf4\x8f\xbf\xbf"};
    const char *const bad[] = {"\x80",
                               "\xc0\x80",
                               "\xc1\xbf",
                               "\xc2",
                               "\xc2\x41",
                               "\xe0\x9f\xbf",
                               "\xed\xa0\x80",
                               "\xed\xbf\xbf",
                               "\xe6\xb8",
                               "\xf0\x8f\xbf\xbf",
                               "\xf4\x90\x80\x80",
                               "\xf5\x80\x80\x80",
                               "\xf0\x90\x80",
                               "\xff"};
    char text[20];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        (void)snprintf(text, sizeof text, "\"%s\"", good[i]);
        const struct json_node *node = parse(text);
        assert_non_null(node);
        assert_true(text_equals(node->text, good[i]));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        (void)snprintf(text, sizeof text, "\"%s\"", bad[i]);
        assert_null(parse(text));
    }
}

static void escapes_are_resolved_and_half_pairs_refused(void **state)
{
    (void)state;
    const struct json_node *node =
        parse("\"a\\u0000b\\/\\u00e9\\u6e29\\ud83d\\ude00\\uDBFF\\uDFFF\"");
    assert_non_null(node);
    const char expected[] = "a\0b/\xc3\xa9\xe6\xb8\xa9\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf";
    assert_true(slice_equal(node->text, slice_of(expected, sizeof expected - 1)));
    const char *const bad[] = {"\"\\ud800\"",   "\"\\udc00\"",    "\"\\ud83d\\ud83d\"",
                               "\"\\ud83dx\"",  "\"\\ud83d\\n\"", "\"\\ude00\\ud83d\"",
                               "\"\\ud83d\\u\""};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_null(parse(bad[i]));
}

static void nesting_ends_at_64(void **state)
{
    (void)state;
    char text[200] = {0};
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert_non_null(parse(text));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_null(parse(text));
    /* Side by side is not nested. */
    assert_non_null(parse("[[],[],[[]],[]]"));
}

static void of_equal_names_the_last_one_counts(void **state)
{
    (void)state;
    const struct json_node *object = parse("{\"a\":1,\"b\":2,\"\\u0061\":3}");
    assert_true(text_equals(json_member(object, "a")->text, "3"));
    assert_true(object->first->shadowed);
    assert_null(json_member(object, "A"));
    assert_null(json_member(NULL, "a"));
    assert_null(json_member(parse("[1]"), "a"));
}

static void large_objects_find_equal_names_too(void **state)
{
    (void)state;
    char text[4000];
    size_t len = 0;
    text[len++] = '{';
    for (int i = 0; i < 200; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "\"n%d\":%d,", i % 100, i);
    text[len - 1] = '}';
    text[len] = '\0';
    const struct json_node *object = parse(text);
    assert_non_null(object);
    int index = 0;
    for (const struct json_node *node = object->first; node; node = node->next, index++)
        assert_int_equal(node->shadowed, index < 100);
    assert_int_equal(index, 200);
    assert_true(text_equals(json_member(object, "n7")->text, "107"));
}

static void raw_text_keeps_its_place_in_the_source(void **state)
{
    (void)state;
    const char *text = " {\"a\" : \"x\\ny\" , \"b\":[1, 2]}";
    const struct json_node *object = parse(text);
    assert_true(text_equals(json_member(object, "a")->raw, "\"x\\ny\""));
    assert_true(text_equals(json_member(object, "b")->raw, "[1, 2]"));
    assert_ptr_equal(object->raw.data, text + 1);
}

/* Numbers of all lengths, read with and without room for 8 bytes at once. */
static void a_plain_number_is_the_number_that_strict_reading_gives(void **state)
{
    (void)state;
    const char *const texts[] = {"0",
                                 "-0",
                                 "7",
                                 "-7",
                                 "10",
                                 "100",
                                 "0.5",
                                 "0.50",
                                 "-0.050",
                                 "19.98",
                                 "1234567",
                                 "12345678",
                                 "123456789",
                                 "123456.7",
                                 "1234567.8",
                                 "0.123456",
                                 "0.1234567",
                                 "0.12345678",
                                 "1200.00",
                                 "100000000000000000",
                                 "123456789012345678",
                                 "0.00000000000000001",
                                 "12345678901234567.8",
                                 "-99999999.99999999",
                                 "0.000",
                                 "1000000.0"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const size_t len = strlen(texts[i]);
        struct number expected;
        assert_true(number_parse(slice_of_text(texts[i]), &expected));
        for (size_t room = 0; room <= 9; room++) {
            uint8_t text[64] = {0};
            memcpy(text, texts[i], len);
            memcpy(text + len, ",\"a\":1.5}", room);
            struct number number = {0};
            assert_ptr_equal(scan_number(text, text + len + room, &number), text + len);
            assert_int_equal(number.kind, expected.kind);
            assert_int_equal(number.exponent, expected.exponent);
            assert_true(number.mantissa == expected.mantissa);
        }
    }
}

static void unusual_numbers_are_left_to_strict_reading(void **state)
{
    (void)state;
    const char *const texts[] = {"",
                                 "-",
                                 "01",
                                 "-01",
                                 "00.5",
                                 ".5",
                                 "1.",
                                 "1.,",
                                 "-.5",
                                 "+1",
                                 "x",
                                 "1.x",
                                 "1234567890123456789",
                                 "0.1234567890123456789",
                                 "12345678.",
                                 "/1234567",
                                 ":1234567",
                                 "\3721234567"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        for (size_t room = 0; room <= 9; room++) {
            uint8_t text[64] = {0};
            memcpy(text, texts[i], strlen(texts[i]));
            memcpy(text + strlen(texts[i]), "}        ", room);
            struct number number;
            assert_null(scan_number(text, text + strlen(texts[i]) + room, &number));
        }
    }
}

static void plain_strings_end_at_the_first_quote(void **state)
{
    (void)state;
    for (size_t len = 0; len < 70; len++) {
        uint8_t text[100];
        memset(text, 'x', sizeof text);
        text[0] = '"';
        text[len + 1] = '"';
        for (size_t room = 0; room < 20; room++) {
            struct slice found = {0};
            assert_ptr_equal(scan_string(text, text + len + 2 + room, &found), text + len + 2);
            assert_int_equal(found.len, len);
        }
        struct slice found = {0};
        assert_null(scan_string(text, text + len + 1, &found));
    }
}

static void strings_with_anything_unusual_are_left_alone(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        for (size_t at = 0; at < 40; at++) {
            uint8_t text[42];
            struct slice found = {0};
            memset(text, 'x', sizeof text);
            text[0] = '"';
            text[at + 1] = (uint8_t)byte;
            text[sizeof text - 1] = '"';
            const uint8_t *end = scan_string(text, text + sizeof text, &found);
            if (byte == '"')
                assert_ptr_equal(end, text + at + 2);
            else
                assert_int_equal(end != NULL, plain);
        }
    }
}

static void plain_ids_have_up_to_19_digits(void **state)
{
    (void)state;
    const char *digits = "9876543210987654321";
    for (size_t len = 1; len <= 19; len++) {
        for (size_t room = 0; room < 10; room++) {
            uint8_t text[40] = {0};
            memcpy(text, digits, len);
            memcpy(text + len, ",\"abcdefg\"", room);
            char copy[24] = {0};
            memcpy(copy, digits, len);
            uint64_t value = 0;
            assert_ptr_equal(scan_unsigned(text, text + len + room, &value), text + len);
            assert_true(value == strtoull(copy, NULL, 10));
        }
    }
    const char *const odd[] = {
        "", "x", "-1", "01", "12345678901234567890", "1234567890123456789012345678901234567890"};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        uint64_t value = 0;
        const uint8_t *text = (const uint8_t *)odd[i];
        assert_null(scan_unsigned(text, text + strlen(odd[i]), &value));
    }
}

static int release_arena(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grammar_is_that_of_rfc_8259),
        cmocka_unit_test(text_is_utf8_and_nothing_like_it),
        cmocka_unit_test(escapes_are_resolved_and_half_pairs_refused),
        cmocka_unit_test(nesting_ends_at_64),
        cmocka_unit_test(of_equal_names_the_last_one_counts),
        cmocka_unit_test(large_objects_find_equal_names_too),
        cmocka_unit_test(raw_text_keeps_its_place_in_the_source),
        cmocka_unit_test(a_plain_number_is_the_number_that_strict_reading_gives),
        cmocka_unit_test(unusual_numbers_are_left_to_strict_reading),
        cmocka_unit_test(plain_strings_end_at_the_first_quote),
        cmocka_unit_test(strings_with_anything_unusual_are_left_alone),
        cmocka_unit_test(plain_ids_have_up_to_19_digits),
    };
    return cmocka_run_group_tests(tests, NULL, release_arena);
}
