/*
 * test_report_readings.c - the page of a store without status events: readings tell which device
 * drops out, and nothing is lost when memory is.
 *
 * Figures are held against `mnsdb gaps` by tests/system/test_report.py.
 *
 * ctest: fault
 */
#include "engine/base/mem.h"
#include "engine/store/store.h"
#include "query/report/report.h"

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
#define MINUTE_MS  INT64_C(60000)
#define HOUR_MS    INT64_C(3600000)
#define FAULTS_MAX 40000
#define ALL_FAULTS 250

static const struct selection_spec everything;
static struct civil_zone utc;

struct place {
    char dir[64];
    struct row_batch batch;
    uint64_t next_id;
    struct snapshot *snapshot;  /* owned */
    struct selection selection; /* of everything, devices listed */
};

static struct place place;

static void add_reading(const char *device, int64_t time_ms)
{
    struct row_batch *batch = &place.batch;
    const struct row_batch_mark mark = row_batch_mark(batch);
    struct row *row = NULL;
    uint32_t metric = 0;
    assert_int_equal(row_batch_add_row(batch, TABLE_READINGS, &row), STATUS_OK);
    assert_int_equal(name_table_add(&batch->devices, slice_of_text(device), &row->device),
                     STATUS_OK);
    row->message_id = ++place.next_id;
    row->time_ms = time_ms;
    row->time_source = TIME_SOURCE_ENVELOPE;
    assert_int_equal(name_table_add(&batch->metrics, slice_of_text("x"), &metric), STATUS_OK);
    assert_int_equal(row_batch_add_cell(batch, TABLE_READINGS, metric, number_from_integer(5)),
                     STATUS_OK);
    assert_int_equal(row_batch_add_message(batch, TABLE_READINGS, place.next_id, mark), STATUS_OK);
}

static void add_steady(const char *device, int64_t from_ms, int count)
{
    for (int i = 0; i < count; i++)
        add_reading(device, from_ms + i * MINUTE_MS);
}

static int make_store(void **state)
{
    (void)state;
    struct store *store = NULL;
    struct commit_result result = {0};
    struct row_batch *const batches[] = {&place.batch};
    (void)snprintf(place.dir, sizeof place.dir, "/tmp/mnsdb-report-test-XXXXXX");
    assert_non_null(mkdtemp(place.dir));
    // Ten hours: one is there for all of them, one pauses, one has gone after an hour.
    add_steady("p/always", BASE_MS, 601);
    add_steady("p/pauses", BASE_MS, 61);
    add_steady("p/pauses", BASE_MS + 9 * HOUR_MS, 61);
    add_steady("p/gone", BASE_MS, 58);
    add_reading("p/once", BASE_MS);
    assert_int_equal(store_open(&store, place.dir, NULL), STATUS_OK);
    assert_int_equal(store_commit(store, batches, 1, &result, NULL), STATUS_OK);
    store_close(store);
    row_batch_release(&place.batch);
    assert_int_equal(snapshot_open(&place.snapshot, place.dir, NULL), STATUS_OK);
    assert_int_equal(selection_init(&place.selection, place.snapshot, &everything, NULL),
                     STATUS_OK);
    assert_int_equal(selection_sort(&place.selection, place.snapshot, NULL), STATUS_OK);
    return civil_zone_open(&utc, "UTC", NULL) == STATUS_OK ? 0 : -1;
}

static int drop_store(void **state)
{
    (void)state;
    selection_release(&place.selection);
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

static enum status collect(struct report **report, const struct report_spec *spec)
{
    struct scan_statistics statistics = {0};
    return report_collect(report, place.snapshot, spec, &statistics, NULL);
}

static struct report_spec spec_of_all(void)
{
    return (struct report_spec){
        .selection = &place.selection, .request = &everything, .zone = &utc};
}

static void readings_tell_the_worst_device(void **state)
{
    (void)state;
    const struct report_spec spec = spec_of_all();
    struct report *report = NULL;
    char *page = NULL;
    size_t len = 0;
    assert_int_equal(collect(&report, &spec), STATUS_OK);
    FILE *out = open_memstream(&page, &len);
    assert_non_null(out);
    report_write(report, out);
    assert_int_equal(fclose(out), 0);
    report_free(report);

    // Gone: 57 minutes and the reach of the last reading, of ten hours.
    assert_non_null(strstr(page, "<bdi>p/<wbr/>gone</bdi></div>\n<p>readings cover "
                                 "<data value=\"0.1\">10.00 %</data>"));
    assert_non_null(strstr(page, "id=\"longest-silence\"><h3>Its longest silence</h3>\n"
                                 "<div class=\"big\"><data value=\"32580000\">9h 03m</data>"));
    assert_non_null(strstr(page, "p/gone: 10.00 % covered by readings, 1 gap,"));
    assert_non_null(strstr(page, "p/pauses: 20.50 % covered by readings, 1 gap,"));
    assert_non_null(strstr(page, "p/always: 100 % covered by readings, 0 gaps"));
    assert_non_null(strstr(page, "p/once: no state known"));
    assert_non_null(strstr(page, "1 device with neither a known state nor enough readings"));
    assert_null(strstr(page, "id=\"ranking\""));
    free(page);
}

static void a_page_of_readings_survives_every_failed_allocation(void **state)
{
    (void)state;
    const struct report_spec spec = spec_of_all();
    struct report *report = NULL;
    assert_int_equal(collect(&report, &spec), STATUS_OK); // what the snapshot keeps is made now
    report_free(report);
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth += nth < ALL_FAULTS ? 1 : 3) {
        mem_fail_at(nth);
        status = collect(&report, &spec);
        mem_fail_at(-1);
        report_free(report);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, FAULTS_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_tell_the_worst_device),
        cmocka_unit_test(a_page_of_readings_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_store, drop_store);
}
