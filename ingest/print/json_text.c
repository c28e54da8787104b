/*
 * json_text.c - character by character; see json_text.h.
 */
#include "ingest/print/json_text.h"

#define ESCAPED_BYTES_MAX 6u /* of a byte: "\u001b"; longer characters take no more for each byte */

/* What the first byte of a UTF-8 sequence says about the others. */
struct sequence {
    size_t len;
    uint32_t bits;  /* of the first byte */
    uint32_t least; /* a smaller character would be an overlong form */
};

static struct sequence sequence_of(uint8_t first)
{
    if (first < 0x80)
        return (struct sequence){1, first, 0};
    if (first >= 0xc2 && first <= 0xdf)
        return (struct sequence){2, first & 0x1fu, 0x80};
    if ((first & 0xf0u) == 0xe0)
        return (struct sequence){3, first & 0x0fu, 0x800};
    if (first >= 0xf0 && first <= 0xf4)
        return (struct sequence){4, first & 0x07u, 0x10000};
    return (struct sequence){0};
}

/* Reads the character at the start of `text`; 0 if there is none. */
static size_t read_character(struct slice text, uint32_t *character)
{
    const struct sequence sequence = sequence_of(text.data[0]);
    if (sequence.len == 0 || sequence.len > text.len)
        return 0;
    uint32_t value = sequence.bits;
    for (size_t i = 1; i < sequence.len; i++) {
        if ((text.data[i] & 0xc0u) != 0x80)
            return 0;
        value = value << 6 | (text.data[i] & 0x3fu);
    }
    const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < sequence.least || value > 0x10ffff || is_surrogate)
        return 0;
    *character = value;
    return sequence.len;
}

static bool is_in(uint32_t character, uint32_t first, uint32_t last)
{
    return character >= first && character <= last;
}

/* Characters that a terminal obeys, or that change how others are shown. All are below U+10000. */
static bool is_unsafe(uint32_t character)
{
    if (character < 0x20 || is_in(character, 0x7f, 0x9f))
        return true;
    return character == 0x61c || is_in(character, 0x200b, 0x200f) ||
           is_in(character, 0x2028, 0x202e) || is_in(character, 0x2060, 0x206f) ||
           character == 0xfeff || is_in(character, 0xfff9, 0xfffb);
}

/* The letter of the short escape, or 0. */
static uint8_t short_escape(uint32_t character)
{
    switch (character) {
    case '"':
    case '\\':
        return (uint8_t)character;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void put_hex_escape(struct buffer *out, uint32_t character)
{
    static const char digits[] = "0123456789abcdef";
    const char escape[] = {'\\',
                           'u',
                           digits[character >> 12 & 15],
                           digits[character >> 8 & 15],
                           digits[character >> 4 & 15],
                           digits[character & 15]};
    buffer_put_bytes(out, escape, sizeof escape);
}

static void put_character(struct buffer *out, struct slice bytes, uint32_t character)
{
    const uint8_t letter = short_escape(character);
    if (letter != 0) {
        buffer_put_u8(out, '\\');
        buffer_put_u8(out, letter);
    } else if (is_unsafe(character)) {
        put_hex_escape(out, character);
    } else {
        buffer_put_bytes(out, bytes.data, bytes.len);
    }
}

enum status json_text_append(struct buffer *out, struct slice text, bool *is_text)
{
    const size_t quotes = 2;
    size_t room = 0;
    if (__builtin_mul_overflow(text.len, ESCAPED_BYTES_MAX, &room))
        return STATUS_NOMEM;
    TRY(buffer_reserve(out, room + quotes));
    const size_t start = out->len;
    buffer_put_u8(out, '"');
    for (size_t at = 0; at < text.len;) {
        uint32_t character = 0;
        const size_t len = read_character(slice_of(text.data + at, text.len - at), &character);
        *is_text = len > 0;
        if (!*is_text) {
            out->len = start;
            return STATUS_OK;
        }
        put_character(out, slice_of(text.data + at, len), character);
        at += len;
    }
    buffer_put_u8(out, '"');
    *is_text = true;
    return STATUS_OK;
}
