/*
 * report_json.c - the same for programs: names that stay, plain units.
 */
#include "bench/bench/report.h"

#include "bench/machine/json_print.h"
#include "cli/escape.h"
#include "engine/base/mem.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

/* File names may be any bytes, JSON may not. */
static bool add_text(cJSON *object, const char *name, const char *text)
{
    const size_t room = ESCAPE_BYTES(strlen(text));
    OWNED(mem_free_owned) char *escaped = mem_alloc(room, 1);
    if (!escaped)
        return false;
    (void)escape_text(slice_of_text(text), escaped, room);
    return cJSON_AddStringToObject(object, name, escaped) != NULL;
}

static bool add_number(cJSON *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(object, name, number) != NULL;
}

static bool add_count(cJSON *object, const char *name, uint64_t count)
{
    return add_number(object, name, (double)count);
}

static bool add_usage(cJSON *object, const struct child_usage *usage)
{
    return add_number(object, "seconds", (double)usage->elapsed_ns / 1e9) &&
           add_number(object, "cpu_seconds", (double)usage->cpu_ns / 1e9) &&
           add_count(object, "peak_memory_bytes", usage->peak_bytes);
}

static bool add_ingest(cJSON *parent, const char *name, const struct ingest_figures *figures)
{
    cJSON *object = cJSON_AddObjectToObject(parent, name);
    const struct commit_result *total = &figures->total;
    return object && add_count(object, "received", total->received) &&
           add_count(object, "stored", total->stored) &&
           add_count(object, "duplicates", total->duplicates) &&
           add_count(object, "rejected", total->rejected) &&
           add_count(object, "input_bytes", figures->input_bytes) &&
           add_count(object, "commits", figures->commits) && add_usage(object, &figures->usage) &&
           add_number(object, "messages_per_second",
                      report_rate(total->received, figures->usage.elapsed_ns)) &&
           add_count(object, "store_bytes", figures->file_bytes);
}

static bool add_upkeep(cJSON *parent, const char *name, const struct upkeep_figures *figures,
                       uint64_t stored)
{
    cJSON *object = cJSON_AddObjectToObject(parent, name);
    return object && add_count(object, "transactions", figures->steps) &&
           add_usage(object, &figures->usage) &&
           add_count(object, "store_bytes", figures->file_bytes) &&
           add_number(object, "bytes_per_message",
                      report_bytes_per_message(figures->file_bytes, stored));
}

/* Times that were not measured are null. The CPU time of a call is not this thread's. */
static bool add_timing(cJSON *parent, const char *name, const struct timing *timing, bool with_cpu)
{
    if (timing->runs == 0)
        return cJSON_AddNullToObject(parent, name) != NULL;
    cJSON *object = cJSON_AddObjectToObject(parent, name);
    return object && add_number(object, "first_ms", (double)timing->first_ns / 1e6) &&
           add_number(object, "min_ms", (double)timing->min_ns / 1e6) &&
           add_number(object, "median_ms", (double)timing->median_ns / 1e6) &&
           add_number(object, "max_ms", (double)timing->max_ns / 1e6) &&
           (!with_cpu || add_number(object, "least_cpu_ms", (double)timing->cpu_ns / 1e6));
}

static bool add_query(cJSON *parent, const struct query_definition *query,
                      const struct query_figures *figures)
{
    const struct scan_statistics *did = &figures->statistics;
    char digest[24];
    (void)snprintf(digest, sizeof digest, "%016" PRIx64, figures->digest);
    cJSON *object = cJSON_AddObjectToObject(parent, query->name);
    return object && add_text(object, "title", query->title) &&
           add_count(object, "rows", figures->rows) && add_text(object, "answer_digest", digest) &&
           add_timing(object, "in_process", &figures->in_process, true) &&
           add_timing(object, "call", &figures->call, false) &&
           add_count(object, "parts_read", did->parts_read) &&
           add_count(object, "parts_from_totals", did->parts_from_totals) &&
           add_count(object, "blocks_from_summary", did->blocks_from_summary) &&
           add_count(object, "blocks_read", did->blocks_read) &&
           add_count(object, "rows_decoded", did->rows_decoded + did->log_rows);
}

static bool add_phase(cJSON *phases, const struct query_phase *phase, uint64_t stored)
{
    cJSON *object = cJSON_CreateObject();
    if (!object || !cJSON_AddItemToArray(phases, object)) {
        cJSON_Delete(object);
        return false;
    }
    bool added =
        add_text(object, "store", phase->name) &&
        add_count(object, "store_bytes", phase->file_bytes) &&
        add_number(object, "bytes_per_message",
                   report_bytes_per_message(phase->file_bytes, stored)) &&
        add_count(object, "parts", phase->parts) &&
        (phase->cached_share < 0 ? cJSON_AddNullToObject(object, "page_cache_share") != NULL
                                 : add_number(object, "page_cache_share", phase->cached_share)) &&
        add_timing(object, "call_start", &phase->call_start, false);
    cJSON *queries = added ? cJSON_AddObjectToObject(object, "queries") : NULL;
    for (size_t i = 0; queries && i < QUERY_SET_COUNT; i++) {
        if (query_was_asked(&phase->queries[i]))
            added = added && add_query(queries, &query_set[i], &phase->queries[i]);
    }
    return added && queries;
}

static bool add_inputs(cJSON *object, const struct bench_report *report)
{
    cJSON *inputs = cJSON_AddArrayToObject(object, "inputs");
    for (size_t i = 0; inputs && i < report->input_count; i++) {
        const size_t room = ESCAPE_BYTES(strlen(report->inputs[i]));
        OWNED(mem_free_owned) char *escaped = mem_alloc(room, 1);
        if (!escaped)
            return false;
        (void)escape_text(slice_of_text(report->inputs[i]), escaped, room);
        cJSON *text = cJSON_CreateString(escaped);
        if (!text || !cJSON_AddItemToArray(inputs, text)) {
            cJSON_Delete(text);
            return false;
        }
    }
    return inputs;
}

static bool fill(cJSON *object, const struct bench_report *report)
{
    bool added =
        add_text(object, "version", report->version) && add_count(object, "cpus", report->cpus) &&
        add_text(object, "file_system", report->file_system) && add_inputs(object, report) &&
        add_text(object, "device", report->device) && add_text(object, "metric", report->metric) &&
        add_text(object, "hour", report->from) && add_count(object, "runs", report->runs) &&
        add_count(object, "stored", report->stored);
    if (report->has_ingest)
        added = added && add_ingest(object, "ingest", &report->ingest) &&
                add_upkeep(object, "settle", &report->settle, report->stored) &&
                add_upkeep(object, "compacted", &report->copy, report->stored);
    if (report->has_again)
        added = added && add_ingest(object, "second_time", &report->again);
    cJSON *phases = added ? cJSON_AddArrayToObject(object, "phases") : NULL;
    for (size_t i = 0; phases && i < report->phase_count; i++)
        added = added && add_phase(phases, &report->phases[i], report->stored);
    return added && phases &&
           cJSON_AddBoolToObject(object, "answers_differ", report->answers_differ) != NULL;
}

enum status report_print_json(const struct bench_report *report, FILE *out, struct error *err)
{
    OWNED(json_tree_free) cJSON *tree = cJSON_CreateObject();
    return json_print(tree && fill(tree, report) ? tree : NULL, out, err);
}
