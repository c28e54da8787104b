/*
 * picture.c - see picture.h.
 *
 * A picture is drawn into memory while the store is read and written when it is let go: a
 * pager that nobody scrolls must not hold the store's old pages.
 */
#include "query/command/picture.h"

#include "cli/human.h"
#include "cli/message.h"
#include "engine/base/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct option_spec stats_picture_options[] = {
    {.name = "plot",
     .help = "Draw instead of a table. With --every: a picture a group and metric over time, the "
             "average as a line in a band from min to max; without: a row a group. As wide as "
             "the terminal ($COLUMNS or 80 in a pipe), ASCII where the locale is not UTF-8. "
             "Example: mnsdb stats temperature --every 1h --plot"},
    {.name = "bars", .help = "With --plot: bars from zero rather than a line or a range."},
    {.name = "spark",
     .help = "With --every: a row a group, as without it, and for each metric a column "
             "<metric>_spark: its buckets as a line of bars between its lowest and its highest. "
             "--agg is avg if not given. Example: mnsdb stats --by device --every 1h --spark"},
};

static const struct option_spec online_picture_options[] = {
    {.name = "plot",
     .help = "Draw a row a device instead of a table: when it was online, offline, unknown. As "
             "wide as the terminal ($COLUMNS or 80 in a pipe), ASCII where the locale is not "
             "UTF-8. Example: mnsdb online --plot --order-by availability --limit 20"},
};

const struct option_group command_stats_picture_group = {"Pictures", stats_picture_options,
                                                         COUNT(stats_picture_options)};
const struct option_group command_online_picture_group = {"Pictures", online_picture_options,
                                                          COUNT(online_picture_options)};

bool picture_is_wanted(const struct options *options)
{
    return options_given(options, "plot") || options_given(options, "spark") ||
           options_given(options, "bars");
}

/* --- what is not drawn --------------------------------------------------------------------- */

enum status picture_refuse_figures(const struct options *options, const char *drawing,
                                   struct error *err)
{
    static const char *const figures[] = {"above",  "below", "hold",        "versus",
                                          "matrix", "cell",  "reliability", "flap"};
    for (size_t i = 0; i < COUNT(figures); i++) {
        if (options_given(options, figures[i]))
            return error_set(err, STATUS_INPUT, "--%s has no picture: leave out --%s", figures[i],
                             drawing);
    }
    return STATUS_OK;
}

enum status picture_refuse_groups(const struct options *options, const char *drawing,
                                  struct error *err)
{
    const char *by = options_text(options, "by");
    if (options_given(options, "every") || (by && strcmp(by, "device") != 0))
        return error_set(err, STATUS_INPUT, "--%s draws a row a device: leave out --every and --by",
                         drawing);
    return STATUS_OK;
}

/* --- a command that draws ------------------------------------------------------------------ */

static enum status check_options(const struct options *options, struct error *err)
{
    const bool plot = options_given(options, "plot");
    if (options_given(options, "bars") && !plot)
        return error_set(err, STATUS_INPUT, "--bars says how --plot draws: give both");
    if (plot && options_given(options, "spark"))
        return error_set(err, STATUS_INPUT, "--plot draws and --spark is a table: give one");
    const char *format = options_text(options, "format");
    if (plot && format && strcmp(format, "table") != 0)
        return error_set(err, STATUS_INPUT, "--plot draws for people: leave out --format %s",
                         format);
    if (plot && options_given(options, "no-header"))
        return error_set(err, STATUS_INPUT, "--plot has no line of names: leave out --no-header");
    return picture_refuse_figures(options, plot ? "plot" : "spark", err);
}

static enum status write_out(const struct buffer *out)
{
    const size_t written = fwrite(out->data, 1, out->len, stdout);
    return written == out->len ? STATUS_OK : STATUS_STOPPED;
}

