/*
 * test_chart.c - charts from answers of stats and from timelines.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "query/chart/chart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS MS_PER_HOUR

static struct civil_zone utc;
static const struct bucket_width hour = {.unit = BUCKET_ELAPSED_MS, .count = MS_PER_HOUR};

/* --- answers by hand ----------------------------------------------------------------------- */

static struct aggregate_list list_of(const enum aggregate_kind *kinds, size_t count)
{
    static const char *const names[] = {
        [AGGREGATE_COUNT] = "count",  [AGGREGATE_SUM] = "sum", [AGGREGATE_AVG] = "avg",
        [AGGREGATE_MIN] = "min",      [AGGREGATE_MAX] = "max", [AGGREGATE_MIN_TIME] = "min_time",
        [AGGREGATE_MEDIAN] = "median"};
    struct aggregate_list list = {.count = count};
    for (size_t i = 0; i < count; i++) {
        list.items[i].kind = kinds[i];
        assert_non_null(names[kinds[i]]);
        (void)snprintf(list.items[i].name, sizeof list.items[i].name, "%s", names[kinds[i]]);
    }
    return list;
}

static struct answer_cell number(const char *text)
{
    struct number value = {0};
    if (!text)
        return (struct answer_cell){0};
    assert_true(number_parse(slice_of_text(text), &value));
    return cell_of_number(exact_of_number(value));
}

/* A row of "device, time, count, min, avg, max"; a NULL text is a null. */
static enum status add_row(struct answer *answer, const char *device, int64_t time_ms,
                           const char *min, const char *avg, const char *max)
{
    struct answer_cell *cells = NULL;
    TRY(answer_add_row(answer, &cells, NULL));
    cells[0] = cell_of_text(slice_of_text(device));
    cells[1] = cell_of_time(time_ms);
    cells[2] = cell_of_count(3);
    cells[3] = number(min);
    cells[4] = number(avg);
    cells[5] = number(max);
    return STATUS_OK;
}

static const enum aggregate_kind defaults[] = {AGGREGATE_COUNT, AGGREGATE_MIN, AGGREGATE_AVG,
                                               AGGREGATE_MAX};

static enum status add_columns(struct answer *answer)
{
    TRY(answer_add_field(answer, "device", CELL_TEXT, NULL));
    TRY(answer_add_field(answer, "time", CELL_TIME, NULL));
    TRY(answer_add_field(answer, "t_count", CELL_COUNT, NULL));
    TRY(answer_add_field(answer, "t_min", CELL_NUMBER, NULL));
    TRY(answer_add_field(answer, "t_avg", CELL_NUMBER, NULL));
    return answer_add_field(answer, "t_max", CELL_NUMBER, NULL);
}

/* Two devices; b's rows come out of order, a has a gap and a null. */
static enum status make(struct answer *answer, struct chart *chart)
{
    static struct aggregate_list list;
    list = list_of(defaults, 4);
    const struct stats_spec spec = {
        .aggregates = &list, .every = &hour, .zone = &utc, .by = STATS_BY_DEVICE};
    TRY(add_columns(answer));
    TRY(add_row(answer, "b", 2 * HOUR_MS, "1", "2", "3"));
    TRY(add_row(answer, "a", 0, "-5", "0.5", "1e3"));
    TRY(add_row(answer, "b", HOUR_MS, "4", "5", "6"));
    TRY(add_row(answer, "a", 3 * HOUR_MS, "7", "8", "9"));
    TRY(add_row(answer, "a", 4 * HOUR_MS, NULL, NULL, NULL));
    return chart_from_stats(chart, answer, &spec, NULL);
}

static void groups_come_as_rows_show_them_and_points_by_time(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct chart chart = {0};
    assert_int_equal(make(&answer, &chart), STATUS_OK);
    assert_int_equal(chart.group_count, 2);
    assert_int_equal(chart.measure_count, 1);
    assert_int_equal(chart.metric_count, 1);
    assert_int_equal(chart_find_group(&chart, slice_of_text("b")), 0);
    assert_int_equal(chart_find_group(&chart, slice_of_text("a")), 1);
    assert_true(chart_find_group(&chart, slice_of_text("c")) == SIZE_MAX);
    assert_true(slice_equal(chart.measures[0].metric, slice_of_text("t")));
    assert_true(slice_equal(chart.measures[0].name, slice_of_text("avg")));
    assert_true(slice_equal(chart.measures[0].low, slice_of_text("min")));
    const struct chart_series *b = chart_series_at(&chart, 0, 0);
    assert_int_equal(b->point_count, 2);
    assert_int_equal(b->points[0].from_ms, HOUR_MS);
    assert_int_equal(b->points[1].until_ms, 3 * HOUR_MS);
    assert_true(chart_points_join(&b->points[0], &b->points[1]));
    assert_int_equal(chart.from_ms, 0);
    assert_int_equal(chart.until_ms, 5 * HOUR_MS);
    answer_release(&answer);
    chart_release(&chart);
}

