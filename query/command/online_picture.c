/*
 * online_picture.c - `online` and `sessions` with --plot: a lane a device.
 *
 * The rows of the query tell which devices are drawn, and in which order; the lanes are made from
 * the timelines of these devices alone. Of `sessions`, devices come as their sessions do.
 */
#include "query/command/picture.h"

#include "engine/base/mem.h"
#include "query/online/online.h"

#define LANES_READABLE 40u /* if --limit says nothing */

/* The devices to be drawn, by their place. */
struct drawn {
    struct narrowed_selection narrowed;
    uint32_t *devices; /* owned */
    size_t count;
    size_t hidden;
    size_t row_count; /* of the query: with so many, none would be hidden */
};

static void drawn_release(struct drawn *drawn)
{
    narrowed_selection_release(&drawn->narrowed);
    mem_free(drawn->devices);
}

static enum status prepare(struct picture *picture, struct online_spec *spec, struct error *err)
{
    struct command *command = picture->command;
    spec->selection = &command->selection;
    spec->zone = &command->zone;
    TRY(command_rules(command->options, &spec->rules, err));
    TRY(command_open(command, err));
    return selection_sort(&command->selection, command->snapshot, err);
}

/* --- which devices ------------------------------------------------------------------------- */

/* Each device of the rows once, as they first show it; the first column is its name. */
static enum status list_devices(struct picture *picture, const struct answer *answer,
                                size_t readable, struct drawn *drawn, struct error *err)
{
    drawn->row_count = answer->row_count;
    TRY(narrowed_selection_init(&drawn->narrowed, picture->command, err));
    const size_t rows = answer_shown_count(answer);
    drawn->devices = mem_alloc(picture->command->selection.device_count, sizeof *drawn->devices);
    if (!drawn->devices)
        return error_set(err, STATUS_NOMEM, "no memory for the list of devices");
    for (size_t i = 0; i < rows; i++) {
        const size_t place =
            picture_find_device(picture->command, cell_text(answer_row(answer, i)));
        if (place == SIZE_MAX)
            continue;
        const uint32_t device = picture->command->selection.devices[place];
        const uint32_t before = drawn->narrowed.selection.device_count;
        narrowed_selection_add(&drawn->narrowed, device);
        if (drawn->narrowed.selection.device_count == before)
            continue;
        if (drawn->count < readable)
            drawn->devices[drawn->count++] = device;
        else
            drawn->hidden++;
    }
    return STATUS_OK;
}

/* --- lanes --------------------------------------------------------------------------------- */

static enum status add_lanes(struct picture *picture, const struct online_spec *spec,
                             const struct drawn *drawn, struct chart_lanes *lanes,
                             struct error *err)
{
    struct command *command = picture->command;
    OWNED(event_history_release) struct event_history history = {0};
    OWNED(timeline_release) struct timeline timeline = {0};
    TRY(event_history_read(&history, command->snapshot, &drawn->narrowed.selection,
                           &command->statistics, err));
    for (size_t i = 0; i < drawn->count; i++) {
        const uint32_t device = drawn->devices[i];
        TRY(event_history_timeline(&history, device, &spec->rules, &timeline, err));
        TRY(chart_lanes_add(lanes, snapshot_device_name(command->snapshot, device), &timeline,
                            err));
    }
    return STATUS_OK;
}

/* A picture of nothing but unknown states says how to see what there is instead. */
static enum status tell_unknown(struct picture *picture, const struct chart_lanes *lanes)
{
    static const char text[] = "no status event tells a state: see 'mnsdb gaps' of the readings";
    for (size_t i = 0; i < lanes->count; i++) {
        if (lanes->lanes[i].total.online_ms > 0 || lanes->lanes[i].total.offline_ms > 0)
            return STATUS_OK;
    }
    return plot_line(&picture->plot, SCREEN_YELLOW, slice_of_text(text));
}

static enum status put_lanes(struct picture *picture, const struct chart_lanes *lanes,
                             const struct drawn *drawn, enum plot_summary summary)
{
    TRY(plot_lanes(&picture->plot, lanes, summary));
    TRY(tell_unknown(picture, lanes));
    return picture_tell_hidden(picture, drawn->hidden, drawn->row_count, "devices");
}

static enum status draw_lanes(struct picture *picture, const struct online_spec *spec,
                              const struct drawn *drawn, enum plot_summary summary,
                              struct error *err)
{
    const struct command *command = picture->command;
    OWNED(chart_lanes_release) struct chart_lanes lanes = {0};
    struct time_range range = {0};
    if (drawn->count == 0 || !selection_bounds(&command->selection, command->snapshot, &range))
        return picture_tell_nothing(picture, summary == PLOT_SUMMARY_ONLINE
                                                 ? "nothing to draw: no devices were selected"
                                                 : "nothing to draw: no sessions in this range");
    if (range.from_ms == range.until_ms)
        return picture_tell_nothing(picture, "nothing to draw: the range is empty");
    lanes.hidden = drawn->hidden;
    lanes.from_ms = range.from_ms;
    lanes.until_ms = range.until_ms;
    TRY(add_lanes(picture, spec, drawn, &lanes, err));
    const enum status status = put_lanes(picture, &lanes, drawn, summary);
    return status == STATUS_NOMEM ? error_set(err, status, "no memory for the picture") : status;
}

static enum status draw_online(struct picture *picture, struct error *err)
{
    struct command *command = picture->command;
    OWNED(answer_release) struct answer answer = {0};
    OWNED(drawn_release) struct drawn drawn = {0};
    struct online_spec spec = {.by = ONLINE_BY_DEVICE};
    size_t hidden = 0;
    TRY(picture_refuse_groups(command->options, "plot", err));
    TRY(prepare(picture, &spec, err));
    TRY(online_query(command->snapshot, &spec, &answer, &command->statistics, err));
    TRY(picture_arrange(picture, &answer, LANES_READABLE, &hidden, err));
    TRY(list_devices(picture, &answer, SIZE_MAX, &drawn, err));
    drawn.hidden = hidden;
    return draw_lanes(picture, &spec, &drawn, PLOT_SUMMARY_ONLINE, err);
}

static enum status draw_sessions(struct picture *picture, struct error *err)
{
    struct command *command = picture->command;
    OWNED(answer_release) struct answer answer = {0};
    OWNED(drawn_release) struct drawn drawn = {0};
    struct online_spec spec = {0};
    TRY(prepare(picture, &spec, err));
    TRY(sessions_query(command->snapshot, &spec, &answer, &command->statistics, err));
    TRY(command_arrange(command, &answer, err));
    const size_t readable = picture_is_limited(command) ? SIZE_MAX : LANES_READABLE;
    TRY(list_devices(picture, &answer, readable, &drawn, err));
    return draw_lanes(picture, &spec, &drawn, PLOT_SUMMARY_SESSIONS, err);
}

enum exit_code picture_of_online(const struct options *options)
{
    return picture_run(options, draw_online);
}

enum exit_code picture_of_sessions(const struct options *options)
{
    return picture_run(options, draw_sessions);
}
