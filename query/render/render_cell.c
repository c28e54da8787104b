/*
 * render_cell.c - one cell in each of the formats.
 *
 * Everything that is no text has one plain form, shared by all formats for
 * programs; only text needs escaping, each format its own. Text is bytes as sent.
 * What is no UTF-8 becomes U+FFFD in JSON, which has no other way to say it.
 */
#include "query/render/render_internal.h"

#include "cli/escape.h"
#include "cli/human.h"
#include "engine/base/digits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HUMAN_REAL_CHARACTERS 12u /* a longer double is rounded for people */

/* Room at the end of `text`, mostly without asking for more memory; NULL: there is none. */
static inline char *room_for(struct buffer *text, size_t len)
{
    if (text->capacity - text->len < len && buffer_reserve(text, len) != STATUS_OK)
        return NULL;
    return (char *)text->data + text->len;
}

static enum status append_bytes(struct buffer *text, const void *bytes, size_t len)
{
    char *const to = room_for(text, len);
    if (!to)
        return STATUS_NOMEM;
    memcpy(to, bytes, len);
    text->len += len;
    return STATUS_OK;
}

/* --- what is no text ----------------------------------------------------------------------- */

/* The longest plain text of a cell; a place for it costs one look at the buffer. */
#define PLAIN_BYTES EXACT_TEXT_BYTES

static char *put_literal(char *to, const char *text)
{
    const size_t len = strlen(text);
    memcpy(to, text, len);
    return to + len;
}

static char *put_integer(char *to, int64_t value)
{
    if (value < 0)
        *to++ = '-';
    return to + digits_put(value < 0 ? -(uint64_t)value : (uint64_t)value, to);
}

/* Writes the plain text of a cell where there is room for PLAIN_BYTES; returns the place behind. */
static char *put_plain(char *to, const struct answer_cell *cell, struct civil_clock *clock)
{
    switch ((enum cell_kind)cell->kind) {
    case CELL_NUMBER:
        return to + exact_format(cell_number(cell), to);
    case CELL_COUNT:
    case CELL_DURATION:
        return put_integer(to, cell->integer);
    case CELL_TIME:
        return to + civil_clock_format(clock, cell->integer, to);
    case CELL_ID:
        return to + digits_put(cell->id, to);
    case CELL_BOOL:
        return put_literal(to, cell->integer ? "true" : "false");
    case CELL_NULL:
    case CELL_TEXT:
        break;
    }
    return to;
}

enum status render_plain_cell(struct buffer *text, const struct answer_cell *cell,
                              struct civil_clock *clock)
{
    char *const to = room_for(text, PLAIN_BYTES);
    if (!to)
        return STATUS_NOMEM;
    text->len += (size_t)(put_plain(to, cell, clock) - to);
    return STATUS_OK;
}

/* --- csv ----------------------------------------------------------------------------------- */

/*
 * Nearly every text stands as it is. These look at all bytes, with no way out at the first that
 * does not: so the compiler looks at sixteen at a time.
 */
static bool csv_is_plain(struct slice value)
{
    unsigned special = 0;
    for (size_t i = 0; i < value.len; i++) {
        const uint8_t byte = value.data[i];
        special |= (unsigned)(byte == ',') | (byte == '"') | (byte == '\r') | (byte == '\n');
    }
    return special == 0;
}

enum status render_csv_text(struct buffer *text, struct slice value)
{
    // An empty text is "", so that it differs from null.
    if (value.len > 0 && csv_is_plain(value))
        return append_bytes(text, value.data, value.len);

    TRY(buffer_reserve(text, 2 * value.len + 2));
    buffer_put_u8(text, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '"')
            buffer_put_u8(text, '"');
        buffer_put_u8(text, value.data[i]);
    }
    buffer_put_u8(text, '"');
    return STATUS_OK;
}

