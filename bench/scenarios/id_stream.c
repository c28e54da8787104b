/*
 * id_stream.c - see id_stream.h.
 */
#include "bench/scenarios/id_stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SNOWFLAKE_EPOCH_MS INT64_C(1288834974657)
#define GAP_MS             10
#define LATE_MS            30000
#define LATE_SHARE         0.05
#define WORKER_STEP        37u /* as the platform's: they are not neighbours */
#define WORKERS_MAX        1024u

void id_stream_begin(struct id_stream *stream, int64_t from_ms, uint32_t first_worker,
                     uint64_t seed)
{
    *stream = (struct id_stream){
        .random = {.counter = seed},
        .now_ms = from_ms,
        .gap_ms = GAP_MS,
        .first_worker = first_worker,
    };
}

static uint64_t next_id(struct id_stream *stream)
{
    /* The time of a worker's ids never goes back, so ids of one millisecond go up by worker. */
    const uint32_t worker = random_below(&stream->random, ID_STREAM_WORKERS);
    stream->now_ms += random_between(&stream->random, 0, 2 * stream->gap_ms);
    if (stream->worker_ms[worker] == stream->now_ms) {
        stream->worker_sequence[worker]++;
    } else {
        stream->worker_ms[worker] = stream->now_ms;
        stream->worker_sequence[worker] = 0;
    }
    const uint32_t number = (stream->first_worker + worker * WORKER_STEP) % WORKERS_MAX;
    return (uint64_t)(stream->now_ms - SNOWFLAKE_EPOCH_MS) << 22 | (uint64_t)number << 12 |
           stream->worker_sequence[worker];
}

static int compare_ids(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Ids of one millisecond are given in any order of workers: a few neighbours change places. */
static void sort_nearly_sorted(uint64_t *ids, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const uint64_t id = ids[i];
        size_t at = i;
        for (; at > 0 && ids[at - 1] > id; at--)
            ids[at] = ids[at - 1];
        ids[at] = id;
    }
}

static bool comes_later(struct id_stream *stream, uint64_t id, uint32_t threshold)
{
    const int64_t age_ms = stream->now_ms - ((int64_t)(id >> 22) + SNOWFLAKE_EPOCH_MS);
    return age_ms < LATE_MS && random_chance(&stream->random, threshold) &&
           random_between(&stream->random, 0, LATE_MS) > age_ms;
}

void id_stream_batch(struct id_stream *stream, uint64_t *ids, size_t count)
{
    const uint32_t threshold = random_threshold(LATE_SHARE);
    size_t filled = stream->late_count < count ? stream->late_count : count;
    memcpy(ids, stream->late, filled * sizeof *ids);
    const size_t left = stream->late_count - filled;
    memmove(stream->late, stream->late + filled, left * sizeof *ids);
    stream->late_count = left;
    while (filled < count) {
        /* What is late leaves the batch, and others take its place until it is full. */
        const size_t from = filled;
        while (filled < count)
            ids[filled++] = next_id(stream);
        sort_nearly_sorted(ids, filled);
        size_t kept = from;
        for (size_t i = from; i < filled; i++) {
            if (stream->late_count < ID_STREAM_LATE_MAX && comes_later(stream, ids[i], threshold))
                stream->late[stream->late_count++] = ids[i];
            else
                ids[kept++] = ids[i];
        }
        filled = kept;
    }
    sort_nearly_sorted(stream->late, stream->late_count);
}

size_t id_stream_random(struct random_stream *random, uint64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ids[i] = random_u64(random);
    qsort(ids, count, sizeof *ids, compare_ids);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || ids[i] != ids[kept - 1])
            ids[kept++] = ids[i];
    }
    return kept;
}
