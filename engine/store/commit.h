/*
 * commit.h - the steps of a commit, shared with the retry of rejects; for engine/store only.
 */
#ifndef MNSDB_ENGINE_STORE_COMMIT_H
#define MNSDB_ENGINE_STORE_COMMIT_H

#include "engine/rejects/rejects.h"
#include "engine/store/store_internal.h"

/* One commit under way. */
struct commit {
    struct store *store;
    struct kv_txn *txn;
    struct reject_writer rejects;
    bool rejects_begun;
    bool bulk;   /* rows become parts at once */
    bool logged; /* a log record with the state was written */
    struct commit_result result;
};

void commit_release(struct commit *commit);

/*
 * Takes in a message that is no duplicate: its rows into store->rows, or its body into the rejects.
 */
MUST_CHECK enum status commit_take_message(struct commit *commit, struct row_batch *batch,
                                           const struct message *message, struct error *err);

/* Adds the result and the rows taken to the counters. */
void commit_count(struct commit *commit);

/* Writes the rows taken as one part a table. */
MUST_CHECK enum status commit_write_parts(struct commit *commit, struct error *err);

/* After a failure: no number that the batches were given counts any more. */
void commit_forget_numbers(struct row_batch *const *batches, size_t batch_count);

#endif
