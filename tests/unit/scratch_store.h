/*
 * scratch_store.h - a key-value store in a directory of its own, for one test.
 */
#ifndef MNSDB_TESTS_UNIT_SCRATCH_STORE_H
#define MNSDB_TESTS_UNIT_SCRATCH_STORE_H

#include "engine/kv/kv.h"

#include <stdbool.h>

struct scratch_store {
    char dir[256];
    char data[272]; /* its data file */
    struct kv *kv;  /* owned; open for writing */
};

/* Failures end the test. */
void scratch_store_open(struct scratch_store *store);
/* Closes, so that the test may look at the file, and opens again. */
void scratch_store_close(struct scratch_store *store);
void scratch_store_reopen(struct scratch_store *store);
/* Closes and removes everything. */
void scratch_store_drop(struct scratch_store *store);

struct kv_txn *scratch_store_begin(const struct scratch_store *store, bool write);

#endif
