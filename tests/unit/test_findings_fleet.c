/*
 * test_findings_fleet.c - what looks wrong of many devices at once: silences of most of them, and
 * metrics that never moved on one of them, in words; stores made to break the rules; and whichever
 * request for memory fails, it is said and everything given back.
 *
 * Rules and limits are tested by tests/system/test_check.py against the oracle.
 *
 * ctest: fault
 */
#include "query/findings/findings.h"
#include "query/gaps/gaps.h"
#include "tests/unit/fault_sweep.h"
#include "tests/unit/history_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BASE_MS    INT64_C(1700000000000)
#define MINUTE_MS  INT64_C(60000)
#define HOUR_MS    INT64_C(3600000)
#define FAULTS_MAX 20000

static struct history_store place;

/* --- histories ----------------------------------------------------------------------------- */

static void add_value(const char *device, int64_t time_ms, int64_t value)
{
    history_store_add_reading(&place, device, time_ms, "x", number_from_integer(value));
}

/* Readings every ten minutes for two days; seven of nine devices are silent from noon to three. */
static void add_fleet(void)
{
    for (int device = 0; device < 9; device++) {
        char name[16];
        (void)snprintf(name, sizeof name, "p/d%d", device);
        for (int64_t minute = 0; minute < 2880; minute += 10) {
            if (device < 7 && minute > 720 && minute < 900)
                continue;
            const int64_t value = device == 8 ? 7 : minute / 120 % 6;
            add_value(name, BASE_MS + minute * MINUTE_MS + INT64_C(1000) * device, value);
        }
    }
}

/* --- findings ------------------------------------------------------------------------------ */

static enum status find(const struct selection_spec *range, const struct findings_limits *limits,
                        struct finding_list *list)
{
    OWNED(selection_release) struct selection selection = {0};
    struct scan_statistics statistics = {0};
    TRY(history_store_select(&place, range, &selection));
    const struct findings_spec spec = {
        .selection = &selection, .whole_store = true, .limits = *limits};
    return findings_query(place.snapshot, &spec, list, &statistics, NULL);
}

static void assert_evidence(const struct finding *finding, enum finding_kind kind,
                            const char *wanted)
{
    assert_int_equal(finding->kind, kind);
    assert_int_equal(finding->evidence.len, strlen(wanted));
    assert_memory_equal(finding->evidence.data, wanted, finding->evidence.len);
}

static void a_silence_of_most_and_a_sensor_that_never_moved(void **state)
{
    (void)state;
    const struct selection_spec all = {0};
    const struct findings_limits limits = findings_limits_default();
    struct finding_list list = {0};
    add_fleet();
    history_store_open(&place);
    assert_int_equal(find(&all, &limits, &list), STATUS_OK);
    assert_int_equal(list.count, 2);
    assert_evidence(&list.items[0], FINDING_TOGETHER,
                    "7 of 9 devices silent from 2023-11-15 10:13:26Z to 2023-11-15 13:13:23Z (2h "
                    "59m): probably the platform, the queue or the ingest");
    assert_int_equal(list.items[0].severity, SEVERITY_WARNING);
    assert_int_equal(list.items[0].device.len, 0);
    assert_int_equal(list.items[0].count, 7);
    assert_evidence(&list.items[1], FINDING_FROZEN,
                    "7 in 288 readings over 1d 23h from 2023-11-14 22:13:28Z; on 8 of 8 other "
                    "devices it never stands for a fifth as long");
    finding_list_release(&list);
    history_store_drop(&place);
}

static void a_silence_that_lasts_is_an_error(void **state)
{
    (void)state;
    const struct selection_spec until = {.has_until = true, .until_ms = BASE_MS + 14 * HOUR_MS};
    const struct findings_limits limits = findings_limits_default();
    struct finding_list list = {0};
    add_fleet();
    history_store_open(&place);
    assert_int_equal(find(&until, &limits, &list), STATUS_OK);
    assert_int_equal(list.items[0].severity, SEVERITY_ERROR);
    assert_evidence(&list.items[0], FINDING_TOGETHER,
                    "7 of 9 devices silent from 2023-11-15 10:13:26Z to 2023-11-15 12:13:20Z (1h "
                    "59m): probably the platform, the queue or the ingest; it lasts");
    finding_list_release(&list);
    history_store_drop(&place);
}

/* --- stores made to break the rules -------------------------------------------------------- */

static struct findings_limits greatest_limits(void)
{
    return (struct findings_limits){.frozen_ms = INT64_MAX,
                                    .frozen_readings = UINT64_MAX,
                                    .jump_factor_milli = UINT64_MAX,
                                    .gap_factor_milli = UINT64_MAX,
                                    .gap_least_ms = INT64_MAX,
                                    .silent_ms = INT64_MAX,
                                    .still_ms = INT64_MAX,
                                    .together_devices = UINT64_MAX,
                                    .together_percent = 99,
                                    .offline_ms = INT64_MAX,
                                    .unstable_failures = UINT64_MAX,
                                    .unstable_factor_milli = UINT64_MAX,
                                    .flap_sessions = UINT64_MAX,
                                    .flap_ms = INT64_MAX,
                                    .clock_ahead_ms = INT64_MAX,
                                    .rejects_ms = INT64_MAX,
                                    .rejects_factor_milli = UINT64_MAX};
}

