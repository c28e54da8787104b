/*
 * watch.c - see watch.h.
 *
 *      head      store, time
 *      figures   messages, rate with its course, devices by state, queues
 *      lists     devices seen last (two thirds of what is left at most), status events
 *      foot      keys
 *
 * A line is put together piece by piece; each piece is cut to the columns that are left, but
 * figures, which would be wrong then, are left out. Lines beyond the last row are dropped.
 */
#include "query/watch/watch.h"

#include "cli/human.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES    192u
#define DEVICE_WIDTH  28u
#define TIME_WIDTH    19u /* to the second; the zone is the head's */
#define CLOCK_WIDTH   8u
#define STATE_WIDTH   7u
#define VALUE_WIDTH   11u
#define NARROW        60u /* columns: below, times are shown without their date */
#define LOW           16u /* rows: below, there are no empty lines */
#define LAST_FIXED    4u  /* columns of `last` before its metrics */
#define LISTS_LEAST   4u  /* rows that queues leave to the lists */
#define NARROW_NAME   18u /* columns of a name, before there is room for a value */
#define FIGURES_WIDTH 10u
#define METRICS_MAX   64u /* columns of values, whatever the width */

struct composer {
    const struct watch_view *view;
    const struct screen *screen;
    struct buffer *out;
    size_t columns_left;
    size_t rows_left;
    size_t metrics[METRICS_MAX]; /* columns of `last`, in the order in which they are shown */
    size_t metric_count;
};

/* --- pieces -------------------------------------------------------------------------------- */

static enum status end_line(struct composer *composer)
{
    struct buffer *out = composer->out;
    composer->columns_left = composer->screen->columns;
    if (composer->rows_left == 0)
        return STATUS_OK;
    composer->rows_left--;
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        out->len--;
    return buffer_append(out, "\n", 1);
}

/* Puts a text in `width` columns, or as it is (0), and one blank behind it if there is room. */
static enum status put(struct composer *composer, enum screen_colour colour, struct slice text,
                       size_t width, enum screen_align align)
{
    const size_t left = composer->columns_left;
    if (left == 0 || composer->rows_left == 0 || (width == 0 && text.len == 0))
        return STATUS_OK;
    const size_t room = width > 0 && width < left ? width : left;
    if (colour != SCREEN_PLAIN)
        TRY(screen_put_colour(composer->screen, composer->out, colour));
    const size_t start = composer->out->len;
    TRY(screen_put_fitted(composer->screen, composer->out, text, room,
                          width > 0 ? align : SCREEN_LEFT_RAGGED));
    const struct slice shown = slice_of(composer->out->data + start, composer->out->len - start);
    composer->columns_left -= screen_text_width(shown);
    if (colour != SCREEN_PLAIN)
        TRY(screen_put_colour(composer->screen, composer->out, SCREEN_PLAIN));
    if (composer->columns_left == 0)
        return STATUS_OK;
    composer->columns_left--;
    return buffer_append(composer->out, " ", 1);
}

static enum status put_text(struct composer *composer, enum screen_colour colour, const char *text)
{
    return put(composer, colour, slice_of_text(text), 0, SCREEN_LEFT);
}

static enum status put_format(struct composer *composer, enum screen_colour colour,
                              const char *format, ...) PRINTF_LIKE(3, 4);

static enum status put_format(struct composer *composer, enum screen_colour colour,
                              const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return put_text(composer, colour, text);
}

static enum status put_count(struct composer *composer, enum screen_colour colour, uint64_t count,
                             const char *what)
{
    char human[HUMAN_BYTES];
    (void)human_count(count, human);
    if (strlen(human) + 1 + strlen(what) > composer->columns_left)
        return STATUS_OK;
    return put_format(composer, colour, "%s %s", human, what);
}

static enum status put_label(struct composer *composer, const char *label)
{
    return put(composer, SCREEN_FAINT, slice_of_text(label), FIGURES_WIDTH - 1, SCREEN_LEFT);
}

static enum status blank_line(struct composer *composer)
{
    return composer->screen->rows < LOW ? STATUS_OK : end_line(composer);
}

