/*
 * journal_internal.h - records of the journal as bytes.
 *
 * The file begins with JOURNAL_MAGIC; then come records:
 *
 *      OFFSET  SIZE  MEANING
 *           0     4  length of the payload
 *           4     8  XXH3-64 of the payload, seeded with the record's offset in the file
 *          12     n  payload: a type byte, the queue's number as a varint, then by type
 *
 *      QUEUE       key (8 bytes), next serial, created, modified, the attributes, name to the end
 *      REMOVED     nothing more
 *      MESSAGE     serial, enqueued, visible, first dequeued, dequeue count, generation,
 *                  priority, body to the end
 *      RECEIVED    now, visible, then serials to the end
 *      VISIBILITY  serial, visible
 *      DELETED     serial
 *
 * Numbers are varints; times are milliseconds.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_JOURNAL_INTERNAL_H
#define MNSDB_BENCH_LOCALQUEUE_JOURNAL_INTERNAL_H

#include "bench/localqueue/broker.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

#define JOURNAL_MAGIC       "MNSLQJ1\n"
#define JOURNAL_MAGIC_BYTES 8u
#define RECORD_HEAD_BYTES   12u
/* A message of the longest body, and a receive of sixteen, fit by far. */
#define RECORD_BYTES_MAX ((size_t)128 << 10)

/* Each appends a whole record, which will stand at `offset` + to->len of the file. */
MUST_CHECK enum status record_queue(struct buffer *to, uint64_t offset,
                                    const struct named_queue *queue);
MUST_CHECK enum status record_removed(struct buffer *to, uint64_t offset,
                                      const struct named_queue *queue);
MUST_CHECK enum status record_message(struct buffer *to, uint64_t offset,
                                      const struct named_queue *queue,
                                      const struct queued *message);
MUST_CHECK enum status record_visibility(struct buffer *to, uint64_t offset,
                                         const struct named_queue *queue,
                                         const struct queued *message);
MUST_CHECK enum status record_deleted(struct buffer *to, uint64_t offset,
                                      const struct named_queue *queue,
                                      const struct queued *message);

struct received_record {
    const struct named_queue *queue;
    struct queued *const *messages;
    size_t count; /* 1 ... 16 */
    int64_t now_ms;
};
MUST_CHECK enum status record_received(struct buffer *to, uint64_t offset,
                                       const struct received_record *received);

/* Applies one payload. STATUS_CORRUPT: no record of ours. */
MUST_CHECK enum status record_apply(struct broker *broker, struct slice payload, struct error *err);

/*
 * Applies the records of a whole file (with its magic) up to the first that is not whole.
 * `*whole_bytes` is where that one begins. Records that are whole but make no sense are
 * STATUS_CORRUPT.
 */
MUST_CHECK enum status records_replay(struct broker *broker, struct slice file,
                                      uint64_t *whole_bytes, struct error *err);

#endif
