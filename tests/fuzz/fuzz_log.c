/*
 * fuzz_log.c - records of the commit log from hostile bytes.
 *
 * Whatever decodes has its cells inside the set; everything else is told as damage.
 */
#include "engine/log/log.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct row_set set = {0};
    struct store_state state;
    struct error err = {0};
    const enum status status = log_decode_record(slice_of(data, size), &state, &set, &err);
    if (status == STATUS_OK) {
        for (int table = 0; table < TABLE_COUNT; table++) {
            for (size_t i = 0; i < set.row_count[table]; i++) {
                const struct row *row = &set.rows[table][i];
                if ((size_t)row->first_cell + row->cell_count > set.cell_count)
                    abort();
            }
        }
    } else if (status != STATUS_CORRUPT || err.message[0] == '\0') {
        abort();
    }
    row_set_release(&set);
    return 0;
}
