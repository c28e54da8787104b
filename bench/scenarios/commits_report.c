/*
 * commits_report.c - what small commits cost, as a table and as JSON.
 */
#include "bench/bench/report.h"
#include "bench/scenarios/commits.h"
#include "bench/scenarios/figures.h"
#include "cli/human.h"

#include <cjson/cJSON.h>

static double per(uint64_t amount, uint64_t count)
{
    return count == 0 ? 0 : (double)amount / (double)count;
}

static double in_ms(int64_t time_ns)
{
    return (double)time_ns / 1e6;
}

/* --- table ----------------------------------------------------------------------------------- */

static void print_latency(const char *name, const struct latency *latency, FILE *out)
{
    (void)fprintf(out, "  %-12s %9.3f ms median, %.3f p99, %.1f longest (%llu of them)\n", name,
                  in_ms(latency->median_ns), in_ms(latency->p99_ns), in_ms(latency->max_ns),
                  (unsigned long long)latency->count);
}

static void print_feed(const char *name, const struct commits_feed *feed, FILE *out)
{
    char count[HUMAN_BYTES];
    char stored[HUMAN_BYTES];
    char bytes[HUMAN_BYTES];
    (void)fprintf(out, "%s\n", name);
    (void)fprintf(out, "  messages     %9s    in %llu commits (%.0f each), stored %s\n",
                  human_count(feed->messages, count), (unsigned long long)feed->commits,
                  per(feed->messages, feed->commits), human_count(feed->stored, stored));
    (void)fprintf(out,
                  "  written      %9.1f    bytes a message given to write calls; pages for the "
                  "disk: %.1f\n",
                  per(feed->writes.asked_bytes, feed->messages),
                  per(feed->writes.disk_bytes, feed->messages));
    print_latency("commit", &feed->commit, out);
    print_latency("upkeep step", &feed->step, out);
    (void)fprintf(out, "  CPU time     %9.0f    ns a message, decoding included\n",
                  per((uint64_t)feed->usage.cpu_ns, feed->messages));
    (void)fprintf(out, "  peak memory  %9s    mapped pages of the store included\n",
                  human_bytes(feed->usage.peak_bytes, bytes));
}

static void print_samples(const struct commits_feed *feed, FILE *out)
{
    (void)fprintf(out, "    commits       stored    parts   log rows         file   file/live\n");
    for (size_t i = 0; i < feed->sample_count; i++) {
        const struct commits_sample *sample = &feed->samples[i];
        char stored[HUMAN_BYTES];
        char bytes[HUMAN_BYTES];
        (void)fprintf(out, "  %9llu %12s %8llu %10llu %12s %11.2f\n",
                      (unsigned long long)sample->commits, human_count(sample->stored, stored),
                      (unsigned long long)sample->parts, (unsigned long long)sample->log_rows,
                      human_bytes(sample->file_bytes, bytes), commits_file_to_live(sample));
    }
}

static void print_times(const char *name, const char *title, const struct timing *small,
                        const struct timing *bulk, FILE *out)
{
    (void)fprintf(out, "  %-4s %-26s %9.3f %9.3f %6.2f %9.3f %9.3f %6.2f\n", name, title,
                  in_ms(small->median_ns), in_ms(bulk->median_ns), figures_ratio(small, bulk),
                  in_ms(small->cpu_ns), in_ms(bulk->cpu_ns),
                  bulk->cpu_ns > 0 ? (double)small->cpu_ns / (double)bulk->cpu_ns : 0.0);
}

static void print_queries(const struct commits_report *report, FILE *out)
{
    (void)fprintf(out,
                  "Queries in process, milliseconds      median                   least CPU\n"
                  "                                      small      bulk  ratio     small      "
                  "bulk  ratio\n");
    for (size_t i = 0; i < QUERY_SET_COUNT; i++)
        print_times(query_set[i].name, query_set[i].title,
                    &report->small_queries.queries[i].in_process,
                    &report->bulk_queries.queries[i].in_process, out);
    print_times("open", "a snapshot, and close", &report->small_open, &report->bulk_open, out);
    (void)fprintf(out, "  parts of readings: %llu and %llu%s\n",
                  (unsigned long long)report->small_queries.parts,
                  (unsigned long long)report->bulk_queries.parts,
                  report->answers_differ ? "; THE ANSWERS DIFFER" : "; all answers agree");
}

