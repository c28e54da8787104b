/*
 * parts.c - the table that a rewritten statement reads (sql/shape): groups of readings, added up.
 *
 *      shape ──▶ which devices apart, which buckets, which metrics
 *      constraints ──▶ selection ──▶ stats_query        values of metrics, by group and bucket
 *                               └──▶ a scan of its own  rows and their times, likewise
 *
 * A row is one of either: its group, its bucket's start, and a number by which the functions of
 * part_functions.c find what it stands for. So a statement's groups may be put together from any
 * number of rows, and SQLite groups, sorts and filters them as it does readings.
 *
 * (1) Rows say only of a group what all of it has in common. Where SQLite asks for something else,
 *     the statement fails, and its caller runs it as it was written.
 * (2) Buckets are no coarser than what a statement groups by. In zones with daylight saving time
 *     they are hours or minutes, each of which must have one offset and one text: where it has not,
 *     the statement fails likewise.
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"
#include "query/selection/selection.h"
#include "query/view/view.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BUCKET_MS_MIN MS_PER_MINUTE
#define PIECES_MAX    INT64_C(100) /* buckets of ours in one of the statement's */
#define OFFSET_AT     23u          /* in a text of a time: behind "2018-05-16T05:58:44.427" */

static const struct civil_zone utc = {.name = "UTC"};

void parts_free(struct parts *parts)
{
    if (!parts)
        return;
    answer_release(&parts->values);
    row_numbers_release(&parts->numbers);
    mem_free(parts->rows);
    mem_free(parts);
}

static void clear_answers(struct parts *parts)
{
    answer_release(&parts->values);
    row_numbers_release(&parts->numbers);
    parts->row_count = 0;
    parts->latest = SIZE_MAX;
}

/* --- what a shape asks for ------------------------------------------------------------------- */

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* time_ms / size: buckets of UTC. */
static bool choose_quotient(struct parts *parts, int64_t size)
{
    parts->zone = &utc;
    if (size % MS_PER_DAY == 0) {
        parts->width = (struct bucket_width){.unit = BUCKET_DAYS, .count = size / MS_PER_DAY};
        return parts->width.count <= PIECES_MAX * 366;
    }
    const int64_t width_ms = common_divisor(size, MS_PER_DAY);
    parts->width = (struct bucket_width){.unit = BUCKET_ELAPSED_MS, .count = width_ms};
    return width_ms >= BUCKET_MS_MIN && size / width_ms <= PIECES_MAX;
}

/* The first `size` characters of time. */
static bool choose_prefix(struct parts *parts, const struct civil_zone *zone, int64_t size)
{
    parts->zone = zone;
    const int64_t elapsed_ms = size == 16 ? MS_PER_MINUTE : MS_PER_HOUR;
    parts->width = (struct bucket_width){.unit = BUCKET_ELAPSED_MS, .count = elapsed_ms};
    switch (size) {
    case 4:
        if (!zone->named)
            parts->width = (struct bucket_width){.unit = BUCKET_MONTHS, .count = 12};
        return true;
    case 7:
        if (!zone->named)
            parts->width = (struct bucket_width){.unit = BUCKET_MONTHS, .count = 1};
        return true;
    case 10:
        if (!zone->named)
            parts->width = (struct bucket_width){.unit = BUCKET_DAYS, .count = 1};
        return true;
    case 13:
    case 16:
        return true;
    default:
        return false;
    }
}

static bool choose_buckets(struct parts *parts, const struct civil_zone *zone)
{
    const struct shape *shape = parts->shape;
    parts->has_buckets = shape->bucket != BUCKET_NOTHING;
    switch (shape->bucket) {
    case BUCKET_QUOTIENT:
        return choose_quotient(parts, shape->bucket_size);
    case BUCKET_PREFIX:
        return choose_prefix(parts, zone, shape->bucket_size);
    case BUCKET_NOTHING:
        break;
    }
    return true;
}

