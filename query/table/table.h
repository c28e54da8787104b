/*
 * table.h - the answer of a query: named columns, rows of typed cells.
 *
 *      columns   device     time        temperature_avg     unique names
 *      rows      [ TEXT ]   [ TIME ]    [ NUMBER ]          row by row, 24 bytes a cell
 *      order     2 0 1 ...                                  which rows, in which order
 *
 * A cell knows its kind, and any cell may be null. Rendering (query/render) decides
 * how kinds look; a table knows no format, no zone and no terminal.
 *
 * Life cycle: zero-initialise -> add_column* -> add_row* -> sort -> limit -> read -> release.
 *             Texts and long numbers live in the table's arena or outlive the table.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_TABLE_TABLE_H
#define MNSDB_QUERY_TABLE_TABLE_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "query/exact/exact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_CELLS_MAX ((size_t)1 << 28) /* 6 GiB: beyond it a query should be narrowed */
#define TABLE_ROWS_MAX  (UINT32_MAX - 1u)

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

struct table_cell {
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

static inline struct table_cell cell_of_count(uint64_t count)
{
    return (struct table_cell){.integer = (int64_t)count, .kind = CELL_COUNT};
}

static inline struct table_cell cell_of_time(int64_t time_ms)
{
    return (struct table_cell){.integer = time_ms, .kind = CELL_TIME};
}

static inline struct table_cell cell_of_duration(int64_t duration_ms)
{
    return (struct table_cell){.integer = duration_ms, .kind = CELL_DURATION};
}

static inline struct table_cell cell_of_id(uint64_t id)
{
    return (struct table_cell){.id = id, .kind = CELL_ID};
}

static inline struct table_cell cell_of_bool(bool truth)
{
    return (struct table_cell){.integer = truth, .kind = CELL_BOOL};
}

/* The bytes are borrowed: they outlive the table. */
static inline struct table_cell cell_of_text(struct slice text)
{
    return (struct table_cell){
        .text = text.data, .text_len = (uint32_t)text.len, .kind = CELL_TEXT};
}

static inline struct slice cell_text(const struct table_cell *cell)
{
    return slice_of(cell->text, cell->text_len);
}

/* Null becomes CELL_NULL. A long number's digits stay where they are: the table's arena. */
struct table_cell cell_of_number(struct exact_value value);
struct exact_value cell_number(const struct table_cell *cell);

struct table_column {
    struct slice name; /* in the table's arena */
    uint64_t hash;     /* of the name */
    uint8_t kind;      /* enum cell_kind of its cells that are not null */
};

struct table {
    struct arena arena;
    struct table_column *columns; /* owned */
    size_t column_count, column_capacity;
    uint32_t *name_slots; /* owned; open addressing, column + 1 */
    size_t name_slot_count;
    struct table_cell *cells; /* owned; row after row */
    size_t cell_capacity;
    size_t row_count;
    uint32_t *order;    /* owned; NULL: as added */
    size_t shown_count; /* rows that are left after table_limit; set by the first of sort, limit */
    bool limited;
};

void table_release(struct table *table);

/*
 * Adds a column before the first row. Of a name that is there already it becomes
 * "metric:<name>", the prefix repeated until it is unique.
 */
MUST_CHECK enum status table_add_column(struct table *table, struct slice name, enum cell_kind kind,
                                        struct error *err);

/* The same for fixed fields, whose names are constants. */
MUST_CHECK enum status table_add_field(struct table *table, const char *name, enum cell_kind kind,
                                       struct error *err);

/* SIZE_MAX: no such column. */
size_t table_find_column(const struct table *table, struct slice name);

/* A row of nulls, valid until the next one. STATUS_INPUT if the table would be too large. */
MUST_CHECK enum status table_add_row(struct table *table, struct table_cell **cells,
                                     struct error *err);

/* Stable; nulls come last in either direction. */
MUST_CHECK enum status table_sort(struct table *table, size_t column, bool descending,
                                  struct error *err);

/* Keeps the first `count` rows of the order. */
void table_limit(struct table *table, uint64_t count);

size_t table_shown_count(const struct table *table);

/* The i-th row that is shown. */
const struct table_cell *table_row(const struct table *table, size_t i);

/* The order of cells of one column: < 0, 0, > 0; null above all else. */
int cell_compare(const struct table_cell *a, const struct table_cell *b);

#endif
