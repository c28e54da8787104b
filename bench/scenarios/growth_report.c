/*
 * growth_report.c - set L beside set M, as tables and as JSON.
 */
#include "bench/bench/report.h"
#include "bench/scenarios/figures.h"
#include "bench/scenarios/growth.h"
#include "cli/human.h"

#include <cjson/cJSON.h>

#define LARGE     2u /* the place of L among the sets; M is the first */
#define NS_PER_MS 1e6
#define NS_PER_S  1e9

static double per_message(int64_t time_ns, const struct growth_set *set)
{
    return (double)time_ns / (double)set->messages;
}

static void print_set(const struct growth_report *report, size_t place, FILE *out)
{
    const struct growth_set *set = &report->sets[place];
    const uint64_t stored = set->ingest.total.stored;
    char messages[HUMAN_BYTES];
    char peak[HUMAN_BYTES];
    (void)fprintf(out, "  %-16s %12s %8u %9.1f %7.3f %9.1f %9.2f", set->name,
                  human_count(set->messages, messages), set->devices, growth_cpu_ns(set),
                  growth_ratio(report, place), per_message(set->ingest.usage.elapsed_ns, set),
                  report_bytes_per_message(set->ingest.file_bytes, stored));
    if (set->copy.file_bytes > 0)
        (void)fprintf(out, " %9.2f %8.1f", report_bytes_per_message(set->copy.file_bytes, stored),
                      (double)set->settle.usage.elapsed_ns / NS_PER_S);
    else
        (void)fprintf(out, " %9s %8s", "", "");
    (void)fprintf(out, " %9s\n", human_bytes(set->ingest.usage.peak_bytes, peak));
}

void growth_print_table(const struct growth_report *report, FILE *out)
{
    (void)fprintf(out,
                  "Ingest through a pipe from the fleet, which is the slower: CPU time of ingest "
                  "in ns a message; ratio to M (aim of L: at most %.1f)\n"
                  "  %-16s %12s %8s %9s %7s %9s %9s %9s %8s %9s\n",
                  GROWTH_RATIO_AIM, "", "messages", "devices", "CPU ns", "ratio", "elapsed",
                  "B as made", "compacted", "settle s", "peak");
    for (size_t i = 0; i < GROWTH_SETS; i++)
        print_set(report, i, out);
    (void)fprintf(out, "Queries on settled stores, warm: median ms\n"
                       "                                        M          L  L by M\n");
    for (size_t i = 0; i < QUERY_SET_COUNT; i++) {
        const struct timing *small = &report->sets[0].phase.queries[i].in_process;
        const struct timing *large = &report->sets[LARGE].phase.queries[i].in_process;
        (void)fprintf(out, "  %-4s %-26s %10.3f %10.3f %7.2f\n", query_set[i].name,
                      query_set[i].title, (double)small->median_ns / NS_PER_MS,
                      (double)large->median_ns / NS_PER_MS, figures_ratio(large, small));
    }
}

static bool add_set(cJSON *sets, const struct growth_report *report, size_t place)
{
    const struct growth_set *set = &report->sets[place];
    const uint64_t stored = set->ingest.total.stored;
    cJSON *entry = figures_append(sets);
    bool added = entry && cJSON_AddStringToObject(entry, "set", set->name) &&
                 figures_count(entry, "messages", set->messages) &&
                 figures_count(entry, "devices", set->devices) &&
                 figures_number(entry, "ingest_cpu_ns_per_message", growth_cpu_ns(set)) &&
                 figures_number(entry, "ratio_to_M", growth_ratio(report, place)) &&
                 figures_number(entry, "elapsed_ns_per_message",
                                per_message(set->ingest.usage.elapsed_ns, set)) &&
                 figures_count(entry, "peak_memory_bytes", set->ingest.usage.peak_bytes) &&
                 figures_number(entry, "bytes_per_message_as_ingested",
                                report_bytes_per_message(set->ingest.file_bytes, stored));
    if (!added || set->copy.file_bytes == 0)
        return added;
    return figures_number(entry, "bytes_per_message_compacted",
                          report_bytes_per_message(set->copy.file_bytes, stored)) &&
           figures_number(entry, "settle_seconds",
                          (double)set->settle.usage.elapsed_ns / NS_PER_S) &&
           figures_number(entry, "settle_cpu_ns_per_message",
                          per_message(set->settle.usage.cpu_ns, set));
}

static bool add_query(cJSON *queries, const struct growth_report *report, size_t place)
{
    const struct query_figures *small = &report->sets[0].phase.queries[place];
    const struct query_figures *many = &report->sets[1].phase.queries[place];
    const struct query_figures *large = &report->sets[LARGE].phase.queries[place];
    cJSON *entry = cJSON_AddObjectToObject(queries, query_set[place].name);
    return entry && cJSON_AddStringToObject(entry, "title", query_set[place].title) &&
           figures_number(entry, "M_ms", (double)small->in_process.median_ns / NS_PER_MS) &&
           figures_number(entry, "M_devices_of_L_ms",
                          (double)many->in_process.median_ns / NS_PER_MS) &&
           figures_number(entry, "L_ms", (double)large->in_process.median_ns / NS_PER_MS) &&
           figures_number(entry, "L_least_ms", (double)large->in_process.min_ns / NS_PER_MS) &&
           figures_number(entry, "L_by_M", figures_ratio(&large->in_process, &small->in_process)) &&
           figures_count(entry, "M_rows", small->rows) &&
           figures_count(entry, "L_rows", large->rows);
}

bool growth_fill_json(struct cJSON *tree, const struct growth_report *report)
{
    bool added = figures_number(tree, "ratio_of_L_to_M", growth_ratio(report, LARGE)) &&
                 figures_number(tree, "aim", GROWTH_RATIO_AIM) &&
                 cJSON_AddStringToObject(
                     tree, "input",
                     "through a pipe from mnsdb-fleet, which is the slower: CPU time of ingest "
                     "compares, elapsed time is the fleet's") != NULL;
    cJSON *sets = added ? cJSON_AddArrayToObject(tree, "sets") : NULL;
    for (size_t i = 0; sets && i < GROWTH_SETS; i++)
        added = added && add_set(sets, report, i);
    cJSON *queries = added && sets ? cJSON_AddObjectToObject(tree, "queries") : NULL;
    for (size_t i = 0; queries && i < QUERY_SET_COUNT; i++)
        added = added && add_query(queries, report, i);
    return added && sets && queries;
}
