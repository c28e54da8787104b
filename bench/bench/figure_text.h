/*
 * figure_text.h - figures with as many digits as they deserve, and texts made fit for documents.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_BENCH_BENCH_FIGURE_TEXT_H
#define MNSDB_BENCH_BENCH_FIGURE_TEXT_H

#include "bench/bench/spread.h"

#include <stdio.h>

#define FIGURE_BYTES ((size_t)48)

/* How a figure is written, and which way is better. */
enum figure_kind {
    FIGURE_MS,      /* "0.021", "1.93", "52.1", "1312": less is better */
    FIGURE_SECONDS, /* the same */
    FIGURE_BYTES_A_MESSAGE,
    FIGURE_MEMORY, /* bytes: "512 MB" */
    FIGURE_RATE,   /* messages a second, "9.81 M": more is better */
};

/* Three digits that count. A negative figure is not known: "–". Returns `text`. */
const char *figure_text(enum figure_kind kind, double figure, char text[FIGURE_BYTES]);

/* "1.93 (1.90–2.41)"; the median alone of a single run; "–" of none. */
const char *spread_text(enum figure_kind kind, const struct spread *spread,
                        char text[2 * FIGURE_BYTES]);

/* "12×", "3.4×", "0.62×"; "–" if it is negative. */
const char *ratio_text(double ratio, char text[FIGURE_BYTES]);

/* In Markdown, table cells included, it shows as it is and means nothing. */
void markdown_text(const char *text, FILE *out);

#endif
