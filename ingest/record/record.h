/*
 * record.h - a copy of every received body, as a recorded set.
 *
 *      FILE    <- bodies, a line each
 *      FILE.1, FILE.2, ...  full ones, oldest first; never overwritten
 *
 * A line is a body that ingest reads again as the same message: one with line breaks
 * goes in as base64 of itself if it is raw JSON, without the breaks if it is base64
 * (record_line.h has all forms). Secrets are the caller's to mask first (decoder_mask_body).
 * A file that is full for `bytes_max` takes the next number; one that somebody else moved away is
 * left to them, and a new one begun.
 *
 * Life cycle: open -> (add* -> flush)* -> close. Threads: one at a time.
 */
#ifndef MNSDB_INGEST_RECORD_RECORD_H
#define MNSDB_INGEST_RECORD_RECORD_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdint.h>

struct recorder;

/*
 * Appends to what is there, after completing a last line that a crash cut (its half is dropped, as
 * the message comes again). The file is made with mode 0600. `bytes_max` 0: it is never full.
 * STATUS_CONFIG: a symbolic link, no regular file, compressed, or it cannot be opened.
 * STATUS_LOCKED: another process records to it.
 */
MUST_CHECK enum status recorder_open(struct recorder **recorder, const char *path,
                                     uint64_t bytes_max, struct error *err);
void recorder_close(struct recorder *recorder); /* NULL is fine; what was not flushed is dropped */

/* Into memory only. STATUS_FULL: far more than a commit holds waits already. */
MUST_CHECK enum status recorder_add(struct recorder *recorder, struct slice body,
                                    struct error *err);

/*
 * Onto the disk: after STATUS_OK every body added is durable. STATUS_FULL: no room, the bodies are
 * kept in memory and flush may be tried again; STATUS_IO: the process should end.
 */
MUST_CHECK enum status recorder_flush(struct recorder *recorder, struct error *err);

#endif
