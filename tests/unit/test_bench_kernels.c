/*
 * test_bench_kernels.c - every kernel does its work, and figures become tables and JSON.
 *
 * ctest: threads
 */
#include "bench/kernels/kernel.h"
#include "cli/message.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

static char folder[] = "/tmp/mnsdb-kernels-test-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    message_setup("test", VERBOSITY_QUIET);
    return mkdtemp(folder) ? 0 : -1;
}

/* Fails if a kernel left anything behind. */
static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static struct kernels_config tiny(void)
{
    return (struct kernels_config){.dir = folder, .messages = 2500, .runs = 1};
}

/* --- the clock -------------------------------------------------------------------------------- */

/* As if a run had taken so long. */
static void take(struct kernel_clock *clock, int64_t spent_ns, uint64_t values, uint64_t bytes)
{
    assert_true(kernel_clock_next(clock));
    clock->spent_ns = spent_ns;
    clock->values = values;
    clock->bytes = bytes;
}

static void the_first_run_does_not_count(void **state)
{
    (void)state;
    struct kernel_result result = {0};
    struct kernel_clock clock;
    kernel_clock_init(&clock, 3, &result);
    take(&clock, 1000000, 1, 8);
    take(&clock, 90000000, 1000, 4000);
    take(&clock, 10000000, 1000, 4000);
    take(&clock, 20000000, 1000, 4000);
    assert_false(kernel_clock_next(&clock));
    assert_int_equal(result.runs, 3);
    assert_int_equal(result.values, 1000);
    assert_true(result.bytes == 4);
    assert_true(result.least_ns == 10000);
    assert_true(result.median_ns == 20000);
}

static void short_runs_go_on_until_enough_was_measured(void **state)
{
    (void)state;
    struct kernel_result result = {0};
    struct kernel_clock clock;
    kernel_clock_init(&clock, 2, &result);
    for (unsigned i = 0; i < 17; i++)
        take(&clock, 1000000, 10, 10);
    assert_false(kernel_clock_next(&clock)); // 16 ms are enough for two runs
    assert_int_equal(result.runs, 16);
}

static void a_kernel_without_work_ends(void **state)
{
    (void)state;
    struct kernel_result result = {0};
    struct kernel_clock clock;
    kernel_clock_init(&clock, 5, &result);
    assert_true(kernel_clock_next(&clock));
    assert_false(kernel_clock_next(&clock));
    assert_int_equal(result.runs, 0);
    assert_true(result.least_ns == 0);
}

static void bytes_a_cycle_follow_from_the_clock_of_the_core(void **state)
{
    (void)state;
    const struct kernel_result result = {.bytes = 8, .least_ns = 0.5};
    assert_true(kernel_bytes_per_cycle(&result, 4e9) == 4);
    assert_true(kernel_bytes_per_cycle(&result, 0) == 0);
    const struct kernel_result idle = {.bytes = 8};
    assert_true(kernel_bytes_per_cycle(&idle, 4e9) == 0);
}

static void a_share_of_the_limit_counts_waiting(void **state)
{
    (void)state;
    const struct budget_stage waits = {.cpu_ns = 1, .elapsed_ns = 4, .limit_ns = 2};
    assert_true(budget_share(&waits) == 0.5);
    const struct budget_stage works = {.cpu_ns = 8, .limit_ns = 2};
    assert_true(budget_share(&works) == 0.25);
    assert_true(budget_share(&(struct budget_stage){0}) == 0);
}

/* --- the kernels ------------------------------------------------------------------------------ */

static void every_kernel_has_a_name_of_its_own(void **state)
{
    (void)state;
    const char *name = NULL;
    size_t count = 0;
    for (; (name = kernels_name(count)); count++) {
        assert_true(kernels_know(name));
        for (size_t other = 0; other < count; other++)
            assert_string_not_equal(kernels_name(other), name);
    }
    assert_in_range(count, 40, KERNELS_MAX);
    assert_false(kernels_know("nothing"));
    assert_false(kernels_know(""));
}

