/*
 * compare.h - mnsdb and its peers with one recorded set, side by side.
 *
 *      loads     round by round, each system once, a different one first each time
 *      answers   each query once; every peer's answer is held against mnsdb's
 *      warm      round by round: for each query each system in turn
 *      cold      the same, caches dropped and the store opened again before each
 *
 * A query that takes a peer very long is asked once: the time of the answer that was compared is
 * its only warm one, and cold it is not asked.
 *
 * A peer that fails is left out from there on; its figures say why, the others are measured all
 * the same. Queries are asked after every system has compacted; mnsdb's also before.
 *
 * Threads: one. SIGPIPE must be ignored.
 */
#ifndef MNSDB_BENCH_BENCH_COMPARE_H
#define MNSDB_BENCH_BENCH_COMPARE_H

#include "bench/bench/set_result.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPARE_ROUNDS_MAX 100u
#define COMPARE_PEERS_MAX  (SET_SYSTEMS_MAX - 1)

struct compare_config {
    const char *name; /* of the set, as files are called; NULL: from the first input */
    const char *const *inputs;
    size_t input_count;       /* peers take one */
    const char *const *peers; /* commands of drivers */
    size_t peer_count;        /* at most COMPARE_PEERS_MAX */
    const char *device;       /* NULL: one in the middle */
    const char *program;      /* path of mnsdb; NULL: calls are not measured */
    uint64_t rounds;          /* of loads and of cold queries; 1 ... COMPARE_ROUNDS_MAX */
    uint64_t runs;            /* of warm queries; 1 ... TIMING_RUNS_MAX */
    double slow_seconds;      /* a peer whose first load takes longer loads once */
    double slow_query_ms;     /* a peer's query that takes longer is asked once; 0: none */
    bool brief;               /* a row in the report instead of a section */
};

/* Release `result` in any case. A failure of mnsdb's is a failure; of a peer's it is none. */
MUST_CHECK enum status compare_run(const struct compare_config *config, struct set_result *result,
                                   struct error *err);

#endif