static bool choose_metric(struct parts *parts, const struct sql_table *readings, size_t figure)
{
    uint32_t column = 0;
    if (!table_find_column(readings, parts->shape->figures[figure].name, &column) ||
        column < ROW_FIXED)
        return false;
    const struct slice name = view_metric_name(&readings->store->view, readings->store->snapshot,
                                               readings->metrics[column - ROW_FIXED]);
    size_t place = 0;
    while (place < parts->metric_count && !slice_equal(parts->metrics[place], name))
        place++;
    parts->metrics[place] = name;
    parts->metric_count += place == parts->metric_count;
    parts->places[figure] = (uint32_t)place;
    return true;
}

static void note_need(struct parts *parts, enum figure_kind kind)
{
    parts->wants_rows = parts->wants_rows || figure_is_of_rows(kind);
    parts->wants_times = parts->wants_times || (figure_is_of_rows(kind) && kind != FIGURE_ROWS);
    parts->wants_sums =
        parts->wants_sums || kind == FIGURE_SUM || kind == FIGURE_TOTAL || kind == FIGURE_AVG;
    parts->wants_extremes = parts->wants_extremes || kind == FIGURE_MIN || kind == FIGURE_MAX;
}

static bool choose(struct parts *parts, const struct sql_table *readings)
{
    const struct shape *shape = parts->shape;
    uint32_t column = 0;
    for (size_t i = 0; i < shape->not_column_count; i++) {
        if (table_find_column(readings, shape->not_columns[i], &column))
            return false;
    }
    parts->wants_rows = shape->grouped;
    for (size_t i = 0; i < shape->figure_count; i++) {
        note_need(parts, shape->figures[i].kind);
        if (!figure_is_of_rows(shape->figures[i].kind) && !choose_metric(parts, readings, i))
            return false;
    }
    parts->by = shape->by_device    ? STATS_BY_DEVICE
                : shape->by_product ? STATS_BY_PRODUCT
                                    : STATS_BY_NONE;
    return choose_buckets(parts, &readings->tables->options.zone);
}

