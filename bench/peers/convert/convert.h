/*
 * convert.h - a recorded set as text files for other databases.
 *
 * Bodies are decoded as mnsdb-ingest decodes them, by its pipeline; every delivery becomes a row,
 * redelivered ones too, in order of arrival. Rejected bodies are counted only.
 *
 * Threads: convert_run has its own; one call at a time a directory.
 */
#ifndef MNSDB_BENCH_PEERS_CONVERT_CONVERT_H
#define MNSDB_BENCH_PEERS_CONVERT_CONVERT_H

#include "bench/peers/convert/row_text.h"
#include "engine/base/error.h"

struct convert_totals {
    uint64_t messages; /* deliveries, rejected ones too */
    uint64_t rejected;
    uint64_t rows[TABLE_COUNT];
    int64_t first_ms; /* business time of the rows; both 0 if there are none */
    int64_t last_ms;
};

/* Writes the files of the format into `dir`, which exists; what they held is gone. */
MUST_CHECK enum status convert_run(const char *const *paths, size_t path_count, const char *dir,
                                   enum row_format format, struct convert_totals *totals,
                                   struct error *err);

#endif
