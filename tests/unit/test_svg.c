/*
 * test_svg.c - charts as SVG: where time lies, what a lane keeps, what becomes of outliers.
 */
#include "query/svg/svg.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY  MS_PER_DAY
#define YEAR (365 * DAY)

static struct civil_zone utc;

static int open_zone(void **state)
{
    (void)state;
    return civil_zone_open(&utc, "UTC", NULL) == STATUS_OK ? 0 : -1;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

static void assert_near(double got, double want)
{
    assert_true(fabs(got - want) < 1e-9);
}

/* --- time ---------------------------------------------------------------------------------- */

static void an_even_axis_shares_out_time_evenly(void **state)
{
    (void)state;
    struct svg_axis axis;
    svg_axis_init(&axis, &utc, 1000, 2000);
    assert_false(svg_axis_is_broken(&axis));
    assert_near(svg_axis_share(&axis, 1000), 0);
    assert_near(svg_axis_share(&axis, 1250), 0.25);
    assert_near(svg_axis_share(&axis, 2000), 1);
    assert_near(svg_axis_share(&axis, -5), 0);
    assert_near(svg_axis_share(&axis, 9999), 1);
    assert_int_equal(svg_axis_time(&axis, 0.25), 1250);
    assert_int_equal(svg_axis_time(&axis, 1), 2000);
}

static void an_empty_range_has_an_axis_too(void **state)
{
    (void)state;
    struct svg_axis axis;
    struct svg_activity activity;
    svg_activity_init(&activity, 5, 5);
    svg_activity_note(&activity, 5);
    svg_axis_init_busy(&axis, &utc, &activity);
    assert_false(svg_axis_is_broken(&axis));
    assert_near(svg_axis_share(&axis, 5), 1);
}

/* Two weeks that are busy at the ends of ten years. */
static void note_two_islands(struct svg_activity *activity)
{
    svg_activity_init(activity, 0, 10 * YEAR);
    for (int64_t hour = 0; hour < INT64_C(14) * 24; hour++) {
        svg_activity_note(activity, hour * MS_PER_HOUR);
        svg_activity_note(activity, 10 * YEAR - 1 - hour * MS_PER_HOUR);
    }
}

static void years_of_silence_are_drawn_short(void **state)
{
    (void)state;
    struct svg_axis axis;
    struct svg_activity activity;
    note_two_islands(&activity);
    svg_axis_init_busy(&axis, &utc, &activity);
    assert_true(svg_axis_is_broken(&axis));
    assert_int_equal(axis.count, 3);
    assert_true(axis.stretches[1].silent);
    assert_true(svg_axis_share(&axis, 14 * DAY) > 0.4);
    assert_true(svg_axis_share(&axis, 10 * YEAR - 15 * DAY) < 0.6);
    assert_int_equal(axis.stretches[2].until_ms, 10 * YEAR);
}

static void a_broken_axis_keeps_order_and_has_an_inverse(void **state)
{
    (void)state;
    struct svg_axis axis;
    struct svg_activity activity;
    note_two_islands(&activity);
    svg_axis_init_busy(&axis, &utc, &activity);
    double before = -1;
    for (int64_t time_ms = 0; time_ms <= 10 * YEAR; time_ms += 3 * DAY) {
        const double share = svg_axis_share(&axis, time_ms);
        assert_true(share >= before && share >= 0 && share <= 1);
        const int64_t back_ms = svg_axis_time(&axis, share);
        assert_true(llabs(back_ms - time_ms) < MS_PER_HOUR);
        before = share;
    }
}

static void a_rhythm_is_no_silence(void **state)
{
    (void)state;
    struct svg_axis axis;
    struct svg_activity activity;
    svg_activity_init(&activity, 0, 100 * DAY);
    for (int64_t i = 0; i < 50; i++) { // busy for an hour every other day
        for (int64_t minute = 0; minute < 60; minute++)
            svg_activity_note(&activity, i * 2 * DAY + minute * MS_PER_MINUTE);
    }
    svg_axis_init_busy(&axis, &utc, &activity);
    assert_false(svg_axis_is_broken(&axis));
}

static void rare_events_do_not_make_silence(void **state)
{
    (void)state;
    struct svg_axis axis;
    struct svg_activity activity;
    svg_activity_init(&activity, 0, YEAR);
    for (int64_t i = 0; i < 12; i++) // fewer than tell anything
        svg_activity_note(&activity, i * i * DAY);
    svg_axis_init_busy(&axis, &utc, &activity);
    assert_false(svg_axis_is_broken(&axis));
    svg_activity_init(&activity, 0, YEAR);
    for (int64_t i = 0; i < 365; i++) // one a day, all year
        svg_activity_note(&activity, i * DAY);
    svg_axis_init_busy(&axis, &utc, &activity);
    assert_false(svg_axis_is_broken(&axis));
}

/* --- lanes --------------------------------------------------------------------------------- */

static char *lane_text(const struct chart_span *spans, size_t count, unsigned columns,
                       const char *title)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    struct svg_axis axis;
    svg_axis_init(&axis, &utc, spans[0].from_ms, spans[count - 1].until_ms);
    struct chart_span copy[8];
    assert_true(count <= 8);
    memcpy(copy, spans, count * sizeof *spans);
    const struct chart_lane lane = {
        .label = slice_of_text("x"), .spans = copy, .span_count = count};
    svg_write_lane(out, &lane, &axis, columns, title);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void a_lane_has_a_stroke_for_each_run_of_steps(void **state)
{
    (void)state;
    const struct chart_span spans[] = {
        {0, 200, TIMELINE_UNKNOWN}, {200, 600, TIMELINE_ONLINE}, {600, 1000, TIMELINE_OFFLINE}};
    char *text = lane_text(spans, 3, 10, "a<b");
    assert_non_null(strstr(text, "<title>a&lt;b</title>"));
    assert_non_null(strstr(text, "class=\"un\" d=\"M0 6H2\""));
    assert_non_null(strstr(text, "class=\"on\" d=\"M2 6H6\""));
    assert_non_null(strstr(text, "class=\"of\" d=\"M6 9H10\""));
    free(text);
}

static void an_outage_of_an_instant_is_seen_in_a_lane_of_a_year(void **state)
{
    (void)state;
    const struct chart_span spans[] = {{0, YEAR / 2, TIMELINE_ONLINE},
                                       {YEAR / 2, YEAR / 2 + 1, TIMELINE_OFFLINE},
                                       {YEAR / 2 + 1, YEAR, TIMELINE_ONLINE}};
    char *text = lane_text(spans, 3, 100, "");
    assert_non_null(strstr(text, "class=\"on\" d=\"M0 6H100\""));
    assert_non_null(strstr(text, "class=\"of\" d=\"M50 9H51\""));
    free(text);
}

static void many_spans_take_no_more_text_than_steps(void **state)
{
    (void)state;
    enum { SPANS = 100000 };
    struct chart_span *spans = calloc(SPANS, sizeof *spans);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(spans);
    assert_non_null(out);
    for (int64_t i = 0; i < SPANS; i++)
        spans[i] = (struct chart_span){i * 1000, (i + 1) * 1000,
                                       i % 2 ? TIMELINE_ONLINE : TIMELINE_OFFLINE};
    struct svg_axis axis;
    svg_axis_init(&axis, &utc, 0, SPANS * INT64_C(1000));
    const struct chart_lane lane = {
        .label = slice_of_text("x"), .spans = spans, .span_count = SPANS};
    svg_write_lane(out, &lane, &axis, SVG_COLUMNS_MAX, "");
    assert_int_equal(fclose(out), 0);
    assert_true(len < 400);
    free(text);
    free(spans);
}

static void a_picture_of_too_many_lanes_says_how_many_are_left_out(void **state)
{
    (void)state;
    enum { LANES = SVG_LANES_MAX + 7 };
    struct chart_lane *list = calloc(LANES, sizeof *list);
    struct chart_span span = {0, 1000, TIMELINE_ONLINE};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(list);
    assert_non_null(out);
    for (size_t i = 0; i < LANES; i++)
        list[i] =
            (struct chart_lane){.label = slice_of_text("p/<d>"), .spans = &span, .span_count = 1};
    const struct chart_lanes lanes = {.lanes = list, .count = LANES, .until_ms = 1000};
    struct svg_axis axis;
    svg_axis_init(&axis, &utc, 0, 1000);
    const struct svg_frame frame = {.width = 900, .document = true, .id = "x", .title = "t"};
    svg_write_lanes(out, &frame, &lanes, &axis);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "7 devices more are left out"));
    assert_null(strstr(text, "<d>"));
    assert_int_equal(count_of(text, "<title>p/&lt;d&gt;</title>"), SVG_LANES_MAX);
    free(text);
    free(list);
}

