/*
 * test_metrics.c - counting, and the page that Prometheus reads, checked by a strict reader.
 *
 * The reader follows the text format 0.0.4: HELP and TYPE once before a family's samples, samples
 * of one family together, no series twice, escapes in labels, numbers that are numbers, buckets
 * that grow up to +Inf, which is the count. Counters end with _total, and only they do.
 */
#include "ingest/metrics/metrics.h"

#include "engine/base/mem.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINES_MAX  8192u
#define NAME_BYTES 128u

static struct ingest_metrics metrics; /* large */

/* --- a strict reader ------------------------------------------------------------------------- */

struct reader {
    char family[NAME_BYTES];
    char type[16];
    bool has_help;
    unsigned samples;
    double bucket; /* of the last one of this series */
    char lines[LINES_MAX][512];
    size_t line_count;
};

static struct reader reader;

static size_t name_len(const char *text)
{
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || text[len] == '_' || text[len] == ':')
        len++;
    assert_true(len > 0 && !isdigit((unsigned char)text[0]) && len < NAME_BYTES);
    return len;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static void read_comment(const char *line)
{
    const bool is_help = strncmp(line, "# HELP ", 7) == 0;
    assert_true(is_help || strncmp(line, "# TYPE ", 7) == 0);
    const size_t len = name_len(line + 7);
    assert_int_equal(line[7 + len], ' ');
    assert_true(line[8 + len] != '\0');
    if (is_help) {
        assert_true(len != strlen(reader.family) || strncmp(reader.family, line + 7, len) != 0);
        (void)snprintf(reader.family, sizeof reader.family, "%.*s", (int)len, line + 7);
        reader.has_help = true;
        reader.type[0] = '\0';
        return;
    }
    assert_true(reader.has_help && len == strlen(reader.family));
    assert_true(strncmp(reader.family, line + 7, len) == 0);
    (void)snprintf(reader.type, sizeof reader.type, "%s", line + 8 + len);
    assert_true(strcmp(reader.type, "counter") == 0 || strcmp(reader.type, "gauge") == 0 ||
                strcmp(reader.type, "histogram") == 0);
    assert_true((strcmp(reader.type, "counter") == 0) == ends_with(reader.family, "_total"));
}

/* "{a="b",c="d"}"; returns what follows, and the value of "le" in `bound`. */
static const char *read_labels(const char *next, char bound[32])
{
    bound[0] = '\0';
    if (*next != '{')
        return next;
    do {
        next++;
        const size_t len = name_len(next);
        const bool is_bound = len == 2 && strncmp(next, "le", 2) == 0;
        next += len;
        assert_int_equal(next[0], '=');
        assert_int_equal(next[1], '"');
        size_t used = 0;
        for (next += 2; *next != '"'; next++) {
            assert_true(*next != '\0');
            if (*next == '\\') {
                next++;
                assert_true(*next == '\\' || *next == '"' || *next == 'n');
            }
            if (is_bound && used < 31)
                bound[used++] = *next;
        }
        if (is_bound)
            bound[used] = '\0';
        next++;
    } while (*next == ',');
    assert_int_equal(*next, '}');
    return next + 1;
}

static void read_bucket(const char *name, const char *bound, double value)
{
    if (ends_with(name, "_bucket")) {
        assert_true(bound[0] != '\0');
        if (strcmp(bound, "0.001") == 0)
            reader.bucket = 0;
        assert_true(value >= reader.bucket);
        reader.bucket = value;
    } else if (ends_with(name, "_count")) {
        assert_true(value >= reader.bucket && value <= reader.bucket);
    } else {
        assert_true(ends_with(name, "_sum"));
    }
}

