/*
 * test_findings_outage.c - long outages and unstable devices of made-up histories, in words; and
 * whichever request for memory fails, it is said and everything given back.
 *
 * Rules and limits are tested by tests/system/test_check.py against the oracle.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "engine/store/store.h"
#include "query/findings/findings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BASE_MS    INT64_C(1700000000000)
#define HOUR_MS    INT64_C(3600000)
#define DAY_MS     (24 * HOUR_MS)
#define END_MS     (BASE_MS + 14 * DAY_MS)
#define FAULTS_MAX 20000

struct place {
    char dir[64];
    struct row_batch batch;
    uint64_t next_id;
    struct snapshot *snapshot; /* owned */
};

static struct place place;

/* --- histories ----------------------------------------------------------------------------- */

static void add_state(const char *device, int64_t time_ms, bool online)
{
    struct row_batch *batch = &place.batch;
    const struct row_batch_mark mark = row_batch_mark(batch);
    struct row *row = NULL;
    assert_int_equal(row_batch_add_row(batch, TABLE_STATUS, &row), STATUS_OK);
    assert_int_equal(name_table_add(&batch->devices, slice_of_text(device), &row->device),
                     STATUS_OK);
    row->message_id = ++place.next_id;
    row->time_ms = time_ms;
    row->time_source = TIME_SOURCE_ENVELOPE;
    assert_int_equal(
        row_batch_add_cell(batch, TABLE_STATUS, STATUS_METRIC_STATE, number_from_integer(online)),
        STATUS_OK);
    assert_int_equal(row_batch_add_message(batch, TABLE_STATUS, place.next_id, mark), STATUS_OK);
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
    struct store *store = NULL;
    struct commit_result result = {0};
    struct row_batch *const batches[] = {&place.batch};
    (void)snprintf(place.dir, sizeof place.dir, "/tmp/mnsdb-outage-test-XXXXXX");
    assert_non_null(mkdtemp(place.dir));
    fill_batch();
    assert_int_equal(store_open(&store, place.dir, NULL), STATUS_OK);
    assert_int_equal(store_commit(store, batches, 1, &result, NULL), STATUS_OK);
    store_close(store);
    row_batch_release(&place.batch);
    assert_int_equal(snapshot_open(&place.snapshot, place.dir, NULL), STATUS_OK);
    return 0;
}

static int drop_store(void **state)
{
    (void)state;
    snapshot_close(place.snapshot);
    char path[96];
    static const char *const files[] = {"data.mdb", "lock.mdb", "lock", "writer.lock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", place.dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(place.dir);
    return 0;
}

/* --- findings ------------------------------------------------------------------------------ */

static enum status find_within(struct finding_list *list, const struct selection_spec *request)
{
    OWNED(selection_release) struct selection selection = {0};
    struct scan_statistics statistics = {0};
    TRY(selection_init(&selection, place.snapshot, request, NULL));
    TRY(selection_sort(&selection, place.snapshot, NULL));
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

static void outages_survive_every_failed_allocation(void **state)
{
    (void)state;
    static const struct selection_spec all = {0};
    struct finding_list list = {0};
    assert_int_equal(find_within(&list, &all), STATUS_OK); /* what the snapshot keeps is made now */
    finding_list_release(&list);
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        mem_fail_at(nth);
        status = find_within(&list, &all);
        mem_fail_at(-1);
        finding_list_release(&list);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, FAULTS_MAX);
    }
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
