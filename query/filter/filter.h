/*
 * filter.h - `--where`: which readings count, by the values in them.
 *
 *      temperature < 100 and not (humidity > 95.5 or "odd name" is null)
 *
 *      or      = and { "or" and }
 *      and     = not { "and" not }
 *      not     = "not" not | "(" or ")" | test
 *      test    = metric ( < | <= | > | >= | = | == | != | <> ) number
 *              | metric [ "not" ] "between" number "and" number        both ends included
 *              | metric "is" [ "not" ] "null"
 *
 * Words are read in either case. A metric's name stands bare if it begins with a letter, '_' or a
 * byte of UTF-8 beyond ASCII and goes on with those, digits and . - : / @ $ %; any other, and one
 * that is a word of the language, stands in double quotes, with \" and \\ inside.
 *
 * A number is read as one in a payload: exact with up to 18 digits, else the nearest double.
 * Comparing is exact, be it two decimals or a decimal and a double.
 *
 * A test of a metric that a row does not have is unknown, as in SQL: `not` leaves unknown as it
 * is, `and` and `or` are unknown unless the other side decides. A row counts if all is true. Only
 * `is null` is true without a value.
 *
 * Life cycle: zero-initialise -> add* -> judge, rows, holds -> release.
 * Threads:    read-only once made; a scratch is one thread's.
 */
#ifndef MNSDB_QUERY_FILTER_FILTER_H
#define MNSDB_QUERY_FILTER_FILTER_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/block/block.h"
#include "engine/number/number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_TEXT_BYTES_MAX ((size_t)16 * 1024) /* of one expression */
#define FILTER_TESTS_MAX      256u                /* of all expressions */
#define FILTER_DEPTH_MAX      64u                 /* of parentheses and nots */

enum filter_kind {
    FILTER_RANGE, /* a value between two bounds: every comparison is one */
    FILTER_NULL,  /* no value */
    FILTER_NOT,   /* of the step before */
    FILTER_AND,   /* of the two before */
    FILTER_OR,
};

/* One step of a calculation on a stack. */
struct filter_step {
    enum filter_kind kind;
    uint32_t metric;          /* FILTER_RANGE, FILTER_NULL: its place among filter.metrics */
    struct number low, high;  /* FILTER_RANGE; NUMBER_NULL: no bound */
    bool low_open, high_open; /* the bound itself is outside */
};

/* A metric that is asked about. */
struct filter_metric {
    struct slice name;   /* in the filter's arena */
    uint32_t expression; /* which one names it first, from 0 */
    size_t start, len;   /* where in that one's text */
};

struct filter {
    struct filter_step *steps; /* owned; postfix; empty: every row counts */
    size_t step_count, step_capacity;
    struct filter_metric *metrics; /* owned; each name once, in order of appearance */
    size_t metric_count, metric_capacity;
    size_t test_count;
    uint32_t expression_count;
    uint32_t depth; /* of the stack */
    struct arena arena;
};

/* Where in a text something is wrong. */
struct filter_place {
    size_t start, len; /* bytes */
};

/*
 * Adds an expression: it must hold beside those added before. STATUS_INPUT says what was expected
 * and where; after any failure the filter is as before.
 */
MUST_CHECK enum status filter_add(struct filter *filter, const char *text,
                                  struct filter_place *place, struct error *err);
void filter_release(struct filter *filter);

/* --- one row ------------------------------------------------------------------------------- */

/* `values` by place of the metric; NUMBER_NULL: the row has none. */
bool filter_holds(const struct filter *filter, const struct number *values);

/* --- rows ---------------------------------------------------------------------------------- */

/* Bits of rows that filter_rows works with. */
struct filter_scratch {
    uint64_t *bits; /* owned */
};

MUST_CHECK enum status filter_scratch_init(struct filter_scratch *scratch,
                                           const struct filter *filter);
void filter_scratch_release(struct filter_scratch *scratch);

#define FILTER_WORDS (BLOCK_ROWS_MAX / 64)

/*
 * Sets in `holds` which rows of [from_row, until_row) count, and returns how many; other bits of
 * the words that these are in are cleared. `columns` by place of the metric; NULL: no row has it.
 */
uint32_t filter_rows(const struct filter *filter, const struct column_vector *const *columns,
                     uint32_t from_row, uint32_t until_row, struct filter_scratch *scratch,
                     uint64_t holds[FILTER_WORDS]);

/* --- summaries ----------------------------------------------------------------------------- */

/* What is known of one metric over many rows. */
struct filter_extent {
    struct number min, max; /* bounds of the values; NUMBER_NULL: no row has one */
    bool always;            /* every row has a value */
};

enum filter_verdict {
    FILTER_NONE, /* no row counts */
    FILTER_SOME, /* perhaps */
    FILTER_ALL,  /* every row counts */
};

/* `extents` by place of the metric. */
enum filter_verdict filter_judge(const struct filter *filter, const struct filter_extent *extents);

#endif
