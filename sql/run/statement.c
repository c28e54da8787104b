/*
 * statement.c - see statement.h.
 *
 * A statement that asks readings for aggregates alone is rewritten to read what the store has added
 * up (sql/shape), once SQLite has accepted it as it is: names of columns, mistakes and what is
 * refused are those of the statement as it was written. Where the rewritten one fails, that one is
 * run from its beginning.
 *
 * A blob becomes base64, as bodies are printed everywhere. A column is one of numbers if it has
 * nothing else, which is known once all rows are.
 */
#include "sql/run/statement.h"

#include "engine/base/mem.h"
#include "query/command/command_values.h"
#include "sql/shape/shape.h"
#include "sql/tables/tables.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STEPS_A_LOOK 20000 /* of SQLite's machine, between looks at the clock */
#define CACHE_KIB    65536 /* what a sort holds before it goes to a file */

struct execution {
    struct statement *statement;
    const struct statement_spec *spec;
    sqlite3 *db;            /* owned */
    sqlite3_stmt *prepared; /* owned; what is run */
    sqlite3_stmt *written;  /* owned; NULL, or the statement that `prepared` was rewritten from */
    struct shape shape;     /* owned; of it */
    struct tables *tables;  /* the connection's */
    bool held;
    bool refused; /* the statement does something other than selecting */
    bool late;
    int64_t end_ms;            /* of the monotonic clock, if there is a timeout */
    struct answer_cell *cells; /* owned; of one row */
    struct buffer *blobs;      /* owned; by column: base64 of a blob */
    size_t column_count;
};

void statement_release(struct statement *statement)
{
    answer_release(&statement->header);
    spool_release(&statement->rows);
    *statement = (struct statement){0};
}

static void end_execution(struct execution *execution)
{
    (void)sqlite3_finalize(execution->prepared);
    (void)sqlite3_finalize(execution->written);
    if (execution->held) {
        execution->statement->statistics = *tables_statistics(execution->tables);
        execution->statement->seen = tables_view(execution->tables)->statistics;
        tables_release(execution->tables);
    }
    (void)sqlite3_close(execution->db);
    shape_release(&execution->shape);
    for (size_t i = 0; execution->blobs && i < execution->column_count; i++)
        buffer_release(&execution->blobs[i]);
    mem_free(execution->blobs);
    mem_free(execution->cells);
    *execution = (struct execution){0};
}

static int64_t monotonic_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- what is possible ------------------------------------------------------------------------ */

static bool is_harmless_pragma(const char *name)
{
    static const char *const harmless[] = {"table_info", "table_xinfo", "table_list",
                                           "function_list", "collation_list"};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        if (sqlite3_stricmp(name, harmless[i]) == 0)
            return true;
    }
    return false;
}

static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *source)
{
    (void)database;
    (void)source;
    struct execution *execution = context;
    bool allowed = action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE;
    if (action == SQLITE_FUNCTION)
        allowed = second && sqlite3_stricmp(second, "load_extension") != 0 &&
                  sqlite3_stricmp(second, "fts3_tokenizer") != 0;
    if (action == SQLITE_PRAGMA)
        allowed = first && is_harmless_pragma(first);
    execution->refused = execution->refused || !allowed;
    return allowed ? SQLITE_OK : SQLITE_DENY;
}

static int look_at_clock(void *context)
{
    struct execution *execution = context;
    execution->late = monotonic_ms() >= execution->end_ms;
    return execution->late;
}

static bool limit_all(sqlite3 *db)
{
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, STATEMENT_VALUE_BYTES);
    (void)sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, STATEMENT_SQL_BYTES);
    (void)sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    (void)sqlite3_hard_heap_limit64(STATEMENT_MEMORY_BYTES);
    char cache[64];
    (void)snprintf(cache, sizeof cache, "pragma cache_size=-%d", CACHE_KIB);
    return sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
           sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK &&
           sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL) == SQLITE_OK &&
           sqlite3_exec(db, cache, NULL, NULL, NULL) == SQLITE_OK;
}

