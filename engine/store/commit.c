/*
 * commit.c - batches become one transaction.
 *
 *      batches -> intake (who is a duplicate) -> rejects, bodies' digests
 *      small:  -> rows with store-wide numbers -> a commit log record
 *      large:  -> rows in order (gather.c)     -> a part per table, seen pages
 *
 * (1) Everything a commit brings is in its one transaction, counters included.
 * (2) Names enter the dictionaries only for rows that are stored.
 * (3) A failed commit leaves memory stale and no number handed out in the batches.
 */
#include "engine/store/commit.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* Commits of this many rows or values or more become parts at once. */
#define BULK_ROWS  ((size_t)64 << 10)
#define BULK_CELLS ((size_t)1 << 20)

void commit_release(struct commit *commit)
{
    reject_writer_release(&commit->rejects);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the rows of a commit");
}

enum status commit_map_name(struct commit *commit, struct dictionary *dictionary,
                            struct name_table *names, uint32_t local, uint32_t *number,
                            struct error *err)
{
    if (names->global[local] == NAME_UNMAPPED)
        TRY(dictionary_number(dictionary, commit->txn, names->names[local], &names->global[local],
                              err));
    *number = names->global[local];
    return STATUS_OK;
}

enum status commit_map_known(struct commit *commit, uint32_t known, uint32_t *number,
                             struct error *err)
{
    struct store *store = commit->store;
    const struct slice name = known_names_name(&store->known_devices, known);
    TRY(dictionary_number(&store->devices, commit->txn, name, &store->known_numbers[known], err));
    *number = store->known_numbers[known];
    return STATUS_OK;
}

static int compare_cells(const void *a, const void *b)
{
    const struct cell *left = a;
    const struct cell *right = b;
    return (left->metric > right->metric) - (left->metric < right->metric);
}

static enum status sort_cells(struct cell *cells, uint32_t count, uint64_t message_id,
                              struct error *err)
{
    qsort(cells, count, sizeof *cells, compare_cells);
    for (uint32_t i = 1; i < count; i++) {
        if (cells[i - 1].metric == cells[i].metric)
            return error_set(err, STATUS_INPUT,
                             "message %llu has two values of one metric in a row",
                             (unsigned long long)message_id);
    }
    return STATUS_OK;
}

enum status commit_map_cells(struct commit *commit, struct row_batch *batch, enum table table,
                             const struct row *row, struct cell *to, struct error *err)
{
    const struct cell *from = batch->cells + row->first_cell;
    bool ascending = true;
    for (uint32_t i = 0; i < row->cell_count; i++) {
        to[i] = from[i];
        if (table == TABLE_READINGS)
            TRY(commit_map_name(commit, &commit->store->metrics, &batch->metrics, from[i].metric,
                                &to[i].metric, err));
        ascending = ascending && (i == 0 || to[i - 1].metric < to[i].metric);
    }
    return ascending ? STATUS_OK : sort_cells(to, row->cell_count, row->message_id, err);
}

static enum status take_row(struct commit *commit, struct row_batch *batch, enum table table,
                            const struct row *row, struct error *err)
{
    struct store *store = commit->store;
    struct row_set *set = &store->rows;
    if (mem_grow(&set->rows[table], &set->row_capacity[table], set->row_count[table] + 1,
                 sizeof *row) != STATUS_OK ||
        mem_grow(&set->cells, &set->cell_capacity, set->cell_count + row->cell_count,
                 sizeof *set->cells) != STATUS_OK ||
        set->cell_count + row->cell_count > UINT32_MAX)
        return no_memory(err);
    struct row *taken = &set->rows[table][set->row_count[table]];
    *taken = *row;
    taken->first_cell = (uint32_t)set->cell_count;
    TRY(commit_map_device(commit, batch, row->device, &taken->device, err));
    TRY(commit_map_cells(commit, batch, table, row, set->cells + set->cell_count, err));
    set->cell_count += row->cell_count;
    set->row_count[table]++;
    commit->rows[table]++;
    store->state.counters.clock_faults += row->clock_fault;
    store_state_note_time(&store->state, row->time_ms);
    return STATUS_OK;
}

