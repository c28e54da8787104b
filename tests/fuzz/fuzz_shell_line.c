/*
 * fuzz_shell_line.c - whatever stands on a line of bash: words, and nothing beyond them.
 *
 * The bytes are a line that completion is asked about; they are also a word, which must read back
 * as it is from behind every kind of quote.
 */
#include "cli/complete_line.h"
#include "cli/suggest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t)512)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len);

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_shell_line: %s\n", what);
    abort();
}

static void read_line(const char *text)
{
    struct shell_line line;
    check(shell_line_read(&line, text, "=:'\"") == STATUS_OK, "no memory");
    check(line.word_count >= 1, "no word");
    size_t total = 0;
    for (size_t i = 0; i < line.word_count; i++)
        total += strlen(line.words[i]);
    check(total <= strlen(text), "words are longer than the line");
    check(line.kept_bytes <= strlen(line.words[line.word_count - 1]), "kept beyond the word");
    shell_line_release(&line);
}

static void read_back(const char *word, char quote)
{
    char text[4 * TEXT_BYTES_MAX + 16];
    memset(text, 0, sizeof text);
    FILE *to = fmemopen(text, sizeof text - 1, "w");
    check(to != NULL, "no stream");
    (void)fputs("x ", to);
    if (quote)
        (void)fputc(quote, to);
    shell_line_write_quoted(to, quote, slice_of_text(word));
    (void)fclose(to);
    struct shell_line line;
    check(shell_line_read(&line, text, "") == STATUS_OK, "no memory");
    check(line.word_count == 2 && strcmp(line.words[1], word) == 0, "another word");
    shell_line_release(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_len)
{
    char text[TEXT_BYTES_MAX + 1];
    const size_t len = bytes_len < TEXT_BYTES_MAX ? bytes_len : TEXT_BYTES_MAX;
    if (len > 0)
        memcpy(text, bytes, len);
    text[len] = '\0';
    read_line(text);
    read_back(text, 0);
    read_back(text, '\'');
    read_back(text, '"');
    struct suggestion suggestion = {.typed = slice_of(text, strlen(text) / 2)};
    suggestion_offer(&suggestion, slice_of_text(text));
    suggestion_offer(&suggestion, slice_of_text(text + strlen(text) / 2));
    return 0;
}
