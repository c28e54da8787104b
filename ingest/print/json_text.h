/*
 * json_text.h - text from outside as a JSON string that is safe on a terminal.
 *
 * Besides what JSON demands, everything that a terminal obeys or hides is escaped: the control
 * characters of ASCII and of C1, line and paragraph separators, and the invisible characters that
 * change the direction of text. The string is the same; only its spelling is.
 *
 * Private to this folder. Threads: plain functions.
 */
#ifndef MNSDB_INGEST_PRINT_JSON_TEXT_H
#define MNSDB_INGEST_PRINT_JSON_TEXT_H

#include "engine/base/bytes.h"

#include <stdbool.h>

/* Appends the string with its quotes; nothing if `text` is no UTF-8 (`*is_text` false). */
MUST_CHECK enum status json_text_append(struct buffer *out, struct slice text, bool *is_text);

#endif
