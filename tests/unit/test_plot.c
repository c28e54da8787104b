/*
 * test_plot.c - pictures, character by character, in UTF-8 and in ASCII.
 *
 * ctest: fault
 */
#include "cli/utf8.h"
#include "engine/base/mem.h"
#include "query/plot/plot.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_MS MS_PER_HOUR
#define NONE    1e9 /* in a list of values: an empty bucket */

static struct civil_zone utc;

static int open_zone(void **state)
{
    (void)state;
    return civil_zone_open(&utc, "UTC", NULL) == STATUS_OK ? 0 : -1;
}

static struct chart_measure measure_of(bool band)
{
    struct chart_measure measure = {
        .metric = slice_of_text("t"), .name = slice_of_text("avg"), .unit = ""};
    if (band) {
        measure.low = slice_of_text("min");
        measure.high = slice_of_text("max");
    }
    return measure;
}

#define POINTS_MAX 512u

/* Hours from 1970 on. With `band` > 0 each value has low and high so far from it. */
static struct chart_series series_of(struct chart_point points[POINTS_MAX], const double *values,
                                     size_t count, double band)
{
    struct chart_series series = {
        .label = slice_of_text("dev"), .measure = measure_of(band > 0), .points = points};
    assert_true(count <= POINTS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct chart_point point = {.from_ms = (int64_t)i * HOUR_MS,
                                    .until_ms = (int64_t)(i + 1) * HOUR_MS};
        if (values[i] != NONE) {
            point.at = (struct chart_value){.value = values[i],
                                            .low = values[i] - band,
                                            .high = values[i] + band,
                                            .has_value = true,
                                            .has_band = band > 0};
            points[series.point_count++] = point;
        }
    }
    return series;
}

/* What a picture may never do, whatever it shows. */
static void check_lines(struct slice text, size_t columns, bool utf8)
{
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        assert_non_null(end);
        const size_t len = (size_t)(end - text.data);
        const struct slice line = slice_of(text.data, len);
        assert_true(screen_text_width(line) <= columns);
        for (size_t at = 0; at < len;) {
            uint32_t character = 0;
            const size_t taken = utf8_read(slice_of(line.data + at, len - at), &character);
            assert_true(taken > 0 && !utf8_is_harmful(character));
            assert_true(utf8 || taken == 1);
            at += taken;
        }
        text = slice_of(end + 1, text.len - len - 1);
    }
}

static void text_is(struct buffer *out, const struct screen *screen, const char *expected)
{
    check_lines(buffer_slice(out), screen->columns, screen->utf8);
    assert_int_equal(buffer_append(out, "", 1), STATUS_OK);
    assert_string_equal((const char *)out->data, expected);
    buffer_release(out);
}

static void series_is(size_t columns, bool utf8, const struct chart_series *series,
                      enum plot_kind kind, const char *expected)
{
    struct buffer out = {0};
    const struct screen screen = {.columns = columns, .utf8 = utf8};
    const struct plot plot = {.screen = &screen, .zone = &utc, .out = &out};
    const struct plot_frame frame = {
        .from_ms = 0, .until_ms = 8 * HOUR_MS, .rows = 5, .kind = kind, .every = "1h"};
    assert_int_equal(plot_series(&plot, series, &frame), STATUS_OK);
    text_is(&out, &screen, expected);
}

static const double hill[] = {1, 2, 3, NONE, NONE, 5, 4, 1};

static void a_line_leaves_gaps_empty(void **state)
{
    (void)state;
    struct chart_point points[POINTS_MAX];
    const struct chart_series series = series_of(points, hill, 8, 0);
    series_is(40, true, &series, PLOT_LINE,
              "dev: t, avg per 1h\n"
              "5 ┤                       ⠉⠉⠉⠒⠤⣀\n"
              "  │                             ⠉⢢\n"
              "  │      ⣀⡠⠤⠒⠊⠉⠉⠁                 ⠑⢄\n"
              "  │⣀⣀⣀⠤⠒⠉                           ⠣⣀⣀⣀\n"
              "0 ┤\n"
              "  └┬────────────┬─────────────┬─────────\n"
              "   1 Jan      03:00         06:00\n"
              "   1 to 5; 1 gap\n");
    series_is(40, false, &series, PLOT_LINE,
              "dev: t, avg per 1h\n"
              "5 +                       ****\n"
              "  |                           ****\n"
              "  |    *********                  **\n"
              "  |****                             ****\n"
              "0 +\n"
              "  ++------------+-------------+---------\n"
              "   1 Jan      03:00         06:00\n"
              "   1 to 5; 1 gap\n");
}

