/*
 * live_report.c - queries beside an ingest, as a table and as JSON.
 */
#include "bench/bench/report.h"
#include "bench/scenarios/figures.h"
#include "bench/scenarios/live.h"
#include "cli/human.h"

#include <cjson/cJSON.h>

static double in_ms(int64_t time_ns)
{
    return (double)time_ns / 1e6;
}

void live_print_table(const struct live_report *report, FILE *out)
{
    char messages[HUMAN_BYTES];
    char alone[HUMAN_BYTES];
    char live[HUMAN_BYTES];
    (void)fprintf(out, "Ingest of %s messages, %zu times alone and beside %.0f queries a second\n",
                  human_count(report->messages, messages), report->config.rounds,
                  report->config.queries_per_second);
    (void)fprintf(out, "  alone    %8.2f s   %s\n", (double)report->alone_ns / 1e9,
                  human_rate(report_rate(report->messages, report->alone_ns), alone));
    (void)fprintf(out, "  live     %8.2f s   %s, %.1f %% lost\n", (double)report->live_ns / 1e9,
                  human_rate(report_rate(report->messages, report->live_ns), live),
                  100 * live_loss(report));
    (void)fprintf(
        out,
        "Queries, each by a new reader: milliseconds; quiet: a store of the same size at "
        "rest (%llu sizes)\n"
        "                                 asked  live median       p99      quiet  ratio\n",
        (unsigned long long)report->quiet_points);
    for (size_t i = 0; i < QUERY_SET_COUNT; i++) {
        const struct live_query *query = &report->queries[i];
        (void)fprintf(out, "  %-4s %-26s %5llu %12.3f %9.3f %10.3f %6.2f\n", query_set[i].name,
                      query_set[i].title, (unsigned long long)query->live.count,
                      in_ms(query->live.median_ns), in_ms(query->live.p99_ns),
                      in_ms(query->quiet.median_ns), query->ratio);
    }
}

static bool add_query(cJSON *queries, size_t place, const struct live_query *query)
{
    cJSON *entry = cJSON_AddObjectToObject(queries, query_set[place].name);
    return entry && figures_latency(entry, "live", &query->live) &&
           figures_latency(entry, "quiet", &query->quiet) &&
           figures_number(entry, "ratio", query->ratio);
}

bool live_fill_json(struct cJSON *tree, const struct live_report *report)
{
    bool added = figures_count(tree, "messages", report->messages) &&
                 figures_number(tree, "queries_per_second", report->config.queries_per_second) &&
                 figures_count(tree, "rounds", report->config.rounds) &&
                 figures_count(tree, "asked", report->asked) &&
                 figures_number(tree, "alone_seconds", (double)report->alone_ns / 1e9) &&
                 figures_number(tree, "live_seconds", (double)report->live_ns / 1e9) &&
                 figures_number(tree, "loss", live_loss(report)) &&
                 figures_count(tree, "quiet_points", report->quiet_points);
    cJSON *queries = added ? cJSON_AddObjectToObject(tree, "queries") : NULL;
    for (size_t i = 0; queries && i < QUERY_SET_COUNT; i++)
        added = added && add_query(queries, i, &report->queries[i]);
    return added && queries;
}
