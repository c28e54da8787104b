/*
 * query_columns.c - see query_columns.h.
 */
#include "bench/bench/query_columns.h"

#include <stdint.h>
#include <string.h>

#define METRIC_SIGN "{metric}"

/* Whether the column is called `name`, the sign in it being replaced. */
static bool is_called(const struct answer_column *column, const char *name, const char *metric)
{
    const size_t sign_len = strlen(METRIC_SIGN);
    if (strncmp(name, METRIC_SIGN, sign_len) != 0)
        return slice_equal(column->name, slice_of_text(name));
    const size_t metric_len = strlen(metric);
    const char *rest = name + sign_len;
    return column->name.len == metric_len + strlen(rest) &&
           memcmp(column->name.data, metric, metric_len) == 0 &&
           memcmp(column->name.data + metric_len, rest, strlen(rest)) == 0;
}

static size_t find_column(const struct answer *answer, const char *name, const char *metric)
{
    for (size_t i = 0; i < answer->column_count; i++) {
        if (is_called(&answer->columns[i], name, metric))
            return i;
    }
    return SIZE_MAX;
}

struct query_columns query_columns_find(const struct answer *answer, const char *const *names,
                                        const char *metric)
{
    struct query_columns columns = {0};
    for (; columns.count < QUERY_COLUMNS_MAX && names[columns.count]; columns.count++)
        columns.places[columns.count] = find_column(answer, names[columns.count], metric);
    return columns;
}

enum status query_columns_take(const struct query_columns *columns, const struct answer_cell *cells,
                               struct answer_table *table, struct error *err)
{
    struct field fields[QUERY_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->places[i] != SIZE_MAX)
            fields[i] = field_of_cell(&cells[columns->places[i]]);
    }
    return answer_table_add(table, fields, columns->count, err);
}
