/*
 * store_place.c - the store's file, told by its device and inode.
 *
 * While a process has the file open, no other file can get its inode.
 */
#include "query/command/store_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_NAME "data.mdb"

/* False with errno ENOENT where there is no such file. */
static bool stat_data(const char *dir, struct stat *found)
{
    const int directory = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return false;
    const bool ok = fstatat(directory, DATA_NAME, found, AT_SYMLINK_NOFOLLOW) == 0;
    const int problem = errno;
    (void)close(directory);
    errno = problem;
    return ok;
}

enum status store_place_note(struct store_place *place, const char *dir, struct error *err)
{
    struct stat found;
    if (!stat_data(dir, &found))
        return error_set(err, STATUS_MISSING, "store %s: %s", dir, strerror(errno));
    *place = (struct store_place){.dir = dir, .device = found.st_dev, .inode = found.st_ino};
    return STATUS_OK;
}

enum status store_place_check(const struct store_place *place, struct error *err)
{
    struct stat found;
    if (!stat_data(place->dir, &found)) {
        // Out of descriptors, say: that tells nothing of the store.
        if (errno != ENOENT && errno != ENOTDIR)
            return STATUS_OK;
        return error_set(err, STATUS_MISSING, "the store %s was removed", place->dir);
    }
    if (found.st_dev != place->device || found.st_ino != place->inode)
        return error_set(err, STATUS_MISSING,
                         "another store was put in the place of %s: begin again", place->dir);
    return STATUS_OK;
}
