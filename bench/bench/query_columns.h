/*
 * query_columns.h - of our answer to a query, the columns that other systems give, too.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_BENCH_BENCH_QUERY_COLUMNS_H
#define MNSDB_BENCH_BENCH_QUERY_COLUMNS_H

#include "bench/bench/answer_table.h"
#include "engine/base/error.h"
#include "query/answer/answer.h"

#include <stddef.h>

#define QUERY_COLUMNS_MAX 6u

/* Where the columns are in an answer. */
struct query_columns {
    size_t places[QUERY_COLUMNS_MAX]; /* SIZE_MAX: the answer has no such column: null */
    size_t count;
};

/* `names` ends with NULL; a "{metric}" at the start of one stands for the metric's name. */
struct query_columns query_columns_find(const struct answer *answer, const char *const *names,
                                        const char *metric);

/* Adds a row of an answer to the table. */
MUST_CHECK enum status query_columns_take(const struct query_columns *columns,
                                          const struct answer_cell *cells,
                                          struct answer_table *table, struct error *err);

#endif
