/*
 * kernels_report.c - what was measured, as tables and as JSON.
 */
#include "bench/kernels/kernels.h"

#include "bench/machine/json_print.h"

#include <cjson/cJSON.h>

#define GB      1e9
#define MILLION 1e6

/* --- tables ----------------------------------------------------------------------------------- */

static void print_rates(const char *name, const struct memory_marks *memory, FILE *out)
{
    if (memory->read > 0)
        (void)fprintf(out, "  %-22s read %.1f, write %.1f, copy %.1f GB/s\n", name,
                      memory->read / GB, memory->write / GB, memory->copy / GB);
}

static void print_machine(const struct kernels_report *report, FILE *out)
{
    const struct machine *machine = &report->machine;
    const struct machine_marks *marks = &report->marks;
    (void)fprintf(out, "machine  %s, %u CPUs, %.2f GHz, %s, %s\n", machine->cpu, machine->cpus,
                  marks->core_hz / 1e9, machine->kernel, machine->file_system);
    if (!report->has_marks)
        return;
    (void)fprintf(out, "marks\n");
    print_rates("memory, one thread", &marks->one, out);
    print_rates("memory, two threads", &marks->two, out);
    (void)fprintf(out, "  %-22s pread %.1f, fresh map %.1f, touched map %.1f GB/s\n", "page cache",
                  marks->page_cache_pread / GB, marks->page_cache_map / GB,
                  marks->page_cache_mapped / GB);
    (void)fprintf(out, "  %-22s least %.3f, median %.3f, p95 %.3f ms\n", "fdatasync of a page",
                  marks->sync_least_ns / MILLION, marks->sync_median_ns / MILLION,
                  marks->sync_p95_ns / MILLION);
    (void)fprintf(out, "  %-22s %.2f GB/s\n", "synced writing", marks->synced_write / GB);
    (void)fprintf(out, "  %-22s %.2f ms\n", "calibration round", marks->calibration_ns / MILLION);
}

static void print_kernels(const struct kernels_report *report, FILE *out)
{
    (void)fprintf(out, "kernels (%s), least of some runs\n", report->variant);
    (void)fprintf(out, "  %-18s %9s %9s %12s %9s %9s\n", "", "ns/value", "median", "M values/s",
                  "bytes/cyc", "B stored");
    for (size_t i = 0; i < report->count; i++) {
        const struct kernel_result *result = &report->results[i];
        (void)fprintf(out, "  %-18s %9.2f %9.2f %12.1f %9.2f", result->name, result->least_ns,
                      result->median_ns, result->least_ns > 0 ? 1e3 / result->least_ns : 0,
                      kernel_bytes_per_cycle(result, report->marks.core_hz));
        if (result->stored_bytes > 0)
            (void)fprintf(out, " %9.2f", result->stored_bytes);
        (void)fprintf(out, "  %s\n", result->value);
    }
}

static void print_budget(const struct budget *budget, FILE *out)
{
    (void)fprintf(out,
                  "budget   %llu messages of %.0f bytes, stored in %.2f; ns a message\n"
                  "  %-18s %9s %9s %9s %7s\n",
                  (unsigned long long)budget->messages, budget->line_bytes, budget->store_bytes, "",
                  "CPU", "elapsed", "limit", "share");
    for (size_t i = 0; i < budget->stage_count; i++) {
        const struct budget_stage *stage = &budget->stages[i];
        (void)fprintf(out, "  %-18s %9.1f", stage->name, stage->cpu_ns);
        if (stage->elapsed_ns > 0)
            (void)fprintf(out, " %9.1f", stage->elapsed_ns);
        else
            (void)fprintf(out, " %9s", "");
        if (stage->limit_ns > 0)
            (void)fprintf(out, " %9.1f %6.0f%%  %s", stage->limit_ns, 100 * budget_share(stage),
                          stage->limit);
        (void)fprintf(out, "\n");
    }
}

void kernels_print_table(const struct kernels_report *report, FILE *out)
{
    print_machine(report, out);
    print_kernels(report, out);
    if (report->budget.stage_count > 0)
        print_budget(&report->budget, out);
}

