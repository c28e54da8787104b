/*
 * view_column.c - columns put together from those of several names, and cut to the rows that count.
 *
 *      temperature   21.5    -      -
 *      temp           -     22.1   19      ->     temperature   21.5   22.1   19
 *      t              -      -     20
 *
 * A merged column has the least exponent of its members, so that nearly all values are mantissas
 * again; what does not fit there is an exception.
 */
#include "query/view/view_internal.h"

#include "engine/base/bound.h"

#include <assert.h>

static int64_t column_metric(const void *items, size_t place)
{
    const struct column_vector *columns = items;
    return columns[place].metric;
}

const struct column_vector *view_find_column(const struct row_vector *rows, uint32_t metric)
{
    const size_t place = bound_find(rows->columns, rows->column_count, metric, column_metric);
    const bool found = place < rows->column_count && rows->columns[place].metric == metric;
    return found ? &rows->columns[place] : NULL;
}

static bool is_present(const struct column_vector *column, uint32_t row)
{
    return !column->present || (column->present[row / 64] >> (row % 64) & 1);
}

/* --- arrays of a new column ---------------------------------------------------------------- */

struct column_maker {
    uint64_t *present;
    int64_t *mantissas;
    struct column_exception *exceptions;
    uint32_t exception_count;
    uint32_t present_count;
    int16_t exponent;
};

/* Room for rows below `row_count`, all absent. */
static enum status maker_init(struct column_maker *maker, struct arena *arena, uint32_t row_count,
                              int16_t exponent)
{
    const size_t words = ((size_t)row_count + 63) / 64;
    *maker = (struct column_maker){
        .present = arena_alloc(arena, words * sizeof *maker->present),
        .mantissas = arena_alloc(arena, row_count * sizeof *maker->mantissas),
        .exceptions = arena_alloc(arena, row_count * sizeof *maker->exceptions),
        .exponent = exponent,
    };
    if (!maker->present || !maker->mantissas || !maker->exceptions)
        return STATUS_NOMEM;
    memset(maker->present, 0, words * sizeof *maker->present);
    memset(maker->mantissas, 0, row_count * sizeof *maker->mantissas);
    return STATUS_OK;
}

/* The mantissa of a decimal at a lower or equal exponent; false: it has none that is usual. */
static bool rescale(struct number value, int exponent, int64_t *mantissa)
{
    const int shift = value.exponent - exponent;
    if (value.kind != NUMBER_DECIMAL || shift < 0 || shift > NUMBER_DIGITS_MAX)
        return value.kind == NUMBER_DECIMAL && value.mantissa == 0;
    return !__builtin_mul_overflow(value.mantissa, power_of_ten(shift), mantissa) &&
           *mantissa <= NUMBER_MANTISSA_MAX && *mantissa >= -NUMBER_MANTISSA_MAX;
}

/* Rows come in order. */
static void maker_put(struct column_maker *maker, uint32_t row, struct number value)
{
    int64_t mantissa = 0;
    maker->present[row / 64] |= UINT64_C(1) << (row % 64);
    maker->present_count++;
    if (rescale(value, maker->exponent, &mantissa))
        maker->mantissas[row] = mantissa;
    else
        maker->exceptions[maker->exception_count++] =
            (struct column_exception){.row = row, .value = value};
}

static struct column_vector maker_column(const struct column_maker *maker, uint32_t metric)
{
    return (struct column_vector){.metric = metric,
                                  .present_count = maker->present_count,
                                  .present = maker->present,
                                  .mantissas = maker->mantissas,
                                  .exponent = maker->exponent,
                                  .exception_count = maker->exception_count,
                                  .exceptions = maker->exceptions};
}

/* --- several columns as one ---------------------------------------------------------------- */

/* The next member of a group that the rows have a column of, from `*at` on; NULL: none. */
static const struct column_vector *next_member(const struct alias_group *group,
                                               const struct row_vector *rows, uint32_t *at)
{
    while (*at < group->member_count) {
        const struct column_vector *column = view_find_column(rows, group->members[(*at)++]);
        if (column)
            return column;
    }
    return NULL;
}

