/*
 * plot_lanes.c - a row a device: when it was online, offline, unknown.
 *
 *      tag-1  ████▅▁▁▁▁███████  93.10%   2   1h 12m
 *
 * A column is a slice of time. Its height is the share of known time that the device was
 * online, and says full only if it was online throughout, empty only if it never was: an
 * outage of a second is seen in a slice of a day.
 */
#include "query/plot/plot_internal.h"

#include "cli/human.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define GAP       2u  /* blanks between columns of text */
#define BAR_LEAST 24u /* a summary leaves the bar at least so many columns */

/* A column of the summary: its heading and its width. */
struct summary_column {
    const char *heading;
    size_t columns;
};

struct lanes_layout {
    const struct plot *plot;
    const struct chart_lanes *lanes;
    enum plot_summary summary;
    struct plot_labels labels;
    size_t label_columns;
    size_t bar_columns;
    size_t summary_count; /* of the columns that have room */
};

static const struct summary_column online_summary[] = {
    {"online", 6}, {"outages", 7}, {"longest", 8}};
static const struct summary_column sessions_summary[] = {
    {"sessions", 8}, {"longest", 8}, {"online", 6}};

#define SUMMARY_COUNT 3u

static const struct summary_column *summary_columns(enum plot_summary summary)
{
    return summary == PLOT_SUMMARY_ONLINE ? online_summary : sessions_summary;
}

/* --- summaries ----------------------------------------------------------------------------- */

/* Rounded down: 100% means always. */
static void format_share(char text[HUMAN_BYTES], int64_t part_ms, int64_t whole_ms)
{
    if (whole_ms <= 0) {
        (void)snprintf(text, HUMAN_BYTES, "-");
        return;
    }
    const u128 scaled = (u128)(uint64_t)part_ms * 10000 / (uint64_t)whole_ms;
    const unsigned share = (unsigned)scaled;
    if (share == 10000)
        (void)snprintf(text, HUMAN_BYTES, "100%%");
    else
        (void)snprintf(text, HUMAN_BYTES, "%u.%02u%%", share / 100, share % 100);
}

static void format_duration(char text[HUMAN_BYTES], int64_t duration_ms)
{
    if (duration_ms > 0)
        (void)human_duration(duration_ms, text);
    else
        (void)snprintf(text, HUMAN_BYTES, "-");
}

static void format_summary(const struct lanes_layout *layout, const struct chart_lane *lane,
                           size_t i, char text[HUMAN_BYTES])
{
    const char *heading = summary_columns(layout->summary)[i].heading;
    const bool online = layout->summary == PLOT_SUMMARY_ONLINE;
    if (strcmp(heading, "online") == 0)
        format_share(text, lane->total.online_ms, lane->total.online_ms + lane->total.offline_ms);
    else if (strcmp(heading, "outages") == 0)
        (void)human_count(lane->outages, text);
    else if (strcmp(heading, "sessions") == 0)
        (void)human_count(lane->total.sessions, text);
    else
        format_duration(text, online ? lane->longest_outage_ms : lane->total.longest_ms);
}

static enum status put_summary(const struct lanes_layout *layout, const struct chart_lane *lane)
{
    const struct plot *plot = layout->plot;
    const struct summary_column *columns = summary_columns(layout->summary);
    for (size_t i = 0; i < layout->summary_count; i++) {
        char text[HUMAN_BYTES];
        if (lane)
            format_summary(layout, lane, i, text);
        else
            (void)snprintf(text, sizeof text, "%s", columns[i].heading);
        TRY(screen_put_blanks(plot->out, GAP));
        TRY(screen_put_fitted(plot->screen, plot->out, slice_of_text(text), columns[i].columns,
                              SCREEN_RIGHT));
    }
    return STATUS_OK;
}

/* --- bars ---------------------------------------------------------------------------------- */

struct lane_cell {
    const char *text;
    enum screen_colour colour;
};

