/*
 * secret_search.h - whether the word deviceSecret may be in bytes that nobody can parse.
 *
 * Finds it plain, with any of its characters as a JSON escape, and in base64 of
 * either alphabet at any alignment, with blanks or escaped blanks between the
 * characters, also base64 inside base64. May find it where a strict reading
 * would not; never the other way round.
 *
 * Private to this folder. Threads: one at a time for an arena.
 */
#ifndef MNSDB_INGEST_DECODE_SECRET_SEARCH_H
#define MNSDB_INGEST_DECODE_SECRET_SEARCH_H

#include "engine/base/arena.h"

#include <stdbool.h>

#define SECRET_WORD "deviceSecret"

MUST_CHECK enum status secret_may_be_in(struct slice bytes, struct arena *arena, bool *found);

#endif
