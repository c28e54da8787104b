/*
 * block_memory.c - see block_memory.h. A message id names its rows, so that two keys differ in what
 * is hashed: the ids and the number of rows.
 */
#include "query/follow/block_memory.h"

#include "engine/base/bytes.h"
#include "engine/base/mem.h"

#define SLOTS_FIRST 256u

static struct seen_block block_of(enum table table, const struct block_summary *summary)
{
    return (struct seen_block){.first = summary->first,
                               .last = summary->last,
                               .row_count = summary->row_count,
                               .table = table};
}

static bool is_same(const struct seen_block *a, const struct seen_block *b)
{
    return a->row_count == b->row_count && a->table == b->table &&
           row_key_compare(&a->first, &b->first) == 0 && row_key_compare(&a->last, &b->last) == 0;
}

/* The slot that holds the block, or the free one where it belongs. */
static struct seen_block *find(const struct block_set *set, const struct seen_block *block)
{
    const size_t mask = set->slot_count - 1;
    const uint64_t hash =
        hash_fold(block->first.message_id ^ block->row_count, ~block->last.message_id) ^
        hash_fold(block->last.message_id, (uint64_t)block->first.time_ms);
    size_t at = (size_t)hash & mask;
    while (set->slots[at].row_count != 0 && !is_same(&set->slots[at], block))
        at = (at + 1) & mask;
    return &set->slots[at];
}

static enum status make_room(struct block_set *set)
{
    if (set->count < set->slot_count / 2)
        return STATUS_OK;
    struct block_set larger = {.slot_count =
                                   set->slot_count > 0 ? set->slot_count * 2 : SLOTS_FIRST};
    larger.slots = mem_alloc_zeroed(larger.slot_count, sizeof *larger.slots);
    if (!larger.slots)
        return STATUS_NOMEM;
    for (size_t i = 0; i < set->slot_count; i++) {
        if (set->slots[i].row_count != 0)
            *find(&larger, &set->slots[i]) = set->slots[i];
    }
    larger.count = set->count;
    mem_free(set->slots);
    *set = larger;
    return STATUS_OK;
}

static enum status note(struct block_set *set, const struct seen_block *block)
{
    TRY(make_room(set));
    struct seen_block *const slot = find(set, block);
    set->count += slot->row_count == 0;
    *slot = *block;
    return STATUS_OK;
}

void block_memory_begin(struct block_memory *memory, enum table table,
                        const struct scan_statistics *statistics)
{
    memory->table = table;
    memory->statistics = statistics;
    memory->parts_read = UINT64_MAX;
}

enum status block_memory_offer(struct block_memory *memory, const struct block_summary *summary,
                               bool *seen)
{
    if (memory->statistics->parts_read != memory->parts_read) {
        memory->parts_read = memory->statistics->parts_read;
        memory->offered = 0;
    }
    *seen = false;
    if (memory->offered++ == 1)
        return STATUS_OK; // perhaps the totals of a quarter of an hour
    const struct seen_block block = block_of(memory->table, summary);
    *seen = memory->last.count > 0 && find(&memory->last, &block)->row_count != 0;
    return note(&memory->present, &block);
}

void block_memory_turn(struct block_memory *memory)
{
    mem_free(memory->last.slots);
    memory->last = memory->present;
    memory->present = (struct block_set){0};
}

void block_memory_release(struct block_memory *memory)
{
    mem_free(memory->last.slots);
    mem_free(memory->present.slots);
    *memory = (struct block_memory){0};
}
