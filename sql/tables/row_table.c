/*
 * row_table.c - `readings` and `status`: a cursor over decoded blocks.
 *
 *      xFilter    constraints ──▶ filter; the scan opens; nothing is decoded yet
 *      xNext      the next row of the run at hand, or the next run, or the next device
 *      xColumn    straight out of the decoded columns, values as doubles 64 at a time
 *
 * So a statement that stops early reads no further, and memory holds a block of each part that
 * is read side by side, whatever the size of the answer.
 *
 * In order of names a scan is of one device, and there is one after the other. Where only distinct
 * devices are asked for, it ends with the device's first row.
 *
 * With aliases or expressions in force, runs are looked at through a lens (query/view).
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"
#include "query/selection/selection.h"
#include "query/view/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_ROWS 64u
#define NO_CHUNK   UINT32_MAX

/* A column of the table in the run at hand. */
struct row_slot {
    const struct column_vector *column; /* NULL: not in the run */
    double *values;                     /* of CHUNK_ROWS rows; borrowed from the cursor's */
    uint64_t odd;                       /* rows of the chunk whose value is not in `values` */
    uint32_t chunk;                     /* which chunk they are of; NO_CHUNK: none yet */
};

struct row_cursor {
    sqlite3_vtab_cursor base; /* first */
    struct sql_table *table;
    struct scan_cursor *scan; /* owned */
    struct row_filter filter;
    uint32_t *metrics; /* owned; to decode, ascending */
    uint32_t *slot_of; /* owned; parallel: whose slot each has */
    uint32_t metric_count;
    struct row_slot *slots; /* owned; by column from ROW_FIXED */
    uint32_t slot_count;
    double *values; /* owned; of the slots that are decoded */
    struct scan_spec spec;
    struct view_lens *lens; /* owned; NULL: rows are seen as they are stored */
    uint64_t *one_device;   /* owned; ORDER_NAMES: bits of the device at hand */
    uint32_t next_name;     /* ORDER_NAMES: place in the store's list of devices by name */
    bool by_names;
    bool distinct;                 /* one row of each device */
    const struct row_vector *rows; /* NULL: the end */
    uint32_t row, until;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory to read the store");
}

static int fail(struct row_cursor *cursor, enum status status, const struct error *err)
{
    cursor->rows = NULL;
    return table_fail(cursor->table, status, err);
}

/* --- open and close -------------------------------------------------------------------------- */

static void free_cursor(struct row_cursor *cursor)
{
    if (cursor->scan)
        scan_cursor_count(cursor->scan, &cursor->table->tables->statistics);
    scan_cursor_free(cursor->scan);
    view_lens_free(cursor->lens);
    row_filter_release(&cursor->filter);
    mem_free(cursor->metrics);
    mem_free(cursor->slot_of);
    mem_free(cursor->slots);
    mem_free(cursor->values);
    mem_free(cursor->one_device);
    mem_free(cursor);
}

static enum status make_cursor(struct row_cursor *cursor, struct error *err)
{
    const struct sql_table *table = cursor->table;
    cursor->slot_count = table->kind->subject == SUBJECT_READINGS ? table->metric_count : 2;
    cursor->metrics = mem_alloc(cursor->slot_count, sizeof *cursor->metrics);
    cursor->slot_of = mem_alloc(cursor->slot_count, sizeof *cursor->slot_of);
    cursor->slots = mem_alloc_zeroed(cursor->slot_count, sizeof *cursor->slots);
    if (!cursor->metrics || !cursor->slot_of || !cursor->slots)
        return no_memory(err);
    return scan_cursor_new(&cursor->scan, table->store->snapshot, err);
}

