/*
 * log.c - rows of both tables as records, and records as cells.
 *
 * Only metrics that occur in the selection get a column, so the columns are known
 * once everything is collected.
 */
#include "query/log/log.h"

#include "engine/base/mem.h"
#include "query/log/log_internal.h"
#include "query/view/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NO_COLUMN UINT32_MAX
#define NOT_SHOWN (UINT32_MAX - 1u) /* it occurs, but has no column */

struct log {
    const struct snapshot *snapshot;
    const struct view *view; /* how readings are seen; may be NULL */
    bool newest_first;
    bool by_id;
    const struct log_gate *gate; /* while collecting; may be NULL */
    enum table table;            /* the one being read */
    struct error *err;           /* while collecting */
    uint64_t row_count;
    struct log_sorter sorter;
    uint32_t *columns; /* owned; by metric number: NO_COLUMN, else its place */
    uint32_t metric_count;
    struct answer_cell *cells; /* owned; the row at hand */
    size_t cell_count;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the log");
}

void log_release(struct log *log)
{
    if (!log)
        return;
    log_sorter_release(&log->sorter);
    mem_free(log->columns);
    mem_free(log->cells);
    mem_free(log);
}

/* --- collecting ---------------------------------------------------------------------------- */

static uint8_t kind_of_event(const struct row_vector *rows, uint32_t row)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        if (rows->columns[i].metric != STATUS_METRIC_STATE)
            continue;
        const struct number state = column_vector_get(&rows->columns[i], row);
        return state.kind == NUMBER_DECIMAL && state.mantissa == STATUS_ONLINE ? LOG_ONLINE
                                                                               : LOG_OFFLINE;
    }
    return LOG_OFFLINE;
}

static void add_cells(struct log *log, const struct row_vector *rows, uint32_t row)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct number value = column_vector_get(&rows->columns[i], row);
        if (value.kind == NUMBER_NULL)
            continue;
        struct cell cell = {.metric = rows->columns[i].metric, .kind = value.kind};
        if (value.kind == NUMBER_REAL) {
            cell.real = value.real;
        } else {
            cell.mantissa = value.mantissa;
            cell.exponent = value.exponent;
        }
        log->columns[cell.metric] = 0; // it has a column; which one is settled later
        log_sorter_cell(&log->sorter, &cell);
    }
}

/*
 * A record's place in the order. By id, time and id change places in it, each mapped so that its
 * order is kept.
 */
#define SIGN_BIT (UINT64_C(1) << 63)

static void set_key(const struct log *log, struct log_record *record, int64_t time_ms, uint64_t id)
{
    if (log->by_id) {
        record->key_ms = (int64_t)(id ^ SIGN_BIT);
        record->message_id = (uint64_t)time_ms ^ SIGN_BIT;
    } else {
        record->key_ms = log->newest_first ? ~time_ms : time_ms;
        record->message_id = id;
    }
}

static int64_t time_of(const struct log *log, const struct log_record *record)
{
    if (log->by_id)
        return (int64_t)(record->message_id ^ SIGN_BIT);
    return log->newest_first ? ~record->key_ms : record->key_ms;
}

static uint64_t id_of(const struct log *log, const struct log_record *record)
{
    return log->by_id ? (uint64_t)record->key_ms ^ SIGN_BIT : record->message_id;
}

static enum status take_row(struct log *log, const struct row_vector *rows, uint32_t row)
{
    const int64_t time_ms = rows->times_ms[row];
    const uint64_t id = rows->message_ids[row];
    bool wanted = true;
    if (log->gate)
        TRY(log->gate->row(log->gate->context, time_ms, id, &wanted));
    if (!wanted)
        return STATUS_OK;
    struct log_record record = {
        .device = row_vector_device(rows, row),
        .kind = log->table == TABLE_STATUS ? kind_of_event(rows, row) : LOG_READING,
        .time_source = rows->time_sources[row],
    };
    set_key(log, &record, time_ms, id);
    const bool has_cells = log->table == TABLE_READINGS;
    TRY(log_sorter_begin(&log->sorter, &record, has_cells ? rows->column_count : 0));
    if (has_cells)
        add_cells(log, rows, row);
    log->row_count++;
    return log_sorter_end(&log->sorter, log->err);
}

