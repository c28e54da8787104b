/*
 * settings_file.c - see settings_file.h.
 */
#include "cli/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- lines --------------------------------------------------------------------------------- */

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct slice trim(struct slice text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = slice_of(text.data + 1, text.len - 1);
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

enum status settings_line_wrong(const struct settings_line *line, const char *what,
                                struct error *err)
{
    return error_set(err, STATUS_CONFIG, "%s:%u: %s", line->path, line->number, what);
}

static enum status walk_line(struct settings_line *line, settings_line_taker *take, void *context,
                             struct error *err)
{
    struct slice text = line->text;
    if (text.len > 0 && text.data[text.len - 1] == '\r')
        text.len--;
    if (has_control(text))
        return settings_line_wrong(line, "a control character", err);
    text = trim(text);
    if (text.len == 0 || text.data[0] == '#' || text.data[0] == ';')
        return STATUS_OK;
    if (text.data[0] == '[')
        return settings_line_wrong(line, "there are no sections: leave the line out", err);
    const uint8_t *equals = memchr(text.data, '=', text.len);
    line->text = text;
    line->has_value = equals != NULL;
    if (equals) {
        const size_t name_len = (size_t)(equals - text.data);
        line->name = trim(slice_of(text.data, name_len));
        line->value = trim(slice_of(equals + 1, text.len - name_len - 1));
    }
    return take(context, line, err);
}

enum status settings_file_walk(struct slice text, const char *path, settings_line_taker *take,
                               void *context, struct error *err)
{
    struct slice left = text;
    if (left.len >= 3 && memcmp(left.data, "\xEF\xBB\xBF", 3) == 0)
        left = slice_of(left.data + 3, left.len - 3); // a byte order mark
    for (unsigned number = 1; left.len > 0; number++) {
        const uint8_t *end = memchr(left.data, '\n', left.len);
        const size_t len = end ? (size_t)(end - left.data) : left.len;
        struct settings_line line = {
            .path = path, .number = number, .text = slice_of(left.data, len)};
        TRY(walk_line(&line, take, context, err));
        const size_t passed = end ? len + 1 : len;
        left = slice_of(left.data + passed, left.len - passed);
    }
    return STATUS_OK;
}

/* --- files --------------------------------------------------------------------------------- */

static void close_owned(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static enum status check_file(int fd, const char *path, struct error *err)
{
    struct stat found;
    if (fstat(fd, &found) != 0)
        return error_set_errno(err, STATUS_CONFIG, errno, "%s", path);
    if (!S_ISREG(found.st_mode))
        return error_set(err, STATUS_CONFIG, "%s is no file: take it away", path);
    if ((found.st_mode & S_IWOTH) != 0)
        return error_set(err, STATUS_CONFIG,
                         "%s: everybody may write to it; take that away with 'chmod o-w'", path);
    if (found.st_size > (off_t)SETTINGS_FILE_BYTES_MAX)
        return error_set(err, STATUS_CONFIG, "%s is larger than 1 MiB", path);
    return STATUS_OK;
}

/* Up to one byte more than is allowed: a file may grow while it is read. */
static enum status read_all(int fd, const char *path, struct buffer *text, struct error *err)
{
    const size_t most = SETTINGS_FILE_BYTES_MAX + 1;
    while (text->len < most) {
        const size_t left = most - text->len;
        const size_t wanted = left < 4096 ? left : 4096;
        if (buffer_reserve(text, wanted) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for %s", path);
        const ssize_t got = read(fd, text->data + text->len, wanted);
        if (got == 0)
            return STATUS_OK;
        if (got < 0 && errno != EINTR)
            return error_set_errno(err, STATUS_CONFIG, errno, "%s", path);
        if (got > 0)
            text->len += (size_t)got;
    }
    return error_set(err, STATUS_CONFIG, "%s is larger than 1 MiB", path);
}

enum status settings_file_read(const char *path, struct buffer *text, bool *exists,
                               struct error *err)
{
    buffer_clear(text);
    // O_NONBLOCK: a FIFO in its place must not keep anybody waiting.
    OWNED(close_owned) const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *exists = fd >= 0 || (errno != ENOENT && errno != ENOTDIR);
    if (!*exists)
        return STATUS_OK;
    if (fd < 0)
        return error_set_errno(err, STATUS_CONFIG, errno, "%s", path);
    TRY(check_file(fd, path, err));
    return read_all(fd, path, text, err);
}
