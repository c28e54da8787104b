/*
 * pivot.h - a matrix: a row for each name, a column for each bucket.
 *
 *      device  time   availability        device  05-16  05-17
 *      a       05-16  1                   a       1      0.5
 *      a       05-17  0.5            ──▶  b       0.9
 *      b       05-16  0.9
 *
 * Names of columns are the buckets' starts in the zone of the display: a date where all begin
 * with a day, else date and time; with their offset where the same text would come twice.
 *
 * Threads: pure, but for the zone's rules (engine/civil).
 */
#ifndef MNSDB_QUERY_PIVOT_PIVOT_H
#define MNSDB_QUERY_PIVOT_PIVOT_H

#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "query/answer/answer.h"
#include "query/bucket/bucket.h"

#include <stdbool.h>
#include <stddef.h>

#define PIVOT_COLUMNS_MAX ((size_t)1000) /* beyond it nobody reads a matrix, and few programs do */

struct pivot_spec {
    bool has_name;                    /* the first column is a name; else there is one row */
    const char *field;                /* of the cells; NULL: `fallback` */
    const char *fallback;             /* NULL: the first number, count or duration */
    const struct bucket_width *every; /* how names of columns are written */
    const struct civil_zone *zone;
};

/*
 * `list` has [name], time, then fields; rows by name and time. STATUS_INPUT: no such field, or
 * too many buckets. `matrix` is an empty answer.
 */
MUST_CHECK enum status pivot_query(const struct answer *list, const struct pivot_spec *spec,
                                   struct answer *matrix, struct error *err);

#endif
