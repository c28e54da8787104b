/*
 * row.c - building batches of rows; names and their numbers.
 *
 *      name_table:  hash of the name -> slots, linear probing, at most half full
 *                   slot -> number -> names[number], global[number]
 *
 * (1) The cells of a row are those appended since it was begun: rows of a message
 *     are built one after the other, never side by side.
 * (2) Every row belongs to exactly one message, once row_batch_add_message was called.
 * (3) A call that fails for lack of memory leaves the batch as it was.
 */
#include "engine/row/row.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <string.h>

#define SLOT_COUNT_MIN ((size_t)64)
#define SLOT_ALIGNMENT ((uintptr_t)64)

_Static_assert(sizeof(struct name_slot) == 64, "one cache line a slot");
_Static_assert(sizeof(struct message) == 16, "messages stay small");
_Static_assert(sizeof(struct cell) == 16, "cells stay small: there is one for every value");

const char *reject_reason_word(enum reject_reason reason)
{
    static const char *const words[REJECT_REASON_COUNT] = {
        [REJECT_TOO_LONG] = "too-long",           [REJECT_BAD_BASE64] = "bad-base64",
        [REJECT_BAD_JSON] = "bad-json",           [REJECT_NO_MESSAGEID] = "no-messageid",
        [REJECT_BAD_MESSAGEID] = "bad-messageid", [REJECT_UNKNOWN_TYPE] = "unknown-type",
        [REJECT_BAD_TIME] = "bad-time",           [REJECT_PAYLOAD_NOT_JSON] = "payload-not-json",
        [REJECT_NO_DEVICE] = "no-device",         [REJECT_BAD_STATUS] = "bad-status",
        [REJECT_NO_NUMBERS] = "no-numbers",
    };
    assert((unsigned)reason < REJECT_REASON_COUNT);
    return words[reason];
}

/* --- names --------------------------------------------------------------------------------- */

static bool slot_holds(const struct name_table *table, const struct name_slot *slot, uint64_t hash,
                       struct slice name)
{
    if (slot->hash != hash || slot->len != name.len)
        return false;
    if (name.len <= NAME_INLINE_BYTES)
        return bytes_same(slot->head, name.data, name.len);
    return slice_equal(table->names[slot->number_plus_one - 1], name);
}

/* The slot that holds the name, or the free one where it belongs. The table has slots. */
static inline struct name_slot *find_slot(const struct name_table *table, uint64_t hash,
                                          struct slice name)
{
    const size_t mask = table->slot_count - 1;
    for (size_t index = (size_t)hash & mask;; index = (index + 1) & mask) {
        struct name_slot *slot = &table->slots[index];
        if (slot->number_plus_one == 0 || slot_holds(table, slot, hash, name))
            return slot;
    }
}

static struct name_slot *align_slots(void *memory)
{
    const uintptr_t misaligned = (uintptr_t)memory & (SLOT_ALIGNMENT - 1);
    const size_t skipped = misaligned ? (size_t)(SLOT_ALIGNMENT - misaligned) : 0;
    return (void *)((uint8_t *)memory + skipped);
}

static void move_slots(struct name_table *table, const struct name_slot *old, size_t old_count)
{
    const size_t mask = table->slot_count - 1;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].number_plus_one == 0)
            continue;
        size_t index = (size_t)old[i].hash & mask;
        while (table->slots[index].number_plus_one != 0)
            index = (index + 1) & mask;
        table->slots[index] = old[i];
    }
}

/* `wanted` slots, a power of two, for those there are. */
static enum status resize_slots(struct name_table *table, size_t wanted)
{
    void *memory = mem_alloc_cleared(wanted + 1, sizeof(struct name_slot));
    if (!memory)
        return STATUS_NOMEM;
    const struct name_slot *old = table->slots;
    const size_t old_count = table->slot_count;
    if (old_count == 0)
        table->seed = hash_seed_random();
    void *old_memory = table->slot_memory;
    table->slot_memory = memory;
    table->slots = align_slots(memory);
    table->slot_count = wanted;
    move_slots(table, old, old_count);
    mem_free(old_memory);
    return STATUS_OK;
}

static enum status grow_slots(struct name_table *table)
{
    return resize_slots(table, table->slot_count ? table->slot_count * 2 : SLOT_COUNT_MIN);
}

/* Slots for so many names in all, at once. */
static enum status reserve_slots(struct name_table *table, size_t names)
{
    size_t wanted = table->slot_count ? table->slot_count : SLOT_COUNT_MIN;
    while (wanted / 2 < names)
        wanted *= 2;
    return wanted > table->slot_count ? resize_slots(table, wanted) : STATUS_OK;
}

