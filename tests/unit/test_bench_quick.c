/*
 * test_bench_quick.c - ratios and verdicts beside a baseline, and the file it is kept in.
 */
#include "bench/quick/quick.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct quick_figures *figures;
static struct quick_figures *baseline;
static char path[] = "/tmp/mnsdb-quick-test-XXXXXX";

static int make_figures(void **state)
{
    (void)state;
    const int file = mkstemp(path);
    figures = calloc(1, sizeof *figures);
    baseline = calloc(1, sizeof *baseline);
    return file >= 0 && close(file) == 0 && figures && baseline ? 0 : -1;
}

static int drop_figures(void **state)
{
    (void)state;
    free(figures);
    free(baseline);
    return unlink(path);
}

static int clear_figures(void **state)
{
    (void)state;
    const struct quick_figures empty = {.machine = {.cpu = "a CPU", .libraries = "", .build = ""},
                                        .messages = 1000};
    *figures = empty;
    *baseline = empty;
    return 0;
}

static struct quick_comparison compare(const char *name)
{
    const struct quick_figure *figure = quick_find(figures, name);
    assert_non_null(figure);
    return quick_compare(figure, baseline);
}

/* A time whose looks spread by `noise`. */
static void add_time(struct quick_figures *to, const char *name, double least_ns, double noise)
{
    quick_add_time(to, name, MACHINE_CORE, (double[]){least_ns, least_ns * (1 + noise)}, 2);
}

static void calibrate(struct quick_figures *to, double core_ns)
{
    const struct machine_calibration calibration = {{core_ns, 2 * core_ns, 3 * core_ns}};
    quick_calibrate(to, &calibration);
}

static bool near(double a, double b)
{
    return a - b < 1e-9 && b - a < 1e-9;
}

/* --- ratios ----------------------------------------------------------------------------------- */

static void a_time_is_the_least_and_its_noise_what_a_quarter_comes_near_to(void **state)
{
    (void)state;
    quick_add_time(figures, "ingest", MACHINE_BOTH, (double[]){120, 100, 110}, 3);
    const struct quick_figure *figure = quick_find(figures, "ingest");
    assert_true(figure->value == 100);
    assert_true(near(figure->noise, 0.1));
    quick_add_time(figures, "once", MACHINE_CORE, (double[]){5}, 1);
    assert_true(quick_find(figures, "once")->noise == 0);
    // Six of eight looks met a neighbour: two that did not agree on what it takes.
    quick_add_time(figures, "busy", MACHINE_CORE,
                   (double[]){190, 102, 170, 180, 100, 160, 150, 101}, 8);
    assert_true(near(quick_find(figures, "busy")->noise, 0.02));
}

static void a_time_is_compared_in_the_unit_of_its_kind(void **state)
{
    (void)state;
    quick_add_time(figures, "sum", MACHINE_CORE, (double[]){30}, 1);
    quick_add_time(figures, "call", MACHINE_SYSTEM, (double[]){30}, 1);
    calibrate(figures, 3);
    assert_true(near(quick_find(figures, "sum")->relative, 10));
    assert_true(near(quick_find(figures, "call")->relative, 5));
}

static void times_are_compared_as_multiples_of_the_calibration(void **state)
{
    (void)state;
    // Twice as long on a machine that is half as fast: the same.
    add_time(figures, "ingest", 200, 0);
    calibrate(figures, 20);
    add_time(baseline, "ingest", 100, 0);
    calibrate(baseline, 10);
    const struct quick_comparison same = compare("ingest");
    assert_true(near(same.ratio, 1));
    assert_int_equal(same.verdict, QUICK_SAME);

    calibrate(baseline, 20);
    assert_true(near(compare("ingest").ratio, 2));
    assert_int_equal(compare("ingest").verdict, QUICK_WORSE);
    calibrate(baseline, 2);
    assert_true(near(compare("ingest").ratio, 0.2));
    assert_int_equal(compare("ingest").verdict, QUICK_BETTER);
}

static void a_difference_within_the_noise_of_both_says_nothing(void **state)
{
    (void)state;
    add_time(figures, "decode", 125, 0.2);
    add_time(baseline, "decode", 100, 0.1);
    calibrate(figures, 1);
    calibrate(baseline, 1);
    assert_true(near(compare("decode").margin, 0.3));
    assert_int_equal(compare("decode").verdict, QUICK_SAME);
    baseline->figures[0].noise = 0;
    assert_int_equal(compare("decode").verdict, QUICK_WORSE);
}

