/*
 * json_section.c - see json_section.h. Nesting is bounded: what lies deeper is left to the JSON.
 */
#include "bench/bench/json_section.h"

#include "bench/bench/figure_text.h"
#include "bench/bench/json_fields.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LEVEL_MOST       5u
#define COLUMNS_MOST     ((size_t)24)
#define ROWS_MOST        ((size_t)1000)
#define TEXT_BYTES       ((size_t)400)
#define ELEMENTS_IN_LINE ((size_t)16)

static bool is_scalar(const struct json_node *node)
{
    return node->type != JSON_ARRAY && node->type != JSON_OBJECT;
}

static bool is_object(const struct json_node *node)
{
    return node->type == JSON_OBJECT;
}

/* "page_cache_pread" as "page cache pread" */
static void put_title(struct slice name, FILE *out)
{
    char text[TEXT_BYTES];
    const struct json_node node = {.text = name, .type = JSON_STRING};
    (void)json_text(&node, text, sizeof text);
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '_')
            *c = ' ';
    }
    markdown_text(text, out);
}

/* Up to a million with four digits that count, a whole one with all; then as "12.5 M". */
static void put_number(const struct json_node *node, FILE *out)
{
    static const char *const units[] = {"M", "G", "T", "P"};
    double number = 0;
    if (!json_real(node, &number)) {
        (void)fprintf(out, "–");
        return;
    }
    double scaled = number / 1e6;
    size_t unit = 0;
    for (; fabs(scaled) >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        scaled /= 1e3;
    if (fabs(number) >= 1e6)
        (void)fprintf(out, "%.3g %s", scaled, units[unit]);
    else if (floor(number) == number || fabs(number) >= 1e4)
        (void)fprintf(out, "%.0f", number);
    else
        (void)fprintf(out, "%.4g", number);
}

static void put_scalar(const struct json_node *node, FILE *out)
{
    char text[TEXT_BYTES];
    if (!node || node->type == JSON_NULL) {
        (void)fprintf(out, "–");
    } else if (node->type == JSON_NUMBER) {
        put_number(node, out);
    } else if (node->type == JSON_STRING) {
        (void)json_text(node, text, sizeof text);
        markdown_text(text, out);
    } else {
        (void)fprintf(out, "%s", node->type == JSON_TRUE ? "yes" : "no");
    }
}

/* A cell: a scalar, or the first elements of an array of them. */
static void put_cell(const struct json_node *node, FILE *out)
{
    if (!node || is_scalar(node)) {
        put_scalar(node, out);
        return;
    }
    size_t count = 0;
    for (const struct json_node *child = node->first; child; child = child->next) {
        if (!is_scalar(child))
            continue;
        if (count == ELEMENTS_IN_LINE) {
            (void)fprintf(out, ", …");
            return;
        }
        (void)fprintf(out, "%s", count++ > 0 ? ", " : "");
        put_scalar(child, out);
    }
    if (count == 0)
        (void)fprintf(out, "–");
}

/* --- tables -------------------------------------------------------------------------------- */

/* A member of the rows; of a member that is an object each of its own is a column. */
struct column {
    struct slice outer;
    struct slice inner; /* .data is NULL: `outer` is the column */
};

/* In the order of their first appearance. */
struct columns {
    struct column list[COLUMNS_MOST];
    size_t count;
};

static bool same_name(struct slice a, struct slice b)
{
    return (a.data == NULL) == (b.data == NULL) && slice_equal(a, b);
}

static void add_column(struct columns *columns, struct slice outer, struct slice inner)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (same_name(columns->list[i].outer, outer) && same_name(columns->list[i].inner, inner))
            return;
    }
    if (columns->count < COLUMNS_MOST)
        columns->list[columns->count++] = (struct column){.outer = outer, .inner = inner};
}

static void add_columns(struct columns *columns, const struct json_node *member)
{
    if (!is_object(member)) {
        add_column(columns, member->name, slice_of(NULL, 0));
        return;
    }
    for (const struct json_node *child = member->first; child; child = child->next) {
        if (!is_object(child))
            add_column(columns, member->name, child->name);
    }
}

static void find_columns(const struct json_node *rows, struct columns *columns)
{
    size_t row_count = 0;
    *columns = (struct columns){0};
    for (const struct json_node *row = rows->first; row && row_count < ROWS_MOST; row = row->next) {
        row_count++;
        for (const struct json_node *member = row->first; member; member = member->next)
            add_columns(columns, member);
    }
}

static const struct json_node *find_member(const struct json_node *object, struct slice name)
{
    for (const struct json_node *member = object->first; member; member = member->next) {
        if (!member->shadowed && slice_equal(member->name, name))
            return member;
    }
    return NULL;
}