/* *known: the store holds a body with the same bytes; else its digest is kept. */
static enum status note_body(struct commit *commit, const struct reject *reject, bool *known,
                             struct error *err)
{
    struct key key = key_of(KEY_BODY);
    for (size_t i = 0; i < BODY_DIGEST_BYTES; i++)
        key_add_u8(&key, reject->digest[i]);
    struct slice payload = {0};
    TRY(kv_get(commit->txn, key_slice(&key), &payload, known, err));
    if (*known)
        return STATUS_OK;
    const uint64_t sequence = commit->store->state.next_reject;
    commit->store->state.counters.seen_bodies++;
    return kv_put(commit->txn, key_slice(&key), slice_of(&sequence, sizeof sequence), err);
}

static enum status keep_reject(struct commit *commit, const struct message *message,
                               const struct reject *reject, struct error *err)
{
    if (!commit->rejects_begun)
        TRY(reject_writer_begin(&commit->rejects, commit->txn, err));
    commit->rejects_begun = true;
    const struct kept_reject kept = {
        .sequence = commit->store->state.next_reject++,
        .reason = (enum reject_reason)reject->reason,
        .altered = reject->altered,
        .has_id = message->has_id,
        .id = message->id,
        .received_ms = reject->received_ms,
        .detail = reject->detail,
        .body = reject->body,
    };
    commit->result.rejected++;
    commit->result.reasons[reject->reason]++;
    return reject_writer_add(&commit->rejects, &kept, err);
}

enum status commit_take_reject(struct commit *commit, const struct row_batch *batch,
                               const struct message *message, struct error *err)
{
    const struct reject *reject = &batch->rejects[message->first];
    if (!message->has_id) {
        bool known = false;
        TRY(note_body(commit, reject, &known, err));
        if (known) {
            commit->result.duplicates++;
            return STATUS_OK;
        }
    } else if (!commit->bulk) {
        struct row_set *set = &commit->store->rows;
        if (mem_grow(&set->ids, &set->id_capacity, set->id_count + 1, sizeof *set->ids) !=
            STATUS_OK)
            return no_memory(err);
        set->ids[set->id_count++] = message->id;
    }
    return keep_reject(commit, message, reject, err);
}

enum status commit_check_times(const struct row *rows, const struct message *message,
                               struct error *err)
{
    for (uint32_t i = 1; i < message->count; i++) {
        if (rows[i - 1].device == rows[i].device && rows[i - 1].time_ms >= rows[i].time_ms)
            return error_set(err, STATUS_INPUT, "message %llu has rows whose times do not ascend",
                             (unsigned long long)message->id);
    }
    return STATUS_OK;
}

enum status commit_take_message(struct commit *commit, struct row_batch *batch,
                                const struct message *message, struct error *err)
{
    if (message->verdict == MESSAGE_REJECT)
        return commit_take_reject(commit, batch, message, err);
    const enum table table = (enum table)message->verdict;
    const struct row *rows = batch->rows[table] + message->first;
    commit->result.stored++;
    TRY(commit_check_times(rows, message, err));
    for (uint32_t i = 0; i < message->count; i++)
        TRY(take_row(commit, batch, table, &rows[i], err));
    return STATUS_OK;
}

static enum status take_batches(struct commit *commit, struct row_batch *const *batches,
                                size_t batch_count, struct error *err)
{
    const bool *duplicate = commit->store->intake.duplicate;
    for (size_t b = 0; b < batch_count; b++) {
        struct row_batch *batch = batches[b];
        for (size_t m = 0; m < batch->message_count; m++, duplicate++) {
            commit->result.received++;
            if (*duplicate)
                commit->result.duplicates++;
            else
                TRY(commit_take_message(commit, batch, &batch->messages[m], err));
        }
    }
    return STATUS_OK;
}

/* Counts what was taken; names are counted by their dictionaries. */
void commit_count(struct commit *commit)
{
    struct store *store = commit->store;
    struct store_counters *counters = &store->state.counters;
    counters->stored += commit->result.stored;
    counters->duplicates += commit->result.duplicates;
    counters->rejected += commit->result.rejected;
    for (int table = 0; table < TABLE_COUNT; table++)
        counters->rows[table] += commit->rows[table];
    counters->devices = store->devices.table.count;
    counters->metrics = store->metrics.table.count;
}

