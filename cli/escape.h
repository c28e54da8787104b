/*
 * escape.h - text from outside, made harmless for a terminal; and the characters of markup.
 *
 * Device names, metric names and file names may hold anything, escape sequences
 * included. Escaped text holds valid UTF-8 without control characters: those of
 * ASCII and of Unicode's C1 range, the invisible ones that change the direction
 * of text, and bytes that are no UTF-8 appear as \n, \t, \r, \xNN or \u{NNNN}.
 * A backslash stays what it is: the text is for people, not to be read back.
 */
#ifndef MNSDB_CLI_ESCAPE_H
#define MNSDB_CLI_ESCAPE_H

#include "engine/base/bytes.h"

#include <stddef.h>
#include <stdint.h>

/* Room that always suffices for `len` bytes, with the closing NUL. */
#define ESCAPE_BYTES(len) (4 * (len) + 1)

/*
 * Writes the escaped text and a NUL into `out` (`out_bytes` of room, at least 1);
 * what does not fit is left out, never half a character. Returns the length written.
 */
size_t escape_text(struct slice text, char *out, size_t out_bytes);

/*
 * The reference ("&lt;") that stands for a character of markup in HTML and XML, between tags and
 * in attributes; NULL for all others.
 */
const char *escape_markup(uint32_t character);

#endif
