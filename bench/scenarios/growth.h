/*
 * growth.h - what a message costs in a set of many times the messages: set L beside set M.
 *
 *      small   devices, a message count: set M
 *      many    the same count of messages, the devices of the large set
 *      large   many devices, `times` the messages: set L
 *      small   once more, as what the machine did in between
 *
 * The sets are never on disk: the fleet writes into a named pipe and ingest, in a process of its
 * own, reads it. So elapsed times are those of the fleet, which is the slower, and the CPU time of
 * ingest is what is compared. Queries are asked of the settled stores, in process and warm.
 *
 * Threads: one here, those of the pipeline in the other process.
 */
#ifndef MNSDB_BENCH_SCENARIOS_GROWTH_H
#define MNSDB_BENCH_SCENARIOS_GROWTH_H

#include "bench/bench/measure_queries.h"
#include "bench/bench/measure_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GROWTH_SETS      4u
#define GROWTH_RATIO_AIM 1.1 /* of the CPU time a message, large by small */

struct growth_config {
    uint64_t messages; /* of the small set */
    uint64_t times;    /* of them in the large one */
    uint32_t devices;  /* of the small set */
    uint32_t many_devices;
    size_t runs; /* of each query, after a first one */
};

struct growth_set {
    const char *name;
    uint64_t messages;
    uint32_t devices;
    struct ingest_figures ingest;
    struct upkeep_figures settle;
    struct upkeep_figures copy; /* a compacted one; of the last small set: neither of these */
    struct query_phase phase;   /* likewise */
};

struct growth_report {
    struct growth_config config;
    struct growth_set sets[GROWTH_SETS];
};

MUST_CHECK enum status growth_run(const struct growth_config *config, struct growth_report *report,
                                  struct error *err);

/* CPU time of ingest by its messages, in ns. */
double growth_cpu_ns(const struct growth_set *set);
/* That by the mean of the small sets before and after. */
double growth_ratio(const struct growth_report *report, size_t set);

void growth_print_table(const struct growth_report *report, FILE *out);
struct cJSON;
/* False without memory. */
bool growth_fill_json(struct cJSON *tree, const struct growth_report *report);

#endif
