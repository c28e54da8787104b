/*
 * stats_picture.c - `stats` with --plot or --spark.
 *
 * Two questions are asked: one row a group, which is ordered and cut as the options say, and
 * then the buckets of the groups that are left. So --order-by and --limit are about groups, and
 * buckets of groups that nobody sees are not computed.
 */
#include "query/command/picture.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define AGGREGATES_PLOT  "count,min,avg,max"
#define AGGREGATES_SPARK "avg"

#define BARS_READABLE     40u /* rows of one picture, if --limit says nothing */
#define PICTURES_READABLE 8u  /* pictures over time */
#define PICTURE_ROWS      13u /* of one that stands alone */
#define PICTURE_ROWS_MANY 9u
#define COLUMN_GAP        2u
#define SPARK_COLUMNS_MIN 8u
#define SPARK_COLUMNS_MAX 60u

/* The groups to be drawn, and their buckets. */
struct grouped {
    struct stats_request request;
    struct answer rows;   /* one a group, arranged */
    struct chart groups;  /* of `rows` */
    struct answer points; /* a row a group and bucket */
    struct chart chart;   /* of `points` */
    size_t hidden;
};

static void grouped_release(struct grouped *grouped)
{
    stats_request_release(&grouped->request);
    answer_release(&grouped->rows);
    chart_release(&grouped->groups);
    answer_release(&grouped->points);
    chart_release(&grouped->chart);
}

static const char *things_of(const struct stats_spec *spec)
{
    return spec->by == STATS_BY_PRODUCT ? "products" : "devices";
}

/* --- the two questions --------------------------------------------------------------------- */

static struct stats_spec without_buckets(const struct stats_spec *spec)
{
    struct stats_spec groups = *spec;
    groups.every = NULL;
    groups.fill = STATS_FILL_NONE;
    return groups;
}

static enum status query_groups(struct picture *picture, struct grouped *grouped, size_t readable,
                                struct error *err)
{
    struct command *command = picture->command;
    const struct stats_spec spec = without_buckets(&grouped->request.spec);
    TRY(stats_query(command->snapshot, &spec, &grouped->rows, &command->statistics, err));
    TRY(picture_arrange(picture, &grouped->rows, readable, &grouped->hidden, err));
    return chart_from_stats(&grouped->groups, &grouped->rows, &spec, err);
}

/* The devices of the groups that are left. */
static enum status narrow(const struct command *command, const struct grouped *grouped,
                          struct narrowed_selection *narrowed, struct error *err)
{
    TRY(narrowed_selection_init(narrowed, command, err));
    TRY(snapshot_read_names(command->snapshot, err));
    const enum stats_by by = grouped->request.spec.by;
    const uint32_t count = snapshot_device_count(command->snapshot);
    for (uint32_t device = 0; device < count; device++) {
        const struct slice name = snapshot_device_name(command->snapshot, device);
        const struct slice label = by == STATS_BY_PRODUCT ? device_product(name) : name;
        if (picture_selects(command, device) &&
            (by == STATS_BY_NONE || chart_find_group(&grouped->groups, label) != SIZE_MAX))
            narrowed_selection_add(narrowed, device);
    }
    return STATUS_OK;
}

static enum status query_buckets(struct picture *picture, struct grouped *grouped,
                                 struct error *err)
{
    struct command *command = picture->command;
    OWNED(narrowed_selection_release) struct narrowed_selection narrowed = {0};
    TRY(narrow(command, grouped, &narrowed, err));
    struct stats_spec spec = grouped->request.spec;
    spec.selection = &narrowed.selection;
    TRY(stats_query(command->snapshot, &spec, &grouped->points, &command->statistics, err));
    return chart_from_stats(&grouped->chart, &grouped->points, &spec, err);
}

/* --- --plot -------------------------------------------------------------------------------- */

static enum plot_kind kind_of(const struct picture *picture)
{
    return options_given(picture->command->options, "bars") ? PLOT_BARS : PLOT_LINE;
}

static enum status put_range(struct picture *picture, int64_t from_ms, int64_t until_ms)
{
    char text[CHART_RANGE_BYTES];
    (void)chart_range_format(&picture->command->zone, from_ms, until_ms, text);
    TRY(plot_line(&picture->plot, SCREEN_PLAIN, slice_of_text(text)));
    return plot_line(&picture->plot, SCREEN_PLAIN, slice_of_text(""));
}

