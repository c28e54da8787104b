/*
 * part_functions.c - the aggregates of a rewritten statement: parts of a group put together.
 *
 * Most groups have one part with values, and its sum and average are the answer. Sums of several
 * are exact decimals that are added exactly, rounded once at the end. Where doubles are among them
 * that were rounded before, the statement fails, and its caller runs it as it was written.
 *
 * An empty group has no steps: count is 0, total 0.0, all others null, as SQLite has it.
 */
#include "sql/tables/tables_internal.h"

/* Places in the answer of the values, for each metric. */
enum value_cell {
    VALUE_COUNT,
    VALUE_MIN,
    VALUE_MAX,
    VALUE_SUM,
    VALUE_AVG,
};

struct state {
    uint64_t count; /* of rows, or of values */
    int64_t time_ms;
    uint64_t part_count; /* with values */
    double extreme;
    struct exact_value sum; /* of the first part */
    struct exact_value mean;
    struct exact_sum sums; /* owned; with a second one: of all */
    bool inexact;
    bool no_memory;
};

/* --- steps ----------------------------------------------------------------------------------- */

static void add_rows(struct state *state, enum figure_kind kind, const struct part_rows *rows)
{
    const bool first = kind == FIGURE_FIRST_MS || kind == FIGURE_FIRST_TIME;
    const int64_t time_ms = first ? rows->first_ms : rows->last_ms;
    if (state->count == 0 || (first ? time_ms < state->time_ms : time_ms > state->time_ms))
        state->time_ms = time_ms;
    state->count += rows->count;
}

static void add_sum(struct state *state, struct exact_value sum)
{
    const bool decimal = sum.kind == EXACT_DECIMAL && sum.exponent >= SUM_DECIMAL_EXPONENT_MIN &&
                         sum.exponent <= SUM_DECIMAL_EXPONENT_MAX;
    if (!decimal) {
        state->inexact = true;
        return;
    }
    const i128 mantissa = (i128)((u128)(uint64_t)sum.mantissa.high << 64 | sum.mantissa.low);
    if (exact_sum_add_scaled(&state->sums, wide_of(mantissa), sum.exponent) != STATUS_OK)
        state->no_memory = true;
}

static void add_extreme(struct state *state, const struct answer_cell *cell, bool least)
{
    const double value = exact_to_double(cell_number(cell));
    if (state->part_count == 0 || (least ? value < state->extreme : value > state->extreme))
        state->extreme = value;
}

static void add_values(struct state *state, enum figure_kind kind, const struct answer_cell *cells)
{
    const uint64_t count = (uint64_t)cells[VALUE_COUNT].integer;
    if (cells[VALUE_COUNT].kind == CELL_NULL || count == 0)
        return;
    state->count += count;
    if (kind == FIGURE_MIN || kind == FIGURE_MAX) {
        add_extreme(state, &cells[kind == FIGURE_MIN ? VALUE_MIN : VALUE_MAX], kind == FIGURE_MIN);
    } else if (kind != FIGURE_COUNT && state->part_count == 0) {
        state->sum = cell_number(&cells[VALUE_SUM]);
        state->mean = cell_number(&cells[VALUE_AVG]);
    } else if (kind != FIGURE_COUNT) {
        if (state->part_count == 1)
            add_sum(state, state->sum);
        add_sum(state, cell_number(&cells[VALUE_SUM]));
    }
    state->part_count++;
}

/* FUNCTION(part, figure) */
static void step(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const struct part_function *function = sqlite3_user_data(context);
    struct parts *parts = function->parts;
    struct state *state = sqlite3_aggregate_context(context, sizeof *state);
    const sqlite3_int64 part = sqlite3_value_int64(values[0]);
    const sqlite3_int64 figure = sqlite3_value_int64(values[1]);
    if (!state || figure < 0 || (size_t)figure >= parts->shape->figure_count || part < 0)
        return; // no memory, which SQLite knows; else a call that no rewritten statement has
    const size_t place = (size_t)part;
    const bool of_rows = figure_is_of_rows(function->kind);
    if (place < parts->row_count && of_rows)
        add_rows(state, function->kind, &parts->rows[place]);
    if (place < parts->row_count || of_rows || place - parts->row_count >= parts->values.row_count)
        return;
    const struct answer_cell *cells = answer_cells(&parts->values, place - parts->row_count);
    add_values(state, function->kind,
               cells + parts->first_cell + parts->places[figure] * parts->cells_a_metric);
}