static int row_open(sqlite3_vtab *base, sqlite3_vtab_cursor **opened)
{
    struct sql_table *table = (struct sql_table *)base;
    struct error err = {0};
    enum status status = table_store_hold(table->store, &err);
    if (status != STATUS_OK)
        return table_fail(table, status, &err);
    struct row_cursor *cursor = mem_alloc_zeroed(1, sizeof *cursor);
    if (!cursor) {
        table_store_release(table->store);
        return SQLITE_NOMEM;
    }
    cursor->table = table;
    status = make_cursor(cursor, &err);
    if (status != STATUS_OK) {
        free_cursor(cursor);
        table_store_release(table->store);
        return table_fail(table, status, &err);
    }
    table_cursor_opened(table);
    *opened = &cursor->base;
    return SQLITE_OK;
}

static int row_close(sqlite3_vtab_cursor *base)
{
    struct row_cursor *cursor = (struct row_cursor *)base;
    struct sql_table *table = cursor->table;
    free_cursor(cursor);
    table_cursor_closed(table);
    table_store_release(table->store);
    return SQLITE_OK;
}

/* --- moving ---------------------------------------------------------------------------------- */

/* Which of the run's columns is whose. Both lists ascend by metric. */
static void fill_slots(struct row_cursor *cursor)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < cursor->metric_count; i++) {
        while (at < cursor->rows->column_count &&
               cursor->rows->columns[at].metric < cursor->metrics[i])
            at++;
        const bool found = at < cursor->rows->column_count &&
                           cursor->rows->columns[at].metric == cursor->metrics[i];
        struct row_slot *slot = &cursor->slots[cursor->slot_of[i]];
        slot->column = found ? &cursor->rows->columns[at] : NULL;
        slot->chunk = NO_CHUNK;
    }
}

static enum status open_scan(struct row_cursor *cursor, struct error *err)
{
    const struct scan_spec *spec = cursor->lens ? view_lens_spec(cursor->lens) : &cursor->spec;
    return scan_cursor_open(cursor->scan, spec, err);
}

/* Opens the scan of the next selected device; false in *more if there is none. */
static enum status next_device(struct row_cursor *cursor, bool *more, struct error *err)
{
    const struct table_store *store = cursor->table->store;
    if (cursor->next_name > 0) {
        const uint32_t last = store->by_name[cursor->next_name - 1];
        cursor->one_device[last / 64] = 0;
    }
    while (cursor->next_name < store->by_name_count) {
        const uint32_t device = store->by_name[cursor->next_name++];
        if (!device_bit(cursor->filter.device_bits, device))
            continue;
        cursor->one_device[device / 64] = UINT64_C(1) << (device % 64);
        *more = true;
        return open_scan(cursor, err);
    }
    *more = false;
    return STATUS_OK;
}

/* The next run of the scan, as the lens shows it; cursor->rows is NULL at its end. */
static enum status next_of_scan(struct row_cursor *cursor, struct error *err)
{
    for (;;) {
        TRY(scan_cursor_next(cursor->scan, &cursor->rows, &cursor->row, &cursor->until, err));
        if (!cursor->lens || !cursor->rows)
            return STATUS_OK;
        struct view_run run = {cursor->rows, cursor->row, cursor->until};
        TRY(view_lens_rows(cursor->lens, &run, err));
        if (!run.rows)
            continue; // none of them counts
        cursor->rows = run.rows;
        cursor->row = run.from_row;
        cursor->until = run.until_row;
        return STATUS_OK;
    }
}

static enum status next_run(struct row_cursor *cursor, struct error *err)
{
    const bool device_done = cursor->distinct && cursor->rows;
    cursor->rows = NULL;
    for (bool first = true;; first = false) {
        if (!first || !device_done)
            TRY(next_of_scan(cursor, err));
        if (cursor->rows) {
            cursor->until = cursor->distinct ? cursor->row + 1 : cursor->until;
            fill_slots(cursor);
            return STATUS_OK;
        }
        bool more = false;
        if (cursor->by_names)
            TRY(next_device(cursor, &more, err));
        if (!more)
            return STATUS_OK;
    }
}

