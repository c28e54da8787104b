/*
 * row_numbers.c - numbers of rows, as SQLite wants them to tell rows apart.
 *
 * For `a or b` SQLite scans twice and takes a row that comes twice for one, by its rowid. So a row
 * must have the same number in every scan of a statement, and no other may. Its message id and
 * its time tell it from all others, but are longer than a number: the first to come gets 1, the
 * next 2. Only statements that ask for numbers pay, with memory for each row asked about.
 *
 * Rows of tables with parameters are told from those with other parameters by a number for the
 * parameters, their variant.
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"

#include <string.h>

#define SLOTS_MIN 1024u
#define HASH_SEED 0x726f7773u

void row_numbers_release(struct row_numbers *numbers)
{
    mem_free(numbers->keys);
    mem_free(numbers->slots);
    *numbers = (struct row_numbers){0};
}

static bool same_key(const struct row_identity *a, const struct row_identity *b)
{
    return a->message_id == b->message_id && a->time_ms == b->time_ms;
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *slot_of(const struct row_numbers *numbers, const struct row_identity *key)
{
    const size_t mask = numbers->slot_count - 1;
    size_t slot = (size_t)bytes_hash(key, sizeof *key, HASH_SEED) & mask;
    while (numbers->slots[slot] != 0 && !same_key(&numbers->keys[numbers->slots[slot] - 1], key))
        slot = (slot + 1) & mask;
    return &numbers->slots[slot];
}

/* At most half of the slots are taken. */
static enum status grow(struct row_numbers *numbers)
{
    TRY(mem_grow(&numbers->keys, &numbers->capacity, numbers->count + 1, sizeof *numbers->keys));
    if (numbers->slot_count >= 2 * (numbers->count + 1))
        return STATUS_OK;
    if (numbers->count >= UINT32_MAX / 2)
        return STATUS_NOMEM;
    const size_t slot_count = numbers->slot_count ? 2 * numbers->slot_count : SLOTS_MIN;
    uint32_t *slots = mem_alloc_zeroed(slot_count, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    mem_free(numbers->slots);
    numbers->slots = slots;
    numbers->slot_count = slot_count;
    for (size_t i = 0; i < numbers->count; i++)
        *slot_of(numbers, &numbers->keys[i]) = (uint32_t)i + 1;
    return STATUS_OK;
}

enum status row_numbers_of(struct row_numbers *numbers, struct row_identity key, int64_t *number)
{
    TRY(grow(numbers));
    uint32_t *slot = slot_of(numbers, &key);
    if (*slot == 0) {
        numbers->keys[numbers->count++] = key;
        *slot = (uint32_t)numbers->count;
    }
    *number = *slot;
    return STATUS_OK;
}

/* --- cursors and variants -------------------------------------------------------------------- */

void table_cursor_opened(struct sql_table *table)
{
    table->cursors++;
}

void table_cursor_closed(struct sql_table *table)
{
    if (--table->cursors > 0)
        return;
    row_numbers_release(&table->numbers);
    buffer_release(&table->variants);
}

/* The texts stand behind their lengths. */
enum status table_variant_of(struct sql_table *table, struct slice text, uint32_t *variant)
{
    *variant = 0;
    for (size_t at = 0; at < table->variants.len; ++*variant) {
        size_t len = 0;
        memcpy(&len, table->variants.data + at, sizeof len);
        at += sizeof len;
        if (slice_equal(slice_of(table->variants.data + at, len), text))
            return STATUS_OK;
        at += len;
    }
    TRY(buffer_reserve(&table->variants, table->variants.len + sizeof text.len + text.len));
    TRY(buffer_append(&table->variants, &text.len, sizeof text.len));
    TRY(buffer_append(&table->variants, text.data, text.len));
    return STATUS_OK;
}
