/*
 * excursion_internal.h - readings of the selected devices, device by device, for this folder.
 */
#ifndef MNSDB_QUERY_EXCURSION_EXCURSION_INTERNAL_H
#define MNSDB_QUERY_EXCURSION_EXCURSION_INTERNAL_H

#include "query/excursion/excursion.h"

#define NO_DEVICE UINT32_MAX

/* A metric that was asked for. */
struct excursion_metric {
    struct slice name; /* as it is answered */
    uint32_t number;   /* the store's, if known */
    bool known;
    struct excursion_series series; /* of the device at hand */
};

/* Who takes the devices one by one, each with its series filled. */
struct excursion_visitor {
    void *context;
    enum status (*device)(void *context, uint32_t device, struct error *err);
};

struct excursion_reader {
    const struct excursion_spec *spec;
    struct snapshot *snapshot;
    struct excursion_metric *metrics; /* owned; in order of columns */
    size_t metric_count;
    uint32_t *numbers; /* owned; of the known metrics, ascending: for the scan */
    uint32_t number_count;
    uint32_t device; /* at hand, or NO_DEVICE */
    const struct excursion_visitor *visitor;
    struct error *err;
};

/* Chooses the metrics. */
MUST_CHECK enum status excursion_reader_init(struct excursion_reader *reader,
                                             struct snapshot *snapshot,
                                             const struct excursion_spec *spec, struct error *err);
void excursion_reader_release(struct excursion_reader *reader);

/* All readings with from_ms <= time < until_ms (TIME_MS_MIN, TIME_MS_MAX: no bound). */
MUST_CHECK enum status excursion_read(struct excursion_reader *reader, int64_t from_ms,
                                      int64_t until_ms, const struct excursion_visitor *visitor,
                                      struct scan_statistics *statistics, struct error *err);

/* True if the value lies beyond the limit. */
bool excursion_is_beyond(const struct excursion_limit *limit, struct number value);

#endif
