/*
 * workspace.c - temporary directories, and what the file system says about a store.
 */
#include "bench/bench/workspace.h"

#include "cli/message.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DATA_FILE      "data.mdb"
#define XFS_MAGIC      0x58465342
#define OPEN_FILES_MAX 16

static enum status put_path(char path[WORKSPACE_PATH_BYTES], const char *dir, const char *name,
                            struct error *err)
{
    const int len = snprintf(path, WORKSPACE_PATH_BYTES, "%s%s%s", dir, *name ? "/" : "", name);
    if (len < 0 || (size_t)len >= WORKSPACE_PATH_BYTES)
        return error_set(err, STATUS_INPUT, "%s: the path is too long", dir);
    return STATUS_OK;
}

static enum status make_dir(struct workspace *workspace, struct error *err)
{
    const char *parent = getenv("TMPDIR");
    char dir[WORKSPACE_PATH_BYTES];
    TRY(put_path(dir, parent && *parent ? parent : "/tmp", "mnsdb-bench-XXXXXX", err));
    if (!mkdtemp(dir))
        return error_set_errno(err, STATUS_IO, errno, "cannot make %s", dir);
    memcpy(workspace->dir, dir, sizeof dir);
    return STATUS_OK;
}

enum status workspace_make(struct workspace *workspace, const char *store, struct error *err)
{
    *workspace = (struct workspace){0};
    if (store) {
        TRY(put_path(workspace->store, store, "", err));
        char data[WORKSPACE_PATH_BYTES];
        TRY(put_path(data, store, DATA_FILE, err));
        if (access(data, F_OK) == 0)
            return error_set(err, STATUS_INPUT,
                             "%s is a store already: figures of an ingest need a fresh one", store);
    }
    TRY(make_dir(workspace, err));
    if (!store)
        TRY(put_path(workspace->store, workspace->dir, "store", err));
    return put_path(workspace->copy, workspace->dir, "copy", err);
}

static int remove_entry(const char *path, const struct stat *entry, int kind, struct FTW *place)
{
    (void)entry;
    (void)kind;
    (void)place;
    return remove(path);
}

enum status workspace_path(const struct workspace *workspace, const char *name,
                           char path[WORKSPACE_PATH_BYTES], struct error *err)
{
    return put_path(path, workspace->dir, name, err);
}

void directory_remove(const char *dir)
{
    if (nftw(dir, remove_entry, OPEN_FILES_MAX, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        message_warning("%s could not be removed", dir);
}

void workspace_release(struct workspace *workspace)
{
    if (workspace->dir[0] != '\0' && !workspace->keep)
        directory_remove(workspace->dir);
    workspace->dir[0] = '\0';
}

enum status store_file_bytes(const char *store, uint64_t *bytes, struct error *err)
{
    char path[WORKSPACE_PATH_BYTES];
    TRY(put_path(path, store, DATA_FILE, err));
    struct stat file;
    if (stat(path, &file) != 0)
        return error_set_errno(err, STATUS_MISSING, errno, "cannot look at %s", path);
    *bytes = (uint64_t)file.st_size;
    return STATUS_OK;
}

enum status store_drop_cache(const char *store, struct error *err)
{
    char path[WORKSPACE_PATH_BYTES];
    TRY(put_path(path, store, DATA_FILE, err));
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return error_set_errno(err, STATUS_MISSING, errno, "cannot open %s", path);
    // Pages that are not on disk yet stay in the cache whatever is asked.
    int code = fdatasync(file) == 0 ? 0 : errno;
    if (code == 0)
        code = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(file);
    if (code != 0)
        return error_set_errno(err, STATUS_IO, code, "cannot drop %s from the page cache", path);
    return STATUS_OK;
}

/* The share of mapped pages that are in memory. */
static double resident_share(void *map, size_t bytes)
{
    const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    const size_t pages = (bytes + page_bytes - 1) / page_bytes;
    OWNED(mem_free_owned) unsigned char *resident = mem_alloc(pages, 1);
    if (!resident || mincore(map, bytes, resident) != 0)
        return -1;
    size_t count = 0;
    for (size_t i = 0; i < pages; i++)
        count += resident[i] & 1;
    return (double)count / (double)pages;
}

double store_cached_share(const char *store)
{
    char path[WORKSPACE_PATH_BYTES];
    if (put_path(path, store, DATA_FILE, NULL) != STATUS_OK)
        return -1;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    struct stat about;
    double share = -1;
    if (fstat(file, &about) == 0 && about.st_size > 0) {
        const size_t bytes = (size_t)about.st_size;
        void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
        if (map != MAP_FAILED) {
            share = resident_share(map, bytes);
            (void)munmap(map, bytes);
        }
    }
    (void)close(file);
    return share;
}

const char *file_system_name(const char *path)
{
    static const struct {
        long magic;
        const char *name;
    } known[] = {
        {EXT4_SUPER_MAGIC, "ext4"},   {XFS_MAGIC, "xfs"},
        {BTRFS_SUPER_MAGIC, "btrfs"}, {TMPFS_MAGIC, "tmpfs (memory)"},
        {RAMFS_MAGIC, "ramfs"},       {OVERLAYFS_SUPER_MAGIC, "overlayfs"},
        {NFS_SUPER_MAGIC, "nfs"},
    };
    static char number[48];
    struct statfs about;
    if (statfs(path, &about) != 0)
        return "an unknown file system";
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if ((long)about.f_type == known[i].magic)
            return known[i].name;
    }
    (void)snprintf(number, sizeof number, "a file system of type 0x%lx",
                   (unsigned long)about.f_type);
    return number;
}
