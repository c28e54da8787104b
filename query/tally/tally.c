/*
 * tally.c - values wait in an array; when it is full, they are sorted and merged into the counted.
 *
 * (1) count == waiting_count + sum over entries of their counts.
 * (2) Entries ascend strictly by value.
 * A sorted batch is merged from behind into the grown array, so that no second one is needed.
 */
#include "query/tally/tally.h"

#include "engine/base/bytes.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define ROUNDS_MAX 64u /* of selection: some 20 are usual at the most values there can be */

void tally_release(struct tally *tally)
{
    mem_free(tally->waiting);
    mem_free(tally->entries);
    *tally = (struct tally){0};
}

void tally_clear(struct tally *tally)
{
    tally->waiting_count = 0;
    tally->entry_count = 0;
    tally->count = 0;
}

static enum status settle(struct tally *tally);

enum status tally_add(struct tally *tally, uint64_t value)
{
    if (tally->waiting_count == TALLY_WAITING_MAX)
        TRY(settle(tally));
    if (tally->waiting_count == tally->waiting_capacity)
        TRY(mem_grow(&tally->waiting, &tally->waiting_capacity, tally->waiting_count + 1,
                     sizeof *tally->waiting));
    tally->waiting[tally->waiting_count++] = value;
    tally->count++;
    return STATUS_OK;
}

static int compare_values(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* How many values the sorted waiting ones have that are not counted yet. */
static size_t count_new(const struct tally *tally)
{
    size_t fresh = 0;
    size_t entry = 0;
    for (size_t i = 0; i < tally->waiting_count; i++) {
        const uint64_t value = tally->waiting[i];
        if (i > 0 && tally->waiting[i - 1] == value)
            continue;
        while (entry < tally->entry_count && tally->entries[entry].value < value)
            entry++;
        fresh += entry == tally->entry_count || tally->entries[entry].value != value;
    }
    return fresh;
}

/* From behind: what is written lies at or after what is still to be read. */
static void merge_waiting(struct tally *tally, size_t fresh)
{
    size_t from = tally->entry_count;
    size_t to = tally->entry_count + fresh;
    size_t left = tally->waiting_count;
    tally->entry_count = to;
    while (left > 0) {
        const uint64_t value = tally->waiting[left - 1];
        uint64_t count = 0;
        for (; left > 0 && tally->waiting[left - 1] == value; left--)
            count++;
        while (from > 0 && tally->entries[from - 1].value > value)
            tally->entries[--to] = tally->entries[--from];
        if (from > 0 && tally->entries[from - 1].value == value)
            count += tally->entries[--from].count;
        tally->entries[--to] = (struct tally_entry){.value = value, .count = count};
    }
    assert(to == from);
    tally->waiting_count = 0;
}

static enum status settle(struct tally *tally)
{
    if (tally->waiting_count == 0)
        return STATUS_OK;
    qsort(tally->waiting, tally->waiting_count, sizeof *tally->waiting, compare_values);
    const size_t fresh = count_new(tally);
    TRY(mem_grow(&tally->entries, &tally->entry_capacity, tally->entry_count + fresh,
                 sizeof *tally->entries));
    merge_waiting(tally, fresh);
    return STATUS_OK;
}

enum status tally_close(struct tally *tally)
{
    return tally->entry_count > 0 ? settle(tally) : STATUS_OK;
}

/* --- ranks --------------------------------------------------------------------------------- */

static void swap_values(uint64_t *a, uint64_t *b)
{
    const uint64_t value = *a;
    *a = *b;
    *b = value;
}

/* The middle one of the first, the middle and the last value. */
static uint64_t choose_pivot(const uint64_t *values, size_t count)
{
    const uint64_t a = values[0];
    const uint64_t b = values[count / 2];
    const uint64_t c = values[count - 1];
    if ((a <= b) == (b <= c))
        return b;
    return (b <= a) == (a <= c) ? a : c;
}

/* Smaller ones to the front, greater ones to the back; [*from, *until) equal the pivot. */
static void partition(uint64_t *values, size_t count, size_t *from, size_t *until)
{
    const uint64_t pivot = choose_pivot(values, count);
    size_t low = 0;
    size_t high = count;
    for (size_t i = 0; i < high;) {
        if (values[i] < pivot)
            swap_values(&values[i++], &values[low++]);
        else if (values[i] > pivot)
            swap_values(&values[i], &values[--high]);
        else
            i++;
    }
    *from = low;
    *until = high;
}

/* The value at a rank. Values chosen to make pivots bad end in a sort, not in a long wait. */
static uint64_t select_value(uint64_t *values, size_t count, size_t rank)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        size_t from = 0;
        size_t until = 0;
        partition(values, count, &from, &until);
        if (rank >= from && rank < until)
            return values[rank];
        if (rank < from) {
            count = from;
        } else {
            values += until;
            count -= until;
            rank -= until;
        }
    }
    qsort(values, count, sizeof *values, compare_values);
    return values[rank];
}

uint64_t tally_at(struct tally *tally, uint64_t numerator, uint64_t denominator)
{
    assert(tally->count > 0);
    assert(numerator <= denominator && denominator > 0);
    const uint64_t rank = (uint64_t)((u128)(tally->count - 1) * numerator / denominator);
    if (tally->entry_count == 0)
        return select_value(tally->waiting, tally->waiting_count, rank);
    assert(tally->waiting_count == 0);
    uint64_t before = 0;
    size_t entry = 0;
    while (before + tally->entries[entry].count <= rank)
        before += tally->entries[entry++].count;
    return tally->entries[entry].value;
}

uint64_t tally_count_above(const struct tally *tally, uint64_t value)
{
    uint64_t above = 0;
    for (size_t i = 0; i < tally->waiting_count; i++)
        above += tally->waiting[i] > value;
    for (size_t entry = tally->entry_count; entry > 0 && tally->entries[entry - 1].value > value;
         entry--)
        above += tally->entries[entry - 1].count;
    return above;
}