/* --- failures -------------------------------------------------------------------------------- */

static enum status status_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_NOMEM:
        return STATUS_NOMEM;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return STATUS_FULL; // temporary files: the store's failures are told apart before
    default:
        return STATUS_INPUT;
    }
}

static enum status failure(const struct execution *execution, struct error *err)
{
    if (execution->late)
        return error_set(err, STATUS_STOPPED, "the statement took longer than --timeout");
    const struct error *of_store = execution->tables ? tables_failure(execution->tables) : NULL;
    if (of_store && of_store->status != STATUS_OK) {
        *err = *of_store;
        return of_store->status;
    }
    const int code = sqlite3_extended_errcode(execution->db);
    const enum status status = status_of(code);
    if (status == STATUS_NOMEM)
        return error_set(err, status, "the statement needs more than %d MiB of memory",
                         (int)(STATEMENT_MEMORY_BYTES >> 20));
    const int place = sqlite3_error_offset(execution->db);
    execution->statement->has_place = place >= 0;
    execution->statement->place_bytes = place >= 0 ? (size_t)place : 0;
    if (execution->refused)
        return error_set(err, STATUS_INPUT, "only select is possible (%s)",
                         sqlite3_errmsg(execution->db));
    return error_set(err, status, "%s", sqlite3_errmsg(execution->db));
}

/* --- preparing ------------------------------------------------------------------------------- */

/*
 * Tables that SQLite makes when they are first named make entries of its own catalogue then, which
 * is no selecting. So all that there may be are named before anything is refused.
 */
static enum status name_tables(struct execution *execution, struct error *err)
{
    static const char *const others[] = {
        "pragma_table_info",     "pragma_table_xinfo", "pragma_table_list", "pragma_function_list",
        "pragma_collation_list", "json_each",          "json_tree"};
    char sql[64];
    for (size_t i = 0; tables_name(i); i++) {
        (void)snprintf(sql, sizeof sql, "select 1 from %s limit 0", tables_name(i));
        if (sqlite3_exec(execution->db, sql, NULL, NULL, NULL) != SQLITE_OK)
            return failure(execution, err);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        (void)snprintf(sql, sizeof sql, "select 1 from %s limit 0", others[i]);
        // What this SQLite does not have, a statement will not find either.
        (void)sqlite3_exec(execution->db, sql, NULL, NULL, NULL);
    }
    return STATUS_OK;
}

static enum status connect(struct execution *execution, struct error *err)
{
    const struct statement_spec *spec = execution->spec;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
    if (sqlite3_open_v2(":memory:", &execution->db, flags, NULL) != SQLITE_OK ||
        !limit_all(execution->db))
        return error_set(err, STATUS_NOMEM, "SQLite cannot start");
    struct tables_options options = {
        .dir = spec->dir, .zone = *spec->zone, .has_now = true, .now_ms = spec->now_ms};
    if (spec->values) {
        options.aliases = &spec->values->aliases;
        options.expressions = spec->values->expressions;
        options.expression_count = spec->values->expression_count;
    }
    TRY(tables_register(execution->db, &options, &execution->tables, err));
    TRY(tables_hold(execution->tables, err));
    execution->held = true;
    if (spec->values)
        command_values_warn(spec->values, tables_view(execution->tables));
    TRY(name_tables(execution, err));
    (void)sqlite3_set_authorizer(execution->db, authorize, execution);
    if (spec->has_timeout) {
        execution->end_ms = monotonic_ms() + spec->timeout_ms;
        sqlite3_progress_handler(execution->db, STEPS_A_LOOK, look_at_clock, execution);
    }
    return STATUS_OK;
}

