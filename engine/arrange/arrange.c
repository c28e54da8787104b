/*
 * arrange.c - sorting rows that are nearly in order.
 *
 * Rows arrive almost by time with their devices mixed. A counting sort gathers
 * each device's rows in their order of arrival. What is late then is put right by insertion, as
 * long as that moves little, else by a natural merge sort: n log n at worst.
 */
#include "engine/arrange/arrange.h"

#include "engine/base/mem.h"

#include <string.h>

/* Many more devices than rows: counting them all would cost more than it saves. */
#define DEVICES_PER_ROW_MAX 4u
/* Insertion may move so many rows, for each there is, before merging takes over. */
#define MOVES_PER_ROW_MAX 4u

static bool row_after(const struct block_row *a, const struct block_row *b)
{
    if (a->device != b->device)
        return a->device > b->device;
    if (a->time_ms != b->time_ms)
        return a->time_ms > b->time_ms;
    return a->message_id > b->message_id;
}

static size_t run_end(const struct block_row *rows, size_t from, size_t count)
{
    size_t end = from + 1;
    while (end < count && !row_after(&rows[end - 1], &rows[end]))
        end++;
    return end;
}

static void merge_runs(const struct block_row *left, size_t left_count,
                       const struct block_row *right, size_t right_count, struct block_row *out)
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
static bool merge_pass(const struct block_row *rows, size_t count, struct block_row *out)
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
static void merge_sort(struct block_row *rows, size_t count, struct block_row *scratch)
{
    struct block_row *from = rows;
    struct block_row *to = scratch;
    bool sorted = run_end(rows, 0, count) == count;
    while (!sorted) {
        sorted = merge_pass(from, count, to);
        struct block_row *swap = from;
        from = to;
        to = swap;
    }
    if (from != rows)
        memcpy(rows, from, count * sizeof *rows);
}

/* Sorts by insertion; false if that moves too much: the rows are all there, but not in order. */
static bool insertion_sort(struct block_row *rows, size_t count)
{
    size_t moves_left = MOVES_PER_ROW_MAX * count;
    for (size_t i = 1; i < count; i++) {
        if (!row_after(&rows[i - 1], &rows[i]))
            continue;
        const struct block_row late = rows[i];
        size_t place = i;
        do {
            rows[place] = rows[place - 1];
            place--;
        } while (place > 0 && row_after(&rows[place - 1], &late) && i - place < moves_left);
        rows[place] = late;
        moves_left -= i - place;
        if (moves_left == 0)
            return false;
    }
    return true;
}

static void sort_rows(struct block_row *rows, size_t count, struct block_row *scratch)
{
    if (count > 1 && !insertion_sort(rows, count))
        merge_sort(rows, count, scratch);
}

/* starts[d] = first place of device d; starts[device_count] = count. */
static void count_devices(uint32_t *starts, const struct block_row *rows, size_t count,
                          size_t device_count)
{
    memset(starts, 0, (device_count + 1) * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        starts[rows[i].device + 1]++;
    for (size_t device = 0; device < device_count; device++)
        starts[device + 1] += starts[device];
}

static void arrange_by_counting(struct arrangement *arrangement, size_t device_count)
{
    uint32_t *next = arrangement->starts;
    struct block_row *given = arrangement->given;
    count_devices(next, given, arrangement->count, device_count);
    for (size_t i = 0; i < arrangement->count; i++)
        arrangement->rows[next[given[i].device]++] = given[i];
    /* next[d] is now where device d ends. */
    size_t start = 0;
    for (size_t device = 0; device < device_count; device++) {
        sort_rows(arrangement->rows + start, next[device] - start, given);
        start = next[device];
    }
}

enum status arrangement_reserve(struct arrangement *arrangement, size_t count)
{
    if (arrangement->count == 0)
        return mem_renew(&arrangement->given, &arrangement->given_capacity, count,
                         sizeof *arrangement->given);
    return mem_grow(&arrangement->given, &arrangement->given_capacity, count,
                    sizeof *arrangement->given);
}

enum status arrangement_add_rows(struct arrangement *arrangement, const struct row *rows,
                                 size_t count, const struct cell *cells)
{
    TRY(arrangement_reserve(arrangement, arrangement->count + count));
    for (size_t i = 0; i < count; i++) {
        const struct block_row row = block_row_of(&rows[i], cells);
        arrangement_add(arrangement, &row);
    }
    return STATUS_OK;
}

enum status arrange_rows(struct arrangement *arrangement, uint64_t device_count)
{
    const size_t count = arrangement->count;
    TRY(mem_renew(&arrangement->rows, &arrangement->capacity, count, sizeof *arrangement->rows));
    if (device_count > count * DEVICES_PER_ROW_MAX) {
        if (count > 0)
            memcpy(arrangement->rows, arrangement->given, count * sizeof *arrangement->rows);
        sort_rows(arrangement->rows, count, arrangement->given);
        return STATUS_OK;
    }
    TRY(mem_renew(&arrangement->starts, &arrangement->start_capacity, device_count + 1,
                  sizeof *arrangement->starts));
    arrange_by_counting(arrangement, (size_t)device_count);
    return STATUS_OK;
}

void arrangement_release(struct arrangement *arrangement)
{
    mem_free(arrangement->given);
    mem_free(arrangement->rows);
    mem_free(arrangement->starts);
    *arrangement = (struct arrangement){0};
}
