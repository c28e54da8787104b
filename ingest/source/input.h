/*
 * input.h - one recorded set as a stream of uncompressed bytes.
 *
 * Gzip (several members, zero padding behind them) and zstd (several frames,
 * skippable ones too) are told by the first bytes; anything else is plain. Bytes are
 * delivered as far as they can be read; damage is reported after them.
 *
 * Life cycle: open -> read* -> close.
 * Threads:    one at a time; input_raw_bytes by any.
 */
#ifndef MNSDB_INGEST_SOURCE_INPUT_H
#define MNSDB_INGEST_SOURCE_INPUT_H

#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct input;

enum input_event {
    INPUT_BYTES,   /* at least one byte was read */
    INPUT_END,     /* there are no more */
    INPUT_WAITING, /* none came within the time given */
};

#define INPUT_WAIT_FOREVER (-1)

/*
 * "-" is standard input. Waiting ends early when `wake_file` becomes readable (-1: nothing
 * does). STATUS_INPUT: it cannot be opened, the message says why.
 */
MUST_CHECK enum status input_open(struct input **input, const char *path, int wake_file,
                                  struct error *err);
void input_close(struct input *input); /* NULL is fine */

/*
 * Up to `len` bytes (at least 1) into `to`. Pipes and terminals are waited for up to
 * `wait_ms`. STATUS_INPUT: damaged or unreadable from here on; STATUS_STOPPED: a
 * signal or the wake file ended the wait.
 */
MUST_CHECK enum status input_read(struct input *input, uint8_t *to, size_t len, int wait_ms,
                                  size_t *got, enum input_event *event, struct error *err);

/* Bytes of the file taken so far, as they lie there. */
uint64_t input_raw_bytes(const struct input *input);

/* Size of the file at `path`, 0 if it has none that is known (a pipe, "-"). */
uint64_t input_size(const char *path);

#endif
