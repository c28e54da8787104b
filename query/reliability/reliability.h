/*
 * reliability.h - how often a device fails, and how long it takes to come back.
 *
 *      state    ====#      ==#  ===========#        ====
 *                   |outage  |outage       |outage
 *                failure   failure      failure
 *
 * All is cut out of one timeline (query/timeline), for a range [from, until):
 *
 * 1. A failure is the end of a session in the range.
 * 2. A repair is the start of a session in the range that has a session before it; the outage
 *    it ends is the time from that session's end, as a whole, wherever it began.
 * 3. A flap is a failure whose session was shorter than the flap time, as a whole.
 * 4. The longest outage is the longest stretch of offline inside the range, of equal ones the
 *    earliest; its start is the true one, which may lie before the range.
 *
 * Failures, repairs, flaps and repaired time add up over any split of a range.
 *
 * Threads: pure.
 */
#ifndef MNSDB_QUERY_RELIABILITY_RELIABILITY_H
#define MNSDB_QUERY_RELIABILITY_RELIABILITY_H

#include "query/timeline/timeline.h"

#include <stdint.h>

#define RELIABILITY_FLAP_MS INT64_C(60000) /* the flap time if none is given */

struct reliability {
    uint64_t failures;
    uint64_t repairs;
    uint64_t flaps;
    int64_t repaired_ms;             /* whole outages that ended in the range */
    int64_t longest_outage_ms;       /* inside the range; 0: none */
    int64_t longest_outage_start_ms; /* if longest_outage_ms > 0 */
};

/* from_ms <= until_ms (asserted) */
struct reliability reliability_cut(const struct timeline *timeline, int64_t from_ms,
                                   int64_t until_ms, int64_t flap_ms);

/* Pools two devices; of equally long outages the one that began first. */
void reliability_add(struct reliability *sum, const struct reliability *added);

#endif
