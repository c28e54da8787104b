/*
 * slices.c - adding rows to slices.
 *
 * Rows of a device come by time, so that a run of them lies in one slice. Its values are added
 * as they stand in the decoded column, as integers at the column's exponent. Where
 * another block has another exponent, what was added so far becomes a summary first and joins the
 * slice's totals, which know how to add any two. Values that do not fit their column's exponent
 * are rare: rows with them are added as summaries one by one.
 */
#include "engine/slices/slices.h"

#include "engine/base/bound.h"
#include "engine/base/mem.h"

#include <assert.h>

static void slice_release(struct slice_totals *slice)
{
    part_totals_release(&slice->totals);
    mem_free(slice->columns);
}

void slices_release(struct slices *slices)
{
    for (size_t i = 0; i < slices->count; i++)
        slice_release(&slices->items[i]);
    mem_free(slices->items);
    *slices = (struct slices){0};
}

/* --- where a row belongs --------------------------------------------------------------------- */

static bool slice_holds(const struct slice_totals *slice, int64_t from_ms)
{
    return slice->from_ms == from_ms;
}

static int64_t slice_from_ms(const void *items, size_t place)
{
    const struct slice_totals *slices = items;
    return slices[place].from_ms;
}

/* The slice that begins at `from_ms`, made if it is not there. */
static enum status open_slice(struct slices *slices, int64_t from_ms, struct slice_totals **slice)
{
    const size_t next = slices->newest + 1;
    size_t place = slices->newest;
    if (next < slices->count && slice_holds(&slices->items[next], from_ms))
        place = next;
    else if (place >= slices->count || !slice_holds(&slices->items[place], from_ms))
        place = bound_find(slices->items, slices->count, from_ms, slice_from_ms);
    if (place == slices->count || !slice_holds(&slices->items[place], from_ms)) {
        TRY(mem_grow(&slices->items, &slices->capacity, slices->count + 1, sizeof *slices->items));
        struct slice_totals *at = slices->items + place;
        memmove(at + 1, at, (slices->count - place) * sizeof *at);
        *at = (struct slice_totals){.from_ms = from_ms};
        slices->count++;
    }
    slices->newest = place;
    *slice = &slices->items[place];
    return STATUS_OK;
}

/* --- what was added becomes a summary -------------------------------------------------------- */

/* A mantissa of a decoded column as the number that it stands for. */
static struct number number_of(int64_t mantissa, int16_t exponent)
{
    const struct column_vector one = {.mantissas = &mantissa, .exponent = exponent};
    return column_vector_get(&one, 0);
}

static struct column_summary summary_of(const struct slice_column *column)
{
    const int16_t exponent = column->exponent;
    return (struct column_summary){
        .metric = column->metric,
        .count = column->count,
        .has_sum = true,
        .sum_exponent = exponent,
        .sum = wide_of(column->sum),
        .min = number_of(column->min, exponent),
        .max = number_of(column->max, exponent),
        .has_ends = true,
        .first = {.time_ms = column->first.time_ms,
                  .value = number_of(column->first.mantissa, exponent),
                  .message_id = column->first.message_id},
        .last = {.time_ms = column->last.time_ms,
                 .value = number_of(column->last.mantissa, exponent),
                 .message_id = column->last.message_id},
    };
}

static enum status settle_slice(struct slice_totals *slice)
{
    if (slice->added.row_count == 0)
        return STATUS_OK;
    OWNED(mem_free_owned)
    struct column_summary *columns = mem_alloc(slice->column_count, sizeof *columns);
    if (!columns)
        return STATUS_NOMEM;
    uint32_t count = 0;
    for (size_t i = 0; i < slice->column_count; i++) {
        if (slice->columns[i].count > 0)
            columns[count++] = summary_of(&slice->columns[i]);
        slice->columns[i].count = 0;
    }
    slice->added.columns = columns;
    slice->added.column_count = count;
    const enum status status = part_totals_add(&slice->totals, &slice->added);
    slice->added = (struct block_summary){0};
    return status;
}

enum status slices_settle(struct slices *slices)
{
    for (size_t i = 0; i < slices->count; i++)
        TRY(settle_slice(&slices->items[i]));
    return STATUS_OK;
}

