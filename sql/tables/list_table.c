/*
 * list_table.c - `sessions`, `devices`, `metrics`, `rejects`: rows of an answer.
 *
 * The first three are made as a whole by the queries behind the commands of their names, for the
 * devices that the constraints leave. Rejected bodies may be large and many: they come a page
 * at a time.
 *
 * A row must have the same number whatever devices were asked for (see row_numbers.c). A device's
 * sessions are all there or none, so that a session is told by its device and its place there.
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"
#include "query/listing/listing.h"
#include "query/online/online.h"
#include "query/selection/selection.h"

#include <assert.h>

#define PAGE_BYTES ((size_t)4 << 20)

struct list_cursor {
    sqlite3_vtab_cursor base; /* first */
    struct sql_table *table;
    struct row_filter filter;
    struct answer answer; /* the page at hand */
    size_t row;
    sqlite3_int64 row_number; /* from the start of the list */
    uint32_t *sessions_seen;  /* owned; `sessions`: of each device, up to the row at hand */
    bool more;                /* rejects: there may be another page */
    uint64_t next_sequence;
    size_t page_bytes;
    struct error *err; /* while reading a page */
};

static int list_open(sqlite3_vtab *base, sqlite3_vtab_cursor **opened)
{
    struct sql_table *table = (struct sql_table *)base;
    struct error err = {0};
    const enum status status = table_store_hold(table->store, &err);
    if (status != STATUS_OK)
        return table_fail(table, status, &err);
    struct list_cursor *cursor = mem_alloc_zeroed(1, sizeof *cursor);
    if (!cursor) {
        table_store_release(table->store);
        return SQLITE_NOMEM;
    }
    cursor->table = table;
    *opened = &cursor->base;
    return SQLITE_OK;
}

static int list_close(sqlite3_vtab_cursor *base)
{
    struct list_cursor *cursor = (struct list_cursor *)base;
    table_store_release(cursor->table->store);
    row_filter_release(&cursor->filter);
    answer_release(&cursor->answer);
    mem_free(cursor->sessions_seen);
    mem_free(cursor);
    return SQLITE_OK;
}

/* --- rejects --------------------------------------------------------------------------------- */

static enum status put_reject(struct list_cursor *cursor, const struct kept_reject *reject)
{
    struct answer *answer = &cursor->answer;
    struct answer_cell *cell = NULL;
    TRY(answer_add_row(answer, &cell, cursor->err));
    const struct slice body = arena_copy(&answer->arena, reject->body);
    const struct slice detail = arena_copy(&answer->arena, reject->detail);
    if (!body.data || !detail.data)
        return error_set(cursor->err, STATUS_NOMEM, "no memory for a rejected body");
    cell[0] = cell_of_text(slice_of_text(reject_reason_word(reject->reason)));
    if (detail.len > 0)
        cell[1] = cell_of_text(detail);
    if (reject->has_id)
        cell[2] = cell_of_id(reject->id);
    cell[3] = cell_of_time(reject->received_ms);
    cell[4] = cell_of_text(body);
    return STATUS_OK;
}

static enum status take_reject(void *context, const struct kept_reject *reject)
{
    struct list_cursor *cursor = context;
    if (cursor->page_bytes >= PAGE_BYTES) {
        cursor->more = true;
        return STATUS_STOPPED;
    }
    cursor->next_sequence = reject->sequence + 1;
    cursor->page_bytes += reject->body.len + reject->detail.len + 5 * sizeof(struct answer_cell);
    return put_reject(cursor, reject);
}

