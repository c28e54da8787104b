/*
 * test_bench_figures.c - medians, ratios, digits, and texts that stand in documents.
 */
#include "bench/bench/figure_text.h"
#include "bench/bench/json_section.h"
#include "bench/bench/spread.h"
#include "engine/base/arena.h"
#include "engine/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES 4096u

static struct spread spread_of(const double *values, size_t count)
{
    OWNED(series_release) struct series series = {0};
    struct spread spread;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(series_add(&series, values[i], NULL), STATUS_OK);
    assert_int_equal(series_spread(&series, &spread, NULL), STATUS_OK);
    for (size_t i = 0; i < count; i++)
        assert_true(series.values[i] == values[i]); /* not sorted in place */
    return spread;
}

static void a_median_is_the_one_in_the_middle(void **state)
{
    (void)state;
    const struct spread odd = spread_of((double[]){9, 1, 5}, 3);
    assert_true(odd.median == 5 && odd.min == 1 && odd.max == 9 && odd.count == 3);
    const struct spread even = spread_of((double[]){4, 1, 2, 100}, 4);
    assert_true(even.median == 3 && even.min == 1 && even.max == 100);
    const struct spread none = spread_of(NULL, 0);
    assert_true(none.count == 0 && none.median == 0);
}

static void figures_beyond_all_measure_are_refused(void **state)
{
    (void)state;
    OWNED(series_release) struct series series = {0};
    assert_int_equal(series_add(&series, (double)INFINITY, NULL), STATUS_INPUT);
    assert_int_equal(series_add(&series, -(double)INFINITY, NULL), STATUS_INPUT);
    assert_int_equal(series_add(&series, (double)NAN, NULL), STATUS_INPUT);
    assert_int_equal(series_add(&series, 1e19, NULL), STATUS_INPUT);
    for (size_t i = 0; i < SERIES_VALUES_MAX; i++)
        assert_int_equal(series_add(&series, 1, NULL), STATUS_OK);
    assert_int_equal(series_add(&series, 1, NULL), STATUS_INPUT);
    assert_true(series_sum(&series) == (double)SERIES_VALUES_MAX);
}

static void a_series_without_memory_keeps_what_it_has(void **state)
{
    (void)state;
    OWNED(series_release) struct series series = {0};
    struct spread spread;
    mem_fail_at(0);
    assert_int_equal(series_add(&series, 1, NULL), STATUS_NOMEM);
    mem_fail_at(-1);
    assert_int_equal(series_add(&series, 1, NULL), STATUS_OK);
    mem_fail_at(0);
    assert_int_equal(series_spread(&series, &spread, NULL), STATUS_NOMEM);
    mem_fail_at(-1);
    assert_true(series.count == 1 && series.values[0] == 1);
}

static void a_ratio_of_nothing_is_not_known(void **state)
{
    (void)state;
    char text[FIGURE_BYTES];
    assert_true(ratio_of(6, 3) == 2);
    assert_true(ratio_of(0, 3) == 0);
    assert_true(ratio_of(6, 0) < 0);
    assert_true(ratio_of(-1, 3) < 0);
    assert_true(ratio_of((double)NAN, 3) < 0);
    assert_true(ratio_of(1e300, 1e-300) < 0);
    assert_string_equal(ratio_text(ratio_of(6, 0), text), "–");
    assert_string_equal(ratio_text(12.4, text), "12×");
    assert_string_equal(ratio_text(3.44, text), "3.4×");
    assert_string_equal(ratio_text(0.62, text), "0.62×");
    assert_string_equal(ratio_text(0.0312, text), "0.031×");
}

static void figures_have_three_digits_that_count(void **state)
{
    (void)state;
    char text[FIGURE_BYTES];
    assert_string_equal(figure_text(FIGURE_MS, 0.0214, text), "0.021");
    assert_string_equal(figure_text(FIGURE_MS, 0.99951, text), "1.00");
    assert_string_equal(figure_text(FIGURE_MS, 9.994, text), "9.99");
    assert_string_equal(figure_text(FIGURE_MS, 9.996, text), "10.0");
    assert_string_equal(figure_text(FIGURE_MS, 1312.4, text), "1312");
    assert_string_equal(figure_text(FIGURE_RATE, 9.81e6, text), "9.81 M");
    assert_string_equal(figure_text(FIGURE_RATE, 12345, text), "12.3 k");
    assert_string_equal(figure_text(FIGURE_RATE, 512, text), "512");
    assert_string_equal(figure_text(FIGURE_MEMORY, 512e6, text), "512 MB");
    assert_string_equal(figure_text(FIGURE_MS, -1, text), "–");
    assert_string_equal(figure_text(FIGURE_MS, (double)NAN, text), "–");
    assert_string_equal(figure_text(FIGURE_MS, 1e300, text), "–");
}

