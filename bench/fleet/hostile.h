/*
 * hostile.h - lines that no consumer wants to see and every consumer gets.
 */
#ifndef MNSDB_BENCH_FLEET_HOSTILE_H
#define MNSDB_BENCH_FLEET_HOSTILE_H

#include "bench/fleet/random.h"
#include "engine/base/bytes.h"

#include <stdint.h>

#define HOSTILE_BYTES_MAX 1024u

/* Appends a broken message body, without a newline, to room that was reserved (asserted). */
void put_hostile(struct buffer *out, struct random_stream *random, uint64_t message_id,
                 int64_t timestamp_s);

#endif
