/*
 * test_reliability.c - failures, repairs, flaps and outages cut out of timelines.
 */
#include "query/reliability/reliability.h"

#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define END_MS 1000

static const struct timeline_rules plain_rules = {0};

static struct status_event on(int64_t time_ms)
{
    return (struct status_event){.time_ms = time_ms, .online = true};
}

static struct status_event off(int64_t time_ms)
{
    return (struct status_event){.time_ms = time_ms};
}

static struct reliability cut(const struct status_event *events, size_t count, int64_t from_ms,
                              int64_t until_ms, int64_t flap_ms)
{
    struct timeline timeline = {0};
    assert_int_equal(timeline_build(&timeline, events, count, &plain_rules), STATUS_OK);
    const struct reliability found = reliability_cut(&timeline, from_ms, until_ms, flap_ms);
    timeline_release(&timeline);
    return found;
}

static void a_device_without_events_never_fails(void **state)
{
    (void)state;
    const struct reliability found = cut(NULL, 0, 0, END_MS, 100);
    assert_int_equal(found.failures, 0);
    assert_int_equal(found.longest_outage_ms, 0);
}

static void failures_repairs_and_flaps_are_counted(void **state)
{
    (void)state;
    const struct status_event events[] = {on(100), off(300), on(350), off(360), on(500)};
    const struct reliability found = cut(events, 5, 0, END_MS, 100);
    assert_int_equal(found.failures, 2);
    assert_int_equal(found.repairs, 2);
    assert_int_equal(found.repaired_ms, 50 + 140);
    assert_int_equal(found.flaps, 1);
    assert_int_equal(found.longest_outage_ms, 140);
    assert_int_equal(found.longest_outage_start_ms, 360);
}

static void a_session_as_long_as_the_flap_time_is_no_flap(void **state)
{
    (void)state;
    const struct status_event events[] = {on(100), off(200)};
    assert_int_equal(cut(events, 2, 0, END_MS, 100).flaps, 0);
    assert_int_equal(cut(events, 2, 0, END_MS, 101).flaps, 1);
}

static void offline_before_the_first_session_is_an_outage_but_no_repair(void **state)
{
    (void)state;
    const struct status_event events[] = {off(100), on(400)};
    const struct reliability found = cut(events, 2, 0, END_MS, 100);
    assert_int_equal(found.failures, 0);
    assert_int_equal(found.repairs, 0);
    assert_int_equal(found.longest_outage_ms, 300);
    assert_int_equal(found.longest_outage_start_ms, 100);
}

static void the_longest_outage_is_cut_and_its_start_is_true(void **state)
{
    (void)state;
    const struct status_event events[] = {on(100), off(200), on(900)};
    const struct reliability found = cut(events, 3, 500, 600, 100);
    assert_int_equal(found.failures, 0);
    assert_int_equal(found.longest_outage_ms, 100);
    assert_int_equal(found.longest_outage_start_ms, 200);
    const struct reliability repaired = cut(events, 3, 900, 901, 100);
    assert_int_equal(repaired.repairs, 1);
    assert_int_equal(repaired.repaired_ms, 700);
    assert_int_equal(repaired.longest_outage_ms, 0);
}

static void of_equal_outages_the_earliest_counts(void **state)
{
    (void)state;
    const struct status_event events[] = {on(0), off(100), on(200), off(300), on(400)};
    assert_int_equal(cut(events, 5, 0, END_MS, 1).longest_outage_start_ms, 100);
    struct reliability sum = {.longest_outage_ms = 5, .longest_outage_start_ms = 7};
    const struct reliability earlier = {.longest_outage_ms = 5, .longest_outage_start_ms = 3};
    const struct reliability none = {0};
    reliability_add(&sum, &earlier);
    reliability_add(&sum, &none);
    assert_int_equal(sum.longest_outage_start_ms, 3);
}

static void an_outage_that_lasts_is_no_repair(void **state)
{
    (void)state;
    const struct status_event events[] = {on(100), off(200)};
    const struct reliability found = cut(events, 2, 0, END_MS, 1);
    assert_int_equal(found.failures, 1);
    assert_int_equal(found.repairs, 0);
    assert_int_equal(found.longest_outage_ms, END_MS - 200);
}

static void a_session_of_no_length_fails_in_its_millisecond(void **state)
{
    (void)state;
    const struct status_event events[] = {on(100), off(100), on(100), off(100)};
    assert_int_equal(cut(events, 4, 100, 101, 1).failures, 2);
    assert_int_equal(cut(events, 4, 100, 101, 1).repairs, 1);
    assert_int_equal(cut(events, 4, 100, 100, 1).failures, 0);
    assert_int_equal(cut(events, 4, 101, END_MS, 1).failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_without_events_never_fails),
        cmocka_unit_test(failures_repairs_and_flaps_are_counted),
        cmocka_unit_test(a_session_as_long_as_the_flap_time_is_no_flap),
        cmocka_unit_test(offline_before_the_first_session_is_an_outage_but_no_repair),
        cmocka_unit_test(the_longest_outage_is_cut_and_its_start_is_true),
        cmocka_unit_test(of_equal_outages_the_earliest_counts),
        cmocka_unit_test(an_outage_that_lasts_is_no_repair),
        cmocka_unit_test(a_session_of_no_length_fails_in_its_millisecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
