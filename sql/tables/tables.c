/*
 * tables.c - registration of the tables, and connecting to one.
 *
 * What a connection's tables share is counted: SQLite ends modules, collations and functions
 * one by one when the connection closes, and the last one takes it along.
 */
#include "sql/tables/tables.h"

#include "engine/base/mem.h"
#include "sql/tables/tables_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* --- what a connection shares ---------------------------------------------------------------- */

struct tables *tables_ref(struct tables *tables)
{
    tables->references++;
    return tables;
}

void tables_unref(void *client)
{
    struct tables *tables = client;
    if (--tables->references > 0)
        return;
    if (tables->held)
        tables_release(tables);
    parts_free(tables->parts);
    alias_list_release(&tables->aliases);
    filter_release(&tables->filter);
    mem_free(tables->dir);
    mem_free(tables);
}

static bool set_dir(struct tables *tables, const char *dir)
{
    const size_t size = strlen(dir) + 1;
    char *copy = mem_alloc(size, 1);
    if (!copy)
        return false;
    memcpy(copy, dir, size);
    mem_free(tables->dir);
    tables->dir = copy;
    return true;
}

/* mnsdb_open(DIR): which store the eponymous tables show, until the first of them is used. */
static void choose_store(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    struct tables *tables = sqlite3_user_data(context);
    const unsigned char *dir = sqlite3_value_text(values[0]);
    if (!dir)
        sqlite3_result_error(context, "mnsdb_open: a directory is wanted", -1);
    else if (!set_dir(tables, (const char *)dir))
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_value(context, values[0]);
}

static enum status refused(const struct tables *tables, struct error *err)
{
    return error_set(err, STATUS_INPUT, "SQLite: %s", sqlite3_errmsg(tables->db));
}

const struct alias_list *tables_aliases(const struct tables *tables)
{
    return tables->options.configured ? &tables->aliases : tables->options.aliases;
}

static enum status read_values(struct tables *tables, struct error *err)
{
    for (size_t i = 0; i < tables->options.expression_count; i++) {
        struct filter_place place = {0};
        TRY(filter_add(&tables->filter, tables->options.expressions[i], &place, err));
    }
    return tables->options.configured ? alias_list_configure(&tables->aliases, err) : STATUS_OK;
}

static enum status register_all(struct tables *tables, struct error *err)
{
    // The kind is the client data of a module; what the connection shares is found through it.
    for (size_t i = 0; i < SUBJECT_PARTS; i++) {
        if (sqlite3_create_module_v2(tables->db, table_kinds[i].name, table_kinds[i].module,
                                     tables_ref(tables), tables_unref) != SQLITE_OK)
            return refused(tables, err);
    }
    TRY(tables_register_functions(tables, err));
    if (!tables->options.may_choose_store)
        return STATUS_OK;
    if (sqlite3_create_function_v2(tables->db, "mnsdb_open", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                   tables_ref(tables), choose_store, NULL, NULL,
                                   tables_unref) != SQLITE_OK)
        return refused(tables, err);
    return STATUS_OK;
}

enum status tables_register(sqlite3 *db, const struct tables_options *options,
                            struct tables **registered, struct error *err)
{
    struct tables *tables = mem_alloc_zeroed(1, sizeof *tables);
    if (!tables || !set_dir(tables, options->dir)) {
        mem_free(tables);
        return error_set(err, STATUS_NOMEM, "no memory for the tables of the store");
    }
    tables->db = db;
    tables->options = *options;
    tables->options.dir = NULL;
    (void)tables_ref(tables); // lest a failure half way ends it
    enum status status = read_values(tables, err);
    if (status == STATUS_OK)
        status = register_all(tables, err);
    *registered = status == STATUS_OK ? tables : NULL;
    tables_unref(tables);
    return status;
}

enum status tables_hold(struct tables *tables, struct error *err)
{
    assert(!tables->held);
    struct table_store *store = NULL;
    TRY(table_store_enter(tables, tables->dir, &store, err));
    const enum status status = table_store_hold(store, err);
    if (status != STATUS_OK) {
        table_store_leave(store);
        return status;
    }
    tables->held = store;
    return STATUS_OK;
}

void tables_release(struct tables *tables)
{
    assert(tables->held);
    table_store_release(tables->held);
    table_store_leave(tables->held);
    tables->held = NULL;
}

const struct view *tables_view(const struct tables *tables)
{
    assert(tables->held);
    return &tables->held->view;
}

const struct error *tables_failure(const struct tables *tables)
{
    return &tables->failure;
}

void tables_forget_failure(struct tables *tables)
{
    tables->failure = (struct error){0};
}