double budget_share(const struct budget_stage *stage)
{
    const double taken_ns = stage->elapsed_ns > 0 ? stage->elapsed_ns : stage->cpu_ns;
    return taken_ns > 0 ? stage->limit_ns / taken_ns : 0;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static bool add(cJSON *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(object, name, number) != NULL;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(object, name, text) != NULL;
}

/* What there is none of is null. */
static bool add_some(cJSON *object, const char *name, double number)
{
    return number > 0 ? add(object, name, number) : cJSON_AddNullToObject(object, name) != NULL;
}

static cJSON *add_item(cJSON *list)
{
    cJSON *object = cJSON_CreateObject();
    if (object && cJSON_AddItemToArray(list, object))
        return object;
    cJSON_Delete(object);
    return NULL;
}

static bool add_result(cJSON *list, const struct kernels_report *report,
                       const struct kernel_result *result)
{
    cJSON *object = add_item(list);
    return object && add_text(object, "name", result->name) &&
           add_text(object, "variant", result->variant) &&
           add_text(object, "value", result->value) &&
           add(object, "values", (double)result->values) && add(object, "runs", result->runs) &&
           add(object, "ns_per_value", result->least_ns) &&
           add(object, "median_ns_per_value", result->median_ns) &&
           add(object, "values_per_s", result->least_ns > 0 ? 1e9 / result->least_ns : 0) &&
           add(object, "bytes_per_value", result->bytes) &&
           add_some(object, "stored_bytes_per_value", result->stored_bytes) &&
           add_some(object, "bytes_per_cycle",
                    kernel_bytes_per_cycle(result, report->marks.core_hz));
}

static bool add_stage(cJSON *list, const struct budget_stage *stage)
{
    cJSON *object = add_item(list);
    return object && add_text(object, "stage", stage->name) &&
           add(object, "cpu_ns_per_message", stage->cpu_ns) &&
           add_some(object, "elapsed_ns_per_message", stage->elapsed_ns) &&
           add_some(object, "limit_ns_per_message", stage->limit_ns) &&
           (stage->limit ? add_text(object, "limit", stage->limit)
                         : cJSON_AddNullToObject(object, "limit") != NULL) &&
           add_some(object, "share_of_limit", budget_share(stage));
}

static bool add_lists(cJSON *tree, const struct kernels_report *report)
{
    const struct budget *budget = &report->budget;
    cJSON *kernels = cJSON_AddArrayToObject(tree, "kernels");
    bool added = kernels != NULL;
    for (size_t i = 0; added && i < report->count; i++)
        added = add_result(kernels, report, &report->results[i]);
    if (!added || budget->stage_count == 0)
        return added;
    added = add(tree, "budget_messages", (double)budget->messages) &&
            add(tree, "budget_line_bytes", budget->line_bytes) &&
            add(tree, "budget_store_bytes", budget->store_bytes);
    cJSON *stages = added ? cJSON_AddArrayToObject(tree, "budget") : NULL;
    added = stages != NULL;
    for (size_t i = 0; added && i < budget->stage_count; i++)
        added = add_stage(stages, &budget->stages[i]);
    return added;
}

/* Without marks the clock of the core is all that is known of them. */
static bool add_marks(cJSON *tree, const struct kernels_report *report)
{
    if (report->has_marks)
        return machine_marks_json(tree, &report->marks);
    cJSON *marks = cJSON_AddObjectToObject(tree, "marks");
    return marks && add(marks, "core_hz", report->marks.core_hz);
}

enum status kernels_print_json(const struct kernels_report *report, FILE *out, struct error *err)
{
    OWNED(json_tree_free) cJSON *tree = cJSON_CreateObject();
    const bool made = tree && add_text(tree, "kind", "kernels") &&
                      machine_json(tree, &report->machine) && add_marks(tree, report) &&
                      add_lists(tree, report);
    return json_print(made ? tree : NULL, out, err);
}