enum status render_csv_cell(struct buffer *text, const struct answer_cell *cell,
                            struct civil_clock *clock)
{
    if (cell->kind == CELL_TEXT)
        return render_csv_text(text, cell_text(cell));
    return render_plain_cell(text, cell, clock);
}

/* --- tsv ----------------------------------------------------------------------------------- */

static size_t tsv_escape(uint8_t byte, char escaped[8])
{
    const char *named = byte == '\\'   ? "\\\\"
                        : byte == '\t' ? "\\t"
                        : byte == '\n' ? "\\n"
                        : byte == '\r' ? "\\r"
                                       : NULL;
    if (named) {
        memcpy(escaped, named, 2);
        return 2;
    }
    if (byte < 0x20 || byte == 0x7F)
        return (size_t)snprintf(escaped, 8, "\\x%02x", byte);
    escaped[0] = (char)byte;
    return 1;
}

static bool tsv_is_plain(struct slice value)
{
    unsigned special = 0;
    for (size_t i = 0; i < value.len; i++) {
        const uint8_t byte = value.data[i];
        special |= (unsigned)(byte < 0x20) | (byte == '\\') | (byte == 0x7F);
    }
    return special == 0;
}

enum status render_tsv_text(struct buffer *text, struct slice value)
{
    if (value.len > 0 && tsv_is_plain(value))
        return append_bytes(text, value.data, value.len);
    TRY(buffer_reserve(text, 4 * value.len));
    for (size_t i = 0; i < value.len; i++) {
        char escaped[8];
        const size_t len = tsv_escape(value.data[i], escaped);
        buffer_put_bytes(text, escaped, len);
    }
    return STATUS_OK;
}

enum status render_tsv_cell(struct buffer *text, const struct answer_cell *cell,
                            struct civil_clock *clock)
{
    if (cell->kind == CELL_TEXT)
        return render_tsv_text(text, cell_text(cell));
    return render_plain_cell(text, cell, clock);
}

/* --- json ---------------------------------------------------------------------------------- */

/* How many bytes a UTF-8 sequence with this first byte has; 0: it begins none. */
static size_t utf8_wanted(uint8_t lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* False for overlong forms, surrogates and what lies beyond U+10FFFF. */
static bool utf8_second_is_good(uint8_t lead, uint8_t second)
{
    const uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    return second >= least && second <= most;
}

/* The length of the UTF-8 sequence at the start of `bytes`, or 0 if it is none. */
static size_t utf8_length(const uint8_t *bytes, size_t len)
{
    const size_t wanted = utf8_wanted(bytes[0]);
    if (wanted > len || (wanted > 1 && !utf8_second_is_good(bytes[0], bytes[1])))
        return 0;
    for (size_t i = 2; i < wanted; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    }
    return wanted;
}

/* ASCII of a JSON string; control characters and DEL never stand raw. */
static void put_json_ascii(struct buffer *text, uint8_t byte)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt"; // pairs: character, its letter
    for (size_t i = 0; i + 1 < sizeof named; i += 2) {
        if ((uint8_t)named[i] == byte) {
            buffer_put_u8(text, '\\');
            buffer_put_u8(text, (uint8_t)named[i + 1]);
            return;
        }
    }
    if (byte >= 0x20 && byte != 0x7F) {
        buffer_put_u8(text, byte);
        return;
    }
    char escaped[8];
    const int len = snprintf(escaped, sizeof escaped, "\\u%04x", byte);
    buffer_put_bytes(text, escaped, (size_t)len);
}

/* Printable ASCII that stands for itself. */
static bool json_is_plain(struct slice value)
{
    unsigned special = 0;
    for (size_t i = 0; i < value.len; i++) {
        const uint8_t byte = value.data[i];
        special |= (unsigned)(byte < 0x20) | (byte > 0x7E) | (byte == '"') | (byte == '\\');
    }
    return special == 0;
}

