/*
 * compare_internal.h - the contest, and the two kinds of contestants.
 */
#ifndef MNSDB_BENCH_BENCH_COMPARE_INTERNAL_H
#define MNSDB_BENCH_BENCH_COMPARE_INTERNAL_H

#include "bench/bench/answer_table.h"
#include "bench/bench/compare.h"
#include "bench/bench/peer.h"
#include "bench/bench/query_set.h"
#include "bench/bench/workspace.h"

struct contest {
    const struct compare_config *config;
    struct set_result *result;
    struct workspace workspace;
    char store[WORKSPACE_PATH_BYTES]; /* mnsdb's, of the last round */
    struct query_target target;
    struct snapshot *snapshot;                /* of the store, paused; NULL: closed */
    struct answer_table answers[SET_QUERIES]; /* mnsdb's */
    struct peer *peers;                       /* owned; the i-th is system i + 1 */
};

/*
 * Whether a warm query that just took the last of the times is to be asked once more in its turn:
 * if so, that time is taken back. Between two turns others have had the processor's caches; a
 * short query that finds none of its own there would be called warm, and is not.
 */
bool compare_again(struct series *warm_ms);

/* The definition of the i-th query of a set. */
const struct query_definition *contest_query(size_t query);

/* --- mnsdb: failures are failures ------------------------------------------------------------ */

void mnsdb_describe(struct set_system *system);
MUST_CHECK enum status mnsdb_load(struct contest *contest, struct error *err);
/* What is to be known before settling: queries, and the same set again. */
MUST_CHECK enum status mnsdb_measure_fresh(struct contest *contest, struct error *err);
MUST_CHECK enum status mnsdb_compact(struct contest *contest, struct error *err);
MUST_CHECK enum status mnsdb_answer(struct contest *contest, size_t query, struct error *err);
MUST_CHECK enum status mnsdb_query(struct contest *contest, size_t query, bool cold,
                                   struct error *err);
void mnsdb_close(struct contest *contest);

/* --- peers: `system` is 1 or more; what they fail at stands in their figures ------------------ */

/*
 * STATUS_STOPPED and STATUS_NOMEM are the only failures. A peer that is left out does nothing.
 */
MUST_CHECK enum status peer_begin(struct contest *contest, size_t system, struct error *err);
MUST_CHECK enum status peer_load(struct contest *contest, size_t system, struct error *err);
MUST_CHECK enum status peer_compact(struct contest *contest, size_t system, struct error *err);
/* The answer to a query, held against mnsdb's. */
MUST_CHECK enum status peer_answer(struct contest *contest, size_t system, size_t query,
                                   struct error *err);
MUST_CHECK enum status peer_query(struct contest *contest, size_t system, size_t query, bool cold,
                                  struct error *err);

#endif
