/*
 * stats_internal.h - one `stats` query at work: shared by its scan and its answer.
 */
#ifndef MNSDB_QUERY_AGGREGATE_STATS_INTERNAL_H
#define MNSDB_QUERY_AGGREGATE_STATS_INTERNAL_H

#include "query/aggregate/aggregate.h"
#include "query/aggregate/stats_groups.h"

/* A shown metric that the store knows. */
struct stats_metric {
    uint32_t number; /* the store's */
    uint32_t place;  /* among the shown metrics */
};

/* A value whose end of holding is not known yet, for twa. */
struct held_value {
    struct number value; /* NUMBER_NULL: none */
    int64_t time_ms;
    int64_t until_ms; /* end of its bucket or of the range, whichever comes first */
    size_t entry;
    uint32_t device;
};

/* Where the values lie that percentiles ask for: keys that order as doubles do. */
struct rank_bracket {
    uint64_t low, high; /* inclusive */
};

enum rank_side {
    RANK_BELOW,
    RANK_WITHIN, /* some values may be in the bracket */
    RANK_ABOVE,
};

struct stats {
    const struct stats_spec *spec;
    struct snapshot *snapshot;
    struct slice *names; /* owned; of the shown metrics, in order of columns */
    size_t name_count;
    struct stats_metric *metrics; /* owned; by number */
    uint32_t *numbers;            /* owned; the same numbers, for the scan */
    size_t metric_count;
    struct held_value *held;       /* owned; by place; for twa */
    struct rank_bracket *brackets; /* owned; by place; NULL: every value is looked at */
    struct accumulator_needs needs;
    bool needs_sum;               /* sum, avg or twa: a summary must carry it */
    int64_t held_until_ms;        /* `to`, or the store's last business time */
    struct bucket_grid grid;      /* with buckets */
    struct bucket bucket;         /* the one looked at last */
    struct product_list products; /* by product */
    struct stats_groups groups;
};

/* The place of a metric among the shown ones; `*next` walks along with ascending metrics. */
static inline bool stats_find_place(const struct stats *stats, uint32_t metric, size_t *next,
                                    size_t *place)
{
    while (*next < stats->metric_count && stats->metrics[*next].number < metric)
        ++*next;
    if (*next == stats->metric_count || stats->metrics[*next].number != metric)
        return false;
    *place = stats->metrics[*next].place;
    return true;
}

/* --- percentiles by brackets (stats_ranks.c) ----------------------------------------------- */

/* True if summaries may tell which blocks percentiles have to look into. */
bool stats_wants_brackets(const struct stats *stats);

/* What is scanned for percentiles, and by how many threads. */
struct rank_scan {
    const struct scan_spec *spec; /* its `blocks_only` is set */
    uint32_t thread_count;
};

/*
 * Looks at summaries, and perhaps at the values of a few devices: if *guessed, the brackets may be
 * wrong, which shows when the values were added. Without `may_guess` they are sure.
 */
MUST_CHECK enum status stats_find_brackets(struct stats *stats, const struct rank_scan *scan,
                                           bool may_guess, bool *guessed, struct error *err);

/* *right is false if a rank lies beyond the brackets: the groups are of no use then. */
MUST_CHECK enum status stats_check_guess(struct stats *stats, bool *right, struct error *err);

/* Where all values of a column lie. */
enum rank_side stats_side(const struct rank_bracket *bracket, const struct column_summary *column);

/* --- scan and answer ----------------------------------------------------------------------- */

/* Reads the selection's rows into the groups. */
MUST_CHECK enum status stats_scan(struct stats *stats, struct scan_statistics *statistics,
                                  struct error *err);

/* First and last row of the selection, whatever their metrics; *found is false if there is none. */
MUST_CHECK enum status stats_find_span(struct stats *stats, struct time_range *span, bool *found,
                                       struct scan_statistics *statistics, struct error *err);

/* The rows of the answer, from the groups. */
MUST_CHECK enum status stats_answer(struct stats *stats, struct answer *answer,
                                    struct scan_statistics *statistics, struct error *err);

#endif
