/*
 * queue_report.c - what a queue benchmark found, as tables and as JSON.
 */
#include "bench/bench/queue_bench.h"
#include "bench/bench/report.h"
#include "bench/machine/json_print.h"
#include "cli/human.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static double per(double amount, uint64_t count)
{
    return count == 0 ? 0 : amount / (double)count;
}

static double in_ms(int64_t time_ns)
{
    return (double)time_ns / 1e6;
}

static double per_second(uint64_t count, const struct queue_usage *usage)
{
    return report_rate(count, usage->elapsed_ns);
}

static double cpu_share(int64_t cpu_ns, const struct queue_usage *usage)
{
    return usage->elapsed_ns > 0 ? (double)cpu_ns / (double)usage->elapsed_ns : 0;
}

/* --- tables ---------------------------------------------------------------------------------- */

static void print_drain(const struct queue_bench_report *report, FILE *out)
{
    const struct queue_usage *usage = &report->drain;
    char count[HUMAN_BYTES];
    char rate[HUMAN_BYTES];
    char peak[HUMAN_BYTES];
    (void)fprintf(out, "drain         %s messages, each durable, then deleted\n",
                  human_count(report->drain_messages, count));
    (void)fprintf(out, "  rate        %s (%.2f s)\n",
                  human_rate(per_second(report->drain_messages, usage), rate),
                  (double)usage->elapsed_ns / 1e9);
    (void)fprintf(out, "  CPU         %.2f of a core for ingest, %.2f for the queue\n",
                  cpu_share(usage->ingest_cpu_ns, usage), cpu_share(usage->queue_cpu_ns, usage));
    (void)fprintf(out, "  commits     %llu (%.1f/s)\n", (unsigned long long)usage->commits,
                  per_second(usage->commits, usage));
    (void)fprintf(out, "  written     %.1f bytes a message; the store's file is %.1f\n",
                  per((double)usage->written_bytes, report->drain_messages),
                  per((double)usage->store_bytes, report->drain_messages));
    (void)fprintf(out, "  memory      %s at most\n", human_bytes(usage->peak_bytes, peak));
}

static void print_latencies(const struct queue_bench_report *report, FILE *out)
{
    (void)fprintf(out,
                  "latency       from send to visible in a query, at %llu messages/s\n"
                  "  window ms   median ms   p95 ms   p99 ms   max ms   commits/s   bytes written "
                  "a message   CPU\n",
                  (unsigned long long)report->rate);
    for (size_t i = 0; i < report->latency_count; i++) {
        const struct queue_latency *latency = &report->latencies[i];
        (void)fprintf(out, "  %9lld   %9.1f   %6.1f   %6.1f   %6.1f   %9.1f   %23.0f   %.2f\n",
                      (long long)latency->window_ms, in_ms(latency->median_ns),
                      in_ms(latency->p95_ns), in_ms(latency->p99_ns), in_ms(latency->max_ns),
                      per_second(latency->usage.commits, &latency->usage),
                      per((double)latency->usage.written_bytes, latency->messages),
                      cpu_share(latency->usage.ingest_cpu_ns, &latency->usage));
    }
}

void queue_report_print_table(const struct queue_bench_report *report, FILE *out)
{
    if (report->drain_messages > 0)
        print_drain(report, out);
    if (report->latency_count > 0)
        print_latencies(report, out);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static bool add(cJSON *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(object, name, number) != NULL;
}

static bool add_usage(cJSON *object, const struct queue_usage *usage, uint64_t messages)
{
    return add(object, "messages", (double)messages) &&
           add(object, "seconds", (double)usage->elapsed_ns / 1e9) &&
           add(object, "ingest_cpu_seconds", (double)usage->ingest_cpu_ns / 1e9) &&
           add(object, "queue_cpu_seconds", (double)usage->queue_cpu_ns / 1e9) &&
           add(object, "commits", (double)usage->commits) &&
           add(object, "written_bytes", (double)usage->written_bytes) &&
           add(object, "store_bytes", (double)usage->store_bytes) &&
           add(object, "peak_memory_bytes", (double)usage->peak_bytes);
}

static bool add_drain(cJSON *tree, const struct queue_bench_report *report)
{
    if (report->drain_messages == 0)
        return true;
    cJSON *object = cJSON_AddObjectToObject(tree, "drain");
    return object &&
           add(object, "messages_per_second", per_second(report->drain_messages, &report->drain)) &&
           add_usage(object, &report->drain, report->drain_messages);
}

static bool add_latency(cJSON *list, const struct queue_latency *latency, uint64_t rate)
{
    cJSON *object = cJSON_CreateObject();
    if (!object || !cJSON_AddItemToArray(list, object)) {
        cJSON_Delete(object);
        return false;
    }
    return add(object, "window_ms", (double)latency->window_ms) &&
           add(object, "rate", (double)rate) &&
           add(object, "median_ms", in_ms(latency->median_ns)) &&
           add(object, "p95_ms", in_ms(latency->p95_ns)) &&
           add(object, "p99_ms", in_ms(latency->p99_ns)) &&
           add(object, "max_ms", in_ms(latency->max_ns)) &&
           add_usage(object, &latency->usage, latency->messages);
}

static bool add_latencies(cJSON *tree, const struct queue_bench_report *report)
{
    cJSON *list = cJSON_AddArrayToObject(tree, "latency");
    bool added = list != NULL;
    for (size_t i = 0; added && i < report->latency_count; i++)
        added = add_latency(list, &report->latencies[i], report->rate);
    return added;
}

enum status queue_report_print_json(const struct queue_bench_report *report, FILE *out,
                                    struct error *err)
{
    OWNED(json_tree_free) cJSON *tree = cJSON_CreateObject();
    const bool made = tree && add_drain(tree, report) && add_latencies(tree, report);
    return json_print(made ? tree : NULL, out, err);
}
