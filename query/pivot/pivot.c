/*
 * pivot.c - buckets become columns.
 *
 * The buckets are those that any row has, in order. Rows come by name and time, so each name's
 * cells are put one after the other, looking for their column by bisection.
 */
#include "query/pivot/pivot.h"

#include "cli/human.h"
#include "engine/base/bound.h"
#include "engine/base/mem.h"
#include "query/exact/exact.h"
#include "query/screen/screen.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_BYTES     48u
#define GAP_COLUMNS     2u  /* between columns of a table */
#define ROUNDED_COLUMNS 12u /* the widest that a double is shown */
#define ROUNDED_PLACES  4u

struct pivot {
    const struct answer *list;
    const struct pivot_spec *spec;
    size_t time_column, field;
    int64_t *times_ms; /* owned; ascending, each once */
    size_t time_count;
    size_t first_time; /* those before are hidden */
    bool with_seconds, with_ms, same_year, same_day;
};

static void release(struct pivot *pivot)
{
    mem_free(pivot->times_ms);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the matrix");
}

/* --- what is shown ------------------------------------------------------------------------- */

static bool is_figure(const struct answer_column *column)
{
    return column->kind == CELL_NUMBER || column->kind == CELL_COUNT ||
           column->kind == CELL_DURATION;
}

static enum status choose_field(struct pivot *pivot, struct error *err)
{
    const struct answer *list = pivot->list;
    const char *name = pivot->spec->field ? pivot->spec->field : pivot->spec->fallback;
    pivot->time_column = pivot->spec->has_name ? 1 : 0;
    assert(list->columns[pivot->time_column].kind == CELL_TIME);
    if (name) {
        pivot->field = answer_find_column(list, slice_of_text(name));
        if (pivot->field == SIZE_MAX || pivot->field <= pivot->time_column)
            return error_set(err, STATUS_INPUT, "--cell: no figure '%s' in the answer", name);
        return STATUS_OK;
    }
    for (size_t i = pivot->time_column + 1; i < list->column_count; i++) {
        if (is_figure(&list->columns[i])) {
            pivot->field = i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INPUT, "--matrix: the answer has no figure: name one with --cell");
}

static int compare_times(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static enum status list_times(struct pivot *pivot, struct error *err)
{
    const size_t count = answer_shown_count(pivot->list);
    pivot->times_ms = mem_alloc(count, sizeof *pivot->times_ms);
    if (!pivot->times_ms)
        return no_memory(err);
    for (size_t i = 0; i < count; i++)
        pivot->times_ms[i] = answer_row(pivot->list, i)[pivot->time_column].integer;
    qsort(pivot->times_ms, count, sizeof *pivot->times_ms, compare_times);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || pivot->times_ms[i] != pivot->times_ms[pivot->time_count - 1])
            pivot->times_ms[pivot->time_count++] = pivot->times_ms[i];
    }
    if (pivot->time_count > PIVOT_COLUMNS_MAX)
        return error_set(err, STATUS_INPUT,
                         "a matrix of %zu columns, more than %zu: narrow the range or widen the "
                         "buckets",
                         pivot->time_count, PIVOT_COLUMNS_MAX);
    return STATUS_OK;
}

/* --- names of columns ---------------------------------------------------------------------- */

static void choose_precision(struct pivot *pivot)
{
    struct civil_time first = {0};
    pivot->same_year = pivot->spec->brief;
    pivot->same_day = pivot->spec->brief;
    for (size_t i = 0; i < pivot->time_count; i++) {
        struct civil_time time;
        civil_zone_from_utc_ms(pivot->spec->zone, pivot->times_ms[i], &time);
        first = i == 0 ? time : first;
        pivot->with_ms = pivot->with_ms || time.millisecond != 0;
        pivot->with_seconds = pivot->with_seconds || time.second != 0 || time.millisecond != 0;
        pivot->same_year = pivot->same_year && time.year == first.year;
        pivot->same_day = pivot->same_day && time.year == first.year && time.month == first.month &&
                          time.day == first.day;
    }
}

