/*
 * screen.c - see screen.h.
 *
 * (1) The locale is asked through an object of its own (newlocale): the tables of query/render
 *     set the process's character type, and what is found here must not depend on whether
 *     they did so before.
 * (2) A locale that is not installed, as in small containers, still tells its character set by
 *     its name: "zh_CN.UTF-8" is taken at its word.
 * (3) Fitted text is escaped at the end of the output and cut there, so that nothing is
 *     measured that is not also shown.
 */
#include "query/screen/screen.h"

#include "cli/escape.h"
#include "cli/utf8.h"
#include "query/screen/width_table.h"

#include <assert.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* --- what there is ------------------------------------------------------------------------- */

/* The name of the locale for characters, as setlocale would choose it; "" if there is none. */
static const char *locale_name(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *name = getenv(variables[i]);
        if (name && name[0] != '\0')
            return name;
    }
    return "";
}

bool screen_locale_is_utf8(void)
{
    const locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale) {
        const bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
        freelocale(locale);
        return utf8;
    }
    const char *set = strchr(locale_name(), '.');
    return set && (strncasecmp(set, ".utf-8", 6) == 0 || strncasecmp(set, ".utf8", 5) == 0);
}

/* A whole number in an environment variable; 0: none. */
static size_t environment_number(const char *name)
{
    const char *text = getenv(name);
    if (!text || text[0] == '\0')
        return 0;
    size_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (number <= SCREEN_COLUMNS_MAX)
            number = number * 10 + (size_t)(*text - '0');
    }
    return *text == '\0' ? number : 0;
}

static size_t choose(size_t first, size_t second, size_t otherwise)
{
    return first > 0 ? first : second > 0 ? second : otherwise;
}

struct screen screen_detect(int fd)
{
    struct screen screen = {.terminal = isatty(fd) == 1, .utf8 = screen_locale_is_utf8()};
    struct winsize size = {0};
    if (screen.terminal && ioctl(fd, TIOCGWINSZ, &size) != 0)
        size = (struct winsize){0};
    screen.columns =
        choose(size.ws_col, environment_number("COLUMNS"), (size_t)SCREEN_COLUMNS_DEFAULT);
    screen.rows = choose(size.ws_row, environment_number("LINES"), (size_t)SCREEN_ROWS_DEFAULT);
    if (screen.columns < SCREEN_COLUMNS_MIN)
        screen.columns = SCREEN_COLUMNS_MIN;
    if (screen.columns > SCREEN_COLUMNS_MAX)
        screen.columns = SCREEN_COLUMNS_MAX;
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    screen.colours = screen.terminal && (!no_color || no_color[0] == '\0') &&
                     !(term && strcmp(term, "dumb") == 0);
    return screen;
}

/* --- widths -------------------------------------------------------------------------------- */

static bool is_within(const struct width_range *ranges, size_t count, uint32_t character)
{
    size_t low = 0;
    while (count > 0) {
        const size_t half = count / 2;
        if (character > ranges[low + half].last) {
            low += half + 1;
            count -= half + 1;
        } else if (character < ranges[low + half].first) {
            count = half;
        } else {
            return true;
        }
    }
    return false;
}

unsigned screen_char_width(uint32_t character)
{
    if (character >= 0x20 && character < 0x7f)
        return 1;
    if (utf8_is_harmful(character) ||
        is_within(no_columns, sizeof no_columns / sizeof *no_columns, character))
        return 0;
    return is_within(two_columns, sizeof two_columns / sizeof *two_columns, character) ? 2 : 1;
}

/* The length and the columns of what stands at the start of a text that is not empty. */
static size_t read_piece(struct slice text, size_t *columns)
{
    uint32_t character = 0;
    const size_t len = utf8_read(text, &character);
    *columns = len > 0 ? screen_char_width(character) : 1;
    return len > 0 ? len : 1;
}

size_t screen_text_width(struct slice text)
{
    size_t columns = 0;
    while (text.len > 0) {
        size_t piece_columns = 0;
        const size_t len = read_piece(text, &piece_columns);
        columns += piece_columns;
        text = slice_of(text.data + len, text.len - len);
    }
    return columns;
}

