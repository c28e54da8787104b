/*
 * render_sheet.c - tables for people: every column as wide as its widest cell.
 *
 *      device          availability  state      titles, if wanted
 *      depot/door            0.9982  online     texts to the left, figures to the right
 *      浴室                       1  offline    no blanks behind the last column
 *
 * Widths are known only with the whole table. So rows gather in sheets of SHEET_ROWS_MAX, each
 * aligned and printed on its own: an answer of any length takes the memory of one sheet.
 *
 * (1) All texts of a sheet stand in one buffer, in the order of its cells; titles come first.
 *     Columns have room for them even where they are not wanted.
 * (2) What the cells hold is escaped before. Behind that, "\x" that was sent as such is told from
 *     an escape of ours by \x5c, and characters that the locale cannot print are shown by bytes.
 * (3) Widths of characters beyond ASCII are the C library's, which knows them only in a UTF-8
 *     locale. The character type is taken from the environment by the first such character; where
 *     that is not UTF-8, C.UTF-8 stands in. Plain tables do without.
 */
#include "query/render/render_internal.h"

#include "cli/utf8.h"
#include "engine/base/mem.h"
#include "query/screen/screen.h"

#include <assert.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define GAP            "  "
#define SINGLE_COLUMNS 2u /* name and value */
#define HEX_BYTES      4u /* "\xNN" */

enum sheet_colour { COLOUR_NONE, COLOUR_TITLE, COLOUR_GOOD, COLOUR_BAD, COLOUR_OPEN };

struct sheet_cell {
    uint32_t bytes;
    uint32_t width;
    uint8_t colour; /* enum sheet_colour */
};

struct render_sheet {
    size_t column_count;
    size_t *widths;           /* owned; by column */
    struct sheet_cell *cells; /* owned; line after line */
    size_t cell_count, cell_capacity;
    size_t row_count;   /* lines, but for the titles */
    struct buffer text; /* owned; of the cells */
    bool has_locale;
};

/* --- life cycle ---------------------------------------------------------------------------- */

void sheet_free(struct render_sheet *sheet)
{
    if (!sheet)
        return;
    mem_free(sheet->widths);
    mem_free(sheet->cells);
    buffer_release(&sheet->text);
    mem_free(sheet);
}

/* A column without any text is one wide, too. */
static void clear(struct render_sheet *sheet)
{
    for (size_t i = 0; i < sheet->column_count; i++)
        sheet->widths[i] = 1;
    sheet->cell_count = 0;
    sheet->row_count = 0;
    buffer_clear(&sheet->text);
}

enum status sheet_begin(struct renderer *renderer)
{
    struct render_sheet *sheet = mem_alloc_zeroed(1, sizeof *sheet);
    renderer->sheet = sheet;
    if (!sheet)
        return STATUS_NOMEM;
    sheet->column_count = renderer->options.single ? SINGLE_COLUMNS : renderer->column_count;
    sheet->widths = mem_alloc(sheet->column_count, sizeof *sheet->widths);
    if (!sheet->widths)
        return STATUS_NOMEM;
    clear(sheet);
    return STATUS_OK;
}

/* --- one cell ------------------------------------------------------------------------------ */

static void use_utf8(struct render_sheet *sheet)
{
    if (sheet->has_locale)
        return;
    sheet->has_locale = true;
    const char *given = setlocale(LC_CTYPE, "");
    if (!given || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

/* True for printable ASCII without a backslash: it is shown as it is, a column a byte. */
static bool is_plain(struct slice text)
{
    unsigned special = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t byte = text.data[i];
        special |= (unsigned)(byte < 0x20) | (byte > 0x7E) | (byte == '\\');
    }
    return special == 0;
}

static void put_hex(struct buffer *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char hex[HEX_BYTES + 1];
        (void)snprintf(hex, sizeof hex, "\\x%02x", bytes.data[i]);
        buffer_put_bytes(out, hex, HEX_BYTES);
    }
}

