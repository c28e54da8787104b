/*
 * gather.c - rows of batches, or of a set, into parts.
 *
 *      messages -> no duplicate? -> devices of its rows, counted
 *                            \----> its rows -> arranged by (device, time, id) -> part
 *                                       `-- cells: in the row, or where they were decoded, mostly
 *
 * A large commit walks through its batches twice: first for the devices, then each row goes to its
 * device's others: 32 bytes, its key with one or two small values or the place of its cells. Those
 * are read once the rows are in order. They may stay in their batch if
 * the batch's numbers of metrics are the store's and ascend, as they do wherever all batches meet
 * the same metrics in the same order; else they are copied.
 */
#include "engine/store/commit.h"

#include "engine/base/mem.h"

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory for the rows of a commit");
}

/* True if the batch's numbers of these metrics are the store's, and ascend. */
static inline bool cells_may_stay(const struct cell *cells, uint32_t count, const uint32_t *global)
{
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t metric = cells[i].metric;
        wrong |= global ? global[metric] ^ metric : 0;
        wrong |= i > 0 && cells[i - 1].metric >= metric;
    }
    return wrong == 0;
}

/* What the rows of one batch have in common. */
struct gathering {
    struct commit *commit;
    struct row_batch *batch;
    int64_t min_time_ms; /* of the rows; above max_time_ms: none yet */
    int64_t max_time_ms;
    uint64_t clock_faults;
};

static enum status copy_cells(const struct gathering *gathering, enum table table,
                              const struct row *row, const struct cell **cells, struct error *err)
{
    struct arena *arena = &gathering->commit->store->cells;
    struct cell *copy = arena_alloc(arena, row->cell_count * sizeof *copy);
    if (!copy)
        return no_memory(err);
    *cells = copy;
    return commit_map_cells(gathering->commit, gathering->batch, table, row, copy, err);
}

static inline enum status gather_row(struct gathering *gathering, enum table table,
                                     const struct row *row, struct error *err)
{
    struct store *store = gathering->commit->store;
    struct row_batch *batch = gathering->batch;
    const struct cell *cells = batch->cells + row->first_cell;
    const uint32_t *global = table == TABLE_READINGS ? batch->metrics.global : NULL;
    if (!cells_may_stay(cells, row->cell_count, global))
        TRY(copy_cells(gathering, table, row, &cells, err));
    gathering->clock_faults += row->clock_fault;
    if (row->time_ms < gathering->min_time_ms)
        gathering->min_time_ms = row->time_ms;
    if (row->time_ms > gathering->max_time_ms)
        gathering->max_time_ms = row->time_ms;
    arrangement_put(&store->arranged[table], row, cells);
    return STATUS_OK;
}

static enum status gather_message(struct gathering *gathering, const struct message *message,
                                  struct error *err)
{
    const enum table table = (enum table)message->verdict;
    const struct row *rows = gathering->batch->rows[table] + message->first;
    if (message->count > 1)
        TRY(commit_check_times(rows, message, err));
    for (uint32_t i = 0; i < message->count; i++)
        TRY(gather_row(gathering, table, &rows[i], err));
    return STATUS_OK;
}

/* The rows of one batch. Goes on in `duplicate`, which has a flag a message. */
static enum status gather_batch(struct commit *commit, struct row_batch *batch,
                                const bool *duplicate, struct error *err)
{
    struct gathering gathering = {
        .commit = commit, .batch = batch, .min_time_ms = INT64_MAX, .max_time_ms = INT64_MIN};
    for (size_t m = 0; m < batch->message_count; m++) {
        const struct message *message = &batch->messages[m];
        if (!duplicate[m] && message->verdict != MESSAGE_REJECT)
            TRY(gather_message(&gathering, message, err));
    }
    struct store_state *state = &commit->store->state;
    state->counters.clock_faults += gathering.clock_faults;
    if (gathering.min_time_ms <= gathering.max_time_ms) {
        store_state_note_time(state, gathering.min_time_ms);
        store_state_note_time(state, gathering.max_time_ms);
    }
    return STATUS_OK;
}

