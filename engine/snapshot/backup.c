/*
 * backup.c - a hot copy of a store as a new directory.
 *
 * The copy is made beside its destination under a temporary name and renamed when
 * it is on disk: what stands under the destination's name is always whole. An
 * interrupted backup leaves a directory NAME.partial-XXXXXX and nothing else; its name is never
 * used again, so that a later one does not meet it.
 */
#include "engine/snapshot/snapshot_internal.h"

#include "engine/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_file(const int *file)
{
    if (*file >= 0)
        close(*file);
}

static enum status failed(struct error *err, const char *what, const char *path)
{
    const int code = errno;
    const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
    return error_set_errno(err, full ? STATUS_FULL : STATUS_IO, code, "%s %s", what, path);
}

static enum status sync_directory(const char *path, struct error *err)
{
    OWNED(close_file) int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || fsync(directory) != 0)
        return failed(err, "cannot sync", path);
    return STATUS_OK;
}

static enum status copy_file(struct snapshot *snapshot, const char *temporary, struct error *err)
{
    OWNED(close_file)
    int directory = open(temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return failed(err, "cannot open", temporary);
    OWNED(close_file)
    int file =
        openat(directory, "data.mdb", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return failed(err, "cannot make a file in", temporary);
    TRY(kv_copy(snapshot->kv, file, err));
    if (fsync(file) != 0 || fsync(directory) != 0)
        return failed(err, "cannot sync", temporary);
    return STATUS_OK;
}

/* The directory that `path` stands in. */
static void parent_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        memcpy(path, ".", sizeof ".");
    else if (slash == path)
        slash[1] = '\0';
    else
        *slash = '\0';
}

static enum status publish(const char *temporary, char *destination, struct error *err)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, destination, RENAME_NOREPLACE) != 0) {
        if (errno == EEXIST)
            return error_set(err, STATUS_INPUT,
                             "%s exists already: a backup never replaces anything", destination);
        return failed(err, "cannot make", destination);
    }
    parent_of(destination);
    return sync_directory(destination, err);
}

static void remove_temporary(const char *temporary)
{
    OWNED(close_file)
    int directory = open(temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory >= 0)
        (void)unlinkat(directory, "data.mdb",
                       0); /* best effort: the failure before is what counts */
    (void)rmdir(temporary);
}

static enum status make_backup(struct snapshot *snapshot, char *temporary, char *destination,
                               struct error *err)
{
    if (!mkdtemp(temporary)) /* 0700 */
        return failed(err, "cannot make", temporary);
    enum status status = copy_file(snapshot, temporary, err);
    if (status == STATUS_OK)
        status = publish(temporary, destination, err);
    if (status != STATUS_OK)
        remove_temporary(temporary);
    return status;
}

enum status snapshot_backup(struct snapshot *snapshot, const char *destination, struct error *err)
{
    size_t len = strlen(destination);
    while (len > 1 && destination[len - 1] == '/')
        len--;
    const size_t room = len + 64;
    OWNED(mem_free_owned) char *target = mem_alloc(room, 1);
    OWNED(mem_free_owned) char *temporary = mem_alloc(room, 1);
    if (!target || !temporary)
        return error_set(err, STATUS_NOMEM, "no memory for a backup");
    snprintf(target, room, "%.*s", (int)len, destination);
    snprintf(temporary, room, "%s.partial-XXXXXX", target);
    struct stat there;
    if (lstat(target, &there) == 0)
        return error_set(err, STATUS_INPUT, "%s exists already: a backup never replaces anything",
                         target);
    return make_backup(snapshot, temporary, target, err);
}