/* --- lines --------------------------------------------------------------------------------- */

enum { POINTS = 200 };

static struct chart_series make_series(struct chart_point points[POINTS])
{
    for (int64_t i = 0; i < POINTS; i++) {
        const double value = 20 + sin((double)i / 10);
        points[i] = (struct chart_point){
            i * 1000, (i + 1) * 1000, {value, value - 1, value + 1, true, true}};
    }
    return (struct chart_series){.measure = {.unit = ""}, .points = points, .point_count = POINTS};
}

static void one_wild_value_does_not_flatten_the_others(void **state)
{
    (void)state;
    struct chart_point points[POINTS];
    struct chart_series series = make_series(points);
    const struct chart_series *const list[] = {&series};
    struct svg_limits limits;
    assert_true(svg_series_limits(list, 1, &limits));
    assert_false(limits.cut_low || limits.cut_high);
    points[50].at.high = 1000;
    assert_true(svg_series_limits(list, 1, &limits));
    assert_true(limits.cut_high && !limits.cut_low);
    assert_true(limits.high < 30);
    points[60].at.low = -273;
    assert_true(svg_series_limits(list, 1, &limits));
    assert_true(limits.cut_high && limits.cut_low && limits.low > 10);
}

static void no_value_has_no_limits(void **state)
{
    (void)state;
    struct chart_point point = {0, 1000, {0, 0, 0, false, false}};
    const struct chart_series series = {
        .measure = {.unit = ""}, .points = &point, .point_count = 1};
    const struct chart_series *const list[] = {&series};
    struct svg_limits limits;
    assert_false(svg_series_limits(list, 1, &limits));
}

