/*
 * spool.h - the rows of an answer, kept until the store was let go of.
 *
 *      put* ──▶ memory ──▶ an unnamed temporary file (once they are more) ──▶ rewind ──▶ next*
 *
 * Rows come back in the order they went in. Cells are null, counts, doubles and texts.
 *
 * Life cycle: zero-initialise, set memory_bytes -> put* -> rewind -> next* -> release.
 * Threads:    one at a time.
 */
#ifndef MNSDB_SQL_RUN_SPOOL_H
#define MNSDB_SQL_RUN_SPOOL_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "query/answer/answer.h"

#include <stdbool.h>
#include <stdint.h>

/* Rows beyond this many bytes go to the file. */
#define SPOOL_MEMORY_BYTES ((size_t)64 << 20)

struct spool {
    size_t memory_bytes; /* 0: SPOOL_MEMORY_BYTES */
    struct buffer bytes; /* owned; rows not in the file; after rewind: read but not used up */
    size_t used;         /* bytes of it that were handed out */
    bool has_file;
    int file; /* if has_file */
    uint64_t file_bytes;
    uint64_t file_read;
    uint64_t row_count;
};

/* Texts are copied. STATUS_FULL if the temporary file cannot be written. */
MUST_CHECK enum status spool_put(struct spool *spool, const struct answer_cell *cells, size_t count,
                                 struct error *err);

/* The end of putting. */
MUST_CHECK enum status spool_rewind(struct spool *spool, struct error *err);

/* The cells of the next row, as many as were put; texts live until the next call. */
MUST_CHECK enum status spool_next(struct spool *spool, struct answer_cell *cells, size_t count,
                                  bool *more, struct error *err);

void spool_release(struct spool *spool);

#endif
