/*
 * table.c - one array of cells, row after row, and an order over them.
 *
 * Rows are never moved: sorting permutes 32-bit indices, with the index itself as
 * the last key, which makes any sort stable. Names of columns are unique by an
 * open-addressing table of hashes, at most half full.
 */
#include "query/table/table.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAME_HASH_SEED  0x7461626cu
#define PREFIX          "metric:"
#define NAME_SLOTS_MIN  64u
#define NAME_BYTES_LONG ((size_t)1 << 20) /* a name with its prefixes; far beyond what occurs */

_Static_assert(sizeof(struct table_cell) == 24, "answers may have many millions of cells");

struct table_cell cell_of_number(struct exact_value value)
{
    struct table_cell cell = {.kind = CELL_NUMBER, .exact_kind = value.kind};
    switch ((enum exact_kind)value.kind) {
    case EXACT_NULL:
        cell.kind = CELL_NULL;
        break;
    case EXACT_DECIMAL:
        cell.mantissa.low = value.mantissa.low;
        cell.mantissa.high = value.mantissa.high;
        cell.exponent = value.exponent;
        break;
    case EXACT_LONG:
        cell.digits = value.digits;
        break;
    case EXACT_REAL:
        cell.real = value.real;
        break;
    }
    return cell;
}

struct exact_value cell_number(const struct table_cell *cell)
{
    if (cell->kind != CELL_NUMBER)
        return exact_null();
    struct exact_value value = {.kind = cell->exact_kind, .exponent = cell->exponent};
    switch ((enum exact_kind)cell->exact_kind) {
    case EXACT_NULL:
        break;
    case EXACT_DECIMAL:
        value.mantissa.low = cell->mantissa.low;
        value.mantissa.high = cell->mantissa.high;
        break;
    case EXACT_LONG:
        value.digits = cell->digits;
        break;
    case EXACT_REAL:
        value.real = cell->real;
        break;
    }
    return value;
}

void table_release(struct table *table)
{
    arena_release(&table->arena);
    mem_free(table->columns);
    mem_free(table->name_slots);
    mem_free(table->cells);
    mem_free(table->order);
    *table = (struct table){0};
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the answer");
}

/* --- columns ------------------------------------------------------------------------------- */

static size_t find_by_hash(const struct table *table, struct slice name, uint64_t hash)
{
    if (table->name_slot_count == 0)
        return SIZE_MAX;
    const size_t mask = table->name_slot_count - 1;
    for (size_t slot = (size_t)hash & mask;; slot = (slot + 1) & mask) {
        const uint32_t column = table->name_slots[slot];
        if (column == 0)
            return SIZE_MAX;
        if (table->columns[column - 1].hash == hash &&
            slice_equal(table->columns[column - 1].name, name))
            return column - 1;
    }
}

size_t table_find_column(const struct table *table, struct slice name)
{
    return find_by_hash(table, name, bytes_hash(name.data, name.len, NAME_HASH_SEED));
}

static void enter_slot(struct table *table, size_t column)
{
    const size_t mask = table->name_slot_count - 1;
    size_t slot = (size_t)table->columns[column].hash & mask;
    while (table->name_slots[slot] != 0)
        slot = (slot + 1) & mask;
    table->name_slots[slot] = (uint32_t)column + 1;
}