static void a_band_lies_behind_its_line(void **state)
{
    (void)state;
    struct chart_point points[POINTS_MAX];
    const struct chart_series series = series_of(points, hill, 8, 1);
    series_is(40, true, &series, PLOT_LINE,
              "dev: t, avg per 1h, band min to max\n"
              "10 ┤\n"
              "   │\n"
              " 5 ┤                      ⠠⠤⠤⠤⠤⣀⣀⡀⠠\n"
              "   │    ⠠⢀⣀⣀⠤⠤⠒⠒⠒⠂             ⠁⠁⠈⠑⠤⡀\n"
              " 0 ┤⠒⠒⠒⠊⠉⠁⠁⠁⠁                      ⠠⠈⠑⠒⠒\n"
              "   └┬────────────┬─────────────┬────────\n"
              "    1 Jan      03:00         06:00\n"
              "    0 to 6; 1 gap\n");
    series_is(40, false, &series, PLOT_LINE,
              "dev: t, avg per 1h, band min to max\n"
              "10 +\n"
              "   |\n"
              " 5 +         ....         ********.\n"
              "   |....*********              ...**....\n"
              " 0 +****.....                      .****\n"
              "   ++------------+-------------+--------\n"
              "    1 Jan      03:00         06:00\n"
              "    0 to 6; 1 gap\n");
    series_is(20, true, &series, PLOT_LINE,
              "dev: t, avg per 1h,…\n"
              "10 ┤\n"
              "   │\n"
              " 5 ┤          ⠤⢄⣀⠠\n"
              "   │  ⣀⠤⠒⠒      ⠁⠣⡀\n"
              " 0 ┤⠒⠉⠁⠁          ⠑⠒\n"
              "   └┬───────────────\n"
              "    1 Jan\n"
              "    0 to 6; 1 gap\n");
}

static void bars_stand_on_zero(void **state)
{
    (void)state;
    struct chart_point points[POINTS_MAX];
    const double values[] = {2, 1, 0, -1, NONE, -2, 2, 0.01};
    const struct chart_series series = series_of(points, values, 8, 0);
    series_is(40, true, &series, PLOT_BARS,
              "dev: t, avg per 1h\n"
              " 2 ┤\n"
              "   │███                        ███\n"
              " 0 ┤███ ████                   ███ ▁▁▁▁\n"
              "   │             ████     ████\n"
              "-2 ┤                      ████\n"
              "   └┬────────────┬─────────────┬────────\n"
              "    1 Jan      03:00         06:00\n"
              "    -2 to 2; 1 gap\n");
    series_is(40, false, &series, PLOT_BARS,
              "dev: t, avg per 1h\n"
              " 2 +\n"
              "   |###                        ###\n"
              " 0 +### ####                   ### ####\n"
              "   |             ####     ####\n"
              "-2 +                      ####\n"
              "   ++------------+-------------+--------\n"
              "    1 Jan      03:00         06:00\n"
              "    -2 to 2; 1 gap\n");
}

static void nothing_is_said_in_words(void **state)
{
    (void)state;
    struct chart_point points[POINTS_MAX];
    const struct chart_series series = series_of(points, hill, 0, 0);
    series_is(40, true, &series, PLOT_LINE,
              "dev: t, avg per 1h\n"
              "  no values in this range\n");
}

/* --- bars ---------------------------------------------------------------------------------- */

static void bars_are(size_t columns, bool utf8, const struct chart_bars *bars, enum plot_kind kind,
                     const char *expected)
{
    struct buffer out = {0};
    const struct screen screen = {.columns = columns, .utf8 = utf8};
    const struct plot plot = {.screen = &screen, .zone = &utc, .out = &out};
    assert_int_equal(plot_bars(&plot, bars, kind), STATUS_OK);
    text_is(&out, &screen, expected);
}

