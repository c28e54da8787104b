/*
 * unnamed_file.h - a temporary file that nobody else finds, gone with its last descriptor.
 *
 * It is made in $TMPDIR, else in /var/tmp: what is spilled may be larger than a /tmp in memory.
 *
 * Threads: free to all.
 */
#ifndef MNSDB_CLI_UNNAMED_FILE_H
#define MNSDB_CLI_UNNAMED_FILE_H

#include "engine/base/error.h"

/* For reading and writing; the caller closes it. STATUS_FULL: it cannot be made there. */
MUST_CHECK enum status unnamed_file_open(int *file, struct error *err);

#endif
