/*
 * query_store.h - a small store with readings and events of some devices, for tests of queries.
 *
 * QUERY_STORE_ROWS messages: every tenth is an event, ids descend, times repeat within a second.
 */
#ifndef MNSDB_TESTS_UNIT_QUERY_STORE_H
#define MNSDB_TESTS_UNIT_QUERY_STORE_H

#include "engine/snapshot/snapshot.h"
#include "query/selection/selection.h"
#include "tests/unit/store_dir.h"

#define QUERY_STORE_ROWS    3000
#define QUERY_STORE_DEVICES 7u

struct query_store {
    char dir[STORE_DIR_BYTES];
    struct snapshot *snapshot;  /* owned */
    struct selection selection; /* of everything, devices listed */
};

/* For cmocka: *state becomes a struct query_store, and is dropped. */
int query_store_make(void **state);
/* With values: a third of the readings has t = 0 ... 49, half of them h = 0 ... 69. */
int query_store_make_values(void **state);
int query_store_drop(void **state);

#endif
