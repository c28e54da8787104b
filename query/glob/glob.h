/*
 * glob.h - patterns over whole names: "pk/dn", "dn", "pk".
 *
 *      *       any characters, '/' included, also none
 *      ?       one character (a UTF-8 sequence counts as one)
 *      [a-z]   one of these; [!a-z] or [^a-z]: one that is none of them
 *      \x      the character x itself, also inside brackets
 *
 * A '[' without its ']' and a '\' at the end stand for themselves. Matching
 * is case-sensitive and takes time proportional to pattern times name.
 *
 * Threads: pure.
 */
#ifndef MNSDB_QUERY_GLOB_GLOB_H
#define MNSDB_QUERY_GLOB_GLOB_H

#include "engine/base/bytes.h"

#include <stdbool.h>

bool glob_matches(struct slice pattern, struct slice name);

/* True if a pattern has none of these: it matches the name that it is, and no other. */
bool glob_is_plain(struct slice pattern);

#endif