static void gaps_and_nulls_do_not_join(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct chart chart = {0};
    double low = 0;
    double high = 0;
    assert_int_equal(make(&answer, &chart), STATUS_OK);
    const struct chart_series *a = chart_series_at(&chart, 1, 0);
    assert_int_equal(a->point_count, 3);
    assert_false(chart_points_join(&a->points[0], &a->points[1]));
    assert_false(chart_points_join(&a->points[1], &a->points[2]));
    assert_false(a->points[2].at.has_value || a->points[2].at.has_band);
    assert_true(chart_points_extent(a->points, 3, &low, &high));
    assert_true(low == -5 && high == 1000);
    assert_false(chart_points_extent(a->points + 2, 1, &low, &high));
    answer_release(&answer);
    chart_release(&chart);
}

static void the_axis_reaches_as_far_as_was_asked(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct chart chart = {0};
    struct aggregate_list list = list_of(defaults, 4);
    const struct selection selection = {
        .has_from = true, .from_ms = -HOUR_MS / 2, .has_until = true, .until_ms = 9 * HOUR_MS + 1};
    const struct stats_spec spec = {.aggregates = &list,
                                    .every = &hour,
                                    .zone = &utc,
                                    .by = STATS_BY_DEVICE,
                                    .selection = &selection};
    assert_int_equal(add_columns(&answer), STATUS_OK);
    assert_int_equal(add_row(&answer, "a", HOUR_MS, "1", "2", "3"), STATUS_OK);
    assert_int_equal(chart_from_stats(&chart, &answer, &spec, NULL), STATUS_OK);
    assert_int_equal(chart.from_ms, -HOUR_MS);
    assert_int_equal(chart.until_ms, 10 * HOUR_MS);
    answer_release(&answer);
    chart_release(&chart);
}

static void outliers_are_left_out_of_the_scale(void **state)
{
    (void)state;
    struct chart_point points[40] = {0};
    double low = 0;
    double high = 0;
    for (size_t i = 0; i < 40; i++)
        points[i].at = (struct chart_value){.value = 20 + (double)(i % 5), .has_value = true};
    assert_true(chart_points_extent(points, 40, &low, &high));
    assert_int_equal(chart_points_typical(points, 40, &low, &high), STATUS_OK);
    assert_true(low == 20 && high == 24);
    points[7].at.high = 1000;
    points[7].at.low = 22;
    points[7].at.has_band = true;
    assert_true(chart_points_extent(points, 40, &low, &high));
    assert_int_equal(chart_points_typical(points, 40, &low, &high), STATUS_OK);
    assert_true(low == 20 && high == 26);
    /* Of few points, or of equal ones, none is. */
    assert_true(chart_points_extent(points, 9, &low, &high));
    assert_int_equal(chart_points_typical(points, 9, &low, &high), STATUS_OK);
    assert_true(high == 1000);
    for (size_t i = 0; i < 40; i++)
        points[i].at = (struct chart_value){.value = i == 3 ? 9 : 5, .has_value = true};
    assert_true(chart_points_extent(points, 40, &low, &high));
    assert_int_equal(chart_points_typical(points, 40, &low, &high), STATUS_OK);
    assert_true(low == 5 && high == 9);
}

/* The names of the measures that a list of aggregates makes of one metric. */
static void measures_are(const enum aggregate_kind *kinds, size_t count, const char *expected)
{
    struct answer answer = {0};
    struct chart chart = {0};
    struct aggregate_list list = list_of(kinds, count);
    const struct stats_spec spec = {.aggregates = &list, .zone = &utc};
    char all[256] = "";
    for (size_t i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "a_b_%s", list.items[i].name);
        assert_int_equal(answer_add_field(&answer, name, CELL_NUMBER, NULL), STATUS_OK);
    }
    struct answer_cell *cells = NULL;
    assert_int_equal(answer_add_row(&answer, &cells, NULL), STATUS_OK);
    assert_int_equal(chart_from_stats(&chart, &answer, &spec, NULL), STATUS_OK);
    for (size_t i = 0; i < chart.measure_count; i++) {
        const struct chart_measure *measure = &chart.measures[i];
        const size_t len = strlen(all);
        assert_true(slice_equal(measure->metric, slice_of_text("a_b")));
        (void)snprintf(all + len, sizeof all - len, "%s%.*s%s", i > 0 ? " " : "",
                       (int)measure->name.len, (const char *)measure->name.data,
                       measure->low.len > 0 ? "+band" : "");
    }
    assert_string_equal(all, expected);
    assert_int_equal(chart.bars[0].bar_count, chart.measure_count > 0 ? 1 : 0);
    answer_release(&answer);
    chart_release(&chart);
}

