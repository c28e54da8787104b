/*
 * picture.c - the element around every picture, its style sheet and its smallest pieces.
 *
 * Classes are short, for a page may hold a hundred thousand elements:
 *
 *      bg ground   tx label   tm strong label   hd heading   ax axis   g gm lines of ticks
 *      on online   of offline   un unknown   bd band   l0 ... l7 lines   b0 bars   mk mark
 *      sl bk a silent stretch and its sign
 *
 * Colours are properties of CSS, so that a page and a document share the rules. Light and dark
 * were chosen to keep 4.5 : 1 for text and 3 : 1 for what is drawn, and to be told apart by
 * those who see red and green alike.
 */
#include "query/svg/svg_internal.h"

#include <string.h>

static const char light[] = "--ground:#fff;--ink:#1c2128;--faint:#57606a;--line:#d4dae1;"
                            "--quiet:#f2f4f7;--on:#0f766e;--of:#d1480f;--un:#7a828c;"
                            "--c0:#0550ae;--c1:#b35900;--c2:#7a3fd1;--c3:#0f766e;"
                            "--c4:#b3377e;--c5:#7d6200;--c6:#57606a;--c7:#a40e26;"
                            "--band:#0550ae2e;--mark:#a40e26";
static const char dark[] = "--ground:#0f1319;--ink:#e6e9ee;--faint:#a2abb6;--line:#343b45;"
                           "--quiet:#191f28;--on:#3dbfa8;--of:#ff8f57;--un:#8b949e;"
                           "--c0:#6cb6ff;--c1:#f0a04b;--c2:#c297ff;--c3:#4ac8a6;"
                           "--c4:#f778ba;--c5:#d9b64c;--c6:#afb8c1;--c7:#ff8182;"
                           "--band:#6cb6ff3d;--mark:#ff8182";

void svg_write_style(FILE *out)
{
    static const char *const dashes[SVG_SERIES_MAX] = {"none", "6 3", "2 2",         "8 3 2 3",
                                                       "10 4", "1 3", "4 2 1 2 1 2", "12 3 3 3"};
    (void)fprintf(out, ":root{color-scheme:light dark;%s}\n", light);
    (void)fprintf(out, "@media (prefers-color-scheme:dark){:root{%s}}\n", dark);
    (void)fprintf(out, "@media print{:root{color-scheme:light;%s}}\n", light);
    (void)fputs("svg text{font:11px system-ui,'Segoe UI','DejaVu Sans',sans-serif;"
                "font-variant-numeric:tabular-nums}\n"
                ".bg{fill:var(--ground)}\n"
                ".tx{fill:var(--faint)}.tm{fill:var(--ink)}\n"
                "svg .hd{fill:var(--ink);font-size:16px;font-weight:600}\n"
                ".ax{stroke:var(--faint)}.g{stroke:var(--line)}.gm{stroke:var(--un)}\n"
                ".on,.of,.un{fill:none}\n"
                ".on{stroke:var(--on);stroke-width:10}\n"
                ".of{stroke:var(--of);stroke-width:4}\n"
                ".un{stroke:var(--un);stroke-width:1}\n"
                ".bd{fill:var(--band)}\n"
                ".sl{fill:var(--quiet)}.bk{stroke:var(--faint)}\n"
                ".b0{fill:var(--c0)}.ex{stroke:var(--ink);stroke-width:1.5}\n"
                ".mk{fill:var(--mark);stroke:var(--ground)}\n",
                out);
    for (unsigned i = 0; i < SVG_SERIES_MAX; i++)
        (void)fprintf(out,
                      ".l%u{fill:none;stroke:var(--c%u);stroke-width:1.6;stroke-linejoin:round;"
                      "stroke-dasharray:%s}\n",
                      i, i, dashes[i]);
}

/* --- elements ------------------------------------------------------------------------------ */

static void put_element_text(FILE *out, const char *name, const char *id, const char *text)
{
    (void)fprintf(out, "<%s id=\"%s-%c\">", name, id, name[0]);
    markup_put_text(out, text);
    (void)fprintf(out, "</%s>\n", name);
}

void svg_open(FILE *out, const struct svg_frame *frame, double height)
{
    if (frame->document)
        (void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    (void)fputs("<svg xmlns=\"http://www.w3.org/2000/svg\"", out);
    (void)fprintf(out, " viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"%s-t%s%s%s\"",
                  frame->width, height, frame->id, frame->description ? " " : "",
                  frame->description ? frame->id : "", frame->description ? "-d" : "");
    if (frame->document)
        (void)fprintf(out, " width=\"%.0f\" height=\"%.0f\"", frame->width, height);
    if (frame->class)
        (void)fprintf(out, " class=\"%s\"", frame->class);
    (void)fputs(">\n", out);
    put_element_text(out, "title", frame->id, frame->title);
    if (frame->description)
        put_element_text(out, "desc", frame->id, frame->description);
    if (!frame->document)
        return;
    (void)fputs("<style>\n", out);
    svg_write_style(out);
    (void)fputs("</style>\n", out);
    (void)fprintf(out, "<rect class=\"bg\" width=\"%.0f\" height=\"%.0f\"/>\n", frame->width,
                  height);
}

void svg_close(FILE *out)
{
    (void)fputs("</svg>\n", out);
}

void svg_attribute(FILE *out, const char *name, double number)
{
    (void)fprintf(out, " %s=\"", name);
    markup_put_number(out, number);
    (void)fputc('"', out);
}

void svg_open_text(FILE *out, const char *class, double x, double y, const char *anchor)
{
    (void)fprintf(out, "<text class=\"%s\"", class);
    svg_attribute(out, "x", x);
    svg_attribute(out, "y", y);
    if (strcmp(anchor, "start") != 0)
        (void)fprintf(out, " text-anchor=\"%s\"", anchor);
    (void)fputc('>', out);
}

void svg_line(FILE *out, const char *class, const double from[2], const double to[2])
{
    (void)fprintf(out, "<line class=\"%s\"", class);
    svg_attribute(out, "x1", from[0]);
    svg_attribute(out, "y1", from[1]);
    svg_attribute(out, "x2", to[0]);
    svg_attribute(out, "y2", to[1]);
    (void)fputs("/>\n", out);
}

void svg_path_point(FILE *out, char command, double x, double y)
{
    (void)fputc(command, out);
    markup_put_number(out, x);
    (void)fputc(' ', out);
    markup_put_number(out, y);
}

#define HEADING_HEIGHT 48.0

double svg_put_heading(FILE *out, const struct svg_frame *frame)
{
    if (!frame->document)
        return 8;
    svg_open_text(out, "hd", 16, 28, "start");
    markup_put_clipped(out, slice_of_text(frame->title), (size_t)(frame->width / 9));
    (void)fputs("</text>\n", out);
    return HEADING_HEIGHT;
}
