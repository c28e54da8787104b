/*
 * query_set.h - the queries that are measured, in process and as calls of mnsdb.
 *
 *      Q1   all time: average, least, most          one row
 *      Q2   the same by device                      a row a device
 *      Q3   one device, by hour                     a row an hour
 *      Q4   all devices together, by hour           a row an hour
 *      Q4d  by device and hour                      a row a device and hour
 *      Q5   the last value of one device            one row
 *      Q6   the 95th percentile of all              one row
 *      Q7   online durations of all devices         a row a device
 *      Q8   one device, one hour of rows            a row a reading or event
 *
 * They go through the query modules, as mnsdb does, from names to finished rows.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_QUERY_SET_H
#define MNSDB_BENCH_BENCH_QUERY_SET_H

#include "bench/bench/answer_table.h"
#include "bench/bench/query_columns.h"
#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "engine/snapshot/snapshot.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define QUERY_SET_COUNT    9u
#define QUERY_WORDS_MAX    16u
#define QUERY_METRIC_FIRST "temperature" /* what is asked for where the store has it */

/* What the queries ask about. */
struct query_target {
    struct arena arena; /* of the texts */
    const char *device; /* its name */
    const char *glob;   /* matches that name only */
    const char *metric; /* its name */
    const char *from;   /* as mnsdb's --from takes it */
    const char *until;  /* as mnsdb's --to */
    int64_t from_ms;    /* the hour of Q8: the one around the middle of the store's time */
    int64_t until_ms;
    struct civil_zone zone; /* UTC */
};

/* What a run of a query left. */
struct query_outcome {
    FILE *text; /* borrowed: the answer is printed here as CSV; NULL: rows are only counted */
    struct answer_table *table; /* borrowed: takes the definition's columns; or NULL */
    const char *const *columns; /* with `table`: those of the definition */
    uint64_t rows;
    struct scan_statistics statistics;
};

struct query_definition {
    const char *name;  /* "Q1" */
    const char *title; /* "all time: avg, min, max" */
    /* The words of the call of mnsdb; "{device}", "{metric}", "{from}", "{until}" stand for the
     * target's. NULL-terminated. */
    const char *words[QUERY_WORDS_MAX];
    const char *columns[QUERY_COLUMNS_MAX + 1]; /* those that peers give, too; none: not asked */
    enum status (*run)(struct snapshot *snapshot, const struct query_target *target,
                       struct query_outcome *outcome, struct error *err);
};

extern const struct query_definition query_set[QUERY_SET_COUNT];

#define QUERY_BITS_ALL ((UINT32_C(1) << QUERY_SET_COUNT) - 1)

/* The place of a query in the set; QUERY_SET_COUNT if there is none of that name. */
size_t query_set_find(const char *name);

/*
 * Chooses for a store: the device of that name, or (NULL) the middle one of all, by name.
 * STATUS_INPUT if there is no such device or none at all. Release it in any case.
 */
MUST_CHECK enum status query_target_choose(struct query_target *target, struct snapshot *snapshot,
                                           const char *device, struct error *err);
void query_target_release(struct query_target *target);

/* The word with what it stands for: one of the target's texts, or itself. */
const char *query_word(const char *word, const struct query_target *target);

#endif
