/*
 * ingest_client.h - one page of metrics, fetched from this machine by plain HTTP.
 *
 * Only loopback addresses are asked: 127.x.y.z, [::1] and localhost (which is taken for 127.0.0.1;
 * no name is looked up). A page takes INGEST_FETCH_MS and INGEST_REPLY_BYTES_MAX at most.
 *
 * Threads: plain functions.
 */
#ifndef MNSDB_QUERY_WATCH_INGEST_CLIENT_H
#define MNSDB_QUERY_WATCH_INGEST_CLIENT_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stdbool.h>
#include <sys/socket.h>

#define INGEST_FETCH_MS        500
#define INGEST_REPLY_BYTES_MAX ((size_t)1024 * 1024)
#define INGEST_PATH_BYTES      256u

struct ingest_address {
    struct sockaddr_storage socket;
    socklen_t socket_len;
    char path[INGEST_PATH_BYTES]; /* "/metrics" */
};

/* "http://127.0.0.1:9464/metrics", the path may be missing. STATUS_INPUT says what is wrong. */
MUST_CHECK enum status ingest_address_parse(const char *url, struct ingest_address *address,
                                            struct error *err);

/* The page, borrowed from `reply`. STATUS_MISSING says why there is none. */
MUST_CHECK enum status ingest_fetch(const struct ingest_address *address, struct buffer *reply,
                                    struct slice *page, struct error *err);

/* The body of a whole reply with status 200; false if it is none. A reply in chunks is none. */
MUST_CHECK bool ingest_reply_body(struct slice reply, struct slice *body);

#endif
