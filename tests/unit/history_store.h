/*
 * history_store.h - a store of made-up histories, for tests of queries: readings and states of
 * named devices at given times, in one commit, with a snapshot and a selection of everything.
 *
 * Life cycle: zero-initialise -> add* -> open -> the test asks -> drop, which zeroes it again.
 * Failures end the test. Threads: one.
 */
#ifndef MNSDB_TESTS_UNIT_HISTORY_STORE_H
#define MNSDB_TESTS_UNIT_HISTORY_STORE_H

#include "engine/number/number.h"
#include "engine/row/row.h"
#include "engine/snapshot/snapshot.h"
#include "query/selection/selection.h"
#include "tests/unit/store_dir.h"

#include <stdbool.h>
#include <stdint.h>

struct history_store {
    char dir[STORE_DIR_BYTES];
    struct row_batch batch;     /* what `open` will commit */
    uint64_t last_id;           /* messages have the ids 1, 2 ... */
    struct snapshot *snapshot;  /* owned */
    struct selection selection; /* of everything, devices listed */
};

/* One message each: a reading of one metric, or a state. */
void history_store_add_reading(struct history_store *store, const char *device, int64_t time_ms,
                               const char *metric, struct number value);
void history_store_add_state(struct history_store *store, const char *device, int64_t time_ms,
                             bool online);

/* Commits what was added and opens it for reading. */
void history_store_open(struct history_store *store);
void history_store_drop(struct history_store *store);

/* A selection of its own, with devices listed: the caller's to release, whatever comes back. */
MUST_CHECK enum status history_store_select(const struct history_store *store,
                                            const struct selection_spec *spec,
                                            struct selection *selection);

#endif