static char *series_text(const struct chart_series *series)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    struct svg_axis axis;
    svg_axis_init(&axis, &utc, 0, INT64_C(1000) * POINTS);
    const struct chart_series *const list[] = {series};
    const struct svg_series_chart chart = {.series = list, .series_count = 1, .axis = &axis};
    const struct svg_frame frame = {.width = 900, .id = "x", .title = "a & b"};
    svg_write_series(out, &frame, &chart);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* How often the pen is put down for the line. */
static size_t count_strokes(const struct chart_series *series)
{
    char *text = series_text(series);
    char *line = strstr(text, "class=\"l0\" d=\"");
    assert_non_null(line);
    line[strcspn(line, ">")] = '\0';
    const size_t count = count_of(line, "M");
    free(text);
    return count;
}

static void a_line_ends_where_a_bucket_is_missing(void **state)
{
    (void)state;
    struct chart_point points[POINTS];
    struct chart_series series = make_series(points);
    assert_int_equal(count_strokes(&series), 1);
    points[100].at.has_value = false;
    assert_int_equal(count_strokes(&series), 2);
}

static void a_picture_has_a_title_for_those_who_cannot_see_it(void **state)
{
    (void)state;
    struct chart_point points[POINTS];
    const struct chart_series series = make_series(points);
    char *text = series_text(&series);
    assert_non_null(strstr(text, "role=\"img\" aria-labelledby=\"x-t\""));
    assert_non_null(strstr(text, "<title id=\"x-t\">a &amp; b</title>"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_even_axis_shares_out_time_evenly),
        cmocka_unit_test(an_empty_range_has_an_axis_too),
        cmocka_unit_test(years_of_silence_are_drawn_short),
        cmocka_unit_test(a_broken_axis_keeps_order_and_has_an_inverse),
        cmocka_unit_test(a_rhythm_is_no_silence),
        cmocka_unit_test(rare_events_do_not_make_silence),
        cmocka_unit_test(a_lane_has_a_stroke_for_each_run_of_steps),
        cmocka_unit_test(an_outage_of_an_instant_is_seen_in_a_lane_of_a_year),
        cmocka_unit_test(many_spans_take_no_more_text_than_steps),
        cmocka_unit_test(a_picture_of_too_many_lanes_says_how_many_are_left_out),
        cmocka_unit_test(one_wild_value_does_not_flatten_the_others),
        cmocka_unit_test(no_value_has_no_limits),
        cmocka_unit_test(a_line_ends_where_a_bucket_is_missing),
        cmocka_unit_test(a_picture_has_a_title_for_those_who_cannot_see_it),
    };
    return cmocka_run_group_tests(tests, open_zone, NULL);
}
