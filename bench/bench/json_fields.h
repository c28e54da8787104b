/*
 * json_fields.h - members of JSON objects from outside as values of ours.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_BENCH_BENCH_JSON_FIELDS_H
#define MNSDB_BENCH_BENCH_JSON_FIELDS_H

#include "ingest/decode/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A finite number; false for all else. */
bool json_real(const struct json_node *node, double *real);

/* A whole number of digits alone, up to 2^64-1. */
bool json_count(const struct json_node *node, uint64_t *count);

bool json_bool(const struct json_node *node, bool *truth);

/* A string, harmless for a terminal (cli/escape.h), cut to the room; else "", and false. */
bool json_text(const struct json_node *node, char *text, size_t text_bytes);

#endif
