/*
 * live_ingest.h - an ingest in a process of its own that tells of each commit.
 *
 *      here                                          the other process
 *      live_ingest_start  ──fork──>                  file source, pipeline, bulk upkeep
 *      live_ingest_wait   <──pipe── LIVE_COMMITTED   so many stored
 *      live_ingest_go_on  ──pipe──>                  if it is to wait after each commit
 *      live_ingest_wait   <──pipe── LIVE_ENDED       how long it took, or how it failed
 *      live_ingest_end                               it is gone, killed if need be
 *
 * Threads: one, and the caller must have none but itself when it starts.
 */
#ifndef MNSDB_BENCH_SCENARIOS_LIVE_INGEST_H
#define MNSDB_BENCH_SCENARIOS_LIVE_INGEST_H

#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct live_ingest_config {
    const char *store;
    const char *const *paths;
    size_t path_count;
    bool stops; /* after each commit, until live_ingest_go_on */
};

struct live_ingest {
    pid_t child; /* 0: none */
    int notes;   /* read end */
    int answers; /* write end */
};

enum live_event {
    LIVE_TIMEOUT, /* nothing came in time */
    LIVE_COMMITTED,
    LIVE_ENDED,
};

struct live_note {
    enum live_event event;
    uint64_t stored;    /* messages in the store */
    uint64_t received;  /* of the whole ingest, with LIVE_ENDED */
    int64_t elapsed_ns; /* from opening the store to having closed it, with LIVE_ENDED */
};

MUST_CHECK enum status live_ingest_start(struct live_ingest *ingest,
                                         const struct live_ingest_config *config,
                                         struct error *err);
/* `wait_ms` below 0: without limit. The failure of the ingest is that of the call. */
MUST_CHECK enum status live_ingest_wait(struct live_ingest *ingest, int wait_ms,
                                        struct live_note *note, struct error *err);
MUST_CHECK enum status live_ingest_go_on(struct live_ingest *ingest, struct error *err);
void live_ingest_end(struct live_ingest *ingest);

#endif
