/*
 * kv_map.c - where the map lies, and whether the file below it is all there.
 *
 * Reading a mapped page that the file no longer has ends the process with SIGBUS, so the file's
 * length is compared with the number of pages in its newest header before anything else is read.
 * A shorter file is not always damaged: LMDB does not write pages at the end of the file that a
 * commit took and gave back, and after that commit the file is shorter than its header says. Then
 * every page that is missing is in the list of free pages.
 *
 * That list may itself be among what was cut off. While it is read, the missing part of the map is
 * covered with zeros: LMDB and the checks below refuse pages of zeros, and nothing can fault.
 *
 *      map    [ pages of the file ......... ][ zeros, for the time of the check ][ reserved ... ]
 *                                            ^ end of the file                   ^ last page
 *
 * The place of the map is not in LMDB's interface; /proc/self/maps has it. Without /proc a shorter
 * file counts as damaged, and kv_maps_address knows no address.
 */
#include "engine/kv/kv_internal.h"

#include "engine/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FREE_LIST         0u /* LMDB's handle of the list of free pages */
#define PAGE_BYTES        4096u
#define MISSING_PAGES_MAX (1u << 24) /* 64 GiB: no transaction takes and gives back more */
#define MAPS_LINE_BYTES   4352u      /* a path of PATH_MAX and what stands before it */

static void *pointer_to(uintptr_t address)
{
    void *pointer = NULL;
    memcpy(&pointer, &address, sizeof pointer);
    return pointer;
}

/* --- the place of the map ------------------------------------------------------------------- */

/* "from-until perms offset device inode   path", addresses in hex. */
static bool line_is_map(const char *line, size_t map_bytes, struct kv_range *range)
{
    if (!strstr(line, "/" KV_DATA_NAME))
        return false;
    char *end = NULL;
    const uintptr_t from = strtoull(line, &end, 16);
    if (*end != '-')
        return false;
    const uintptr_t until = strtoull(end + 1, &end, 16);
    if (until - from < map_bytes || until - from >= map_bytes + PAGE_BYTES)
        return false;
    *range = (struct kv_range){.from = from, .until = until};
    return true;
}

struct kv_range kv_find_map(size_t map_bytes)
{
    struct kv_range found = {0};
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return found;
    char line[MAPS_LINE_BYTES];
    while (found.from == 0 && fgets(line, sizeof line, maps)) {
        struct kv_range range;
        if (line_is_map(line, map_bytes, &range) && !kv_maps_address(pointer_to(range.from)))
            found = range;
    }
    (void)fclose(maps);
    return found;
}

/* --- the length of the file ----------------------------------------------------------------- */

/* Pages of the snapshot that lie beyond the end of the file, and a bit for each that is free. */
struct missing {
    uint64_t from_page;    /* may be there in part: the system fills it up with zeros */
    uint64_t covered_page; /* the first that is not there at all */
    uint64_t until_page;
    uint64_t free_count;
    uint8_t *is_free; /* owned; a byte per page */
};

static void release_missing(const struct missing *missing)
{
    mem_free(missing->is_free);
}

/* One record of the free list: a count and that many page numbers. */
static bool take_record(struct missing *missing, const MDB_val *value)
{
    struct cursor in = cursor_of(slice_of(value->mv_data, value->mv_size));
    const uint64_t count = cursor_u64(&in);
    for (uint64_t i = 0; i < count && !in.failed; i++) {
        const uint64_t page = cursor_u64(&in);
        if (page < missing->from_page || page >= missing->until_page)
            continue;
        uint8_t *is_free = &missing->is_free[page - missing->from_page];
        missing->free_count += *is_free == 0;
        *is_free = 1;
    }
    return !in.failed;
}

