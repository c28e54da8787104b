/*
 * test_base64.c - which texts are base64, and of what.
 */
#include "ingest/decode/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void expect(const char *text, const char *bytes)
{
    uint8_t out[200];
    size_t len = 0;
    assert_true(base64_room(strlen(text)) <= sizeof out);
    const bool accepted = base64_decode(slice_of_text(text), out, &len);
    assert_int_equal(accepted, bytes != NULL);
    if (bytes)
        assert_true(slice_equal(slice_of(out, len), slice_of_text(bytes)));
}

static void padding_is_optional_but_never_wrong(void **state)
{
    (void)state;
    const char *const table[][2] = {
        {"", ""},        {"Zg==", "f"},   {"Zg", "f"},        {"Zm8=", "fo"},
        {"Zm8", "fo"},   {"Zm9v", "foo"}, {"Zm9vYg", "foob"}, {"Zh==", "f"},
        {"Z", NULL},     {"Zm9vY", NULL}, {"=", NULL},        {"==", NULL},
        {"====", NULL},  {"Z===", NULL},  {"Zg=", NULL},      {"Zg===", NULL},
        {"Zm8==", NULL}, {"Zm9v=", NULL}, {"Zm9v====", NULL}, {"Zg==Zg==", NULL},
        {"Zg==x", NULL}, {"=Zg=", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        expect(table[i][0], table[i][1]);
}

static void blanks_are_ignored_and_nothing_else(void **state)
{
    (void)state;
    const char *const table[][2] = {
        {" \t\r\n", ""},
        {" Zm 9\tv\r\nYg = = \n", "foob"},
        {"Zm9vZm9vZm9v\nZm9v", "foofoofoofoo"},
        {"Z m9vZm9vZm9vZm9vZm9vZm9v", "foofoofoofoofoofoo"},
        {"Zm9vZm9vZm9vZm9vZm9vZm9vZm9vZm9v Zm8", "foofoofoofoofoofoofoofoofo"},
        {"Zm9v\v", NULL},
        {"Zm9v\x80", NULL},
        {"Zm9vZm9vZm9vZm9v*", NULL},
        {"Zm9v.Zm9", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        expect(table[i][0], table[i][1]);
}

static void both_alphabets_are_read(void **state)
{
    (void)state;
    expect("fn5+", "~~~");
    expect("fn5-", "~~~");
    expect("Pz8/", "???");
    expect("Pz8_", "???");
    expect("fn5+Pz8_fn5-Pz8/fn5+Pz8/fn5-Pz8_", "~~~???~~~???~~~???~~~???");
}

/* At every length and place, so that each way of taking several characters at once meets it. */
static void every_byte_is_a_character_or_not_wherever_it_stands(void **state)
{
    (void)state;
    const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    uint8_t text[48];
    uint8_t out[64];
    for (unsigned byte = 0; byte < 256; byte++) {
        const bool valid = byte != 0 && strchr(alphabet, (int)byte);
        assert_int_equal(base64_is_digit((uint8_t)byte), valid);
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'A', sizeof text);
            text[at] = (uint8_t)byte;
            const size_t taken = base64_decode_run(slice_of(text, sizeof text), out);
            assert_int_equal(taken, valid ? sizeof text : at);
            for (size_t i = 0; i < base64_run_bytes(taken) && !valid; i++)
                assert_int_equal(out[i], 0);
            if (!valid)
                continue;
            const unsigned value = (unsigned)(strchr(alphabet, (int)byte) - alphabet);
            const unsigned sextet = value < 64 ? value : value - 2;
            const uint8_t *group = out + at / 4 * 3;
            const unsigned bits = (unsigned)group[0] << 16 | (unsigned)group[1] << 8 | group[2];
            assert_int_equal(bits, sextet << (18 - 6 * (at % 4)));
        }
    }
}

/* A run ends with the text, or within it, after any number of characters. */
static void a_run_gives_every_byte_that_its_characters_complete(void **state)
{
    (void)state;
    const char *const ends[] = {
        "", "\"", "=", "==\",", " ", "\x80", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
    uint8_t bytes[64];
    uint8_t text[160];
    uint8_t out[160];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 151 + 200);
    for (size_t count = 0; count <= base64_encoded_len(sizeof bytes) - 4; count++) {
        for (size_t e = 0; e < COUNT_OF(ends); e++) {
            base64_encode(slice_of(bytes, sizeof bytes), text);
            memcpy(text + count, ends[e], strlen(ends[e]));
            const struct slice given = slice_of(text, count + strlen(ends[e]));
            assert_int_equal(base64_decode_run(given, out), count);
            const size_t len = base64_run_bytes(count);
            assert_int_equal(len, count * 6 / 8);
            assert_memory_equal(out, bytes, len);
        }
    }
}

static void what_is_encoded_decodes_to_itself(void **state)
{
    (void)state;
    uint8_t bytes[100];
    uint8_t text[200];
    uint8_t out[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        size_t decoded_len = 0;
        base64_encode(slice_of(bytes, len), text);
        assert_true(base64_decode(slice_of(text, base64_encoded_len(len)), out, &decoded_len));
        assert_int_equal(decoded_len, len);
        assert_memory_equal(out, bytes, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding_is_optional_but_never_wrong),
        cmocka_unit_test(blanks_are_ignored_and_nothing_else),
        cmocka_unit_test(both_alphabets_are_read),
        cmocka_unit_test(every_byte_is_a_character_or_not_wherever_it_stands),
        cmocka_unit_test(a_run_gives_every_byte_that_its_characters_complete),
        cmocka_unit_test(what_is_encoded_decodes_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
