/*
 * test_report.c - the page: the same every time, and nothing lost when memory is.
 *
 * ctest: fault
 */
#include "query/report/report.h"
#include "tests/unit/fault_sweep.h"
#include "tests/unit/query_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A report allocates often; beyond so many faults only some are tried. */
#define FAULTS_MAX 40000
#define ALL_FAULTS 250

static struct civil_zone utc;
static const struct selection_spec everything;

static struct report_spec spec_of(const struct query_store *store)
{
    return (struct report_spec){
        .selection = &store->selection, .request = &everything, .zone = &utc};
}

static char *write_page(struct query_store *store, const struct report_spec *spec)
{
    struct scan_statistics statistics = {0};
    struct report *report = NULL;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_int_equal(report_collect(&report, store->snapshot, spec, &statistics, NULL), STATUS_OK);
    snapshot_pause(store->snapshot);
    report_write(report, out);
    assert_int_equal(fclose(out), 0);
    report_free(report);
    assert_int_equal(snapshot_resume(store->snapshot, NULL), STATUS_OK);
    return text;
}

static void the_same_store_makes_the_same_page(void **state)
{
    const struct report_spec spec = spec_of(*state);
    char *first = write_page(*state, &spec);
    char *second = write_page(*state, &spec);
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "id=\"ranking\""));
    assert_non_null(strstr(first, "pk/<wbr/>d0"));
    free(first);
    free(second);
}

static void a_title_is_escaped(void **state)
{
    struct report_spec spec = spec_of(*state);
    spec.title = "<img src=x onerror=alert(1)>";
    char *page = write_page(*state, &spec);
    assert_null(strstr(page, "<img"));
    assert_non_null(strstr(page, "&lt;img src=x onerror=alert(1)&gt;"));
    free(page);
}

/* The page of another selection than everything. */
static char *write_page_of(struct query_store *store, const struct selection_spec *request)
{
    struct selection selection = {0};
    assert_int_equal(selection_init(&selection, store->snapshot, request, NULL), STATUS_OK);
    assert_int_equal(selection_sort(&selection, store->snapshot, NULL), STATUS_OK);
    struct report_spec spec = spec_of(store);
    spec.selection = &selection;
    spec.request = request;
    char *page = write_page(store, &spec);
    selection_release(&selection);
    return page;
}

static void a_selection_of_nothing_has_a_page(void **state)
{
    static const char *const globs[] = {"nothing-is-called-so"};
    const struct selection_spec none = {.device_globs = globs, .device_glob_count = 1};
    char *page = write_page_of(*state, &none);
    assert_non_null(strstr(page, "No device matches the selection"));
    assert_non_null(strstr(page, "</html>"));
    free(page);
}

static void an_empty_range_has_a_page(void **state)
{
    const struct selection_spec none = {
        .has_from = true, .has_until = true, .from_ms = 1000, .until_ms = 1000};
    char *page = write_page_of(*state, &none);
    assert_non_null(strstr(page, "</html>"));
    free(page);
}

static enum status collect_once(void *context)
{
    struct query_store *store = context;
    const struct report_spec spec = spec_of(store);
    struct scan_statistics statistics = {0};
    struct report *report = NULL;
    const enum status status = report_collect(&report, store->snapshot, &spec, &statistics, NULL);
    assert_true((status == STATUS_OK) == (report != NULL));
    report_free(report);
    return status;
}

static void a_report_survives_every_failed_allocation(void **state)
{
    fault_sweep_run(&(struct fault_sweep){.attempt = collect_once,
                                          .context = *state,
                                          .most = FAULTS_MAX,
                                          .each_below = ALL_FAULTS,
                                          .step = 23});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_store_makes_the_same_page, query_store_make,
                                        query_store_drop),
        cmocka_unit_test_setup_teardown(a_title_is_escaped, query_store_make, query_store_drop),
        cmocka_unit_test_setup_teardown(a_selection_of_nothing_has_a_page, query_store_make,
                                        query_store_drop),
        cmocka_unit_test_setup_teardown(an_empty_range_has_a_page, query_store_make,
                                        query_store_drop),
        cmocka_unit_test_setup_teardown(a_report_survives_every_failed_allocation, query_store_make,
                                        query_store_drop),
    };
    if (civil_zone_open(&utc, "UTC", NULL) != STATUS_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
