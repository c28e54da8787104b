/*
 * whole_file.h - an output file that is there as a whole or not at all.
 *
 * It is written without a name, or under a name of its own, beside its place, and takes the
 * place of what is there in one step once all of it is on disk. Until then, and after a
 * failure, what was there before stays. Links are followed. What is no regular file (a
 * pipe, a terminal, /dev/stdout) is written to as it is.
 *
 * Life cycle: zero-initialise -> open -> write to .out -> commit -> release.
 * Threads:    one at a time.
 */
#ifndef MNSDB_CLI_WHOLE_FILE_H
#define MNSDB_CLI_WHOLE_FILE_H

#include "engine/base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct whole_file {
    FILE *out;                /* owned */
    char path[PATH_MAX];      /* where it goes */
    char temporary[PATH_MAX]; /* its name until then; empty: it has none */
    bool direct;              /* no regular file: no step to take */
};

/* STATUS_INPUT names the file and says why it cannot be written. */
MUST_CHECK enum status whole_file_open(struct whole_file *file, const char *path,
                                       struct error *err);
/* STATUS_FULL or STATUS_IO: the old file is still there. */
MUST_CHECK enum status whole_file_commit(struct whole_file *file, struct error *err);
/* Without a commit nothing is left behind. */
void whole_file_release(struct whole_file *file);

#endif
