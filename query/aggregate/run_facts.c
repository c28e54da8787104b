/*
 * run_facts.c - the inner loop of plain aggregates.
 */
#include "query/aggregate/run_facts.h"

/*
 * Compiled twice, since comparing 64-bit integers in vectors wants more than every x86-64
 * has. Only gcc does this well, and sanitizers run too late for the choice.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HOT_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define HOT_CLONES
#endif

HOT_CLONES
void run_facts_find(const int64_t *mantissas, uint32_t count, struct run_facts *facts)
{
    int64_t low = mantissas[0];
    int64_t high = mantissas[0];
    uint64_t sum = 0; // may wrap, and is not used then
    for (uint32_t i = 0; i < count; i++) {
        low = mantissas[i] < low ? mantissas[i] : low;
        high = mantissas[i] > high ? mantissas[i] : high;
        sum += (uint64_t)mantissas[i];
    }
    *facts = (struct run_facts){.min = low, .max = high, .sum = (int64_t)sum};
}

i128 run_sum_large(const int64_t *mantissas, uint32_t count)
{
    i128 sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += mantissas[i];
    return sum;
}
