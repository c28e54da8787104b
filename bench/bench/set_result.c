/*
 * set_result.c - the result as it is kept in memory; set_write.c and set_read.c are the JSON.
 */
#include "bench/bench/set_result.h"

#include "engine/base/mem.h"

#include <assert.h>

const char *const set_query_names[SET_QUERIES] = {"Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q8"};

const char *const set_query_titles[SET_QUERIES] = {
    "all time: avg, min, max", "the same by device",     "one device, hourly",
    "all devices, hourly",     "one device, last value", "95th percentile of all",
    "online, all devices",     "one device, 1 h of rows"};

const char *const set_verdict_names[VERDICT_COUNT] = {"none", "reference", "same", "differs",
                                                      "wrong"};

enum status set_result_make(struct set_result *result, size_t system_count, struct error *err)
{
    assert(system_count <= SET_SYSTEMS_MAX);
    result->systems = mem_alloc_zeroed(system_count, sizeof *result->systems);
    if (!result->systems)
        return error_set(err, STATUS_NOMEM, "no memory for a benchmark's results");
    result->system_count = system_count;
    return STATUS_OK;
}

static void release_query(struct set_query *query)
{
    series_release(&query->warm_ms);
    series_release(&query->cold_ms);
    series_release(&query->fresh_ms);
    series_release(&query->call_ms);
    series_release(&query->call_cold_ms);
}

void set_result_release(struct set_result *result)
{
    for (size_t i = 0; i < result->system_count; i++) {
        struct set_system *system = &result->systems[i];
        series_release(&system->load_seconds);
        series_release(&system->again_seconds);
        for (size_t query = 0; query < SET_QUERIES; query++)
            release_query(&system->queries[query]);
    }
    mem_free(result->systems);
    result->systems = NULL;
    result->system_count = 0;
}

bool set_result_is_wrong(const struct set_result *result)
{
    for (size_t i = 0; i < result->system_count * SET_QUERIES; i++) {
        if (result->systems[i / SET_QUERIES].queries[i % SET_QUERIES].verdict == VERDICT_WRONG)
            return true;
    }
    return false;
}
