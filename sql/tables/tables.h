/*
 * tables.h - a store as tables of an SQLite connection.
 *
 *      readings  status            rows of the store, pulled block by block
 *      sessions  devices  metrics  what the commands of those names answer
 *      stats  online  excursions   the same, asked with arguments: stats('temperature', 'device')
 *      rejects                     bodies kept, a page at a time
 *
 * All are read-only and eponymous: they are there without `create virtual table`, which serves
 * to name another store (`create virtual table temp.r using readings('DIR')`). With them come the
 * collations mnsdb_time (texts of times, by instant) and mnsdb_id (ids, by number) and the
 * functions mnsdb_time(ms) and mnsdb_ms(text).
 *
 * Readings are seen through aliases and expressions (query/view), as in the commands: in
 * `readings`, `metrics`, `stats` and `excursions`.
 *
 * One commit: a store is read through one snapshot, which holds the newest commit from the
 * opening of a statement's first cursor to the closing of its last; tables_hold makes that span
 * longer. A statement left unfinished holds the store's old pages.
 *
 * Life cycle: register -> (hold -> statements -> release)* -> the connection is closed, and with
 *             it goes all of this. LMDB allows a process one environment of a store, so two
 *             connections of one process cannot have the same store open.
 * Threads:    as the connection.
 */
#ifndef MNSDB_SQL_TABLES_TABLES_H
#define MNSDB_SQL_TABLES_TABLES_H

#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "engine/snapshot/snapshot.h"
#include "query/view/view.h"
#include "sql/sqlite/sqlite.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLES_TIME_COLLATION "mnsdb_time"
#define TABLES_ID_COLLATION   "mnsdb_id"

struct tables; /* of one connection */

struct tables_options {
    const char *dir;        /* of the store that eponymous tables show; copied */
    struct civil_zone zone; /* of times as text */
    bool has_now;
    int64_t now_ms;        /* what "now" means, if has_now; else it is the clock's */
    bool may_choose_store; /* the function mnsdb_open(DIR), and tables with an argument */
    bool configured;       /* aliases are those of the environment and of files, else: */
    const struct alias_list *aliases; /* borrowed; NULL: none */
    const char *const *expressions;   /* borrowed; which readings count: all must hold */
    size_t expression_count;
};

/* The name of the i-th table; NULL behind the last. */
const char *tables_name(size_t i);

/* The connection owns `*tables`. On failure it may hold some of the modules: close it. */
MUST_CHECK enum status tables_register(sqlite3 *db, const struct tables_options *options,
                                       struct tables **tables, struct error *err);

/* Opens the store and holds its newest commit. */
MUST_CHECK enum status tables_hold(struct tables *tables, struct error *err);
void tables_release(struct tables *tables);

/* The last failure of a store that ended a statement; its status is STATUS_OK if there was none. */
const struct error *tables_failure(const struct tables *tables);

/*
 * Whether a statement of that shape can be answered from parts of groups: then its rewritten text
 * can be prepared, once, and the shape must live as long as the statement. Without an authorizer.
 * Where such a statement fails, the one that it was written from must be run.
 */
struct shape;
MUST_CHECK enum status tables_answer_shape(struct tables *tables, const struct shape *shape,
                                           bool *can, struct error *err);
void tables_forget_failure(struct tables *tables);

/* How readings of the store that is held are seen. */
const struct view *tables_view(const struct tables *tables);

/* What scans did so far. */
const struct scan_statistics *tables_statistics(const struct tables *tables);

#endif
