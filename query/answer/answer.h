/*
 * answer.h - what a query found: named columns, rows of typed cells.
 *
 *      columns   device     time        temperature_avg     unique names
 *      rows      [ TEXT ]   [ TIME ]    [ NUMBER ]          row by row, 24 bytes a cell
 *      order     2 0 1 ...                                  which rows, in which order
 *
 * A cell knows its kind, and any cell may be null. Rendering (query/render) decides
 * how kinds look; an answer knows no format, no zone and no terminal.
 *
 * Life cycle: zero-initialise -> add_column* -> add_row* -> sort -> limit -> read -> release.
 *             Texts and long numbers live in the answer's arena or outlive the answer.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_ANSWER_ANSWER_H
#define MNSDB_QUERY_ANSWER_ANSWER_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "query/exact/exact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_CELLS_MAX ((size_t)1 << 28) /* 6 GiB: beyond it a query should be narrowed */
#define ANSWER_ROWS_MAX  (UINT32_MAX - 1u)

enum cell_kind {
    CELL_NULL = 0,
    CELL_TEXT,     /* bytes as sent: never printed raw */
    CELL_NUMBER,   /* struct exact_value */
    CELL_COUNT,    /* a whole number */
    CELL_TIME,     /* UTC milliseconds */
    CELL_DURATION, /* milliseconds */
    CELL_ID,       /* 64 bits, unsigned */
    CELL_BOOL,
};

struct answer_cell {
    union {
        struct {
            uint64_t low;
            int64_t high;
        } mantissa;                      /* CELL_NUMBER: the members of struct exact_value */
        const struct exact_long *digits; /* CELL_NUMBER */
        double real;                     /* CELL_NUMBER */
        int64_t integer;                 /* CELL_COUNT, CELL_TIME, CELL_DURATION, CELL_BOOL */
        uint64_t id;                     /* CELL_ID */
        const uint8_t *text;             /* CELL_TEXT; borrowed */
    };
    uint32_t text_len;
    int16_t exponent;   /* CELL_NUMBER */
    uint8_t exact_kind; /* CELL_NUMBER */
    uint8_t kind;       /* enum cell_kind */
};

/*
 * Member by member, in whole words. A literal is put together from its members in memory and then
 * loaded as one: the load waits for all of them, which took longer than finding what is in a cell.
 */
static inline struct answer_cell cell_make(uint64_t bits, enum cell_kind kind)
{
    struct answer_cell cell;
    cell.mantissa.low = bits;
    cell.mantissa.high = 0;
    cell.text_len = 0;
    cell.exponent = 0;
    cell.exact_kind = 0;
    cell.kind = (uint8_t)kind;
    return cell;
}

static inline struct answer_cell cell_of_count(uint64_t count)
{
    return cell_make(count, CELL_COUNT);
}

static inline struct answer_cell cell_of_time(int64_t time_ms)
{
    return cell_make((uint64_t)time_ms, CELL_TIME);
}

static inline struct answer_cell cell_of_duration(int64_t duration_ms)
{
    return cell_make((uint64_t)duration_ms, CELL_DURATION);
}

static inline struct answer_cell cell_of_id(uint64_t id)
{
    return cell_make(id, CELL_ID);
}

static inline struct answer_cell cell_of_bool(bool truth)
{
    return cell_make(truth, CELL_BOOL);
}

/* The bytes are borrowed: they outlive the answer. */
static inline struct answer_cell cell_of_text(struct slice text)
{
    struct answer_cell cell = cell_make((uintptr_t)text.data, CELL_TEXT);
    cell.text_len = (uint32_t)text.len;
    return cell;
}

static inline struct slice cell_text(const struct answer_cell *cell)
{
    return slice_of(cell->text, cell->text_len);
}

/* Null becomes CELL_NULL. A long number's digits stay where they are: the answer's arena. */
static inline struct answer_cell cell_of_number(struct exact_value value)
{
    const bool null = value.kind == EXACT_NULL;
    struct answer_cell cell =
        cell_make(null ? 0 : value.mantissa.low, null ? CELL_NULL : CELL_NUMBER);
    cell.mantissa.high = value.kind == EXACT_DECIMAL ? value.mantissa.high : 0;
    cell.exponent = value.exponent;
    cell.exact_kind = value.kind;
    return cell;
}
struct exact_value cell_number(const struct answer_cell *cell);

struct answer_column {
    struct slice name; /* in the answer's arena */
    uint64_t hash;     /* of the name */
    uint8_t kind;      /* enum cell_kind of its cells that are not null */
};

struct answer {
    struct arena arena;
    struct answer_column *columns; /* owned */
    size_t column_count, column_capacity;
    uint32_t *name_slots; /* owned; open addressing, column + 1 */
    size_t name_slot_count;
    struct answer_cell *cells; /* owned; row after row */
    size_t cell_capacity;
    size_t row_count;
    uint32_t *order;    /* owned; NULL: as added */
    size_t shown_count; /* rows that are left after answer_limit; set by the first of sort, limit */
    bool limited;
};

void answer_release(struct answer *answer);

/*
 * Adds a column before the first row. Of a name that is there already it becomes
 * "metric:<name>", the prefix repeated until it is unique.
 */
MUST_CHECK enum status answer_add_column(struct answer *answer, struct slice name,
                                         enum cell_kind kind, struct error *err);

/* The same for fixed fields, whose names are constants. */
MUST_CHECK enum status answer_add_field(struct answer *answer, const char *name,
                                        enum cell_kind kind, struct error *err);

/* SIZE_MAX: no such column. */
size_t answer_find_column(const struct answer *answer, struct slice name);

/* Room for that many rows, taken at once: larger answers come without being moved. */
MUST_CHECK enum status answer_reserve(struct answer *answer, uint64_t row_count, struct error *err);

/* A row of nulls, valid until the next one. STATUS_INPUT if the answer would be too large. */
MUST_CHECK enum status answer_add_row(struct answer *answer, struct answer_cell **cells,
                                      struct error *err);

/* Stable; nulls come last in either direction. */
MUST_CHECK enum status answer_sort(struct answer *answer, size_t column, bool descending,
                                   struct error *err);

/* Keeps the first `count` rows of the order. */
void answer_limit(struct answer *answer, uint64_t count);

size_t answer_shown_count(const struct answer *answer);

/* The i-th row that is shown. */
const struct answer_cell *answer_row(const struct answer *answer, size_t i);

/* The cells of a row as added, for those who mend an answer before it is sorted. */
struct answer_cell *answer_cells(struct answer *answer, size_t row);

/* The order of cells of one column: < 0, 0, > 0; null above all else. */
int cell_compare(const struct answer_cell *a, const struct answer_cell *b);

#endif
