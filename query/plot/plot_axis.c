/*
 * plot_axis.c - axes below pictures, and lines of text around them.
 *
 *      └┬─────────┬─────────┬────        ticks
 *       16 May    06:00     12:00        labels, around their tick where there is room
 *
 * A label that would touch the one before it is left out; its tick stays.
 */
#include "query/plot/plot_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define TICK_COLUMNS  10u /* an axis has no more ticks than one in so many columns */
#define LABEL_SHARE   4u  /* labels left of a picture take at most this part of the screen */
#define LABEL_LEAST   8u  /* or this, if that is more */
#define LABEL_COLUMNS 40u

enum status plot_put(const struct plot *plot, const char *text)
{
    return buffer_append(plot->out, text, strlen(text));
}

const char *plot_mark(const struct plot *plot, const char *utf8, const char *ascii)
{
    return plot->screen->utf8 ? utf8 : ascii;
}

enum status plot_line(const struct plot *plot, enum screen_colour colour, struct slice text)
{
    if (colour != SCREEN_PLAIN)
        TRY(screen_put_colour(plot->screen, plot->out, colour));
    TRY(screen_put_fitted(plot->screen, plot->out, text, plot->screen->columns,
                          SCREEN_LEFT_RAGGED));
    if (colour != SCREEN_PLAIN)
        TRY(screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN));
    return plot_put(plot, "\n");
}

size_t plot_label_columns(const struct plot *plot, size_t widest)
{
    size_t most = plot->screen->columns / LABEL_SHARE;
    if (most < LABEL_LEAST)
        most = LABEL_LEAST;
    if (most > LABEL_COLUMNS)
        most = LABEL_COLUMNS;
    return widest < most ? widest : most;
}

void plot_labels_begin(struct plot_labels *labels)
{
    *labels = (struct plot_labels){.first = true};
}

void plot_labels_see(struct plot_labels *labels, struct slice label)
{
    const uint8_t *slash = label.len > 0 ? memchr(label.data, '/', label.len) : NULL;
    const struct slice head = slice_of(label.data, slash ? (size_t)(slash - label.data) + 1 : 0);
    if (labels->first)
        labels->common = head;
    else if (!slice_equal(labels->common, head))
        labels->common = (struct slice){0};
    labels->first = false;
}

struct slice plot_labels_rest(const struct plot_labels *labels, struct slice label)
{
    return slice_of(label.data + labels->common.len, label.len - labels->common.len);
}

enum status plot_labels_measure(const struct plot *plot, const struct plot_labels *labels,
                                struct slice label, size_t *widest)
{
    OWNED(buffer_release) struct buffer text = {0};
    TRY(screen_put_text(plot->screen, &text, plot_labels_rest(labels, label)));
    const size_t columns = screen_text_width(buffer_slice(&text));
    *widest = columns > *widest ? columns : *widest;
    return STATUS_OK;
}

size_t plot_place_of(int64_t from_ms, int64_t until_ms, int64_t at_ms, size_t count)
{
    assert(from_ms < until_ms);
    if (at_ms <= from_ms)
        return 0;
    if (at_ms >= until_ms)
        return count;
    const u128 product = (u128)(uint64_t)(at_ms - from_ms) * count;
    return (size_t)(product / (uint64_t)(until_ms - from_ms));
}

/* Two rows while they are made: marks of ticks, and their labels (ASCII). */
struct axis_rows {
    bool *ticks;  /* owned */
    char *labels; /* owned */
    size_t columns;
    size_t label_end; /* labels may begin here */
};

static void axis_rows_release(struct axis_rows *rows)
{
    mem_free(rows->ticks);
    mem_free(rows->labels);
}

static enum status axis_rows_init(struct axis_rows *rows, size_t columns)
{
    *rows = (struct axis_rows){.ticks = mem_alloc_zeroed(columns, sizeof *rows->ticks),
                               .labels = mem_alloc(columns, 1),
                               .columns = columns};
    if (!rows->ticks || !rows->labels)
        return STATUS_NOMEM;
    memset(rows->labels, ' ', columns);
    return STATUS_OK;
}

static void add_tick(struct axis_rows *rows, size_t column, const char *text)
{
    const size_t len = strlen(text);
    rows->ticks[column] = true;
    size_t start = column >= len / 2 ? column - len / 2 : 0;
    if (start + len > rows->columns)
        start = len <= rows->columns ? rows->columns - len : 0;
    if (start < rows->label_end || start + len > rows->columns)
        return;
    memcpy(rows->labels + start, text, len);
    rows->label_end = start + len + 1;
}

static enum status put_axis_rows(const struct plot *plot, const struct axis_rows *rows, size_t left)
{
    TRY(screen_put_colour(plot->screen, plot->out, SCREEN_FAINT));
    TRY(screen_put_blanks(plot->out, left - 1));
    TRY(plot_put(plot, plot_mark(plot, "└", "+")));
    for (size_t i = 0; i < rows->columns; i++)
        TRY(plot_put(plot, rows->ticks[i] ? plot_mark(plot, "┬", "+") : plot_mark(plot, "─", "-")));
    TRY(screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN));
    TRY(plot_put(plot, "\n"));
    size_t used = rows->columns;
    while (used > 0 && rows->labels[used - 1] == ' ')
        used--;
    TRY(screen_put_blanks(plot->out, left));
    TRY(buffer_append(plot->out, rows->labels, used));
    return plot_put(plot, "\n");
}

enum status plot_time_axis(const struct plot *plot, const struct plot_axis *axis)
{
    assert(axis->left > 0 && axis->columns > 0);
    OWNED(axis_rows_release) struct axis_rows rows = {0};
    TRY(axis_rows_init(&rows, axis->columns));
    struct chart_tick ticks[CHART_TICKS_MAX];
    size_t most = axis->columns / TICK_COLUMNS;
    most = most < 1 ? 1 : most > CHART_TICKS_MAX ? CHART_TICKS_MAX : most;
    const size_t count = chart_time_ticks(plot->zone, axis->from_ms, axis->until_ms, most, ticks);
    for (size_t i = 0; i < count; i++)
        add_tick(&rows,
                 plot_place_of(axis->from_ms, axis->until_ms, ticks[i].time_ms, axis->columns),
                 ticks[i].text);
    return put_axis_rows(plot, &rows, axis->left);
}

enum status plot_value_axis(const struct plot *plot, const struct chart_value_scale *scale,
                            size_t left, size_t columns)
{
    OWNED(axis_rows_release) struct axis_rows rows = {0};
    TRY(axis_rows_init(&rows, columns));
    for (size_t i = 0; i < scale->tick_count; i++) {
        char text[CHART_TEXT_BYTES];
        const double tick = chart_value_tick(scale, i);
        const double place = chart_value_share(scale, tick) * (double)(columns - 1);
        add_tick(&rows, (size_t)lround(place), chart_value_format(scale, tick, text));
    }
    return put_axis_rows(plot, &rows, left);
}
