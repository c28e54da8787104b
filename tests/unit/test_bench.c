/*
 * test_bench.c - a benchmark from a recorded set to its report, and the pieces it is made of.
 *
 * ctest: threads
 */
#include "bench/bench/bench.h"
#include "bench/bench/child.h"
#include "bench/bench/program_call.h"
#include "bench/bench/timing.h"
#include "cli/message.h"
#include "query/selection/selection.h"
#include "tests/unit/fleet_set.h"
#include "tests/unit/store_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#define MIB          ((size_t)1 << 20)
#define SET_MESSAGES 5000u
#define REPORT_BYTES ((size_t)256 << 10)

static char folder[] = "/tmp/mnsdb-bench-test-XXXXXX";
static char set_path[64];

/* --- a recorded set -------------------------------------------------------------------------- */

static int make_set(void **state)
{
    (void)state;
    message_setup("test", VERBOSITY_QUIET);
    if (!mkdtemp(folder) || setenv("TMPDIR", folder, 1) != 0)
        return -1;
    (void)snprintf(set_path, sizeof set_path, "%s/set.ndjson", folder);
    return fleet_set_write(set_path, SET_MESSAGES);
}

/* Fails if a benchmark left anything in the directory for temporary ones. */
static int remove_set(void **state)
{
    (void)state;
    return unlink(set_path) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void in_folder(char path[128], const char *name)
{
    const int len = snprintf(path, 128, "%s/%s", folder, name);
    assert_in_range(len, 1, 127);
}

static void run(struct bench *bench, const struct bench_config *config)
{
    struct error err = {0};
    if (bench_run(bench, config, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

/* --- time ------------------------------------------------------------------------------------ */

static struct timing timing_of(const int64_t *runs_ns, size_t count)
{
    struct stopwatch watch = {0};
    for (size_t i = 0; i < count; i++)
        watch.runs_ns[watch.count++] = runs_ns[i];
    return stopwatch_timing(&watch);
}

static void the_first_run_stands_apart(void **state)
{
    (void)state;
    const struct timing odd = timing_of((int64_t[]){900, 5, 1, 3}, 4);
    assert_int_equal(odd.first_ns, 900);
    assert_int_equal(odd.min_ns, 1);
    assert_int_equal(odd.median_ns, 3);
    assert_int_equal(odd.max_ns, 5);
    assert_int_equal(odd.runs, 3);

    const struct timing even = timing_of((int64_t[]){1, 40, 10, 20, 30}, 5);
    assert_int_equal(even.median_ns, 25);
    assert_int_equal(even.runs, 4);
}

static void one_run_is_all_there_is(void **state)
{
    (void)state;
    const struct timing one = timing_of((int64_t[]){7}, 1);
    assert_int_equal(one.first_ns, 7);
    assert_int_equal(one.median_ns, 7);
    assert_int_equal(one.runs, 1);
    assert_int_equal(timing_of((int64_t[]){0}, 0).runs, 0);
}

static void a_stopwatch_measures_what_passed(void **state)
{
    (void)state;
    struct stopwatch watch = {0};
    stopwatch_start(&watch);
    const int64_t started_ns = timing_now_ns();
    while (timing_now_ns() - started_ns < 2000000)
        continue;
    stopwatch_stop(&watch);
    assert_true(stopwatch_timing(&watch).first_ns >= 2000000);
}

static void rates_of_nothing_are_zero(void **state)
{
    (void)state;
    assert_true(report_bytes_per_message(4096, 0) == 0);
    assert_true(report_bytes_per_message(4096, 1024) == 4);
    assert_true(report_rate(10, 0) == 0);
    assert_true(report_rate(10, 500000000) == 20);
}

/* --- children -------------------------------------------------------------------------------- */

static enum status touch_memory(const void *context, void *result, struct error *err)
{
    const size_t bytes = *(const size_t *)context;
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return error_set(err, STATUS_NOMEM, "no memory");
    memset(memory, 1, bytes);
    *(size_t *)result = memory[bytes - 1] + bytes;
    return STATUS_OK;
}

static void the_peak_memory_is_that_of_the_job_alone(void **state)
{
    (void)state;
    size_t bytes = 96 * MIB;
    size_t result = 0;
    const struct child_job job = {
        .context = &bytes, .result = &result, .result_bytes = sizeof result, .run = touch_memory};
    struct child_usage large;
    struct child_usage small;
    assert_int_equal(child_run(&job, &large, NULL), STATUS_OK);
    assert_int_equal(result, 96 * MIB + 1);
    bytes = 1;
    assert_int_equal(child_run(&job, &small, NULL), STATUS_OK);
    assert_int_equal(result, 2);
    assert_true(large.peak_bytes >= 96 * MIB);
    assert_true(large.peak_bytes - small.peak_bytes >= 90 * MIB);
    assert_true(large.elapsed_ns > 0);
}

static enum status fail_job(const void *context, void *result, struct error *err)
{
    (void)context;
    (void)result;
    return error_set(err, STATUS_CORRUPT, "block 17 is damaged");
}

static enum status die(const void *context, void *result, struct error *err)
{
    (void)result;
    (void)err;
    if (*(const int *)context == 0)
        _exit(0);
    (void)raise(*(const int *)context);
    return STATUS_OK;
}

static void a_job_that_fails_or_dies_is_a_failure(void **state)
{
    (void)state;
    int result = 0;
    int how = SIGKILL;
    struct child_job job = {
        .context = &how, .result = &result, .result_bytes = sizeof result, .run = fail_job};
    struct child_usage usage;
    struct error err = {0};
    assert_int_equal(child_run(&job, &usage, &err), STATUS_CORRUPT);
    assert_string_equal(err.message, "block 17 is damaged");
    job.run = die;
    assert_int_equal(child_run(&job, &usage, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "signal 9"));
    how = 0;
    assert_int_equal(child_run(&job, &usage, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "without a result"));
}

static void a_call_tells_whether_the_program_succeeded(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(program_call((const char *const[]){"/bin/true", NULL}, &err), STATUS_OK);
    assert_int_equal(program_call((const char *const[]){"/bin/false", NULL}, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "exit code 1"));
    assert_int_equal(program_call((const char *const[]){"/no/such/program", NULL}, &err),
                     STATUS_IO);
}

/* --- a benchmark ----------------------------------------------------------------------------- */

static void a_benchmark_counts_every_message_and_asks_every_query(void **state)
{
    (void)state;
    const char *inputs[] = {set_path};
    const struct bench_config config = {.inputs = inputs, .input_count = 1, .runs = 2};
    static struct bench bench;
    run(&bench, &config);
    const struct bench_report *report = &bench.report;
    assert_true(report->has_ingest && report->has_again);
    assert_int_equal(report->ingest.total.received, SET_MESSAGES);
    assert_int_equal(report->ingest.total.stored + report->ingest.total.duplicates, SET_MESSAGES);
    assert_int_equal(report->again.total.stored, 0);
    assert_int_equal(report->again.total.duplicates, SET_MESSAGES);
    assert_true(report->ingest.usage.peak_bytes > 0);
    assert_true(report->ingest.file_bytes > 0 && report->copy.file_bytes > 0);

    assert_int_equal(report->phase_count, 2);
    assert_false(report->answers_differ);
    static const uint64_t rows[QUERY_SET_COUNT] = {1, 20, 0, 0, 0, 1, 1, 20, 0};
    for (size_t i = 0; i < QUERY_SET_COUNT; i++) {
        const struct query_figures *figures = &report->phases[1].queries[i];
        assert_int_equal(figures->in_process.runs, 2);
        assert_int_equal(figures->call.runs, 0); /* no program was given */
        assert_true(figures->rows > 0);
        if (rows[i] > 0)
            assert_int_equal(figures->rows, rows[i]);
    }
    bench_release(&bench);
}

/* The report as text, by one of the two printers. */
static char *print_report(const struct bench_report *report, bool as_json)
{
    static char text[REPORT_BYTES];
    memset(text, 0, sizeof text);
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    assert_non_null(out);
    if (as_json)
        assert_int_equal(report_print_json(report, out, NULL), STATUS_OK);
    else
        report_print_table(report, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static double number_at(const cJSON *tree, const char *outer, const char *inner)
{
    const cJSON *item =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(tree, outer), inner);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void the_report_says_the_same_for_people_and_programs(void **state)
{
    (void)state;
    const char *inputs[] = {set_path};
    const struct bench_config config = {
        .inputs = inputs, .input_count = 1, .runs = 1, .device = "device-000007"};
    static struct bench bench;
    run(&bench, &config);
    const char *table = print_report(&bench.report, false);
    assert_non_null(strstr(table, "5,000    stored"));
    assert_non_null(strstr(table, "a1Fleet0001/device-000007"));
    for (size_t i = 0; i < QUERY_SET_COUNT; i++)
        assert_non_null(strstr(table, query_set[i].title));

    cJSON *tree = cJSON_Parse(print_report(&bench.report, true));
    assert_non_null(tree);
    assert_true(number_at(tree, "ingest", "received") == SET_MESSAGES);
    assert_true(number_at(tree, "second_time", "stored") == 0);
    assert_true(number_at(tree, "compacted", "bytes_per_message") > 0);
    const cJSON *phases = cJSON_GetObjectItemCaseSensitive(tree, "phases");
    assert_int_equal(cJSON_GetArraySize(phases), 2);
    const cJSON *queries =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(phases, 1), "queries");
    assert_int_equal(cJSON_GetArraySize(queries), QUERY_SET_COUNT);
    const cJSON *first = cJSON_GetObjectItemCaseSensitive(queries, "Q1");
    assert_true(number_at(first, "in_process", "median_ms") >= 0);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(first, "call")));
    cJSON_Delete(tree);
    bench_release(&bench);
}

static void a_given_store_stays_and_can_be_asked_again(void **state)
{
    (void)state;
    char dir[128];
    in_folder(dir, "store");
    const char *inputs[] = {set_path};
    const struct bench_config config = {
        .inputs = inputs, .input_count = 1, .runs = 1, .store = dir};
    static struct bench bench;
    run(&bench, &config);
    const uint64_t digest = bench.report.phases[0].queries[0].digest;
    const uint64_t stored = bench.report.ingest.total.stored;
    bench_release(&bench);

    const struct bench_config asking = {.runs = 1, .store = dir, .queries_only = true};
    run(&bench, &asking);
    assert_int_equal(bench.report.phase_count, 1);
    assert_int_equal(bench.report.phases[0].queries[0].digest, digest);
    assert_int_equal(bench.report.stored, stored);
    bench_release(&bench);

    struct error err = {0};
    assert_int_equal(bench_run(&bench, &config, &err), STATUS_INPUT); /* not a fresh one */
    bench_release(&bench);
    store_dir_remove(dir);
}

static void an_input_that_cannot_be_read_ends_the_benchmark(void **state)
{
    (void)state;
    char missing[128];
    in_folder(missing, "missing.ndjson");
    const char *inputs[] = {missing};
    const struct bench_config config = {.inputs = inputs, .input_count = 1, .runs = 1};
    static struct bench bench;
    struct error err = {0};
    const int stderr_copy = dup(STDERR_FILENO);
    const int nowhere = open("/dev/null", O_WRONLY);
    assert_true(stderr_copy >= 0 && nowhere >= 0);
    (void)dup2(nowhere, STDERR_FILENO); /* the message about the file */
    const enum status status = bench_run(&bench, &config, &err);
    (void)dup2(stderr_copy, STDERR_FILENO);
    (void)close(nowhere);
    (void)close(stderr_copy);
    assert_int_equal(status, STATUS_STOPPED);
    bench_release(&bench);
}

/* --- what is asked about --------------------------------------------------------------------- */

static void write_message(FILE *file, unsigned long long id, const char *device)
{
    (void)fprintf(file,
                  "{\"payload\":\"{\\\"temperature\\\":%llu}\",\"messagetype\":\"upload\","
                  "\"topic\":\"/pk/%s/user/update\",\"messageid\":%llu,\"timestamp\":1700000000}\n",
                  id, device, id);
}

static void a_device_with_signs_of_globs_in_its_name_is_asked_alone(void **state)
{
    (void)state;
    char path[128];
    char dir[128];
    in_folder(path, "signs.ndjson");
    in_folder(dir, "store");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    write_message(file, 1, "a*b[c]?");
    write_message(file, 2, "axb[c]y");
    write_message(file, 3, "axbcy");
    assert_int_equal(fclose(file), 0);

    const char *paths[] = {path};
    const struct ingest_job job = {.store = dir, .paths = paths, .path_count = 1};
    struct ingest_figures figures;
    assert_int_equal(measure_ingest(&job, &figures, NULL), STATUS_OK);
    assert_int_equal(figures.total.stored, 3);

    struct snapshot *snapshot = NULL;
    struct error err = {0};
    assert_int_equal(snapshot_open(&snapshot, dir, &err), STATUS_OK);
    struct query_target target;
    assert_int_equal(query_target_choose(&target, snapshot, "a*b[c]?", &err), STATUS_OK);
    assert_string_equal(target.device, "pk/a*b[c]?");
    struct selection selection;
    const struct selection_spec spec = {.device_globs = &target.glob, .device_glob_count = 1};
    assert_int_equal(selection_init(&selection, snapshot, &spec, &err), STATUS_OK);
    assert_int_equal(selection.device_count, 1);
    selection_release(&selection);
    assert_string_equal(query_word("{device}", &target), target.glob);
    assert_string_equal(query_word("--by", &target), "--by");
    query_target_release(&target);

    assert_int_equal(query_target_choose(&target, snapshot, "nobody", &err), STATUS_INPUT);
    query_target_release(&target);
    snapshot_close(snapshot);
    store_dir_remove(dir);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_run_stands_apart),
        cmocka_unit_test(one_run_is_all_there_is),
        cmocka_unit_test(a_stopwatch_measures_what_passed),
        cmocka_unit_test(rates_of_nothing_are_zero),
        cmocka_unit_test(the_peak_memory_is_that_of_the_job_alone),
        cmocka_unit_test(a_job_that_fails_or_dies_is_a_failure),
        cmocka_unit_test(a_call_tells_whether_the_program_succeeded),
        cmocka_unit_test(a_benchmark_counts_every_message_and_asks_every_query),
        cmocka_unit_test(the_report_says_the_same_for_people_and_programs),
        cmocka_unit_test(a_given_store_stays_and_can_be_asked_again),
        cmocka_unit_test(an_input_that_cannot_be_read_ends_the_benchmark),
        cmocka_unit_test(a_device_with_signs_of_globs_in_its_name_is_asked_alone),
    };
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
