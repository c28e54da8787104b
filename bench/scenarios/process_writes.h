/*
 * process_writes.h - what this process has had written, as the kernel counts it.
 *
 * Threads: any; the counts are of all threads together.
 */
#ifndef MNSDB_BENCH_SCENARIOS_PROCESS_WRITES_H
#define MNSDB_BENCH_SCENARIOS_PROCESS_WRITES_H

#include "engine/base/error.h"

#include <stdint.h>

struct process_writes {
    uint64_t asked_bytes; /* given to write calls: wchar of /proc/self/io */
    uint64_t disk_bytes;  /* whole pages on their way to a disk: write_bytes; 0 on tmpfs */
};

MUST_CHECK enum status process_writes_read(struct process_writes *writes, struct error *err);

/* What came between two readings. */
struct process_writes process_writes_between(const struct process_writes *before,
                                             const struct process_writes *after);

#endif
