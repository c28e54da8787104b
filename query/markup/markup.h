/*
 * markup.h - text from outside, made harmless for HTML and XML.
 *
 * Names of devices and metrics may hold anything: tags, quotes, control characters,
 * bytes that are no UTF-8, characters that turn the direction of what follows. All of
 * it is shown, none of it is obeyed: the characters of markup become references,
 * what cannot or must not be shown becomes \n, \xNN or \u{NNNN}, as cli/escape.h
 * writes it.
 *
 * What is written is fit for element content and for attributes in double quotes,
 * in HTML and in XML 1.0 alike.
 *
 * Errors stay in the FILE: look at ferror() when all is written.
 * Threads: plain functions.
 */
#ifndef MNSDB_QUERY_MARKUP_MARKUP_H
#define MNSDB_QUERY_MARKUP_MARKUP_H

#include "engine/base/bytes.h"

#include <stddef.h>
#include <stdio.h>

void markup_put(FILE *out, struct slice text);
void markup_put_text(FILE *out, const char *text);

/* At most `characters_max` characters of it, the last one "…" where that is not all. */
void markup_put_clipped(FILE *out, struct slice text, size_t characters_max);

/*
 * A coordinate or a share: one decimal at most, without a zero behind the point, whatever
 * the locale. Beyond +-1e9 it is cut there; what is no number is 0.
 */
void markup_put_number(FILE *out, double number);

#endif
