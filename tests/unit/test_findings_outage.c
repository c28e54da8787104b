/*
 * test_findings_outage.c - long outages and unstable devices of made-up histories, in words; and
 * whichever request for memory fails, it is said and everything given back.
 *
 * Rules and limits are tested by tests/system/test_check.py against the oracle.
 *
 * ctest: fault
 */
#include "query/findings/findings.h"
#include "tests/unit/fault_sweep.h"
#include "tests/unit/history_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BASE_MS    INT64_C(1700000000000)
#define HOUR_MS    INT64_C(3600000)
#define DAY_MS     (24 * HOUR_MS)
#define END_MS     (BASE_MS + 14 * DAY_MS)
#define FAULTS_MAX 20000

static struct history_store place;

/* --- histories ----------------------------------------------------------------------------- */

static void add_state(const char *device, int64_t time_ms, bool online)
{
    history_store_add_state(&place, device, time_ms, online);
}

static void add_outage(const char *device, int64_t start_ms, int64_t length_ms)
{
    add_state(device, start_ms, false);
    add_state(device, start_ms + length_ms, true);
}

static void fill_batch(void)
{
    add_state("p/gone", BASE_MS, true);
    add_outage("p/gone", BASE_MS + DAY_MS, 3 * DAY_MS);
    add_outage("p/gone", BASE_MS + 5 * DAY_MS, 30 * HOUR_MS);
    add_state("p/gone", BASE_MS + 12 * DAY_MS, false);
    add_state("p/never", BASE_MS, false);
    add_state("p/steady", BASE_MS, true);
    add_state("p/weak", BASE_MS, true);
    for (int i = 1; i <= 11; i++)
        add_outage("p/weak", BASE_MS + i * DAY_MS, HOUR_MS);
    add_state("p/weak", END_MS - HOUR_MS, false);
    add_state("q/alone", BASE_MS, true);
    for (int i = 1; i <= 11; i++)
        add_outage("q/alone", BASE_MS + i * DAY_MS, HOUR_MS);
    add_state("q/alone", END_MS, true);
}

static int make_store(void **state)
{
    (void)state;
    fill_batch();
    history_store_open(&place);
    return 0;
}

static int drop_store(void **state)
{
    (void)state;
    history_store_drop(&place);
    return 0;
}

/* --- findings ------------------------------------------------------------------------------ */

static enum status find_within(struct finding_list *list, const struct selection_spec *request)
{
    OWNED(selection_release) struct selection selection = {0};
    struct scan_statistics statistics = {0};
    TRY(history_store_select(&place, request, &selection));
    const struct findings_spec spec = {.selection = &selection,
                                       .limits = findings_limits_default()};
    return findings_query(place.snapshot, &spec, list, &statistics, NULL);
}

static void assert_told(const struct finding_list *list, enum finding_kind kind, const char *device,
                        enum finding_severity severity, const char *evidence)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct finding *finding = &list->items[i];
        if (finding->kind != kind || !slice_equal(finding->device, slice_of_text(device)))
            continue;
        assert_int_equal(finding->severity, severity);
        assert_int_equal(finding->evidence.len, strlen(evidence));
        assert_memory_equal(finding->evidence.data, evidence, strlen(evidence));
        return;
    }
    fail_msg("no finding %s of %s", finding_kind_word(kind), device);
}

static void outages_are_told_with_the_longest_and_what_lasts(void **state)
{
    (void)state;
    static const struct selection_spec all = {0};
    struct finding_list list = {0};
    assert_int_equal(find_within(&list, &all), STATUS_OK);
    assert_told(&list, FINDING_OFFLINE, "p/gone", SEVERITY_ERROR,
                "3 outages of more than 1d 0h, the longest 3d 0h from 2023-11-15 22:13:20Z to "
                "2023-11-18 22:13:20Z; offline since 2023-11-26 22:13:20Z; it lasts");
    assert_told(&list, FINDING_OFFLINE, "p/never", SEVERITY_ERROR,
                "offline for 14d 0h since 2023-11-14 22:13:20Z, never seen online; it lasts");
    assert_int_equal(list.count, 4);
    finding_list_release(&list);
}

static void an_outage_is_told_whole_by_a_range_within_it(void **state)
{
    (void)state;
    static const struct selection_spec within = {.has_from = true,
                                                 .from_ms = BASE_MS + 2 * DAY_MS,
                                                 .has_until = true,
                                                 .until_ms = BASE_MS + 3 * DAY_MS};
    struct finding_list list = {0};
    assert_int_equal(find_within(&list, &within), STATUS_OK);
    assert_told(&list, FINDING_OFFLINE, "p/gone", SEVERITY_ERROR,
                "offline for 2d 0h since 2023-11-15 22:13:20Z; it lasts");
    assert_int_equal(list.items[0].first_ms, BASE_MS + DAY_MS);
    assert_int_equal(list.items[0].last_ms, BASE_MS + 3 * DAY_MS);
    finding_list_release(&list);
}

static void devices_that_fail_often_are_told_with_what_is_usual(void **state)
{
    (void)state;
    static const struct selection_spec all = {0};
    struct finding_list list = {0};
    assert_int_equal(find_within(&list, &all), STATUS_OK);
    assert_told(&list, FINDING_UNSTABLE, "p/weak", SEVERITY_WARNING,
                "went offline 12 times in 14d 0h, 6 times a week; the median of 4 devices of its "
                "product is 0; offline since 2023-11-28 21:13:20Z");
    assert_told(&list, FINDING_UNSTABLE, "q/alone", SEVERITY_WARNING,
                "went offline 11 times in 14d 0h, 5.5 times a week; its product has no other "
                "device to compare with");
    finding_list_release(&list);
}

static enum status find_all(void *context)
{
    (void)context;
    static const struct selection_spec all = {0};
    struct finding_list list = {0};
    const enum status status = find_within(&list, &all);
    finding_list_release(&list);
    return status;
}

static void outages_survive_every_failed_allocation(void **state)
{
    (void)state;
    fault_sweep_run(&(struct fault_sweep){.attempt = find_all, .most = FAULTS_MAX});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outages_are_told_with_the_longest_and_what_lasts),
        cmocka_unit_test(an_outage_is_told_whole_by_a_range_within_it),
        cmocka_unit_test(devices_that_fail_often_are_told_with_what_is_usual),
        cmocka_unit_test(outages_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_store, drop_store);
}
