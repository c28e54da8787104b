/*
 * shape.h - recognises statements that ask for nothing but aggregates of `readings`.
 *
 * SQLite hands no aggregate to a table: it asks for rows and adds them up itself. A statement of
 * one shape,
 *
 *      [explain [query plan]] select EXPRESSION [[as] NAME], ... from readings [[as] ALIAS]
 *      [where ...] [group by ...] [having ...] [order by ...] [limit ...]
 *
 * all of whose looks at readings are aggregates, their groups and comparisons that whole groups
 * pass or fail, can be answered from far fewer rows: parts of groups that were added up before.
 * It is rewritten to read these: each call of an aggregate becomes one of a function that puts
 * parts together, `readings` becomes SHAPE_TABLE, and all else stays as it was written.
 *
 *      select device, round(avg(t), 1) a from readings where time >= '-1d' group by device
 *      select device, round(mnsdb_part_avg(mnsdb_part, 0), 1) a
 *                             from readings_parts as readings where time >= '-1d' group by device
 *
 * What is not understood to its last token is not recognised, and runs as it is: a statement is
 * never refused here. Nothing is known of a store: whether a name is a metric is the caller's to
 * find out, who must give up if one of `figures` is not, or one of `not_columns` is.
 *
 * Life cycle: zero-initialise -> shape_read -> shape_release.
 * Threads:    plain functions.
 */
#ifndef MNSDB_SQL_SHAPE_SHAPE_H
#define MNSDB_SQL_SHAPE_SHAPE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHAPE_TABLE       "readings_parts"
#define SHAPE_PART        "mnsdb_part"
#define SHAPE_FIGURES_MAX 64u
#define SHAPE_NAMES_MAX   64u
#define SHAPE_TOKENS_MAX  2000u
#define SHAPE_NAME_BYTES  256u /* of a column, as SQL writes it without quotes */

/* An aggregate. The first five are of rows, the others of the values of a metric. */
enum figure_kind {
    FIGURE_ROWS,
    FIGURE_FIRST_MS,
    FIGURE_LAST_MS,
    FIGURE_FIRST_TIME, /* as text */
    FIGURE_LAST_TIME,
    FIGURE_COUNT,
    FIGURE_SUM,
    FIGURE_TOTAL,
    FIGURE_AVG,
    FIGURE_MIN,
    FIGURE_MAX,
    FIGURE_KINDS,
};

/* The function that puts parts together: mnsdb_part_avg(mnsdb_part, i), i being the figure. */
const char *figure_function(enum figure_kind kind);

static inline bool figure_is_of_rows(enum figure_kind kind)
{
    return kind < FIGURE_COUNT;
}

struct shape_figure {
    enum figure_kind kind;
    struct slice name; /* of the column, in the shape; empty if it is of rows */
};

/* What of a reading's time groups are made of. */
enum shape_bucket {
    BUCKET_NOTHING,
    BUCKET_QUOTIENT, /* time_ms / bucket_size */
    BUCKET_PREFIX,   /* the first bucket_size characters of time, in the display zone */
};

struct shape {
    bool grouped;   /* there is a group by: a group without rows is none */
    bool by_device; /* a part may be of one device only */
    bool by_product;
    enum shape_bucket bucket;
    int64_t bucket_size;
    struct shape_figure figures[SHAPE_FIGURES_MAX];
    size_t figure_count;
    struct slice not_columns[SHAPE_NAMES_MAX]; /* names that must not be columns of readings */
    size_t not_column_count;
    struct buffer sql;   /* owned; the statement rewritten, ending in NUL */
    struct buffer names; /* owned; what the slices point to */
};

/* STATUS_NOMEM at worst. Unless *recognised, the shape is of no use but to be released. */
MUST_CHECK enum status shape_read(struct shape *shape, const char *sql, bool *recognised);
void shape_release(struct shape *shape);

#endif
