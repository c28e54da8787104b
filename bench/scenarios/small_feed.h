/*
 * small_feed.h - a simulated fleet as batches of rows, cut as a queue's commits are.
 *
 *      fleet (lines, in order of time, late and redelivered ones among them)
 *          -> decoder -> batches of some messages each -> whoever takes them
 *
 * The same configuration makes the same batches, on every machine.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_SCENARIOS_SMALL_FEED_H
#define MNSDB_BENCH_SCENARIOS_SMALL_FEED_H

#include "bench/fleet/fleet.h"
#include "engine/row/row.h"

#include <stdint.h>

#define SMALL_FEED_LEAST 16u /* messages of a batch that varies */

struct small_feed_config {
    struct fleet_config fleet;
    uint64_t batch_mean;     /* messages of a batch */
    bool batch_varies;       /* evenly between SMALL_FEED_LEAST and as far above the mean */
    uint64_t batches_limit;  /* 0: as many as the fleet's span holds */
    uint64_t messages_limit; /* 0: none */
};

/* Takes one batch, which is empty again afterwards; a failure ends the feed. */
struct small_feed_sink {
    void *context;
    enum status (*take)(void *context, struct row_batch *batch, struct error *err);
};

MUST_CHECK enum status small_feed_run(const struct small_feed_config *config,
                                      const struct small_feed_sink *sink, struct error *err);

#endif
