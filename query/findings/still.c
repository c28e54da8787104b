/*
 * still.c - a metric that never moved on a device: does it move on the others?
 *
 *      suspect   21 21 21 21 21 21 21 21 21 21 21 21 21 21 21     5 days
 *      peers     [-20-][---21---][-20-][-19-][----20----] ...     longest: 11 h
 *
 * Steps tell it of what moves from reading to reading, but a thermometer of whole degrees
 * stands for hours. So the length of the suspect's stretch is held against the longest stretch of
 * every peer: a device with readings of the metric over a day or more. Only peers that are as
 * coarse tell, since finer ones move sooner; where there are none, all do. A peer is
 * lively if its longest stretch is less than a fifth of the suspect's and if it has more than a few
 * different values, as a switch or a state has not.
 *
 * What is the same on all devices has no lively peers, and is never suspect.
 */
#include "query/findings/findings_internal.h"

#include "engine/base/bound.h"
#include "engine/base/mem.h"

#include <stdlib.h>

/* A suspect's stretch is more than so many times as long as any of a lively peer. */
#define LIVELY_TIMES 5
/* So many of 4 peers must be lively. */
#define LIVELY_NUMERATOR   3u
#define LIVELY_DENOMINATOR 4u

/* Longest stretches of the peers of a metric that vary, ascending; of all of them, how many. */
struct peers {
    struct times longest;
    size_t count;
};

/* Suspects by metric and decimals; what to hold those at hand against. */
struct comparison {
    struct findings *findings;
    struct frozen_case **suspects; /* owned array */
    size_t suspect_count;
    struct peers alike; /* as coarse as the suspects at hand, or coarser */
    struct peers all;
};

static void comparison_release(struct comparison *comparison)
{
    mem_free(comparison->suspects);
    times_release(&comparison->alike.longest);
    times_release(&comparison->all.longest);
}

/* True if steps tell that others move: this device had no time to. */
static bool others_move(const struct metric_facts *metric)
{
    return metric->devices_moving >= MOVES_DEVICES_MIN &&
           2 * (uint64_t)metric->devices_moving > metric->devices_judged;
}

static bool never_moved(const struct frozen_case *frozen)
{
    return frozen->steps < MOVES_STEPS_MIN;
}

static int64_t length_of(const struct frozen_case *frozen)
{
    return gaps_between(frozen->longest_start_ms, frozen->longest_last_ms);
}

/* Two peers at least; of what must move, none is as good after a long time. */
static bool is_still(const struct findings *findings, const struct frozen_case *frozen)
{
    const int64_t still_ms = findings->spec->limits.still_ms;
    const bool alone = still_ms > 0 && findings->metrics[frozen->metric].must_move &&
                       length_of(frozen) >= still_ms;
    return (alone || frozen->peers >= MOVES_DEVICES_MIN) &&
           (uint64_t)frozen->lively_peers * LIVELY_DENOMINATOR >=
               (uint64_t)frozen->peers * LIVELY_NUMERATOR;
}

bool frozen_is_suspect(const struct findings *findings, const struct frozen_case *frozen)
{
    return !never_moved(frozen) || others_move(&findings->metrics[frozen->metric]) ||
           is_still(findings, frozen);
}

/* --- peers --------------------------------------------------------------------------------- */

static int compare_suspects(const void *left, const void *right)
{
    const struct frozen_case *a = *(const struct frozen_case *const *)left;
    const struct frozen_case *b = *(const struct frozen_case *const *)right;
    if (a->metric != b->metric)
        return a->metric < b->metric ? -1 : 1;
    return (a->decimals > b->decimals) - (a->decimals < b->decimals);
}

static int compare_peers(const void *left, const void *right)
{
    const struct metric_peer *a = left;
    const struct metric_peer *b = right;
    if (a->metric != b->metric)
        return a->metric < b->metric ? -1 : 1;
    return (a->longest_ms > b->longest_ms) - (a->longest_ms < b->longest_ms);
}

static int64_t peer_metric(const void *items, size_t place)
{
    const struct metric_peer *peers = items;
    return peers[place].metric;
}

/* The first peer of a metric, or of one behind it. */
static size_t first_peer(const struct findings *findings, uint32_t metric)
{
    return bound_find(findings->peers, findings->peer_count, metric, peer_metric);
}

static void see_peer(struct peers *peers, const struct metric_peer *peer)
{
    peers->count++;
    if (peer->varies)
        peers->longest.ms[peers->longest.count++] = peer->longest_ms;
}

/* Peers are by length within a metric, so that what is chosen of them is in order. */
static void choose_peers(struct comparison *comparison, const struct frozen_case *suspect)
{
    const struct findings *findings = comparison->findings;
    comparison->alike.count = comparison->alike.longest.count = 0;
    comparison->all.count = comparison->all.longest.count = 0;
    for (size_t i = first_peer(findings, suspect->metric);
         i < findings->peer_count && findings->peers[i].metric == suspect->metric; i++) {
        const struct metric_peer *peer = &findings->peers[i];
        see_peer(&comparison->all, peer);
        if (peer->decimals <= suspect->decimals)
            see_peer(&comparison->alike, peer);
    }
}

/* Among the lively ones the suspect never is itself. */
static void compare_with(struct frozen_case *suspect, const struct peers *peers)
{
    suspect->peers = (uint32_t)(peers->count - suspect->is_peer);
    suspect->lively_peers =
        (uint32_t)times_upto(&peers->longest, (length_of(suspect) - 1) / LIVELY_TIMES);
}

enum status findings_still(struct findings *findings)
{
    OWNED(comparison_release) struct comparison comparison = {.findings = findings};
    comparison.suspects = mem_alloc(findings->frozen_count, sizeof(struct frozen_case *));
    if (!comparison.suspects)
        return STATUS_NOMEM;
    for (size_t i = 0; i < findings->frozen_count; i++) {
        if (never_moved(&findings->frozen[i]))
            comparison.suspects[comparison.suspect_count++] = &findings->frozen[i];
    }
    if (comparison.suspect_count == 0)
        return STATUS_OK;
    TRY(times_init(&comparison.alike.longest, findings->peer_count));
    TRY(times_init(&comparison.all.longest, findings->peer_count));
    qsort(comparison.suspects, comparison.suspect_count, sizeof(struct frozen_case *),
          compare_suspects);
    if (findings->peer_count > 1)
        qsort(findings->peers, findings->peer_count, sizeof *findings->peers, compare_peers);
    for (size_t i = 0; i < comparison.suspect_count; i++) {
        struct frozen_case *suspect = comparison.suspects[i];
        if (i == 0 || compare_suspects(&comparison.suspects[i - 1], &comparison.suspects[i]) != 0)
            choose_peers(&comparison, suspect);
        compare_with(suspect, &comparison.alike);
        if (suspect->peers < MOVES_DEVICES_MIN)
            compare_with(suspect, &comparison.all);
    }
    return STATUS_OK;
}
