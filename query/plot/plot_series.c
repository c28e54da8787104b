/*
 * plot_series.c - one series over time, as a line with a band or as columns from zero.
 *
 * (1) A bucket covers the dots of its span of time; its value stands at their middle. Lines
 *     go from middle to middle, and to the bucket's own ends where a run begins or
 *     ends: what is empty is exactly the buckets without values.
 * (2) Where there are more buckets than dots, all lines of a dot's span are drawn: the dot's
 *     column shows everything between its least and greatest value.
 */
#include "query/plot/plot_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_A_TICK 2u /* a tick of the value axis needs so many rows */

/* What is drawn, and on what. */
struct picture {
    const struct plot *plot;
    const struct chart_series *series;
    const struct plot_frame *frame;
    size_t rows; /* of the frame, less what would part its ticks unevenly */
    struct chart_value_scale scale;
    size_t left;    /* columns before the picture, the axis included */
    size_t columns; /* of the picture */
};

/* --- title and last line ------------------------------------------------------------------- */

static enum status put_title(const struct plot *plot, const struct chart_series *series,
                             const struct plot_frame *frame)
{
    const struct chart_measure *measure = &series->measure;
    OWNED(buffer_release) struct buffer text = {0};
    char rest[PLOT_TEXT_BYTES];
    if (series->label.len > 0) {
        TRY(buffer_append(&text, series->label.data, series->label.len));
        TRY(buffer_append(&text, ": ", 2));
    }
    TRY(buffer_append(&text, measure->metric.data, measure->metric.len));
    (void)snprintf(rest, sizeof rest, ", %.*s per %s%s%s%s", (int)measure->name.len,
                   (const char *)measure->name.data, frame->every,
                   measure->unit[0] != '\0' ? " (" : "", measure->unit,
                   measure->unit[0] != '\0' ? ")" : "");
    TRY(buffer_append(&text, rest, strlen(rest)));
    if (measure->low.len > 0) {
        (void)snprintf(rest, sizeof rest, ", %s %.*s to %.*s",
                       frame->kind == PLOT_BARS ? "dashed" : "band", (int)measure->low.len,
                       (const char *)measure->low.data, (int)measure->high.len,
                       (const char *)measure->high.data);
        TRY(buffer_append(&text, rest, strlen(rest)));
    }
    return plot_line(plot, SCREEN_BOLD, buffer_slice(&text));
}

/* The points with the least and greatest of what is drawn. */
struct extremes {
    const struct chart_point *low, *high;
    size_t count; /* buckets with a value */
    size_t gaps;  /* holes between them */
};

static double low_of(const struct chart_point *point)
{
    return point->at.has_band ? fmin(point->at.low, point->at.value) : point->at.value;
}

static double high_of(const struct chart_point *point)
{
    return point->at.has_band ? fmax(point->at.high, point->at.value) : point->at.value;
}

static struct extremes find_extremes(const struct chart_series *series)
{
    struct extremes found = {0};
    const struct chart_point *before = NULL;
    for (size_t i = 0; i < series->point_count; i++) {
        const struct chart_point *point = &series->points[i];
        if (!point->at.has_value)
            continue;
        found.count++;
        found.gaps += before && before->until_ms != point->from_ms;
        before = point;
        if (!found.low || low_of(point) < low_of(found.low))
            found.low = point;
        if (!found.high || high_of(point) > high_of(found.high))
            found.high = point;
    }
    return found;
}

static void format_when(const struct civil_zone *zone, int64_t time_ms, char text[32])
{
    struct civil_time time = {0};
    civil_zone_from_utc_ms(zone, time_ms, &time);
    const int len = snprintf(text, 32, "%04d-%02u-%02u", (int)time.year, (unsigned)time.month,
                             (unsigned)time.day);
    const bool seconds = time.second > 0;
    if (seconds)
        (void)snprintf(text + len, 32 - (size_t)len, " %02u:%02u:%02u", (unsigned)time.hour,
                       (unsigned)time.minute, (unsigned)time.second);
    else if (time.hour > 0 || time.minute > 0)
        (void)snprintf(text + len, 32 - (size_t)len, " %02u:%02u", (unsigned)time.hour,
                       (unsigned)time.minute);
}

