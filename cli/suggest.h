/*
 * suggest.h - "did you mean ...?" for mistyped commands, options and values.
 */
#ifndef MNSDB_CLI_SUGGEST_H
#define MNSDB_CLI_SUGGEST_H

#include <stddef.h>

/*
 * The word nearest to `typed`, or NULL when none is near: it begins with what was
 * typed, or differs by at most two letters (inserted, left out, replaced or swapped), and by
 * fewer than half of them.
 */
const char *suggest_word(const char *typed, const char *const *words, size_t word_count);

#endif
