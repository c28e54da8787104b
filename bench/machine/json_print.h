/*
 * json_print.h - the last step of every report as JSON.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_BENCH_MACHINE_JSON_PRINT_H
#define MNSDB_BENCH_MACHINE_JSON_PRINT_H

#include "engine/base/error.h"

#include <stdio.h>

struct cJSON;

/* For OWNED: deletes a tree of cJSON; NULL is fine. */
void json_tree_free(struct cJSON **tree);

/*
 * Prints a tree, which stays the caller's, and ends the line. NULL stands for one that could not be
 * made: STATUS_NOMEM, as when there is no memory for its text. STATUS_FULL if `out` takes no more.
 */
MUST_CHECK enum status json_print(const struct cJSON *tree, FILE *out, struct error *err);

#endif
