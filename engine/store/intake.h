/*
 * intake.h - which messages of a commit are duplicates.
 *
 * All messages of a commit, in order of arrival over its batches, get an index.
 * Those with ids are sorted by id; the first of equal ids stays, if neither
 * the commit log nor the seen pages hold it.
 *
 * Threads: one at a time; scratch memory is reused between commits.
 */
#ifndef MNSDB_ENGINE_STORE_INTAKE_H
#define MNSDB_ENGINE_STORE_INTAKE_H

#include "engine/base/error.h"
#include "engine/kv/kv.h"
#include "engine/row/row.h"
#include "engine/seen/seen.h"
#include "engine/store/id_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intake_entry {
    uint64_t id;
    uint32_t message; /* index in the commit */
};

struct intake {
    struct intake_entry *in_order; /* owned; messages whose id is not below any before it */
    size_t in_order_count, in_order_capacity;
    struct intake_entry *late; /* owned; the others */
    size_t late_count, late_capacity;
    struct intake_entry *scratch; /* owned; for sorting them */
    size_t scratch_capacity;
    uint64_t *ids; /* owned; each once, ascending: candidates for the seen set */
    size_t id_capacity;
    uint32_t *id_messages; /* owned; the message of each */
    size_t id_message_capacity;
    bool *held; /* owned; parallel to ids */
    size_t held_capacity;
    bool *duplicate; /* owned; per message: the result */
    size_t duplicate_capacity;
    size_t id_count;
};

/* What is judged, and against what. */
struct intake_request {
    struct row_batch *const *batches;
    size_t batch_count;
    const struct id_set *pending;
    struct seen *seen;
    struct kv_txn *txn;
    bool add; /* new ids go into the seen pages; else they are only looked up there */
};

/* Fills `intake->duplicate`; *added ids went into the seen pages. */
MUST_CHECK enum status intake_judge(struct intake *intake, const struct intake_request *request,
                                    uint64_t *added, struct error *err);
void intake_release(struct intake *intake);

#endif
