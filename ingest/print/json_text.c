/*
 * json_text.c - character by character; see json_text.h.
 */
#include "ingest/print/json_text.h"

#include "cli/utf8.h"

#define ESCAPED_BYTES_MAX 6u /* of a byte: "\u001b"; longer characters take no more for each byte */

static bool is_in(uint32_t character, uint32_t first, uint32_t last)
{
    return character >= first && character <= last;
}

/* What a terminal obeys, and more that is invisible. All are below U+10000. */
static bool is_unsafe(uint32_t character)
{
    return utf8_is_harmful(character) || character == 0x61c || is_in(character, 0x200b, 0x200d) ||
           is_in(character, 0x2060, 0x206f) || is_in(character, 0xfff9, 0xfffb);
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
        const size_t len = utf8_read(slice_of(text.data + at, text.len - at), &character);
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
