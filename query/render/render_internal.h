/*
 * render_internal.h - the formats behind render.c: cells as text, and the sheet for people.
 */
#ifndef MNSDB_QUERY_RENDER_RENDER_INTERNAL_H
#define MNSDB_QUERY_RENDER_RENDER_INTERNAL_H

#include "query/render/render.h"

/* Append a cell (null included) or a column's name in a format to `text`. */
MUST_CHECK enum status render_csv_cell(struct buffer *text, const struct answer_cell *cell,
                                       struct civil_clock *clock);
MUST_CHECK enum status render_csv_text(struct buffer *text, struct slice value);
MUST_CHECK enum status render_tsv_cell(struct buffer *text, const struct answer_cell *cell,
                                       struct civil_clock *clock);
MUST_CHECK enum status render_tsv_text(struct buffer *text, struct slice value);
MUST_CHECK enum status render_json_cell(struct buffer *text, const struct answer_cell *cell,
                                        struct civil_clock *clock);
MUST_CHECK enum status render_json_text(struct buffer *text, struct slice value);

/* As people read it, escaped; null is nothing. */
MUST_CHECK enum status render_human_cell(struct buffer *text, const struct answer_cell *cell,
                                         struct civil_clock *clock);
MUST_CHECK enum status render_human_text(struct buffer *text, struct slice value);

/* The plain text of a cell that is neither null nor text, as programs read it. */
MUST_CHECK enum status render_plain_cell(struct buffer *text, const struct answer_cell *cell,
                                         struct civil_clock *clock);

/* Rows are printed in sheets of this many, each aligned on its own. */
#define SHEET_ROWS_MAX 5000u

MUST_CHECK enum status sheet_begin(struct renderer *renderer);
MUST_CHECK enum status sheet_row(struct renderer *renderer, const struct answer_cell *cells);
MUST_CHECK enum status sheet_end(struct renderer *renderer);
void sheet_free(struct render_sheet *sheet); /* NULL is fine */

/* The same line by line (options.growing). */
MUST_CHECK enum status growing_begin(struct renderer *renderer);
MUST_CHECK enum status growing_row(struct renderer *renderer, const struct answer_cell *cells);
void growing_free(struct growing_table *table); /* NULL is fine */

#endif
