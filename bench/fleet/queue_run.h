/*
 * queue_run.h - a run of the fleet whose lines go to a queue.
 *
 * Threads: one (credentials may have one of their own).
 */
#ifndef MNSDB_BENCH_FLEET_QUEUE_RUN_H
#define MNSDB_BENCH_FLEET_QUEUE_RUN_H

#include "bench/fleet/fleet.h"
#include "cli/exit_code.h"
#include "ingest/credentials/credentials.h"
#include "ingest/wire/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct queue_run_config {
    struct wire_url url;
    struct credentials_config credentials;
    const char *ca_file; /* PEM, or NULL: the system's */
    bool create;         /* make the queue if it is not there */
    unsigned sends_max;
    uint64_t rate;      /* messages a second; 0: no limit */
    bool is_realtime;   /* at most one of the two */
    const char *ledger; /* where acknowledged lines are written; NULL: nowhere */
};

/* Says on stderr what came of it. */
enum exit_code queue_run(const struct fleet_config *fleet, const struct queue_run_config *config);

#endif