/* Everything is beyond such limits. */
static struct findings_limits least_limits(void)
{
    return (struct findings_limits){.frozen_ms = 1,
                                    .frozen_readings = 2,
                                    .jump_factor_milli = 1,
                                    .gap_factor_milli = 1,
                                    .gap_least_ms = 0,
                                    .silent_ms = 1,
                                    .still_ms = 1,
                                    .together_devices = 1,
                                    .together_percent = 1,
                                    .offline_ms = 1,
                                    .unstable_failures = 2,
                                    .unstable_factor_milli = 1,
                                    .flap_sessions = 2,
                                    .flap_ms = 1,
                                    .clock_ahead_ms = 1,
                                    .rejects_ms = 1,
                                    .rejects_factor_milli = 1};
}

static void ask_gaps(const struct selection_spec *range)
{
    OWNED(selection_release) struct selection selection = {0};
    struct scan_statistics statistics = {0};
    assert_int_equal(history_store_select(&place, range, &selection), STATUS_OK);
    static const struct gaps_spec specs[] = {
        {.factor_milli = 0},
        {.factor_milli = 1},
        {.factor_milli = GAPS_FACTOR_MILLI_MAX},
        {.longer_than_ms = 1},
        {.longer_than_ms = INT64_MAX},
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        struct gaps gaps = {0};
        struct answer answer = {0};
        struct gaps_spec spec = specs[i];
        spec.selection = &selection;
        assert_int_equal(gaps_query(place.snapshot, &spec, &gaps, &statistics, NULL), STATUS_OK);
        assert_int_equal(gaps_list(place.snapshot, &spec, &gaps, &statistics, NULL), STATUS_OK);
        assert_int_equal(gaps_answer(place.snapshot, &gaps, &answer, NULL), STATUS_OK);
        answer_release(&answer);
        gaps_release(&gaps);
    }
}

/* With every limit and in every range there is an answer, and no arithmetic that fails. */
static void ask_everything(void)
{
    const struct findings_limits limits[] = {
        findings_limits_default(), greatest_limits(), least_limits(), {0}};
    static const struct selection_spec ranges[] = {
        {0},
        {.has_from = true, .from_ms = BASE_MS, .has_until = true, .until_ms = BASE_MS},
        {.has_from = true, .from_ms = BASE_MS - 1},
        {.has_until = true, .until_ms = BASE_MS + 1},
        {.has_from = true, .from_ms = 0, .has_until = true, .until_ms = INT64_C(4102444800000)},
    };
    history_store_open(&place);
    for (size_t range = 0; range < sizeof ranges / sizeof *ranges; range++) {
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
            struct finding_list list = {0};
            assert_int_equal(find(&ranges[range], &limits[i], &list), STATUS_OK);
            finding_list_release(&list);
        }
        ask_gaps(&ranges[range]);
    }
    history_store_drop(&place);
}

static void one_row_is_no_harm(void **state)
{
    (void)state;
    add_value("p/d", BASE_MS, 1);
    ask_everything();
}

static void rows_of_one_instant_are_no_harm(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++)
        add_value(i % 5 == 0 ? "p/d" : "p/e", BASE_MS, i);
    ask_everything();
}

static void rows_a_millisecond_apart_are_no_harm(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++)
        add_value("p/d", BASE_MS + i, i % 3);
    ask_everything();
}

static void a_clock_that_jumps_is_no_harm(void **state)
{
    (void)state;
    // The least and the greatest business time that an envelope can give, and all between.
    static const int64_t times_ms[] = {INT64_C(631152000000), BASE_MS, INT64_C(4102444799000)};
    for (int64_t i = 0; i < 300; i++)
        add_value(i % 2 == 0 ? "p/d" : "p/e", times_ms[i % 3] + i, i % 7);
    ask_everything();
}

static void many_devices_that_stop_one_after_the_other_are_no_harm(void **state)
{
    (void)state;
    for (int device = 0; device < 400; device++) {
        char name[16];
        (void)snprintf(name, sizeof name, "p/%d", device);
        for (int i = 0; i < 25; i++)
            add_value(name, BASE_MS + MINUTE_MS * (device + i), i);
        add_value(name, BASE_MS + MINUTE_MS * (device % 3 + 600), 0);
    }
    ask_everything();
}

/* --- memory -------------------------------------------------------------------------------- */

static enum status find_all(void *context)
{
    (void)context;
    const struct selection_spec all = {0};
    const struct findings_limits limits = findings_limits_default();
    struct finding_list list = {0};
    const enum status status = find(&all, &limits, &list);
    finding_list_release(&list);
    return status;
}

static void fleets_survive_every_failed_allocation(void **state)
{
    (void)state;
    add_fleet();
    history_store_open(&place);
    fault_sweep_run(&(struct fault_sweep){.attempt = find_all, .most = FAULTS_MAX});
    history_store_drop(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silence_of_most_and_a_sensor_that_never_moved),
        cmocka_unit_test(a_silence_that_lasts_is_an_error),
        cmocka_unit_test(one_row_is_no_harm),
        cmocka_unit_test(rows_of_one_instant_are_no_harm),
        cmocka_unit_test(rows_a_millisecond_apart_are_no_harm),
        cmocka_unit_test(a_clock_that_jumps_is_no_harm),
        cmocka_unit_test(many_devices_that_stop_one_after_the_other_are_no_harm),
        cmocka_unit_test(fleets_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
