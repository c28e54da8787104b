/*
 * marks_internal.h - the parts of machine_marks; for bench/machine only.
 */
#ifndef MNSDB_BENCH_MACHINE_MARKS_INTERNAL_H
#define MNSDB_BENCH_MACHINE_MARKS_INTERNAL_H

#include "bench/machine/machine.h"

/* Two buffers of the same length, all of it touched. */
struct memory_buffers {
    uint64_t *from;
    uint64_t *to;
    size_t words;
};

/* The sum of 64-bit words, modulo 2^64: reading, as fast as it goes. */
uint64_t marks_sum_words(const uint64_t *words, size_t count);

/* Fill in their part of the marks. */
MUST_CHECK enum status marks_of_memory(const struct machine_marks_config *config, bool two_threads,
                                       struct machine_marks *marks, struct error *err);
MUST_CHECK enum status marks_of_page_cache(const struct machine_marks_config *config,
                                           struct machine_marks *marks, struct error *err);
MUST_CHECK enum status marks_of_disk(const struct machine_marks_config *config,
                                     struct machine_marks *marks, struct error *err);

#endif
