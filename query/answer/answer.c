/*
 * answer.c - one array of cells, row after row, and an order over them.
 *
 * Rows are never moved: sorting permutes 32-bit indices, with the index itself as
 * the last key, which makes any sort stable. Names of columns are unique by an
 * open-addressing answer of hashes, at most half full.
 */
#include "query/answer/answer.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAME_HASH_SEED  0x7461626cu
#define PREFIX          "metric:"
#define NAME_SLOTS_MIN  64u
#define NAME_BYTES_LONG ((size_t)1 << 20) /* a name with its prefixes; far beyond what occurs */

_Static_assert(sizeof(struct answer_cell) == 24, "answers may have many millions of cells");
_Static_assert(sizeof(void *) == 8 && sizeof(double) == 8, "every kind of content is one word");

struct exact_value cell_number(const struct answer_cell *cell)
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

void answer_release(struct answer *answer)
{
    arena_release(&answer->arena);
    mem_free(answer->columns);
    mem_free(answer->name_slots);
    mem_free(answer->cells);
    mem_free(answer->order);
    *answer = (struct answer){0};
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the answer");
}

/* --- columns ------------------------------------------------------------------------------- */

static size_t find_by_hash(const struct answer *answer, struct slice name, uint64_t hash)
{
    if (answer->name_slot_count == 0)
        return SIZE_MAX;
    const size_t mask = answer->name_slot_count - 1;
    for (size_t slot = (size_t)hash & mask;; slot = (slot + 1) & mask) {
        const uint32_t column = answer->name_slots[slot];
        if (column == 0)
            return SIZE_MAX;
        if (answer->columns[column - 1].hash == hash &&
            slice_equal(answer->columns[column - 1].name, name))
            return column - 1;
    }
}

size_t answer_find_column(const struct answer *answer, struct slice name)
{
    return find_by_hash(answer, name, bytes_hash(name.data, name.len, NAME_HASH_SEED));
}

static void enter_slot(struct answer *answer, size_t column)
{
    const size_t mask = answer->name_slot_count - 1;
    size_t slot = (size_t)answer->columns[column].hash & mask;
    while (answer->name_slots[slot] != 0)
        slot = (slot + 1) & mask;
    answer->name_slots[slot] = (uint32_t)column + 1;
}

