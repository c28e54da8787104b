/*
 * test_excursion.c - readings made into timelines of limits, and the queries about them.
 *
 * ctest: fault
 */
#include "query/excursion/excursion.h"

#include "engine/base/mem.h"
#include "tests/unit/fault_sweep.h"
#include "tests/unit/query_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct excursion_limits limits_of(const char *above, const char *below)
{
    struct excursion_limits limits = {0};
    if (above)
        assert_int_equal(excursion_limits_add(&limits, EXCURSION_ABOVE, above, NULL), STATUS_OK);
    if (below)
        assert_int_equal(excursion_limits_add(&limits, EXCURSION_BELOW, below, NULL), STATUS_OK);
    return limits;
}

/* --- limits -------------------------------------------------------------------------------- */

static void equal_limits_count_once(void **state)
{
    (void)state;
    struct excursion_limits limits = limits_of("30", "30");
    assert_int_equal(excursion_limits_add(&limits, EXCURSION_ABOVE, "30.00", NULL), STATUS_OK);
    assert_int_equal(excursion_limits_add(&limits, EXCURSION_ABOVE, "3e1", NULL), STATUS_OK);
    assert_int_equal(limits.count, 2);
}

static void what_is_no_number_is_no_limit(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "warm", "1e999", "0x10", "NaN", " 1", "1 ", "01", "+1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct excursion_limits limits = {0};
        struct error err = {0};
        assert_int_equal(excursion_limits_add(&limits, EXCURSION_BELOW, wrong[i], &err),
                         STATUS_INPUT);
        assert_non_null(strstr(err.message, "--below"));
    }
}

/* --- one series ---------------------------------------------------------------------------- */

static void add(struct excursion_series *series, int64_t time_ms, const char *text)
{
    struct excursion_reading reading = {.time_ms = time_ms};
    assert_true(number_parse(slice_of_text(text), &reading.value));
    assert_int_equal(
        mem_grow(&series->readings, &series->capacity, series->count + 1, sizeof *series->readings),
        STATUS_OK);
    series->readings[series->count++] = reading;
}

static struct timeline_span cut(struct excursion_series *series,
                                const struct excursion_limits *limits, int64_t hold_ms,
                                int64_t from_ms, int64_t until_ms)
{
    struct timeline timeline = {0};
    assert_int_equal(excursion_timeline(series, limits ? &limits->items[0] : NULL, hold_ms > 0,
                                        hold_ms, &timeline, NULL),
                     STATUS_OK);
    const struct timeline_span span = timeline_cut(&timeline, from_ms, until_ms);
    timeline_release(&timeline);
    return span;
}

static void the_limit_itself_is_not_beyond_it(void **state)
{
    (void)state;
    const struct excursion_limits above = limits_of("30", NULL);
    const struct excursion_limits below = limits_of(NULL, "30");
    struct excursion_series series = {0};
    add(&series, 100, "30.0");
    add(&series, 200, "30.0000000000000001");
    add(&series, 300, "29.9999999999999999");
    assert_int_equal(cut(&series, &above, 0, 0, 400).online_ms, 100);
    assert_int_equal(cut(&series, &below, 0, 0, 400).online_ms, 100);
    assert_int_equal(cut(&series, &above, 0, 0, 400).unknown_ms, 100);
    excursion_series_release(&series);
}

static void a_hold_ends_what_is_known(void **state)
{
    (void)state;
    const struct excursion_limits above = limits_of("30", NULL);
    struct excursion_series series = {0};
    add(&series, 100, "31");
    add(&series, 150, "31"); /* just when the first one runs out: it goes on */
    add(&series, 300, "31");
    const struct timeline_span beyond = cut(&series, &above, 50, 0, 1000);
    assert_int_equal(beyond.online_ms, 150);
    assert_int_equal(beyond.sessions, 2);
    assert_int_equal(beyond.longest_ms, 100);
    assert_int_equal(cut(&series, NULL, 50, 0, 1000).online_ms, 150);
    assert_int_equal(cut(&series, &above, 0, 0, 1000).online_ms, 900);
    assert_int_equal(cut(&series, NULL, 0, 0, 1000).unknown_ms, 100);
    excursion_series_release(&series);
}

