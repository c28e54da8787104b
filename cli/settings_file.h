/*
 * settings_file.h - configuration files: read as a whole, walked line by line.
 *
 *      # a comment: '#' or ';' opens its line
 *      name = value
 *
 * One setting a line, no sections, no lines that go on in the next: what would be half understood
 * is an error that names its line. Lines end with LF or CRLF; a byte order mark is passed over.
 * What a setting may be is its reader's business. A line is never shown in a message: it may hold
 * a secret.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_CLI_SETTINGS_FILE_H
#define MNSDB_CLI_SETTINGS_FILE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define SETTINGS_FILE_BYTES_MAX ((size_t)1 << 20)

/*
 * Reads a whole file into `text`. STATUS_CONFIG: it cannot be read, is no regular file, is too
 * large, or everybody may write to it. `*exists` false: there is none, and that is no error.
 */
MUST_CHECK enum status settings_file_read(const char *path, struct buffer *text, bool *exists,
                                          struct error *err);

/* A line with a setting; texts borrow from the file's, without blanks around them. */
struct settings_line {
    const char *path; /* for messages */
    unsigned number;  /* from 1 */
    struct slice text;
    bool has_value;     /* there is a '=': */
    struct slice name;  /* what stands before the first one */
    struct slice value; /* and behind it */
};

typedef enum status settings_line_taker(void *context, const struct settings_line *line,
                                        struct error *err);

/* Hands every line that is no comment to `take`, in order. STATUS_CONFIG names `path` and line. */
MUST_CHECK enum status settings_file_walk(struct slice text, const char *path,
                                          settings_line_taker *take, void *context,
                                          struct error *err);

/* "PATH:LINE: what"; returns STATUS_CONFIG. */
enum status settings_line_wrong(const struct settings_line *line, const char *what,
                                struct error *err);

#endif
