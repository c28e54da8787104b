/*
 * monitor_internal.h - the parts of the monitor.
 */
#ifndef MNSDB_INGEST_MONITOR_MONITOR_INTERNAL_H
#define MNSDB_INGEST_MONITOR_MONITOR_INTERNAL_H

#include "engine/base/bytes.h"
#include "ingest/monitor/monitor.h"

#include <microhttpd.h>
#include <sys/socket.h>

#define MONITOR_CONNECTIONS_MAX      32u
#define MONITOR_CONNECTION_MS_MAX    10000 /* from accept to close, whatever is sent in between */
#define MONITOR_CONNECTION_BYTES_MAX 32768u

/* --- what moves ------------------------------------------------------------------------------ */

/* Counters that must go on growing, as somebody sees them who looks now and then. */
struct progress_watch {
    uint64_t last[PROGRESS_LOOPS];
    int64_t moved_ms[PROGRESS_LOOPS]; /* when each was last seen to have grown */
};

void progress_watch_begin(struct progress_watch *watch, int64_t now_ms);

/* Looks. Returns for how long the slowest has not moved. */
int64_t progress_watch_look(struct progress_watch *watch, const struct ingest_metrics *metrics,
                            int64_t now_ms);

/* --- addresses ------------------------------------------------------------------------------- */

struct listen_address {
    struct sockaddr_storage address;
    socklen_t len;
    bool is_loopback;
};

/* "127.0.0.1:9469", "[::1]:9469", "localhost:9469" or ":9469". STATUS_CONFIG says what else. */
MUST_CHECK enum status listen_address_parse(struct listen_address *address, const char *text,
                                            struct error *err);

/* A listening socket, and the port it got. STATUS_CONFIG: the address cannot be used. */
MUST_CHECK enum status listen_open(const struct listen_address *address, const char *text, int *fd,
                                   uint16_t *port, struct error *err);

/* --- answers --------------------------------------------------------------------------------- */

struct answers {
    const struct ingest_metrics *metrics; /* borrowed */
    struct progress_watch watch;
    struct buffer page; /* owned; reused by every scrape */
};

/* For MHD_start_daemon; its context is the answers. */
enum MHD_Result answer_request(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_len, void **request);

#endif
