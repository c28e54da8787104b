/*
 * arrange.h - the order of rows in a part: by (device, time_ms, message_id).
 *
 * Threads: one at a time.
 */
#ifndef MNSDB_ENGINE_ARRANGE_ARRANGE_H
#define MNSDB_ENGINE_ARRANGE_ARRANGE_H

#include "engine/base/error.h"
#include "engine/row/row.h"

#include <stddef.h>
#include <stdint.h>

struct arranged_row {
    int64_t time_ms;
    uint64_t message_id;
    uint32_t device;
    uint32_t row; /* index in what was arranged */
};

struct arrangement {
    struct arranged_row *rows; /* owned; the result */
    size_t capacity;
    struct arranged_row *scratch; /* owned */
    size_t scratch_capacity;
    uint32_t *starts; /* owned; where each device's rows begin */
    size_t start_capacity;
};

/* Fills `arrangement->rows[0 .. count)` in order. Devices are below `device_count`. */
MUST_CHECK enum status arrange_rows(struct arrangement *arrangement, const struct row *rows,
                                    size_t count, uint64_t device_count);
void arrangement_release(struct arrangement *arrangement);

#endif
