/*
 * arrange.c - sorting rows that are nearly in order.
 *
 * Rows arrive almost by time with their devices mixed. They are counted by device before they
 * come, so that each is put where its device's rows gather, in their order of arrival, and never
 * moved from a place where all rows wait. What is late then is put right by insertion, as
 * long as that moves little, else by a natural merge sort: n log n at worst.
 */
#include "engine/arrange/arrange.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <string.h>

/* Many more devices than rows: counting them all would cost more than it saves. */
#define DEVICES_PER_ROW_MAX 4u
/* Insertion may move so many rows, for each there is, before merging takes over. */
#define MOVES_PER_ROW_MAX 4u
/* Room for a quarter more rows than are needed: the next commits may be larger. */
#define ROWS_SPARE_PART 4u

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

static enum status sort_rows(struct arrangement *arrangement, struct block_row *rows, size_t count)
{
    if (count <= 1 || insertion_sort(rows, count))
        return STATUS_OK;
    TRY(mem_renew(&arrangement->scratch, &arrangement->scratch_capacity, count,
                  sizeof *arrangement->scratch));
    merge_sort(rows, count, arrangement->scratch);
    return STATUS_OK;
}

enum status arrangement_begin(struct arrangement *arrangement, size_t count_max)
{
    arrangement->expected = 0;
    arrangement->count = 0;
    return mem_renew(&arrangement->devices, &arrangement->device_capacity, count_max,
                     sizeof *arrangement->devices);
}

/* next[d] = first place of device d. */
static void count_devices(struct arrangement *arrangement)
{
    uint32_t *const next = arrangement->next;
    memset(next, 0, arrangement->device_count * sizeof *next);
    for (size_t i = 0; i < arrangement->expected; i++)
        next[arrangement->devices[i]]++;
    uint32_t start = 0;
    for (size_t device = 0; device < arrangement->device_count; device++) {
        const uint32_t held = next[device];
        next[device] = start;
        start += held;
    }
}

/*
 * Devices' rows lie in as many pages as there are devices, and are written in turns: huge pages
 * spare looking up where each is. They stay for the next commits, so that they are zeroed once.
 */
static enum status reserve_rows(struct arrangement *arrangement, size_t count)
{
    if (count <= arrangement->capacity)
        return STATUS_OK;
    mem_free(arrangement->rows);
    arrangement->capacity = 0;
    const size_t capacity = count + count / ROWS_SPARE_PART;
    arrangement->rows = mem_alloc(capacity, sizeof *arrangement->rows);
    if (!arrangement->rows)
        return STATUS_NOMEM;
    arrangement->capacity = capacity;
    return STATUS_OK;
}

enum status arrangement_open(struct arrangement *arrangement, uint64_t device_count)
{
    const size_t count = arrangement->expected;
    arrangement->device_count = 0;
    TRY(reserve_rows(arrangement, count));
    if (count == 0 || device_count > count * DEVICES_PER_ROW_MAX)
        return STATUS_OK;
    TRY(mem_renew(&arrangement->next, &arrangement->next_capacity, (size_t)device_count,
                  sizeof *arrangement->next));
    arrangement->device_count = (size_t)device_count;
    count_devices(arrangement);
    return STATUS_OK;
}

enum status arrangement_sort(struct arrangement *arrangement)
{
    assert(arrangement->count == arrangement->expected);
    if (arrangement->device_count == 0)
        return sort_rows(arrangement, arrangement->rows, arrangement->count);
    /* next[d] is now where device d ends. */
    size_t start = 0;
    for (size_t device = 0; device < arrangement->device_count; device++) {
        const size_t end = arrangement->next[device];
        TRY(sort_rows(arrangement, arrangement->rows + start, end - start));
        start = end;
    }
    return STATUS_OK;
}

enum status arrangement_add_rows(struct arrangement *arrangement, const struct row *rows,
                                 size_t count, const struct cell *cells)
{
    TRY(arrangement_begin(arrangement, count));
    for (size_t i = 0; i < count; i++)
        arrangement_expect(arrangement, rows[i].device);
    arrangement->set = rows;
    arrangement->set_cells = cells;
    return STATUS_OK;
}

enum status arrange_rows(struct arrangement *arrangement, uint64_t device_count)
{
    TRY(arrangement_open(arrangement, device_count));
    for (size_t i = 0; i < arrangement->expected; i++) {
        const struct row *const row = &arrangement->set[i];
        arrangement_put(arrangement, row, arrangement->set_cells + row->first_cell);
    }
    return arrangement_sort(arrangement);
}

void arrangement_release(struct arrangement *arrangement)
{
    mem_free(arrangement->devices);
    mem_free(arrangement->rows);
    mem_free(arrangement->next);
    mem_free(arrangement->scratch);
    *arrangement = (struct arrangement){0};
}
