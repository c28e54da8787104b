/*
 * scripted_server.h - an HTTP server on loopback that says exactly what a test tells it to.
 *
 *      test --(replies, one a request)--> server thread <--> the transport under test
 *
 * The thread serves any number of connections at once. It answers the n-th request of all with
 * the n-th reply of the script, and with the last one when the script has run out.
 *
 * Life cycle: start -> ... -> stop. Between them the test may look at what came in.
 * Threads:    one of its own; the functions are for the test's.
 */
#ifndef MNSDB_TESTS_UNIT_SCRIPTED_SERVER_H
#define MNSDB_TESTS_UNIT_SCRIPTED_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum script_end {
    SCRIPT_KEEP,    /* the connection stays for the next request */
    SCRIPT_CLOSE,   /* closed after the reply */
    SCRIPT_RESET,   /* closed with RST */
    SCRIPT_SILENCE, /* nothing more comes, nothing is closed */
    SCRIPT_DRIP,    /* a byte of `drip` every 20 ms, for ever */
    SCRIPT_FLOOD,   /* `drip` again and again, as fast as it goes */
};

struct script_reply {
    const char *text; /* static; sent as it is */
    enum script_end end;
    const char *drip; /* static */
};

struct scripted_server;

/* `replies` outlive the server. */
struct scripted_server *scripted_server_start(const struct script_reply *replies, size_t count);
void scripted_server_stop(struct scripted_server *server);

/* "http://127.0.0.1:1234"; lives as long as the server. */
const char *scripted_server_base(const struct scripted_server *server);
unsigned scripted_server_port(const struct scripted_server *server);

unsigned scripted_server_requests(struct scripted_server *server);
unsigned scripted_server_connections(struct scripted_server *server);

/* The n-th request as it came, headers and body; lives until the server stops. */
const char *scripted_server_request(struct scripted_server *server, unsigned index);

/* Closes, at the server's side, every connection that waits for its next request. */
void scripted_server_drop_idle(struct scripted_server *server);

#endif