static struct lane_cell cell_of(const struct plot *plot, const int64_t held_ms[CHART_STATES])
{
    static const char *const heights[] = {"▂", "▃", "▄", "▅", "▆", "▇"};
    const int64_t online_ms = held_ms[TIMELINE_ONLINE];
    const int64_t offline_ms = held_ms[TIMELINE_OFFLINE];
    if (online_ms == 0 && offline_ms == 0)
        return (struct lane_cell){plot_mark(plot, "·", "."), SCREEN_FAINT};
    if (offline_ms == 0)
        return (struct lane_cell){plot_mark(plot, "█", "#"), SCREEN_GREEN};
    if (online_ms == 0)
        return (struct lane_cell){plot_mark(plot, "▁", "_"), SCREEN_RED};
    const size_t count = sizeof heights / sizeof *heights;
    const double share = (double)online_ms / (double)(online_ms + offline_ms);
    size_t height = (size_t)(share * (double)count);
    if (height >= count)
        height = count - 1;
    const char *ascii = 2 * height >= count ? "+" : "-";
    return (struct lane_cell){plot_mark(plot, heights[height], ascii), SCREEN_YELLOW};
}

/* The instant at which a column of the bar begins. */
static int64_t column_start_ms(const struct lanes_layout *layout, size_t column)
{
    const struct chart_lanes *lanes = layout->lanes;
    const u128 span_ms = (u128)(uint64_t)(lanes->until_ms - lanes->from_ms);
    return lanes->from_ms + (int64_t)(uint64_t)(span_ms * column / layout->bar_columns);
}

static enum status put_bar(const struct lanes_layout *layout, const struct chart_lane *lane)
{
    const struct plot *plot = layout->plot;
    enum screen_colour before = SCREEN_PLAIN;
    for (size_t column = 0; column < layout->bar_columns; column++) {
        int64_t held_ms[CHART_STATES];
        const int64_t from_ms = column_start_ms(layout, column);
        const int64_t until_ms = column_start_ms(layout, column + 1);
        chart_lane_shares(lane, from_ms, until_ms > from_ms ? until_ms : from_ms + 1, held_ms);
        const struct lane_cell cell = cell_of(plot, held_ms);
        if (cell.colour != before && before != SCREEN_PLAIN)
            TRY(screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN));
        if (cell.colour != before)
            TRY(screen_put_colour(plot->screen, plot->out, cell.colour));
        before = cell.colour;
        TRY(plot_put(plot, cell.text));
    }
    return screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN);
}

/* --- the picture --------------------------------------------------------------------------- */

static void share_columns(struct lanes_layout *layout)
{
    layout->bar_columns = layout->plot->screen->columns - layout->label_columns - GAP;
    for (size_t i = 0; i < SUMMARY_COUNT; i++) {
        const size_t wanted = summary_columns(layout->summary)[i].columns + GAP;
        if (layout->bar_columns < BAR_LEAST + wanted)
            break;
        layout->bar_columns -= wanted;
        layout->summary_count++;
    }
}

static enum status lay_out(struct lanes_layout *layout)
{
    const struct chart_lanes *lanes = layout->lanes;
    size_t widest = strlen("device");
    plot_labels_begin(&layout->labels);
    for (size_t i = 0; i < lanes->count; i++)
        plot_labels_see(&layout->labels, lanes->lanes[i].label);
    for (size_t i = 0; i < lanes->count; i++)
        TRY(plot_labels_measure(layout->plot, &layout->labels, lanes->lanes[i].label, &widest));
    layout->label_columns = plot_label_columns(layout->plot, widest);
    share_columns(layout);
    return STATUS_OK;
}

