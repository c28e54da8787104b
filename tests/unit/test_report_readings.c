/*
 * test_report_readings.c - the page of a store without status events: readings tell which device
 * drops out, and nothing is lost when memory is.
 *
 * Figures are held against `mnsdb gaps` by tests/system/test_report.py.
 *
 * ctest: fault
 */
#include "query/report/report.h"
#include "tests/unit/fault_sweep.h"
#include "tests/unit/history_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE_MS    INT64_C(1700000000000)
#define MINUTE_MS  INT64_C(60000)
#define HOUR_MS    INT64_C(3600000)
#define FAULTS_MAX 40000
#define ALL_FAULTS 250

static const struct selection_spec everything;
static struct civil_zone utc;

static struct history_store place;

static void add_reading(const char *device, int64_t time_ms)
{
    history_store_add_reading(&place, device, time_ms, "x", number_from_integer(5));
}

static void add_steady(const char *device, int64_t from_ms, int count)
{
    for (int i = 0; i < count; i++)
        add_reading(device, from_ms + i * MINUTE_MS);
}

static int make_store(void **state)
{
    (void)state;
    // Ten hours: one is there for all of them, one pauses, one has gone after an hour.
    add_steady("p/always", BASE_MS, 601);
    add_steady("p/pauses", BASE_MS, 61);
    add_steady("p/pauses", BASE_MS + 9 * HOUR_MS, 61);
    add_steady("p/gone", BASE_MS, 58);
    add_reading("p/once", BASE_MS);
    history_store_open(&place);
    return civil_zone_open(&utc, "UTC", NULL) == STATUS_OK ? 0 : -1;
}

static int drop_store(void **state)
{
    (void)state;
    history_store_drop(&place);
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

static enum status collect_all(void *context)
{
    (void)context;
    const struct report_spec spec = spec_of_all();
    struct report *report = NULL;
    const enum status status = collect(&report, &spec);
    report_free(report);
    return status;
}

static void a_page_of_readings_survives_every_failed_allocation(void **state)
{
    (void)state;
    fault_sweep_run(&(struct fault_sweep){
        .attempt = collect_all, .most = FAULTS_MAX, .each_below = ALL_FAULTS, .step = 3});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_tell_the_worst_device),
        cmocka_unit_test(a_page_of_readings_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_store, drop_store);
}
