/*
 * record.c - bodies become lines in memory; a flush writes them, file by file.
 *
 *      pending   [ line | line | line | line | line ]
 *                [-- fits FILE --][- the next one -]
 *
 * (1) Lines leave the memory only when they are on the disk.
 * (2) A file is at most `bytes_max` long, unless it is one line.
 *
 * While the disk is full nothing leaves, so what waits is bounded: beyond RECORD_WAITING_BYTES_MAX
 * nothing more is taken.
 */
#include "ingest/record/record.h"

#include "engine/base/mem.h"
#include "ingest/record/record_file.h"
#include "ingest/record/record_line.h"

#include <assert.h>

/* More than one commit holds: all messages in flight, each as long as the service lets it be. */
#define RECORD_WAITING_BYTES_MAX ((size_t)512 << 20)
#define RECORD_KEPT_BYTES_MAX    ((size_t)4 << 20) /* memory that an empty recorder keeps */

struct recorder {
    struct record_file file;
    struct buffer pending; /* owned; whole lines */
    uint64_t bytes_max;    /* 0: files are never full */
};

enum status recorder_open(struct recorder **recorder, const char *path, uint64_t bytes_max,
                          struct error *err)
{
    *recorder = NULL;
    struct recorder *opened = mem_alloc_zeroed(1, sizeof *opened);
    if (!opened)
        return error_set(err, STATUS_NOMEM, "no memory for recording");
    const enum status status = record_file_open(&opened->file, path, err);
    if (status != STATUS_OK) {
        mem_free(opened);
        return status;
    }
    opened->bytes_max = bytes_max;
    *recorder = opened;
    return STATUS_OK;
}

void recorder_close(struct recorder *recorder)
{
    if (!recorder)
        return;
    record_file_close(&recorder->file);
    buffer_release(&recorder->pending);
    mem_free(recorder);
}

enum status recorder_add(struct recorder *recorder, struct slice body, struct error *err)
{
    const size_t waiting = recorder->pending.len;
    if (waiting > RECORD_WAITING_BYTES_MAX || body.len > RECORD_WAITING_BYTES_MAX - waiting)
        return error_set(err, STATUS_FULL, "%zu bytes wait to be recorded to %s", waiting,
                         recorder->file.path);
    if (record_line_append(&recorder->pending, body) != STATUS_OK)
        return error_set(err, STATUS_NOMEM, "no memory for a body to record");
    return STATUS_OK;
}

/* As many whole lines from the start of `lines` as `room` holds, but at least one. */
static size_t lines_that_fit(struct slice lines, uint64_t room)
{
    assert(lines.len > 0 && lines.data[lines.len - 1] == '\n');
    if (lines.len <= room)
        return lines.len;
    const uint8_t *last = memrchr(lines.data, '\n', (size_t)room);
    if (!last)
        last = memchr(lines.data, '\n', lines.len);
    assert(last);
    return (size_t)(last - lines.data) + 1;
}

/* Writes as much as one file takes; `*written` is how much. */
static enum status flush_some(struct recorder *recorder, struct slice lines, size_t *written,
                              struct error *err)
{
    struct record_file *file = &recorder->file;
    const uint64_t most = recorder->bytes_max > 0 ? recorder->bytes_max : UINT64_MAX;
    size_t len = lines_that_fit(lines, most > file->len ? most - file->len : 0);
    if (file->len > 0 && file->len + len > most) {
        TRY(record_file_rotate(file, err));
        len = lines_that_fit(lines, most);
    }
    TRY(record_file_append(file, slice_of(lines.data, len), err));
    *written = len;
    return STATUS_OK;
}

static void forget_written(struct buffer *pending, size_t written)
{
    if (written == 0)
        return;
    memmove(pending->data, pending->data + written, pending->len - written);
    pending->len -= written;
    if (pending->len == 0 && pending->capacity > RECORD_KEPT_BYTES_MAX)
        buffer_release(pending);
}

enum status recorder_flush(struct recorder *recorder, struct error *err)
{
    struct buffer *pending = &recorder->pending;
    size_t written = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && written < pending->len) {
        const struct slice rest = slice_of(pending->data + written, pending->len - written);
        size_t count = 0;
        status = flush_some(recorder, rest, &count, err);
        written += count;
    }
    forget_written(pending, written);
    return status;
}
