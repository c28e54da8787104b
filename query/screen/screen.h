/*
 * screen.h - what the output can show, and how wide text is on it.
 *
 *      columns   on a terminal its width, else $COLUMNS, else 80; at least 20
 *      utf8      the locale's character set; where it is none, output is plain ASCII
 *      colours   only on a terminal, and not with NO_COLOR or TERM=dumb
 *
 * Widths are columns of a terminal: 2 for CJK and emoji, 0 for combining marks, 1 else. They
 * come from a table of our own, so that a picture does not depend on the locale.
 *
 * Text from outside reaches the output through screen_put_text or screen_put_fitted
 * alone: both escape as cli/escape.h does, and beyond ASCII too where the screen has no UTF-8.
 *
 * Threads: screen_detect reads the environment; the rest are plain functions.
 */
#ifndef MNSDB_QUERY_SCREEN_SCREEN_H
#define MNSDB_QUERY_SCREEN_SCREEN_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCREEN_COLUMNS_DEFAULT 80u
#define SCREEN_COLUMNS_MIN     20u /* what is narrower is drawn this wide */
#define SCREEN_COLUMNS_MAX     1000u
#define SCREEN_ROWS_DEFAULT    24u

struct screen {
    size_t columns;
    size_t rows; /* SCREEN_ROWS_DEFAULT where nothing tells */
    bool terminal;
    bool utf8;
    bool colours;
};

/* What the file descriptor `fd` and the environment tell. Leaves the process's locale alone. */
struct screen screen_detect(int fd);

/* True if the locale of the environment writes UTF-8. */
bool screen_locale_is_utf8(void);

/* Columns of one character: 0, 1 or 2. Harmful characters, which are never shown, count 0. */
unsigned screen_char_width(uint32_t character);

/* Columns of text as it is (escaped before); bytes that are no UTF-8 count 1 each. */
size_t screen_text_width(struct slice text);

/* Appends the text, escaped for the screen. */
MUST_CHECK enum status screen_put_text(const struct screen *screen, struct buffer *out,
                                       struct slice text);

enum screen_align {
    SCREEN_LEFT,
    SCREEN_RIGHT,
    SCREEN_LEFT_RAGGED, /* to the left, without blanks behind it */
};

/*
 * Appends the text, escaped, in exactly `columns` columns: cut with an ellipsis or filled
 * with blanks. A character is never cut in half, nor parted from its combining marks.
 */
MUST_CHECK enum status screen_put_fitted(const struct screen *screen, struct buffer *out,
                                         struct slice text, size_t columns,
                                         enum screen_align align);

/* Appends `columns` blanks, or `count` times the text `piece`. */
MUST_CHECK enum status screen_put_blanks(struct buffer *out, size_t columns);
MUST_CHECK enum status screen_put_repeated(struct buffer *out, const char *piece, size_t count);

enum screen_colour {
    SCREEN_PLAIN,
    SCREEN_BOLD,
    SCREEN_FAINT,
    SCREEN_RED,
    SCREEN_GREEN,
    SCREEN_YELLOW,
    SCREEN_BLUE,
    SCREEN_CYAN,
};

/* Appends the sequence that begins a colour (SCREEN_PLAIN ends all); nothing without colours. */
MUST_CHECK enum status screen_put_colour(const struct screen *screen, struct buffer *out,
                                         enum screen_colour colour);

#endif
