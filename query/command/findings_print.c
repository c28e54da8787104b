/*
 * findings_print.c - findings for people: a paragraph each, as wide as the terminal but for
 * commands.
 *
 *      error: out-of-range  walk/thermo-1  humidity
 *        1 value outside 0 to 100: 116 at 2018-05-16 05:58:54Z
 *        mnsdb log --device walk/thermo-1 --from ... --order-by humidity:desc --limit 20
 */
#include "query/command/findings_command.h"

#include <stdio.h>
#include <string.h>

#define LINE_COLUMNS_MAX 100u /* longer lines are hard to read */
#define INDENT           "  "

/* Columns of findings_answer. */
enum field {
    FIELD_SEVERITY,
    FIELD_KIND,
    FIELD_DEVICE,
    FIELD_METRIC,
    FIELD_EVIDENCE = 7,
    FIELD_MORE = 8,
};

static const char *colour_of(struct slice severity)
{
    if (slice_equal(severity, slice_of_text("error")))
        return "\033[1;31m";
    return slice_equal(severity, slice_of_text("warning")) ? "\033[1;33m" : "\033[1;36m";
}

static enum status append_text(struct buffer *text, const char *word)
{
    return buffer_append(text, word, strlen(word));
}

static enum status append_name(struct buffer *text, const struct screen *screen,
                               const struct answer_cell *cell)
{
    if (cell->kind == CELL_NULL)
        return STATUS_OK;
    TRY(append_text(text, "  "));
    if (cell->text_len == 0)
        return append_text(text, "''");
    return screen_put_text(screen, text, cell_text(cell));
}

/* Broken at blanks. Evidence is made of our own words and of figures: a byte is a column. */
static enum status append_wrapped(struct buffer *text, const struct screen *screen,
                                  struct slice words)
{
    const size_t columns = screen->columns < LINE_COLUMNS_MAX ? screen->columns : LINE_COLUMNS_MAX;
    const size_t room = columns - strlen(INDENT);
    while (words.len > 0) {
        size_t len = words.len;
        if (len > room) {
            len = room;
            while (len > 0 && words.data[len] != ' ')
                len--;
            if (len == 0)
                len = words.len;
        }
        TRY(append_text(text, INDENT));
        TRY(buffer_append(text, words.data, len));
        TRY(append_text(text, "\n"));
        const size_t skip = len < words.len ? len + 1 : len;
        words = slice_of(words.data + skip, words.len - skip);
    }
    return STATUS_OK;
}

static enum status append_finding(struct buffer *text, const struct render_options *options,
                                  const struct screen *screen, const struct answer_cell *cells)
{
    const struct slice severity = cell_text(&cells[FIELD_SEVERITY]);
    const struct slice kind = cell_text(&cells[FIELD_KIND]);
    const struct slice more = cell_text(&cells[FIELD_MORE]);
    if (options->colours)
        TRY(append_text(text, colour_of(severity)));
    TRY(buffer_append(text, severity.data, severity.len));
    TRY(append_text(text, options->colours ? ":\033[0m " : ": "));
    TRY(buffer_append(text, kind.data, kind.len));
    TRY(append_name(text, screen, &cells[FIELD_DEVICE]));
    TRY(append_name(text, screen, &cells[FIELD_METRIC]));
    TRY(append_text(text, "\n"));
    TRY(append_wrapped(text, screen, cell_text(&cells[FIELD_EVIDENCE])));
    TRY(append_text(text, INDENT));
    TRY(buffer_append(text, more.data, more.len));
    return append_text(text, "\n");
}

static enum status append_count(struct buffer *text, size_t count, const char *word, bool *any)
{
    char line[64];
    if (count == 0)
        return STATUS_OK;
    (void)snprintf(line, sizeof line, "%s%zu %s%s", *any ? ", " : "", count, word,
                   count == 1 ? "" : "s");
    *any = true;
    return append_text(text, line);
}

static enum status append_summary(struct buffer *text, const struct finding_list *list)
{
    size_t counts[SEVERITY_COUNT] = {0};
    bool any = false;
    for (size_t i = 0; i < list->count; i++)
        counts[list->items[i].severity]++;
    for (unsigned severity = 0; severity < SEVERITY_COUNT; severity++)
        TRY(append_count(text, counts[severity],
                         finding_severity_word((enum finding_severity)severity), &any));
    return append_text(text, any ? "\n" : "nothing found\n");
}

enum status check_print(const struct render_options *options, const struct screen *screen,
                        const struct finding_list *list, const struct answer *answer)
{
    OWNED(buffer_release) struct buffer text = {0};
    const size_t count = answer_shown_count(answer);
    for (size_t i = 0; i < count; i++) {
        TRY(append_finding(&text, options, screen, answer_row(answer, i)));
        TRY(append_text(&text, "\n"));
    }
    if (!options->no_header)
        TRY(append_summary(&text, list));
    if (text.len > 0 && fwrite(text.data, 1, text.len, stdout) != text.len)
        return STATUS_STOPPED;
    return STATUS_OK;
}
