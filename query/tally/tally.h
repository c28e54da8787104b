/*
 * tally.h - how often each whole number came up, and which stands at a given rank.
 *
 *      waiting   [ 60000 59998 60000 ... ]     the newest, up to TALLY_WAITING_MAX
 *      counted   (59998, 12) (60000, 841) ...  by value, ascending
 *
 * Lengths of time and sizes of changes repeat: a month of readings has many intervals and some
 * thousand different ones. So once too many wait they are sorted and counted, and memory goes by
 * the number of different values. The few of most devices are never sorted: a rank among them is
 * found by selection.
 *
 * Life cycle: zero-initialise -> (add* -> close -> read -> clear)* -> release.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_TALLY_TALLY_H
#define MNSDB_QUERY_TALLY_TALLY_H

#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

#define TALLY_WAITING_MAX ((size_t)1 << 18) /* 2 MiB: sorted in one go, in the cache of a core */

struct tally_entry {
    uint64_t value;
    uint64_t count;
};

struct tally {
    uint64_t *waiting; /* owned; in no order. Closed, a tally has these or entries, not both */
    size_t waiting_count, waiting_capacity;
    struct tally_entry *entries; /* owned; by value, ascending */
    size_t entry_count, entry_capacity;
    uint64_t count; /* of all values */
};

/* On STATUS_NOMEM the tally may only be cleared or released. */
MUST_CHECK enum status tally_add(struct tally *tally, uint64_t value);

/* After the last value, before anything is read. */
MUST_CHECK enum status tally_close(struct tally *tally);

/*
 * The value at rank floor(numerator * (count - 1) / denominator) in ascending order: 1 of 2 is the
 * lower median, 19 of 20 the 95th percentile. Closed, and not empty (asserted).
 */
uint64_t tally_at(struct tally *tally, uint64_t numerator, uint64_t denominator);

/* How many values are greater. Closed. */
uint64_t tally_count_above(const struct tally *tally, uint64_t value);

void tally_clear(struct tally *tally); /* keeps its memory */
void tally_release(struct tally *tally);

#endif