/* When is left out where it has no room. */
static enum status put_reading(const struct picture *picture)
{
    const struct extremes found = find_extremes(picture->series);
    if (!found.low || !found.high)
        return STATUS_OK; // nothing was drawn, so there is nothing to read
    char low[CHART_TEXT_BYTES];
    char high[CHART_TEXT_BYTES];
    char low_when[32];
    char high_when[32];
    char gaps[96] = "";
    char text[PLOT_TEXT_BYTES];
    (void)chart_number_format(low_of(found.low), low);
    (void)chart_number_format(high_of(found.high), high);
    format_when(picture->plot->zone, found.low->from_ms, low_when);
    format_when(picture->plot->zone, found.high->from_ms, high_when);
    if (found.gaps > 0)
        (void)snprintf(gaps, sizeof gaps, "; %zu gap%s", found.gaps, found.gaps == 1 ? "" : "s");
    const double step = picture->scale.step;
    const bool cut = low_of(found.low) < picture->scale.low - step / 2 ||
                     high_of(found.high) > picture->scale.high + step / 2;
    if (cut)
        (void)snprintf(gaps + strlen(gaps), sizeof gaps - strlen(gaps), "; outliers cut off");
    const int left = (int)picture->left;
    const int len = snprintf(text, sizeof text, "%*slow %s (%s), high %s (%s)%s", left, "", low,
                             low_when, high, high_when, gaps);
    if (low_of(found.low) == high_of(found.high))
        (void)snprintf(text, sizeof text, "%*sall %s%s", left, "", low, gaps);
    else if ((size_t)len > picture->plot->screen->columns)
        (void)snprintf(text, sizeof text, "%*s%s to %s%s", left, "", low, high, gaps);
    return plot_line(picture->plot, SCREEN_FAINT, slice_of_text(text));
}

/* --- rows ---------------------------------------------------------------------------------- */

/* The tick that belongs beside a row, if any: its place among the ticks. */
static size_t tick_of_row(const struct picture *picture, size_t row, bool *found)
{
    *found = false;
    for (size_t i = 0; i < picture->scale.tick_count; i++) {
        const double share =
            chart_value_share(&picture->scale, chart_value_tick(&picture->scale, i));
        const long at = lround((1 - share) * (double)(picture->rows - 1));
        if ((size_t)at == row) {
            *found = true;
            return i;
        }
    }
    return 0;
}

static enum status put_row_label(const struct picture *picture, size_t row)
{
    const struct plot *plot = picture->plot;
    bool found = false;
    const size_t tick = tick_of_row(picture, row, &found);
    char text[CHART_TEXT_BYTES] = "";
    if (found)
        (void)chart_value_format(&picture->scale, chart_value_tick(&picture->scale, tick), text);
    TRY(screen_put_fitted(plot->screen, plot->out, slice_of_text(text), picture->left - 2,
                          SCREEN_RIGHT));
    TRY(screen_put_colour(plot->screen, plot->out, SCREEN_FAINT));
    TRY(plot_put(plot, " "));
    TRY(plot_put(plot, found ? plot_mark(plot, "┤", "+") : plot_mark(plot, "│", "|")));
    return screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN);
}

/* --- lines --------------------------------------------------------------------------------- */

struct place {
    size_t first, middle, last; /* columns of dots */
    size_t y;
};

static size_t row_of(const struct picture *picture, const struct plot_canvas *canvas, double value)
{
    const double share = chart_value_share(&picture->scale, value);
    return (size_t)lround((1 - share) * (double)(canvas->dots_y - 1));
}

static struct place place_of(const struct picture *picture, const struct plot_canvas *canvas,
                             const struct chart_point *point)
{
    const struct plot_frame *frame = picture->frame;
    struct place place = {0};
    place.first = plot_place_of(frame->from_ms, frame->until_ms, point->from_ms, canvas->dots_x);
    place.last = plot_place_of(frame->from_ms, frame->until_ms, point->until_ms, canvas->dots_x);
    if (place.last > place.first)
        place.last--;
    if (place.last >= canvas->dots_x)
        place.last = canvas->dots_x - 1;
    if (place.first > place.last)
        place.first = place.last;
    place.middle = place.first + (place.last - place.first) / 2;
    place.y = row_of(picture, canvas, point->at.value);
    return place;
}

static void draw_band(const struct picture *picture, struct plot_canvas *canvas,
                      const struct chart_point *point)
{
    const struct place place = place_of(picture, canvas, point);
    const size_t top = row_of(picture, canvas, fmax(point->at.low, point->at.high));
    const size_t bottom = row_of(picture, canvas, fmin(point->at.low, point->at.high));
    for (size_t x = place.first; x <= place.last; x++)
        plot_canvas_band(canvas, x, top, bottom);
}