/* The bytes of the longest start of `text` that takes at most `columns`, and what it takes. */
static size_t clip(struct slice text, size_t columns, size_t *taken)
{
    size_t bytes = 0;
    *taken = 0;
    while (bytes < text.len) {
        size_t piece_columns = 0;
        const size_t len =
            read_piece(slice_of(text.data + bytes, text.len - bytes), &piece_columns);
        if (*taken + piece_columns > columns)
            break;
        *taken += piece_columns;
        bytes += len;
    }
    return bytes;
}

/* --- text ---------------------------------------------------------------------------------- */

#define PIECE_BYTES 24u /* "\u{10ffff}", or the four escaped bytes of what is no UTF-8 */

/* One character at a time, since what lies beyond ASCII has no place on this screen. */
static enum status put_ascii(struct buffer *out, struct slice text)
{
    while (text.len > 0) {
        uint32_t character = 0;
        const size_t len = utf8_read(text, &character);
        const size_t taken = len > 0 ? len : 1;
        char piece[PIECE_BYTES];
        size_t piece_len = 0;
        if (len > 1 && !utf8_is_harmful(character))
            piece_len = (size_t)snprintf(piece, sizeof piece, "\\u{%x}", (unsigned)character);
        else
            piece_len = escape_text(slice_of(text.data, taken), piece, sizeof piece);
        TRY(buffer_append(out, piece, piece_len));
        text = slice_of(text.data + taken, text.len - taken);
    }
    return STATUS_OK;
}

enum status screen_put_text(const struct screen *screen, struct buffer *out, struct slice text)
{
    if (!screen->utf8)
        return put_ascii(out, text);
    TRY(buffer_reserve(out, ESCAPE_BYTES(text.len)));
    out->len += escape_text(text, (char *)out->data + out->len, ESCAPE_BYTES(text.len));
    return STATUS_OK;
}

/* Cuts what stands behind `start` to `columns`, an ellipsis included; returns what it takes. */
static enum status cut_behind(const struct screen *screen, struct buffer *out, size_t start,
                              size_t columns, size_t *taken)
{
    const struct slice text = slice_of(out->data + start, out->len - start);
    *taken = screen_text_width(text);
    if (*taken <= columns)
        return STATUS_OK;
    if (columns == 0) {
        out->len = start;
        *taken = 0;
        return STATUS_OK;
    }
    out->len = start + clip(text, columns - 1, taken);
    const char *ellipsis = screen->utf8 ? "…" : "~";
    *taken += 1;
    return buffer_append(out, ellipsis, strlen(ellipsis));
}

enum status screen_put_fitted(const struct screen *screen, struct buffer *out, struct slice text,
                              size_t columns, enum screen_align align)
{
    const size_t start = out->len;
    TRY(screen_put_text(screen, out, text));
    size_t taken = 0;
    TRY(cut_behind(screen, out, start, columns, &taken));
    assert(taken <= columns);
    if (align == SCREEN_LEFT_RAGGED)
        return STATUS_OK;
    const size_t blanks = columns - taken;
    const size_t len = out->len - start;
    TRY(screen_put_blanks(out, blanks));
    if (align == SCREEN_RIGHT && blanks > 0) {
        memmove(out->data + start + blanks, out->data + start, len);
        memset(out->data + start, ' ', blanks);
    }
    return STATUS_OK;
}

enum status screen_put_blanks(struct buffer *out, size_t columns)
{
    return screen_put_repeated(out, " ", columns);
}

enum status screen_put_repeated(struct buffer *out, const char *piece, size_t count)
{
    const size_t len = strlen(piece);
    TRY(buffer_reserve(out, len * count));
    for (size_t i = 0; i < count; i++)
        buffer_put_bytes(out, piece, len);
    return STATUS_OK;
}

enum status screen_put_colour(const struct screen *screen, struct buffer *out,
                              enum screen_colour colour)
{
    static const char *const sequences[] = {
        [SCREEN_PLAIN] = "\x1b[0m", [SCREEN_BOLD] = "\x1b[1m",   [SCREEN_FAINT] = "\x1b[2m",
        [SCREEN_RED] = "\x1b[31m",  [SCREEN_GREEN] = "\x1b[32m", [SCREEN_YELLOW] = "\x1b[33m",
        [SCREEN_BLUE] = "\x1b[34m", [SCREEN_CYAN] = "\x1b[36m",
    };
    if (!screen->colours)
        return STATUS_OK;
    return buffer_append(out, sequences[colour], strlen(sequences[colour]));
}