const struct scan_statistics *tables_statistics(const struct tables *tables)
{
    return &tables->statistics;
}

/* --- connecting ------------------------------------------------------------------------------ */

static int code_of(enum status status)
{
    switch (status) {
    case STATUS_NOMEM:
        return SQLITE_NOMEM;
    case STATUS_CORRUPT:
        return SQLITE_CORRUPT_VTAB;
    case STATUS_IO:
        return SQLITE_IOERR;
    case STATUS_MISSING:
        return SQLITE_CANTOPEN;
    case STATUS_LOCKED:
        return SQLITE_BUSY;
    case STATUS_OK:
    case STATUS_FULL:
    case STATUS_VERSION:
    case STATUS_CONFIG:
    case STATUS_INPUT:
    case STATUS_STOPPED:
        break;
    }
    return SQLITE_ERROR;
}

/* What failed for memory may have left no message. */
static void remember(struct tables *tables, enum status status, const struct error *err)
{
    tables->failure = *err;
    if (err->status == STATUS_OK)
        (void)error_set(&tables->failure, status, "%s", status_text(status));
}

int table_fail(struct sql_table *table, enum status status, const struct error *err)
{
    remember(table->tables, status, err);
    if (status != STATUS_NOMEM) {
        sqlite3_free(table->base.zErrMsg);
        table->base.zErrMsg = sqlite3_mprintf("%s", table->tables->failure.message);
    }
    return code_of(status);
}

/* SQLite hands on arguments as they were written: 'it''s', "it", it. */
static char *unquote(const char *text)
{
    const size_t len = strlen(text);
    char *plain = mem_alloc(len + 1, 1);
    if (!plain)
        return NULL;
    const char quote = text[0];
    if (len < 2 || (quote != '\'' && quote != '"') || text[len - 1] != quote) {
        memcpy(plain, text, len + 1);
        return plain;
    }
    size_t to = 0;
    for (size_t i = 1; i + 1 < len; i++) {
        plain[to++] = text[i];
        if (text[i] == quote && text[i + 1] == quote && i + 2 < len)
            i++;
    }
    plain[to] = '\0';
    return plain;
}

static const struct table_kind *find_kind(const char *name)
{
    size_t i = 0;
    while (i + 1 < SUBJECT_COUNT && sqlite3_stricmp(table_kinds[i].name, name) != 0)
        i++;
    return &table_kinds[i];
}

/* argv: the module, the database, the table, its arguments. */
static enum status open_table(struct sql_table *table, int argc, const char *const *argv,
                              struct error *err)
{
    struct tables *tables = table->tables;
    if (argc > 4 || (argc > 3 && !tables->options.may_choose_store))
        return error_set(err, STATUS_INPUT, "%s takes one argument, the directory of a store",
                         argv[0]);
    if (argc <= 3)
        return table_store_enter(tables, tables->dir, &table->store, err);
    OWNED(mem_free_owned) char *dir = unquote(argv[3]);
    if (!dir)
        return error_set(err, STATUS_NOMEM, "no memory to open a store");
    return table_store_enter(tables, dir, &table->store, err);
}

static enum status declare(struct sql_table *table, sqlite3 *db, struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    TRY(table_declare(table, &text, err));
    if (sqlite3_declare_vtab(db, (const char *)text.data) != SQLITE_OK)
        return error_set(err, STATUS_INPUT, "%s: %s", table->kind->name, sqlite3_errmsg(db));
    return STATUS_OK;
}

int table_connect(sqlite3 *db, void *client, int argc, const char *const *argv,
                  sqlite3_vtab **connected, char **message)
{
    struct error err = {0};
    struct sql_table *table = mem_alloc_zeroed(1, sizeof *table);
    if (!table)
        return SQLITE_NOMEM;
    table->tables = client;
    table->kind = find_kind(argv[0]);
    enum status status = open_table(table, argc, argv, &err);
    if (status == STATUS_OK)
        status = declare(table, db, &err);
    if (status == STATUS_OK) {
        if (table->kind->subject == SUBJECT_READINGS && argc <= 3)
            table->tables->readings = table;
        *connected = &table->base;
        return SQLITE_OK;
    }
    remember(table->tables, status, &err);
    *message = sqlite3_mprintf("%s", table->tables->failure.message);
    (void)table_disconnect(&table->base);
    return code_of(status);
}

int table_disconnect(sqlite3_vtab *base)
{
    struct sql_table *table = (struct sql_table *)base;
    if (table->tables->readings == table)
        table->tables->readings = NULL;
    table_store_leave(table->store);
    mem_free(table->metrics);
    buffer_release(&table->column_names);
    buffer_release(&table->variants);
    mem_free(table);
    return SQLITE_OK;
}
