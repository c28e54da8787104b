/*
 * fleet.h - a simulated fleet: what to simulate, and running it.
 *
 * Every device ticks once an interval (with jitter). On a tick it may change
 * between online and offline, and sends a reading while it is online. Messages
 * get snowflake ids as the platform gives them, and reach the output in order
 * of time but for those that are late or redelivered.
 *
 *      schedule (a slot per ms) -> device -> message -> delivery (late, again) -> lines
 *
 * The same configuration makes the same bytes, on every machine. With neither messages nor a span
 * set, a run ends when its output stops it.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_FLEET_FLEET_H
#define MNSDB_BENCH_FLEET_FLEET_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define FLEET_DEVICES_MAX  5000000u
#define FLEET_WORKERS_MAX  1024u
#define FLEET_DECIMALS_MAX 6u

enum fleet_profile {
    FLEET_SENSORS, /* random walks with decimals; topic "/pk/dn/user/update" */
    /* integers as the platform walkthrough's script sends; topic "pk/dn/update" */
    FLEET_WALKTHROUGH,
};

struct fleet_config {
    uint64_t seed;
    uint64_t messages; /* lines to write; 0: as many as `span_ms` holds */
    int64_t span_ms;   /* simulated time; 0: as long as `messages` needs */
    int64_t start_ms;  /* UTC */
    uint32_t devices;
    uint32_t products;
    int64_t interval_ms;
    int64_t jitter_ms;
    double duplicate_share; /* of messages that are delivered again, within a minute */
    double late_share;      /* of messages that are delivered late */
    int64_t late_ms;        /* by up to this */
    int64_t online_mean_ms;
    int64_t offline_mean_ms;
    double timeout_share; /* of disconnects that the platform notices by timeout */
    uint32_t temperature_decimals;
    uint32_t humidity_decimals;
    uint32_t workers;         /* of the platform, that give ids */
    double thing_model_share; /* of readings that are thing-model posts */
    double hostile_share;     /* of lines that are broken in some way, on top */
    bool base64_lines;        /* every line is base64 of the envelope */
    enum fleet_profile profile;
};

struct fleet_config fleet_config_default(void);

/* Where lines go. Each ends with a newline; `*stop` true ends the run. */
struct fleet_output {
    void *context;
    enum status (*write)(void *context, struct slice lines, bool *stop, struct error *err);
    /*
     * Called before each simulated millisecond, with all lines of the time before it written: it
     * may wait, to hold the simulation to a clock. NULL: the run goes as fast as it can.
     */
    enum status (*pace)(void *context, int64_t simulated_ms, bool *stop, struct error *err);
};

struct fleet_totals {
    uint64_t lines;
    uint64_t bytes;
    uint64_t readings;
    uint64_t status_events;
    uint64_t duplicates;
    uint64_t late;
    uint64_t hostile;
    int64_t last_ms; /* simulated time at the end */
};

MUST_CHECK enum status fleet_run(const struct fleet_config *config,
                                 const struct fleet_output *output, struct fleet_totals *totals,
                                 struct error *err);

#endif
