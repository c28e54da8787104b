/*
 * history_store.c - see history_store.h.
 */
#include "tests/unit/history_store.h"

#include "engine/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void add_message(struct history_store *store, enum table table, const char *device,
                        int64_t time_ms, uint32_t metric, struct number value)
{
    struct row_batch *batch = &store->batch;
    const struct row_batch_mark mark = row_batch_mark(batch);
    struct row *row = NULL;
    assert_int_equal(row_batch_add_row(batch, table, &row), STATUS_OK);
    assert_int_equal(name_table_add(&batch->devices, slice_of_text(device), &row->device),
                     STATUS_OK);
    row->message_id = ++store->last_id;
    row->time_ms = time_ms;
    row->time_source = TIME_SOURCE_ENVELOPE;
    assert_int_equal(row_batch_add_cell(batch, table, metric, value), STATUS_OK);
    assert_int_equal(row_batch_add_message(batch, table, store->last_id, mark), STATUS_OK);
}

void history_store_add_reading(struct history_store *store, const char *device, int64_t time_ms,
                               const char *metric, struct number value)
{
    uint32_t number = 0;
    assert_int_equal(name_table_add(&store->batch.metrics, slice_of_text(metric), &number),
                     STATUS_OK);
    add_message(store, TABLE_READINGS, device, time_ms, number, value);
}

void history_store_add_state(struct history_store *store, const char *device, int64_t time_ms,
                             bool online)
{
    add_message(store, TABLE_STATUS, device, time_ms, STATUS_METRIC_STATE,
                number_from_integer(online));
}

enum status history_store_select(const struct history_store *store,
                                 const struct selection_spec *spec, struct selection *selection)
{
    TRY(selection_init(selection, store->snapshot, spec, NULL));
    return selection_sort(selection, store->snapshot, NULL);
}

void history_store_open(struct history_store *store)
{
    static const struct selection_spec all;
    struct store *writer = NULL;
    struct commit_result result = {0};
    struct row_batch *const batches[] = {&store->batch};
    store_dir_make(store->dir);
    assert_int_equal(store_open(&writer, store->dir, NULL), STATUS_OK);
    assert_int_equal(store_commit(writer, batches, 1, &result, NULL), STATUS_OK);
    assert_int_equal(result.stored, store->last_id);
    store_close(writer);
    row_batch_release(&store->batch);
    assert_int_equal(snapshot_open(&store->snapshot, store->dir, NULL), STATUS_OK);
    assert_int_equal(history_store_select(store, &all, &store->selection), STATUS_OK);
}

void history_store_drop(struct history_store *store)
{
    selection_release(&store->selection);
    snapshot_close(store->snapshot);
    row_batch_release(&store->batch);
    store_dir_remove(store->dir);
    *store = (struct history_store){0};
}