static enum status put_time(struct composer *composer, int64_t time_ms)
{
    char text[CIVIL_RFC3339_BYTES];
    size_t len = civil_format_rfc3339(composer->view->zone, time_ms, text);
    const size_t date_len = sizeof "2018-05-16T" - 1;
    char *letter = memchr(text, 'T', len);
    if (letter)
        *letter = ' ';
    if (len > TIME_WIDTH)
        len = TIME_WIDTH;
    if (composer->screen->columns < NARROW && letter && len >= date_len + CLOCK_WIDTH)
        return put(composer, SCREEN_PLAIN, slice_of(letter + 1, CLOCK_WIDTH), CLOCK_WIDTH,
                   SCREEN_LEFT);
    return put(composer, SCREEN_PLAIN, slice_of(text, len),
               composer->screen->columns < NARROW ? CLOCK_WIDTH : TIME_WIDTH, SCREEN_LEFT);
}

static enum screen_colour colour_of_state(struct slice word)
{
    if (slice_equal(word, slice_of_text("online")))
        return SCREEN_GREEN;
    if (slice_equal(word, slice_of_text("offline")))
        return SCREEN_RED;
    return SCREEN_YELLOW;
}

static enum status put_state(struct composer *composer, struct slice word)
{
    return put(composer, colour_of_state(word), word, STATE_WIDTH, SCREEN_LEFT);
}

/* --- figures ------------------------------------------------------------------------------- */

static enum status head(struct composer *composer)
{
    const struct watch_view *view = composer->view;
    char now[CIVIL_RFC3339_BYTES];
    size_t len = civil_format_rfc3339(view->zone, view->now_ms - view->now_ms % MS_PER_SECOND, now);
    const char *title = view->paused ? "mnsdb watch (paused)" : "mnsdb watch";
    char *fraction = memchr(now, '.', len);
    if (fraction && (size_t)(fraction - now) + 4 <= len) {
        const size_t rest = len - ((size_t)(fraction - now) + 4);
        memmove(fraction, fraction + 4, rest);
        len -= 4;
    }
    TRY(put_text(composer, SCREEN_BOLD, title));
    const size_t left = composer->columns_left;
    if (left > len + 8) {
        TRY(put(composer, SCREEN_PLAIN, slice_of_text(view->store), left - len - 1, SCREEN_LEFT));
        TRY(put(composer, SCREEN_FAINT, slice_of(now, len), 0, SCREEN_LEFT));
    } else {
        TRY(put_text(composer, SCREEN_PLAIN, view->store));
    }
    return end_line(composer);
}

/* The course of the rate: a column a refresh, as high as its share of the highest. */
static enum status put_course(struct composer *composer)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", "-", "-", "=", "+", "*", "#"};
    const struct watch_view *view = composer->view;
    size_t first = 0;
    if (view->rate_count > composer->columns_left)
        first = view->rate_count - composer->columns_left;
    double most = 0;
    for (size_t i = first; i < view->rate_count; i++)
        most = view->rates[i] > most ? view->rates[i] : most;
    char text[WATCH_RATES_MAX * 4] = "";
    size_t len = 0;
    for (size_t i = first; i < view->rate_count; i++) {
        const double share = most > 0 ? view->rates[i] / most : 0;
        const size_t level = (size_t)(share * 7 + 0.5);
        const char *piece = composer->screen->utf8 ? blocks[level] : ascii[level];
        memcpy(text + len, piece, strlen(piece));
        len += strlen(piece);
    }
    return put(composer, SCREEN_CYAN, slice_of(text, len), 0, SCREEN_LEFT);
}

/* A count and by how much it rose since the beginning, if there is room. */
static enum status put_counter(struct composer *composer, enum screen_colour colour, uint64_t now,
                               uint64_t before, const char *what)
{
    char count[HUMAN_BYTES];
    char rise[HUMAN_BYTES];
    const bool rose = composer->view->live && now > before;
    const size_t len = strlen(human_count(now, count)) + 1 + strlen(what);
    const size_t left = composer->columns_left;
    if (!rose || len + 1 + strlen("(+)") + strlen(human_count(now - before, rise)) > left)
        return put_count(composer, colour, now, what);
    return put_format(composer, colour, "%s %s (+%s)", count, what, rise);
}