static enum status grow_slots(struct table *table)
{
    if (table->name_slot_count >= 2 * (table->column_count + 1))
        return STATUS_OK;
    const size_t count = table->name_slot_count ? table->name_slot_count * 2 : NAME_SLOTS_MIN;
    uint32_t *slots = mem_alloc_zeroed(count, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    mem_free(table->name_slots);
    table->name_slots = slots;
    table->name_slot_count = count;
    for (size_t i = 0; i < table->column_count; i++)
        enter_slot(table, i);
    return STATUS_OK;
}

/* The name with as few prefixes as make it unique, in the arena. */
static enum status make_unique(struct table *table, struct slice name, struct slice *unique)
{
    *unique = arena_copy(&table->arena, name);
    while (unique->data && table_find_column(table, *unique) != SIZE_MAX) {
        const size_t len = sizeof PREFIX - 1 + unique->len;
        assert(len < NAME_BYTES_LONG);
        uint8_t *longer = arena_alloc(&table->arena, len);
        if (!longer)
            return STATUS_NOMEM;
        memcpy(longer, PREFIX, sizeof PREFIX - 1);
        if (unique->len > 0)
            memcpy(longer + sizeof PREFIX - 1, unique->data, unique->len);
        *unique = slice_of(longer, len);
    }
    return unique->data ? STATUS_OK : STATUS_NOMEM;
}

enum status table_add_column(struct table *table, struct slice name, enum cell_kind kind,
                             struct error *err)
{
    assert(table->row_count == 0);
    struct slice unique = {0};
    if (grow_slots(table) != STATUS_OK || make_unique(table, name, &unique) != STATUS_OK ||
        mem_grow(&table->columns, &table->column_capacity, table->column_count + 1,
                 sizeof *table->columns) != STATUS_OK)
        return no_memory(err);
    table->columns[table->column_count] = (struct table_column){
        .name = unique,
        .hash = bytes_hash(unique.data, unique.len, NAME_HASH_SEED),
        .kind = (uint8_t)kind,
    };
    enter_slot(table, table->column_count++);
    return STATUS_OK;
}

enum status table_add_field(struct table *table, const char *name, enum cell_kind kind,
                            struct error *err)
{
    return table_add_column(table, slice_of_text(name), kind, err);
}

/* --- rows ---------------------------------------------------------------------------------- */

enum status table_add_row(struct table *table, struct table_cell **cells, struct error *err)
{
    assert(table->column_count > 0);
    const size_t used = table->row_count * table->column_count;
    if (used + table->column_count > TABLE_CELLS_MAX || table->row_count >= TABLE_ROWS_MAX)
        return error_set(err, STATUS_INPUT,
                         "the answer has more than %zu cells: narrow it with --from, --to, "
                         "--device, or ask for wider buckets",
                         TABLE_CELLS_MAX);
    if (mem_grow(&table->cells, &table->cell_capacity, used + table->column_count,
                 sizeof *table->cells) != STATUS_OK)
        return no_memory(err);
    *cells = table->cells + used;
    memset(*cells, 0, table->column_count * sizeof **cells);
    table->row_count++;
    return STATUS_OK;
}

size_t table_shown_count(const struct table *table)
{
    return table->limited ? table->shown_count : table->row_count;
}

const struct table_cell *table_row(const struct table *table, size_t i)
{
    assert(i < table_shown_count(table));
    const size_t row = table->order ? table->order[i] : i;
    return table->cells + row * table->column_count;
}

void table_limit(struct table *table, uint64_t count)
{
    const size_t shown = table_shown_count(table);
    table->shown_count = count < shown ? (size_t)count : shown;
    table->limited = true;
}

/* --- order --------------------------------------------------------------------------------- */

static int compare_integers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int cell_compare(const struct table_cell *a, const struct table_cell *b)
{
    if (a->kind == CELL_NULL || b->kind == CELL_NULL)
        return (a->kind == CELL_NULL) - (b->kind == CELL_NULL);
    assert(a->kind == b->kind);
    switch ((enum cell_kind)a->kind) {
    case CELL_TEXT:
        return slice_compare(cell_text(a), cell_text(b));
    case CELL_NUMBER:
        return exact_compare(cell_number(a), cell_number(b));
    case CELL_ID:
        return (a->id > b->id) - (a->id < b->id);
    case CELL_COUNT:
    case CELL_TIME:
    case CELL_DURATION:
    case CELL_BOOL:
        return compare_integers(a->integer, b->integer);
    case CELL_NULL:
        break;
    }
    return 0;
}

struct sort_key {
    const struct table *table;
    size_t column;
    bool descending;
};

static int compare_rows(const void *left, const void *right, void *context)
{
    const struct sort_key *key = context;
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    const struct table_cell *cell_a =
        key->table->cells + a * key->table->column_count + key->column;
    const struct table_cell *cell_b =
        key->table->cells + b * key->table->column_count + key->column;
    int order = cell_compare(cell_a, cell_b);
    if (key->descending && cell_a->kind != CELL_NULL && cell_b->kind != CELL_NULL)
        order = -order;
    return order != 0 ? order : (a > b) - (a < b);
}

enum status table_sort(struct table *table, size_t column, bool descending, struct error *err)
{
    assert(column < table->column_count);
    assert(!table->limited);
    uint32_t *order = mem_alloc(table->row_count, sizeof *order);
    if (!order)
        return no_memory(err);
    for (size_t i = 0; i < table->row_count; i++)
        order[i] = (uint32_t)i;
    struct sort_key key = {.table = table, .column = column, .descending = descending};
    qsort_r(order, table->row_count, sizeof *order, compare_rows, &key);
    mem_free(table->order);
    table->order = order;
    return STATUS_OK;
}