static void no_margin_is_below_the_least(void **state)
{
    (void)state;
    add_time(figures, "decode", 104, 0);
    add_time(baseline, "decode", 100, 0);
    calibrate(figures, 1);
    calibrate(baseline, 1);
    assert_true(near(compare("decode").margin, QUICK_MARGIN_LEAST));
    assert_int_equal(compare("decode").verdict, QUICK_SAME);
    figures->figures[0].relative = 116;
    assert_int_equal(compare("decode").verdict, QUICK_WORSE);
    figures->figures[0].relative = 86;
    assert_int_equal(compare("decode").verdict, QUICK_BETTER);
}

static void sizes_are_compared_exactly_and_not_by_the_calibration(void **state)
{
    (void)state;
    quick_add_size(figures, "stored", 4.5);
    calibrate(figures, 7);
    quick_add_size(baseline, "stored", 4.5);
    calibrate(baseline, 3);
    assert_true(compare("stored").ratio == 1);
    assert_int_equal(compare("stored").verdict, QUICK_SAME);
    figures->figures[0].relative = 4.500001;
    assert_int_equal(compare("stored").verdict, QUICK_WORSE);
    figures->figures[0].relative = 4.499999;
    assert_int_equal(compare("stored").verdict, QUICK_BETTER);
}

static void a_figure_that_the_baseline_has_not_is_new(void **state)
{
    (void)state;
    quick_add_size(figures, "stored", 4);
    add_time(figures, "decode", 4, 0);
    calibrate(figures, 1);
    assert_int_equal(compare("stored").verdict, QUICK_NEW);
    assert_int_equal(quick_compare(&figures->figures[0], NULL).verdict, QUICK_NEW);
    // One of the same name, but of another kind, is not the same figure.
    quick_add_size(baseline, "decode", 4);
    assert_int_equal(compare("decode").verdict, QUICK_NEW);
    assert_true(compare("decode").ratio == 0);
}

static void the_worst_ratio_is_that_of_all_figures(void **state)
{
    (void)state;
    assert_true(quick_worst_ratio(figures, baseline) == 0);
    quick_add_size(figures, "stored", 3);
    quick_add_size(baseline, "stored", 2);
    quick_add_size(figures, "other", 9);
    quick_add_size(baseline, "more", 1);
    assert_true(quick_worst_ratio(figures, baseline) == 1.5);
}

static void a_verdict_has_a_word_for_its_kind(void **state)
{
    (void)state;
    assert_string_equal(quick_verdict_word(QUICK_BETTER, QUICK_TIME), "faster");
    assert_string_equal(quick_verdict_word(QUICK_WORSE, QUICK_TIME), "slower");
    assert_string_equal(quick_verdict_word(QUICK_BETTER, QUICK_SIZE), "smaller");
    assert_string_equal(quick_verdict_word(QUICK_WORSE, QUICK_SIZE), "larger");
    assert_string_equal(quick_verdict_word(QUICK_SAME, QUICK_SIZE), "same");
    assert_string_equal(quick_verdict_word(QUICK_NEW, QUICK_TIME), "new");
}

/* --- files ------------------------------------------------------------------------------------ */

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static void add_some_figures(void)
{
    add_time(figures, "decode", 123.456, 0.1);
    quick_add_size(figures, "stored", 4.2);
    calibrate(figures, 3000000);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    add_some_figures();
    FILE *file = fopen(path, "w");
    struct error err = {0};
    assert_int_equal(quick_print_json(figures, NULL, file, &err), STATUS_OK);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(quick_load(path, baseline, &err), STATUS_OK);
    assert_int_equal(baseline->messages, 1000);
    assert_memory_equal(&baseline->calibration, &figures->calibration, sizeof figures->calibration);
    assert_int_equal(baseline->count, 2);
    for (size_t i = 0; i < baseline->count; i++) {
        assert_string_equal(baseline->figures[i].name, figures->figures[i].name);
        assert_int_equal(baseline->figures[i].kind, figures->figures[i].kind);
        assert_true(baseline->figures[i].value == figures->figures[i].value);
        assert_true(baseline->figures[i].relative == figures->figures[i].relative);
        assert_int_equal(quick_compare(&figures->figures[i], baseline).verdict, QUICK_SAME);
    }
}