static enum status message_lines(struct composer *composer)
{
    const struct watch_view *view = composer->view;
    const struct store_counters *now = &view->counters;
    const struct store_counters *before = &view->before;
    const bool duplicates = view->live && now->duplicates > before->duplicates;
    const bool rejects = view->live && now->rejected > before->rejected;
    char human[HUMAN_BYTES];
    TRY(put_label(composer, "Messages"));
    TRY(put_counter(composer, SCREEN_BOLD, now->stored, before->stored, "stored"));
    TRY(put_counter(composer, duplicates ? SCREEN_YELLOW : SCREEN_PLAIN, now->duplicates,
                    before->duplicates, "duplicate"));
    TRY(put_counter(composer, rejects ? SCREEN_RED : SCREEN_PLAIN, now->rejected, before->rejected,
                    "rejected"));
    TRY(end_line(composer));
    if (!view->live)
        return STATUS_OK;
    TRY(put_label(composer, "Rate"));
    if (view->rate_count == 0)
        TRY(put_text(composer, SCREEN_PLAIN, "-"));
    else
        TRY(put(composer, SCREEN_BOLD,
                slice_of_text(human_rate(view->rates[view->rate_count - 1], human)), 10,
                SCREEN_LEFT));
    TRY(put_course(composer));
    return end_line(composer);
}

static enum status device_line(struct composer *composer)
{
    const struct watch_view *view = composer->view;
    const uint64_t *states = view->states;
    TRY(put_label(composer, "Devices"));
    if (composer->screen->columns >= NARROW)
        TRY(put_count(composer, SCREEN_BOLD,
                      states[TIMELINE_ONLINE] + states[TIMELINE_OFFLINE] + states[TIMELINE_UNKNOWN],
                      "in all:"));
    TRY(put_count(composer, SCREEN_GREEN, states[TIMELINE_ONLINE], "online"));
    TRY(put_count(composer, states[TIMELINE_OFFLINE] > 0 ? SCREEN_RED : SCREEN_PLAIN,
                  states[TIMELINE_OFFLINE], "offline"));
    TRY(put_count(composer, states[TIMELINE_UNKNOWN] > 0 ? SCREEN_YELLOW : SCREEN_PLAIN,
                  states[TIMELINE_UNKNOWN], "unknown"));
    return end_line(composer);
}

static enum status put_backlog(struct composer *composer, int64_t count, const char *what)
{
    return count < 0 ? STATUS_OK
                     : put_count(composer, count > 0 ? SCREEN_YELLOW : SCREEN_PLAIN,
                                 (uint64_t)count, what);
}

static enum status queue_lines(struct composer *composer)
{
    const struct watch_view *view = composer->view;
    const struct ingest_figures *ingest = view->ingest;
    if (!view->asks_ingest)
        return STATUS_OK;
    if (view->ingest_problem || ingest->queue_count == 0 || ingest->paused) {
        TRY(put_label(composer, "Ingest"));
        if (view->ingest_problem)
            TRY(put_format(composer, SCREEN_RED, "metrics: %s", view->ingest_problem));
        else if (!ingest->paused)
            TRY(put_text(composer, SCREEN_PLAIN,
                         ingest->is_ingest ? "running, without a queue whose backlog is known"
                                           : "the page is not of mnsdb-ingest"));
        else
            TRY(put_format(composer, SCREEN_RED, "paused: %.*s", (int)ingest->reason_len,
                           ingest->reason));
        TRY(end_line(composer));
    }
    for (size_t i = 0; !view->ingest_problem && i < ingest->queue_count; i++) {
        const struct ingest_queue *queue = &ingest->queues[i];
        if (composer->rows_left < LISTS_LEAST)
            break;
        TRY(put_label(composer, "Queue"));
        TRY(put(composer, SCREEN_BOLD, slice_of(queue->name, queue->name_len), 0, SCREEN_LEFT));
        TRY(put_backlog(composer, queue->active, "waiting"));
        TRY(put_backlog(composer, queue->inactive, "handed out"));
        TRY(put_backlog(composer, queue->delayed, "delayed"));
        TRY(end_line(composer));
    }
    return STATUS_OK;
}