static void a_row_a_group_from_low_to_high(void **state)
{
    (void)state;
    struct chart_bar all[] = {
        {slice_of_text("p/one"), {20, 18, 25, true, true}},
        {slice_of_text("p/温度"), {22.5, 22.5, 22.5, true, true}},
        {.label = slice_of_text("p/none")},
    };
    const struct chart_bars bars = {.measure = measure_of(true), .bars = all, .bar_count = 3};
    bars_are(40, true, &bars, PLOT_LINE,
             "t, avg (●), min to max (├─┤) of p\n"
             "one           ├─────●────────────┤    20\n"
             "温度                      ●         22.5\n"
             "none                                   -\n"
             "     └┬─────────────┬────────────┬\n"
             "      15           20           25\n");
    bars_are(40, false, &bars, PLOT_LINE,
             "t, avg (o), min to max (|-|) of p\n"
             "one               |----o---------|    20\n"
             "\\u{6e29}\\~                  o       22.5\n"
             "none                                   -\n"
             "           ++----------+---------+\n"
             "            15        20        25\n");
    bars_are(20, false, &bars, PLOT_LINE,
             "t, avg (o), min to ~\n"
             "one        |o|    20\n"
             "\\u{6e29~    o   22.5\n"
             "none               -\n"
             "         ++-++\n"
             "          15\n");
    bars_are(40, true, &bars, PLOT_BARS,
             "t, avg of p\n"
             "one   ██████████████                  20\n"
             "温度  ███████████████▊              22.5\n"
             "none                                   -\n"
             "     └┬─────────────┬────────────┬\n"
             "      0            20           40\n");
    all[0].at.value = -20;
    bars_are(40, false, &bars, PLOT_BARS,
             "t, avg of p\n"
             "one                ####              -20\n"
             "\\u{6e29}\\~             #####        22.5\n"
             "none                                   -\n"
             "           ++----------+---------+\n"
             "            -50        0        50\n");
}

/* --- lanes --------------------------------------------------------------------------------- */

static const struct status_event events[] = {
    {.time_ms = 10 * HOUR_MS, .online = true},        {.time_ms = 20 * HOUR_MS, .online = false},
    {.time_ms = 24 * HOUR_MS, .online = true},        {.time_ms = 30 * HOUR_MS, .online = false},
    {.time_ms = 30 * HOUR_MS + 1000, .online = true},
};

static enum status make_lanes(struct chart_lanes *lanes, const char *const *names, size_t count)
{
    const struct timeline_rules rules = {0};
    OWNED(timeline_release) struct timeline timeline = {0};
    lanes->until_ms = 48 * HOUR_MS;
    for (size_t i = 0; i < count; i++) {
        TRY(timeline_build(&timeline, events, i % 6, &rules));
        TRY(chart_lanes_add(lanes, slice_of_text(names[i]), &timeline, NULL));
    }
    return STATUS_OK;
}

static void lanes_are(size_t columns, bool utf8, enum plot_summary summary, const char *expected)
{
    static const char *const names[] = {"p/never", "p/up", "p/down", "p/back", "p/gone", "p/flap"};
    struct buffer out = {0};
    struct chart_lanes lanes = {0};
    const struct screen screen = {.columns = columns, .utf8 = utf8};
    const struct plot plot = {.screen = &screen, .zone = &utc, .out = &out};
    assert_int_equal(make_lanes(&lanes, names, 6), STATUS_OK);
    assert_int_equal(plot_lanes(&plot, &lanes, summary), STATUS_OK);
    chart_lanes_release(&lanes);
    text_is(&out, &screen, expected);
}

static void a_lane_never_hides_an_outage(void **state)
{
    (void)state;
    lanes_are(60, true, PLOT_SUMMARY_ONLINE,
              "6 devices of p, 1970-01-01 to 1970-01-03 (UTC)\n"
              "\n"
              "device                             online  outages   longest\n"
              "never   ·························       -        0         -\n"
              "up      ·····████████████████████    100%        0         -\n"
              "down    ·····█████▄▁▁▁▁▁▁▁▁▁▁▁▁▁▁  26.31%        1     1d 4h\n"
              "back    ·····█████▄▁▅████████████  89.47%        1    4h 00m\n"
              "gone    ·····█████▄▁▅██▅▁▁▁▁▁▁▁▁▁  42.10%        2   18h 00m\n"
              "flap    ·····█████▄▁▅██▇█████████  89.47%        2    4h 00m\n"
              "       └┬───────────┬────────────\n"
              "        1 Jan     2 Jan\n"
              "█ online  ▂▅▇ partly  ▁ offline  · unknown  column: 1h 55m\n");
    lanes_are(60, false, PLOT_SUMMARY_ONLINE,
              "6 devices of p, 1970-01-01 to 1970-01-03 (UTC)\n"
              "\n"
              "device                             online  outages   longest\n"
              "never   .........................       -        0         -\n"
              "up      .....####################    100%        0         -\n"
              "down    .....#####-______________  26.31%        1     1d 4h\n"
              "back    .....#####-_+############  89.47%        1    4h 00m\n"
              "gone    .....#####-_+##+_________  42.10%        2   18h 00m\n"
              "flap    .....#####-_+##+#########  89.47%        2    4h 00m\n"
              "       ++-----------+------------\n"
              "        1 Jan     2 Jan\n"
              "# online  - + partly  _ offline  . unknown  column: 1h 55m\n");
    lanes_are(80, false, PLOT_SUMMARY_SESSIONS,
              "6 devices of p, 1970-01-01 to 1970-01-03 (UTC)\n"
              "\n"
              "device                                                sessions   longest  online\n"
              "never   ............................................         0         -       -\n"
              "up      .........###################################         1    1d 14h    100%\n"
              "down    .........#########-_________________________         1   10h 00m  26.31%\n"
              "back    .........#########-___######################         2     1d 0h  89.47%\n"
              "gone    .........#########-___#####+________________         2   10h 00m  42.10%\n"
              "flap    .........#########-___#####+################         3   17h 59m  89.47%\n"
              "       ++----------+----------+----------+----------\n"
              "        1 Jan    12:00      2 Jan      12:00\n"
              "# online  - + partly  _ offline  . unknown  column: 1h 05m\n");
    lanes_are(20, true, PLOT_SUMMARY_ONLINE,
              "6 devices of p, 197…\n"
              "\n"
              "device\n"
              "never   ············\n"
              "up      ··██████████\n"
              "down    ··███▁▁▁▁▁▁▁\n"
              "back    ··███▁██████\n"
              "gone    ··███▁█▅▁▁▁▁\n"
              "flap    ··███▁█▇████\n"
              "       └┬───────────\n"
              "        1 Jan\n"
              "█ online  ▂▅▇ partl…\n");
}

