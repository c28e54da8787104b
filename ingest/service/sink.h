/*
 * sink.h - commits that wait for room, and no others.
 *
 *      pipeline -> sink -> before() what must be durable first -> inner.commit -> committed()
 *                   ^  no room: paused(true), wait(), once more ... success: paused(false)
 *
 * Private to this folder. Threads: the committer's.
 */
#ifndef MNSDB_INGEST_SERVICE_SINK_H
#define MNSDB_INGEST_SERVICE_SINK_H

#include "ingest/pipeline/pipeline.h"

#include <stdbool.h>
#include <stdint.h>

#define SINK_WAIT_MS_FIRST  100
#define SINK_WAIT_MS_MAX    5000
#define SINK_REPORT_MS      60000 /* how often a wait is reported */
#define SINK_UPKEEP_REST_MS 10000 /* after upkeep found no room */

/* All are called by the committer. */
struct sink_hooks {
    void *context;
    /* Makes durable what must be so before the commit; may be tried again after STATUS_FULL. */
    enum status (*before)(void *context, struct error *err);
    void (*committed)(void *context, const struct commit_result *result, int64_t elapsed_us);
    void (*failed)(void *context);
    void (*paused)(void *context, bool paused);
    /* False: the service ends, and there is no time to wait. */
    bool (*wait)(void *context, int64_t wait_ms);
    /* True: the time to end in is over, and nothing more is to be begun. */
    bool (*is_over)(void *context);
};

struct sink {
    struct pipeline_sink inner; /* borrowed */
    struct sink_hooks hooks;
    enum status failure; /* of the commit or upkeep that ended the run; OK: neither did */
    bool upkeep_is_full;
    int64_t upkeep_rests_until_ms; /* monotonic */
};

void sink_init(struct sink *sink, const struct pipeline_sink *inner,
               const struct sink_hooks *hooks);

/* As a pipeline sees it. STATUS_STOPPED: is_over() said so. */
struct pipeline_sink sink_for_pipeline(struct sink *sink);

/* Counts what would be stored, and stores nothing; of duplicates it knows none. */
struct pipeline_sink counting_sink(void);

#endif
