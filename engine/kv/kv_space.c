/*
 * kv_space.c - how large the store is and who holds it back; copies of it.
 */
#include "engine/kv/kv_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FREE_LIST    0u /* LMDB's handle of the list of free pages */
#define HEADER_PAGES 2u

/* The oldest snapshot among the lines that LMDB prints for its readers: "pid thread txn". */
static int find_oldest(const char *line, void *context)
{
    uint64_t *oldest = context;
    const char *last = strrchr(line, ' ');
    if (!last || last[1] < '0' || last[1] > '9') /* the heading, or a reader at rest */
        return 0;
    const uint64_t txn = strtoull(last + 1, NULL, 10);
    if (txn < *oldest)
        *oldest = txn;
    return 0;
}

static uint64_t pages_of(const MDB_stat *stat)
{
    return stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}

static enum status used_pages(struct kv *kv, uint64_t *pages, struct error *err)
{
    struct kv_txn *txn = NULL;
    TRY(kv_begin(kv, false, &txn, err));
    MDB_stat data = {0};
    MDB_stat free_list = {0};
    int code = mdb_stat(txn->txn, kv->dbi, &data);
    if (code == 0)
        code = mdb_stat(txn->txn, FREE_LIST, &free_list);
    kv_abort(txn);
    if (code != 0)
        return kv_fail(kv, code, "cannot measure", err);
    *pages = HEADER_PAGES + pages_of(&data) + pages_of(&free_list);
    return STATUS_OK;
}

enum status kv_space(struct kv *kv, struct kv_space *space, struct error *err)
{
    *space = (struct kv_space){.map_bytes = kv->map_bytes};
    uint64_t pages = 0;
    TRY(used_pages(kv, &pages, err));

    MDB_envinfo info;
    MDB_stat main_stat;
    int file = -1;
    int dead = 0;
    uint64_t oldest = UINT64_MAX;
    int code = kv->writable ? mdb_reader_check(kv->env, &dead) : 0;
    if (code == 0)
        code = mdb_env_info(kv->env, &info);
    if (code == 0)
        code = mdb_env_stat(kv->env, &main_stat);
    if (code == 0)
        code = mdb_env_get_fd(kv->env, &file);
    if (code == 0 && mdb_reader_list(kv->env, find_oldest, &oldest) < 0)
        code = EIO;
    struct stat file_info;
    if (code == 0 && fstat(file, &file_info) != 0)
        code = errno;
    if (code != 0)
        return kv_fail(kv, code, "cannot measure", err);

    space->file_bytes = (uint64_t)file_info.st_size;
    space->used_bytes = pages * main_stat.ms_psize;
    if (oldest < info.me_last_txnid)
        space->oldest_reader_txns = info.me_last_txnid - oldest;
    return STATUS_OK;
}

uint64_t kv_bytes_max(const struct kv *kv)
{
    MDB_envinfo info = {0};
    MDB_stat stat = {0};
    /* These copy what the environment knows, and refuse no open one. */
    (void)mdb_env_info(kv->env, &info);
    (void)mdb_env_stat(kv->env, &stat);
    return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

enum status kv_copy(struct kv *kv, int file, struct error *err)
{
    assert(file >= 0);
    const int code = mdb_env_copyfd2(kv->env, file, MDB_CP_COMPACT);
    return code == 0 ? STATUS_OK : kv_fail(kv, code, "cannot copy", err);
}
