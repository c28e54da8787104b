/*
 * set_write.c - a result as JSON: every run, so that others can draw their own conclusions.
 *
 * Texts were made harmless when they were taken in. Numbers are doubles: counts stay below 2^53.
 */
#include "bench/bench/set_result.h"

#include "bench/machine/json_print.h"

#include <cjson/cJSON.h>

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(object, name, text) != NULL;
}

static bool add_number(cJSON *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(object, name, number) != NULL;
}

static bool add_count(cJSON *object, const char *name, uint64_t count)
{
    return add_number(object, name, (double)count);
}

/* A series that was not measured is left out. */
static bool add_series(cJSON *object, const char *name, const struct series *series)
{
    if (series->count == 0)
        return true;
    cJSON *array = cJSON_CreateDoubleArray(series->values, (int)series->count);
    if (!array || !cJSON_AddItemToObject(object, name, array)) {
        cJSON_Delete(array);
        return false;
    }
    return true;
}

static bool add_query(cJSON *parent, const char *name, const struct set_query *query)
{
    cJSON *object = cJSON_AddObjectToObject(parent, name);
    return object && add_series(object, "warm_ms", &query->warm_ms) &&
           add_series(object, "cold_ms", &query->cold_ms) &&
           add_series(object, "fresh_ms", &query->fresh_ms) &&
           add_series(object, "call_ms", &query->call_ms) &&
           add_series(object, "call_cold_ms", &query->call_cold_ms) &&
           add_count(object, "rows", query->rows) &&
           add_text(object, "answer", set_verdict_names[query->verdict]) &&
           add_text(object, "remark", query->remark);
}

static bool add_system(cJSON *systems, const struct set_system *system)
{
    cJSON *object = cJSON_CreateObject();
    if (!object || !cJSON_AddItemToArray(systems, object)) {
        cJSON_Delete(object);
        return false;
    }
    const struct peer_description *d = &system->description;
    cJSON *queries = cJSON_AddObjectToObject(object, "queries");
    bool added = queries && add_text(object, "name", d->name) &&
                 add_text(object, "form", d->form) && add_text(object, "version", d->version) &&
                 add_text(object, "durability", d->durability) &&
                 add_text(object, "input", d->input) && add_text(object, "notes", d->notes) &&
                 cJSON_AddBoolToObject(object, "ids", d->ids) != NULL &&
                 add_text(object, "failure", system->failure) &&
                 add_series(object, "load_seconds", &system->load_seconds) &&
                 add_series(object, "again_seconds", &system->again_seconds) &&
                 add_count(object, "loaded_bytes", system->loaded_bytes) &&
                 add_count(object, "compacted_bytes", system->compacted_bytes) &&
                 add_number(object, "compact_seconds", system->compact_seconds) &&
                 add_count(object, "peak_bytes", system->peak_bytes);
    for (size_t i = 0; added && i < SET_QUERIES; i++)
        added = add_query(queries, set_query_names[i], &system->queries[i]);
    return added;
}

static bool fill(cJSON *root, const struct set_result *result)
{
    struct machine machine = result->machine;
    machine.libraries = result->libraries;
    machine.build = result->build;
    bool added =
        add_text(root, "kind", SET_KIND) && add_count(root, "format", SET_FORMAT) &&
        add_text(root, "name", result->name) && add_text(root, "date", result->date) &&
        add_text(root, "input", result->input) && add_count(root, "messages", result->messages) &&
        add_count(root, "stored", result->stored) &&
        add_count(root, "input_bytes", result->input_bytes) &&
        add_text(root, "device", result->device) && add_text(root, "metric", result->metric) &&
        add_text(root, "hour", result->hour) &&
        cJSON_AddBoolToObject(root, "brief", result->brief) != NULL &&
        add_count(root, "rounds", result->rounds) && add_count(root, "runs", result->runs) &&
        add_number(root, "cold_cached_share", result->cold_cached_share) &&
        machine_json(root, &machine);
    cJSON *systems = added ? cJSON_AddArrayToObject(root, "systems") : NULL;
    for (size_t i = 0; systems && added && i < result->system_count; i++)
        added = add_system(systems, &result->systems[i]);
    return added && systems;
}

enum status set_result_write(const struct set_result *result, FILE *out, struct error *err)
{
    OWNED(json_tree_free) cJSON *tree = cJSON_CreateObject();
    return json_print(tree && fill(tree, result) ? tree : NULL, out, err);
}
