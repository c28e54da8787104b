/*
 * plot_internal.h - what the kinds of pictures share: axes, canvas, marks.
 */
#ifndef MNSDB_QUERY_PLOT_PLOT_INTERNAL_H
#define MNSDB_QUERY_PLOT_PLOT_INTERNAL_H

#include "query/plot/plot.h"

#include <stdbool.h>

#define PLOT_TEXT_BYTES 400u

/* Appends text of ours as it is. */
MUST_CHECK enum status plot_put(const struct plot *plot, const char *text);

/* One of two texts, by what the screen can show. */
const char *plot_mark(const struct plot *plot, const char *utf8, const char *ascii);

/* An axis of time below a picture of `columns` columns that begins behind `left` columns. */
struct plot_axis {
    int64_t from_ms, until_ms;
    size_t left, columns;
};

MUST_CHECK enum status plot_time_axis(const struct plot *plot, const struct plot_axis *axis);

/* An axis of values below a picture, its first tick in the first column, its last in the last. */
MUST_CHECK enum status plot_value_axis(const struct plot *plot,
                                       const struct chart_value_scale *scale, size_t left,
                                       size_t columns);

/*
 * A grid of dots in cells: 2 x 4 of braille a cell, or one dot a cell in ASCII. Two layers: the
 * line, and the band behind it. Dot (0, 0) is at the top left.
 */
struct plot_canvas {
    size_t columns, rows;  /* cells */
    size_t dots_x, dots_y; /* of the whole grid */
    size_t cell_x, cell_y; /* dots a cell */
    uint8_t *line, *band;  /* owned; a mask of dots a cell */
};

MUST_CHECK enum status plot_canvas_init(struct plot_canvas *canvas, bool utf8, size_t columns,
                                        size_t rows);
void plot_canvas_release(struct plot_canvas *canvas);

/* A straight line from dot to dot, both included. */
void plot_canvas_line(struct plot_canvas *canvas, size_t x0, size_t y0, size_t x1, size_t y1);
/* The dots of column `x` from row `top` to row `bottom`, both included, thinned out. */
void plot_canvas_band(struct plot_canvas *canvas, size_t x, size_t top, size_t bottom);

/* Appends one row of cells. */
MUST_CHECK enum status plot_canvas_put_row(const struct plot *plot,
                                           const struct plot_canvas *canvas, size_t row);

/* Where [from_ms, until_ms) maps an instant among `count` places; clamped to 0 ... count. */
size_t plot_place_of(int64_t from_ms, int64_t until_ms, int64_t at_ms, size_t count);

/*
 * Labels left of a picture. The product that all of them begin with, its slash included, is told
 * once in the title and left out of each: begin, see every label, then ask.
 */
struct plot_labels {
    struct slice common; /* borrowed */
    bool first;
};

void plot_labels_begin(struct plot_labels *labels);
void plot_labels_see(struct plot_labels *labels, struct slice label);
struct slice plot_labels_rest(const struct plot_labels *labels, struct slice label);
/* Raises `*widest` to the columns of what is left of a label. */
MUST_CHECK enum status plot_labels_measure(const struct plot *plot,
                                           const struct plot_labels *labels, struct slice label,
                                           size_t *widest);

/* The columns that labels get of which the widest wants `widest`. */
size_t plot_label_columns(const struct plot *plot, size_t widest);

#endif
