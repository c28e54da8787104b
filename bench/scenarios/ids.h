/*
 * ids.h - the seen set as it grows, and against what it has seen before.
 *
 *      grow     snowflakes in order, a share of them up to 30 s late, to 10^8 and on
 *      again    the newest of them once more: nothing but duplicates
 *      beside   a second recording of the same span: other workers, the same milliseconds
 *      older    a recording of the time before
 *      random   64 random bits each, in a set of their own
 *
 * It is the set alone, without rows: sorted batches, one durable transaction each, as commits do.
 *
 * Threads: one; sets are made in a process of their own, whose memory is measured.
 */
#ifndef MNSDB_BENCH_SCENARIOS_IDS_H
#define MNSDB_BENCH_SCENARIOS_IDS_H

#include "bench/bench/child.h"
#include "bench/scenarios/process_writes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define IDS_STEPS_MAX 16u
#define IDS_NAME_MAX  16u

struct ids_config {
    uint64_t up_to;  /* ids of `grow`; marks are powers of ten from 10^6 on, and this */
    uint64_t others; /* ids of each of the others */
    uint64_t batch;  /* ids of a transaction */
};

/* Some transactions of one kind. */
struct ids_step {
    char name[IDS_NAME_MAX];
    uint64_t ids;   /* asked for in this step */
    uint64_t added; /* that were new */
    uint64_t held;  /* in the set, afterwards */
    int64_t elapsed_ns;
    int64_t cpu_ns;
    uint64_t written_bytes; /* given to write calls */
    uint64_t live_bytes;    /* pages in use, afterwards */
    uint64_t file_bytes;
    uint64_t memory_bytes; /* most that was resident without mapped files, so far */
};

struct ids_report {
    struct ids_config config;
    struct ids_step steps[IDS_STEPS_MAX];
    size_t step_count;
};

MUST_CHECK enum status ids_run(const struct ids_config *config, struct ids_report *report,
                               struct error *err);

void ids_print_table(const struct ids_report *report, FILE *out);
struct cJSON;
/* False without memory. */
bool ids_fill_json(struct cJSON *tree, const struct ids_report *report);

#endif
