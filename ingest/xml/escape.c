/*
 * escape.c - text as it may stand between tags and in attributes.
 *
 * Line breaks and tabs become references, since a parser would otherwise change them: CR anywhere,
 * all three in attributes. What no XML document can hold, control characters and bytes that are
 * not UTF-8, becomes U+FFFD; whoever has such bytes to send must code them before.
 */
#include "ingest/xml/xml.h"

#include "cli/escape.h"
#include "cli/utf8.h"

#include <stdint.h>

#define ESCAPE_BYTES_MAX 6u /* "&quot;" */

static const char replacement[] = "\xef\xbf\xbd";

static const char *escape_of(uint8_t byte)
{
    switch (byte) {
    case '\t':
        return "&#9;";
    case '\n':
        return "&#10;";
    case '\r':
        return "&#13;";
    default:
        return byte < 0x20 || byte >= 0x80 ? replacement : escape_markup(byte);
    }
}

/* Length of the character of UTF-8 beyond ASCII, if XML allows it; 0 if there is none such. */
static size_t sequence_len(struct slice text)
{
    uint32_t character = 0;
    const size_t len = utf8_read(text, &character);
    return character == 0xfffe || character == 0xffff ? 0 : len;
}

/* True for nearly all characters of usual texts; false means: look closer. */
static bool is_surely_plain(uint8_t byte)
{
    return byte > '\'' && byte < 0x80 && byte != '<' && byte != '>';
}

/* Length of the character here that may stand as it is; 0 if it may not. */
static size_t plain_len(const uint8_t *text, size_t left)
{
    if (text[0] >= 0x80)
        return sequence_len(slice_of(text, left));
    return escape_of(text[0]) ? 0 : 1;
}

/* Length of what may stand as it is, from the start of `text`. */
static size_t plain_run_len(struct slice text)
{
    size_t at = 0;
    for (;;) {
        while (at < text.len && is_surely_plain(text.data[at]))
            at++;
        const size_t len = at < text.len ? plain_len(text.data + at, text.len - at) : 0;
        if (len == 0)
            return at;
        at += len;
    }
}

enum status xml_escape(struct buffer *to, struct slice text)
{
    const size_t old_len = to->len;
    while (text.len > 0) {
        const size_t len = plain_run_len(text);
        const char *escape = len < text.len ? escape_of(text.data[len]) : "";
        if (buffer_reserve(to, len + ESCAPE_BYTES_MAX) != STATUS_OK) {
            to->len = old_len;
            return STATUS_NOMEM;
        }
        buffer_put_bytes(to, text.data, len);
        buffer_put_bytes(to, escape, strlen(escape));
        const size_t taken = len < text.len ? len + 1 : len;
        text = slice_of(text.data + taken, text.len - taken);
    }
    return STATUS_OK;
}
