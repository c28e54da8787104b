/*
 * watch_command.c - `mnsdb watch`: the loop around query/watch.
 *
 *      resume ──▶ counters changed? fleet, newest devices ──▶ pause ──▶ ask the ingest
 *                                                   ──▶ compose ──▶ draw ──▶ wait
 *
 * The store is let go before anything is asked for or drawn.
 */
#include "query/command/command_internal.h"

#include "cli/clock.h"
#include "cli/fault_handler.h"
#include "cli/message.h"
#include "cli/quantity.h"
#include "cli/signals.h"
#include "cli/store_dir.h"
#include "engine/base/mem.h"
#include "engine/kv/kv.h"
#include "query/command/shared_options.h"
#include "query/command/store_place.h"
#include "query/listing/listing.h"
#include "query/screen/screen.h"
#include "query/terminal/terminal.h"
#include "query/watch/fleet.h"
#include "query/watch/ingest_client.h"
#include "query/watch/watch.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define INTERVAL_DEFAULT_MS 2000
#define INTERVAL_LEAST_MS   100
#define INTERVAL_MOST_MS    3600000

static const struct option_spec watch_options[] = {
    {.name = "interval",
     .argument = "TIME",
     .help = "Refresh every TIME, 100ms to 1h. Default: 2s."},
    {.name = "metrics",
     .argument = "URL",
     .help = "Show the backlog from the metrics of an mnsdb-ingest on this machine, as "
             "http://127.0.0.1:9464/metrics."},
    {.name = "once", .help = "Print one frame as plain text and end: for scripts."},
    {.name = "device",
     .argument = "GLOB",
     .repeatable = true,
     .help = "Only devices whose name matches, 'product/device' or 'device' alone. Counts of "
             "messages stay those of the store. Repeatable: any may match."},
    PRODUCT_OPTION,
    ZONE_OPTION,
};

const struct option_group command_watch_group = {"Watching", watch_options,
                                                 sizeof watch_options / sizeof watch_options[0]};

struct watching {
    struct command *command;
    struct store_place place;
    struct screen screen;
    struct watch_view view;
    struct fleet fleet;
    struct answer devices;
    uint32_t newest[WATCH_ROWS_MAX];
    struct watch_event events[FLEET_EVENTS_MAX];
    int64_t refreshed_ms; /* monotonic; 0: never */
    bool has_fleet;
    struct ingest_address address;
    struct ingest_figures figures;
    struct buffer reply; /* owned */
    struct error problem;
    struct buffer lines; /* owned */
    struct buffer frame; /* owned */
};

static void release(struct watching *watching)
{
    terminal_close();
    fleet_release(&watching->fleet);
    answer_release(&watching->devices);
    buffer_release(&watching->reply);
    buffer_release(&watching->lines);
    buffer_release(&watching->frame);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the screen");
}

static enum status read_options(struct watching *watching, const struct options *options,
                                struct error *err)
{
    const char *interval = options_text(options, "interval");
    const char *url = options_text(options, "metrics");
    struct watch_view *view = &watching->view;
    TRY(command_read_options(watching->command, options, err));
    view->interval_ms = INTERVAL_DEFAULT_MS;
    if (interval && duration_parse(interval, &view->interval_ms, err) != STATUS_OK) {
        error_add_context(err, "--interval");
        return STATUS_INPUT;
    }
    if (view->interval_ms < INTERVAL_LEAST_MS || view->interval_ms > INTERVAL_MOST_MS)
        return error_set(err, STATUS_INPUT, "--interval: 100ms to 1h");
    if (url && ingest_address_parse(url, &watching->address, err) != STATUS_OK) {
        error_add_context(err, "--metrics");
        return STATUS_INPUT;
    }
    view->asks_ingest = url != NULL;
    view->live = !options_given(options, "once");
    if (view->live && !isatty(STDOUT_FILENO))
        return error_set(err, STATUS_INPUT,
                         "standard output is no terminal: --once prints one frame");
    return STATUS_OK;
}

/* --- reading ------------------------------------------------------------------------------- */