static void draw_lines(const struct picture *picture, struct plot_canvas *canvas)
{
    const struct chart_series *series = picture->series;
    for (size_t i = 0; i < series->point_count; i++) {
        const struct chart_point *point = &series->points[i];
        if (point->at.has_band)
            draw_band(picture, canvas, point);
        if (!point->at.has_value)
            continue;
        const struct place at = place_of(picture, canvas, point);
        const bool joined = i > 0 && chart_points_join(point - 1, point);
        const bool joins = i + 1 < series->point_count && chart_points_join(point, point + 1);
        if (joined) {
            const struct place before = place_of(picture, canvas, point - 1);
            plot_canvas_line(canvas, before.middle, before.y, at.middle, at.y);
        } else {
            plot_canvas_line(canvas, at.first, at.y, at.middle, at.y);
        }
        if (!joins)
            plot_canvas_line(canvas, at.middle, at.y, at.last, at.y);
    }
}

static enum status put_lines(const struct picture *picture)
{
    const struct plot *plot = picture->plot;
    OWNED(plot_canvas_release) struct plot_canvas canvas = {0};
    TRY(plot_canvas_init(&canvas, plot->screen->utf8, picture->columns, picture->rows));
    draw_lines(picture, &canvas);
    for (size_t row = 0; row < canvas.rows; row++) {
        TRY(put_row_label(picture, row));
        TRY(plot_canvas_put_row(plot, &canvas, row));
        TRY(plot_put(plot, "\n"));
    }
    return STATUS_OK;
}

/* --- columns from zero --------------------------------------------------------------------- */

/* What a column of text shows: the mean of the buckets in it, and how far they reach. */
struct slot {
    double sum, low, high;
    size_t count;
    bool last; /* of a bucket that is several columns wide: left empty, to part it from the next */
};

#define COLUMNS_TO_PART 4u /* a bucket this wide is parted from the next */

static void add_to_slot(struct slot *slot, const struct chart_point *point, bool last)
{
    slot->low = slot->count > 0 ? fmin(slot->low, low_of(point)) : low_of(point);
    slot->high = slot->count > 0 ? fmax(slot->high, high_of(point)) : high_of(point);
    slot->sum += point->at.value;
    slot->last = last;
    slot->count++;
}

static void fill_slots(const struct picture *picture, struct slot *slots)
{
    const struct plot_frame *frame = picture->frame;
    for (size_t i = 0; i < picture->series->point_count; i++) {
        const struct chart_point *point = &picture->series->points[i];
        const size_t first =
            plot_place_of(frame->from_ms, frame->until_ms, point->from_ms, picture->columns);
        size_t until =
            plot_place_of(frame->from_ms, frame->until_ms, point->until_ms, picture->columns);
        if (until == first)
            until++;
        const bool parted = until - first >= COLUMNS_TO_PART;
        for (size_t at = first; point->at.has_value && at < until && at < picture->columns; at++)
            add_to_slot(&slots[at], point, parted && at + 1 == until);
    }
}

/* Rows above the bottom of the picture: a tick is the lower edge of the row that names it. */
static double height_of(const struct picture *picture, double value)
{
    return chart_value_share(&picture->scale, value) * (double)(picture->rows - 1);
}

struct block {
    const char *text;
    enum screen_colour colour;
};

static const struct block blank = {" ", SCREEN_PLAIN};

static struct block whisker(const struct plot *plot)
{
    return (struct block){plot_mark(plot, "╎", ":"), SCREEN_BLUE};
}

/* The cell `row` above the bottom of a bar that stands on the row `zero`. */
static struct block standing_block(const struct picture *picture, const struct slot *slot,
                                   size_t row, size_t zero)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const struct plot *plot = picture->plot;
    const double value = slot->sum / (double)slot->count;
    if (row < zero)
        return blank;
    const double inside = height_of(picture, value) - (double)row;
    long eighths = lround(fmin(fmax(inside, 0), 1) * 8);
    if (eighths == 0 && row == zero && value > 0)
        eighths = 1; // little is not nothing
    const char *ascii = eighths >= 4 || row == zero ? "#" : " ";
    if (eighths > 0)
        return (struct block){plot_mark(plot, blocks[eighths], ascii), SCREEN_CYAN};
    return height_of(picture, slot->high) > (double)row + 0.5 ? whisker(plot) : blank;
}