/* NULL: the row has none. */
static const struct json_node *find_cell(const struct json_node *row, const struct column *column)
{
    const struct json_node *member = find_member(row, column->outer);
    if (!member || !column->inner.data)
        return member && is_object(member) ? NULL : member;
    return is_object(member) ? find_member(member, column->inner) : NULL;
}

static void put_column_title(const struct column *column, FILE *out)
{
    put_title(column->outer, out);
    if (!column->inner.data)
        return;
    (void)fprintf(out, ": ");
    put_title(column->inner, out);
}

static void put_row(const struct json_node *row, const struct columns *columns, FILE *out)
{
    for (size_t i = 0; i < columns->count; i++) {
        (void)fprintf(out, " ");
        put_cell(find_cell(row, &columns->list[i]), out);
        (void)fprintf(out, " |");
    }
    (void)fprintf(out, "\n");
}

/* A row an object; those of an object have their names in front. */
static void print_table(const struct json_node *rows, FILE *out)
{
    const bool named = is_object(rows);
    struct columns columns;
    find_columns(rows, &columns);
    (void)fprintf(out, "|%s", named ? " |" : "");
    for (size_t i = 0; i < columns.count; i++) {
        (void)fprintf(out, " ");
        put_column_title(&columns.list[i], out);
        (void)fprintf(out, " |");
    }
    (void)fprintf(out, "\n|%s", named ? "---|" : "");
    for (size_t i = 0; i < columns.count; i++)
        (void)fprintf(out, i == 0 && !named ? "---|" : "---:|");
    (void)fprintf(out, "\n");
    size_t row_count = 0;
    for (const struct json_node *row = rows->first; row && row_count < ROWS_MOST; row = row->next) {
        if (row->shadowed)
            continue;
        row_count++;
        (void)fprintf(out, "|");
        if (named) {
            (void)fprintf(out, " ");
            put_title(row->name, out);
            (void)fprintf(out, " |");
        }
        put_row(row, &columns, out);
    }
    (void)fprintf(out, "\n");
}

/* Objects only, at least one, and none of them empty. */
static bool is_table(const struct json_node *node)
{
    for (const struct json_node *row = node->first; row; row = row->next) {
        if (!is_object(row) || !row->first)
            return false;
    }
    return node->first != NULL;
}

/* --- sections ------------------------------------------------------------------------------ */

static bool is_machine(const struct json_node *member)
{
    return is_object(member) && text_equals(member->name, "machine");
}

/* Of the machine what tells it from others; the rest is in the JSON. */
static void print_machine(const struct json_node *machine, FILE *out)
{
    static const char *const names[] = {"cpu", "cpus", "kernel", "file_system"};
    const char *before = "- machine: ";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct json_node *member = json_member(machine, names[i]);
        if (!member || !is_scalar(member) || member->type == JSON_NULL)
            continue;
        (void)fprintf(out, "%s", before);
        put_scalar(member, out);
        (void)fprintf(out, "%s", strcmp(names[i], "cpus") == 0 ? " CPUs" : "");
        before = ", ";
    }
    (void)fprintf(out, "%s", before[0] == ',' ? "\n" : "");
}

static void print_list(const struct json_node *object, FILE *out)
{
    bool any = false;
    for (const struct json_node *member = object->first; member; member = member->next) {
        if (!member->shadowed && is_machine(member)) {
            print_machine(member, out);
            any = true;
            continue;
        }
        const bool plain = is_scalar(member) || (member->type == JSON_ARRAY && !is_table(member));
        if (member->shadowed || !plain || text_equals(member->name, "kind"))
            continue;
        (void)fprintf(out, "- ");
        put_title(member->name, out);
        (void)fprintf(out, ": ");
        put_cell(member, out);
        (void)fprintf(out, "\n");
        any = true;
    }
    if (any)
        (void)fprintf(out, "\n");
}

static void put_heading(struct slice name, unsigned level, FILE *out)
{
    for (unsigned i = 0; i < level; i++)
        (void)fprintf(out, "#");
    (void)fprintf(out, " ");
    put_title(name, out);
    (void)fprintf(out, "\n\n");
}

/* Recursion ends at LEVEL_MOST. */
void json_section_print(const struct json_node *object, unsigned level, FILE *out)
{
    if (!object || !is_object(object))
        return;
    print_list(object, out);
    for (const struct json_node *member = object->first; member; member = member->next) {
        const bool table = !is_scalar(member) && is_table(member);
        if (member->shadowed || is_machine(member) ||
            (!table && !(is_object(member) && member->first)))
            continue;
        put_heading(member->name, level + 1, out);
        if (table)
            print_table(member, out);
        else if (level < LEVEL_MOST)
            json_section_print(member, level + 1, out);
    }
}