/* --- lists --------------------------------------------------------------------------------- */

static size_t device_width(const struct composer *composer)
{
    const size_t columns = composer->screen->columns;
    if (columns >= (size_t)2 * NARROW)
        return columns / 3;
    if (columns >= NARROW)
        return DEVICE_WIDTH;
    const size_t others = CLOCK_WIDTH + 1 + STATE_WIDTH + 1;
    const size_t room = columns > 2 * others ? columns - others : columns / 3;
    return room >= NARROW_NAME + 1 + VALUE_WIDTH ? room - 1 - VALUE_WIDTH : room;
}

/* 'product/device'; where that is too wide, 'device' alone, which tells more than the start. */
static enum status put_device(struct composer *composer, struct slice name)
{
    const size_t width = device_width(composer);
    const size_t start = composer->out->len;
    TRY(screen_put_text(composer->screen, composer->out, name));
    const struct slice shown = slice_of(composer->out->data + start, composer->out->len - start);
    const bool fits = screen_text_width(shown) <= width;
    composer->out->len = start;
    const uint8_t *slash = fits || name.len == 0 ? NULL : memchr(name.data, '/', name.len);
    if (slash && slash + 1 < name.data + name.len)
        name = slice_of(slash + 1, (size_t)(name.data + name.len - (slash + 1)));
    return put(composer, SCREEN_PLAIN, name, width, SCREEN_LEFT);
}

/* How many of the devices have a value of it; the metrics that `stats` shows weigh more. */
static size_t weigh_metric(const struct answer *devices, size_t column)
{
    const struct slice name = devices->columns[column].name;
    const bool preferred = slice_equal(name, slice_of_text("temperature")) ||
                           slice_equal(name, slice_of_text("humidity"));
    const size_t row_count = answer_shown_count(devices);
    size_t count = 0;
    for (size_t row = 0; row < row_count; row++)
        count += answer_row(devices, row)[column].kind != CELL_NULL;
    return preferred && count > 0 ? row_count + count : count;
}

/*
 * Not all metrics may fit: the heaviest come first, of equal ones by name. What none of the devices
 * has is left out.
 */
static void choose_metrics(struct composer *composer)
{
    const struct answer *devices = composer->view->devices;
    size_t weights[METRICS_MAX];
    for (size_t column = LAST_FIXED; devices && column < devices->column_count; column += 2) {
        const size_t weight = weigh_metric(devices, column);
        size_t place = composer->metric_count;
        while (place > 0 && weights[place - 1] < weight)
            place--;
        if (weight == 0 || place == METRICS_MAX)
            continue;
        if (composer->metric_count < METRICS_MAX)
            composer->metric_count++;
        for (size_t i = composer->metric_count - 1; i > place; i--) {
            weights[i] = weights[i - 1];
            composer->metrics[i] = composer->metrics[i - 1];
        }
        weights[place] = weight;
        composer->metrics[place] = column;
    }
}

static enum status device_heading(struct composer *composer)
{
    const struct answer *devices = composer->view->devices;
    const bool narrow = composer->screen->columns < NARROW;
    TRY(put(composer, SCREEN_BOLD, slice_of_text("Seen last"), device_width(composer),
            SCREEN_LEFT));
    TRY(put(composer, SCREEN_BOLD, slice_of_text("time"), narrow ? CLOCK_WIDTH : TIME_WIDTH,
            SCREEN_LEFT));
    TRY(put(composer, SCREEN_BOLD, slice_of_text("state"), STATE_WIDTH, SCREEN_LEFT));
    for (size_t i = 0; i < composer->metric_count; i++) {
        if (composer->columns_left >= VALUE_WIDTH)
            TRY(put(composer, SCREEN_BOLD, devices->columns[composer->metrics[i]].name, VALUE_WIDTH,
                    SCREEN_RIGHT));
    }
    return end_line(composer);
}

