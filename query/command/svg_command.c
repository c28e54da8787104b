/*
 * svg_command.c - `stats`, `online` and `sessions` with --svg FILE: one picture, one file.
 *
 *      stats --every     lines over time, one a group; a band of min and max where it is alone
 *      stats             a bar a group
 *      online, sessions  a lane a device
 *
 * The options that choose, order and limit rows are about what is drawn, as with --plot.
 */
#include "query/command/svg_command.h"

#include "cli/message.h"
#include "cli/whole_file.h"
#include "engine/base/mem.h"
#include "query/command/picture.h"
#include "query/online/online.h"
#include "query/svg/svg.h"

#include <stdio.h>
#include <string.h>

#define WIDTH            960.0
#define TITLE_BYTES      512u
#define AGGREGATES_DRAWN "count,min,avg,max"
#define SVG_ELEMENT      "mnsdb"
#define COUNT(array)     (sizeof(array) / sizeof *(array))

static const struct option_spec svg_options[] = {
    {.name = "svg",
     .argument = "FILE",
     .help = "Draw into an SVG file, which is replaced as a whole; - is standard output. "
             "Example: mnsdb stats humidity --every 1h --svg humidity.svg"},
};

const struct option_group command_svg_group = {"Drawing", svg_options, COUNT(svg_options)};

bool svg_is_wanted(const struct options *options)
{
    return options_given(options, "svg");
}

/* What is drawn; the chart is in memory, the store let go. */
struct drawing {
    struct command *command;
    char title[TITLE_BYTES];
    struct svg_axis axis;
    struct chart chart;       /* stats */
    struct chart_lanes lanes; /* online, sessions */
    bool series;
};

static void drawing_release(struct drawing *drawing)
{
    chart_release(&drawing->chart);
    chart_lanes_release(&drawing->lanes);
}

/* --- the file ------------------------------------------------------------------------------ */

static void put_series(const struct drawing *drawing, const struct svg_frame *frame, FILE *out)
{
    const struct chart_series *series[SVG_SERIES_MAX] = {NULL};
    const size_t count = drawing->chart.group_count;
    for (size_t i = 0; i < count && i < SVG_SERIES_MAX; i++)
        series[i] = chart_series_at(&drawing->chart, i, 0);
    const struct svg_series_chart chart = {
        .series = series, .series_count = count, .axis = &drawing->axis};
    svg_write_series(out, frame, &chart);
}

static void put_drawing(const struct drawing *drawing, FILE *out)
{
    const struct svg_frame frame = {
        .width = WIDTH, .document = true, .id = SVG_ELEMENT, .title = drawing->title};
    if (drawing->series)
        put_series(drawing, &frame, out);
    else if (drawing->chart.bars)
        svg_write_bars(out, &frame, &drawing->chart.bars[0]);
    else
        svg_write_lanes(out, &frame, &drawing->lanes, &drawing->axis);
}

static enum status write_file(const struct drawing *drawing, const char *path, struct error *err)
{
    OWNED(whole_file_release) struct whole_file file = {0};
    if (strcmp(path, "-") == 0) {
        put_drawing(drawing, stdout);
        return message_stdout_failed() ? STATUS_STOPPED : STATUS_OK;
    }
    TRY(whole_file_open(&file, path, err));
    put_drawing(drawing, file.out);
    TRY(whole_file_commit(&file, err));
    message_note("wrote %s", path);
    return STATUS_OK;
}

static void set_title(struct drawing *drawing, const char *what, struct slice metric,
                      const struct time_range *range)
{
    char text[CHART_RANGE_BYTES];
    (void)chart_range_format(&drawing->command->zone, range->from_ms, range->until_ms, text);
    (void)snprintf(drawing->title, sizeof drawing->title, "%.*s%s, %s",
                   metric.len < NAME_BYTES_MAX ? (int)metric.len : (int)NAME_BYTES_MAX,
                   (const char *)metric.data, what, text);
}

/* --- stats --------------------------------------------------------------------------------- */

static enum status want_one_measure(const struct chart *chart, struct error *err)
{
    if (chart->measure_count == 1)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     chart->measure_count == 0
                         ? "--svg: --agg names nothing to draw"
                         : "--svg draws one figure of one metric: name it, as in mnsdb stats "
                           "humidity --every 1h --svg FILE");
}

static void make_axis(struct drawing *drawing)
{
    struct svg_activity activity;
    const struct chart *chart = &drawing->chart;
    svg_activity_init(&activity, chart->from_ms, chart->until_ms);
    for (size_t group = 0; group < chart->group_count; group++) {
        const struct chart_series *series = chart_series_at(chart, group, 0);
        for (size_t i = 0; i < series->point_count; i++) {
            if (series->points[i].at.has_value)
                svg_activity_note_span(&activity, series->points[i].from_ms,
                                       series->points[i].until_ms);
        }
    }
    svg_axis_init_busy(&drawing->axis, &drawing->command->zone, &activity);
}

static enum status query_stats(struct drawing *drawing, struct stats_request *request,
                               struct error *err)
{
    struct command *command = drawing->command;
    OWNED(answer_release) struct answer answer = {0};
    TRY(stats_request_read(request, command, AGGREGATES_DRAWN, err));
    TRY(stats_request_open(request, command, err));
    TRY(stats_query(command->snapshot, &request->spec, &answer, &command->statistics, err));
    TRY(command_arrange(command, &answer, err));
    TRY(chart_from_stats(&drawing->chart, &answer, &request->spec, err));
    TRY(want_one_measure(&drawing->chart, err));
    drawing->series = request->spec.every != NULL;
    struct time_range range = {drawing->chart.from_ms, drawing->chart.until_ms};
    if (!drawing->series)
        (void)selection_bounds(&command->selection, command->snapshot, &range);
    set_title(drawing, "", drawing->chart.measures[0].metric, &range);
    if (drawing->series)
        make_axis(drawing);
    return STATUS_OK;
}

