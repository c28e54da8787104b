/*
 * arrange.c - sorting rows that are nearly in order.
 *
 * Rows arrive almost by time with their devices mixed. A counting sort gathers
 * each device's rows in their order of arrival; a natural merge sort then puts
 * right what is late: it costs one pass where nothing is, n log n at worst.
 */
#include "engine/arrange/arrange.h"

#include "engine/base/mem.h"

#include <string.h>

/* Many more devices than rows: counting them all would cost more than it saves. */
#define DEVICES_PER_ROW_MAX 4u

static bool row_after(const struct arranged_row *a, const struct arranged_row *b)
{
    if (a->device != b->device)
        return a->device > b->device;
    if (a->time_ms != b->time_ms)
        return a->time_ms > b->time_ms;
    return a->message_id > b->message_id;
}

static size_t run_end(const struct arranged_row *rows, size_t from, size_t count)
{
    size_t end = from + 1;
    while (end < count && !row_after(&rows[end - 1], &rows[end]))
        end++;
    return end;
}

static void merge_runs(const struct arranged_row *left, size_t left_count,
                       const struct arranged_row *right, size_t right_count,
                       struct arranged_row *out)
{
    while (left_count > 0 && right_count > 0) {
        if (row_after(left, right)) {
            *out++ = *right++;
            right_count--;
        } else {
            *out++ = *left++;
            left_count--;
        }
    }
    memcpy(out, left, left_count * sizeof *out);
    memcpy(out + left_count, right, right_count * sizeof *out);
}

/* Merges neighbouring runs of `rows` into `out`; true if one run is left. */
static bool merge_pass(const struct arranged_row *rows, size_t count, struct arranged_row *out)
{
    size_t at = 0;
    size_t runs = 0;
    while (at < count) {
        const size_t middle = run_end(rows, at, count);
        const size_t end = middle < count ? run_end(rows, middle, count) : count;
        merge_runs(rows + at, middle - at, rows + middle, end - middle, out + at);
        at = end;
        runs++;
    }
    return runs <= 1;
}

/* Sorts rows[0 .. count) with `scratch` of the same size. */
static void sort_rows(struct arranged_row *rows, size_t count, struct arranged_row *scratch)
{
    if (count < 2 || run_end(rows, 0, count) == count)
        return;
    struct arranged_row *from = rows;
    struct arranged_row *to = scratch;
    bool sorted = false;
    while (!sorted) {
        sorted = merge_pass(from, count, to);
        struct arranged_row *swap = from;
        from = to;
        to = swap;
    }
    if (from != rows)
        memcpy(rows, from, count * sizeof *rows);
}

static struct arranged_row arranged(const struct row *row, size_t index)
{
    return (struct arranged_row){
        .time_ms = row->time_ms,
        .message_id = row->message_id,
        .device = row->device,
        .row = (uint32_t)index,
    };
}

/* starts[d] = first place of device d; starts[device_count] = count. */
static void count_devices(uint32_t *starts, const struct row *rows, size_t count,
                          size_t device_count)
{
    memset(starts, 0, (device_count + 1) * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        starts[rows[i].device + 1]++;
    for (size_t device = 0; device < device_count; device++)
        starts[device + 1] += starts[device];
}

static void arrange_by_counting(struct arrangement *arrangement, const struct row *rows,
                                size_t count, size_t device_count)
{
    uint32_t *next = arrangement->starts;
    count_devices(next, rows, count, device_count);
    for (size_t i = 0; i < count; i++)
        arrangement->rows[next[rows[i].device]++] = arranged(&rows[i], i);
    /* next[d] is now where device d ends. */
    size_t start = 0;
    for (size_t device = 0; device < device_count; device++) {
        sort_rows(arrangement->rows + start, next[device] - start, arrangement->scratch);
        start = next[device];
    }
}

enum status arrange_rows(struct arrangement *arrangement, const struct row *rows, size_t count,
                         uint64_t device_count)
{
    TRY(mem_grow(&arrangement->rows, &arrangement->capacity, count, sizeof *arrangement->rows));
    TRY(mem_grow(&arrangement->scratch, &arrangement->scratch_capacity, count,
                 sizeof *arrangement->scratch));
    if (device_count > count * DEVICES_PER_ROW_MAX) {
        for (size_t i = 0; i < count; i++)
            arrangement->rows[i] = arranged(&rows[i], i);
        sort_rows(arrangement->rows, count, arrangement->scratch);
        return STATUS_OK;
    }
    TRY(mem_grow(&arrangement->starts, &arrangement->start_capacity, device_count + 1,
                 sizeof *arrangement->starts));
    arrange_by_counting(arrangement, rows, count, (size_t)device_count);
    return STATUS_OK;
}

void arrangement_release(struct arrangement *arrangement)
{
    mem_free(arrangement->rows);
    mem_free(arrangement->scratch);
    mem_free(arrangement->starts);
    *arrangement = (struct arrangement){0};
}