static enum status put_value(struct composer *composer, const struct answer_cell *cell)
{
    char text[EXACT_TEXT_BYTES];
    size_t len = 0;
    if (composer->columns_left < VALUE_WIDTH)
        return STATUS_OK;
    if (cell->kind == CELL_NUMBER)
        len = exact_format(cell_number(cell), text);
    return put(composer, SCREEN_PLAIN, slice_of(text, len), VALUE_WIDTH, SCREEN_RIGHT);
}

static enum status device_row(struct composer *composer, const struct answer_cell *cells)
{
    TRY(put_device(composer, cell_text(&cells[0])));
    if (cells[1].kind == CELL_TIME)
        TRY(put_time(composer, cells[1].integer));
    TRY(put_state(composer, cell_text(&cells[2])));
    for (size_t i = 0; i < composer->metric_count; i++)
        TRY(put_value(composer, &cells[composer->metrics[i]]));
    return end_line(composer);
}

static enum status device_list(struct composer *composer, size_t rows)
{
    const struct answer *devices = composer->view->devices;
    const size_t count = devices ? answer_shown_count(devices) : 0;
    if (rows < 2)
        return STATUS_OK;
    choose_metrics(composer);
    TRY(device_heading(composer));
    for (size_t row = 0; row + 1 < rows && row < count; row++)
        TRY(device_row(composer, answer_row(devices, row)));
    return STATUS_OK;
}

static enum status event_list(struct composer *composer, size_t rows)
{
    const struct watch_view *view = composer->view;
    if (rows < 2)
        return STATUS_OK;
    TRY(put(composer, SCREEN_BOLD, slice_of_text("Status events"), device_width(composer),
            SCREEN_LEFT));
    TRY(end_line(composer));
    for (size_t i = 0; i + 1 < rows && i < view->event_count; i++) {
        TRY(put_device(composer, view->events[i].device));
        TRY(put_time(composer, view->events[i].time_ms));
        TRY(put_state(composer, slice_of_text(view->events[i].online ? "online" : "offline")));
        TRY(end_line(composer));
    }
    return STATUS_OK;
}

static enum status foot(struct composer *composer)
{
    const struct watch_view *view = composer->view;
    char human[HUMAN_BYTES];
    TRY(put_format(composer, SCREEN_FAINT, "q quits, p %s; every %s",
                   view->paused ? "goes on" : "pauses", human_duration(view->interval_ms, human)));
    return end_line(composer);
}

/* Of the `rows` of both lists: two thirds, but no more than there are devices. */
static size_t choose_device_rows(const struct watch_view *view, size_t rows)
{
    const size_t count = view->devices ? answer_shown_count(view->devices) : 0;
    const size_t wanted = 1 + (count > 0 ? count : 1);
    const size_t event_rows = rows / 3 > 1 ? rows / 3 : rows > 3 ? 2 : 0;
    return wanted < rows - event_rows ? wanted : rows - event_rows;
}

enum status watch_compose(const struct watch_view *view, const struct screen *screen,
                          struct buffer *lines)
{
    struct composer composer = {.view = view,
                                .screen = screen,
                                .out = lines,
                                .columns_left = screen->columns,
                                .rows_left = screen->rows};
    TRY(head(&composer));
    TRY(message_lines(&composer));
    TRY(device_line(&composer));
    TRY(queue_lines(&composer));
    TRY(blank_line(&composer));
    const size_t foot_rows = (view->live ? 1u : 0u) + (screen->rows < LOW ? 0u : 1u);
    const size_t rows = composer.rows_left > foot_rows ? composer.rows_left - foot_rows : 0;
    const size_t device_rows = choose_device_rows(view, rows);
    TRY(device_list(&composer, device_rows));
    TRY(blank_line(&composer));
    TRY(event_list(&composer, rows - device_rows));
    return view->live ? foot(&composer) : STATUS_OK;
}
