/*
 * render.c - rows in the formats that need no look ahead; render_sheet.c has the other.
 *
 * Text gathers in one buffer that is handed to stdio when it has grown large,
 * so that a row costs no call. The first failed write ends the rendering.
 */
#include "query/render/render_internal.h"

#include "cli/message.h"
#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define WRITE_BYTES ((size_t)64 * 1024)

static const char *const format_names[] = {
    [RENDER_TABLE] = "table", [RENDER_CSV] = "csv",       [RENDER_TSV] = "tsv",
    [RENDER_JSON] = "json",   [RENDER_NDJSON] = "ndjson", [RENDER_MD] = "md",
};

bool render_format_find(const char *name, enum render_format *format)
{
    for (size_t i = 0; i < sizeof format_names / sizeof format_names[0]; i++) {
        if (strcmp(format_names[i], name) == 0) {
            *format = (enum render_format)i;
            return true;
        }
    }
    return false;
}

static inline enum status append(struct renderer *renderer, const char *text)
{
    return buffer_append(&renderer->text, text, strlen(text));
}

/* What stands between cells: one byte, and mostly there is room. */
static inline enum status append_byte(struct renderer *renderer, char byte)
{
    struct buffer *const text = &renderer->text;
    if (text->len == text->capacity)
        TRY(buffer_reserve(text, 1));
    text->data[text->len++] = (uint8_t)byte;
    return STATUS_OK;
}

/*
 * What CSV and TSV carry as it is, a terminal would obey. Tabs and line feeds stay: they
 * hold the rows together.
 */
static enum status escape_for_terminal(struct buffer *text)
{
    OWNED(buffer_release) struct buffer safe = {0};
    for (size_t at = 0; at < text->len;) {
        size_t end = at;
        while (end < text->len && text->data[end] != '\n' && text->data[end] != '\t')
            end++;
        TRY(render_human_text(&safe, slice_of(text->data + at, end - at)));
        if (end < text->len)
            TRY(buffer_append(&safe, text->data + end++, 1));
        at = end;
    }
    const struct buffer raw = *text;
    *text = safe;
    safe = raw;
    return STATUS_OK;
}

enum status render_flush(struct renderer *renderer)
{
    if (renderer->text.len == 0)
        return STATUS_OK;
    const enum render_format format = renderer->options.format;
    if (renderer->options.terminal && (format == RENDER_CSV || format == RENDER_TSV))
        TRY(escape_for_terminal(&renderer->text));
    const size_t written = fwrite(renderer->text.data, 1, renderer->text.len, renderer->out);
    const bool all = written == renderer->text.len;
    if (!all && renderer->out == stdout)
        message_stdout_lost(errno);
    buffer_clear(&renderer->text);
    return all ? STATUS_OK : STATUS_STOPPED;
}

/* --- Markdown ------------------------------------------------------------------------------ */

/* Doubles the backslash before what Markdown would take for the end of a cell. */
static enum status escape_pipes(struct buffer *text, size_t start)
{
    size_t pipes = 0;
    for (size_t i = start; i < text->len; i++)
        pipes += text->data[i] == '|' || text->data[i] == '\\';
    TRY(buffer_reserve(text, pipes));
    size_t to = text->len + pipes;
    text->len = to;
    for (size_t from = to - pipes; from > start && to > from;) {
        const uint8_t byte = text->data[--from];
        text->data[--to] = byte;
        if (byte == '|' || byte == '\\')
            text->data[--to] = '\\';
    }
    return STATUS_OK;
}

static enum status md_cell(struct renderer *renderer, const struct answer_cell *cell)
{
    TRY(append(renderer, " "));
    const size_t start = renderer->text.len;
    TRY(render_human_cell(&renderer->text, cell, &renderer->clock));
    TRY(escape_pipes(&renderer->text, start));
    return append(renderer, " |");
}

static bool is_number_column(const struct answer_column *column)
{
    return column->kind == CELL_NUMBER || column->kind == CELL_COUNT ||
           column->kind == CELL_DURATION;
}

static enum status md_header(struct renderer *renderer)
{
    TRY(append(renderer, "|"));
    for (size_t i = 0; i < renderer->column_count; i++) {
        const struct answer_cell name = cell_of_text(renderer->columns[i].name);
        TRY(md_cell(renderer, &name));
    }
    TRY(append(renderer, "\n|"));
    for (size_t i = 0; i < renderer->column_count; i++)
        TRY(append(renderer, is_number_column(&renderer->columns[i]) ? " ---: |" : " --- |"));
    return append(renderer, "\n");
}

/* --- CSV and TSV --------------------------------------------------------------------------- */

static enum status delimited_header(struct renderer *renderer)
{
    const bool csv = renderer->options.format == RENDER_CSV;
    for (size_t i = 0; i < renderer->column_count; i++) {
        if (i > 0)
            TRY(append(renderer, csv ? "," : "\t"));
        const struct slice name = renderer->columns[i].name;
        TRY(csv ? render_csv_text(&renderer->text, name) : render_tsv_text(&renderer->text, name));
    }
    return append(renderer, "\n");
}

static enum status delimited_row(struct renderer *renderer, const struct answer_cell *cells)
{
    const bool csv = renderer->options.format == RENDER_CSV;
    struct civil_clock *clock = &renderer->clock;
    for (size_t i = 0; i < renderer->column_count; i++) {
        if (i > 0)
            TRY(append_byte(renderer, csv ? ',' : '\t'));
        TRY(csv ? render_csv_cell(&renderer->text, &cells[i], clock)
                : render_tsv_cell(&renderer->text, &cells[i], clock));
    }
    return append_byte(renderer, '\n');
}

