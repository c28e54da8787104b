/*
 * online.h - `online` and `sessions`: timelines of devices, cut into ranges and buckets.
 *
 * The timeline of a device is built from all its status events, whatever the range
 * asked for: a session before the range, or an offline event behind it that tells of
 * an earlier last contact, changes what the range holds.
 *
 * Threads: one query a snapshot at a time.
 */
#ifndef MNSDB_QUERY_ONLINE_ONLINE_H
#define MNSDB_QUERY_ONLINE_ONLINE_H

#include "engine/base/error.h"
#include "engine/snapshot/snapshot.h"
#include "query/answer/answer.h"
#include "query/bucket/bucket.h"
#include "query/selection/selection.h"
#include "query/timeline/timeline.h"

enum online_by {
    ONLINE_BY_DEVICE,
    ONLINE_BY_PRODUCT,
    ONLINE_BY_NONE,
};

/* The most buckets a range may be cut into. */
#define ONLINE_BUCKETS_MAX ((size_t)1 << 24)

struct online_spec {
    const struct selection *selection; /* its devices listed (selection_sort) */
    struct timeline_rules rules;
    const struct bucket_width *every; /* NULL: no buckets; `sessions` has none */
    const struct civil_zone *zone;    /* of the buckets */
    enum online_by by;
    bool reliability; /* more fields: see query/reliability */
    int64_t flap_ms;  /* with reliability: sessions shorter than this are flaps */
};

/*
 * Fills an empty answer with the fields of `online`, rows by name and time. With reliability
 * come `failures`, `mtbf_ms` (online time a failure), `repairs`, `mttr_ms` (length of the outages
 * repaired, a repair), `flaps`, `longest_outage_ms` and `longest_outage_start`; averages are
 * rounded to the nearest millisecond, half a millisecond up.
 */
MUST_CHECK enum status online_query(struct snapshot *snapshot, const struct online_spec *spec,
                                    struct answer *answer, struct scan_statistics *statistics,
                                    struct error *err);

/*
 * The same rows by device, made as they are asked for: an answer of any length in the memory of
 * its events and buckets. Opening reads the snapshot, which may be paused from then on, and gives
 * an empty answer its fields; what `spec` points to is borrowed until the end.
 *
 * Life cycle: open -> next* -> free.
 */
struct online_rows;

MUST_CHECK enum status online_rows_open(struct online_rows **rows, struct snapshot *snapshot,
                                        const struct online_spec *spec, struct answer *answer,
                                        struct scan_statistics *statistics, struct error *err);
/* `*cells` are valid until the next call; NULL behind the last row. */
MUST_CHECK enum status online_rows_next(struct online_rows *rows, const struct answer_cell **cells,
                                        struct error *err);
void online_rows_free(struct online_rows *rows); /* NULL is fine */

/* Fills an empty answer with the fields of `sessions`, rows by start and device. */
MUST_CHECK enum status sessions_query(struct snapshot *snapshot, const struct online_spec *spec,
                                      struct answer *answer, struct scan_statistics *statistics,
                                      struct error *err);

/* --- histories, also for `last` ------------------------------------------------------------ */

/* All status events of the selected devices, device after device. */
struct event_history {
    struct status_event *events; /* owned */
    size_t count, capacity;
    struct device_places places;
    size_t *starts;        /* owned; by place: the device's first event; one more at the end */
    uint32_t latest_place; /* while reading: of the newest event's device */
};

MUST_CHECK enum status event_history_read(struct event_history *history, struct snapshot *snapshot,
                                          const struct selection *selection,
                                          struct scan_statistics *statistics, struct error *err);
void event_history_release(struct event_history *history);

/* The events of a selected device. */
const struct status_event *event_history_of(const struct event_history *history, uint32_t device,
                                            size_t *count);

/* Say that a device's events will be read soon: where they begin, some devices later these. */
void event_history_fetch_start(const struct event_history *history, uint32_t device);
void event_history_fetch(const struct event_history *history, uint32_t device);

/* The timeline of one device; an empty one if it has no events. */
MUST_CHECK enum status event_history_timeline(const struct event_history *history, uint32_t device,
                                              const struct timeline_rules *rules,
                                              struct timeline *timeline, struct error *err);

#endif
