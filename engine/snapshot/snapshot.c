/*
 * snapshot.c - opening, pausing and resuming a consistent view.
 *
 * The commit log is read once and becomes a part in memory, so that scans know
 * parts only. Everything loaded stays as long as the revision does. Names of devices are read when
 * somebody needs them (name_cache.c): a store may have very many.
 */
#include "engine/snapshot/snapshot_internal.h"

#include "engine/arrange/arrange.h"
#include "engine/base/mem.h"
#include "engine/seen/seen.h"

#include <assert.h>

static enum status no_memory(const struct snapshot *snapshot, struct error *err)
{
    return error_set(err, STATUS_NOMEM, "no memory to read the store %s", snapshot->dir);
}

/* The log's rows of one table as a part in memory. The first table with rows makes the writer. */
static enum status keep_log_rows(struct snapshot *snapshot, const struct row_set *set,
                                 enum table table, struct part_writer **made, struct error *err)
{
    if (set->row_count[table] == 0)
        return STATUS_OK;
    OWNED(arrangement_release) struct arrangement arrangement = {0};
    struct part *part = NULL;
    if ((!*made && part_writer_new(made) != STATUS_OK) ||
        part_list_add(&snapshot->parts[table], &part) != STATUS_OK ||
        arrangement_add_rows(&arrangement, set->rows[table], set->row_count[table], set->cells) !=
            STATUS_OK ||
        arrange_rows(&arrangement, snapshot->device_count) != STATUS_OK)
        return no_memory(snapshot, err);
    part->number = UINT64_MAX;
    part->table = table;
    part->memory = &snapshot->log_rows[table];
    struct part_writer *const writer = *made;
    TRY(part_writer_begin(writer, part, NULL, err));
    TRY(part_writer_append_rows(writer, arrangement.rows, arrangement.count, err));
    return part_writer_finish(writer, err);
}

static enum status load_log(struct snapshot *snapshot, struct error *err)
{
    for (int table = 0; table < TABLE_COUNT; table++)
        part_memory_release(&snapshot->log_rows[table]);
    OWNED(row_set_release) struct row_set set = {0};
    TRY(log_read_all(snapshot->txn, &snapshot->state, &set, err));
    OWNED(part_writer_free_owned) struct part_writer *writer = NULL;
    for (int table = 0; table < TABLE_COUNT; table++)
        TRY(keep_log_rows(snapshot, &set, (enum table)table, &writer, err));
    return STATUS_OK;
}

/* Only the last page of names is looked at; arrays by device will be as long as it says. */
static enum status count_devices(struct snapshot *snapshot, struct error *err)
{
    const uint64_t devices = snapshot->state.counters.devices;
    TRY(dictionary_check(snapshot->txn, KEY_DEVICES, devices, err));
    if (devices > kv_bytes_max(snapshot->kv))
        return error_set(err, STATUS_CORRUPT, "it is too small for the names of %llu devices",
                         (unsigned long long)devices);
    snapshot->device_count = (uint32_t)devices;
    return STATUS_OK;
}

static enum status load_contents(struct snapshot *snapshot, struct error *err)
{
    const struct store_counters *counters = &snapshot->state.counters;
    name_cache_clear(snapshot->names);
    TRY(count_devices(snapshot, err));
    TRY(name_list_load(&snapshot->metrics, snapshot->txn, KEY_METRICS, counters->metrics, err));
    for (int table = 0; table < TABLE_COUNT; table++) {
        struct part_list *list = &snapshot->parts[table];
        TRY(part_list_load(list, snapshot->txn, (enum table)table,
                           snapshot_names(snapshot, (enum table)table), err));
        TRY(part_list_expect(list, (enum table)table, snapshot->state.parts[table], err));
    }
    return load_log(snapshot, err);
}

static enum status load(struct snapshot *snapshot, struct error *err)
{
    const uint64_t revision = snapshot->state.revision;
    struct catalogue *catalogue = &snapshot->catalogue;
    bool found = false;
    TRY(catalogue_load(catalogue, snapshot->txn, &found, err));
    if (!found)
        return error_set(err, STATUS_MISSING, "there is no store at %s", snapshot->dir);
    snapshot->state = catalogue->state;
    TRY(log_newest_state(snapshot->txn, &snapshot->state, err));
    if (snapshot->loaded && snapshot->state.revision == revision)
        return STATUS_OK;
    snapshot->loaded = false;
    TRY(load_contents(snapshot, err));
    snapshot->loaded = true;
    return STATUS_OK;
}

enum status snapshot_resume(struct snapshot *snapshot, struct error *err)
{
    if (snapshot->txn)
        return STATUS_OK;
    TRY(kv_begin(snapshot->kv, false, &snapshot->txn, err));
    const enum status status = load(snapshot, err);
    if (status != STATUS_OK) {
        error_add_context(err, "store %s", snapshot->dir);
        snapshot_pause(snapshot);
    }
    return status;
}

void snapshot_pause(struct snapshot *snapshot)
{
    kv_abort(snapshot->txn);
    snapshot->txn = NULL;
}

