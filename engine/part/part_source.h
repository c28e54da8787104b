/*
 * part_source.h - where a part's directory values and stream bytes come from:
 * the store, or memory. For engine/part only.
 */
#ifndef MNSDB_ENGINE_PART_PART_SOURCE_H
#define MNSDB_ENGINE_PART_PART_SOURCE_H

#include "engine/format/format.h"
#include "engine/part/part.h"

struct part_source {
    const struct part *part; /* borrowed */
    struct key directory_prefix;
    struct key stream_prefix;
    struct kv_cursor *directory; /* owned; NULL for memory */
    struct kv_cursor *stream;    /* owned; NULL for memory */
    uint32_t ordinal;            /* of the current directory value */
    struct kv_entry next_value;  /* the directory value after the current one, if peeked */
    bool peeked;
    struct slice value;    /* the stream value read last */
    uint64_t value_offset; /* of its first byte in the stream */
    size_t memory_value;   /* index of the current directory value in memory */
    struct buffer scratch; /* a block that spans values */
};

MUST_CHECK enum status part_source_open(struct part_source *source, const struct part *part,
                                        struct kv_txn *txn, struct error *err);
void part_source_release(struct part_source *source);

/* The directory value that can hold `key` or, if none can, the first one behind it. */
MUST_CHECK enum status part_source_seek(struct part_source *source, const struct row_key *key,
                                        struct slice *payload, bool *found, struct error *err);
MUST_CHECK enum status part_source_next(struct part_source *source, struct slice *payload,
                                        bool *found, struct error *err);

/* True if no later directory value can hold `key`, or begins at it: reading on will find it. */
MUST_CHECK enum status part_source_reaches(struct part_source *source, const struct row_key *key,
                                           bool *reaches, struct error *err);

/* The bytes of a block; they live until the next call. */
MUST_CHECK enum status part_source_block(struct part_source *source, uint64_t offset,
                                         uint32_t bytes_len, struct slice *bytes,
                                         struct error *err);

#endif
