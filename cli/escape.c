/*
 * escape.c - see escape.h.
 */
#include "cli/escape.h"

#include "cli/utf8.h"

#include <assert.h>
#include <stdio.h>

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
        if (len == 0 || utf8_is_harmful(character)) {
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

const char *escape_markup(uint32_t character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}
