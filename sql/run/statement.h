/*
 * statement.h - one select statement over a store: checked, run, its rows spooled.
 *
 * Everything but selecting is refused: SQLite is asked to allow reading and calling functions
 * and nothing else, the database is an empty one in memory, nothing can be attached or loaded.
 *
 * The store is held at one commit while the statement runs, and let go of before a row is handed
 * out.
 *
 * Life cycle: zero-initialise -> run -> read columns and rows -> release.
 * Threads:    one at a time.
 */
#ifndef MNSDB_SQL_RUN_STATEMENT_H
#define MNSDB_SQL_RUN_STATEMENT_H

#include "engine/civil/civil.h"
#include "engine/snapshot/snapshot.h"
#include "query/answer/answer.h"
#include "query/view/view.h"
#include "sql/run/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The memory that SQLite may take; beyond it sorts go to files, and what cannot fails. */
#define STATEMENT_MEMORY_BYTES (INT64_C(1) << 30)
#define STATEMENT_SQL_BYTES    (1 << 20)
#define STATEMENT_VALUE_BYTES  (64 << 20) /* a single text or blob */

struct command_values;

struct statement_spec {
    const char *dir; /* of the store */
    const char *sql;
    const struct civil_zone *zone; /* of times as text */
    int64_t now_ms;
    const struct command_values *values; /* which readings count, and their names; NULL: all */
    bool has_limit;
    uint64_t limit; /* rows */
    bool has_timeout;
    int64_t timeout_ms;
    bool row_by_row; /* aggregates of readings are left to SQLite */
};

/* What a statement came to. */
struct statement {
    struct answer header; /* columns only; the kind tells numbers from texts */
    struct spool rows;
    struct scan_statistics statistics;
    struct view_statistics seen; /* what expressions left out */
    bool has_place;              /* of a mistake in the statement: */
    size_t place_bytes;          /* the byte it begins at */
};

/*
 * STATUS_INPUT: the statement is wrong, has_place perhaps tells where. STATUS_STOPPED: it took
 * longer than it may. Others are of the store, of memory (STATUS_NOMEM) and of temporary files
 * (STATUS_FULL).
 */
MUST_CHECK enum status statement_run(struct statement *statement, const struct statement_spec *spec,
                                     struct error *err);
void statement_release(struct statement *statement);

#endif
