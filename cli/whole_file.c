/*
 * whole_file.c - see whole_file.h.
 *
 *      O_TMPFILE ── written, on disk ──▶ linked as .name.XXXXXX ──▶ renamed to name
 *
 * A file without a name vanishes with the process, so an interrupted run leaves nothing; the
 * name exists for the moment between the link and the rename. Where the file system
 * makes no such file, it has that name from the start.
 */
#include "cli/whole_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE         0666 /* less the umask, as the shell's > makes files */
#define NAMES_TRIED  100u
#define PROC_FD_PATH 32u

/* The folder of `path`, as a path of its own. */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    const size_t len = !slash ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (len >= PATH_MAX)
        return false;
    memcpy(folder, slash ? path : ".", len);
    folder[len] = '\0';
    return true;
}

/* The n-th temporary name beside the file. */
static bool make_temporary_name(struct whole_file *file, unsigned n)
{
    char folder[PATH_MAX];
    if (!folder_of(file->path, folder))
        return false;
    const char *slash = strrchr(file->path, '/');
    const char *name = slash ? slash + 1 : file->path;
    const int len = snprintf(file->temporary, sizeof file->temporary, "%s/.%.200s.%d.%u", folder,
                             name, (int)getpid(), n);
    return len > 0 && (size_t)len < sizeof file->temporary;
}

static int open_named(struct whole_file *file)
{
    for (unsigned n = 0; n < NAMES_TRIED && make_temporary_name(file, n); n++) {
        const int fd =
            open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    errno = ENAMETOOLONG;
    return -1;
}

static int open_beside(struct whole_file *file)
{
    char folder[PATH_MAX];
    if (!folder_of(file->path, folder)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const int fd = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, MODE);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    const int named = open_named(file);
    if (named < 0)
        file->temporary[0] = '\0';
    return named;
}

/* Where the file goes, behind links; a file that is not there yet goes where it was said. */
static bool find_place(struct whole_file *file, const char *path)
{
    const size_t len = strlen(path);
    if (realpath(path, file->path))
        return true;
    if (len < sizeof file->path)
        memcpy(file->path, path, len + 1);
    else
        errno = ENAMETOOLONG;
    return len < sizeof file->path;
}

enum status whole_file_open(struct whole_file *file, const char *path, struct error *err)
{
    struct stat there;
    const bool exists = stat(path, &there) == 0;
    *file = (struct whole_file){.direct = exists && !S_ISREG(there.st_mode)};
    if (exists && S_ISDIR(there.st_mode))
        return error_set(err, STATUS_INPUT, "cannot write %s: it is a directory", path);
    int fd = -1;
    if (find_place(file, path))
        fd = file->direct ? open(path, O_WRONLY | O_CLOEXEC) : open_beside(file);
    if (fd >= 0)
        file->out = fdopen(fd, "w");
    if (file->out)
        return STATUS_OK;
    const int why = errno;
    if (fd >= 0)
        (void)close(fd);
    return error_set_errno(err, STATUS_INPUT, why, "cannot write %s", path);
}

static enum status failed(const struct whole_file *file, int why, struct error *err)
{
    const bool full = why == ENOSPC || why == EDQUOT || why == EFBIG;
    return error_set_errno(err, full ? STATUS_FULL : STATUS_IO, why, "cannot write %s", file->path);
}

/* Gives the file without a name its temporary one. */
static bool give_name(struct whole_file *file)
{
    char source[PROC_FD_PATH];
    (void)snprintf(source, sizeof source, "/proc/self/fd/%d", fileno(file->out));
    for (unsigned n = 0; n < NAMES_TRIED && make_temporary_name(file, n); n++) {
        if (linkat(AT_FDCWD, source, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST)
            break;
    }
    file->temporary[0] = '\0';
    return false;
}

/* Why a write failed earlier is lost by now; one byte more fails for the same reason. */
static int reason_of_failure(FILE *out)
{
    clearerr(out);
    const bool fails = fputc(' ', out) == EOF || fflush(out) != 0;
    return fails ? errno : EIO;
}

enum status whole_file_commit(struct whole_file *file, struct error *err)
{
    assert(file->out);
    if (ferror(file->out))
        return failed(file, reason_of_failure(file->out), err);
    if (fflush(file->out) != 0)
        return failed(file, errno, err);
    if (!file->direct) {
        if (fsync(fileno(file->out)) != 0 || (file->temporary[0] == '\0' && !give_name(file)) ||
            rename(file->temporary, file->path) != 0)
            return failed(file, errno, err);
        file->temporary[0] = '\0';
    }
    FILE *out = file->out;
    file->out = NULL;
    return fclose(out) == 0 ? STATUS_OK : failed(file, errno, err);
}

void whole_file_release(struct whole_file *file)
{
    if (file->temporary[0] != '\0')
        (void)unlink(file->temporary);
    if (file->out)
        (void)fclose(file->out);
    file->out = NULL;
    file->temporary[0] = '\0';
}