enum status render_json_text(struct buffer *text, struct slice value)
{
    TRY(buffer_reserve(text, 6 * value.len + 2));
    buffer_put_u8(text, '"');
    const bool plain = json_is_plain(value);
    if (plain)
        buffer_put_bytes(text, value.data, value.len);
    for (size_t i = 0; !plain && i < value.len;) {
        const size_t len = utf8_length(value.data + i, value.len - i);
        if (len == 1) {
            put_json_ascii(text, value.data[i]);
        } else if (len == 0) {
            buffer_put_bytes(text, "\\ufffd", 6);
        } else if (len == 2 && value.data[i] == 0xC2 && value.data[i + 1] < 0xA0) {
            char escaped[8]; // the control characters of C1
            (void)snprintf(escaped, sizeof escaped, "\\u%04x", value.data[i + 1]);
            buffer_put_bytes(text, escaped, 6);
        } else {
            buffer_put_bytes(text, value.data + i, len);
        }
        i += len ? len : 1;
    }
    buffer_put_u8(text, '"');
    return STATUS_OK;
}

enum status render_json_cell(struct buffer *text, const struct answer_cell *cell,
                             struct civil_clock *clock)
{
    if (cell->kind == CELL_TEXT)
        return render_json_text(text, cell_text(cell));
    const bool quoted = cell->kind == CELL_TIME || cell->kind == CELL_ID;
    char *const start = room_for(text, PLAIN_BYTES + 2);
    char *to = start;
    if (!to)
        return STATUS_NOMEM;
    if (cell->kind == CELL_NULL)
        to = put_literal(to, "null");
    if (quoted)
        *to++ = '"';
    to = put_plain(to, cell, clock);
    if (quoted)
        *to++ = '"';
    text->len += (size_t)(to - start);
    return STATUS_OK;
}

/* --- for people ---------------------------------------------------------------------------- */

enum status render_human_text(struct buffer *text, struct slice value)
{
    TRY(buffer_reserve(text, ESCAPE_BYTES(value.len)));
    text->len += escape_text(value, (char *)text->data + text->len, ESCAPE_BYTES(value.len));
    return STATUS_OK;
}

/* "2018-05-16 05:58:44.427Z": as for programs, with a blank between date and time. */
static char *put_human_time(char *to, struct civil_clock *clock, int64_t time_ms)
{
    const size_t len = civil_clock_format(clock, time_ms, to);
    char *letter = memchr(to, 'T', len);
    if (letter)
        *letter = ' ';
    return to + len;
}

static char *put_human_number(char *to, const struct answer_cell *cell)
{
    const size_t len = exact_format(cell_number(cell), to);
    if (cell->exact_kind != EXACT_REAL || len <= HUMAN_REAL_CHARACTERS)
        return to + len;
    const bool moderate = fabs(cell->real) >= 1e-3 && fabs(cell->real) < 1e9;
    return to + snprintf(to, PLAIN_BYTES, moderate ? "%.4f" : "%.6g", cell->real);
}

/* Of what is neither null nor text. */
static char *put_human(char *to, const struct answer_cell *cell, struct civil_clock *clock)
{
    if (cell->kind == CELL_DURATION)
        return to + strlen(human_duration(cell->integer, to));
    if (cell->kind == CELL_TIME)
        return put_human_time(to, clock, cell->integer);
    if (cell->kind == CELL_NUMBER)
        return put_human_number(to, cell);
    if (cell->kind == CELL_BOOL)
        return put_literal(to, cell->integer ? "yes" : "no");
    return put_plain(to, cell, clock);
}

enum status render_human_cell(struct buffer *text, const struct answer_cell *cell,
                              struct civil_clock *clock)
{
    if (cell->kind == CELL_TEXT)
        return render_human_text(text, cell_text(cell));
    char *const to = room_for(text, PLAIN_BYTES);
    if (!to)
        return STATUS_NOMEM;
    text->len += (size_t)(put_human(to, cell, clock) - to);
    return STATUS_OK;
}