static enum status run(struct picture *picture, const struct options *options,
                       enum status (*draw)(struct picture *, struct error *), struct error *err)
{
    TRY(command_read_options(picture->command, options, err));
    TRY(check_options(options, err));
    picture->screen = screen_detect(STDOUT_FILENO);
    picture->plot = (struct plot){
        .screen = &picture->screen, .zone = &picture->command->zone, .out = &picture->out};
    TRY(draw(picture, err));
    if (picture->printed)
        return STATUS_OK;
    command_done_reading(picture->command);
    return picture->out.len > 0 ? write_out(&picture->out) : STATUS_OK;
}

enum exit_code picture_run(const struct options *options,
                           enum status (*draw)(struct picture *picture, struct error *err))
{
    OWNED(command_end) struct command command = {0};
    struct picture picture = {.command = &command};
    struct error err = {0};
    const enum status status = run(&picture, options, draw, &err);
    buffer_release(&picture.out);
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}

/* --- how much is drawn --------------------------------------------------------------------- */

bool picture_is_limited(const struct command *command)
{
    return command->has_limit || command->has_top;
}

enum status picture_arrange(struct picture *picture, struct answer *answer, size_t readable,
                            size_t *hidden, struct error *err)
{
    TRY(command_arrange(picture->command, answer, err));
    if (!picture_is_limited(picture->command))
        answer_limit(answer, readable);
    *hidden = answer->row_count - answer_shown_count(answer);
    return STATUS_OK;
}

enum status picture_tell_hidden(struct picture *picture, size_t hidden, size_t all,
                                const char *things)
{
    char count[HUMAN_BYTES];
    char text[256];
    if (hidden == 0)
        return STATUS_OK;
    const int len = snprintf(text, sizeof text, "%s more %s: --limit %zu draws all",
                             human_count(hidden, count), things, all);
    static const char order[] = ", --order-by FIELD says which first";
    if ((size_t)len + strlen(order) <= picture->screen.columns)
        (void)snprintf(text + len, sizeof text - (size_t)len, "%s", order);
    return plot_line(&picture->plot, SCREEN_YELLOW, slice_of_text(text));
}

enum status picture_tell_nothing(struct picture *picture, const char *what)
{
    return plot_line(&picture->plot, SCREEN_PLAIN, slice_of_text(what));
}

/* --- fewer devices ------------------------------------------------------------------------- */

size_t picture_find_device(const struct command *command, struct slice name)
{
    const struct selection *selection = &command->selection;
    size_t low = 0;
    size_t high = selection->device_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = slice_compare(
            snapshot_device_name(command->snapshot, selection->devices[middle]), name);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

bool picture_selects(const struct command *command, uint32_t device)
{
    const uint64_t *bits = command->selection.device_bits;
    return !bits || (bits[device / 64] >> (device % 64) & 1);
}

enum status narrowed_selection_init(struct narrowed_selection *narrowed,
                                    const struct command *command, struct error *err)
{
    const size_t count = snapshot_device_count(command->snapshot);
    *narrowed = (struct narrowed_selection){.selection = command->selection};
    narrowed->device_bits = mem_alloc_zeroed(count / 64 + 1, sizeof *narrowed->device_bits);
    if (!narrowed->device_bits)
        return error_set(err, STATUS_NOMEM, "no memory for the selection");
    narrowed->selection.device_bits = narrowed->device_bits;
    narrowed->selection.device_count = 0;
    narrowed->selection.devices = NULL;
    return STATUS_OK;
}

void narrowed_selection_add(struct narrowed_selection *narrowed, uint32_t device)
{
    uint64_t *word = &narrowed->device_bits[device / 64];
    const uint64_t bit = UINT64_C(1) << (device % 64);
    narrowed->selection.device_count += (*word & bit) == 0;
    *word |= bit;
}

void narrowed_selection_release(struct narrowed_selection *narrowed)
{
    mem_free(narrowed->device_bits);
    *narrowed = (struct narrowed_selection){0};
}
