/*
 * answer_table.c - sorted by all fields, then compared field by field.
 *
 * Keys (devices, hours, ids) stand in front in every answer, so that doubles decide the order only
 * between rows whose keys are equal, where they would differ anyway.
 */
#include "bench/bench/answer_table.h"

#include "cli/escape.h"
#include "engine/base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REAL_DIGITS_MAX  ((size_t)400) /* longer ones are no figures of ours */
#define FIELD_TEXT_BYTES ((size_t)64)
#define EXACT_INTEGERS   9007199254740992.0 /* 2^53: whole doubles below it are exact */

void answer_table_release(struct answer_table *table)
{
    arena_release(&table->arena);
    mem_free(table->fields);
    *table = (struct answer_table){0};
}

enum status answer_table_add(struct answer_table *table, const struct field *fields, size_t count,
                             struct error *err)
{
    if (count == 0 || count > ANSWER_TABLE_COLUMNS_MAX)
        return error_set(err, STATUS_INPUT, "a row of %zu fields", count);
    if (table->row_count > 0 && count != table->column_count)
        return error_set(err, STATUS_INPUT, "row %zu has %zu fields, those before it %zu",
                         table->row_count, count, table->column_count);
    if (table->row_count == ANSWER_TABLE_ROWS_MAX)
        return error_set(err, STATUS_INPUT, "more than %zu rows", ANSWER_TABLE_ROWS_MAX);
    const size_t used = table->row_count * count;
    if (mem_grow(&table->fields, &table->capacity, used + count, sizeof *table->fields) !=
        STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for an answer");
    for (size_t i = 0; i < count; i++) {
        struct field field = fields[i];
        if (field.kind == FIELD_TEXT && field.text.len > 0) {
            field.text = arena_copy(&table->arena, field.text);
            if (!field.text.data)
                return error_set(err, STATUS_NOMEM, "no memory for an answer");
        }
        table->fields[used + i] = field;
    }
    table->column_count = count;
    table->row_count++;
    return STATUS_OK;
}

struct field field_of_cell(const struct answer_cell *cell)
{
    switch ((enum cell_kind)cell->kind) {
    case CELL_TEXT:
        return (struct field){.kind = FIELD_TEXT, .text = cell_text(cell)};
    case CELL_NUMBER:
        return (struct field){.kind = FIELD_REAL, .real = exact_to_double(cell_number(cell))};
    case CELL_ID:
        return (struct field){.kind = FIELD_INTEGER, .integer = cell->id};
    case CELL_COUNT:
    case CELL_TIME:
    case CELL_DURATION:
    case CELL_BOOL:
        return (struct field){.kind = FIELD_INTEGER, .integer = cell->integer};
    case CELL_NULL:
        break;
    }
    return (struct field){.kind = FIELD_NULL};
}

/* --- from outside -------------------------------------------------------------------------- */

/* Digits alone, with a minus perhaps. */
static bool read_integer(struct slice text, i128 *integer)
{
    const bool negative = text.len > 0 && text.data[0] == '-';
    const size_t first = negative ? 1 : 0;
    if (text.len == first || text.len - first > ANSWER_INTEGER_DIGITS_MAX)
        return false;
    i128 value = 0;
    for (size_t i = first; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *integer = negative ? -value : value;
    return true;
}

static bool read_real(struct slice text, double *real)
{
    char digits[REAL_DIGITS_MAX + 1];
    if (text.len > REAL_DIGITS_MAX)
        return false;
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    *real = strtod(digits, NULL);
    return isfinite(*real);
}

static enum status read_field(const struct json_node *node, struct field *field, struct error *err)
{
    *field = (struct field){.kind = FIELD_NULL};
    switch ((enum json_type)node->type) {
    case JSON_NULL:
        return STATUS_OK;
    case JSON_FALSE:
    case JSON_TRUE:
        field->kind = FIELD_INTEGER;
        field->integer = node->type == JSON_TRUE;
        return STATUS_OK;
    case JSON_STRING:
        field->kind = FIELD_TEXT;
        field->text = node->text;
        return STATUS_OK;
    case JSON_NUMBER:
        field->kind = read_integer(node->raw, &field->integer) ? FIELD_INTEGER : FIELD_REAL;
        if (field->kind == FIELD_INTEGER || read_real(node->raw, &field->real))
            return STATUS_OK;
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return error_set(err, STATUS_INPUT, "an answer holds something that is no field");
}

static enum status read_row(struct answer_table *table, const struct json_node *row,
                            struct error *err)
{
    struct field fields[ANSWER_TABLE_COLUMNS_MAX];
    size_t count = 0;
    if (row->type != JSON_ARRAY)
        return error_set(err, STATUS_INPUT, "a row of an answer is no array");
    for (const struct json_node *node = row->first; node; node = node->next) {
        if (count == ANSWER_TABLE_COLUMNS_MAX)
            return error_set(err, STATUS_INPUT, "a row of an answer has more than %zu fields",
                             ANSWER_TABLE_COLUMNS_MAX);
        TRY(read_field(node, &fields[count++], err));
    }
    return answer_table_add(table, fields, count, err);
}

enum status answer_table_read(struct answer_table *table, const struct json_node *answer,
                              struct error *err)
{
    if (!answer || answer->type != JSON_ARRAY)
        return error_set(err, STATUS_INPUT, "an answer is no array of rows");
    for (const struct json_node *row = answer->first; row; row = row->next)
        TRY(read_row(table, row, err));
    return STATUS_OK;
}

/* --- comparing ----------------------------------------------------------------------------- */

static enum field_kind column_kind(const struct answer_table *table, size_t column)
{
    for (size_t row = 0; row < table->row_count; row++) {
        const struct field *field = &table->fields[row * table->column_count + column];
        if (field->kind != FIELD_NULL)
            return field->kind;
    }
    return FIELD_NULL;
}

/* Ids come as text, since JSON's numbers are doubles to many; sums may come as whole numbers. */
static void convert(struct field *field, enum field_kind kind)
{
    i128 integer = 0;
    if (kind == FIELD_REAL && field->kind == FIELD_INTEGER)
        *field = (struct field){.kind = FIELD_REAL, .real = (double)field->integer};
    else if (kind == FIELD_INTEGER && field->kind == FIELD_TEXT &&
             read_integer(field->text, &integer))
        *field = (struct field){.kind = FIELD_INTEGER, .integer = integer};
    else if (kind == FIELD_INTEGER && field->kind == FIELD_REAL &&
             fabs(field->real) < EXACT_INTEGERS && floor(field->real) == field->real)
        *field = (struct field){.kind = FIELD_INTEGER, .integer = (i128)field->real};
}

static void convert_columns(struct answer_table *theirs, const struct answer_table *ours)
{
    for (size_t column = 0; column < ours->column_count; column++) {
        const enum field_kind kind = column_kind(ours, column);
        for (size_t row = 0; row < theirs->row_count; row++)
            convert(&theirs->fields[row * theirs->column_count + column], kind);
    }
}

static int compare_fields(const struct field *a, const struct field *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case FIELD_INTEGER:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case FIELD_REAL:
        return (a->real > b->real) - (a->real < b->real);
    case FIELD_TEXT:
        return slice_compare(a->text, b->text);
    case FIELD_NULL:
        break;
    }
    return 0;
}

static int compare_rows(const void *left, const void *right, void *context)
{
    const size_t column_count = *(const size_t *)context;
    const struct field *a = left;
    const struct field *b = right;
    int order = 0;
    for (size_t i = 0; i < column_count && order == 0; i++)
        order = compare_fields(&a[i], &b[i]);
    return order;
}

static void sort_rows(struct answer_table *table)
{
    if (table->row_count > 1)
        qsort_r(table->fields, table->row_count, table->column_count * sizeof *table->fields,
                compare_rows, &table->column_count);
}

static bool fields_agree(const struct field *ours, const struct field *theirs)
{
    if (ours->kind != FIELD_REAL || theirs->kind != FIELD_REAL)
        return compare_fields(ours, theirs) == 0;
    const double larger = fmax(fabs(ours->real), fabs(theirs->real));
    return fabs(ours->real - theirs->real) <= ANSWER_TABLE_TOLERANCE * larger;
}

static void put_field(const struct field *field, char text[FIELD_TEXT_BYTES])
{
    switch (field->kind) {
    case FIELD_INTEGER:
        /* Times, counts and ids have 64 bits; more digits come from outside only. */
        if (field->integer < INT64_MIN || field->integer > (i128)UINT64_MAX)
            (void)snprintf(text, FIELD_TEXT_BYTES, "%.17g", (double)field->integer);
        else if (field->integer < 0)
            (void)snprintf(text, FIELD_TEXT_BYTES, "%" PRId64, (int64_t)field->integer);
        else
            (void)snprintf(text, FIELD_TEXT_BYTES, "%" PRIu64, (uint64_t)field->integer);
        return;
    case FIELD_REAL:
        (void)snprintf(text, FIELD_TEXT_BYTES, "%.17g", field->real);
        return;
    case FIELD_TEXT:
        (void)escape_text(field->text, text, FIELD_TEXT_BYTES);
        return;
    case FIELD_NULL:
        break;
    }
    (void)snprintf(text, FIELD_TEXT_BYTES, "null");
}

/* Where there is nothing to say, one says a row of nulls, the other no row. */
static void drop_empty_rows(struct answer_table *table)
{
    const size_t width = table->column_count;
    size_t kept = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        const struct field *fields = table->fields + row * width;
        size_t column = 0;
        while (column < width && fields[column].kind == FIELD_NULL)
            column++;
        if (column < width)
            memmove(table->fields + kept++ * width, fields, width * sizeof *fields);
    }
    table->row_count = kept;
}

static void tell_difference(const struct answer_table *ours, const struct answer_table *theirs,
                            size_t place, char difference[ANSWER_DIFFERENCE_BYTES])
{
    char wanted[FIELD_TEXT_BYTES];
    char found[FIELD_TEXT_BYTES];
    put_field(&ours->fields[place], wanted);
    put_field(&theirs->fields[place], found);
    (void)snprintf(difference, ANSWER_DIFFERENCE_BYTES, "row %zu, field %zu: %s, not %s",
                   place / ours->column_count + 1, place % ours->column_count + 1, found, wanted);
}

bool answer_tables_agree(struct answer_table *ours, struct answer_table *theirs,
                         char difference[ANSWER_DIFFERENCE_BYTES])
{
    difference[0] = '\0';
    drop_empty_rows(ours);
    drop_empty_rows(theirs);
    if (ours->row_count != theirs->row_count) {
        (void)snprintf(difference, ANSWER_DIFFERENCE_BYTES, "%zu rows, not %zu", theirs->row_count,
                       ours->row_count);
        return false;
    }
    if (ours->row_count == 0)
        return true;
    if (ours->column_count != theirs->column_count) {
        (void)snprintf(difference, ANSWER_DIFFERENCE_BYTES, "%zu fields a row, not %zu",
                       theirs->column_count, ours->column_count);
        return false;
    }
    convert_columns(theirs, ours);
    sort_rows(ours);
    sort_rows(theirs);
    const size_t count = ours->row_count * ours->column_count;
    for (size_t i = 0; i < count; i++) {
        if (!fields_agree(&ours->fields[i], &theirs->fields[i])) {
            tell_difference(ours, theirs, i, difference);
            return false;
        }
    }
    return true;
}
