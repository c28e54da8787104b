/*
 * set_charts.c - bars as SVG: self-contained, light and dark, every bar with its figure in words.
 *
 * Lengths follow the median; a thin line goes from the least to the most. Colours tell systems
 * apart, but no figure depends on them. The style sheet is the document's own and follows the
 * reader's preference; viewers without it show the light form.
 */
#include "bench/bench/set_charts.h"

#include "bench/bench/figure_text.h"
#include "cli/escape.h"
#include "query/markup/markup.h"

#include <math.h>
#include <string.h>

const char *const set_chart_names[SET_CHART_COUNT] = {"ingest", "bytes", "queries"};

#define WIDTH        960.0
#define LABEL_WIDTH  300.0
#define VALUE_WIDTH  170.0
#define BARS_WIDTH   (WIDTH - LABEL_WIDTH - VALUE_WIDTH)
#define BAR_HEIGHT   20.0
#define BAR_GAP      6.0
#define GROUP_GAP    16.0
#define TOP          64.0
#define BOTTOM       20.0
#define COLOUR_COUNT 8u
#define LABEL_BYTES  ((size_t)36)

/* mnsdb's first; told apart by people who see red and green alike, on white and on black. */
static const char *const light_colours[COLOUR_COUNT] = {"#0550ae", "#bf5b00", "#8250df", "#1a7f64",
                                                        "#b3377e", "#8a6d00", "#57606a", "#a40e26"};
static const char *const dark_colours[COLOUR_COUNT] = {"#6cb6ff", "#f0883e", "#c297ff", "#4ac8a6",
                                                       "#f778ba", "#d9b64c", "#afb8c1", "#ff8182"};

/* Which of them a system has, in the charts of every set. */
static const char *const own_colours[COLOUR_COUNT] = {
    "mnsdb", "DuckDB", "", "ClickHouse", "VictoriaMetrics", "SQLite", "PostgreSQL", "InfluxDB"};
#define SPARE_COLOUR 2u /* of another form of a system, and of what is not in the list */

/* --- the document -------------------------------------------------------------------------- */

static void put_style(FILE *out)
{
    (void)fprintf(out, "<style>\n"
                       "text { font: 14px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; }\n"
                       ".title { font-size: 18px; font-weight: 600; }\n"
                       ".strong { font-weight: 600; }\n"
                       ".small { font-size: 12px; }\n"
                       ".ground { fill: #ffffff; }\n"
                       ".ink { fill: #1f2328; }\n"
                       ".faint { fill: #57606a; }\n"
                       ".grid { stroke: #d0d7de; }\n"
                       ".spread { stroke: #1f2328; stroke-width: 1.5; }\n");
    for (size_t i = 0; i < COLOUR_COUNT; i++)
        (void)fprintf(out, ".c%zu { fill: %s; }\n", i, light_colours[i]);
    (void)fprintf(out, "@media (prefers-color-scheme: dark) {\n"
                       ".ground { fill: #0d1117; }\n"
                       ".ink { fill: #e6edf3; }\n"
                       ".faint { fill: #9ea7b3; }\n"
                       ".grid { stroke: #30363d; }\n"
                       ".spread { stroke: #e6edf3; }\n");
    for (size_t i = 0; i < COLOUR_COUNT; i++)
        (void)fprintf(out, ".c%zu { fill: %s; }\n", i, dark_colours[i]);
    (void)fprintf(out, "}\n</style>\n");
}

static void open_document(const char *title, const char *set, double height, FILE *out)
{
    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
                  "width=\"%.0f\" height=\"%.0f\" role=\"img\">\n<title>",
                  WIDTH, height, WIDTH, height);
    markup_put_text(out, title);
    (void)fprintf(out, "</title>\n");
    put_style(out);
    (void)fprintf(out,
                  "<rect class=\"ground\" width=\"%.0f\" height=\"%.0f\"/>\n"
                  "<text class=\"ink title\" x=\"20\" y=\"32\">",
                  WIDTH, height);
    markup_put_text(out, title);
    (void)fprintf(out, ", set ");
    markup_put_text(out, set);
    (void)fprintf(out, "</text>\n");
}

/* --- bars ---------------------------------------------------------------------------------- */

/* From figures to places. */
struct scale {
    double least; /* of a logarithmic one: where it begins */
    double most;
    bool logarithmic;
};