static enum status prepare(struct execution *execution, struct error *err)
{
    const char *rest = NULL;
    sqlite3_stmt *second = NULL;
    if (sqlite3_prepare_v2(execution->db, execution->spec->sql, -1, &execution->prepared, &rest) !=
        SQLITE_OK)
        return failure(execution, err);
    if (!execution->prepared)
        return error_set(err, STATUS_INPUT, "there is no statement");
    const bool more =
        sqlite3_prepare_v2(execution->db, rest, -1, &second, NULL) != SQLITE_OK || second != NULL;
    (void)sqlite3_finalize(second);
    if (more)
        return error_set(err, STATUS_INPUT, "one statement at a time");
    if (sqlite3_column_count(execution->prepared) == 0 ||
        !sqlite3_stmt_readonly(execution->prepared))
        return error_set(err, STATUS_INPUT, "only select is possible");
    if (sqlite3_bind_parameter_count(execution->prepared) > 0)
        return error_set(err, STATUS_INPUT, "the statement has parameters, which have no values");
    return STATUS_OK;
}

/* --- rewriting ------------------------------------------------------------------------------- */

/* SQLite's own entry for the table of parts is made before anything is refused. */
static bool prepare_parts(struct execution *execution)
{
    sqlite3 *db = execution->db;
    sqlite3_stmt *rewritten = NULL;
    (void)sqlite3_set_authorizer(db, NULL, NULL);
    const bool named =
        sqlite3_exec(db, "select 1 from " SHAPE_TABLE " limit 0", NULL, NULL, NULL) == SQLITE_OK;
    (void)sqlite3_set_authorizer(db, authorize, execution);
    if (named)
        (void)sqlite3_prepare_v2(db, (const char *)execution->shape.sql.data, -1, &rewritten, NULL);
    const int column_count = sqlite3_column_count(execution->prepared);
    if (!rewritten || sqlite3_column_count(rewritten) != column_count) {
        (void)sqlite3_finalize(rewritten);
        return false;
    }
    execution->written = execution->prepared;
    execution->prepared = rewritten;
    return true;
}

