/*
 * declare.c - the columns of a table, told to SQLite as it wants to hear them.
 *
 * `readings` has a column for each metric that the store has when the table is first used, by
 * name. SQLite takes letters of either case for the same, so that names may collide that the
 * store tells apart: as everywhere, the later one is then written metric:NAME.
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"
#include "engine/name_order/name_order.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "metric:"

/* A NUL would end the declaration. */
static const char *const shown_nul = "\\0";

struct declaration {
    struct buffer *out;  /* borrowed */
    struct buffer names; /* owned; lower-case names declared so far, each ending in NUL */
    size_t *sorted;      /* owned; places in `names`, in byte order */
    size_t count;
    size_t capacity;
};

static void release(struct declaration *declaration)
{
    buffer_release(&declaration->names);
    mem_free(declaration->sorted);
}

static enum status append(struct buffer *out, const char *text)
{
    return buffer_append(out, text, strlen(text));
}

/* Where `name` stands among the names declared, or would; *found tells which. */
static size_t place_of(const struct declaration *declaration, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = declaration->count;
    *found = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *other = (const char *)declaration->names.data + declaration->sorted[middle];
        const int order = strcmp(other, name);
        *found = order == 0;
        if (*found)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The name's letters in lower case (only ASCII's, as in SQLite), with a NUL. */
static enum status lower(struct slice name, struct buffer *out)
{
    buffer_clear(out);
    TRY(buffer_reserve(out, name.len + 1));
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t byte = name.data[i];
        buffer_put_u8(out, byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte);
    }
    buffer_put_u8(out, '\0');
    return STATUS_OK;
}

static enum status enter(struct declaration *declaration, const struct buffer *name, size_t at)
{
    TRY(mem_grow(&declaration->sorted, &declaration->capacity, declaration->count + 1,
                 sizeof *declaration->sorted));
    const size_t start = declaration->names.len;
    TRY(buffer_append(&declaration->names, name->data, name->len));
    memmove(declaration->sorted + at + 1, declaration->sorted + at,
            (declaration->count - at) * sizeof *declaration->sorted);
    declaration->sorted[at] = start;
    declaration->count++;
    return STATUS_OK;
}

static enum status put_quoted(struct buffer *out, struct slice name)
{
    TRY(append(out, "\""));
    for (size_t i = 0; i < name.len; i++)
        TRY(buffer_append(out, name.data[i] == '"' ? "\"\"" : (const char *)&name.data[i],
                          name.data[i] == '"' ? 2 : 1));
    return append(out, "\"");
}

/* Adds `"name" type`, prefixed until no other column has the name. */
static enum status add_column(struct declaration *declaration, struct slice name, const char *type)
{
    OWNED(buffer_release) struct buffer unique = {0};
    OWNED(buffer_release) struct buffer lowered = {0};
    for (size_t i = 0; i < name.len; i++)
        TRY(name.data[i] == '\0' ? append(&unique, shown_nul)
                                 : buffer_append(&unique, &name.data[i], 1));
    size_t at = 0;
    for (bool found = true; found;) {
        TRY(lower(buffer_slice(&unique), &lowered));
        at = place_of(declaration, (const char *)lowered.data, &found);
        if (!found)
            break;
        const size_t len = unique.len;
        TRY(buffer_append(&unique, PREFIX, sizeof PREFIX - 1));
        memmove(unique.data + sizeof PREFIX - 1, unique.data, len);
        memcpy(unique.data, PREFIX, sizeof PREFIX - 1);
    }
    TRY(append(declaration->out, declaration->count > 0 ? ", " : ""));
    TRY(put_quoted(declaration->out, buffer_slice(&unique)));
    TRY(append(declaration->out, " "));
    TRY(append(declaration->out, type));
    return enter(declaration, &lowered, at);
}

/* As many metrics as SQLite takes columns, the first by name. */
static enum status add_metrics(struct declaration *declaration, struct sql_table *table)
{
    const struct snapshot *snapshot = table->store->snapshot;
    const struct view *view = &table->store->view;
    const uint32_t known = snapshot_metric_count(snapshot);
    const int limit = sqlite3_limit(table->tables->db, SQLITE_LIMIT_COLUMN, -1);
    const uint32_t room = limit > ROW_FIXED ? (uint32_t)limit - ROW_FIXED : 0;
    OWNED(mem_free_owned) struct slice *names = mem_alloc(known, sizeof *names);
    OWNED(mem_free_owned) uint32_t *shown = mem_alloc(known, sizeof *shown);
    uint32_t count = 0;
    table->metrics = mem_alloc(known, sizeof *table->metrics);
    if (!names || !shown || !table->metrics)
        return STATUS_NOMEM;
    for (uint32_t metric = 0; metric < known; metric++) {
        if (!view_shows(view, metric))
            continue;
        names[count] = view_metric_name(view, snapshot, metric);
        shown[count++] = metric;
    }
    TRY(name_order(names, count, table->metrics));
    table->metric_count = count < room ? count : room;
    for (uint32_t i = 0; i < table->metric_count; i++) {
        TRY(add_column(declaration, names[table->metrics[i]], "REAL"));
        table->metrics[i] = shown[table->metrics[i]];
    }
    return STATUS_OK;
}

static enum status put_all(struct declaration *declaration, struct sql_table *table)
{
    TRY(append(declaration->out, "create table declared("));
    for (uint32_t i = 0; i < table->kind->column_count; i++) {
        const struct table_column *column = &table->kind->columns[i];
        TRY(add_column(declaration, slice_of_text(column->name), column->type));
    }
    if (table->kind->subject == SUBJECT_READINGS)
        TRY(add_metrics(declaration, table));
    return buffer_append(declaration->out, ")", sizeof ")");
}

enum status table_declare(struct sql_table *table, struct buffer *out, struct error *err)
{
    OWNED(release) struct declaration declaration = {.out = out};
    if (put_all(&declaration, table) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the columns of %s", table->kind->name);
    table->column_names = declaration.names;
    declaration.names = (struct buffer){0};
    return STATUS_OK;
}

bool table_find_column(const struct sql_table *table, struct slice name, uint32_t *column)
{
    const char *names = (const char *)table->column_names.data;
    *column = 0;
    for (size_t at = 0; at < table->column_names.len; ++*column) {
        const size_t len = strlen(names + at);
        if (len == name.len && sqlite3_strnicmp(names + at, (const char *)name.data, (int)len) == 0)
            return true;
        at += len + 1;
    }
    return false;
}
