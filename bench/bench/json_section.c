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
#define WHOLE_DIGITS     ((size_t)15) /* of a whole number that is shown digit by digit */
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

/* A number with four digits that count, a whole one with all. */
static void put_number(const struct json_node *node, FILE *out)
{
    double number = 0;
    if (!json_real(node, &number))
        (void)fprintf(out, "–");
    else if (floor(number) == number && node->raw.len <= WHOLE_DIGITS)
        (void)fprintf(out, "%.0f", number);
    else if (fabs(number) >= 1e4 && fabs(number) < 1e15)
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

/* A cell: a scalar, the first elements of an array of them, or the median of a timing. */
static void put_cell(const struct json_node *node, FILE *out)
{
    if (!node || is_scalar(node)) {
        put_scalar(node, out);
        return;
    }
    size_t count = 0;
    for (const struct json_node *child = node->first; child; child = child->next) {
        if (child->shadowed || !is_scalar(child))
            continue;
        if (count == ELEMENTS_IN_LINE) {
            (void)fprintf(out, ", …");
            return;
        }
        (void)fprintf(out, "%s", count++ > 0 ? ", " : "");
        if (child->name.data) {
            put_title(child->name, out);
            (void)fprintf(out, " ");
        }
        put_scalar(child, out);
    }
    if (count == 0)
        (void)fprintf(out, "–");
}

/* --- tables -------------------------------------------------------------------------------- */

/* The names of members of the rows, in the order of their first appearance. */
struct columns {
    struct slice names[COLUMNS_MOST];
    size_t count;
};

static void add_column(struct columns *columns, struct slice name)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (slice_equal(columns->names[i], name))
            return;
    }
    if (columns->count < COLUMNS_MOST)
        columns->names[columns->count++] = name;
}

static void find_columns(const struct json_node *rows, struct columns *columns)
{
    size_t row_count = 0;
    *columns = (struct columns){0};
    for (const struct json_node *row = rows->first; row && row_count < ROWS_MOST; row = row->next) {
        row_count++;
        for (const struct json_node *member = row->first; member; member = member->next)
            add_column(columns, member->name);
    }
}

static const struct json_node *find_member(const struct json_node *row, struct slice name)
{
    for (const struct json_node *member = row->first; member; member = member->next) {
        if (!member->shadowed && slice_equal(member->name, name))
            return member;
    }
    return NULL;
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
        put_title(columns.names[i], out);
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
        for (size_t i = 0; i < columns.count; i++) {
            (void)fprintf(out, " ");
            put_cell(find_member(row, columns.names[i]), out);
            (void)fprintf(out, " |");
        }
        (void)fprintf(out, "\n");
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

static void print_list(const struct json_node *object, FILE *out)
{
    bool any = false;
    for (const struct json_node *member = object->first; member; member = member->next) {
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
        if (member->shadowed || (!table && !(is_object(member) && member->first)))
            continue;
        put_heading(member->name, level + 1, out);
        if (table)
            print_table(member, out);
        else if (level < LEVEL_MOST)
            json_section_print(member, level + 1, out);
    }
}
