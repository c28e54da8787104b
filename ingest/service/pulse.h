/*
 * pulse.h - what a running ingest tells about itself: metrics, a line a minute, systemd.
 *
 * Private to this folder. Threads: the committer's.
 */
#ifndef MNSDB_INGEST_SERVICE_PULSE_H
#define MNSDB_INGEST_SERVICE_PULSE_H

#include "engine/store/store.h"
#include "ingest/metrics/metrics.h"

#include <stdbool.h>
#include <stdint.h>

#define PULSE_SPACE_MS  1000  /* how often the store's size is looked at, at most */
#define PULSE_REPORT_MS 60000 /* how often a summary is logged */

struct credentials;

struct pulse {
    struct ingest_metrics *metrics;        /* borrowed, as the others */
    struct kv *kv;                         /* of the store, or NULL */
    const struct credentials *credentials; /* or NULL */
    int64_t space_ms;                      /* monotonic; when the size was looked at */
    int64_t reported_ms;                   /* monotonic */
    struct commit_result reported;         /* counts at that time */
    uint64_t reported_commits;
    bool is_ready; /* systemd was told */
};

void pulse_begin(struct pulse *pulse);

/* A commit is on disk. */
void pulse_commit(struct pulse *pulse, const struct commit_result *result, int64_t elapsed_us);

/* Call at least each 100 ms, whatever else is waited for. */
void pulse_beat(struct pulse *pulse);

/* Why nothing is received; PAUSE_NONE ends only the pause `was`. */
void pulse_pause(struct ingest_metrics *metrics, enum ingest_pause pause);
void pulse_resume(struct ingest_metrics *metrics, enum ingest_pause was);

#endif
