/*
 * follow.h - which rows of a store are new since the last look, each exactly once.
 *
 *      look      scan: blocks that were there the last time are passed over by their summaries
 *                      rows of the others: message ids that are not known yet are new
 *
 * A store keeps no order of arrival: rows lie by device and time, and the writer folds and merges
 * them at any moment. What tells a new row is its message id, which the store takes in once. So
 * the ids of the selection are kept in memory, 8 bytes each, and a look reads only what was written
 * since the last one: new commits, and what was merged, which has old rows in it.
 *
 * Life cycle: new -> begin -> (changed -> look)* -> free. The snapshot is resumed by the caller.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_FOLLOW_FOLLOW_H
#define MNSDB_QUERY_FOLLOW_FOLLOW_H

#include "engine/base/error.h"
#include "engine/snapshot/snapshot.h"
#include "query/log/log.h"
#include "query/selection/selection.h"

#include <stdbool.h>
#include <stdint.h>

#define FOLLOW_TAIL_MAX 1000000u

struct follow;

MUST_CHECK enum status follow_new(struct follow **follow);
void follow_free(struct follow *follow); /* NULL is fine */

/* Takes what is stored now as seen; `tail`, FOLLOW_TAIL_MAX at most, is for follow_tail_from_ms. */
MUST_CHECK enum status follow_begin(struct follow *follow, struct snapshot *snapshot,
                                    const struct selection *selection, uint32_t tail,
                                    struct scan_statistics *statistics, struct error *err);

/*
 * After follow_begin: a time such that at least `tail` rows of the selection (or all, if there are
 * fewer) are not older; TIME_MS_MAX for a tail of 0.
 */
int64_t follow_tail_from_ms(const struct follow *follow);

/* Whether rows were stored since the last look: no more than a comparison of counters. */
bool follow_changed(const struct follow *follow, const struct snapshot *snapshot);

/*
 * The new rows of the selection, by message id; log_release frees them. `selection` is of this
 * snapshot: it may know devices that the last one did not.
 */
MUST_CHECK enum status follow_look(struct follow *follow, struct snapshot *snapshot,
                                   const struct selection *selection, struct log **log,
                                   struct scan_statistics *statistics, struct error *err);

#endif
