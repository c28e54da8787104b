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
    bool bulk;                  /* rows become parts at once */
    bool logged;                /* a log record with the state was written */
    uint64_t rows[TABLE_COUNT]; /* taken */
    struct commit_result result;
};

void commit_release(struct commit *commit);

/*
 * Takes in a message that is no duplicate: its rows into store->rows, or its body into the rejects.
 */
MUST_CHECK enum status commit_take_message(struct commit *commit, struct row_batch *batch,
                                           const struct message *message, struct error *err);

/* Takes in a message that was rejected and is no duplicate. */
MUST_CHECK enum status commit_take_reject(struct commit *commit, const struct row_batch *batch,
                                          const struct message *message, struct error *err);

/* The store's number of a batch's name, asked for once per name and batch. */
MUST_CHECK enum status commit_map_name(struct commit *commit, struct dictionary *dictionary,
                                       struct name_table *names, uint32_t local, uint32_t *number,
                                       struct error *err);

/* The same of a name of store->known_devices, asked for once in the store's life. */
MUST_CHECK enum status commit_map_known(struct commit *commit, uint32_t known, uint32_t *number,
                                        struct error *err);

/* The store's number of a row's device. */
static inline MUST_CHECK enum status commit_map_device(struct commit *commit,
                                                       struct row_batch *batch, uint32_t device,
                                                       uint32_t *number, struct error *err)
{
    if ((device & ROW_DEVICE_KNOWN) == 0)
        return commit_map_name(commit, &commit->store->devices, &batch->devices, device, number,
                               err);
    *number = commit->store->known_numbers[device & ~ROW_DEVICE_KNOWN];
    return *number != NAME_UNMAPPED
               ? STATUS_OK
               : commit_map_known(commit, device & ~ROW_DEVICE_KNOWN, number, err);
}

/* Copies the cells of a row, with store-wide metrics, ascending. There is room in `to`. */
MUST_CHECK enum status commit_map_cells(struct commit *commit, struct row_batch *batch,
                                        enum table table, const struct row *row, struct cell *to,
                                        struct error *err);

/* STATUS_INPUT unless the times of a device's rows ascend within the message. */
MUST_CHECK enum status commit_check_times(const struct row *rows, const struct message *message,
                                          struct error *err);

/*
 * Takes in batches for parts at once: the rows of messages that are no duplicates go into
 * store->arranged, in order, and leave their cells where they are, if they can.
 */
MUST_CHECK enum status commit_gather(struct commit *commit, struct row_batch *const *batches,
                                     size_t batch_count, struct error *err);

/* Adds the result and the rows taken to the counters. */
void commit_count(struct commit *commit);

/* After a failure: no number that the batches were given counts any more. */
void commit_forget_numbers(struct row_batch *const *batches, size_t batch_count);

#endif
