/*
 * retry.c - rejected bodies that newer rules take in after all.
 *
 * The id of a reject has been in the seen set since it was rejected, so its
 * message keeps its claim. A body whose id could not be read then is judged
 * now, like any delivery; a duplicate leaves the rejects as well.
 */
#include "engine/store/commit.h"

#include "engine/base/mem.h"

static enum status note_reject(void *context, const struct kept_reject *reject)
{
    struct kept_reject *found = context;
    *found = *reject;
    return STATUS_STOPPED; /* the first is the one */
}

static enum status find_reject(struct kv_txn *txn, uint64_t sequence, struct kept_reject *found,
                               struct error *err)
{
    const enum status status = rejects_walk(txn, sequence, note_reject, found, err);
    if (status == STATUS_STOPPED && found->sequence == sequence)
        return STATUS_OK;
    if (status == STATUS_OK || status == STATUS_STOPPED)
        return error_set(err, STATUS_INPUT, "there is no rejected body %llu",
                         (unsigned long long)sequence);
    return status;
}

/* *held: another message has this id already. Otherwise it is taken now. */
static enum status claim_id(struct commit *commit, uint64_t id, bool *held, struct error *err)
{
    struct store *store = commit->store;
    *held = id_set_has(&store->pending, id);
    if (*held)
        return STATUS_OK;
    uint64_t added = 0;
    TRY(seen_add(store->seen, commit->txn, (struct id_list){&id, 1}, held, &added, err));
    store->state.seen_paged += added;
    store->state.counters.seen_ids += added;
    return STATUS_OK;
}

static enum status retry_message(struct commit *commit, struct row_batch *batch,
                                 const struct message *message, uint64_t sequence,
                                 struct error *err)
{
    struct kept_reject kept = {0};
    TRY(find_reject(commit->txn, sequence, &kept, err));
    if (kept.has_id && kept.id != message->id)
        return error_set(err, STATUS_INPUT, "rejected body %llu has another message id",
                         (unsigned long long)sequence);
    bool held = false;
    if (!kept.has_id)
        TRY(claim_id(commit, message->id, &held, err));
    if (!held)
        return commit_take_message(commit, batch, message, err);
    commit->result.duplicates++;
    return STATUS_OK;
}

static enum status retry_all(struct commit *commit, struct row_batch *batch,
                             const uint64_t *sequences, uint64_t *leaving, size_t *leaving_count,
                             struct error *err)
{
    for (size_t m = 0; m < batch->message_count; m++) {
        const struct message *message = &batch->messages[m];
        if (message->verdict == MESSAGE_REJECT)
            continue;
        TRY(retry_message(commit, batch, message, sequences[m], err));
        leaving[(*leaving_count)++] = sequences[m];
    }
    return STATUS_OK;
}

static enum status fill_transaction(struct commit *commit, struct row_batch *batch,
                                    const uint64_t *sequences, uint64_t *leaving, struct error *err)
{
    struct store *store = commit->store;
    size_t leaving_count = 0;
    TRY(retry_all(commit, batch, sequences, leaving, &leaving_count, err));
    TRY(rejects_remove(commit->txn, leaving, leaving_count, err));
    TRY(dictionary_flush(&store->devices, commit->txn, err));
    TRY(dictionary_flush(&store->metrics, commit->txn, err));
    commit_count(commit);
    store->state.counters.rejected -= leaving_count;
    return store_write_row_set(store, commit->txn, err);
}

static enum status run_retry(struct commit *commit, struct row_batch *batch,
                             const uint64_t *sequences, uint64_t *leaving, struct error *err)
{
    struct store *store = commit->store;
    TRY(kv_begin(store->kv, true, &commit->txn, err));
    const enum status status = fill_transaction(commit, batch, sequences, leaving, err);
    if (status != STATUS_OK)
        return store_abandon(store, commit->txn, status);
    return store_finish(store, commit->txn, err);
}

/* What the caller learns: bodies that stay are still rejected. */
static void count_remaining(struct commit_result *result, const struct row_batch *batch)
{
    result->received = batch->message_count;
    for (size_t m = 0; m < batch->message_count; m++) {
        const struct message *message = &batch->messages[m];
        if (message->verdict != MESSAGE_REJECT)
            continue;
        result->rejected++;
        result->reasons[batch->rejects[message->first].reason]++;
    }
}

enum status store_retry_rejects(struct store *store, const uint64_t *sequences,
                                struct row_batch *batch, struct commit_result *result,
                                struct error *err)
{
    TRY(store_refresh(store, err));
    OWNED(mem_free_owned) uint64_t *leaving = mem_alloc(batch->message_count, sizeof *leaving);
    if (!leaving)
        return error_set(err, STATUS_NOMEM, "no memory to retry %zu bodies", batch->message_count);
    OWNED(commit_release) struct commit commit = {.store = store, .bulk = true};
    row_set_clear(&store->rows);
    TRY(store_follow_known(store, err));
    const enum status status = run_retry(&commit, batch, sequences, leaving, err);
    if (status != STATUS_OK) {
        store->stale = true;
        commit_forget_numbers(&batch, 1);
        return status;
    }
    *result = commit.result;
    count_remaining(result, batch);
    return STATUS_OK;
}
