/*
 * answer_table.h - answers of different systems to the same question, side by side.
 *
 *      ours    INTEGER  REAL  TEXT      typed, from query/answer
 *      theirs  JSON: numbers, strings   read as what ours has in that column
 *
 * Whole numbers and ids must be equal, texts too; doubles may differ by 1e-9 of the larger one,
 * since sums in another order do. The order of rows says nothing, nor does a row of nulls only.
 *
 * Life cycle: zero-initialise -> add_row* -> compare -> release. Texts live in the table's arena.
 * Threads:    one at a time.
 */
#ifndef MNSDB_BENCH_BENCH_ANSWER_TABLE_H
#define MNSDB_BENCH_BENCH_ANSWER_TABLE_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "ingest/decode/json.h"
#include "query/answer/answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_TABLE_COLUMNS_MAX  ((size_t)32)
#define ANSWER_TABLE_ROWS_MAX     ((size_t)8 << 20)
#define ANSWER_TABLE_TOLERANCE    1e-9
#define ANSWER_DIFFERENCE_BYTES   ((size_t)240)
#define ANSWER_INTEGER_DIGITS_MAX ((size_t)30) /* of a whole number; more digits are a double */

enum field_kind {
    FIELD_NULL = 0,
    FIELD_INTEGER,
    FIELD_REAL,
    FIELD_TEXT,
};

struct field {
    union {
        i128 integer;
        double real;
        struct slice text; /* borrowed from the table's arena */
    };
    enum field_kind kind;
};

struct answer_table {
    struct arena arena;
    struct field *fields; /* owned; row after row */
    size_t capacity;
    size_t column_count; /* of the first row; all have as many */
    size_t row_count;
};

void answer_table_release(struct answer_table *table);

/* Takes the fields over, texts copied. STATUS_INPUT if the row is of another width, or too many. */
MUST_CHECK enum status answer_table_add(struct answer_table *table, const struct field *fields,
                                        size_t count, struct error *err);

/* The cell as a field; its text is borrowed. */
struct field field_of_cell(const struct answer_cell *cell);

/* An array of arrays of numbers, strings and nulls from outside; STATUS_INPUT for all else. */
MUST_CHECK enum status answer_table_read(struct answer_table *table, const struct json_node *answer,
                                         struct error *err);

/*
 * Whether `theirs` says the same as `ours`; if not, `difference` says where. Both are sorted
 * by this, rows of nulls go, and fields of `theirs` become what `ours` has in their column.
 */
bool answer_tables_agree(struct answer_table *ours, struct answer_table *theirs,
                         char difference[ANSWER_DIFFERENCE_BYTES]);

#endif
