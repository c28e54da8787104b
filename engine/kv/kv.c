/*
 * kv.c - opening and closing the database, transactions, reads and writes.
 *
 * (1) One LMDB environment with LMDB's default durability: a commit returns after its data and then
 *     its header page are on disk. No flag that weakens this can be passed.
 * (2) The map is reserved once, as large as the process may have (1 TiB, halved until it fits), and
 *     never resized: it costs address space only, and a reader need not follow a growing file.
 * (3) A store is open at most once in a process: LMDB's locks belong to the process, and closing
 *     one of two environments would release those of the other.
 * (4) A value's checksum is seeded with that of its key, so that a value found under another key
 *     than it was written to is as wrong as a changed one.
 *
 * No MDB_NORDAHEAD: values are runs of up to 8 pages and scans go through many in a row.
 * No MDB_NOMEMINIT: it would write stale heap bytes into the file.
 */
#include "engine/kv/kv_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_BYTES_MAX ((size_t)1 << 40)
#define MAP_BYTES_MIN ((size_t)1 << 20)
#define READERS_MAX   1022u /* LMDB's default of 126 is soon used up by readers that were killed */
#define FILE_MODE     0600
#define OPEN_MAX      8 /* stores that a process may have open at a time */
#define EXIT_STORE    4 /* "the store cannot be opened or is damaged" */

static_assert(sizeof(size_t) == 8, "the map takes a 64-bit address space");

/* --- the table of open stores --------------------------------------------------------------- */

/*
 * What a signal handler and other threads may ask: plain atomics, so that neither locks. A slot is
 * free while its identity (device and directory of the store, mixed) is 0.
 */
struct open_store {
    atomic_uint_fast64_t identity;
    atomic_uintptr_t map_from;
    atomic_uintptr_t map_until;
};

static struct open_store open_stores[OPEN_MAX];

static uint64_t store_identity(const struct kv_files *files)
{
    const uint64_t names[2] = {(uint64_t)files->device, (uint64_t)files->directory};
    return bytes_hash(names, sizeof names, 0) | 1;
}