/* What `last` says of the devices seen last, in that order. */
static enum status read_newest(struct watching *watching, struct error *err)
{
    struct snapshot *snapshot = watching->command->snapshot;
    answer_release(&watching->devices);
    watching->view.devices = NULL;
    const size_t words = (size_t)snapshot_device_count(snapshot) / 64 + 1;
    OWNED(mem_free_owned) uint64_t *bits = mem_alloc_zeroed(words, sizeof *bits);
    const size_t count = fleet_newest(&watching->fleet, watching->newest, WATCH_ROWS_MAX);
    if (!bits)
        return no_memory(err);
    for (size_t i = 0; i < count; i++)
        bits[watching->newest[i] / 64] |= UINT64_C(1) << (watching->newest[i] % 64);
    const struct selection selection = {.device_bits = bits,
                                        .device_count = (uint32_t)count,
                                        .devices = watching->newest,
                                        .from_ms = TIME_MS_MIN,
                                        .until_ms = TIME_MS_MAX,
                                        .view = watching->command->selection.view};
    const struct last_spec spec = {.selection = &selection};
    TRY(last_query(snapshot, &spec, &watching->devices, &watching->command->statistics, err));
    watching->view.devices = &watching->devices;
    return STATUS_OK;
}

static void show_events(struct watching *watching)
{
    const struct fleet *fleet = &watching->fleet;
    for (size_t i = 0; i < fleet->event_count; i++)
        watching->events[i] = (struct watch_event){
            .device = snapshot_device_name(watching->command->snapshot, fleet->events[i].device),
            .time_ms = fleet->events[i].time_ms,
            .online = fleet->events[i].online};
    watching->view.events = watching->events;
    watching->view.event_count = fleet->event_count;
}

static enum status read_fleet(struct watching *watching, struct error *err)
{
    struct command *command = watching->command;
    selection_release(&command->selection);
    TRY(selection_init(&command->selection, command->snapshot, &command->spec, err));
    TRY(command_values_again(&command->values, &command->selection, err));
    TRY(snapshot_read_names(command->snapshot, err));
    TRY(fleet_refresh(&watching->fleet, command->snapshot, &command->selection, err));
    memcpy(watching->view.states, watching->fleet.states, sizeof watching->view.states);
    TRY(read_newest(watching, err));
    show_events(watching);
    watching->has_fleet = true;
    return STATUS_OK;
}

static void add_rate(struct watching *watching, uint64_t stored_before)
{
    struct watch_view *view = &watching->view;
    const int64_t now_ms = clock_monotonic_ms();
    const int64_t took_ms = now_ms - watching->refreshed_ms;
    const bool first = watching->refreshed_ms == 0;
    if (!first && took_ms < INTERVAL_LEAST_MS / 2)
        return;
    watching->refreshed_ms = now_ms;
    if (first || view->counters.stored < stored_before)
        return;
    if (view->rate_count == WATCH_RATES_MAX)
        memmove(view->rates, view->rates + 1, --view->rate_count * sizeof *view->rates);
    view->rates[view->rate_count++] =
        (double)(view->counters.stored - stored_before) * 1000 / (double)took_ms;
}

static enum status refresh(struct watching *watching, struct error *err)
{
    struct command *command = watching->command;
    struct watch_view *view = &watching->view;
    const struct store_counters before = view->counters;
    TRY(store_place_check(&watching->place, err));
    TRY(snapshot_resume(command->snapshot, err));
    view->counters = *snapshot_counters(command->snapshot);
    if (!watching->has_fleet)
        view->before = view->counters;
    // Names that are shown are the snapshot's, which loads them anew whenever anything changed.
    const enum status status = read_fleet(watching, err);
    snapshot_pause(command->snapshot);
    TRY(status);
    add_rate(watching, before.stored);
    view->ingest_problem = NULL;
    view->ingest = &watching->figures;
    if (!view->asks_ingest)
        return STATUS_OK;
    struct slice page = {0};
    watching->problem = (struct error){0};
    if (ingest_fetch(&watching->address, &watching->reply, &page, &watching->problem) != STATUS_OK)
        view->ingest_problem = watching->problem.message;
    else
        ingest_page_read(page, &watching->figures);
    return STATUS_OK;
}

/* --- drawing ------------------------------------------------------------------------------- */

/* A live screen is as narrow as its terminal is: a line that is too long would wrap. */
static void measure(struct watching *watching)
{
    struct winsize size = {0};
    watching->screen = screen_detect(STDOUT_FILENO);
    if (watching->view.live && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 &&
        size.ws_col < watching->screen.columns)
        watching->screen.columns = size.ws_col;
}

