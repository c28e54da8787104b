/*
 * complete_line.h - a line of bash up to the cursor: its words, and how to quote what follows.
 *
 * Understands blanks, backslashes and both quotes; nothing is ever expanded or run. Words before an
 * unquoted ; | & or line break belong to another command and are dropped.
 *
 * Life cycle: read -> use -> release. Threads: one.
 */
#ifndef MNSDB_CLI_COMPLETE_LINE_H
#define MNSDB_CLI_COMPLETE_LINE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stdio.h>

struct shell_line {
    char *text;         /* owned; all words without their quotes, NUL-terminated */
    const char **words; /* owned array; the last is the one being typed, perhaps empty */
    size_t word_count;  /* at least 1 */
    size_t kept_bytes;  /* of the last word, which bash leaves alone: up to the last break */
    char open_quote;    /* ' or " if the cursor is between quotes, else 0 */
    bool mixed;         /* the last word has quotes that are closed: not completed */
};

/* `breaks`: characters that begin a new word for bash, though not for the program. */
MUST_CHECK enum status shell_line_read(struct shell_line *line, const char *text,
                                       const char *breaks);
void shell_line_release(struct shell_line *line);

/* True if the word can stand between the quotes that are open. */
bool shell_line_can_quote(char open_quote, struct slice word);
/* Writes the word as it must stand in the line. */
void shell_line_write_quoted(FILE *to, char open_quote, struct slice word);

#endif