static enum status rewrite(struct execution *execution, struct error *err)
{
    bool can = false;
    if (execution->spec->row_by_row)
        return STATUS_OK;
    if (shape_read(&execution->shape, execution->spec->sql, &can) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the statement");
    if (can)
        TRY(tables_answer_shape(execution->tables, &execution->shape, &can, err));
    if (!can || prepare_parts(execution))
        return STATUS_OK;
    if (sqlite3_errcode(execution->db) == SQLITE_NOMEM)
        return failure(execution, err);
    tables_forget_failure(execution->tables);
    execution->refused = false;
    return STATUS_OK;
}

/* Back to the statement as it was written, from its beginning. */
static void take_back(struct execution *execution)
{
    struct statement *statement = execution->statement;
    (void)sqlite3_finalize(execution->prepared);
    execution->prepared = execution->written;
    execution->written = NULL;
    execution->refused = false;
    tables_forget_failure(execution->tables);
    const size_t memory_bytes = statement->rows.memory_bytes;
    spool_release(&statement->rows);
    statement->rows.memory_bytes = memory_bytes;
    statement->has_place = false;
    for (size_t i = 0; i < execution->column_count; i++)
        statement->header.columns[i].kind = CELL_NUMBER;
}

/* A name that no other column has: of two alike the second is name:2. */
static enum status add_column(struct answer *header, const char *name, struct error *err)
{
    char unique[512];
    struct slice text = slice_of_text(name);
    for (unsigned nth = 2; answer_find_column(header, text) != SIZE_MAX; nth++) {
        const int len = snprintf(unique, sizeof unique, "%.480s:%u", name, nth);
        text = slice_of(unique, (size_t)len);
    }
    return answer_add_column(header, text, CELL_NUMBER, err);
}

static enum status add_columns(struct execution *execution, struct error *err)
{
    execution->column_count = (size_t)sqlite3_column_count(execution->prepared);
    for (size_t i = 0; i < execution->column_count; i++) {
        const char *name = sqlite3_column_name(execution->prepared, (int)i);
        if (!name)
            return error_set(err, STATUS_NOMEM, "no memory for the names of columns");
        TRY(add_column(&execution->statement->header, name, err));
    }
    execution->cells = mem_alloc_zeroed(execution->column_count, sizeof *execution->cells);
    execution->blobs = mem_alloc_zeroed(execution->column_count, sizeof *execution->blobs);
    if (!execution->cells || !execution->blobs)
        return error_set(err, STATUS_NOMEM, "no memory for a row");
    return STATUS_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

static enum status encode_base64(struct slice bytes, struct buffer *text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buffer_clear(text);
    TRY(buffer_reserve(text, (bytes.len + 2) / 3 * 4));
    for (size_t i = 0; i < bytes.len; i += 3) {
        const size_t left = bytes.len - i;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < left ? bytes.data[i + k] : 0u);
        for (size_t k = 0; k < 4; k++) {
            const uint32_t digit = group >> (18 - 6 * k) & 63u;
            buffer_put_u8(text, k <= left ? (uint8_t)alphabet[digit] : (uint8_t)'=');
        }
    }
    return STATUS_OK;
}

static enum status take_bytes(struct execution *execution, int column, struct answer_cell *cell)
{
    sqlite3_stmt *prepared = execution->prepared;
    const bool is_blob = sqlite3_column_type(prepared, column) == SQLITE_BLOB;
    const void *data = is_blob ? sqlite3_column_blob(prepared, column)
                               : (const void *)sqlite3_column_text(prepared, column);
    const struct slice bytes = slice_of(data, (size_t)sqlite3_column_bytes(prepared, column));
    if (!data && bytes.len > 0)
        return STATUS_NOMEM;
    *cell = cell_of_text(bytes);
    if (!is_blob)
        return STATUS_OK;
    TRY(encode_base64(bytes, &execution->blobs[column]));
    *cell = cell_of_text(buffer_slice(&execution->blobs[column]));
    return STATUS_OK;
}

static enum status take_cell(struct execution *execution, int column)
{
    struct answer_cell *cell = &execution->cells[column];
    switch (sqlite3_column_type(execution->prepared, column)) {
    case SQLITE_INTEGER:
        *cell = cell_of_count((uint64_t)sqlite3_column_int64(execution->prepared, column));
        return STATUS_OK;
    case SQLITE_FLOAT:
        *cell = cell_of_number(exact_of_real(sqlite3_column_double(execution->prepared, column)));
        return STATUS_OK;
    case SQLITE_NULL:
        *cell = (struct answer_cell){.kind = CELL_NULL};
        return STATUS_OK;
    default:
        execution->statement->header.columns[column].kind = CELL_TEXT;
        return take_bytes(execution, column, cell);
    }
}

static enum status take_row(struct execution *execution, struct error *err)
{
    for (int i = 0; i < (int)execution->column_count; i++) {
        if (take_cell(execution, i) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for a row");
    }
    return spool_put(&execution->statement->rows, execution->cells, execution->column_count, err);
}

static enum status take_rows(struct execution *execution, struct error *err)
{
    const struct statement_spec *spec = execution->spec;
    const uint64_t most = spec->has_limit ? spec->limit : UINT64_MAX;
    int code = SQLITE_ROW;
    while (execution->statement->rows.row_count < most &&
           (code = sqlite3_step(execution->prepared)) == SQLITE_ROW)
        TRY(take_row(execution, err));
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return failure(execution, err);
    return spool_rewind(&execution->statement->rows, err);
}

enum status statement_run(struct statement *statement, const struct statement_spec *spec,
                          struct error *err)
{
    OWNED(end_execution) struct execution execution = {.statement = statement, .spec = spec};
    TRY(connect(&execution, err));
    TRY(prepare(&execution, err));
    TRY(add_columns(&execution, err));
    TRY(rewrite(&execution, err));
    const enum status status = take_rows(&execution, err);
    if (!execution.written || (status != STATUS_INPUT && status != STATUS_CORRUPT))
        return status;
    take_back(&execution);
    *err = (struct error){0};
    return take_rows(&execution, err);
}