static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    struct log *log = context;
    for (uint32_t row = from_row; row < until_row; row++)
        TRY(take_row(log, rows, row));
    return STATUS_OK;
}

static enum status collect_table(struct log *log, struct snapshot *snapshot, enum table table,
                                 const struct log_spec *spec, struct scan_statistics *statistics,
                                 struct error *err)
{
    static const uint32_t state = STATUS_METRIC_STATE;
    struct scan_spec scan = selection_scan(spec->selection, table);
    scan.columns = (struct block_selection){.all_metrics = table == TABLE_READINGS,
                                            .metrics = &state,
                                            .metric_count = 1,
                                            .message_ids = true,
                                            .time_sources = true};
    log->table = table;
    const struct scan_visitor visitor = {.context = log, .rows = take_rows};
    struct view_visitors visitors = {.all = &visitor, .count = 1};
    struct view_gate gate = {0};
    if (spec->gate) {
        scan.from_ms = TIME_MS_MIN;
        scan.until_ms = TIME_MS_MAX;
        gate = (struct view_gate){spec->gate->context, spec->gate->summary};
        visitors.gate = &gate;
        spec->gate->begin(spec->gate->context, table);
    }
    return view_scan_shared(spec->selection->view, snapshot, &scan, &visitors, statistics, err);
}

static enum status collect(struct log *log, struct snapshot *snapshot, const struct log_spec *spec,
                           struct scan_statistics *statistics, struct error *err)
{
    log->err = err;
    log->metric_count = snapshot_metric_count(snapshot);
    log->columns = mem_alloc(log->metric_count, sizeof *log->columns);
    if (!log->columns)
        return no_memory(err);
    for (uint32_t metric = 0; metric < log->metric_count; metric++)
        log->columns[metric] = NO_COLUMN;
    if (!selection_is_empty(spec->selection)) {
        TRY(selection_read_names(spec->selection, snapshot, err));
        TRY(collect_table(log, snapshot, TABLE_READINGS, spec, statistics, err));
        if (view_takes_empty(log->view)) // an event has no values
            TRY(collect_table(log, snapshot, TABLE_STATUS, spec, statistics, err));
    }
    return log_sorter_finish(&log->sorter, err);
}

enum status log_collect(struct log **log, struct snapshot *snapshot, const struct log_spec *spec,
                        struct scan_statistics *statistics, struct error *err)
{
    struct log *made = mem_alloc_zeroed(1, sizeof *made);
    if (!made)
        return no_memory(err);
    made->snapshot = snapshot;
    made->view = spec->selection->view;
    made->newest_first = spec->newest_first;
    made->by_id = spec->by_id;
    made->gate = spec->gate;
    made->sorter.memory_bytes = spec->memory_bytes ? spec->memory_bytes : LOG_MEMORY_BYTES;
    made->sorter.has_limit = spec->has_limit;
    made->sorter.limit = spec->limit;
    const enum status status = collect(made, snapshot, spec, statistics, err);
    if (status != STATUS_OK) {
        log_release(made);
        return status;
    }
    *log = made;
    return STATUS_OK;
}

/* --- columns ------------------------------------------------------------------------------- */

static int compare_metrics(const void *left, const void *right, void *context)
{
    const struct log *log = context;
    return slice_compare(view_metric_name(log->view, log->snapshot, *(const uint32_t *)left),
                         view_metric_name(log->view, log->snapshot, *(const uint32_t *)right));
}

enum status log_add_fixed_columns(struct answer *answer, struct error *err)
{
    TRY(answer_add_field(answer, "time", CELL_TIME, err));
    TRY(answer_add_field(answer, "device", CELL_TEXT, err));
    TRY(answer_add_field(answer, "kind", CELL_TEXT, err));
    TRY(answer_add_field(answer, "messageid", CELL_ID, err));
    return answer_add_field(answer, "time_source", CELL_TEXT, err);
}

