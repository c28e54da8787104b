/*
 * query_store.c - see query_store.h.
 */
#include "tests/unit/query_store.h"

#include "engine/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void add_cell(struct row_batch *batch, const char *name, int64_t value)
{
    uint32_t metric = 0;
    assert_int_equal(name_table_add(&batch->metrics, slice_of_text(name), &metric), STATUS_OK);
    assert_int_equal(row_batch_add_cell(batch, TABLE_READINGS, metric, number_from_integer(value)),
                     STATUS_OK);
}

static void add_row(struct row_batch *batch, int i, bool values)
{
    const struct row_batch_mark mark = row_batch_mark(batch);
    const enum table table = i % 10 == 0 ? TABLE_STATUS : TABLE_READINGS;
    char name[32];
    struct row *row = NULL;
    assert_int_equal(row_batch_add_row(batch, table, &row), STATUS_OK);
    (void)snprintf(name, sizeof name, "pk/d%u", (unsigned)i % QUERY_STORE_DEVICES);
    assert_int_equal(name_table_add(&batch->devices, slice_of_text(name), &row->device), STATUS_OK);
    row->message_id = (uint64_t)(QUERY_STORE_ROWS - i);
    row->time_ms = INT64_C(1526450000000) + (i * INT64_C(7919)) % 1000;
    row->time_source = TIME_SOURCE_ENVELOPE;
    if (table == TABLE_STATUS)
        assert_int_equal(
            row_batch_add_cell(batch, table, STATUS_METRIC_STATE, number_from_integer(i % 20 == 0)),
            STATUS_OK);
    else if (!values)
        add_cell(batch, "t", 0);
    if (table == TABLE_READINGS && values && i % 3 == 0)
        add_cell(batch, "t", i % 50);
    if (table == TABLE_READINGS && values && i % 2 == 0)
        add_cell(batch, "h", i % 70);
    assert_int_equal(row_batch_add_message(batch, table, (uint64_t)(QUERY_STORE_ROWS - i), mark),
                     STATUS_OK);
}

static int make(void **state, bool values)
{
    struct query_store *made = calloc(1, sizeof *made);
    assert_non_null(made);
    store_dir_make(made->dir);
    struct row_batch batch = {0};
    for (int i = 0; i < QUERY_STORE_ROWS; i++)
        add_row(&batch, i, values);
    struct store *store = NULL;
    struct commit_result result = {0};
    struct row_batch *const batches[] = {&batch};
    assert_int_equal(store_open(&store, made->dir, NULL), STATUS_OK);
    assert_int_equal(store_commit(store, batches, 1, &result, NULL), STATUS_OK);
    assert_int_equal(result.stored, QUERY_STORE_ROWS);
    store_close(store);
    row_batch_release(&batch);
    const struct selection_spec all = {0};
    assert_int_equal(snapshot_open(&made->snapshot, made->dir, NULL), STATUS_OK);
    assert_int_equal(selection_init(&made->selection, made->snapshot, &all, NULL), STATUS_OK);
    assert_int_equal(selection_sort(&made->selection, made->snapshot, NULL), STATUS_OK);
    *state = made;
    return 0;
}

int query_store_make(void **state)
{
    return make(state, false);
}

int query_store_make_values(void **state)
{
    return make(state, true);
}

int query_store_drop(void **state)
{
    struct query_store *made = *state;
    selection_release(&made->selection);
    snapshot_close(made->snapshot);
    store_dir_remove(made->dir);
    free(made);
    return 0;
}