/* One a group and measure, in the order of the groups' rows. */
static enum status put_series(struct picture *picture, const struct grouped *grouped)
{
    const struct chart *chart = &grouped->chart;
    const bool alone = grouped->groups.group_count * chart->measure_count <= 2;
    const struct plot_frame frame = {
        .from_ms = chart->from_ms,
        .until_ms = chart->until_ms,
        .rows = alone ? PICTURE_ROWS : PICTURE_ROWS_MANY,
        .kind = kind_of(picture),
        .every = options_text(picture->command->options, "every"),
    };
    for (size_t i = 0; i < grouped->groups.group_count; i++) {
        const size_t group = chart_find_group(chart, grouped->groups.groups[i]);
        for (size_t measure = 0; group != SIZE_MAX && measure < chart->measure_count; measure++) {
            TRY(plot_series(&picture->plot, chart_series_at(chart, group, measure), &frame));
            TRY(plot_line(&picture->plot, SCREEN_PLAIN, slice_of_text("")));
        }
    }
    return picture_tell_hidden(picture, grouped->hidden, grouped->rows.row_count,
                               things_of(&grouped->request.spec));
}

static enum status draw_series(struct picture *picture, struct grouped *grouped, struct error *err)
{
    TRY(query_groups(picture, grouped, PICTURES_READABLE / 2, err));
    TRY(query_buckets(picture, grouped, err));
    const struct chart *chart = &grouped->chart;
    if (chart->measure_count == 0)
        return picture_tell_nothing(picture, "nothing to draw: --agg names no values");
    if (chart->from_ms == chart->until_ms)
        return picture_tell_nothing(picture, "nothing to draw: no readings were selected");
    TRY(put_range(picture, chart->from_ms, chart->until_ms));
    return put_series(picture, grouped);
}

static enum status draw_bars(struct picture *picture, struct grouped *grouped, struct error *err)
{
    TRY(query_groups(picture, grouped, BARS_READABLE, err));
    const struct chart *chart = &grouped->groups;
    if (chart->measure_count == 0)
        return picture_tell_nothing(picture, "nothing to draw: --agg names no values");
    if (chart->group_count == 0)
        return picture_tell_nothing(picture, "nothing to draw: no readings were selected");
    for (size_t i = 0; i < chart->measure_count; i++) {
        TRY(plot_bars(&picture->plot, &chart->bars[i], kind_of(picture)));
        if (i + 1 < chart->measure_count)
            TRY(plot_line(&picture->plot, SCREEN_PLAIN, slice_of_text("")));
    }
    return picture_tell_hidden(picture, grouped->hidden, grouped->rows.row_count,
                               things_of(&grouped->request.spec));
}

static enum status draw_plot(struct picture *picture, struct error *err)
{
    OWNED(grouped_release) struct grouped grouped = {0};
    TRY(stats_request_read(&grouped.request, picture->command, AGGREGATES_PLOT, err));
    TRY(stats_request_open(&grouped.request, picture->command, err));
    const enum status status = grouped.request.spec.every ? draw_series(picture, &grouped, err)
                                                          : draw_bars(picture, &grouped, err);
    if (status == STATUS_NOMEM && err->message[0] == '\0')
        return error_set(err, STATUS_NOMEM, "no memory for the picture");
    return status;
}

/* --- --spark ------------------------------------------------------------------------------- */

/*
 * A table of the groups with sparklines behind their columns, all of the same length. The numbers
 * at their ends depend on it (each character is the mean of a slice of time), so lengths are tried
 * from the greatest down until the table fits the screen.
 */
struct spark_table {
    struct picture *picture;
    struct grouped *grouped;
    struct answer table;
    size_t columns; /* of a sparkline */
};

static void spark_table_release(struct spark_table *table)
{
    answer_release(&table->table);
}

/* What the columns of the table that stand before the sparklines take, about. */
static size_t taken_columns(const struct answer *rows)
{
    size_t taken = 0;
    for (size_t i = 0; i < rows->column_count; i++) {
        const bool name = rows->columns[i].kind == CELL_TEXT;
        size_t widest = screen_text_width(rows->columns[i].name);
        for (size_t row = 0; name && row < answer_shown_count(rows); row++) {
            const size_t width = screen_text_width(cell_text(&answer_row(rows, row)[i]));
            widest = width > widest ? width : widest;
        }
        taken += widest + COLUMN_GAP;
    }
    return taken;
}