/* --- sparklines ---------------------------------------------------------------------------- */

static void spark_is(size_t columns, bool utf8, const double *values, size_t count,
                     const char *expected)
{
    struct chart_point points[POINTS_MAX];
    const struct chart_series series = series_of(points, values, count, 0);
    const struct screen screen = {.columns = 80, .utf8 = utf8};
    const struct plot_spark_frame frame = {0, (int64_t)(count > 0 ? count : 1) * HOUR_MS, columns};
    struct plot_spark_scale scale = {0};
    struct buffer out = {0};
    assert_int_equal(plot_spark(&screen, &out, &series, &frame, &scale), STATUS_OK);
    assert_int_equal(screen_text_width(buffer_slice(&out)), columns);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
    buffer_release(&out);
}

static void sparklines_rise_from_low_to_high(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, NONE, 5, 6, 7, 8};
    const double equal[] = {5, 5, NONE, 5};
    const double huge[] = {-DBL_MAX, 0, DBL_MAX};
    spark_is(8, true, values, 8, "▁▂▃ ▅▆▇█");
    spark_is(8, false, values, 8, "_.- +*#@");
    spark_is(16, true, values, 8, "▁▁▂▂▃▃  ▅▅▆▆▇▇██");
    spark_is(4, true, values, 8, "▁▃▆█");
    spark_is(4, true, equal, 4, "▄▄ ▄");
    spark_is(3, false, huge, 3, "_+@");
    spark_is(3, true, huge, 0, "   ");
}

/* --- whatever comes ------------------------------------------------------------------------ */

static void pictures_of_hostile_names_stay_in_their_lines(void **state)
{
    (void)state;
    static char longest[257];
    memset(longest, 'x', 256);
    static char marks[257];
    for (size_t i = 0; i < 256; i += 2)
        memcpy(marks + i, "\xcc\x81", 2);
    const char *const names[] = {"p/\x1b]0;title\x07",
                                 "p/\n\n\r\t",
                                 "p/\xff\xfe\x80",
                                 longest,
                                 marks,
                                 "p/温温温温温温温温温温温温温温温温",
                                 ""};
    for (size_t columns = 20; columns <= 200; columns += 9) {
        for (unsigned utf8 = 0; utf8 < 2; utf8++) {
            struct buffer out = {0};
            struct chart_lanes lanes = {0};
            struct chart_bar bars[7];
            const struct screen screen = {.columns = columns, .utf8 = utf8 == 1};
            const struct plot plot = {.screen = &screen, .zone = &utc, .out = &out};
            assert_int_equal(make_lanes(&lanes, names, 7), STATUS_OK);
            assert_int_equal(plot_lanes(&plot, &lanes, PLOT_SUMMARY_ONLINE), STATUS_OK);
            for (size_t i = 0; i < 7; i++)
                bars[i] =
                    (struct chart_bar){slice_of_text(names[i]), {(double)i, -1, 10, true, true}};
            struct chart_bars chart = {.measure = measure_of(true), .bars = bars, .bar_count = 7};
            chart.measure.metric = slice_of_text(names[columns % 7]);
            assert_int_equal(plot_bars(&plot, &chart, PLOT_LINE), STATUS_OK);
            assert_int_equal(plot_bars(&plot, &chart, PLOT_BARS), STATUS_OK);
            check_lines(buffer_slice(&out), columns, screen.utf8);
            chart_lanes_release(&lanes);
            buffer_release(&out);
        }
    }
}

