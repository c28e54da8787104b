/*
 * view_internal.h - one thread's scan through a view; for query/view only.
 */
#ifndef MNSDB_QUERY_VIEW_VIEW_INTERNAL_H
#define MNSDB_QUERY_VIEW_VIEW_INTERNAL_H

#include "engine/base/arena.h"
#include "query/view/view.h"

/* Stands between a scan and its visitor. */
struct view_worker {
    const struct view *view;
    const struct scan_spec *spec; /* as the query asked: which columns it wants */
    const struct scan_visitor *visitor;
    struct view_statistics statistics;

    /* Scratch memory. */
    struct filter_scratch filter_scratch;
    const struct column_vector **filter_columns; /* owned; by place in the filter's metrics */
    struct filter_extent *extents;               /* owned; likewise */
    uint64_t holds[FILTER_WORDS];
    uint32_t kept[BLOCK_ROWS_MAX];
    struct column_vector *columns; /* owned; of the rows handed on */
    size_t column_capacity;
    struct column_summary *summaries; /* owned; of the summary handed on */
    size_t summary_capacity;
    struct arena arena; /* columns put together or cut; reset with every run */
};

MUST_CHECK enum status view_worker_init(struct view_worker *worker, const struct view *view,
                                        const struct scan_spec *spec,
                                        const struct scan_visitor *visitor);
void view_worker_release(struct view_worker *worker);

/* True if rows of the table arrive as they are stored. */
bool view_is_plain(const struct view *view, const struct scan_spec *spec);

/* The scan with all columns that the view needs; `*numbers` holds them, the caller's to free. */
MUST_CHECK enum status view_widen(const struct view *view, const struct scan_spec *spec,
                                  struct scan_spec *wide, uint32_t **numbers);

/* The visitor's functions; `context` is a worker. */
MUST_CHECK enum status view_take_rows(void *context, const struct row_vector *rows,
                                      uint32_t from_row, uint32_t until_row);
MUST_CHECK enum status view_take_summary(void *context, const struct block_summary *summary,
                                         bool *taken);

/* True if the query wants the column of this metric, a group's number. */
bool view_wants(const struct scan_spec *spec, uint32_t metric);

/*
 * The column of a metric as answered, over rows [from_row, until_row): put together from its
 * group's columns where there are several. A metric of 0 present values: no row has one.
 */
MUST_CHECK enum status view_merge_column(struct arena *arena, const struct alias_map *aliases,
                                         const struct row_vector *rows, uint32_t metric,
                                         const uint32_t bounds[2], struct column_vector *merged);

/* The rows `kept` of a column, `count` of them, ascending. */
MUST_CHECK enum status view_cut_column(struct arena *arena, const struct column_vector *column,
                                       const uint32_t *kept, uint32_t count,
                                       struct column_vector *cut);

#endif
