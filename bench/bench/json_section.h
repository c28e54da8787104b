/*
 * json_section.h - figures of any shape as a section of a report.
 *
 *      members that are numbers, texts, truths   a list
 *      arrays of objects                         tables, a column a member
 *      objects                                   sections below, or rows of a table if alike
 *
 * What the other verbs of mnsdb-bench measure is shown by this: a new figure of theirs needs no
 * work here.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_JSON_SECTION_H
#define MNSDB_BENCH_BENCH_JSON_SECTION_H

#include "ingest/decode/json.h"

#include <stdio.h>

/* Prints the members of an object below a heading that is there already, of `level` signs. */
void json_section_print(const struct json_node *object, unsigned level, FILE *out);

#endif
