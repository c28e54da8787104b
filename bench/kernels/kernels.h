/*
 * kernels.h - the inner loops of ingest and queries, each measured alone and in memory.
 *
 *      kernel     one loop over data made by the fleet: ns a value, values a second, bytes a cycle
 *      marks      what the machine can do at best (bench/machine)
 *      budget     the stages of an ingest, ns a message each, beside the least they could take
 *
 * Times are those of the one thread that works (struct work_clock), the least and the median of
 * several runs. A cycle is one of the core's own clock (machine_core_hz), so that bytes a cycle do
 * not depend on it. What "value" means is each kernel's own: a message, an id, a number, a row.
 *
 * Threads: one; the whole ingest of the budget uses those of the pipeline.
 */
#ifndef MNSDB_BENCH_KERNELS_KERNELS_H
#define MNSDB_BENCH_KERNELS_KERNELS_H

#include "bench/machine/machine.h"
#include "cli/exit_code.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define KERNELS_MAX       64u
#define BUDGET_STAGES_MAX 16u
#define KERNEL_RUNS_MAX   200u

struct kernel_result {
    const char *name;    /* "block-decode" */
    const char *value;   /* what is counted: "row" */
    const char *variant; /* "x86-64-v3", "portable": which copy of loops that there are twice */
    uint64_t values;     /* of a run */
    double bytes;        /* a value: those that the kernel reads, or writes where it makes them */
    double stored_bytes; /* a value, of what it packs or unpacks; 0: nothing of the kind */
    double least_ns;     /* a value */
    double median_ns;
    unsigned runs;
};

/* A stage of an ingest. Times are ns a message; 0 where there is none. */
struct budget_stage {
    const char *name;  /* "decode" */
    const char *limit; /* which mark bounds it, or NULL: only instructions do */
    double cpu_ns;
    double elapsed_ns; /* where the stage waits for the disk */
    double limit_ns;
};

struct budget {
    uint64_t messages;
    double line_bytes;  /* a message */
    double store_bytes; /* a message, of the store made */
    struct budget_stage stages[BUDGET_STAGES_MAX];
    size_t stage_count;
};

struct kernels_config {
    const char *dir;          /* where stores and files are made */
    const char *const *names; /* only these kernels; name_count 0: all, and the budget */
    size_t name_count;
    uint64_t messages; /* that the data is made of */
    unsigned runs;     /* at least so many of each kernel, 1 ... KERNEL_RUNS_MAX */
    bool marks;        /* measure them, and with them the budget */
};

#define KERNELS_MESSAGES_DEFAULT 400000u
#define KERNELS_MESSAGES_MAX     10000000u
#define KERNELS_RUNS_DEFAULT     7u

struct kernels_report {
    struct machine machine;
    bool has_marks; /* else only their core_hz */
    struct machine_marks marks;
    const char *variant; /* of kernels that do not choose: what the processor offers */
    struct kernel_result results[KERNELS_MAX];
    size_t count;
    struct budget budget; /* stage_count 0: not asked for */
};

/* True if there is a kernel of that name. */
bool kernels_know(const char *name);

/* The name of the kernel at a place, or NULL behind the last. */
const char *kernels_name(size_t place);

/* All kernels over the same data, as often as wanted; `names` and `marks` are not looked at. */
struct kernels;
MUST_CHECK enum status kernels_open(struct kernels **kernels, const struct kernels_config *config,
                                    struct error *err);
MUST_CHECK enum status kernels_measure(struct kernels *kernels, struct kernels_report *report,
                                       struct error *err);
void kernels_close(struct kernels *kernels); /* NULL is fine */

/* Once, with what else the config asks for. */
MUST_CHECK enum status kernels_run(const struct kernels_config *config,
                                   struct kernels_report *report, struct error *err);

/* Bytes a cycle of the core; 0 if the clock is not known. */
double kernel_bytes_per_cycle(const struct kernel_result *result, double core_hz);

/* The least that a stage could take by what it takes, waiting included; 0 without a limit. */
double budget_share(const struct budget_stage *stage);

void kernels_print_table(const struct kernels_report *report, FILE *out);
/* {"kind":"kernels","machine":{...},"marks":{...},"kernels":[...],"budget":[...]} */
MUST_CHECK enum status kernels_print_json(const struct kernels_report *report, FILE *out,
                                          struct error *err);

/* "mnsdb-bench kernels ...": argv[0] is "kernels". */
enum exit_code kernels_main(int argc, char **argv);

#endif
