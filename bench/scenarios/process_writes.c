/*
 * process_writes.c - see process_writes.h.
 */
#include "bench/scenarios/process_writes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IO_PATH       "/proc/self/io"
#define IO_TEXT_BYTES 512u

/* The number behind `label` at the beginning of a line; 0 if it is not there. */
static uint64_t number_behind(const char *text, const char *label)
{
    const size_t len = strlen(label);
    const char *line = text;
    while (line && strncmp(line, label, len) != 0) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return line ? strtoull(line + len, NULL, 10) : 0;
}

enum status process_writes_read(struct process_writes *writes, struct error *err)
{
    char text[IO_TEXT_BYTES];
    const int file = open(IO_PATH, O_RDONLY | O_CLOEXEC);
    const ssize_t len = file < 0 ? -1 : read(file, text, sizeof text - 1);
    const int reason = errno;
    if (file >= 0)
        (void)close(file);
    if (len <= 0)
        return error_set_errno(err, STATUS_IO, reason, "cannot read " IO_PATH);
    text[len] = '\0';
    writes->asked_bytes = number_behind(text, "wchar: ");
    writes->disk_bytes = number_behind(text, "write_bytes: ");
    return STATUS_OK;
}

struct process_writes process_writes_between(const struct process_writes *before,
                                             const struct process_writes *after)
{
    return (struct process_writes){
        .asked_bytes = after->asked_bytes - before->asked_bytes,
        .disk_bytes = after->disk_bytes - before->disk_bytes,
    };
}
