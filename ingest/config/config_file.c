/*
 * config_file.c - see config_file.h.
 *
 * Lines are read here rather than by libinih: as Debian builds it, version 55 cuts lines at 198
 * bytes without a word, takes an indented line for one more value of the key before, ends values
 * at " ;", and its handler does not learn the number of a line. An address of a queue alone can be
 * longer than that.
 *
 * A line that cannot be read is never shown in a message: it may hold a secret.
 */
#include "ingest/config/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_NUMBER_MAX 1000000u /* more than fit into CONFIG_FILE_BYTES_MAX with a setting each */

struct file_walk {
    const char *path;
    unsigned number; /* of the line that is looked at */
    config_line_taker *take;
    void *context;
};

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

/* Where a comment seems to begin behind a value: " #" or " ;". */
static bool has_comment(struct slice value)
{
    for (size_t i = 1; i < value.len; i++) {
        if ((value.data[i] == '#' || value.data[i] == ';') && is_blank(value.data[i - 1]))
            return true;
    }
    return false;
}

static bool is_key(struct slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        const uint8_t byte = key.data[i];
        const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!letter && !(byte >= '0' && byte <= '9') && byte != '-' && byte != '_' && byte != '.')
            return false;
    }
    return key.len > 0 && key.len <= CONFIG_KEY_BYTES_MAX;
}

static enum status wrong(const struct file_walk *walk, const char *what, struct error *err)
{
    return error_set(err, STATUS_CONFIG, "%s:%u: %s", walk->path, walk->number, what);
}

static enum status check_value(const struct file_walk *walk, struct slice value, struct error *err)
{
    if (value.len > CONFIG_VALUE_BYTES_MAX)
        return wrong(walk, "the value is longer than 4096 bytes", err);
    if (value.len > 0 && (value.data[0] == '"' || value.data[0] == '\''))
        return wrong(walk, "values stand without quotes", err);
    if (has_comment(value))
        return wrong(walk, "a comment needs a line of its own", err);
    return STATUS_OK;
}

static enum status walk_line(const struct file_walk *walk, struct slice line, struct error *err)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (has_control(line))
        return wrong(walk, "a control character", err);
    const struct slice text = trim(line);
    if (text.len == 0 || text.data[0] == '#' || text.data[0] == ';')
        return STATUS_OK;
    if (text.data[0] == '[')
        return wrong(walk, "there are no sections: leave the line out", err);

    const uint8_t *equals = memchr(text.data, '=', text.len);
    if (!equals)
        return wrong(walk, "no setting: write 'name = value'", err);
    const size_t key_len = (size_t)(equals - text.data);
    const struct config_line setting = {
        .number = walk->number,
        .key = trim(slice_of(text.data, key_len)),
        .value = trim(slice_of(equals + 1, text.len - key_len - 1)),
    };
    if (!is_key(setting.key))
        return wrong(walk, "what stands before '=' is no name of a setting", err);
    TRY(check_value(walk, setting.value, err));
    return walk->take(walk->context, &setting, err);
}

static struct slice without_byte_order_mark(struct slice text)
{
    if (text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
        return slice_of(text.data + 3, text.len - 3);
    return text;
}

enum status config_file_parse(struct slice text, const char *path, config_line_taker *take,
                              void *context, struct error *err)
{
    struct file_walk walk = {.path = path, .take = take, .context = context};
    struct slice left = without_byte_order_mark(text);
    while (left.len > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.len);
        const size_t len = end ? (size_t)(end - left.data) : left.len;
        if (++walk.number > LINE_NUMBER_MAX)
            return wrong(&walk, "too many lines", err);
        TRY(walk_line(&walk, slice_of(left.data, len), err));
        const size_t passed = end ? len + 1 : len;
        left = slice_of(left.data + passed, left.len - passed);
    }
    return STATUS_OK;
}

/* --- files ----------------------------------------------------------------------------------- */

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
        return error_set(err, STATUS_CONFIG, "%s is no file", path);
    if ((found.st_mode & S_IWOTH) != 0)
        return error_set(err, STATUS_CONFIG,
                         "%s: everybody may write to it; take that away with 'chmod o-w'", path);
    if (found.st_size > (off_t)CONFIG_FILE_BYTES_MAX)
        return error_set(err, STATUS_CONFIG, "%s is larger than 1 MiB", path);
    return STATUS_OK;
}

/* Up to one byte more than is allowed: a file may grow while it is read. */
static enum status read_all(int fd, const char *path, struct buffer *text, struct error *err)
{
    if (buffer_reserve(text, CONFIG_FILE_BYTES_MAX + 1) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for %s", path);
    while (text->len <= CONFIG_FILE_BYTES_MAX) {
        const ssize_t got = read(fd, text->data + text->len, CONFIG_FILE_BYTES_MAX + 1 - text->len);
        if (got == 0)
            return STATUS_OK;
        if (got < 0 && errno != EINTR)
            return error_set_errno(err, STATUS_CONFIG, errno, "%s", path);
        if (got > 0)
            text->len += (size_t)got;
    }
    return error_set(err, STATUS_CONFIG, "%s is larger than 1 MiB", path);
}

enum status config_file_read(const char *path, struct buffer *text, bool *exists, struct error *err)
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
