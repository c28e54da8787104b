/*
 * line_file.h - lines into a file or onto standard output, through a buffer.
 *
 * Life cycle: open -> write* -> close. Threads: one.
 */
#ifndef MNSDB_BENCH_FLEET_LINE_FILE_H
#define MNSDB_BENCH_FLEET_LINE_FILE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>

struct line_file {
    const char *path; /* borrowed; for messages */
    int file;         /* -1: not open */
    struct buffer buffer;
    bool closed_pipe; /* the reader went away: nothing more is written, and that is no error */
};

/* NULL or "-" is standard output. What was in the file is gone. */
MUST_CHECK enum status line_file_open(struct line_file *file, const char *path, struct error *err);
MUST_CHECK enum status line_file_write(struct line_file *file, struct slice lines,
                                       struct error *err);

/* Writes what is buffered. The file is closed in any case; closed already is fine. */
MUST_CHECK enum status line_file_close(struct line_file *file, struct error *err);

#endif
