/*
 * view.h - the readings of a store as a query sees them: aliases put together, --where applied.
 *
 *      snapshot_scan ──▶ rows, summaries ──▶ view: columns merged, rows that do not count left out
 *                                              ──▶ the query's own visitor
 *
 * A scan through a view is a snapshot_scan: the same specification, the same visitor. The numbers
 * of metrics in both are those under which metrics are answered (query/alias), and rows that do
 * not count never arrive. Summaries arrive if every row of theirs counts and merging needs no look
 * at rows; where none counts they are passed over.
 *
 * A view that changes nothing, and NULL, cost nothing.
 *
 * Life cycle: init -> scan* -> release; borrows snapshot, aliases and filter.
 * Threads:    one scan at a time.
 */
#ifndef MNSDB_QUERY_VIEW_VIEW_H
#define MNSDB_QUERY_VIEW_VIEW_H

#include "engine/base/error.h"
#include "engine/snapshot/snapshot.h"
#include "query/alias/alias.h"
#include "query/filter/filter.h"

#include <stdbool.h>
#include <stdint.h>

/* What a view did: for --explain. */
struct view_statistics {
    uint64_t summaries_none; /* parts, slices and blocks that were passed over */
    uint64_t summaries_all;  /* those in which every row counts */
    uint64_t rows_judged;    /* one by one */
    uint64_t rows_kept;      /* of these */
};

struct view {
    struct snapshot *snapshot;
    struct alias_map aliases;
    const struct filter *filter; /* NULL: every row counts */
    uint32_t *filter_metrics;    /* owned; by place in filter->metrics; VIEW_NO_METRIC: unseen */
    struct view_statistics statistics;
};

#define VIEW_NO_METRIC UINT32_MAX

/* `aliases` and `filter` may be NULL. */
MUST_CHECK enum status view_init(struct view *view, struct snapshot *snapshot,
                                 const struct alias_list *aliases, const struct filter *filter,
                                 struct error *err);
void view_release(struct view *view);
/* Adds what another view of the same readings did. */
void view_add_statistics(struct view *view, const struct view_statistics *done);

/* Looks the names up again, for a snapshot that was resumed and may have more of them. */
MUST_CHECK enum status view_refresh(struct view *view, struct error *err);

/* --- metrics; a NULL view has those of the snapshot ---------------------------------------- */

/* Numbers are the store's, below snapshot_metric_count; view_shows says which of them are used. */
bool view_find_metric(const struct view *view, const struct snapshot *snapshot, struct slice name,
                      uint32_t *metric);
struct slice view_metric_name(const struct view *view, const struct snapshot *snapshot,
                              uint32_t metric);
bool view_shows(const struct view *view, uint32_t metric);
/* The name under which `name` is answered. */
struct slice view_canonical(const struct view *view, struct slice name);

/* True if a row without any metric counts: a status event in a log. */
bool view_takes_empty(const struct view *view);

/* True if rows may be left out. */
bool view_filters(const struct view *view);

/* --- scans --------------------------------------------------------------------------------- */

/* As snapshot_scan. A table that is not TABLE_READINGS is scanned as it is. */
MUST_CHECK enum status view_scan(struct view *view, struct snapshot *snapshot,
                                 const struct scan_spec *spec, const struct scan_visitor *visitor,
                                 struct scan_statistics *statistics, struct error *err);
/*
 * Asked of each summary before anything is judged: what it takes is passed over. It sees all that a
 * scan offers, in its order, whatever the view makes of it.
 */
struct view_gate {
    void *context;
    enum status (*summary)(void *context, const struct block_summary *summary, bool *taken);
};
/* As snapshot_scan_shared; with one visitor, as snapshot_scan. */
struct view_visitors {
    const struct scan_visitor *all;
    uint32_t count;
    const struct view_gate *gate; /* NULL: none; else there is one visitor */
};
MUST_CHECK enum status view_scan_shared(struct view *view, struct snapshot *snapshot,
                                        const struct scan_spec *spec,
                                        const struct view_visitors *visitors,
                                        struct scan_statistics *statistics, struct error *err);

/* --- rows that are pulled ------------------------------------------------------------------ */

/*
 * What a view does to runs of rows that come from a scan_cursor.
 *
 * Life cycle: new -> (the cursor is opened with its spec) -> rows* -> free. Borrows the view, and
 *             what the spec points to.
 */
struct view_lens;

/* `*lens` is NULL if rows of the table are to be seen as they are stored. */
MUST_CHECK enum status view_lens_new(struct view_lens **lens, struct view *view,
                                     const struct scan_spec *spec, struct error *err);
void view_lens_free(struct view_lens *lens); /* NULL is fine */

/* The scan with all columns that the view needs. */
const struct scan_spec *view_lens_spec(const struct view_lens *lens);

/* A run of decoded rows. */
struct view_run {
    const struct row_vector *rows; /* NULL: none */
    uint32_t from_row, until_row;
};
/* `run` as the view shows it, valid until the next call; without rows if none of them counts. */
MUST_CHECK enum status view_lens_rows(struct view_lens *lens, struct view_run *run,
                                      struct error *err);

/* The column of a metric in rows that arrive, or NULL; their columns ascend. */
const struct column_vector *view_find_column(const struct row_vector *rows, uint32_t metric);

#endif
