/*
 * test_bench_machine.c - the machine in words, its marks, and the clock of short work.
 *
 * ctest: threads
 */
#include "bench/machine/best.h"
#include "bench/machine/machine.h"
#include "engine/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#define MIB ((size_t)1 << 20)

static const struct machine_marks_config tiny = {
    .dir = "/tmp", .memory_bytes = MIB, .file_bytes = 2 * MIB, .runs = 1, .syncs = 3};

static void the_machine_is_described(void **state)
{
    (void)state;
    struct machine machine;
    machine_describe(&machine, "/tmp");
    assert_in_range(machine.cpus, 1, 100000);
    assert_true(machine.memory_bytes > MIB);
    assert_ptr_equal(strstr(machine.kernel, "Linux "), machine.kernel);
    assert_ptr_equal(strstr(machine.libc, "glibc "), machine.libc);
    assert_string_not_equal(machine.compiler, "");
    assert_string_not_equal(machine.file_system, "");
    assert_non_null(strstr(machine.libraries, "lmdb "));
}

static void a_directory_that_is_not_there_has_no_file_system(void **state)
{
    (void)state;
    struct machine machine;
    machine_describe(&machine, "/nowhere/at/all");
    assert_string_equal(machine.file_system, "");
    machine_describe(&machine, "/proc");
    assert_string_equal(machine.file_system, "proc");
}

static void every_mark_is_found(void **state)
{
    (void)state;
    struct machine_marks marks;
    struct error err = {0};
    assert_int_equal(machine_marks(&tiny, &marks, &err), STATUS_OK);
    const double found[] = {
        marks.core_hz,       marks.calibration_ns,   marks.one.read,       marks.one.write,
        marks.one.copy,      marks.page_cache_pread, marks.page_cache_map, marks.page_cache_mapped,
        marks.sync_least_ns, marks.sync_median_ns,   marks.sync_p95_ns,    marks.synced_write,
    };
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        assert_true(found[i] > 0);
    assert_true(marks.sync_least_ns <= marks.sync_median_ns);
    assert_true(marks.sync_median_ns <= marks.sync_p95_ns);
}

static void marks_need_a_place_for_files(void **state)
{
    (void)state;
    struct machine_marks_config nowhere = tiny;
    nowhere.dir = "/nowhere/at/all";
    struct machine_marks marks;
    struct error err = {0};
    assert_int_equal(machine_marks(&nowhere, &marks, &err), STATUS_FULL);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

static void buffers_fit_the_machine(void **state)
{
    (void)state;
    const struct machine small = {.l3_bytes = 32 * MIB, .memory_bytes = 512 * MIB};
    assert_int_equal(machine_marks_config_default(&small, "/tmp").memory_bytes, 32 * MIB);
    const struct machine usual = {.l3_bytes = 64 * MIB, .memory_bytes = 16384 * MIB};
    assert_int_equal(machine_marks_config_default(&usual, "/tmp").memory_bytes, 256 * MIB);
    const struct machine large = {.l3_bytes = 1024 * MIB, .memory_bytes = 262144 * MIB};
    assert_int_equal(machine_marks_config_default(&large, "/tmp").memory_bytes, 512 * MIB);
    const struct machine unknown = {0};
    assert_int_equal(machine_marks_config_default(&unknown, "/tmp").memory_bytes, 128 * MIB);
}

static void the_least_time_counts_and_none_is_zero(void **state)
{
    (void)state;
    int64_t least_ns = 0;
    keep_least(&least_ns, 7);
    keep_least(&least_ns, 9);
    assert_int_equal(least_ns, 7);
    keep_least(&least_ns, 0);
    assert_int_equal(least_ns, 1);
    assert_true(rate_of(10, 2) == 5e9);
    assert_true(rate_of(10, 0) == 0);
}

static void long_work_is_told_by_the_time_of_the_cpu(void **state)
{
    (void)state;
    const struct work_clock clock = work_clock_start();
    const struct timespec pause = {.tv_nsec = 50000000};
    (void)nanosleep(&pause, NULL);
    // Asleep all the time: the wall clock would say 50 ms.
    assert_in_range(work_clock_ns(&clock), 1, 40000000);
}

static void marks_and_machine_become_json(void **state)
{
    (void)state;
    const struct machine machine = {
        .cpu = "a CPU", .cpus = 2, .l2_bytes = 512, .libraries = "", .build = "Release"};
    const struct machine_marks marks = {.core_hz = 3e9, .one = {.read = 1, .write = 2, .copy = 3}};
    cJSON *tree = cJSON_CreateObject();
    assert_true(machine_json(tree, &machine));
    assert_true(machine_marks_json(tree, &marks));
    const char *date = cJSON_GetStringValue(cJSON_GetObjectItem(tree, "date"));
    assert_non_null(date);
    assert_int_equal(strlen(date), strlen("2018-05-16T06:00:00Z"));
    cJSON_DeleteItemFromObject(tree, "date"); /* it is today's */
    char *text = cJSON_PrintUnformatted(tree);
    assert_string_equal(
        text,
        "{\"machine\":{\"cpu\":\"a CPU\",\"cpus\":2,\"l1_bytes\":null,\"l2_bytes\":512,"
        "\"l3_bytes\":null,\"memory_bytes\":null,\"kernel\":null,\"compiler\":null,"
        "\"build\":\"Release\",\"libc\":null,\"libraries\":null,\"file_system\":null},"
        "\"marks\":{\"core_hz\":3000000000,\"tsc_hz\":null,\"calibration_ns\":0,"
        "\"memory_one_thread\":{\"read\":1,\"write\":2,\"copy\":3},\"memory_two_threads\":null,"
        "\"page_cache_pread\":0,\"page_cache_map\":0,\"page_cache_mapped\":0,\"sync_least_ns\":0,"
        "\"sync_median_ns\":0,\"sync_p95_ns\":0,\"synced_write\":0}}");
    cJSON_free(text);
    cJSON_Delete(tree);
}

static void marks_survive_every_failed_allocation(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    const size_t live = mem_live_blocks();
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct machine_marks marks;
        mem_fail_at(nth);
        status = machine_marks(&tiny, &marks, NULL);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 20); /* the sweep must end */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_is_described),
        cmocka_unit_test(a_directory_that_is_not_there_has_no_file_system),
        cmocka_unit_test(every_mark_is_found),
        cmocka_unit_test(marks_need_a_place_for_files),
        cmocka_unit_test(buffers_fit_the_machine),
        cmocka_unit_test(the_least_time_counts_and_none_is_zero),
        cmocka_unit_test(long_work_is_told_by_the_time_of_the_cpu),
        cmocka_unit_test(marks_and_machine_become_json),
        cmocka_unit_test(marks_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