static int read_free_list(MDB_txn *txn, struct missing *missing)
{
    MDB_cursor *cursor = NULL;
    int code = mdb_cursor_open(txn, FREE_LIST, &cursor);
    if (code != 0)
        return code;
    MDB_val key = {0};
    MDB_val value = {0};
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (!take_record(missing, &value)) {
            code = MDB_CORRUPTED;
            break;
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

/* Reads the free list with zeros over what the file lacks, then uncovers the map again. */
static int read_free_list_covered(const struct kv *kv, MDB_txn *txn, int file,
                                  struct missing *missing)
{
    const uintptr_t from = kv->map.from + missing->covered_page * PAGE_BYTES;
    const uintptr_t until = kv->map.from + missing->until_page * PAGE_BYTES;
    const size_t covered_bytes = until > from ? until - from : 0;
    void *const place = pointer_to(from);
    const int fixed = MAP_FIXED | MAP_NORESERVE;
    if (covered_bytes > 0 && mmap(place, covered_bytes, PROT_READ,
                                  fixed | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        return errno;

    int code = read_free_list(txn, missing);
    if (covered_bytes > 0 && mmap(place, covered_bytes, PROT_READ, fixed | MAP_SHARED, file,
                                  (off_t)(from - kv->map.from)) == MAP_FAILED)
        code = errno;
    return code;
}

static enum status fail_short(const struct kv *kv, uint64_t file_bytes, uint64_t pages,
                              struct error *err)
{
    return error_set(err, STATUS_CORRUPT,
                     "store %s: " KV_DATA_NAME
                     " was cut short: it has %lu bytes where its header counts %lu: restore it "
                     "from a backup",
                     kv->dir, file_bytes, pages * PAGE_BYTES);
}

/* The file is shorter than its pages: damaged, unless all that is missing is free. */
static enum status check_missing(const struct kv *kv, MDB_txn *txn, int file, uint64_t file_bytes,
                                 uint64_t pages, struct error *err)
{
    OWNED(release_missing)
    struct missing missing = {.from_page = file_bytes / PAGE_BYTES,
                              .covered_page = (file_bytes + PAGE_BYTES - 1) / PAGE_BYTES,
                              .until_page = pages};
    const uint64_t count = pages - missing.from_page;
    if (kv->map.from == 0 || count > MISSING_PAGES_MAX || pages > kv->map_bytes / PAGE_BYTES)
        return fail_short(kv, file_bytes, pages, err);
    missing.is_free = mem_alloc_zeroed(count, 1);
    if (!missing.is_free)
        return kv_fail(kv, ENOMEM, "cannot open", err);

    const int code = read_free_list_covered(kv, txn, file, &missing);
    if (code != 0 && code != MDB_CORRUPTED && code != MDB_PAGE_NOTFOUND)
        return kv_fail(kv, code, "cannot open", err);
    return code == 0 && missing.free_count == count ? STATUS_OK
                                                    : fail_short(kv, file_bytes, pages, err);
}

enum status kv_check_length(const struct kv *kv, struct error *err)
{
    /* The snapshot first: what it refers to was written before its header was. */
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn);
    MDB_envinfo info;
    MDB_stat stat;
    int file = -1;
    if (code == 0)
        code = mdb_env_get_fd(kv->env, &file);
    if (code == 0)
        code = mdb_env_info(kv->env, &info);
    if (code == 0)
        code = mdb_env_stat(kv->env, &stat);
    struct stat file_info;
    if (code == 0 && fstat(file, &file_info) != 0)
        code = errno;

    enum status status = STATUS_OK;
    if (code != 0) {
        status = kv_fail(kv, code, "cannot open", err);
    } else {
        const uint64_t file_bytes = (uint64_t)file_info.st_size;
        const uint64_t pages = (uint64_t)info.me_last_pgno + 1;
        assert(stat.ms_psize == PAGE_BYTES);
        if (pages > file_bytes / PAGE_BYTES)
            status = check_missing(kv, txn, file, file_bytes, pages, err);
    }
    mdb_txn_abort(txn);
    return status;
}