/* Small commits become a record; one without rows or ids changes only the catalogue. */
static enum status write_log(struct commit *commit, struct error *err)
{
    struct store *store = commit->store;
    const struct row_set *set = &store->rows;
    const size_t rows = set->row_count[TABLE_READINGS] + set->row_count[TABLE_STATUS];
    if (rows == 0 && set->id_count == 0)
        return STATUS_OK;
    const uint64_t sequence = store->state.next_log++;
    store->state.log_records++;
    store->state.log_rows += rows;
    store->log_cells += set->cell_count;
    store->state.revision++;
    commit->logged = true;
    return log_append(commit->txn, sequence, &store->state, set, &store->record, err);
}

/* The ids of a log record are found in memory until it is folded. */
static enum status note_pending(struct store *store, struct error *err)
{
    const struct row_set *set = &store->rows;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < set->id_count && status == STATUS_OK; i++)
        status = id_set_add(&store->pending, set->ids[i]);
    for (int table = 0; table < TABLE_COUNT; table++) {
        for (size_t i = 0; i < set->row_count[table] && status == STATUS_OK; i++)
            status = id_set_add(&store->pending, set->rows[table][i].message_id);
    }
    if (status != STATUS_OK)
        return error_set(err, status, "no memory for the ids of the commit log");
    return STATUS_OK;
}

static bool is_bulk(struct row_batch *const *batches, size_t batch_count)
{
    size_t rows = 0;
    size_t cells = 0;
    for (size_t b = 0; b < batch_count; b++) {
        rows += batches[b]->row_count[TABLE_READINGS] + batches[b]->row_count[TABLE_STATUS];
        cells += batches[b]->cell_count;
    }
    return rows >= BULK_ROWS || cells >= BULK_CELLS;
}

static enum status fill_transaction(struct commit *commit, struct row_batch *const *batches,
                                    size_t batch_count, struct error *err)
{
    struct store *store = commit->store;
    uint64_t added = 0;
    const struct intake_request request = {
        .batches = batches,
        .batch_count = batch_count,
        .pending = &store->pending,
        .seen = store->seen,
        .txn = commit->txn,
        .add = commit->bulk,
    };
    TRY(intake_judge(&store->intake, &request, &added, err));
    TRY((commit->bulk ? commit_gather : take_batches)(commit, batches, batch_count, err));
    TRY(reject_writer_finish(&commit->rejects, err));
    TRY(dictionary_flush(&store->devices, commit->txn, err));
    TRY(dictionary_flush(&store->metrics, commit->txn, err));
    store->state.seen_paged += added;
    store->state.counters.seen_ids += added;
    commit_count(commit);
    if (commit->bulk)
        return store_write_parts(store, commit->txn, err);
    const size_t before = id_set_count(&store->pending);
    TRY(note_pending(store, err));
    store->state.counters.seen_ids += id_set_count(&store->pending) - before;
    return write_log(commit, err);
}

void commit_forget_numbers(struct row_batch *const *batches, size_t batch_count)
{
    for (size_t b = 0; b < batch_count; b++) {
        struct row_batch *batch = batches[b];
        for (size_t i = 0; i < batch->devices.count; i++)
            batch->devices.global[i] = NAME_UNMAPPED;
        for (size_t i = 0; i < batch->metrics.count; i++)
            batch->metrics.global[i] = NAME_UNMAPPED;
    }
}

static enum status run_commit(struct commit *commit, struct row_batch *const *batches,
                              size_t batch_count, struct error *err)
{
    struct store *store = commit->store;
    TRY(kv_begin(store->kv, true, &commit->txn, err));
    const enum status status = fill_transaction(commit, batches, batch_count, err);
    if (status != STATUS_OK)
        return store_abandon(store, commit->txn, status);
    if (commit->result.received == 0) {
        kv_abort(commit->txn);
        return STATUS_OK;
    }
    /* The record carries the state, so that the catalogue's page stays untouched. */
    return commit->logged ? store_commit_txn(store, commit->txn, err)
                          : store_finish(store, commit->txn, err);
}

enum status store_commit(struct store *store, struct row_batch *const *batches, size_t batch_count,
                         struct commit_result *result, struct error *err)
{
    TRY(store_refresh(store, err));
    OWNED(commit_release)
    struct commit commit = {
        .store = store,
        .bulk = is_bulk(batches, batch_count),
    };
    row_set_clear(&store->rows);
    TRY(store_follow_known(store, err));
    const enum status status = run_commit(&commit, batches, batch_count, err);
    if (status != STATUS_OK) {
        store->stale = true;
        commit_forget_numbers(batches, batch_count);
        return status;
    }
    *result = commit.result;
    return STATUS_OK;
}
