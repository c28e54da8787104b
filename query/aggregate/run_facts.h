/*
 * run_facts.h - least, greatest and sum of a run of mantissas, in one pass.
 *
 * Threads: pure.
 */
#ifndef MNSDB_QUERY_AGGREGATE_RUN_FACTS_H
#define MNSDB_QUERY_AGGREGATE_RUN_FACTS_H

#include "engine/base/bytes.h"

#include <stdint.h>

/* The sum wraps modulo 2^64: it holds only if the mantissas are small for their number. */
struct run_facts {
    int64_t min, max;
    int64_t sum;
};

/* Of at least one mantissa. */
void run_facts_find(const int64_t *mantissas, uint32_t count, struct run_facts *facts);

/* The sum whatever the mantissas. */
i128 run_sum_large(const int64_t *mantissas, uint32_t count);

#endif
