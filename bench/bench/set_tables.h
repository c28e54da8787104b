/*
 * set_tables.h - a set's results as a section of a report in Markdown.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_SET_TABLES_H
#define MNSDB_BENCH_BENCH_SET_TABLES_H

#include "bench/bench/set_view.h"

#include <stdbool.h>
#include <stdio.h>

/* `with_charts`: shows NAME-ingest.svg and so on, which stand beside the report. */
void set_tables_print(const struct set_view *view, bool with_charts, FILE *out);

/* Sets in brief: the head of their table once, then a row each. */
void set_tables_brief_head(FILE *out);
void set_tables_brief_row(const struct set_view *view, FILE *out);

#endif
