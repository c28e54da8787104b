/*
 * fuzz_base64.c - what was encoded decodes to itself, and decoding agrees with a slow reading.
 */
#include "ingest/decode/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_base64: %s\n", what);
    abort();
}

static int slow_value(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    if (byte == '+' || byte == '-')
        return 62;
    return byte == '/' || byte == '_' ? 63 : -1;
}

/* Bit by bit. */
static bool slow_decode(struct slice text, uint8_t *out, size_t *out_len)
{
    size_t digits = 0;
    size_t padding = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = text.data[i];
        if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n')
            continue;
        const int value = slow_value(byte);
        if (byte != '=' && (value < 0 || padding > 0))
            return false;
        padding += byte == '=';
        for (int bit = 5; bit >= 0 && byte != '='; bit--, digits++) {
            if (digits % 8 == 0)
                out[digits / 8] = 0;
            out[digits / 8] |= (uint8_t)((value >> bit & 1) << (7 - digits % 8));
        }
    }
    const size_t held = digits / 6 % 4;
    *out_len = digits / 8;
    return held != 1 && (padding == 0 || (held >= 2 && padding == 4 - held));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    const struct slice input = slice_of(bytes, bytes_len);
    uint8_t *text = malloc(base64_encoded_len(bytes_len) + 1);
    uint8_t *fast = malloc(base64_room(base64_encoded_len(bytes_len)));
    uint8_t *slow = malloc(base64_room(bytes_len));
    check(text && fast && slow, "no memory");
    size_t fast_len = 0;
    size_t slow_len = 0;

    base64_encode(input, text);
    check(base64_decode(slice_of(text, base64_encoded_len(bytes_len)), fast, &fast_len),
          "own text refused");
    check(slice_equal(slice_of(fast, fast_len), input), "own text decodes to something else");

    const bool accepted = base64_decode(input, fast, &fast_len);
    check(accepted == slow_decode(input, slow, &slow_len), "accepted by one only");
    if (accepted)
        check(slice_equal(slice_of(fast, fast_len), slice_of(slow, slow_len)), "other bytes");
    free(text);
    free(fast);
    free(slow);
    return 0;
}
