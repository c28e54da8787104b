/*
 * test_bench_compare.c - a comparison with a driver that misbehaves, its figures as JSON and back,
 * and the report of them.
 *
 * ctest: threads
 */
#include "bench/bench/compare.h"
#include "bench/bench/report_dir.h"
#include "bench/bench/set_charts.h"
#include "bench/bench/set_tables.h"
#include "bench/bench/set_view.h"
#include "bench/bench/workspace.h"
#include "cli/message.h"
#include "engine/base/mem.h"
#include "tests/unit/fleet_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SET_MESSAGES 2000u
#define TEXT_BYTES   ((size_t)1 << 20)

static char folder[] = "/tmp/mnsdb-compare-test-XXXXXX";
static char set_path[64];
static char driver_path[64];

/* Says something else to each query. */
static const char driver[] =
    "#!/bin/sh\n"
    "while read -r line; do case $line in\n"
    "*'\"describe\"'*) echo '{\"name\":\"Fake\",\"form\":\"one, "
    "two\",\"version\":\"1\",\"ids\":true,"
    "\"input\":\"x\",\"durability\":\"none\",\"available\":true}' ;;\n"
    "*'\"load\"'*) echo '{\"seconds\":0.5,\"messages\":2000,\"bytes\":10000}' ;;\n"
    "*'\"compact\"'*) echo '{\"seconds\":0.25,\"bytes\":5000}' ;;\n"
    "*'\"Q1\"'*) echo '{\"ms\":1.5,\"rows\":1,\"answer\":[[1,2,3]]}' ;;\n"
    "*'\"Q2\"'*) echo '{\"unsupported\":\"not by device\"}' ;;\n"
    "*'\"Q3\"'*) echo '{\"error\":\"no such table\"}' ;;\n"
    "*'\"Q4\"'*) echo '{\"ms\":2,\"rows\":1,\"answer\":[[0,2,3,4]],\"differs\":\"other hours\"}' "
    ";;\n"
    "*'\"Q5\"'*) echo '{\"ms\":2,\"rows\":1}' ;;\n"
    "*'\"Q6\"'*) echo '{\"ms\":2,\"rows\":1,\"answer\":[[[]]]}' ;;\n"
    "*'\"Q8\"'*) exit 9 ;;\n"
    "*'\"query\"'*) echo '{\"ms\":2,\"rows\":0,\"answer\":[]}' ;;\n"
    "*) echo '{}' ;;\n"
    "esac; done\n";

static int make_set(void **state)
{
    (void)state;
    message_setup("test", VERBOSITY_QUIET);
    message_ignore_sigpipe();
    if (!mkdtemp(folder) || setenv("TMPDIR", folder, 1) != 0)
        return -1;
    (void)snprintf(set_path, sizeof set_path, "%s/monday.ndjson", folder);
    (void)snprintf(driver_path, sizeof driver_path, "%s/driver", folder);
    FILE *file = fopen(driver_path, "w");
    if (!file || fputs(driver, file) < 0 || fclose(file) != 0 || chmod(driver_path, 0700) != 0)
        return -1;
    return fleet_set_write(set_path, SET_MESSAGES);
}

static int remove_set(void **state)
{
    (void)state;
    (void)unlink(set_path);
    (void)unlink(driver_path);
    return rmdir(folder); /* fails if a comparison left anything */
}