/* Measures of one metric stand together; the first is drawn. */
static size_t measure_of(const struct chart *chart, size_t metric)
{
    return metric * (chart->measure_count / chart->metric_count);
}

static enum status add_columns(struct spark_table *table, struct error *err)
{
    const struct answer *rows = &table->grouped->rows;
    const struct chart *chart = &table->grouped->chart;
    for (size_t i = 0; i < rows->column_count; i++)
        TRY(answer_add_column(&table->table, rows->columns[i].name,
                              (enum cell_kind)rows->columns[i].kind, err));
    for (size_t metric = 0; metric < chart->metric_count && chart->measure_count > 0; metric++) {
        OWNED(buffer_release) struct buffer name = {0};
        const struct slice of = chart->measures[measure_of(chart, metric)].metric;
        if (buffer_append(&name, of.data, of.len) != STATUS_OK ||
            buffer_append(&name, "_spark", strlen("_spark")) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for a column");
        TRY(answer_add_column(&table->table, buffer_slice(&name), CELL_TEXT, err));
    }
    return STATUS_OK;
}

/* "19.8 ▁▂▅█▆ 24.1": the ends of the scale around the line, in columns of the same width. */
struct spark_texts {
    struct buffer line;
    char low[CHART_TEXT_BYTES], high[CHART_TEXT_BYTES];
};

static enum status make_spark(const struct spark_table *table, const struct chart_series *series,
                              struct spark_texts *texts)
{
    const struct chart *chart = &table->grouped->chart;
    const struct plot_spark_frame frame = {chart->from_ms, chart->until_ms, table->columns};
    struct plot_spark_scale scale = {0};
    buffer_clear(&texts->line);
    texts->low[0] = texts->high[0] = '\0';
    TRY(plot_spark(&table->picture->screen, &texts->line, series, &frame, &scale));
    if (scale.has_values) {
        (void)chart_number_format(scale.low, texts->low);
        (void)chart_number_format(scale.high, texts->high);
    }
    return STATUS_OK;
}

static const struct chart_series *series_of(const struct spark_table *table, size_t row,
                                            size_t metric)
{
    const struct chart *chart = &table->grouped->chart;
    const bool grouped = table->grouped->request.spec.by != STATS_BY_NONE;
    const struct slice label =
        grouped ? cell_text(answer_row(&table->grouped->rows, row)) : slice_of_text("");
    const size_t group = chart_find_group(chart, label);
    return group == SIZE_MAX ? NULL : chart_series_at(chart, group, measure_of(chart, metric));
}

/* The widest numbers before and behind the sparklines of a metric. */
struct spark_ends {
    size_t low, high;
};

static enum status widest_ends(const struct spark_table *table, size_t metric,
                               struct spark_ends *widest)
{
    struct spark_texts texts = {0};
    enum status status = STATUS_OK;
    *widest = (struct spark_ends){0};
    const size_t count = answer_shown_count(&table->grouped->rows);
    for (size_t row = 0; status == STATUS_OK && row < count; row++) {
        const struct chart_series *series = series_of(table, row, metric);
        if (!series)
            continue;
        status = make_spark(table, series, &texts);
        const size_t low = strlen(texts.low), high = strlen(texts.high);
        widest->low = low > widest->low ? low : widest->low;
        widest->high = high > widest->high ? high : widest->high;
    }
    buffer_release(&texts.line);
    return status;
}

/* What the columns of sparklines take, with the gaps between them. */
static enum status measure_sparks(const struct spark_table *table, size_t *taken)
{
    const struct answer *answer = &table->table;
    const size_t first = table->grouped->rows.column_count;
    *taken = 0;
    for (size_t i = first; i < answer->column_count; i++) {
        struct spark_ends ends;
        TRY(widest_ends(table, i - first, &ends));
        const size_t cell = ends.low + 1 + table->columns + 1 + ends.high;
        const size_t name = screen_text_width(answer->columns[i].name);
        *taken += (i > first ? COLUMN_GAP : 0) + (cell > name ? cell : name);
    }
    return STATUS_OK;
}

/* Sparklines share what is left of the screen. */
static enum status fit_sparks(struct spark_table *table)
{
    const size_t columns = table->picture->screen.columns;
    const size_t metrics = table->table.column_count - table->grouped->rows.column_count;
    const size_t before = taken_columns(&table->grouped->rows);
    table->columns = SPARK_COLUMNS_MAX;
    while (metrics > 0 && table->columns > SPARK_COLUMNS_MIN) {
        size_t taken = 0;
        TRY(measure_sparks(table, &taken));
        if (before + taken <= columns)
            return STATUS_OK;
        const size_t excess = (before + taken - columns + metrics - 1) / metrics;
        const size_t spare = table->columns - SPARK_COLUMNS_MIN;
        table->columns -= excess < spare ? excess : spare;
    }
    return STATUS_OK;
}

static enum status set_spark(struct spark_table *table, size_t row, size_t metric, size_t low_width,
                             struct answer_cell *cell)
{
    struct spark_texts texts = {0};
    OWNED(buffer_release) struct buffer text = {0};
    const struct chart_series *series = series_of(table, row, metric);
    if (!series)
        return STATUS_OK;
    enum status status = make_spark(table, series, &texts);
    if (status == STATUS_OK)
        status = screen_put_fitted(&table->picture->screen, &text, slice_of_text(texts.low),
                                   low_width, SCREEN_RIGHT);
    if (status == STATUS_OK)
        status = buffer_append(&text, " ", 1);
    if (status == STATUS_OK)
        status = buffer_append(&text, texts.line.data, texts.line.len);
    if (status == STATUS_OK)
        status = buffer_append(&text, " ", 1);
    if (status == STATUS_OK)
        status = buffer_append(&text, texts.high, strlen(texts.high));
    buffer_release(&texts.line);
    if (status != STATUS_OK || texts.low[0] == '\0')
        return status;
    const struct slice kept = arena_copy(&table->table.arena, buffer_slice(&text));
    *cell = cell_of_text(kept);
    return kept.data ? STATUS_OK : STATUS_NOMEM;
}

static enum status add_rows(struct spark_table *table, struct error *err)
{
    const struct answer *rows = &table->grouped->rows;
    const size_t count = answer_shown_count(rows);
    for (size_t i = 0; i < count; i++) {
        struct answer_cell *cells = NULL;
        TRY(answer_add_row(&table->table, &cells, err));
        memcpy(cells, answer_row(rows, i), rows->column_count * sizeof *cells);
    }
    const size_t metric_count = table->table.column_count - rows->column_count;
    if (fit_sparks(table) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for sparklines");
    for (size_t metric = 0; metric < metric_count; metric++) {
        struct spark_ends widest;
        enum status status = widest_ends(table, metric, &widest);
        for (size_t i = 0; status == STATUS_OK && i < count; i++)
            status = set_spark(table, i, metric, widest.low,
                               answer_cells(&table->table, i) + rows->column_count + metric);
        if (status != STATUS_OK)
            return error_set(err, status, "no memory for sparklines");
    }
    return STATUS_OK;
}

static enum status draw_spark(struct picture *picture, struct error *err)
{
    OWNED(grouped_release) struct grouped grouped = {0};
    OWNED(spark_table_release)
    struct spark_table table = {.picture = picture, .grouped = &grouped};
    if (!options_given(picture->command->options, "every"))
        return error_set(err, STATUS_INPUT, "--spark draws buckets: give --every, 1h perhaps");
    TRY(stats_request_read(&grouped.request, picture->command, AGGREGATES_SPARK, err));
    TRY(stats_request_open(&grouped.request, picture->command, err));
    TRY(query_groups(picture, &grouped, SIZE_MAX, err));
    TRY(query_buckets(picture, &grouped, err));
    TRY(add_columns(&table, err));
    if (grouped.chart.from_ms < grouped.chart.until_ms)
        TRY(add_rows(&table, err));
    command_done_reading(picture->command);
    picture->printed = true;
    return command_print(picture->command, &table.table);
}

enum exit_code picture_of_stats(const struct options *options)
{
    return picture_run(options, options_given(options, "spark") ? draw_spark : draw_plot);
}