static double place_of(const struct scale *scale, double figure)
{
    if (!(scale->most > scale->least))
        return 0;
    double share = 0;
    if (!scale->logarithmic)
        share = figure / scale->most;
    else if (figure > scale->least)
        share = log(figure / scale->least) / log(scale->most / scale->least);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return LABEL_WIDTH + share * BARS_WIDTH;
}

struct bar {
    size_t colour;
    const struct spread *figure;
    enum figure_kind kind;
};

static void put_bar(const struct bar *bar, const struct scale *scale, double y, FILE *out)
{
    char text[FIGURE_BYTES];
    const struct spread *figure = bar->figure;
    const double end = place_of(scale, figure->median);
    (void)fprintf(out,
                  "<rect class=\"c%zu\" x=\"%.0f\" y=\"%.1f\" width=\"%.1f\" height=\"%.0f\" "
                  "rx=\"2\"/>\n",
                  bar->colour, LABEL_WIDTH, y, fmax(end - LABEL_WIDTH, 2), BAR_HEIGHT);
    const double most = place_of(scale, figure->max);
    if (figure->count > 1)
        (void)fprintf(out,
                      "<line class=\"spread\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
                      place_of(scale, figure->min), y + BAR_HEIGHT / 2, most, y + BAR_HEIGHT / 2);
    (void)fprintf(out, "<text class=\"ink\" x=\"%.1f\" y=\"%.1f\">%s", fmax(end, most) + 8,
                  y + BAR_HEIGHT - 5, figure_text(bar->kind, figure->median, text));
    (void)fprintf(out, "</text>\n");
}

/* What does not fit beside the bars is cut; the tables have it all. */
static void put_system(const struct set_view *view, size_t system, double y, FILE *out)
{
    char label[SET_TEXT_BYTES];
    char text[LABEL_BYTES];
    (void)escape_text(slice_of_text(set_view_label(view, system, label)), text, sizeof text);
    (void)fprintf(out, "<text class=\"ink\" x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">",
                  LABEL_WIDTH - 10, y + BAR_HEIGHT - 5);
    markup_put_text(out, text);
    (void)fprintf(out, "%s</text>\n", strlen(text) < strlen(label) ? "…" : "");
}

static double largest(const struct set_view *view, unsigned measure)
{
    double most = 0;
    for (size_t i = 0; i < view->result->system_count; i++)
        most = fmax(most, view->systems[i].measures[measure].max);
    return most;
}

static size_t count_known(const struct set_view *view, unsigned measure)
{
    size_t count = 0;
    for (size_t i = 0; i < view->result->system_count; i++)
        count += view->systems[i].measures[measure].count > 0;
    return count;
}

static const char *name_of(const struct set_result *result, size_t system)
{
    return result->systems[system].description.name;
}

static size_t colour_of(const struct set_result *result, size_t system)
{
    const char *name = name_of(result, system);
    for (size_t other = 0; other < system; other++) {
        if (strcmp(name, name_of(result, other)) == 0)
            return SPARE_COLOUR;
    }
    for (size_t colour = 0; colour < COLOUR_COUNT; colour++) {
        if (strcmp(name, own_colours[colour]) == 0)
            return colour;
    }
    return SPARE_COLOUR;
}

/* One measure: a bar a system. Returns where the next group begins. */
static double put_group(const struct set_view *view, unsigned measure, const struct scale *scale,
                        double y, FILE *out)
{
    for (size_t i = 0; i < view->result->system_count; i++) {
        const struct bar bar = {.colour = colour_of(view->result, i),
                                .figure = &view->systems[i].measures[measure],
                                .kind = measure_kind(measure)};
        if (bar.figure->count == 0)
            continue;
        put_system(view, i, y, out);
        put_bar(&bar, scale, y, out);
        y += BAR_HEIGHT + BAR_GAP;
    }
    return y + GROUP_GAP;
}

static void put_heading(const char *text, const char *more, double y, FILE *out)
{
    (void)fprintf(out,
                  "<text x=\"20\" y=\"%.1f\"><tspan class=\"ink strong\">%s</tspan>"
                  "<tspan class=\"faint\" dx=\"6\">%s</tspan></text>\n",
                  y + BAR_HEIGHT - 5, text, more);
}

static double group_height(const struct set_view *view, unsigned measure)
{
    return (double)count_known(view, measure) * (BAR_HEIGHT + BAR_GAP) + GROUP_GAP;
}

/* --- the charts ---------------------------------------------------------------------------- */

