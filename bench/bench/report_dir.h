/*
 * report_dir.h - a directory of figures becomes a report.
 *
 *      DIR/M.json, W.json, kernels.json, ...  ──▶  DIR/report.md, DIR/M-ingest.svg, ...
 *
 * Files whose JSON has a "kind" that is not known, or that are no JSON of ours, are left alone
 * with a warning.
 *
 * Threads: one.
 */
#ifndef MNSDB_BENCH_BENCH_REPORT_DIR_H
#define MNSDB_BENCH_BENCH_REPORT_DIR_H

#include "bench/bench/set_result.h"
#include "engine/base/error.h"

#include <stdbool.h>

#define REPORT_FILE_BYTES_MAX ((size_t)32 << 20) /* of one JSON file */

/* Makes the directory if it is not there. */
MUST_CHECK enum status report_dir_make(const char *dir, struct error *err);

/* Writes DIR/NAME.json. */
MUST_CHECK enum status report_dir_put(const char *dir, const struct set_result *result,
                                      struct error *err);

/*
 * Writes the report and its charts. STATUS_INPUT if there are no figures, or only figures that
 * cannot be read. `wrong`: some answer in them differs.
 */
MUST_CHECK enum status report_dir_render(const char *dir, bool *wrong, struct error *err);

#endif
