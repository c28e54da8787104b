/*
 * quantity.h - numbers, durations and sizes as people type them: human.h the other way round.
 *
 *      count      "17"              decimal digits alone
 *      duration   "1h30m", "250ms"  a sum of terms
 *      size       "256M", "64Ki"    one number and a unit
 *
 * Threads: pure.
 */
#ifndef MNSDB_CLI_QUANTITY_H
#define MNSDB_CLI_QUANTITY_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* False: no whole number, or beyond 2^64-1. `*count` is then untouched. */
MUST_CHECK bool count_parse(const char *text, uint64_t *count);

/*
 * A sum of terms "1h30m" of the units ms, s, m, h, d, w, all elapsed time: d is 24
 * hours. At least one term, no sign, less than 10000 years. STATUS_INPUT else.
 */
MUST_CHECK enum status duration_parse(const char *text, int64_t *duration_ms, struct error *err);

/*
 * Bytes: a whole number, then nothing or one of k, M, G, T (powers of 1000; K is taken, too) or
 * Ki, Mi, Gi, Ti (powers of 1024), then perhaps B. Less than 2^63. STATUS_INPUT else.
 */
MUST_CHECK enum status size_parse(const char *text, uint64_t *bytes, struct error *err);

#endif
