/*
 * kv_files.c - what must be true of a store's directory before LMDB opens it.
 *
 * LMDB follows symbolic links, believes the header of its file, and stops the process where that
 * lies. So the directory and its files are looked at first:
 *
 *      directory   no symbolic link; a writer owns it (or is root) and not everybody may write
 *      data.mdb    a regular file with one name; its header is LMDB's (below)
 *      lock.mdb    a regular file with one name
 *
 * The header is two pages, each the description of one of the two latest commits:
 *
 *      OFFSET  SIZE  MEANING
 *           0     8  page number
 *           8     2  unused
 *          10     2  flags: 8 marks a header page
 *          12     4  unused
 *          16     4  magic number 0xBEEFC0DE
 *          20     4  format version: 1
 *          24    16  address and size of the map
 *          40     4  page size
 *
 * A file of zeros only, two pages at most, is what a power failure can leave of a store that was
 * just being created: a writer starts it anew, a reader sees no store.
 */
#include "engine/kv/kv_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_PAGE_BYTES   4096u
#define HEADER_BYTES        8192u /* two pages */
#define HEADER_FLAGS_OFFSET 10u
#define HEADER_MAGIC_OFFSET 16u
#define HEADER_SIZE_OFFSET  40u
#define HEADER_FLAG         8u
#define HEADER_MAGIC        0xBEEFC0DEu
#define HEADER_VERSION      1u

static void close_file(const int *file)
{
    if (*file >= 0)
        (void)close(*file);
}

static enum status fail_open(const char *dir, const char *what, int errno_value, struct error *err)
{
    if (errno_value == ELOOP || errno_value == EMLINK)
        return error_set(err, STATUS_IO, "store %s: %s is a symbolic link: name the place itself",
                         dir, what);
    if (errno_value == ENOTDIR)
        return error_set(err, STATUS_IO, "store %s: %s is no directory", dir, what);
    return error_set_errno(err, errno_value == ENOENT ? STATUS_MISSING : STATUS_IO, errno_value,
                           "store %s: cannot open %s", dir, what);
}

/* The store's directory, open; `file` is -1 if it is not. */
struct directory {
    const char *dir;
    int file; /* owned */
    bool writable;
};

static void close_directory(const struct directory *directory)
{
    close_file(&directory->file);
}

static enum status open_directory(struct directory *directory, struct kv_files *files,
                                  struct error *err)
{
    const char *dir = directory->dir;
    struct stat info;
    directory->file = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory->file < 0 && errno == ENOTDIR && lstat(dir, &info) == 0 && S_ISLNK(info.st_mode))
        return fail_open(dir, "it", ELOOP, err);
    if (directory->file < 0)
        return fail_open(dir, "it", errno, err);
    if (fstat(directory->file, &info) != 0)
        return fail_open(dir, "it", errno, err);

    files->device = info.st_dev;
    files->directory = info.st_ino;
    if (!directory->writable)
        return STATUS_OK;
    if (info.st_uid != geteuid() && geteuid() != 0)
        return error_set(err, STATUS_IO, "store %s: it belongs to user %u: run as that user", dir,
                         (unsigned)info.st_uid);
    if (info.st_mode & S_IWOTH)
        return error_set(err, STATUS_IO, "store %s: everybody may write to it: chmod 700 it", dir);
    return STATUS_OK;
}

