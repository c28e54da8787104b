/*
 * render_sheet.c - tables for people, through libsmartcols.
 *
 * The library wants the whole table before it prints, and knows widths of
 * characters only in a UTF-8 locale. So rows gather in sheets of SHEET_ROWS_MAX, each
 * aligned and printed on its own, and only the character type of the locale is
 * taken from the environment; where that is not UTF-8, C.UTF-8 stands in.
 * All text is escaped before the library sees it.
 */
#include "query/render/render_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <langinfo.h>
#include <libsmartcols.h>
#include <locale.h>
#include <string.h>

struct render_sheet {
    struct libscols_table *table; /* NULL between sheets */
    size_t row_count;
    struct buffer text; /* owned; the cell at hand */
};

static void use_utf8(void)
{
    const char *given = setlocale(LC_CTYPE, "");
    if (!given || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

static void table_drop(struct render_sheet *sheet)
{
    if (sheet->table)
        scols_unref_table(sheet->table);
    sheet->table = NULL;
    sheet->row_count = 0;
}

void sheet_free(struct render_sheet *sheet)
{
    if (!sheet)
        return;
    table_drop(sheet);
    buffer_release(&sheet->text);
    mem_free(sheet);
}

enum status sheet_begin(struct renderer *renderer)
{
    use_utf8();
    renderer->sheet = mem_alloc_zeroed(1, sizeof *renderer->sheet);
    return renderer->sheet ? STATUS_OK : STATUS_NOMEM;
}

static bool is_aligned_right(enum cell_kind kind)
{
    return kind == CELL_NUMBER || kind == CELL_COUNT || kind == CELL_DURATION;
}

/* The text gathered for one cell or name, with its NUL. */
static enum status finish_text(struct buffer *text, const char **finished)
{
    TRY(buffer_append(text, "", 1));
    *finished = (const char *)text->data;
    return STATUS_OK;
}

static enum status add_column(struct renderer *renderer, struct slice name, bool right)
{
    struct render_sheet *sheet = renderer->sheet;
    buffer_clear(&sheet->text);
    TRY(render_human_text(&sheet->text, name));
    const char *title = NULL;
    TRY(finish_text(&sheet->text, &title));
    struct libscols_column *column =
        scols_table_new_column(sheet->table, title, 0, right ? SCOLS_FL_RIGHT : 0);
    if (!column)
        return STATUS_NOMEM;
    if (renderer->options.colours)
        (void)scols_cell_set_color(scols_column_get_header(column), "bold");
    return STATUS_OK;
}

static enum status open_table(struct renderer *renderer)
{
    struct render_sheet *sheet = renderer->sheet;
    sheet->table = scols_new_table();
    if (!sheet->table)
        return STATUS_NOMEM;
    (void)scols_table_set_stream(sheet->table, renderer->out);
    (void)scols_table_set_termforce(sheet->table, SCOLS_TERMFORCE_NEVER);
    (void)scols_table_set_column_separator(sheet->table, "  ");
    (void)scols_table_enable_colors(sheet->table, renderer->options.colours);
    (void)scols_table_enable_noheadings(sheet->table,
                                        renderer->options.no_header || renderer->options.single);
    if (renderer->options.single) {
        TRY(add_column(renderer, slice_of_text(""), false));
        return add_column(renderer, slice_of_text(""), false);
    }
    for (size_t i = 0; i < renderer->column_count; i++)
        TRY(add_column(renderer, renderer->columns[i].name,
                       is_aligned_right((enum cell_kind)renderer->columns[i].kind)));
    return STATUS_OK;
}

static enum status print_table(struct renderer *renderer)
{
    struct render_sheet *sheet = renderer->sheet;
    const int failed = scols_print_table(sheet->table);
    table_drop(sheet);
    return failed || ferror(renderer->out) ? STATUS_STOPPED : STATUS_OK;
}

/* States stand out: green and red, as people expect of up and down. */
static const char *colour_of(const struct answer_cell *cell)
{
    static const char *const coloured[][2] = {
        {"online", "green"}, {"offline", "red"}, {"unknown", "yellow"}};
    for (size_t i = 0; cell->kind == CELL_TEXT && i < sizeof coloured / sizeof coloured[0]; i++) {
        if (slice_equal(cell_text(cell), slice_of_text(coloured[i][0])))
            return coloured[i][1];
    }
    return NULL;
}

static enum status set_cell(struct renderer *renderer, struct libscols_line *line, size_t column,
                            const struct answer_cell *cell)
{
    struct render_sheet *sheet = renderer->sheet;
    buffer_clear(&sheet->text);
    TRY(render_human_cell(&sheet->text, cell, &renderer->clock));
    const char *text = NULL;
    TRY(finish_text(&sheet->text, &text));
    if (scols_line_set_data(line, column, text) != 0)
        return STATUS_NOMEM;
    const char *colour = renderer->options.colours ? colour_of(cell) : NULL;
    if (colour)
        (void)scols_cell_set_color(scols_line_get_cell(line, column), colour);
    return STATUS_OK;
}

static enum status new_line(struct render_sheet *sheet, struct libscols_line **line)
{
    *line = scols_table_new_line(sheet->table, NULL);
    return *line ? STATUS_OK : STATUS_NOMEM;
}

/* The one thing of a single answer: a line a field. */
static enum status single_rows(struct renderer *renderer, const struct answer_cell *cells)
{
    for (size_t i = 0; i < renderer->column_count; i++) {
        struct libscols_line *line = NULL;
        TRY(new_line(renderer->sheet, &line));
        const struct answer_cell name = cell_of_text(renderer->columns[i].name);
        TRY(set_cell(renderer, line, 0, &name));
        TRY(set_cell(renderer, line, 1, &cells[i]));
    }
    return STATUS_OK;
}

enum status sheet_row(struct renderer *renderer, const struct answer_cell *cells)
{
    struct render_sheet *sheet = renderer->sheet;
    if (!sheet->table)
        TRY(open_table(renderer));
    if (renderer->options.single)
        return single_rows(renderer, cells);
    struct libscols_line *line = NULL;
    TRY(new_line(sheet, &line));
    for (size_t i = 0; i < renderer->column_count; i++)
        TRY(set_cell(renderer, line, i, &cells[i]));
    return ++sheet->row_count == SHEET_ROWS_MAX ? print_table(renderer) : STATUS_OK;
}

enum status sheet_end(struct renderer *renderer)
{
    return renderer->sheet->table ? print_table(renderer) : STATUS_OK;
}
