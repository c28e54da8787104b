/*
 * format.h - the keys of a store, and the state that every commit carries.
 *
 * All keys live in one LMDB database. Integers in keys are big-endian; a time is
 * stored with its sign bit flipped, so that keys sort as (device, time, id).
 *
 *      KEY                                              VALUE
 *      'C'                                     checked  catalogue: version, settings, state
 *      'D' first number u32                    checked  names of devices, consecutive numbers
 *      'M' first number u32                    checked  names of metrics
 *      'P' table u8, part u64                  checked  part record: rows, bytes, totals, merge
 *                                                       state
 *      'I' part u64, device u32, time u64,
 *          message id u64, ordinal u32         checked  directory: summaries of consecutive blocks
 *      'T' part u64, ordinal u32               checked  slices: totals by quarter of an hour
 *      'B' part u64, stream offset u64         raw      blocks of the part, a byte stream cut into
 *                                                       values
 *      'L' sequence u64, chunk u16             checked  a commit log record (state, ids, rows), cut
 *                                                       into values
 *      'R' first sequence u64                  checked  rejected bodies, packed
 *      'S' first id u64                        checked  seen page: ids up to the next key
 *      'X' SHA-256 of a body, 32 bytes         checked  sequence u64 of the rejected body without
 *                                                       an id
 *
 * The state is the numeric part of the catalogue. A commit that goes to the
 * log writes it into its record instead, so that it touches fewer pages: the
 * one with the higher revision counts: the catalogue's or the newest record's.
 *
 *      OFFSET  SIZE  MEANING (state; little-endian)
 *           0     8  messages stored
 *           8     8  duplicate deliveries
 *          16     8  bodies rejected and kept
 *          24     8  rows of the table readings
 *          32     8  rows of the table status
 *          40     8  rows that passed over a broken clock
 *          48     8  ids in the seen set (pages and log)
 *          56     8  digests of bodies without an id
 *          64     8  devices
 *          72     8  metrics
 *          80     8  first business time, ms (INT64_MAX if there are no rows)
 *          88     8  last business time, ms (INT64_MIN if there are no rows)
 *          96     8  next part number
 *         104     8  next log sequence
 *         112     8  next reject sequence
 *         120     8  records in the log
 *         128     8  rows in the log
 *         136     8  ids in the seen pages
 *         144     8  revision: commits and maintenance steps so far
 *         152     8  parts of the table readings
 *         160     8  parts of the table status
 */
#ifndef MNSDB_ENGINE_FORMAT_FORMAT_H
#define MNSDB_ENGINE_FORMAT_FORMAT_H

#include "engine/base/bytes.h"
#include "engine/block/block.h"
#include "engine/counters/counters.h"
#include "engine/kv/kv.h"

#include <stdint.h>

#define KEY_CATALOGUE 'C'
#define KEY_DEVICES   'D'
#define KEY_METRICS   'M'
#define KEY_PART      'P'
#define KEY_DIRECTORY 'I'
#define KEY_STREAM    'B'
#define KEY_SLICES    'T'
#define KEY_LOG       'L'
#define KEY_REJECTS   'R'
#define KEY_BODY      'X'

struct store_state {
    struct store_counters counters;
    uint64_t next_part;
    uint64_t next_log;
    uint64_t next_reject;
    uint64_t log_records;
    uint64_t log_rows;
    uint64_t seen_paged; /* ids in seen pages; counters.seen_ids counts the log's too */
    uint64_t revision;
    uint64_t parts[TABLE_COUNT]; /* so that a part whose record is lost is missed */
};

#define STORE_STATE_BYTES 168u

/* A key under construction. */
struct key {
    uint8_t bytes[KV_KEY_BYTES_MAX];
    size_t len;
};

static inline struct slice key_slice(const struct key *key)
{
    return slice_of(key->bytes, key->len);
}

struct key key_of(uint8_t type);
void key_add_u8(struct key *key, uint8_t value);
void key_add_u16(struct key *key, uint16_t value);
void key_add_u32(struct key *key, uint32_t value);
void key_add_u64(struct key *key, uint64_t value);

struct key key_part(enum table table, uint64_t part);
struct key key_directory_prefix(uint64_t part);
/* `ordinal` counts the directory values of a part, so that a lost one is missed. */
struct key key_directory(uint64_t part, const struct row_key *first, uint32_t ordinal);
struct key key_slices_prefix(uint64_t part);
struct key key_slices(uint64_t part, uint32_t ordinal);
struct key key_stream_prefix(uint64_t part);
struct key key_stream(uint64_t part, uint64_t offset);
struct key key_log_prefix(uint64_t sequence);
struct key key_log(uint64_t sequence, uint16_t chunk);

/* A key as it stands in the store; false if it is longer than any of ours. */
bool key_copy(struct slice bytes, struct key *key);

/* Reads back what key_directory put in; false if the key has another shape. */
bool key_read_directory(struct slice bytes, struct row_key *first, uint32_t *ordinal);
/* The u64 at an offset of a key; 0 if the key is too short. */
uint64_t key_read_u64(struct slice bytes, size_t offset);

struct store_state store_state_empty(void);
/* Appends STORE_STATE_BYTES to room that was reserved (asserted). */
void store_state_put(const struct store_state *state, struct buffer *out);
/* Reads a state and checks that its numbers can be true together. */
MUST_CHECK enum status store_state_read(struct cursor *cursor, struct store_state *state,
                                        struct error *err);

/* Widens the first and last business time by one row. */
void store_state_note_time(struct store_state *state, int64_t time_ms);

#endif
