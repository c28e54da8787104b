/*
 * kv_place.c - see kv_place.h.
 */
#include "tests/unit/kv_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    (void)snprintf(place->dir, sizeof place->dir, "%s/kv-test-XXXXXX",
                   getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->data, sizeof place->data, "%.480s/data.mdb", place->dir);
    *state = place;
    return 0;
}

int drop_place(void **state)
{
    struct place *place = *state;
    char name[PATH_BYTES];
    const char *const names[] = {"data.mdb", "lock.mdb", "other", "copy/data.mdb"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(name, sizeof name, "%.480s/%s", place->dir, names[i]);
        (void)unlink(name);
    }
    (void)snprintf(name, sizeof name, "%.480s/copy", place->dir);
    (void)rmdir(name);
    (void)rmdir(place->dir);
    free(place);
    return 0;
}

struct kv *open_store(const struct place *place, bool writable)
{
    struct error err = {0};
    struct kv *kv = NULL;
    const enum status status = kv_open(&kv, place->dir, writable, &err);
    if (status != STATUS_OK)
        print_error("%s\n", err.message);
    assert_int_equal(status, STATUS_OK);
    assert_non_null(kv);
    return kv;
}

struct kv_txn *begin(struct kv *kv, bool write)
{
    struct kv_txn *txn = NULL;
    assert_int_equal(kv_begin(kv, write, &txn, NULL), STATUS_OK);
    return txn;
}

void put_text(struct kv_txn *txn, const char *key, const char *text)
{
    assert_int_equal(kv_put(txn, slice_of_text(key), slice_of_text(text), NULL), STATUS_OK);
}

void store_text(struct kv *kv, const char *key, const char *text)
{
    struct kv_txn *txn = begin(kv, true);
    put_text(txn, key, text);
    assert_int_equal(kv_commit(txn, NULL), STATUS_OK);
}

bool holds_text(struct kv_txn *txn, const char *key, const char *text)
{
    struct slice payload;
    bool found = false;
    assert_int_equal(kv_get(txn, slice_of_text(key), &payload, &found, NULL), STATUS_OK);
    return found && slice_equal(payload, slice_of_text(text));
}

bool store_holds_text(struct kv *kv, const char *key, const char *text)
{
    struct kv_txn *txn = begin(kv, false);
    const bool holds = holds_text(txn, key, text);
    kv_abort(txn);
    return holds;
}

enum status open_status(const struct place *place, bool writable, struct error *err)
{
    struct kv *kv = NULL;
    *err = (struct error){0};
    const enum status status = kv_open(&kv, place->dir, writable, err);
    assert_true((status == STATUS_OK) == (kv != NULL));
    if (status != STATUS_OK)
        assert_non_null(strstr(err->message, place->dir));
    kv_close(kv);
    return status;
}

/* A store with values on many pages; returns the file's length. */
off_t fill_store(const struct place *place, unsigned count)
{
    struct kv *kv = open_store(place, true);
    static uint8_t bytes[20000];
    memset(bytes, 'x', sizeof bytes);
    struct kv_txn *txn = begin(kv, true);
    for (unsigned i = 0; i < count; i++) {
        uint8_t key[8];
        store_u64_be(key, i);
        assert_int_equal(
            kv_put(txn, slice_of(key, sizeof key), slice_of(bytes, sizeof bytes), NULL), STATUS_OK);
    }
    assert_int_equal(kv_commit(txn, NULL), STATUS_OK);
    kv_close(kv);
    struct stat info;
    assert_int_equal(stat(place->data, &info), 0);
    return info.st_size;
}
