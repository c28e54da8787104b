/*
 * fuzz_sql_shape.c - whatever is typed as SQL: what is recognised means the same rewritten.
 *
 * SQLite itself judges. A small table of readings stands beside a table of parts of one row each,
 * with functions of parts that add up what such rows say. A statement that is recognised, and that
 * SQLite takes, must be taken rewritten, too, and give the same rows under the same names; and what
 * was rewritten is recognised no more.
 */
#include "engine/base/mem.h"
#include "sql/shape/shape.h"
#include "sql/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)2048)
#define ROW_COUNT      14
#define METRIC_COUNT   4
#define STEPS_MAX      200000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static const char *const metrics[METRIC_COUNT] = {"t", "h", "first", "b c"};
static const char *const other_columns[] = {"device",  "product",   "name",       "time",
                                            "time_ms", "messageid", "time_source"};

static void check(bool condition, const char *what, const char *sql)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_sql_shape: %s: %s\n", what, sql);
    abort();
}

/* --- the readings ---------------------------------------------------------------------------- */

static bool has_value(int row, size_t metric)
{
    return (row + (int)metric) % 3 != 1;
}

/* Quarters: their sums are exact in any order. */
static double value_of(int row, size_t metric)
{
    return (double)(row * 7 % 11 - 4 + (int)metric) / 4;
}

static int64_t time_of(int row)
{
    return INT64_C(1600000000000) + (int64_t)row * 1700000;
}

static void run(sqlite3 *db, const char *sql)
{
    check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db), sql);
}

static void fill(sqlite3 *db)
{
    char sql[600];
    run(db,
        "create table readings(device text, product text, name text, time text, time_ms integer,"
        "messageid text, time_source text, t real, h real, \"first\" real, \"b c\" real)");
    for (int row = 0; row < ROW_COUNT; row++) {
        char values[METRIC_COUNT][32];
        for (size_t i = 0; i < METRIC_COUNT; i++)
            (void)snprintf(values[i], sizeof values[i], has_value(row, i) ? "%.2f" : "null",
                           value_of(row, i));
        (void)snprintf(sql, sizeof sql,
                       "insert into readings values('p%d/d%d', 'p%d', 'd%d', "
                       "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', %lld / 1000.0, 'unixepoch'), %lld, "
                       "'%d', 'payload', %s, %s, %s, %s)",
                       row % 2, row % 5, row % 2, row % 5, (long long)time_of(row),
                       (long long)time_of(row), row, values[0], values[1], values[2], values[3]);
        run(db, sql);
    }
    run(db, "create table " SHAPE_TABLE " as select device, product, name, time, time_ms, "
            "rowid - 1 as " SHAPE_PART " from readings");
}

/* --- functions of parts ---------------------------------------------------------------------- */

struct figures {
    const struct shape *shape; /* borrowed */
    size_t metric[SHAPE_FIGURES_MAX];
};

struct function {
    struct figures *figures;
    enum figure_kind kind;
};

struct state {
    int64_t count;
    double sum, least, most;
    int64_t first_row, last_row;
};

static void step(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const struct function *function = sqlite3_user_data(context);
    struct state *state = sqlite3_aggregate_context(context, sizeof *state);
    const int row = sqlite3_value_int(values[0]);
    const size_t metric = function->figures->metric[sqlite3_value_int(values[1])];
    const bool of_rows = figure_is_of_rows(function->kind);
    if (!state || (!of_rows && !has_value(row, metric)))
        return;
    const double value = of_rows ? 0 : value_of(row, metric);
    state->least = state->count == 0 || value < state->least ? value : state->least;
    state->most = state->count == 0 || value > state->most ? value : state->most;
    state->first_row = state->count == 0 || row < state->first_row ? row : state->first_row;
    state->last_row = row > state->last_row ? row : state->last_row;
    state->sum += value;
    state->count++;
}

static void put_time(sqlite3_context *context, int64_t row, bool text)
{
    if (!text) {
        sqlite3_result_int64(context, time_of((int)row));
        return;
    }
    sqlite3_stmt *ask = NULL;
    sqlite3 *db = sqlite3_context_db_handle(context);
    check(sqlite3_prepare_v2(db, "select time from readings where rowid = ?1 + 1", -1, &ask,
                             NULL) == SQLITE_OK,
          "time", "");
    (void)sqlite3_bind_int64(ask, 1, row);
    if (sqlite3_step(ask) == SQLITE_ROW)
        sqlite3_result_value(context, sqlite3_column_value(ask, 0));
    (void)sqlite3_finalize(ask);
}

static void put(sqlite3_context *context, enum figure_kind kind, const struct state *state)
{
    if (kind == FIGURE_ROWS || kind == FIGURE_COUNT)
        sqlite3_result_int64(context, state->count);
    else if (kind == FIGURE_TOTAL)
        sqlite3_result_double(context, state->sum);
    else if (state->count == 0)
        sqlite3_result_null(context);
    else if (kind == FIGURE_FIRST_MS || kind == FIGURE_FIRST_TIME)
        put_time(context, state->first_row, kind == FIGURE_FIRST_TIME);
    else if (kind == FIGURE_LAST_MS || kind == FIGURE_LAST_TIME)
        put_time(context, state->last_row, kind == FIGURE_LAST_TIME);
    else if (kind == FIGURE_MIN)
        sqlite3_result_double(context, state->least);
    else if (kind == FIGURE_MAX)
        sqlite3_result_double(context, state->most);
    else
        sqlite3_result_double(context,
                              kind == FIGURE_AVG ? state->sum / (double)state->count : state->sum);
}

