/*
 * store.c - the stores that the connections of this process have open.
 *
 * (1) A store is open once in a process: its directory tells which it is, whatever path led
 *     there. Tables of one connection share it; another connection is refused, since a snapshot
 *     belongs to one thread.
 * (2) The snapshot is paused while nobody holds it, so that a connection that only stands by
 *     keeps no old pages of the store.
 * (3) The order of devices by name is of the revision at hand: devices are only ever added.
 */
#include "sql/tables/tables_internal.h"

#include "engine/base/mem.h"
#include "engine/name_order/name_order.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

static pthread_mutex_t stores_lock = PTHREAD_MUTEX_INITIALIZER;
static struct table_store *stores;

static void store_free(struct table_store *store)
{
    view_release(&store->view);
    snapshot_close(store->snapshot);
    mem_free(store->by_name);
    mem_free(store->dir);
    mem_free(store);
}

static struct table_store *find_open(const struct stat *folder)
{
    struct table_store *store = stores;
    while (store && (store->device != folder->st_dev || store->inode != folder->st_ino))
        store = store->next;
    return store;
}

static enum status open_new(struct tables *tables, const char *dir, const struct stat *folder,
                            struct table_store **opened, struct error *err)
{
    struct table_store *store = mem_alloc_zeroed(1, sizeof *store);
    const size_t size = strlen(dir) + 1;
    if (store)
        store->dir = mem_alloc(size, 1);
    if (!store || !store->dir) {
        mem_free(store);
        return error_set(err, STATUS_NOMEM, "no memory to open the store %s", dir);
    }
    memcpy(store->dir, dir, size);
    store->tables = tables;
    store->device = folder->st_dev;
    store->inode = folder->st_ino;
    enum status status = snapshot_open(&store->snapshot, dir, err);
    if (status == STATUS_OK)
        status =
            view_init(&store->view, store->snapshot, tables_aliases(tables), &tables->filter, err);
    if (status != STATUS_OK) {
        store_free(store);
        return status;
    }
    snapshot_pause(store->snapshot);
    store->next = stores;
    stores = store;
    *opened = store;
    return STATUS_OK;
}

static enum status enter(struct tables *tables, const char *dir, struct table_store **store,
                         struct error *err)
{
    struct stat folder = {0};
    if (stat(dir, &folder) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return error_set(err, STATUS_MISSING, "there is no store at %s", dir);
        return error_set_errno(err, STATUS_IO, errno, "cannot open the store %s", dir);
    }
    struct table_store *found = find_open(&folder);
    if (found && found->tables != tables)
        return error_set(err, STATUS_LOCKED,
                         "the store %s is open in another connection of this process", dir);
    if (!found)
        TRY(open_new(tables, dir, &folder, &found, err));
    assert(found);
    found->uses++;
    *store = found;
    return STATUS_OK;
}

enum status table_store_enter(struct tables *tables, const char *dir, struct table_store **store,
                              struct error *err)
{
    (void)pthread_mutex_lock(&stores_lock);
    const enum status status = enter(tables, dir, store, err);
    (void)pthread_mutex_unlock(&stores_lock);
    return status;
}

void table_store_leave(struct table_store *store)
{
    if (!store)
        return;
    (void)pthread_mutex_lock(&stores_lock);
    assert(store->uses > 0);
    if (--store->uses == 0) {
        struct table_store **link = &stores;
        while (*link != store)
            link = &(*link)->next;
        *link = store->next;
        store_free(store);
    }
    (void)pthread_mutex_unlock(&stores_lock);
}

enum status table_store_hold(struct table_store *store, struct error *err)
{
    if (store->holds == 0) {
        TRY(snapshot_resume(store->snapshot, err));
        enum status status = snapshot_read_names(store->snapshot, err);
        if (status == STATUS_OK)
            status = view_refresh(&store->view, err);
        if (status != STATUS_OK) {
            snapshot_pause(store->snapshot);
            return status;
        }
    }
    store->holds++;
    return STATUS_OK;
}

void table_store_release(struct table_store *store)
{
    assert(store->holds > 0);
    if (--store->holds == 0)
        snapshot_pause(store->snapshot);
}

/* --- devices by name ------------------------------------------------------------------------- */

enum status table_store_order(struct table_store *store, struct error *err)
{
    const uint32_t count = snapshot_device_count(store->snapshot);
    if (store->by_name && store->by_name_count == count)
        return STATUS_OK;
    OWNED(mem_free_owned) struct slice *names = mem_alloc(count, sizeof *names);
    uint32_t *order = mem_alloc(count, sizeof *order);
    if (!names || !order) {
        mem_free(order);
        return error_set(err, STATUS_NOMEM, "no memory for the list of devices");
    }
    for (uint32_t device = 0; device < count; device++)
        names[device] = snapshot_device_name(store->snapshot, device);
    if (name_order(names, count, order) != STATUS_OK) {
        mem_free(order);
        return error_set(err, STATUS_NOMEM, "no memory to sort the devices");
    }
    mem_free(store->by_name);
    store->by_name = order;
    store->by_name_count = count;
    return STATUS_OK;
}

bool table_store_find(const struct table_store *store, struct slice name, uint32_t *device)
{
    uint32_t low = 0;
    uint32_t high = store->by_name_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct slice found = snapshot_device_name(store->snapshot, store->by_name[middle]);
        const int order = slice_compare(found, name);
        if (order == 0) {
            *device = store->by_name[middle];
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