/* --- adding ---------------------------------------------------------------------------------- */

/* Rows [from, until) of one device that lie in one slice. */
struct slice_run {
    const struct row_vector *rows;
    uint32_t from, until;
};

static struct row_key key_of_row(const struct row_vector *rows, uint32_t row)
{
    return (struct row_key){
        .time_ms = rows->times_ms[row],
        .message_id = rows->message_ids[row],
        .device = row_vector_device(rows, row),
    };
}

/* The column of a metric, made if it is not there. */
static enum status open_column(struct slice_totals *slice, uint32_t metric, size_t hint,
                               struct slice_column **column)
{
    size_t place = hint;
    if (place >= slice->column_count || slice->columns[place].metric != metric) {
        place = 0;
        while (place < slice->column_count && slice->columns[place].metric < metric)
            place++;
    }
    if (place == slice->column_count || slice->columns[place].metric != metric) {
        TRY(mem_grow(&slice->columns, &slice->column_capacity, slice->column_count + 1,
                     sizeof *slice->columns));
        struct slice_column *at = slice->columns + place;
        memmove(at + 1, at, (slice->column_count - place) * sizeof *at);
        *at = (struct slice_column){.metric = metric};
        slice->column_count++;
    }
    *column = &slice->columns[place];
    return STATUS_OK;
}

static bool is_present(const struct column_vector *column, uint32_t row)
{
    return !column->present || (column->present[row / 64] >> (row % 64) & 1) != 0;
}

static bool comes_before(int64_t time_ms, uint64_t message_id, int64_t than_ms, uint64_t than_id)
{
    return time_ms != than_ms ? time_ms < than_ms : message_id < than_id;
}

static void add_value(struct slice_column *column, const struct slice_run *run, uint32_t row,
                      int64_t mantissa)
{
    const int64_t time_ms = run->rows->times_ms[row];
    const uint64_t message_id = run->rows->message_ids[row];
    const bool is_new = column->count++ == 0;
    column->sum = is_new ? mantissa : column->sum + mantissa;
    if (is_new || mantissa < column->min)
        column->min = mantissa;
    if (is_new || mantissa > column->max)
        column->max = mantissa;
    if (is_new ||
        comes_before(time_ms, message_id, column->first.time_ms, column->first.message_id)) {
        column->first.time_ms = time_ms;
        column->first.message_id = message_id;
        column->first.mantissa = mantissa;
    }
    if (is_new ||
        comes_before(column->last.time_ms, column->last.message_id, time_ms, message_id)) {
        column->last.time_ms = time_ms;
        column->last.message_id = message_id;
        column->last.mantissa = mantissa;
    }
}

static bool exponents_agree(const struct slice_totals *slice, const struct row_vector *rows)
{
    for (uint32_t c = 0, at = 0; c < rows->column_count; c++) {
        while (at < slice->column_count && slice->columns[at].metric < rows->columns[c].metric)
            at++;
        if (at < slice->column_count && slice->columns[at].metric == rows->columns[c].metric &&
            slice->columns[at].count > 0 &&
            slice->columns[at].exponent != rows->columns[c].exponent)
            return false;
    }
    return true;
}

static void note_rows(struct block_summary *added, const struct slice_run *run)
{
    const struct row_vector *rows = run->rows;
    const int64_t first_ms = rows->times_ms[run->from]; /* of one device: they ascend */
    const int64_t last_ms = rows->times_ms[run->until - 1];
    if (added->row_count == 0) {
        added->first = key_of_row(rows, run->from);
        added->min_time_ms = first_ms;
        added->max_time_ms = last_ms;
    }
    added->last = key_of_row(rows, run->until - 1);
    added->min_time_ms = first_ms < added->min_time_ms ? first_ms : added->min_time_ms;
    added->max_time_ms = last_ms > added->max_time_ms ? last_ms : added->max_time_ms;
    added->row_count += run->until - run->from;
}