/* The same of a bar that hangs below zero: blocks that fill from the top are whole or half. */
static struct block hanging_block(const struct picture *picture, const struct slot *slot,
                                  size_t row, size_t zero)
{
    const struct plot *plot = picture->plot;
    if (row >= zero)
        return blank;
    const double height = height_of(picture, slot->sum / (double)slot->count);
    const double inside = fmin(fmax((double)row + 1 - height, 0), 1);
    if (inside >= 0.75 || (inside >= 0.25 && !plot->screen->utf8))
        return (struct block){plot_mark(plot, "█", "#"), SCREEN_CYAN};
    if (inside >= 0.25)
        return (struct block){"▀", SCREEN_CYAN};
    return height_of(picture, slot->low) < (double)row + 0.5 ? whisker(plot) : blank;
}

static struct block block_of(const struct picture *picture, const struct slot *slot, size_t row,
                             size_t zero)
{
    if (slot->count == 0 || slot->last)
        return blank;
    return slot->sum >= 0 ? standing_block(picture, slot, row, zero)
                          : hanging_block(picture, slot, row, zero);
}

/* Blanks are kept back until something follows them. */
static enum status put_block_row(const struct picture *picture, const struct slot *slots,
                                 size_t row)
{
    const struct plot *plot = picture->plot;
    const size_t zero = (size_t)lround(height_of(picture, 0));
    enum screen_colour before = SCREEN_PLAIN;
    size_t blanks = 0;
    for (size_t column = 0; column < picture->columns; column++) {
        const struct block block = block_of(picture, &slots[column], row, zero);
        if (block.text[0] == ' ') {
            blanks++;
            continue;
        }
        TRY(screen_put_blanks(plot->out, blanks));
        blanks = 0;
        if (block.colour != before)
            TRY(screen_put_colour(plot->screen, plot->out, block.colour));
        before = block.colour;
        TRY(plot_put(plot, block.text));
    }
    return before == SCREEN_PLAIN ? STATUS_OK
                                  : screen_put_colour(plot->screen, plot->out, SCREEN_PLAIN);
}

static enum status put_columns(const struct picture *picture)
{
    OWNED(mem_free_owned)
    struct slot *slots = mem_alloc_zeroed(picture->columns, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    fill_slots(picture, slots);
    for (size_t row = 0; row < picture->rows; row++) {
        TRY(put_row_label(picture, row));
        TRY(put_block_row(picture, slots, picture->rows - 1 - row));
        TRY(plot_put(picture->plot, "\n"));
    }
    return STATUS_OK;
}

/* --- the picture --------------------------------------------------------------------------- */

static size_t value_label_columns(const struct chart_value_scale *scale)
{
    size_t widest = 0;
    for (size_t i = 0; i < scale->tick_count; i++) {
        char text[CHART_TEXT_BYTES];
        const size_t len = strlen(chart_value_format(scale, chart_value_tick(scale, i), text));
        widest = len > widest ? len : widest;
    }
    return widest;
}

enum status plot_series(const struct plot *plot, const struct chart_series *series,
                        const struct plot_frame *frame)
{
    assert(frame->from_ms < frame->until_ms && frame->rows >= 3);
    double low = 0;
    double high = 0;
    TRY(put_title(plot, series, frame));
    if (!chart_points_extent(series->points, series->point_count, &low, &high))
        return plot_line(plot, SCREEN_FAINT, slice_of_text("  no values in this range"));
    if (frame->kind == PLOT_LINE)
        TRY(chart_points_typical(series->points, series->point_count, &low, &high));
    struct picture picture = {.plot = plot,
                              .series = series,
                              .frame = frame,
                              .scale =
                                  chart_value_scale_make(low, high, frame->rows / ROWS_A_TICK + 1,
                                                         frame->kind == PLOT_BARS)};
    const size_t intervals = picture.scale.tick_count - 1;
    picture.rows = (frame->rows - 1) / intervals * intervals + 1;
    picture.left = value_label_columns(&picture.scale) + 2;
    if (picture.left > plot->screen->columns / 2)
        picture.left = plot->screen->columns / 2;
    picture.columns = plot->screen->columns - picture.left;
    TRY(frame->kind == PLOT_BARS ? put_columns(&picture) : put_lines(&picture));
    const struct plot_axis axis = {frame->from_ms, frame->until_ms, picture.left, picture.columns};
    TRY(plot_time_axis(plot, &axis));
    return put_reading(&picture);
}