static enum status draw_stats(struct drawing *drawing, struct error *err)
{
    struct stats_request request = {0};
    const enum status status = query_stats(drawing, &request, err);
    stats_request_release(&request);
    return status;
}

/* --- online and sessions ------------------------------------------------------------------- */

/* A lane for each device of the rows, as they first show it; the first column is its name. */
static enum status add_lanes(struct drawing *drawing, const struct online_spec *spec,
                             const struct answer *answer, struct error *err)
{
    struct command *command = drawing->command;
    OWNED(event_history_release) struct event_history history = {0};
    OWNED(timeline_release) struct timeline timeline = {0};
    OWNED(mem_free_owned)
    bool *drawn = mem_alloc_zeroed(command->selection.device_count, sizeof *drawn);
    if (!drawn)
        return error_set(err, STATUS_NOMEM, "no memory for the devices of the picture");
    TRY(event_history_read(&history, command->snapshot, &command->selection, &command->statistics,
                           err));
    for (size_t i = 0; i < answer_shown_count(answer); i++) {
        const struct slice name = cell_text(answer_row(answer, i));
        const size_t place = picture_find_device(command, name);
        if (place == SIZE_MAX || drawn[place])
            continue;
        drawn[place] = true;
        TRY(event_history_timeline(&history, command->selection.devices[place], &spec->rules,
                                   &timeline, err));
        TRY(chart_lanes_add(&drawing->lanes, name, &timeline, err));
    }
    return STATUS_OK;
}

static void make_lane_axis(struct drawing *drawing, const struct time_range *range)
{
    struct svg_activity activity;
    svg_activity_init(&activity, range->from_ms, range->until_ms);
    svg_activity_note_lanes(&activity, &drawing->lanes);
    svg_axis_init_busy(&drawing->axis, &drawing->command->zone, &activity);
}

static enum status draw_lanes(struct drawing *drawing, const char *what,
                              enum status (*query)(struct snapshot *, const struct online_spec *,
                                                   struct answer *, struct scan_statistics *,
                                                   struct error *),
                              struct error *err)
{
    struct command *command = drawing->command;
    OWNED(answer_release) struct answer answer = {0};
    struct online_spec spec = {.selection = &command->selection, .zone = &command->zone};
    struct time_range range = {0};
    TRY(command_rules(command->options, &spec.rules, err));
    TRY(command_open(command, err));
    TRY(selection_sort(&command->selection, command->snapshot, err));
    TRY(query(command->snapshot, &spec, &answer, &command->statistics, err));
    TRY(command_arrange(command, &answer, err));
    (void)selection_bounds(&command->selection, command->snapshot, &range);
    drawing->lanes.from_ms = range.from_ms;
    drawing->lanes.until_ms = range.until_ms;
    set_title(drawing, what, slice_of_text(""), &range);
    TRY(add_lanes(drawing, &spec, &answer, err));
    make_lane_axis(drawing, &range);
    return STATUS_OK;
}

static enum status draw_online(struct drawing *drawing, struct error *err)
{
    TRY(picture_refuse_groups(drawing->command->options, "svg", err));
    return draw_lanes(drawing, "Online and offline", online_query, err);
}

static enum status draw_sessions(struct drawing *drawing, struct error *err)
{
    return draw_lanes(drawing, "Sessions", sessions_query, err);
}

/* --- the commands -------------------------------------------------------------------------- */

static enum status check_options(const struct options *options, struct error *err)
{
    static const char *const apart[] = {"plot", "spark", "bars", "format", "no-header"};
    const char *path = options_text(options, "svg");
    if (!path || path[0] == '\0')
        return error_set(err, STATUS_INPUT, "--svg: give a file, or - for standard output");
    for (size_t i = 0; i < COUNT(apart); i++) {
        if (options_given(options, apart[i]))
            return error_set(err, STATUS_INPUT, "--svg draws without --%s: leave one of them out",
                             apart[i]);
    }
    return picture_refuse_figures(options, "svg", err);
}

static enum status run(struct drawing *drawing, const struct options *options,
                       enum status (*draw)(struct drawing *, struct error *), struct error *err)
{
    TRY(command_read_options(drawing->command, options, err));
    TRY(check_options(options, err));
    TRY(draw(drawing, err));
    command_done_reading(drawing->command);
    return write_file(drawing, options_text(options, "svg"), err);
}

static enum exit_code run_command(const struct options *options,
                                  enum status (*draw)(struct drawing *, struct error *))
{
    OWNED(command_end) struct command command = {0};
    OWNED(drawing_release) struct drawing drawing = {.command = &command};
    struct error err = {0};
    const enum status status = run(&drawing, options, draw, &err);
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}

enum exit_code svg_of_stats(const struct options *options)
{
    return run_command(options, draw_stats);
}

enum exit_code svg_of_online(const struct options *options)
{
    return run_command(options, draw_online);
}

enum exit_code svg_of_sessions(const struct options *options)
{
    return run_command(options, draw_sessions);
}
