/*
 * ids_report.c - how the seen set grows, as a table and as JSON.
 */
#include "bench/bench/report.h"
#include "bench/scenarios/figures.h"
#include "bench/scenarios/ids.h"
#include "cli/human.h"

#include <cjson/cJSON.h>
#include <string.h>

#define PLANNED_IDS UINT64_C(1000000000)

static double per(uint64_t amount, uint64_t count)
{
    return count == 0 ? 0 : (double)amount / (double)count;
}

static const struct ids_step *last_grown(const struct ids_report *report)
{
    const struct ids_step *last = NULL;
    for (size_t i = 0; i < report->step_count; i++) {
        if (strcmp(report->steps[i].name, "grow") == 0)
            last = &report->steps[i];
    }
    return last;
}

/*
 * What 10^9 ids take if they go on as the last mark did: bytes an id and CPU an id stay, as they
 * stayed between the marks, and memory is that of a batch.
 */
static void print_plan(const struct ids_step *last, FILE *out)
{
    char bytes[HUMAN_BYTES];
    char memory[HUMAN_BYTES];
    const double share = per(PLANNED_IDS, last->held);
    (void)fprintf(out,
                  "10^9 ids, at the growth of the last mark: %s, %.0f s of CPU, %s of memory\n",
                  human_bytes((uint64_t)((double)last->live_bytes * share), bytes),
                  (double)last->cpu_ns / 1e9 * per(PLANNED_IDS, last->ids),
                  human_bytes(last->memory_bytes, memory));
}

void ids_print_table(const struct ids_report *report, FILE *out)
{
    (void)fprintf(out,
                  "The seen set alone: sorted batches of %llu ids (random ones: as named), a "
                  "durable transaction each\n"
                  "                      asked        new       in set   M ids/s  CPU ns/id  "
                  "bytes/id  file/live  written/id   memory\n",
                  (unsigned long long)report->config.batch);
    for (size_t i = 0; i < report->step_count; i++) {
        const struct ids_step *step = &report->steps[i];
        char asked[HUMAN_BYTES];
        char added[HUMAN_BYTES];
        char held[HUMAN_BYTES];
        char memory[HUMAN_BYTES];
        (void)fprintf(out, "  %-13s %11s %10s %12s %9.1f %10.1f %9.2f %10.2f %11.2f %8s\n",
                      step->name, human_count(step->ids, asked), human_count(step->added, added),
                      human_count(step->held, held), report_rate(step->ids, step->elapsed_ns) / 1e6,
                      per((uint64_t)step->cpu_ns, step->ids), per(step->live_bytes, step->held),
                      per(step->file_bytes, step->live_bytes), per(step->written_bytes, step->ids),
                      human_bytes(step->memory_bytes, memory));
    }
    const struct ids_step *last = last_grown(report);
    if (last)
        print_plan(last, out);
}

static bool add_step(cJSON *steps, const struct ids_step *step)
{
    cJSON *entry = figures_append(steps);
    return entry && cJSON_AddStringToObject(entry, "name", step->name) &&
           figures_count(entry, "ids", step->ids) && figures_count(entry, "added", step->added) &&
           figures_count(entry, "held", step->held) &&
           figures_number(entry, "ids_per_second", report_rate(step->ids, step->elapsed_ns)) &&
           figures_number(entry, "cpu_ns_per_id", per((uint64_t)step->cpu_ns, step->ids)) &&
           figures_number(entry, "bytes_per_id", per(step->live_bytes, step->held)) &&
           figures_number(entry, "file_to_live", per(step->file_bytes, step->live_bytes)) &&
           figures_number(entry, "written_bytes_per_id", per(step->written_bytes, step->ids)) &&
           figures_count(entry, "memory_bytes", step->memory_bytes);
}

bool ids_fill_json(struct cJSON *tree, const struct ids_report *report)
{
    bool added = figures_count(tree, "batch", report->config.batch);
    cJSON *steps = added ? cJSON_AddArrayToObject(tree, "steps") : NULL;
    for (size_t i = 0; steps && i < report->step_count; i++)
        added = added && add_step(steps, &report->steps[i]);
    const struct ids_step *last = last_grown(report);
    cJSON *plan = added && last ? cJSON_AddObjectToObject(tree, "planned") : NULL;
    if (plan) {
        added = figures_count(plan, "ids", PLANNED_IDS) &&
                figures_number(plan, "bytes",
                               (double)last->live_bytes * per(PLANNED_IDS, last->held)) &&
                figures_number(plan, "cpu_seconds",
                               (double)last->cpu_ns / 1e9 * per(PLANNED_IDS, last->ids)) &&
                figures_count(plan, "memory_bytes", last->memory_bytes);
    }
    return added && steps;
}
