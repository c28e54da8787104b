/*
 * test_findings.c - findings of made-up histories: order, words, lines for the shell; and whichever
 * request for memory fails, gaps and findings say so and give all back.
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
#define FAULTS_MAX 20000

static struct history_store place;

/* --- histories ----------------------------------------------------------------------------- */

static void add_value(const char *device, int64_t time_ms, const char *metric, const char *text)
{
    struct number value = {0};
    assert_true(number_parse(slice_of_text(text), &value));
    history_store_add_reading(&place, device, time_ms, metric, value);
}

/* Readings that move, then one that jumps, then a gap, then many that stand still. */
static void add_bad_device(const char *device)
{
    char text[32];
    for (int i = 0; i < 60; i++) {
        (void)snprintf(text, sizeof text, "%d", i % 7);
        add_value(device, BASE_MS + i * MINUTE_MS, "x", text);
    }
    add_value(device, BASE_MS + 60 * MINUTE_MS, "x", "1000");
    for (int i = 0; i < 40; i++)
        add_value(device, BASE_MS + (600 + i * 10) * MINUTE_MS, "x", "5");
    add_value(device, BASE_MS + 999 * MINUTE_MS, "humidity", "116");
    for (int i = 0; i < 6; i++) {
        history_store_add_state(&place, device, BASE_MS + i * MINUTE_MS, true);
        history_store_add_state(&place, device, BASE_MS + i * MINUTE_MS + 1000, false);
    }
    history_store_add_state(&place, device, BASE_MS + 10 * MINUTE_MS, false);
    history_store_add_state(&place, device, BASE_MS + 700 * MINUTE_MS, true);
}

static int make_store(void **state)
{
    (void)state;
    const struct reject reject = {.body = slice_of_text("{"),
                                  .detail = slice_of_text("?"),
                                  .received_ms = BASE_MS,
                                  .reason = REJECT_BAD_JSON};
    add_bad_device("p/it's");
    add_bad_device("p/\x1b[31m\n*");
    const uint64_t reject_id = 1u << 20;
    assert_int_equal(row_batch_add_reject(&place.batch, &reject_id, &reject), STATUS_OK);
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

static enum status find(struct finding_list *list)
{
    struct scan_statistics statistics = {0};
    const struct findings_spec spec = {.selection = &place.selection,
                                       .whole_store = true,
                                       .limits = findings_limits_default(),
                                       .store_dir = "my store"};
    return findings_query(place.snapshot, &spec, list, &statistics, NULL);
}

static const struct finding *find_kind(const struct finding_list *list, enum finding_kind kind,
                                       const char *device)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].kind == kind &&
            slice_equal(list->items[i].device, slice_of_text(device)))
            return &list->items[i];
    }
    fail_msg("no finding %s of %s", finding_kind_word(kind), device);
    return NULL;
}

static void assert_text(struct slice text, const char *wanted)
{
    assert_int_equal(text.len, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.len);
}

static void findings_come_by_severity_and_kind(void **state)
{
    (void)state;
    struct finding_list list = {0};
    assert_int_equal(find(&list), STATUS_OK);
    assert_int_equal(list.count, 11);
    for (size_t i = 1; i < list.count; i++) {
        const struct finding *a = &list.items[i - 1];
        const struct finding *b = &list.items[i];
        assert_true(a->severity < b->severity ||
                    (a->severity == b->severity && a->kind <= b->kind));
    }
    finding_list_release(&list);
}

static void evidence_has_the_figures(void **state)
{
    (void)state;
    struct finding_list list = {0};
    assert_int_equal(find(&list), STATUS_OK);
    const struct finding *found = find_kind(&list, FINDING_OUT_OF_RANGE, "p/it's");
    assert_int_equal(found->severity, SEVERITY_ERROR);
    assert_text(found->metric, "humidity");
    assert_text(found->evidence, "1 value outside 0 to 100: 116 at 2023-11-15 14:52:20Z");
    found = find_kind(&list, FINDING_JUMP, "p/it's");
    assert_text(found->evidence, "from 3 to 1000 within 1m 00s at 2023-11-14 23:13:20Z; 95 of 100 "
                                 "changes are at most 6");
    found = find_kind(&list, FINDING_FROZEN, "p/it's");
    assert_int_equal(found->severity, SEVERITY_ERROR);
    assert_text(found->evidence, "5 in 40 readings over 6h 30m from 2023-11-15 08:13:20Z; else it "
                                 "changes in 100 of 100 readings");
    found = find_kind(&list, FINDING_FLAPPING, "p/it's");
    assert_int_equal(found->count, 6);
    found = find_kind(&list, FINDING_OFFLINE_ONLY, "p/it's");
    assert_int_equal(found->count, 1);
    found = find_kind(&list, FINDING_REJECTS, "");
    assert_text(found->evidence, "bad-json: 1 body not understood; stored are 232 messages");
    finding_list_release(&list);
}

