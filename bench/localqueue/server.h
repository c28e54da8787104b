/*
 * server.h - the queues over HTTP, on the loopback address only.
 *
 * Life cycle: server_open (it listens) -> server_run (until a signal, cli/signals.h)
 *             -> server_close.
 * Threads:    one, which does everything; a long poll is a suspended connection.
 */
#ifndef MNSDB_BENCH_LOCALQUEUE_SERVER_H
#define MNSDB_BENCH_LOCALQUEUE_SERVER_H

#include "bench/localqueue/attributes.h"
#include "bench/localqueue/faults.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct server_config {
    uint16_t port; /* 0: any */
    struct slice key_id;
    struct slice secret;
    const char *dir;           /* NULL: in memory */
    const char *const *queues; /* to be there from the start; names are valid */
    size_t queue_count;
    struct attributes attributes; /* of these */
    struct fault_config faults;
    uint64_t bytes_max; /* of all messages */
    size_t polls_max;   /* waiting at once */
};

struct server;

/* `config` and what it points to outlive the server. */
MUST_CHECK enum status server_open(struct server **server, const struct server_config *config,
                                   struct error *err);

/* "http://127.0.0.1:8080"; lives as long as the server. */
const char *server_endpoint(const struct server *server);

/* Bytes of an unfinished end that were cut off the journal. */
uint64_t server_dropped_bytes(const struct server *server);

/* Returns after a signal; a failure is the journal's or the system's. */
MUST_CHECK enum status server_run(struct server *server, struct error *err);

void server_close(struct server *server); /* NULL is fine */

#endif
