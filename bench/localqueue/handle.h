/*
 * handle.h - receipt handles: which delivery of which message.
 *
 *      OFFSET  SIZE  MEANING
 *           0     2  0xfb 0xff: makes every handle begin with "+/"
 *           2     8  serial of the message
 *          10     4  generation: 1 for its first handle, one more for each later one
 *          14     8  XXH3-64 of the twelve bytes before, seeded with the queue's key
 *
 * as base64, which gives 32 characters with '+', '/' and '=' in each of them, as handles of the
 * service have now and then: a client that carries them wrongly fails at once. Serial and
 * generation are veiled by the checksum, so that handles do not look like a count.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_HANDLE_H
#define MNSDB_BENCH_LOCALQUEUE_HANDLE_H

#include "engine/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define HANDLE_TEXT_BYTES 32u /* without a NUL */

struct handle {
    uint64_t serial;
    uint32_t generation;
};

void handle_write(struct handle handle, uint64_t queue_key, uint8_t text[HANDLE_TEXT_BYTES]);

/* False: this queue never gave out such a handle. */
bool handle_read(struct slice text, uint64_t queue_key, struct handle *handle);

#endif