static void read_sample(const char *line)
{
    char name[NAME_BYTES];
    const size_t len = name_len(line);
    (void)snprintf(name, sizeof name, "%.*s", (int)len, line);
    const bool is_histogram = strcmp(reader.type, "histogram") == 0;
    const size_t family_len = strlen(reader.family);
    assert_true(reader.type[0] != '\0' && strncmp(name, reader.family, family_len) == 0);
    assert_true(is_histogram ? name[family_len] == '_' : name[family_len] == '\0');

    char bound[32];
    const char *next = read_labels(line + len, bound);
    assert_int_equal(*next, ' ');
    char *end = NULL;
    const double value = strtod(next + 1, &end);
    assert_true(end != next + 1 && *end == '\0');
    assert_true(strspn(next + 1, "0123456789.-") == strlen(next + 1));
    if (is_histogram)
        read_bucket(name, bound, value);

    for (size_t i = 0; i < reader.line_count; i++)
        assert_true(strncmp(reader.lines[i], line, (size_t)(next + 1 - line)) != 0);
    assert_true(reader.line_count < LINES_MAX && strlen(line) < sizeof reader.lines[0]);
    (void)snprintf(reader.lines[reader.line_count++], sizeof reader.lines[0], "%s", line);
    reader.samples++;
}

/* Renders and reads; afterwards reader.lines has the samples. */
static void read_page(void)
{
    struct buffer text = {0};
    assert_int_equal(metrics_render(&metrics, &text), STATUS_OK);
    assert_true(text.len > 0 && text.data[text.len - 1] == '\n');
    memset(&reader, 0, sizeof reader);
    const char *next = (const char *)text.data;
    const char *end = next + text.len;
    while (next < end) {
        const char *stop = memchr(next, '\n', (size_t)(end - next));
        assert_non_null(stop);
        char line[512];
        assert_true(stop > next && (size_t)(stop - next) < sizeof line);
        memcpy(line, next, (size_t)(stop - next));
        line[stop - next] = '\0';
        if (line[0] == '#')
            read_comment(line);
        else
            read_sample(line);
        next = stop + 1;
    }
    buffer_release(&text);
}

static bool page_has(const char *line)
{
    for (size_t i = 0; i < reader.line_count; i++) {
        if (strcmp(reader.lines[i], line) == 0)
            return true;
    }
    return false;
}

static bool page_names(const char *begin)
{
    for (size_t i = 0; i < reader.line_count; i++) {
        if (strncmp(reader.lines[i], begin, strlen(begin)) == 0)
            return true;
    }
    return false;
}