static enum status claim_slot(struct kv *kv, const struct kv_files *files, struct error *err)
{
    const uint64_t identity = store_identity(files);
    for (int i = 0; i < OPEN_MAX; i++) {
        if (atomic_load(&open_stores[i].identity) == identity)
            return error_set(err, STATUS_LOCKED, "store %s: this process has it open already",
                             kv->dir);
    }
    for (int i = 0; i < OPEN_MAX; i++) {
        uint_fast64_t empty = 0;
        if (atomic_compare_exchange_strong(&open_stores[i].identity, &empty, identity)) {
            kv->slot = i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_LOCKED, "store %s: this process has %d stores open already",
                     kv->dir, OPEN_MAX);
}

static void release_slot(const struct kv *kv)
{
    struct open_store *store = &open_stores[kv->slot];
    atomic_store(&store->map_from, 0);
    atomic_store(&store->map_until, 0);
    atomic_store(&store->identity, 0);
}

bool kv_maps_address(const void *address)
{
    const uintptr_t wanted = (uintptr_t)address;
    for (int i = 0; i < OPEN_MAX; i++) {
        if (wanted >= atomic_load(&open_stores[i].map_from) &&
            wanted < atomic_load(&open_stores[i].map_until))
            return true;
    }
    return false;
}

/* Where LMDB's code lies, if it is a library of its own. */
static atomic_uintptr_t lmdb_from;
static atomic_uintptr_t lmdb_until;

/*
 * Notes the library that holds mdb_env_open; the program itself, which has no name, does not count.
 */
static int note_lmdb(struct dl_phdr_info *library, size_t size, void *context)
{
    (void)size;
    (void)context;
    const uintptr_t wanted = (uintptr_t)mdb_env_open;
    for (size_t i = 0; i < library->dlpi_phnum && library->dlpi_name[0] != '\0'; i++) {
        const uintptr_t from = library->dlpi_addr + library->dlpi_phdr[i].p_vaddr;
        const uintptr_t until = from + library->dlpi_phdr[i].p_memsz;
        if (library->dlpi_phdr[i].p_type == PT_LOAD && wanted >= from && wanted < until) {
            atomic_store(&lmdb_from, from);
            atomic_store(&lmdb_until, until);
            return 1;
        }
    }
    return 0;
}

bool kv_explains_fault(const void *address, const void *instruction)
{
    const uintptr_t code = (uintptr_t)instruction;
    return kv_maps_address(address) ||
           (code >= atomic_load(&lmdb_from) && code < atomic_load(&lmdb_until));
}

/* --- open and close ------------------------------------------------------------------------- */

/* LMDB found its own structures broken: there is no way back into it. */
static void stop_on_assert(MDB_env *env, const char *message)
{
    const struct kv *kv = mdb_env_get_userctx(env);
    struct error error = {0};
    (void)error_set(&error, STATUS_CORRUPT, "store %s: it is damaged: restore it from a backup: %s",
                    kv ? kv->dir : "?", message);
    (void)fprintf(stderr, "mnsdb: %s\n", error.message);
    _exit(EXIT_STORE);
}

/* The largest map to try: half of a limited address space, so that the heap keeps the rest. */
static size_t map_bytes_first(void)
{
    struct rlimit limit;
    size_t bytes = MAP_BYTES_MAX;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return bytes;
    while (bytes > MAP_BYTES_MIN && bytes > limit.rlim_cur / 2)
        bytes /= 2;
    return bytes;
}

static int open_environment(struct kv *kv, size_t map_bytes)
{
    int code = mdb_env_create(&kv->env);
    if (code != 0)
        return code;
    const unsigned flags = MDB_NOTLS | (kv->writable ? 0u : MDB_RDONLY);
    code = mdb_env_set_userctx(kv->env, kv);
    if (code == 0)
        code = mdb_env_set_assert(kv->env, stop_on_assert);
    if (code == 0)
        code = mdb_env_set_mapsize(kv->env, map_bytes);
    if (code == 0)
        code = mdb_env_set_maxreaders(kv->env, READERS_MAX);
    if (code == 0)
        code = mdb_env_open(kv->env, kv->dir, flags, FILE_MODE);
    if (code != 0) {
        mdb_env_close(kv->env);
        kv->env = NULL;
    }
    return code;
}

static enum status open_largest(struct kv *kv, const struct kv_files *files, struct error *err)
{
    size_t map_bytes = map_bytes_first();
    int code = 0;
    for (;;) {
        code = open_environment(kv, map_bytes);
        const size_t half = map_bytes / 2;
        if (code != ENOMEM || half < MAP_BYTES_MIN || half < files->data_bytes)
            break;
        map_bytes = half;
    }
    if (code == EACCES && !kv->writable)
        return error_set_errno(err, STATUS_IO, code,
                               "store %s: a reader needs to write to its " KV_LOCK_NAME, kv->dir);
    return code == 0 ? STATUS_OK : kv_fail(kv, code, "cannot open", err);
}

/* The unnamed database is the only one; its handle is the same for all transactions. */
static enum status open_database(struct kv *kv, struct error *err)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);
    if (code == 0) {
        code = mdb_dbi_open(txn, NULL, 0, &kv->dbi);
        /* A commit keeps the handle; on a read-only transaction it writes nothing. */
        if (code == 0)
            code = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    return code == 0 ? STATUS_OK : kv_fail(kv, code, "cannot open", err);
}

static enum status sync_new_store(struct kv *kv, struct error *err)
{
    int file = -1;
    const int code = mdb_env_get_fd(kv->env, &file);
    if (code != 0)
        return kv_fail(kv, code, "cannot open", err);
    if (fsync(file) != 0)
        return kv_fail(kv, errno, "cannot sync the new file", err);
    return kv_files_sync(kv->dir, err);
}

static enum status open_kv(struct kv *kv, struct error *err)
{
    struct kv_files files;
    TRY(kv_files_check(kv->dir, kv->writable, &files, err));
    TRY(claim_slot(kv, &files, err));
    TRY(open_largest(kv, &files, err));

    MDB_envinfo info;
    const int code = mdb_env_info(kv->env, &info);
    if (code != 0)
        return kv_fail(kv, code, "cannot open", err);
    kv->map_bytes = info.me_mapsize;

    kv->map = kv_find_map(kv->map_bytes);
    (void)dl_iterate_phdr(note_lmdb, NULL);
    atomic_store(&open_stores[kv->slot].map_from, kv->map.from);
    atomic_store(&open_stores[kv->slot].map_until, kv->map.until);