enum status log_add_columns(struct log *log, struct answer *answer, struct error *err)
{
    assert(!log->cells);
    TRY(log_add_fixed_columns(answer, err));
    OWNED(mem_free_owned) uint32_t *order = mem_alloc(log->metric_count, sizeof *order);
    if (!order)
        return no_memory(err);
    uint32_t count = 0;
    for (uint32_t metric = 0; metric < log->metric_count; metric++) {
        if (log->columns[metric] != NO_COLUMN)
            order[count++] = metric;
    }
    qsort_r(order, count, sizeof *order, compare_metrics, log);
    for (uint32_t i = 0; i < count; i++) {
        log->columns[order[i]] = LOG_FIXED_FIELDS + i;
        TRY(answer_add_column(answer, view_metric_name(log->view, log->snapshot, order[i]),
                              CELL_NUMBER, err));
    }
    log->cell_count = LOG_FIXED_FIELDS + count;
    log->cells = mem_alloc(log->cell_count, sizeof *log->cells);
    return log->cells ? STATUS_OK : no_memory(err);
}

enum status log_place_columns(struct log *log, const uint32_t *metrics, uint32_t count,
                              struct error *err)
{
    assert(!log->cells);
    for (uint32_t metric = 0; metric < log->metric_count; metric++) {
        if (log->columns[metric] != NO_COLUMN)
            log->columns[metric] = NOT_SHOWN;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (metrics[i] < log->metric_count)
            log->columns[metrics[i]] = LOG_FIXED_FIELDS + i;
    }
    log->cell_count = LOG_FIXED_FIELDS + count;
    log->cells = mem_alloc(log->cell_count, sizeof *log->cells);
    return log->cells ? STATUS_OK : no_memory(err);
}

uint64_t log_row_count(const struct log *log)
{
    return log->row_count;
}

bool log_has_metric(const struct log *log, uint32_t metric)
{
    return metric < log->metric_count && log->columns[metric] != NO_COLUMN;
}

/* --- rows ---------------------------------------------------------------------------------- */

#define WORD(text)                                               \
    {                                                            \
        .data = (const uint8_t *)(text), .len = sizeof(text) - 1 \
    }

static const struct slice kind_words[] = {[LOG_OFFLINE] = WORD("offline"),
                                          [LOG_ONLINE] = WORD("online"),
                                          [LOG_READING] = WORD("reading")};
static const struct slice source_words[] = {[TIME_SOURCE_PAYLOAD] = WORD("payload"),
                                            [TIME_SOURCE_MESSAGEID] = WORD("messageid"),
                                            [TIME_SOURCE_ENVELOPE] = WORD("envelope")};

/* As it was when the cell was made of it: normal. */
static struct number number_of_cell(const struct cell *cell)
{
    if (cell->kind == NUMBER_REAL)
        return number_from_real(cell->real);
    return (struct number){
        .kind = NUMBER_DECIMAL, .mantissa = cell->mantissa, .exponent = cell->exponent};
}

static void put_record(struct log *log, const struct log_record *record)
{
    memset(log->cells + LOG_FIXED_FIELDS, 0,
           (log->cell_count - LOG_FIXED_FIELDS) * sizeof *log->cells);
    log->cells[0] = cell_of_time(time_of(log, record));
    log->cells[1] = cell_of_text(snapshot_device_name(log->snapshot, record->device));
    log->cells[2] = cell_of_text(kind_words[record->kind]);
    log->cells[3] = cell_of_id(id_of(log, record));
    log->cells[4] = cell_of_text(source_words[record->time_source]);
    const struct cell *cells = log_record_cells(record);
    for (uint32_t i = 0; i < record->cell_count; i++) {
        const uint32_t column = log->columns[cells[i].metric];
        if (column != NOT_SHOWN)
            log->cells[column] = cell_of_number(exact_of_number(number_of_cell(&cells[i])));
    }
}

enum status log_next(struct log *log, const struct answer_cell **cells, struct error *err)
{
    assert(log->cells);
    const struct log_record *record = NULL;
    TRY(log_sorter_next(&log->sorter, &record, err));
    *cells = NULL;
    if (record) {
        put_record(log, record);
        *cells = log->cells;
    }
    return STATUS_OK;
}
