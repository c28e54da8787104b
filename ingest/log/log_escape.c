/*
 * log_escape.c - values in lines of the log, so that no byte of theirs can act.
 *
 * A terminal that shows a log must not be steered by what a stranger put into a message, and a
 * program that reads one must not see lines or fields that are none. Quoted values hold JSON's
 * escapes in both machine formats: readers of logfmt know them too. Bytes that are no
 * UTF-8 become U+FFFD.
 */
#include "cli/escape.h"
#include "ingest/log/log_internal.h"

#include <assert.h>
#include <stdio.h>

/* The longest escape of one byte or character in either style, "\u{202e}", and its NUL. */
#define PIECE_BYTES 16u

void log_line_put(struct log_line *line, const char *text, size_t text_len)
{
    assert(line->limit <= sizeof line->text);
    if (line->len + text_len > line->limit) {
        line->cut = true;
        return;
    }
    memcpy(line->text + line->len, text, text_len);
    line->len += text_len;
}

/* The length of the character that `text` begins with; 0 if these bytes are no UTF-8. */
static size_t character_read(struct slice text, uint32_t *character)
{
    const uint8_t first = text.data[0];
    *character = first;
    if (first < 0x80)
        return 1;
    const size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.len < len)
        return 0;
    uint32_t value = first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xc0u) != 0x80)
            return 0;
        value = value << 6 | (text.data[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *character = value;
    return len;
}

/* Control characters, and invisible ones that change how their neighbours are shown. */
static bool character_acts(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0xfeff ||
           (character >= 0x200e && character <= 0x200f) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

/* JSON's escape for a character that may not stand as it is; 0: it may. */
static size_t escape_quoted(uint32_t character, char piece[PIECE_BYTES])
{
    const char *short_form = NULL;
    if (character == '"')
        short_form = "\\\"";
    else if (character == '\\')
        short_form = "\\\\";
    else if (character == '\n')
        short_form = "\\n";
    else if (character == '\r')
        short_form = "\\r";
    else if (character == '\t')
        short_form = "\\t";
    if (short_form) {
        memcpy(piece, short_form, 3);
        return 2;
    }
    if (!character_acts(character))
        return 0;
    return (size_t)snprintf(piece, PIECE_BYTES, "\\u%04x", (unsigned)character);
}

static void put_quoted(struct log_line *line, struct slice text)
{
    while (text.len > 0 && !line->cut) {
        uint32_t character = 0;
        const size_t read_len = character_read(text, &character);
        const size_t taken = read_len > 0 ? read_len : 1;
        char piece[PIECE_BYTES];
        size_t piece_len = escape_quoted(read_len > 0 ? character : 0xfffd, piece);
        if (read_len == 0) {
            memcpy(piece, "\\ufffd", 7);
            piece_len = 6;
        }
        if (piece_len > 0)
            log_line_put(line, piece, piece_len);
        else
            log_line_put(line, (const char *)text.data, taken);
        text = slice_of(text.data + taken, text.len - taken);
    }
}

/* Character by character too, so that the cut is known: escape_text stops silently. */
static void put_plain(struct log_line *line, struct slice text)
{
    while (text.len > 0 && !line->cut) {
        uint32_t character = 0;
        const size_t read_len = character_read(text, &character);
        const size_t taken = read_len > 0 ? read_len : 1;
        char piece[ESCAPE_BYTES(4)];
        const size_t piece_len = escape_text(slice_of(text.data, taken), piece, sizeof piece);
        log_line_put(line, piece, piece_len);
        text = slice_of(text.data + taken, text.len - taken);
    }
}

void log_line_put_escaped(struct log_line *line, struct slice text, enum log_style style)
{
    if (style == LOG_STYLE_QUOTED)
        put_quoted(line, text);
    else
        put_plain(line, text);
}

bool log_text_is_bare(struct slice text)
{
    if (text.len == 0)
        return false;
    for (size_t at = 0; at < text.len;) {
        uint32_t character = 0;
        const size_t len = character_read(slice_of(text.data + at, text.len - at), &character);
        if (len == 0 || character == ' ' || character == '=' || character == '"' ||
            character == '\\' || character == 0xa0 || character_acts(character))
            return false;
        at += len;
    }
    return true;
}