void commits_print_table(const struct commits_report *report, FILE *out)
{
    print_feed("Small commits", &report->small, out);
    print_samples(&report->small, out);
    if (report->config.runs == 0)
        return;
    print_feed("The same in bulk", &report->bulk, out);
    print_queries(report, out);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static bool add_feed(cJSON *tree, const char *name, const struct commits_feed *feed)
{
    cJSON *object = cJSON_AddObjectToObject(tree, name);
    bool added = object && figures_count(object, "messages", feed->messages) &&
                 figures_count(object, "commits", feed->commits) &&
                 figures_count(object, "stored", feed->stored) &&
                 figures_count(object, "duplicates", feed->duplicates) &&
                 figures_count(object, "transactions", feed->transactions) &&
                 figures_number(object, "written_bytes_per_message",
                                per(feed->writes.asked_bytes, feed->messages)) &&
                 figures_number(object, "disk_bytes_per_message",
                                per(feed->writes.disk_bytes, feed->messages)) &&
                 figures_latency(object, "commit", &feed->commit) &&
                 figures_latency(object, "upkeep_step", &feed->step) &&
                 figures_count(object, "parts_most", feed->parts_most) &&
                 figures_number(object, "file_to_live_most", feed->file_to_live_most) &&
                 figures_number(object, "cpu_seconds", (double)feed->usage.cpu_ns / 1e9) &&
                 figures_count(object, "peak_memory_bytes", feed->usage.peak_bytes);
    cJSON *samples = added ? cJSON_AddArrayToObject(object, "samples") : NULL;
    for (size_t i = 0; samples && i < feed->sample_count; i++) {
        const struct commits_sample *sample = &feed->samples[i];
        cJSON *entry = figures_append(samples);
        added = added && entry && figures_count(entry, "commits", sample->commits) &&
                figures_count(entry, "stored", sample->stored) &&
                figures_count(entry, "parts", sample->parts) &&
                figures_count(entry, "log_rows", sample->log_rows) &&
                figures_count(entry, "file_bytes", sample->file_bytes) &&
                figures_count(entry, "live_bytes", sample->live_bytes) &&
                figures_number(entry, "file_to_live", commits_file_to_live(sample));
    }
    return added && samples;
}

static bool add_pair(cJSON *object, const struct timing *small, const struct timing *bulk)
{
    return object && figures_number(object, "small_ms", in_ms(small->median_ns)) &&
           figures_number(object, "bulk_ms", in_ms(bulk->median_ns)) &&
           figures_number(object, "small_cpu_ms", in_ms(small->cpu_ns)) &&
           figures_number(object, "bulk_cpu_ms", in_ms(bulk->cpu_ns)) &&
           figures_number(object, "ratio", figures_ratio(small, bulk));
}

static bool add_queries(cJSON *tree, const struct commits_report *report)
{
    cJSON *queries = cJSON_AddObjectToObject(tree, "queries");
    bool added = queries != NULL;
    for (size_t i = 0; added && i < QUERY_SET_COUNT; i++)
        added = add_pair(cJSON_AddObjectToObject(queries, query_set[i].name),
                         &report->small_queries.queries[i].in_process,
                         &report->bulk_queries.queries[i].in_process);
    return added &&
           add_pair(cJSON_AddObjectToObject(tree, "open"), &report->small_open,
                    &report->bulk_open) &&
           figures_count(tree, "small_parts", report->small_queries.parts) &&
           figures_count(tree, "bulk_parts", report->bulk_queries.parts) &&
           cJSON_AddBoolToObject(tree, "answers_differ", report->answers_differ);
}

bool commits_fill_json(struct cJSON *tree, const struct commits_report *report)
{
    const struct commits_config *config = &report->config;
    const bool added = figures_count(tree, "rows_per_commit", config->rows_per_commit) &&
                       figures_number(tree, "commits_per_second", config->commits_per_second) &&
                       figures_number(tree, "span_seconds", (double)config->span_ms / 1e3) &&
                       add_feed(tree, "small", &report->small);
    if (!added || config->runs == 0)
        return added;
    return add_feed(tree, "bulk", &report->bulk) && add_queries(tree, report);
}