static enum status rejects_page(struct list_cursor *cursor, struct error *err)
{
    static const char *const fields[] = {"reason", "detail", "messageid", "received_at", "body"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        TRY(answer_add_field(&cursor->answer, fields[i], CELL_TEXT, err));
    cursor->err = err;
    cursor->more = false;
    cursor->page_bytes = 0;
    const enum status status = snapshot_rejects(cursor->table->store->snapshot,
                                                cursor->next_sequence, take_reject, cursor, err);
    return cursor->more && status == STATUS_STOPPED ? STATUS_OK : status;
}

/* --- lists ----------------------------------------------------------------------------------- */

/* The devices of the filter as a selection, which borrows its bits. */
static enum status select_devices(struct selection *selection, const struct list_cursor *cursor,
                                  struct error *err)
{
    const struct snapshot *snapshot = cursor->table->store->snapshot;
    const uint64_t *bits = cursor->filter.device_bits;
    *selection = (struct selection){.from_ms = TIME_MS_MIN, .until_ms = TIME_MS_MAX};
    selection->device_bits = cursor->filter.device_bits;
    for (uint32_t device = 0; device < snapshot_device_count(snapshot); device++)
        selection->device_count += device_bit(bits, device);
    return selection_sort(selection, snapshot, err);
}

static enum status query_list(struct list_cursor *cursor, const struct selection *selection,
                              struct error *err)
{
    struct snapshot *snapshot = cursor->table->store->snapshot;
    struct scan_statistics *statistics = &cursor->table->tables->statistics;
    const enum table_subject subject = cursor->table->kind->subject;
    if (subject == SUBJECT_DEVICES)
        return devices_query(snapshot, selection, &cursor->answer, statistics, err);
    if (subject == SUBJECT_METRICS)
        return metrics_query(snapshot, selection, &cursor->answer, statistics, err);
    assert(subject == SUBJECT_SESSIONS);
    const struct online_spec spec = {.selection = selection};
    return sessions_query(snapshot, &spec, &cursor->answer, statistics, err);
}

static enum status make_list(struct list_cursor *cursor, struct error *err)
{
    struct selection selection = {0};
    enum status status = select_devices(&selection, cursor, err);
    if (status == STATUS_OK)
        status = query_list(cursor, &selection, err);
    mem_free(selection.devices); // the bits are the filter's
    return status;
}

static enum status read_page(struct list_cursor *cursor, struct error *err)
{
    answer_release(&cursor->answer);
    cursor->row = 0;
    if (cursor->filter.nothing)
        return STATUS_OK;
    return cursor->table->kind->subject == SUBJECT_REJECTS ? rejects_page(cursor, err)
                                                           : make_list(cursor, err);
}

/* --- the cursor ------------------------------------------------------------------------------ */

static int fail(struct list_cursor *cursor, enum status status, const struct error *err)
{
    answer_release(&cursor->answer);
    cursor->row = 0;
    return table_fail(cursor->table, status, err);
}

/* The device of the row at hand, in the tables that have devices. */
static uint32_t device_of(struct list_cursor *cursor)
{
    const struct answer_cell *cell = answer_cells(&cursor->answer, cursor->row);
    uint32_t device = 0;
    const bool found = table_store_find(cursor->table->store, cell_text(cell), &device);
    assert(found);
    (void)found;
    return device;
}

static void note_session(struct list_cursor *cursor)
{
    if (cursor->sessions_seen && cursor->row < cursor->answer.row_count)
        cursor->sessions_seen[device_of(cursor)]++;
}

static enum status begin_numbers(struct list_cursor *cursor, struct error *err)
{
    mem_free(cursor->sessions_seen);
    cursor->sessions_seen = NULL;
    cursor->row_number = 1;
    if (cursor->table->kind->subject != SUBJECT_SESSIONS)
        return STATUS_OK;
    const uint32_t count = snapshot_device_count(cursor->table->store->snapshot);
    cursor->sessions_seen = mem_alloc_zeroed(count, sizeof *cursor->sessions_seen);
    if (!cursor->sessions_seen)
        return error_set(err, STATUS_NOMEM, "no memory for the list of sessions");
    note_session(cursor);
    return STATUS_OK;
}

static int list_filter(sqlite3_vtab_cursor *base, int plan, const char *terms, int count,
                       sqlite3_value **values)
{
    (void)plan;
    (void)count;
    struct list_cursor *cursor = (struct list_cursor *)base;
    struct error err = {0};
    cursor->next_sequence = 0;
    cursor->more = false;
    enum status status = row_filter_read(&cursor->filter, cursor->table, terms, values, &err);
    if (status == STATUS_OK)
        status = read_page(cursor, &err);
    if (status == STATUS_OK)
        status = begin_numbers(cursor, &err);
    return status == STATUS_OK ? SQLITE_OK : fail(cursor, status, &err);
}

static int list_next(sqlite3_vtab_cursor *base)
{
    struct list_cursor *cursor = (struct list_cursor *)base;
    struct error err = {0};
    cursor->row_number++;
    if (++cursor->row < cursor->answer.row_count || !cursor->more) {
        note_session(cursor);
        return SQLITE_OK;
    }
    const enum status status = read_page(cursor, &err);
    return status == STATUS_OK ? SQLITE_OK : fail(cursor, status, &err);
}

static int list_eof(sqlite3_vtab_cursor *base)
{
    const struct list_cursor *cursor = (struct list_cursor *)base;
    return cursor->row >= cursor->answer.row_count;
}

static void put_cell(const struct tables *tables, sqlite3_context *context, enum column_form form,
                     const struct answer_cell *cell)
{
    switch (form) {
    case FORM_TEXT:
        tables_result_text(context, cell_text(cell));
        break;
    case FORM_PRODUCT:
        tables_result_text(context, device_product(cell_text(cell)));
        break;
    case FORM_NAME:
        tables_result_text(context, device_short_name(cell_text(cell)));
        break;
    case FORM_TIME:
        tables_result_time(tables, context, cell->integer);
        break;
    case FORM_INTEGER:
        sqlite3_result_int64(context, cell->integer);
        break;
    case FORM_REAL:
        sqlite3_result_double(context, exact_to_double(cell_number(cell)));
        break;
    case FORM_ID:
        tables_result_id(context, cell->id);
        break;
    case FORM_BLOB:
        // A page ends with the next one: the value may have to live longer.
        sqlite3_result_blob64(context, cell->text_len > 0 ? (const void *)cell->text : "",
                              cell->text_len, SQLITE_TRANSIENT);
        break;
    }
}

static int list_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int number)
{
    struct list_cursor *cursor = (struct list_cursor *)base;
    const struct table_column *column = &cursor->table->kind->columns[number];
    const struct answer_cell *cell = &answer_cells(&cursor->answer, cursor->row)[column->cell];
    if (cell->kind != CELL_NULL)
        put_cell(cursor->table->tables, context, column->form, cell);
    return SQLITE_OK;
}

static int list_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *row_number)
{
    struct list_cursor *cursor = (struct list_cursor *)base;
    const enum table_subject subject = cursor->table->kind->subject;
    *row_number = cursor->row_number;
    if (subject == SUBJECT_DEVICES || subject == SUBJECT_SESSIONS) {
        const uint32_t device = device_of(cursor);
        const uint32_t place = cursor->sessions_seen ? cursor->sessions_seen[device] : 0;
        *row_number = (sqlite3_int64)device << 32 | place;
    }
    return SQLITE_OK;
}

const sqlite3_module list_table_module = {
    .iVersion = 1,
    .xCreate = table_connect,
    .xConnect = table_connect,
    .xBestIndex = table_best_index,
    .xDisconnect = table_disconnect,
    .xDestroy = table_disconnect,
    .xOpen = list_open,
    .xClose = list_close,
    .xFilter = list_filter,
    .xNext = list_next,
    .xEof = list_eof,
    .xColumn = list_column,
    .xRowid = list_rowid,
};