static void a_hold_beyond_all_time_never_ends(void **state)
{
    (void)state;
    const struct excursion_limits above = limits_of("30", NULL);
    struct excursion_series series = {0};
    add(&series, 100, "31");
    assert_int_equal(cut(&series, &above, INT64_MAX, 0, 1000).online_ms, 900);
    excursion_series_release(&series);
}

/* --- queries ------------------------------------------------------------------------------- */

typedef enum status query_function(struct query_store *store, struct answer *answer);

static enum status ask(struct query_store *store, enum excursion_by by, bool list,
                       struct answer *answer)
{
    const struct slice metrics[] = {slice_of_text("t"), slice_of_text("t"), slice_of_text("no")};
    const struct excursion_limits limits = limits_of("-1", "0.5");
    struct scan_statistics statistics = {0};
    struct bucket_width width;
    struct civil_zone zone;
    TRY(bucket_width_parse("100ms", &width, NULL));
    TRY(civil_zone_open(&zone, "UTC", NULL));
    const struct excursion_spec spec = {.selection = &store->selection,
                                        .metrics = metrics,
                                        .metric_count = 3,
                                        .limits = &limits,
                                        .has_hold = by == EXCURSION_BY_PRODUCT,
                                        .hold_ms = 5,
                                        .every = list ? NULL : &width,
                                        .zone = &zone,
                                        .by = by};
    return list ? excursion_list_query(store->snapshot, &spec, answer, &statistics, NULL)
                : excursion_query(store->snapshot, &spec, answer, &statistics, NULL);
}

static enum status by_device(struct query_store *store, struct answer *answer)
{
    return ask(store, EXCURSION_BY_DEVICE, false, answer);
}

static enum status by_product(struct query_store *store, struct answer *answer)
{
    return ask(store, EXCURSION_BY_PRODUCT, false, answer);
}

static enum status in_a_list(struct query_store *store, struct answer *answer)
{
    return ask(store, EXCURSION_BY_DEVICE, true, answer);
}

struct question {
    struct query_store *store;
    query_function *query;
};

static enum status ask_once(void *context)
{
    const struct question *question = context;
    struct answer answer = {0};
    const enum status status = question->query(question->store, &answer);
    assert_true(status != STATUS_OK || answer_shown_count(&answer) > 0);
    answer_release(&answer);
    return status;
}

static void sweep(struct query_store *store, query_function *query)
{
    struct question question = {store, query};
    fault_sweep_run(&(struct fault_sweep){.attempt = ask_once, .context = &question, .most = 2000});
}

static void queries_survive_every_failed_allocation(void **state)
{
    sweep(*state, by_device);
    sweep(*state, by_product);
    sweep(*state, in_a_list);
}

/* Two seconds of rows of seven devices: what all devices spend is that of one group. */
static void groups_hold_what_their_devices_hold(void **state)
{
    struct answer devices = {0};
    struct answer all = {0};
    assert_int_equal(ask(*state, EXCURSION_BY_DEVICE, false, &devices), STATUS_OK);
    assert_int_equal(ask(*state, EXCURSION_BY_NONE, false, &all), STATUS_OK);
    const char *const name = "t_above_-1_ms";
    const size_t of_device = answer_find_column(&devices, slice_of_text(name));
    const size_t of_all = answer_find_column(&all, slice_of_text(name));
    int64_t sum_ms = 0;
    for (size_t i = 0; i < answer_shown_count(&devices); i++)
        sum_ms += answer_row(&devices, i)[of_device].integer;
    assert_true(sum_ms > 0);
    for (size_t i = 0; i < answer_shown_count(&all); i++)
        sum_ms -= answer_row(&all, i)[of_all].integer;
    assert_int_equal(sum_ms, 0);
    answer_release(&devices);
    answer_release(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_limits_count_once),
        cmocka_unit_test(what_is_no_number_is_no_limit),
        cmocka_unit_test(the_limit_itself_is_not_beyond_it),
        cmocka_unit_test(a_hold_ends_what_is_known),
        cmocka_unit_test(a_hold_beyond_all_time_never_ends),
        cmocka_unit_test(queries_survive_every_failed_allocation),
        cmocka_unit_test(groups_hold_what_their_devices_hold),
    };
    return cmocka_run_group_tests(tests, query_store_make, query_store_drop);
}
