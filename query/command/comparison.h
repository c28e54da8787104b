/*
 * comparison.h - what `stats` and `online` share behind their queries: --versus and --matrix.
 *
 *      query(range) ─────────────▶ answer ──▶ [compared] ──▶ [matrix]
 *      query(range shifted) ─────▶ answer ──┘
 *
 * Without these options the query fills the command's answer itself.
 */
#ifndef MNSDB_QUERY_COMMAND_COMPARISON_H
#define MNSDB_QUERY_COMMAND_COMPARISON_H

#include "query/command/command_internal.h"
#include "query/compare/compare.h"

/* A query that can be asked for another range. */
struct comparison_query {
    void *context;
    enum status (*run)(void *context, const struct selection *selection, struct answer *answer,
                       struct error *err);
    bool has_name;                    /* of the answer's first column */
    const struct bucket_width *every; /* NULL: no buckets, and no time in the answer */
    struct compare_missing missing;   /* what stands for a row that one range does not have */
    bool takes_last;                  /* without --to the last business time itself is in range */
    const char *matrix_field;         /* of --matrix without --cell; NULL: the first figure */
};

/* Mistakes in the options, before the store is opened. `every` as in the query. */
MUST_CHECK enum status comparison_check(const struct command *command,
                                        const struct bucket_width *every, struct error *err);

/* Fills the answer. The selection is the command's. */
MUST_CHECK enum status comparison_run(struct command *command, const struct comparison_query *query,
                                      struct answer *answer, struct error *err);

#endif