/* "20 devices of a1Library01, 2016-11-10 17:00 to 2016-11-11 20:00 (UTC)" */
static enum status put_title(const struct lanes_layout *layout)
{
    const struct chart_lanes *lanes = layout->lanes;
    const struct slice common = layout->labels.common;
    OWNED(buffer_release) struct buffer text = {0};
    char count[HUMAN_BYTES];
    char total[HUMAN_BYTES];
    char rest[PLOT_TEXT_BYTES];
    const size_t all = lanes->count + lanes->hidden;
    (void)snprintf(rest, sizeof rest, "%s%s%s device%s",
                   lanes->hidden > 0 ? human_count(lanes->count, count) : "",
                   lanes->hidden > 0 ? " of " : "", human_count(all, total), all == 1 ? "" : "s");
    TRY(buffer_append(&text, rest, strlen(rest)));
    if (common.len > 0) {
        TRY(buffer_append(&text, lanes->hidden > 0 ? " in " : " of ", strlen(" of ")));
        TRY(buffer_append(&text, common.data, common.len - 1));
    }
    TRY(buffer_append(&text, ", ", 2));
    (void)chart_range_format(layout->plot->zone, lanes->from_ms, lanes->until_ms, rest);
    TRY(buffer_append(&text, rest, strlen(rest)));
    TRY(plot_line(layout->plot, SCREEN_BOLD, buffer_slice(&text)));
    return plot_put(layout->plot, "\n");
}

static enum status put_heading(const struct lanes_layout *layout)
{
    const struct plot *plot = layout->plot;
    TRY(screen_put_colour(plot->screen, plot->out, SCREEN_FAINT));
    TRY(screen_put_fitted(plot->screen, plot->out, slice_of_text("device"), layout->label_columns,
                          layout->summary_count > 0 ? SCREEN_LEFT : SCREEN_LEFT_RAGGED));
    if (layout->summary_count > 0)
        TRY(screen_put_blanks(plot->out, GAP + layout->bar_columns));
    TRY(put_summary(layout, NULL));
    TRY(screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN));
    return plot_put(plot, "\n");
}

static enum status put_legend(const struct lanes_layout *layout)
{
    const struct plot *plot = layout->plot;
    assert(layout->bar_columns > 0);
    char slice[HUMAN_BYTES];
    char text[PLOT_TEXT_BYTES];
    const int64_t slice_ms =
        (layout->lanes->until_ms - layout->lanes->from_ms) / (int64_t)layout->bar_columns;
    (void)snprintf(text, sizeof text, "%s online  %s partly  %s offline  %s unknown  column: %s",
                   plot_mark(plot, "█", "#"), plot_mark(plot, "▂▅▇", "- +"),
                   plot_mark(plot, "▁", "_"), plot_mark(plot, "·", "."),
                   human_duration(slice_ms > 0 ? slice_ms : 1, slice));
    return plot_line(plot, SCREEN_FAINT, slice_of_text(text));
}

enum status plot_lanes(const struct plot *plot, const struct chart_lanes *lanes,
                       enum plot_summary summary)
{
    assert(lanes->from_ms < lanes->until_ms && plot->screen->columns >= SCREEN_COLUMNS_MIN);
    struct lanes_layout layout = {.plot = plot, .lanes = lanes, .summary = summary};
    TRY(lay_out(&layout));
    TRY(put_title(&layout));
    TRY(put_heading(&layout));
    for (size_t i = 0; i < lanes->count; i++) {
        const struct chart_lane *lane = &lanes->lanes[i];
        TRY(screen_put_fitted(plot->screen, plot->out,
                              plot_labels_rest(&layout.labels, lane->label), layout.label_columns,
                              SCREEN_LEFT));
        TRY(screen_put_blanks(plot->out, GAP));
        TRY(put_bar(&layout, lane));
        TRY(put_summary(&layout, lane));
        TRY(plot_put(plot, "\n"));
    }
    const struct plot_axis axis = {lanes->from_ms, lanes->until_ms, layout.label_columns + GAP,
                                   layout.bar_columns};
    TRY(plot_time_axis(plot, &axis));
    return put_legend(&layout);
}
