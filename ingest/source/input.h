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

#include <stdbool.h>
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

/* What a reader asks for, and what it gets. */
struct input_read {
    uint8_t *to;
    size_t len;  /* at least 1 */
    int wait_ms; /* for pipes and terminals */
    /* Set by input_read: */
    size_t got; /* above 0 with INPUT_BYTES, else 0 */
    enum input_event event;
};

/*
 * Reads up to `read->len` bytes. STATUS_INPUT: damaged or unreadable from here on;
 * STATUS_STOPPED: a signal or the wake file ended the wait.
 */
MUST_CHECK enum status input_read(struct input *input, struct input_read *read, struct error *err);

/*
 * True of plain sets in regular files, until something was read: their bytes can be had from any
 * place with input_read_at, by any thread, instead of one after the other with input_read. Standard
 * input is left at its end then.
 */
bool input_has_ranges(const struct input *input);
/* Where such a set begins in its file: standard input may have been read from before. */
uint64_t input_start(const struct input *input);
/* Whether it goes on at `offset`. STATUS_INPUT: it cannot be read. */
MUST_CHECK enum status input_has_bytes_at(const struct input *input, uint64_t offset, bool *has,
                                          struct error *err);
/* Reads up to `len` bytes; `*got` is 0 only at the end. */
MUST_CHECK enum status input_read_at(const struct input *input, uint64_t offset, uint8_t *to,
                                     size_t len, size_t *got, struct error *err);

/* Bytes of the file taken so far, as they lie there. */
uint64_t input_raw_bytes(const struct input *input);

/* Size of the file at `path`, 0 if it has none that is known (a pipe, "-"). */
uint64_t input_size(const char *path);

#endif
