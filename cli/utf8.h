/*
 * utf8.h - characters of UTF-8, one at a time.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_CLI_UTF8_H
#define MNSDB_CLI_UTF8_H

#include "engine/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the character at the start of `text`, which is not empty, and returns its length. 0: these
 * bytes are no UTF-8, as overlong forms, surrogates and all beyond U+10FFFF are none.
 */
size_t utf8_read(struct slice text, uint32_t *character);

/*
 * Control characters, those of C1 included, and characters that only change how others are shown:
 * what a terminal would obey.
 */
bool utf8_is_harmful(uint32_t character);

#endif