static void print_ingest(const struct set_view *view, FILE *out)
{
    const struct scale scale = {.most = largest(view, MEASURE_RATE)};
    open_document("Messages a second, durable", view->result->name,
                  TOP + group_height(view, MEASURE_RATE) + BOTTOM, out);
    (void)put_group(view, MEASURE_RATE, &scale, TOP, out);
}

static void print_bytes(const struct set_view *view, FILE *out)
{
    const unsigned measures[] = {MEASURE_COMPACTED, MEASURE_LOADED};
    const double most = fmax(largest(view, MEASURE_LOADED), largest(view, MEASURE_COMPACTED));
    const struct scale scale = {.most = most};
    const double heading = BAR_HEIGHT + BAR_GAP;
    open_document("Bytes a message", view->result->name,
                  TOP + group_height(view, MEASURE_LOADED) + group_height(view, MEASURE_COMPACTED) +
                      2 * heading + BOTTOM,
                  out);
    double y = TOP;
    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++) {
        put_heading(i == 0 ? "compacted" : "as loaded", "", y, out);
        y = put_group(view, measures[i], &scale, y + heading, out);
    }
}

/* "1 µs", "100 ms", "10 s": a power of ten, short enough to stand beside its neighbours. */
static const char *power_text(double power_ms, char text[FIGURE_BYTES])
{
    static const struct {
        double ms;
        const char *name;
    } units[] = {{1000, "s"}, {1, "ms"}, {0.001, "µs"}, {0.000001, "ns"}};
    size_t unit = 0;
    while (unit + 1 < sizeof units / sizeof units[0] && power_ms < units[unit].ms * 0.999)
        unit++;
    (void)snprintf(text, FIGURE_BYTES, "%.0f %s", power_ms / units[unit].ms, units[unit].name);
    return text;
}

/* Powers of ten, with their names below the title. */
static void put_grid(const struct scale *scale, double height, FILE *out)
{
    const int powers = (int)lround(log10(scale->most / scale->least));
    for (int i = 0; i <= powers; i++) {
        const double power = scale->least * pow(10, i);
        const double x = place_of(scale, power);
        char text[FIGURE_BYTES];
        (void)fprintf(out,
                      "<line class=\"grid\" x1=\"%.1f\" y1=\"%.0f\" x2=\"%.1f\" y2=\"%.0f\"/>\n"
                      "<text class=\"faint small\" x=\"%.1f\" y=\"%.0f\" "
                      "text-anchor=\"middle\">%s</text>\n",
                      x, TOP, x, height - BOTTOM, x, TOP - 8, power_text(power, text));
    }
}

static struct scale query_scale(const struct set_view *view)
{
    double least = 1e12;
    double most = 0;
    for (unsigned measure = MEASURE_QUERY; measure < MEASURE_COUNT; measure++) {
        most = fmax(most, largest(view, measure));
        for (size_t i = 0; i < view->result->system_count; i++) {
            const struct spread *figure = &view->systems[i].measures[measure];
            if (figure->count > 0 && figure->min > 0)
                least = fmin(least, figure->min);
        }
    }
    if (!(most > 0) || least > most)
        return (struct scale){.least = 0.001, .most = 1, .logarithmic = true};
    // A microsecond at the least: what is shorter is not measured that well.
    least = fmax(least, 0.001);
    most = fmax(most, least);
    return (struct scale){.least = pow(10, floor(log10(least))),
                          .most = pow(10, floor(log10(most)) + 1),
                          .logarithmic = true};
}

static void print_queries(const struct set_view *view, FILE *out)
{
    const struct scale scale = query_scale(view);
    const double heading = BAR_HEIGHT + BAR_GAP;
    const double top = TOP + BAR_GAP;
    double height = top + BOTTOM;
    for (unsigned measure = MEASURE_QUERY; measure < MEASURE_COUNT; measure++)
        height += group_height(view, measure) + heading;
    open_document("Queries, warm; logarithmic", view->result->name, height, out);
    put_grid(&scale, height, out);
    double y = top;
    for (unsigned i = 0; i < SET_QUERIES; i++) {
        put_heading(set_query_names[i], set_query_titles[i], y, out);
        y = put_group(view, MEASURE_QUERY + i, &scale, y + heading, out);
    }
}

void set_chart_print(const struct set_view *view, size_t chart, FILE *out)
{
    static void (*const charts[SET_CHART_COUNT])(const struct set_view *, FILE *) = {
        print_ingest, print_bytes, print_queries};
    charts[chart](view, out);
    (void)fprintf(out, "</svg>\n");
}