static int begin(void **state)
{
    (void)state;
    metrics_init(&metrics, INT64_C(1795348000123));
    metrics.queue_count = 2;
    metrics.queues[0].name = "iot-a1";
    metrics.queues[1].name = "iot-b2";
    return 0;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void a_new_page_is_well_formed_and_says_nothing_unknown(void **state)
{
    (void)state;
    read_page();
    assert_true(page_has("mnsdb_ingest_received_total 0"));
    assert_true(page_has("mnsdb_ingest_rejected_total{reason=\"bad-json\"} 0"));
    assert_true(page_has("mnsdb_ingest_paused{reason=\"starting\"} 1"));
    assert_true(page_has("mnsdb_ingest_paused{reason=\"store-full\"} 0"));
    assert_true(page_has("process_start_time_seconds 1795348000.123"));
    assert_true(page_names("mnsdb_build_info{version=\""));
    assert_true(page_names("process_resident_memory_bytes "));
    assert_true(page_names("process_open_fds "));
    assert_true(page_names("process_cpu_seconds_total "));
    assert_false(page_names("mnsdb_ingest_queue_backlog_messages"));
    assert_false(page_names("mnsdb_ingest_credentials_expiry_timestamp_seconds"));
    assert_false(page_names("mnsdb_ingest_last_commit_timestamp_seconds"));
}

static void what_was_counted_is_on_the_page(void **state)
{
    (void)state;
    metrics_add(&metrics.received, 10);
    metrics_add(&metrics.stored, 7);
    metrics_add(&metrics.duplicates, 2);
    metrics_add(&metrics.rejected[REJECT_NO_DEVICE], 1);
    metrics_add(&metrics.queues[1].deletes_failed, 3);
    metrics_add(&metrics.queues[0].receives[WIRE_BUSY], 4);
    metrics_add(&metrics.queues[1].deletes[WIRE_PARTIAL], 5);
    metrics_set(&metrics.queues[0].active, 17);
    metrics_set(&metrics.queues[0].clock_offset_ms, -1500);
    metrics_set(&metrics.credentials_expire_ms, INT64_C(1795348001000));
    metrics_set(&metrics.map_used_bytes, 4096);
    atomic_store(&metrics.pause, (int)PAUSE_STORE_FULL);
    read_page();
    assert_true(page_has("mnsdb_ingest_received_total 10"));
    assert_true(page_has("mnsdb_ingest_stored_total 7"));
    assert_true(page_has("mnsdb_ingest_duplicates_total 2"));
    assert_true(page_has("mnsdb_ingest_rejected_total{reason=\"no-device\"} 1"));
    assert_true(page_has("mnsdb_ingest_queue_deletes_failed_total{queue=\"iot-b2\"} 3"));
    assert_true(page_names("mnsdb_ingest_queue_receives_total{queue=\"iot-a1\",result=\""));
    assert_true(
        page_has("mnsdb_ingest_queue_backlog_messages{queue=\"iot-a1\",state=\"active\"} 17"));
    assert_false(page_names("mnsdb_ingest_queue_backlog_messages{queue=\"iot-b2\""));
    assert_true(page_has("mnsdb_ingest_queue_clock_offset_seconds{queue=\"iot-a1\"} -1.500"));
    assert_true(page_has("mnsdb_ingest_credentials_expiry_timestamp_seconds 1795348001.000"));
    assert_true(page_has("mnsdb_ingest_map_used_bytes 4096"));
    assert_true(page_has("mnsdb_ingest_paused{reason=\"store-full\"} 1"));
    assert_true(page_has("mnsdb_ingest_paused{reason=\"starting\"} 0"));
}

static void an_observation_falls_into_the_bucket_that_bounds_it(void **state)
{
    (void)state;
    histogram_observe(&metrics.commit, 1000);     /* exactly 1 ms */
    histogram_observe(&metrics.commit, 1001);     /* just above */
    histogram_observe(&metrics.commit, 65536000); /* the last bound */
    histogram_observe(&metrics.commit, 65536001); /* beyond: only counted */
    histogram_observe(&metrics.commit, -5);       /* a clock that went back: nothing took less */
    read_page();
    assert_true(page_has("mnsdb_ingest_commit_duration_seconds_bucket{le=\"0.001\"} 2"));
    assert_true(page_has("mnsdb_ingest_commit_duration_seconds_bucket{le=\"0.002\"} 3"));
    assert_true(page_has("mnsdb_ingest_commit_duration_seconds_bucket{le=\"32.768\"} 3"));
    assert_true(page_has("mnsdb_ingest_commit_duration_seconds_bucket{le=\"65.536\"} 4"));
    assert_true(page_has("mnsdb_ingest_commit_duration_seconds_bucket{le=\"+Inf\"} 5"));
    assert_true(page_has("mnsdb_ingest_commit_duration_seconds_count 5"));
    assert_true(page_has("mnsdb_ingest_commit_duration_seconds_sum 131.074002"));
}

static void a_strange_name_of_a_queue_is_escaped(void **state)
{
    (void)state;
    metrics.queues[0].name = "a\"b\\c\nd";
    read_page();
    assert_true(page_has("mnsdb_ingest_queue_received_total{queue=\"a\\\"b\\\\c\\nd\"} 0"));
}

static void the_page_survives_every_failed_allocation(void **state)
{
    (void)state;
    enum status status = STATUS_NOMEM;
    for (long nth = 0; status != STATUS_OK; nth++) {
        struct buffer text = {0};
        mem_fail_at(nth);
        status = metrics_render(&metrics, &text);
        mem_fail_at(-1);
        buffer_release(&text);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), 0);
        assert_in_range(nth, 0, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_page_is_well_formed_and_says_nothing_unknown, begin),
        cmocka_unit_test_setup(what_was_counted_is_on_the_page, begin),
        cmocka_unit_test_setup(an_observation_falls_into_the_bucket_that_bounds_it, begin),
        cmocka_unit_test_setup(a_strange_name_of_a_queue_is_escaped, begin),
        cmocka_unit_test_setup(the_page_survives_every_failed_allocation, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