/* Appends the character, or what stands for it, where there is room; returns its width. */
static size_t put_character(struct render_sheet *sheet, struct slice bytes, uint32_t character,
                            bool before_x)
{
    const bool ascii = character >= 0x20 && character < 0x7F;
    if (!ascii)
        use_utf8(sheet);
    if ((ascii && !(character == '\\' && before_x)) ||
        (!ascii && iswprint((wint_t)character) != 0)) {
        buffer_put_bytes(&sheet->text, bytes.data, bytes.len);
        return ascii ? 1 : (size_t)wcwidth((wchar_t)character);
    }
    put_hex(&sheet->text, bytes);
    return HEX_BYTES * bytes.len;
}

/* Replaces the escaped text behind `start` by what is shown of it; returns its width. */
static enum status show(struct render_sheet *sheet, size_t start, size_t *width)
{
    struct buffer *out = &sheet->text;
    const size_t len = out->len - start;
    *width = len;
    if (is_plain(slice_of(out->data + start, len)))
        return STATUS_OK;
    OWNED(buffer_release) struct buffer copy = {0};
    TRY(buffer_append(&copy, out->data + start, len));
    out->len = start;
    TRY(buffer_reserve(out, HEX_BYTES * len));
    *width = 0;
    for (size_t at = 0; at < len;) {
        const struct slice rest = slice_of(copy.data + at, len - at);
        uint32_t character = rest.data[0];
        const size_t read = utf8_read(rest, &character);
        const size_t taken = read > 0 ? read : 1;
        const bool before_x = rest.len > 1 && rest.data[1] == 'x';
        *width += put_character(sheet, slice_of(rest.data, taken), character, before_x);
        at += taken;
    }
    return STATUS_OK;
}

/* Ends the cell whose escaped text stands behind `start`. */
static enum status end_cell(struct render_sheet *sheet, size_t start, enum sheet_colour colour)
{
    size_t width = 0;
    TRY(show(sheet, start, &width));
    if (width == 0)
        sheet->text.len = start; // characters that take no place stand alone nowhere
    TRY(mem_grow(&sheet->cells, &sheet->cell_capacity, sheet->cell_count + 1,
                 sizeof *sheet->cells));
    size_t *const widest = &sheet->widths[sheet->cell_count % sheet->column_count];
    if (width > *widest)
        *widest = width;
    sheet->cells[sheet->cell_count++] =
        (struct sheet_cell){.bytes = (uint32_t)(sheet->text.len - start),
                            .width = (uint32_t)width,
                            .colour = (uint8_t)colour};
    return STATUS_OK;
}

static enum status add_text(struct render_sheet *sheet, struct slice text, enum sheet_colour colour)
{
    const size_t start = sheet->text.len;
    TRY(render_human_text(&sheet->text, text));
    return end_cell(sheet, start, colour);
}

/* States stand out: green and red, as people expect of up and down. */
static enum sheet_colour colour_of(const struct answer_cell *cell)
{
    static const struct {
        const char *word;
        enum sheet_colour colour;
    } coloured[] = {{"online", COLOUR_GOOD}, {"offline", COLOUR_BAD}, {"unknown", COLOUR_OPEN}};
    for (size_t i = 0; cell->kind == CELL_TEXT && i < sizeof coloured / sizeof coloured[0]; i++) {
        if (slice_equal(cell_text(cell), slice_of_text(coloured[i].word)))
            return coloured[i].colour;
    }
    return COLOUR_NONE;
}

static enum status add_cell(struct renderer *renderer, const struct answer_cell *cell)
{
    struct render_sheet *sheet = renderer->sheet;
    const size_t start = sheet->text.len;
    TRY(render_human_cell(&sheet->text, cell, &renderer->clock));
    return end_cell(sheet, start, renderer->options.colours ? colour_of(cell) : COLOUR_NONE);
}

