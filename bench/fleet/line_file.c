/*
 * line_file.c - see line_file.h. Large writes go past the buffer.
 */
#include "bench/fleet/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)256 << 10)

enum status line_file_open(struct line_file *file, const char *path, struct error *err)
{
    const bool is_stdout = !path || strcmp(path, "-") == 0;
    *file = (struct line_file){.path = is_stdout ? "standard output" : path};
    file->file =
        is_stdout ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file->file < 0)
        return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", path);
    return STATUS_OK;
}

static enum status write_out(struct line_file *file, struct slice lines, struct error *err)
{
    size_t written = 0;
    while (written < lines.len && !file->closed_pipe) {
        const ssize_t count = write(file->file, lines.data + written, lines.len - written);
        if (count >= 0)
            written += (size_t)count;
        else if (errno == EPIPE)
            file->closed_pipe = true;
        else if (errno != EINTR)
            return error_set_errno(err, STATUS_FULL, errno, "cannot write %s", file->path);
    }
    return STATUS_OK;
}

static enum status write_buffer(struct line_file *file, struct error *err)
{
    const enum status status = write_out(file, buffer_slice(&file->buffer), err);
    buffer_clear(&file->buffer);
    return status;
}

enum status line_file_write(struct line_file *file, struct slice lines, struct error *err)
{
    if (file->buffer.len + lines.len > BUFFER_BYTES)
        TRY(write_buffer(file, err));
    if (lines.len >= BUFFER_BYTES)
        return write_out(file, lines, err);
    if (buffer_append(&file->buffer, lines.data, lines.len) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory to write %s", file->path);
    return STATUS_OK;
}

enum status line_file_close(struct line_file *file, struct error *err)
{
    if (file->file < 0)
        return STATUS_OK;
    enum status status = write_buffer(file, err);
    buffer_release(&file->buffer);
    // Standard output is finished by the program's end.
    if (file->file != STDOUT_FILENO && close(file->file) != 0 && status == STATUS_OK)
        status = error_set_errno(err, STATUS_FULL, errno, "cannot write %s", file->path);
    file->file = -1;
    return status;
}
