/*
 * child.h - work done in a process of its own, so that its memory can be measured.
 *
 * The peak memory of a process never sinks again: what is measured after an
 * ingest would show the ingest's. A child that is forked for one job ends
 * with the job, and the kernel tells what it took.
 *
 * Threads: the caller must have none but itself.
 */
#ifndef MNSDB_BENCH_BENCH_CHILD_H
#define MNSDB_BENCH_BENCH_CHILD_H

#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

#define CHILD_RESULT_BYTES_MAX ((size_t)4096) /* what a pipe takes in one write, always */

struct child_job {
    const void *context; /* as it was when the child was forked */
    void *result;        /* copied back from the child */
    size_t result_bytes;
    /* Runs in the child. The result is copied back also when it fails. */
    enum status (*run)(const void *context, void *result, struct error *err);
};

struct child_usage {
    int64_t elapsed_ns;  /* of the job, without starting and ending the process */
    int64_t cpu_ns;      /* of all its threads */
    uint64_t peak_bytes; /* largest resident memory, mapped files included */
};

/*
 * Waits for the job. A signal to this process is passed on to the child. The
 * failure of the job is the failure of the call; a child that died is STATUS_IO.
 */
MUST_CHECK enum status child_run(const struct child_job *job, struct child_usage *usage,
                                 struct error *err);

#endif
