/*
 * picture.c - the element around every picture, its style sheet and its smallest pieces.
 *
 * Classes are short, for a page may hold a hundred thousand elements:
 *
 *      bg ground   tx label   tm strong label   hd heading   ax axis   g gm lines of ticks
 *      on online   of offline   un unknown   bd band   l0 ... l7 lines   b0 bars   mk mark
 *      sl bk a silent stretch and its sign
 *
 * In a page the colours are properties of CSS, which its own rules use too. A document has them
 * as they are, for converters and drawing programs know no properties. Light and dark were
 * chosen to keep 4.5 : 1 for text and 3 : 1 for what is drawn, and to be told apart by those who
 * see red and green alike.
 */
#include "query/svg/svg_internal.h"

#include <string.h>

enum colour {
    GROUND,
    INK,
    FAINT,
    LINE,
    QUIET,
    ONLINE,
    OFFLINE,
    UNKNOWN,
    MARK,
    BAND,
    SERIES, /* and those behind it, one a line */
    COLOUR_COUNT = SERIES + SVG_SERIES_MAX,
};

static const char *const names[COLOUR_COUNT] = {"ground", "ink", "faint", "line", "quiet", "on",
                                                "of",     "un",  "mark",  "band", "c0",    "c1",
                                                "c2",     "c3",  "c4",    "c5",   "c6",    "c7"};
static const char *const light[COLOUR_COUNT] = {
    "#fff",    "#1c2128", "#57606a", "#d4dae1",   "#f2f4f7", "#0f766e",
    "#d1480f", "#7a828c", "#a40e26", "#0550ae2e", "#0550ae", "#b35900",
    "#7a3fd1", "#0f766e", "#b3377e", "#7d6200",   "#57606a", "#a40e26"};
static const char *const dark[COLOUR_COUNT] = {
    "#0f1319", "#e6e9ee", "#a2abb6", "#343b45",   "#191f28", "#3dbfa8",
    "#ff8f57", "#8b949e", "#ff8182", "#6cb6ff3d", "#6cb6ff", "#f0a04b",
    "#c297ff", "#4ac8a6", "#f778ba", "#d9b64c",   "#afb8c1", "#ff8182"};

static void put_colour(FILE *out, const char *class, const char *property, enum colour colour,
                       const char *const *palette)
{
    (void)fprintf(out, ".%s{%s:", class, property);
    if (palette)
        (void)fprintf(out, "%s}", palette[colour]);
    else
        (void)fprintf(out, "var(--%s)}", names[colour]);
}

/* Who has which colour; without a palette by the names of properties. */
static void put_colours(FILE *out, const char *const *palette)
{
    static const struct {
        const char *class, *property;
        enum colour colour;
    } rules[] = {
        {"bg", "fill", GROUND},    {"tx", "fill", FAINT},    {"tm", "fill", INK},
        {"hd", "fill", INK},       {"ax", "stroke", FAINT},  {"g", "stroke", LINE},
        {"gm", "stroke", UNKNOWN}, {"on", "stroke", ONLINE}, {"of", "stroke", OFFLINE},
        {"un", "stroke", UNKNOWN}, {"bd", "fill", BAND},     {"sl", "fill", QUIET},
        {"bk", "stroke", FAINT},   {"b0", "fill", SERIES},   {"ex", "stroke", INK},
        {"mk", "fill", MARK},      {"mk", "stroke", GROUND},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        put_colour(out, rules[i].class, rules[i].property, rules[i].colour, palette);
    for (unsigned i = 0; i < SVG_SERIES_MAX; i++) {
        char class[8];
        (void)snprintf(class, sizeof class, "l%u", i);
        put_colour(out, class, "stroke", (enum colour)(SERIES + i), palette);
    }
    (void)fputc('\n', out);
}

static void put_shapes(FILE *out)
{
    static const char *const dashes[SVG_SERIES_MAX] = {"none", "6 3", "2 2",         "8 3 2 3",
                                                       "10 4", "1 3", "4 2 1 2 1 2", "12 3 3 3"};
    (void)fputs("svg text{font:11px system-ui,'Segoe UI','DejaVu Sans',sans-serif;"
                "font-variant-numeric:tabular-nums}\n"
                "svg .hd{font-size:16px;font-weight:600}\n"
                ".on,.of,.un{fill:none}\n"
                ".on{stroke-width:10}.of{stroke-width:4}.un{stroke-width:1}.ex{stroke-width:1.5}\n",
                out);
    for (unsigned i = 0; i < SVG_SERIES_MAX; i++)
        (void)fprintf(out,
                      ".l%u{fill:none;stroke-width:1.6;stroke-linejoin:round;"
                      "stroke-dasharray:%s}\n",
                      i, dashes[i]);
}

static void put_properties(FILE *out, const char *const *palette)
{
    (void)fputs(":root{", out);
    for (size_t i = 0; i < COLOUR_COUNT; i++)
        (void)fprintf(out, "--%s:%s;", names[i], palette[i]);
    (void)fputs("}", out);
}

void svg_write_style(FILE *out)
{
    (void)fputs(":root{color-scheme:light dark}\n", out);
    put_properties(out, light);
    (void)fputs("\n@media (prefers-color-scheme:dark){", out);
    put_properties(out, dark);
    (void)fputs("}\n@media print{:root{color-scheme:light}", out);
    put_properties(out, light);
    (void)fputs("}\n", out);
    put_colours(out, NULL);
    put_shapes(out);
}

static void put_document_style(FILE *out)
{
    put_shapes(out);
    put_colours(out, light);
    (void)fputs("@media (prefers-color-scheme:dark){\n", out);
    put_colours(out, dark);
    (void)fputs("}\n", out);
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
    put_document_style(out);
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