static void a_spread_of_one_run_is_that_run(void **state)
{
    (void)state;
    char text[2 * FIGURE_BYTES];
    const struct spread three = {.median = 1.93, .min = 1.9, .max = 2.41, .count = 3};
    const struct spread one = {.median = 1.93, .min = 1.93, .max = 1.93, .count = 1};
    assert_string_equal(spread_text(FIGURE_MS, &three, text), "1.93 (1.90–2.41)");
    assert_string_equal(spread_text(FIGURE_MS, &one, text), "1.93");
    assert_string_equal(spread_text(FIGURE_MS, &(struct spread){0}, text), "–");
}

/* --- documents ----------------------------------------------------------------------------- */

static void print_text(void (*put)(const char *, FILE *), const char *text, char out[TEXT_BYTES])
{
    FILE *file = fmemopen(out, TEXT_BYTES, "w");
    assert_non_null(file);
    put(text, file);
    assert_int_equal(fclose(file), 0);
}

static void text_means_nothing_in_a_document(void **state)
{
    (void)state;
    char out[TEXT_BYTES] = "";
    print_text(markdown_text, "a|b `c` <i> [x](y) _d_ *e* #1 ~f~ \\ & $", out);
    assert_string_equal(out, "a\\|b \\`c\\` &lt;i&gt; \\[x\\](y) \\_d\\_ \\*e\\* \\#1 \\~f\\~ \\\\ "
                             "&amp; \\$");
    print_text(markdown_text, "two\nlines\r\x1b[m", out);
    assert_string_equal(out, "two?lines??\\[m");
}

static void print_section(const char *json, char out[TEXT_BYTES])
{
    OWNED(arena_release) struct arena arena = {0};
    struct json_document document;
    assert_int_equal(json_parse(slice_of_text(json), &arena, &document), STATUS_OK);
    assert_non_null(document.root);
    memset(out, 0, TEXT_BYTES);
    FILE *file = fmemopen(out, TEXT_BYTES, "w");
    assert_non_null(file);
    json_section_print(document.root, 2, file);
    assert_int_equal(fclose(file), 0);
}

static void figures_of_any_shape_become_lists_and_tables(void **state)
{
    (void)state;
    char out[TEXT_BYTES];
    print_section("{\"kind\":\"x\",\"rows\":1234567,\"share\":0.25,\"sure\":true,\"none\":null,"
                  "\"list\":[1,2],\"runs\":[{\"name\":\"a|b\",\"ms\":{\"least\":1.5,\"most\":2}},"
                  "{\"name\":\"c\",\"more\":3}]}",
                  out);
    assert_string_equal(out, "- rows: 1.23 M\n"
                             "- share: 0.25\n"
                             "- sure: yes\n"
                             "- none: –\n"
                             "- list: 1, 2\n"
                             "\n"
                             "### runs\n\n"
                             "| name | ms: least | ms: most | more |\n"
                             "|---|---:|---:|---:|\n"
                             "| a\\|b | 1.5 | 2 | – |\n"
                             "| c | – | – | 3 |\n\n");
    print_section("{\"queries\":{\"Q1\":{\"ms\":1},\"Q2\":{\"ms\":2}},\"deep_one\":{\"a\":{}}}",
                  out);
    assert_string_equal(out, "### queries\n\n"
                             "| | ms |\n|---|---:|\n| Q1 | 1 |\n| Q2 | 2 |\n\n"
                             "### deep one\n\n");
}

static void members_named_twice_count_once(void **state)
{
    (void)state;
    char out[TEXT_BYTES];
    print_section("{\"a\":1,\"a\":2}", out);
    assert_string_equal(out, "- a: 2\n\n");
}

static void sections_nested_without_end_do_end(void **state)
{
    (void)state;
    char out[TEXT_BYTES];
    print_section("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":1},\"i\":2},\"j\":3},"
                  "\"k\":4},\"l\":5},\"m\":6},\"n\":7}}",
                  out);
    assert_non_null(strstr(out, "- n: 7"));
    assert_null(strstr(out, "h: 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_median_is_the_one_in_the_middle),
        cmocka_unit_test(figures_beyond_all_measure_are_refused),
        cmocka_unit_test(a_series_without_memory_keeps_what_it_has),
        cmocka_unit_test(a_ratio_of_nothing_is_not_known),
        cmocka_unit_test(figures_have_three_digits_that_count),
        cmocka_unit_test(a_spread_of_one_run_is_that_run),
        cmocka_unit_test(text_means_nothing_in_a_document),
        cmocka_unit_test(figures_of_any_shape_become_lists_and_tables),
        cmocka_unit_test(members_named_twice_count_once),
        cmocka_unit_test(sections_nested_without_end_do_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
