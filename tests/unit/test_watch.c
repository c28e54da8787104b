/*
 * test_watch.c - the live screen's lines, and what a follower and a fleet do without memory.
 *
 * ctest: fault
 */
#include "query/follow/follow.h"
#include "query/watch/fleet.h"
#include "query/watch/watch.h"
#include "tests/unit/fault_sweep.h"
#include "tests/unit/query_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_MS   INT64_C(1526450324427)
#define FAULTS_MAX 5000
#define HOSTILE    "pk/\x1b[31mred\n"

/* --- the lines ----------------------------------------------------------------------------- */

static struct civil_zone utc;

static const char *const names[] = {"pk/dev", "pk/温度计", HOSTILE,
                                    "a-product-of-a-long-name/and-a-device-of-a-name-as-long",
                                    "no-product-and-a-name-that-is-wider-than-its-column"};

#define NAMES (sizeof names / sizeof names[0])

static void add_metric_columns(struct answer *answer, const char *metric)
{
    char time[32];
    (void)snprintf(time, sizeof time, "%s_time", metric);
    assert_int_equal(answer_add_field(answer, metric, CELL_NUMBER, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(answer, time, CELL_TIME, NULL), STATUS_OK);
}

/* As `last` answers. */
static void make_devices(struct answer *answer)
{
    assert_int_equal(answer_add_field(answer, "device", CELL_TEXT, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(answer, "last_seen", CELL_TIME, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(answer, "state", CELL_TEXT, NULL), STATUS_OK);
    assert_int_equal(answer_add_field(answer, "state_since", CELL_TIME, NULL), STATUS_OK);
    add_metric_columns(answer, "a-nobody");
    add_metric_columns(answer, "b-one");
    add_metric_columns(answer, "c-all");
    add_metric_columns(answer, "humidity");
    add_metric_columns(answer, "temperature");
    for (size_t i = 0; i < NAMES; i++) {
        struct answer_cell *cells = NULL;
        assert_int_equal(answer_add_row(answer, &cells, NULL), STATUS_OK);
        cells[0] = cell_of_text(slice_of_text(names[i]));
        cells[1] = cell_of_time(START_MS);
        cells[2] = cell_of_text(slice_of_text("online"));
        for (size_t cell = 6; cell <= 12; cell += 2) {
            if (i == 0 || cell != 6)
                cells[cell] = cell_of_number(exact_of_number(number_from_integer((int64_t)i)));
        }
    }
}

struct scene {
    struct answer devices;
    struct watch_event events[NAMES];
    struct ingest_figures figures;
    struct watch_view view;
};

static struct scene *make_scene(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    make_devices(&scene->devices);
    for (size_t i = 0; i < NAMES; i++)
        scene->events[i] =
            (struct watch_event){.device = slice_of_text(names[i]), .time_ms = START_MS};
    scene->view = (struct watch_view){.store = "/var/lib/mnsdb/a store of a long name",
                                      .zone = &utc,
                                      .now_ms = START_MS,
                                      .interval_ms = 2000,
                                      .live = true,
                                      .counters = {.stored = 1234567, .duplicates = 20000},
                                      .before = {.stored = 1000000, .duplicates = 10000},
                                      .states = {NAMES},
                                      .devices = &scene->devices,
                                      .events = scene->events,
                                      .event_count = NAMES,
                                      .asks_ingest = true,
                                      .ingest = &scene->figures};
    for (size_t i = 0; i < WATCH_RATES_MAX; i++)
        scene->view.rates[scene->view.rate_count++] = (double)i;
    return scene;
}

static void drop_scene(struct scene *scene)
{
    answer_release(&scene->devices);
    free(scene);
}

/* How many lines there are; each fits and holds no byte that a terminal would obey. */
static size_t check_lines(const struct screen *screen, struct slice lines)
{
    size_t count = 0;
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.data, '\n', lines.len);
        assert_non_null(end);
        const size_t len = (size_t)(end - lines.data);
        assert_true(screen_text_width(slice_of(lines.data, len)) <= screen->columns);
        for (size_t i = 0; i < len; i++)
            assert_true(lines.data[i] >= ' ' && (screen->utf8 || lines.data[i] < 0x7f));
        lines = slice_of(end + 1, lines.len - len - 1);
        count++;
    }
    return count;
}

static void no_line_is_too_wide_and_none_too_many(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    for (unsigned shape = 0; shape < 8; shape++) {
        scene->view.paused = shape % 2 == 1;
        scene->view.live = shape < 4;
        scene->view.ingest_problem = shape % 4 < 2 ? "Connection refused" : NULL;
        for (size_t rows = 1; rows < 40; rows += 3) {
            for (size_t columns = SCREEN_COLUMNS_MIN; columns < 200; columns += 7) {
                const struct screen screen = {
                    .columns = columns, .rows = rows, .utf8 = shape % 2 == 0};
                OWNED(buffer_release) struct buffer lines = {0};
                assert_int_equal(watch_compose(&scene->view, &screen, &lines), STATUS_OK);
                assert_in_range(check_lines(&screen, buffer_slice(&lines)), 1, rows);
            }
        }
    }
    drop_scene(scene);
}

/* Where `text` ends in `line`, in columns; the line holds it. */
static size_t end_column(const char *line, const char *text)
{
    const char *at = strstr(line, text);
    assert_non_null(at);
    return screen_text_width(slice_of(line, (size_t)(at - line) + strlen(text)));
}

static void compose_text(const struct watch_view *view, const struct screen *screen, char *text,
                         size_t text_bytes)
{
    OWNED(buffer_release) struct buffer lines = {0};
    assert_int_equal(watch_compose(view, screen, &lines), STATUS_OK);
    assert_true(lines.len < text_bytes);
    memcpy(text, lines.data, lines.len);
    text[lines.len] = '\0';
}

static void wide_names_keep_the_columns(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    char text[8192];
    const struct screen screen = {.columns = 80, .rows = 24, .utf8 = true};
    compose_text(&scene->view, &screen, text, sizeof text);
    const char *narrow = strstr(text, "pk/dev ");
    const char *wide = strstr(text, "pk/温度计 ");
    assert_non_null(narrow);
    assert_non_null(wide);
    assert_int_equal(end_column(narrow, "05:58:44"), end_column(wide, "05:58:44"));
    assert_int_equal(end_column(narrow, "online"), end_column(wide, "online"));
    assert_non_null(strstr(text, "temperature")); // there is room for two values
    assert_non_null(strstr(text, "pk/\\x1b[31mred\\n"));
    drop_scene(scene);
}

static void metrics_of_most_devices_come_first(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    char text[8192];
    const struct screen screen = {.columns = 130, .rows = 24, .utf8 = true};
    compose_text(&scene->view, &screen, text, sizeof text);
    assert_non_null(strstr(text, "   humidity temperature       c-all       b-one\n"));
    drop_scene(scene);
}

static void what_is_cut_stays_true(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    char text[8192];
    const struct screen screen = {.columns = 40, .rows = 24};
    compose_text(&scene->view, &screen, text, sizeof text);
    assert_non_null(strstr(text, "1,234,567 stored (+234,567)\n")); // no part of the next figure
    assert_non_null(strstr(text, "\nand-a-device-of-a-n"));         // without its product
    assert_non_null(strstr(text, "pk/dev "));
    drop_scene(scene);
}

static void few_devices_leave_their_room_to_events(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    char text[8192];
    const struct screen screen = {.columns = 80, .rows = 20, .utf8 = true};
    scene->view.devices = NULL;
    compose_text(&scene->view, &screen, text, sizeof text);
    const char *events = strstr(text, "Status events");
    assert_non_null(events);
    for (size_t i = 0; i < NAMES; i++) {
        events = strstr(events + 1, " 05:58:44 offline");
        assert_non_null(events);
    }
    drop_scene(scene);
}

/* --- reading ------------------------------------------------------------------------------- */

static void a_fleet_is_the_same_however_often_it_is_read(void **state)
{
    struct query_store *store = *state;
    OWNED(fleet_release) struct fleet fleet = {0};
    for (int i = 0; i < 3; i++) {
        uint32_t devices[QUERY_STORE_DEVICES + 1];
        assert_int_equal(fleet_refresh(&fleet, store->snapshot, &store->selection, NULL),
                         STATUS_OK);
        assert_int_equal(fleet.device_count, QUERY_STORE_DEVICES);
        assert_int_equal(fleet.event_count, FLEET_EVENTS_MAX);
        assert_int_equal(fleet.states[TIMELINE_UNKNOWN] + fleet.states[TIMELINE_OFFLINE] +
                             fleet.states[TIMELINE_ONLINE],
                         QUERY_STORE_DEVICES);
        const size_t count = fleet_newest(&fleet, devices, QUERY_STORE_DEVICES + 1);
        assert_int_equal(count, QUERY_STORE_DEVICES);
        for (size_t at = 1; at < count; at++)
            assert_true(fleet.devices[devices[at - 1]].seen_ms >=
                        fleet.devices[devices[at]].seen_ms);
        for (size_t at = 1; at < fleet.event_count; at++)
            assert_true(fleet.events[at - 1].time_ms >= fleet.events[at].time_ms);
    }
}

static uint64_t count_look(struct follow *follow, struct query_store *store)
{
    struct scan_statistics statistics = {0};
    struct log *log = NULL;
    assert_int_equal(
        follow_look(follow, store->snapshot, &store->selection, &log, &statistics, NULL),
        STATUS_OK);
    const uint64_t count = log_row_count(log);
    log_release(log);
    return count;
}

static void rows_that_were_there_are_not_new(void **state)
{
    struct query_store *store = *state;
    struct scan_statistics statistics = {0};
    struct follow *follow = NULL;
    assert_int_equal(follow_new(&follow), STATUS_OK);
    assert_int_equal(count_look(follow, store), QUERY_STORE_ROWS); // nothing was begun with
    assert_int_equal(count_look(follow, store), 0);
    follow_free(follow);

    assert_int_equal(follow_new(&follow), STATUS_OK);
    assert_int_equal(follow_begin(follow, store->snapshot, &store->selection, 5, &statistics, NULL),
                     STATUS_OK);
    assert_false(follow_changed(follow, store->snapshot));
    assert_int_equal(count_look(follow, store), 0);
    // Times repeat: a thousand of them, three rows each.
    assert_int_equal(follow_tail_from_ms(follow), INT64_C(1526450000000) + 998);
    follow_free(follow);
}

/* --- without memory ------------------------------------------------------------------------ */

static void sweep(struct query_store *store, enum status (*attempt)(void *context))
{
    fault_sweep_run(
        &(struct fault_sweep){.attempt = attempt, .context = store, .most = FAULTS_MAX});
}

static void free_follow(struct follow **follow)
{
    follow_free(*follow);
}

static enum status follow(void *context)
{
    struct query_store *store = context;
    OWNED(free_follow) struct follow *follow = NULL;
    struct scan_statistics statistics = {0};
    TRY(follow_new(&follow));
    TRY(follow_begin(follow, store->snapshot, &store->selection, 5, &statistics, NULL));
    struct log *log = NULL;
    TRY(follow_look(follow, store->snapshot, &store->selection, &log, &statistics, NULL));
    log_release(log);
    return STATUS_OK;
}

/* A look at rows that are all new. */
static enum status follow_from_nothing(void *context)
{
    struct query_store *store = context;
    OWNED(free_follow) struct follow *follow = NULL;
    struct scan_statistics statistics = {0};
    TRY(follow_new(&follow));
    struct log *log = NULL;
    TRY(follow_look(follow, store->snapshot, &store->selection, &log, &statistics, NULL));
    log_release(log);
    return STATUS_OK;
}

static enum status refresh_fleet(void *context)
{
    struct query_store *store = context;
    OWNED(fleet_release) struct fleet fleet = {0};
    TRY(fleet_refresh(&fleet, store->snapshot, &store->selection, NULL));
    return fleet_refresh(&fleet, store->snapshot, &store->selection, NULL);
}

static const struct watch_view *composed;

static enum status compose(void *context)
{
    struct query_store *store = context;
    (void)store;
    OWNED(buffer_release) struct buffer lines = {0};
    const struct screen screen = {.columns = 80, .rows = 24, .utf8 = true, .colours = true};
    return watch_compose(composed, &screen, &lines);
}

static void following_survives(void **state)
{
    sweep(*state, follow);
    sweep(*state, follow_from_nothing);
}

static void a_fleet_survives(void **state)
{
    sweep(*state, refresh_fleet);
}

static void lines_survive(void **state)
{
    struct scene *scene = make_scene();
    composed = &scene->view;
    sweep(*state, compose);
    drop_scene(scene);
}

static int open_all(void **state)
{
    assert_int_equal(civil_zone_open(&utc, "UTC", NULL), STATUS_OK);
    return query_store_make(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_is_too_wide_and_none_too_many),
        cmocka_unit_test(wide_names_keep_the_columns),
        cmocka_unit_test(metrics_of_most_devices_come_first),
        cmocka_unit_test(what_is_cut_stays_true),
        cmocka_unit_test(few_devices_leave_their_room_to_events),
        cmocka_unit_test(a_fleet_is_the_same_however_often_it_is_read),
        cmocka_unit_test(rows_that_were_there_are_not_new),
        cmocka_unit_test(following_survives),
        cmocka_unit_test(a_fleet_survives),
        cmocka_unit_test(lines_survive),
    };
    return cmocka_run_group_tests(tests, open_all, query_store_drop);
}