/* The next of a row of numbers below 2^31 that is the same every time. */
static uint32_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static void pictures_of_all_values_stay_in_their_lines(void **state)
{
    (void)state;
    static const double extremes[] = {0, -0.0, 1e300, -1e300, DBL_MIN, 5e-324, -7, 1e15};
    struct chart_point points[POINTS_MAX];
    double values[400];
    uint64_t seed = 1;
    for (int round = 0; round < 300; round++) {
        const size_t count = 1 + draw(&seed) % 400;
        for (size_t i = 0; i < count; i++)
            values[i] = draw(&seed) % 4 == 0 ? NONE
                        : round % 3 == 0     ? extremes[draw(&seed) % 8]
                                             : draw(&seed) % 100 - 50.0;
        struct buffer out = {0};
        const struct chart_series series = series_of(points, values, count, round % 2);
        const struct screen screen = {.columns = 20 + (size_t)draw(&seed) % 180,
                                      .utf8 = draw(&seed) % 2 == 0};
        const struct plot plot = {.screen = &screen, .zone = &utc, .out = &out};
        const struct plot_frame frame = {.until_ms = (int64_t)count * HOUR_MS,
                                         .rows = 3 + (size_t)draw(&seed) % 14,
                                         .kind = draw(&seed) % 2 == 0 ? PLOT_LINE : PLOT_BARS,
                                         .every = "1h"};
        const struct plot_spark_frame spark = {0, frame.until_ms, 1 + (size_t)draw(&seed) % 70};
        struct plot_spark_scale scale = {0};
        assert_int_equal(plot_series(&plot, &series, &frame), STATUS_OK);
        check_lines(buffer_slice(&out), screen.columns, screen.utf8);
        buffer_clear(&out);
        assert_int_equal(plot_spark(&screen, &out, &series, &spark, &scale), STATUS_OK);
        assert_int_equal(screen_text_width(buffer_slice(&out)), spark.columns);
        buffer_release(&out);
    }
}

static enum status draw_everything(struct buffer *out, struct chart_lanes *lanes)
{
    static const char *const names[] = {"p/a", "p/b", "q/c"};
    struct chart_point points[POINTS_MAX];
    const struct chart_series series = series_of(points, hill, 8, 1);
    struct chart_bar bar = {slice_of_text("a"), {1, 0, 2, true, true}};
    const struct chart_bars bars = {.measure = measure_of(true), .bars = &bar, .bar_count = 1};
    const struct screen screen = {.columns = 60, .utf8 = true, .colours = true};
    const struct plot plot = {.screen = &screen, .zone = &utc, .out = out};
    struct plot_frame frame = {.until_ms = 8 * HOUR_MS, .rows = 5, .every = "1h"};
    const struct plot_spark_frame spark = {0, 8 * HOUR_MS, 9};
    struct plot_spark_scale scale = {0};
    TRY(plot_series(&plot, &series, &frame));
    frame.kind = PLOT_BARS;
    TRY(plot_series(&plot, &series, &frame));
    TRY(plot_bars(&plot, &bars, PLOT_LINE));
    TRY(plot_spark(&screen, out, &series, &spark, &scale));
    TRY(make_lanes(lanes, names, 3));
    return plot_lanes(&plot, lanes, PLOT_SUMMARY_ONLINE);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct buffer out = {0};
        struct chart_lanes lanes = {0};
        mem_fail_at(nth);
        status = draw_everything(&out, &lanes);
        mem_fail_at(-1);
        buffer_release(&out);
        chart_lanes_release(&lanes);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_leaves_gaps_empty),
        cmocka_unit_test(a_band_lies_behind_its_line),
        cmocka_unit_test(bars_stand_on_zero),
        cmocka_unit_test(nothing_is_said_in_words),
        cmocka_unit_test(a_row_a_group_from_low_to_high),
        cmocka_unit_test(a_lane_never_hides_an_outage),
        cmocka_unit_test(sparklines_rise_from_low_to_high),
        cmocka_unit_test(pictures_of_hostile_names_stay_in_their_lines),
        cmocka_unit_test(pictures_of_all_values_stay_in_their_lines),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, open_zone, NULL);
}
