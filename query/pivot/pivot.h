/*
 * pivot.h - a matrix: a row for each name, a column for each bucket.
 *
 *      device  time   availability        device  05-16  05-17
 *      a       05-16  1                   a       1      0.5
 *      a       05-17  0.5            ──▶  b       0.9
 *      b       05-16  0.9
 *
 * A column's name is its bucket's start in the zone of the display: "2018-05-16" of days and
 * weeks, "2018-05" of months, else "2018-05-16 05:00", finer where it must be, with its offset
 * the second time that a clock shows it. For people what all columns share is left out.
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
    bool brief;   /* for people */
    size_t width; /* columns of the terminal that may be used; 0: any number */
};

/*
 * `list` has [name], time, then fields; rows by name and time. STATUS_INPUT: no such field, or
 * too many buckets. `matrix` is an empty answer; `*hidden` becomes the number of buckets, the
 * earliest ones, that are left out because of the width.
 */
MUST_CHECK enum status pivot_query(const struct answer *list, const struct pivot_spec *spec,
                                   struct answer *matrix, size_t *hidden, struct error *err);

#endif