static enum status open_parts(struct snapshot *snapshot, struct error *err)
{
    if (name_cache_new(&snapshot->names) == STATUS_OK &&
        part_cursor_new(&snapshot->cursor) == STATUS_OK &&
        part_merge_new(&snapshot->merge) == STATUS_OK)
        return STATUS_OK;
    return no_memory(snapshot, err);
}

static enum status open_all(struct snapshot *snapshot, const char *dir, struct error *err)
{
    const size_t dir_len = strlen(dir);
    snapshot->dir = mem_alloc(dir_len + 1, 1);
    if (!snapshot->dir)
        return error_set(err, STATUS_NOMEM, "no memory to read the store %s", dir);
    memcpy(snapshot->dir, dir, dir_len + 1);
    TRY(open_parts(snapshot, err));
    if (!snapshot->kv_borrowed)
        TRY(kv_open(&snapshot->kv, dir, false, err));
    return snapshot_resume(snapshot, err);
}

static enum status open_snapshot(struct snapshot **opened, const char *dir, struct kv *kv,
                                 struct error *err)
{
    *opened = NULL;
    struct snapshot *snapshot = mem_alloc_zeroed(1, sizeof *snapshot);
    if (!snapshot)
        return error_set(err, STATUS_NOMEM, "no memory to read the store %s", dir);
    snapshot->kv = kv;
    snapshot->kv_borrowed = kv != NULL;
    const enum status status = open_all(snapshot, dir, err);
    if (status == STATUS_OK)
        *opened = snapshot;
    else
        snapshot_close(snapshot);
    return status;
}

enum status snapshot_open(struct snapshot **snapshot, const char *dir, struct error *err)
{
    return open_snapshot(snapshot, dir, NULL, err);
}

enum status snapshot_open_beside(struct snapshot **snapshot, const struct store *store,
                                 struct error *err)
{
    return open_snapshot(snapshot, store_dir(store), store_kv(store), err);
}

void snapshot_close(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    part_cursor_free(snapshot->cursor);
    part_merge_free(snapshot->merge);
    snapshot_pause(snapshot);
    for (int table = 0; table < TABLE_COUNT; table++) {
        part_list_release(&snapshot->parts[table]);
        part_memory_release(&snapshot->log_rows[table]);
    }
    name_list_release(&snapshot->metrics);
    name_cache_free(snapshot->names);
    if (!snapshot->kv_borrowed)
        kv_close(snapshot->kv);
    mem_free(snapshot->dir);
    mem_free(snapshot);
}

const struct store_counters *snapshot_counters(const struct snapshot *snapshot)
{
    return &snapshot->state.counters;
}

uint64_t snapshot_file_bytes(const struct snapshot *snapshot)
{
    struct kv_space space = {0};
    if (kv_space(snapshot->kv, &space, NULL) != STATUS_OK)
        return 0;
    return space.file_bytes;
}

uint32_t snapshot_format_version(const struct snapshot *snapshot)
{
    return snapshot->catalogue.version;
}

const char *snapshot_setting(const struct snapshot *snapshot, const char *name)
{
    return catalogue_setting(&snapshot->catalogue, name);
}

uint32_t snapshot_metric_count(const struct snapshot *snapshot)
{
    return (uint32_t)snapshot->metrics.count;
}

struct slice snapshot_metric_name(const struct snapshot *snapshot, uint32_t metric)
{
    assert(metric < snapshot->metrics.count);
    return snapshot->metrics.names[metric];
}

bool snapshot_find_metric(const struct snapshot *snapshot, struct slice name, uint32_t *metric)
{
    for (size_t i = 0; i < snapshot->metrics.count; i++) {
        if (slice_equal(snapshot->metrics.names[i], name)) {
            *metric = (uint32_t)i;
            return true;
        }
    }
    return false;
}

enum status snapshot_rejects(struct snapshot *snapshot, uint64_t sequence, reject_visitor *visit,
                             void *context, struct error *err)
{
    assert(snapshot->txn);
    return rejects_walk(snapshot->txn, sequence, visit, context, err);
}

/* The ids that only the commit log holds: those of its rows and of its rejects. */
static bool log_holds(const struct row_set *set, uint64_t id)
{
    for (size_t i = 0; i < set->id_count; i++) {
        if (set->ids[i] == id)
            return true;
    }
    for (int table = 0; table < TABLE_COUNT; table++) {
        for (size_t i = 0; i < set->row_count[table]; i++) {
            if (set->rows[table][i].message_id == id)
                return true;
        }
    }
    return false;
}

/* Each id costs one descent: few are asked. */
enum status snapshot_seen(struct snapshot *snapshot, const uint64_t *ids, size_t count, bool *held,
                          struct error *err)
{
    assert(snapshot->txn);
    OWNED(row_set_release) struct row_set log = {0};
    OWNED(seen_free_owned) struct seen *seen = NULL;
    if (seen_new(&seen) != STATUS_OK)
        return no_memory(snapshot, err);
    TRY(log_read_all(snapshot->txn, &snapshot->state, &log, err));
    for (size_t i = 0; i < count; i++) {
        TRY(seen_check(seen, snapshot->txn, (struct id_list){&ids[i], 1}, &held[i], err));
        held[i] = held[i] || log_holds(&log, ids[i]);
    }
    return STATUS_OK;
}
