/*
 * quick.h - the daily form of the benchmark: one set, no peers, a minute; beside a baseline.
 *
 *      set (the fleet's) ─▶ rounds of: ingest, the same again, queries, kernels ─▶ figures ─┐
 *      calibration       ─▶ units of time of this machine ───────────────────────────────────┤
 *      baseline          ─▶ figures of an earlier run ────────────────────▶ ratio, verdict ◀─┘
 *
 * A time is CPU time, of what is short by the wall clock; the least of all looks, which are spread
 * over the whole run. It is compared as a multiple of a calibration (bench/machine) of its kind on
 * the same machine, so that a baseline of one machine says something on another: what is left of
 * the difference is how the machines' CPUs differ beyond their speed. Sizes are compared as they
 * are.
 *
 * Threads: one, while no ingest runs.
 */
#ifndef MNSDB_BENCH_QUICK_QUICK_H
#define MNSDB_BENCH_QUICK_QUICK_H

#include "bench/machine/machine.h"
#include "cli/exit_code.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define QUICK_FIGURES_MAX 96u
#define QUICK_NAME_BYTES  40u
#define QUICK_ROUNDS_MAX  16u
#define QUICK_PASSES      4u /* of queries and kernels, in a round */
#define QUICK_SAMPLES_MAX ((size_t)QUICK_ROUNDS_MAX * QUICK_PASSES)

enum quick_kind {
    QUICK_TIME, /* ns; compared by its multiple of a calibration */
    QUICK_SIZE, /* bytes a message; compared exactly */
};

struct quick_figure {
    char name[QUICK_NAME_BYTES]; /* "ingest", "Q4", "decode" */
    enum quick_kind kind;
    enum machine_unit unit; /* of a time */
    double value;           /* the least of all looks */
    double relative;        /* by its unit's calibration; of a size the value itself */
    double
        noise; /* how far a quarter of the looks lay above the least, as a share of it, at most */
};

/* What one run of the benchmark found. */
struct quick_figures {
    struct machine machine;
    uint64_t messages;
    struct machine_calibration calibration;
    struct quick_figure figures[QUICK_FIGURES_MAX];
    size_t count;
};

/* How a figure stands beside the baseline's. */
enum quick_verdict {
    QUICK_NEW,  /* the baseline has no such figure */
    QUICK_SAME, /* within the margin; of a size: equal */
    QUICK_BETTER,
    QUICK_WORSE,
};

struct quick_comparison {
    enum quick_verdict verdict;
    double ratio;  /* to the baseline: below 1 is better; 0 if there is none */
    double margin; /* within which a ratio says nothing: 0.1 is from 1/1.1 to 1.1 */
};

/* No difference below this one counts, however near the looks came: decision 32 has runs. */
#define QUICK_MARGIN_LEAST 0.08

/* Adds a time from samples, 1 ... QUICK_SAMPLES_MAX (asserted). Sorts them. */
void quick_add_time(struct quick_figures *figures, const char *name, enum machine_unit unit,
                    double *samples_ns, size_t count);
void quick_add_size(struct quick_figures *figures, const char *name, double bytes);

/* Sets the calibration, and with it what all times are relative to. */
void quick_calibrate(struct quick_figures *figures, const struct machine_calibration *calibration);

/* NULL if there is none of that name. */
const struct quick_figure *quick_find(const struct quick_figures *figures, const char *name);

struct quick_comparison quick_compare(const struct quick_figure *figure,
                                      const struct quick_figures *baseline);

/* The largest ratio of all figures that the baseline has too; 0 if it has none of them. */
double quick_worst_ratio(const struct quick_figures *figures, const struct quick_figures *baseline);

/* The word of a verdict: "slower" for a time, "larger" for a size. */
const char *quick_verdict_word(enum quick_verdict verdict, enum quick_kind kind);

/* What is to be measured. */
struct quick_config {
    uint64_t messages;
    unsigned rounds; /* 1 ... QUICK_ROUNDS_MAX */
};

#define QUICK_MESSAGES_DEFAULT 1000000u
#define QUICK_MESSAGES_LEAST   1000u
#define QUICK_MESSAGES_MAX     100000000u
#define QUICK_ROUNDS_DEFAULT   5u

MUST_CHECK enum status quick_run(const struct quick_config *config, struct quick_figures *figures,
                                 struct error *err);

/* `baseline` may be NULL. */
void quick_print_table(const struct quick_figures *figures, const struct quick_figures *baseline,
                       FILE *out);

/* {"kind":"quick","machine":{...},"messages":n,"calibration_ns":{...},"figures":[...]} */
MUST_CHECK enum status quick_print_json(const struct quick_figures *figures,
                                        const struct quick_figures *baseline, FILE *out,
                                        struct error *err);

/* Reads what quick_print_json wrote. STATUS_INPUT says what is wrong with the file. */
MUST_CHECK enum status quick_load(const char *path, struct quick_figures *figures,
                                  struct error *err);

/* "mnsdb-bench quick ...": argv[0] is "quick". */
enum exit_code quick_main(int argc, char **argv);

#endif
