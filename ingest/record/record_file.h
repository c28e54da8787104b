/*
 * record_file.h - the file of a recorder: appended to durably, and moved aside when it is full.
 * Private to this folder.
 *
 * (1) An append is whole and on the disk, or the file is as long as before.
 * (2) Nothing is ever overwritten: a full file takes the number after the highest that exists.
 * (3) One process at a time: the file is locked while it is open.
 *
 * The folder is held open, so that a change of the working directory does no harm. If somebody
 * else moves the file away, a new one is begun with the next append.
 *
 * Life cycle: open -> (append | rotate)* -> close. Threads: one at a time.
 */
#ifndef MNSDB_INGEST_RECORD_RECORD_FILE_H
#define MNSDB_INGEST_RECORD_RECORD_FILE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdint.h>

struct record_file {
    char *path;       /* owned; as given */
    const char *name; /* its last part */
    int directory;    /* -1: none */
    int file;         /* -1: to be opened by the next append */
    uint64_t len;     /* of what is on the disk */
};

/*
 * Appending begins behind the last whole line: the rest is cut off. STATUS_CONFIG: not a file that
 * may be appended to. STATUS_LOCKED: another process does.
 */
MUST_CHECK enum status record_file_open(struct record_file *file, const char *path,
                                        struct error *err);
void record_file_close(struct record_file *file);

/* STATUS_FULL: no room now. STATUS_IO: what is on the disk is not known any more. */
MUST_CHECK enum status record_file_append(struct record_file *file, struct slice lines,
                                          struct error *err);

/* Moves what is there to the next free number. */
MUST_CHECK enum status record_file_rotate(struct record_file *file, struct error *err);

#endif
