/*
 * merge_policy.h - which parts to merge next.
 *
 * Beside a queue, parts are looked at in order of their times; neighbours of similar size are
 * merged, so that a row is rewritten once a tier: tiers grow eightfold, up to a cap. Below the
 * first tier they are merged four at a time. Where sizes do not fit tiers and parts get many,
 * the smallest neighbours are merged.
 *
 * While a recorded set is read, only small parts are merged, once they are many: a large part
 * costs a query a descent, and to write it again a third of what it took to take its rows in.
 *
 * Threads: pure functions.
 */
#ifndef MNSDB_ENGINE_STORE_MERGE_POLICY_H
#define MNSDB_ENGINE_STORE_MERGE_POLICY_H

#include "engine/base/error.h"
#include "engine/part/part.h"
#include "engine/store/store.h"

#include <stdint.h>

#define MERGE_FAN_IN 8u
#define MERGE_GROWTH 4u /* the merged part is as many times its largest input, at least */
/* The same in the lowest tier, where rows are cheap to write again and parts would be many. */
#define MERGE_FAN_IN_LOW 4u
#define MERGE_GROWTH_LOW 2u
#define TIER_ROWS_FIRST  (UINT64_C(512) << 10) /* parts of fewer rows are small */
/* Beyond, neighbours are merged whatever their size: of those below the cap, or of small ones. */
#define PARTS_MAX 64u
/* Beyond, all are, so many at once that a row is written again once. */
#define LARGE_PARTS_MAX  512u
#define MERGE_FAN_IN_MAX 32u
#define PART_ROWS_CAP    (UINT32_C(32) << 20) /* a part of this many rows is not merged again */
#define PART_ROWS_MAX    UINT32_MAX           /* a summary counts rows in 32 bits */

/*
 * Chooses `*count` parts (0: nothing to do) and puts their numbers in `chosen`,
 * ascending. Parts of a merge under way are not in the list.
 */
MUST_CHECK enum status merge_pick(const struct part_list *parts, enum upkeep upkeep,
                                  uint64_t chosen[PART_INPUTS_MAX], uint32_t *count);

#endif
