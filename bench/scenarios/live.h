/*
 * live.h - queries while ingest runs at full speed, and what they cost each other.
 *
 *      quiet    ingest stops after each commit; the queries are asked on a store at rest
 *      alone    ingest at full speed, nobody asks
 *      live     ingest at full speed; one query after the other at a fixed rate
 *
 * The store grows while it is asked, so that each live answer is compared with the quiet store of
 * nearest size. Ingest runs in a process of its own; who asks opens the store as any reader does,
 * and resumes its snapshot for each query. Alone and live take turns, and the least elapsed times
 * are compared.
 *
 * Threads: one here, those of the pipeline in the other process.
 */
#ifndef MNSDB_BENCH_SCENARIOS_LIVE_H
#define MNSDB_BENCH_SCENARIOS_LIVE_H

#include "bench/bench/query_set.h"
#include "bench/scenarios/latency.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct live_config {
    const char *const *paths; /* recorded sets */
    size_t path_count;
    double queries_per_second;
    size_t rounds; /* of alone and live, in turns */
};

struct live_query {
    struct latency live;
    struct latency quiet; /* of the sizes that the live answers were compared with */
    double ratio;         /* median of live by quiet, each at its size */
};

struct live_report {
    struct live_config config;
    uint64_t messages;
    uint64_t quiet_points; /* sizes at which the store at rest was asked */
    uint64_t asked;
    int64_t alone_ns; /* least elapsed time */
    int64_t live_ns;
    struct live_query queries[QUERY_SET_COUNT];
};

MUST_CHECK enum status live_run(const struct live_config *config, struct live_report *report,
                                struct error *err);

/* The share of its speed that ingest lost; below 0 if the machine was noisier than that. */
double live_loss(const struct live_report *report);

void live_print_table(const struct live_report *report, FILE *out);
struct cJSON;
/* False without memory. */
bool live_fill_json(struct cJSON *tree, const struct live_report *report);

#endif