static enum status merge_members(struct arena *arena, const struct alias_group *group,
                                 const struct row_vector *rows, const uint32_t bounds[2],
                                 struct column_vector *merged)
{
    const struct column_vector *column = NULL;
    int16_t exponent = INT16_MAX;
    for (uint32_t at = 0; (column = next_member(group, rows, &at)) != NULL;) {
        if (column->exponent < exponent)
            exponent = column->exponent;
    }
    struct column_maker maker;
    TRY(maker_init(&maker, arena, bounds[1], exponent));
    for (uint32_t row = bounds[0]; row < bounds[1]; row++) {
        for (uint32_t at = 0; (column = next_member(group, rows, &at)) != NULL;) {
            if (!is_present(column, row))
                continue;
            maker_put(&maker, row, column_vector_get(column, row));
            break;
        }
    }
    *merged = maker_column(&maker, group->metric);
    return STATUS_OK;
}

enum status view_merge_column(struct arena *arena, const struct alias_map *aliases,
                              const struct row_vector *rows, uint32_t metric,
                              const uint32_t bounds[2], struct column_vector *merged)
{
    const struct alias_group *group = alias_map_group(aliases, metric);
    const struct column_vector *first = NULL;
    const struct column_vector *second = NULL;
    *merged = (struct column_vector){.metric = metric};
    if (!group || group->member_count == 1) {
        first = view_find_column(rows, metric);
    } else {
        uint32_t at = 0;
        first = next_member(group, rows, &at);
        if (first && first->present)
            second = next_member(group, rows, &at);
    }
    if (second)
        return merge_members(arena, group, rows, bounds, merged);
    if (first) {
        *merged = *first;
        merged->metric = metric;
    }
    return STATUS_OK;
}

/* --- fewer rows ---------------------------------------------------------------------------- */

static void cut_present(const struct column_vector *column, const uint32_t *kept, uint32_t count,
                        uint64_t *present, uint32_t *present_count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t bit = column->present[kept[i] / 64] >> (kept[i] % 64) & 1;
        present[i / 64] |= bit << (i % 64);
        *present_count += (uint32_t)bit;
    }
}

/* Exceptions of rows that stay, at their new places. */
static uint32_t cut_exceptions(const struct column_vector *column, const uint32_t *kept,
                               uint32_t count, struct column_exception *exceptions)
{
    uint32_t found = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < column->exception_count; i++) {
        while (at < count && kept[at] < column->exceptions[i].row)
            at++;
        if (at == count)
            break;
        if (kept[at] == column->exceptions[i].row)
            exceptions[found++] =
                (struct column_exception){.row = at, .value = column->exceptions[i].value};
    }
    return found;
}

enum status view_cut_column(struct arena *arena, const struct column_vector *column,
                            const uint32_t *kept, uint32_t count, struct column_vector *cut)
{
    const size_t words = ((size_t)count + 63) / 64;
    int64_t *mantissas = arena_alloc(arena, count * sizeof *mantissas);
    uint64_t *present = column->present ? arena_alloc(arena, words * sizeof *present) : NULL;
    struct column_exception *exceptions = NULL;
    *cut = *column;
    cut->present_count = count;
    if (!mantissas || (column->present && !present))
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        mantissas[i] = column->mantissas[kept[i]];
    cut->mantissas = mantissas;
    if (present) {
        memset(present, 0, words * sizeof *present);
        cut->present_count = 0;
        cut_present(column, kept, count, present, &cut->present_count);
        cut->present = present;
    }
    if (column->exception_count > 0) {
        const uint32_t most = column->exception_count < count ? column->exception_count : count;
        exceptions = arena_alloc(arena, most * sizeof *exceptions);
        if (!exceptions)
            return STATUS_NOMEM;
        cut->exception_count = cut_exceptions(column, kept, count, exceptions);
        cut->exceptions = exceptions;
    }
    return STATUS_OK;
}