static int row_next(sqlite3_vtab_cursor *base)
{
    struct row_cursor *cursor = (struct row_cursor *)base;
    if (++cursor->row < cursor->until)
        return SQLITE_OK;
    struct error err = {0};
    const enum status status = next_run(cursor, &err);
    return status == STATUS_OK ? SQLITE_OK : fail(cursor, status, &err);
}

static int row_eof(sqlite3_vtab_cursor *base)
{
    return !((struct row_cursor *)base)->rows;
}

/* --- filter ---------------------------------------------------------------------------------- */

struct wanted_metric {
    uint32_t metric;
    uint32_t slot;
};

static int compare_wanted(const void *left, const void *right)
{
    const struct wanted_metric *a = left;
    const struct wanted_metric *b = right;
    return (a->metric > b->metric) - (a->metric < b->metric);
}

static bool plan_wants(unsigned plan, uint32_t slot)
{
    const uint32_t bit = slot < PLAN_METRICS_SINGLE ? slot : PLAN_METRICS_SINGLE;
    return plan >> (bit + PLAN_METRICS_SHIFT) & 1;
}

/* The metrics that the plan uses, ascending by number, with their columns. */
static enum status choose_metrics(struct row_cursor *cursor, unsigned plan, struct error *err)
{
    OWNED(mem_free_owned)
    struct wanted_metric *wanted = mem_alloc(cursor->slot_count, sizeof *wanted);
    if (!wanted)
        return no_memory(err);
    const struct sql_table *table = cursor->table;
    cursor->metric_count = 0;
    for (uint32_t slot = 0; slot < cursor->slot_count; slot++) {
        cursor->slots[slot] = (struct row_slot){.chunk = NO_CHUNK};
        const bool readings = table->kind->subject == SUBJECT_READINGS;
        if (readings && !plan_wants(plan, slot))
            continue;
        wanted[cursor->metric_count++] =
            (struct wanted_metric){readings ? table->metrics[slot] : slot, slot};
    }
    qsort(wanted, cursor->metric_count, sizeof *wanted, compare_wanted);
    mem_free(cursor->values);
    cursor->values = mem_alloc((size_t)cursor->metric_count * CHUNK_ROWS, sizeof *cursor->values);
    if (!cursor->values)
        return no_memory(err);
    for (uint32_t i = 0; i < cursor->metric_count; i++) {
        cursor->metrics[i] = wanted[i].metric;
        cursor->slot_of[i] = wanted[i].slot;
        cursor->slots[wanted[i].slot].values = cursor->values + (size_t)i * CHUNK_ROWS;
    }
    return STATUS_OK;
}

static enum status begin_names(struct row_cursor *cursor, struct error *err)
{
    cursor->next_name = 0;
    bool more = false;
    TRY(next_device(cursor, &more, err));
    return more ? next_run(cursor, err) : STATUS_OK;
}

static enum status make_device_bits(struct row_cursor *cursor, struct error *err)
{
    const size_t words = snapshot_device_count(cursor->table->store->snapshot) / 64 + 1;
    mem_free(cursor->one_device);
    cursor->one_device = mem_alloc_zeroed(words, sizeof *cursor->one_device);
    return cursor->one_device ? STATUS_OK : no_memory(err);
}

static enum status begin(struct row_cursor *cursor, unsigned plan, struct error *err)
{
    TRY(choose_metrics(cursor, plan, err));
    const unsigned order = plan & PLAN_ORDER_MASK;
    const bool is_status = cursor->table->kind->subject == SUBJECT_STATUS;
    cursor->distinct = order == ORDER_DEVICES;
    cursor->by_names = order == ORDER_NAMES || cursor->distinct;
    if (cursor->by_names)
        TRY(make_device_bits(cursor, err));
    cursor->spec = (struct scan_spec){
        .table = is_status ? TABLE_STATUS : TABLE_READINGS,
        .device_bits = cursor->by_names ? cursor->one_device : cursor->filter.device_bits,
        .from_ms = cursor->filter.from_ms,
        .until_ms = cursor->filter.until_ms,
        .columns = {.metrics = cursor->metrics,
                    .metric_count = cursor->metric_count,
                    .message_ids = true, // for xRowid, which no plan announces
                    .time_sources = (plan & PLAN_TIME_SOURCES) != 0},
        .ordered = order != ORDER_NONE,
    };
    view_lens_free(cursor->lens);
    TRY(view_lens_new(&cursor->lens, &cursor->table->store->view, &cursor->spec, err));
    if (cursor->by_names)
        return begin_names(cursor, err);
    TRY(open_scan(cursor, err));
    return next_run(cursor, err);
}