enum status tables_answer_shape(struct tables *tables, const struct shape *shape, bool *can,
                                struct error *err)
{
    *can = false;
    if (!tables->readings || tables->parts)
        return STATUS_OK;
    struct parts *parts = mem_alloc_zeroed(1, sizeof *parts);
    if (!parts)
        return error_set(err, STATUS_NOMEM, "no memory for the parts of an answer");
    parts->shape = shape;
    parts->tables = tables;
    tables->parts = parts;
    clear_answers(parts);
    *can = choose(parts, tables->readings);
    return *can ? tables_register_parts(tables, err) : STATUS_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

struct row_scan {
    struct parts *parts;
    const struct product_list *products;
    struct bucket_grid grid;
    struct bucket bucket; /* the one looked at last */
};

static uint32_t group_of(const struct row_scan *scan, uint32_t device)
{
    if (scan->parts->by == STATS_BY_DEVICE)
        return device;
    return scan->parts->by == STATS_BY_PRODUCT ? scan->products->of_device[device] : 0;
}

static const struct bucket *bucket_at(struct row_scan *scan, int64_t time_ms)
{
    if (scan->parts->has_buckets &&
        (time_ms < scan->bucket.start_ms || time_ms >= scan->bucket.until_ms))
        scan->bucket = bucket_of(&scan->grid, time_ms);
    return &scan->bucket;
}

/* Rows of one group and bucket. */
static enum status add(struct row_scan *scan, uint32_t device, const struct part_rows *seen)
{
    struct parts *parts = scan->parts;
    const uint32_t group = group_of(scan, device);
    const int64_t start_ms = scan->bucket.start_ms;
    struct part_rows *rows = parts->latest < parts->row_count ? &parts->rows[parts->latest] : NULL;
    if (!rows || rows->group != group || rows->start_ms != start_ms) {
        int64_t number = 0;
        TRY(row_numbers_of(&parts->numbers,
                           (struct row_identity){.time_ms = start_ms, .message_id = group},
                           &number));
        parts->latest = (size_t)number - 1;
        if (parts->latest == parts->row_count) {
            TRY(mem_grow(&parts->rows, &parts->row_capacity, parts->row_count + 1,
                         sizeof *parts->rows));
            parts->rows[parts->row_count++] = (struct part_rows){.group = group,
                                                                 .start_ms = start_ms,
                                                                 .first_ms = seen->first_ms,
                                                                 .last_ms = seen->last_ms};
        }
        rows = &parts->rows[parts->latest];
    }
    rows->count += seen->count;
    rows->first_ms = seen->first_ms < rows->first_ms ? seen->first_ms : rows->first_ms;
    rows->last_ms = seen->last_ms > rows->last_ms ? seen->last_ms : rows->last_ms;
    return STATUS_OK;
}

static bool is_one_group(const struct row_scan *scan, const struct block_summary *summary)
{
    const uint32_t first = summary->first.device;
    const uint32_t last = summary->last.device;
    if (scan->parts->by == STATS_BY_NONE || first == last)
        return true;
    if (scan->parts->by == STATS_BY_DEVICE)
        return false;
    for (uint32_t device = first; device < last; device++) {
        if (scan->products->of_device[device] != scan->products->of_device[last])
            return false;
    }
    return true;
}

static enum status take_summary(void *context, const struct block_summary *summary, bool *taken)
{
    struct row_scan *scan = context;
    *taken = is_one_group(scan, summary) &&
             (!scan->parts->has_buckets ||
              summary->max_time_ms < bucket_at(scan, summary->min_time_ms)->until_ms);
    if (!*taken)
        return STATUS_OK;
    const struct part_rows seen = {.count = summary->row_count,
                                   .first_ms = summary->min_time_ms,
                                   .last_ms = summary->max_time_ms};
    return add(scan, summary->first.device, &seen);
}

/* Within a device times ascend. */
static enum status take_rows(void *context, const struct row_vector *rows, uint32_t from_row,
                             uint32_t until_row)
{
    struct row_scan *scan = context;
    const struct parts *parts = scan->parts;
    const bool apart = parts->by != STATS_BY_NONE || rows->times_ms;
    assert(rows->times_ms || !parts->has_buckets);
    for (uint32_t row = from_row, end = from_row; row < until_row; row = end) {
        end = apart ? row_vector_device_end(rows, row, until_row) : until_row;
        struct part_rows seen = {0};
        if (parts->has_buckets) {
            const int64_t until_ms = bucket_at(scan, rows->times_ms[row])->until_ms;
            const uint32_t device_end = end;
            for (end = row + 1; end < device_end && rows->times_ms[end] < until_ms;)
                end++;
        }
        seen.count = end - row;
        if (rows->times_ms) {
            seen.first_ms = rows->times_ms[row];
            seen.last_ms = rows->times_ms[end - 1];
        }
        TRY(add(scan, row_vector_device(rows, row), &seen));
    }
    return STATUS_OK;
}

static enum status count_rows(struct parts *parts, const struct sql_table *table,
                              const struct selection *selection,
                              const struct product_list *products, struct error *err)
{
    struct row_scan scan = {.parts = parts, .products = products};
    struct scan_spec spec = selection_scan(selection, TABLE_READINGS);
    if (selection_is_empty(selection))
        return STATUS_OK;
    spec.columns.without_times = !parts->has_buckets && !parts->wants_times;
    if (parts->has_buckets)
        bucket_grid_init(&scan.grid, &parts->width, parts->zone);
    const struct scan_visitor visitor = {
        .context = &scan, .summary = take_summary, .rows = take_rows};
    const enum status status = view_scan(&table->store->view, table->store->snapshot, &spec,
                                         &visitor, &table->tables->statistics, err);
    if (status == STATUS_NOMEM)
        return error_set(err, status, "no memory for the parts of an answer");
    return status;
}

/* --- values ---------------------------------------------------------------------------------- */

static enum status add_up_values(struct parts *parts, const struct sql_table *table,
                                 const struct selection *selection, struct error *err)
{
    struct aggregate_list aggregates = {0};
    const char *names = parts->wants_sums       ? "count,min,max,sum,avg"
                        : parts->wants_extremes ? "count,min,max"
                                                : "count";
    TRY(aggregate_list_parse(names, &aggregates, err));
    parts->cells_a_metric = aggregates.count;
    parts->first_cell = (parts->by != STATS_BY_NONE) + (size_t)parts->has_buckets;
    const struct stats_spec spec = {.selection = selection,
                                    .metrics = parts->metrics,
                                    .metric_count = parts->metric_count,
                                    .aggregates = &aggregates,
                                    .every = parts->has_buckets ? &parts->width : NULL,
                                    .zone = parts->zone,
                                    .by = parts->by};
    return stats_query(table->store->snapshot, &spec, &parts->values, &table->tables->statistics,
                       err);
}

/* --- buckets that groups can be made of ------------------------------------------------------- */

/* See rule 2, and that quotients round towards zero. */
static bool is_one_bucket(struct parts *parts, struct bucket_grid *grid, int64_t start_ms)
{
    char first[CIVIL_RFC3339_BYTES];
    char last[CIVIL_RFC3339_BYTES];
    if (parts->shape->bucket == BUCKET_QUOTIENT)
        return start_ms >= 0;
    if (!parts->zone->named)
        return true;
    (void)civil_format_rfc3339(parts->zone, start_ms, first);
    (void)civil_format_rfc3339(parts->zone, bucket_of(grid, start_ms).until_ms - 1, last);
    return strcmp(first + OFFSET_AT, last + OFFSET_AT) == 0 &&
           memcmp(first, last, (size_t)parts->shape->bucket_size) == 0;
}

static enum status check_buckets(struct parts *parts, struct error *err)
{
    struct bucket_grid grid = {0};
    int64_t checked_ms = INT64_MIN;
    if (!parts->has_buckets)
        return STATUS_OK;
    bucket_grid_init(&grid, &parts->width, parts->zone);
    for (size_t i = 0; i < parts->row_count; i++) {
        const int64_t start_ms = parts->rows[i].start_ms;
        if (start_ms != checked_ms && !is_one_bucket(parts, &grid, start_ms))
            return error_set(err, STATUS_INPUT, "a bucket of time does not fit the groups");
        checked_ms = start_ms;
    }
    return STATUS_OK;
}

/* --- the list -------------------------------------------------------------------------------- */

static enum status add_columns(const struct parts *parts, struct answer *answer, struct error *err)
{
    if (parts->by != STATS_BY_NONE)
        TRY(answer_add_field(answer, parts->by == STATS_BY_DEVICE ? "device" : "product", CELL_TEXT,
                             err));
    if (parts->has_buckets)
        TRY(answer_add_field(answer, "time", CELL_TIME, err));
    return answer_add_field(answer, SHAPE_PART, CELL_COUNT, err);
}

static struct slice group_name(const struct parts *parts, const struct snapshot *snapshot,
                               const struct product_list *products, uint32_t group)
{
    return parts->by == STATS_BY_DEVICE ? snapshot_device_name(snapshot, group)
                                        : products->names[group];
}

static enum status list_rows(const struct parts *parts, const struct snapshot *snapshot,
                             const struct product_list *products, struct answer *answer,
                             struct error *err)
{
    for (size_t i = 0; i < parts->row_count; i++) {
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        if (parts->by != STATS_BY_NONE)
            *cell++ = cell_of_text(group_name(parts, snapshot, products, parts->rows[i].group));
        if (parts->has_buckets)
            *cell++ = cell_of_time(parts->rows[i].start_ms);
        *cell = cell_of_count(i);
    }
    return STATUS_OK;
}

/* The groups of values are named in their own answer, by the same cells. */
static enum status list_values(struct parts *parts, struct answer *answer, struct error *err)
{
    for (size_t i = 0; i < parts->values.row_count; i++) {
        struct answer_cell *cell = NULL;
        TRY(answer_add_row(answer, &cell, err));
        const struct answer_cell *named = answer_cells(&parts->values, i);
        for (size_t k = 0; k < parts->first_cell; k++)
            *cell++ = named[k];
        *cell = cell_of_count(parts->row_count + i);
    }
    return STATUS_OK;
}

/* Which cell each column of the table is: see kinds.c for their order. */
static void place_columns(const struct parts *parts, uint8_t *cells)
{
    const uint8_t time = parts->by != STATS_BY_NONE;
    const uint8_t number = (uint8_t)(time + parts->has_buckets);
    const uint8_t none = QUESTION_NO_CELL;
    cells[ROW_DEVICE] = parts->by == STATS_BY_DEVICE ? 0 : none;
    cells[ROW_PRODUCT] = parts->by != STATS_BY_NONE ? 0 : none;
    cells[ROW_NAME] = cells[ROW_DEVICE];
    cells[ROW_TIME] = parts->has_buckets ? time : none;
    cells[ROW_TIME_MS] = cells[ROW_TIME];
    cells[ROW_TIME_MS + 1] = number;
}

static enum status select_rows(const struct sql_table *table, const struct row_filter *filter,
                               struct selection *selection)
{
    *selection = (struct selection){.device_bits = filter->device_bits,
                                    .has_from = filter->from_ms > TIME_MS_MIN,
                                    .has_until = filter->until_ms < TIME_MS_MAX,
                                    .from_ms = filter->from_ms,
                                    .until_ms = filter->until_ms,
                                    .view = &table->store->view};
    const uint32_t count = snapshot_device_count(table->store->snapshot);
    if (!filter->device_bits)
        selection->device_count = count;
    for (uint32_t device = 0; filter->device_bits && device < count; device++)
        selection->device_count += device_bit(filter->device_bits, device);
    return STATUS_OK;
}

enum status parts_ask(struct sql_table *table, const struct row_filter *filter, uint8_t *cells,
                      struct answer *answer, struct error *err)
{
    struct parts *parts = table->tables->parts;
    OWNED(product_list_release) struct product_list products = {0};
    struct selection selection = {0};
    assert(parts);
    clear_answers(parts);
    TRY(select_rows(table, filter, &selection));
    if (parts->by == STATS_BY_PRODUCT)
        TRY(product_list_init(&products, table->store->snapshot, err));
    if (parts->wants_rows)
        TRY(count_rows(parts, table, &selection, &products, err));
    TRY(check_buckets(parts, err));
    if (parts->metric_count > 0)
        TRY(add_up_values(parts, table, &selection, err));
    place_columns(parts, cells);
    TRY(add_columns(parts, answer, err));
    TRY(list_rows(parts, table->store->snapshot, &products, answer, err));
    return list_values(parts, answer, err);
}

/* --- for explain query plan ------------------------------------------------------------------- */

static size_t put_text(char *text, size_t size, size_t len, const char *more)
{
    const int put = snprintf(text + len, size - len, "%s", more);
    return put > 0 && (size_t)put < size - len ? len + (size_t)put : len;
}

void parts_describe(const struct parts *parts, char *text, size_t size)
{
    static const char *const groups[] = {
        [STATS_BY_NONE] = "", [STATS_BY_DEVICE] = " by device", [STATS_BY_PRODUCT] = " by product"};
    size_t len = put_text(text, size, 0, "; from summaries");
    len = put_text(text, size, len, groups[parts->by]);
    if (parts->has_buckets)
        len = put_text(text, size, len, parts->by == STATS_BY_NONE ? " by time" : " and time");
    len = put_text(text, size, len, parts->wants_rows ? ": rows" : ": ");
    for (size_t i = 0; i < parts->metric_count; i++) {
        char name[40];
        const struct slice metric = parts->metrics[i];
        (void)snprintf(name, sizeof name, "%s%.*s", i > 0 || parts->wants_rows ? ", " : "",
                       metric.len < 24 ? (int)metric.len : 24, (const char *)metric.data);
        len = put_text(text, size, len, name);
    }
}
