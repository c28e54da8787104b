/*
 * render.h - answers as text: for people, for programs, one row at a time.
 *
 *      table   aligned, human durations, colours if asked for      people
 *      md      a table in Markdown                                 people
 *      csv     RFC 4180 quoting, a line feed ends a record         programs
 *      tsv     backslash, tab, CR, LF and control characters are   programs
 *              written \\ \t \r \n \xNN
 *      json    one array of objects (or the one object)            programs
 *      ndjson  one object a line                                   programs
 *
 * Programs get times as RFC 3339 in the display zone, durations as milliseconds, ids as
 * strings in JSON, exact numbers in plain notation, null as JSON null or nothing at
 * all. No format for people lets a control character through, JSON and TSV neither;
 * CSV carries text as it is, except to a terminal.
 *
 * Life cycle: begin -> row* -> end -> release (after a failure too).
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_RENDER_RENDER_H
#define MNSDB_QUERY_RENDER_RENDER_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "query/answer/answer.h"

#include <stdbool.h>
#include <stdio.h>

enum render_format {
    RENDER_TABLE,
    RENDER_CSV,
    RENDER_TSV,
    RENDER_JSON,
    RENDER_NDJSON,
    RENDER_MD,
};

/* False if there is no format of that name. */
bool render_format_find(const char *name, enum render_format *format);

struct render_options {
    enum render_format format;
    const struct civil_zone *zone; /* of times */
    bool no_header;
    bool colours;
    bool terminal; /* the output is one: no format sends it a raw control character */
    bool growing;  /* a table for people is shown line by line, in columns of guessed widths */
    bool single; /* the answer is one thing, not a list: one JSON object, a table of two columns */
};

struct growing_table;
struct render_sheet; /* rows of a table for people, until they are printed */

struct renderer {
    struct render_options options;
    FILE *out;
    const struct answer_column *columns; /* borrowed until render_end */
    size_t column_count;
    struct slice *keys; /* owned: JSON, each name quoted, with its colon */
    struct arena arena; /* bytes of the keys */
    struct buffer text; /* owned; waits to be written */
    struct civil_clock clock;
    uint64_t row_count;
    struct render_sheet *sheet;    /* owned */
    struct growing_table *growing; /* owned; a table that grows line by line */
};

/*
 * Functions return STATUS_NOMEM, or STATUS_STOPPED once the output takes no more
 * (closed pipe, full disk: message_stdout_finish tells which).
 */
MUST_CHECK enum status render_begin(struct renderer *renderer, const struct render_options *options,
                                    const struct answer_column *columns, size_t column_count,
                                    FILE *out);
MUST_CHECK enum status render_row(struct renderer *renderer, const struct answer_cell *cells);
/* Hands on what was rendered so far, unless it is a table that is not known in whole. */
MUST_CHECK enum status render_flush(struct renderer *renderer);
MUST_CHECK enum status render_end(struct renderer *renderer);
void render_release(struct renderer *renderer);

/* All shown rows of an answer. */
MUST_CHECK enum status render_answer(const struct render_options *options,
                                     const struct answer *answer, FILE *out);

#endif