static enum status md_row(struct renderer *renderer, const struct answer_cell *cells)
{
    TRY(append(renderer, "|"));
    for (size_t i = 0; i < renderer->column_count; i++)
        TRY(md_cell(renderer, &cells[i]));
    return append(renderer, "\n");
}

/* --- JSON ---------------------------------------------------------------------------------- */

static enum status make_keys(struct renderer *renderer)
{
    renderer->keys = mem_alloc_zeroed(renderer->column_count, sizeof *renderer->keys);
    if (!renderer->keys)
        return STATUS_NOMEM;
    for (size_t i = 0; i < renderer->column_count; i++) {
        assert(renderer->text.len == 0);
        TRY(append(renderer, i > 0 ? "," : "{"));
        TRY(render_json_text(&renderer->text, renderer->columns[i].name));
        TRY(append(renderer, ":"));
        renderer->keys[i] = arena_copy(&renderer->arena, buffer_slice(&renderer->text));
        if (!renderer->keys[i].data)
            return STATUS_NOMEM;
        buffer_clear(&renderer->text);
    }
    return STATUS_OK;
}

static enum status json_object(struct renderer *renderer, const struct answer_cell *cells)
{
    for (size_t i = 0; i < renderer->column_count; i++) {
        TRY(buffer_append(&renderer->text, renderer->keys[i].data, renderer->keys[i].len));
        TRY(render_json_cell(&renderer->text, &cells[i], &renderer->clock));
    }
    return append_byte(renderer, '}');
}

static enum status json_row(struct renderer *renderer, const struct answer_cell *cells)
{
    const bool lines = renderer->options.format == RENDER_NDJSON || renderer->options.single;
    if (!lines)
        TRY(append(renderer, renderer->row_count == 0 ? "[\n" : ",\n"));
    TRY(json_object(renderer, cells));
    return lines ? append_byte(renderer, '\n') : STATUS_OK;
}

static enum status json_end(struct renderer *renderer)
{
    if (renderer->options.format == RENDER_NDJSON || renderer->options.single)
        return STATUS_OK;
    return append(renderer, renderer->row_count == 0 ? "[]\n" : "\n]\n");
}

/* --- all of them --------------------------------------------------------------------------- */

enum status render_begin(struct renderer *renderer, const struct render_options *options,
                         const struct answer_column *columns, size_t column_count, FILE *out)
{
    assert(column_count > 0);
    *renderer = (struct renderer){
        .options = *options, .out = out, .columns = columns, .column_count = column_count};
    civil_clock_init(&renderer->clock, options->zone);
    switch (options->format) {
    case RENDER_TABLE:
        return options->growing ? growing_begin(renderer) : sheet_begin(renderer);
    case RENDER_JSON:
    case RENDER_NDJSON:
        return make_keys(renderer);
    case RENDER_CSV:
    case RENDER_TSV:
        return options->no_header ? STATUS_OK : delimited_header(renderer);
    case RENDER_MD:
        return options->no_header ? STATUS_OK : md_header(renderer);
    }
    return STATUS_OK;
}

static enum status put_row(struct renderer *renderer, const struct answer_cell *cells)
{
    switch (renderer->options.format) {
    case RENDER_TABLE:
        return renderer->growing ? growing_row(renderer, cells) : sheet_row(renderer, cells);
    case RENDER_CSV:
    case RENDER_TSV:
        return delimited_row(renderer, cells);
    case RENDER_JSON:
    case RENDER_NDJSON:
        return json_row(renderer, cells);
    case RENDER_MD:
        return md_row(renderer, cells);
    }
    return STATUS_OK;
}

enum status render_row(struct renderer *renderer, const struct answer_cell *cells)
{
    TRY(put_row(renderer, cells));
    renderer->row_count++;
    return renderer->text.len >= WRITE_BYTES ? render_flush(renderer) : STATUS_OK;
}

enum status render_end(struct renderer *renderer)
{
    if (renderer->sheet)
        TRY(sheet_end(renderer));
    if (renderer->options.format == RENDER_JSON)
        TRY(json_end(renderer));
    return render_flush(renderer);
}

void render_release(struct renderer *renderer)
{
    mem_free(renderer->keys);
    arena_release(&renderer->arena);
    buffer_release(&renderer->text);
    sheet_free(renderer->sheet);
    growing_free(renderer->growing);
    *renderer = (struct renderer){0};
}

/* Texts lie where they were found, anywhere in memory: they are asked for some rows ahead. */
#define ROWS_AHEAD 8u

static void fetch_texts(const struct answer *answer, size_t i)
{
    if (i >= answer_shown_count(answer))
        return;
    const struct answer_cell *cells = answer_row(answer, i);
    for (size_t column = 0; column < answer->column_count; column++) {
        if (cells[column].kind == CELL_TEXT)
            __builtin_prefetch(cells[column].text);
    }
}

enum status render_answer(const struct render_options *options, const struct answer *answer,
                          FILE *out)
{
    OWNED(render_release) struct renderer renderer = {0};
    TRY(render_begin(&renderer, options, answer->columns, answer->column_count, out));
    const size_t count = answer_shown_count(answer);
    for (size_t i = 0; i < count; i++) {
        fetch_texts(answer, i + ROWS_AHEAD);
        TRY(render_row(&renderer, answer_row(answer, i)));
    }
    return render_end(&renderer);
}
