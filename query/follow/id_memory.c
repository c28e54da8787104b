/*
 * id_memory.c - see id_memory.h.
 *
 * Rows come by device and time, so that their ids ascend for long stretches: a search begins where
 * the last one ended and doubles its steps. Sorting is by bytes, the lowest first, leaving out
 * bytes
 * that are the same in all ids; the merge goes from the end backwards and needs no second array.
 */
#include "query/follow/id_memory.h"

#include "engine/base/mem.h"

#include <string.h>

#define BYTE_VALUES 256u

/* The first place in [from, until) whose id is not below `id`. */
static size_t lower_bound(const uint64_t *ids, size_t from, size_t until, uint64_t id)
{
    while (from < until) {
        const size_t middle = from + (until - from) / 2;
        if (ids[middle] < id)
            from = middle + 1;
        else
            until = middle;
    }
    return from;
}

bool id_memory_has(struct id_memory *memory, uint64_t id)
{
    const uint64_t *const held = memory->held;
    const size_t count = memory->held_count;
    size_t from = 0;
    size_t until = count;
    if (memory->hint < count && held[memory->hint] <= id) {
        from = memory->hint;
        for (size_t step = 1; step < count - from && held[from + step] <= id; step *= 2)
            from += step;
    } else if (memory->hint < count) {
        until = memory->hint;
        for (size_t step = 1; step < until && held[until - step] > id; step *= 2)
            until -= step;
    }
    const size_t at = lower_bound(held, from, until, id);
    memory->hint = at < count ? at : 0;
    return at < count && held[at] == id;
}

enum status id_memory_note(struct id_memory *memory, uint64_t id)
{
    TRY(mem_grow(&memory->fresh, &memory->fresh_capacity, memory->fresh_count + 1,
                 sizeof *memory->fresh));
    memory->fresh[memory->fresh_count++] = id;
    return STATUS_OK;
}

/* One pass of the sort by bytes; false if all ids have the same one. */
static bool sort_by_byte(const uint64_t *from, uint64_t *to, size_t count, unsigned shift)
{
    size_t places[BYTE_VALUES] = {0};
    for (size_t i = 0; i < count; i++)
        places[from[i] >> shift & (BYTE_VALUES - 1)]++;
    if (places[from[0] >> shift & (BYTE_VALUES - 1)] == count)
        return false;
    size_t place = 0;
    for (unsigned value = 0; value < BYTE_VALUES; value++) {
        const size_t values = places[value];
        places[value] = place;
        place += values;
    }
    for (size_t i = 0; i < count; i++)
        to[places[from[i] >> shift & (BYTE_VALUES - 1)]++] = from[i];
    return true;
}

static bool is_sorted(const uint64_t *ids, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (ids[i - 1] > ids[i])
            return false;
    }
    return true;
}

static enum status sort_fresh(struct id_memory *memory)
{
    if (is_sorted(memory->fresh, memory->fresh_count))
        return STATUS_OK;
    OWNED(mem_free_owned) uint64_t *spare = mem_alloc(memory->fresh_count, sizeof *spare);
    if (!spare)
        return STATUS_NOMEM;
    uint64_t *from = memory->fresh;
    uint64_t *to = spare;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (sort_by_byte(from, to, memory->fresh_count, shift)) {
            uint64_t *const sorted = to;
            to = from;
            from = sorted;
        }
    }
    if (from == spare)
        memcpy(memory->fresh, spare, memory->fresh_count * sizeof *spare);
    return STATUS_OK;
}

static size_t drop_repeats(uint64_t *ids, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    }
    return kept;
}

/* No fresh id is held already. */
static enum status merge_fresh(struct id_memory *memory)
{
    size_t left = memory->held_count;
    size_t right = memory->fresh_count;
    size_t to = left + right;
    TRY(mem_grow(&memory->held, &memory->held_capacity, to, sizeof *memory->held));
    memory->held_count = to;
    while (right > 0) {
        const bool from_held = left > 0 && memory->held[left - 1] > memory->fresh[right - 1];
        memory->held[--to] = from_held ? memory->held[--left] : memory->fresh[--right];
    }
    return STATUS_OK;
}

enum status id_memory_settle(struct id_memory *memory)
{
    if (memory->fresh_count == 0)
        return STATUS_OK;
    TRY(sort_fresh(memory));
    memory->fresh_count = drop_repeats(memory->fresh, memory->fresh_count);
    if (memory->held_count == 0) {
        mem_free(memory->held);
        memory->held = memory->fresh;
        memory->held_count = memory->fresh_count;
        memory->held_capacity = memory->fresh_capacity;
        memory->fresh = NULL;
        memory->fresh_capacity = 0;
    } else {
        TRY(merge_fresh(memory));
    }
    memory->fresh_count = 0;
    memory->hint = 0;
    return STATUS_OK;
}

void id_memory_release(struct id_memory *memory)
{
    mem_free(memory->held);
    mem_free(memory->fresh);
    *memory = (struct id_memory){0};
}