static int row_filter(sqlite3_vtab_cursor *base, int plan, const char *terms, int count,
                      sqlite3_value **values)
{
    (void)count;
    struct row_cursor *cursor = (struct row_cursor *)base;
    struct error err = {0};
    cursor->rows = NULL;
    enum status status = row_filter_read(&cursor->filter, cursor->table, terms, values, &err);
    if (status == STATUS_OK && !cursor->filter.nothing)
        status = begin(cursor, (unsigned)plan, &err);
    return status == STATUS_OK ? SQLITE_OK : fail(cursor, status, &err);
}

/* --- columns --------------------------------------------------------------------------------- */

/*
 * The doubles nearest to 64 decimals at most. Powers of ten up to 10^22 are doubles themselves, and
 * so are integers up to 2^53: one division or product of such is rounded once. All are divided at
 * once, whether a row has a value or not: what a processor can do side by side is cheaper than
 * looking. Rows of others are told in the result: those of other mantissas, and of 0 where it may
 * stand for an exception.
 */
static uint64_t convert(const int64_t *mantissas, uint32_t count, int exponent, double *values)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int64_t exact = INT64_C(1) << 53;
    uint64_t odd = 0;
    if (exponent < -22 || exponent > 22)
        return UINT64_MAX;
    const double power = powers[exponent < 0 ? -exponent : exponent];
    for (uint32_t i = 0; i < count; i++)
        values[i] = exponent < 0 ? (double)mantissas[i] / power : (double)mantissas[i] * power;
    for (uint32_t i = 0; i < count; i++)
        odd |= (uint64_t)(mantissas[i] < -exact || mantissas[i] > exact) << i;
    return odd;
}

static void fill_chunk(struct row_slot *slot, uint32_t chunk, uint32_t row_count)
{
    const struct column_vector *column = slot->column;
    const uint32_t first = chunk * CHUNK_ROWS;
    const uint32_t count = row_count - first < CHUNK_ROWS ? row_count - first : CHUNK_ROWS;
    slot->odd = convert(column->mantissas + first, count, column->exponent, slot->values);
    for (uint32_t i = 0; i < count && column->exception_count > 0; i++)
        slot->odd |= (uint64_t)(column->mantissas[first + i] == 0) << i;
    slot->chunk = chunk;
}

static void put_value(sqlite3_context *context, struct row_slot *slot, uint32_t row,
                      uint32_t row_count)
{
    const struct column_vector *column = slot->column;
    if (!column || (column->present && !(column->present[row / 64] >> (row % 64) & 1)))
        return; // NULL
    if (slot->chunk != row / CHUNK_ROWS)
        fill_chunk(slot, row / CHUNK_ROWS, row_count);
    if ((slot->odd >> (row % CHUNK_ROWS) & 1) == 0) {
        sqlite3_result_double(context, slot->values[row % CHUNK_ROWS]);
        return;
    }
    const struct number number = column_vector_get(column, row);
    if (number.kind != NUMBER_NULL)
        sqlite3_result_double(context, number_to_double(number));
}

/* The value of one of the columns of `status`, a whole number; false if there is none. */
static bool event_value(const struct row_cursor *cursor, uint32_t metric, int64_t *value)
{
    const struct column_vector *column = cursor->slots[metric].column;
    if (!column)
        return false;
    const struct number number = column_vector_get(column, cursor->row);
    if (number.kind != NUMBER_DECIMAL || number.exponent < 0 || number.exponent > 18)
        return false;
    return !__builtin_mul_overflow(number.mantissa, power_of_ten(number.exponent), value);
}

