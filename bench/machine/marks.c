/*
 * marks.c - all marks, one after the other.
 */
#include "bench/machine/marks_internal.h"

#include <assert.h>

#define MIB              ((size_t)1 << 20)
#define BUFFER_BYTES_MIN (128 * MIB)
#define BUFFER_BYTES_MAX (512 * MIB)
#define CACHES_IN_BUFFER 4u
#define MEMORY_SHARE     16u /* of the machine's memory, for one buffer */
#define FILE_BYTES       (256 * MIB)
#define RUNS             4u
#define SYNCS            200u
#define CALIBRATION_RUNS 50u

struct machine_marks_config machine_marks_config_default(const struct machine *machine,
                                                         const char *dir)
{
    uint64_t bytes = machine->l3_bytes * CACHES_IN_BUFFER;
    if (bytes < BUFFER_BYTES_MIN)
        bytes = BUFFER_BYTES_MIN;
    if (bytes > BUFFER_BYTES_MAX)
        bytes = BUFFER_BYTES_MAX;
    if (machine->memory_bytes > 0 && bytes > machine->memory_bytes / MEMORY_SHARE)
        bytes = machine->memory_bytes / MEMORY_SHARE;
    return (struct machine_marks_config){
        .dir = dir,
        .memory_bytes = (size_t)bytes,
        .file_bytes = FILE_BYTES,
        .runs = RUNS,
        .syncs = SYNCS,
    };
}

enum status machine_marks(const struct machine_marks_config *config, struct machine_marks *marks,
                          struct error *err)
{
    assert(config->runs >= 1);
    *marks = (struct machine_marks){.core_hz = machine_core_hz(), .tsc_hz = machine_tsc_hz()};
    struct machine_calibration calibration = {0};
    TRY(machine_calibrate(CALIBRATION_RUNS, &calibration, err));
    marks->calibration_ns = calibration.least_ns[MACHINE_BOTH];
    struct machine machine;
    machine_describe(&machine, config->dir);
    TRY(marks_of_memory(config, machine.cpus > 1, marks, err));
    TRY(marks_of_page_cache(config, marks, err));
    return marks_of_disk(config, marks, err);
}
