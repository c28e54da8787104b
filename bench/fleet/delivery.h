/*
 * delivery.h - the way from the platform to the output: in order, late, twice.
 *
 * Lines that wait lie in a wheel of slots, each of SLOT_MS of simulated time.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_FLEET_DELIVERY_H
#define MNSDB_BENCH_FLEET_DELIVERY_H

#include "bench/fleet/fleet.h"
#include "bench/fleet/random.h"

struct held_line;

struct delivery {
    const struct fleet_config *config; /* borrowed */
    const struct fleet_output *output; /* borrowed */
    struct fleet_totals *totals;       /* borrowed */
    struct random_stream random;
    uint32_t late_threshold;
    uint32_t duplicate_threshold;
    struct buffer lines;      /* on their way to the output */
    struct held_line **slots; /* owned */
    size_t slot_count;
    int64_t now_slot;
    uint64_t held;
    bool stopped; /* the output wants no more */
};

MUST_CHECK enum status delivery_init(struct delivery *delivery, const struct fleet_config *config,
                                     const struct fleet_output *output, struct fleet_totals *totals,
                                     struct error *err);
void delivery_release(struct delivery *delivery);

/* Lets the output hold the simulation to its clock, if it has one. */
MUST_CHECK enum status delivery_pace(struct delivery *delivery, int64_t now_ms, struct error *err);

/* Releases what is due before `now_ms`. */
MUST_CHECK enum status delivery_advance(struct delivery *delivery, int64_t now_ms,
                                        struct error *err);
/* Takes a line, with its newline, that the platform sends at `now_ms`. */
MUST_CHECK enum status delivery_send(struct delivery *delivery, struct slice line, int64_t now_ms,
                                     struct error *err);
/* Releases everything. */
MUST_CHECK enum status delivery_finish(struct delivery *delivery, struct error *err);

#endif