#define UNITS_TEXT "\"calibration_ns\":{\"core\":1,\"system\":1,\"both\":1}"

static const char long_name[] =
    "{\"kind\":\"quick\",\"messages\":1," UNITS_TEXT ",\"figures\":[{\"name\":"
    "\"a name that is far too long for any figure\",\"unit\":\"ns\",\"value\":1,"
    "\"relative\":1,\"noise\":0}]}";

static void what_is_no_baseline_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{\"kind\":\"quick\",\"messages\":1,\"calibration_ns\":1,\"figures\":[]}",
        "{\"kind\":\"kernels\",\"messages\":1," UNITS_TEXT ",\"figures\":[]}",
        "{\"kind\":\"quick\",\"messages\":1," UNITS_TEXT "}",
        "{\"kind\":\"quick\",\"messages\":-1," UNITS_TEXT ",\"figures\":[]}",
        "{\"kind\":\"quick\",\"messages\":1," UNITS_TEXT ",\"figures\":[{\"name\":\"a\"}]}",
        long_name,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error err = {0};
        write_file(texts[i]);
        assert_int_equal(quick_load(path, baseline, &err), STATUS_INPUT);
        assert_non_null(strstr(err.message, path));
    }
    struct error err = {0};
    assert_int_equal(quick_load("/nowhere/at/all", baseline, &err), STATUS_INPUT);
}

static void more_figures_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("{\"kind\":\"quick\",\"messages\":1," UNITS_TEXT ",\"figures\":[", file);
    for (unsigned i = 0; i <= QUICK_FIGURES_MAX; i++)
        (void)fprintf(file,
                      "%s{\"name\":\"f%u\",\"unit\":\"ns\",\"value\":1,\"relative\":1,\"noise\":0}",
                      i > 0 ? "," : "", i);
    (void)fputs("]}", file);
    assert_int_equal(fclose(file), 0);
    struct error err = {0};
    assert_int_equal(quick_load(path, baseline, &err), STATUS_INPUT);
}

static void reading_survives_every_failed_allocation(void **state)
{
    (void)state;
    write_file("{\"kind\":\"quick\",\"messages\":1," UNITS_TEXT ",\"figures\":[]}");
    enum status status = STATUS_NOMEM;
    const size_t live = mem_live_blocks();
    for (long nth = 0; status != STATUS_OK; nth++) {
        mem_fail_at(nth);
        status = quick_load(path, baseline, NULL);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 10); /* the sweep must end */
    }
}

static void a_table_shows_ratio_and_verdict(void **state)
{
    (void)state;
    static char text[8192];
    add_some_figures();
    add_time(baseline, "decode", 61.728, 0);
    calibrate(baseline, 3000000);
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    quick_print_table(figures, baseline, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "2.000"));
    assert_non_null(strstr(text, "slower"));
    assert_non_null(strstr(text, "new"));
}

#define WITH_FIGURES(test) cmocka_unit_test_setup(test, clear_figures)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIGURES(a_time_is_the_least_and_its_noise_what_a_quarter_comes_near_to),
        WITH_FIGURES(a_time_is_compared_in_the_unit_of_its_kind),
        WITH_FIGURES(times_are_compared_as_multiples_of_the_calibration),
        WITH_FIGURES(a_difference_within_the_noise_of_both_says_nothing),
        WITH_FIGURES(no_margin_is_below_the_least),
        WITH_FIGURES(sizes_are_compared_exactly_and_not_by_the_calibration),
        WITH_FIGURES(a_figure_that_the_baseline_has_not_is_new),
        WITH_FIGURES(the_worst_ratio_is_that_of_all_figures),
        WITH_FIGURES(a_verdict_has_a_word_for_its_kind),
        WITH_FIGURES(what_is_written_is_read_again),
        WITH_FIGURES(what_is_no_baseline_is_refused),
        WITH_FIGURES(more_figures_than_there_is_room_for_are_refused),
        WITH_FIGURES(reading_survives_every_failed_allocation),
        WITH_FIGURES(a_table_shows_ratio_and_verdict),
    };
    return cmocka_run_group_tests(tests, make_figures, drop_figures);
}
