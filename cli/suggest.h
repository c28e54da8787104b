/*
 * suggest.h - "did you mean ...?" for mistyped commands, options, values and names of the store.
 *
 * A word is near when it begins with what was typed, or differs by at most two letters (inserted,
 * left out, replaced or swapped; another case counts nothing), and by fewer than half of them.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_CLI_SUGGEST_H
#define MNSDB_CLI_SUGGEST_H

#include "engine/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/* The word nearest to `typed`, the first of equals, or NULL when none is near. */
const char *suggest_word(const char *typed, const char *const *words, size_t word_count);

/* A search through words that come one by one, as many as there are. Begin with .typed set. */
struct suggestion {
    struct slice typed;
    struct slice nearest; /* the nearest so far, borrowed; .data NULL: none is near */
    unsigned distance;    /* of it */
};

/* Most of many words are refused after a few letters. */
void suggestion_offer(struct suggestion *suggestion, struct slice word);

#endif