/* --- results --------------------------------------------------------------------------------- */

static void put_sum(sqlite3_context *context, const struct state *state)
{
    struct arena arena = {0};
    struct exact_value sum = state->sum;
    if (state->part_count > 1 && exact_of_sum(&state->sums, &arena, &sum) != STATUS_OK)
        sqlite3_result_error_nomem(context);
    else if (!exact_is_null(sum))
        sqlite3_result_double(context, exact_to_double(sum));
    arena_release(&arena);
}

static void put_mean(sqlite3_context *context, const struct state *state)
{
    const struct exact_value mean =
        state->part_count > 1 ? exact_mean(&state->sums, state->count) : state->mean;
    if (!exact_is_null(mean))
        sqlite3_result_double(context, exact_to_double(mean));
}

static void put_values(sqlite3_context *context, enum figure_kind kind, const struct state *state)
{
    if (kind == FIGURE_MIN || kind == FIGURE_MAX)
        sqlite3_result_double(context, state->extreme);
    else if (kind == FIGURE_AVG)
        put_mean(context, state);
    else
        put_sum(context, state);
}

static void put(sqlite3_context *context, const struct part_function *function,
                const struct state *state)
{
    switch (function->kind) {
    case FIGURE_ROWS:
    case FIGURE_COUNT:
        sqlite3_result_int64(context, (sqlite3_int64)state->count);
        break;
    case FIGURE_FIRST_MS:
    case FIGURE_LAST_MS:
        if (state->count > 0)
            sqlite3_result_int64(context, state->time_ms);
        break;
    case FIGURE_FIRST_TIME:
    case FIGURE_LAST_TIME:
        if (state->count > 0)
            tables_result_time(function->parts->tables, context, state->time_ms);
        break;
    case FIGURE_SUM:
    case FIGURE_TOTAL:
    case FIGURE_AVG:
    case FIGURE_MIN:
    case FIGURE_MAX:
        if (state->part_count > 0)
            put_values(context, function->kind, state);
        else if (function->kind == FIGURE_TOTAL)
            sqlite3_result_double(context, 0.0);
        break;
    case FIGURE_KINDS:
        break;
    }
}

static void finish(sqlite3_context *context)
{
    static const struct state empty = {0};
    struct state *state = sqlite3_aggregate_context(context, 0);
    if (!state)
        put(context, sqlite3_user_data(context), &empty);
    else if (state->no_memory)
        sqlite3_result_error_nomem(context);
    else if (state->inexact)
        sqlite3_result_error(context, "sums of parts were rounded", -1);
    else
        put(context, sqlite3_user_data(context), state);
    if (state)
        exact_sum_release(&state->sums);
}

enum status tables_register_parts(struct tables *tables, struct error *err)
{
    struct parts *parts = tables->parts;
    for (size_t kind = 0; kind < FIGURE_KINDS; kind++) {
        struct part_function *function = &parts->functions[kind];
        *function = (struct part_function){.parts = parts, .kind = (enum figure_kind)kind};
        if (sqlite3_create_function_v2(tables->db, figure_function(function->kind), 2,
                                       SQLITE_UTF8 | SQLITE_DETERMINISTIC, function, NULL, step,
                                       finish, NULL) != SQLITE_OK)
            return error_set(err, STATUS_INPUT, "SQLite: %s", sqlite3_errmsg(tables->db));
    }
    const struct table_kind *kind = &table_kinds[SUBJECT_PARTS];
    if (sqlite3_create_module_v2(tables->db, kind->name, kind->module, tables_ref(tables),
                                 tables_unref) != SQLITE_OK)
        return error_set(err, STATUS_INPUT, "SQLite: %s", sqlite3_errmsg(tables->db));
    return STATUS_OK;
}
