/*
 * figures.c - see figures.h.
 */
#include "bench/scenarios/figures.h"

#include <cjson/cJSON.h>

bool figures_number(struct cJSON *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(object, name, number) != NULL;
}

bool figures_count(struct cJSON *object, const char *name, uint64_t count)
{
    return figures_number(object, name, (double)count);
}

bool figures_latency(struct cJSON *object, const char *name, const struct latency *latency)
{
    cJSON *entry = cJSON_AddObjectToObject(object, name);
    return entry && figures_count(entry, "count", latency->count) &&
           figures_number(entry, "sum_ms", (double)latency->sum_ns / 1e6) &&
           figures_number(entry, "median_ms", (double)latency->median_ns / 1e6) &&
           figures_number(entry, "p99_ms", (double)latency->p99_ns / 1e6) &&
           figures_number(entry, "max_ms", (double)latency->max_ns / 1e6);
}

struct cJSON *figures_append(struct cJSON *array)
{
    cJSON *entry = cJSON_CreateObject();
    if (entry && !cJSON_AddItemToArray(array, entry)) {
        cJSON_Delete(entry);
        return NULL;
    }
    return entry;
}

double figures_ratio(const struct timing *timing, const struct timing *base)
{
    return base->median_ns <= 0 ? 0 : (double)timing->median_ns / (double)base->median_ns;
}
