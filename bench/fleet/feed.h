/*
 * feed.h - the fleet's output to a queue: as fast as it goes, at a rate, or in simulated time.
 *
 * Threads: one, the sender's.
 */
#ifndef MNSDB_BENCH_FLEET_FEED_H
#define MNSDB_BENCH_FLEET_FEED_H

#include "bench/fleet/fleet.h"
#include "bench/fleet/sender.h"

#include <stdbool.h>
#include <stdint.h>

struct feed {
    struct sender *sender;  /* borrowed */
    struct mns_clock clock; /* the sender's */
    uint64_t rate;          /* messages a second; 0: no limit */
    bool is_realtime;       /* a second of simulated time takes a second */
    uint64_t line_count;
    int64_t begin_ms;           /* monotonic; 0: not begun */
    int64_t begin_simulated_ms; /* the same instant in simulated time */
    int64_t next_simulated_ms;  /* when the clock is looked at again */
};

/* `feed` must live as long as the output; a signal stops the fleet. */
struct fleet_output feed_output(struct feed *feed);

#endif
