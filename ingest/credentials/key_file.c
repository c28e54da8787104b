/*
 * key_file.c - opens and judges a file with a key, and reads it.
 *
 * The file is judged after it was opened, through its descriptor: what is read is what was judged.
 * O_NONBLOCK keeps a FIFO from holding us up until it is refused.
 */
#include "ingest/credentials/key_file.h"

#include "ingest/credentials/secret_memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct key_file *key_file_new(void)
{
    return secret_alloc(sizeof(struct key_file));
}

void key_file_free(struct key_file **file)
{
    secret_free(*file, sizeof **file);
    *file = NULL;
}

static void descriptor_close(const int *descriptor)
{
    if (*descriptor >= 0)
        (void)close(*descriptor);
}

static void content_free(uint8_t **content)
{
    secret_free(*content, KEY_FILE_BYTES_MAX + 1);
}

/*
 * systemd gives a service its credentials as files of root with an access list for the service's
 * user; the list's mask is shown as permissions of the group. The folder is closed to others.
 */
static mode_t forbidden_bits(const struct stat *about, bool of_systemd)
{
    const mode_t all = S_IRWXG | S_IRWXO;
    return of_systemd && about->st_uid == 0 ? all & ~(mode_t)S_IRGRP : all;
}

static enum status judge(const struct stat *about, const char *path, bool of_systemd,
                         struct error *err)
{
    if (!S_ISREG(about->st_mode))
        return error_set(err, STATUS_CONFIG, "credentials file %s is no regular file", path);
    if (about->st_uid != geteuid() && about->st_uid != 0)
        return error_set(err, STATUS_CONFIG, "credentials file %s belongs to another user", path);
    if ((about->st_mode & forbidden_bits(about, of_systemd)) != 0)
        return error_set(err, STATUS_CONFIG,
                         "credentials file %s is open to others (mode %04o): chmod 600 it", path,
                         (unsigned)(about->st_mode & 07777));
    if (about->st_size > (off_t)KEY_FILE_BYTES_MAX)
        return error_set(err, STATUS_CONFIG, "credentials file %s is over %u bytes", path,
                         KEY_FILE_BYTES_MAX);
    return STATUS_OK;
}

/* One byte more than allowed is asked for, in case the file grew. */
static enum status read_all(int descriptor, const char *path, uint8_t *content, size_t *len,
                            struct error *err)
{
    *len = 0;
    while (*len <= KEY_FILE_BYTES_MAX) {
        const ssize_t got = read(descriptor, content + *len, KEY_FILE_BYTES_MAX + 1 - *len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, STATUS_CONFIG, errno, "cannot read credentials file %s",
                                   path);
        if (got == 0)
            return STATUS_OK;
        *len += (size_t)got;
    }
    return error_set(err, STATUS_CONFIG, "credentials file %s is over %u bytes", path,
                     KEY_FILE_BYTES_MAX);
}

enum status key_file_read(const char *path, const char *profile, bool of_systemd,
                          struct key_file *file, struct error *err)
{
    OWNED(descriptor_close)
    const int descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0 && errno == ELOOP)
        return error_set(err, STATUS_CONFIG, "credentials file %s is a symbolic link", path);
    if (descriptor < 0)
        return error_set_errno(err, STATUS_CONFIG, errno, "cannot open credentials file %s", path);

    struct stat about;
    if (fstat(descriptor, &about) != 0)
        return error_set_errno(err, STATUS_CONFIG, errno, "cannot look at credentials file %s",
                               path);
    TRY(judge(&about, path, of_systemd, err));

    OWNED(content_free) uint8_t *content = secret_alloc(KEY_FILE_BYTES_MAX + 1);
    if (!content)
        return error_set(err, STATUS_NOMEM, "no memory for credentials file %s", path);
    size_t len = 0;
    TRY(read_all(descriptor, path, content, &len, err));
    return key_file_parse(slice_of(content, len), profile, path, file, err);
}