static enum status draw(struct watching *watching, struct error *err)
{
    struct buffer *frame = &watching->frame;
    watching->view.now_ms = clock_utc_ms();
    buffer_clear(&watching->lines);
    buffer_clear(frame);
    if (watch_compose(&watching->view, &watching->screen, &watching->lines) != STATUS_OK ||
        buffer_append(frame, "\x1b[H", 3) != STATUS_OK)
        return no_memory(err);
    struct slice left = buffer_slice(&watching->lines);
    while (left.len > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.len);
        const size_t len = end ? (size_t)(end - left.data) : left.len;
        const size_t used = end ? len + 1 : len;
        const bool last = used == left.len;
        // What was there is wiped before, as behind a full line the cursor stands on its last
        // column. The last line is not ended, or the screen would scroll.
        if (buffer_append(frame, last ? "\x1b[J" : "\x1b[K", 3) != STATUS_OK ||
            buffer_append(frame, left.data, len) != STATUS_OK ||
            buffer_append(frame, "\r\n", last ? 0 : 2) != STATUS_OK)
            return no_memory(err);
        left = slice_of(left.data + used, left.len - used);
    }
    return terminal_write(buffer_slice(frame)) ? STATUS_OK : STATUS_STOPPED;
}

/* Waits for the next refresh and obeys keys; *over when it is time to end. */
static enum status wait_for_refresh(struct watching *watching, bool *over, struct error *err)
{
    const int64_t until_ms = clock_monotonic_ms() + watching->view.interval_ms;
    for (;;) {
        const int64_t left_ms = until_ms - clock_monotonic_ms();
        char key = 0;
        if (left_ms <= 0)
            return STATUS_OK;
        const enum terminal_event event = terminal_wait((int)left_ms, &key);
        *over = event == TERMINAL_END || (event == TERMINAL_KEY && (key == 'q' || key == 'Q'));
        if (*over)
            return STATUS_OK;
        if (event == TERMINAL_KEY && (key == 'p' || key == ' '))
            watching->view.paused = !watching->view.paused;
        if (event == TERMINAL_RESIZED)
            measure(watching);
        if (event == TERMINAL_RESIZED || event == TERMINAL_KEY)
            TRY(draw(watching, err));
    }
}

static bool explains_fault(const void *address, const void *instruction)
{
    terminal_rescue();
    return kv_explains_fault(address, instruction);
}

static enum status watch_live(struct watching *watching, struct error *err)
{
    fault_handler_install("mnsdb", explains_fault);
    TRY(terminal_open(err));
    for (bool over = false; !over;) {
        if (!watching->view.paused)
            TRY(refresh(watching, err));
        TRY(draw(watching, err));
        TRY(wait_for_refresh(watching, &over, err));
    }
    return STATUS_OK;
}

static enum status print_once(struct watching *watching, struct error *err)
{
    TRY(refresh(watching, err));
    watching->view.now_ms = clock_utc_ms();
    if (watch_compose(&watching->view, &watching->screen, &watching->lines) != STATUS_OK)
        return no_memory(err);
    const size_t len = watching->lines.len;
    return fwrite(watching->lines.data, 1, len, stdout) == len ? STATUS_OK : STATUS_STOPPED;
}

static enum status run(struct watching *watching, const struct options *options, struct error *err)
{
    TRY(read_options(watching, options, err));
    TRY(command_open(watching->command, err));
    snapshot_pause(watching->command->snapshot);
    watching->view.store = store_dir_choose(options);
    TRY(store_place_note(&watching->place, watching->view.store, err));
    watching->view.zone = &watching->command->zone;
    measure(watching);
    return watching->view.live ? watch_live(watching, err) : print_once(watching, err);
}

enum exit_code command_watch(const struct options *options)
{
    OWNED(command_end) struct command command = {0};
    OWNED(release) struct watching watching = {.command = &command};
    struct error err = {0};
    const enum status status = run(&watching, options, &err);
    terminal_close();
    if (signals_received() != 0)
        return (enum exit_code)((int)EXIT_CODE_SIGNAL + signals_received());
    return status == STATUS_OK ? EXIT_CODE_OK : command_failure(options, &err, status);
}
