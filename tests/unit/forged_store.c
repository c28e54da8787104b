/*
 * forged_store.c - see forged_store.h.
 */
#include "tests/unit/forged_store.h"

#include "engine/format/format.h"
#include "engine/log/log.h"
#include "engine/part/part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void forge_store(struct store_fixture *fixture, forge_change *change)
{
    struct error err = {0};
    struct kv *kv = NULL;
    struct kv_txn *txn = NULL;
    store_close(fixture->store);
    fixture->store = NULL;
    row_batch_release(&fixture->batch);
    store_fixture_must(kv_open(&kv, fixture->dir, true, &err), &err);
    store_fixture_must(kv_begin(kv, true, &txn, &err), &err);
    store_fixture_must(change(txn, &err), &err);
    store_fixture_must(kv_commit(txn, &err), &err);
    kv_close(kv);
}

static enum status ignore_rows(void *context, const struct row_vector *rows, uint32_t from,
                               uint32_t until)
{
    (void)context;
    (void)rows;
    (void)from;
    (void)until;
    return STATUS_OK;
}

static enum status scan(struct snapshot *snapshot, enum table table, bool ordered,
                        struct error *err)
{
    const struct scan_spec spec = {
        .table = table,
        .from_ms = TIME_MS_MIN,
        .until_ms = TIME_MS_MAX,
        .columns = {.all_metrics = true},
        .ordered = ordered,
    };
    const struct scan_visitor visitor = {.rows = ignore_rows};
    struct scan_statistics statistics = {0};
    return snapshot_scan(snapshot, &spec, &visitor, &statistics, err);
}

static void count_problem(void *context, const char *thing, const char *what)
{
    (void)thing;
    (void)what;
    (*(unsigned *)context)++;
}

void forged_assert_damaged(const struct store_fixture *fixture, enum table table)
{
    struct error err = {0};
    struct snapshot *snapshot = NULL;
    const enum status status = snapshot_open(&snapshot, fixture->dir, &err);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_CORRUPT);
        return;
    }
    unsigned problems = 0;
    assert_int_equal(scan(snapshot, table, false, &err), STATUS_CORRUPT);
    assert_int_equal(scan(snapshot, table, true, &err), STATUS_CORRUPT);
    store_fixture_must(snapshot_verify(snapshot, count_problem, &problems, &err), &err);
    assert_int_not_equal(problems, 0);
    snapshot_close(snapshot);
}

void forged_assert_verify_reports(const struct store_fixture *fixture)
{
    struct error err = {0};
    struct snapshot *snapshot = NULL;
    unsigned problems = 0;
    store_fixture_must(snapshot_open(&snapshot, fixture->dir, &err), &err);
    store_fixture_must(snapshot_verify(snapshot, count_problem, &problems, &err), &err);
    assert_int_not_equal(problems, 0);
    snapshot_close(snapshot);
}

void forged_assert_writer_stops(struct store_fixture *fixture)
{
    struct error err = {0};
    enum status status = store_open(&fixture->store, fixture->dir, &err);
    bool more = true;
    while (status == STATUS_OK && more)
        status = store_maintain(fixture->store, UPKEEP_SETTLE, &more, &err);
    assert_int_equal(status, STATUS_CORRUPT);
}

enum status forge_log(struct kv_txn *txn,
                      void (*change)(struct store_state *state, struct row_set *set),
                      struct error *err)
{
    struct store_state state = store_state_empty();
    OWNED(row_set_release) struct row_set set = {0};
    OWNED(buffer_release) struct buffer scratch = {0};
    TRY(log_newest_state(txn, &state, err));
    TRY(log_read_all(txn, &state, &set, err));
    change(&state, &set);
    return log_append(txn, state.next_log - 1, &state, &set, &scratch, err);
}

void forge_make_part(struct store_fixture *fixture, enum table table)
{
    store_fixture_drop(fixture);
    store_fixture_open(fixture);
    for (uint32_t i = 0; i < 600; i++) {
        store_fixture_add(fixture, (struct fixture_row){
                                       .table = table,
                                       .device = i / 200,
                                       .time_ms = FIXTURE_TIME_MS + i,
                                       .id = FIXTURE_ID + i,
                                       .metric_count = 2,
                                       .value = i % 2,
                                   });
    }
    store_fixture_commit(fixture);
    (void)store_fixture_maintain(fixture, UPKEEP_SETTLE, 100);
    store_fixture_compare(fixture);
}

static const struct part_names any_names = {.devices = UINT64_MAX, .metrics = UINT64_MAX};

enum status forge_load_part(struct kv_txn *txn, enum table table, struct part_list *list,
                            struct error *err)
{
    TRY(part_list_load(list, txn, table, any_names, err));
    assert_int_equal(list->count, 1);
    return STATUS_OK;
}

enum status forge_part_rows(struct kv_txn *txn, enum table table, const struct row_key *keys,
                            size_t count, const struct cell *cell, struct error *err)
{
    OWNED(part_list_release) struct part_list list = {0};
    OWNED(part_writer_free_owned) struct part_writer *writer = NULL;
    bool done = false;
    TRY(forge_load_part(txn, table, &list, err));
    struct part *part = &list.parts[0];
    TRY(part_remove(part, txn, UINT32_MAX, &done, err));
    const uint64_t number = part->number;
    part_release(part);
    part->number = number;
    part->table = table;
    part->dense = true;
    TRY(part_writer_new(&writer));
    TRY(part_writer_begin(writer, part, txn, err));
    for (size_t i = 0; i < count; i++)
        TRY(part_writer_append(writer, &keys[i], 0, cell, 1, err));
    return part_writer_finish(writer, err);
}
