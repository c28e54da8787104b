/*
 * machine_json.c - the machine and its marks for programs: sizes in bytes, rates in bytes a second.
 */
#include "bench/machine/machine.h"

#include "cli/clock.h"

#include <cjson/cJSON.h>
#include <time.h>

/* What is not known is null. */
static bool add_text(cJSON *object, const char *name, const char *text)
{
    return (text[0] ? cJSON_AddStringToObject(object, name, text)
                    : cJSON_AddNullToObject(object, name)) != NULL;
}

static bool add_size(cJSON *object, const char *name, uint64_t size)
{
    return (size > 0 ? cJSON_AddNumberToObject(object, name, (double)size)
                     : cJSON_AddNullToObject(object, name)) != NULL;
}

static bool add(cJSON *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(object, name, number) != NULL;
}

/* When it was measured, for whoever puts several files together; a set has a date of its own. */
static bool add_date(cJSON *parent)
{
    if (cJSON_HasObjectItem(parent, "date"))
        return true;
    char date[24];
    struct tm parts;
    const time_t now = (time_t)(clock_utc_ms() / 1000);
    if (!gmtime_r(&now, &parts) || strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return true;
    return cJSON_AddStringToObject(parent, "date", date) != NULL;
}

bool machine_json(cJSON *parent, const struct machine *machine)
{
    if (!add_date(parent))
        return false;
    cJSON *object = cJSON_AddObjectToObject(parent, "machine");
    return object && add_text(object, "cpu", machine->cpu) && add(object, "cpus", machine->cpus) &&
           add_size(object, "l1_bytes", machine->l1_bytes) &&
           add_size(object, "l2_bytes", machine->l2_bytes) &&
           add_size(object, "l3_bytes", machine->l3_bytes) &&
           add_size(object, "memory_bytes", machine->memory_bytes) &&
           add_text(object, "kernel", machine->kernel) &&
           add_text(object, "compiler", machine->compiler) &&
           add_text(object, "build", machine->build) && add_text(object, "libc", machine->libc) &&
           add_text(object, "libraries", machine->libraries) &&
           add_text(object, "file_system", machine->file_system);
}

static bool add_memory(cJSON *parent, const char *name, const struct memory_marks *memory)
{
    if (memory->read <= 0)
        return cJSON_AddNullToObject(parent, name) != NULL;
    cJSON *object = cJSON_AddObjectToObject(parent, name);
    return object && add(object, "read", memory->read) && add(object, "write", memory->write) &&
           add(object, "copy", memory->copy);
}

bool machine_marks_json(cJSON *parent, const struct machine_marks *marks)
{
    cJSON *object = cJSON_AddObjectToObject(parent, "marks");
    return object && add(object, "core_hz", marks->core_hz) &&
           (marks->tsc_hz > 0 ? add(object, "tsc_hz", marks->tsc_hz)
                              : cJSON_AddNullToObject(object, "tsc_hz") != NULL) &&
           add(object, "calibration_ns", marks->calibration_ns) &&
           add_memory(object, "memory_one_thread", &marks->one) &&
           add_memory(object, "memory_two_threads", &marks->two) &&
           add(object, "page_cache_pread", marks->page_cache_pread) &&
           add(object, "page_cache_map", marks->page_cache_map) &&
           add(object, "page_cache_mapped", marks->page_cache_mapped) &&
           add(object, "sync_least_ns", marks->sync_least_ns) &&
           add(object, "sync_median_ns", marks->sync_median_ns) &&
           add(object, "sync_p95_ns", marks->sync_p95_ns) &&
           add(object, "synced_write", marks->synced_write);
}