static enum status grow_slots(struct answer *answer)
{
    if (answer->name_slot_count >= 2 * (answer->column_count + 1))
        return STATUS_OK;
    const size_t count = answer->name_slot_count ? answer->name_slot_count * 2 : NAME_SLOTS_MIN;
    uint32_t *slots = mem_alloc_zeroed(count, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    mem_free(answer->name_slots);
    answer->name_slots = slots;
    answer->name_slot_count = count;
    for (size_t i = 0; i < answer->column_count; i++)
        enter_slot(answer, i);
    return STATUS_OK;
}

/* The name with as few prefixes as make it unique, in the arena. */
static enum status make_unique(struct answer *answer, struct slice name, struct slice *unique)
{
    *unique = arena_copy(&answer->arena, name);
    while (unique->data && answer_find_column(answer, *unique) != SIZE_MAX) {
        const size_t len = sizeof PREFIX - 1 + unique->len;
        assert(len < NAME_BYTES_LONG);
        uint8_t *longer = arena_alloc(&answer->arena, len);
        if (!longer)
            return STATUS_NOMEM;
        memcpy(longer, PREFIX, sizeof PREFIX - 1);
        if (unique->len > 0)
            memcpy(longer + sizeof PREFIX - 1, unique->data, unique->len);
        *unique = slice_of(longer, len);
    }
    return unique->data ? STATUS_OK : STATUS_NOMEM;
}

enum status answer_add_column(struct answer *answer, struct slice name, enum cell_kind kind,
                              struct error *err)
{
    assert(answer->row_count == 0);
    struct slice unique = {0};
    if (grow_slots(answer) != STATUS_OK || make_unique(answer, name, &unique) != STATUS_OK ||
        mem_grow(&answer->columns, &answer->column_capacity, answer->column_count + 1,
                 sizeof *answer->columns) != STATUS_OK)
        return no_memory(err);
    answer->columns[answer->column_count] = (struct answer_column){
        .name = unique,
        .hash = bytes_hash(unique.data, unique.len, NAME_HASH_SEED),
        .kind = (uint8_t)kind,
    };
    enter_slot(answer, answer->column_count++);
    return STATUS_OK;
}

enum status answer_add_field(struct answer *answer, const char *name, enum cell_kind kind,
                             struct error *err)
{
    return answer_add_column(answer, slice_of_text(name), kind, err);
}

/* --- rows ---------------------------------------------------------------------------------- */

static enum status too_large(struct error *err)
{
    return error_set(err, STATUS_INPUT,
                     "the answer has more than %zu cells: narrow it with --from, --to, "
                     "--device, or ask for wider buckets",
                     ANSWER_CELLS_MAX);
}

enum status answer_reserve(struct answer *answer, uint64_t row_count, struct error *err)
{
    assert(answer->column_count > 0);
    if (row_count > ANSWER_CELLS_MAX / answer->column_count)
        return too_large(err);
    const size_t cell_count = (size_t)row_count * answer->column_count;
    const enum status status =
        mem_grow(&answer->cells, &answer->cell_capacity, cell_count, sizeof *answer->cells);
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

enum status answer_add_row(struct answer *answer, struct answer_cell **cells, struct error *err)
{
    assert(answer->column_count > 0);
    const size_t used = answer->row_count * answer->column_count;
    if (used + answer->column_count > ANSWER_CELLS_MAX || answer->row_count >= ANSWER_ROWS_MAX)
        return too_large(err);
    if (mem_grow(&answer->cells, &answer->cell_capacity, used + answer->column_count,
                 sizeof *answer->cells) != STATUS_OK)
        return no_memory(err);
    *cells = answer->cells + used;
    memset(*cells, 0, answer->column_count * sizeof **cells);
    answer->row_count++;
    return STATUS_OK;
}

size_t answer_shown_count(const struct answer *answer)
{
    return answer->limited ? answer->shown_count : answer->row_count;
}

const struct answer_cell *answer_row(const struct answer *answer, size_t i)
{
    assert(i < answer_shown_count(answer));
    const size_t row = answer->order ? answer->order[i] : i;
    return answer->cells + row * answer->column_count;
}

struct answer_cell *answer_cells(struct answer *answer, size_t row)
{
    assert(row < answer->row_count);
    return answer->cells + row * answer->column_count;
}

void answer_limit(struct answer *answer, uint64_t count)
{
    const size_t shown = answer_shown_count(answer);
    answer->shown_count = count < shown ? (size_t)count : shown;
    answer->limited = true;
}

/* --- order --------------------------------------------------------------------------------- */

static int compare_integers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int cell_compare(const struct answer_cell *a, const struct answer_cell *b)
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
    const struct answer *answer;
    size_t column;
    bool descending;
};

static int compare_rows(const void *left, const void *right, void *context)
{
    const struct sort_key *key = context;
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    const struct answer_cell *cell_a =
        key->answer->cells + a * key->answer->column_count + key->column;
    const struct answer_cell *cell_b =
        key->answer->cells + b * key->answer->column_count + key->column;
    int order = cell_compare(cell_a, cell_b);
    if (key->descending && cell_a->kind != CELL_NULL && cell_b->kind != CELL_NULL)
        order = -order;
    return order != 0 ? order : (a > b) - (a < b);
}

enum status answer_sort(struct answer *answer, size_t column, bool descending, struct error *err)
{
    assert(column < answer->column_count);
    assert(!answer->limited);
    uint32_t *order = mem_alloc(answer->row_count, sizeof *order);
    if (!order)
        return no_memory(err);
    for (size_t i = 0; i < answer->row_count; i++)
        order[i] = (uint32_t)i;
    struct sort_key key = {.answer = answer, .column = column, .descending = descending};
    qsort_r(order, answer->row_count, sizeof *order, compare_rows, &key);
    mem_free(answer->order);
    answer->order = order;
    return STATUS_OK;
}
