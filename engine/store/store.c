/*
 * store.c - opening and closing a store for writing, its lock and its settings.
 *
 *      directory (0700)
 *          data.mdb      LMDB's file: everything
 *          lock.mdb      LMDB's reader table
 *          writer.lock   held by the one process that writes
 *
 * (1) The lock is taken before anything is read, and never waited for.
 * (2) What is in memory equals what is on disk, or the store is `stale` and
 *     everything is loaded anew before the next operation.
 */
#include "engine/store/store_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "writer.lock"
#define DATA_NAME "data.mdb"

static enum status make_directory(const char *dir, struct error *err)
{
    if (mkdir(dir, 0700) == 0 || errno == EEXIST)
        return STATUS_OK;
    return error_set_errno(err, errno == ENOSPC ? STATUS_FULL : STATUS_IO, errno,
                           "cannot make the store's directory %s", dir);
}

/* The directory itself, no link to one: what is in it is ours alone. */
static enum status open_directory(const char *dir, int *file, struct error *err)
{
    *file = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*file >= 0)
        return STATUS_OK;
    if (errno == ENOENT)
        return error_set(err, STATUS_MISSING, "there is no store at %s", dir);
    return error_set_errno(err, STATUS_IO, errno, "cannot open the store's directory %s", dir);
}

static void close_file(const int *file)
{
    if (*file >= 0)
        close(*file);
}

