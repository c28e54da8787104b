/*
 * fuzz_slices.c - slices of a part from arbitrary bytes.
 *
 *      u16  length of the first value; the second is what stands behind it
 *
 * What is read ascends, lies within its quarters of an hour, names only what is there and counts
 * its rows; rows can be added to it; everything else is told as damage.
 */
#include "engine/slices/slices.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static const struct part_names names = {.devices = 50, .metrics = 20};

static void check(const struct slices *slices)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < slices->count; i++) {
        const struct block_summary *summary = &slices->items[i].totals.summary;
        const int64_t from_ms = slices->items[i].from_ms;
        rows += summary->row_count;
        if (from_ms % SLICE_MS != 0 || summary->min_time_ms < from_ms ||
            slice_start_ms(summary->max_time_ms) != from_ms ||
            (i > 0 && slices->items[i - 1].from_ms >= from_ms))
            abort();
        if (summary->last.device >= names.devices || summary->row_count == 0)
            abort();
    }
    if (rows != slices->rows || slices->count > SLICES_MAX)
        abort();
}

/* As the next step of a merge does. */
static void add_rows(struct slices *slices)
{
    const int64_t from_ms = slices->items[slices->count / 2].from_ms;
    const int64_t times_ms[] = {from_ms, from_ms + 1};
    const uint64_t ids[] = {1, 2};
    const int64_t mantissas[] = {INT64_MIN, 7};
    const struct column_vector column = {
        .metric = 3, .present_count = 2, .mantissas = mantissas, .exponent = -7};
    const struct row_vector rows = {
        .count = 2,
        .one_device = true,
        .device = 49,
        .times_ms = times_ms,
        .message_ids = ids,
        .column_count = 1,
        .columns = &column,
    };
    slices->rows_expected = UINT64_MAX;
    if (slices_add_rows(slices, &rows, 0, 2) != STATUS_OK || slices_settle(slices) != STATUS_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    struct slices slices = {0};
    struct error err = {0};
    struct cursor cursor = cursor_of(slice_of(bytes, bytes_len));
    const struct slice first = cursor_bytes(&cursor, cursor_u16(&cursor));
    const struct slice second = slice_of(cursor.next, cursor_left(&cursor));
    enum status status = cursor.failed ? STATUS_OK : slices_read(&slices, first, names, &err);
    if (status == STATUS_OK && !cursor.failed && second.len > 0)
        status = slices_read(&slices, second, names, &err);
    if (status == STATUS_OK) {
        check(&slices);
        bool equal = false;
        if (slices_compare(&slices, &slices, &equal) != STATUS_OK || !equal)
            abort();
        if (slices.count > 0)
            add_rows(&slices);
    } else if (status != STATUS_CORRUPT || err.message[0] == '\0') {
        abort();
    }
    slices_release(&slices);
    return 0;
}