static void put_event_column(const struct row_cursor *cursor, sqlite3_context *context, int column)
{
    int64_t value = 0;
    if (column == ROW_STATE) {
        const bool online =
            event_value(cursor, STATUS_METRIC_STATE, &value) && value == STATUS_ONLINE;
        tables_result_text(context, slice_of_text(online ? "online" : "offline"));
    } else if (event_value(cursor, STATUS_METRIC_CONTACT_AGE, &value)) {
        sqlite3_result_int64(context, cursor->rows->times_ms[cursor->row] - value);
    }
}

static struct slice source_word(const struct row_cursor *cursor)
{
    switch ((enum time_source)cursor->rows->time_sources[cursor->row]) {
    case TIME_SOURCE_PAYLOAD:
        return slice_of_text("payload");
    case TIME_SOURCE_MESSAGEID:
        return slice_of_text("messageid");
    case TIME_SOURCE_ENVELOPE:
        break;
    }
    return slice_of_text("envelope");
}

static struct slice device_of(const struct row_cursor *cursor)
{
    return snapshot_device_name(cursor->table->store->snapshot,
                                row_vector_device(cursor->rows, cursor->row));
}

/* A cell for one of the columns that both tables have. */
static struct answer_cell fixed_cell(const struct row_cursor *cursor, enum row_column column)
{
    switch (column) {
    case ROW_DEVICE:
    case ROW_PRODUCT:
    case ROW_NAME:
        return cell_of_text(device_of(cursor));
    case ROW_TIME:
    case ROW_TIME_MS:
        return cell_of_time(cursor->rows->times_ms[cursor->row]);
    case ROW_MESSAGEID:
        return cell_of_id(cursor->rows->message_ids[cursor->row]);
    case ROW_TIME_SOURCE:
        if (cursor->rows->time_sources)
            return cell_of_text(source_word(cursor));
        break;
    case ROW_FIXED:
    case ROW_LAST_CONTACT_MS:
        break;
    }
    return (struct answer_cell){0};
}

static void put_fixed_column(const struct row_cursor *cursor, sqlite3_context *context, int column)
{
    const struct answer_cell cell = fixed_cell(cursor, (enum row_column)column);
    const struct sql_table *table = cursor->table;
    if (cell.kind != CELL_NULL)
        tables_result_cell(table->tables, context, table->kind->columns[column].form, &cell);
}

static int row_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct row_cursor *cursor = (struct row_cursor *)base;
    assert(cursor->rows);
    if (column < ROW_FIXED)
        put_fixed_column(cursor, context, column);
    else if (cursor->table->kind->subject == SUBJECT_STATUS)
        put_event_column(cursor, context, column);
    else
        put_value(context, &cursor->slots[column - ROW_FIXED], cursor->row, cursor->rows->count);
    return SQLITE_OK;
}

static int row_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *row_number)
{
    const struct row_cursor *cursor = (struct row_cursor *)base;
    const struct row_identity key = {.time_ms = cursor->rows->times_ms[cursor->row],
                                     .message_id = cursor->rows->message_ids[cursor->row]};
    int64_t number = 0;
    if (row_numbers_of(&cursor->table->numbers, key, &number) != STATUS_OK)
        return SQLITE_NOMEM;
    *row_number = number;
    return SQLITE_OK;
}

const sqlite3_module row_table_module = {
    .iVersion = 1,
    .xCreate = table_connect,
    .xConnect = table_connect,
    .xBestIndex = table_best_index,
    .xDisconnect = table_disconnect,
    .xDestroy = table_disconnect,
    .xOpen = row_open,
    .xClose = row_close,
    .xFilter = row_filter,
    .xNext = row_next,
    .xEof = row_eof,
    .xColumn = row_column,
    .xRowid = row_rowid,
};
