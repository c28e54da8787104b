/*
 * service_internal.h - the parts of a running service, and what opening them shares.
 */
#ifndef MNSDB_INGEST_SERVICE_SERVICE_INTERNAL_H
#define MNSDB_INGEST_SERVICE_SERVICE_INTERNAL_H

#include "ingest/config/settings.h"
#include "ingest/credentials/credentials.h"
#include "ingest/metrics/metrics.h"
#include "ingest/mns/mns.h"
#include "ingest/monitor/monitor.h"
#include "ingest/print/print.h"
#include "ingest/queue/queue_source.h"
#include "ingest/record/record.h"
#include "ingest/service/control.h"
#include "ingest/service/pulse.h"
#include "ingest/service/service.h"
#include "ingest/service/sink.h"
#include "ingest/service/tap.h"
#include "ingest/transport/transport.h"

/* Credentials, a transport, and the queues that use them. */
struct queue_link {
    struct credentials *credentials; /* owned, as all of these */
    struct transport transport;
    struct mns *queues[QUEUE_COUNT_MAX];
    size_t queue_count;
};

MUST_CHECK enum status queue_link_open(struct queue_link *link, const struct queue_options *options,
                                       struct error *err);
void queue_link_close(struct queue_link *link);

struct service {
    const struct ingest_options *options;
    struct settings settings;
    struct decoder_config decoder; /* borrows from `store` or `settings` */
    struct store *store;           /* NULL: a dry run */
    struct recorder *recorder;     /* or NULL */
    struct printer *printer;       /* or NULL */
    struct queue_link link;
    struct ingest_metrics metrics;
    struct monitor *monitor; /* or NULL */
    struct source queue_source;
    struct source source; /* the tap around it */
    struct tap tap;
    struct sink sink;
    struct pulse pulse;
    struct control control;
};

/* Tells people about a failure, without secrets. */
void service_report_failure(const struct queue_options *options, struct error *err);

/* The exit code for an answer that ended the work: 6 if credentials were refused, else 5. */
enum exit_code service_exit_of(enum wire_verdict verdict);

/* service_parts.c: opens everything in order; service_close takes back what was opened. */
MUST_CHECK enum status service_open(struct service *service, struct error *err);
void service_close(struct service *service);

#endif
