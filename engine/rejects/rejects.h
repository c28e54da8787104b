/*
 * rejects.h - rejected bodies, kept byte for byte, packed together.
 *
 *      OFFSET  SIZE  MEANING (an entry of the payload of key 'R' + first sequence)
 *           0     v  sequence less the page's first sequence, varint
 *           .     1  reason (enum reject_reason)
 *           .     1  flags: 1 altered (cut or masked), 2 has a message id
 *           .     8  message id, if it has one
 *           .     v  received, ms since the epoch, signed varint
 *           .     v  length of the detail, varint, and its bytes
 *           .     v  length of the body, varint, and its bytes
 *
 * A page takes entries up to REJECT_PAGE_BYTES; a larger entry has a page of its own.
 *
 * Threads: within a kv transaction, by its thread.
 */
#ifndef MNSDB_ENGINE_REJECTS_REJECTS_H
#define MNSDB_ENGINE_REJECTS_REJECTS_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/kv/kv.h"
#include "engine/row/row.h"

#include <stdbool.h>
#include <stdint.h>

#define REJECT_PAGE_BYTES 4064u /* with checksum and LMDB's header: one page */

/* A rejected body as it is kept. */
struct kept_reject {
    uint64_t sequence; /* order of arrival */
    enum reject_reason reason;
    bool altered; /* cut or masked */
    bool has_id;
    uint64_t id;
    int64_t received_ms;
    struct slice detail; /* borrowed during the call */
    struct slice body;
};

/* Appends entries behind the newest page of a write transaction. Zero-initialise. */
struct reject_writer {
    struct kv_txn *txn; /* borrowed */
    uint64_t page_first;
    struct buffer page; /* owned */
};
MUST_CHECK enum status reject_writer_begin(struct reject_writer *writer, struct kv_txn *txn,
                                           struct error *err);
/* Sequences ascend. */
MUST_CHECK enum status reject_writer_add(struct reject_writer *writer,
                                         const struct kept_reject *reject, struct error *err);
MUST_CHECK enum status reject_writer_finish(struct reject_writer *writer, struct error *err);
void reject_writer_release(struct reject_writer *writer);

typedef enum status reject_visitor(void *context, const struct kept_reject *reject);

/* Calls `visit` for each kept body from `sequence` on, in order. */
MUST_CHECK enum status rejects_walk(struct kv_txn *txn, uint64_t sequence, reject_visitor *visit,
                                    void *context, struct error *err);

/* The same for one page of untrusted bytes. For rejects_walk and fuzzing. */
MUST_CHECK enum status rejects_walk_page(struct slice payload, uint64_t page_first,
                                         uint64_t sequence, reject_visitor *visit, void *context,
                                         struct error *err);

/* Takes out the entries with the given sequences, which ascend and are there. */
MUST_CHECK enum status rejects_remove(struct kv_txn *txn, const uint64_t *sequences, size_t count,
                                      struct error *err);

#endif
