/*
 * record_file.c - one file, its folder, and the numbers of its predecessors.
 *
 * A write that fails for want of room or memory is undone by cutting the file back to its durable
 * length:
 * a failed fdatasync may have dropped the pages, so everything is written anew at the next try.
 */
#include "ingest/record/record_file.h"

#include "engine/base/mem.h"
#include "ingest/record/record_line.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_PIECE_BYTES 65536u
#define TAIL_BYTES_MAX \
    ((uint64_t)8 << 20) /* no line is longer; a file with one is something else */
#define NAME_BYTES (NAME_MAX + 1)

static enum status fail(const struct record_file *file, int errno_value, const char *action,
                        struct error *err)
{
    switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return error_set_errno(err, STATUS_FULL, errno_value, "%s %s", action, file->path);
    case ENOMEM:
        return error_set_errno(err, STATUS_NOMEM, errno_value, "%s %s", action, file->path);
    default:
        return error_set_errno(err, STATUS_IO, errno_value, "%s %s", action, file->path);
    }
}

/* --- opening --------------------------------------------------------------------------------- */

static enum status fail_open(const struct record_file *file, int errno_value, struct error *err)
{
    switch (errno_value) {
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
        return fail(file, errno_value, "cannot open", err);
    case ELOOP:
        return error_set(err, STATUS_CONFIG, "%s is a symbolic link: give the file itself",
                         file->path);
    default:
        return error_set_errno(err, STATUS_CONFIG, errno_value, "cannot record to %s", file->path);
    }
}

static enum status split_path(struct record_file *file, const char *path, struct error *err)
{
    const size_t len = strlen(path);
    const char *slash = strrchr(path, '/');
    const size_t name_at = slash ? (size_t)(slash - path) + 1 : 0;
    if (len == name_at)
        return error_set(err, STATUS_CONFIG, "'%s' is no name of a file to record to", path);
    file->path = mem_alloc(len + 1, 1);
    if (!file->path)
        return error_set(err, STATUS_NOMEM, "no memory for recording");
    memcpy(file->path, path, len + 1);
    file->name = file->path + name_at;
    return STATUS_OK;
}

static enum status open_directory(struct record_file *file, struct error *err)
{
    const size_t len = (size_t)(file->name - file->path);
    OWNED(mem_free_owned) char *folder = mem_alloc(len + 2, 1);
    if (!folder)
        return error_set(err, STATUS_NOMEM, "no memory for recording");
    memcpy(folder, file->path, len);
    memcpy(folder + len, len == 0 ? "." : "", len == 0 ? 2 : 1);
    file->directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file->directory < 0 ? fail_open(file, errno, err) : STATUS_OK;
}

static enum status check_kind(const struct record_file *file, const struct stat *info,
                              struct error *err)
{
    uint8_t first[4];
    if (!S_ISREG(info->st_mode))
        return error_set(err, STATUS_CONFIG, "%s is no regular file", file->path);
    const ssize_t count = pread(file->file, first, sizeof first, 0);
    if (count < 0)
        return fail(file, errno, "cannot read", err);
    if (record_looks_compressed(slice_of(first, (size_t)count)))
        return error_set(err, STATUS_CONFIG, "%s is compressed: nothing can be appended to it",
                         file->path);
    return STATUS_OK;
}

/* Where the last whole line ends. */
static enum status find_end(const struct record_file *file, uint64_t len, uint64_t *end,
                            struct error *err)
{
    uint8_t piece[TAIL_PIECE_BYTES];
    uint64_t from = len;
    while (from > 0 && len - from < TAIL_BYTES_MAX) {
        const size_t wanted = from < sizeof piece ? (size_t)from : sizeof piece;
        const ssize_t count = pread(file->file, piece, wanted, (off_t)(from - wanted));
        if (count < 0 || (size_t)count != wanted)
            return fail(file, count < 0 ? errno : EIO, "cannot read", err);
        from -= wanted;
        const uint8_t *line_break = memrchr(piece, '\n', wanted);
        if (line_break) {
            *end = from + (uint64_t)(line_break - piece) + 1;
            return STATUS_OK;
        }
    }
    if (from > 0)
        return error_set(err, STATUS_CONFIG,
                         "%s is no recorded set: its last %llu MiB hold no line break", file->path,
                         (unsigned long long)(TAIL_BYTES_MAX >> 20));
    *end = 0;
    return STATUS_OK;
}

static enum status cut_half_line(struct record_file *file, uint64_t len, struct error *err)
{
    TRY(find_end(file, len, &file->len, err));
    if (file->len == len)
        return STATUS_OK;
    if (ftruncate(file->file, (off_t)file->len) != 0 || fdatasync(file->file) != 0)
        return fail(file, errno, "cannot cut the last line of", err);
    return STATUS_OK;
}