static enum status add_run(struct slice_totals *slice, const struct slice_run *run)
{
    const struct row_vector *rows = run->rows;
    if (!exponents_agree(slice, rows))
        TRY(settle_slice(slice));
    for (uint32_t c = 0; c < rows->column_count; c++) {
        const struct column_vector *values = &rows->columns[c];
        struct slice_column *column = NULL;
        TRY(open_column(slice, values->metric, c, &column));
        column->exponent = values->exponent;
        for (uint32_t row = run->from; row < run->until; row++) {
            if (is_present(values, row))
                add_value(column, run, row, values->mantissas[row]);
        }
    }
    note_rows(&slice->added, run);
    return STATUS_OK;
}

/* One row as a summary of its own: whatever its values are. */
static enum status add_odd_row(struct slice_totals *slice, const struct slice_run *run)
{
    const struct row_vector *rows = run->rows;
    const uint32_t row = run->from;
    OWNED(mem_free_owned)
    struct column_summary *columns = mem_alloc(rows->column_count, sizeof *columns);
    if (!columns)
        return STATUS_NOMEM;
    TRY(settle_slice(slice)); /* rows stay in order */
    uint32_t count = 0;
    for (uint32_t c = 0; c < rows->column_count; c++) {
        const struct number value = column_vector_get(&rows->columns[c], row);
        if (value.kind == NUMBER_NULL)
            continue;
        const bool is_decimal = value.kind == NUMBER_DECIMAL;
        const struct dated_number dated = {
            .time_ms = rows->times_ms[row], .value = value, .message_id = rows->message_ids[row]};
        columns[count++] = (struct column_summary){
            .metric = rows->columns[c].metric,
            .count = 1,
            .has_sum = is_decimal,
            .sum_exponent = (int16_t)(is_decimal ? value.exponent : 0),
            .sum = wide_of(is_decimal ? value.mantissa : 0),
            .min = value,
            .max = value,
            .has_ends = true,
            .first = dated,
            .last = dated,
        };
    }
    struct block_summary one = {.columns = columns, .column_count = count};
    note_rows(&one, run);
    return part_totals_add(&slice->totals, &one);
}

static bool has_exceptions(const struct row_vector *rows)
{
    for (uint32_t c = 0; c < rows->column_count; c++) {
        if (rows->columns[c].exception_count > 0)
            return true;
    }
    return false;
}

/* The end of the rows from `from` on that are of its device and before `end_ms`. */
static uint32_t run_end(const struct row_vector *rows, uint32_t from, uint32_t until,
                        int64_t end_ms)
{
    const uint32_t device = row_vector_device(rows, from);
    uint32_t end = from + 1;
    while (end < until && rows->times_ms[end] < end_ms && row_vector_device(rows, end) == device)
        end++;
    return end;
}

/* The rows cannot fill so many slices. */
static bool are_too_many(const struct slices *slices)
{
    const uint64_t rows =
        slices->rows > slices->rows_expected ? slices->rows : slices->rows_expected;
    return slices->count > SLICES_MAX || slices->count > SLICES_ALWAYS + rows / SLICE_ROWS_LEAST;
}

static void give_up(struct slices *slices)
{
    slices_release(slices);
    slices->given_up = true;
}

enum status slices_add_rows(struct slices *slices, const struct row_vector *rows, uint32_t from,
                            uint32_t until)
{
    assert(rows->message_ids);
    const bool odd = has_exceptions(rows);
    while (from < until && !slices->given_up) {
        if (rows->times_ms[from] < SLICE_TIME_MIN) {
            give_up(slices);
            break;
        }
        const int64_t from_ms = slice_start_ms(rows->times_ms[from]);
        const int64_t end_ms = from_ms > INT64_MAX - SLICE_MS ? INT64_MAX : from_ms + SLICE_MS;
        struct slice_totals *slice = NULL;
        TRY(open_slice(slices, from_ms, &slice));
        const uint32_t end = odd ? from + 1 : run_end(rows, from, until, end_ms);
        const struct slice_run run = {.rows = rows, .from = from, .until = end};
        TRY(odd ? add_odd_row(slice, &run) : add_run(slice, &run));
        slices->rows += end - from;
        from = end;
        if (are_too_many(slices))
            give_up(slices);
    }
    return STATUS_OK;
}
