/*
 * complete_line.c - see complete_line.h.
 *
 * Words are written one behind the other into a buffer as long as the line, since taking quotes
 * away never makes text longer. A word's address is entered when it begins.
 */
#include "cli/complete_line.h"

#include "engine/base/mem.h"

#include <string.h>

#define COMMAND_ENDS ";|&\n()"

/* The line while it is read. */
struct reading {
    struct shell_line *line;
    const char *breaks;
    size_t used;   /* bytes of line->text */
    size_t begins; /* of the last word, in line->text */
    bool in_word;  /* the last word has begun, perhaps with nothing but a quote */
};

static void begin_word(struct reading *reading)
{
    struct shell_line *line = reading->line;
    if (reading->in_word)
        return;
    reading->in_word = true;
    reading->begins = reading->used;
    line->words[line->word_count++] = line->text + reading->used;
    line->kept_bytes = 0;
    line->mixed = false;
}

static void end_word(struct reading *reading)
{
    if (reading->in_word)
        reading->line->text[reading->used++] = '\0';
    reading->in_word = false;
}

static void put(struct reading *reading, char c)
{
    begin_word(reading);
    reading->line->text[reading->used++] = c;
}

static void keep_so_far(struct reading *reading)
{
    reading->line->kept_bytes = reading->used - reading->begins;
}

/* A character outside quotes; returns how many were taken. */
static size_t take_plain(struct reading *reading, const char *at)
{
    struct shell_line *line = reading->line;
    if (at[0] == '\\' && at[1] != '\0') {
        put(reading, at[1]);
        return 2;
    }
    if (at[0] == ' ' || at[0] == '\t') {
        end_word(reading);
    } else if (strchr(COMMAND_ENDS, at[0])) {
        end_word(reading);
        line->word_count = 0;
    } else if (at[0] == '\'' || at[0] == '"') {
        begin_word(reading);
        keep_so_far(reading);
        line->open_quote = at[0];
    } else {
        put(reading, at[0]);
        if (strchr(reading->breaks, at[0]))
            keep_so_far(reading);
    }
    return 1;
}

/* A character between quotes. */
static size_t take_quoted(struct reading *reading, const char *at)
{
    struct shell_line *line = reading->line;
    if (at[0] == line->open_quote) {
        line->open_quote = 0;
        line->mixed = true;
        return 1;
    }
    if (line->open_quote == '"' && at[0] == '\\' && at[1] != '\0' && strchr("$`\"\\", at[1])) {
        put(reading, at[1]);
        return 2;
    }
    put(reading, at[0]);
    return 1;
}

enum status shell_line_read(struct shell_line *line, const char *text, const char *breaks)
{
    const size_t len = strlen(text);
    *line = (struct shell_line){0};
    line->text = mem_alloc_zeroed(2 * len + 2, 1);
    line->words = mem_alloc_zeroed(len + 2, sizeof *line->words);
    if (!line->text || !line->words)
        return STATUS_NOMEM;
    struct reading reading = {.line = line, .breaks = breaks};
    for (const char *at = text; *at != '\0';)
        at += line->open_quote ? take_quoted(&reading, at) : take_plain(&reading, at);
    begin_word(&reading);
    return STATUS_OK;
}

void shell_line_release(struct shell_line *line)
{
    mem_free(line->text);
    mem_free(line->words);
    *line = (struct shell_line){0};
}

bool shell_line_can_quote(char open_quote, struct slice word)
{
    // Within double quotes an interactive bash takes '!' for its history, and nothing prevents it.
    return open_quote != '"' || word.len == 0 || !memchr(word.data, '!', word.len);
}

static bool is_plain(uint8_t c)
{
    return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || strchr("/._-+,%@=:", c) != NULL;
}

void shell_line_write_quoted(FILE *to, char open_quote, struct slice word)
{
    for (size_t i = 0; i < word.len; i++) {
        const uint8_t c = word.data[i];
        if (open_quote == '\'' && c == '\'') {
            (void)fputs("'\\''", to);
            continue;
        }
        const bool escaped =
            open_quote == '"' ? strchr("$`\"\\", c) != NULL : open_quote == 0 && !is_plain(c);
        if (escaped)
            (void)fputc('\\', to);
        (void)fputc(c, to);
    }
}
