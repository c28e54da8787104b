/*
 * svg_internal.h - what the pictures share: the element around them, text, and the time axis.
 */
#ifndef MNSDB_QUERY_SVG_SVG_INTERNAL_H
#define MNSDB_QUERY_SVG_SVG_INTERNAL_H

#include "query/markup/markup.h"
#include "query/svg/svg.h"

#define SVG_CHARACTER_PX 7.0 /* of a label, about: 11 px, figures and small letters */

/* The part of a picture that shows data. */
struct svg_plot {
    double left, top, right, bottom;
};

void svg_open(FILE *out, const struct svg_frame *frame, double height);
void svg_close(FILE *out);

/* <text class=... x= y=> without its content; `anchor` "start", "middle" or "end". */
void svg_open_text(FILE *out, const char *class, double x, double y, const char *anchor);

/* x="" y="" and the like: ` name="number"`. */
void svg_attribute(FILE *out, const char *name, double number);
void svg_line(FILE *out, const char *class, const double from[2], const double to[2]);

/* "M12 34.5": a command of a path with one point. */
void svg_path_point(FILE *out, char command, double x, double y);

/* A title in documents; a page has its headings. Returns where the content begins. */
double svg_put_heading(FILE *out, const struct svg_frame *frame);

/* Ticks and labels below the plot, lines through it, marks where time is left out. */
#define SVG_AXIS_HEIGHT 34.0
void svg_put_axis(FILE *out, const struct svg_axis *axis, const struct svg_plot *plot);

static inline double svg_axis_x(const struct svg_axis *axis, const struct svg_plot *plot,
                                int64_t time_ms)
{
    return plot->left + svg_axis_share(axis, time_ms) * (plot->right - plot->left);
}

#endif
