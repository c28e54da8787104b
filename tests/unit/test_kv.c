/*
 * test_kv.c - the key-value layer over LMDB: what it keeps, what it refuses, what it reports.
 */
#include "engine/base/mem.h"
#include "engine/kv/kv.h"
#include "tests/unit/kv_place.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- opening -------------------------------------------------------------------------------- */

static void a_value_survives_closing_and_opening(void **state)
{
    struct kv *kv = open_store(*state, true);
    store_text(kv, "Akey", "value");
    assert_true(store_holds_text(kv, "Akey", "value"));
    kv_close(kv);

    kv = open_store(*state, false);
    assert_true(store_holds_text(kv, "Akey", "value"));
    assert_false(store_holds_text(kv, "Akez", "value"));
    kv_close(kv);
}

static void files_are_only_for_their_owner(void **state)
{
    const struct place *place = *state;
    const mode_t old = umask(0);
    kv_close(open_store(place, true));
    (void)umask(old);

    struct stat info;
    assert_int_equal(stat(place->data, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    char lock[PATH_BYTES];
    (void)snprintf(lock, sizeof lock, "%.480s/lock.mdb", place->dir);
    assert_int_equal(stat(lock, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void a_missing_store_is_missing(void **state)
{
    const struct place *place = *state;
    struct error err;
    assert_int_equal(open_status(place, false, &err), STATUS_MISSING);
    assert_int_not_equal(access(place->data, F_OK), 0);

    struct place nowhere = *place;
    (void)snprintf(nowhere.dir, sizeof nowhere.dir, "%.480s/nowhere", place->dir);
    assert_int_equal(open_status(&nowhere, false, &err), STATUS_MISSING);
    assert_int_equal(open_status(&nowhere, true, &err), STATUS_MISSING);
}

static void links_and_foreign_files_are_refused(void **state)
{
    const struct place *place = *state;
    struct error err;
    char other[PATH_BYTES];
    (void)snprintf(other, sizeof other, "%.480s/other", place->dir);

    assert_int_equal(symlink("/etc/hostname", place->data), 0);
    assert_int_equal(open_status(place, true, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "symbolic link"));
    assert_int_equal(open_status(place, false, &err), STATUS_IO);
    assert_int_equal(unlink(place->data), 0);

    kv_close(open_store(place, true));
    assert_int_equal(link(place->data, other), 0);
    assert_int_equal(open_status(place, true, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "hard links"));
    assert_int_equal(unlink(other), 0);

    struct place linked = *place;
    (void)snprintf(linked.dir, sizeof linked.dir, "%.480s/other", place->dir);
    assert_int_equal(symlink(place->dir, linked.dir), 0);
    assert_int_equal(open_status(&linked, false, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "symbolic link"));
    (void)snprintf(linked.dir, sizeof linked.dir, "%.480s/other/", place->dir);
    struct kv *kv = NULL;
    assert_int_equal(kv_open(&kv, linked.dir, false, NULL), STATUS_IO);
    assert_int_equal(unlink(other), 0);

    (void)snprintf(linked.dir, sizeof linked.dir, "%.480s/data.mdb", place->dir);
    assert_int_equal(open_status(&linked, false, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "no directory"));
}

static void a_directory_that_everybody_writes_to_is_refused(void **state)
{
    const struct place *place = *state;
    struct error err;
    assert_int_equal(chmod(place->dir, 0777), 0);
    assert_int_equal(open_status(place, true, &err), STATUS_IO);
    assert_int_equal(chmod(place->dir, 0700), 0);
    assert_int_equal(open_status(place, true, &err), STATUS_OK);
}

static void a_store_opens_once_in_a_process(void **state)
{
    const struct place *place = *state;
    struct error err;
    struct kv *kv = open_store(place, true);
    assert_int_equal(open_status(place, false, &err), STATUS_LOCKED);
    kv_close(kv);
    assert_int_equal(open_status(place, false, &err), STATUS_OK);
}

/* --- cursors -------------------------------------------------------------------------------- */

static void expect_key(const struct kv_entry *entry, const char *key)
{
    assert_int_equal(entry->found, key != NULL);
    if (key)
        assert_true(slice_equal(entry->key, slice_of_text(key)));
}

static void cursors_find_floor_ceiling_and_neighbours(void **state)
{
    struct kv *kv = open_store(*state, true);
    struct kv_txn *txn = begin(kv, true);
    const char *const keys[] = {"A1", "B2", "B4", "B6", "C1"};
    for (size_t i = 0; i < 5; i++)
        put_text(txn, keys[i], keys[i]);

    struct kv_cursor *cursor = NULL;
    assert_int_equal(kv_cursor_open(txn, &cursor, NULL), STATUS_OK);
    static const struct {
        const char *key, *ceiling, *floor;
    } cases[] = {{"B1", "B2", NULL}, {"B2", "B2", "B2"}, {"B3", "B4", "B2"},
                 {"B6", "B6", "B6"}, {"B7", NULL, "B6"}, {"B", "B2", NULL}};
    struct kv_entry entry;
    const struct slice prefix = slice_of_text("B");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct slice key = slice_of_text(cases[i].key);
        assert_int_equal(kv_seek_ceiling(cursor, key, prefix, &entry, NULL), STATUS_OK);
        expect_key(&entry, cases[i].ceiling);
        assert_int_equal(kv_seek_floor(cursor, key, prefix, &entry, NULL), STATUS_OK);
        expect_key(&entry, cases[i].floor);
    }
    assert_int_equal(kv_seek_floor(cursor, slice_of_text("Z"), slice_of(NULL, 0), &entry, NULL),
                     STATUS_OK);
    expect_key(&entry, "C1");

    assert_int_equal(kv_seek_ceiling(cursor, slice_of_text("B"), prefix, &entry, NULL), STATUS_OK);
    for (size_t i = 1; i < 4; i++) {
        expect_key(&entry, keys[i]);
        struct slice payload;
        assert_int_equal(kv_entry_payload(&entry, &payload, NULL), STATUS_OK);
        assert_true(slice_equal(payload, slice_of_text(keys[i])));
        assert_int_equal(kv_next(cursor, prefix, &entry, NULL), STATUS_OK);
    }
    expect_key(&entry, NULL);
    kv_cursor_close(cursor);
    kv_abort(txn);
    kv_close(kv);
}

/* --- snapshots, space, copies --------------------------------------------------------------- */

static void readers_keep_their_snapshot_while_a_writer_goes_on(void **state)
{
    struct kv *kv = open_store(*state, true);
    store_text(kv, "Akey", "one");
    struct kv_txn *first = begin(kv, false);
    store_text(kv, "Akey", "two");
    struct kv_txn *second = begin(kv, false);
    store_text(kv, "Akey", "three");

    assert_true(holds_text(first, "Akey", "one"));
    assert_true(holds_text(second, "Akey", "two"));
    assert_true(store_holds_text(kv, "Akey", "three"));
    struct kv_space space;
    assert_int_equal(kv_space(kv, &space, NULL), STATUS_OK);
    assert_int_equal(space.oldest_reader_txns, 2);
    kv_abort(first);
    assert_int_equal(kv_space(kv, &space, NULL), STATUS_OK);
    assert_int_equal(space.oldest_reader_txns, 1);
    kv_abort(second);
    assert_int_equal(kv_space(kv, &space, NULL), STATUS_OK);
    assert_int_equal(space.oldest_reader_txns, 0);
    kv_close(kv);
}

/* In a child: opens the store to read, tells so, waits, and expects "two" of a new snapshot. */
static void read_in_child(const struct place *place, int ready, int go)
{
    struct kv *kv = NULL;
    if (kv_open(&kv, place->dir, false, NULL) != STATUS_OK)
        _exit(10);
    struct kv_txn *txn = NULL;
    char byte = 'r';
    if (kv_begin(kv, false, &txn, NULL) != STATUS_OK || write(ready, &byte, 1) != 1 ||
        read(go, &byte, 1) != 1)
        _exit(11);
    if (!holds_text(txn, "Akey", "one"))
        _exit(12);
    kv_abort(txn);
    if (!store_holds_text(kv, "Akey", "two"))
        _exit(13);
    kv_close(kv);
    _exit(0);
}

static void a_reader_of_another_process_survives_growth(void **state)
{
    const struct place *place = *state;
    struct kv *kv = open_store(place, true);
    store_text(kv, "Akey", "one");
    kv_close(kv);
    int ready[2];
    int go[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        read_in_child(place, ready[1], go[0]);

    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    kv = open_store(place, true);
    static uint8_t bytes[32000];
    for (uint64_t i = 0; i < 20; i++) {
        struct kv_txn *txn = begin(kv, true);
        for (uint64_t j = 0; j < 20; j++) {
            uint8_t key[9] = {'G'};
            store_u64_be(key + 1, i * 20 + j);
            assert_int_equal(
                kv_put(txn, slice_of(key, sizeof key), slice_of(bytes, sizeof bytes), NULL),
                STATUS_OK);
        }
        assert_int_equal(kv_commit(txn, NULL), STATUS_OK);
    }
    store_text(kv, "Akey", "two");
    assert_int_equal(write(go[1], &byte, 1), 1);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    kv_close(kv);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(close(ready[i]), 0);
        assert_int_equal(close(go[i]), 0);
    }
}

static void space_counts_used_pages(void **state)
{
    const struct place *place = *state;
    const off_t length = fill_store(place, 40);
    struct kv *kv = open_store(place, false);
    struct kv_space space;
    assert_int_equal(kv_space(kv, &space, NULL), STATUS_OK);
    assert_int_equal(space.file_bytes, length);
    assert_in_range(space.used_bytes, 40 * 20000, length);
    assert_true(space.map_bytes >= space.file_bytes);
    kv_close(kv);
}

static void addresses_of_values_lie_in_the_map(void **state)
{
    const struct place *place = *state;
    (void)fill_store(place, 1);
    struct kv *kv = open_store(place, false);
    struct kv_txn *txn = begin(kv, false);
    struct slice payload;
    bool found = false;
    const uint8_t key[8] = {0};
    assert_int_equal(kv_get(txn, slice_of(key, sizeof key), &payload, &found, NULL), STATUS_OK);
    assert_true(found);
    assert_true(kv_maps_address(payload.data));
    assert_true(kv_maps_address(payload.data + payload.len - 1));
    assert_false(kv_maps_address(key));
    assert_false(kv_maps_address(place));
    assert_false(kv_maps_address(NULL));
    const uint8_t *gone = payload.data;
    kv_abort(txn);
    kv_close(kv);
    assert_false(kv_maps_address(gone));
}

static void a_copy_holds_what_the_store_holds(void **state)
{
    const struct place *place = *state;
    (void)fill_store(place, 10);
    struct place copy = {0};
    (void)snprintf(copy.dir, sizeof copy.dir, "%.400s/copy", place->dir);
    (void)snprintf(copy.data, sizeof copy.data, "%.400s/copy/data.mdb", place->dir);
    assert_int_equal(mkdir(copy.dir, 0700), 0);
    const int file = open(copy.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(file >= 0);

    struct kv *kv = open_store(place, true);
    store_text(kv, "Akey", "value");
    assert_int_equal(kv_copy(kv, file, NULL), STATUS_OK);
    assert_int_equal(close(file), 0);
    struct error err = {0};
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(kv_copy(kv, full, &err), STATUS_FULL);
    assert_int_equal(close(full), 0);
    kv_close(kv);

    kv = open_store(&copy, false);
    assert_true(store_holds_text(kv, "Akey", "value"));
    kv_close(kv);
    char lock[PATH_BYTES];
    (void)snprintf(lock, sizeof lock, "%.400s/copy/lock.mdb", place->dir);
    assert_int_equal(unlink(lock), 0);
}

/* --- failures of the system ----------------------------------------------------------------- */

static void a_commit_to_a_store_that_was_removed_fails(void **state)
{
    const struct place *place = *state;
    struct kv *kv = open_store(place, true);
    store_text(kv, "a", "1");
    struct kv_txn *txn = begin(kv, true);
    put_text(txn, "b", "2");
    assert_int_equal(unlink(place->data), 0);
    struct error err = {0};
    assert_int_equal(kv_commit(txn, &err), STATUS_MISSING);
    assert_non_null(strstr(err.message, "removed"));
    kv_close(kv);
}

static void limit_file_size(rlim_t bytes, struct rlimit *old)
{
    assert_int_equal(getrlimit(RLIMIT_FSIZE, old), 0);
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = old->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_full_and_loses_nothing(void **state)
{
    const struct place *place = *state;
    const off_t length = fill_store(place, 10);
    struct kv *kv = open_store(place, true);
    store_text(kv, "Akey", "before");
    static uint8_t bytes[32000];
    (void)signal(SIGXFSZ, SIG_IGN);
    struct error err = {0};
    /* Limits on and off page bounds: LMDB sees a failed and a short write. */
    for (rlim_t more = 8192; more < 80000; more += 9001) {
        struct rlimit old;
        limit_file_size((rlim_t)length + more, &old);
        struct kv_txn *txn = begin(kv, true);
        for (uint8_t i = 0; i < 10; i++)
            assert_int_equal(kv_put(txn, slice_of(&i, 1), slice_of(bytes, sizeof bytes), NULL),
                             STATUS_OK);
        put_text(txn, "Akey", "lost");
        assert_int_equal(kv_commit(txn, &err), STATUS_FULL);
        assert_non_null(strstr(err.message, place->dir));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_true(store_holds_text(kv, "Akey", "before"));
    }
    store_text(kv, "Akey", "after");
    kv_close(kv);
    kv = open_store(place, false);
    assert_true(store_holds_text(kv, "Akey", "after"));
    kv_close(kv);
}

/* In a child with a limited address space: the map must be made to fit, with room to spare. */
static void open_in_narrow_child(const struct place *place)
{
    const struct rlimit limit = {.rlim_cur = (rlim_t)1 << 28, .rlim_max = (rlim_t)1 << 28};
    struct kv *kv = NULL;
    struct kv_space space;
    struct error err = {0};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(10);
    if (kv_open(&kv, place->dir, true, &err) != STATUS_OK)
        _exit(11);
    if (kv_space(kv, &space, &err) != STATUS_OK || space.map_bytes > (uint64_t)1 << 27)
        _exit(12);
    static uint8_t bytes[32000];
    enum status status = STATUS_OK;
    for (uint64_t i = 0; status == STATUS_OK && i < 10000; i++) {
        struct kv_txn *txn = NULL;
        if (kv_begin(kv, true, &txn, &err) != STATUS_OK)
            _exit(13);
        uint8_t key[9] = {'G'};
        store_u64_be(key + 1, i);
        for (uint8_t j = 0; status == STATUS_OK && j < 32; j++) {
            key[0] = (uint8_t)('G' + j);
            status = kv_put(txn, slice_of(key, sizeof key), slice_of(bytes, sizeof bytes), &err);
        }
        if (status != STATUS_OK)
            kv_abort(txn);
        else
            status = kv_commit(txn, &err);
    }
    if (status != STATUS_FULL)
        _exit(14);
    kv_close(kv);
    _exit(0);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ADDRESS_SPACE_IS_FREE 0 /* sanitizers take terabytes of it for themselves */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ADDRESS_SPACE_IS_FREE 0
#endif
#endif
#ifndef ADDRESS_SPACE_IS_FREE
#define ADDRESS_SPACE_IS_FREE 1
#endif

static void a_limited_address_space_gives_a_smaller_map_that_fills(void **state)
{
    if (!ADDRESS_SPACE_IS_FREE)
        skip();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        open_in_narrow_child(*state);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Opens, writes, walks and closes; every failure must give everything back. */
static enum status use_everything(const char *dir)
{
    struct kv *kv = NULL;
    TRY(kv_open(&kv, dir, true, NULL));
    struct kv_txn *txn = NULL;
    struct kv_cursor *cursor = NULL;
    struct kv_entry entry;
    enum status status = kv_begin(kv, true, &txn, NULL);
    if (status == STATUS_OK)
        status = kv_put(txn, slice_of_text("A"), slice_of_text("a"), NULL);
    if (status == STATUS_OK)
        status = kv_cursor_open(txn, &cursor, NULL);
    if (status == STATUS_OK)
        status = kv_seek_floor(cursor, slice_of_text("B"), slice_of(NULL, 0), &entry, NULL);
    kv_cursor_close(cursor);
    if (status == STATUS_OK)
        status = kv_commit(txn, NULL);
    else
        kv_abort(txn);
    kv_close(kv);
    return status;
}

static void every_failed_allocation_gives_everything_back(void **state)
{
    const struct place *place = *state;
    enum status status = STATUS_NOMEM;
    const size_t live = mem_live_blocks();
    for (long nth = 0; status != STATUS_OK; nth++) {
        mem_fail_at(nth);
        status = use_everything(place->dir);
        mem_fail_at(-1);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(mem_live_blocks(), live);
        assert_in_range(nth, 0, 100); /* the sweep must end */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_value_survives_closing_and_opening),
        IN_PLACE(files_are_only_for_their_owner),
        IN_PLACE(a_missing_store_is_missing),
        IN_PLACE(links_and_foreign_files_are_refused),
        IN_PLACE(a_directory_that_everybody_writes_to_is_refused),
        IN_PLACE(a_store_opens_once_in_a_process),
        IN_PLACE(cursors_find_floor_ceiling_and_neighbours),
        IN_PLACE(readers_keep_their_snapshot_while_a_writer_goes_on),
        IN_PLACE(a_reader_of_another_process_survives_growth),
        IN_PLACE(space_counts_used_pages),
        IN_PLACE(addresses_of_values_lie_in_the_map),
        IN_PLACE(a_copy_holds_what_the_store_holds),
        IN_PLACE(a_commit_to_a_store_that_was_removed_fails),
        IN_PLACE(a_full_disk_is_full_and_loses_nothing),
        IN_PLACE(a_limited_address_space_gives_a_smaller_map_that_fills),
        IN_PLACE(every_failed_allocation_gives_everything_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