static enum status prepare(struct record_file *file, struct error *err)
{
    struct stat info;
    if (fstat(file->file, &info) != 0)
        return fail(file, errno, "cannot look at", err);
    TRY(check_kind(file, &info, err));
    const bool locked = flock(file->file, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK)
        return fail_open(file, errno, err);
    if (!locked)
        return error_set(err, STATUS_LOCKED, "%s is being recorded to by another process",
                         file->path);
    // The length is that under the lock.
    if (fstat(file->file, &info) != 0)
        return fail(file, errno, "cannot look at", err);
    TRY(cut_half_line(file, (uint64_t)info.st_size, err));
    return fsync(file->directory) == 0 ? STATUS_OK
                                       : fail(file, errno, "cannot sync the folder of", err);
}

static void close_file(struct record_file *file)
{
    if (file->file >= 0)
        (void)close(file->file);
    file->file = -1;
    file->len = 0;
}

/* O_NONBLOCK: a named pipe is refused rather than waited for. */
static enum status open_file(struct record_file *file, struct error *err)
{
    const int flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    file->file = openat(file->directory, file->name, flags, 0600);
    if (file->file < 0)
        return fail_open(file, errno, err);
    const enum status status = prepare(file, err);
    if (status != STATUS_OK)
        close_file(file);
    return status;
}

enum status record_file_open(struct record_file *file, const char *path, struct error *err)
{
    *file = (struct record_file){.directory = -1, .file = -1};
    enum status status = split_path(file, path, err);
    if (status == STATUS_OK)
        status = open_directory(file, err);
    if (status == STATUS_OK)
        status = open_file(file, err);
    if (status != STATUS_OK)
        record_file_close(file);
    return status;
}

void record_file_close(struct record_file *file)
{
    close_file(file);
    if (file->directory >= 0)
        (void)close(file->directory);
    file->directory = -1;
    mem_free(file->path);
    file->path = NULL;
}

/* --- appending ------------------------------------------------------------------------------- */

/* 0, or the error's number. */
static int write_all(int file, struct slice lines)
{
    size_t written = 0;
    while (written < lines.len) {
        const ssize_t count = write(file, lines.data + written, lines.len - written);
        if (count < 0 && errno != EINTR)
            return errno;
        if (count > 0)
            written += (size_t)count;
    }
    return 0;
}

/* A file that somebody moved away is left to them. */
static void let_go_if_moved(struct record_file *file)
{
    struct stat named;
    struct stat held;
    if (file->file < 0 || fstat(file->file, &held) != 0)
        return;
    if (fstatat(file->directory, file->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        named.st_ino == held.st_ino && named.st_dev == held.st_dev)
        return;
    close_file(file);
}

enum status record_file_append(struct record_file *file, struct slice lines, struct error *err)
{
    let_go_if_moved(file);
    if (file->file < 0)
        TRY(open_file(file, err));
    int failure = write_all(file->file, lines);
    if (failure == 0 && fdatasync(file->file) != 0)
        failure = errno;
    if (failure == 0) {
        file->len += lines.len;
        return STATUS_OK;
    }
    const enum status status = fail(file, failure, "cannot write to", err);
    if (status != STATUS_IO && ftruncate(file->file, (off_t)file->len) != 0)
        return fail(file, EIO, "cannot cut back", err);
    return status;
}

/* --- rotating -------------------------------------------------------------------------------- */

/* The N of "NAME.N", or 0: leading zeros and anything else are other files. */
static uint64_t number_of(const struct record_file *file, const char *entry)
{
    const size_t len = strlen(file->name);
    if (strncmp(entry, file->name, len) != 0 || entry[len] != '.' || entry[len + 1] == '0')
        return 0;
    uint64_t number = 0;
    for (const char *digit = entry + len + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || number > UINT64_MAX / 100)
            return 0;
        number = number * 10 + (uint64_t)(*digit - '0');
    }
    return number;
}

static enum status find_highest(const struct record_file *file, uint64_t *highest,
                                struct error *err)
{
    const int copy = openat(file->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    if (!listing) {
        const int failure = errno;
        if (copy >= 0)
            (void)close(copy);
        return fail(file, failure, "cannot list the folder of", err);
    }
    *highest = 0;
    errno = 0;
    for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
        const uint64_t number = number_of(file, entry->d_name);
        if (number > *highest)
            *highest = number;
    }
    const int failure = errno;
    (void)closedir(listing);
    return failure == 0 ? STATUS_OK : fail(file, failure, "cannot list the folder of", err);
}

/* Where the file system cannot rename without overwriting, a second name does. */
static int move_to(const struct record_file *file, const char *name)
{
    const int directory = file->directory;
    if (renameat2(directory, file->name, directory, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (linkat(directory, file->name, directory, name, 0) != 0)
        return errno;
    return unlinkat(directory, file->name, 0) == 0 ? 0 : errno;
}

enum status record_file_rotate(struct record_file *file, struct error *err)
{
    let_go_if_moved(file);
    if (file->file < 0)
        return STATUS_OK;
    uint64_t number = 0;
    TRY(find_highest(file, &number, err));
    int failure = EEXIST;
    while (failure == EEXIST) {
        char name[NAME_BYTES + 24];
        number++;
        (void)snprintf(name, sizeof name, "%s.%llu", file->name, (unsigned long long)number);
        failure = move_to(file, name);
    }
    if (failure != 0)
        return fail(file, failure, "cannot move aside", err);
    close_file(file);
    // The new file's opening puts both names on the disk.
    return open_file(file, err);
}
