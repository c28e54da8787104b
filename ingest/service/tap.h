/*
 * tap.h - looks at every body between the queue and the decoders.
 *
 *      queue source ─> tap ─> pipeline          record: into the recorder's memory, masked
 *                       │                       print: a line on stdout, flushed by delivery
 *                 record, print, enqueue times
 *
 * A source around a source. Bodies are seen once, in order. It remembers the enqueue times
 * of what is on its way, so that an acknowledgement tells how old its oldest message was.
 *
 * Private to this folder.
 * Life cycle: open -> as a source -> close.
 * Threads:    as source.h; tap_flush by the committer.
 */
#ifndef MNSDB_INGEST_SERVICE_TAP_H
#define MNSDB_INGEST_SERVICE_TAP_H

#include "ingest/decode/decode.h"
#include "ingest/metrics/metrics.h"
#include "ingest/print/print.h"
#include "ingest/record/record.h"
#include "ingest/source/source.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TAP_PENDING_MAX 256u /* deliveries: as many as a pipeline holds */

struct tap_config {
    struct source *inner; /* borrowed, as all of these */
    const struct decoder_config *decoder;
    struct recorder *recorder; /* or NULL */
    struct printer *printer;   /* or NULL */
    FILE *output;              /* of the printer */
    struct ingest_metrics *metrics;
    /* The oldest enqueue time of a delivery, UTC; 0: not known. */
    int64_t (*oldest_ms)(const struct source *inner, uint64_t token);
    /* Printing is over: the reader went away, or a write failed. */
    void (*printing_ended)(void *context);
    void *context;
};

struct tap_delivery {
    uint64_t token;
    int64_t oldest_ms;
};

struct tap {
    struct tap_config config;
    struct decoder decoder; /* its own, for masking */
    bool masks;             /* `decoder` is there */
    bool printing_failed;
    pthread_mutex_t lock;                         /* of what follows, and of the recorder */
    struct tap_delivery pending[TAP_PENDING_MAX]; /* a ring, in order */
    uint64_t first, last;                         /* positions; last is one behind the newest */
};

MUST_CHECK enum status tap_open(struct tap *tap, const struct tap_config *config,
                                struct source *source, struct error *err);
void tap_close(struct tap *tap);

/* recorder_flush, beside deliveries that are being recorded. Nothing without a recorder. */
MUST_CHECK enum status tap_flush(struct tap *tap, struct error *err);

#endif
