/*
 * id_stream.h - message ids as the platform gives them, in sorted batches of arrival.
 *
 * Ids are snowflakes: milliseconds, worker, sequence. They arrive in order, but a share of them is
 * late by up to 30 s and comes with the batch that is on its way then. A copy of a
 * stream goes on as the stream does: that is how a recording is replayed.
 *
 * Life cycle: begin -> batch*. Threads: one.
 */
#ifndef MNSDB_BENCH_SCENARIOS_ID_STREAM_H
#define MNSDB_BENCH_SCENARIOS_ID_STREAM_H

#include "bench/fleet/random.h"

#include <stddef.h>
#include <stdint.h>

#define ID_STREAM_WORKERS  4u
#define ID_STREAM_LATE_MAX 1024u /* of one batch; more are not late */

struct id_stream {
    struct random_stream random;
    int64_t now_ms; /* UTC */
    int64_t gap_ms; /* between two ids, on average */
    uint32_t first_worker;
    int64_t worker_ms[ID_STREAM_WORKERS]; /* of its newest id */
    uint32_t worker_sequence[ID_STREAM_WORKERS];
    uint64_t late[ID_STREAM_LATE_MAX]; /* that come with the next batch, ascending */
    size_t late_count;
};

void id_stream_begin(struct id_stream *stream, int64_t from_ms, uint32_t first_worker,
                     uint64_t seed);

/* Fills `ids`, ascending, each once. */
void id_stream_batch(struct id_stream *stream, uint64_t *ids, size_t count);

/* Ids that are no snowflakes: random bits, ascending, each once (all but never fewer). */
size_t id_stream_random(struct random_stream *random, uint64_t *ids, size_t count);

#endif