/* Unless it may be made, there must be a store before a lock is left beside it. */
static enum status take_lock(struct store *store, bool create, struct error *err)
{
    OWNED(close_file) int directory = -1;
    TRY(open_directory(store->dir, &directory, err));
    if (!create && faccessat(directory, DATA_NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno == ENOENT)
        return error_set(err, STATUS_MISSING, "there is no store at %s", store->dir);
    store->lock_file =
        openat(directory, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (store->lock_file < 0)
        return error_set_errno(err, errno == ENOSPC ? STATUS_FULL : STATUS_IO, errno,
                               "cannot open %s/" LOCK_NAME, store->dir);
    if (flock(store->lock_file, LOCK_EX | LOCK_NB) == 0)
        return STATUS_OK;
    if (errno == EWOULDBLOCK)
        return error_set(err, STATUS_LOCKED, "another process writes to the store %s", store->dir);
    return error_set_errno(err, STATUS_IO, errno, "cannot lock %s/" LOCK_NAME, store->dir);
}

/* The ids of the commit log are the only part of the seen set that is not in pages. */
static enum status load_pending(struct store *store, struct kv_txn *txn, struct error *err)
{
    id_set_clear(&store->pending);
    row_set_clear(&store->rows);
    TRY(log_read_all(txn, &store->state, &store->rows, err));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < store->rows.id_count && status == STATUS_OK; i++)
        status = id_set_add(&store->pending, store->rows.ids[i]);
    for (int table = 0; table < TABLE_COUNT; table++) {
        const struct row *rows = store->rows.rows[table];
        for (size_t i = 0; i < store->rows.row_count[table] && status == STATUS_OK; i++)
            status = id_set_add(&store->pending, rows[i].message_id);
    }
    if (status != STATUS_OK)
        return error_set(err, status, "no memory for the ids of the commit log");
    store->log_cells = store->rows.cell_count;
    return STATUS_OK;
}

static enum status load(struct store *store, struct kv_txn *txn, bool *found, struct error *err)
{
    store->catalogue = (struct catalogue){.state = store_state_empty()};
    TRY(catalogue_load(&store->catalogue, txn, found, err));
    if (!*found)
        return STATUS_OK;
    store->state = store->catalogue.state;
    TRY(log_newest_state(txn, &store->state, err));
    const struct store_counters *counters = &store->state.counters;
    TRY(dictionary_load(&store->devices, txn, KEY_DEVICES, counters->devices, err));
    TRY(dictionary_load(&store->metrics, txn, KEY_METRICS, counters->metrics, err));
    for (int table = 0; table < TABLE_COUNT; table++) {
        struct part_list *list = &store->parts[table];
        TRY(part_list_load(list, txn, (enum table)table, store_names(store, (enum table)table),
                           err));
        TRY(part_list_expect(list, (enum table)table, store->state.parts[table], err));
    }
    TRY(load_pending(store, txn, err));
    store->committed = store->state.counters;
    return STATUS_OK;
}

static enum status load_all(struct store *store, bool *found, struct error *err)
{
    struct kv_txn *txn = NULL;
    TRY(kv_begin(store->kv, false, &txn, err));
    const enum status status = load(store, txn, found, err);
    kv_abort(txn);
    return status;
}

enum status store_refresh(struct store *store, struct error *err)
{
    if (!store->stale)
        return STATUS_OK;
    store->known_count = 0; /* numbers that a failed transaction gave are mapped anew */
    bool found = false;
    TRY(load_all(store, &found, err));
    if (!found)
        return error_set(err, STATUS_CORRUPT, "the catalogue of %s is gone", store->dir);
    store->stale = false;
    return STATUS_OK;
}

enum status store_abandon(struct store *store, struct kv_txn *txn, enum status status)
{
    kv_abort(txn);
    store->stale = true;
    return status;
}

enum status store_commit_txn(struct store *store, struct kv_txn *txn, struct error *err)
{
    const enum status status = kv_commit(txn, err);
    store->stale = status != STATUS_OK;
    if (!store->stale)
        store->committed = store->state.counters;
    return status;
}

enum status store_finish(struct store *store, struct kv_txn *txn, struct error *err)
{
    store->state.revision++;
    for (int table = 0; table < TABLE_COUNT; table++)
        store->state.parts[table] = store->parts[table].count;
    store->catalogue.state = store->state;
    enum status status = catalogue_save(&store->catalogue, txn, err);
    if (status != STATUS_OK)
        return store_abandon(store, txn, status);
    return store_commit_txn(store, txn, err);
}

/* The first commit of a new store: an empty catalogue. */
static enum status found_store(struct store *store, struct error *err)
{
    store->state = store_state_empty();
    store->devices.key_type = KEY_DEVICES;
    store->metrics.key_type = KEY_METRICS;
    struct kv_txn *txn = NULL;
    TRY(kv_begin(store->kv, true, &txn, err));
    return store_finish(store, txn, err);
}

static enum status open_parts(struct store *store, struct error *err)
{
    if (part_writer_new(&store->writer) == STATUS_OK &&
        part_merge_new(&store->merge) == STATUS_OK && seen_new(&store->seen) == STATUS_OK)
        return STATUS_OK;
    return error_set(err, STATUS_NOMEM, "no memory to open the store %s", store->dir);
}

static enum status open_locked(struct store *store, bool create, struct error *err)
{
    TRY(take_lock(store, create, err));
    TRY(kv_open(&store->kv, store->dir, create, err));
    if (!create) { /* what is there may be opened for writing now */
        kv_close(store->kv);
        store->kv = NULL;
        TRY(kv_open(&store->kv, store->dir, true, err));
    }
    TRY(open_parts(store, err));
    bool found = false;
    TRY(load_all(store, &found, err));
    return found ? STATUS_OK : found_store(store, err);
}

static enum status open_store(struct store **opened, const char *dir, bool create,
                              struct error *err)
{
    *opened = NULL;
    if (create)
        TRY(make_directory(dir, err));
    struct store *store = mem_alloc_zeroed(1, sizeof *store);
    if (!store)
        return error_set(err, STATUS_NOMEM, "no memory to open the store %s", dir);
    store->lock_file = -1;
    const size_t dir_len = strlen(dir);
    store->dir = mem_alloc(dir_len + 1, 1);
    enum status status = STATUS_NOMEM;
    if (store->dir) {
        memcpy(store->dir, dir, dir_len + 1);
        status = open_locked(store, create, err);
    } else {
        error_set(err, STATUS_NOMEM, "no memory to open the store %s", dir);
    }
    if (status == STATUS_OK)
        *opened = store;
    else
        store_close(store);
    return status;
}

enum status store_open(struct store **store, const char *dir, struct error *err)
{
    return open_store(store, dir, true, err);
}

enum status store_open_existing(struct store **store, const char *dir, struct error *err)
{
    return open_store(store, dir, false, err);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    part_crew_free(store->crew);
    part_writer_free(store->writer);
    part_merge_free(store->merge);
    seen_free(store->seen);
    intake_release(&store->intake);
    for (int table = 0; table < TABLE_COUNT; table++)
        arrangement_release(&store->arranged[table]);
    arena_release(&store->cells);
    row_set_release(&store->rows);
    buffer_release(&store->record);
    id_set_release(&store->pending);
    dictionary_release(&store->devices);
    dictionary_release(&store->metrics);
    if (store->has_known)
        known_names_release(&store->known_devices);
    mem_free(store->known_numbers);
    for (int table = 0; table < TABLE_COUNT; table++)
        part_list_release(&store->parts[table]);
    kv_close(store->kv);
    close_file(&store->lock_file);
    mem_free(store->dir);
    mem_free(store);
}

enum status store_follow_known(struct store *store, struct error *err)
{
    if (!store->has_known)
        return STATUS_OK;
    const size_t count = known_names_end(&store->known_devices);
    if (count == store->known_count)
        return STATUS_OK;
    if (mem_grow(&store->known_numbers, &store->known_capacity, count,
                 sizeof *store->known_numbers) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for the numbers of %zu devices", count);
    memset(store->known_numbers + store->known_count, 0xff,
           (count - store->known_count) * sizeof *store->known_numbers);
    store->known_count = count;
    return STATUS_OK;
}

/* What is on disk is known from the start. Names that are not taken cost time, no more. */
static void introduce_names(struct store *store)
{
    const struct name_table *const table = &store->devices.table;
    struct known_names *const known = &store->known_devices;
    known_names_reserve(known, table->count);
    for (size_t i = 0; i < table->count; i++) {
        uint32_t number = 0;
        const uint64_t hash = known_names_hash(known, table->names[i]);
        if (known_names_add(known, hash, table->names[i], &number) &&
            store_follow_known(store, NULL) == STATUS_OK)
            store->known_numbers[number] = (uint32_t)i;
    }
}

struct known_names *store_known_devices(struct store *store)
{
    if (!store->has_known) {
        known_names_init(&store->known_devices);
        store->has_known = true;
        if (!store->stale)
            introduce_names(store);
    }
    return &store->known_devices;
}

void store_share_work(struct store *store, unsigned helpers)
{
    struct part_crew *crew = NULL;
    if (!store->crew && helpers > 0 && part_crew_new(&crew, helpers) == STATUS_OK)
        store->crew = crew;
}

struct kv *store_kv(const struct store *store)
{
    return store->kv;
}

const char *store_dir(const struct store *store)
{
    return store->dir;
}

const struct store_counters *store_counters(const struct store *store)
{
    return &store->committed;
}

enum status store_setting(struct store *store, const char *name, const char *value,
                          const char **kept, struct error *err)
{
    TRY(store_refresh(store, err));
    *kept = catalogue_setting(&store->catalogue, name);
    if (!value)
        return STATUS_OK;
    if (*kept && strcmp(*kept, value) != 0)
        return error_set(err, STATUS_CONFIG,
                         "the store %s was made with %s %s, which can't be changed to %s",
                         store->dir, name, *kept, value);
    if (*kept)
        return STATUS_OK;
    TRY(catalogue_add_setting(&store->catalogue, name, value, err));
    struct kv_txn *txn = NULL;
    enum status status = kv_begin(store->kv, true, &txn, err);
    if (status != STATUS_OK)
        return store_abandon(store, txn, status);
    TRY(store_finish(store, txn, err));
    *kept = catalogue_setting(&store->catalogue, name);
    return STATUS_OK;
}
