/*
 * test_scenarios.c - the measuring scenarios: their counts, and bounds that hold on any machine.
 *
 * Bytes written are those given to write calls, which nothing but the engine decides.
 *
 * ctest: slow timeout=300 threads
 */
#include "bench/scenarios/commits.h"
#include "bench/scenarios/growth.h"
#include "bench/scenarios/id_stream.h"
#include "bench/scenarios/ids.h"
#include "bench/scenarios/live.h"
#include "cli/message.h"
#include "engine/civil/civil.h"
#include "tests/unit/fleet_set.h"

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

#define WRITTEN_BYTES_MAX 150.0 /* a message */
#define FILE_TO_LIVE_MAX  1.3
#define PARTS_MAX_SEEN    40u
#define LIVE_MESSAGES     20000u

static char folder[] = "/tmp/mnsdb-scenarios-test-XXXXXX";
static char set_path[64];

static int make_set(void **state)
{
    (void)state;
    message_setup("test", VERBOSITY_QUIET);
    if (!mkdtemp(folder) || setenv("TMPDIR", folder, 1) != 0)
        return -1;
    (void)snprintf(set_path, sizeof set_path, "%s/set.ndjson", folder);
    return fleet_set_write(set_path, LIVE_MESSAGES);
}

/* Fails if a scenario left anything in the directory for temporary ones. */
static int remove_set(void **state)
{
    (void)state;
    return unlink(set_path) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void must(enum status status, const struct error *err)
{
    if (status != STATUS_OK)
        fail_msg("%s", err->message);
}

/* --- small commits --------------------------------------------------------------------------- */

static void small_commits_write_little_and_leave_few_parts_in_a_tight_file(void **state)
{
    (void)state;
    const struct commits_config config = {
        .rows_per_commit = 257, .commits_per_second = 4, .span_ms = MS_PER_HOUR, .commits = 1250};
    static struct commits_report report;
    struct error err = {0};
    must(commits_run(&config, &report, &err), &err);
    const struct commits_feed *feed = &report.small;
    assert_int_equal(feed->commits, 1250);
    assert_int_equal(feed->commit.count, 1250);
    assert_int_equal(feed->stored + feed->duplicates, feed->messages);
    assert_true(feed->duplicates > 0);
    assert_int_equal(feed->transactions, feed->commits + feed->step.count);
    assert_true(feed->step.count > 0);
    const double written = (double)feed->writes.asked_bytes / (double)feed->messages;
    if (written > WRITTEN_BYTES_MAX || written < 10)
        fail_msg("%.1f bytes written a message", written);
    assert_true(feed->sample_count > 1);
    assert_in_range(feed->parts_most, 2, PARTS_MAX_SEEN);
    const struct commits_sample *end = &feed->samples[feed->sample_count - 1];
    assert_int_equal(end->stored, feed->stored);
    if (commits_file_to_live(end) > FILE_TO_LIVE_MAX)
        fail_msg("the file is %.2f times its live data", commits_file_to_live(end));
}

static void small_commits_and_bulk_answer_alike(void **state)
{
    (void)state;
    const struct commits_config config = {.rows_per_commit = 100,
                                          .commits_per_second = 2,
                                          .span_ms = MS_PER_HOUR,
                                          .commits = 120,
                                          .devices = 50,
                                          .runs = 1};
    static struct commits_report report;
    struct error err = {0};
    must(commits_run(&config, &report, &err), &err);
    assert_false(report.answers_differ);
    assert_int_equal(report.bulk.messages, report.small.messages);
    assert_int_equal(report.bulk.stored, report.small.stored);
    assert_int_equal(report.bulk.commits, 1);
    cJSON *tree = cJSON_CreateObject();
    assert_non_null(tree);
    assert_true(commits_fill_json(tree, &report));
    assert_non_null(cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "queries"), "Q4"));
    cJSON_Delete(tree);
}

/* --- ids ------------------------------------------------------------------------------------- */

static void a_stream_of_ids_ascends_in_each_batch_and_repeats_none(void **state)
{
    (void)state;
    enum { BATCH = 5000, BATCHES = 4 };
    static uint64_t ids[BATCH];
    static struct id_stream stream;
    id_stream_begin(&stream, INT64_C(1704067200000), 5, 1);
    uint64_t newest = 0;
    size_t late = 0;
    for (size_t batch = 0; batch < BATCHES; batch++) {
        id_stream_batch(&stream, ids, BATCH);
        for (size_t i = 0; i < BATCH; i++) {
            assert_true(i == 0 || ids[i - 1] < ids[i]);
            late += ids[i] < newest;
        }
        newest = ids[BATCH - 1];
    }
    assert_in_range(late, 1, BATCH);
}