static void compare(struct set_result *result)
{
    const char *const inputs[] = {set_path};
    const char *const peers[] = {driver_path, "/nowhere/driver"};
    const struct compare_config config = {
        .inputs = inputs,
        .input_count = 1,
        .peers = peers,
        .peer_count = 2,
        .rounds = 2,
        .runs = 2,
        .slow_seconds = 0.4, /* the driver's load takes longer: it loads once */
    };
    struct error err = {0};
    if (compare_run(&config, result, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

/* The whole file as text. */
static void read_file(const char *dir, const char *name, char text[TEXT_BYTES])
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, TEXT_BYTES - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
}

/* --- the course ---------------------------------------------------------------------------- */

static void each_failure_of_a_peer_costs_it_that_figure(void **state)
{
    (void)state;
    struct set_result result = {0};
    compare(&result);
    assert_string_equal(result.name, "monday");
    assert_int_equal(result.messages, SET_MESSAGES);
    const struct set_system *ours = &result.systems[0];
    assert_int_equal(ours->load_seconds.count, 2);
    assert_int_equal(ours->again_seconds.count, 1);
    assert_true(ours->loaded_bytes > 0 && ours->compacted_bytes > 0 && ours->peak_bytes > 0);
    for (size_t i = 0; i < SET_QUERIES; i++) {
        assert_int_equal(ours->queries[i].verdict, VERDICT_REFERENCE);
        assert_int_equal(ours->queries[i].warm_ms.count, 2);
        assert_int_equal(ours->queries[i].cold_ms.count, 2);
        assert_int_equal(ours->queries[i].fresh_ms.count, 2);
    }

    const struct set_system *fake = &result.systems[1];
    assert_string_equal(fake->description.name, "Fake");
    assert_int_equal(fake->load_seconds.count, 1);
    assert_int_equal(fake->loaded_bytes, 10000);
    assert_int_equal(fake->compacted_bytes, 5000);
    const struct set_query *queries = fake->queries;
    assert_int_equal(queries[0].verdict, VERDICT_WRONG);
    assert_non_null(strstr(queries[0].remark, "row 1, field 1: 1, not "));
    assert_int_equal(queries[1].verdict, VERDICT_NONE);
    assert_string_equal(queries[1].remark, "not by device");
    assert_string_equal(queries[2].remark, "no such table");
    assert_int_equal(queries[3].verdict, VERDICT_DIFFERS);
    assert_string_equal(queries[3].remark, "other hours");
    assert_string_equal(queries[4].remark, "the driver's reply has no \"answer\"");
    assert_int_equal(queries[5].verdict, VERDICT_NONE);
    assert_int_equal(queries[6].verdict, VERDICT_WRONG);
    assert_string_equal(queries[6].remark, "0 rows, not 20");
    assert_string_equal(fake->failure, "Q8: the driver ended with exit code 9");
    assert_true(set_result_is_wrong(&result));

    const struct set_system *nobody = &result.systems[2];
    assert_int_equal(nobody->load_seconds.count, 0);
    assert_non_null(strstr(nobody->failure, "not available: cannot start /nowhere/driver"));
    set_result_release(&result);
}

static void a_load_of_another_number_of_messages_is_none(void **state)
{
    (void)state;
    char other[96];
    (void)snprintf(other, sizeof other, "%s/other.ndjson", folder);
    assert_int_equal(symlink(set_path, other), 0);
    const char *const inputs[] = {other, set_path};
    const char *const peers[] = {driver_path};
    struct compare_config config = {
        .inputs = inputs, .input_count = 2, .peers = peers, .rounds = 1, .runs = 1};
    struct set_result result = {0};
    struct error err = {0};
    config.peer_count = 1;
    assert_int_equal(compare_run(&config, &result, &err), STATUS_INPUT);
    set_result_release(&result);
    config.peer_count = 0; /* without peers there may be several files */
    assert_int_equal(compare_run(&config, &result, &err), STATUS_OK);
    assert_int_equal(result.messages, 2 * SET_MESSAGES);
    set_result_release(&result);

    assert_int_equal(unlink(other), 0);
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    (void)fputs("{\"payload\":\"\",\"messagetype\":\"upload\",\"topic\":\"/pk/d/up\","
                "\"messageid\":\"1741610236952879104\",\"timestamp\":1526450324}\n",
                file);
    assert_int_equal(fclose(file), 0);
    config.input_count = 1;
    config.peer_count = 1;
    const enum status status = compare_run(&config, &result, &err);
    if (status == STATUS_OK)
        assert_string_equal(result.systems[1].failure, "load: it took 2000 messages of the 1");
    else
        assert_non_null(strstr(err.message, "no devices"));
    set_result_release(&result);
    assert_int_equal(unlink(other), 0);
}

/* Wrong when its answers are compared, gone when it is timed. */
static void an_answer_that_was_wrong_stays_so_when_the_driver_ends(void **state)
{
    (void)state;
    static const char quitter[] =
        "#!/bin/sh\n"
        "while read -r line; do case $line in\n"
        "*'\"describe\"'*) echo '{\"name\":\"Quitter\",\"ids\":true,\"available\":true}' ;;\n"
        "*'\"load\"'*) echo '{\"seconds\":0.5,\"messages\":2000,\"bytes\":10000}' ;;\n"
        "*'\"compact\"'*) echo '{\"seconds\":0.25,\"bytes\":5000}' ;;\n"
        "*'\"answer\":true'*) echo '{\"ms\":1,\"rows\":1,\"answer\":[[1]]}' ;;\n"
        "*'\"query\"'*) exit 7 ;;\n"
        "*) echo '{}' ;;\n"
        "esac; done\n";
    char path[96];
    (void)snprintf(path, sizeof path, "%s/quitter", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(quitter, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
    const char *const inputs[] = {set_path};
    const char *const peers[] = {path};
    const struct compare_config config = {.inputs = inputs,
                                          .input_count = 1,
                                          .peers = peers,
                                          .peer_count = 1,
                                          .rounds = 1,
                                          .runs = 1};
    struct set_result result = {0};
    struct error err = {0};
    assert_int_equal(compare_run(&config, &result, &err), STATUS_OK);
    assert_int_equal(unlink(path), 0);
    assert_string_equal(result.systems[1].failure, "Q1: the driver ended with exit code 7");
    for (size_t i = 0; i < SET_QUERIES; i++)
        assert_int_equal(result.systems[1].queries[i].verdict, VERDICT_WRONG);
    assert_true(set_result_is_wrong(&result));
    set_result_release(&result);
}

/* --- JSON and the report ------------------------------------------------------------------- */

static void remove_report(const char *dir)
{
    directory_remove(dir);
    assert_int_not_equal(access(dir, F_OK), 0);
}

static void a_report_is_made_from_the_figures_alone(void **state)
{
    (void)state;
    static char text[TEXT_BYTES];
    static char again[TEXT_BYTES];
    char dir[96];
    bool wrong = false;
    struct set_result result = {0};
    struct error err = {0};
    (void)snprintf(dir, sizeof dir, "%s/a/report", folder);
    compare(&result);
    assert_int_equal(report_dir_make(dir, &err), STATUS_OK);
    assert_int_equal(report_dir_put(dir, &result, &err), STATUS_OK);
    set_result_release(&result);
    assert_int_equal(report_dir_render(dir, &wrong, &err), STATUS_OK);
    assert_true(wrong);
    read_file(dir, "report.md", text);
    assert_non_null(strstr(text, "## Set monday"));
    assert_non_null(strstr(text, "| Fake, one | **different** | – | – | other meaning | – | – |"));
    assert_non_null(strstr(text, "not measured: not available: cannot start /nowhere/driver"));
    assert_non_null(strstr(text, "not measured to the end: Q8: the driver ended"));
    for (size_t i = 0; i < SET_CHART_COUNT; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "monday-%s.svg", set_chart_names[i]);
        read_file(dir, name, again);
        /* It ended before a query was timed. */
        assert_int_equal(strstr(again, ">Fake, one</text>") != NULL, i + 1 < SET_CHART_COUNT);
        assert_non_null(strstr(again, "</svg>\n"));
    }
    assert_int_equal(report_dir_render(dir, &wrong, &err), STATUS_OK);
    read_file(dir, "report.md", again);
    assert_string_equal(text, again);
    (void)snprintf(dir, sizeof dir, "%s/a", folder);
    remove_report(dir);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[192];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void a_report_without_figures_leaves_the_old_one(void **state)
{
    (void)state;
    static char text[TEXT_BYTES];
    char dir[96];
    bool wrong = false;
    struct error err = {0};
    (void)snprintf(dir, sizeof dir, "%s/old", folder);
    assert_int_equal(report_dir_make(dir, &err), STATUS_OK);
    write_file(dir, "report.md", "what was measured");
    assert_int_equal(report_dir_render(dir, &wrong, &err), STATUS_INPUT);
    read_file(dir, "report.md", text);
    assert_string_equal(text, "what was measured");
    remove_report(dir);
}

static const char recording[] =
    "{\"kind\":\"set\",\"format\":1,\"name\":\"%s\",\"date\":\"2026-01-01T00:00:00Z\","
    "\"messages\":1000,\"stored\":980,\"input_bytes\":190000,\"rounds\":1,\"runs\":1,"
    "\"brief\":true,\"cold_cached_share\":-1,\"systems\":[{\"name\":\"mnsdb\",\"ids\":true,"
    "\"load_seconds\":[0.01],\"loaded_bytes\":4900,\"compacted_bytes\":4000,"
    "\"compact_seconds\":0.1,\"peak_bytes\":1,\"queries\":{\"Q1\":{\"warm_ms\":[0.5],"
    "\"call_ms\":[4],\"rows\":1,\"answer\":\"reference\"}}}]}";

static void sets_in_brief_are_rows_of_one_table_behind_the_notes(void **state)
{
    (void)state;
    static char text[TEXT_BYTES];
    char dir[96];
    bool wrong = true;
    struct error err = {0};
    (void)snprintf(dir, sizeof dir, "%s/brief", folder);
    assert_int_equal(report_dir_make(dir, &err), STATUS_OK);
    static const char *const names[] = {"monday", "tuesday"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[32];
        (void)snprintf(text, sizeof text, recording, names[i]);
        (void)snprintf(name, sizeof name, "%s.json", names[i]);
        write_file(dir, name, text);
    }
    write_file(dir, "notes.md", "It rained.\n");
    assert_int_equal(report_dir_render(dir, &wrong, &err), STATUS_OK);
    assert_false(wrong);
    read_file(dir, "report.md", text);
    const char *notes = strstr(text, "\nIt rained.\n");
    const char *first = strstr(text, "\n| monday | 1,000 | 980 | 190 kB | 2026-01-01 |");
    const char *second = strstr(text, "\n| tuesday | 1,000 |");
    assert_true(notes && first && second && notes < first && first < second);
    assert_null(strstr(text, "## Set monday"));
    assert_non_null(strstr(first, " 4.00 |\n"));
    remove_report(dir);
}

static void files_that_are_no_figures_are_left_out(void **state)
{
    (void)state;
    static char text[TEXT_BYTES];
    char dir[96];
    bool wrong = false;
    struct error err = {0};
    (void)snprintf(dir, sizeof dir, "%s/figures", folder);
    assert_int_equal(report_dir_render(dir, &wrong, &err), STATUS_INPUT);
    assert_int_equal(report_dir_make(dir, &err), STATUS_OK);
    static const struct {
        const char *name;
        const char *text;
    } files[] = {
        {"a.json", "no JSON"},
        {"b.json", "{\"kind\":\"of another program\"}"},
        {"c.json", "{\"kind\":\"set\",\"format\":1,\"name\":\"../../etc/x\"}"},
        {"d.json", "{\"kind\":\"set\",\"format\":2}"},
        {"queue.json", "{\"drain\":{\"messages\":7}}"},
        {"e.json", "{\"kind\":\"kernels\",\"runs\":3}"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        write_file(dir, files[i].name, files[i].text);
        if (i == 3) { /* none of those so far is any good */
            assert_int_equal(report_dir_render(dir, &wrong, &err), STATUS_INPUT);
            assert_non_null(strstr(err.message, "no figures"));
        }
    }
    assert_int_equal(report_dir_render(dir, &wrong, &err), STATUS_OK);
    assert_false(wrong);
    read_file(dir, "report.md", text);
    assert_non_null(strstr(text, "## From a queue\n\n### drain\n\n- messages: 7\n"));
    assert_non_null(strstr(text, "- runs: 3\n"));
    assert_null(strstr(text, "another program"));
    remove_report(dir);
}

static const char example[] =
    "{\"kind\":\"set\",\"format\":1,\"name\":\"M\",\"date\":\"2026-01-01T00:00:00Z\","
    "\"messages\":1000,\"stored\":980,\"input_bytes\":190000,\"rounds\":3,\"runs\":15,"
    "\"cold_cached_share\":0.5,\"machine\":{\"cpu\":\"<x>\",\"cpus\":2,\"memory_bytes\":null},"
    "\"systems\":["
    "{\"name\":\"mnsdb\",\"ids\":true,\"load_seconds\":[0.0001,0.0002],\"loaded_bytes\":4900,"
    "\"compacted_bytes\":4000,\"compact_seconds\":0.1,\"peak_bytes\":1,"
    "\"queries\":{\"Q1\":{\"warm_ms\":[0.4,0.5,0.6],\"rows\":1,\"answer\":\"reference\"}}},"
    "{\"name\":\"P\",\"ids\":true,\"load_seconds\":[0.0005],\"loaded_bytes\":9800,"
    "\"compacted_bytes\":9800,\"compact_seconds\":0,\"peak_bytes\":0,"
    "\"queries\":{\"Q1\":{\"warm_ms\":[5],\"rows\":1,\"answer\":\"same\"}}},"
    "{\"name\":\"Q\",\"ids\":false,\"load_seconds\":[0.0001],\"loaded_bytes\":98,"
    "\"compacted_bytes\":98,\"compact_seconds\":0,\"peak_bytes\":0,"
    "\"queries\":{\"Q1\":{\"warm_ms\":[0.1],\"rows\":1,\"answer\":\"wrong\"}}}]}";

static enum status read_result(const char *json, struct set_result *result)
{
    OWNED(arena_release) struct arena arena = {0};
    struct json_document document;
    TRY(json_parse(slice_of_text(json), &arena, &document));
    assert_non_null(document.root);
    return set_result_read(result, document.root, NULL);
}

static void mnsdb_is_held_against_the_best_fair_peer(void **state)
{
    (void)state;
    static struct set_result result;
    struct set_view view = {0};
    assert_int_equal(read_result(example, &result), STATUS_OK);
    assert_int_equal(set_view_make(&view, &result, NULL), STATUS_OK);
    /* The third is faster and smaller, but keeps no ids and answers wrongly. */
    assert_int_equal(set_view_best(&view, MEASURE_RATE), 1);
    assert_int_equal(set_view_best(&view, MEASURE_COMPACTED), 1);
    assert_int_equal(set_view_best(&view, MEASURE_QUERY), 1);
    assert_int_equal(set_view_best(&view, MEASURE_QUERY + 1), 0);
    assert_true(set_view_ratio(&view, MEASURE_LOADED) == 2);
    assert_true(set_view_ratio(&view, MEASURE_QUERY) == 10);
    assert_true(set_view_ratio(&view, MEASURE_QUERY + 1) < 0);
    const struct spread *rate = &view.systems[0].measures[MEASURE_RATE];
    assert_true(rate->min > 4.9e6 && rate->max < 10.1e6 && rate->count == 2);
    set_view_release(&view);
    set_result_release(&result);
}

static void aims_are_met_or_missed(void **state)
{
    (void)state;
    const struct aim rate = {.aim = 10, .floor = 7};
    const struct aim time = {.aim = 0.5, .floor = -1};
    const struct aim none = {.aim = -1, .floor = -1};
    struct spread figure = {.median = 10, .count = 1};
    assert_string_equal(aim_verdict(&rate, MEASURE_RATE, &figure), "met");
    figure.median = 7;
    assert_string_equal(aim_verdict(&rate, MEASURE_RATE, &figure), "within the floor");
    figure.median = 6.9;
    assert_string_equal(aim_verdict(&rate, MEASURE_RATE, &figure), "missed");
    assert_string_equal(aim_verdict(&none, MEASURE_RATE, &figure), "");
    figure.median = 0.5;
    assert_string_equal(aim_verdict(&time, MEASURE_QUERY, &figure), "met");
    figure.median = 0.51;
    assert_string_equal(aim_verdict(&time, MEASURE_QUERY, &figure), "missed");
    figure.count = 0;
    assert_string_equal(aim_verdict(&time, MEASURE_QUERY, &figure), "");
}

static void figures_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *instead;
    } changes[] = {
        {"\"kind\":\"set\"", "\"kind\":\"tes\""},
        {"\"format\":1", "\"format\":9"},
        {"\"name\":\"M\"", "\"name\":\"/\""},
        {"\"messages\":1000", "\"messages\":1e99"},
        {"\"stored\":980", "\"stored\":-98"},
        {"\"cold_cached_share\":0.5", "\"cold_cached_share\":-9"},
        {"[0.4,0.5,0.6]", "[0.4,-.5,0.6]"},
        {"[0.4,0.5,0.6]", "[0.4,1e9999]"},
        {"[0.4,0.5,0.6]", "[0.4,null]"},
        {"\"answer\":\"same\"", "\"answer\":\"sure\""},
        {"\"ids\":false", "\"ids\":\"yes\""},
        {"\"systems\":[", "\"systems\":5,\"x\":["},
        {"\"peak_bytes\":1,", "\"peak_bytes\":{},"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        static char json[2 * sizeof example];
        static struct set_result result;
        const char *place = strstr(example, changes[i].what);
        assert_non_null(place);
        (void)snprintf(json, sizeof json, "%.*s%s%s", (int)(place - example), example,
                       changes[i].instead, place + strlen(changes[i].what));
        OWNED(arena_release) struct arena arena = {0};
        struct json_document document;
        assert_int_equal(json_parse(slice_of_text(json), &arena, &document), STATUS_OK);
        if (document.root)
            assert_int_equal(set_result_read(&result, document.root, NULL), STATUS_INPUT);
        set_result_release(&result);
        memset(&result, 0, sizeof result);
    }
}

/* Reads, views and prints. */
static enum status render_example(void)
{
    OWNED(set_view_release) struct set_view view = {0};
    static struct set_result result;
    FILE *nowhere = fopen("/dev/null", "w");
    assert_non_null(nowhere);
    enum status status = read_result(example, &result);
    if (status == STATUS_OK)
        status = set_view_make(&view, &result, NULL);
    if (status == STATUS_OK) {
        set_tables_print(&view, true, nowhere);
        for (size_t i = 0; i < SET_CHART_COUNT; i++)
            set_chart_print(&view, i, nowhere);
    }
    assert_int_equal(fclose(nowhere), 0);
    set_result_release(&result);
    memset(&result, 0, sizeof result);
    return status;
}

/* Of the second of three systems, P of the example, when it is called so. */
static void assert_colours(const char *name, const char *colours)
{
    static char json[2 * sizeof example];
    static char chart[TEXT_BYTES];
    static struct set_result result;
    const char *place = strstr(example, "{\"name\":\"P\"");
    (void)snprintf(json, sizeof json, "%.*s{\"name\":\"%s\"%s", (int)(place - example), example,
                   name, place + strlen("{\"name\":\"P\""));
    assert_int_equal(read_result(json, &result), STATUS_OK);
    OWNED(set_view_release) struct set_view view = {0};
    assert_int_equal(set_view_make(&view, &result, NULL), STATUS_OK);
    FILE *out = fmemopen(chart, sizeof chart - 1, "w");
    assert_non_null(out);
    set_chart_print(&view, 0, out);
    assert_int_equal(fclose(out), 0);
    char found[8] = "";
    const char *bar = chart;
    for (size_t i = 0; i < 3 && (bar = strstr(bar, "<rect class=\"c")); i++, bar++)
        found[i] = bar[strlen("<rect class=\"c")];
    assert_string_equal(found, colours);
    set_result_release(&result);
    memset(&result, 0, sizeof result);
}

static void a_system_has_the_same_colour_in_every_chart(void **state)
{
    (void)state;
    assert_colours("ClickHouse", "032");
    assert_colours("SQLite", "052");
    assert_colours("mnsdb", "022"); // another form of one that has its colour
}

static void a_report_without_memory_fails_and_leaves_nothing(void **state)
{
    (void)state;
    const size_t live = mem_live_blocks();
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status == STATUS_NOMEM; nth++) {
        assert_true(nth < 1000);
        mem_fail_at(nth);
        status = render_example();
        mem_fail_at(-1);
        assert_int_equal(mem_live_blocks(), live);
    }
    assert_int_equal(status, STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_of_a_peer_costs_it_that_figure),
        cmocka_unit_test(a_load_of_another_number_of_messages_is_none),
        cmocka_unit_test(an_answer_that_was_wrong_stays_so_when_the_driver_ends),
        cmocka_unit_test(a_report_is_made_from_the_figures_alone),
        cmocka_unit_test(a_report_without_figures_leaves_the_old_one),
        cmocka_unit_test(sets_in_brief_are_rows_of_one_table_behind_the_notes),
        cmocka_unit_test(files_that_are_no_figures_are_left_out),
        cmocka_unit_test(mnsdb_is_held_against_the_best_fair_peer),
        cmocka_unit_test(aims_are_met_or_missed),
        cmocka_unit_test(figures_that_make_no_sense_are_refused),
        cmocka_unit_test(a_system_has_the_same_colour_in_every_chart),
        cmocka_unit_test(a_report_without_memory_fails_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