/* Room for one more name in the parallel arrays, which share one capacity. */
static enum status grow_names(struct name_table *table)
{
    size_t names_capacity = table->capacity;
    size_t global_capacity = table->capacity;
    TRY(mem_grow(&table->names, &names_capacity, table->count + 1, sizeof *table->names));
    TRY(mem_grow(&table->global, &global_capacity, table->count + 1, sizeof *table->global));
    assert(names_capacity == global_capacity);
    table->capacity = names_capacity;
    return STATUS_OK;
}

static enum status add_name(struct name_table *table, uint64_t hash, struct slice name,
                            uint32_t *number)
{
    assert(table->count < NAME_UNMAPPED);
    if ((table->count + 1) * 2 > table->slot_count)
        TRY(grow_slots(table));
    TRY(grow_names(table));
    const struct slice copy = arena_copy(&table->arena, name);
    if (!copy.data)
        return STATUS_NOMEM;

    struct name_slot *slot = find_slot(table, hash, name);
    *number = (uint32_t)table->count++;
    table->names[*number] = copy;
    table->global[*number] = NAME_UNMAPPED;
    *slot =
        (struct name_slot){.hash = hash, .number_plus_one = *number + 1, .len = (uint32_t)name.len};
    const size_t inlined = name.len < NAME_INLINE_BYTES ? name.len : NAME_INLINE_BYTES;
    if (inlined > 0)
        memcpy(slot->head, name.data, inlined);
    return STATUS_OK;
}

enum status name_table_prepare(struct name_table *table)
{
    return table->slot_count > 0 ? STATUS_OK : grow_slots(table);
}

enum status name_table_add_hashed(struct name_table *table, uint64_t hash, struct slice name,
                                  uint32_t *number)
{
    assert(name.len <= NAME_BYTES_MAX && table->slot_count > 0);
    const struct name_slot *slot = find_slot(table, hash, name);
    if (slot->number_plus_one == 0)
        return add_name(table, hash, name, number);
    *number = slot->number_plus_one - 1;
    return STATUS_OK;
}

enum status name_table_add(struct name_table *table, struct slice name, uint32_t *number)
{
    TRY(name_table_prepare(table));
    return name_table_add_hashed(table, name_table_hash(table, name), name, number);
}

uint32_t name_table_find(const struct name_table *table, struct slice name)
{
    if (table->slot_count == 0)
        return NAME_UNMAPPED;
    const struct name_slot *slot = find_slot(table, name_table_hash(table, name), name);
    return slot->number_plus_one != 0 ? slot->number_plus_one - 1 : NAME_UNMAPPED;
}

void name_table_release(struct name_table *table)
{
    mem_free(table->names);
    mem_free(table->global);
    mem_free(table->slot_memory);
    arena_release(&table->arena);
    *table = (struct name_table){.generation = table->generation + 1};
}

/* Many names of a hostile or a very wide set must not stay for ever. */
static void forget_many_names(struct name_table *table, size_t kept_max)
{
    if (table->count > kept_max)
        name_table_release(table);
}

enum status row_batch_device(struct row_batch *batch, struct slice name, uint32_t *number)
{
    struct known_names *const known = batch->known_devices;
    if (known) {
        const uint64_t hash = known_names_hash(known, name);
        if (known_names_hit(known, hash, name, number) ||
            known_names_add(known, hash, name, number)) {
            *number |= ROW_DEVICE_KNOWN;
            return STATUS_OK;
        }
    }
    return name_table_add(&batch->devices, name, number);
}

/* --- batches ------------------------------------------------------------------------------- */

void row_batch_clear(struct row_batch *batch)
{
    batch->message_count = 0;
    for (size_t table = 0; table < TABLE_COUNT; table++)
        batch->row_count[table] = 0;
    batch->cell_count = 0;
    batch->reject_count = 0;
    arena_reset(&batch->arena);
    forget_many_names(&batch->devices,
                      batch->known_devices ? NAME_COUNT_KEPT_KNOWN : NAME_COUNT_KEPT_MAX);
    forget_many_names(&batch->metrics, NAME_COUNT_KEPT_MAX);
}

void row_batch_release(struct row_batch *batch)
{
    mem_free(batch->messages);
    for (size_t table = 0; table < TABLE_COUNT; table++)
        mem_free(batch->rows[table]);
    mem_free(batch->cells);
    mem_free(batch->rejects);
    name_table_release(&batch->devices);
    name_table_release(&batch->metrics);
    arena_release(&batch->arena);
    *batch = (struct row_batch){0};
}

struct row_batch_size row_batch_size(const struct row_batch *batch)
{
    struct row_batch_size size = {
        .messages = batch->message_count,
        .cells = batch->cell_count,
        .devices = batch->devices.count,
    };
    memcpy(size.rows, batch->row_count, sizeof size.rows);
    return size;
}

