/*
 * escape.c - see escape.h.
 */
#include "cli/escape.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

/* Reads one character of UTF-8; returns its length, or 0 if the bytes are none. */
static size_t utf8_read(struct slice text, uint32_t *character)
{
    const uint8_t first = text.data[0];
    if (first < 0x80) {
        *character = first;
        return 1;
    }
    const size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.len < len)
        return 0;
    uint32_t value = first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xc0u) != 0x80)
            return 0;
        value = value << 6 | (text.data[i] & 0x3fu);
    }
    const uint32_t least = len == 2 ? 0x80 : len == 3 ? 0x800 : 0x10000;
    if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *character = value;
    return len;
}

/* Control characters, and those that only change how others are shown. */
static bool is_harmful(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
           (character >= 0x200e && character <= 0x200f) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069) || character == 0xfeff;
}

/* The piece of text for a harmful character or byte; at most 11 bytes and a NUL. */
static size_t write_escape(char piece[16], uint32_t character)
{
    int len = 0;
    if (character == '\n')
        len = snprintf(piece, 16, "\\n");
    else if (character == '\r')
        len = snprintf(piece, 16, "\\r");
    else if (character == '\t')
        len = snprintf(piece, 16, "\\t");
    else if (character < 0x100)
        len = snprintf(piece, 16, "\\x%02x", (unsigned)character);
    else
        len = snprintf(piece, 16, "\\u{%x}", (unsigned)character);
    return (size_t)len;
}

size_t escape_text(struct slice text, char *out, size_t out_bytes)
{
    assert(out_bytes > 0);
    size_t used = 0;
    while (text.len > 0) {
        uint32_t character = text.data[0];
        const size_t len = utf8_read(text, &character);
        const size_t taken = len > 0 ? len : 1;

        char piece[16];
        const void *from = text.data;
        size_t piece_len = taken;
        if (len == 0 || is_harmful(character)) {
            piece_len = write_escape(piece, character);
            from = piece;
        }
        if (used + piece_len >= out_bytes)
            break;
        memcpy(out + used, from, piece_len);
        used += piece_len;
        text = slice_of(text.data + taken, text.len - taken);
    }
    out[used] = '\0';
    return used;
}