static void every_kernel_does_its_work(void **state)
{
    (void)state;
    static struct kernels_report report;
    const struct kernels_config config = tiny();
    struct error err = {0};
    if (kernels_run(&config, &report, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    size_t count = 0;
    while (kernels_name(count))
        count++;
    assert_int_equal(report.count, count);
    for (size_t i = 0; i < report.count; i++) {
        const struct kernel_result *result = &report.results[i];
        if (result->runs < 1 || result->values < 1 || result->bytes <= 0 || result->least_ns <= 0 ||
            result->median_ns < result->least_ns)
            fail_msg("%s: %u runs, %llu values, %g ns", result->name, result->runs,
                     (unsigned long long)result->values, result->least_ns);
    }
    assert_int_equal(report.budget.stage_count, 0);
}

static void only_the_kernels_asked_for_run(void **state)
{
    (void)state;
    static struct kernels_report report;
    static const char *const names[] = {"base64", "unpack-wide"};
    struct kernels_config config = tiny();
    config.names = names;
    config.name_count = 2;
    struct error err = {0};
    assert_int_equal(kernels_run(&config, &report, &err), STATUS_OK);
    assert_int_equal(report.count, 2);
    assert_string_equal(report.results[0].name, "base64");
    // 64 random bits a value: nothing to gain.
    assert_true(report.results[1].stored_bytes >= 8 && report.results[1].stored_bytes < 8.1);
    assert_true(report.results[1].bytes == 8);
}

static double stage_time(const struct budget *budget, const char *name)
{
    for (size_t i = 0; i < budget->stage_count; i++) {
        if (strcmp(budget->stages[i].name, name) == 0)
            return budget->stages[i].cpu_ns;
    }
    fail_msg("no stage %s", name);
    return 0;
}

static void a_budget_names_the_stages_of_an_ingest(void **state)
{
    (void)state;
    struct kernel_data data;
    static struct kernels_report report;
    struct error err = {0};
    assert_int_equal(kernel_data_make(&data, folder, 2500, &err), STATUS_OK);
    report = (struct kernels_report){.marks = {.page_cache_pread = 1e9, .synced_write = 1e9}};
    if (budget_measure(&data, &report, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    assert_int_equal(report.budget.messages, 2500);
    assert_true(report.budget.line_bytes > 100 && report.budget.line_bytes < 400);
    assert_true(report.budget.store_bytes > 0);
    assert_true(stage_time(&report.budget, "read") > 0);
    assert_true(stage_time(&report.budget, "commit") > 0);
    assert_true(stage_time(&report.budget, "ingest") > 0);
    // At 1e9 bytes a second a message takes as many ns as it has bytes.
    assert_string_equal(report.budget.stages[0].name, "read");
    assert_true(report.budget.stages[0].limit_ns == report.budget.line_bytes);
    kernel_data_release(&data);
}

static void a_place_that_is_not_there_is_named(void **state)
{
    (void)state;
    static struct kernels_report report;
    static const char *const names[] = {"seen-add"};
    const struct kernels_config config = {
        .dir = "/nowhere/at/all", .messages = 10, .runs = 1, .names = names, .name_count = 1};
    struct error err = {0};
    assert_int_equal(kernels_run(&config, &report, &err), STATUS_FULL);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

static void kernels_survive_every_failed_allocation(void **state)
{
    (void)state;
    static struct kernels_report report;
    static const char *const names[] = {"base64", "part-merge", "seen-page-decode"};
    struct kernels_config config = tiny();
    config.messages = 100; /* the sweep runs them hundreds of times */
    config.names = names;
    config.name_count = sizeof names / sizeof names[0];
    enum status status = STATUS_NOMEM;
    const size_t live = mem_live_blocks();
    for (long nth = 0; status != STATUS_OK; nth++) {
        mem_fail_at(nth);
        status = kernels_run(&config, &report, NULL);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 2000); /* the sweep must end */
    }
}

/* --- reports ---------------------------------------------------------------------------------- */

static struct kernels_report some_report(void)
{
    struct kernels_report report = {
        .machine = {.cpu = "a CPU", .cpus = 2, .libraries = "", .build = ""},
        .marks = {.core_hz = 2e9},
        .variant = "portable",
        .count = 1,
        .budget = {.messages = 10, .line_bytes = 200, .store_bytes = 4, .stage_count = 2},
    };
    report.results[0] = (struct kernel_result){.name = "base64",
                                               .value = "payload",
                                               .variant = "portable",
                                               .values = 5,
                                               .bytes = 60,
                                               .least_ns = 10,
                                               .median_ns = 12,
                                               .runs = 7};
    report.budget.stages[0] = (struct budget_stage){"read", "page cache", 20, 25, 5};
    report.budget.stages[1] = (struct budget_stage){.name = "decode", .cpu_ns = 90};
    return report;
}

static void print(const struct kernels_report *report, bool as_json, char *text, size_t room)
{
    memset(text, 0, room);
    FILE *out = fmemopen(text, room - 1, "w");
    assert_non_null(out);
    struct error err = {0};
    if (as_json)
        assert_int_equal(kernels_print_json(report, out, &err), STATUS_OK);
    else
        kernels_print_table(report, out);
    assert_int_equal(fclose(out), 0);
}

static double number_at(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void a_report_becomes_json(void **state)
{
    (void)state;
    static struct kernels_report report;
    static char text[16384];
    report = some_report();
    print(&report, true, text, sizeof text);
    cJSON *tree = cJSON_Parse(text);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(tree, "kind")), "kernels");
    assert_true(cJSON_IsObject(cJSON_GetObjectItem(tree, "machine")));
    assert_true(number_at(cJSON_GetObjectItem(tree, "marks"), "core_hz") == 2e9);
    const cJSON *kernel = cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "kernels"), 0);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(kernel, "variant")), "portable");
    assert_true(number_at(kernel, "ns_per_value") == 10);
    assert_true(number_at(kernel, "values_per_s") == 1e8);
    assert_true(number_at(kernel, "bytes_per_cycle") == 3);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(kernel, "stored_bytes_per_value")));
    const cJSON *budget = cJSON_GetObjectItem(tree, "budget");
    assert_int_equal(cJSON_GetArraySize(budget), 2);
    assert_true(number_at(cJSON_GetArrayItem(budget, 0), "share_of_limit") == 0.2);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(budget, 1), "limit")));
    cJSON_Delete(tree);
}