/* "+02:00" where the clock shows this time for the second time. */
static size_t put_offset(const struct civil_zone *zone, int64_t time_ms,
                         const struct civil_time *time, char text[LABEL_BYTES], size_t used)
{
    if (civil_zone_to_utc_ms(zone, time, CIVIL_AFTER_GAP) == time_ms)
        return used;
    const int32_t offset_s = civil_zone_offset_s(zone, time_ms);
    const unsigned minutes = (unsigned)(offset_s < 0 ? -offset_s : offset_s) / 60;
    const int len = snprintf(text + used, LABEL_BYTES - used, "%c%02u:%02u",
                             offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return used + (size_t)len;
}

static size_t put_clock(const struct pivot *pivot, const struct civil_time *time,
                        char text[LABEL_BYTES], size_t used)
{
    int len = snprintf(text + used, LABEL_BYTES - used, "%s%02u:%02u", used > 0 ? " " : "",
                       time->hour, time->minute);
    used += (size_t)len;
    if (pivot->with_seconds) {
        len = snprintf(text + used, LABEL_BYTES - used, ":%02u", time->second);
        used += (size_t)len;
    }
    if (pivot->with_ms) {
        len = snprintf(text + used, LABEL_BYTES - used, ".%03u", time->millisecond);
        used += (size_t)len;
    }
    return used;
}

static size_t put_date(const struct pivot *pivot, const struct civil_time *time,
                       char text[LABEL_BYTES])
{
    const bool months = pivot->spec->every->unit == BUCKET_MONTHS;
    int len = 0;
    if (months)
        len = snprintf(text, LABEL_BYTES, "%04d-%02u", (int)time->year, time->month);
    else if (pivot->same_year)
        len = snprintf(text, LABEL_BYTES, "%02u-%02u", time->month, time->day);
    else
        len =
            snprintf(text, LABEL_BYTES, "%04d-%02u-%02u", (int)time->year, time->month, time->day);
    return (size_t)len;
}

/* Returns the length. */
static size_t put_label(const struct pivot *pivot, int64_t time_ms, char text[LABEL_BYTES])
{
    const struct civil_zone *zone = pivot->spec->zone;
    struct civil_time time;
    civil_zone_from_utc_ms(zone, time_ms, &time);
    if (pivot->spec->every->unit != BUCKET_ELAPSED_MS)
        return put_date(pivot, &time, text);
    size_t used = pivot->same_day ? 0 : put_date(pivot, &time, text);
    used = put_clock(pivot, &time, text, used);
    return put_offset(zone, time_ms, &time, text, used);
}

/* --- width --------------------------------------------------------------------------------- */

/* Tables round a long double to four places; where that says nothing they are wider. */
static size_t number_width(const struct answer_cell *cell)
{
    char digits[EXACT_TEXT_BYTES];
    const size_t len = exact_format(cell_number(cell), digits);
    if (cell->exact_kind != EXACT_REAL || len <= ROUNDED_COLUMNS)
        return len;
    const char *point = strchr(digits, '.');
    const bool is_plain = point && !strchr(digits, 'e') && fabs(cell->real) >= 1e-3;
    return is_plain ? (size_t)(point - digits) + 1 + ROUNDED_PLACES : ROUNDED_COLUMNS;
}

/* About how wide a cell is in a table. */
static size_t cell_width(const struct answer_cell *cell)
{
    char human[HUMAN_BYTES];
    char digits[EXACT_TEXT_BYTES];
    switch ((enum cell_kind)cell->kind) {
    case CELL_NUMBER:
        return number_width(cell);
    case CELL_DURATION:
        return strlen(human_duration(cell->integer, human));
    case CELL_COUNT:
        return exact_format(exact_of_integer(cell->integer), digits);
    case CELL_TEXT:
        return screen_text_width(cell_text(cell));
    case CELL_TIME:
        return CIVIL_RFC3339_BYTES;
    case CELL_NULL:
    case CELL_ID:
    case CELL_BOOL:
        break;
    }
    return 1;
}

/* Hides the earliest buckets so that a line fits; one is always shown. */
static void fit(struct pivot *pivot)
{
    if (pivot->spec->width == 0 || pivot->time_count == 0)
        return;
    char label[LABEL_BYTES];
    const struct answer_column *columns = pivot->list->columns;
    size_t name_width =
        screen_text_width(pivot->spec->has_name ? columns[0].name : columns[pivot->field].name);
    size_t widest = put_label(pivot, pivot->times_ms[0], label);
    for (size_t i = 0; i < answer_shown_count(pivot->list); i++) {
        const struct answer_cell *cells = answer_row(pivot->list, i);
        const size_t width = cell_width(&cells[pivot->field]);
        widest = width > widest ? width : widest;
        const size_t name = pivot->spec->has_name ? screen_text_width(cell_text(&cells[0])) : 0;
        name_width = name > name_width ? name : name_width;
    }
    const size_t rest = pivot->spec->width > name_width ? pivot->spec->width - name_width : 0;
    size_t fitting = rest / (widest + GAP_COLUMNS);
    fitting = fitting > 0 ? fitting : 1;
    if (fitting < pivot->time_count)
        pivot->first_time = pivot->time_count - fitting;
}

/* --- the matrix ---------------------------------------------------------------------------- */

static enum status add_columns(const struct pivot *pivot, struct answer *matrix, struct error *err)
{
    const struct answer_column *columns = pivot->list->columns;
    if (pivot->spec->has_name)
        TRY(answer_add_column(matrix, columns[0].name, CELL_TEXT, err));
    else
        TRY(answer_add_field(matrix, "field", CELL_TEXT, err));
    for (size_t i = pivot->first_time; i < pivot->time_count; i++) {
        char label[LABEL_BYTES];
        const size_t len = put_label(pivot, pivot->times_ms[i], label);
        TRY(answer_add_column(matrix, slice_of(label, len),
                              (enum cell_kind)columns[pivot->field].kind, err));
    }
    return STATUS_OK;
}

static enum status put_cell(const struct pivot *pivot, const struct answer_cell *from,
                            struct answer *matrix, struct answer_cell *row, struct error *err)
{
    const size_t place =
        bound_find_key(pivot->times_ms, pivot->time_count, from[pivot->time_column].integer);
    if (place < pivot->first_time)
        return STATUS_OK;
    struct answer_cell *cell = &row[1 + place - pivot->first_time];
    *cell = from[pivot->field];
    if (cell->kind != CELL_NUMBER)
        return STATUS_OK;
    struct exact_value value = exact_null();
    if (exact_copy(cell_number(cell), &matrix->arena, &value) != STATUS_OK)
        return no_memory(err);
    *cell = cell_of_number(value);
    return STATUS_OK;
}

static enum status add_rows(const struct pivot *pivot, struct answer *matrix, struct error *err)
{
    const struct answer_cell *previous = NULL;
    struct answer_cell *row = NULL;
    const struct slice field = arena_copy(&matrix->arena, pivot->list->columns[pivot->field].name);
    if (!field.data)
        return no_memory(err);
    for (size_t i = 0; i < answer_shown_count(pivot->list); i++) {
        const struct answer_cell *cells = answer_row(pivot->list, i);
        const bool is_new =
            !previous || (pivot->spec->has_name && cell_compare(&previous[0], &cells[0]) != 0);
        if (is_new) {
            TRY(answer_add_row(matrix, &row, err));
            row[0] = pivot->spec->has_name ? cells[0] : cell_of_text(field);
        }
        previous = cells;
        TRY(put_cell(pivot, cells, matrix, row, err));
    }
    return STATUS_OK;
}

enum status pivot_query(const struct answer *list, const struct pivot_spec *spec,
                        struct answer *matrix, size_t *hidden, struct error *err)
{
    OWNED(release) struct pivot pivot = {.list = list, .spec = spec};
    TRY(choose_field(&pivot, err));
    TRY(list_times(&pivot, err));
    choose_precision(&pivot);
    fit(&pivot);
    *hidden = pivot.first_time;
    TRY(add_columns(&pivot, matrix, err));
    return add_rows(&pivot, matrix, err);
}
