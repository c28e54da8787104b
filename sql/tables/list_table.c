/*
 * list_table.c - tables that are lists: rows of an answer.
 *
 * All but `rejects` are made as a whole by the queries behind the commands of their names, for the
 * devices that the constraints leave (question.c). Rejected bodies may be large and many: they
 * come a page at a time.
 *
 * A row must have the same number whatever devices were asked for (see row_numbers.c). A device's
 * sessions are all there or none, so that a session is told by its device, its place there and the
 * parameters of the table.
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"
#include "query/selection/selection.h"

#include <assert.h>

#define PAGE_BYTES ((size_t)4 << 20)

struct list_cursor {
    sqlite3_vtab_cursor base; /* first */
    struct sql_table *table;
    struct row_filter filter;
    struct parameters parameters;
    unsigned columns;                 /* a bit for each that is used */
    uint8_t cells[TABLE_COLUMNS_MAX]; /* of the answer, by column */
    struct answer answer;             /* the page at hand */
    size_t row;
    sqlite3_int64 row_number; /* from the start of the list */
    uint32_t
        *spans_seen;  /* owned; `sessions`, `excursions`: of each device, up to the row at hand */
    bool has_variant; /* of the parameters, for numbers of rows */
    uint32_t variant;
    bool more; /* rejects: there may be another page */
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
    for (uint32_t i = 0; i < table->kind->column_count; i++)
        cursor->cells[i] = table->kind->columns[i].cell;
    table_cursor_opened(table);
    *opened = &cursor->base;
    return SQLITE_OK;
}

static int list_close(sqlite3_vtab_cursor *base)
{
    struct list_cursor *cursor = (struct list_cursor *)base;
    table_cursor_closed(cursor->table);
    table_store_release(cursor->table->store);
    row_filter_release(&cursor->filter);
    parameters_release(&cursor->parameters);
    answer_release(&cursor->answer);
    mem_free(cursor->spans_seen);
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

/* --- pages ----------------------------------------------------------------------------------- */

static enum status make_list(struct list_cursor *cursor, struct error *err)
{
    if (cursor->table->kind->subject == SUBJECT_PARTS)
        return parts_ask(cursor->table, &cursor->filter, cursor->cells, &cursor->answer, err);
    const struct question question = {.table = cursor->table,
                                      .filter = &cursor->filter,
                                      .parameters = &cursor->parameters,
                                      .columns = cursor->columns,
                                      .cells = cursor->cells};
    return question_ask(&question, &cursor->answer, err);
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

static void note_span(struct list_cursor *cursor)
{
    if (cursor->spans_seen && cursor->row < cursor->answer.row_count)
        cursor->spans_seen[device_of(cursor)]++;
}

static bool has_spans(const struct list_cursor *cursor)
{
    const enum table_subject subject = cursor->table->kind->subject;
    return subject == SUBJECT_SESSIONS || subject == SUBJECT_EXCURSIONS;
}

static enum status begin_numbers(struct list_cursor *cursor, struct error *err)
{
    mem_free(cursor->spans_seen);
    cursor->spans_seen = NULL;
    cursor->row_number = 1;
    if (!has_spans(cursor))
        return STATUS_OK;
    const uint32_t count = snapshot_device_count(cursor->table->store->snapshot);
    cursor->spans_seen = mem_alloc_zeroed(count, sizeof *cursor->spans_seen);
    if (!cursor->spans_seen)
        return error_set(err, STATUS_NOMEM, "no memory to count the rows of devices");
    note_span(cursor);
    return STATUS_OK;
}

static int list_filter(sqlite3_vtab_cursor *base, int plan, const char *terms, int count,
                       sqlite3_value **values)
{
    (void)count;
    struct list_cursor *cursor = (struct list_cursor *)base;
    struct error err = {0};
    cursor->next_sequence = 0;
    cursor->more = false;
    cursor->columns = (unsigned)plan;
    cursor->has_variant = false;
    enum status status = row_filter_read(&cursor->filter, cursor->table, terms, values, &err);
    if (status == STATUS_OK)
        status = parameters_read(&cursor->parameters, terms, values, &err);
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
        note_span(cursor);
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

static int list_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int number)
{
    struct list_cursor *cursor = (struct list_cursor *)base;
    const struct table_column *column = &cursor->table->kind->columns[number];
    if (column->form == FORM_PARAMETER) {
        if (cursor->parameters.values[column->role])
            sqlite3_result_value(context, cursor->parameters.values[column->role]);
        return SQLITE_OK;
    }
    if (cursor->cells[number] == QUESTION_NO_CELL)
        return cursor->table->kind->subject == SUBJECT_PARTS ? SQLITE_ERROR : SQLITE_OK;
    const struct answer_cell *cell =
        &answer_cells(&cursor->answer, cursor->row)[cursor->cells[number]];
    if (cell->kind != CELL_NULL)
        tables_result_cell(cursor->table->tables, context, column->form, cell);
    return SQLITE_OK;
}

/* A number for what the row at hand is about: a device, a product, or all. */
static uint32_t group_of(struct list_cursor *cursor)
{
    const struct table_store *store = cursor->table->store;
    const struct answer *answer = &cursor->answer;
    if (answer_find_column(answer, slice_of_text("device")) == 0)
        return device_of(cursor) + 1;
    if (answer_find_column(answer, slice_of_text("product")) != 0)
        return 0;
    const struct slice product = cell_text(answer_cells(&cursor->answer, cursor->row));
    const uint32_t count = snapshot_device_count(store->snapshot);
    uint32_t device = 0; // the first of the product
    while (device < count &&
           !slice_equal(device_product(snapshot_device_name(store->snapshot, device)), product))
        device++;
    return device + 1;
}

static enum status find_variant(struct list_cursor *cursor)
{
    OWNED(buffer_release) struct buffer text = {0};
    TRY(parameters_describe(&cursor->parameters, &text));
    TRY(table_variant_of(cursor->table, buffer_slice(&text), &cursor->variant));
    cursor->has_variant = true;
    return STATUS_OK;
}

/* Rows of a table with parameters: which parameters, what about, which bucket or span. */
static enum status number_row(struct list_cursor *cursor, int64_t *number)
{
    if (!cursor->has_variant)
        TRY(find_variant(cursor));
    const uint32_t group = group_of(cursor);
    struct row_identity key = {.message_id = (uint64_t)cursor->variant << 32 | group};
    const size_t time = answer_find_column(&cursor->answer, slice_of_text("time"));
    if (has_spans(cursor))
        key.time_ms = cursor->spans_seen[group - 1];
    else if (time != SIZE_MAX)
        key.time_ms = answer_cells(&cursor->answer, cursor->row)[time].integer;
    return row_numbers_of(&cursor->table->numbers, key, number);
}

static int list_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *row_number)
{
    struct list_cursor *cursor = (struct list_cursor *)base;
    int64_t number = cursor->row_number;
    switch (cursor->table->kind->subject) {
    case SUBJECT_DEVICES:
        number = device_of(cursor);
        break;
    case SUBJECT_SESSIONS:
    case SUBJECT_STATS:
    case SUBJECT_ONLINE:
    case SUBJECT_EXCURSIONS:
        if (number_row(cursor, &number) != STATUS_OK)
            return SQLITE_NOMEM;
        break;
    case SUBJECT_METRICS:
    case SUBJECT_REJECTS:
    case SUBJECT_READINGS:
    case SUBJECT_STATUS:
    case SUBJECT_PARTS:
    case SUBJECT_COUNT:
        break;
    }
    *row_number = number;
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