static enum status expect_rows(struct commit *commit, struct row_batch *batch,
                               const struct message *message, struct error *err)
{
    const enum table table = (enum table)message->verdict;
    const struct row *row = batch->rows[table] + message->first;
    for (const struct row *const end = row + message->count; row < end; row++) {
        uint32_t device = 0;
        TRY(commit_map_device(commit, batch, row->device, &device, err));
        arrangement_expect(&commit->store->arranged[table], device);
    }
    return STATUS_OK;
}

/* What becomes of the messages of one batch: rejects are taken in, devices of rows noted. */
static enum status expect_batch(struct commit *commit, struct row_batch *batch,
                                const bool *duplicate, struct error *err)
{
    for (size_t m = 0; m < batch->message_count; m++) {
        const struct message *message = &batch->messages[m];
        if (duplicate[m]) {
            commit->result.duplicates++;
        } else if (message->verdict == MESSAGE_REJECT) {
            TRY(commit_take_reject(commit, batch, message, err));
        } else {
            commit->result.stored++;
            TRY(expect_rows(commit, batch, message, err));
        }
    }
    commit->result.received += batch->message_count;
    return STATUS_OK;
}

/* Room for what may come. */
static enum status begin_gathering(struct store *store, struct row_batch *const *batches,
                                   size_t batch_count)
{
    arena_reset(&store->cells);
    for (int table = 0; table < TABLE_COUNT; table++) {
        size_t rows = 0;
        for (size_t b = 0; b < batch_count; b++)
            rows += batches[b]->row_count[table];
        TRY(arrangement_begin(&store->arranged[table], rows));
    }
    return STATUS_OK;
}

enum status commit_gather(struct commit *commit, struct row_batch *const *batches,
                          size_t batch_count, struct error *err)
{
    struct store *store = commit->store;
    if (begin_gathering(store, batches, batch_count) != STATUS_OK)
        return no_memory(err);
    const bool *duplicate = store->intake.duplicate;
    for (size_t b = 0; b < batch_count; b++) {
        TRY(expect_batch(commit, batches[b], duplicate, err));
        duplicate += batches[b]->message_count;
    }
    for (int table = 0; table < TABLE_COUNT; table++) {
        if (arrangement_open(&store->arranged[table], store->devices.table.count) != STATUS_OK)
            return no_memory(err);
        commit->rows[table] += store->arranged[table].expected;
    }
    duplicate = store->intake.duplicate;
    for (size_t b = 0; b < batch_count; b++) {
        TRY(gather_batch(commit, batches[b], duplicate, err));
        duplicate += batches[b]->message_count;
    }
    for (int table = 0; table < TABLE_COUNT; table++) {
        if (arrangement_sort(&store->arranged[table]) != STATUS_OK)
            return no_memory(err);
    }
    return STATUS_OK;
}

static enum status write_part(struct store *store, struct kv_txn *txn, enum table table,
                              struct error *err)
{
    const struct arrangement *arranged = &store->arranged[table];
    if (arranged->count == 0)
        return STATUS_OK;
    struct part *part = NULL;
    if (part_list_add(&store->parts[table], &part) != STATUS_OK)
        return no_memory(err);
    part->number = store->state.next_part++;
    part->table = table;
    TRY(part_writer_begin(store->writer, part, txn, err));
    TRY(part_crew_append_rows(store->crew, store->writer, arranged->rows, arranged->count, err));
    return part_writer_finish(store->writer, err);
}

enum status store_write_parts(struct store *store, struct kv_txn *txn, struct error *err)
{
    for (int table = 0; table < TABLE_COUNT; table++)
        TRY(write_part(store, txn, (enum table)table, err));
    return STATUS_OK;
}

enum status store_write_row_set(struct store *store, struct kv_txn *txn, struct error *err)
{
    const struct row_set *set = &store->rows;
    for (int table = 0; table < TABLE_COUNT; table++) {
        struct arrangement *arranged = &store->arranged[table];
        if (arrangement_add_rows(arranged, set->rows[table], set->row_count[table], set->cells) !=
                STATUS_OK ||
            arrange_rows(arranged, store->devices.table.count) != STATUS_OK)
            return no_memory(err);
    }
    return store_write_parts(store, txn, err);
}