static void a_table_names_kernels_and_stages(void **state)
{
    (void)state;
    static struct kernels_report report;
    static char text[16384];
    report = some_report();
    print(&report, false, text, sizeof text);
    assert_non_null(strstr(text, "base64"));
    assert_non_null(strstr(text, "decode"));
    assert_non_null(strstr(text, "20%  page cache"));
    assert_null(strstr(text, "fdatasync"));
    report.has_marks = true;
    print(&report, false, text, sizeof text);
    assert_non_null(strstr(text, "fdatasync"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_run_does_not_count),
        cmocka_unit_test(short_runs_go_on_until_enough_was_measured),
        cmocka_unit_test(a_kernel_without_work_ends),
        cmocka_unit_test(bytes_a_cycle_follow_from_the_clock_of_the_core),
        cmocka_unit_test(a_share_of_the_limit_counts_waiting),
        cmocka_unit_test(every_kernel_has_a_name_of_its_own),
        cmocka_unit_test(every_kernel_does_its_work),
        cmocka_unit_test(only_the_kernels_asked_for_run),
        cmocka_unit_test(a_budget_names_the_stages_of_an_ingest),
        cmocka_unit_test(a_place_that_is_not_there_is_named),
        cmocka_unit_test(kernels_survive_every_failed_allocation),
        cmocka_unit_test(a_report_becomes_json),
        cmocka_unit_test(a_table_names_kernels_and_stages),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
