/*
 * alias_file.c - aliases from around the process: $MNSDB_ALIASES and query.conf.
 *
 *      # comments have lines of their own
 *      alias = temperature=temp,Temperature,t
 *
 * The file looks like mnsdb-ingest's: one setting a line, no sections, no lines that go on in the
 * next. What would be half understood is an error that names its line. A file that is not there
 * costs one open that fails.
 */
#include "query/alias/alias_internal.h"

#include "engine/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENVIRONMENT_NAME "MNSDB_ALIASES"
#define SYSTEM_PATH      "/etc/mnsdb/query.conf"

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

static enum status wrong(const struct alias_origin *origin, const char *what, struct error *err)
{
    return error_set(err, STATUS_CONFIG, "%s:%u: %s", origin->source, origin->line, what);
}

static enum status read_setting(struct alias_list *list, struct slice text,
                                const struct alias_origin *origin, struct error *err)
{
    const uint8_t *equals = memchr(text.data, '=', text.len);
    if (!equals)
        return wrong(origin, "no setting: write 'alias = temperature=temp,t'", err);
    const size_t name_len = (size_t)(equals - text.data);
    const struct slice name = trim(slice_of(text.data, name_len));
    const struct slice value = trim(slice_of(equals + 1, text.len - name_len - 1));
    if (!slice_equal(name, slice_of_text("alias")))
        return wrong(origin,
                     "unknown setting: there is 'alias', as in 'alias = temperature=temp,t'", err);
    if (value.len == 0)
        return wrong(origin, "no value: write 'alias = temperature=temp,t'", err);
    const enum status status = alias_list_add_text(list, value, origin, err);
    if (status != STATUS_INPUT)
        return status;
    error_add_context(err, "%s:%u", origin->source, origin->line);
    if (err)
        err->status = STATUS_CONFIG;
    return STATUS_CONFIG;
}

static enum status read_line(struct alias_list *list, struct slice line,
                             const struct alias_origin *origin, struct error *err)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (has_control(line))
        return wrong(origin, "a control character: take it out", err);
    const struct slice text = trim(line);
    if (text.len == 0 || text.data[0] == '#' || text.data[0] == ';')
        return STATUS_OK;
    if (text.data[0] == '[')
        return wrong(origin, "there are no sections: leave the line out", err);
    return read_setting(list, text, origin, err);
}

enum status alias_list_read(struct alias_list *list, struct slice text, const char *path,
                            uint32_t source_number, struct error *err)
{
    struct alias_origin origin = {.source = path, .source_number = source_number};
    struct slice left = text;
    if (left.len >= 3 && memcmp(left.data, "\xEF\xBB\xBF", 3) == 0)
        left = slice_of(left.data + 3, left.len - 3); // a byte order mark
    while (left.len > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.len);
        const size_t len = end ? (size_t)(end - left.data) : left.len;
        origin.line++;
        TRY(read_line(list, slice_of(left.data, len), &origin, err));
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
    return STATUS_OK;
}

/* Up to one byte more than is allowed: a file may grow while it is read. */
static enum status read_all(int fd, const char *path, struct buffer *text, struct error *err)
{
    for (;;) {
        if (buffer_reserve(text, 4096) != STATUS_OK)
            return error_set(err, STATUS_NOMEM, "no memory for %s", path);
        const ssize_t got = read(fd, text->data + text->len, 4096);
        if (got == 0)
            return STATUS_OK;
        if (got < 0 && errno != EINTR)
            return error_set_errno(err, STATUS_CONFIG, errno, "%s", path);
        if (got > 0)
            text->len += (size_t)got;
        if (text->len > ALIAS_FILE_BYTES_MAX)
            return error_set(err, STATUS_CONFIG, "%s is larger than 1 MiB", path);
    }
}

static enum status read_file(struct alias_list *list, const char *path, uint32_t source_number,
                             struct error *err)
{
    OWNED(buffer_release) struct buffer text = {0};
    // O_NONBLOCK: a FIFO in its place must not keep anybody waiting.
    OWNED(close_owned) const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return STATUS_OK;
    if (fd < 0)
        return error_set_errno(err, STATUS_CONFIG, errno, "%s", path);
    TRY(check_file(fd, path, err));
    TRY(read_all(fd, path, &text, err));
    return alias_list_read(list, buffer_slice(&text), path, source_number, err);
}

/* The user's own file; false: nothing says where it would be. */
static bool find_user_file(char path[PATH_MAX])
{
    const char *folder = getenv("XDG_CONFIG_HOME");
    const char *below = "/mnsdb/query.conf";
    if (!folder || folder[0] != '/') {
        folder = getenv("HOME");
        below = "/.config/mnsdb/query.conf";
    }
    if (!folder || folder[0] != '/')
        return false;
    const int len = snprintf(path, PATH_MAX, "%s%s", folder, below);
    return len > 0 && len < PATH_MAX;
}

static enum status read_environment(struct alias_list *list, struct error *err)
{
    static const struct alias_origin origin = {.source = "$" ENVIRONMENT_NAME,
                                               .source_number = ALIAS_SOURCE_ENVIRONMENT};
    const char *text = getenv(ENVIRONMENT_NAME);
    if (!text || text[0] == '\0')
        return STATUS_OK;
    const enum status status = alias_list_add_text(list, slice_of_text(text), &origin, err);
    if (status != STATUS_INPUT)
        return status;
    error_add_context(err, "%s", origin.source);
    if (err)
        err->status = STATUS_CONFIG;
    return STATUS_CONFIG;
}

enum status alias_list_configure(struct alias_list *list, struct error *err)
{
    char path[PATH_MAX];
    TRY(read_environment(list, err));
    if (find_user_file(path))
        TRY(read_file(list, path, ALIAS_SOURCE_USER, err));
    return read_file(list, SYSTEM_PATH, ALIAS_SOURCE_SYSTEM, err);
}
