/*
 * render_growing.c - a table for people whose rows are shown as they come.
 *
 * Nobody knows what widths later rows need: each column begins as wide as its name, its first cell
 * and what its kind usually takes, and grows with a wider cell. The line of names stands before the
 * first row alone.
 */
#include "query/render/render_internal.h"

#include "engine/base/mem.h"
#include "query/screen/screen.h"

#include <string.h>

#define GAP "  "

struct growing_table {
    size_t *widths;     /* owned; by column */
    struct buffer text; /* owned; the cell at hand */
};

static size_t usual_width(enum cell_kind kind)
{
    switch (kind) {
    case CELL_TEXT:
    case CELL_NUMBER:
        return 7;
    case CELL_ID:
        return 18;
    case CELL_NULL:
    case CELL_COUNT:
    case CELL_TIME:
    case CELL_DURATION:
    case CELL_BOOL:
        break;
    }
    return 0;
}

void growing_free(struct growing_table *table)
{
    if (!table)
        return;
    mem_free(table->widths);
    buffer_release(&table->text);
    mem_free(table);
}

static bool is_aligned_right(const struct answer_column *column)
{
    return column->kind == CELL_NUMBER || column->kind == CELL_COUNT ||
           column->kind == CELL_DURATION;
}

enum status growing_begin(struct renderer *renderer)
{
    struct growing_table *table = mem_alloc_zeroed(1, sizeof *table);
    renderer->growing = table;
    if (!table)
        return STATUS_NOMEM;
    table->widths = mem_alloc_zeroed(renderer->column_count, sizeof *table->widths);
    if (!table->widths)
        return STATUS_NOMEM;
    for (size_t i = 0; i < renderer->column_count; i++) {
        buffer_clear(&table->text);
        TRY(render_human_text(&table->text, renderer->columns[i].name));
        const size_t name_width = screen_text_width(buffer_slice(&table->text));
        const size_t usual = usual_width((enum cell_kind)renderer->columns[i].kind);
        table->widths[i] = name_width > usual ? name_width : usual;
    }
    return STATUS_OK;
}

/* Puts the text at hand into its column; behind the last one stand no blanks. */
static enum status put_text(struct renderer *renderer, size_t column)
{
    struct growing_table *table = renderer->growing;
    struct buffer *out = &renderer->text;
    const size_t width = screen_text_width(buffer_slice(&table->text));
    if (width > table->widths[column])
        table->widths[column] = width;
    const size_t blanks = table->widths[column] - width;
    const bool right = is_aligned_right(&renderer->columns[column]);
    const bool last = column + 1 == renderer->column_count;
    if (right)
        TRY(screen_put_blanks(out, blanks));
    TRY(buffer_append(out, table->text.data, table->text.len));
    if (!right && !last)
        TRY(screen_put_blanks(out, blanks));
    return buffer_append(out, last ? "\n" : GAP, last ? 1 : sizeof GAP - 1);
}

/* The widths that the first row needs count for the names, too. */
static enum status put_names(struct renderer *renderer, const struct answer_cell *cells)
{
    struct growing_table *table = renderer->growing;
    const struct screen screen = {.colours = renderer->options.colours};
    for (size_t i = 0; i < renderer->column_count; i++) {
        buffer_clear(&table->text);
        TRY(render_human_cell(&table->text, &cells[i], &renderer->clock));
        const size_t width = screen_text_width(buffer_slice(&table->text));
        if (width > table->widths[i])
            table->widths[i] = width;
    }
    TRY(screen_put_colour(&screen, &renderer->text, SCREEN_BOLD));
    for (size_t i = 0; i < renderer->column_count; i++) {
        buffer_clear(&table->text);
        TRY(render_human_text(&table->text, renderer->columns[i].name));
        TRY(put_text(renderer, i));
    }
    return screen_put_colour(&screen, &renderer->text, SCREEN_PLAIN);
}

enum status growing_row(struct renderer *renderer, const struct answer_cell *cells)
{
    struct growing_table *table = renderer->growing;
    if (renderer->row_count == 0 && !renderer->options.no_header)
        TRY(put_names(renderer, cells));
    for (size_t i = 0; i < renderer->column_count; i++) {
        buffer_clear(&table->text);
        TRY(render_human_cell(&table->text, &cells[i], &renderer->clock));
        TRY(put_text(renderer, i));
    }
    return STATUS_OK;
}
