/*
 * log.h - records of the commit log: the rows and ids of one small commit.
 *
 *      OFFSET  SIZE  MEANING (a record; cut into values of key 'L' + sequence, chunk)
 *           0   168  state after this commit (format.h)
 *           .     v  number of ids that have no rows (rejects), varint; each as signed
 *                    varint difference to the one before
 *           .     v  rows of the table readings, varint, then each row:
 *                       v  device
 *                       v  time, signed difference to the row before
 *                       v  message id, signed difference to the row before
 *                       1  time source, plus 4 if it passed over a broken clock
 *                       v  cells, varint; each: metric, kind u8, then for a decimal exponent
 *                          i8 and mantissa signed varint, for a real its 8 bytes
 *           .     v  rows of the table status, likewise
 *
 * Threads: within a kv transaction, by its thread.
 */
#ifndef MNSDB_ENGINE_LOG_LOG_H
#define MNSDB_ENGINE_LOG_LOG_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/format/format.h"
#include "engine/kv/kv.h"
#include "engine/row/row.h"

#include <stdint.h>

/* Rows with store-wide device and metric numbers, gathered from the log or for a commit. */
struct row_set {
    struct row *rows[TABLE_COUNT]; /* owned; first_cell indexes `cells` */
    size_t row_count[TABLE_COUNT], row_capacity[TABLE_COUNT];
    struct cell *cells; /* owned; those of a row ascend by metric */
    size_t cell_count, cell_capacity;
    uint64_t *ids; /* owned; of messages without rows */
    size_t id_count, id_capacity;
};
void row_set_clear(struct row_set *set);
void row_set_release(struct row_set *set);

/* Writes one record; rows are in the order of the set. `scratch` is reused. */
MUST_CHECK enum status log_append(struct kv_txn *txn, uint64_t sequence,
                                  const struct store_state *state, const struct row_set *set,
                                  struct buffer *scratch, struct error *err);

/* Replaces `state` (the catalogue's) by the newest record's, if that has a higher revision. */
MUST_CHECK enum status log_newest_state(struct kv_txn *txn, struct store_state *state,
                                        struct error *err);

/*
 * Appends the rows and ids of all records to the empty set; their number must be what `state`
 * says, and the devices and metrics of the rows among those that it counts.
 */
MUST_CHECK enum status log_read_all(struct kv_txn *txn, const struct store_state *state,
                                    struct row_set *set, struct error *err);

/* Deletes all records. */
MUST_CHECK enum status log_clear(struct kv_txn *txn, struct error *err);

/* Decodes one record from untrusted bytes and appends to the set. For log_read_all and fuzzing. */
MUST_CHECK enum status log_decode_record(struct slice bytes, struct store_state *state,
                                         struct row_set *set, struct error *err);

#endif
