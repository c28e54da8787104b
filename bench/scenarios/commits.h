/*
 * commits.h - an hour of small commits: what is written, how long it takes, what queries then find.
 *
 *      small    a simulated fleet, some hundred messages a commit, steady upkeep after each
 *      bulk     the same messages in commits of half a million, bulk upkeep
 *
 * Both stores are then asked the same queries. Time is the fleet's: commits follow one another as
 * fast as they go.
 *
 * Threads: one; stores are made in a process of their own.
 */
#ifndef MNSDB_BENCH_SCENARIOS_COMMITS_H
#define MNSDB_BENCH_SCENARIOS_COMMITS_H

#include "bench/bench/child.h"
#include "bench/bench/measure_queries.h"
#include "bench/scenarios/latency.h"
#include "bench/scenarios/process_writes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define COMMITS_SAMPLES 24u

struct commits_config {
    uint64_t rows_per_commit;  /* messages of a commit, on average */
    double commits_per_second; /* of simulated time */
    int64_t span_ms;           /* simulated */
    uint64_t commits;          /* no more than this; 0: as many as the span holds */
    uint64_t devices;          /* 0: as many as read every 10 s at that rate */
    size_t runs;               /* of each query; 0: no queries, no bulk store */
};

/* The store at one moment. */
struct commits_sample {
    uint64_t commits;
    uint64_t stored;
    uint64_t parts;    /* of both tables, without the log */
    uint64_t log_rows; /* not folded yet */
    uint64_t file_bytes;
    uint64_t live_bytes; /* pages in use */
};

/* How one store was made. */
struct commits_feed {
    uint64_t commits;
    uint64_t messages;
    uint64_t stored;
    uint64_t duplicates;
    uint64_t transactions;        /* commits and steps of upkeep */
    struct process_writes writes; /* of all of it */
    struct latency commit;        /* store_commit */
    struct latency step;          /* store_maintain that had something to do */
    uint64_t parts_most;          /* at any of the samples */
    double file_to_live_most;     /* at any of them */
    struct commits_sample samples[COMMITS_SAMPLES];
    size_t sample_count; /* the last one is the end */
    struct child_usage usage;
};

struct commits_report {
    struct commits_config config;
    struct commits_feed small;
    struct commits_feed bulk;
    struct query_phase small_queries;
    struct query_phase bulk_queries;
    struct timing small_open; /* a snapshot opened, and closed again */
    struct timing bulk_open;
    bool answers_differ;
};

/*
 * Fills in `feed`; the store is made at `store` and stays. `messages`: 0 for small commits, else
 * the first so many messages of the same feed in bulk.
 */
MUST_CHECK enum status commits_feed_store(const struct commits_config *config, const char *store,
                                          uint64_t messages, struct commits_feed *feed,
                                          struct error *err);

MUST_CHECK enum status commits_run(const struct commits_config *config,
                                   struct commits_report *report, struct error *err);

void commits_print_table(const struct commits_report *report, FILE *out);
struct cJSON;
/* False without memory. */
bool commits_fill_json(struct cJSON *tree, const struct commits_report *report);

/* Bytes of the file by those of its pages in use; 0 of an empty store. */
double commits_file_to_live(const struct commits_sample *sample);

#endif
