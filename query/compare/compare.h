/*
 * compare.h - two answers put side by side, row by row.
 *
 *      join      device | a b      device | x           device | a b x
 *      versus    device | a        device | a           device | a a_before a_change [a_percent]
 *
 * Rows are matched by their key columns: a name, a bucket's time, both or none. Both answers
 * come with their rows by name and time, names ordered by bytes, each key once. Rows that only
 * one side has are there too; cells of the other side are then null, or 0 where asked for.
 *
 * Cells are copied: numbers too long for a cell into the arena of the new answer, other texts
 * stay borrowed from where they were, which outlives both.
 *
 * Threads: pure.
 */
#ifndef MNSDB_QUERY_COMPARE_COMPARE_H
#define MNSDB_QUERY_COMPARE_COMPARE_H

#include "engine/base/error.h"
#include "query/answer/answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The key columns, which come first: the name before the time. */
struct compare_keys {
    bool has_name;
    bool has_time;
};

/* What stands for a side that has no row: 0 for these, null for all else. */
struct compare_missing {
    bool zero_counts;
    bool zero_durations;
};

/* The columns of `left`, then those of `right` behind its keys. */
MUST_CHECK enum status compare_join(const struct answer *left, const struct answer *right,
                                    struct compare_keys keys, struct compare_missing missing,
                                    struct answer *joined, struct error *err);

/* A bucket of the range and the one that it is compared with. */
struct compare_bucket {
    int64_t now_ms; /* their starts */
    int64_t before_ms;
};

struct compare_versus_spec {
    struct compare_keys keys;
    struct compare_missing missing;
    const struct compare_bucket *buckets; /* all of the range, ascending; if keys.has_time */
    size_t bucket_count;
    bool percent; /* behind each change the same as a share of what was before */
};

/*
 * Behind each column that is no key comes <field>_before, and behind that of a number, a count
 * or a duration <field>_change = now - before: exact for exact numbers, else the nearest double;
 * null if either is; with `percent` also <field>_percent = 100 * change / |before|, the nearest
 * double, null where that is no number. Both answers have the same columns (asserted).
 */
MUST_CHECK enum status compare_versus(const struct answer *now, const struct answer *before,
                                      const struct compare_versus_spec *spec,
                                      struct answer *compared, struct error *err);

#endif
