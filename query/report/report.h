/*
 * report.h - `report`: one page about a store, for people.
 *
 *      snapshot ──collect──▶ struct report ──write──▶ one HTML page
 *               (reads)      (all in memory)  (may block: reads nothing)
 *
 * The page is one file: pictures are inline SVG, there is no script and nothing
 * is fetched. The same store and the same options make the same bytes.
 *
 * Bounds: memory is that of `online` for the selected devices; the page draws at most
 * REPORT_LANES_MAX devices, the worst, and says what it leaves out.
 *
 * Life cycle: collect -> write* -> free. Names are the snapshot's: it outlives the report, but may
 *             be paused.
 * Threads:    one at a time.
 */
#ifndef MNSDB_QUERY_REPORT_REPORT_H
#define MNSDB_QUERY_REPORT_REPORT_H

#include "engine/base/error.h"
#include "engine/civil/civil.h"
#include "engine/snapshot/snapshot.h"
#include "query/bucket/bucket.h"
#include "query/selection/selection.h"
#include "query/timeline/timeline.h"

#include <stddef.h>
#include <stdio.h>

#define REPORT_LANES_MAX   6000u
#define REPORT_METRICS_MAX 24u

struct report_spec {
    const struct selection *selection;    /* its devices listed (selection_sort) */
    const struct selection_spec *request; /* as asked for: to tell it */
    const struct civil_zone *zone;
    struct timeline_rules rules;
    const struct slice *metrics; /* names */
    size_t metric_count;         /* 0: temperature and humidity if the store has them, else all */
    const struct bucket_width *every; /* of the charts; NULL: as the range asks for */
    const char *title;                /* or NULL */
    const char *store_dir;     /* as given, for commands that show more; NULL: none was given */
    const char *const *values; /* words of the line that say which readings count, and their */
    size_t value_count;        /* names: to tell it, and for those commands */
};

struct report;

/* What `spec` points to is borrowed until report_free. On failure nothing is left to free. */
MUST_CHECK enum status report_collect(struct report **report, struct snapshot *snapshot,
                                      const struct report_spec *spec,
                                      struct scan_statistics *statistics, struct error *err);
void report_free(struct report *report); /* NULL is fine */

/* Errors stay in the FILE: look at ferror() when all is written. */
void report_write(const struct report *report, FILE *out);

#endif