static void names_are_quoted_for_the_shell(void **state)
{
    (void)state;
    struct finding_list list = {0};
    assert_int_equal(find(&list), STATUS_OK);
    assert_text(
        find_kind(&list, FINDING_OUT_OF_RANGE, "p/it's")->more,
        "mnsdb -d 'my store' log --device 'p/it'\\''s' --from 2023-11-15T14:52:20.000Z --to "
        "2023-11-15T14:52:20.001Z --order-by humidity:desc --limit 20");
    assert_text(find_kind(&list, FINDING_FLAPPING, "p/\x1b[31m\n*")->more,
                "mnsdb -d 'my store' sessions --device $'p/\\033\\134[31m\\012\\134*' --from "
                "2023-11-14T22:13:20.000Z --to 2023-11-14T22:18:20.001Z");
    finding_list_release(&list);
}

/* --- memory -------------------------------------------------------------------------------- */

static enum status all_findings(void *context)
{
    (void)context;
    struct finding_list list = {0};
    struct answer answer = {0};
    enum status status = find(&list);
    if (status == STATUS_OK)
        status = findings_answer(&list, &answer, NULL);
    answer_release(&answer);
    finding_list_release(&list);
    return status;
}

static enum status list_gaps(struct gaps *gaps, struct answer *answer)
{
    static const struct slice metrics[] = {{(const uint8_t *)"x", 1}};
    struct scan_statistics statistics = {0};
    const struct gaps_spec spec = {
        .selection = &place.selection, .metrics = metrics, .metric_count = 1};
    TRY(gaps_query(place.snapshot, &spec, gaps, &statistics, NULL));
    TRY(gaps_list(place.snapshot, &spec, gaps, &statistics, NULL));
    return gaps_list_answer(place.snapshot, gaps, answer, NULL);
}

static enum status all_gaps(void *context)
{
    (void)context;
    struct gaps gaps = {0};
    struct answer answer = {0};
    const enum status status = list_gaps(&gaps, &answer);
    answer_release(&answer);
    gaps_release(&gaps);
    return status;
}

static void findings_survive_every_failed_allocation(void **state)
{
    (void)state;
    fault_sweep_run(&(struct fault_sweep){.attempt = all_findings, .most = FAULTS_MAX});
}

static void gaps_survive_every_failed_allocation(void **state)
{
    (void)state;
    fault_sweep_run(&(struct fault_sweep){.attempt = all_gaps, .most = FAULTS_MAX});
}

static void the_largest_gap_is_known_by_its_ends(void **state)
{
    (void)state;
    struct gaps gaps = {0};
    struct answer answer = {0};
    assert_int_equal(list_gaps(&gaps, &answer), STATUS_OK);
    assert_int_equal(gaps.device_count, 2);
    const struct device_gaps *device = &gaps.devices[0];
    assert_int_equal(device->readings, 101);
    assert_int_equal(device->usual_ms, MINUTE_MS);
    assert_int_equal(device->reach_ms, 3 * MINUTE_MS);
    assert_int_equal(device->largest.start_ms, BASE_MS + 60 * MINUTE_MS);
    assert_int_equal(device->largest.until_ms, BASE_MS + 600 * MINUTE_MS);
    assert_int_equal(device->gap_count, 41); /* that one, those of ten minutes, the end */
    assert_int_equal(device->covered_ms, (60 + 41 * 3) * MINUTE_MS);
    assert_int_equal(gaps.list_count, 82);
    assert_true(gaps.list[40].at_end);
    answer_release(&answer);
    gaps_release(&gaps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_come_by_severity_and_kind),
        cmocka_unit_test(evidence_has_the_figures),
        cmocka_unit_test(names_are_quoted_for_the_shell),
        cmocka_unit_test(the_largest_gap_is_known_by_its_ends),
        cmocka_unit_test(findings_survive_every_failed_allocation),
        cmocka_unit_test(gaps_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_store, drop_store);
}
