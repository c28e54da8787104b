/*
 * service.h - continuous ingest: everything between the command line and the parts.
 *
 *      queues ─> queue_source ─> pipeline ─> sink { record flush, store_commit, upkeep } ─> deletes
 *                                   │
 *                                 metrics ─> monitor (HTTP, systemd)
 *
 * One function decides what a failure means (service_fate): no room pauses and resumes by itself;
 * a failed disk ends the process with nothing deleted after it; the network and the
 * credentials are waited for, except by --once.
 *
 * SIGTERM and SIGINT: nothing more is received, what was is committed and deleted, within the drain
 * limit. SIGHUP: credentials and the log level are read again.
 *
 * Threads: called by one; it starts the others and has joined them when it returns.
 */
#ifndef MNSDB_INGEST_SERVICE_SERVICE_H
#define MNSDB_INGEST_SERVICE_SERVICE_H

#include "cli/exit_code.h"
#include "ingest/config/options.h"
#include "ingest/report/summary.h"

/*
 * Runs until stopped or, with --once, until the queues are empty. `summary` is filled in any case.
 */
enum exit_code service_run(const struct ingest_options *options, struct summary *summary);

/* --queue-status: prints a queue's counts and attributes on stdout. */
enum exit_code service_queue_status(const struct ingest_options *options);

/* What to do about a failed commit or flush. */
enum service_fate {
    SERVICE_RETRY, /* no room: wait and try the same again */
    SERVICE_END,   /* nothing more may be acknowledged */
};
enum service_fate service_fate(enum status status);

#endif
