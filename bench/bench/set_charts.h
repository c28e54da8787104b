/*
 * set_charts.h - a set's results as pictures.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_SET_CHARTS_H
#define MNSDB_BENCH_BENCH_SET_CHARTS_H

#include "bench/bench/set_view.h"

#include <stdio.h>

#define SET_CHART_COUNT ((size_t)3)

extern const char *const set_chart_names[SET_CHART_COUNT]; /* "ingest", "bytes", "queries" */

/* The i-th chart as an SVG document. */
void set_chart_print(const struct set_view *view, size_t chart, FILE *out);

#endif