static void measures_follow_the_aggregates(void **state)
{
    (void)state;
    measures_are(defaults, 4, "avg+band");
    measures_are((const enum aggregate_kind[]){AGGREGATE_MAX, AGGREGATE_MEDIAN, AGGREGATE_MIN}, 3,
                 "median+band");
    measures_are((const enum aggregate_kind[]){AGGREGATE_MAX, AGGREGATE_MIN}, 2, "max min");
    measures_are((const enum aggregate_kind[]){AGGREGATE_SUM, AGGREGATE_AVG, AGGREGATE_COUNT}, 3,
                 "avg sum");
    measures_are((const enum aggregate_kind[]){AGGREGATE_COUNT, AGGREGATE_MIN_TIME}, 2, "count");
}

/* --- lanes --------------------------------------------------------------------------------- */

static const struct status_event events[] = {
    {.time_ms = 100, .online = true}, {.time_ms = 200, .online = false},
    {.time_ms = 300, .online = true}, {.time_ms = 300, .online = false},
    {.time_ms = 400, .online = true}, {.time_ms = 450, .online = true},
};

static enum status make_lane(struct chart_lanes *lanes, struct timeline *timeline, int64_t from_ms,
                             int64_t until_ms)
{
    const struct timeline_rules rules = {0};
    lanes->from_ms = from_ms;
    lanes->until_ms = until_ms;
    TRY(timeline_build(timeline, events, sizeof events / sizeof *events, &rules));
    return chart_lanes_add(lanes, slice_of_text("a"), timeline, NULL);
}

static void spans_are(int64_t from_ms, int64_t until_ms, const char *expected)
{
    struct chart_lanes lanes = {0};
    struct timeline timeline = {0};
    char all[256] = "";
    assert_int_equal(make_lane(&lanes, &timeline, from_ms, until_ms), STATUS_OK);
    const struct chart_lane *lane = &lanes.lanes[0];
    int64_t at_ms = from_ms;
    for (size_t i = 0; i < lane->span_count; i++) {
        const size_t len = strlen(all);
        assert_int_equal(lane->spans[i].from_ms, at_ms);
        at_ms = lane->spans[i].until_ms;
        (void)snprintf(all + len, sizeof all - len, "%c%d ", ".-#"[lane->spans[i].state],
                       (int)at_ms);
    }
    assert_true(from_ms == until_ms || at_ms == until_ms);
    assert_string_equal(all, expected);
    timeline_release(&timeline);
    chart_lanes_release(&lanes);
}

static void lanes_are_cut_from_timelines_without_gaps(void **state)
{
    (void)state;
    spans_are(0, 1000, ".100 #200 -400 #1000 ");
    spans_are(150, 250, "#200 -250 ");
    spans_are(0, 50, ".50 ");
    spans_are(500, 600, "#600 ");
    spans_are(200, 400, "-400 ");
    spans_are(300, 300, "");
}

static void lanes_know_their_outages_and_shares(void **state)
{
    (void)state;
    struct chart_lanes lanes = {0};
    struct timeline timeline = {0};
    int64_t held_ms[CHART_STATES];
    assert_int_equal(make_lane(&lanes, &timeline, 0, 1000), STATUS_OK);
    const struct chart_lane *lane = &lanes.lanes[0];
    assert_int_equal(lane->outages, 1);
    assert_int_equal(lane->longest_outage_ms, 200);
    assert_int_equal(lane->longest_outage_at_ms, 200);
    chart_lane_shares(lane, 50, 450, held_ms);
    assert_int_equal(held_ms[TIMELINE_UNKNOWN], 50);
    assert_int_equal(held_ms[TIMELINE_ONLINE], 150);
    assert_int_equal(held_ms[TIMELINE_OFFLINE], 200);
    int64_t total_ms = 0;
    for (int64_t at_ms = 0; at_ms < 1000; at_ms += 7) {
        chart_lane_shares(lane, at_ms, at_ms + 7, held_ms);
        total_ms += held_ms[TIMELINE_ONLINE];
    }
    assert_int_equal(total_ms, lane->total.online_ms);
    timeline_release(&timeline);
    chart_lanes_release(&lanes);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct answer answer = {0};
        struct chart chart = {0};
        struct chart_lanes lanes = {0};
        struct timeline timeline = {0};
        mem_fail_at(nth);
        status = make(&answer, &chart);
        if (status == STATUS_OK)
            status = make_lane(&lanes, &timeline, 0, 1000);
        mem_fail_at(-1);
        answer_release(&answer);
        chart_release(&chart);
        timeline_release(&timeline);
        chart_lanes_release(&lanes);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}

static int open_zone(void **state)
{
    (void)state;
    return civil_zone_open(&utc, "UTC", NULL) == STATUS_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_come_as_rows_show_them_and_points_by_time),
        cmocka_unit_test(gaps_and_nulls_do_not_join),
        cmocka_unit_test(the_axis_reaches_as_far_as_was_asked),
        cmocka_unit_test(outliers_are_left_out_of_the_scale),
        cmocka_unit_test(measures_follow_the_aggregates),
        cmocka_unit_test(lanes_are_cut_from_timelines_without_gaps),
        cmocka_unit_test(lanes_know_their_outages_and_shares),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, open_zone, NULL);
}