static const struct ids_step *step_named(const struct ids_report *report, const char *name)
{
    for (size_t i = 0; i < report->step_count; i++) {
        if (strcmp(report->steps[i].name, name) == 0)
            return &report->steps[i];
    }
    fail_msg("no step %s", name);
    return NULL;
}

static void the_set_of_ids_counts_each_once_whatever_comes(void **state)
{
    (void)state;
    const struct ids_config config = {.up_to = 60000, .others = 20000, .batch = 7000};
    struct ids_report report;
    struct error err = {0};
    must(ids_run(&config, &report, &err), &err);
    const struct ids_step *grow = step_named(&report, "grow");
    assert_int_equal(grow->added, 60000);
    assert_int_equal(step_named(&report, "again")->ids, 20000);
    assert_int_equal(step_named(&report, "again")->added, 0);
    assert_int_equal(step_named(&report, "beside")->added, 20000);
    assert_int_equal(step_named(&report, "older")->added, 20000);
    assert_int_equal(step_named(&report, "older")->held, 100000);
    assert_true(grow->live_bytes < 3 * grow->held); /* snowflakes in order: some 1.1 bytes */
    const struct ids_step *random = step_named(&report, "random 8Ki");
    assert_int_equal(random->added, random->ids);
    cJSON *tree = cJSON_CreateObject();
    assert_non_null(tree);
    assert_true(ids_fill_json(tree, &report));
    cJSON_Delete(tree);
}

/* --- live ------------------------------------------------------------------------------------ */

static void queries_are_asked_while_ingest_runs(void **state)
{
    (void)state;
    const char *const paths[] = {set_path};
    const struct live_config config = {
        .paths = paths, .path_count = 1, .queries_per_second = 1000, .rounds = 1};
    static struct live_report report;
    struct error err = {0};
    must(live_run(&config, &report, &err), &err);
    assert_int_equal(report.messages, LIVE_MESSAGES);
    assert_true(report.quiet_points > 0);
    assert_true(report.alone_ns > 0 && report.live_ns > 0);
    uint64_t asked = 0;
    for (size_t i = 0; i < QUERY_SET_COUNT; i++)
        asked += report.queries[i].live.count;
    assert_int_equal(asked, report.asked);
    cJSON *tree = cJSON_CreateObject();
    assert_non_null(tree);
    assert_true(live_fill_json(tree, &report));
    cJSON_Delete(tree);
}

static void an_ingest_that_fails_ends_the_scenario(void **state)
{
    (void)state;
    const char *const paths[] = {"/nonexistent/set.ndjson"};
    const struct live_config config = {
        .paths = paths, .path_count = 1, .queries_per_second = 10, .rounds = 1};
    static struct live_report report;
    struct error err = {0};
    assert_int_equal(live_run(&config, &report, &err), STATUS_STOPPED);
}

/* --- growth ---------------------------------------------------------------------------------- */

static void a_set_of_many_times_the_messages_goes_through_a_pipe(void **state)
{
    (void)state;
    const struct growth_config config = {
        .messages = 3000, .times = 3, .devices = 20, .many_devices = 60, .runs = 1};
    static struct growth_report report;
    struct error err = {0};
    must(growth_run(&config, &report, &err), &err);
    static const uint64_t messages[GROWTH_SETS] = {3000, 3000, 9000, 3000};
    for (size_t i = 0; i < GROWTH_SETS; i++) {
        assert_int_equal(report.sets[i].ingest.total.received, messages[i]);
        assert_true(growth_ratio(&report, i) > 0);
    }
    const struct query_figures *by_device = &report.sets[2].phase.queries[query_set_find("Q2")];
    assert_int_equal(by_device->rows, config.many_devices);
    assert_int_equal(report.sets[0].ingest.total.stored, report.sets[3].ingest.total.stored);
    cJSON *tree = cJSON_CreateObject();
    assert_non_null(tree);
    assert_true(growth_fill_json(tree, &report));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "sets")), GROWTH_SETS);
    cJSON_Delete(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_commits_write_little_and_leave_few_parts_in_a_tight_file),
        cmocka_unit_test(small_commits_and_bulk_answer_alike),
        cmocka_unit_test(a_stream_of_ids_ascends_in_each_batch_and_repeats_none),
        cmocka_unit_test(the_set_of_ids_counts_each_once_whatever_comes),
        cmocka_unit_test(queries_are_asked_while_ingest_runs),
        cmocka_unit_test(an_ingest_that_fails_ends_the_scenario),
        cmocka_unit_test(a_set_of_many_times_the_messages_goes_through_a_pipe),
    };
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
