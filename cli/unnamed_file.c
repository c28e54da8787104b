/*
 * unnamed_file.c - see unnamed_file.h.
 */
#include "cli/unnamed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_FOLDER "/var/tmp"

/* For file systems that make no file without a name. */
static int open_and_unlink(const char *folder)
{
    char path[4096];
    const int len = snprintf(path, sizeof path, "%s/mnsdb-XXXXXX", folder);
    if (len < 0 || (size_t)len >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const int file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        (void)unlink(path);
    return file;
}

enum status unnamed_file_open(int *file, struct error *err)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || folder[0] == '\0')
        folder = DEFAULT_FOLDER;
    *file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (*file < 0)
        *file = open_and_unlink(folder);
    if (*file < 0)
        return error_set_errno(err, STATUS_FULL, errno,
                               "cannot make a temporary file in %s (set TMPDIR to another folder)",
                               folder);
    return STATUS_OK;
}