/* --- printing ------------------------------------------------------------------------------ */

static bool is_aligned_right(const struct renderer *renderer, size_t column)
{
    if (renderer->options.single)
        return false;
    const uint8_t kind = renderer->columns[column].kind;
    return kind == CELL_NUMBER || kind == CELL_COUNT || kind == CELL_DURATION;
}

/* A cell with its text, in its column; the colour holds for the blanks, too. */
static enum status put_cell(const struct renderer *renderer, struct buffer *out, size_t column,
                            const struct sheet_cell *cell, const uint8_t *text)
{
    const struct render_sheet *sheet = renderer->sheet;
    static const char *const sequences[] = {
        [COLOUR_NONE] = "",        [COLOUR_TITLE] = "\x1b[1m",   [COLOUR_GOOD] = "\x1b[32m",
        [COLOUR_BAD] = "\x1b[31m", [COLOUR_OPEN] = "\x1b[1;33m",
    };
    const size_t blanks = sheet->widths[column] - cell->width;
    const bool right = is_aligned_right(renderer, column) && cell->bytes > 0;
    const bool last = column + 1 == sheet->column_count;
    const char *sequence = sequences[cell->colour];
    TRY(buffer_append(out, sequence, strlen(sequence)));
    if (right)
        TRY(screen_put_blanks(out, blanks));
    TRY(buffer_append(out, text, cell->bytes));
    if (!right && !last)
        TRY(screen_put_blanks(out, blanks));
    if (cell->colour != COLOUR_NONE)
        TRY(buffer_append(out, "\x1b[0m", 4));
    return last ? buffer_append(out, "\n", 1) : buffer_append(out, GAP, sizeof GAP - 1);
}

static enum status print_sheet(struct renderer *renderer)
{
    struct render_sheet *sheet = renderer->sheet;
    const uint8_t *text = sheet->text.data;
    const bool skips_titles = renderer->options.no_header && !renderer->options.single;
    const size_t first = skips_titles && sheet->cell_count > 0 ? sheet->column_count : 0;
    size_t column = 0;
    for (size_t i = 0; i < sheet->cell_count; i++) {
        const struct sheet_cell *cell = &sheet->cells[i];
        if (i >= first)
            TRY(put_cell(renderer, &renderer->text, column, cell, text));
        text += cell->bytes;
        column = column + 1 < sheet->column_count ? column + 1 : 0;
    }
    clear(sheet);
    return STATUS_OK;
}

/* --- rows ---------------------------------------------------------------------------------- */

static enum status add_titles(struct renderer *renderer)
{
    const enum sheet_colour colour = renderer->options.colours ? COLOUR_TITLE : COLOUR_NONE;
    for (size_t i = 0; i < renderer->column_count; i++)
        TRY(add_text(renderer->sheet, renderer->columns[i].name, colour));
    return STATUS_OK;
}

/* The one thing of a single answer: a line a field. */
static enum status single_rows(struct renderer *renderer, const struct answer_cell *cells)
{
    for (size_t i = 0; i < renderer->column_count; i++) {
        const struct answer_cell name = cell_of_text(renderer->columns[i].name);
        TRY(add_cell(renderer, &name));
        TRY(add_cell(renderer, &cells[i]));
    }
    return STATUS_OK;
}

enum status sheet_row(struct renderer *renderer, const struct answer_cell *cells)
{
    struct render_sheet *sheet = renderer->sheet;
    if (renderer->options.single)
        return single_rows(renderer, cells);
    if (sheet->cell_count == 0)
        TRY(add_titles(renderer));
    for (size_t i = 0; i < renderer->column_count; i++)
        TRY(add_cell(renderer, &cells[i]));
    return ++sheet->row_count == SHEET_ROWS_MAX ? print_sheet(renderer) : STATUS_OK;
}

enum status sheet_end(struct renderer *renderer)
{
    return print_sheet(renderer);
}