/* Looks at one file without following links; `*exists` false if there is none. */
static enum status check_file(const struct directory *directory, const char *name,
                              struct stat *info, bool *exists, struct error *err)
{
    const char *dir = directory->dir;
    *exists = false;
    if (fstatat(directory->file, name, info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? STATUS_OK : fail_open(dir, name, errno, err);
    if (S_ISLNK(info->st_mode))
        return fail_open(dir, name, ELOOP, err);
    if (!S_ISREG(info->st_mode))
        return error_set(err, STATUS_IO, "store %s: %s is no regular file", dir, name);
    if (directory->writable && info->st_nlink > 1)
        return error_set(err, STATUS_IO,
                         "store %s: %s has %lu names (hard links), and a write would change them "
                         "all: copy it",
                         dir, name, (unsigned long)info->st_nlink);
    *exists = true;
    return STATUS_OK;
}

static enum status read_header(const char *dir, int file, uint8_t *header, size_t *header_len,
                               struct error *err)
{
    *header_len = 0;
    while (*header_len < HEADER_BYTES) {
        const ssize_t got =
            pread(file, header + *header_len, HEADER_BYTES - *header_len, (off_t)*header_len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_open(dir, KV_DATA_NAME, errno, err);
        if (got == 0)
            break;
        *header_len += (size_t)got;
    }
    return STATUS_OK;
}

static bool all_zero(const uint8_t *bytes, size_t bytes_len)
{
    for (size_t i = 0; i < bytes_len; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static enum status check_header(const char *dir, const uint8_t *header, size_t header_len,
                                struct error *err)
{
    if (header_len < HEADER_BYTES)
        return error_set(err, STATUS_CORRUPT,
                         "store %s: " KV_DATA_NAME
                         " was cut short to %zu bytes: restore it from a backup",
                         dir, header_len);
    for (unsigned page = 0; page < 2; page++) {
        const uint8_t *bytes = header + (size_t)page * HEADER_PAGE_BYTES;
        const bool valid = load_u16(bytes + HEADER_FLAGS_OFFSET) == HEADER_FLAG &&
                           load_u32(bytes + HEADER_MAGIC_OFFSET) == HEADER_MAGIC &&
                           load_u32(bytes + HEADER_MAGIC_OFFSET + 4) == HEADER_VERSION &&
                           load_u32(bytes + HEADER_SIZE_OFFSET) == HEADER_PAGE_BYTES;
        if (!valid)
            return error_set(err, STATUS_CORRUPT,
                             "store %s: " KV_DATA_NAME
                             ": header page %u is damaged: restore it from a backup",
                             dir, page);
    }
    return STATUS_OK;
}

/* Reads the header through a descriptor of its own: closed before LMDB takes any lock. */
static enum status check_data(const struct directory *directory, struct kv_files *files,
                              struct error *err)
{
    const char *dir = directory->dir;
    const bool writable = directory->writable;
    OWNED(close_file)
    const int file = openat(directory->file, KV_DATA_NAME,
                            (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return fail_open(dir, KV_DATA_NAME, errno, err);

    uint8_t header[HEADER_BYTES];
    size_t header_len = 0;
    TRY(read_header(dir, file, header, &header_len, err));
    if (files->data_bytes <= HEADER_BYTES && all_zero(header, header_len)) {
        files->has_data = false;
        if (writable && files->data_bytes > 0 && ftruncate(file, 0) != 0)
            return fail_open(dir, KV_DATA_NAME, errno, err);
        return STATUS_OK;
    }
    return check_header(dir, header, header_len, err);
}

enum status kv_files_check(const char *dir, bool writable, struct kv_files *files,
                           struct error *err)
{
    *files = (struct kv_files){0};
    OWNED(close_directory)
    struct directory directory = {.dir = dir, .file = -1, .writable = writable};
    TRY(open_directory(&directory, files, err));

    struct stat info;
    bool has_lock = false;
    TRY(check_file(&directory, KV_LOCK_NAME, &info, &has_lock, err));
    TRY(check_file(&directory, KV_DATA_NAME, &info, &files->has_data, err));
    if (files->has_data) {
        files->data_bytes = (uint64_t)info.st_size;
        TRY(check_data(&directory, files, err));
    }
    if (!files->has_data && !writable)
        return error_set(err, STATUS_MISSING, "store %s: it holds no " KV_DATA_NAME, dir);
    return STATUS_OK;
}

enum status kv_files_sync(const char *dir, struct error *err)
{
    OWNED(close_file)
    const int directory = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return fail_open(dir, "it", errno, err);
    if (fsync(directory) != 0)
        return error_set_errno(err, STATUS_IO, errno, "store %s: cannot sync the directory", dir);
    return STATUS_OK;
}
