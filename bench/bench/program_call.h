/*
 * program_call.h - running the programs that stand beside this one.
 */
#ifndef MNSDB_BENCH_BENCH_PROGRAM_CALL_H
#define MNSDB_BENCH_BENCH_PROGRAM_CALL_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* The path of a program beside this one; false if there is none to run. */
bool program_find(const char *name, char *path, size_t path_bytes);

/*
 * Runs words[0] with the words as its arguments (NULL-terminated) until it has ended, its
 * standard output thrown away. Another exit code than 0 is STATUS_IO.
 */
MUST_CHECK enum status program_call(const char *const *words, struct error *err);

#endif
