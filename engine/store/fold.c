/*
 * fold.c - the commit log becomes parts and seen pages.
 *
 * One transaction: rows to a part a table, ids to the seen pages, records
 * deleted. The log is bounded (see maintain.c, and one commit more), so the
 * transaction is; a crash leaves the log as it was.
 */
#include "engine/store/store_internal.h"

#include "engine/base/mem.h"

#include <stdlib.h>

static int compare_ids(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Leaves each id of the log once, ascending, in set->ids. */
static enum status gather_ids(struct row_set *set)
{
    size_t needed = set->id_count;
    for (int table = 0; table < TABLE_COUNT; table++)
        needed += set->row_count[table];
    TRY(mem_grow(&set->ids, &set->id_capacity, needed, sizeof *set->ids));
    for (int table = 0; table < TABLE_COUNT; table++) {
        for (size_t i = 0; i < set->row_count[table]; i++)
            set->ids[set->id_count++] = set->rows[table][i].message_id;
    }
    qsort(set->ids, set->id_count, sizeof *set->ids, compare_ids);
    size_t kept = 0;
    for (size_t i = 0; i < set->id_count; i++) {
        if (kept == 0 || set->ids[i] != set->ids[kept - 1])
            set->ids[kept++] = set->ids[i];
    }
    set->id_count = kept;
    return STATUS_OK;
}

static enum status fold_ids(struct store *store, struct kv_txn *txn, struct error *err)
{
    struct row_set *set = &store->rows;
    if (gather_ids(set) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to fold %zu ids", set->id_count);
    OWNED(mem_free_owned) bool *held = mem_alloc(set->id_count, sizeof *held);
    if (!held)
        return error_set(err, STATUS_NOMEM, "no memory to fold %zu ids", set->id_count);
    uint64_t added = 0;
    TRY(seen_add(store->seen, txn, (struct id_list){set->ids, set->id_count}, held, &added, err));
    store->state.seen_paged += added;
    return STATUS_OK;
}

static enum status fill_transaction(struct store *store, struct kv_txn *txn, struct error *err)
{
    row_set_clear(&store->rows);
    TRY(log_read_all(txn, &store->state, &store->rows, err));
    TRY(store_write_row_set(store, txn, err));
    TRY(fold_ids(store, txn, err));
    TRY(log_clear(txn, err));
    store->state.log_records = 0;
    store->state.log_rows = 0;
    return STATUS_OK;
}

enum status store_fold(struct store *store, struct error *err)
{
    struct kv_txn *txn = NULL;
    TRY(kv_begin(store->kv, true, &txn, err));
    const enum status status = fill_transaction(store, txn, err);
    if (status != STATUS_OK)
        return store_abandon(store, txn, status);
    TRY(store_finish(store, txn, err));
    id_set_clear(&store->pending);
    store->log_cells = 0;
    return STATUS_OK;
}