static void finish(sqlite3_context *context)
{
    static const struct state empty = {0};
    const struct function *function = sqlite3_user_data(context);
    const struct state *state = sqlite3_aggregate_context(context, 0);
    put(context, function->kind, state ? state : &empty);
}

/* --- both ways ------------------------------------------------------------------------------- */

static int allow_reading(void *context, int action, const char *first, const char *second,
                         const char *database, const char *source)
{
    (void)context;
    (void)first;
    (void)database;
    (void)source;
    const bool random = second && (sqlite3_stricmp(second, "random") == 0 ||
                                   sqlite3_stricmp(second, "randomblob") == 0);
    const bool reads =
        action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION;
    return reads && !random ? SQLITE_OK : SQLITE_DENY;
}

static int give_up(void *context)
{
    return ++*(int *)context > STEPS_MAX / 1000;
}

static bool same_value(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
    if (sqlite3_column_type(a, column) != sqlite3_column_type(b, column))
        return false;
    const void *left = sqlite3_column_blob(a, column);
    const void *right = sqlite3_column_blob(b, column);
    const int len = sqlite3_column_bytes(a, column);
    return len == sqlite3_column_bytes(b, column) &&
           (len == 0 || memcmp(left, right, (size_t)len) == 0);
}

static void compare(sqlite3_stmt *written, sqlite3_stmt *rewritten, const char *sql)
{
    const int columns = sqlite3_column_count(written);
    check(columns == sqlite3_column_count(rewritten), "another number of columns", sql);
    if (sqlite3_stmt_isexplain(written) != 0)
        return;
    for (;;) {
        const int left = sqlite3_step(written);
        const int right = sqlite3_step(rewritten);
        if (left == SQLITE_INTERRUPT || right == SQLITE_INTERRUPT)
            return;
        check((left == SQLITE_ROW) == (right == SQLITE_ROW), "another number of rows", sql);
        if (left != SQLITE_ROW)
            return;
        for (int i = 0; i < columns; i++)
            check(same_value(written, rewritten, i), "another value", sql);
    }
}

static bool same_name(struct slice a, const char *b)
{
    return a.len == strlen(b) && sqlite3_strnicmp((const char *)a.data, b, (int)a.len) == 0;
}

/* What the caller of shape_read finds out: names that are metrics, and those that must not be. */
static bool resolve(const struct shape *shape, struct figures *figures)
{
    figures->shape = shape;
    for (size_t i = 0; i < shape->figure_count; i++) {
        const struct shape_figure *figure = &shape->figures[i];
        size_t metric = 0;
        while (metric < METRIC_COUNT && !same_name(figure->name, metrics[metric]))
            metric++;
        if (!figure_is_of_rows(figure->kind) && metric == METRIC_COUNT)
            return false;
        figures->metric[i] = metric;
    }
    for (size_t i = 0; i < shape->not_column_count; i++) {
        for (size_t k = 0; k < METRIC_COUNT; k++) {
            if (same_name(shape->not_columns[i], metrics[k]))
                return false;
        }
        for (size_t k = 0; k < sizeof other_columns / sizeof other_columns[0]; k++) {
            if (same_name(shape->not_columns[i], other_columns[k]))
                return false;
        }
    }
    return true;
}

static void ask_both_ways(const char *sql, const struct shape *shape)
{
    struct figures figures = {0};
    struct function functions[FIGURE_KINDS];
    sqlite3 *db = NULL;
    sqlite3_stmt *written = NULL;
    sqlite3_stmt *rewritten = NULL;
    int looks = 0;
    if (!resolve(shape, &figures))
        return;
    check(sqlite3_open(":memory:", &db) == SQLITE_OK, "open", sql);
    fill(db);
    for (size_t kind = 0; kind < FIGURE_KINDS; kind++) {
        functions[kind] = (struct function){&figures, (enum figure_kind)kind};
        check(sqlite3_create_function(db, figure_function((enum figure_kind)kind), 2, SQLITE_UTF8,
                                      &functions[kind], NULL, step, finish) == SQLITE_OK,
              "function", sql);
    }
    (void)sqlite3_set_authorizer(db, allow_reading, NULL);
    sqlite3_progress_handler(db, 1000, give_up, &looks);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 16);
    if (sqlite3_prepare_v2(db, sql, -1, &written, NULL) == SQLITE_OK && written) {
        const char *text = (const char *)shape->sql.data;
        if (sqlite3_prepare_v2(db, text, -1, &rewritten, NULL) == SQLITE_OK)
            compare(written, rewritten, text);
    }
    (void)sqlite3_finalize(written);
    (void)sqlite3_finalize(rewritten);
    (void)sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    char sql[TEXT_BYTES_MAX + 1];
    const size_t len = bytes_len < TEXT_BYTES_MAX ? bytes_len : TEXT_BYTES_MAX;
    struct shape shape = {0};
    struct shape again = {0};
    bool recognised = false;
    if (len > 0)
        memcpy(sql, bytes, len);
    sql[len] = '\0';
    check(shape_read(&shape, sql, &recognised) == STATUS_OK, "no memory", sql);
    if (recognised) {
        bool twice = false;
        const char *text = (const char *)shape.sql.data;
        check(shape.sql.len == strlen(text) + 1, "a text without its end", sql);
        check(shape_read(&again, text, &twice) == STATUS_OK && !twice, "recognised again", text);
        ask_both_ways(sql, &shape);
    }
    shape_release(&shape);
    shape_release(&again);
    return 0;
}