enum status row_batch_reserve(struct row_batch *batch, struct row_batch_size size)
{
    assert(batch->message_count == 0);
    for (size_t table = 0; table < TABLE_COUNT; table++)
        TRY(mem_renew(&batch->rows[table], &batch->row_capacity[table], size.rows[table],
                      sizeof(struct row)));
    TRY(mem_renew(&batch->cells, &batch->cell_capacity, size.cells, sizeof(struct cell)));
    TRY(reserve_slots(&batch->devices, size.devices));
    return mem_renew(&batch->messages, &batch->message_capacity, size.messages,
                     sizeof(struct message));
}

struct row_batch_mark row_batch_mark(const struct row_batch *batch)
{
    struct row_batch_mark mark = {.cell_count = batch->cell_count};
    memcpy(mark.row_count, batch->row_count, sizeof mark.row_count);
    return mark;
}

void row_batch_rewind(struct row_batch *batch, struct row_batch_mark mark)
{
    for (size_t table = 0; table < TABLE_COUNT; table++) {
        assert(mark.row_count[table] <= batch->row_count[table]);
        batch->row_count[table] = mark.row_count[table];
    }
    assert(mark.cell_count <= batch->cell_count);
    batch->cell_count = mark.cell_count;
}

enum status row_batch_add_row(struct row_batch *batch, enum table table, struct row **row)
{
    const size_t count = batch->row_count[table];
    assert(count < UINT32_MAX && batch->cell_count < UINT32_MAX);
    if (count == batch->row_capacity[table])
        TRY(mem_grow(&batch->rows[table], &batch->row_capacity[table], count + 1,
                     sizeof(struct row)));
    *row = &batch->rows[table][count];
    **row = (struct row){.first_cell = (uint32_t)batch->cell_count};
    batch->row_count[table] = count + 1;
    return STATUS_OK;
}

enum status row_batch_add_cell(struct row_batch *batch, enum table table, uint32_t metric,
                               struct number number)
{
    assert(batch->row_count[table] > 0);
    assert(number.kind != NUMBER_NULL);
    struct row *row = &batch->rows[table][batch->row_count[table] - 1];
    assert(row->first_cell + row->cell_count == batch->cell_count);
    if (batch->cell_count == batch->cell_capacity)
        TRY(mem_grow(&batch->cells, &batch->cell_capacity, batch->cell_count + 1,
                     sizeof(struct cell)));
    struct cell *cell = &batch->cells[batch->cell_count++];
    *cell = (struct cell){.metric = metric, .exponent = number.exponent, .kind = number.kind};
    if (number.kind == NUMBER_REAL)
        cell->real = number.real;
    else
        cell->mantissa = number.mantissa;
    row->cell_count++;
    return STATUS_OK;
}

static enum status add_message(struct row_batch *batch, const struct message *message)
{
    if (batch->message_count == batch->message_capacity)
        TRY(mem_grow(&batch->messages, &batch->message_capacity, batch->message_count + 1,
                     sizeof(struct message)));
    batch->messages[batch->message_count++] = *message;
    return STATUS_OK;
}

enum status row_batch_add_message(struct row_batch *batch, enum table table, uint64_t id,
                                  struct row_batch_mark mark)
{
    const size_t first = mark.row_count[table];
    assert(batch->row_count[table] > first);
    const struct message message = {
        .id = id,
        .first = (uint32_t)first,
        .count = (uint32_t)(batch->row_count[table] - first) & MESSAGE_ROWS_MAX,
        .verdict = table == TABLE_STATUS ? MESSAGE_STATUS : MESSAGE_READINGS,
        .has_id = true,
    };
    return add_message(batch, &message);
}

enum status row_batch_make_room(struct row_batch *batch, enum table table, size_t cells)
{
    assert(batch->row_count[table] < UINT32_MAX && batch->cell_count < UINT32_MAX - cells);
    TRY(mem_grow(&batch->rows[table], &batch->row_capacity[table], batch->row_count[table] + 1,
                 sizeof(struct row)));
    TRY(mem_grow(&batch->cells, &batch->cell_capacity, batch->cell_count + cells,
                 sizeof(struct cell)));
    return mem_grow(&batch->messages, &batch->message_capacity, batch->message_count + 1,
                    sizeof(struct message));
}

enum status row_batch_add_reject(struct row_batch *batch, const uint64_t *id,
                                 const struct reject *reject)
{
    TRY(mem_grow(&batch->rejects, &batch->reject_capacity, batch->reject_count + 1,
                 sizeof(struct reject)));
    struct reject kept = *reject;
    kept.body = arena_copy(&batch->arena, reject->body);
    kept.detail = arena_copy(&batch->arena, reject->detail);
    if (!kept.body.data || !kept.detail.data)
        return STATUS_NOMEM;
    const struct message message = {
        .id = id ? *id : 0,
        .first = (uint32_t)batch->reject_count,
        .count = 1,
        .verdict = MESSAGE_REJECT,
        .has_id = id != NULL,
    };
    TRY(add_message(batch, &message));
    batch->rejects[batch->reject_count++] = kept;
    return STATUS_OK;
}