    TRY(kv_check_length(kv, err));
    TRY(open_database(kv, err));
    if (kv->writable) {
        int dead = 0;
        (void)mdb_reader_check(kv->env, &dead); /* readers that were killed keep old pages alive */
    }
    return files.has_data || !kv->writable ? STATUS_OK : sync_new_store(kv, err);
}

static void free_kv(struct kv **kv)
{
    kv_close(*kv);
}

enum status kv_open(struct kv **kv, const char *dir, bool writable, struct error *err)
{
    assert(kv && dir);
    *kv = NULL;
    OWNED(free_kv) struct kv *opened = mem_alloc_zeroed(1, sizeof *opened);
    size_t dir_len = strlen(dir);
    while (dir_len > 1 && dir[dir_len - 1] == '/') /* a slash at the end would follow a link */
        dir_len--;
    char *name = opened ? mem_alloc_zeroed(dir_len + 1, 1) : NULL;
    if (opened)
        opened->slot = -1;
    if (!name)
        return error_set(err, STATUS_NOMEM, "store %s: cannot open: no memory", dir);

    memcpy(name, dir, dir_len);
    opened->dir = name;
    opened->writable = writable;
    opened->owner = getpid();
    TRY(open_kv(opened, err));
    *kv = opened;
    opened = NULL;
    return STATUS_OK;
}

void kv_close(struct kv *kv)
{
    if (!kv)
        return;
    if (kv->env)
        mdb_env_close(kv->env);
    if (kv->slot >= 0)
        release_slot(kv);
    mem_free(kv->dir);
    mem_free(kv);
}

/* --- transactions --------------------------------------------------------------------------- */

enum status kv_begin(struct kv *kv, bool write, struct kv_txn **txn, struct error *err)
{
    assert(kv->owner == getpid());
    assert(!write || kv->writable);
    *txn = NULL;
    struct kv_txn *begun = mem_alloc_zeroed(1, sizeof *begun);
    if (!begun)
        return kv_fail(kv, ENOMEM, "cannot begin a transaction", err);
    begun->kv = kv;
    begun->write = write;
    const int code = mdb_txn_begin(kv->env, NULL, write ? 0 : MDB_RDONLY, &begun->txn);
    if (code != 0) {
        mem_free(begun);
        return kv_fail(kv, code, "cannot begin a transaction", err);
    }
    *txn = begun;
    return STATUS_OK;
}

/*
 * LMDB turns a short write into EIO. Only a full disk, quota or limit writes short, and then no
 * system call has failed: errno, cleared before, tells it from a disk that cannot write.
 */
static int code_of_write(int code)
{
    return code == EIO && errno != EIO ? ENOSPC : code;
}

/* A file without a name takes commits like any other, and takes them with it when it is closed. */
static enum status check_not_removed(const struct kv *kv, struct error *err)
{
    int file = -1;
    struct stat info;
    int code = mdb_env_get_fd(kv->env, &file);
    if (code == 0 && fstat(file, &info) != 0)
        code = errno;
    if (code != 0)
        return kv_fail(kv, code, "cannot commit", err);
    if (info.st_nlink > 0)
        return STATUS_OK;
    return error_set(err, STATUS_MISSING, "store %s: it was removed while it was in use", kv->dir);
}

enum status kv_commit(struct kv_txn *txn, struct error *err)
{
    assert(txn && txn->txn);
    const struct kv *kv = txn->kv;
    const bool write = txn->write;
    errno = 0;
    const int code = code_of_write(mdb_txn_commit(txn->txn));
    mem_free(txn);
    if (code != 0)
        return kv_fail(kv, code, "cannot commit", err);
    return write ? check_not_removed(kv, err) : STATUS_OK;
}

void kv_abort(struct kv_txn *txn)
{
    if (!txn)
        return;
    mdb_txn_abort(txn->txn);
    mem_free(txn);
}

/* --- values --------------------------------------------------------------------------------- */

static MDB_val val_of(struct slice bytes)
{
    /* LMDB takes inputs as void * and does not write to them. */
    union {
        const uint8_t *in;
        void *out;
    } data = {.in = bytes.data};
    return (MDB_val){.mv_size = bytes.len, .mv_data = data.out};
}

static struct slice slice_of_val(const MDB_val *val)
{
    return slice_of(val->mv_data, val->mv_size);
}

static uint64_t checksum_of(struct slice key, struct slice payload)
{
    return bytes_hash(payload.data, payload.len, bytes_hash(key.data, key.len, 0));
}

