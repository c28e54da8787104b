/*
 * scratch_store.c - see scratch_store.h.
 */
#include "tests/unit/scratch_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

void scratch_store_open(struct scratch_store *store)
{
    const char *parent = getenv("TMPDIR");
    const int len =
        snprintf(store->dir, sizeof store->dir, "%s/mnsdb-test-XXXXXX", parent ? parent : "/tmp");
    assert_in_range(len, 1, sizeof store->dir - 1);
    assert_non_null(mkdtemp(store->dir));
    (void)snprintf(store->data, sizeof store->data, "%s/data.mdb", store->dir);
    scratch_store_reopen(store);
}

void scratch_store_close(struct scratch_store *store)
{
    kv_close(store->kv);
    store->kv = NULL;
}

void scratch_store_reopen(struct scratch_store *store)
{
    struct error err = {0};
    scratch_store_close(store);
    if (kv_open(&store->kv, store->dir, true, &err) != STATUS_OK)
        fail_msg("%s", err.message);
}

void scratch_store_drop(struct scratch_store *store)
{
    scratch_store_close(store);
    char lock[272];
    (void)snprintf(lock, sizeof lock, "%s/lock.mdb", store->dir);
    (void)unlink(store->data);
    (void)unlink(lock);
    (void)rmdir(store->dir);
}

struct kv_txn *scratch_store_begin(const struct scratch_store *store, bool write)
{
    struct error err = {0};
    struct kv_txn *txn = NULL;
    if (kv_begin(store->kv, write, &txn, &err) != STATUS_OK)
        fail_msg("%s", err.message);
    return txn;
}
