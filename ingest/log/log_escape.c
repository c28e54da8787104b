/*
 * log_escape.c - values in lines of the log, so that no byte of theirs can act.
 *
 * A terminal that shows a log must not be steered by what a stranger put into a message, and a
 * program that reads one must not see lines or fields that are none. Quoted values hold JSON's
 * escapes in both machine formats: readers of logfmt know them too. Bytes that are no
 * UTF-8 become U+FFFD.
 */
#include "cli/escape.h"
#include "cli/utf8.h"
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
    if (!utf8_is_harmful(character))
        return 0;
    return (size_t)snprintf(piece, PIECE_BYTES, "\\u%04x", (unsigned)character);
}

static void put_quoted(struct log_line *line, struct slice text)
{
    while (text.len > 0 && !line->cut) {
        uint32_t character = 0;
        const size_t read_len = utf8_read(text, &character);
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
        const size_t read_len = utf8_read(text, &character);
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
        const size_t len = utf8_read(slice_of(text.data + at, text.len - at), &character);
        if (len == 0 || character == ' ' || character == '=' || character == '"' ||
            character == '\\' || character == 0xa0 || utf8_is_harmful(character))
            return false;
        at += len;
    }
    return true;
}