struct key_text {
    char text[2 * KV_KEY_BYTES_MAX + 1];
};

static struct key_text text_of_key(struct slice key)
{
    struct key_text hex = {0};
    const size_t len = key.len < KV_KEY_BYTES_MAX ? key.len : KV_KEY_BYTES_MAX;
    for (size_t i = 0; i < len; i++)
        (void)snprintf(hex.text + 2 * i, 3, "%02x", key.data[i]);
    return hex;
}

enum status kv_entry_payload(const struct kv_entry *entry, struct slice *payload, struct error *err)
{
    assert(entry->found);
    if (entry->value.len < KV_CHECKSUM_BYTES)
        return error_set(err, STATUS_CORRUPT, "value of key %s: %zu bytes hold no checksum",
                         text_of_key(entry->key).text, entry->value.len);
    const struct slice bytes =
        slice_of(entry->value.data + KV_CHECKSUM_BYTES, entry->value.len - KV_CHECKSUM_BYTES);
    const uint64_t found = checksum_of(entry->key, bytes);
    const uint64_t expected = load_u64(entry->value.data);
    if (found != expected)
        return error_set(err, STATUS_CORRUPT, "value of key %s: checksum %016lx, expected %016lx",
                         text_of_key(entry->key).text, found, expected);
    *payload = bytes;
    return STATUS_OK;
}

enum status kv_get_raw(struct kv_txn *txn, struct slice key, struct slice *value, bool *found,
                       struct error *err)
{
    assert(key.len > 0 && key.len <= KV_KEY_BYTES_MAX);
    MDB_val key_val = val_of(key);
    MDB_val value_val = {0};
    const int code = mdb_get(txn->txn, txn->kv->dbi, &key_val, &value_val);
    if (code != 0 && code != MDB_NOTFOUND)
        return kv_fail(txn->kv, code, "cannot read", err);
    *found = code == 0;
    *value = slice_of_val(&value_val);
    return STATUS_OK;
}

enum status kv_get(struct kv_txn *txn, struct slice key, struct slice *payload, bool *found,
                   struct error *err)
{
    struct kv_entry entry = {.key = key};
    TRY(kv_get_raw(txn, key, &entry.value, &entry.found, err));
    *found = entry.found;
    if (!entry.found) {
        *payload = slice_of(NULL, 0);
        return STATUS_OK;
    }
    const enum status status = kv_entry_payload(&entry, payload, err);
    if (status != STATUS_OK)
        error_add_context(err, "store %s", txn->kv->dir);
    return status;
}

/* Stores the value that is `head` and then `tail`, written once, into the page itself. */
static enum status put_parts(struct kv_txn *txn, struct slice key, struct slice head,
                             struct slice tail, struct error *err)
{
    assert(txn->write);
    assert(key.len > 0 && key.len <= KV_KEY_BYTES_MAX);
    MDB_val key_val = val_of(key);
    MDB_val value_val = {.mv_size = head.len + tail.len};
    errno = 0;
    const int code =
        code_of_write(mdb_put(txn->txn, txn->kv->dbi, &key_val, &value_val, MDB_RESERVE));
    if (code != 0)
        return kv_fail(txn->kv, code, "cannot write", err);
    uint8_t *bytes = value_val.mv_data;
    if (head.len > 0)
        memcpy(bytes, head.data, head.len);
    if (tail.len > 0)
        memcpy(bytes + head.len, tail.data, tail.len);
    return STATUS_OK;
}

enum status kv_put_raw(struct kv_txn *txn, struct slice key, struct slice value, struct error *err)
{
    return put_parts(txn, key, slice_of(NULL, 0), value, err);
}

enum status kv_put(struct kv_txn *txn, struct slice key, struct slice payload, struct error *err)
{
    const uint64_t checksum = checksum_of(key, payload);
    return put_parts(txn, key, slice_of(&checksum, sizeof checksum), payload, err);
}

enum status kv_delete(struct kv_txn *txn, struct slice key, struct error *err)
{
    assert(txn->write);
    assert(key.len > 0 && key.len <= KV_KEY_BYTES_MAX);
    MDB_val key_val = val_of(key);
    errno = 0;
    const int code = code_of_write(mdb_del(txn->txn, txn->kv->dbi, &key_val, NULL));
    return code == 0 || code == MDB_NOTFOUND ? STATUS_OK
                                             : kv_fail(txn->kv, code, "cannot delete", err);
}
