/*
 * fuzz_part.c - records of parts from hostile bytes.
 *
 * What decodes names only devices and metrics that are there, and merges only older parts;
 * everything else is told as damage.
 */
#include "engine/part/part.h"

#include <stdlib.h>

#define NUMBER UINT64_C(100)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct part *part, struct part_names names)
{
    const struct block_summary *totals = &part->totals.summary;
    if (totals->row_count > 0 && totals->last.device >= names.devices)
        abort();
    for (uint32_t i = 0; i < totals->column_count; i++) {
        if (totals->columns[i].metric >= names.metrics || totals->columns[i].count == 0)
            abort();
    }
    for (uint32_t i = 0; i < part->input_count; i++) {
        if (part->inputs[i] >= NUMBER)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct part_names names = {.devices = 50, .metrics = 20};
    struct part part = {.number = NUMBER};
    struct error err = {0};
    const enum status status = part_decode(&part, slice_of(data, size), names, &err);
    if (status == STATUS_OK)
        check(&part, names);
    else if (status != STATUS_CORRUPT || err.message[0] == '\0')
        abort();
    part_release(&part);
    return 0;
}
